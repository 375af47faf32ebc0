"""Promise: API keys in Redis are known to every gateway; a revoked one stops within a second while Redis is up, and Redis being away,
restarted or emptied takes nobody's key away."""

import json
import time

import pytest

from kit import config
from kit.check import echoed_values
from kit.client import fetch
from kit.gateway import run
from kit.wait import PROMPT, SCALE, until

PEPPER = {"WEIR_TEST_PEPPER": "a pepper for all gateways, of more than 32 characters"}


@pytest.fixture
def server(redis):
    return redis()


@pytest.fixture(autouse=True)
def pepper(monkeypatch):
    for name, value in PEPPER.items():
        monkeypatch.setenv(name, value)


def make_document(origin, redis, **extra):
    where = {"url": redis.url} if hasattr(redis, "url") else redis
    return config.document(
        config.route("known", "/known", origin.url, auth_required=True, plugin_chain=["api_key"]),
        redis=where,
        credentials={"store": {"redis": True}, "pepper_env": "WEIR_TEST_PEPPER", "local_copy": "keys.copy"},
        **extra,
    )


def key(gateway, *arguments, wanted=0):
    done = run("key", *arguments, "--config", gateway.config_file)
    assert done.returncode == wanted, done.stdout + done.stderr
    return done


def create(gateway, *arguments, consumer="shop"):
    return json.loads(key(gateway, "create", "--consumer", consumer, *arguments, "--json").stdout)


def status(gateway, made):
    return fetch(gateway.port, "/known", headers=[("X-API-Key", made["key"])]).status


def comes_in(gateway, made, seconds=5):
    until("the key is known", lambda: status(gateway, made) == 200, seconds)


def within_a_second(what, probe):
    begin = time.monotonic()
    until(what, probe, 5)
    assert time.monotonic() - begin < PROMPT, what


def test_a_change_reaches_all_gateways_within_a_second(weir, origin, server):
    gateways = [weir(make_document(origin, server)) for _ in range(2)]
    made = create(gateways[0], "--scope", "a:read", "--group", "gold")
    within_a_second("both know it", lambda: all(status(each, made) == 200 for each in gateways))
    response = fetch(gateways[1].port, "/known", headers=[("X-API-Key", made["key"])])
    assert echoed_values(response, "X-Consumer-Name") == ["shop"] and echoed_values(response, "X-Consumer-Groups") == ["gold"]
    second = json.loads(key(gateways[0], "rotate", made["id"], "--grace", "1h", "--json").stdout)
    within_a_second("both know both secrets", lambda: all(status(each, one) == 200 for each in gateways for one in (made, second)))
    assert "being rotated" in key(gateways[0], "rotate", made["id"], wanted=1).stderr
    key(gateways[0], "revoke", made["id"])
    within_a_second("both refuse it", lambda: all(status(each, one) == 401 for each in gateways for one in (made, second)))
    listed = json.loads(key(gateways[1], "list", "--json").stdout)
    assert [one["state"] for one in listed] == ["revoked"]
    kept = str(server.call("HGETALL", "weir:keys"))
    assert made["key"].split("_")[2] not in kept


def test_what_was_missed_is_read_after_the_gap(weir, origin, server):
    gateway = weir(make_document(origin, server))
    made = create(gateway)
    comes_in(gateway, made)
    # Without a message: as if it had been lost.
    record = json.loads(server.call("HGET", "weir:keys", made["id"])) | {"revoked": 1}
    server.call("HSET", "weir:keys", made["id"], json.dumps(record))
    server.call("HINCRBY", "weir:keys", "version", 1)
    server.call("CLIENT", "KILL", "TYPE", "pubsub")
    until("it is refused", lambda: status(gateway, made) == 401, 5)


def test_redis_away_takes_nobodys_key_away(weir, origin, server):
    gateway = weir(make_document(origin, server))
    made = create(gateway)
    comes_in(gateway, made)
    copy = gateway.directory / "keys.copy"
    until("the copy is written", lambda: copy.exists() and made["id"] in copy.read_text())
    assert made["key"].split("_")[2] not in copy.read_text() and copy.stat().st_mode & 0o777 == 0o600
    server.kill()
    for _ in range(20):
        assert status(gateway, made) == 200
    assert "Redis does not answer" in key(gateway, "list", wanted=1).stderr
    # Also after a restart: the copy has the hashes.
    gateway.stop()
    gateway.start()
    assert status(gateway, made) == 200
    assert "local copy are in use" in gateway.stderr()
    # Redis comes back, and has lost everything: that is no revocation.
    server.start()
    until("it is noticed", lambda: "lost the API keys" in gateway.stderr() or "no API keys in Redis" in gateway.stderr(), 10)
    assert status(gateway, made) == 200
    after = create(gateway, consumer="other")
    comes_in(gateway, after, 10)


def test_a_damaged_copy_is_no_copy(weir, origin, server):
    gateway = weir(make_document(origin, server))
    made = create(gateway)
    comes_in(gateway, made)
    copy = gateway.directory / "keys.copy"
    until("the copy is written", lambda: copy.exists() and made["id"] in copy.read_text())
    gateway.stop()
    server.kill()
    copy.write_text(copy.read_text().replace('"shop"', '"root"'))
    gateway.start()
    assert "damaged" in gateway.stderr()
    assert status(gateway, made) == 503


def test_a_paused_redis_holds_up_nobody(weir, origin, server):
    gateway = weir(make_document(origin, server))
    made = create(gateway)
    comes_in(gateway, made)
    server.pause()
    try:
        begin = time.monotonic()
        for _ in range(50):
            assert status(gateway, made) == 200
        assert time.monotonic() - begin < 2 * SCALE
    finally:
        server.resume()
    key(gateway, "revoke", made["id"])
    until("it is refused", lambda: status(gateway, made) == 401, 5)


def test_the_cluster(weir, origin, redis_cluster):
    gateway = weir(make_document(origin, {"cluster": {"addresses": redis_cluster().addresses}}))
    made = create(gateway)
    within_a_second("it is known", lambda: status(gateway, made) == 200)
    key(gateway, "revoke", made["id"])
    within_a_second("it is refused", lambda: status(gateway, made) == 401)


def test_use_is_noted_for_the_list(weir, origin, server):
    gateway = weir(make_document(origin, server))
    made = create(gateway)
    comes_in(gateway, made)
    gateway.stop()
    assert json.loads(key(gateway, "list", "--json").stdout)[0]["last_used"] is not None


@pytest.mark.slow
def test_fifty_thousand_keys(weir, origin, server):
    with server.connect(timeout=60) as connection:
        for start in range(0, 50_000, 1000):
            pairs = []
            for number in range(start, start + 1000):
                record = {"id": f"{number:012d}", "consumer": f"consumer-{number // 2}", "scopes": ["a:read"], "created": 1,
                          "secrets": [{"hash": f"{number:064x}", "created": 1}]}  # fmt: skip
                pairs += [record["id"], json.dumps(record)]
            connection.call("HSET", "weir:keys", *pairs)
        connection.call("HSET", "weir:keys", "version", 1)
    gateway = weir(make_document(origin, server))
    until("they are known", lambda: "50000 API keys are in use" in gateway.stderr())
    made = create(gateway)
    within_a_second("a new one is known", lambda: status(gateway, made) == 200)
    key(gateway, "revoke", made["id"])
    within_a_second("and refused", lambda: status(gateway, made) == 401)


def test_a_start_that_fails_ends_orderly_though_redis_was_asked(origin, server, tmp_path):
    document = make_document(origin, server, tokens={"revoked": {"redis": True}})
    document["listeners"] = [{"address": origin.url.removeprefix("http://")}]
    file = tmp_path / "weir.json"
    file.write_text(json.dumps(document))
    done = run("serve", "--config", file, cwd=tmp_path)
    assert done.returncode == 1 and "the address is in use" in done.stderr, done.stderr
