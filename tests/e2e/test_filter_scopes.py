"""Promise: of the filters of one name that stand in the chains of a consumer, its groups, a route, its upstream and the whole file,
exactly one runs, the nearest to who calls; and it makes no difference how the caller said who they are."""

import itertools
import json

import pytest

from kit import config
from kit.check import echoed, problem
from kit.client import Client, fetch
from kit.gateway import run
from kit.tokens import Key, bearer, claims, key_set
from kit.wait import until

# The weakest first, as docs/filter-scopes.md has them.
SCOPES = ["global", "upstream", "route", "group", "consumer"]


def mark(scope):
    """A filter that shows on the response, and to the upstream, in whose chain it stands."""
    return config.filter_("headers", response={"add": {"X-Scope": scope}}, request={"set": {"X-Scope": scope}})


def marked(scopes, scope, *more):
    """The chain of `scope` in a table row that has filters in `scopes`."""
    return {"plugin_chain": [*([mark(scope)] if scope in scopes else []), *more]}


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("keys"))


def known(key):
    issuer = {"issuer": "https://id.test", "audiences": ["api"], "jwks": json.loads(key_set(key.jwk()))}
    return [config.filter_("jwt", issuers=[issuer]), config.filter_("api_key")]


# Row by row: a consumer for what stands at consumer and group, a route for what stands at route and upstream.
CALLERS = {f"c{own:d}{group:d}": (own, group) for own, group in itertools.product([False, True], repeat=2)}
ROUTES = {f"r{own:d}{upstream:d}": (own, upstream) for own, upstream in itertools.product([False, True], repeat=2)}


def table(origin, key, all_routes):
    def one(name, own, upstream):
        return config.route(name, f"/{name}", f"http://u{upstream:d}", **marked(["route"] if own else [], "route", *known(key)))

    return config.document(
        *(one(name, *row) for name, row in ROUTES.items()),
        upstreams=[
            config.upstream("u0", origin.address),
            config.upstream("u1", origin.address, **marked(["upstream"], "upstream")),
        ],
        groups=[{"name": "marked", "tags": ["team:gold"], **marked(["group"], "group")}, "plain"],
        consumers=[
            {
                "name": name,
                "groups": ["plain", *(["marked"] if group else [])],
                "credentials": {"jwt": [{"issuer": "https://id.test", "subject": name}]},
                **(marked(["consumer"], "consumer") if own else {}),
            }
            for name, (own, group) in CALLERS.items()
        ],
        credentials={"store": {"file": "keys.db"}},
        **(marked(["global"], "global") if all_routes else {}),
    )


def api_key(gateway, consumer, *arguments):
    done = run("key", "create", "--consumer", consumer, *arguments, "--json", "--config", gateway.config_file)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["key"]


class Asks:
    """A gateway with the table's rows, and every caller by an API key and by a token."""

    def __init__(self, gateway, key):
        self.gateway = gateway
        self.headers = {}
        for name in CALLERS:
            self.headers[name, "api_key"] = [("X-API-Key", api_key(gateway, name))]
            self.headers[name, "jwt"] = bearer(key.token(claims(subject=name)))
        for (name, kind), headers in self.headers.items():
            if kind == "api_key":
                until("the key is known", lambda headers=headers, name=name: self.record(headers).get("consumer") == name, 5)

    def record(self, headers):
        return self.gateway.record_of(fetch(self.gateway.port, "/r00", headers=headers))

    def __call__(self, route, caller, kind):
        return fetch(self.gateway.port, f"/{route}", headers=self.headers[caller, kind] if caller else [])


@pytest.fixture(scope="module", params=[False, True], ids=["nothing for all", "a filter for all"])
def asks(request, launch, shared_origin, key):
    found = Asks(launch(table(shared_origin, key, request.param)), key)
    found.all_routes = request.param
    return found


@pytest.mark.parametrize("kind", ["api_key", "jwt"])
@pytest.mark.parametrize("caller", [None, *CALLERS])
@pytest.mark.parametrize("route", list(ROUTES))
def test_the_nearest_runs_and_no_other(asks, origin, route, caller, kind):
    own, upstream = ROUTES[route]
    of_consumer, of_group = CALLERS.get(caller, (False, False))
    there = dict(zip(SCOPES, [asks.all_routes, upstream, own, of_group, of_consumer]))
    wanted = [[scope for scope in SCOPES if there[scope]][-1]] if any(there.values()) else []
    response = asks(route, caller, kind)
    assert response.status == 200, response
    assert response.all("X-Scope") == wanted, there
    assert [value for name, value in echoed(response)["headers"] if name.lower() == "x-scope"] == wanted


def test_routes_says_which_filter_runs(asks):
    def said(*arguments):
        done = run("routes", "--config", asks.gateway.config_file, "--match", "GET /r11", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        filters = json.loads(done.stdout)["route"]["filters"]
        return {entry["name"]: entry["origin"] for entry in filters}

    assert said()["headers"] == "route"
    assert said("--consumer", "c11")["headers"] == "consumer"
    assert said("--consumer", "c01")["headers"] == "group"
    assert said("--consumer", "c00")["headers"] == "route"
    assert said("--consumer", "c11").keys() == said().keys()
    text = run("routes", "--config", asks.gateway.config_file, "--match", "GET /r11", "--consumer", "stranger").stdout
    assert "headers (route)" in text and 'no consumer "stranger"' in text


def test_a_group_may_come_with_the_credential(asks, origin, key):
    """Groups count as the caller has them: those of an API key, or of a token's claim, as those of the config."""
    by_key = [("X-API-Key", api_key(asks.gateway, "elsewhere", "--group", "marked"))]
    by_token = bearer(key.token(claims(subject="nowhere", groups=["other", "marked"])))
    until("the key is known", lambda: asks.record(by_key).get("consumer") == "elsewhere", 5)
    for headers in (by_key, by_token):
        assert fetch(asks.gateway.port, "/r11", headers=headers).all("X-Scope") == ["group"]


def limits_document(key, **of_vip):
    two = config.filter_("rate_limit", limits=[{"rate": "2/h"}])
    return config.document(
        config.respond("limited", "/limited", body="ok", before=[*known(key), two]),
        config.respond("column", "/column", body="ok", before=known(key), rate_limit_rps=1),
        config.respond("other", "/other", body="ok", before=[*known(key), two]),
        config.respond("closed", "/closed", body="ok", before=known(key), auth_required=True),
        consumers=[{"name": "vip", **of_vip}, {"name": "usual"}],
        credentials={"store": {"file": "keys.db"}},
    )


def statuses(gateway, path, headers, times):
    return [fetch(gateway.port, path, headers=headers).status for _ in range(times)]


def test_a_consumers_rate_limit_is_in_place_of_the_routes(weir, key):
    five = config.filter_("rate_limit", limits=[{"rate": "5/h"}])
    gateway = weir(limits_document(key, plugin_chain=[five]))
    vip, usual = bearer(key.token(claims(subject="vip"))), bearer(key.token(claims(subject="usual")))
    assert statuses(gateway, "/limited", usual, 3) == [200, 200, 429]
    # One count for all routes, and rate_limit_rps is a rate limit of the route's, too.
    assert statuses(gateway, "/limited", vip, 2) == [200, 200]
    assert statuses(gateway, "/column", vip, 2) == [200, 200]
    response = fetch(gateway.port, "/other", headers=vip)
    assert response.status == 200 and response.get("ratelimit-policy") == '"consumer:5/h";q=5;w=3600'
    refused = fetch(gateway.port, "/other", headers=vip)
    assert refused.status == 429 and problem(gateway, refused, "rate_limited")
    assert gateway.record_of(refused)["limit"] == "consumer:5/h"
    assert statuses(gateway, "/other", usual, 1) == [200], "the route's own is counted for the route"


def test_a_consumer_without_limits_and_one_that_is_stopped(weir, key):
    free = [{"name": "rate_limit", "disabled": True}]
    gateway = weir(limits_document(key, plugin_chain=free))
    vip = bearer(key.token(claims(subject="vip")))
    assert statuses(gateway, "/limited", vip, 5) == [200] * 5
    gateway.reload(gateway.document | {"consumers": [{"name": "vip", "plugin_chain": [config.filter_("body_limit", max=1)]}]})
    assert statuses(gateway, "/limited", vip, 3) == [200, 200, 429]
    response = fetch(gateway.port, "/closed", method="POST", body=b"too long", headers=vip)
    problem(gateway, response, "body_too_large")
    assert fetch(gateway.port, "/closed", method="POST", body=b"too long").status == 401, "who nobody knows has no chain of theirs"


def test_seats_of_a_consumers_own_limit_are_left(weir, origin, key):
    one = config.filter_("concurrency_limit", most=1)
    gateway = weir(
        config.document(
            config.route("a", "/a", origin.url, plugin_chain=known(key)),
            config.route("b", "/b", plugin_chain=[*known(key), config.filter_("respond", status=200)]),
            consumers=[{"name": "vip", "plugin_chain": [one]}],
            credentials={"store": {"file": "keys.db"}},
        )
    )
    vip = bearer(key.token(claims(subject="vip")))
    # One connection, so one worker: the seat is left before the next request is read.
    with Client(gateway.port) as client:
        assert [client.get(path, headers=vip).status for path in ("/a", "/b") * 4] == [200] * 8


@pytest.mark.parametrize(
    "entry, why",
    [
        ("api_key", "before it is known who calls"),
        ("cors", "before it is known who calls"),
        ({"name": "request_id", "disabled": True}, "before it is known who calls"),
        ("proxy", "is the route's to say"),
        ("require_identity", "is the route's to say"),
        ({"name": "headers", "config": {"request": {"set": {"X-Id": "${path.id}"}}}}, 'the capture "id"'),
    ],
    ids=str,
)
def test_what_cannot_be_a_consumers_own_is_refused(tmp_path, entry, why):
    document = config.document(config.respond("a", "/{id}"), consumers=[{"name": "vip", "plugin_chain": [entry]}])
    (tmp_path / "weir.yaml").write_text(json.dumps(document))
    done = run("check", "weir.yaml", cwd=tmp_path)
    assert done.returncode == 1 and "consumers[0].plugin_chain[0]" in done.stdout + done.stderr, done
    assert why in done.stdout + done.stderr


def test_filters_of_an_upstream_protect_every_route_to_it(weir, origin, key):
    def to(route_id, url, **extra):
        return config.route(route_id, f"/{route_id}", url, **extra)

    gateway = weir(
        config.document(
            to("closed", "http://users", auth_required=True),
            to("denied", "http://users", plugin_chain=known(key)),
            to("canary", "http://open", canary_upstream_url="http://users", canary_weight=100),
            to("inline", origin.url),
            upstreams=[
                config.upstream("users", origin.address, plugin_chain=[*known(key), config.filter_("ip_filter", deny=["127.0.0.1"])]),
                config.upstream("open", origin.address),
            ],
            credentials={"store": {"file": "keys.db"}},
        )
    )
    for path in ("/closed", "/denied"):
        problem(gateway, fetch(gateway.port, path, headers=bearer(key.token(claims()))), "ip_denied")
    assert fetch(gateway.port, "/canary").status == 200, "the stable upstream's chain rules"
    assert fetch(gateway.port, "/inline").status == 200
