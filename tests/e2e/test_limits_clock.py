"""Promise: a step of the wall clock moves no bucket: none refills by it, none locks anybody out (libfaketime)."""

import pathlib
import time
from datetime import datetime

import pytest

from kit import config
from kit.client import Client
from kit.gateway import SANITIZED
from kit.wait import until

LIBRARY = next((str(p) for p in pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


@pytest.mark.skipif(SANITIZED, reason="libfaketime calls into the sanitizer before it is ready")
@pytest.mark.parametrize("step", ["+1h", "-1h", "+1s", "-1s"])
def test_steps_of_the_wall_clock(weir, tmp_path, step):
    assert LIBRARY, "libfaketime is not installed: ./dev test installs it"
    stamp = tmp_path / "faketime"
    stamp.write_text("+0\n")
    gateway = weir(
        config.document(config.respond("a", "/a", before=[config.filter_("rate_limit", limits=[{"rate": "2/s", "burst": 5}])])),
        environment={
            "LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(stamp), "DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1",
        },
    )  # fmt: skip
    with Client(gateway.port) as client:
        begun = time.monotonic()
        admitted = 0
        while client.get("/a").status == 200:
            admitted += 1
        wanted = int(step[:-1]) * (3600 if step.endswith("h") else 1)
        stamp.write_text(step + "\n")

        def ahead():
            asked = time.time()
            return datetime.fromisoformat(gateway.record_of(client.get("/a"))["ts"]).timestamp() - asked

        until("the gateway sees the step", lambda: abs(ahead() - wanted) < 0.4)
        answers = [client.get("/a") for _ in range(40)]
        # What came back is by the time that passed, whatever the wall clock says; `until` asked some times, too.
        refused = [a for a in answers if a.status == 429]
        assert len(answers) - len(refused) <= 2 * (time.monotonic() - begun) + 1
        assert all(a.get("retry-after") == "1" for a in refused) and refused
        time.sleep(0.6)
        assert client.get("/a").status == 200, "nobody is locked out"
        granted, begun = 0, time.monotonic()
        while client.get("/a").status == 200:
            granted += 1
        assert granted <= 5 + 2 * (time.monotonic() - begun), "and nobody has more than a burst"
