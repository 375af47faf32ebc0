"""Promise: a user name and a password say who calls; checking one takes long on purpose and holds up nobody else."""

import base64
import concurrent.futures
import subprocess
import time

import pytest

from kit import config
from kit.check import echoed, echoed_values, problem
from kit.client import fetch
from kit.gateway import BINARY
from kit.wait import SCALE

PASSWORD = "correct horse: battery staple"


def hashed(password):
    done = subprocess.run([str(BINARY), "hash-password"], input=password + "\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def basic(text):
    return ("Authorization", "Basic " + base64.b64encode(text.encode()).decode())


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    consumers = [
        {"name": "shop", "groups": ["gold"], "credentials": {"basic": [{"username": "anna", "password_hash": hashed(PASSWORD)}]}},
        # hashlib.pbkdf2_hmac("sha256", b"pbkdf2", b"saltsalt", 100000): of another tool.
        {"name": "old", "credentials": {"basic": [{"username": "otto", "password_hash": OTHER_TOOL}]}},
    ]
    return launch(config.document(
        config.route("known", "/known", shared_origin.url, auth_required=True, plugin_chain=[config.filter_("basic", realm="the shop")]),
        config.route("shown", "/shown", shared_origin.url, plugin_chain=[config.filter_("basic", hide_credentials=False)]),
        config.route("open", "/open", shared_origin.url),
        consumers=consumers, groups=["gold"],
    ))  # fmt: skip


def other_tool():
    import hashlib

    coded = [base64.b64encode(part).decode().rstrip("=") for part in (b"saltsalt", hashlib.pbkdf2_hmac("sha256", b"pbkdf2", b"saltsalt", 100000))]
    return "$pbkdf2-sha256$i=100000$" + "$".join(coded)


OTHER_TOOL = other_tool()


def test_who_calls_is_told_upstream_and_the_password_is_not(gateway, origin):
    response = fetch(gateway.port, "/known", headers=[basic("anna:" + PASSWORD)])
    assert echoed_values(response, "Authorization") == []
    assert echoed_values(response, "X-Consumer-Name") == ["shop"] and echoed_values(response, "X-Consumer-Groups") == ["gold"]
    assert echoed_values(response, "X-Credential-Identifier") == ["anna"]
    record = gateway.record_of(response)
    assert record["consumer"] == "shop" and record["credential_kind"] == "basic"
    assert echoed_values(fetch(gateway.port, "/shown", headers=[basic("anna:" + PASSWORD)]), "Authorization") == [basic("anna:" + PASSWORD)[1]]


def test_hashes_of_other_tools(gateway, origin):
    assert echoed_values(fetch(gateway.port, "/known", headers=[basic("otto:pbkdf2")]), "X-Consumer-Name") == ["old"]


@pytest.mark.parametrize("text", ["anna:wrong", "anna:", "anna", "nobody:" + PASSWORD, "Anna:" + PASSWORD, ":" + PASSWORD, "anna:" + PASSWORD + "\n"])
def test_what_does_not_hold_is_refused(gateway, origin, text):
    response = fetch(gateway.port, "/known", headers=[basic(text)])
    problem(gateway, response, "invalid_credential")
    assert response.status == 401 and response.all("www-authenticate") == ['Basic realm="the shop", charset="UTF-8"']
    assert origin.accepted == 0 or not origin.requests


def test_malformed_and_several(gateway, origin):
    for headers in ([("Authorization", "Basic !!!")], [("Authorization", "Basic")], [basic("anna:" + PASSWORD), ("Authorization", "Bearer x")]):
        assert fetch(gateway.port, "/known", headers=headers).status == 401
    problem(gateway, fetch(gateway.port, "/known"), "unauthenticated")


def test_what_was_checked_is_remembered_and_nobody_else_waits(gateway, origin):
    """Twenty clients with a new password at once: it is checked once a worker, and a route without it answers meanwhile."""
    fetch(gateway.port, "/known", headers=[basic("anna:" + PASSWORD)])
    with concurrent.futures.ThreadPoolExecutor(21) as pool:
        begin = time.monotonic()
        asked = [pool.submit(fetch, gateway.port, "/known", headers=[basic("anna:not " + PASSWORD)], timeout=60) for _ in range(20)]
        slowest = 0
        while not all(each.done() for each in asked):
            one = time.monotonic()
            assert fetch(gateway.port, "/open").status == 200
            slowest = max(slowest, time.monotonic() - one)
        together = time.monotonic() - begin
    assert {each.result().status for each in asked} == {401}
    begin = time.monotonic()
    assert fetch(gateway.port, "/known", headers=[basic("otto:not this one")]).status == 401
    alone = time.monotonic() - begin
    assert together < 12 * max(alone, 0.3) * SCALE, "each was checked by itself"
    assert slowest < 0.75 * SCALE, "a worker was held up"
