"""Promise: a signal that comes while requests wait (for an introspection endpoint, an issuer's keys, Redis, forward_auth, a password
hash) costs nobody an answer: each ends in its order, and the process within drain_timeout, cleanly."""

import json
import signal
import subprocess
import threading
import time
from base64 import b64encode

import pytest

from kit import config
from kit.client import Client, Closed, fetch
from kit.gateway import BINARY
from kit.tokens import Key, bearer, claims, key_set
from kit.wait import SCALE, until
from test_upgrade_binary import Successor, alive

JSON = [("Content-Type", "application/json")]
# What each kind of waiting ends with. An exact limit whose Redis was stopped may have been decided here: still an answer.
ENDS = {"introspection": {200}, "jwks": {200}, "redis": {200, 429}, "forward": {200}, "scrypt": {200, 401}}
EACH = 2
KEYS_WAIT = 3  # seconds, for an issuer's keys; then 503, which on a slow machine may come before release()


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def password_hash():
    done = subprocess.run([str(BINARY), "hash-password"], input="secret\n", capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


class Outside:
    """Everything that requests wait for; nothing of it answers until `release()`."""

    def __init__(self, server, service, key):
        self.server, self.service, self.go = server, service, threading.Event()
        self._says("/introspect", json.dumps({"active": True, "client_id": "shop"}))
        self._says("/jwks", key_set(key.jwk()).decode())
        self._says("/check", "")

    def _says(self, path, body):
        def handler(exchange):
            exchange.read_body()
            self.go.wait(30)
            exchange.reply(200, body.encode(), JSON)

        self.service.on(path, handler)

    def hold(self):
        self.server.pause()

    def release(self):
        self.go.set()
        self.server.resume()


@pytest.fixture
def outside(new_origin, redis, key):
    one = Outside(redis(), new_origin(name="outside"), key)
    yield one
    one.release()


def document(origin, outside, password_hash, drain=f"{int(10 * SCALE)}s", budget="8s"):
    service = outside.service.url
    issuer = {"issuer": "https://id.test", "audiences": ["api"], "jwks_url": f"{service}/jwks", "allow_http": True, "allow_private": True}
    kinds = {
        "introspection": config.filter_("oauth2_introspection", endpoint=f"{service}/introspect", timeout="10s"),
        "jwks": config.filter_("jwt", issuers=[issuer]),
        "redis": config.filter_("rate_limit", mode="redis", limits=[{"rate": "1000/s", "key": "constant"}]),
        "forward": config.filter_("forward_auth", uri=f"{service}/check", timeout="10s"),
        "scrypt": config.filter_("basic"),
    }
    routes = [
        config.route(kind, f"/{kind}", origin.url, auth_required=kind in ("introspection", "jwks", "scrypt"), plugin_chain=[one])
        for kind, one in kinds.items()
    ]
    anna = {"name": "shop", "credentials": {"basic": [{"username": "anna", "password_hash": password_hash}]}}
    return config.document(
        *routes, config.respond("free", "/free", body="ok"), redis={"url": outside.server.url, "command_timeout": budget},
        consumers=[anna], drain_timeout=drain,
    )  # fmt: skip


class Waiting:
    """EACH requests of every kind, all waiting when the block begins."""

    def __init__(self, gateway, outside, key):
        self.clients, quick, self.begun = [], {"scrypt"}, time.monotonic()
        outside.hold()
        for kind in [kind for kind in ENDS if kind not in quick]:
            for number in range(EACH):
                self._send(gateway, kind, self._who(kind, key, number))
        waiting = len(self.clients)
        until("all wait", lambda: gateway.metric("http_server_active_requests") >= waiting)
        # Passwords do not wait for long: these are being checked, or in the queue for it, when the signal comes.
        for number in range(8):
            word = "secret" if number < 2 else f"wrong {number}"
            self._send(gateway, "scrypt", [("Authorization", "Basic " + b64encode(f"anna:{word}".encode()).decode())])

    def _who(self, kind, key, number):
        if kind == "jwks":
            return bearer(key.token(claims(jti=f"t-{number}")))
        return bearer(f"opaque-{number}") if kind == "introspection" else []

    def _send(self, gateway, kind, headers):
        client = Client(gateway.port)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        client.send(f"GET /{kind} HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode())
        self.clients.append((kind, client))

    def answers(self):
        """{kind: statuses}; a connection that ended without an answer counts as 0."""
        found = {}
        for kind, client in self.clients:
            try:
                status = client.response("GET").status
            except (Closed, OSError):
                status = 0
            found.setdefault(kind, set()).add(status)
            client.close()
        return found

    def check(self, more=()):
        late = {"jwks": {503}} if time.monotonic() - self.begun > KEYS_WAIT else {}
        found = self.answers()
        assert all(statuses <= ENDS[kind] | set(more) | late.get(kind, set()) for kind, statuses in found.items()), found


def test_sigterm_lets_all_of_them_end(weir, origin, outside, key, password_hash):
    gateway = weir(document(origin, outside, password_hash))
    waiting = Waiting(gateway, outside, key)
    gateway.signal(signal.SIGTERM)
    until("it drains", lambda: gateway.ready() == 503)
    outside.release()
    waiting.check()
    gateway.stop()


def test_sigterm_waits_no_longer_than_drain_timeout(weir, origin, outside, key, password_hash):
    gateway = weir(document(origin, outside, password_hash, drain="1s", budget="1500ms"))
    waiting = Waiting(gateway, outside, key)
    begun = time.monotonic()
    gateway.signal(signal.SIGTERM)
    gateway.process.wait(15 * SCALE)
    # What waits is cut, and so is what it waited for, which had 10 s. Only passwords whose checking has begun are checked still.
    assert time.monotonic() - begun < 1 + 5 * SCALE
    waiting.check(more=[0, 503])
    gateway.stop()


def test_passwords_that_wait_at_the_end_are_given_up(weir, origin, outside, password_hash):
    """Each takes a part of a second; forty of them would hold the process for some seconds after drain_timeout."""
    gateway = weir(document(origin, outside, password_hash, drain="1s"))
    clients = [Client(gateway.port) for _ in range(40)]
    for number, client in enumerate(clients):
        word = b64encode(f"anna:wrong {number}".encode()).decode()
        client.send(f"GET /scrypt HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {word}\r\n\r\n".encode())
    until("most wait", lambda: gateway.metric("http_server_active_requests") >= 30)
    gateway.stop()
    reasons = [record.reason for record in gateway.records()]
    for client in clients:
        client.close()
    assert len(reasons) >= 30 and "auth_unavailable" in reasons and set(reasons) <= {"invalid_credential", "auth_unavailable"}, reasons


def test_sigterm_twice_ends_at_once(weir, origin, outside, key, password_hash):
    gateway = weir(document(origin, outside, password_hash, drain="30s"))
    waiting = Waiting(gateway, outside, key)
    gateway.signal(signal.SIGTERM)
    until("it drains", lambda: gateway.ready() == 503)
    begun = time.monotonic()
    gateway.signal(signal.SIGTERM)
    gateway.process.wait(15 * SCALE)
    assert time.monotonic() - begun < 5 * SCALE
    waiting.check(more=[0, 503])
    assert "Sanitizer" not in gateway.stderr(), gateway.said()
    gateway.kill()


def test_sighup_with_the_same_config(weir, origin, outside, key, password_hash):
    gateway = weir(document(origin, outside, password_hash))
    waiting = Waiting(gateway, outside, key)
    for _ in range(3):
        gateway.reload(gateway.document)
    assert fetch(gateway.port, "/free").status == 200
    outside.release()
    waiting.check()


def test_sighup_that_takes_away_what_they_wait_by(weir, origin, outside, key, password_hash):
    gateway = weir(document(origin, outside, password_hash))
    waiting = Waiting(gateway, outside, key)
    ours = {name: gateway.document[name] for name in ("listeners", "admin", "access_log")}
    gateway.reload(config.document(config.respond("free", "/free", body="ok")) | ours)
    gateway.reload(config.document(config.respond("free", "/free", body="ok"), workers=1) | ours)
    assert fetch(gateway.port, "/free").status == 200
    outside.release()
    # The issuer is no longer one of ours, and its keys were never here: then nobody can tell.
    waiting.check(more=[401, 503])
    assert fetch(gateway.port, "/jwks").status == 404


def test_sigusr2_lets_all_of_them_end_in_the_old_process(weir, origin, outside, key, password_hash):
    gateway = weir(document(origin, outside, password_hash))
    waiting = Waiting(gateway, outside, key)
    with Successor(gateway) as successor:
        until("the new process serves", lambda: b"ok" in served(gateway.port), 15)
        outside.release()
        waiting.check()
        gateway.process.wait(15 * SCALE)
        assert alive(successor.pid) and fetch(gateway.port, "/free").status == 200
        until("and takes what the old one had waited for", lambda: fetch(gateway.port, "/forward").status == 200)
    gateway.stop()


def served(port):
    try:
        return fetch(port, "/free").body
    except (Closed, OSError):
        return b""
