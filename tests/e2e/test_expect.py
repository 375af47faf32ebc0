"""Promise: Expect: 100-continue works end to end, an unknown expectation is 417, and a body that comes after an early final
answer is never taken for a request (attacks.md A12)."""

import hashlib
import json
import subprocess

import pytest

from kit import config
from kit.check import echoed, problem, untouched
from kit.client import Client

make_document = config.to_origin

HEAD = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n"
BODY = b"GET /smuggled HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n"[:40].ljust(40, b"\n")


@pytest.mark.parametrize("value", ["y 100-continue", "100-continue, y", "100-continu", "200-ok", "100-continue;x=1", "y"])
def test_an_unknown_expectation_is_417(gateway, origin, value):
    with Client(gateway.port) as client:
        response = client.request("POST", "/p", headers=[("Expect", value)], body=b"hello")
    assert response.status == 417, response
    problem(gateway, response, "expectation_failed")
    untouched(origin)


def test_100_continue_is_relayed_before_the_body_is_sent(gateway, origin):
    with Client(gateway.port) as client:
        client.send(HEAD)
        assert client.head().status == 100
        assert not origin.requests[0].complete, "the origin asked for the body, it cannot have it yet"
        said = echoed(client.send(BODY).response())
        assert said["body"] == BODY.decode()
        assert echoed(client.get("/after"))["target"] == "/after"


def test_a_client_that_does_not_wait_gets_its_answer(gateway, origin):
    with Client(gateway.port) as client:
        response = client.send(HEAD + BODY).response()
        assert echoed(response)["body"] == BODY.decode()
        assert all(r.status == 100 for r in response.interim)


def test_curl_uploads_with_expect(gateway, origin, tmp_path):
    data = bytes(range(256)) * 8192  # 2 MiB: curl sends Expect by itself above 1 MiB
    (tmp_path / "body").write_bytes(data)
    done = subprocess.run(
        ["curl", "-sS", "-H", "Expect: 100-continue", "--data-binary", f"@{tmp_path}/body", f"http://127.0.0.1:{gateway.port}/up"],
        capture_output=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body_sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("sends_body", [True, False], ids=["client sends the body anyway", "client does not"])
def test_an_early_final_answer_reaches_the_client_and_its_body_is_no_request(gateway, origin, sends_body):
    def refuse(exchange):
        exchange.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        exchange.close()

    origin.on("/p", refuse)
    with Client(gateway.port) as client:
        response = client.send(HEAD).response()
        assert response.status == 413 and all(each.status == 100 for each in response.interim), "the gateway's own, if it was kept waiting"
        if sends_body:
            client.send(BODY + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            rest = client.responses_until_close() if response.closes else [client.response()]
            assert all(r.status == 200 and r.json()["target"] == "/next" for r in rest), rest
    assert not [r for r in origin.requests if "smuggled" in r.target]


def test_an_early_final_answer_without_expect_reaches_the_client(gateway, origin):
    def refuse(exchange):
        exchange.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        exchange.read_body()

    origin.on("/p", refuse)
    with Client(gateway.port) as client:
        response = client.send(HEAD.replace(b"Expect: 100-continue\r\n", b"")).response()
        assert (response.status, response.body) == (401, b"no")
        client.send(BODY)
        if not response.closes:
            assert echoed(client.get("/after"))["target"] == "/after"
    assert not [r for r in origin.requests if "smuggled" in r.target]


def test_http_1_0_expectations_are_ignored(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"POST /p HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
        response = client.response()
    assert response.status == 200 and not response.interim, "HTTP/1.0 knows no interim responses"
    assert response.json()["body"] == "hello"


def test_other_interim_answers_are_relayed(gateway, origin):
    origin.answer("/hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with Client(gateway.port) as client:
        response = client.get("/hints")
    assert response.body == b"ok"
    assert [(r.status, r.get("link")) for r in response.interim] == [(103, "</a.css>; rel=preload")]
