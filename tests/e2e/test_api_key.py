"""Promise: an API key says who calls as long as it lives, is told to nobody but its holder, and a change by `weir key` is in force
within a second, 50,000 keys or one (attacks C2, C3)."""

import json
import sqlite3
import stat
import time

import pytest

from kit import config
from kit.check import echoed, echoed_values, problem
from kit.client import fetch
from kit.gateway import run
from kit.wait import PROMPT, SCALE, until

DATABASE = "keys.db"


def make_document(origin, **extra):
    known = [config.filter_("api_key")]
    by_query = [config.filter_("api_key", query_parameter="api_key", header="X-Other-Key", realm="shop")]
    shown = [config.filter_("api_key", hide_credentials=False)]
    scoped = [config.filter_("require_identity", scopes={"all": ["orders:read"]})]
    return config.document(
        config.route("known", "/known", origin.url, auth_required=True, plugin_chain=known),
        config.route("scoped", "/scoped", origin.url, auth_required=True, plugin_chain=known + scoped),
        config.route("anybody", "/anybody", origin.url, plugin_chain=known),
        config.route("query", "/query", origin.url, auth_required=True, plugin_chain=by_query),
        config.route("shown", "/shown", origin.url, auth_required=True, plugin_chain=shown),
        config.route("open", "/open", origin.url),
        credentials={"store": {"file": DATABASE}},
        consumers=[{"name": "shop", "custom_id": "c-17", "groups": ["gold", "eu"]}],
        **extra,
    )


class Keys:
    """`weir key` on a gateway's config."""

    def __init__(self, gateway):
        self.gateway = gateway

    def run(self, *arguments, wanted=0):
        done = run("key", *arguments, "--config", self.gateway.config_file)
        assert done.returncode == wanted, done.stdout + done.stderr
        return done

    def create(self, *arguments, consumer="shop"):
        return json.loads(self.run("create", "--consumer", consumer, *arguments, "--json").stdout)

    def list(self):
        return json.loads(self.run("list", "--json").stdout)


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    return launch(make_document(shared_origin))


@pytest.fixture(scope="module")
def keys(gateway):
    return Keys(gateway)


@pytest.fixture(scope="module")
def made(keys):
    return keys.create("--scope", "orders:read", "--group", "beta", "--expires", "90d")


def ask(gateway, key, path="/known", *more):
    return fetch(gateway.port, path, headers=[("X-API-Key", key), *more])


def comes_in(gateway, key):
    until("the key is known", lambda: ask(gateway, key).status == 200)


def test_a_new_key_is_known_within_a_second(gateway, keys, origin):
    key = keys.create()["key"]
    begin = time.monotonic()
    comes_in(gateway, key)
    assert time.monotonic() - begin < PROMPT


def test_who_calls_is_told_upstream_and_the_key_is_not(gateway, made, origin):
    comes_in(gateway, made["key"])
    response = ask(gateway, made["key"])
    said = echoed(response)
    assert made["key"] not in str(said) and made["key"].split("_")[2] not in str(said)
    assert echoed_values(response, "X-Consumer-Name") == ["shop"]
    assert echoed_values(response, "X-Consumer-Custom-Id") == ["c-17"]
    assert echoed_values(response, "X-Consumer-Groups") == ["gold,eu,beta"]
    assert echoed_values(response, "X-Credential-Identifier") == [made["id"]]
    assert echoed_values(response, "X-Anonymous-Consumer") == []
    record = gateway.record_of(response)
    assert record["consumer"] == "shop" and record["credential_kind"] == "api_key" and record["credential"] == made["id"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "ApiKey", "APIKEY"])
def test_it_is_taken_from_authorization_too(gateway, made, origin, scheme):
    comes_in(gateway, made["key"])
    response = fetch(gateway.port, "/known", headers=[("Authorization", f"{scheme} {made['key']}")])
    assert echoed_values(response, "Authorization") == []


def test_another_bearer_token_is_none_of_its_business(gateway, origin):
    response = fetch(gateway.port, "/anybody", headers=[("Authorization", "Bearer eyJ.x.y")])
    assert echoed_values(response, "Authorization") == ["Bearer eyJ.x.y"]
    assert problem(gateway, fetch(gateway.port, "/known", headers=[("Authorization", "Bearer eyJ.x.y")]), "unauthenticated")


def test_from_the_query_only_where_it_is_configured(gateway, made, origin):
    comes_in(gateway, made["key"])
    response = fetch(gateway.port, f"/query?a=1&api_key={made['key']}&b=2")
    assert echoed(response)["target"] == "/query?a=1&b=2"
    assert made["key"] not in json.dumps(gateway.record_of(response))
    problem(gateway, fetch(gateway.port, f"/known?api_key={made['key']}"), "unauthenticated")
    assert echoed(fetch(gateway.port, "/query", headers=[("X-Other-Key", made["key"])]))["target"] == "/query"


def test_the_key_can_be_left_for_the_service(gateway, made, origin):
    comes_in(gateway, made["key"])
    assert echoed_values(ask(gateway, made["key"], "/shown"), "X-API-Key") == [made["key"]]


def changed(text, at):
    return text[:at] + ("b" if text[at] == "a" else "a") + text[at + 1 :]


def test_what_does_not_hold_is_refused_and_never_shown(gateway, made, origin):
    comes_in(gateway, made["key"])
    for key in ["x", "weir_", made["key"][:-1], changed(made["key"], 30), made["key"] + "0", made["key"] + "," + made["key"]]:
        response = ask(gateway, key)
        said = problem(gateway, response, "invalid_credential")
        assert response.status == 401 and key not in json.dumps(said)
        assert response.all("www-authenticate") == ['ApiKey realm="weir"']
        assert origin.accepted == 0 or not [r for r in origin.requests if r.target == "/known" and key in str(r.headers)]
    response = fetch(gateway.port, "/known")
    problem(gateway, response, "unauthenticated")
    assert response.status == 401 and response.all("www-authenticate") == ['ApiKey realm="weir"']


def test_two_keys_are_one_too_many(gateway, made, origin):
    comes_in(gateway, made["key"])
    for more in [("X-API-Key", made["key"]), ("Authorization", f"ApiKey {made['key']}"), ("x-api-key", "")]:
        problem(gateway, ask(gateway, made["key"], "/known", more), "invalid_credential")


SPOOFED = [("X-User-Id", "root"), ("X-Consumer-Name", "root"), ("X-Consumer-Groups", "admin"), ("x-consumer-custom-id", "root"),
           ("X-Credential-Identifier", "root"), ("X-Anonymous-Consumer", "false"), ("X-Consumer-Username", "root")]  # fmt: skip


@pytest.mark.parametrize("path", ["/known", "/anybody", "/open"])
def test_what_a_client_says_of_itself_is_never_believed(gateway, made, origin, path):
    comes_in(gateway, made["key"])
    for headers in ([("X-API-Key", made["key"]), *SPOOFED], [*SPOOFED], [("X-API-Key", "bad"), *SPOOFED, *SPOOFED]):
        response = fetch(gateway.port, path, headers=headers)
        if path == "/known" and headers[0] != ("X-API-Key", made["key"]):
            assert response.status == 401
        else:
            assert "root" not in str(echoed(response)["headers"]) and "admin" not in str(echoed(response)["headers"])
            assert "false" not in echoed_values(response, "X-Anonymous-Consumer")


def test_dropping_a_header_of_ours_by_connection_does_not_work(gateway, made, origin):
    comes_in(gateway, made["key"])
    nominated = ("Connection", "close, X-Consumer-Name, X-Credential-Identifier, X-Consumer-Groups")
    response = ask(gateway, made["key"], "/known", nominated)
    assert echoed_values(response, "X-Consumer-Name") == ["shop"]
    assert echoed_values(response, "X-Credential-Identifier") == [made["id"]]


def test_nobody_known_goes_on_as_anonymous_where_nobody_is_required(gateway, origin):
    for headers in ([], [("X-API-Key", "wrong")]):
        response = fetch(gateway.port, "/anybody", headers=headers)
        assert echoed_values(response, "X-Anonymous-Consumer") == ["true"]
        assert echoed_values(response, "X-API-Key") == []
    assert echoed_values(fetch(gateway.port, "/open"), "X-Anonymous-Consumer") == []


def test_scopes(gateway, keys, made, origin):
    other = keys.create("--scope", "orders:write")
    comes_in(gateway, other["key"])
    assert ask(gateway, made["key"], "/scoped").status == 200
    response = ask(gateway, other["key"], "/scoped")
    problem(gateway, response, "insufficient_scope")
    assert response.status == 403 and response.all("www-authenticate") == ['Bearer error="insufficient_scope", scope="orders:read"']


def test_two_secrets_live_while_a_key_is_rotated(gateway, keys, origin):
    first = keys.create()
    comes_in(gateway, first["key"])
    second = json.loads(keys.run("rotate", first["id"], "--grace", "1h", "--json").stdout)
    assert second["id"] == first["id"] and second["key"] != first["key"]
    comes_in(gateway, second["key"])
    assert ask(gateway, first["key"]).status == 200
    assert "being rotated" in keys.run("rotate", first["id"], wanted=1).stderr


def test_the_old_secret_ends_with_its_grace(gateway, keys, origin):
    first = keys.create()
    comes_in(gateway, first["key"])
    second = json.loads(keys.run("rotate", first["id"], "--grace", "1s", "--json").stdout)
    until("the old secret has ended", lambda: ask(gateway, first["key"]).status == 401)
    assert problem(gateway, ask(gateway, first["key"]))["detail"] == "the API key has expired"
    assert ask(gateway, second["key"]).status == 200
    third = json.loads(keys.run("rotate", first["id"], "--json").stdout)
    comes_in(gateway, third["key"])


def test_a_disabled_key_works_again_once_enabled(gateway, keys, origin):
    made = keys.create()
    until("known", lambda: ask(gateway, made["key"]).status == 200)
    assert "is disabled" in keys.run("disable", made["id"]).stdout
    begun = time.monotonic()
    until("refused", lambda: ask(gateway, made["key"]).status == 401)
    assert time.monotonic() - begun < PROMPT
    assert next(one["state"] for one in keys.list() if one["id"] == made["id"]) == "disabled"
    assert "is disabled" in keys.run("rotate", made["id"], wanted=1).stderr
    assert gateway.metric("weir_api_keys", state="disabled") == 1
    assert gateway.metric("weir_api_key_lookups_total", result="disabled") > 0
    live, malformed = gateway.metric("weir_api_keys", state="live"), gateway.metric("weir_api_key_lookups_total", result="malformed")
    assert ask(gateway, made["key"][:-1] + ("x" if made["key"][-1] != "x" else "y")).status == 401
    assert gateway.metric("weir_api_key_lookups_total", result="malformed") == malformed + 1
    keys.run("enable", made["id"])
    until("known again", lambda: ask(gateway, made["key"]).status == 200)
    assert gateway.metric("weir_api_keys", state="live") == live + 1
    keys.run("revoke", made["id"])
    assert "for good" in keys.run("enable", made["id"], wanted=1).stderr
    assert "which key?" in keys.run("disable", wanted=2).stderr


def test_a_revoked_key_stops_within_a_second(gateway, keys, origin):
    made = keys.create()
    comes_in(gateway, made["key"])
    keys.run("revoke", made["id"])
    begin = time.monotonic()
    until("it is refused", lambda: ask(gateway, made["key"]).status == 401)
    assert time.monotonic() - begin < PROMPT
    assert "revoked before" in keys.run("revoke", made["id"]).stdout
    assert "is revoked" in keys.run("rotate", made["id"], wanted=1).stderr


def test_an_expired_key_stops(gateway, keys, origin):
    lives = 3 + int(3 * SCALE)
    made = keys.create("--expires", f"{lives}s")
    comes_in(gateway, made["key"])
    until("it has expired", lambda: ask(gateway, made["key"]).status == 401, lives + 5)


def test_the_list_shows_everything_but_secrets(gateway, keys, made):
    text = keys.run("list").stdout + keys.run("list", "--json").stdout
    row = next(line for line in text.splitlines() if line.startswith(made["id"]))
    assert row.split()[1:3] == ["shop", "orders:read"] and row.split()[-1] == "live"
    assert made["key"] not in text and made["key"].split("_")[2] not in text and "hash" not in text.lower()
    one = next(each for each in keys.list() if each["id"] == made["id"])
    assert one["scopes"] == ["orders:read"] and one["groups"] == ["beta"] and one["state"] == "live" and len(one["secrets"]) == 1


def test_the_store_holds_no_secret_and_is_its_owners(gateway, made):
    database, pepper = gateway.directory / DATABASE, gateway.directory / (DATABASE + ".pepper")
    kept = b"".join(path.read_bytes() for path in gateway.directory.glob(DATABASE + "*"))
    assert made["key"].split("_")[2].encode() not in kept
    assert stat.S_IMODE(database.stat().st_mode) == 0o600 and stat.S_IMODE(pepper.stat().st_mode) == 0o600


def test_mistakes_on_the_command_line_are_told(gateway, keys, made, tmp_path):
    assert "whose is it? --consumer" in keys.run("create", wanted=2).stderr
    assert "no scope" in keys.run("create", "--consumer", "a", "--scope", "a b", wanted=2).stderr
    assert "no duration" in keys.run("create", "--consumer", "a", "--expires", "soon", wanted=2).stderr
    assert made["id"] in keys.run("revoke", made["key"], wanted=2).stderr
    assert "no key with the id" in keys.run("revoke", "000000000000", wanted=1).stderr
    assert 'did you mean "shop"' in keys.run("create", "--consumer", "shpo").stderr
    (tmp_path / "weir.yaml").write_text("listeners: [{address: '127.0.0.1:0'}]\nroutes: [{route_id: a, path_pattern: /, upstream_url: 'http://127.0.0.1:9'}]\n")
    done = run("key", "list", "--config", tmp_path / "weir.yaml")
    assert done.returncode == 1 and "credentials:" in done.stderr


def test_use_is_noted_for_the_list(weir, origin):
    gateway = weir(make_document(origin))
    keys = Keys(gateway)
    made = keys.create()
    comes_in(gateway, made["key"])
    gateway.stop()  # what was used is told at the latest now
    assert keys.list()[0]["last_used"] is not None


def test_another_store_by_a_reload(weir, origin):
    gateway = weir(make_document(origin))
    before = Keys(gateway).create()
    comes_in(gateway, before["key"])
    gateway.reload(gateway.document | {"credentials": {"store": {"file": "other.db"}}})
    until("the key of the other store is not known", lambda: ask(gateway, before["key"]).status == 401)
    comes_in(gateway, Keys(gateway).create()["key"])


def test_a_store_that_cannot_be_read_leaves_the_last_keys(weir, origin):
    gateway = weir(make_document(origin))
    made = Keys(gateway).create()
    comes_in(gateway, made["key"])
    for path in gateway.directory.glob(DATABASE + "*"):
        if path.name != DATABASE + ".pepper":
            path.unlink()
    until("it is complained of", lambda: "keys.db is gone" in gateway.stderr())
    assert ask(gateway, made["key"]).status == 200
    (gateway.directory / DATABASE).write_bytes(b"x" * 4096)
    until("it is complained of", lambda: "not a database" in gateway.stderr())
    assert ask(gateway, made["key"]).status == 200


@pytest.mark.slow
def test_fifty_thousand_keys(weir, origin):
    gateway = weir(make_document(origin))
    keys = Keys(gateway)
    made = keys.create()
    comes_in(gateway, made["key"])
    before = gateway.rss()
    with sqlite3.connect(gateway.directory / DATABASE) as database:
        rows = (
            (f"{number:012d}", f"consumer-{number // 2}", "", "gold", "a:read b:write", 1, 0, 0, 0, 0, number.to_bytes(32, "big"), 1, 0)
            for number in range(50_000)
        )
        database.executemany("INSERT INTO api_keys VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,NULL,NULL)", rows)
    until("they are loaded", lambda: "50001 API keys are in use" in gateway.stderr(), 10)
    assert ask(gateway, made["key"]).status == 200
    assert gateway.rss() - before < 60 << 20
    last = keys.create()
    begin = time.monotonic()
    comes_in(gateway, last["key"])
    keys.run("revoke", last["id"])
    until("it is refused", lambda: ask(gateway, last["key"]).status == 401)
    assert time.monotonic() - begin < 3 * SCALE
