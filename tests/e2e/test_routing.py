"""Promise: which route takes a request depends on the documented order of precedence and on nothing else; 404, 405 and 421 say
why nobody did."""

import pytest

from kit import config
from kit.check import problem
from kit.client import Client, exchange, fetch

SERVED = "shop.example.com"


@pytest.fixture(scope="module")
def gateway(launch, authority, shared_origin):
    def r(route_id, path, predicates=None, **extra):
        return config.respond(route_id, path, body=route_id, **extra) | (predicates or {})

    listeners = [config.listener(), config.listener(certificates=[authority.issue(SERVED), authority.issue("api.example.com")])]
    return launch(config.document(
        r("exact", "/p/a/b"),
        r("param", "/p/a/{x}"),
        r("deep-param", "/p/{x}/b"),
        r("star", "/p/*/c"),
        r("prefix", "/p/a/**"),
        r("short-prefix", "/p/**"),
        r("host-exact", "/h/**", hosts=["a.example.com"]),
        r("host-wildcard", "/h/**", hosts=["*.example.com"]),
        r("host-none", "/h/x"),
        r("get", "/m", methods=["GET"]),
        r("post", "/m", methods=["POST", "PUT"]),
        r("header", "/q", predicates={"headers": {"X-Beta": "1"}, "priority": 1}),
        r("query", "/q", predicates={"query": {"beta": "1"}}),
        r("both", "/q", predicates={"headers": {"X-Beta": "1"}, "query": {"beta": "1"}}),
        r("neither", "/q"),
        r("low", "/prio", predicates={"headers": {"X-A": {"present": True}}, "priority": 1}),
        r("high", "/prio", predicates={"headers": {"X-B": {"prefix": "1"}}, "priority": 2}),
        r("secure", "/tls", hosts=[SERVED, "api.example.com", "other.test"]),
        config.route("origin", "/o/**", shared_origin.url),
        listeners=listeners,
    ))  # fmt: skip


PATHS = {
    "/p/a/b": "exact", "/p/a/z": "param", "/p/z/b": "deep-param", "/p/z/c": "star", "/p/a/b/c": "prefix", "/p/a/c": "param",
    "/p/z": "short-prefix", "/p/z/z/z": "short-prefix", "/p/a/": "prefix", "/p/z/b/": "short-prefix",
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_exact_then_param_then_longer_prefix_then_glob(gateway, path):
    response = fetch(gateway.port, path)
    assert response.body.decode() == PATHS[path]
    assert gateway.record_of(response).route == PATHS[path]


@pytest.mark.parametrize("host, path, winner", [
    ("a.example.com", "/h/x", "host-exact"), ("b.example.com", "/h/x", "host-wildcard"), ("A.EXAMPLE.com:8080", "/h/x", "host-exact"),
    ("a.example.com.", "/h/x", "host-exact"), ("example.com", "/h/x", "host-none"), ("other.test", "/h/x", "host-none"),
    ("b.example.com", "/h/y", "host-wildcard"), ("evil-example.com", "/h/x", "host-none"),
])  # fmt: skip
def test_host_exact_then_wildcard_then_none(gateway, host, path, winner):
    assert fetch(gateway.port, path, host=host).body.decode() == winner


@pytest.mark.parametrize("headers, target, winner", [
    ([], "/q", "neither"), ([("X-Beta", "1")], "/q", "header"), ([], "/q?beta=1", "query"), ([("x-beta", "1")], "/q?a=b&beta=1", "both"),
    ([("X-Beta", "2")], "/q?beta=2", "neither"), ([("X-Beta", "1")], "/q?beta=%31", "both"),
])  # fmt: skip
def test_more_predicates_win(gateway, headers, target, winner):
    assert fetch(gateway.port, target, headers=headers).body.decode() == winner


def test_priority_decides_the_rest(gateway):
    assert fetch(gateway.port, "/prio", headers=[("X-A", "1"), ("X-B", "1")]).body == b"high"
    assert fetch(gateway.port, "/prio", headers=[("X-A", "1")]).body == b"low"


@pytest.mark.parametrize("path, host", [("/nowhere", "a"), ("/", "a"), ("/pp", "a"), ("/h/y", "a"), ("/prio", "a"), ("/m/", "a"), ("/M", "a")])
def test_404_is_a_problem_and_the_connection_stays(gateway, path, host):
    with Client(gateway.port) as client:
        for _ in range(2):
            response = client.get(path, host)
            assert response.status == 404 and not response.closes
            problem(gateway, response, "no_route")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "BREW"])
def test_405_names_the_methods_there_are(gateway, method):
    response = fetch(gateway.port, "/m", method)
    assert response.status == 405
    problem(gateway, response, "method_not_allowed")
    assert set(response.tokens("allow")) >= {"get", "post", "put"}
    assert set(response.tokens("allow")) <= {"get", "post", "put", "head", "options"}


@pytest.mark.parametrize("method, winner", [("GET", b"get"), ("POST", b"post"), ("PUT", b"post")])
def test_methods_choose_between_routes(gateway, method, winner):
    assert fetch(gateway.port, "/m", method, body=b"" if method != "GET" else None).body == winner


def test_head_is_served_by_a_get_route_without_a_body(gateway, origin):
    with Client(gateway.port) as client:
        response = client.request("HEAD", "/m")
        assert response.status == 200 and response.get("content-length") in ("3", None)
        assert client.request("HEAD", "/nowhere").status == 404
        assert client.request("HEAD", "/o/x").status == 200
        assert client.get("/m").body == b"get", "the connection is in step"
    assert [r.method for r in origin.requests] == ["HEAD"]


@pytest.mark.parametrize("method, status", [("HEAD", b"200 OK"), ("GET", b"304 Not Modified")])
def test_the_length_of_a_body_that_is_not_sent_is_told(gateway, origin, method, status):
    origin.answer("/o/sized", b"HTTP/1.1 " + status + b"\r\nContent-Length: 1234\r\n\r\n")
    with Client(gateway.port) as client:
        assert client.request(method, "/o/sized").get("content-length") == "1234"
        assert client.get("/m").body == b"get", "the connection is in step"


def test_methods_are_case_sensitive(gateway):
    assert fetch(gateway.port, "/m", "get").status == 405


def test_options_reaches_an_origin_that_takes_it(gateway, origin):
    assert fetch(gateway.port, "/o/x", "OPTIONS").json()["method"] == "OPTIONS"


def test_unknown_methods_pass_where_all_methods_do(gateway, origin):
    assert fetch(gateway.port, "/o/x", "BREW", body=b"pot").json()["method"] == "BREW"


def tls_get(gateway, authority, sni, host):
    context = authority.client_context()
    with Client(gateway.tls_port, tls=context, server_name=sni) as client:
        return client.get("/tls", host)


def test_421_when_the_host_does_not_belong_to_the_certificate(gateway, authority):
    assert tls_get(gateway, authority, SERVED, SERVED).body == b"secure"
    assert tls_get(gateway, authority, SERVED, f"{SERVED}:{gateway.tls_port}").body == b"secure"
    response = tls_get(gateway, authority, SERVED, "other.test")
    assert response.status == 421, response
    problem(gateway, response, "misdirected")


def test_plain_connections_are_never_misdirected(gateway):
    assert fetch(gateway.port, "/tls", host="other.test").body == b"secure"


def test_a_host_without_a_route_is_404(gateway):
    assert exchange(gateway.port, b"GET /tls HTTP/1.1\r\nHost: unknown.test\r\n\r\n").status == 404


def test_http_1_0_without_host_is_routed_by_path(gateway):
    assert exchange(gateway.port, b"GET /m HTTP/1.0\r\n\r\n").body == b"get"
