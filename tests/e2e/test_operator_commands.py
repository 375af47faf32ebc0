"""Promise: an operator works with files: apply shows the difference first, what is wrong is told by file and line and then changes
nothing, what dump prints apply takes, and everything that was published can be found, explained and taken back."""

import json

import pytest

from kit import config
from kit.client import fetch
from kit.control import Admin, says, token_of
from kit.operator import Operator

ROUTES = """\
listeners: [{address: "127.0.0.1:0"}]
upstreams:
  - {name: orders, targets: [{address: "127.0.0.1:9"}]}
routes:
  - route_id: x
    path_pattern: /x
    plugin_chain: [{name: respond, config: {status: 200, body: two}}]
  - {route_id: orders, path_pattern: "/orders/{id}", upstream_url: "http://orders/v2", rate_limit_rps: 50, http_methods: [GET]}
plugin_chain: [trace_context, request_id]
consumers: [{name: shop, groups: [gold]}]
groups: [gold]
"""


@pytest.fixture(scope="module")
def gateway(launch):
    return launch(
        config.document(
            config.respond("x", "/x", body="one"),
            control={"address": f"127.0.0.1:{config.free_port()}", "database": "weir.db"}, state_dir="state",
        )  # fmt: skip
    )


def port_of(gateway):
    return int(gateway.document["control"]["address"].rpartition(":")[2])


@pytest.fixture
def weir_cli(gateway, tmp_path):
    """With the draft and what is published as they were at the beginning."""
    token = token_of(gateway.stderr())
    operator = Operator(tmp_path, port_of(gateway), token)
    admin = Admin(port_of(gateway), token)
    first = admin.get("/v1/revisions/1/document")
    operator.write("first.json", json.dumps(first | {"upstreams": [], "plugin_chain": [], "consumers": [], "groups": []}))
    operator("apply", "-f", "first.json", "--prune", "--yes", "--force")
    operator.admin = admin
    return operator


def test_apply_shows_the_difference_publishes_and_waits_for_gateways(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    before = weir_cli.admin.latest()
    shown = weir_cli("diff", "-f", "weir.yaml", exit_code=1)
    assert "+ upstream orders  weir.yaml:3" in shown.stdout and "~ route x  weir.yaml:5" in shown.stdout, shown.stdout
    assert '"one" -> "two"' in shown.stdout
    assert "left out, since each gateway's own file says it: listeners" in shown.stderr
    assert weir_cli.admin.latest() == before and says(gateway.port, "/x") == "one"
    done = weir_cli("apply", "-f", "weir.yaml", "--yes", "-m", "orders has come")
    assert f"published revision {before + 1}" in done.stdout and "is in use on 1 of 1 gateways" in done.stdout, done.stdout
    assert says(gateway.port, "/x") == "two"
    assert weir_cli("diff", "-f", "weir.yaml").stdout.startswith("no difference")
    assert "nothing to do" in weir_cli("apply", "-f", "weir.yaml").stdout
    assert weir_cli.admin.latest() == before + 1
    history = weir_cli("history", "--limit", "1").stdout.splitlines()[1]
    assert history.startswith(str(before + 1)) and history.endswith("orders has come"), history


def test_nobody_to_ask_means_no(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    done = weir_cli("apply", "-f", "weir.yaml", exit_code=2)
    assert "--yes" in done.stderr
    assert says(gateway.port, "/x") == "one"


def test_what_is_wrong_is_told_by_its_place_and_changes_nothing(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES.replace("path_pattern: /x", "path_patern: /x"))
    assert 'weir.yaml:6:5: routes[0]: unknown field "path_patern"' in weir_cli("apply", "-f", "weir.yaml", "--yes", exit_code=1).stderr
    # What only the control plane can see.
    weir_cli.write("weir.yaml", ROUTES.replace("http://orders/v2", "http://ordres/v2"))
    before = weir_cli.admin.latest()
    done = weir_cli("apply", "-f", "weir.yaml", "--yes", exit_code=1)
    assert "weir.yaml:8:" in done.stderr and 'route "orders": upstream_url: ' in done.stderr, done.stderr
    assert "nothing was changed" in done.stderr
    assert weir_cli.admin.latest() == before and not weir_cli.admin.get("/v1/draft")["changed"]
    done = weir_cli("apply", "-f", "weir.yaml", "--dry-run", exit_code=1)
    assert "weir.yaml:8:" in done.stderr, done.stderr


def test_a_dry_run_changes_nothing(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    assert "nothing was changed" in weir_cli("apply", "-f", "weir.yaml", "--dry-run").stdout
    assert not weir_cli.admin.get("/v1/draft")["changed"]


def test_the_draft_can_wait_to_be_published(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    weir_cli("apply", "-f", "weir.yaml", "--yes", "--no-publish")
    assert says(gateway.port, "/x") == "one"
    assert "not published yet" in weir_cli("status").stdout
    assert "in use on 1 of 1" in weir_cli("publish", "-m", "now").stdout
    assert says(gateway.port, "/x") == "two"


def test_what_dump_prints_apply_takes(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    weir_cli("apply", "-f", "weir.yaml", "--yes")
    for arguments in (["dump"], ["dump", "--format", "json"], ["dump", "--revision", "latest"]):
        text = weir_cli(*arguments).stdout
        same = weir_cli("diff", "-f", "-", "--prune", stdin=text)
        assert same.stdout.startswith("no difference"), same.stdout
    weir_cli("dump", "-o", "all/")
    assert sorted(path.name for path in (weir_cli.directory / "all").iterdir()) == [
        "consumers.yaml", "groups.yaml", "plugin_chain.yaml", "routes.yaml", "upstreams.yaml",
    ]  # fmt: skip
    assert weir_cli("diff", "-f", "all", "--prune").stdout.startswith("no difference")
    assert text.index("trace_context") < text.index("request_id")


def test_prune_removes_what_no_file_has(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    weir_cli("apply", "-f", "weir.yaml", "--yes")
    weir_cli.write("weir.yaml", ROUTES.replace("  - {route_id: orders,", "  - {route_id: others,"))
    assert "left alone, since no file has them: 1 route" in weir_cli("diff", "-f", "weir.yaml", exit_code=1).stderr
    done = weir_cli("apply", "-f", "weir.yaml", "--prune", "--yes")
    assert "- route orders" in done.stdout and "+ route others" in done.stdout, done.stdout


def test_a_rollback_takes_it_back(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    weir_cli("apply", "-f", "weir.yaml", "--yes")
    assert says(gateway.port, "/x") == "two"
    assert "--yes" in weir_cli("rollback", "previous", exit_code=2).stderr
    done = weir_cli("rollback", "previous", "--yes", "-m", "it was wrong", "--force")
    assert "in use on 1 of 1" in done.stdout
    assert says(gateway.port, "/x") == "one"
    assert "back to" in weir_cli("history", "--limit", "1").stdout
    assert "~ route x" in weir_cli("history", "latest").stdout
    assert "no revision" in weir_cli("rollback", "yesterday", "--yes", exit_code=2).stderr


def test_explain_says_what_the_gateway_does(gateway, weir_cli):
    weir_cli.write("weir.yaml", ROUTES)
    weir_cli("apply", "-f", "weir.yaml", "--yes")
    said = weir_cli("explain", "GET http://shop.example.com/orders/7", "--consumer", "shop").stdout
    assert "-> route orders" in said and "id = 7" in said and "http://orders/v2/orders/7" in said, said
    assert "50 requests a second" in said and "trace_context (global)" in said, said
    refused = weir_cli("explain", "POST http://shop.example.com/orders/7", exit_code=1).stdout
    assert "405" in refused and "orders" in refused, refused
    assert fetch(gateway.port, "/orders/7", "POST").status == 405
    report = json.loads(weir_cli("explain", "GET /x", "--json", "--draft").stdout)
    assert report["route"]["route_id"] == "x" and report["answer"]["status"] == 200
    assert "404" in weir_cli("explain", "GET /orders/7", "--revision", "1", exit_code=1).stdout
    assert "-> route x" in weir_cli("explain", "GET /x", "--config", "weir.yaml").stdout


def test_status_and_audit(gateway, weir_cli):
    assert "up to date" in weir_cli("status").stdout
    status = json.loads(weir_cli("status", "--json").stdout)
    assert status["instances"][0]["in_use"] == status["latest"]["number"]
    assert "publish" in weir_cli("audit", "--limit", "5").stdout
    entries = json.loads(weir_cli("audit", "--limit", "3", "--json").stdout)
    assert len(entries) == 3 and entries[0]["seq"] > entries[2]["seq"]
    assert "the audit log holds" in weir_cli("audit", "verify").stdout


def test_operators_and_what_their_tokens_may(gateway, weir_cli):
    made = weir_cli("operator", "create", "eve", "--role", "viewer", "--quiet")
    token = made.stdout.strip()
    assert token.startswith("weirop_")
    eve = Operator(weir_cli.directory, port_of(gateway), token)
    eve.write("weir.yaml", ROUTES)
    assert "may" in eve("apply", "-f", "weir.yaml", "--yes", exit_code=1).stderr
    assert "eve" in weir_cli("operator", "list").stdout
    # The token in its file: at home, or named; others may not read it.
    kept = eve.write(".config/weir/token", token + "\n")
    kept.chmod(0o640)
    refused = eve("history", exit_code=2, environment={"WEIR_TOKEN": ""})
    assert f"chmod 600 {kept}" in refused.stderr
    kept.chmod(0o600)
    eve("history", environment={"WEIR_TOKEN": ""})
    eve("history", "--token-file", kept, environment={"WEIR_TOKEN": "nonsense"})
    weir_cli("operator", "disable", "eve")
    refused = eve("history", exit_code=1)
    assert "$WEIR_TOKEN" in refused.stderr and token not in refused.stderr, refused.stderr
    assert token.split("_")[1] in refused.stderr  # which one it was


def test_a_control_plane_that_is_not_there_is_said(gateway, weir_cli):
    nobody = f"http://127.0.0.1:{config.free_port()}"
    refused = weir_cli("status", "--server", nobody, exit_code=3)
    assert nobody in refused.stderr and "weir control" in refused.stderr, refused.stderr
    assert "did you mean" in weir_cli("status", "--server", "127.0.0.1:9081", exit_code=2).stderr
    # The address that serves clients is not the admin API.
    weir_cli("status", "--server", f"http://127.0.0.1:{gateway.port}", exit_code=1)
