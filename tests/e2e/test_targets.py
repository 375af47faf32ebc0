"""Promise: the path that is matched, logged and sent upstream is one and the same canonical path, and a target or authority
with two readings is refused (attacks.md A10, A11, C1)."""

import pytest

from kit import config
from kit.check import echoed, echoed_values, refused, untouched
from kit.client import Client, exchange, fetch
from kit.origin import Origin


@pytest.fixture(scope="module")
def secret_origin():
    """Behind /admin: whoever reaches it has passed the policy of /admin, whatever that will be."""
    origin = Origin(name="admin")
    yield origin
    origin.stop()


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, secret_origin):
    return launch(config.document(
        config.route("admin", "/admin", secret_origin.url),
        config.route("below-admin", "/admin/**", secret_origin.url),
        config.route("by-host", "/**", secret_origin.url, hosts=["admin.test"]),
        config.route("open", "/**", shared_origin.url),
    ))  # fmt: skip


def line(target, host=b"a"):
    return b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_User_Id", "Content_Type", "Host_", "a_b", "_", "x_"])
def test_fields_with_an_underscore_are_dropped(gateway, origin, name):
    response = fetch(gateway.port, "/x", headers=[(name, "7"), ("X-Kept", "yes")])
    names = [key.lower() for key, _ in echoed(response)["headers"]]
    assert "x-kept" in names and not [n for n in names if "_" in n]


@pytest.mark.parametrize("name", ["Content_Length", "Transfer_Encoding", "content_length"])
def test_framing_disguised_by_an_underscore_is_refused(gateway, origin, name):
    refused(gateway, origin, f"POST /x HTTP/1.1\r\nHost: a\r\n{name}: 7\r\n\r\n".encode(), reason="bad_request")
    untouched(origin)


REFUSED_TARGETS = [b"/x#/../admin", b"/x#", b"/x y", b"/x\ty", b"/a\x0b", b"x", b"", b"admin", b"http:///x", b"http://u@a/x",
                   b"http://u:p@a/x", b"http://a:b/x", b"http://a,b/x", b"ftp://a/x", b"/\x80", b"/\xc3\xa9", b"/a\x7f", b"?x",
                   b"*", b"..", b"a:80", b"/q?a#b", b"/q?a b", b"/q?\xff", b"/q?a\x01"]  # fmt: skip


@pytest.mark.parametrize("target", REFUSED_TARGETS, ids=repr)
def test_a_target_with_two_readings_is_refused(gateway, origin, target):
    refused(gateway, origin, line(target))
    untouched(origin)


REFUSED_HOSTS = {
    "none": b"",
    "two": b"Host: a\r\nHost: b\r\n",
    "two equal": b"Host: a\r\nHost: a\r\n",
    "list": b"Host: a,b\r\n",
    "user": b"Host: u@h\r\n",
    "space": b"Host: a b\r\n",
    "slash": b"Host: a/b\r\n",
    "fragment": b"Host: a#b\r\n",
    "query": b"Host: a?b\r\n",
    "port not a number": b"Host: a:b\r\n",
    "port too large": b"Host: a:65536\r\n",
    "two ports": b"Host: a:80:80\r\n",
    "unclosed bracket": b"Host: [::1\r\n",
    "backslash": b"Host: a\\b\r\n",
    "high byte": b"Host: a\xe9\r\n",
    "percent NUL": b"Host: a%00b\r\n",
    "empty label": b"Host: a..b\r\n",
    "port 0": b"Host: a:0\r\n",
    "port without host": b"Host: :80\r\n",
}


@pytest.mark.parametrize("lines", REFUSED_HOSTS.values(), ids=list(REFUSED_HOSTS))
def test_an_authority_with_two_readings_is_refused(gateway, origin, lines):
    refused(gateway, origin, b"GET /x HTTP/1.1\r\n" + lines + b"\r\n")
    untouched(origin)


@pytest.mark.parametrize("host", [b"a", b"A.example", b"a:80", b"127.0.0.1", b"[::1]", b"[::1]:8080", b"xn--bcher-kva.example", b"a-b.c", b"a.", b"a_b"])
def test_ordinary_authorities_pass(gateway, origin, host):
    assert exchange(gateway.port, line(b"/x", host)).status == 200


def test_absolute_form_replaces_host(gateway, origin, secret_origin):
    secret_origin.reset()
    said = echoed(exchange(gateway.port, line(b"http://admin.test/x", host=b"a")))
    assert (said["origin"], said["target"]) == ("admin", "/x")
    assert not [v for _, v in said["headers"] if v == "a"], "the Host that lost must not reach anybody"
    said = echoed(exchange(gateway.port, line(b"http://a/x", host=b"admin.test")))
    assert said["origin"] == "origin"


CANONICAL = {
    b"/%61dmin": "/admin", b"//admin": "/admin", b"///admin": "/admin", b"/p/%2e%2e/admin": "/admin", b"/p/%2E./admin": "/admin",
    b"/p/../admin": "/admin", b"/./admin": "/admin", b"/p//../admin": "/admin", b"/admin/.": "/admin/", b"/admin/x/..": "/admin/",
    b"/admin?": "/admin?", b"/p/../%61%64min": "/admin", b"/%2e/admin": "/admin", b"http://a/p/../admin": "/admin",
}  # fmt: skip


@pytest.mark.parametrize("target", CANONICAL, ids=repr)
def test_other_spellings_of_admin_are_admin(gateway, origin, target):
    response = exchange(gateway.port, line(target))
    said = echoed(response)
    assert said["origin"] == "admin", f"{target!r} slipped past the route of /admin"
    assert said["target"] == CANONICAL[target]
    assert gateway.record_of(response).path == CANONICAL[target].rstrip("?")


AMBIGUOUS = [b"/admin%2fx", b"/admin%2Fx", b"/p/..%2fadmin", b"/p/..;/admin", b"/p/.;x/admin", b"/p/..;a=b/admin", b"/p\\..\\admin",
             b"/p%5c..%5cadmin", b"/p%5C..%5Cadmin", b"/admin%00.json", b"/admin%0", b"/admin%", b"/%zz", b"/%u002e", b"/%",
             b"/p/%2e%2e;/admin", b"/%2",
             b"/../admin", b"/x/../../admin", b"/%2e%2e/admin", b"/%c0%ae%c0%ae/admin", b"/%c0%ae/", b"/%ff"]  # fmt: skip


@pytest.mark.parametrize("target", AMBIGUOUS, ids=repr)
def test_a_path_without_one_canonical_form_is_refused(gateway, origin, secret_origin, target):
    secret_origin.reset()
    refused(gateway, origin, line(target), reason="bad_path")
    untouched(origin)
    untouched(secret_origin)


# Not /admin, and the upstream must not be able to take them for it: it receives what was matched, to the letter.
OTHER_PATHS = {
    b"/ADMIN": "/ADMIN", b"/%41dmin": "/Admin", b"/%252e%252e/admin": "/%252e%252e/admin", b"/%c3%a9": "/%C3%A9",
    b"/a%2cb": "/a%2Cb", b"/a;x=1": "/a;x=1", b"/~u": "/~u", b"/%7eu": "/~u", b"/a%20b": "/a%20b", b"/...": "/...",
    b"/a.b/..c": "/a.b/..c", b"/a/": "/a/", b"/a+b": "/a+b", b"/a:b@c!$&'()*+,;=": "/a:b@c!$&'()*+,;=", b"/": "/", b"/<a>": "/%3Ca%3E",
    b"/{x}|^`": "/%7Bx%7D%7C%5E%60", b'/"': "/%22", b"//": "/", b"/admin;x=1": "/admin;x=1", b"/admin%3bx": "/admin%3Bx",
    b"/%25": "/%25", b"/%0a": "/%0A",
}  # fmt: skip


@pytest.mark.parametrize("target", OTHER_PATHS, ids=repr)
def test_the_upstream_receives_the_canonical_path_that_was_matched(gateway, origin, target):
    response = exchange(gateway.port, line(target))
    said = echoed(response)
    assert (said["origin"], said["target"]) == ("origin", OTHER_PATHS[target])
    assert gateway.record_of(response).path == OTHER_PATHS[target]


@pytest.mark.parametrize("query", [b"a=b", b"a=%2F..%2Fadmin", b"a=//b/../c", b"a=b?c/d", b"%61=%62", b"a&&b;c", b""], ids=repr)
def test_the_query_passes_as_it_stands(gateway, origin, query):
    target = echoed(exchange(gateway.port, line(b"/q?" + query)))["target"]
    assert target == "/q?" + query.decode() or (not query and target == "/q")


def test_options_star_is_answered_or_refused_but_never_misrouted(gateway, origin):
    with Client(gateway.port) as client:
        response = client.request("OPTIONS", "*")
    assert response.status in (200, 204, 400, 404), response
    assert not [r for r in origin.requests if r.target not in ("*", "/")]
