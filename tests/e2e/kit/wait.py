"""Waiting for something to become true, with a deadline and a reason; the only place that polls."""

import os
import time

# Sanitizer builds and busy machines are slower: every deadline of the suite is multiplied by this.
SCALE = float(os.environ.get("WEIR_TIME_SCALE", "1"))
# What is promised within a second may take another one on such a machine. The next slower way would take some more.
PROMPT = 2 * SCALE


def away_from_midnight(offset_hours=0):
    """For tests of quotas: not where one day, or month, ends and the next begins. `offset_hours`: of the quota's own clock, east of UTC."""
    left = 86_400 - (time.time() + 3600 * offset_hours) % 86_400
    if left < 60 * SCALE:
        time.sleep(left + 1)


def until(what, probe, seconds=20.0):
    """Calls probe until it returns something truthy and returns that; fails naming `what` when `seconds` have passed. More of them cost
    nothing but the time of a failure: ask for less only where that is what is promised."""
    deadline = time.monotonic() + seconds * SCALE
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds * SCALE:.1f} s still not so: {what}")
        time.sleep(0.01)
