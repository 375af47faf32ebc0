"""Promise: the admin address tells the truth in a form machines read: /metrics is valid Prometheus text whose counters count, with
bounded labels, and /livez, /readyz, /startupz say what they say."""

import pytest

from kit import config
from kit.client import Client, exchange, fetch

EXPECTED = ["weir_requests_total", "http_server_request_duration_seconds_bucket", "weir_config_revision"]


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    return launch(config.document(
        config.route("users", "/users/**", shared_origin.url, methods=["GET", "POST"]), config.respond("hello", "/hello", body="hi"),
    ))  # fmt: skip


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health(gateway, path, method):
    response = fetch(gateway.admin, path, method)
    assert response.status == 200 and (response.body or method == "HEAD")


def test_metrics_are_valid(gateway, origin):
    fetch(gateway.port, "/users/1")
    response = gateway.ask_admin("/metrics")
    assert response.get("content-type").startswith("text/plain; version=0.0.4")
    metrics = gateway.metrics()
    metrics.check_histograms()
    assert set(EXPECTED) <= metrics.names(), sorted(metrics.names())
    assert set(metrics.types) == set(metrics.helps), "every family is explained"
    assert all(name.endswith("_total") for name, kind in metrics.types.items() if kind == "counter")


def test_requests_are_counted_exactly(gateway, origin):
    before = gateway.metrics()
    for _ in range(7):
        fetch(gateway.port, "/users/1")
    for _ in range(3):
        fetch(gateway.port, "/nowhere")
    fetch(gateway.port, "/users/1", "DELETE")
    exchange(gateway.port, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
    after = gateway.metrics()

    def grown(**labels):
        return after.total("weir_requests_total", **labels) - before.total("weir_requests_total", **labels)

    assert grown(route="users", reason="ok") == 7
    assert grown(reason="no_route") == 3
    assert grown(reason="method_not_allowed") == 1
    assert grown(reason="bad_request") == 1
    assert grown() == 12


def test_the_duration_of_requests_is_a_histogram(gateway, origin):
    before = gateway.metrics()
    for _ in range(5):
        fetch(gateway.port, "/hello")
    after = gateway.metrics()
    name = "http_server_request_duration_seconds"
    assert after.total(name + "_count") - before.total(name + "_count") == 5
    assert 0 < after.total(name + "_sum") - before.total(name + "_sum") < 5
    bounds = {labels["le"] for labels in after.labels(name + "_bucket")}
    assert {"0.005", "0.1", "1", "10", "+Inf"} <= {b.removesuffix(".0") for b in bounds}


def test_labels_do_not_grow_with_what_clients_send(gateway, origin):
    fetch(gateway.port, "/users/1", "BREW0")
    fetch(gateway.port, "/nowhere")
    before = len(gateway.metrics().samples)
    for n in range(100):
        fetch(gateway.port, f"/users/{n}?q={n}", headers=[("User-Agent", str(n))], host=f"h{n}.test")
        fetch(gateway.port, f"/none{n}")
        fetch(gateway.port, "/users/1", f"BREW{n}")
    assert len(gateway.metrics().samples) <= before + 5


def test_what_the_admin_address_does_not_know(gateway):
    assert fetch(gateway.admin, "/users/1").status == 404
    assert fetch(gateway.admin, "/").status in (200, 404)
    response = fetch(gateway.admin, "/metrics", "POST", body=b"x")
    assert response.status == 405 and "get" in response.tokens("allow")


def test_clients_cannot_reach_the_admin_paths(gateway):
    for path in ("/metrics", "/livez", "/readyz", "/startupz"):
        assert fetch(gateway.port, path).status == 404


def test_many_scrapes_on_one_connection(gateway):
    with Client(gateway.admin) as client:
        for _ in range(20):
            assert client.get("/metrics").status == 200
            assert client.get("/readyz").status == 200


def test_the_admin_address_refuses_malformed_requests_too(gateway):
    raw = b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert exchange(gateway.admin, raw).status == 400


def test_scraping_is_no_request_of_a_client(gateway):
    before = gateway.metric("weir_requests_total")
    gateway.ask_admin("/readyz?scrape")
    assert gateway.metric("weir_requests_total") == before
    gateway.record_of(fetch(gateway.port, "/hello"))
    assert not [r for r in gateway.records() if r.query == "scrape"]


def test_the_revision_and_the_build_are_told(gateway):
    metrics = gateway.metrics()
    assert metrics.total("weir_config_revision") >= 1
    assert metrics.total("weir_build_info") == 1 and "version" in metrics.labels("weir_build_info")[0]
