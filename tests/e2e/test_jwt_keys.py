"""Promise: an issuer's keys are fetched only from where the config says, however that place behaves, and what was good stays in
use until something good replaces it (attacks C7, B11; faults R20)."""

import json
import threading
import time

import pytest

from kit import config
from kit.check import problem
from kit.client import Client, fetch
from kit.tokens import Key, b64, bearer, claims, key_set
from kit.wait import SCALE, until

JSON = [("Content-Type", "application/json")]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    return [Key(directory, kid) for kid in ("k1", "k2")]


@pytest.fixture
def issuer(new_origin, keys):
    """A scripted issuer; `.answer` is what /jwks says."""
    origin = new_origin(name="issuer")
    origin.fetches = 0
    origin.answer_with = lambda exchange: exchange.reply(200, key_set(keys[0].jwk()), JSON)

    def jwks(exchange):
        origin.fetches += 1
        origin.answer_with(exchange)

    origin.on("/jwks", jwks)
    return origin


def says(issuer, *jwks, headers=()):
    issuer.answer_with = lambda exchange: exchange.reply(200, key_set(*jwks), [*JSON, *headers])


def document(origin, server, **settings):
    local = {"allow_http": True, "allow_private": True}
    one = {"issuer": "https://id.test", "audiences": ["api"], "jwks_url": f"{server.url}/jwks"} | local | settings
    chain = [config.filter_("jwt", issuers=[{name: value for name, value in one.items() if value is not None}])]
    return config.to_origin(origin) | {
        "routes": [config.route("all", upstream=origin.url, auth_required=True, plugin_chain=chain)]
    }


def get(gateway, token, **how):
    return fetch(gateway.port, "/x", headers=bearer(token), **how)


def unavailable(gateway, token):
    response = get(gateway, token)
    assert response.status == 503, response
    problem(gateway, response, "auth_unavailable")


def test_keys_are_fetched_and_counted(weir, origin, issuer, keys):
    gateway = weir(document(origin, issuer))
    assert get(gateway, keys[0].token(claims())).status == 200
    source = f"{issuer.url}/jwks"
    assert gateway.metric("weir_jwks_fetches_total", source=source) == 1
    assert gateway.metric("weir_jwks_keys", source=source) == 1
    assert 0 <= gateway.metric("weir_jwks_age_seconds", source=source) < 30 * SCALE
    assert issuer.requests[0].get("host") == issuer.address


def test_the_first_request_waits_for_the_first_keys(weir, origin, issuer, keys):
    gate = threading.Event()
    answer = issuer.answer_with
    issuer.answer_with = lambda exchange: (gate.wait(10), answer(exchange))
    gateway = weir(document(origin, issuer))
    threading.Timer(0.5, gate.set).start()
    assert get(gateway, keys[0].token(claims())).status == 200


def test_a_new_kid_is_accepted_at_once(weir, origin, issuer, keys):
    gateway = weir(document(origin, issuer))
    assert get(gateway, keys[0].token(claims())).status == 200
    says(issuer, keys[0].jwk(), keys[1].jwk())
    assert get(gateway, keys[1].token(claims())).status == 200
    assert issuer.fetches == 2
    says(issuer, keys[1].jwk())  # the old one is taken back: by the next scheduled fetch, not by a token
    assert get(gateway, keys[0].token(claims())).status == 200


def test_unknown_kids_do_not_become_fetches(weir, origin, issuer, keys):
    gateway = weir(document(origin, issuer))
    assert get(gateway, keys[0].token(claims())).status == 200
    signed = keys[1].token(claims())
    head, _, rest = signed.partition(".")
    begun = time.monotonic()
    with Client(gateway.port) as client:
        for number in range(2000):
            header = b64({"alg": "RS256", "typ": "JWT", "kid": f"made-up-{number}"})
            assert client.get("/x", headers=bearer(f"{header}.{rest}")).status == 401
    assert time.monotonic() - begun < 25 * SCALE
    assert issuer.fetches <= 2 + (time.monotonic() - begun) // 30, "one in 30 s"
    assert get(gateway, keys[0].token(claims())).status == 200


def first_fetch(weir, origin, issuer, keys, answer, **settings):
    """A gateway whose first fetch gets `answer`: nobody is let in, and nothing breaks."""
    issuer.answer_with = answer
    gateway = weir(document(origin, issuer, **settings))
    unavailable(gateway, keys[0].token(claims()))
    assert gateway.metric("weir_jwks_fetch_failures_total", source=f"{issuer.url}/jwks") >= 1
    return gateway


def poison(name, keys):
    good = keys[0].jwk()
    weak = Key(keys[0].file.parent, "k1", bits=1024)
    n = "n", weak.n
    answers = {
        "redirect": lambda e: e.reply(302, b"", [("Location", "http://169.254.169.254/latest/meta-data")]),
        "redirect to itself": lambda e: e.reply(301, b"", [("Location", "/elsewhere")]),
        "not found": lambda e: e.reply(404, b"{}"),
        "failing": lambda e: e.reply(500, key_set(good)),
        "html": lambda e: e.reply(200, b"<html>login</html>"),
        "empty": lambda e: e.reply(200, b""),
        "no keys": lambda e: e.reply(200, b'{"keys":[]}'),
        "keys twice": lambda e: e.reply(200, key_set(good)[:-1] + b',"keys":[]}'),
        "too large": lambda e: e.reply(200, key_set(good)[:-1] + b',"x":"' + b"a" * (1 << 20) + b'"}'),
        "RSA-1024": lambda e: e.reply(200, key_set(good | dict([n]))),
        "exponent 1": lambda e: e.reply(200, key_set(good | {"e": "AQ"})),
        "secret": lambda e: e.reply(200, key_set({"kty": "oct", "kid": "k1", "alg": "HS256", "k": "A" * 64})),
        "for encryption": lambda e: e.reply(200, key_set(good | {"use": "enc"})),
        "two of one kid": lambda e: e.reply(200, key_set(good, keys[1].jwk(kid="k1"))),
        "closes": lambda e: e.connection.wire.sock.close(),
        "garbage": lambda e: (e.read_body(), e.send(b"\x00\xff\r\n\r\n"), e.close()),
        "endless header": lambda e: (e.read_body(), e.send(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000), e.close()),
    }
    return answers[name]


POISONS = ["redirect", "redirect to itself", "not found", "failing", "html", "empty", "no keys", "keys twice", "too large",
           "RSA-1024", "exponent 1", "secret", "for encryption", "two of one kid", "closes", "garbage", "endless header"]  # fmt: skip


@pytest.mark.parametrize("name", POISONS)
def test_nobody_gets_in_by_a_bad_set(weir, origin, issuer, keys, name):
    first_fetch(weir, origin, issuer, keys, poison(name, keys))


@pytest.mark.parametrize("name", ["not found", "html", "no keys", "RSA-1024", "two of one kid", "closes"])
def test_a_bad_set_does_not_replace_a_good_one(weir, origin, issuer, keys, name):
    gateway = weir(document(origin, issuer))
    token = keys[0].token(claims())
    assert get(gateway, token).status == 200
    issuer.answer_with = poison(name, keys)
    assert get(gateway, keys[1].token(claims())).status == 401  # fetches, and gets that
    until("the fetch has failed", lambda: gateway.metric("weir_jwks_fetch_failures_total", source=f"{issuer.url}/jwks"))
    assert get(gateway, token).status == 200
    assert get(gateway, keys[0].token(claims(subject="bob"))).status == 200  # not only the cached one
    assert "the last good set stays in use" in gateway.stderr()


def test_one_bad_key_among_good_ones(weir, origin, issuer, keys):
    weak = Key(keys[0].file.parent, "weak", bits=1024)
    says(issuer, weak.jwk(), keys[0].jwk())
    gateway = weir(document(origin, issuer))
    assert get(gateway, keys[0].token(claims())).status == 200
    assert get(gateway, weak.token(claims())).status == 401
    assert gateway.metric("weir_jwks_keys_skipped", source=f"{issuer.url}/jwks") == 1
    assert 'left out "weak": an RSA key of 1024 bits: 2048 are the least' in gateway.stderr()


def test_a_slow_issuer_is_given_up_after_3_s(weir, origin, issuer, keys):
    release = threading.Event()
    issuer.answer_with = lambda exchange: release.wait(20)
    gateway = weir(document(origin, issuer))
    begun = time.monotonic()
    unavailable(gateway, keys[0].token(claims()))
    assert time.monotonic() - begun < 5 * SCALE
    release.set()


def test_an_issuer_that_comes_back(weir, origin, issuer, keys):
    good = issuer.answer_with
    gateway = first_fetch(weir, origin, issuer, keys, poison("failing", keys))
    issuer.answer_with = good
    token = keys[0].token(claims())
    until("the keys are fetched again", lambda: get(gateway, token).status == 200, 15)


def test_private_addresses_are_refused_unless_allowed(weir, origin, issuer, keys):
    gateway = weir(document(origin, issuer, allow_private=False))
    unavailable(gateway, keys[0].token(claims()))
    named = weir(document(origin, issuer, allow_private=False, jwks_url=f"http://localhost:{issuer.port}/jwks"))
    unavailable(named, keys[0].token(claims()))
    assert issuer.accepted == 0
    assert "a private address is refused" in gateway.stderr()


def test_http_is_refused_unless_allowed(weir, origin, issuer):
    gateway = weir(document(origin, issuer, allow_http=False), wait=False)
    assert gateway.process.wait(10 * SCALE) != 0
    assert "is not https" in gateway.stderr()
    gateway.kill()


def test_tls_is_verified(weir, origin, new_origin, authority, keys):
    certificate = authority.issue("127.0.0.1")
    issuer = new_origin(name="issuer", tls=certificate.server_context())
    issuer.on("/jwks", lambda exchange: exchange.reply(200, key_set(keys[0].jwk()), JSON))
    token = keys[0].token(claims())
    trusting = weir(document(origin, issuer, allow_http=False, ca_file=certificate.ca_file))
    assert get(trusting, token).status == 200
    doubting = weir(document(origin, issuer, allow_http=False))
    unavailable(doubting, token)


def discovery(issuer, named, jwks_uri):
    body = json.dumps({"issuer": named, "jwks_uri": jwks_uri}).encode()
    issuer.on("/.well-known/openid-configuration", lambda exchange: exchange.reply(200, body, JSON))


def by_discovery(origin, issuer):
    return document(origin, issuer, issuer=issuer.url, jwks_url=None, discovery=True)


def test_discovery_must_name_the_issuer(weir, origin, issuer, keys):
    token = keys[0].token(claims(issuer=issuer.url))
    discovery(issuer, "https://somebody.else", f"{issuer.url}/jwks")
    unavailable(weir(by_discovery(origin, issuer)), token)
    assert issuer.fetches == 0
    discovery(issuer, issuer.url, f"{issuer.url}/jwks")
    assert get(weir(by_discovery(origin, issuer)), token).status == 200


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "http://user@127.0.0.1/jwks", "javascript:1", "", "http://127.0.0.1:1/x"])
def test_discovery_leads_nowhere_else(weir, origin, issuer, keys, uri):
    discovery(issuer, issuer.url, uri)
    unavailable(weir(by_discovery(origin, issuer)), keys[0].token(claims(issuer=issuer.url)))


def test_a_reload_keeps_the_keys(weir, origin, issuer, keys):
    gateway = weir(document(origin, issuer))
    token = keys[0].token(claims())
    assert get(gateway, token).status == 200
    changed = gateway.document | {"drain_timeout": "300ms"}
    gateway.write(changed)
    until("revision 2", lambda: "revision 2 is in use" in gateway.stderr())
    assert get(gateway, token).status == 200
    assert issuer.fetches == 1
