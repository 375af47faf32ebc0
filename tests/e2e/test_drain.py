"""Promise: SIGTERM turns readiness off first, lets what is in flight finish, says Connection: close, and never takes longer than
drain_timeout (faults.md R11)."""

import signal
import threading
import time

import pytest

from kit import config
from kit.client import Client, Closed, fetch
from kit.load import Load
from kit.wait import SCALE, until


class Held:
    """An origin path that answers only when released."""

    def __init__(self, origin, path="/held"):
        self.go = threading.Event()
        origin.on(path, self.answer)

    def answer(self, exchange):
        exchange.read_body()
        self.go.wait(20)
        exchange.reply(200, b"finished")


@pytest.fixture
def held(origin):
    """Released at the latest when the test ends, however it ends: a gateway that drains need not wait for it then."""
    one = Held(origin)
    yield one
    one.go.set()


def ask(client, path="/held"):
    client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


def test_in_flight_finishes_after_readiness_has_failed(weir, origin, held):
    gateway = weir(config.to_origin(origin, drain_timeout="15s"))
    with Client(gateway.port) as client:
        ask(client)
        origin.wait_for_requests(1)
        gateway.signal(signal.SIGTERM)
        until("readiness fails", lambda: gateway.ready() == 503)
        assert gateway.ask_admin("/livez").status == 200, "draining is not dead"
        assert gateway.process.poll() is None
        held.go.set()
        response = client.response()
        assert response.body == b"finished" and response.closes
        assert client.is_closed_by_peer()
    gateway.stop(seconds=5)
    assert gateway.record_of(response).reason == "ok"


def test_a_streaming_body_finishes_too(weir, origin):
    go = threading.Event()

    def stream(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        go.wait(20)
        exchange.send(b"after")

    origin.on("/stream", stream)
    gateway = weir(config.to_origin(origin, drain_timeout="15s"))
    with Client(gateway.port) as client:
        ask(client, "/stream")
        head = client.head()
        assert client.wire.exactly(5) == b"first" and head.status == 200
        gateway.signal(signal.SIGTERM)
        until("readiness fails", lambda: gateway.ready() == 503)
        go.set()
        assert client.wire.exactly(5) == b"after"
        assert client.is_closed_by_peer()
    gateway.stop(seconds=5)


def test_idle_connections_do_not_hold_it_up(weir, origin):
    gateway = weir(config.to_origin(origin, drain_timeout="30s"))
    clients = [Client(gateway.port) for _ in range(20)]
    for client in clients:
        assert client.get("/x").status == 200
    start = time.monotonic()
    gateway.stop(seconds=10)
    assert time.monotonic() - start < 5 * SCALE
    assert all(client.is_closed_by_peer() for client in clients)
    for client in clients:
        client.close()


@pytest.mark.parametrize("stuck", ["a silent origin", "a tunnel", "half a request head", "a body that never ends"])
def test_what_never_finishes_is_cut_at_the_drain_timeout(weir, origin, held, stuck):
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
    origin.on("/tunnel", lambda exchange: (exchange.send(switch), exchange.connection.wire.to_end()))
    gateway = weir(config.to_origin(origin, drain_timeout="1s"))
    with Client(gateway.port) as client:
        if stuck == "a silent origin":
            ask(client)
            origin.wait_for_requests(1)
        elif stuck == "a tunnel":
            client.send(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            assert client.response().status == 101
        elif stuck == "half a request head":
            client.send(b"GET /x HTT")
        else:
            client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
            origin.wait_for_requests(1, complete=False)
        start = time.monotonic()
        gateway.stop(seconds=10)
        assert time.monotonic() - start < 1 + 2 * SCALE
        assert client.is_closed_by_peer()


def test_clients_that_obey_connection_close_see_no_error(weir, origin):
    """Until the gateway stops listening every request is answered; afterwards connecting is refused, never a cut answer."""
    gateway = weir(config.to_origin(origin, drain_timeout="10s"))
    with Load(gateway.port, "/x", threads=4) as load:
        load.wait_for(100)
        gateway.signal(signal.SIGTERM)
        gateway.process.wait(15 * SCALE)
    cut = [f for f in load.failures if "Closed" in f and "reset" in f]
    other = [f for f in load.failures if "ConnectionRefusedError" not in f and "Closed" not in f and "ConnectionResetError" not in f]
    assert not cut and not other, (cut[:3], other[:3])
    gateway.stop()


def test_a_request_on_a_kept_connection_during_drain_is_answered_or_the_connection_is_gone(weir, origin, held):
    gateway = weir(config.to_origin(origin, drain_timeout="15s"))
    with Client(gateway.port) as busy, Client(gateway.port) as kept:
        assert kept.get("/x").status == 200
        ask(busy)
        origin.wait_for_requests(2)
        gateway.signal(signal.SIGTERM)
        until("readiness fails", lambda: gateway.ready() == 503)
        try:
            response = kept.get("/x")
            assert response.status in (200, 503) and response.closes
        except Closed:
            pass
        held.go.set()
        assert busy.response().body == b"finished"
    gateway.stop(seconds=5)


def test_sigint_ends_it_too(weir, origin):
    gateway = weir(config.to_origin(origin, drain_timeout="1s"))
    assert fetch(gateway.port, "/x").status == 200
    gateway.signal(signal.SIGINT)
    gateway.process.wait(5 * SCALE)
    gateway.stop()
