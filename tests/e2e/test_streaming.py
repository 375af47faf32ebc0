"""Promise: bodies flow as they come, both ways, in constant memory: events arrive one by one, large bodies leave the gateway's
memory flat, and a reader that stops stops the sender."""

import contextlib
import hashlib
import subprocess
import pathlib
import threading
import time

import pytest

from kit import config
from kit.client import Client
from kit.gateway import SANITIZED
from kit.wait import until

make_document = config.to_origin

MIB = 1 << 20
BLOCK = bytes(range(256)) * 1024  # 256 KiB
def kernel_limit(name):
    """How far Linux grows one socket's buffer in that direction: the third number of tcp_rmem or tcp_wmem."""
    return int(pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text().split()[2])


# What may be in flight for one exchange: the gateway's own buffers, some 100 KiB, and both hops' socket buffers, as large as this
# kernel lets them grow. A transfer is larger than that by far, so a gateway that buffers it all is found out.
IN_FLIGHT = 2 * (kernel_limit("tcp_rmem") + kernel_limit("tcp_wmem")) + MIB
TRANSFER = 2 * IN_FLIGHT // MIB * MIB


def test_server_sent_events_arrive_one_by_one(gateway, origin):
    turns = threading.Semaphore(0)

    def events(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(5):
            assert turns.acquire(timeout=10)
            event = b"data: %d\n\n" % number
            exchange.send(b"%x\r\n%b\r\n" % (len(event), event))
        exchange.send(b"0\r\n\r\n")

    origin.on("/events", events)
    with Client(gateway.port) as client:
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        head = client.head()
        assert head.get("content-type") == "text/event-stream", "the head does not wait for the first event"
        for number in range(5):
            turns.release()
            size = int(client.wire.line(), 16)
            assert client.wire.exactly(size + 2) == b"data: %d\n\n\r\n" % number, "an event waits for nothing"
        assert client.wire.chunked() == (b"", [])


def test_an_upload_is_passed_on_as_it_comes(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst")
        until("the first half is at the origin", lambda: bytes(origin.received).endswith(b"first"))
        client.send(b"after")
        assert client.response().json()["body"] == "firstafter"


def test_both_directions_at_once(gateway, origin):
    """The answer begins, and goes on, while the request is still being sent."""

    def mirror(exchange):
        wire = exchange.connection.wire
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        for _ in range(10):
            exchange.send(wire.exactly(5))
        exchange.request.complete = True

    origin.on("/mirror", mirror)
    with Client(gateway.port) as client:
        client.send(b"POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n")
        assert client.head().status == 200
        for _ in range(10):
            client.send(b"piece")
            assert client.wire.exactly(5) == b"piece"
        assert client.get("/after").json()["target"] == "/after"


def memory_while(gateway, work):
    """The largest growth of the gateway's anonymous memory during work()."""
    before, most, done = gateway.rss(), [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], gateway.rss() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return most[0]


def download(gateway, origin, size):
    def send(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(BLOCK)):
            exchange.send(BLOCK)

    origin.on("/down", send)
    done = subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{size_download} %{http_code}", f"http://127.0.0.1:{gateway.port}/down"],
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.stdout == f"{size} 200", (done.stdout, done.stderr)


def upload(gateway, origin, size, tmp_path):
    body = tmp_path / "body"
    with open(body, "wb") as file:
        file.truncate(size)
    counted = []

    def count(exchange):
        sock, wire = exchange.connection.wire.sock, exchange.connection.wire
        total, view = len(wire.buffer), bytearray(256 * 1024)
        wire.buffer.clear()
        while total < size:
            total += sock.recv_into(view) or size
        counted.append(total)
        exchange.request.complete = True
        exchange.reply(200, b"thanks")
        exchange.close()

    origin.on("/up", count)
    done = subprocess.run(
        ["curl", "-sS", "-T", str(body), "-w", " %{http_code}", f"http://127.0.0.1:{gateway.port}/up"],
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.stdout == "thanks 200", (done.stdout, done.stderr)
    assert counted == [size]


FLAT = 8 * MIB if not SANITIZED else 1 << 40  # some connections' buffers and the allocator's slack, whatever the size of the body


def test_256_mib_down_leave_memory_flat(gateway, origin):
    assert memory_while(gateway, lambda: download(gateway, origin, 256 * MIB)) < FLAT


def test_256_mib_up_leave_memory_flat(gateway, origin, tmp_path):
    assert memory_while(gateway, lambda: upload(gateway, origin, 256 * MIB, tmp_path)) < FLAT


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_2_gib_both_ways_leave_memory_flat(gateway, origin, tmp_path):
    assert memory_while(gateway, lambda: download(gateway, origin, 2048 * MIB)) < FLAT
    assert memory_while(gateway, lambda: upload(gateway, origin, 2048 * MIB, tmp_path)) < FLAT


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_large_bodies_arrive_unchanged(gateway, origin, chunked):
    body = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(100000))  # 3.2 MB that no shift or repeat leaves alike
    framing = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    if not chunked:
        framing = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    with Client(gateway.port) as client:
        client.send(b"POST /up HTTP/1.1\r\nHost: a\r\n" + framing)
        assert client.response().json()["body_sha256"] == hashlib.sha256(body).hexdigest()
        origin.answer("/down", b"HTTP/1.1 200 OK\r\n" + framing)
        assert client.get("/down").body == body


def settled(probe):
    """The value of probe() once it has not changed for half a second."""
    value, since = probe(), time.monotonic()

    def quiet():
        nonlocal value, since
        now = probe()
        if now != value:
            value, since = now, time.monotonic()
        return time.monotonic() - since > 0.5

    until("the sender has stopped", quiet, 20)
    return value


def test_a_client_that_stops_reading_stops_the_origin(gateway, origin):
    sent, size = [0], TRANSFER

    def flood(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(BLOCK)):
            exchange.send(BLOCK)
            sent[0] += len(BLOCK)

    origin.on("/flood", flood)
    with Client(gateway.port, receive_buffer=65536, timeout=30) as client:
        client.send(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
        head = client.head()
        before = gateway.rss()
        assert settled(lambda: sent[0]) < IN_FLIGHT
        assert gateway.rss() - before < FLAT
        count = [0]

        def take(piece):
            count[0] += len(piece)

        client.wire.exactly(int(head.get("content-length")), take)
    assert count[0] == size == sent[0], "it goes on where it stopped"


def test_an_origin_that_stops_reading_stops_the_client(gateway, origin):
    go, size = threading.Event(), TRANSFER

    def wait(exchange):
        go.wait(30)
        exchange.reply(200, b"thanks")

    origin.on("/slow", wait)
    sent = [0]

    def push(client):
        with contextlib.suppress(OSError):
            for _ in range(size // len(BLOCK)):
                client.sock.sendall(BLOCK)
                sent[0] += len(BLOCK)

    with Client(gateway.port, timeout=30) as client:
        client.send(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        pusher = threading.Thread(target=push, args=(client,))
        pusher.start()
        before = gateway.rss()
        assert settled(lambda: sent[0]) < IN_FLIGHT
        assert gateway.rss() - before < FLAT
        go.set()
        pusher.join(30)
        assert client.response().body == b"thanks" and sent[0] == size


def test_a_client_that_leaves_ends_the_download_at_the_origin(gateway, origin):
    ended = threading.Event()

    def flood(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                exchange.send(b"40000\r\n" + BLOCK + b"\r\n")
        ended.set()
        exchange.close()

    origin.on("/endless", flood)
    with Client(gateway.port) as client:
        client.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        client.wire.exactly(100000)
    assert ended.wait(10)
    assert gateway.record(path="/endless").reason == "client_closed"


def test_a_client_that_leaves_an_upload_never_completes_it(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"POST /left HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
        origin.wait_for_requests(1, complete=False)
    assert gateway.record(path="/left").reason == "client_closed"
    assert not origin.requests[0].complete
