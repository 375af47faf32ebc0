"""Promise: whatever a client sends, the access log stays one JSON object per line without raw control bytes, and secrets do not
get into it (attacks.md C11)."""

import json

import pytest

from kit import config
from kit.client import Client, exchange, fetch

make_document = config.to_origin

NASTY = {
    "quotes": b'a"b\\c',
    "closing the object": b'"},{"status":200}',
    "percent LF": b"%0a%0d",
    "backslash n": b"\\n{\"status\":200}",
    "tab": b"a\tb",
    "high bytes": b"\xff\xfe\x80",
    "broken UTF-8": b"\xc3(\xe2\x82",
    "line separators": "\u2028\u2029\u0085".encode(),
    "surrogate": b"\xed\xa0\x80",
    "right-to-left": "\u202e".encode(),
    "template": b"${jndi:ldap://x}%s%n{{7*7}}",
    "long": b"x" * 8000,
}


def check_log(gateway, response):
    """Every line so far is one object of printable characters; returns the record of `response`."""
    record = gateway.record_of(response)
    for line in gateway.log_file.read_bytes().split(b"\n")[:-1]:
        assert isinstance(json.loads(line.decode("utf-8")), dict)
        assert not [byte for byte in line if byte < 0x20 or byte == 0x7F], line
    return record


@pytest.mark.parametrize("value", NASTY.values(), ids=list(NASTY))
@pytest.mark.parametrize("name", [b"User-Agent", b"Referer", b"X-Request-Id", b"Host"])
def test_header_values_are_escaped(gateway, origin, name, value):
    host = b"" if name == b"Host" else b"Host: a\r\n"
    response = exchange(gateway.port, b"GET /x HTTP/1.1\r\n" + host + name + b": " + value + b"\r\n\r\n")
    assert response.status == (400 if name == b"Host" else 200) or response.status == 400
    record = check_log(gateway, response)
    assert record.status == response.status


def test_a_user_agent_is_logged_as_it_is(gateway, origin):
    said = 'Mozilla/5.0 "quoted" \\ back\tslash'
    assert gateway.record_of(fetch(gateway.port, "/x", headers=[("User-Agent", said)])).user_agent == said


@pytest.mark.parametrize("raw", [b"\x1b[31m", b"\x1b]0;title\x07", b"a\rb", b"a\0b", b"a\x7fb"], ids=repr)
def test_control_bytes_are_refused_and_logged_escaped(gateway, origin, raw):
    response = exchange(gateway.port, b"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: " + raw + b"\r\n\r\n")
    assert response.status == 400
    check_log(gateway, response)


TARGETS = [b"/x%0ay", b"/%1b[31m", b"/%22%7d", b"/x?%0a%0d", b'/x?"}', b'/"}', b"/x\x1b", b"/\xff", b"/%e2%80%a8"]


@pytest.mark.parametrize("target", TARGETS, ids=repr)
def test_targets_are_escaped(gateway, origin, target):
    response = exchange(gateway.port, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert response.status in (200, 400)
    check_log(gateway, response)


def test_garbage_leaves_one_readable_record(gateway, origin):
    with Client(gateway.port) as client:
        (response,) = client.send(bytes(range(256)) + b"\r\n\r\n").responses_until_close()
    assert check_log(gateway, response).reason == "bad_request"


SECRET = "s3cr3t-7f3a"


def test_secrets_are_not_logged(gateway, origin):
    headers = [("Authorization", f"Bearer {SECRET}"), ("Cookie", f"session={SECRET}"), ("Proxy-Authorization", SECRET), ("X-Api-Key", SECRET)]
    origin.on("/x", lambda exchange: exchange.reply(200, b"ok", [("Set-Cookie", f"session={SECRET}")]))
    gateway.record_of(fetch(gateway.port, "/x", headers=headers))
    assert SECRET.encode() not in gateway.log_file.read_bytes()
    assert SECRET not in gateway.stderr()


@pytest.mark.parametrize("parameter", ["token", "access_token", "API_KEY", "password", "code", "%74oken"])
def test_secrets_in_the_query_are_not_logged(gateway, origin, parameter):
    response = fetch(gateway.port, f"/x?a=1&{parameter}={SECRET}&b=2")
    assert response.json()["target"].endswith(f"{parameter}={SECRET}&b=2"), "the upstream gets it all the same"
    logged = gateway.record_of(response).query
    assert SECRET not in logged and logged.startswith("a=1&") and logged.endswith("&b=2")
