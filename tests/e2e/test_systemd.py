"""Promise: under systemd Weir says when it is ready, reloading and stopping, and serves on sockets it is handed (sd_notify(3),
sd_listen_fds(3))."""

import os
import signal
import socket
import sys
import time

import pytest

from kit import config
from kit.client import Client, fetch
from kit.wait import SCALE, until


# What systemd does between fork and exec: the socket becomes descriptor 3, LISTEN_PID the process itself.
HAND_OVER = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])"""


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


def test_the_watchdog_is_fed_while_the_workers_answer(weir, origin, manager):
    weir(config.to_origin(origin), environment=manager.environment | {"WATCHDOG_USEC": "600000"})
    until("three signs of life", lambda: len([m for m in manager() if m.get("WATCHDOG") == "1"]) >= 3)


# systemd names the process it watches, whose number is known only between fork and exec.
WATCHED = """import os, sys
os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])"""


def test_a_successor_takes_over_the_watchdog(weir, origin, manager):
    gateway = weir(
        config.to_origin(origin), environment=manager.environment | {"WATCHDOG_USEC": "600000"}, prefix=[sys.executable, "-c", WATCHED],
    )  # fmt: skip
    gateway.signal(signal.SIGUSR2)
    ready = until("both have been ready", lambda: [m for m in manager() if m.get("READY") == "1"][1:])[0]
    gateway.process.wait(10 * SCALE)
    try:
        before = len(manager())
        until("the successor's signs of life", lambda: len([m for m in manager()[before:] if m.get("WATCHDOG") == "1"]) >= 2)
    finally:
        os.kill(int(ready["MAINPID"]), signal.SIGTERM)
    gateway.stop()


def test_a_patient_watchdog_does_not_hold_up_the_end(weir, origin, manager):
    """Between two signs of life lie 20 s: who is asked to end does not sleep through them."""
    gateway = weir(config.to_origin(origin), environment=manager.environment | {"WATCHDOG_USEC": "60000000"})
    until("a sign of life", lambda: [m for m in manager() if m.get("WATCHDOG") == "1"])
    gateway.signal(signal.SIGTERM)
    assert gateway.process.wait(5 * SCALE) == 0


def test_it_serves_on_a_socket_it_is_handed(weir, origin):
    """A connection made before the gateway even started is served: that is the point of socket activation."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Client(port) as early:
            early.send(b"GET /early HTTP/1.1\r\nHost: a\r\n\r\n")
            gateway = weir(
                config.to_origin(origin, listeners=[config.listener(port)]),
                prefix=[sys.executable, "-c", HAND_OVER, str(listener.fileno())], pass_fds=[listener.fileno()],
            )  # fmt: skip
            assert early.response().json()["target"] == "/early"
            assert fetch(port, "/x").status == 200 and gateway.ready() == 200


def test_a_second_request_to_end_is_obeyed_at_once(weir, origin):
    """Whoever asks twice does not want to wait."""
    origin.on("/held", lambda exchange: time.sleep(3))
    gateway = weir(config.to_origin(origin, drain_timeout="10s"))
    with Client(gateway.port) as client:
        client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        origin.wait_for_requests(1)
        gateway.signal(signal.SIGTERM)
        until("it drains", lambda: gateway.ready() == 503)
        gateway.signal(signal.SIGTERM)
        assert gateway.process.wait(3 * SCALE) == 130
    gateway.kill()


def test_sockets_for_another_process_are_left_alone(weir, origin):
    gateway = weir(config.to_origin(origin), environment={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert fetch(gateway.port, "/x").status == 200
