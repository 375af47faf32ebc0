"""Promise: a client cannot hold anything by being slow: head, body, reading, TLS handshake and idleness each have a deadline
that trickling does not move (attacks.md B6), and others do not notice (faults.md R17)."""

import contextlib
import socket
import ssl
import time

import pytest

from kit import config
from kit.check import problem, still_serves
from kit.client import Client
from kit.wait import SCALE, until

LIMIT = 1.0
EARLIEST = 0.4  # seen from here: the clock of the test may begin later than the gateway's
SLACK = 1.5 * SCALE  # after the deadline, for a loaded machine


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, authority):
    listeners = [config.listener(), config.listener(certificates=[authority.issue("localhost")])]
    limits = config.limits(head_timeout=LIMIT, idle_timeout=LIMIT, write_timeout=LIMIT, tls_handshake_timeout=LIMIT,
                           body_grace=LIMIT, min_body_rate=1000)  # fmt: skip
    return launch(config.to_origin(shared_origin, listeners=listeners, limits=limits))


def time_to_close(client, feed=None):
    """Seconds until the gateway closes, while `feed` yields what to send every 50 ms."""
    start = time.monotonic()
    for piece in feed or iter(lambda: b"", None):
        if piece:
            client.send(piece)
        if client.is_closed_by_peer(0.05 / SCALE):
            return time.monotonic() - start
        assert time.monotonic() - start < 15, "still open"
    raise AssertionError("the feed ended first")


def trickle(data, then=b""):
    for byte in data:
        yield bytes([byte])
    while True:
        yield then


def test_a_trickled_head_is_cut_at_an_absolute_deadline(gateway, origin):
    with Client(gateway.port) as client:
        took = time_to_close(client, trickle(b"GET /x HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n"))
        assert EARLIEST <= took <= LIMIT + SLACK
        if client.wire.buffer:
            response = client.response()
            assert response.status == 408 and response.closes
            problem(gateway, response, "head_timeout")
    assert not origin.requests


def test_a_head_that_stops_is_cut(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"GET /x HTT")
        assert EARLIEST <= time_to_close(client) <= LIMIT + SLACK


def test_a_silent_connection_is_closed(gateway):
    with Client(gateway.port) as client:
        assert EARLIEST <= time_to_close(client) <= LIMIT + SLACK


def test_an_idle_keep_alive_connection_is_closed_without_a_word(gateway, origin):
    with Client(gateway.port) as client:
        assert client.get("/x").status == 200
        assert EARLIEST <= time_to_close(client) <= LIMIT + SLACK
        assert not client.wire.buffer


def test_the_second_head_has_its_own_deadline(gateway, origin):
    with Client(gateway.port) as client:
        assert client.get("/x").status == 200
        took = time_to_close(client, trickle(b"GET /y HTTP/1.1\r\n", b"X: y\r\n"))
        assert EARLIEST <= took <= 2 * LIMIT + SLACK


def test_an_early_next_byte_does_not_extend_an_exchange(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\nG")
        assert client.response().status == 200
        assert time_to_close(client) <= LIMIT + SLACK


@pytest.mark.parametrize("framing, piece", [(b"Content-Length: 1000000", b"x"), (b"Transfer-Encoding: chunked", b"1\r\nx\r\n")],
                         ids=["length", "chunked"])  # fmt: skip
def test_a_trickled_body_is_cut(gateway, origin, framing, piece):
    with Client(gateway.port) as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
        assert time_to_close(client, trickle(b"", piece)) <= LIMIT + 2 * SLACK
        if client.wire.buffer:
            response = client.response()
            assert response.status == 408 and response.closes
            problem(gateway, response, "body_timeout")
    assert not [r for r in origin.requests if r.complete]
    assert gateway.record(reason="body_timeout", method="POST", path="/x") if framing.startswith(b"Content") else True


def test_a_body_above_the_rate_is_never_cut(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n")
        client.send_pieces(bytes(30000), 500, pause=0.05)  # 10,000 bytes per second for three times the limit
        assert client.response().json()["body_length"] == 30000


def test_a_client_that_does_not_read_is_given_up(gateway, origin):
    def flood(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                exchange.send(bytes(65536))
        exchange.close()

    origin.on("/flood", flood)
    with Client(gateway.port, receive_buffer=4096) as client:
        client.send(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
        start = time.monotonic()
        record = gateway.record(path="/flood", seconds=10)
        assert record.reason == "client_slow"
        assert time.monotonic() - start <= LIMIT + 2 * SLACK + 1
        until("the origin's side is released", lambda: origin.open_connections() <= 2)


def test_a_slow_but_steady_reader_is_served(gateway, origin):
    size = 3 << 20
    origin.on("/big", lambda exchange: exchange.reply(200, bytes(size)))
    with Client(gateway.port, receive_buffer=65536) as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        got = [0]

        def slowly(piece):
            got[0] += len(piece)
            time.sleep(0.03)

        client.response(sink=slowly)
    assert got[0] == size


@pytest.mark.parametrize("hello", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01"], ids=["silent", "half a hello"])
def test_a_slow_tls_handshake_is_cut(gateway, hello):
    with Client(gateway.tls_port) as client:
        client.send(hello)
        assert EARLIEST <= time_to_close(client) <= LIMIT + SLACK


def test_a_tls_record_that_drips_in_does_not_prolong_idleness(gateway, origin):
    """Bytes that are no data yet, on a connection that has had its answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with Client(gateway.tls_port) as client:

        def done(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    client.send(outgoing.read())
                    incoming.write(client.sock.recv(65536))

        done(tls.do_handshake)
        request = b"GET /x HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"y" * 1000 + b"\r\n\r\n"
        tls.write(request)
        client.send(outgoing.read())
        assert done(lambda: tls.read(65536)).startswith(b"HTTP/1.1 200")
        tls.write(request)
        assert time_to_close(client, trickle(outgoing.read())) <= LIMIT + SLACK


def test_garbage_instead_of_a_tls_handshake_ends_at_once(gateway):
    with Client(gateway.tls_port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert time_to_close(client) < LIMIT * 0.8 + SLACK


def test_others_do_not_notice_a_thousand_slow_ones(gateway, origin):
    slow = []
    try:
        for _ in range(1000):
            sock = socket.create_connection(("127.0.0.1", gateway.port), timeout=5)
            sock.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n")
            slow.append(sock)
        times = []
        for _ in range(100):
            start = time.monotonic()
            still_serves(gateway)
            times.append(time.monotonic() - start)
        assert sorted(times)[90] < 0.25 * SCALE
        for sock in slow:  # each is closed in its time
            sock.settimeout((LIMIT + SLACK) * 2)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(4096):
                    pass
    finally:
        for sock in slow:
            sock.close()
