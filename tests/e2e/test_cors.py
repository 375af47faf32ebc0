"""Promise: a page of another origin may call a route exactly as the cors filter says, and the upstream has no say in it."""

import pytest

from kit import config
from kit.check import problem, untouched
from kit.client import fetch

APP = "https://app.example.com"


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    def to_origin(route_id, path, **settings):
        return config.route(route_id, path, shared_origin.url, plugin_chain=[config.filter_("cors", **settings)])

    return launch(config.document(
        to_origin("some", "/some", allow_origins=[APP, "https://*.example.org"], allow_methods=["GET", "PUT"], allow_headers=["X-Token"],
                  expose_headers=["X-Total"], allow_credentials=True, max_age="1m"),
        to_origin("all", "/all", allow_origins=["*"]),
        config.route("listed", "/listed", shared_origin.url, http_methods=["GET", "PUT"],
                     plugin_chain=[config.filter_("cors", allow_origins=[APP], allow_methods=["GET", "PUT"])]),
        config.route("closed", "/closed", shared_origin.url, http_methods=["GET", "PUT"]),
        config.route("none", "/none", shared_origin.url),
    ))  # fmt: skip


def preflight(gateway, path, origin, method="PUT"):
    return fetch(gateway.port, path, "OPTIONS", headers=[("Origin", origin), ("Access-Control-Request-Method", method)])


@pytest.mark.parametrize("page", [APP, "https://a.example.org", "https://a.b.example.org"])
def test_a_preflight_is_answered_without_the_upstream(gateway, origin, page):
    response = preflight(gateway, "/some", page)
    assert response.status == 204
    assert response.get("access-control-allow-origin") == page
    assert response.tokens("access-control-allow-methods") == ["get", "put"]
    assert response.tokens("access-control-allow-headers") == ["x-token"]
    assert response.get("access-control-allow-credentials") == "true" and response.get("access-control-max-age") == "60"
    assert "origin" in response.tokens("vary")
    untouched(origin)


STRANGERS = ["https://evil.test", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.test",
             "https://evil-example.org", "https://example.org", "null", APP + "/", "HTTPS://APP.EXAMPLE.COM"]  # fmt: skip


@pytest.mark.parametrize("page", STRANGERS)
def test_a_stranger_gets_no_permission(gateway, origin, page):
    response = preflight(gateway, "/some", page)
    assert response.status == 403 and not response.has("access-control-allow-origin")
    problem(gateway, response, "cors_denied")
    response = fetch(gateway.port, "/some", headers=[("Origin", page)])
    assert response.status == 200 and not response.has("access-control-allow-origin") and "origin" in response.tokens("vary")


def test_an_ordinary_call_is_permitted_and_the_upstream_is_overruled(gateway, origin):
    origin.answer("/some", b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: DELETE\r\nContent-Length: 0\r\n\r\n")
    response = fetch(gateway.port, "/some", headers=[("Origin", APP)])
    assert response.all("access-control-allow-origin") == [APP] and response.get("access-control-expose-headers") == "X-Total"
    assert not response.has("access-control-allow-methods")


def test_everybody(gateway, origin):
    assert preflight(gateway, "/all", "https://any.test", "GET").get("access-control-allow-origin") == "*"
    response = fetch(gateway.port, "/all", headers=[("Origin", "null")])
    assert response.get("access-control-allow-origin") == "*" and not response.has("access-control-allow-credentials")


def test_errors_carry_the_permission_too(gateway, origin):
    origin.answer("/some", b"garbage\r\n\r\n")
    response = fetch(gateway.port, "/some", headers=[("Origin", APP)])
    assert response.status == 502 and response.get("access-control-allow-origin") == APP


def test_without_the_filter_the_upstream_answers(gateway, origin):
    assert preflight(gateway, "/none", APP).json()["method"] == "OPTIONS"


def test_a_route_that_does_not_list_options_takes_preflights_for_the_methods_it_lists(gateway, origin):
    assert preflight(gateway, "/listed", APP, "PUT").status == 204
    assert preflight(gateway, "/listed", "https://evil.test", "PUT").status == 403
    assert preflight(gateway, "/listed", APP, "DELETE").status == 405
    assert preflight(gateway, "/closed", APP, "PUT").status == 405, "no filter answers there"
    without_origin = fetch(gateway.port, "/listed", "OPTIONS", headers=[("Access-Control-Request-Method", "PUT")])
    assert without_origin.status == 405 and fetch(gateway.port, "/listed", "OPTIONS").status == 405
    untouched(origin)
