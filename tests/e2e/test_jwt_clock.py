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
