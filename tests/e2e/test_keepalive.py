"""Promise: connections are kept on both sides exactly as HTTP allows; a stale upstream connection costs a client nothing when
the request may be sent again, and a POST reaches the upstream at most once (faults.md R1)."""

import threading
import time

import pytest

from kit import config
from kit.check import problem
from kit.client import Client, fetch

make_document = config.to_origin


def get(path, *lines, version="1.1"):
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: a", *lines, "", ""]).encode()


def test_pipelined_requests_are_answered_in_order(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"".join(get(f"/{n}") for n in range(50)))
        assert [client.response().json()["target"] for _ in range(50)] == [f"/{n}" for n in range(50)]


def test_pipelined_bodies_are_kept_apart(gateway, origin):
    with Client(gateway.port) as client:
        one = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        two = b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n"
        client.send_pieces((one + two) * 5 + get("/end"), 11)
        assert [client.response().json()["body"] for _ in range(11)] == ["abc", "def"] * 5 + [""]


def test_pipelining_goes_on_after_a_404(weir, origin):
    gateway = weir(config.document(config.route("r", "/r/**", origin.url)))
    with Client(gateway.port) as client:
        client.send(get("/no") + get("/r/1") + b"POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/r/2"))
        assert [client.response().status for _ in range(4)] == [404, 200, 404, 200]


def test_nothing_pipelined_is_answered_after_close(gateway, origin):
    with Client(gateway.port) as client:
        client.send(get("/1", "Connection: close") + get("/2"))
        (response,) = client.responses_until_close()
        assert response.closes
    assert [r.target for r in origin.requests] == ["/1"]


CLOSES = {
    "1.1": ((), "1.1", False), "1.1 close": (("Connection: close",), "1.1", True), "1.1 Close": (("Connection: Close",), "1.1", True),
    "1.1 close in a list": (("Connection: x, close",), "1.1", True), "1.1 two lines": (("Connection: x", "Connection: close"), "1.1", True),
    "1.0": ((), "1.0", True), "1.0 keep-alive": (("Connection: keep-alive",), "1.0", False),
}  # fmt: skip


@pytest.mark.parametrize("lines, version, closes", CLOSES.values(), ids=list(CLOSES))
def test_who_closes_when(gateway, origin, lines, version, closes):
    with Client(gateway.port) as client:
        response = client.send(get("/1", *lines, version=version)).response()
        assert response.status == 200
        if closes:
            assert client.is_closed_by_peer()
        else:
            if version == "1.0":
                assert "keep-alive" in response.tokens("connection")
            assert client.send(get("/2", *lines, version=version)).response().status == 200


def test_a_limit_of_requests_per_connection_is_announced(weir, origin):
    gateway = weir(config.to_origin(origin, limits=config.limits(max_requests=3)))
    with Client(gateway.port) as client:
        responses = [client.get("/x") for _ in range(3)]
        assert [r.closes for r in responses] == [False, False, True]
        assert client.is_closed_by_peer()


def test_upstream_connections_are_reused(gateway, origin):
    for _ in range(40):
        assert fetch(gateway.port, "/x").status == 200
    assert origin.accepted <= 2, "at most one new connection per worker"


def test_upstream_connections_are_not_shared_while_busy(gateway, origin):
    barrier = threading.Barrier(5)

    def together(exchange):
        barrier.wait(10)
        exchange.reply(200, str(exchange.request.connection).encode())

    origin.on("/together", together)
    clients = [Client(gateway.port) for _ in range(5)]
    for client in clients:
        client.send(get("/together"))
    assert len({client.response().body for client in clients}) == 5
    for client in clients:
        client.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                                    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"], ids=["close", "1.0"])  # fmt: skip
def test_an_upstream_connection_that_said_close_is_not_used_again(gateway, origin, answer):
    origin.answer("/once", answer)
    seen = set()
    for _ in range(4):
        assert fetch(gateway.port, "/once").body == b"ok"
        assert origin.requests[-1].connection not in seen
        seen.add(origin.requests[-1].connection)


def test_an_upstream_that_closed_its_idle_connections_is_not_noticed(gateway, origin):
    for method, body in (("GET", None), ("POST", b"once"), ("PUT", b"x")):
        fetch(gateway.port, "/warm")
        origin.close_connections()
        for _ in range(3):
            assert fetch(gateway.port, "/x", method, body=body).status == 200
    assert len([r for r in origin.requests if r.method == "POST"]) == 3


class ClosesOnReuse:
    """Answers the first request of a connection and closes at the second without a word, as a server does whose idle timeout
    has just run out."""

    def __init__(self, origin, path, reads_body=True):
        self.seen, self.origin, self.reads_body = set(), origin, reads_body
        origin.on(path, self)

    def __call__(self, exchange):
        number = exchange.request.connection
        if number in self.seen:
            if self.reads_body:
                exchange.read_body()
            exchange.close()
        else:
            self.seen.add(number)
            self.origin.echo(exchange)


@pytest.fixture
def one_worker(weir, origin):
    return weir(config.to_origin(origin, workers=1))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_an_idempotent_request_on_a_stale_connection_is_sent_again(one_worker, origin, method):
    ClosesOnReuse(origin, "/stale")
    assert fetch(one_worker.port, "/stale").status == 200
    response = fetch(one_worker.port, "/stale", method)
    assert response.status == 200
    assert len(origin.requests) == 3 and len({r.connection for r in origin.requests}) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "BREW"])
def test_any_other_request_reaches_the_upstream_once(one_worker, origin, method):
    ClosesOnReuse(origin, "/stale")
    assert fetch(one_worker.port, "/stale").status == 200
    response = fetch(one_worker.port, "/stale", method, body=b"pay")
    assert response.status == 502
    problem(one_worker, response, "upstream_closed")
    assert [r.method for r in origin.requests] == ["GET", method]


def test_a_large_put_that_was_partly_sent_is_not_silently_shortened(one_worker, origin):
    ClosesOnReuse(origin, "/stale", reads_body=False)
    assert fetch(one_worker.port, "/stale").status == 200
    response = fetch(one_worker.port, "/stale", "PUT", body=bytes(3 << 20))
    assert response.status == 502 or response.json()["body_length"] == 3 << 20


def test_a_client_that_leaves_at_the_end_of_its_answer_spoils_no_connection(one_worker, origin):
    """The whole answer has come from the upstream, the client goes while the last of it is written."""
    body = b"y" * 3_000_000
    origin.answer("/large", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    for _ in range(5):
        with Client(one_worker.port, receive_buffer=4096) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            client.head()
            time.sleep(0.05)
            client.reset()
        assert fetch(one_worker.port, "/next", "POST", body=b"z" * 500_000).status == 200


def test_a_fresh_connection_that_closes_is_not_tried_for_ever(one_worker, origin):
    origin.on("/never", lambda exchange: exchange.close())
    response = fetch(one_worker.port, "/never")
    assert response.status == 502
    problem(one_worker, response, "upstream_closed")
    assert len(origin.requests) == 1


def test_a_request_already_answered_in_part_is_never_repeated(one_worker, origin):
    fetch(one_worker.port, "/warm")
    origin.answer("/part", b"HTTP/1.1 200 OK\r\nContent-Le", close=True)
    assert fetch(one_worker.port, "/part").status == 502
    assert [r.path for r in origin.requests] == ["/warm", "/part"]


def test_targets_take_turns_by_weight(weir, new_origin):
    one, two = new_origin(name="one"), new_origin(name="two")
    gateway = weir(config.document(
        config.route("r", "/**", "http://both"), upstreams=[config.upstream("both", (one.address, 3), (two.address, 1))], workers=1,
    ))  # fmt: skip
    got = [fetch(gateway.port, "/x").json()["origin"] for _ in range(40)]
    assert got.count("one") == 30 and got.count("two") == 10
    assert "two" in got[:4] and "two" in got[4:8], "spread, not in blocks"


def test_a_dead_target_costs_nothing(weir, new_origin):
    """Nothing was sent, so another target is tried."""
    live = new_origin()
    gateway = weir(config.document(
        config.route("r", "/**", "http://both"),
        upstreams=[config.upstream("both", live.address, f"127.0.0.1:{config.free_port()}")],
    ))  # fmt: skip
    assert [fetch(gateway.port, "/x", "POST", body=b"x").status for _ in range(10)] == [200] * 10
