#!/usr/bin/env python3
"""How long the gateway needs to read and compile a file, by number of routes: bench/compile_time.py [WEIR] [ROUTES...]

Off the serving threads, but it decides how soon a saved file is in force. The promise: 2,000 routes in at most 300 ms.
Prints the median of five runs of `weir check --verbose` and fails if the promise is broken.
"""

import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

PROMISE = {2000: 300}  # routes: ms to compile
HEADERS = '{name: headers, config: {request: {set: {x-shard: "s%d"}}}}'
CORS = '{name: cors, config: {allow_origins: ["https://app.example.com"]}}'


def document(routes):
    """Half of the routes have a host of 40, all a capture and a glob, two filters and one of 50 upstreams."""
    lines = ["listeners: [{address: '127.0.0.1:8080'}]", "upstreams:"]
    lines += [f"  - {{name: s{i}, targets: [{{address: 10.0.0.{i}:80}}, {{address: 10.0.1.{i}:80}}]}}" for i in range(1, 51)]
    lines += ["plugin_chain: [trace_context]", "routes:"]
    for i in range(routes):
        hosts = f"hosts: [h{i % 40}.example.com], " if i % 2 else ""
        chain = f"[{HEADERS % (i % 7)}, {CORS}]"
        lines.append(
            f'  - {{route_id: r{i}, {hosts}path_pattern: "/api/v{i % 3}/s{i}/{{id}}/items/**", http_methods: [GET, POST], '
            f'upstream_url: "http://s{1 + i % 50}/v{i % 4}", plugin_chain: {chain}}}'
        )
    return "\n".join(lines) + "\n"


def measure(weir, routes):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "weir.yaml"
        file.write_text(document(routes))
        runs = [subprocess.run([weir, "check", "--verbose", file], capture_output=True, text=True, check=True) for _ in range(5)]
    found = [re.search(r"read in ([\d.]+) ms, compiled in ([\d.]+) ms", run.stdout).groups() for run in runs]
    return [statistics.median(float(one[i]) for one in found) for i in (0, 1)]


def main():
    weir = sys.argv[1] if len(sys.argv) > 1 else "build/release/weir"
    broken = False
    for routes in [int(word) for word in sys.argv[2:]] or [100, 2000, 20000]:
        read, compiled = measure(weir, routes)
        promise = PROMISE.get(routes)
        broken |= promise is not None and compiled > promise
        note = f" (promised: {promise} ms)" if promise else ""
        print(f"{routes:6} routes: read in {read:7.1f} ms, compiled in {compiled:7.1f} ms{note}")
    sys.exit(broken)


if __name__ == "__main__":
    main()
