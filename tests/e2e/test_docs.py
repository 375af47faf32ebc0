"""Promise: what the documentation shows works: its configurations are accepted, its commands do what it says, its metrics and its
systemd units are those there are, and its links lead somewhere."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

from kit import config
from kit.client import fetch
from kit.gateway import BINARY, ROOT, run
from kit.wait import SCALE, until

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def configurations():
    """Every block of YAML that is a configuration, or the part of one that a page is about; other programs' begin with a comment
    that names their file."""
    for page in PAGES:
        for number, text in enumerate(blocks(page, "yaml"), 1):
            if re.match(r"# [\w./-]+$", text.partition("\n")[0]):
                continue
            for field, filler in (
                ("listeners", "listeners: [{address: 127.0.0.1:8080}]\n"),
                ("routes", "routes: [{route_id: filler, path_pattern: /filler, upstream_url: 'http://127.0.0.1:9'}]\n"),
            ):  # fmt: skip
                published = field == "routes" and re.search(r"^control_plane:", text, re.M)  # they come from elsewhere
                if not published and not re.search(rf"^{field}:", text, re.M):
                    text += filler
            yield pytest.param(text, id=f"{name(page)} {number}")


@pytest.mark.parametrize("text", list(configurations()))
def test_a_configuration_is_accepted(tmp_path, authority, monkeypatch, text):
    certificate = authority.issue("doc.test")
    for field, source in (("cert", certificate.cert_file), ("key", certificate.key_file), ("ca", certificate.ca_file)):
        for file in re.findall(rf"{field}_file: ([\w./-]+)", text):
            (tmp_path / file).write_bytes(pathlib.Path(source).read_bytes())
            (tmp_path / file).chmod(0o600)
    for file in re.findall(r"revoked: \{file: ([\w./-]+)", text):
        (tmp_path / file).touch()
    for variable in re.findall(r"_env: (\w+)", text):
        monkeypatch.setenv(variable, "a secret of the test, as long as secrets are")
    (tmp_path / "weir.yaml").write_text(text)
    done = run("check", "weir.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    outside_code = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_code):
        if not re.match(r"\w+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{name(page)} links to {target}"


def test_the_tls_example_works_from_start_to_end(tmp_path):
    page = ROOT / "docs/tls.md"
    make, ask = blocks(page, "sh")
    plain, tls, admin = config.free_port(), config.free_port(), config.free_port()

    def here(text):
        return text.replace("8443", str(tls)).replace("8080", str(plain))

    done = subprocess.run(["sh", "-e", "-c", make], cwd=tmp_path, capture_output=True, text=True, timeout=30 * SCALE)
    assert done.returncode == 0, done.stderr
    (tmp_path / "weir.yaml").write_text(here(blocks(page, "yaml")[0]) + f"admin: {{address: 127.0.0.1:{admin}}}\naccess_log: {{enabled: false}}\n")
    weir = subprocess.Popen([BINARY, "serve", "--config", "weir.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        until("the gateway is ready", lambda: ready(admin))
        pairs = re.findall(r"^(curl .*)\n# (.*)$", here(ask), re.M)
        assert len(pairs) == ask.count("curl") > 2
        for command, wanted in pairs:
            done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30 * SCALE)
            assert done.stdout.strip() == wanted, (command, done.stdout, done.stderr)
        redirect = fetch(plain, "/hello", host="shop.example.com")
        assert redirect.status == 308 and redirect.get("location") == "https://shop.example.com/hello"
    finally:
        weir.terminate()
        _, said = weir.communicate(timeout=15 * SCALE)
    assert weir.returncode == 0 and "warning" not in said, said


def ready(admin):
    try:
        return fetch(admin, "/readyz").status == 200
    except OSError:
        return False


METRICS = ROOT / "docs/metrics.md"


def documented():
    """{metric: (type, labels)} of the page's table."""
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \|", METRICS.read_text(), re.M)
    return {metric: (kind, set(re.findall(r"`(\w+)`", labels))) for metric, kind, labels in rows}


@pytest.fixture(scope="module")
def gateway(launch, shared_origin):
    """With one of each thing that is told apart in a metric; the issuer's keys are nowhere to be found."""
    issuer = {"issuer": "https://id.test", "audiences": ["*"], "jwks_url": "http://127.0.0.1:9/keys", "allow_http": True, "allow_private": True}
    return launch(config.document(
        config.route("all", "/**", shared_origin.url, canary_upstream_url=shared_origin.url, canary_weight=100, rate_limit_rps=1000,
                     plugin_chain=[{"name": "jwt", "config": {"issuers": [issuer]}},
                                   {"name": "oauth2_introspection", "config": {"endpoint": "http://127.0.0.1:9/introspect"}}])
    ))  # fmt: skip


@pytest.fixture
def metrics(gateway, origin):
    fetch(gateway.port, "/x", headers=[("Authorization", "Bearer opaque")])
    return gateway.metrics()


def test_every_metric_is_documented_and_every_documented_one_is_there(metrics):
    assert {metric: kind for metric, (kind, _) in documented().items()} == metrics.types


def test_labels_are_as_documented(metrics):
    known = documented()
    seen = set()
    for sample, labels, _ in metrics.samples:
        family = metrics._family(sample)
        assert set(labels) - {"le"} == known[family][1], (sample, labels)
        seen.add(family)
    assert seen == known.keys(), "every metric had a sample"


def test_buckets_are_as_documented(metrics):
    bounds = re.search(r"^Buckets of all histograms, in seconds: ([\d. ]+\d),", METRICS.read_text(), re.M)[1].split()
    for family, kind in metrics.types.items():
        if kind == "histogram":
            assert {labels["le"] for labels in metrics.labels(family + "_bucket")} == {*bounds, "+Inf"}


def test_queries_ask_for_metrics_and_labels_that_there_are(metrics):
    known = documented()
    queries = blocks(METRICS, "promql")
    assert len(queries) > 5
    for query in queries:
        assert query.count("(") == query.count(")") and query.count("{") == query.count("}"), query
        asked = set(re.findall(r"\b(?:weir|http|process)_\w+\b", re.sub(r'"[^"]*"|\{[^}]*\}|\b(?:by|without) ?\([^)]*\)', "", query)))
        assert asked and asked <= metrics.names(), (query, asked - metrics.names())
        labels = set().union(*(known[metrics._family(one)][1] for one in asked)) | {"le"}
        used = re.findall(r"(\w+)=~?\"", query) + [word for group in re.findall(r"\bby ?\(([^)]*)\)", query) for word in group.split(", ")]
        assert set(used) <= labels, (query, used)


UNITS = ROOT / "deploy/systemd"


@pytest.mark.parametrize("unit", ["weir.service", "weir.socket", "weir-gateway.service", "weir-control.service"])
def test_the_systemd_units_are_valid(tmp_path, unit):
    """With the binary where it was built; verify reads the socket's service too."""
    for file in UNITS.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("/usr/bin/weir", str(BINARY)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)], capture_output=True, text=True, timeout=60 * SCALE,
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def test_the_unit_leaves_time_to_drain():
    """The default drain_timeout, the lead before it and some seconds for the log must fit into TimeoutStopSec."""
    drain = int(re.search(r"`drain_timeout` \|.*?`\"(\d+)s\"`", (ROOT / "docs/configuration.md").read_text())[1])
    stop = int(re.search(r"^TimeoutStopSec=(\d+)s$", (UNITS / "weir.service").read_text(), re.M)[1])
    assert stop >= drain + 5


def test_signals_of_the_operations_page_are_handled(gateway):
    """A signal that is not waited for would end the process; those of the page are blocked in every thread."""
    table = (ROOT / "docs/operations.md").read_text().partition("## Signals")[2].partition("##")[0]
    signals = set(re.findall(r"SIG[A-Z0-9]+", table))
    assert {"SIGHUP", "SIGTERM", "SIGINT", "SIGUSR2"} == signals
    status = pathlib.Path(f"/proc/{gateway.pid}/status").read_text()
    blocked = int(re.search(r"^SigBlk:\s+(\w+)", status, re.M)[1], 16)
    for one in signals:
        assert blocked >> (getattr(signal, one) - 1) & 1, one
