"""Promise: canary_weight splits clients by a stable hash: a client stays where it is, a growing weight only ever moves clients to
the canary, and 0 and 100 mean none and all."""

import pytest

from kit import config
from kit.client import fetch
from kit.origin import Origin

# Clients are told apart by address; 127.0.0.0/8 is ours. Names of the proxy's clients come from X-Forwarded-For.
PROXY = "127.0.0.1"
CLIENTS = [f"198.51.{n // 250}.{n % 250 + 1}" for n in range(400)]


@pytest.fixture(scope="module")
def canary_origin():
    origin = Origin(name="canary")
    yield origin
    origin.stop()


def make(shared_origin, canary_origin, weight, listeners=None):
    return config.document(
        config.route("split", "/s/**", shared_origin.url, canary_weight=weight, canary_upstream_url=canary_origin.url),
        config.route("other", "/o/**", shared_origin.url, canary_weight=weight, canary_upstream_url=canary_origin.url),
        trusted_proxies=[f"{PROXY}/32"], listeners=listeners,
    )  # fmt: skip


def split(gateway, path="/s/x", clients=CLIENTS):
    """The clients that went to the canary."""
    return {c for c in clients if fetch(gateway.port, path, headers=[("X-Forwarded-For", c)]).json()["origin"] == "canary"}


def test_the_share_is_about_right_stable_and_only_grows(weir, shared_origin, canary_origin):
    gateway = weir(make(shared_origin, canary_origin, 0))
    listeners = gateway.document["listeners"]
    earlier = split(gateway)
    assert not earlier
    for weight in (5, 20, 50, 80, 100):
        gateway.reload({**make(shared_origin, canary_origin, weight, listeners), "admin": gateway.document["admin"]})
        now = split(gateway)
        assert earlier <= now, f"going to {weight} % moved clients back: {earlier - now}"
        # four standard deviations of a fair split of 400
        assert abs(len(now) - 4 * weight) <= 4 * (400 * weight / 100 * (1 - weight / 100)) ** 0.5, (weight, len(now))
        earlier = now
    assert earlier == set(CLIENTS)


def test_a_client_stays_put(weir, shared_origin, canary_origin):
    gateway = weir(make(shared_origin, canary_origin, 50))
    few = CLIENTS[:20]
    first = split(gateway, clients=few)
    assert 0 < len(first) < 20
    assert all(split(gateway, clients=few) == first for _ in range(5))
    assert split(gateway, "/s/another/path?and=query", few) == first


def test_a_restart_changes_nothing(weir, shared_origin, canary_origin):
    one = weir(make(shared_origin, canary_origin, 30))
    two = weir(make(shared_origin, canary_origin, 30))
    assert split(one, clients=CLIENTS[:60]) == split(two, clients=CLIENTS[:60])


def test_routes_are_split_independently(weir, shared_origin, canary_origin):
    """Otherwise the same unlucky users would be the canary of everything."""
    gateway = weir(make(shared_origin, canary_origin, 50))
    assert split(gateway, "/s/x", CLIENTS[:60]) != split(gateway, "/o/x", CLIENTS[:60])


def test_the_log_says_who_was_a_canary(weir, shared_origin, canary_origin):
    gateway = weir(make(shared_origin, canary_origin, 100))
    response = fetch(gateway.port, "/s/x")
    record = gateway.record_of(response)
    assert record.canary is True and record.upstream == canary_origin.address
