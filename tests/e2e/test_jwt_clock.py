"""Promise: when the wall clock is wrong or jumps, tokens are judged by it within a leeway of 60 s, cached ones too, and nothing
else goes by it (faults R15)."""

import glob
import json

import pytest

from kit import config
from kit.client import fetch
from kit.gateway import SANITIZED
from kit.tokens import Key, bearer, claims, key_set
from kit.wait import until

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)


@pytest.fixture
def clock(tmp_path):
    """clock(seconds) moves the gateway's wall clock that far from the real one."""
    file = tmp_path / "clock"

    def move(seconds):
        draft = tmp_path / "clock.draft"
        draft.write_text(f"{seconds:+d}\n")
        draft.rename(file)

    move(0)
    move.environment = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
                        "DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
    return move


@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants to be preloaded first")
def test_an_issuers_last_keys_are_good_for_a_day(weir, origin, new_origin, tmp_path, clock):
    """Faults R20: here the monotonic clock moves too, as it does when time passes."""
    key, issuer = Key(tmp_path), new_origin(name="issuer")
    issuer.on("/jwks", lambda exchange: exchange.reply(200, key_set(key.jwk()), [("Content-Type", "application/json")]))
    one = {"issuer": "https://id.test", "audiences": ["api"], "jwks_url": f"{issuer.url}/jwks", "allow_http": True, "allow_private": True}
    routes = [config.route("all", upstream=origin.url, auth_required=True, plugin_chain=[config.filter_("jwt", issuers=[one])])]
    environment = {name: value for name, value in clock.environment.items() if name != "DONT_FAKE_MONOTONIC"}
    gateway = weir(config.to_origin(origin) | {"routes": routes}, environment=environment)

    def ask(hours):
        token = key.token(claims(lifetime=600 + hours * 3600, iat=None, jti=f"{hours}"))
        return fetch(gateway.port, "/x", headers=bearer(token)).status

    until("the keys are here", lambda: ask(0) == 200)
    issuer.stop()
    failures = lambda: gateway.metric("weir_jwks_fetch_failures_total")
    clock(23 * 3600)
    until("the issuer is found away", lambda: failures() >= 1, 10)
    assert ask(23) == 200 and gateway.metric("weir_jwks_age_seconds") > 22 * 3600
    clock(25 * 3600)
    until("they are given up", lambda: "older than 24 h" in gateway.stderr(), 10)
    assert ask(25) == 503


@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants to be preloaded first")
def test_the_wall_clock_jumps(weir, origin, tmp_path, clock):
    assert LIBRARY, "package faketime is missing: ./dev test installs it"
    key = Key(tmp_path)
    issuer = {"issuer": "https://id.test", "audiences": ["api"], "jwks": json.loads(key_set(key.jwk()))}
    chain = [config.filter_("jwt", issuers=[issuer])]
    routes = [config.route("all", upstream=origin.url, auth_required=True, plugin_chain=chain)]
    gateway = weir(config.to_origin(origin) | {"routes": routes}, environment=clock.environment)
    token = key.token(claims(lifetime=600))

    def ask():
        response = fetch(gateway.port, "/x", headers=bearer(token))
        return response.status if response.status == 200 else response.json()["detail"]

    assert ask() == 200
    for seconds, answer in [(30, 200), (-30, 200), (590, 200), (3600, "the token has expired"), (0, 200),
                            (-3600, "the token is issued in the future"), (0, 200)]:  # fmt: skip
        clock(seconds)
        fresh = key.token(claims(lifetime=600, jti=str(seconds)))
        until("the answer by that clock", lambda answer=answer: ask() == answer or answer != 200, 2)
        response = fetch(gateway.port, "/x", headers=bearer(fresh))
        assert (200 if response.status == 200 else response.json()["detail"]) == answer, seconds
        if answer == "the token has expired":
            assert ask() == answer  # cached before
