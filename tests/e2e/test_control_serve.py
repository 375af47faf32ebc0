"""Promise: `weir serve` with `control` is the whole of Weir in one process: the file's routes are revision 1, the admin API changes
anything without a restart, and what was published is there again after one."""

import json
import os
import signal
import socket

import pytest

from kit import config
from kit.client import fetch
from kit.control import Admin, Refused, pids_in, says, token_of
from kit.gateway import run
from kit.wait import SCALE, until


def make_document(*routes, **extra):
    made = config.document(*routes, control={"address": f"127.0.0.1:{config.free_port()}", "database": "weir.db"}, state_dir="state", **extra)
    if not routes:
        del made["routes"]
    return made


def admin_of(gateway, token=None):
    port = int(gateway.document["control"]["address"].rpartition(":")[2])
    return Admin(port, token or token_of(gateway.stderr()))


def answering(text, path="/x", route_id="x"):
    return config.respond(route_id, path, body=text)


@pytest.fixture
def gateway(weir):
    return weir(make_document(answering("one")))


def test_the_files_routes_are_revision_1(gateway):
    admin = admin_of(gateway)
    assert says(gateway.port, "/x") == "one" and gateway.revision() == 1
    first = admin.get("/v1/revisions")["items"]
    assert [each["number"] for each in first] == [1]
    assert admin.get("/v1/routes/x")["path_pattern"] == "/x"
    assert admin.status(1, "all")["state"] == "applied"
    assert [each["in_use"] for each in admin.instances()] == [1]


def test_a_change_is_in_force_when_its_status_says_so(gateway):
    admin = admin_of(gateway)
    made = admin.put("routes", "y", answering("why", "/y", "y"), publish=True)
    number = made["_revision"]["number"]
    status = admin.status(number, "all")
    assert status["state"] == "applied" and status["counts"]["applied"] == 1
    assert says(gateway.port, "/y") == "why" and says(gateway.port, "/x") == "one"
    assert gateway.revision() == number
    answer = fetch(gateway.port, "/y")
    assert gateway.record_of(answer).revision == number


def test_a_draft_changes_nothing_until_it_is_published(gateway):
    admin = admin_of(gateway)
    admin.put("routes", "x", answering("two"))
    assert says(gateway.port, "/x") == "one"
    assert admin.publish(message="second")["number"] == 2
    admin.status(2, "all")
    assert says(gateway.port, "/x") == "two"


def test_a_typo_cannot_be_published(gateway):
    admin = admin_of(gateway)
    admin.put("upstreams", "payments", config.upstream("payments", "127.0.0.1:9"), publish=True)
    admin.put("routes", "pay", config.route("pay", "/pay", "http://paymnets"))
    with pytest.raises(Refused) as refused:
        admin.publish()
    assert refused.value.status == 422
    error = refused.value.problem["errors"][0]
    assert (error["kind"], error["name"], error["field"]) == ("route", "pay", "upstream_url"), error
    assert "paymnets" in error["message"] and "payments" in error["hint"], error
    assert admin.latest() == 2 and says(gateway.port, "/x") == "one"


def test_a_rollback_is_a_new_revision_with_the_old_document(gateway):
    admin = admin_of(gateway)
    admin.put("routes", "x", answering("two"), publish=True)
    admin.status("latest", "all")
    assert says(gateway.port, "/x") == "two"
    number = admin.ask("POST", "/v1/revisions/1/rollback", {})["number"]
    assert number == 3
    admin.status(3, "all")
    assert says(gateway.port, "/x") == "one"


def test_a_restart_finds_it_all_and_the_token_is_not_shown_again(gateway):
    admin = admin_of(gateway)
    admin.put("routes", "x", answering("two"), publish=True)
    admin.status("latest", "all")
    gateway.stop()
    said = len(gateway.stderr())
    gateway.start()
    assert says(gateway.port, "/x") == "two" and gateway.revision() == 2
    until("the admin API answers", lambda: admin.ask("GET", "/readyz", raw=True).status == 200)  # traffic did not wait for it
    after = gateway.stderr()[said:]
    assert token_of(after) is None
    assert "routes, upstreams, … of the file are not used" in after
    assert admin.put("routes", "x", answering("three"), publish=True)["_revision"]["number"] == 3
    admin.status(3, "all")
    assert says(gateway.port, "/x") == "three"


def test_a_reload_of_the_file_keeps_what_was_published_and_says_so(gateway):
    gateway.write(gateway.document | {"routes": [answering("from the file")]})
    gateway.signal(signal.SIGHUP)
    until("the reload is said", lambda: gateway.stderr().count("asked by SIGHUP") == 1)
    assert says(gateway.port, "/x") == "one"
    assert "come from the control plane" in gateway.stderr()
    assert "changes at the next start" not in gateway.stderr()
    gateway.write(gateway.document | {"control": gateway.document["control"] | {"shrink_guard": 10}})
    gateway.signal(signal.SIGHUP)
    until("it is said", lambda: "what `control` says changes at the next start" in gateway.stderr())


def test_a_database_that_is_lost_or_damaged_leaves_traffic_alone(gateway):
    database = gateway.directory / "weir.db"
    gateway.stop()
    database.write_bytes(b"this is no database" * 1000)
    gateway.start()
    assert says(gateway.port, "/x") == "one"


def lose(gateway, *names):
    for name in names:
        (gateway.directory / name).unlink(missing_ok=True)


DATABASE = ("weir.db", "weir.db-wal", "weir.db-shm")
KEYS = ("weir.db.signing_key", "weir.db.master_key")


def test_a_database_that_was_lost_is_filled_with_what_is_in_use(gateway):
    admin = admin_of(gateway)
    for text in ("two", "three"):
        admin.status(admin.put("routes", "x", answering(text), publish=True)["_revision"]["number"], "all")
    gateway.stop()
    said = len(gateway.stderr())
    lose(gateway, *DATABASE)
    gateway.write(gateway.document | {"routes": [answering("from the file")]})
    gateway.start()
    assert says(gateway.port, "/x") == "three"
    until("it is the next revision", lambda: gateway.revision() == 4)
    after = gateway.stderr()[said:]
    assert "alert: control_plane_restored" in after and "the file are not used" in after, after
    admin = admin_of(gateway, token_of(after))
    assert [each["number"] for each in admin.get("/v1/revisions")["items"]] == [4]
    assert says(gateway.port, "/x") == "three"
    assert admin.put("routes", "x", answering("four"), publish=True)["_revision"]["number"] == 5


def test_a_lost_database_gives_no_number_twice(gateway):
    """Of the newest revision, which was lost with the master key it needs, the number counts all the same."""
    admin = admin_of(gateway)
    admin.put("secrets", "token-key", {"name": "token-key", "value": "a secret of more than thirty-two bytes"})
    issuer = {"issuer": "https://id.example", "secret_name": "token-key", "audiences": ["shop"]}
    route = answering("two")
    route["plugin_chain"] = [*route["plugin_chain"], {"name": "jwt", "config": {"issuers": [issuer]}}]
    number = admin.put("routes", "x", route, publish=True)["_revision"]["number"]
    assert admin.status(number, "all")["state"] == "applied"
    kept = gateway.directory / "state" / "revisions"
    until("it is on disk", lambda: len(list(kept.iterdir())) == 2)
    gateway.stop()
    lose(gateway, *DATABASE, "weir.db.master_key")
    gateway.start()
    until("what is left is the next revision", lambda: gateway.revision() == number + 1)
    assert says(gateway.port, "/x") == "one"


def test_a_volume_that_is_not_there_does_not_begin_anew(gateway):
    gateway.stop()
    lose(gateway, *DATABASE, *KEYS)
    gateway.start(wait=False)
    assert gateway.process.wait(20 * SCALE) == 1
    assert "the database is new, but" in gateway.stderr() and "volume" in gateway.stderr(), gateway.stderr()
    for file in (gateway.directory / "state" / "revisions").iterdir():
        file.unlink()
    gateway.start()
    assert says(gateway.port, "/x") == "one" and gateway.revision() == 1


def test_a_database_that_is_removed_while_in_use_takes_nothing_more(gateway):
    admin = admin_of(gateway)
    database = gateway.directory / "weir.db"
    database.rename(gateway.directory / "away.db")
    assert admin.ask("GET", "/readyz", raw=True).status == 503
    with pytest.raises(Refused) as refused:
        admin.put("routes", "y", answering("why", "/y", "y"))
    assert refused.value.status == 503 and "was removed while it was in use" in str(refused.value.problem), refused.value.problem
    assert says(gateway.port, "/x") == "one"
    (gateway.directory / "away.db").rename(database)
    until("it is ready again", lambda: admin.ask("GET", "/readyz", raw=True).status == 200)
    assert admin.put("routes", "y", answering("why", "/y", "y"), publish=True)["_revision"]["number"] == 2


def test_a_lost_master_key_is_not_made_anew_under_what_it_sealed(gateway):
    before = admin_of(gateway)
    before.put("secrets", "s", {"name": "s", "value": "of an upstream"}, publish=True)
    before.status("latest", "all")
    gateway.stop()
    kept = (gateway.directory / "weir.db.master_key").read_text()
    lose(gateway, "weir.db.master_key")
    gateway.start()
    assert says(gateway.port, "/x") == "one" and gateway.revision() == 2
    assert "alert: master_key_lost" in gateway.stderr() and "Put it back from a backup" in gateway.stderr(), gateway.stderr()
    assert not (gateway.directory / "weir.db.master_key").exists()
    admin = admin_of(gateway, before.token)
    with pytest.raises(Refused) as refused:
        admin.put("secrets", "t", {"name": "t", "value": "another"})
    assert refused.value.status == 422 and "master" in str(refused.value.problem), refused.value.problem
    assert admin.put("routes", "x", answering("two"), publish=True)["_revision"]["number"] == 3
    admin.status(3, "all")
    assert says(gateway.port, "/x") == "two"
    gateway.stop()
    (gateway.directory / "weir.db.master_key").write_text(kept)
    gateway.start()
    assert admin_of(gateway, before.token).put("secrets", "t", {"name": "t", "value": "another"})


@pytest.mark.parametrize("lost, known", [("weir.db.signing_key", "the database has revisions, up to 2"), ("weir.db.master_key", "the database has secrets")])
def test_weir_control_does_not_start_without_a_key_that_was_used(gateway, lost, known):
    admin = admin_of(gateway)
    admin.put("secrets", "s", {"name": "s", "value": "of an upstream"}, publish=True)
    gateway.stop()
    lose(gateway, lost)
    alone = {"redis": {"url": "redis://127.0.0.1:1"}, "control": gateway.document["control"]}
    (gateway.directory / "control.json").write_text(json.dumps(alone))
    done = run("control", "--config", "control.json", cwd=gateway.directory)
    assert done.returncode == 1 and known in done.stderr and f"{lost} is not there" in done.stderr, done.stderr
    assert not (gateway.directory / lost).exists()
    shown = run("control", "--config", "control.json", "--public-key", cwd=gateway.directory)
    assert shown.returncode == (1 if "signing" in lost else 0), shown
    assert not (gateway.directory / lost).exists()


def test_an_admin_address_that_is_taken_is_a_sentence(weir):
    other = make_document(answering("one"))
    with socket.create_server(("127.0.0.1", config.free_port())) as held:
        other["control"]["address"] = f"127.0.0.1:{held.getsockname()[1]}"
        second = weir(other, wait=False)
        assert second.process.wait(20 * SCALE) == 1
    assert "control.address" in second.stderr() and "in use" in second.stderr(), second.stderr()
    second.kill()


def test_nothing_to_serve_yet_waits_and_publishes(weir):
    gateway = weir(make_document(), wait=False)
    until("it asks to publish", lambda: "nothing is published yet" in gateway.stderr())
    assert gateway.ready() == 503
    admin = admin_of(gateway)
    admin.put("routes", "x", answering("first"), publish=True)
    gateway.wait_ready()
    assert says(gateway.port, "/x") == "first"


def test_keys_are_readable_by_their_owner_only(gateway):
    for name in ("weir.db", "weir.db.signing_key", "weir.db.master_key"):
        assert (gateway.directory / name).stat().st_mode & 0o077 == 0, name
    files = [gateway.directory / "state", *(gateway.directory / "state").rglob("*")]
    assert all(file.stat().st_mode & 0o077 == 0 for file in files), files


def test_seeds_must_work(weir):
    gateway = weir(make_document(config.route("pay", "/pay", "http://nowhere")), wait=False)
    assert gateway.process.wait(20 * SCALE) == 1
    assert 'route "pay"' in gateway.stderr() and "nowhere" in gateway.stderr()
    gateway.asked_to_end = True
    gateway.kill()


def test_a_successor_takes_over_admin_api_and_revision(gateway):
    admin = admin_of(gateway)
    admin.put("routes", "x", answering("two"), publish=True)
    admin.status("latest", "all")
    before = gateway.process
    gateway.signal(signal.SIGUSR2)
    until("the first has ended", lambda: before.poll() is not None, 15)
    assert before.returncode == 0
    assert says(gateway.port, "/x") == "two"
    assert admin.put("routes", "x", answering("three"), publish=True)["_revision"]["number"] == 3
    admin.status(3, "all")
    assert says(gateway.port, "/x") == "three"
    successor = next(pid for pid in pids_in(gateway.directory) if pid != before.pid)
    os.kill(successor, signal.SIGTERM)
    until("it has ended", lambda: not pids_in(gateway.directory), 15)
    gateway.asked_to_end = True


def test_check_accepts_it_and_says_what_is_missing(tmp_path):
    (tmp_path / "weir.yaml").write_text(json.dumps(make_document(answering("one"))))
    assert run("check", cwd=tmp_path).returncode == 0
    (tmp_path / "weir.yaml").write_text(json.dumps(make_document() | {"control": {"database": "postgres://db/weir"}}))
    done = run("check", cwd=tmp_path)
    assert done.returncode == 1 and "signing_key_file" in done.stderr + done.stdout, done


def test_unknown_lint_rule_is_refused(weir):
    document = make_document(answering("one"))
    document["control"]["lint"] = {"no_auht": "warn"}
    gateway = weir(document, wait=False)
    assert gateway.process.wait(20 * SCALE) == 1
    assert "no_auht" in gateway.stderr(), gateway.stderr()
    gateway.kill()


def test_a_control_planes_file_is_not_one_of_a_gateway(tmp_path):
    (tmp_path / "weir.yaml").write_text("control: {database: weir.db}\n")
    done = run("serve", cwd=tmp_path)
    assert done.returncode == 1 and "listeners" in done.stderr and "weir control" in done.stderr, done.stderr
    assert not (tmp_path / "weir.db").exists()


def test_a_lost_signing_key_costs_a_number_and_no_traffic(gateway):
    before = admin_of(gateway)
    gateway.stop()
    (gateway.directory / "weir.db.signing_key").unlink()
    gateway.start()
    until("the last revision is signed again", lambda: gateway.revision() == 2)
    assert says(gateway.port, "/x") == "one"
    assert "signed with another key" in gateway.stderr() and "alert: signing_key_lost" in gateway.stderr()
    assert admin_of(gateway, before.token).get("/v1/audit/verify")["ok"]


def test_a_secret_is_opened_with_the_key_that_is_made_beside_the_database(gateway):
    admin = admin_of(gateway)
    admin.put("secrets", "token-key", {"name": "token-key", "value": "a secret of more than thirty-two bytes"})
    filters = [{"name": "jwt", "config": {"issuers": [{"issuer": "https://id.example", "secret_name": "token-key", "audiences": ["shop"]}]}}]
    route = answering("one") | {"auth_required": True}
    route["plugin_chain"] = [*route["plugin_chain"], *filters]
    number = admin.put("routes", "x", route, publish=True)["_revision"]["number"]
    assert admin.status(number, "all")["state"] == "applied"
    assert fetch(gateway.port, "/x").status == 401


def test_a_strangers_body_is_not_kept(gateway):
    port = int(gateway.document["control"]["address"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        stranger.sendall(
            b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 60000000\r\n\r\n"
        )
        assert stranger.recv(4096).startswith(b"HTTP/1.1 401 ")  # not a byte of it was waited for
