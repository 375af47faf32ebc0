"""Promise: the command line teaches: mistakes are shown all at once with file, line and column and the nearest right name, every
command explains itself, and exit codes are fit for scripts."""

import json
import re

import pytest

from kit import config
from kit.gateway import run

GOOD = """\
# a comment
listeners:
  - address: 127.0.0.1:8080
admin: {address: 127.0.0.1:9080}
upstreams:
  - {name: users, targets: [{address: 127.0.0.1:9001, weight: 1}, {address: "users.internal:9001"}]}
routes:
  - {route_id: users, path_pattern: /api/v1/users/**, http_methods: [GET, POST], upstream_url: http://users}
  - {route_id: order, hosts: [shop.example.com], path_pattern: "/orders/{id}", upstream_url: "http://127.0.0.1:9002/v2"}
access_log: {path: logs/access.ndjson}
"""


@pytest.fixture
def file(tmp_path):
    def write(text, name="weir.yaml"):
        (tmp_path / name).write_text(text if isinstance(text, str) else json.dumps(text))
        return tmp_path / name

    return write


def check(path):
    return run("check", path.name, cwd=path.parent)


def complaints(done):
    """The lines of a refusal that point at a place."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    return [line for line in (done.stdout + done.stderr).splitlines() if re.match(r"^\S+:\d+:\d+: ", line)]


def test_the_example_of_the_readme_is_accepted(file):
    done = check(file(GOOD))
    assert done.returncode == 0, done.stdout + done.stderr


def test_json_is_accepted_too(file):
    document = config.document(config.route("r", upstream="http://127.0.0.1:9"))
    assert check(file(document, "weir.json")).returncode == 0


def test_every_field_of_a_route_is_known(file):
    text = GOOD.replace("upstream_url: http://users}", (
        "upstream_url: http://users, auth_required: false, rate_limit_rps: 0, canary_weight: 5, priority: 3, timeout: 5s, "
        "canary_upstream_url: 'http://127.0.0.1:9003', plugin_chain: [request_id], updated_at: 2026-01-02T03:04:05Z, "
        "headers: {X-Beta: '1'}, query: {v: {present: true}}}"
    ))  # fmt: skip
    done = check(file(text))
    assert done.returncode == 0, done.stdout + done.stderr


# What to change, where the complaint must point (line:column) and what it must say.
MISTAKES = {
    "unknown field": (("path_pattern: /api", "path_patern: /api"), "8:23", ["path_patern", "path_pattern"]),
    "unknown top-level field": (("routes:", "rutes:"), "7:1", ["rutes", "routes"]),
    "wrong type": (("address: 127.0.0.1:8080", "address: 8080"), "3:14", ["listeners[0].address", "8080"]),
    "list instead of text": (("http_methods: [GET, POST]", "http_methods: GET"), "8:69", ["list"]),
    "dangling upstream": (("http://users}", "http://user}"), "8:", ["user", "users"]),
    "bad address": (("127.0.0.1:8080", "127.0.0.1:80800"), "3:14", ["80800"]),
    "bad pattern": (("/orders/{id}", "/orders/{id"), "9:", ["{id"]),
    "glob in the middle": (("/api/v1/users/**", "/api/**/users"), "8:", ["**"]),
    "duplicate id": (("route_id: order", "route_id: users"), "9:", ["users"]),
    "duplicate key": (("weight: 1}", "weight: 1, weight: 2}"), "6:", ["weight"]),
    "not YAML": (("routes:", "routes: ["), None, []),
    "tab": (("  - address", "\t- address"), None, []),
    "negative weight": (("weight: 1}", "weight: -1}"), "6:", ["weight"]),
    "bad method": (("GET, POST", "GET, PO ST"), "8:", ["PO ST"]),
    "bad duration": (("access_log:", "drain_timeout: 25\naccess_log:"), "10:16", ["drain_timeout"]),
    "unknown filter": (("upstream_url: http://users}", "upstream_url: http://users, plugin_chain: [heders]}"), "8:", ["heders", "headers"]),
    "not built: auth": (("upstream_url: http://users}", "upstream_url: http://users, auth_required: true}"), "8:", ["auth_required"]),
    "more than a count": (("upstream_url: http://users}", "upstream_url: http://users, rate_limit_rps: 1e10}"), "8:", ["rate_limit_rps"]),
    "canary without a url": (("upstream_url: http://users}", "upstream_url: http://users, canary_weight: 5}"), "8:", ["canary_upstream_url"]),
    "tie": (("routes:", "routes:\n  - {route_id: twin, path_pattern: /api/v1/users/**, upstream_url: http://users, http_methods: [GET]}"),
            None, ["twin", "users"]),
    "bad CIDR": (("access_log:", "trusted_proxies: [10.0.0.0/33]\naccess_log:"), "10:19", ["/33"]),
    "missing file": (("address: 127.0.0.1:8080", "{address: '127.0.0.1:8080', tls: {certificates: [{cert_file: none.crt, key_file: none.key}]}}"),
                     "3:", ["none.crt"]),
}  # fmt: skip


@pytest.mark.parametrize("change, place, words", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_shown_at_its_place(file, change, place, words):
    assert change[0] in GOOD
    done = check(file(GOOD.replace(*change, 1)))
    lines = complaints(done)
    assert lines, done.stdout + done.stderr
    assert all(line.startswith("weir.yaml:") for line in lines)
    if place:
        assert any(line.startswith(f"weir.yaml:{place}") for line in lines), lines
    for word in words:
        assert any(word in line for line in lines), (word, lines)


def test_all_mistakes_are_shown_at_once(file):
    text = GOOD.replace("path_pattern: /api", "path_patern: /api").replace("127.0.0.1:8080", "nowhere").replace("weight: 1", "wieght: 1")
    assert len(complaints(check(file(text)))) >= 3


def test_a_route_that_can_never_match_is_named_with_the_one_that_shadows_it(file):
    text = GOOD.replace("routes:", "routes:\n  - {route_id: shadow, path_pattern: /api/v1/users/**, upstream_url: http://users, priority: 5}")
    lines = complaints(check(file(text)))
    assert any("shadow" in line and '"users"' in line for line in lines), lines


def test_a_missing_file_is_said_plainly(tmp_path):
    done = run("check", "nothing.yaml", cwd=tmp_path)
    assert done.returncode != 0 and "nothing.yaml" in done.stderr + done.stdout


def test_serve_refuses_what_check_refuses(file):
    path = file(GOOD.replace("path_pattern: /api", "path_patern: /api"))
    done = run("serve", "--config", path, cwd=path.parent)
    assert done.returncode not in (0, -6, -11)
    assert "8:23" in done.stderr + done.stdout and "path_pattern" in done.stderr + done.stdout


def test_serve_says_when_a_port_is_taken(file, origin):
    document = config.to_origin(origin, listeners=[config.listener(origin.port)])
    done = run("serve", "--config", file(document), cwd=file(document).parent)
    assert done.returncode not in (0, -6, -11) and str(origin.port) in done.stderr


def test_schema_is_a_json_schema_that_knows_every_field():
    done = run("schema")
    assert done.returncode == 0, done.stderr
    schema = json.loads(done.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"listeners", "admin", "upstreams", "routes", "plugin_chain", "access_log", "limits"} <= schema["properties"].keys()
    route = json.dumps(schema["properties"]["routes"])
    for field in ("route_id", "hosts", "path_pattern", "http_methods", "upstream_url", "auth_required", "rate_limit_rps",
                  "canary_weight", "plugin_chain", "updated_at", "canary_upstream_url", "priority", "timeout"):  # fmt: skip
        assert f'"{field}"' in route, field


def test_routes_lists_them(file):
    done = run("routes", "--config", file(GOOD))
    assert done.returncode == 0, done.stderr
    assert "users" in done.stdout and "order" in done.stdout and "/api/v1/users/**" in done.stdout


MATCHES = {
    "GET /api/v1/users/7": ("users", []),
    "POST //api/v1/./users": ("users", []),
    "GET http://shop.example.com/orders/12": ("order", ["12"]),
    "GET /orders/12": (None, []),
    "DELETE /api/v1/users/7": (None, ["GET"]),
    "GET /a%2fb": (None, []),
}


@pytest.mark.parametrize("asked", MATCHES)
def test_routes_says_which_route_would_take_a_request_and_why(file, asked):
    winner, words = MATCHES[asked]
    done = run("routes", "--config", file(GOOD), "--match", asked)
    first = done.stdout.splitlines()[0] if done.stdout else ""
    if winner:
        assert done.returncode == 0 and winner in first, (done.stdout, done.stderr)
    else:
        assert done.returncode == 1, (done.stdout, done.stderr)
    for word in words:
        assert word in done.stdout + done.stderr


def test_version():
    for arguments in (["version"], ["--version"]):
        done = run(*arguments)
        assert done.returncode == 0 and re.search(r"weir \d+\.\d+\.\d+", done.stdout), (arguments, done.stdout)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]], ids=" ".join)
def test_help_teaches(arguments):
    done = run(*arguments)
    assert done.returncode == 0
    for word in ("serve", "check", "schema", "routes", "version", "--config"):
        assert word in done.stdout


@pytest.mark.parametrize("command", ["serve", "gateway", "control", "check", "schema", "routes", "version"])
def test_every_command_explains_itself(command):
    done = run(command, "--help")
    assert done.returncode == 0 and f"weir {command}" in done.stdout and len(done.stdout.splitlines()) >= 3


WRONG = {
    "nothing": ([], "serve"),
    "unknown command": (["srve"], "serve"),
    "unknown option": (["serve", "--confg", "x"], "--config"),
    "no value": (["serve", "--config"], "--config"),
    "no file": (["check"], "weir.yaml"),
    "too many": (["version", "x"], "x"),
}


@pytest.mark.parametrize("arguments, word", WRONG.values(), ids=list(WRONG))
def test_a_wrong_command_line_is_exit_2_with_the_right_word(tmp_path, arguments, word):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and word in done.stderr, (done.returncode, done.stdout, done.stderr)
