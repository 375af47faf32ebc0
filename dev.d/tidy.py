"""clang-tidy over the sources, remembering what was clean. Called by `./dev lint`.

A file is checked again when it, a header of ours that it reaches, .clang-tidy or its compile command changed; the
memory is build/tidy/. Findings are printed as clang-tidy prints them, and any error makes the exit status 1.
It does not check system headers and does not fix anything.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMORY = ROOT / "build" / "tidy"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def reached(path, seen):
    """The file and every header of ours that it includes, directly or not."""
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        for base in (ROOT / "src", ROOT, path.parent):
            reached(base / name, seen)
    return seen


def key(entry):
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    digest.update(entry["command"].encode())
    for path in sorted(reached(pathlib.Path(entry["file"]), {ROOT / "src/base/precompiled.h"})):
        digest.update(str(path).encode() + path.read_bytes())
    return MEMORY / digest.hexdigest()


def check(entry):
    done = subprocess.run(
        ["clang-tidy-19", "--quiet", "-p", "build/dev", entry["file"]],
        cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def changed_files():
    done = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {ROOT / line[3:] for line in done.stdout.splitlines()}


def main(arguments):
    which = arguments[0] if arguments else "all"
    if which not in ("all", "changed"):
        sys.exit(f"dev lint: expected 'all' or 'changed', not '{which}'")
    entries = json.loads((ROOT / "build/dev/compile_commands.json").read_text(encoding="utf-8"))
    # The entries for precompiled headers are build products, not sources.
    entries = [e for e in entries if pathlib.Path(e["file"]).is_relative_to(ROOT / "src")]
    if which == "changed":
        wanted = changed_files()
        entries = [e for e in entries if wanted & reached(pathlib.Path(e["file"]), set())]
    MEMORY.mkdir(parents=True, exist_ok=True)
    due = [e for e in entries if not key(e).exists()]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for entry, (status, text) in zip(due, pool.map(check, due)):
            if status == 0 and not text.strip():
                key(entry).touch()
                continue
            failed += 1
            print(text, end="", flush=True)
    print(f"clang-tidy: {len(entries)} files, {len(entries) - len(due)} unchanged since they were clean, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
