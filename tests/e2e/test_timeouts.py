"""Promise: an upstream that does not connect, answer, go on or finish in time costs the client a bounded wait and a 504 that
says which of these it was (faults.md R1)."""

import contextlib
import socket
import threading
import time

import pytest

from kit import config
from kit.check import problem, still_serves
from kit.client import Client, Closed, fetch
from kit.wait import SCALE, until

# Each so long that a pause of the busy machine is not taken for the upstream's.
CONNECT, FIRST_BYTE, IDLE, TOTAL = 0.8, 1.5, 2.0, 1.5
TIMES = {name: f"{int(1000 * seconds)}ms" for name, seconds in {"connect_timeout": CONNECT, "first_byte_timeout": FIRST_BYTE, "idle_timeout": IDLE}.items()}
MARGIN = 1.0 * SCALE


@pytest.fixture(scope="module")
def black_hole():
    """A listener whose queue is full: Linux drops further SYNs, so that connecting hangs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(listener.getsockname())
        fillers.append(filler)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    for sock in (*fillers, listener):
        sock.close()


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, black_hole):
    return launch(config.document(
        config.route("hole", "/hole/**", "http://hole"),
        config.route("total", "/total/**", "http://origin", timeout=f"{int(1000 * TOTAL)}ms"),
        config.route("refused", "/refused/**", f"http://127.0.0.1:{config.free_port()}"),
        config.route("nameless", "/nameless/**", "http://nobody.invalid:80"),
        config.route("all", "/**", "http://origin"),
        upstreams=[config.upstream("hole", black_hole, **TIMES), config.upstream("origin", shared_origin.address, **TIMES)],
    ))  # fmt: skip


@contextlib.contextmanager
def lasting(seconds):
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    assert seconds * 0.9 <= took <= seconds + MARGIN, f"took {took:.2f} s instead of {seconds} s"


def test_connecting(gateway, origin):
    with lasting(CONNECT):
        response = fetch(gateway.port, "/hole/x", "POST", body=b"x")
    assert response.status == 504
    problem(gateway, response, "upstream_connect_timeout")


def hole_alone(weir, black_hole):
    slow = config.upstream("hole", black_hole, connect_timeout="60s")
    return weir(config.document(config.route("hole", upstream="http://hole"), upstreams=[slow], workers=1))


def test_a_client_that_leaves_ends_the_connecting(weir, black_hole):
    gateway = hole_alone(weir, black_hole)
    with Client(gateway.port) as client:
        client.send(b"GET /left HTTP/1.1\r\nHost: a\r\n\r\n")
        until("the request is being served", lambda: gateway.metric("http_server_active_requests") == 1)
        client.reset()
    assert gateway.record(path="/left").reason == "client_closed"


def test_connecting_does_not_outlast_the_drain_timeout(weir, black_hole):
    gateway = hole_alone(weir, black_hole)
    with Client(gateway.port) as client:
        client.send(b"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n")
        until("the request is being served", lambda: gateway.metric("http_server_active_requests") == 1)
        gateway.stop(seconds=5)
    assert gateway.record(path="/cut").reason == "client_closed"


def test_refused_is_502_at_once(gateway, origin):
    with lasting(0):
        response = fetch(gateway.port, "/refused/x")
    assert response.status == 502
    problem(gateway, response, "upstream_refused")


def test_a_name_that_does_not_exist_is_503(gateway, origin):
    response = fetch(gateway.port, "/nameless/x", timeout=20)
    assert response.status == 503
    problem(gateway, response, "upstream_no_address")


@pytest.fixture
def silent(origin):
    go = threading.Event()
    yield lambda exchange: (exchange.read_body(), go.wait(10), exchange.close())
    go.set()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_first_byte(gateway, origin, silent, method):
    origin.on("/silent", silent)
    with lasting(FIRST_BYTE):
        response = fetch(gateway.port, "/silent", method, body=b"x" if method == "POST" else None)
    assert response.status == 504
    problem(gateway, response, "upstream_first_byte_timeout")
    assert len(origin.requests) == 1, "a request that may still be worked on is not sent again"


def pour(client, path, size, seconds=0.0):
    """Sends a body of `size` bytes from a thread, lasting at least `seconds`, until nobody takes any more of it."""

    def run():
        piece = b"x" * (size // 10)
        with contextlib.suppress(OSError):
            client.sock.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (path, 10 * len(piece)))
            for _ in range(10):
                time.sleep(seconds / 10)
                client.sock.sendall(piece)

    threading.Thread(target=run, daemon=True).start()


def test_the_first_byte_after_a_body_that_took_its_time(gateway, origin, silent):
    """The wait begins when the body is out, and has an end though it began while the body was on its way."""
    origin.on("/silent", silent)
    with Client(gateway.port) as client, lasting(0.3 + FIRST_BYTE):
        pour(client, b"/silent", 1 << 20, 0.3)
        response = client.response()
    assert response.status == 504
    problem(gateway, response, "upstream_first_byte_timeout")


def test_an_upstream_that_stops_reading_the_body(gateway, origin):
    go = threading.Event()
    origin.on("/stuck", lambda exchange: (go.wait(10), exchange.close()))
    try:
        with Client(gateway.port) as client, lasting(IDLE):
            pour(client, b"/stuck", 100 << 20)
            response = client.response()
    finally:
        go.set()
    assert response.status == 504
    problem(gateway, response, "upstream_idle_timeout")


def test_a_dripping_head_does_not_stretch_the_first_byte_timeout(gateway, origin):
    def drip(exchange):
        with contextlib.suppress(OSError):
            exchange.send(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                exchange.send(b"X: y\r\n")
                time.sleep(0.05)
        exchange.close()

    origin.on("/drip", drip)
    with lasting(FIRST_BYTE):
        response = fetch(gateway.port, "/drip")
    assert response.status == 504


def stalls(exchange_bytes, go):
    def handler(exchange):
        exchange.send(exchange_bytes)
        go.wait(10)
        exchange.close()

    return handler


@pytest.mark.parametrize("head", [b"Content-Length: 10\r\n\r\nfirst", b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"], ids=["length", "chunked"])
def test_a_body_that_stops_is_visibly_cut(gateway, origin, head):
    go = threading.Event()
    origin.on("/stall", stalls(b"HTTP/1.1 200 OK\r\n" + head, go))
    with Client(gateway.port) as client, lasting(IDLE):
        client.send(b"GET /stall HTTP/1.1\r\nHost: a\r\n\r\n")
        request_id = client.head().get("x-request-id")
        with pytest.raises(Closed):
            client.wire.chunked() if b"chunked" in head else client.wire.exactly(10)
    go.set()
    assert gateway.record(request_id=request_id).reason == "upstream_idle_timeout"


def test_a_body_that_keeps_coming_is_not_cut(gateway, origin):
    def steady(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(30):  # for longer than IDLE
            exchange.send(b"x")
            time.sleep(0.1)

    origin.on("/steady", steady)
    assert fetch(gateway.port, "/steady").body == b"x" * 30


def test_the_total_time_of_a_route(gateway, origin, silent):
    origin.on("/total/silent", silent)
    with lasting(TOTAL):
        response = fetch(gateway.port, "/total/silent")
    assert response.status == 504
    problem(gateway, response, "upstream_timeout")


def test_the_total_time_counts_a_steady_body_too(gateway, origin):
    def steady(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(100):
                exchange.send(b"x")
                time.sleep(0.05)
        exchange.close()

    origin.on("/total/steady", steady)
    with Client(gateway.port) as client, lasting(TOTAL):
        client.send(b"GET /total/steady HTTP/1.1\r\nHost: a\r\n\r\n")
        request_id = client.head().get("x-request-id")
        with pytest.raises(Closed):
            client.wire.exactly(100)
    assert gateway.record(request_id=request_id).reason == "upstream_timeout"


def test_a_timed_out_connection_is_not_used_again(gateway, origin):
    """Its late answer must not become somebody else's."""

    def late(exchange):
        time.sleep(FIRST_BYTE + 0.6)
        with contextlib.suppress(OSError):
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    origin.on("/late", late)
    assert fetch(gateway.port, "/late").status == 504
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        still_serves(gateway)


def test_others_are_served_meanwhile(gateway, origin, silent):
    origin.on("/silent", silent)
    clients = [Client(gateway.port) for _ in range(20)]
    for client in clients:
        client.send(b"GET /silent HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in range(20):
        with lasting(0):
            still_serves(gateway)
    assert {client.response().status for client in clients} == {504}
    for client in clients:
        client.close()


def test_a_client_that_leaves_ends_the_wait(gateway, origin, silent):
    origin.on("/left", silent)
    with Client(gateway.port) as client:
        client.send(b"GET /left HTTP/1.1\r\nHost: a\r\n\r\n")
        origin.wait_for_requests(1)
        client.reset()
    assert gateway.record(path="/left").reason == "client_closed"


def test_a_client_that_has_said_all_still_gets_its_answer(gateway, origin):
    """Half-closing is not leaving."""
    origin.on("/half", lambda exchange: (time.sleep(0.3), exchange.reply(200, b"here")))
    with Client(gateway.port) as client:
        client.send(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.response().body == b"here"
