"""Promise: several operators at once lose nothing, a request sent twice is done once, nobody gets in by a name that is not the control
plane's, and docs/admin-api.md shows what happens."""

import json
import os
import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit import config
from kit.client import exchange, fetch
from kit.control import Admin, Refused, token_of
from kit.gateway import ROOT
from kit.prometheus import Metrics
from kit.wait import SCALE

PAGE = ROOT / "docs/admin-api.md"


def make_document(**extra):
    return config.document(
        config.respond("x", "/x", body="x"), control={"address": f"127.0.0.1:{config.free_port()}", "database": "weir.db"},
        state_dir="state", credentials={"store": {"file": "keys.db"}}, **extra,
    )  # fmt: skip


def admin_of(gateway):
    return Admin(int(gateway.document["control"]["address"].rpartition(":")[2]), token_of(gateway.stderr()))


@pytest.fixture(scope="module")
def gateway(launch):
    return launch(make_document())


@pytest.fixture(scope="module")
def admin(gateway):
    return admin_of(gateway)


def colleague(admin, name, role, **more):
    admin.ask("POST", "/v1/operators", {"name": name, "role": role} | more)
    return Admin(admin.port, admin.ask("POST", f"/v1/operators/{name}/tokens", {})["token"])


def all_of(admin, path, limit):
    items, cursor = [], ""
    while True:
        page = admin.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
        items += page["items"]
        if "next_cursor" not in page:
            return items
        cursor = f"&cursor={page['next_cursor']}"


def test_operators_who_edit_at_once_lose_nothing(admin):
    admin.put("groups", "shared", {"name": "shared", "tags": []})
    operators = [admin, *(colleague(admin, f"editor{n}", "platform") for n in range(3))]
    overtaken, together = 0, threading.Barrier(len(operators))

    def edit(n):
        nonlocal overtaken
        mine, first = [], True
        while len(mine) < 6:
            answer = operators[n].ask("GET", "/v1/groups/shared", raw=True)
            tags = json.loads(answer.body)["tags"]
            if first:  # all have read the same, so all but one are overtaken
                together.wait(60)
                first = False
            word = f"by{n}-{len(mine)}"
            try:
                operators[n].ask("PATCH", "/v1/groups/shared", {"tags": [*tags, word]}, [("If-Match", answer.get("etag"))])
                mine.append(word)
            except Refused as refused:
                assert refused.status == 412, refused
                overtaken += 1
        return mine

    with ThreadPoolExecutor(len(operators)) as pool:
        acknowledged = [word for mine in pool.map(edit, range(len(operators))) for word in mine]
    final = admin.get("/v1/groups/shared")["tags"]
    assert sorted(final) == sorted(acknowledged), "each acknowledged edit is in it, once"
    assert overtaken > 0, "they were in each other's way"
    log = [each for each in all_of(admin, "/v1/audit", 7) if each["name"] == "shared"]
    steps = [each["after"]["tags"] for each in reversed(log)]
    assert steps == [final[:n] for n in range(len(final) + 1)], "the log has every edit, in the order they were made"
    assert {each["operator"] for each in log} == {"admin", "editor0", "editor1", "editor2"}
    assert admin.get("/v1/audit/verify")["ok"]


def test_a_request_sent_eight_times_at_once_is_done_once(admin):
    body = {"name": "once"}

    def send(_):
        return admin.ask("POST", "/v1/groups", body, [("Idempotency-Key", "eight")], raw=True)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert sum(answer.get("idempotent-replayed") is None for answer in answers) == 1
    assert len([each for each in all_of(admin, "/v1/audit", 100) if each["name"] == "once"]) == 1


def test_pages_are_whole_while_others_write(admin):
    names = [f"page{n:03}" for n in range(40)]
    admin.batch({"groups": [{"name": name, "tags": ["kept"]} for name in names]}, publish=False)
    over = threading.Event()

    def disturb():
        turn = 0
        while not over.is_set():
            name = f"page{turn % 40:03}a"
            admin.put("groups", name, {"name": name})
            admin.delete("groups", name)
            turn += 1

    other = threading.Thread(target=disturb)
    other.start()
    try:
        for _ in range(5):
            seen = [each["name"] for each in all_of(admin, "/v1/groups?q=page", 3)]
            assert seen == sorted(set(seen)), "in order, none twice"
            assert [name for name in seen if name in names] == names, "none is left out"
    finally:
        over.set()
        other.join()
    assert [each["name"] for each in all_of(admin, "/v1/groups?tag=kept", 7)] == names


def test_a_filter_is_in_force_after_one_call(gateway, admin):
    assert fetch(gateway.port, "/x").status == 200
    admin.ask("PUT", "/v1/routes/x/filters/ip_filter?publish=true", {"deny": ["127.0.0.0/8"]})
    assert admin.status("latest", "all")["complete"]
    assert fetch(gateway.port, "/x").status == 403
    admin.ask("DELETE", "/v1/routes/x/filters/ip_filter?publish=true")
    assert admin.status("latest", "all")["complete"]
    assert fetch(gateway.port, "/x").status == 200


def test_developers_touch_what_is_their_teams(admin):
    developer = colleague(admin, "dora", "developer", teams=["shop"])
    own, other = config.respond("own", "/own", body="x") | {"tags": ["team:shop"]}, config.respond("other", "/other", body="x")
    admin.put("routes", "other", other)
    developer.put("routes", "own", own)
    for attempt in (
        lambda: developer.put("routes", "other", other | {"tags": ["team:shop"]}),
        lambda: developer.put("routes", "own", config.respond("own", "/own", body="x")),
        lambda: developer.ask("POST", "/v1/policies", {"name": "request_id"}),
        lambda: developer.ask("POST", "/v1/operators", {"name": "more", "role": "platform"}),
        lambda: developer.get("/v1/audit"),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.status == 403, refused.value
    assert admin.get("/v1/routes/other").get("tags") is None


def test_another_name_or_page_is_refused(admin):
    def status(host, *lines):
        head = f"GET /v1/whoami HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {admin.token}\r\n" + "".join(f"{line}\r\n" for line in lines)
        return exchange(admin.port, (head + "\r\n").encode()).status

    here = f"localhost:{admin.port}"
    assert status(here) == status(f"127.0.0.1:{admin.port}") == 200
    # A page of attacker.example, whose name was made to resolve to this machine.
    assert status(f"attacker.example:{admin.port}") == status(f"attacker.example:{admin.port}", f"Origin: http://attacker.example:{admin.port}") == 403
    # And one that asks across.
    assert status(here, "Origin: http://attacker.example") == status(here, "Origin: null") == 403
    assert status(here, f"Origin: http://{here}") == 200


def test_ten_failed_logins_are_enough(weir):
    admin = admin_of(weir(make_document()))
    stranger = Admin(admin.port, "weirop_000000000000_" + "x" * 43)
    statuses = [stranger.ask("GET", "/v1/whoami", raw=True).status for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert 0 < int(stranger.ask("GET", "/v1/whoami", raw=True).get("retry-after")) <= 60


def test_bodies_are_bounded_and_strangers_cannot_fill_the_memory(admin):
    head = f"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {(64 << 20) + 1}\r\n"
    token = f"Authorization: Bearer {admin.token}\r\n"
    assert exchange(admin.port, (head + token + "\r\n").encode()).status == 413
    assert exchange(admin.port, (head + "\r\n").encode()).status == 401, "answered before the body came"


def test_metrics_are_those_of_the_page(admin):
    metrics = Metrics(fetch(admin.port, "/metrics", host="localhost").body.decode())
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge) \|", PAGE.read_text(), re.M)
    assert dict(rows) == metrics.types
    assert metrics.total("weir_control_instances", state="applied") == 1


def examples():
    """(command, what it prints) of the page's shell blocks; a command's output stands under it as a comment."""
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        command = []
        for line in block.splitlines():
            if line.startswith("# "):
                yield "\n".join(command), line[2:]
                command = []
            else:
                command.append(line)
        assert not command, f"what does {command} print?"


def test_the_page_shows_what_happens(weir, tmp_path):
    document = re.search(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.M | re.S)[1]
    assert "control:" in document and "hello" in document
    made = make_document()
    made["routes"] = [config.respond("hello", "/hello", body="hello")]
    gateway = weir(made)
    admin = admin_of(gateway)
    commands, wanted = zip(*examples())
    script = "".join(f"{command}\necho @@@\n" for command in commands).replace("9081", str(admin.port)).replace("8080", str(gateway.port))
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=os.environ | {"WEIR_TOKEN": admin.token}, capture_output=True, text=True, timeout=50 * SCALE
    )
    printed = [text.strip("\n") for text in done.stdout.split("@@@\n")][:-1]
    assert list(zip(commands, printed)) == list(zip(commands, wanted)), done.stderr
    assert len(wanted) > 15
