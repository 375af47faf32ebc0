"""Promise: who a request is from is never what a client says in a header, and naming a protected header in Connection does
not make it go away (attacks.md C3, C4)."""

import pytest

from kit import config
from kit.check import echoed, echoed_values, refused
from kit.client import exchange, fetch

make_document = config.to_origin

IDENTITY = ["X-User-Id", "x-user-id", "X-USER-ID", "X-Consumer-Id", "X-Consumer-Username", "X-Consumer-Custom-Id", "X-Consumer-",
            "X-Auth-Token", "X-Auth-Request-User", "x-auth-user", "X_User_Id", "X_Consumer_Id"]  # fmt: skip


@pytest.mark.parametrize("name", IDENTITY)
@pytest.mark.parametrize("copies", [1, 2])
def test_identity_headers_of_the_client_are_stripped(gateway, origin, name, copies):
    said = echoed(fetch(gateway.port, "/x", headers=[(name, "admin")] * copies + [("X-Userland", "kept")]))
    assert "admin" not in str(said["headers"])
    assert ["X-Userland", "kept"] in said["headers"]


@pytest.mark.parametrize("name", ["X-User-Agent", "X-Users", "X-Authority", "X-Consume", "Authorization", "Cookie"])
def test_their_neighbours_pass(gateway, origin, name):
    assert echoed_values(fetch(gateway.port, "/x", headers=[(name, "v")]), name) == ["v"]


HOP_BY_HOP = ["Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Proxy-Authorization", "Upgrade"]


@pytest.mark.parametrize("name", HOP_BY_HOP[1:])
def test_hop_by_hop_headers_end_here(gateway, origin, name):
    said = echoed(fetch(gateway.port, "/x", headers=[(name, "only-for-you")]))
    assert "only-for-you" not in str(said["headers"])


def test_nominated_headers_end_here(gateway, origin):
    headers = [("Connection", "close, X-Mine ,x-other"), ("X-Mine", "only-for-you"), ("X-Other", "only-for-you"), ("X-Kept", "1")]
    response = fetch(gateway.port, "/x", headers=headers)
    assert "only-for-you" not in str(echoed(response)["headers"]) and echoed_values(response, "X-Kept") == ["1"]
    assert response.closes


NOMINATED = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "X-Request-Id", "Host", "traceparent"]


@pytest.mark.parametrize("name", NOMINATED)
def test_nominating_a_header_of_the_gateway_does_not_remove_it(gateway, origin, name):
    plain = echoed_values(fetch(gateway.port, "/x"), name)
    response = fetch(gateway.port, "/x", headers=[("Connection", f"close, {name}")])
    if response.status == 400:
        return  # refusing such a request is safe too
    nominated = echoed_values(response, name)
    assert len(nominated) == len(plain), f"{name}: {plain} became {nominated}"


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Content-Type", "Cache-Control", "Host"])
def test_nominating_an_end_to_end_header_does_not_remove_it(gateway, origin, name):
    value = "a" if name == "Host" else "secret"
    headers = [("Connection", f"{name}")] + ([] if name == "Host" else [(name, value)])
    response = fetch(gateway.port, "/x", host="a", headers=headers)
    if response.status != 400:
        assert len(echoed_values(response, name)) == 1


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding"])
def test_nominating_framing_has_no_power_over_it(gateway, origin, name):
    framing = b"Content-Length: 5\r\n\r\nhello" if name == "Content-Length" else b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    raw = b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: " + name.encode() + b"\r\n" + framing
    response = exchange(gateway.port, raw)
    if response.status != 400:
        assert echoed(response)["body"] == "hello"


def test_the_c4_line_as_a_whole(gateway, origin):
    headers = [("Connection", "close, X-User-Id, X-Forwarded-For, Authorization"), ("X-User-Id", "admin"),
               ("X-Forwarded-For", "127.0.0.9"), ("Authorization", "Bearer t")]  # fmt: skip
    response = fetch(gateway.port, "/x", headers=headers)
    assert echoed_values(response, "X-User-Id") == []
    assert echoed_values(response, "X-Forwarded-For") == ["127.0.0.1"]
    assert echoed_values(response, "Authorization") == ["Bearer t"]


def test_hop_by_hop_headers_of_the_upstream_end_here(gateway, origin):
    origin.answer("/r", b"HTTP/1.1 200 OK\r\nConnection: X-Inner\r\nX-Inner: only-for-you\r\nKeep-Alive: only-for-you\r\n"
                        b"Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n")  # fmt: skip
    response = fetch(gateway.port, "/r")
    assert "only-for-you" not in str(response.headers) and response.get("X-Kept") == "1"
    assert not response.has("upgrade")


def test_a_header_list_over_the_limit_is_refused_before_it_is_stripped(gateway, origin):
    raw = b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"X-User-Id: a\r\n" * 200 + b"\r\n"
    refused(gateway, origin, raw, statuses=(431,))


def test_via_names_the_gateway_once_and_keeps_what_was_there(gateway, origin):
    assert len(echoed_values(fetch(gateway.port, "/x"), "Via")) == 1
    via = ", ".join(echoed_values(fetch(gateway.port, "/x", headers=[("Via", "1.0 before")]), "Via"))
    assert via.startswith("1.0 before, 1.1 ")


def test_a_request_that_came_from_this_gateway_is_a_loop(launch, new_origin):
    ports = config.free_port()
    gateway = launch(config.document(config.route("self", "/**", f"http://127.0.0.1:{ports}"), listeners=[config.listener(ports)]))
    response = fetch(gateway.port, "/x")
    assert response.status in (502, 508), response
