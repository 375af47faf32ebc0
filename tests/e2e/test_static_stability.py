"""Promise: a gateway that follows a control plane serves the newest good revision whatever becomes of the rest: it refuses what is not
right and says why, makes up for what it missed, and starts from its own disk with everything else down."""

import os
import pathlib
import signal
import time

import pytest

from kit import config
from kit.client import Closed, fetch
from kit.control import pids_in
from kit.gateway import run
from kit.revisions import HEAD, Signer, canonical, document_key, put, receipts
from kit.wait import PROMPT, SCALE, until


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture
def server(redis):
    return redis()


def instance(redis, signer, **extra):
    """A gateway's own part."""
    made = config.document(redis={"url": redis.url}, state_dir="state", control_plane={"public_key": signer.public_key}, **extra)
    del made["routes"]
    return made


def answering(*texts):
    """A published document whose routes /0, /1, … answer with these texts."""
    routes = [config.respond(f"r{i}", f"/{i}", body=text) for i, text in enumerate(texts)]
    return {"routes": routes}


def says(gateway, path="/0"):
    try:
        answer = fetch(gateway.port, path, timeout=2)
    except (OSError, Closed):
        return None
    return answer.body.decode() if answer.status == 200 else answer.status


def receipt(redis, **wanted):
    """The receipt of the only gateway, once it has these values."""

    def probe():
        found = [each for each in receipts(redis).values() if all(each.get(name) == value for name, value in wanted.items())]
        return found and found[0]

    return until(f"a receipt with {wanted}", probe)


@pytest.fixture
def following(weir, server, signer):
    """A gateway on revision 1."""
    put(server, signer.sign(1, answering("one")))
    gateway = weir(instance(server, signer), command="gateway")
    assert says(gateway) == "one"
    return gateway


def is_kept(gateway, number):
    file = gateway.directory / "state/revisions" / f"{number:020}.revision"
    until(f"revision {number} is on disk", file.exists)


def test_waits_for_the_first_revision_and_ends_when_asked(weir, server, signer):
    gateway = weir(instance(server, signer), command="gateway", wait=False)
    until("the admin address answers", lambda: gateway.ready() == 503)
    assert gateway.ask_admin("/startupz").status == 503
    assert gateway.ask_admin("/livez").status == 200
    assert says(gateway) is None, "nobody listens"
    receipt(server, state="starting", in_use=0)
    put(server, signer.sign(7, answering("seven")))
    gateway.wait_ready()
    assert says(gateway) == "seven" and gateway.revision() == 7
    receipt(server, state="applied", revision=7, in_use=7)


def test_a_gateway_that_waits_ends_at_once(weir, server, signer):
    gateway = weir(instance(server, signer), command="gateway", wait=False)
    until("the admin address answers", lambda: gateway.ready() == 503)
    begin = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begin < 2 * SCALE


def test_the_next_revision_is_taken_at_once_and_told(following, server, signer):
    begin = time.monotonic()
    for number in range(2, 7):
        put(server, signer.sign(number, answering(f"revision {number}")))
        until(f"revision {number} answers", lambda number=number: says(following) == f"revision {number}")
    assert time.monotonic() - begin < 3 * SCALE, "five by the hint, not by the look every two seconds"
    told = receipt(server, state="applied", revision=6, in_use=6)
    assert told["host"] and told["version"] and told["instance"].startswith(told["host"])


@pytest.mark.slow
def test_a_hint_that_was_lost_is_made_up_for(following, server, signer):
    begin = time.monotonic()
    put(server, signer.sign(2, answering("two")), hint=False)
    until("revision 2 answers", lambda: says(following) == "two")
    assert time.monotonic() - begin <= 5 * SCALE
    server.call("CLIENT", "KILL", "TYPE", "pubsub")
    begin = time.monotonic()
    put(server, signer.sign(3, answering("three")))
    until("revision 3 answers", lambda: says(following) == "three")
    assert time.monotonic() - begin <= 5 * SCALE


def test_what_is_not_newer_is_not_looked_at(following, server, signer):
    put(server, signer.sign(2, answering("two")))
    until("revision 2 answers", lambda: says(following) == "two")
    put(server, signer.sign(1, answering("an old one")))
    put(server, signer.sign(2, answering("another of that number")))
    time.sleep(0.3 * SCALE)
    assert says(following) == "two"


BROKEN = {
    "another key's signature": (None, "signature"),
    "a changed document": (lambda r: r.encode().replace(b"two", b"2wo"), "digest"),
    "cut short": (lambda r: r.encode()[:-5], "torn"),
    "not a revision": (lambda r: b"\x00\xff nonsense", "revision"),
}


@pytest.mark.parametrize("damage, word", BROKEN.values(), ids=list(BROKEN))
def test_a_revision_that_is_not_right_is_refused_with_the_reason(following, server, signer, tmp_path, damage, word):
    if damage is None:
        put(server, Signer(tmp_path).sign(2, answering("two")))
    else:
        revision = signer.sign(2, answering("two"))
        put(server, revision, encoded=damage(revision))
    told = receipt(server, state="refused", in_use=1)
    assert word in told["reason"], told
    assert says(following) == "one" and following.revision() == 1
    assert word in following.stderr()
    put(server, signer.sign(3, answering("three")))
    until("the next good one is taken", lambda: says(following) == "three")


WRONG = {
    "an unknown filter": (
        {"routes": [config.route("shop", "/shop", plugin_chain=[{"name": "corz"}])]}, ['route "shop"', "corz", 'did you mean "cors"']),
    "an upstream that is not there": (
        {"routes": [config.route("pay", "/pay", "http://paymnets")], "upstreams": [config.upstream("payments", "127.0.0.1:9")]},
        ['route "pay"', "paymnets", "payments"]),
    "a listener": ({"routes": [config.respond("a", "/0")], "listeners": [{"address": "127.0.0.1:0"}]}, ["listeners"]),
    "no JSON": (b"{", ["JSON"]),
}  # fmt: skip


@pytest.mark.parametrize("document, words", WRONG.values(), ids=list(WRONG))
def test_a_signed_revision_that_does_not_work_is_refused_by_the_objects_name(following, server, signer, document, words):
    put(server, signer.sign(2, document))
    told = receipt(server, state="refused", revision=2, in_use=1)
    for word in words:
        assert word in told["reason"], told
    assert says(following) == "one"
    assert not (following.directory / "state/revisions" / f"{2:020}.revision").exists(), "only what was in use is kept"


def with_a_file(text):
    """A document that needs the file ca.pem beside the gateway's own."""
    private = config.upstream("private", "127.0.0.1:9", tls={"ca_file": "ca.pem"})
    return answering(text) | {"upstreams": [private]}


def give_file(gateway, authority):
    (gateway.directory / "ca.pem").write_bytes(pathlib.Path(authority.issue("private.test").ca_file).read_bytes())


def test_a_refused_revision_is_taken_when_the_gateways_own_part_is_mended(following, server, signer, authority):
    put(server, signer.sign(2, with_a_file("two")))
    assert "ca.pem" in receipt(server, state="refused", revision=2)["reason"]
    give_file(following, authority)
    following.signal(signal.SIGHUP)
    receipt(server, state="applied", revision=2, in_use=2)


def test_another_key_in_the_file_is_trusted_from_the_reload_on(following, server, signer, tmp_path):
    other = Signer(tmp_path)
    put(server, other.sign(2, answering("two")))
    receipt(server, state="refused", in_use=1)
    following.write(following.document | {"control_plane": {"public_key": other.public_key}})
    following.signal(signal.SIGHUP)
    until("the revision of the new key is taken", lambda: says(following) == "two")


def test_a_reload_of_the_file_keeps_the_revision(following, server, signer):
    port = config.free_port()
    following.write(following.document | {"listeners": [*following.document["listeners"], config.listener(port)]})
    following.signal(signal.SIGHUP)

    def answers():
        try:
            return fetch(port, "/0").body == b"one"
        except OSError:
            return False

    until("the new listener answers", answers)
    assert following.revision() == 1
    broken = following.document | {"routes": [config.respond("own", "/own")]}
    following.write(broken)
    following.signal(signal.SIGHUP)
    until("routes in the file are refused", lambda: "comes from the control plane" in following.stderr())
    assert says(following) == "one"


def test_everything_down_and_a_restart_serves_within_a_second(following, server, signer):
    put(server, signer.sign(2, answering("two")))
    receipt(server, in_use=2)
    is_kept(following, 2)
    following.stop()
    server.kill()
    begin = time.monotonic()
    following.start(wait=False)
    until("it serves", lambda: says(following) == "two")
    took = time.monotonic() - begin
    print(f"from start to the first answer, everything else down: {took * 1000:.0f} ms")
    assert took <= PROMPT
    following.wait_ready()
    assert following.revision() == 2
    server.start()
    put(server, signer.sign(3, answering("three")))
    until("it follows again when Redis is back", lambda: says(following) == "three", 10)


def test_a_damaged_newest_copy_is_passed_over(following, server, signer):
    put(server, signer.sign(2, answering("two")))
    is_kept(following, 2)
    following.stop()
    server.kill()
    file = following.directory / "state/revisions" / f"{2:020}.revision"
    file.write_bytes(file.read_bytes()[:-1])
    following.start()
    assert says(following) == "one"
    assert "damaged" in following.stderr()


def test_a_copy_that_does_not_work_any_more_is_passed_over(following, server, signer, authority):
    give_file(following, authority)
    put(server, signer.sign(2, with_a_file("two")))
    receipt(server, in_use=2)
    is_kept(following, 2)
    following.stop()
    server.kill()
    (following.directory / "ca.pem").unlink()
    following.start()
    assert says(following) == "one"
    assert "ca.pem" in following.stderr()


def test_redis_loses_everything_and_traffic_does_not_notice(following, server, signer):
    server.call("FLUSHALL")
    time.sleep(0.2)
    assert says(following) == "one"
    put(server, signer.sign(2, answering("two")))
    until("it takes the next one", lambda: says(following) == "two")


def test_the_successor_of_an_upgrade_has_the_revision_too(following, server, signer):
    is_kept(following, 1)
    following.signal(signal.SIGUSR2)
    until("the successor serves and the first has ended", lambda: following.process.poll() is not None, 15)
    assert following.process.returncode == 0
    assert says(following) == "one"
    put(server, signer.sign(2, answering("two")))
    until("the successor follows", lambda: says(following) == "two")
    (successor,) = pids_in(following.directory)
    os.kill(successor, signal.SIGTERM)
    until("it has ended", lambda: not pids_in(following.directory), 15)
    following.asked_to_end = True


def test_weir_gateway_wants_a_control_plane(tmp_path):
    (tmp_path / "weir.yaml").write_text("listeners: [{address: '127.0.0.1:0'}]\nroutes: [{route_id: r, path_pattern: /, plugin_chain: [respond]}]\n")
    done = run("gateway", cwd=tmp_path)
    assert done.returncode == 1 and "control_plane" in done.stderr, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_200_times_while_revisions_come_it_always_starts_on_one_that_was_published(weir, server, signer):
    """R10: SIGKILL mid-publish. The revision it starts on is never older than the one it had told was in use and on disk before."""
    put(server, signer.sign(1, answering("1")))
    gateway = weir(instance(server, signer, workers=1), command="gateway")
    number, starts = 1, []
    for round_ in range(200):
        number += 1
        put(server, signer.sign(number, answering(str(number))))
        time.sleep((round_ % 20) * 0.002)
        gateway.process.kill()
        gateway.process.wait()
        begin = time.monotonic()
        gateway._stderr.close()
        gateway.start(wait=False)
        found = until("it serves", lambda: says(gateway))
        starts.append(time.monotonic() - begin)
        assert int(found) in (number - 1, number), (found, number)
        until("it catches up", lambda: says(gateway) == str(number))
        is_kept(gateway, number)
    starts.sort()
    print(f"200 kills: start to first answer p50 {starts[100] * 1000:.0f} ms, p100 {starts[-1] * 1000:.0f} ms")
    assert starts[190] <= PROMPT and starts[-1] <= 3 * PROMPT
    for file in (gateway.directory / "state/revisions").iterdir():
        assert file.suffix in (".revision", ".new", ".lock") or file.name.startswith("."), file


def test_what_the_head_says_and_the_document_is_not_there_is_looked_for_again(following, server, signer):
    revision = signer.sign(2, answering("two"))
    server.call("HSET", HEAD, "number", 2, "digest", revision.digest)
    time.sleep(0.3 * SCALE)
    assert says(following) == "one"
    server.call("SET", document_key(2), revision.encode())
    until("it is taken once it is there", lambda: says(following) == "two", 6)
    assert canonical(answering("two")) == revision.document
