"""Promise: what is published is with every gateway within seconds, by real Redis and with either database; nobody loses a revision
that was answered for, whatever is killed or away meanwhile."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from kit import config
from kit.client import fetch
from kit.control import Refused, following, says, timed
from kit.gateway import BINARY
from kit.revisions import DELTA, HEAD, Signer, document_key, put, receipts
from kit.wait import SCALE, until


@pytest.fixture
def server(redis):
    return redis()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    return request.getfixturevalue("postgres").url if request.param == "postgres" else None


def answering(text, path="/x", route_id="x"):
    return config.respond(route_id, path, body=text)


def publish(control, text, **extra):
    """Route /x answers with it from the revision on whose number is returned."""
    return control.admin.put("routes", "x", answering(text), publish=True)["_revision"]["number"]


def test_publish_to_applied_and_the_receipt(control, server, weir, database):
    plane = control(server, database=database)
    assert plane.token, plane.stderr()
    first = publish(plane, "one")
    gateways = [weir(following(plane), command="gateway") for _ in range(2)]
    assert [says(g.port, "/x") for g in gateways] == ["one", "one"]
    second = publish(plane, "two")
    assert second == first + 1
    status = plane.admin.status(second, "all")
    assert status["state"] == "applied" and status["counts"]["applied"] == 2, status
    assert [says(g.port, "/x") for g in gateways] == ["two", "two"]
    assert {each["in_use"] for each in plane.admin.instances()} == {second}
    assert server.call("HGET", HEAD, "number") == str(second)
    rolled = plane.admin.ask("POST", f"/v1/revisions/{first}/rollback", {})["number"]
    assert rolled == second + 1 and plane.admin.status(rolled, "all")["state"] == "applied"
    assert [says(g.port, "/x") for g in gateways] == ["one", "one"]


def test_a_gateway_that_cannot_use_it_says_why(control, server, weir):
    """It compiles where the control plane is, and not where the gateway is: its own folder lacks a file."""
    plane = control(server)
    publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    (plane.directory / "ca.pem").write_bytes(authority_pem())
    plane.admin.put("upstreams", "private", config.upstream("private", "127.0.0.1:9", tls={"ca_file": "ca.pem"}))
    number = plane.admin.publish()["number"]
    status = plane.admin.status(number, "all")
    assert status["state"] == "refused" and status["complete"] is False, status
    (instance,) = status["instances"]
    assert instance["state"] == "refused" and instance["in_use"] == number - 1
    assert 'upstream "private"' in instance["reason"] and "ca.pem" in instance["reason"], instance
    assert says(gateway.port, "/x") == "one"


def authority_pem():
    import ssl

    paths = ssl.get_default_verify_paths()
    with open(paths.cafile or "/etc/ssl/certs/ca-certificates.crt", "rb") as file:
        text = file.read()
    return text[: text.index(b"-----END CERTIFICATE-----")] + b"-----END CERTIFICATE-----\n"


def test_a_foreign_signature_is_refused_and_shown(control, server, weir, tmp_path):
    plane = control(server)
    number = publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    put(server, Signer(tmp_path).sign(number + 1, {"routes": [answering("evil")]}))
    found = until("the refusal is shown", lambda: [i for i in plane.admin.instances() if i["state"] == "refused"])
    assert "signature" in found[0]["reason"] and found[0]["in_use"] == number
    assert says(gateway.port, "/x") == "one"
    assert publish(plane, "two") > number + 1, "numbers go on above what Redis was given"
    until("the next true one is taken", lambda: says(gateway.port, "/x") == "two")


@pytest.mark.parametrize("number", [2**53 - 1, 2**53 + 1, "garbage"])
def test_a_head_of_a_stranger_heals(control, server, weir, number):
    """HSET of one key, by whoever reaches Redis: neither gateways nor the control plane stay caught by it."""
    plane = control(server)
    first = publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    assert says(gateway.port, "/x") == "one"
    server.call("SET", document_key(number), "no revision")
    server.call("HSET", HEAD, "number", number, "digest", "a" * 64)
    server.call("PUBLISH", "weir:config", number)
    took = timed("the head is ours again", lambda: server.call("HGET", HEAD, "number") == str(first))
    assert took <= 5 * SCALE
    assert says(gateway.port, "/x") == "one"
    until("nobody refuses anything any more", lambda: [i["state"] for i in plane.admin.instances()] == ["applied"])
    assert publish(plane, "two") == first + 1
    assert plane.admin.status(first + 1, "all")["state"] == "applied"
    assert says(gateway.port, "/x") == "two"
    late = weir(following(plane), command="gateway")
    assert says(late.port, "/x") == "two"
    # And where a publication comes before the healing.
    server.call("HSET", HEAD, "number", number, "digest", "b" * 64)
    assert publish(plane, "three") == first + 2
    until("both have it", lambda: says(gateway.port, "/x") == says(late.port, "/x") == "three")


def test_a_receipt_of_a_stranger_uses_no_numbers_up(control, server, weir):
    plane = control(server)
    first = publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    for number in (2**53 - 1, 2**53 - 2, 2**53, 2**63 - 1, first + 1_500_000):
        receipt = {
            "instance": f"evil-{number}", "host": "h", "version": "1", "state": "applied", "in_use": number, "revision": number, "at_ms": 1,
            "sent_ms": 1,
        }  # fmt: skip
        server.call("HSET", "{weir:config}:instances", receipt["instance"], json.dumps(receipt))
        server.call("PUBLISH", "weir:config:receipts", json.dumps(receipt))
    known = {f"evil-{2**53 - 1}", f"evil-{first + 1_500_000}"}
    until("they are heard", lambda: known <= {i["instance"] for i in plane.admin.instances()})
    assert [publish(plane, text) for text in ("two", "three")] == [first + 1, first + 2]
    until("it is taken", lambda: says(gateway.port, "/x") == "three")
    # A number that a gateway may well have passed is gone above, though nobody signed it.
    likely = receipt | {"instance": "x", "in_use": first + 1000, "revision": 1, "sent_ms": 2}
    server.call("PUBLISH", "weir:config:receipts", json.dumps(likely))
    until("it is heard", lambda: "x" in {i["instance"] for i in plane.admin.instances()})
    assert publish(plane, "four") == first + 1001
    until("it is taken", lambda: says(gateway.port, "/x") == "four")


def test_the_first_publication_of_a_database_from_a_backup_is_above_what_redis_has(control, server, weir):
    plane = control(server)
    publish(plane, "one")
    backup = stop_and_back_up(plane)
    plane.start()
    for text in ("two", "three"):
        number = publish(plane, text)
    gateway = weir(following(plane), command="gateway")
    assert says(gateway.port, "/x") == "three"
    restore(plane, backup)
    server.pause()  # it has not been read when the publication is asked for
    plane.start(wait=False)
    goes_on = threading.Timer(0.3, server.resume)
    goes_on.start()
    plane.wait_ready()
    assert publish(plane, "after the restore") == number + 1
    goes_on.join()
    until("the gateway takes it", lambda: says(gateway.port, "/x") == "after the restore")


def stop_and_back_up(plane):
    plane.stop()
    return {file: file.read_bytes() for file in plane.directory.glob("weir.db*")}


def restore(plane, backup):
    plane.stop()
    for file in plane.directory.glob("weir.db*"):
        if file not in backup:
            file.unlink()
    for file, data in backup.items():
        file.write_bytes(data)


def test_without_redis_since_the_start_a_number_is_given_with_a_warning_and_the_next_is_above(control, server, weir):
    plane = control(server)
    publish(plane, "one")
    backup = stop_and_back_up(plane)
    plane.start()
    for text in ("two", "three", "four"):
        number = publish(plane, text)
    gateway = weir(following(plane), command="gateway")
    restore(plane, backup)
    server.kill()
    plane.start()
    passed = publish(plane, "passed")
    assert passed < number and "without regard to Redis" in plane.stderr(), plane.stderr()
    server.start()
    until("Redis is read, and gateways heard", lambda: [i["in_use"] for i in plane.admin.instances()] == [number], 15)
    assert plane.admin.publish()["number"] == number + 1
    until("the gateway takes it", lambda: says(gateway.port, "/x") == "passed")


def test_a_lost_message_and_a_cut_connection_heal(control, server, weir):
    plane = control(server)
    publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    server.call("CLIENT", "KILL", "TYPE", "pubsub")
    publish(plane, "two")
    assert timed("revision two", lambda: says(gateway.port, "/x") == "two") <= 5 * SCALE


def test_redis_emptied_is_filled_again(control, server, weir):
    plane = control(server)
    number = publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    server.call("FLUSHALL")
    assert says(gateway.port, "/x") == "one"
    took = timed("the head is there again", lambda: server.call("HGET", HEAD, "number") == str(number))
    assert took <= 5 * SCALE
    late = weir(following(plane), command="gateway")
    assert says(late.port, "/x") == "one"
    assert publish(plane, "two") == number + 1
    until("both have it", lambda: says(gateway.port, "/x") == says(late.port, "/x") == "two")


def test_published_while_redis_is_away_comes_when_it_is_back(control, server, weir):
    plane = control(server)
    publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    server.kill()
    answer = plane.admin.put("routes", "x", answering("two"), publish=True)
    assert answer["distribution"]["state"] != "announced", answer
    assert says(gateway.port, "/x") == "one"
    server.start()
    assert timed("it has come", lambda: says(gateway.port, "/x") == "two", 10) <= 5 * SCALE


def test_replicas_publish_in_turn_and_each_announces_what_the_other_published(control, server, weir, database):
    first = control(server, database=database)
    publish(first, "one")
    second = control(server, like=first)
    gateway = weir(following(first), command="gateway")
    numbers = []

    def work(plane, name):
        for i in range(10):
            route = answering(f"{name}{i}", f"/{name}", name)
            numbers.append(plane.admin.put("routes", name, route, publish=True)["_revision"]["number"])

    threads = [threading.Thread(target=work, args=pair) for pair in ((first, "a"), (second, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 20 and len(set(numbers)) == 20, "no number was given twice"
    assert max(numbers) == 21
    until("the gateway has both", lambda: (says(gateway.port, "/a"), says(gateway.port, "/b")) == ("a9", "b9"))
    assert first.admin.latest() == second.admin.latest() == max(numbers)
    assert second.admin.status("latest", "all")["state"] == "applied"
    first.kill()
    assert publish(second, "two") == max(numbers) + 1
    until("one of them is enough", lambda: says(gateway.port, "/x") == "two")


def test_postgres_down_is_a_503_and_nothing_to_gateways(control, server, weir, postgres_server):
    postgres = postgres_server()
    plane = control(server, database=postgres.url())
    publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    postgres.kill()
    begin = time.monotonic()
    with pytest.raises(Refused) as refused:
        plane.admin.get("/v1/routes")
    assert refused.value.status == 503 and refused.value.problem["title"], refused.value.problem
    assert time.monotonic() - begin < 8 * SCALE
    assert fetch(plane.port, "/livez").status == 200
    assert says(gateway.port, "/x") == "one"
    again = weir(following(plane), command="gateway")
    assert says(again.port, "/x") == "one", "a new gateway needs the database not either"
    postgres.start()
    until("it answers again", lambda: plane.admin.ask("GET", "/v1/routes", raw=True).status == 200, 15)
    publish(plane, "two")
    until("and publishes", lambda: says(gateway.port, "/x") == "two")


def test_a_control_plane_starts_while_its_database_is_away(control, server, postgres_server):
    postgres = postgres_server()
    url = postgres.url()
    plane = control(server, database=url)
    publish(plane, "one")
    plane.stop()
    postgres.shut_down()
    plane.config_file.write_text(json.dumps(plane.document))
    without_migrate(plane)
    until("it is alive", lambda: says(plane.port, "/livez") is not None, 15)
    assert plane.admin.ask("GET", "/v1/routes", raw=True).status == 503
    postgres.start()
    until("it is ready", lambda: fetch(plane.port, "/readyz").status == 200, 15)
    assert publish(plane, "two") == 2


def without_migrate(plane):
    """--migrate has to wait for a database; the service as it runs afterwards has not."""
    plane.stopped = False
    plane._stderr = open(plane.stderr_file, "ab")
    plane.process = subprocess.Popen(
        [BINARY, "control", "--config", plane.config_file], cwd=plane.directory, env=plane._environment, stdin=subprocess.DEVNULL,
        stdout=plane._stderr, stderr=plane._stderr,
    )  # fmt: skip


def test_a_database_that_was_lost_goes_on_above_what_gateways_use(control, server, weir):
    plane = control(server)
    for text in ("one", "two", "three"):
        number = publish(plane, text)
    gateway = weir(following(plane), command="gateway")
    assert says(gateway.port, "/x") == "three"
    plane.stop()
    for file in plane.directory.glob("weir.db*"):
        file.unlink()
    server.call("FLUSHALL")
    until("the gateway tells again what it has in use", lambda: [r["in_use"] for r in receipts(server).values()] == [number])
    plane.token = None
    plane.stderr_file.unlink()
    plane.start()
    until("the new one has heard it", lambda: [i["in_use"] for i in plane.admin.instances()] == [number])
    assert publish(plane, "after the loss") > number
    until("the gateway takes it", lambda: says(gateway.port, "/x") == "after the loss")


def test_a_database_that_was_lost_is_filled_with_what_redis_has(control, server, weir):
    plane = control(server)
    for text in ("one", "two"):
        number = publish(plane, text)
    gateway = weir(following(plane), command="gateway")
    plane.stop()
    for file in plane.directory.glob("weir.db*"):
        file.unlink()
    plane.token = None
    plane.stderr_file.unlink()
    plane.start()
    assert "alert: control_plane_restored" in plane.stderr(), plane.stderr()
    assert plane.admin.get("/v1/routes/x")["route_id"] == "x" and plane.admin.latest() == number + 1
    assert plane.admin.status(number + 1, "all")["state"] == "applied"
    assert says(gateway.port, "/x") == "two"


def test_a_one_route_change_of_a_large_config_travels_as_a_delta(control, server, weir):
    plane = control(server)
    routes = [answering(f"r{i}", f"/r{i}", f"r{i}") for i in range(300)]
    plane.admin.batch({"routes": routes})
    gateway = weir(following(plane), command="gateway")
    assert says(gateway.port, "/r299") == "r299"
    number = plane.admin.put("routes", "r7", answering("changed", "/r7", "r7"), publish=True)["_revision"]["number"]
    plane.admin.status(number, "all")
    assert says(gateway.port, "/r7") == "changed" and says(gateway.port, "/r8") == "r8"
    delta = len(server.call("GET", DELTA.format(number)).encode("utf-8", "surrogateescape"))
    whole = len(server.call("GET", document_key(number)).encode("utf-8", "surrogateescape"))
    assert delta < whole / 50, (delta, whole)


def test_every_response_is_of_exactly_one_revision(control, server, weir):
    """Two routes change together, over and over; a client that asks both on one connection never sees a new one and then an old one, and
    the access log's revision is the one whose text was answered."""
    plane = control(server)

    def both(n):
        return {"routes": [answering(f"{n}", "/x", "x"), answering(f"{n}", "/y", "y")]}

    plane.admin.batch(both(0))
    gateway = weir(following(plane, workers=1), command="gateway")
    stop, seen, wrong = threading.Event(), set(), []

    def ask():
        from kit.client import Client

        with Client(gateway.port) as client:
            last = -1
            while not stop.is_set():
                for path in ("/x", "/y"):
                    n = int(client.get(path).body)
                    if n < last:
                        wrong.append((path, n, last))
                    last = n
                    seen.add(n)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(1, 21):
        plane.admin.batch(both(n))
    plane.admin.status("latest", "all")
    until("the last one is seen", lambda: 20 in seen)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:5]
    by_revision = {}
    records = [r for r in gateway.records() if r.status == 200]
    for record in records:
        by_revision.setdefault(record.revision, set()).add(record.bytes_out)
    assert len(by_revision) > 1 and all(len(sizes) == 1 for sizes in by_revision.values()), by_revision


def test_a_gateway_that_was_stopped_is_away_and_comes_back(control, server, weir):
    plane = control(server)
    publish(plane, "one")
    gateway = weir(following(plane), command="gateway")
    until("it is there", lambda: [i["state"] for i in plane.admin.instances()] == ["applied"])
    gateway.signal(signal.SIGSTOP)
    number = publish(plane, "two")
    begin = time.monotonic()
    status = plane.admin.status(number, "all", "1s")
    assert status["state"] == "waiting" and 0.9 < time.monotonic() - begin < 3 * SCALE, status
    gateway.signal(signal.SIGCONT)
    assert plane.admin.status(number, "all")["state"] == "applied"
    assert says(gateway.port, "/x") == "two"


def test_receipts_in_redis_are_those_of_the_api(control, server, weir):
    plane = control(server)
    number = publish(plane, "one")
    gateway = weir(following(plane) | {"control_plane": {"public_key": plane.public_key, "instance_id": "edge-7"}}, command="gateway")
    assert says(gateway.port, "/x") == "one"
    until("its receipt", lambda: receipts(server).get("edge-7", {}).get("in_use") == number)
    until("the API shows it", lambda: [i["instance"] for i in plane.admin.instances()] == ["edge-7"])
    assert os.uname().nodename == plane.admin.instances()[0]["host"]


def test_a_lost_token_is_replaced_on_the_machine_itself(control, server):
    plane = control(server)
    done = command(plane, "--new-token", "admin")
    assert done.returncode == 0, done.stderr
    plane.token = done.stdout.strip()
    assert plane.admin.get("/v1/whoami")["name"] == "admin"
    done = command(plane, "--new-token", "nobody")
    assert done.returncode == 1 and "nobody" in done.stderr, done.stderr


def command(plane, *arguments):
    words = [BINARY, "control", "--config", plane.config_file, *arguments]
    return subprocess.run(words, capture_output=True, text=True, env=plane._environment, timeout=20 * SCALE)


def test_an_address_that_is_taken_is_a_sentence(control, server):
    plane = control(server)
    with socket.create_server(("127.0.0.1", config.free_port())) as held:
        plane.document["control"]["address"] = f"127.0.0.1:{held.getsockname()[1]}"
        plane.config_file.write_text(json.dumps(plane.document))
        done = command(plane)
    assert done.returncode == 1 and "control.address" in done.stderr and "in use" in done.stderr, done


def test_routes_have_no_business_in_its_file(control, server):
    plane = control(server)
    plane.config_file.write_text(json.dumps(plane.document | {"routes": [answering("one")]}))
    done = command(plane)
    assert done.returncode == 1 and "weir apply" in done.stderr, done
    plane.config_file.write_text(json.dumps({"control": plane.document["control"]}))
    done = command(plane)
    assert done.returncode == 1 and "redis" in done.stderr, done
