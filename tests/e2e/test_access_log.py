"""Promise: one JSON record per request, whatever became of it, with the same fields and a reason from the closed set; no record is
lost when the file is rotated."""

import json
import os
import re
import signal
import threading

import pytest

from kit import config
from kit.client import Client, exchange, fetch
from kit.gateway import ROOT, Record
from kit.load import Load
from kit.wait import until

UUID7 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    return launch(config.document(
        config.respond("hello", "/hello", body="hi"), config.route("users", "/users/**", shared_origin.url, methods=["GET", "POST"]),
    ))  # fmt: skip


def reasons():
    """The closed set, from the table itself."""
    return set(re.findall(r'\{\w+, "(\w+)", \w+, \d+,', (ROOT / "src/base/error.cc").read_text()))


def test_a_good_request(gateway, origin):
    response = fetch(gateway.port, "/users/1?a=b", "POST", headers=[("User-Agent", "me/1")], host="Shop.test:80", body=b"hello")
    record = gateway.record_of(response)
    assert (record.method, record.path, record.host, record.status, record.reason) == ("POST", "/users/1", "shop.test", 200, "ok")
    assert record.route == "users" and record.user_agent == "me/1" and record.upstream == origin.address
    assert record.client.startswith("127.0.0.1")
    assert (record.bytes_in, record.bytes_out) == (5, len(response.body))
    assert 0 <= record.duration < 5_000_000 and record.revision == gateway.revision()
    assert UUID7.match(record.request_id)


def test_every_request_has_its_own_id_in_order_of_time(gateway):
    with Client(gateway.port) as client:
        ids = [client.get("/hello").get("x-request-id") for _ in range(50)]
    assert len(set(ids)) == 50 and all(UUID7.match(i) for i in ids)
    assert [i[:13] for i in ids] == sorted(i[:13] for i in ids)


REJECTED = {
    "malformed": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "bad_request"),
    "bad path": (b"GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_path"),
    "no route": (b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no_route"),
    "method": (b"DELETE /users/1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"),
    "too large": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70000 + b"\r\n\r\n", 431, "headers_too_large"),
    "too long": (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
    "expectation": (b"POST /users/1 HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\nx", 417, "expectation_failed"),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", None, "unsupported_method"),
    "version": (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "unsupported_version"),
    "coding": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", None, None),
}


@pytest.mark.parametrize("raw, status, reason", REJECTED.values(), ids=list(REJECTED))
def test_a_rejected_request_has_its_record_too(gateway, origin, raw, status, reason):
    response = exchange(gateway.port, raw)
    record = gateway.record_of(response)
    assert record.status == response.status == (status or response.status)
    assert record.reason == (reason or record.reason) and record.reason in reasons()


def test_all_records_have_the_same_shape(gateway, origin):
    for path in ("/hello", "/none", "/users/1", "/a%2fb"):
        gateway.record_of(fetch(gateway.port, path))
    records = gateway.records()
    required = {config.LOG_WORDS[w] for w in ("request_id", "reason", "status", "duration")}
    for record in records:
        assert required <= record.keys(), record
        assert record.reason in reasons()
    kinds = {}
    for record in records:
        for field, value in record.items():
            kinds.setdefault(field, set()).add("number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__)
    assert all(len(k - {"NoneType"}) <= 1 for k in kinds.values()), kinds


def test_connections_without_a_request_leave_no_record(weir):
    gateway = weir(config.document(config.respond("hello", "/hello", body="hi")))
    for _ in range(5):
        Client(gateway.port).close()
    with Client(gateway.port) as client:
        asked = [client.get("/hello").get("x-request-id") for _ in range(2)]
    gateway.stop()
    assert [r.request_id for r in gateway.records()] == asked


def test_a_client_that_leaves_early_is_logged_once(gateway, origin):
    go = threading.Event()
    origin.on("/users/left", lambda x: (go.wait(5), x.close()))
    with Client(gateway.port) as client:
        client.send(b"GET /users/left HTTP/1.1\r\nHost: a\r\n\r\n")
        origin.wait_for_requests(1)
        client.reset()
    assert gateway.record(path="/users/left").reason == "client_closed"
    go.set()


def test_pipelined_requests_are_logged_one_by_one(gateway):
    with Client(gateway.port) as client:
        client.send(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
        ids = [client.response().get("x-request-id") for _ in range(20)]
    assert [gateway.record(request_id=one).status for one in ids] == [200] * 20


def test_rotation_loses_nothing(weir):
    gateway = weir(config.document(config.respond("hello", "/hello", body="hi")))
    seen, lock = [], threading.Lock()

    def judge(response):
        with lock:
            seen.append(response.get("x-request-id"))
        return None if response.status == 200 else repr(response)

    with Load(gateway.port, "/hello", judge, threads=3) as load:
        for number in range(3):
            load.wait_for(100)
            os.rename(gateway.log_file, f"{gateway.log_file}.{number}")
            gateway.signal(signal.SIGHUP)
            until("a new file is there", gateway.log_file.exists)
        load.wait_for(100)
    load.check(400)
    gateway.stop()
    logged = []
    for path in [gateway.log_file, *(gateway.log_file.with_name(f"{gateway.log_file.name}.{n}") for n in range(3))]:
        logged += [Record(json.loads(line)).request_id for line in path.read_text().splitlines()]
    assert sorted(logged) == sorted(seen)


def test_everything_is_written_before_the_process_ends(weir):
    gateway = weir(config.document(config.respond("hello", "/hello", body="hi")))
    with Client(gateway.port) as client:
        ids = [client.get("/hello").get("x-request-id") for _ in range(200)]
    gateway.stop()
    assert [r.request_id for r in gateway.records()] == ids


def test_a_log_on_standard_output(weir):
    gateway = weir(config.document(config.respond("hello", "/hello", body="hi"), access_log={"path": "-"}))
    response = fetch(gateway.port, "/hello")
    until("the record is on standard output", lambda: response.get("x-request-id") in gateway.stderr())


def test_a_log_that_is_switched_off(weir):
    gateway = weir(config.document(config.respond("hello", "/hello", body="hi"), access_log={"enabled": False}))
    fetch(gateway.port, "/hello")
    gateway.stop()
    assert not gateway.log_file.exists()
