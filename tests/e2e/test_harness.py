"""The harness tells the truth: client and origin talk to each other without a gateway, and the readers refuse what is wrong."""

import pytest

from kit.client import Client, WireError, exchange, fetch
from kit.prometheus import Metrics
from kit.wait import until


def test_the_origin_echoes_what_it_received(origin):
    response = fetch(origin.port, "/a?b=c", "POST", headers=[("X-One", "1"), ("X-One", "2")], body=b"hello")
    said = response.json()
    assert (said["method"], said["target"], said["body"]) == ("POST", "/a?b=c", "hello")
    assert [v for n, v in said["headers"] if n == "X-One"] == ["1", "2"]


def test_chunked_bodies_and_pipelining_are_read_as_sent(origin):
    raw = b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
    with Client(origin.port) as client:
        client.send_pieces(raw, 1)
        first, second = client.response(), client.response()
    assert first.json()["body"] == "abc" and first.json()["trailers"] == [["T", "v"]]
    assert second.json()["target"] == "/2"
    assert origin.received == raw and [r.complete for r in origin.requests] == [True, True]


def test_scripted_answers_interim_responses_and_close(origin):
    origin.answer("/x", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil close", close=True)
    response = fetch(origin.port, "/x")
    assert response.body == b"until close" and [r.status for r in response.interim] == [103]


@pytest.mark.parametrize("raw", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\nA: b\n\n", b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n"])
def test_the_client_refuses_a_malformed_response(origin, raw):
    origin.answer("/x", raw, close=True)
    with pytest.raises(WireError):
        fetch(origin.port, "/x")


def test_the_origin_remembers_malformed_requests(shared_origin):
    shared_origin.reset()
    with Client(shared_origin.port) as client:
        client.send(b"GET / HTTP/1.1\nHost: a\n\n")
        assert client.is_closed_by_peer()
    assert shared_origin.errors
    shared_origin.reset()


def test_a_closed_peer_is_told_from_an_open_one(origin):
    with Client(origin.port) as client:
        until("it is accepted", lambda: origin.open_connections() == 1)
        assert not client.is_closed_by_peer(0.05)
        origin.close_connections()
        assert client.is_closed_by_peer()


def test_one_raw_exchange(origin):
    assert exchange(origin.port, b"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD").status == 200


GOOD = '# HELP a_total words\n# TYPE a_total counter\na_total{x="1",y="q\\"q"} 3\na_total{x="2"} 4\n'


def test_metrics_are_added_up():
    metrics = Metrics(GOOD)
    assert metrics.total("a_total") == 7 and metrics.total("a_total", x="1") == 3


@pytest.mark.parametrize("text", [
    GOOD[:-1], GOOD + 'a_total{x="2"} 5\n', "b 1\n", "# TYPE b counter\nb{x=1} 1\n", "# TYPE b counter\nb{} x\n",
    "# TYPE b gauge\n# TYPE c gauge\nb 1\nc 1\nb{x=\"1\"} 1\n",
])  # fmt: skip
def test_bad_metrics_are_refused(text):
    with pytest.raises((AssertionError, ValueError)):
        Metrics(text)
