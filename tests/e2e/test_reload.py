"""Promise: a new file is in force within moments, by SIGHUP or by itself, without one failed request; every response is made by
exactly one revision; a bad file changes nothing and is complained about (faults.md R10)."""

import json
import signal
import threading

import pytest

from kit import config
from kit.client import Client, fetch
from kit.load import Load
from kit.wait import until


def mark(number):
    return config.set_response_header("X-Number", str(number))


def numbered(number, base=None, **extra):
    """A file whose answers carry its number in header and body, and that listens where `base` did."""
    document = config.document(
        config.respond("a", "/a", body=str(number), before=[mark(number)]),
        config.respond("b", "/b", body=str(number), before=[mark(number)]),
        config.respond(f"only-{number}", f"/only/{number}"),
        **extra,
    )  # fmt: skip
    if base:
        document |= {"listeners": base["listeners"], "admin": base["admin"]}
    return document


def consistent(response):
    if response.status != 200 or response.get("x-number") != response.body.decode():
        return f"{response.status} with header {response.get('x-number')} and body {response.body!r}"
    return None


def test_many_reloads_under_load_fail_nobody(weir):
    gateway = weir(numbered(0))
    with Load(gateway.port, "/a", consistent) as kept, Load(gateway.port, "/b", consistent, threads=2, reconnect=True) as fresh:
        for number in range(1, 31):
            gateway.reload(numbered(number, gateway.document))
            kept.wait_for(20)
        fresh.wait_for(20)
        until("the last revision answers", lambda: fetch(gateway.port, "/a").body == b"30")
    kept.check(600)
    fresh.check(20)


def test_a_proxied_response_is_of_one_revision_too(weir, new_origin):
    origins = [new_origin(name="0"), new_origin(name="1")]

    def document(number, base=None):
        made = config.document(config.route(
            "r", "/**", origins[number % 2].url, plugin_chain=[config.set_response_header("X-Origin", str(number % 2))]
        ))  # fmt: skip
        return made | ({"listeners": base["listeners"], "admin": base["admin"]} if base else {})

    def judge(response):
        agree = response.status == 200 and response.json()["origin"] == response.get("x-origin")
        return None if agree else repr(response)

    gateway = weir(document(0))
    with Load(gateway.port, "/x", judge) as load:
        for number in range(1, 16):
            gateway.reload(document(number, gateway.document))
            load.wait_for(15)
    load.check(200)


def test_a_changed_file_is_noticed_without_a_signal(weir):
    gateway = weir(numbered(1))
    gateway.reload(numbered(2, gateway.document), how="watch")
    until("the new file answers", lambda: fetch(gateway.port, "/a").body == b"2")
    assert fetch(gateway.port, "/only/1").status == 404 and fetch(gateway.port, "/only/2").status == 200


def test_a_file_written_in_place_is_noticed_too(weir):
    gateway = weir(numbered(1))
    text = json.dumps({"access_log": {"path": str(gateway.log_file)}} | numbered(2, gateway.document))
    with open(gateway.config_file, "w") as file:  # half a file is there for a moment
        file.write(text[: len(text) // 2])
        file.flush()
        file.write(text[len(text) // 2 :])
    until("the new file answers", lambda: fetch(gateway.port, "/a").body == b"2")


def test_a_link_that_is_switched_is_noticed(weir, tmp_path):
    """As Kubernetes replaces a ConfigMap: the file is a link through a link to a folder, and that one is switched."""
    gateway = weir(numbered(1))
    text = gateway.config_file.read_text()
    for number in (1, 2):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}/weir.json").write_text(text.replace('"body": "1"', f'"body": "{number}"'))
    (tmp_path / "..data").symlink_to("..1")
    gateway.config_file.unlink()
    gateway.config_file.symlink_to(tmp_path / "..data/weir.json")
    until("the link is taken", lambda: gateway.revision() == 2)
    assert fetch(gateway.port, "/a").body == b"1"
    (tmp_path / "..next").symlink_to("..2")
    (tmp_path / "..next").rename(tmp_path / "..data")
    until("the other folder's file answers", lambda: fetch(gateway.port, "/a").body == b"2")


BAD = {
    "not a document": ("{]", "weir.json:1:2"),
    "empty": ("", "weir.json"),
    "unknown field": (lambda d: d | {"rout": []}, "routes"),
    "dangling upstream": (lambda d: d | {"routes": [config.route("x", "/x", "http://nobody")]}, "nobody"),
    "unknown filter": (lambda d: d | {"routes": [config.route("x", "/x", plugin_chain=[config.filter_("respnd")])]}, "respond"),
    "no listeners": (lambda d: {k: v for k, v in d.items() if k != "listeners"}, "listeners"),
}


@pytest.mark.parametrize("how", ["signal", "watch"])
@pytest.mark.parametrize("bad, word", BAD.values(), ids=list(BAD))
def test_a_bad_file_keeps_the_old_config_and_says_so(weir, how, bad, word):
    gateway = weir(numbered(1))
    before, document, said = gateway.revision(), gateway.document, len(gateway.stderr())
    gateway.config_file.write_text(bad if isinstance(bad, str) else json.dumps(bad(document)))
    if how == "signal":
        gateway.signal(signal.SIGHUP)
    until("the mistake is named in the log", lambda: word in gateway.stderr()[said:])
    assert gateway.revision() == before and gateway.ready() == 200
    assert fetch(gateway.port, "/a").body == b"1"
    gateway.reload(numbered(2, document))
    until("a good file is taken again", lambda: fetch(gateway.port, "/a").body == b"2")


def test_a_listener_can_be_added_and_removed(weir):
    gateway = weir(numbered(1))
    first = gateway.document
    extra = config.listener()
    with Client(gateway.port) as kept:
        assert kept.get("/a").status == 200
        gateway.reload(numbered(2, first) | {"listeners": [*first["listeners"], extra], "admin": first["admin"]})
        port = gateway.ports[1]
        assert until("the new listener answers", lambda: connects(port))
        assert fetch(port, "/a").body == b"2"
        gateway.reload(numbered(3, first))
        until("the removed listener refuses", lambda: not connects(port))
        assert kept.get("/a").body == b"3", "connections of the listener that stayed are not touched"


def test_a_listener_that_cannot_be_opened_changes_nothing(weir, new_origin):
    gateway = weir(numbered(1))
    taken = config.listener(new_origin().port)
    said = len(gateway.stderr())
    document = gateway.document
    gateway.write(numbered(2, document) | {"listeners": [*document["listeners"], taken]})
    gateway.signal(signal.SIGHUP)
    until("the port is named in the log", lambda: taken["address"] in gateway.stderr()[said:])
    assert fetch(gateway.ports[0], "/a").body == b"1"


def test_an_exchange_ends_under_the_revision_it_began_with(weir, origin):
    go = threading.Event()

    def slow(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        go.wait(10)
        exchange.send(b"after")

    origin.on("/slow", slow)
    gateway = weir(config.to_origin(origin))
    with Client(gateway.port) as client:
        client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        origin.wait_for_requests(1)
        gateway.reload(numbered(2, gateway.document))
        gateway.reload(numbered(3, gateway.document))
        go.set()
        assert client.response().body == b"firstafter"
        assert client.get("/a").body == b"3"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_reloads_leave_memory_flat(weir):
    gateway = weir(numbered(0))
    with Load(gateway.port, "/a", consistent, threads=2, pause=0.002) as load:
        for number in range(1, 101):
            gateway.reload(numbered(number, gateway.document))
        warm = gateway.rss()
        for number in range(101, 1001):
            gateway.reload(numbered(number, gateway.document))
        grown = gateway.rss() - warm
    load.check(1000)
    assert grown < max(warm * 0.1, 2 << 20), f"{grown >> 10} KiB more than {warm >> 10} KiB after 900 reloads"


def connects(port):
    try:
        Client(port, timeout=2).close()
        return True
    except OSError:
        return False
