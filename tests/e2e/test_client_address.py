"""Promise: the client's address is the peer's, or what trusted proxies in front say, walked from the right; never what a
stranger claims, in headers or in a PROXY header (attacks.md C5)."""

import socket
import struct

import pytest

from kit import config
from kit.check import echoed, echoed_values
from kit.client import Client, fetch

TRUSTED = "127.0.0.2"


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    listeners = [config.listener(), config.listener(trusted_proxy=[f"{TRUSTED}/32"])]
    return launch(config.to_origin(shared_origin, listeners=listeners, trusted_proxies=[f"{TRUSTED}/32", "10.0.0.0/8", "fd00::/8"]))


def client_of(gateway, response):
    return gateway.record_of(response).client.rsplit("%", 1)[0]


SPOOFS = [("X-Forwarded-For", "127.0.0.9"), ("Forwarded", "for=127.0.0.9"), ("X-Real-IP", "127.0.0.9"), ("X-Forwarded-Host", "evil.test"),
          ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443"), ("Forwarded", 'for="[::1]";proto=https;host=evil.test')]  # fmt: skip


@pytest.mark.parametrize("name, value", SPOOFS)
def test_a_stranger_cannot_say_who_it_is(gateway, origin, name, value):
    response = fetch(gateway.port, "/x", headers=[(name, value), (name, value)])
    said = str(echoed(response)["headers"])
    assert "127.0.0.9" not in said and "evil.test" not in said and "::1" not in said
    assert echoed_values(response, "X-Forwarded-For") == ["127.0.0.1"]
    assert echoed_values(response, "X-Forwarded-Proto") == ["http"]
    assert client_of(gateway, response).startswith("127.0.0.1")


WALKS = {
    "one": (["203.0.113.7"], "203.0.113.7"),
    "nearest untrusted wins": (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
    "trusted ones are skipped": (["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
    "spoof left of the truth": (["127.0.0.1, 203.0.113.7, 10.1.2.3, 10.9.9.9"], "203.0.113.7"),
    "two lines are one list": (["1.1.1.1", "203.0.113.7, 10.1.2.3"], "203.0.113.7"),
    "IPv6": (["2001:db8::7"], "2001:db8::7"),
    "all trusted: the leftmost": (["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
    "rubbish ends the walk": (["203.0.113.7, rubbish"], TRUSTED),
    "rubbish beyond the truth does not matter": (["rubbish, 203.0.113.7"], "203.0.113.7"),
}


@pytest.mark.parametrize("values, expected", WALKS.values(), ids=list(WALKS))
def test_a_trusted_proxy_is_believed_from_right_to_left(gateway, origin, values, expected):
    response = fetch(gateway.port, "/x", headers=[("X-Forwarded-For", v) for v in values], source=TRUSTED)
    assert client_of(gateway, response).startswith(expected)
    forwarded = ", ".join(echoed_values(response, "X-Forwarded-For"))
    assert forwarded.split(", ")[-1] == TRUSTED, "the peer itself is what we know for certain"


def test_forwarded_from_a_trusted_proxy_counts_too(gateway, origin):
    response = fetch(gateway.port, "/x", headers=[("Forwarded", "for=203.0.113.7;proto=https;host=shop.test")], source=TRUSTED)
    assert client_of(gateway, response).startswith("203.0.113.7")


def test_a_trusted_proxy_may_say_https(gateway, origin):
    response = fetch(gateway.port, "/x", headers=[("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https")], source=TRUSTED)
    assert echoed_values(response, "X-Forwarded-Proto") == ["https"]


V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source="203.0.113.7", target="192.0.2.1", command=1, tlvs=b"", length=None, family=0x11):
    kind = socket.AF_INET6 if family == 0x21 else socket.AF_INET
    address = socket.inet_pton(kind, source) + socket.inet_pton(kind, target) + struct.pack("!HH", 4711, 80)
    rest = address + tlvs
    return V2 + bytes([0x20 | command, family]) + struct.pack("!H", len(rest) if length is None else length) + rest


GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
GOOD = {
    "v1 TCP4": (b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n", "203.0.113.7"),
    "v1 TCP6": (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n", "2001:db8::7"),
    "v1 UNKNOWN": (b"PROXY UNKNOWN\r\n", TRUSTED),
    "v2 TCP4": (v2(), "203.0.113.7"),
    "v2 TCP6": (v2("2001:db8::7", "2001:db8::1", family=0x21), "2001:db8::7"),
    "v2 with TLVs": (v2(tlvs=b"\x01\0\x02h2" + b"\x04\0\x03abc"), "203.0.113.7"),
    "v2 LOCAL": (v2(command=0), TRUSTED),
}


@pytest.mark.parametrize("piece", [4096, 1])
@pytest.mark.parametrize("header, expected", GOOD.values(), ids=list(GOOD))
def test_a_proxy_header_from_a_listed_peer_is_believed(gateway, origin, header, expected, piece):
    with Client(gateway.ports[1], source=TRUSTED) as client:
        response = client.send_pieces(header + GET, piece).response()
        assert client_of(gateway, response).startswith(expected)
        assert echoed(client.get("/again"))["target"] == "/again", "the header comes once per connection"


BAD = {
    "no header": b"",
    "v1 lower case": b"proxy TCP4 203.0.113.7 192.0.2.1 4711 80\r\n",
    "v1 LF": b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\n",
    "v1 too long": b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    "v1 port too large": b"PROXY TCP4 203.0.113.7 192.0.2.1 65536 80\r\n",
    "v1 address": b"PROXY TCP4 203.0.113.777 192.0.2.1 4711 80\r\n",
    "v1 octal address": b"PROXY TCP4 0203.0.113.7 192.0.2.1 4711 80\r\n",
    "v1 wrong family": b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 80\r\n",
    "v1 missing field": b"PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n",
    "v1 two spaces": b"PROXY TCP4  203.0.113.7 192.0.2.1 4711 80\r\n",
    "v2 version": V2 + b"\x31\x11\0\x0c" + v2()[16:],
    "v2 command": v2(command=2),
    "v2 too short for its addresses": v2(length=4),
    "v2 TLV overlong": v2(tlvs=b"\x01\0\xffh2"),
    "v2 TLV cut": v2(tlvs=b"\x01\0"),
    "v2 length 65535": v2(length=65535) + b"x" * 65535,
    "twice": GOOD["v1 TCP4"][0] * 2,
}


@pytest.mark.parametrize("header", BAD.values(), ids=list(BAD))
def test_a_bad_proxy_header_ends_the_connection(gateway, origin, header):
    with Client(gateway.ports[1], source=TRUSTED) as client:
        client.send(header + GET)
        assert client.is_closed_by_peer(3)
        assert b" 200 " not in client.wire.buffer[:20]
    assert not origin.requests


@pytest.mark.parametrize("header", [b"", *(g[0] for g in GOOD.values())], ids=["no header", *GOOD])
def test_a_peer_that_is_not_listed_is_turned_away(gateway, origin, header):
    with Client(gateway.ports[1], source="127.0.0.1") as client:
        client.send(header + GET)
        assert client.is_closed_by_peer(3)
    assert not origin.requests


@pytest.mark.parametrize("header", [GOOD["v1 TCP4"][0], GOOD["v2 TCP4"][0]], ids=["v1", "v2"])
def test_a_listener_without_proxy_protocol_takes_none(gateway, origin, header):
    with Client(gateway.port) as client:
        client.send(header + GET)
        assert client.is_closed_by_peer(3)
        assert b" 200 " not in client.wire.buffer[:20]
    assert not origin.requests
