"""Promise: with forward_auth a service decides; it sees what it needs and what it says is done; when it cannot be asked nobody
gets in unless the config says so, and nothing a client sends passes for the service's word (attacks C3)."""

import json
import threading
import time

import pytest

from kit import config
from kit.check import echoed_values, problem
from kit.client import Client, fetch
from kit.gateway import run
from kit.wait import SCALE, until


@pytest.fixture
def service(new_origin):
    return new_origin(name="authz")


def says(service, status=200, body=b"", headers=(), wait=None):
    def handler(exchange):
        if wait:
            wait.wait(10)
        exchange.reply(status, body, headers)

    service.on("/check", handler)


def document(origin, service, timeout="5s", **settings):
    chain = [config.filter_("forward_auth", uri=f"{service.url}/check", timeout=timeout, **settings)]
    return config.document(config.route("all", upstream=origin.url, plugin_chain=chain), workers=1)


def test_the_service_sees_the_head_and_lets_pass(weir, origin, service):
    says(service, 204)
    gateway = weir(document(origin, service))
    response = fetch(gateway.port, "/a/../b%41?x=1", host="shop.example.com", headers=[
        ("Authorization", "Bearer t"), ("Cookie", "c"), ("X-Forwarded-Uri", "/other"), ("X-Forwarded-For", "203.0.113.1")])  # fmt: skip
    assert response.status == 200
    seen = service.requests[0]
    assert (seen.method, seen.target) == ("GET", "/check")
    wanted = {"authorization": "Bearer t", "x-forwarded-method": "GET", "x-forwarded-proto": "http",
              "x-forwarded-host": "shop.example.com", "x-forwarded-uri": response.json()["target"],
              "x-forwarded-for": "127.0.0.1", "x-request-id": response.get("x-request-id"), "cookie": None}  # fmt: skip
    assert {name: seen.get(name) for name in wanted} == wanted


def test_a_body_is_not_sent_to_the_service_and_arrives_whole_at_the_upstream(weir, origin, service):
    says(service)
    gateway = weir(document(origin, service, request_method="POST"))
    body = b"b" * 300_000
    response = fetch(gateway.port, "/x", method="POST", body=body)
    assert response.json()["body_length"] == len(body)
    assert service.requests[0].get("content-length") == "0" and service.requests[0].get("x-forwarded-method") == "POST"


@pytest.mark.parametrize("status", [301, 302, 401, 403, 404, 429])
def test_its_refusal_is_the_clients_answer(weir, origin, service, status):
    says(service, status, b"because", [("Location", "/login"), ("WWW-Authenticate", "Basic realm=x"), ("X-Why", "1"), ("X-Not", "1"),
                                       ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])  # fmt: skip
    gateway = weir(document(origin, service, client_headers=["X-Why", "set-cookie"]))
    response = fetch(gateway.port, "/x")
    assert response.status == status and response.body == b"because"
    shown = {name.lower() for name, _ in response.headers}
    assert {"location", "www-authenticate", "x-why", "set-cookie"} <= shown and "x-not" not in shown
    assert [value for name, value in response.headers if name.lower() == "set-cookie"] == ["a=1", "b=2"]
    assert not origin.requests
    assert gateway.record_of(response).reason == ("unauthenticated" if status in (301, 302, 401) else "forbidden")


@pytest.mark.parametrize("name", ["X-Tenant", "x-tenant", "X-TENANT"])
@pytest.mark.parametrize("told", [[], [("X-Tenant", "7")]], ids=["silent", "told"])
def test_a_clients_copy_of_the_services_headers_never_gets_through(weir, origin, service, name, told):
    says(service, headers=told)
    gateway = weir(document(origin, service, upstream_headers=["X-Tenant"], request_headers=["X-Tenant"]))
    response = fetch(gateway.port, "/x", headers=[(name, "spoofed")] * 2)
    assert echoed_values(response, "X-Tenant") == [value for _, value in told]


def test_nor_when_it_fails_open_nor_by_connection(weir, origin, service):
    says(service, 500, headers=[("X-Tenant", "7")])
    gateway = weir(document(origin, service, upstream_headers=["X-Tenant", "X-User-Id"], fail_open=True))
    spoofed = [("X-Tenant", "spoofed"), ("X-User-Id", "admin"), ("X-Consumer-Username", "admin")]
    response = fetch(gateway.port, "/x", headers=[*spoofed, ("Connection", "close, X-Tenant")])
    assert response.status == 200 and not {"spoofed", "admin", "7"} & {value for _, value in response.json()["headers"]}
    record = gateway.record_of(response)
    assert record["detail"] == "the authorization service failed", record
    assert "fail_open" in gateway.stderr(), "it is warned about"


FAULTS = {
    "garbage": b"SSH-2.0-x\r\n\r\n",
    "5xx": b"HTTP/1.1 503 -\r\nContent-Length: 0\r\n\r\n",
    "giant": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
    "smuggled": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_its_faults_let_nobody_in(weir, origin, service, fault):
    service.answer("/check", FAULTS[fault], close=True)
    gateway = weir(document(origin, service))
    response = fetch(gateway.port, "/x")
    problem(gateway, response, "auth_unavailable")
    assert response.status == 403 and not origin.requests


def test_a_service_that_is_down_or_slow_costs_200_ms_at_most(weir, origin, service, new_origin):
    gate = threading.Event()
    says(service, wait=gate)
    gateway = weir(document(origin, service, "200ms", status_on_error=503))
    began = time.monotonic()
    assert fetch(gateway.port, "/x").status == 503
    assert 0.15 < time.monotonic() - began < 0.2 + 1 * SCALE
    gate.set()
    down = new_origin()
    down.stop()
    other = weir(document(origin, down, "200ms"))
    began = time.monotonic()
    assert fetch(other.port, "/x").status == 403
    assert time.monotonic() - began < 0.2 + 1 * SCALE
    assert not origin.requests


def test_a_client_that_leaves_ends_the_question(weir, origin, service):
    gate = threading.Event()
    says(service, wait=gate)
    gateway = weir(document(origin, service, timeout="30s"))
    client = Client(gateway.port)
    client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    service.wait_for_requests(1)
    time.sleep(0.1)  # the gateway looks after 50 ms
    client.reset()
    assert gateway.record(reason="client_closed").status == 499
    gate.set()
    until("the service sees its connection end", lambda: not service.open_connections())
    assert not origin.requests


def test_it_goes_on_while_the_config_changes(weir, origin, service):
    gate = threading.Event()
    says(service, wait=gate, headers=[("X-Tenant", "7")])
    made = document(origin, service, timeout="30s", upstream_headers=["X-Tenant"])
    gateway = weir(made)
    with Client(gateway.port) as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        service.wait_for_requests(1)
        made["routes"][0]["plugin_chain"][0]["config"]["status_on_error"] = 500
        gateway.reload(made)
        gate.set()
        assert echoed_values(client.response("GET"), "X-Tenant") == ["7"]


def test_who_calls_comes_from_the_service_only(weir, origin, service):
    says(service, headers=[("X-Who", "shop"), ("X-Groups", "a, b")])
    made = document(origin, service, identity={"consumer": "X-Who", "groups": "X-Groups"})
    made["routes"][0]["auth_required"] = True
    gateway = weir(made)
    response = fetch(gateway.port, "/x", headers=[("X-Who", "admin")])
    assert response.status == 200 and gateway.record_of(response)["consumer"] == "shop"
    assert not echoed_values(response, "X-Who")
    says(service)
    response = fetch(gateway.port, "/x", headers=[("X-Who", "admin")])
    assert response.status == 403 and json.loads(response.body)["reason"] == "auth_unavailable"


def test_check_tells_mistakes_and_warns(tmp_path, origin, service):
    for settings, wanted in (
        ({"request_headers": ["X-Forwarded-Uri"]}, "written by Weir"),
        ({"upstream_headers": ["Transfer-Encoding"]}, "Transfer-Encoding"),
        ({"fail_close": True}, "fail_close"),
    ):
        (tmp_path / "weir.json").write_text(json.dumps(document(origin, service, **settings)))
        done = run("check", "weir.json", cwd=tmp_path)
        assert done.returncode != 0 and wanted in done.stdout + done.stderr
    (tmp_path / "weir.json").write_text(json.dumps(document(origin, service, fail_open=True)))
    done = run("check", "weir.json", cwd=tmp_path)
    assert done.returncode == 0 and "fail_open" in done.stdout + done.stderr
