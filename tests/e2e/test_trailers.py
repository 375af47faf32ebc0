"""Promise: trailer fields never smuggle what the header section may not say: unless a trailer is allow-listed it is dropped, in
both directions, and the body before it is untouched (attacks.md A18)."""

import pytest

from kit import config
from kit.check import echoed
from kit.client import Client, fetch

make_document = config.to_origin

NEVER = ["Content-Length", "Transfer-Encoding", "Host", "Authorization", "X-User-Id", "X-Consumer-Id", "X-Auth-Token", "Cookie",
         "Set-Cookie", "X-Forwarded-For", "Forwarded", "Connection", "Content-Type", "Cache-Control", "X-Request-Id", "Trailer"]  # fmt: skip


@pytest.mark.parametrize("name", [*NEVER, "X-Anything"])
def test_request_trailers_are_dropped(gateway, origin, name):
    raw = (f"POST /t HTTP/1.1\r\nHost: a\r\nTrailer: {name}\r\nTransfer-Encoding: chunked\r\n\r\n"
           f"5\r\nhello\r\n0\r\n{name}: 12345\r\n\r\n").encode()  # fmt: skip
    with Client(gateway.port) as client:
        said = echoed(client.send(raw).response())
        assert said["body"] == "hello"
        assert said["trailers"] == [] and "12345" not in str(said["headers"])
        assert echoed(client.get("/after"))["target"] == "/after"


@pytest.mark.parametrize("name", [*NEVER, "X-Anything"])
def test_response_trailers_are_dropped(gateway, origin, name):
    origin.answer("/t", f"HTTP/1.1 200 OK\r\nTrailer: {name}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n{name}: 12345\r\n\r\n".encode())
    with Client(gateway.port) as client:
        response = client.get("/t")
        assert response.body == b"hello"
        assert response.trailers == [] and "12345" not in str(response.headers)
        assert echoed(client.get("/after"))["target"] == "/after"


def test_chunked_bodies_pass_both_ways_at_any_chunking(gateway, origin):
    body = bytes(range(256)) * 300
    origin.on("/back", lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(exchange.read_body(), 777) + b"0\r\n\r\n"
    ))  # fmt: skip
    for size in (1000, 16384, 70000):
        with Client(gateway.port) as client:
            client.send(b"POST /back HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body, size) + b"0\r\n\r\n")
            assert client.response().body == body


def test_an_empty_chunked_body_passes(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert echoed(client.response())["body_length"] == 0
    origin.answer("/e", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert fetch(gateway.port, "/e").body == b""


def test_http_1_0_clients_get_no_chunks(gateway, origin):
    origin.answer("/c", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    with Client(gateway.port) as client:
        response = client.send(b"GET /c HTTP/1.0\r\nHost: a\r\n\r\n").response()
    assert not response.has("transfer-encoding") and response.body == b"hello"


def test_too_large_a_trailer_section_is_refused(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"POST /t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: " + b"a" * 100000 + b"\r\n\r\n")
        assert client.response().status in (400, 431)
    assert not [r for r in origin.requests if r.complete]


def chunks(body, size):
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[n : n + size] for n in range(0, len(body), size)))
