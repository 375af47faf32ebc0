"""Promise: a gateway that has nothing to do sleeps: its threads wake only to look whether a file has changed."""

import pathlib
import re
import time

import pytest

from kit import config
from kit.client import Client
from kit.gateway import SANITIZED

SECONDS = 2
# The control thread looks at its files about four times a second; the rest is room for a slow machine and for DNS.
MOST_A_SECOND = 10


def switches(pid):
    """How often threads of the process have gone to sleep."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
    return total


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has a thread of its own that wakes")
def test_an_idle_gateway_sleeps(weir, origin):
    gateway = weir(config.document(config.route("all", upstream=f"http://localhost:{origin.port}")))
    with Client(gateway.port) as kept:
        assert kept.get("/x").status == 200
        time.sleep(0.5)  # the record of that request is written, what starting did has settled
        begun, before = time.monotonic(), switches(gateway.pid)
        time.sleep(SECONDS)
        assert switches(gateway.pid) - before <= MOST_A_SECOND * (time.monotonic() - begun)
        assert kept.get("/x").status == 200
