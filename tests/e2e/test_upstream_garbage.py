"""Promise: an upstream that breaks the rules is answered for with 502 and `upstream_protocol_error`, its bytes never reach a
client as a second response, and its connection is never used again (attacks.md A17)."""

import socket
import struct
import threading

import pytest

from kit import config
from kit.check import problem, still_serves
from kit.client import Client, Closed, WireError, fetch

make_document = config.to_origin

OK = b"HTTP/1.1 200 OK\r\n"
MALFORMED = {
    "length and chunked": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two equal lengths": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length list": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "negative length": OK + b"Content-Length: -1\r\n\r\n",
    "length +5": OK + b"Content-Length: +5\r\n\r\nhello",
    "huge length": OK + b"Content-Length: 18446744073709551616\r\n\r\n",
    "unknown coding": OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
    "gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "200 interim responses": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200 + OK + b"Content-Length: 0\r\n\r\n",
    "NUL in value": OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "bare CR in value": OK + b"X: a\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "fold": OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "space before colon": OK + b"Content-Length : 0\r\n\r\n",
    "empty name": OK + b": a\r\nContent-Length: 0\r\n\r\n",
    "no colon": OK + b"X\r\nContent-Length: 0\r\n\r\n",
    "no status line": b"<html>hello</html>\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status 99": b"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status of letters": b"HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n",
    "NUL in reason": b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "head of 1 MiB": OK + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n",
    "10,000 fields": OK + b"X: a\r\n" * 10000 + b"\r\n",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_answer_is_502_and_its_connection_is_gone(gateway, origin, raw):
    origin.answer("/x", raw)
    with Client(gateway.port) as client:
        response = client.get("/x")
        assert response.status == 502, response
        problem(gateway, response, "upstream_protocol_error")
        count = origin.accepted
        bad = origin.requests[-1].connection
        for _ in range(2):  # the client is not to blame: its connection goes on, on another upstream connection
            if response.closes:
                break
            response = client.get("/after")
            assert response.json()["target"] == "/after" and response.json()["connection"] != bad
    assert len(origin.requests) <= 3 and origin.accepted <= count + 2
    assert [r.path for r in origin.requests].count("/x") == 1, "an answer was given: nothing to try again"


LEFTOVERS = {
    "bytes after a length": (OK + b"Content-Length: 2\r\n\r\nok" + OK + b"Content-Length: 5\r\n\r\nstray", "GET", b"ok"),
    "bytes after chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nstray", "GET", b"ok"),
    "body on HEAD": (OK + b"Content-Length: 5\r\n\r\nstray", "HEAD", b""),
    "chunked body on HEAD": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nstray\r\n0\r\n\r\n", "HEAD", b""),
    "body on 204": (b"HTTP/1.1 204 No Content\r\n\r\nstray", "GET", b""),
    "length on 204": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nstray", "GET", b""),
    "chunks on 204": (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstray\r\n0\r\n\r\n", "GET", b""),
    "body on 304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nstray", "GET", b""),
}


@pytest.mark.parametrize("raw, method, body", LEFTOVERS.values(), ids=list(LEFTOVERS))
def test_bytes_beyond_an_answer_never_become_the_next_answer(gateway, origin, raw, method, body):
    origin.answer("/x", raw)
    with Client(gateway.port) as client:
        response = client.request(method, "/x")
        assert response.status in (200, 204, 304, 502), response
        if response.status == 502:
            problem(gateway, response, "upstream_protocol_error") if method != "HEAD" else None
        else:
            assert response.body == body
        bad = origin.requests[-1].connection
        for _ in range(3):
            if response.closes:
                client.close()
                break
            response = client.get("/after")
            assert response.json()["target"] == "/after" and response.json()["connection"] != bad
    assert still_serves(gateway).json()["connection"] != bad


CUT_HEADS = {"nothing": b"", "half a status line": b"HTTP/1.1 2", "half a head": OK + b"Content-Le"}


@pytest.mark.parametrize("raw", CUT_HEADS.values(), ids=list(CUT_HEADS))
def test_closing_before_the_head_is_whole_is_502(gateway, origin, raw):
    origin.answer("/x", raw, close=True)
    response = fetch(gateway.port, "/x", "POST", body=b"once")
    assert response.status == 502, response
    problem(gateway, response, "upstream_closed")
    assert len(origin.requests) == 1, "a POST that was sent is not sent again"


def test_a_reset_before_the_head_is_502(gateway, origin):
    def reset(exchange):
        sock = exchange.connection.wire.sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.read_body()
        exchange.close()

    origin.on("/x", reset)
    response = fetch(gateway.port, "/x", "POST", body=b"once")
    assert response.status == 502
    problem(gateway, response, "upstream_closed")


CUT_BODIES = {
    "short of its length": OK + b"Content-Length: 10\r\n\r\nhello",
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "half a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n8\r\nhello",
    "half the last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
}
BAD_BODIES = {
    "bad chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
    "no CRLF after a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    "LF after a chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\nhello\r\n0\r\n\r\n",
    "malformed trailer": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nbad\r\n\r\n",
}


def demand_a_broken_response(gateway, origin, raw, close, reasons):
    """The client may see 502 (if nothing was passed on yet) or a response that visibly breaks off; never a whole one."""
    origin.answer("/x", raw, close=close)
    with Client(gateway.port) as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        head = client.head()
        request_id = head.get("x-request-id")
        if head.status == 200:
            with pytest.raises((Closed, WireError)):
                client.wire.chunked() if head.has("transfer-encoding") else client.wire.exactly(int(head.get("content-length")))
        else:
            assert head.status == 502
    assert gateway.record(request_id=request_id).reason in reasons
    still_serves(gateway)


@pytest.mark.parametrize("raw", CUT_BODIES.values(), ids=list(CUT_BODIES))
def test_a_body_cut_short_is_visibly_cut_short(gateway, origin, raw):
    demand_a_broken_response(gateway, origin, raw, True, ("upstream_closed",))


@pytest.mark.parametrize("raw", BAD_BODIES.values(), ids=list(BAD_BODIES))
def test_a_malformed_body_is_visibly_cut_short(gateway, origin, raw):
    demand_a_broken_response(gateway, origin, raw, False, ("upstream_protocol_error",))


def test_a_body_until_close_is_delivered_whole(gateway, origin):
    origin.answer("/x", OK + b"\r\n" + b"x" * 100000, close=True)
    assert fetch(gateway.port, "/x").body == b"x" * 100000


def test_an_answer_on_an_idle_pooled_connection_is_not_given_to_anyone(gateway, origin):
    """An unasked 408 or a smuggled answer that arrives between requests ends that connection."""

    answered, strayed = threading.Event(), threading.Event()

    def answer_then_more(exchange):
        origin.echo(exchange)
        answered.wait(5)
        exchange.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\n\r\nstray")
        strayed.set()

    origin.on("/first", answer_then_more)
    assert fetch(gateway.port, "/first").status == 200
    answered.set()
    assert strayed.wait(5)
    for _ in range(4):
        still_serves(gateway)
