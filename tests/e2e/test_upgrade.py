"""Promise: a connection becomes a tunnel only after the upstream's 101 for the protocol the client asked for, and a real
WebSocket client and server work through it (attacks.md A13, A14)."""

import contextlib
import socket
import threading

import pytest
from websockets.sync.client import connect
from websockets.sync.server import serve

from kit import config
from kit.check import echoed, problem, refused, still_serves, untouched
from kit.client import Client
from kit.wait import until


@pytest.fixture(scope="module")
def websocket_server():
    def echo(socket_):
        for message in socket_:
            socket_.send(message)

    with serve(echo, "127.0.0.1", 0, subprotocols=["chat"], max_size=4 << 20) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, websocket_server):
    return launch(config.document(
        config.route("ws", "/ws/**", websocket_server), config.route("all", "/**", shared_origin.url)
    ))  # fmt: skip


ASK = (b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")  # fmt: skip
RAW = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_websocket_messages_pass_both_ways(gateway):
    with connect(f"ws://127.0.0.1:{gateway.port}/ws/echo", subprotocols=["chat"], max_size=4 << 20) as client:
        assert client.subprotocol == "chat"
        for message in ("hello", b"\0\xff" * 10, "", "ж" * 1000, bytes(1 << 20)):
            client.send(message)
            assert client.recv(timeout=10) == message
        assert client.ping().wait(10)
        client.close(4001, "bye")
    assert (client.close_code, client.close_reason) == (4001, "bye")
    record = gateway.record(path="/ws/echo")
    assert record.status == 101 and record.reason == "ok"


def test_many_tunnels_at_once(gateway):
    with contextlib.ExitStack() as stack:
        url = f"ws://127.0.0.1:{gateway.port}/ws"
        clients = [stack.enter_context(connect(f"{url}/{n}", subprotocols=["chat"])) for n in range(30)]
        for n, client in enumerate(clients):
            client.send(str(n))
        assert [client.recv(timeout=10) for client in clients] == [str(n) for n in range(30)]


def test_bytes_after_101_pass_unchanged_and_a_half_close_ends_the_tunnel(gateway, origin):
    def tunnel(exchange):
        exchange.send(SWITCH + b"first")
        data = exchange.connection.wire.to_end()
        exchange.send(b"got:" + data)
        exchange.close()

    origin.on("/up", tunnel)
    with Client(gateway.port) as client:
        response = client.send(ASK).response()
        assert response.status == 101 and response.get("upgrade").lower() == "websocket"
        assert "upgrade" in response.tokens("connection")
        assert client.wire.exactly(5) == b"first"
        client.send(RAW + b"\0\xff\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.wire.to_end() in (b"got:" + RAW + b"\0\xff\r\n", b"")
    assert [r.target for r in origin.requests] == ["/up"]
    assert bytes(origin.received).endswith(RAW + b"\0\xff\r\n")


def test_the_tunnel_ends_when_the_origin_ends_it(gateway, origin):
    def tunnel(exchange):
        exchange.send(SWITCH + b"bye")
        exchange.close()

    origin.on("/up", tunnel)
    with Client(gateway.port) as client:
        client.send(ASK)
        assert client.response().status == 101
        assert client.wire.to_end() == b"bye"


def test_the_origin_connection_ends_when_the_client_goes(gateway, origin):
    ended = threading.Event()

    def tunnel(exchange):
        exchange.send(SWITCH)
        exchange.connection.wire.to_end()
        ended.set()
        exchange.close()

    origin.on("/up", tunnel)
    with Client(gateway.port) as client:
        assert client.send(ASK).response().status == 101
    assert ended.wait(5)


@pytest.mark.parametrize("body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
                         ids=["length", "chunked"])  # fmt: skip
def test_upgrade_with_a_body_is_refused(gateway, origin, body):
    refused(gateway, origin, ASK[:-2] + body + RAW, reason="bad_request")
    untouched(origin)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"],
                         ids=["200", "403"])  # fmt: skip
@pytest.mark.parametrize("early", [b"", b"\x81\x85raw frame before any answer"], ids=["patient", "early bytes"])
def test_an_answer_other_than_101_is_an_answer_and_no_tunnel(gateway, origin, answer, early):
    origin.answer("/up", answer)
    with Client(gateway.port) as client:
        response = client.send(ASK + early).response()
        assert response.status in (200, 403) and response.body == b"no"
        client.send(b"\x81\x85raw frame\r\n\r\n")
        rest = client.responses_until_close()
    assert [r.status for r in rest] in ([], [400])
    still_serves(gateway)
    assert b"raw frame" not in origin.received


WRONG_101 = {
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n",
    "no Upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
    "no Connection": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "two protocols": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket, foo\r\n\r\n",
}


@pytest.mark.parametrize("answer", WRONG_101.values(), ids=list(WRONG_101))
def test_a_101_that_does_not_match_is_502(gateway, origin, answer):
    origin.answer("/up", answer + b"\x81\x05hello")
    with Client(gateway.port) as client:
        response = client.send(ASK).response()
    assert response.status == 502, response
    problem(gateway, response, "upstream_protocol_error")
    bad = origin.requests[0].connection
    assert all(still_serves(gateway).json()["connection"] != bad for _ in range(3)), "that connection must not be used again"


@pytest.mark.parametrize("agreed, status", [(b"websocket", 101), (b"WebSocket", 101), (b"foo", 101), (b"h2c", 502), (b"web", 502)])
def test_the_upstream_chooses_one_of_the_protocols_offered(gateway, origin, agreed, status):
    origin.answer("/up", WRONG_101["another protocol"].replace(b"foo", agreed), close=True)
    with Client(gateway.port) as client:
        assert client.send(ASK.replace(b"websocket", b"websocket, h2c ,foo")).response().status == status


def test_a_101_nobody_asked_for_is_502(gateway, origin):
    origin.answer("/up", SWITCH + b"hello")
    with Client(gateway.port) as client:
        response = client.get("/up")
    assert response.status == 502
    problem(gateway, response, "upstream_protocol_error")


def test_h2c_is_stripped(gateway, origin):
    lines = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")]
    with Client(gateway.port) as client:
        said = echoed(client.get("/up", headers=lines))
        assert echoed(client.get("/after"))["target"] == "/after", "an ordinary request, an ordinary connection"
    names = {name.lower() for name, _ in said["headers"]}
    assert not names & {"upgrade", "http2-settings"}
    assert not [v for n, v in said["headers"] if n.lower() == "connection" and "upgrade" in v.lower()]


def test_upgrade_is_hop_by_hop_when_not_nominated(gateway, origin):
    with Client(gateway.port) as client:
        said = echoed(client.get("/up", headers=[("Upgrade", "websocket")]))
    assert "upgrade" not in {name.lower() for name, _ in said["headers"]}


@pytest.mark.parametrize("target", [b"a.test:443", b"127.0.0.1:22", b"/x"], ids=repr)
@pytest.mark.parametrize("early", [b"", RAW], ids=["alone", "early bytes"])
def test_connect_is_refused_and_early_bytes_are_no_request(gateway, origin, target, early):
    refused(gateway, origin, b"CONNECT " + target + b" HTTP/1.1\r\nHost: a.test:443\r\n\r\n" + early, statuses=(405, 501))
    untouched(origin)


def test_trace_is_refused(gateway, origin):
    refused(gateway, origin, b"TRACE /x HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n", statuses=(405, 501))
    untouched(origin)


def test_tunnels_do_not_leak_connections(gateway, origin):
    origin.on("/up", lambda exchange: (exchange.send(SWITCH), exchange.close()))
    for _ in range(20):
        with Client(gateway.port) as client:
            assert client.send(ASK).response().status == 101
    until("all tunnels are closed at the origin", lambda: origin.open_connections() <= 2)
