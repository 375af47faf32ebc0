"""Promise: every filter does through the real binary what its schema says: order, templates, escapes, refusals."""

import re

import pytest

from kit import config
from kit.check import echoed, echoed_values, problem, untouched
from kit.client import Client, exchange, fetch

TRUSTED = "127.0.0.2"
f = config.filter_


@pytest.fixture(scope="module")
def gateway(launch, authority, shared_origin):
    def to_origin(route_id, path, *chain, **extra):
        return config.route(route_id, path, shared_origin.url, plugin_chain=list(chain), **extra)

    return launch(config.document(
        to_origin("ids", "/ids"),
        to_origin("trace", "/trace", "trace_context"),
        to_origin("trace-trusted", "/trace-trusted", f("trace_context", trust="trusted_proxies")),
        to_origin("allow", "/ip/allow", f("ip_filter", allow=["127.0.0.3/32", "203.0.113.0/24"])),
        to_origin("deny", "/ip/deny", f("ip_filter", deny=["127.0.0.3", "203.0.113.7"])),
        to_origin("limit", "/limit", f("body_limit", max="1KiB")),
        to_origin("no-body", "/no-body", f("body_limit", max=0)),
        to_origin("headers", "/headers/{id}", f("headers", request={
            "remove": ["X-Remove"], "rename": {"X-Old": "X-New"}, "set": {"X-Set": "${path.id}", "X-Empty": "${header.x-none}"},
            "add": {"X-Add": ["one", "${method} ${host} ${path} ${client_ip} $$"]},
        }, response={"remove": ["X-Inner"], "set": {"X-Status": "${status}", "X-Route": "${route_id}"}, "add": {"X-More": "1"}})),
        to_origin("strip", "/strip/api/**", f("rewrite", strip_prefix="/strip/api")),
        to_origin("prefix", "/prefix/**", f("rewrite", add_prefix="/v2")),
        to_origin("path", "/users/{id}/files/{rest...}", f("rewrite", path="/f/${path.rest}/of/${path.id}")),
        to_origin("query", "/query", f("rewrite", query={"remove": ["secret"], "set": {"from": "${header.user-agent}"}})),
        to_origin("host", "/host", f("rewrite", host="inner.test:81")),
        config.route("url-path", "/base/**", shared_origin.url + "/root"),
        to_origin("preserve", "/preserve", preserve_host=True),
        config.route("moved", "/moved/{id}", plugin_chain=[f("redirect", to="/new/${path.id}${query}", status=308)]),
        to_origin("secure", "/secure/**", f("redirect", scheme="https", status=301)),
        config.route("elsewhere", "/elsewhere/{rest...}", plugin_chain=[f("redirect", to="https://other.test/${path.rest}")]),
        config.route("json", "/json", plugin_chain=[f("respond", status=418, content_type="application/json",
            body='{"agent": "${header.user-agent}"}', headers={"X-Id": "${request_id}"})]),
        config.route("html", "/html", plugin_chain=[f("respond", content_type="text/html", body="<b>${header.user-agent}</b>")]),
        config.route("nothing", "/nothing", plugin_chain=[f("respond", status=204)]),
        to_origin("no-global", "/no-global", {"name": "headers", "disabled": True}),
        listeners=[config.listener(), config.listener(certificates=[authority.issue("localhost")])],
        plugin_chain=[f("headers", response={"set": {"X-Global": "yes"}})],
        trusted_proxies=[f"{TRUSTED}/32"],
        limits={config.LIMIT_WORDS["max_body"]: "1MiB"},
    ))  # fmt: skip


# request_id


def test_the_request_id_is_the_same_everywhere(gateway, origin):
    response = fetch(gateway.port, "/ids")
    assert echoed_values(response, "X-Request-Id") == [response.get("x-request-id")]
    assert gateway.record_of(response).route == "ids"


def test_only_a_trusted_proxy_may_name_the_request_id(gateway, origin):
    headers = [("X-Request-Id", "given.by_proxy-1")]
    assert fetch(gateway.port, "/ids", headers=headers, source=TRUSTED).get("x-request-id") == "given.by_proxy-1"
    response = fetch(gateway.port, "/ids", headers=headers)
    assert response.get("x-request-id") != "given.by_proxy-1" and "given.by_proxy-1" not in str(echoed(response)["headers"])


@pytest.mark.parametrize("value", ["", "a b", 'a"b', "x" * 129, "a/b", "a\tb", "é"])
def test_a_request_id_that_is_not_harmless_is_replaced_even_from_a_trusted_proxy(gateway, origin, value):
    response = fetch(gateway.port, "/ids", headers=[("X-Request-Id", value)], source=TRUSTED)
    assert re.fullmatch(r"[0-9a-f-]{36}", response.get("x-request-id"))
    assert echoed_values(response, "X-Request-Id") == [response.get("x-request-id")]


# trace_context

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_trace_is_continued_with_a_span_of_our_own(gateway, origin):
    response = fetch(gateway.port, "/trace", headers=[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")])
    (parent,) = echoed_values(response, "traceparent")
    assert parent[:36] == PARENT[:36] and parent[36:52] != PARENT[36:52] and parent[52:] == "-01"
    assert ",".join(echoed_values(response, "tracestate")).replace(" ", "") == "a=1,b=2"


@pytest.mark.parametrize("given", [[], [PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)], [PARENT[:-1]], [PARENT.upper()],
                                   ["ff" + PARENT[2:]], [PARENT, PARENT], ["garbage"]], ids=str)  # fmt: skip
def test_anything_else_begins_a_new_trace(gateway, origin, given):
    headers = [("traceparent", value) for value in given] + [("tracestate", "a=1")]
    response = fetch(gateway.port, "/trace", headers=headers)
    (parent,) = echoed_values(response, "traceparent")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", parent) and parent[3:35] not in (PARENT[3:35], "0" * 32)
    assert echoed_values(response, "tracestate") == []


def test_a_trace_of_a_stranger_may_be_refused(gateway, origin):
    def trace(source):
        return echoed_values(fetch(gateway.port, "/trace-trusted", headers=[("traceparent", PARENT)], source=source), "traceparent")[0]

    assert trace(TRUSTED)[3:35] == PARENT[3:35] and trace("127.0.0.1")[3:35] != PARENT[3:35]


# ip_filter


@pytest.mark.parametrize("path, source, forwarded, status", [
    ("/ip/allow", "127.0.0.1", None, 403), ("/ip/allow", "127.0.0.3", None, 200), ("/ip/allow", TRUSTED, "203.0.113.9", 200),
    ("/ip/allow", TRUSTED, "203.0.114.9", 403), ("/ip/allow", "127.0.0.1", "203.0.113.9", 403), ("/ip/deny", "127.0.0.1", None, 200),
    ("/ip/deny", "127.0.0.3", None, 403), ("/ip/deny", TRUSTED, "203.0.113.7", 403), ("/ip/deny", "127.0.0.3", "127.0.0.1", 403),
])  # fmt: skip
def test_addresses_are_admitted_or_refused(gateway, origin, path, source, forwarded, status):
    headers = [("X-Forwarded-For", forwarded)] if forwarded else []
    response = fetch(gateway.port, path, headers=headers, source=source)
    assert response.status == status
    if status == 403:
        problem(gateway, response, "ip_denied")
        untouched(origin)


# body_limit and limits.max_body_bytes


def chunked(path, *sizes):
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, b"x" * size) for size in sizes)
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n"


@pytest.mark.parametrize("path, size, status", [("/limit", 1024, 200), ("/limit", 1025, 413), ("/no-body", 0, 200), ("/no-body", 1, 413),
                                                ("/ids", 1 << 20, 200), ("/ids", (1 << 20) + 1, 413)])  # fmt: skip
def test_an_announced_body_above_the_limit_is_413_at_once(gateway, origin, path, size, status):
    response = fetch(gateway.port, path, "POST", body=bytes(size))
    assert response.status == status
    if status == 413:
        problem(gateway, response, "body_too_large")
        untouched(origin)


def test_it_is_refused_before_it_is_sent(gateway, origin):
    with Client(gateway.port) as client:
        client.send(b"POST /limit HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\nExpect: 100-continue\r\n\r\n")
        response = client.response()
        assert response.status == 413 and not response.interim


@pytest.mark.parametrize("path, sizes", [("/limit", [1000, 24]), ("/ids", [60000] * 17)], ids=["filter", "file"])
def test_chunks_below_the_limit_pass(gateway, origin, path, sizes):
    assert exchange(gateway.port, chunked(path, *sizes)).json()["body_length"] == sum(sizes)


@pytest.mark.parametrize("path, sizes", [("/limit", [1000, 25]), ("/limit", [1 << 19]), ("/ids", [60000] * 18), ("/no-body", [1])])
def test_chunks_that_grow_past_the_limit_are_413_and_never_complete(gateway, origin, path, sizes):
    response = exchange(gateway.port, chunked(path, *sizes))
    assert response.status == 413 and response.closes
    problem(gateway, response, "body_too_large")
    assert not [r for r in origin.requests if r.complete]


# headers


def test_request_headers_are_removed_renamed_set_and_added(gateway, origin):
    response = fetch(gateway.port, "/headers/7", host="Shop.test:99", headers=[
        ("X-Remove", "1"), ("x-remove", "2"), ("X-Old", "o"), ("X-Set", "spoofed"), ("X-Set", "twice"), ("X-Empty", "spoofed"),
        ("X-Add", "zero"),
    ])  # fmt: skip
    assert echoed_values(response, "X-Remove") == [] and echoed_values(response, "X-Empty") == []
    assert echoed_values(response, "X-Old") == [] and echoed_values(response, "X-New") == ["o"]
    assert echoed_values(response, "X-Set") == ["7"]
    assert echoed_values(response, "X-Add") == ["zero", "one", "GET shop.test /headers/7 127.0.0.1 $"]


def test_response_headers_too(gateway, origin):
    origin.answer("/headers/8", b"HTTP/1.1 201 Created\r\nX-Inner: 1\r\nX-Route: spoofed\r\nX-More: 0\r\nContent-Length: 0\r\n\r\n")
    response = fetch(gateway.port, "/headers/8")
    assert response.get("x-status") == "201" and response.get("x-route") == "headers" and response.all("x-more") == ["0", "1"]
    assert not response.has("x-inner")


def test_a_captured_value_cannot_break_a_header(gateway, origin):
    assert echoed_values(fetch(gateway.port, "/headers/a%0d%0aX-Evil:%201"), "X-Set") == ["a%0D%0AX-Evil:%201"]
    assert "x-evil" not in str(echoed(fetch(gateway.port, "/headers/a%0d%0aX-Evil:1"))["headers"]).lower().replace("x-evil:1", "")


def test_filters_of_the_whole_file_apply_to_every_response(gateway, origin):
    assert fetch(gateway.port, "/ids").get("x-global") == "yes"
    assert fetch(gateway.port, "/unrouted").get("x-global") == "yes"
    assert not fetch(gateway.port, "/no-global").has("x-global")
    assert not fetch(gateway.port, "/headers/7").has("x-global"), "a route's own filter replaces the file's"


# rewrite


@pytest.mark.parametrize("sent, received", [
    ("/strip/api/x?a=b", "/x?a=b"), ("/strip/api", "/"), ("/strip/api/", "/"), ("/strip/api?q", "/?q"), ("/prefix/x", "/v2/prefix/x"),
    ("/users/7/files/a/b", "/f/a/b/of/7"), ("/users/7/files/a%20b?x", "/f/a%20b/of/7?x"), ("/base/x?y", "/root/base/x?y"),
    ("/query?secret=1&a=%20b&secret", "/query?a=%20b&from=me%2F1%20%26"),
])  # fmt: skip
def test_paths_and_queries_are_rewritten(gateway, origin, sent, received):
    response = fetch(gateway.port, sent, headers=[("User-Agent", "me/1 &")])
    assert echoed(response)["target"] == received
    assert gateway.record_of(response).path == sent.split("?")[0], "the log keeps the path that was matched"


def test_who_the_upstream_is_told_to_be(gateway, origin):
    assert echoed_values(fetch(gateway.port, "/host"), "Host") == ["inner.test:81"]
    assert echoed_values(fetch(gateway.port, "/ids", host="shop.test"), "Host") == [origin.address]
    response = fetch(gateway.port, "/preserve", host="shop.test")
    assert echoed_values(response, "Host") == ["shop.test"] and echoed_values(response, "X-Forwarded-Host") == ["shop.test"]


# redirect and respond


def test_redirects(gateway, origin):
    response = fetch(gateway.port, "/moved/a%20b?x=y", "POST", body=b"x")
    assert (response.status, response.get("location")) == (308, "/new/a%20b?x=y")
    untouched(origin)


def test_a_scheme_redirect_leaves_the_right_scheme_alone(gateway, origin, authority):
    response = fetch(gateway.port, "/secure/x?y", host="localhost")
    assert (response.status, response.get("location")) == (301, "https://localhost/secure/x?y")
    response = fetch(gateway.tls_port, "/secure/x", host="localhost", tls=authority.client_context(), server_name="localhost")
    assert echoed(response)["target"] == "/secure/x"


@pytest.mark.parametrize("rest", ["//evil.test/x", "%2F%2Fevil.test", "@evil.test", "..//evil.test", "%0d%0aSet-Cookie:a=b", "a:b@evil.test"])
def test_a_request_cannot_choose_where_a_redirect_goes(gateway, origin, rest):
    response = fetch(gateway.port, "/elsewhere/" + rest)
    if response.status == 302:
        assert response.get("location").startswith("https://other.test/") and not response.has("set-cookie")
    else:
        assert response.status in (400, 404)


@pytest.mark.parametrize("agent", ['a"b', "<script>", "\\", '"},{"x":"'])
def test_answers_escape_what_the_client_sent(gateway, origin, agent):
    response = fetch(gateway.port, "/json", headers=[("User-Agent", agent)])
    assert response.status == 418 and response.json() == {"agent": agent}
    assert response.get("content-type") == "application/json" and response.get("x-id") == response.get("x-request-id")
    body = fetch(gateway.port, "/html", headers=[("User-Agent", agent)]).body
    assert body.startswith(b"<b>") and b"<script>" not in body
    untouched(origin)


def test_an_answer_without_a_body(gateway, origin):
    with Client(gateway.port) as client:
        response = client.get("/nothing")
        assert response.status == 204 and not response.has("content-length")
        assert client.request("HEAD", "/json").status == 418
        assert client.get("/nothing").status == 204


def test_an_answer_does_not_need_the_body_of_the_request(gateway, origin):
    with Client(gateway.port) as client:
        assert client.request("POST", "/json", body=bytes(100000)).status == 418
        response = client.get("/json")
        assert response.status == 418
