"""Promise: SIGUSR2 starts a new binary on the same listening sockets; while one hands over to the other not one connection is
refused and no request fails (faults.md R11)."""

import os
import pathlib
import signal
import threading
import time

from kit import config
from kit.client import Client, fetch
from kit.load import Load
from kit.wait import SCALE, away_from_midnight, until


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Successor:
    """The process that SIGUSR2 starts; ended at the end of the block whatever happens."""

    def __init__(self, gateway):
        self.gateway = gateway

    def __enter__(self):
        self.gateway.signal(signal.SIGUSR2)
        self.pid = until("a new process is there", lambda: children(self.gateway.pid))[0]
        return self

    def __exit__(self, *_):
        if alive(self.pid):
            os.kill(self.pid, signal.SIGTERM)
            try:
                until("the new process ends", lambda: not alive(self.pid), 10)
            finally:
                if alive(self.pid):
                    os.kill(self.pid, signal.SIGKILL)


def test_not_one_connection_is_refused(weir, origin):
    gateway = weir(config.to_origin(origin, drain_timeout="3s"))
    with Load(gateway.port, "/x", threads=3, reconnect=True) as connecting, Load(gateway.port, "/y", threads=2) as kept:
        connecting.wait_for(100)
        with Successor(gateway) as successor:
            gateway.process.wait(15 * SCALE)
            assert alive(successor.pid)
            connecting.wait_for(200)
            kept.wait_for(50)
            assert gateway.ready() == 200
            kept.__exit__()
            connecting.__exit__()
    connecting.check(300)
    # A kept connection may be closed by the old process between two requests; one that was answering may not.
    bad = [f for f in kept.failures if "Closed" not in f and "ConnectionResetError" not in f]
    assert not bad, bad[:5]
    gateway.stop()


def test_in_flight_ends_in_the_old_process_while_the_new_one_serves(weir, origin):
    go = threading.Event()
    origin.on("/held", lambda exchange: (go.wait(20), exchange.reply(200, b"old")))
    gateway = weir(config.to_origin(origin, drain_timeout="10s"))
    with Client(gateway.port) as client:
        client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        origin.wait_for_requests(1)
        with Successor(gateway):
            until("the new process is ready", lambda: gateway.ready() == 200)
            assert fetch(gateway.port, "/x").status == 200
            assert gateway.process.poll() is None
            go.set()
            assert client.response().body == b"old"
            gateway.process.wait(15 * SCALE)
            assert fetch(gateway.port, "/x").status == 200
    gateway.stop()


def test_a_new_process_that_does_not_start_leaves_the_old_one_serving(weir, origin):
    gateway = weir(config.to_origin(origin))
    good = gateway.config_file.read_text()
    gateway.config_file.write_text("{ this is no config")
    gateway.signal(signal.SIGUSR2)
    until("the failure is named", lambda: "handing over failed" in gateway.stderr())
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        assert fetch(gateway.port, "/x").status == 200
        assert gateway.process.poll() is None
    gateway.config_file.write_text(good)


def test_quotas_are_handed_over(weir, tmp_path):
    away_from_midnight()
    quota = config.filter_("quota", most=10, per="month")
    gateway = weir(config.document(config.respond("a", "/a", before=[quota]), state_dir=str(tmp_path / "state")))
    assert [fetch(gateway.port, "/a").status for _ in range(3)] == [200] * 3
    with Successor(gateway):
        gateway.process.wait(15 * SCALE)
        assert ";r=6;" in fetch(gateway.port, "/a").get("ratelimit"), "the fourth of ten, by another process"
