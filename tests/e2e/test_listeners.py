"""Promise: clients and upstreams are reached by every kind of address the file allows, and a connection that only waits costs
next to nothing."""

import contextlib
import os
import pathlib
import re
import resource
import socket
import threading

import pytest

from kit import config
from kit.client import Client, fetch, request_bytes
from kit.gateway import SANITIZED
from kit.wait import until


def ask(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        sock.connect(address)
        sock.sendall(request_bytes("GET", "/x", headers=[("Connection", "close")]))
        answer = b""
        while data := sock.recv(65536):
            answer += data
        return answer


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_listener(weir, origin):
    port = config.free_port()
    gateway = weir(config.to_origin(origin, listeners=[{"address": f"[::1]:{port}"}]))
    assert ask(socket.AF_INET6, ("::1", port)).startswith(b"HTTP/1.1 200 ")
    until("logged", lambda: [r for r in gateway.records() if "::1" in r.client])


def test_port_0_is_one_port_that_is_told(weir, origin):
    gateway = weir(config.to_origin(origin, listeners=[config.listener(), config.listener(address="127.0.0.1:0")], workers=3))
    told = re.findall(r"listening on http://127\.0\.0\.1:(\d+)", gateway.stderr())
    assert len(told) == 2 and told[0] == str(gateway.port)
    mine = set()
    for fd in pathlib.Path(f"/proc/{gateway.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a connection that just ends
            mine.add(os.readlink(fd))
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ports = {str(int(row[1].partition(":")[2], 16)) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in mine}
    assert ports == {*told, str(gateway.admin)}, "all workers share it"
    assert fetch(int(told[1])).status == 200


def test_a_unix_listener(weir, origin, tmp_path):
    path = str(tmp_path / "weir.sock")
    gateway = weir(config.to_origin(origin, listeners=[config.listener(), {"address": f"unix:{path}"}]))
    assert ask(socket.AF_UNIX, path).startswith(b"HTTP/1.1 200 ")
    assert fetch(gateway.port, "/x").status == 200
    gateway.stop()
    again = weir(config.to_origin(origin, listeners=[{"address": f"unix:{path}"}]))  # what is left of the old socket is no obstacle
    assert ask(socket.AF_UNIX, path).startswith(b"HTTP/1.1 200 ") and again.ready() == 200


def test_a_unix_target(weir, tmp_path):
    path = str(tmp_path / "origin.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()

        def serve():
            with contextlib.suppress(OSError):
                sock, _ = listener.accept()
                with sock:
                    sock.recv(65536)
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nunix")

        threading.Thread(target=serve, daemon=True).start()
        gateway = weir(config.document(config.route("r", upstream="http://local"), upstreams=[config.upstream("local", f"unix:{path}")]))
        assert fetch(gateway.port, "/x").body == b"unix"


def test_a_named_target(weir, origin):
    gateway = weir(config.document(config.route("r", upstream=f"http://localhost:{origin.port}")))
    assert fetch(gateway.port, "/x").json()["target"] == "/x"


def test_beyond_max_connections_new_ones_are_closed_at_once(weir, origin):
    gateway = weir(config.to_origin(origin, workers=1, limits={"max_connections": 5}))
    clients = [Client(gateway.port) for _ in range(5)]
    assert all(c.get("/x").status == 200 for c in clients)
    with Client(gateway.port) as extra:
        extra.send(request_bytes("GET", "/x"))
        assert extra.is_closed_by_peer(2) and b" 200 " not in extra.wire.buffer
    clients.pop().close()
    until("there is room again", lambda: attempt(gateway) == 200)
    for client in clients:
        assert client.get("/x").status == 200
        client.close()


def attempt(gateway):
    with contextlib.suppress(Exception):
        return fetch(gateway.port, "/x").status
    return 0


IDLE = 9000  # as many as the limit of open files allows both sides to hold on a machine with the usual 20,000


@pytest.mark.skipif(SANITIZED, reason="memory is not measured under a sanitizer")
def test_an_idle_connection_costs_a_kilobyte_at_most(weir):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    if min(hard, 20000) < IDLE + 500:
        pytest.skip(f"only {hard} open files are allowed")
    gateway = weir(config.document(config.respond("hello", "/hello", body="hi")))
    held = []
    try:
        def open_more(count):
            for _ in range(count):
                sock = socket.create_connection(("127.0.0.1", gateway.port), timeout=5)
                sock.sendall(request_bytes("GET", "/hello"))
                held.append(sock)
                assert b" 200 " in sock.recv(4096)

        open_more(500)
        before = gateway.rss()
        open_more(IDLE - 500)
        grown = gateway.rss() - before
        assert grown / (IDLE - 500) <= 1024, f"{grown / (IDLE - 500):.0f} bytes per idle connection"
        assert fetch(gateway.port, "/hello").status == 200
    finally:
        for sock in held:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
