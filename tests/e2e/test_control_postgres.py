"""Promise: Postgres may be killed in the middle of writes, and may hang: what was answered is kept, operators are told within seconds,
probes at once, and traffic knows nothing of it. Two control planes on one database publish one after the other."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit import config
from kit.client import Closed
from kit.control import Refused, following, says
from kit.wait import SCALE, until


@pytest.fixture
def server(redis):
    return redis()


def answering(text, name="x"):
    return config.respond(name, f"/{name}", body=text)


def timed(work):
    begin = time.monotonic()
    return work(), time.monotonic() - begin


def test_a_postgres_that_hangs_holds_up_nobody_for_long(control, server, weir, postgres_server):
    postgres = postgres_server()
    plane = control(server, database=postgres.url())
    plane.admin.put("routes", "x", answering("one"), publish=True)
    gateway = weir(following(plane), command="gateway")
    postgres.pause()
    try:
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(timed, lambda n=n: plane.admin.ask("PUT", f"/v1/routes/n{n}", answering("n", f"n{n}"), raw=True)) for n in range(4)]
            asked += [pool.submit(timed, lambda: plane.admin.ask("GET", "/v1/routes", raw=True)) for _ in range(4)]
            for path in ("/livez", "/openapi.yaml", "/livez"):
                answer, took = timed(lambda path=path: plane.admin.ask("GET", path, raw=True))
                assert answer.status == 200 and took < 1 * SCALE, (path, took)
            assert says(gateway.port, "/x") == "one"
            for each in asked:
                answer, took = each.result()
                # Within kStorePatience: there are eight threads.
                assert answer.status == 503 and answer.get("retry-after") and took < 10 * SCALE, (answer.status, took)
        assert plane.admin.ask("GET", "/readyz", raw=True).status == 503
    finally:
        postgres.resume()
    until("it is ready again", lambda: plane.admin.ask("GET", "/readyz", raw=True).status == 200, 20)
    number = plane.admin.put("routes", "x", answering("two"), publish=True)["_revision"]["number"]
    assert plane.admin.status(number, "all")["state"] == "applied" and says(gateway.port, "/x") == "two"


def test_killed_in_the_middle_of_writes_nothing_answered_is_lost(control, server, weir, postgres_server):
    postgres = postgres_server(fsync="on")
    plane = control(server, database=postgres.url())
    plane.admin.put("routes", "x", answering("x"), publish=True)
    gateway = weir(following(plane), command="gateway")
    answered, stop = {}, []

    def write(n):
        for i in range(10_000):
            if stop:
                return
            name = f"w{n}-{i}"
            try:
                made = plane.admin.ask("PUT", f"/v1/routes/{name}?publish=true", answering(name, name), [("If-None-Match", "*")])
                answered[name] = made["_revision"]["number"]
            except Refused as refused:
                assert refused.status == 503, refused
            except (OSError, Closed):
                pass

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, n) for n in range(3)]
        try:
            for _ in range(2):
                seen = len(answered)
                until("writes are answered", lambda seen=seen: len(answered) >= seen + 5, 30)
                postgres.kill()
                assert says(gateway.port, "/x") == "x"
                postgres.start()
        finally:
            stop.append(True)
        for each in writers:
            each.result()
    until("it is ready again", lambda: plane.admin.ask("GET", "/readyz", raw=True).status == 200, 20)
    kept = {each["route_id"] for each in plane.admin.get("/v1/revisions/latest/document")["routes"]}
    assert answered.keys() <= kept, answered.keys() - kept
    assert len(set(answered.values())) == len(answered), "no number twice"
    assert plane.admin.get("/v1/audit/verify")["ok"]
    last = plane.admin.latest()
    assert plane.admin.status(last, "all")["state"] == "applied" and gateway.revision() == last


def test_two_publish_at_once_and_one_dies(control, server, weir, postgres):
    first = control(server, database=postgres.url)
    first.admin.put("routes", "x", answering("x"), publish=True)
    second = control(server, like=first)
    gateway = weir(following(first), command="gateway")

    def publish(plane, name):
        try:
            return plane.admin.ask("PUT", f"/v1/routes/{name}?publish=true", answering(name, name), [("If-None-Match", "*")])["_revision"]["number"]
        except (Refused, OSError, Closed):
            return None

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda i: publish((first, second)[i % 2], f"a{i}"), range(16)))
    assert None not in numbers and len(set(numbers)) == 16, numbers
    latest = max(numbers)
    assert first.admin.latest() == second.admin.latest() == latest
    assert second.admin.status(latest, "all")["state"] == "applied" and gateway.revision() == latest

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(publish, (first, second)[i % 2], f"b{i}") for i in range(16)]
        first.kill()
        numbers = [each.result() for each in asked]
    of_second = numbers[1::2]
    assert None not in of_second, numbers
    latest = second.admin.latest()
    assert latest >= max(of_second)
    assert second.admin.status(latest, "all")["state"] == "applied" and gateway.revision() == latest
    kept = {each["route_id"] for each in second.admin.get("/v1/revisions/latest/document")["routes"]}
    assert {f"b{i}" for i in range(16) if numbers[i]} <= kept
    assert second.admin.get("/v1/audit/verify")["ok"]
