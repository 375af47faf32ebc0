"""Promise: what clients make up by the hundred thousand (tokens, API keys, values to be limited by, query parameters, key ids) costs
memory within a bound that is reached early, and nobody else's answer (attacks B10, B11)."""

import base64
import hashlib
import hmac
import re
import socket
import time
import zlib

import pytest

from kit import config
from kit.client import fetch
from kit.gateway import SANITIZED, run
from kit.tokens import Key, b64, key_set
from kit.wait import SCALE, until

HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) ")
SECRET = "a secret of the tests, 32 bytes long"
MANY = 100_000
MIB = 1 << 20
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

pytestmark = [
    pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory"),
]  # fmt: skip


def flood(port, requests, batch=200):
    """Sends all, `batch` at a time on one connection; {status: count}."""
    found, pending = {}, []

    def ask(client):
        client.sendall(b"".join(pending))
        wanted, rest = len(pending), b""
        while wanted > 0:
            data = client.recv(1 << 18)
            assert data, f"closed with {wanted} answers to come"
            rest += data
            keep = max(0, len(rest) - 12)
            for match in HEAD.finditer(rest):
                found[int(match[1])] = found.get(int(match[1]), 0) + 1
                wanted, keep = wanted - 1, max(keep, match.end())
            rest = rest[keep:]
        pending.clear()

    with socket.create_connection(("127.0.0.1", port), timeout=30 * SCALE) as client:
        for request in requests:
            pending.append(request)
            if len(pending) == batch:
                ask(client)
        if pending:
            ask(client)
    return found


def get(target, *headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode()


def grows_no_more(gateway, make, wanted, whole, later):
    """The first fifth may cost `whole` bytes; all that come after it no more than `later`."""
    flood(gateway.port, (make(number) for number in range(200)))
    before = gateway.rss()
    assert flood(gateway.port, (make(number) for number in range(200, MANY // 5))).keys() == {wanted}
    early = gateway.rss()
    assert flood(gateway.port, (make(number) for number in range(MANY // 5, MANY))) == {wanted: MANY - MANY // 5}
    end = gateway.rss()
    print(f"{(early - before) / MIB:.1f} MiB, then {(end - early) / MIB:.1f} MiB")
    assert early - before <= whole * SCALE and end - early <= later * SCALE
    # Nobody else has a part in it.
    begun = time.monotonic()
    assert fetch(gateway.port, "/free").status == 200 and time.monotonic() - begun < 2 * SCALE


def free():
    return config.respond("free", "/free", body="ok")


def hs256(number):
    now = int(time.time())
    body = {"iss": "https://id.test", "aud": "api", "sub": f"user-{number}", "iat": now, "exp": now + 3600, "jti": f"token-{number}"}
    text = f"{b64({'alg': 'HS256', 'typ': 'JWT'})}.{b64(body)}"
    return f"{text}.{b64(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))}"


def test_distinct_valid_tokens(weir):
    issuer = {"issuer": "https://id.test", "audiences": ["api"], "secret_env": "JWT_SECRET"}
    chain = [config.filter_("jwt", issuers=[issuer]), config.filter_("rate_limit", limits=[{"rate": "10/s"}])]
    gateway = weir(
        config.document(config.respond("all", "/x", body="ok", before=chain, auth_required=True), free(), workers=1),
        environment={"JWT_SECRET": SECRET},
    )
    # The cache of verified tokens holds 8192 and a bucket of each consumer has its place in a table of fixed size.
    grows_no_more(gateway, lambda n: get("/x", ("Authorization", "Bearer " + hs256(n))), 200, 24 * MIB, 6 * MIB)


def api_key(number):
    text = "weir_" + f"{number:012d}" + "_" + hashlib.sha256(str(number).encode()).hexdigest()
    length = 12 + 5 + 1
    text = text[: length + SECRET_LENGTH]
    crc, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        crc, digits = crc // 62, DIGITS[crc % 62] + digits
    return f"{text}_{digits}"


SECRET_LENGTH = 0  # set from a key that Weir made


def test_distinct_unknown_api_keys(weir):
    global SECRET_LENGTH
    limits = config.filter_("rate_limit", limits=[{"rate": "1000000/s", "key": "credential"}])
    gateway = weir(config.document(
        config.respond("all", "/x", body="ok", before=[config.filter_("api_key"), limits], auth_required=True), free(),
        credentials={"store": {"file": "keys.db"}}, workers=1,
    ))  # fmt: skip
    made = run("key", "create", "--consumer", "shop", "--quiet", "--config", gateway.config_file).stdout.strip()
    until("it is known", lambda: fetch(gateway.port, "/x", headers=[("X-API-Key", made)]).status == 200)
    SECRET_LENGTH = len(made.split("_")[2])
    assert len(api_key(7)) == len(made)
    before = gateway.metric("weir_api_key_lookups_total", result="unknown")
    grows_no_more(gateway, lambda n: get("/x", ("X-API-Key", api_key(n))), 401, 4 * MIB, 2 * MIB)
    assert gateway.metric("weir_api_key_lookups_total", result="unknown") == before + MANY, "well formed, every one of them"
    assert fetch(gateway.port, "/x", headers=[("X-API-Key", made)]).status == 200


def test_distinct_values_to_be_limited_by(weir):
    chain = [config.filter_("rate_limit", limits=[{"rate": "5/h", "key": "header:X-Tenant"}])]
    gateway = weir(config.document(config.respond("all", "/x", body="ok", before=chain), free(), workers=1))
    spent = [fetch(gateway.port, "/x", headers=[("X-Tenant", "spent")]).status for _ in range(6)]
    assert spent[-1] == 429
    grows_no_more(gateway, lambda n: get("/x", ("X-Tenant", f"t{n}")), 200, 12 * MIB, 8 * MIB)
    assert fetch(gateway.port, "/x", headers=[("X-Tenant", "spent")]).status == 429, "a flood gives nobody a full bucket back"


def test_distinct_query_parameters_and_headers(weir):
    gateway = weir(config.document(config.respond("all", "/x", body="ok"), free(), workers=1))
    grows_no_more(gateway, lambda n: get(f"/x?k{n}=1&v={n}", (f"X-H{n}", n)), 200, 4 * MIB, 2 * MIB)
    assert len(gateway.metrics().samples) < 1000


def test_distinct_unknown_key_ids(weir, new_origin, tmp_path):
    issuer, key = new_origin(name="issuer"), Key(tmp_path)
    issuer.on("/jwks", lambda exchange: exchange.reply(200, key_set(key.jwk()), [("Content-Type", "application/json")]))
    one = {"issuer": "https://id.test", "audiences": ["api"], "jwks_url": f"{issuer.url}/jwks", "allow_http": True, "allow_private": True}
    chain = [config.filter_("jwt", issuers=[one])]
    gateway = weir(config.document(config.respond("all", "/x", body="ok", before=chain, auth_required=True), free(), workers=1))
    until("the keys are here", lambda: gateway.metric("weir_jwks_keys") == 1)
    begun, signature = time.monotonic(), base64.urlsafe_b64encode(bytes(256)).rstrip(b"=").decode()
    body = b64({"iss": "https://id.test", "aud": "api", "sub": "a", "exp": int(time.time()) + 600})

    def made_up(number):
        return get("/x", ("Authorization", f"Bearer {b64({'alg': 'RS256', 'kid': f'kid-{number}'})}.{body}.{signature}"))

    grows_no_more(gateway, made_up, 401, 4 * MIB, 2 * MIB)
    assert len(issuer.requests) <= 2 + (time.monotonic() - begun) / 30, "one fetch in 30 s, whatever they are called"
