"""Promise: an opaque token is good only if the authorization server says so, in so many words; it is asked no more often than
needed, and when it cannot be asked nobody gets in and nobody waits for long (attacks C3, C8)."""

import json
import threading
import time

import pytest

from kit import config
from kit.check import echoed_values, problem
from kit.client import Client, fetch
from kit.wait import SCALE, until

FRAMING = [("Content-Type", "application/json")]


class Idp:
    """What the scripted endpoint says about each token; unknown ones are not active."""

    def __init__(self, origin):
        self.origin = origin
        self.known = {}
        self.delay = 0
        self.gate = None
        origin.on("/introspect", self._answer)

    def _answer(self, exchange):
        form = dict(part.split("=", 1) for part in exchange.read_body().decode().split("&"))
        if self.gate:
            self.gate.wait(10)
        time.sleep(self.delay)
        said = self.known.get(form["token"], {"active": False})
        exchange.reply(200, said if isinstance(said, bytes) else json.dumps(said).encode(), FRAMING)

    @property
    def asked(self):
        return len(self.origin.requests)


@pytest.fixture
def endpoint(new_origin):
    return new_origin(name="idp")


@pytest.fixture
def idp(endpoint):
    return Idp(endpoint)


def document(origin, service, workers=1, **settings):
    settings = {"endpoint": f"{service.url}/introspect"} | settings
    auth = [config.filter_("oauth2_introspection", **settings)]
    return config.document(
        config.route("closed", "/closed/**", origin.url, auth_required=True, plugin_chain=auth),
        config.route("open", "/open/**", origin.url, plugin_chain=auth),
        workers=workers,
    )


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def test_a_good_token_gets_in_and_a_bad_one_does_not(weir, origin, endpoint, idp):
    idp.known["good"] = {"active": True, "client_id": "shop", "sub": "jane"}
    gateway = weir(document(origin, endpoint))
    response = fetch(gateway.port, "/closed/x", headers=bearer("good"))
    assert response.status == 200 and not echoed_values(response, "Authorization"), "taken out"
    for headers, reason, challenge in (
        ([], "unauthenticated", 'Bearer realm="weir"'),
        (bearer("guessed"), "invalid_credential", 'Bearer realm="weir", error="invalid_token", error_description="the token is not active"'),
        (bearer("a b"), "invalid_credential", None),
        (bearer("good") + bearer("good"), "invalid_credential", None),
    ):
        response = fetch(gateway.port, "/closed/x", headers=headers)
        problem(gateway, response, reason)
        assert response.status == 401 and response.get("www-authenticate").startswith("Bearer realm=")
        assert challenge in (None, response.get("www-authenticate"))
    assert len(origin.requests) == 1


def test_tokens_are_asked_about_once(weir, origin, endpoint, idp):
    idp.known["s3cr3t-t0k3n"] = {"active": True, "client_id": "shop"}
    gateway = weir(document(origin, endpoint))
    for _ in range(10):
        assert fetch(gateway.port, "/closed/x", headers=bearer("s3cr3t-t0k3n")).status == 200
        response = fetch(gateway.port, "/closed/x", headers=bearer("bad"))
    assert gateway.record_of(response).status == 401
    assert idp.asked == 2
    for result, count in {"asked": 2, "hit": 9, "negative_hit": 9, "joined": 0}.items():
        assert gateway.metric("weir_introspection_lookups_total", result=result) == count
    assert "s3cr3t-t0k3n" not in gateway.log_file.read_text() + gateway.stderr(), "tokens stay out of the log"


def test_many_at_once_wait_for_one_answer_also_if_the_first_goes_away(weir, origin, endpoint, idp):
    idp.known["good"] = {"active": True, "client_id": "shop"}
    idp.gate = threading.Event()
    gateway = weir(document(origin, endpoint, timeout="10s"))
    first = Client(gateway.port)
    first.send(b"GET /closed/first HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n\r\n")
    endpoint.wait_for_requests(1)
    others = [Client(gateway.port) for _ in range(20)]
    for client in others:
        client.send(b"GET /closed/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n\r\n")
    others.pop().reset()
    first.reset()
    time.sleep(0.1)
    idp.gate.set()
    for client in others:
        assert client.response("GET").status == 200
        client.close()
    assert idp.asked == 1
    assert fetch(gateway.port, "/closed/x", headers=bearer("good")).status == 200 and idp.asked == 1


def test_a_reload_meanwhile_loses_no_question_and_nothing_known(weir, origin, endpoint, idp):
    idp.known["good"] = {"active": True, "client_id": "shop"}
    idp.gate = threading.Event()
    made = document(origin, endpoint, timeout="10s")
    gateway = weir(made)
    with Client(gateway.port) as client:
        client.send(b"GET /closed/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n\r\n")
        endpoint.wait_for_requests(1)
        made["routes"][0]["route_id"] = "renamed"
        gateway.reload(made)
        idp.gate.set()
        assert client.response("GET").status == 200
    assert fetch(gateway.port, "/closed/x", headers=bearer("good")).status == 200
    assert idp.asked == 1, "the answer outlived the snapshot it was asked under"


ACTIVE = {"active": True, "client_id": "shop"}


@pytest.mark.parametrize(
    "said",
    [
        {"active": "true", "client_id": "shop"},
        {"active": 1, "client_id": "shop"},
        {"client_id": "shop"},
        ACTIVE | {"exp": "tomorrow"},
        ACTIVE | {"client_id": "shop\r\nX-Evil: 1"},
        b'{"active": false, "active": true, "client_id": "shop"}',
        b"true",
        b"<html>",
        b"",
        b" " * 100_000 + json.dumps(ACTIVE).encode(),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_answer_lets_nobody_in(weir, origin, endpoint, idp, said):
    idp.known["t"] = said
    gateway = weir(document(origin, endpoint))
    response = fetch(gateway.port, "/closed/x", headers=bearer("t"))
    problem(gateway, response, "auth_unavailable")
    assert response.status == 503 and not origin.requests


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 500 -\r\nContent-Length: 0\r\n\r\n",
                                 b"HTTP/1.1 302 -\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
                                 b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"])  # fmt: skip
def test_garbage_lets_nobody_in(weir, origin, endpoint, raw):
    endpoint.answer("/introspect", raw, close=True)
    gateway = weir(document(origin, endpoint))
    assert fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 503
    assert not origin.requests


def test_a_token_that_is_none_is_not_asked_about(weir, origin, endpoint, idp):
    gateway = weir(document(origin, endpoint))
    for token in ("a\x01b", "ä", "a&active=true", 'a"b', "x" * 8193, ""):
        response = fetch(gateway.port, "/closed/x", headers=bearer(token))
        assert response.status in (400, 401), (token, response)
    with Client(gateway.port) as client:
        client.send(b"GET /closed/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\x00b\r\n\r\n")
        assert client.response("GET").status in (400, 401)
    assert not endpoint.accepted and not origin.requests


def test_a_slow_endpoint_costs_its_timeout_and_then_nothing(weir, origin, endpoint, idp):
    idp.known["t"] = ACTIVE
    idp.delay = 5
    gateway = weir(document(origin, endpoint, timeout="100ms", breaker_failures=3, breaker_open="60s"))
    for _ in range(3):
        began = time.monotonic()
        assert fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 503
        assert 0.09 < time.monotonic() - began < 1 * SCALE
    asked = idp.asked
    began = time.monotonic()
    for _ in range(20):
        assert fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 503
    assert time.monotonic() - began < 1.5 * SCALE, "the breaker is open: nobody waits"
    assert idp.asked == asked


def test_an_endpoint_that_is_down_and_comes_back(weir, origin, new_origin):
    endpoint = new_origin()
    endpoint.stop()
    gateway = weir(document(origin, endpoint, breaker_failures=2, breaker_open="200ms", negative_ttl="0s"))
    for _ in range(5):
        response = fetch(gateway.port, "/closed/x", headers=bearer("t"))
        problem(gateway, response, "auth_unavailable")
    back = new_origin()
    Idp(back).known["t"] = ACTIVE
    gateway.reload(document(origin, back, breaker_failures=2, breaker_open="200ms", negative_ttl="0s") | {
        key: gateway.document[key] for key in ("listeners", "admin")})  # fmt: skip
    until("it is let in again", lambda: fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 200)


def test_the_breaker_tries_again(weir, origin, endpoint, idp):
    idp.known["t"] = b"broken"
    gateway = weir(document(origin, endpoint, breaker_failures=2, breaker_open=f"{2 * SCALE:.0f}s"))
    for _ in range(5):
        assert fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 503
    assert idp.asked == 2
    endpoint_is = {"endpoint": f"{endpoint.url.removeprefix('http://')}/introspect"}
    assert gateway.metric("weir_introspection_failures_total", **endpoint_is) == 2
    assert gateway.metric("weir_introspection_lookups_total", result="refused", **endpoint_is) == 3
    assert gateway.metric("weir_introspection_breakers_open", **endpoint_is) == 1
    idp.known["t"] = ACTIVE
    until("it is let in again", lambda: fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 200)
    assert idp.asked == 3
    assert gateway.metric("weir_introspection_breakers_open", **endpoint_is) == 0


@pytest.mark.parametrize("token, reason", [("bad", "ok"), ("odd", "ok"), ("good", "ok")])
def test_where_nobody_is_required_spoofed_identity_is_stripped_whatever_the_answer(weir, origin, endpoint, idp, token, reason):
    idp.known |= {"good": ACTIVE, "odd": b"broken"}
    gateway = weir(document(origin, endpoint))
    spoofed = [(name, "admin") for name in ("X-User-Id", "X-Consumer-Username", "X-Consumer-Groups", "X-Auth-Token")]
    response = fetch(gateway.port, "/open/x", headers=bearer(token) + spoofed)
    assert response.status == 200 and "admin" not in str(response.json()["headers"])
    assert gateway.record_of(response).reason == reason


def test_scopes_audience_issuer_and_time(weir, origin, endpoint, idp):
    now = int(time.time())
    idp.known = {
        "good": ACTIVE | {"scope": "b a", "aud": ["x", "me"], "iss": "https://i", "exp": now + 100, "nbf": now - 1},
        "narrow": ACTIVE | {"scope": "a", "aud": "me", "iss": "https://i"},
        "other": ACTIVE | {"scope": "a b", "aud": "x", "iss": "https://i"},
        "foreign": ACTIVE | {"scope": "a b", "aud": "me", "iss": "https://j"},
        "late": ACTIVE | {"scope": "a b", "aud": "me", "iss": "https://i", "exp": now - 1},
        "early": ACTIVE | {"scope": "a b", "aud": "me", "iss": "https://i", "nbf": now + 100},
    }
    gateway = weir(document(origin, endpoint, required_scopes=["a", "b"], audience=["me"], issuer="https://i"))
    told = {token: fetch(gateway.port, "/closed/x", headers=bearer(token)).status for token in idp.known}
    assert told == {"good": 200, "narrow": 403, "other": 401, "foreign": 401, "late": 401, "early": 401}
    again = {token: fetch(gateway.port, "/closed/x", headers=bearer(token)).status for token in idp.known}
    assert again == told


def test_a_token_stops_being_good_when_it_runs_out_though_it_is_kept(weir, origin, endpoint, idp):
    gateway = weir(document(origin, endpoint))
    idp.known["t"] = ACTIVE | {"exp": int(time.time()) + 3 + int(2 * SCALE)}
    assert fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 200
    until("it has run out", lambda: fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 401)
    assert time.time() >= idp.known["t"]["exp"]


def test_the_secret_is_sent_and_never_shown(weir, origin, endpoint, idp, tmp_path):
    idp.known["t"] = ACTIVE
    secret = tmp_path / "secret"
    secret.write_text("p+ss:w rd\n")
    settings = {"client_id": "we:ir", "client_secret_file": str(secret)}
    gateway = weir(document(origin, endpoint, **settings))
    assert fetch(gateway.port, "/closed/x", headers=bearer("t")).status == 200
    # RFC 6749 §2.3.1: each form-encoded, then Basic: we%3Air:p%2Bss%3Aw%20rd
    assert endpoint.requests[0].get("authorization") == "Basic d2UlM0FpcjpwJTJCc3MlM0F3JTIwcmQ="
    assert "p+ss" not in gateway.log_file.read_text() + gateway.stderr()
    environment = document(origin, endpoint, client_id="we", client_secret_env="IDP_SECRET", client_auth="post")
    other = weir(environment, environment={"IDP_SECRET": "p&x"})
    assert fetch(other.port, "/closed/x", headers=bearer("t")).status == 200
    assert endpoint.requests[1].body.endswith(b"&client_id=we&client_secret=p%26x") and not endpoint.requests[1].get("authorization")


def test_with_a_real_authorization_server(weir, origin, provider):
    idp = provider(ttl=3600)
    chain = [config.filter_("oauth2_introspection", endpoint=f"{idp.url}/token/introspection", client_id="weir",
                            client_secret_env="IDP_SECRET", issuer=idp.url, required_scopes=["read"], cache_ttl="1s", timeout="5s")]  # fmt: skip
    made = config.document(config.route("all", upstream=origin.url, auth_required=True, plugin_chain=chain))
    gateway = weir(made, environment={"IDP_SECRET": "weir-secret"})
    token = idp.token("read write")
    response = fetch(gateway.port, "/x", headers=bearer(token))
    assert response.status == 200 and gateway.record_of(response)["consumer"] == "shop"
    assert fetch(gateway.port, "/x", headers=bearer(token[:-1] + ("_" if token[-1] != "_" else "-"))).status == 401
    narrow = fetch(gateway.port, "/x", headers=bearer(idp.token("write")))
    problem(gateway, narrow, "insufficient_scope")
    assert narrow.status == 403 and narrow.get("www-authenticate") == 'Bearer realm="weir", error="insufficient_scope", scope="read"'
    idp.revoke(token)
    until("a revoked token stops being good", lambda: fetch(gateway.port, "/x", headers=bearer(token)).status == 401)
    kept = idp.token()
    assert fetch(gateway.port, "/x", headers=bearer(kept)).status == 200
    idp.stop()
    until("what was known is no longer", lambda: fetch(gateway.port, "/x", headers=bearer(kept)).status == 503)
    idp.start()
    fresh = idp.token()
    until("tokens are good again", lambda: fetch(gateway.port, "/x", headers=bearer(fresh)).status == 200, 10)


def test_with_other_credentials_than_the_server_knows(weir, origin, provider, tmp_path):
    idp = provider()
    (tmp_path / "secret").write_text("wrong")
    settings = {"client_id": "weir", "client_secret_file": str(tmp_path / "secret")}
    gateway = weir(document(origin, idp, endpoint=f"{idp.url}/token/introspection", **settings))
    response = fetch(gateway.port, "/closed/x", headers=bearer(idp.token()))
    assert response.status == 503, "that is our fault, not the client's"


def test_over_tls_the_server_must_show_the_right_certificate(weir, origin, new_origin, authority):
    endpoint = new_origin(tls=authority.issue("idp.test").server_context())
    Idp(endpoint).known["t"] = ACTIVE
    for name, wanted in (("idp.test", 200), ("other.test", 503)):
        upstream = config.upstream("idp", endpoint.address, tls={"ca_file": str(authority.ca_file), "server_name": name})
        chain = [config.filter_("oauth2_introspection", endpoint="https://idp/introspect", timeout="5s")]
        route = config.route("all", upstream=origin.url, auth_required=True, plugin_chain=chain)
        gateway = weir(config.document(route, upstreams=[upstream]))
        assert fetch(gateway.port, "/x", headers=bearer("t")).status == wanted, name
    assert len(endpoint.requests) == 1, "the token went to nobody else"


def test_a_route_that_believes_no_answer_for_long_is_not_given_anothers(weir, origin, endpoint, idp):
    idp.known["t"] = {"active": True, "client_id": "shop"}
    asks = {"endpoint": f"{endpoint.url}/introspect"}
    gateway = weir(config.document(
        config.route("lax", "/lax", origin.url, auth_required=True, plugin_chain=[config.filter_("oauth2_introspection", **asks)]),
        config.route("strict", "/strict", origin.url, auth_required=True,
                     plugin_chain=[config.filter_("oauth2_introspection", cache_ttl="0s", **asks)]),
        workers=1,
    ))  # fmt: skip
    assert fetch(gateway.port, "/lax", headers=bearer("t")).status == 200
    idp.known["t"] = {"active": False}
    assert fetch(gateway.port, "/lax", headers=bearer("t")).status == 200, "believed for a minute"
    assert fetch(gateway.port, "/strict", headers=bearer("t")).status == 401
