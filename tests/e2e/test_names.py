"""Promise: addresses of upstreams follow the name server without a restart, and an answer that comes late is used when it comes."""

import pytest

from kit import config
from kit.check import problem
from kit.client import fetch
from kit.name_server import NameServer
from kit.wait import until


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.stop()


def by_name(names, port, name="service.test"):
    return config.document(config.route("all", upstream=f"http://{name}:{port}"), resolver={"servers": [names.address]})


def status(gateway):
    return fetch(gateway.port, "/x").status


def test_a_name_is_resolved_before_the_first_request(weir, names, origin):
    names.addresses["service.test"] = "127.0.0.1"
    assert status(weir(by_name(names, origin.port))) == 200


def test_a_name_that_appears_is_found_by_itself(weir, names, origin):
    gateway = weir(by_name(names, origin.port))
    problem(gateway, fetch(gateway.port, "/x"), "upstream_no_address")
    names.addresses["service.test"] = "127.0.0.1"
    until("the name is found", lambda: status(gateway) == 200)


def test_an_answer_later_than_the_start_is_used(weir, names, origin):
    """The start waits for a name server, but not for ever; nobody asks again, the answer alone makes it known."""
    names.addresses["service.test"] = "127.0.0.1"
    names.silent = True
    gateway = weir(by_name(names, origin.port))
    assert status(gateway) == 503
    names.speak()
    until("the answer is taken", lambda: status(gateway) == 200, 2)


def test_a_new_name_of_a_reload_is_kept_resolved(weir, names, origin):
    names.addresses["service.test"] = "127.0.0.1"
    gateway = weir(by_name(names, origin.port))
    gateway.reload(by_name(names, origin.port, "other.test") | {k: gateway.document[k] for k in ("listeners", "admin")})
    assert status(gateway) == 503
    names.addresses["other.test"] = "127.0.0.1"
    until("the new name is found", lambda: status(gateway) == 200)


def test_a_name_that_vanishes_keeps_its_addresses(weir, names, origin):
    names.addresses["service.test"] = "127.0.0.1"
    gateway = weir(by_name(names, origin.port))
    assert status(gateway) == 200
    del names.addresses["service.test"]
    asked = len(names.asked)
    until("it is asked again", lambda: len(names.asked) > asked, 15)
    until("the metric tells", lambda: gateway.metric("weir_dns_names_stale") == 1)
    assert status(gateway) == 200
