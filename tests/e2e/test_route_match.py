"""Promise: `weir routes --match` says what the gateway would do: the same route, CORS preflights included, and the URL the upstream
is asked for after the filters have written it."""

import json

import pytest

from kit import config
from kit.client import fetch
from kit.gateway import run

APP = "https://app.example.com"


def make_document(origin):
    cors = config.filter_("cors", allow_origins=[APP])

    def to(route_id, path, *filters, **extra):
        return config.route(route_id, path, f"{origin.url}/base", plugin_chain=list(filters), **extra)

    return config.document(
        to("plain", "/plain/**"),
        to("order", "/orders/{id}", config.filter_("rewrite", path="/v2/o-${path.id}", query={"remove": ["debug"], "set": {"by": "${header.x-user}"}})),
        to("prefix", "/api/**", config.filter_("rewrite", strip_prefix="/api", add_prefix="/v3", host="inner.test")),
        to("told", "/told", config.filter_("rewrite", query={"set": {"id": "${request_id}", "ip": "${client_ip}"}})),
        to("typed", "/typed", config.filter_("headers", request={"set": {"X-Kind": "b"}}), config.filter_("rewrite", path="/k/${header.x-kind}")),
        to("climbing", "/climbing", config.filter_("rewrite", path="/up/${header.x-up}")),
        to("cors", "/cors", cors, methods=["GET", "PUT"]),
        to("closed", "/closed", methods=["GET", "PUT"]),
        config.route("moved", "/moved/**", plugin_chain=[config.filter_("redirect", to="/new${path}", status=308)]),
        config.respond("gone", "/gone", status=410),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ask(gateway):
    def ask(match, *headers, lines=False):
        arguments = [word for header in headers for word in ("-H", header)]
        done = run("routes", "--config", gateway.config_file, "--match", match, *arguments, *([] if lines else ["--json"]))
        assert done.returncode in (0, 1) and not done.stderr, (done.returncode, done.stderr)
        return done.stdout if lines else json.loads(done.stdout)

    return ask


REWRITTEN = {
    "none": ("/plain/a?x=1", [], "/base/plain/a?x=1"),
    "template": ("/orders/7?debug=1&x=%202", ["X-User: a b"], "/base/v2/o-7?x=%202&by=a%20b"),
    "escaped capture": ("/orders/a%2Cb", [], "/base/v2/o-a%2Cb?by="),
    "prefixes": ("/api//users/./1", [], "/base/v3/users/1"),
    "after headers": ("/typed", ["X-Kind: a"], "/base/k/b"),
    "stripped field": ("/orders/7", ["Connection: x-user", "X-User: a"], "/base/v2/o-7?by="),
}  # fmt: skip


@pytest.mark.parametrize("target, headers, wanted", REWRITTEN.values(), ids=list(REWRITTEN))
def test_the_url_is_the_one_the_upstream_is_really_asked_for(ask, gateway, origin, target, headers, wanted):
    said = ask(f"GET {target}", *headers)
    assert said["upstream_url"] == origin.url + wanted
    fetch(gateway.port, target, headers=[tuple(h.split(": ", 1)) for h in headers])
    assert origin.requests[-1].target == wanted


def test_the_host_of_rewrite_is_shown(ask, gateway, origin):
    assert ask("GET /api/x")["upstream_host"] == "inner.test"
    fetch(gateway.port, "/api/x")
    assert origin.requests[-1].get("host") == "inner.test"
    assert "with Host inner.test" in ask("GET /api/x", lines=True)
    assert "upstream_host" not in ask("GET /plain/x")


def test_what_was_before_rewrite_is_said_only_if_it_differs(ask):
    assert "after rewrite; before it /orders/7" in ask("GET /orders/7", lines=True)
    assert "rewrite;" not in ask("GET /plain/x", lines=True)


def test_stand_ins_are_named(ask, origin):
    said = ask("GET /told", lines=True)
    assert "/told?id=REQUEST-ID&ip=192.0.2.1" in said
    assert "REQUEST-ID, 192.0.2.1 stand for what only a real request has" in said
    assert "stand for" not in ask("GET /orders/7", lines=True)


def test_a_refusal_of_rewrite_is_shown(ask, gateway):
    assert ask("GET /climbing", "X-Up: ..")["answer"] == {"filter": "rewrite", "status": 400, "reason": "bad_path"}
    really = fetch(gateway.port, "/climbing", headers=[("X-Up", "..")])
    assert really.status == 400 and really.problem["reason"] == "bad_path"


PREFLIGHT = [f"Origin: {APP}", "Access-Control-Request-Method: PUT"]


def test_a_preflight_is_taken_by_the_route_of_the_method_it_asks_for(ask, gateway):
    said = ask("OPTIONS /cors", *PREFLIGHT)
    assert said["outcome"] == "found" and said["preflight"] is True and said["route"]["route_id"] == "cors"
    assert said["answer"] == {"filter": "cors", "status": 204} and "upstream_url" not in said
    assert not said["passed_over"]
    assert fetch(gateway.port, "/cors", "OPTIONS", headers=[tuple(h.split(": ", 1)) for h in PREFLIGHT]).status == 204
    text = ask("OPTIONS /cors", *PREFLIGHT, lines=True)
    assert "-> route cors" in text and "CORS preflight" in text and "PUT" in text


def test_a_stranger_s_preflight_is_refused(ask, gateway):
    headers = ["Origin: https://evil.test", "Access-Control-Request-Method: PUT"]
    said = ask("OPTIONS /cors", *headers)
    assert said["answer"] == {"filter": "cors", "status": 403, "reason": "cors_denied"}
    assert fetch(gateway.port, "/cors", "OPTIONS", headers=[tuple(h.split(": ", 1)) for h in headers]).status == 403


NO_PREFLIGHTS = {
    "no origin": ("OPTIONS /cors", PREFLIGHT[1:]),
    "no method": ("OPTIONS /cors", PREFLIGHT[:1]),
    "a method the route has not": ("OPTIONS /cors", [PREFLIGHT[0], "Access-Control-Request-Method: DELETE"]),
    "a route without cors": ("OPTIONS /closed", PREFLIGHT),
    "not OPTIONS": ("DELETE /cors", PREFLIGHT),
}


@pytest.mark.parametrize("match, headers", NO_PREFLIGHTS.values(), ids=list(NO_PREFLIGHTS))
def test_what_is_no_preflight_for_the_route_is_405(ask, gateway, match, headers):
    said = ask(match, *headers)
    assert said["outcome"] == "method_not_allowed" and "preflight" not in said
    method, target = match.split()
    assert fetch(gateway.port, target, method, headers=[tuple(h.split(": ", 1)) for h in headers]).status == 405


def test_the_answer_of_a_filter_is_shown(ask):
    assert ask("GET /moved/a")["answer"] == {"filter": "redirect", "status": 308, "location": "/new/moved/a"}
    assert ask("GET /gone")["answer"] == {"filter": "respond", "status": 410}
    assert "410 by respond; no upstream is asked" in ask("GET /gone", lines=True)
