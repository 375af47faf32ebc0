"""Promise: what Weir says itself is dated (RFC 9110 §6.6.1), once and by the clock; what an upstream says keeps its own date."""

import email.utils
import re
import time

import pytest

from kit import config
from kit.client import exchange, fetch

IMF_FIXDATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT")


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    return launch(config.document(
        config.route("all", "/up/**", shared_origin.url),
        config.respond("hello", "/hello", body="hi"),
        config.respond("dated", "/dated", headers={"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}),
        config.route("moved", "/moved", plugin_chain=[config.filter_("redirect", to="/hello")]),
        config.route("nobody", "/nobody", f"http://127.0.0.1:{config.free_port()}"),
    ))  # fmt: skip


OURS = {
    "answer": lambda g: fetch(g.port, "/hello"),
    "redirect": lambda g: fetch(g.port, "/moved"),
    "no route": lambda g: fetch(g.port, "/none"),
    "no upstream": lambda g: fetch(g.port, "/nobody"),
    "malformed": lambda g: exchange(g.port, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    "metrics": lambda g: fetch(g.admin, "/metrics"),
    "health": lambda g: fetch(g.admin, "/readyz", "HEAD"),
    "admin error": lambda g: fetch(g.admin, "/none"),
}


@pytest.mark.parametrize("ask", OURS.values(), ids=list(OURS))
def test_what_weir_says_is_dated(gateway, ask):
    before = int(time.time())
    said = ask(gateway).all("date")
    assert len(said) == 1 and IMF_FIXDATE.fullmatch(said[0]), said
    assert before - 1 <= email.utils.parsedate_to_datetime(said[0]).timestamp() <= time.time()


def test_the_date_moves_on(gateway):
    first = fetch(gateway.port, "/hello").all("date")
    deadline = time.monotonic() + 5
    while fetch(gateway.port, "/hello").all("date") == first:
        assert time.monotonic() < deadline


def test_a_date_of_the_config_stays(gateway):
    assert fetch(gateway.port, "/dated").all("date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]


def test_an_upstreams_response_keeps_its_own_date_or_gets_one(gateway, origin):
    origin.on("/up/dated", lambda exchange: exchange.reply(200, headers=[("Date", "Tue, 15 Nov 1994 08:12:31 GMT")]))
    assert fetch(gateway.port, "/up/dated").all("date") == ["Tue, 15 Nov 1994 08:12:31 GMT"]
    said = fetch(gateway.port, "/up/undated").all("date")
    assert len(said) == 1 and IMF_FIXDATE.fullmatch(said[0]), said
