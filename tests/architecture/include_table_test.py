"""Keeps the picture true: the include table of ARCHITECTURE.md, the sources and CMakeLists.txt say the same.

The table is the one whose header has the cells `folder` and `may include`; a row's first cell is `room/` in backticks and
its last names the rooms that it may include (`–`: none; `http/*`: http and all rooms below it). Vendor headers are checked here too, by the list VENDORS.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)

# A vendor's header (prefix) and the only rooms that may include it.
VENDORS = {
    "openssl/": {"crypto", "io", "io/tls", "identity", "jose", "revision"},
    "ares": {"adapters/cares"},
    "libfyaml": {"adapters/yaml"},
    "CLI/": {"app"},
    "liburing.h": {"io/loop"},
    "sqlite3.h": {"adapters/sqlite"},
    "libpq-fe.h": {"adapters/postgres"},
    "curl/": {"adapters/curl"},
    "fmt/": None,  # None: anywhere (cold paths only, which no test can see).
}
STANDARD = re.compile(r"^[a-z_0-9]+$")  # <vector>; C and kernel headers are listed in SYSTEM.
SYSTEM = ("sys/", "netinet/", "arpa/", "linux/")


def spelled_out(names, rooms):
    """The names with `http/*` replaced by what it stands for; a name that is no room stays, for the caller to complain of."""
    out = set()
    for name in names:
        top = name.removesuffix("/*")
        below = {room for room in rooms if room == top or room.startswith(top + "/")} if top != name else set()
        out |= below or {name}
    return out


def table():
    """{room: rooms it may include} as ARCHITECTURE.md has it."""
    rows, columns = {}, None
    for line in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.lstrip().startswith("|") else []
        if "may include" in cells and "folder" in cells:
            columns = (cells.index("folder"), cells.index("may include"))
        elif not cells:
            columns = None
        elif columns and not set(cells[0]) <= set("-: "):
            rows[cells[columns[0]].strip("`").rstrip("/")] = cells[columns[1]]
    assert rows, "ARCHITECTURE.md has no table with the columns `folder` and `may include`"
    allowed = {}
    for room, cell in rows.items():
        names = {name.strip("`").rstrip("/") for name in re.split(r"[,\s]+", cell) if name.strip("`–-")}
        allowed[room] = spelled_out(names, rows)
        unknown = allowed[room] - set(rows)
        assert not unknown, f"ARCHITECTURE.md: the row of {room} names {sorted(unknown)}, which has no row"
    return allowed


def room_of(path):
    """`adapters/yaml` or `io`: a room is the folder that holds the file, below src/."""
    return str(path.parent.relative_to(ROOT / "src"))


def sources():
    found = sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in (".h", ".cc"))
    assert len(found) > 20, "the sources have moved: this test would check nothing"
    return found


def includes():
    for path in sources():
        for quoted, angled in INCLUDE.findall(path.read_text(encoding="utf-8")):
            yield path, quoted, angled


def test_every_room_of_the_sources_has_a_row():
    rooms = {room_of(path) for path in sources()}
    assert rooms == set(table()), "rows without sources, or sources without a row"


def test_sources_include_only_what_the_table_allows():
    allowed, wrong, seen = table(), [], 0
    for path, quoted, _ in includes():
        if not quoted:
            continue
        seen += 1
        room, wanted = room_of(path), str(pathlib.PurePath(quoted).parent)
        if not (ROOT / "src" / quoted).is_file():
            wrong.append(f"{path.relative_to(ROOT)}: \"{quoted}\" is no file below src/ (includes are written \"room/file.h\")")
        elif wanted != room and wanted not in allowed.get(room, ()):
            wrong.append(f"{path.relative_to(ROOT)}: {room}/ may not include \"{quoted}\"")
    assert seen > 20, "no include was looked at"
    assert not wrong, "\n".join(wrong)


def test_vendor_headers_stay_in_their_rooms():
    wrong = []
    for path, quoted, angled in includes():
        if quoted == "crypto/openssl.h":
            angled = "openssl/"  # OpenSSL's headers by another name
        if not angled or STANDARD.match(angled):
            continue
        vendor = next((prefix for prefix in VENDORS if angled.startswith(prefix)), None)
        if vendor is None:
            system = angled.startswith(SYSTEM) or (angled.endswith(".h") and "/" not in angled)
            if not system:
                wrong.append(f"{path.relative_to(ROOT)}: <{angled}> is of no known vendor; add it to VENDORS with its rooms")
        elif VENDORS[vendor] is not None and room_of(path) not in VENDORS[vendor]:
            wrong.append(f"{path.relative_to(ROOT)}: <{angled}> may be included only in {sorted(VENDORS[vendor])}")
    assert not wrong, "\n".join(wrong)


def test_cmake_says_the_same():
    text = re.sub(r"#.*", "", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    cmake = {}
    for name, program_room, rest in re.findall(r"weir_(?:room|program)\(\s*([^\s)]+)(?:\s+ROOM\s+(\S+))?([^)]*)\)", text):
        depends = re.search(r"DEPENDS\s+(.*?)(?:\bLINKS\b|$)", rest, re.DOTALL)
        cmake[program_room or name] = set(depends.group(1).split()) if depends else set()
    assert {room: spelled_out(names, cmake) for room, names in cmake.items()} == table()


def test_rooms_know_each_other_one_way():
    allowed, done, path = table(), set(), []

    def visit(room):
        assert room not in path, "rooms that include each other in a circle: " + " -> ".join(path[path.index(room):] + [room])
        if room in done:
            return
        path.append(room)
        for other in sorted(allowed[room] - {room}):
            visit(other)
        path.pop()
        done.add(room)

    for room in sorted(allowed):
        visit(room)


def test_no_room_is_crowded():
    """ADR 8 aims for some 16 files; beyond 28 a room wants to be two."""
    sizes = {}
    for path in sources():
        sizes[room_of(path)] = sizes.get(room_of(path), 0) + 1
    crowded = {room: size for room, size in sizes.items() if size > 28}
    assert not crowded, f"split by noun: {crowded}"
