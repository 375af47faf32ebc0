"""Promise: under systemd Weir says when it is ready, reloading and stopping, and serves on sockets it is handed (sd_notify(3),
sd_listen_fds(3))."""

import signal
import socket

import pytest

from kit import config
from kit.client import Client, fetch
from kit.wait import SCALE, until


@pytest.fixture
def manager(tmp_path):
    """The socket systemd would listen on; messages() gives what has been said so far, one dict per message."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(tmp_path / "notify"))
    sock.settimeout(0.01)
    said = []

    def messages():
        try:
            while True:
                said.append(dict(line.split("=", 1) for line in sock.recv(4096).decode().splitlines()))
        except TimeoutError:
            return said

    messages.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    yield messages
    sock.close()


def test_ready_reloading_and_stopping_are_announced(weir, origin, manager):
    gateway = weir(config.to_origin(origin), environment=manager.environment)
    until("READY", lambda: [m for m in manager() if m.get("READY") == "1"])
    assert fetch(gateway.port, "/x").status == 200
    gateway.signal(signal.SIGHUP)
    reloading = until("RELOADING", lambda: [m for m in manager() if m.get("RELOADING") == "1"])[0]
    assert int(reloading["MONOTONIC_USEC"]) > 0
    until("READY again", lambda: len([m for m in manager() if m.get("READY") == "1"]) == 2)
    gateway.signal(signal.SIGTERM)
    gateway.process.wait(10 * SCALE)
    assert [m for m in manager() if m.get("STOPPING") == "1"]
    gateway.stop()


def test_a_reload_that_fails_ends_ready_too(weir, origin, manager):
    gateway = weir(config.to_origin(origin), environment=manager.environment)
    gateway.config_file.write_text("{")
    gateway.signal(signal.SIGHUP)
    until("RELOADING", lambda: [m for m in manager() if m.get("RELOADING") == "1"])
    until("READY again", lambda: len([m for m in manager() if m.get("READY") == "1"]) == 2)


def test_it_serves_on_a_socket_it_is_handed(weir, origin):
    """A connection made before the gateway even started is served: that is the point of socket activation."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Client(port) as early:
            early.send(b"GET /early HTTP/1.1\r\nHost: a\r\n\r\n")
            script = f'exec 3<&{listener.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
            gateway = weir(
                config.to_origin(origin, listeners=[config.listener(port)]),
                prefix=["sh", "-c", script, "sh"], pass_fds=[listener.fileno()],
            )  # fmt: skip
            assert early.response().json()["target"] == "/early"
            assert fetch(port, "/x").status == 200 and gateway.ready() == 200


def test_sockets_for_another_process_are_left_alone(weir, origin):
    gateway = weir(config.to_origin(origin), environment={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert fetch(gateway.port, "/x").status == 200
