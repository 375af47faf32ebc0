"""Promise: what asks whether the control plane lives, and strangers who guess tokens, never wait for its database, and nobody else waits
because of them."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit import config
from kit.control import Admin, Refused, token_of
from kit.wait import PROMPT, SCALE, until

WRONG = "weirop_000000000000_" + "x" * 43


def admin_of(gateway, token=None):
    return Admin(int(gateway.document["control"]["address"].rpartition(":")[2]), token or token_of(gateway.stderr()))


def timed(work):
    begin = time.monotonic()
    answer = work()
    return answer, time.monotonic() - begin


def guess(gateway):
    with pytest.raises(Refused) as refused:
        admin_of(gateway, WRONG).get("/v1/whoami")
    return refused.value.status


@pytest.fixture
def gateway(weir):
    control = {"address": f"127.0.0.1:{config.free_port()}", "database": "weir.db"}
    return weir(config.document(config.respond("x", "/x", body="x"), control=control, state_dir="state"))


def test_the_writers_lock_is_held_elsewhere(gateway):
    admin = admin_of(gateway)
    assert admin.get("/v1/whoami")["name"] == "admin"
    other = sqlite3.connect(gateway.directory / "weir.db", isolation_level=None, timeout=5)
    other.execute("BEGIN IMMEDIATE")
    try:
        with ThreadPoolExecutor(10) as pool:
            guesses = [pool.submit(timed, lambda: guess(gateway)) for _ in range(10)]
            for path in ("/livez", "/openapi.yaml", "/readyz", "/metrics"):
                answer, took = timed(lambda path=path: admin.ask("GET", path, raw=True))
                assert answer.status == 200 and took < PROMPT, path
            for each in guesses:
                status, took = each.result()
                assert status == 401 and took < PROMPT
    finally:
        other.execute("ROLLBACK")
    failed = lambda: [each for each in admin.get("/v1/audit?limit=50")["items"] if each["action"] == "login_failed"]
    until("they are in the audit log, later", lambda: len(failed()) == 10, 20)
    assert admin.get("/v1/audit/verify")["ok"]
