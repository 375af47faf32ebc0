"""Promise: `weir token` revokes what it is told to, where the config says, and running gateways refuse it; whatever stood in the
file stays there."""

import concurrent.futures
import json
import os
import stat
import time

import pytest

from kit import config
from kit.client import fetch
from kit.gateway import run
from kit.tokens import Key, bearer, claims, key_set
from kit.wait import PROMPT, SCALE, until


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("keys"))


def document(origin, key, revoked, server=None):
    issuer = {"issuer": "https://id.test", "audiences": ["api"], "jwks": json.loads(key_set(key.jwk()))}
    chain = [config.filter_("jwt", issuers=[issuer])]
    found = config.document(config.route("all", upstream=origin.url, auth_required=True, plugin_chain=chain), workers=1)
    found |= {"redis": {"url": server.url}} if server else {}
    return found | {"tokens": {"revoked": revoked}}


class Tokens:
    """`weir token` on a config."""

    def __init__(self, file):
        self.file = file

    def run(self, *arguments, wanted=0):
        done = run("token", *arguments, "--config", self.file)
        assert done.returncode == wanted, done.stdout + done.stderr
        return done

    def revoke(self, *arguments):
        return json.loads(self.run("revoke", *arguments, "--json").stdout)

    def list(self):
        return json.loads(self.run("list", "--json").stdout)


def get(gateway, token):
    return fetch(gateway.port, "/x", headers=bearer(token)).status


def becomes(gateway, token, status):
    begun = time.monotonic()
    until(f"{status}", lambda: get(gateway, token) == status)
    return time.monotonic() - begun


def test_in_redis_within_a_second(weir, origin, key, redis):
    server = redis()
    gateway = weir(document(origin, key, {"redis": True}, server))
    tokens = Tokens(gateway.config_file)
    one, two, bob = key.token(claims(jti="t-1")), key.token(claims(jti="t-2")), key.token(claims(subject="bob"))
    assert [get(gateway, token) for token in (one, two, bob)] == [200, 200, 200]
    tokens.revoke("--jti", "t-1", "--until", "1h")
    assert becomes(gateway, one, 401) < PROMPT
    said = tokens.run("revoke", "--subject", "bob", "--issuer", "https://id.test").stdout
    assert "Redis" in said and "never" in said
    becomes(gateway, bob, 401)
    # What bob is given from now on is good, and other people's bob was never meant.
    assert get(gateway, key.token(claims(subject="bob", iat=int(time.time()) + 2))) == 200
    assert get(gateway, two) == 200
    tokens.revoke("--subject", "bob", "--issuer", "https://id.test", "--later", "--until", "1h")
    becomes(gateway, key.token(claims(subject="bob", iat=int(time.time()) + 2)), 401)
    listed = tokens.list()
    assert [(e["kind"], e["value"], e["in"], e["until"] is None) for e in listed] == [
        ("jti", "t-1", "redis", False), ("sub", "bob", "redis", False), ("sub", "bob", "redis", True),
    ]  # fmt: skip
    # Said again with an earlier end: the later one holds. What is over goes with the next word.
    tokens.revoke("--jti", "t-1", "--until", "1m")
    assert [e["until"] for e in tokens.list() if e["kind"] == "jti"] == [listed[0]["until"]]
    server.call("ZADD", "weir:revoked", int(time.time()) - 5, "jti * over")
    tokens.revoke("--jti", "t-9", "--until", "1h")
    assert server.call("ZSCORE", "weir:revoked", "jti * over") is None


def test_in_redis_behind_a_cluster(weir, origin, key, redis_cluster):
    cluster = redis_cluster()
    found = document(origin, key, {"redis": True}) | {"redis": {"cluster": {"addresses": cluster.addresses}}}
    gateway = weir(found)
    token = key.token(claims(jti="t-1"))
    assert get(gateway, token) == 200
    Tokens(gateway.config_file).revoke("--jti", "t-1", "--until", "1h")
    becomes(gateway, token, 401)


def test_in_a_file_that_keeps_what_it_has(weir, origin, key, tmp_path):
    listed = tmp_path / "revoked.txt"
    listed.write_text("# of the incident in May\njti * by-hand\n\nsub https://id.test mallory\n")
    listed.chmod(0o640)
    gateway = weir(document(origin, key, {"file": str(listed)}))
    tokens = Tokens(gateway.config_file)
    one, by_hand = key.token(claims(jti="t 1")), key.token(claims(jti="by-hand"))
    assert [get(gateway, token) for token in (one, by_hand)] == [200, 401]
    tokens.revoke("--jti", "t 1", "--until", "2099-12-31T23:59:59Z")
    becomes(gateway, one, 401)
    assert listed.read_text() == (
        "# of the incident in May\njti * by-hand\n\nsub https://id.test mallory\n# until 4102444799\njti * t 1\n"
    )
    assert stat.S_IMODE(listed.stat().st_mode) == 0o640 and not os.path.exists(f"{listed}.new")
    assert [(e["value"], e["until"]) for e in tokens.list()] == [
        ("by-hand", None), ("mallory", None), ("t 1", "2099-12-31T23:59:59Z"),
    ]  # fmt: skip
    # What may be forgotten is, by the next word; what operators wrote is not.
    listed.write_text(listed.read_text().replace("4102444799", "1000"))
    tokens.revoke("--jti", "t-2")
    assert [e["value"] for e in tokens.list()] == ["by-hand", "mallory", "t-2"]
    assert get(gateway, by_hand) == 401


def test_many_at_once_lose_nothing(tmp_path, origin, key):
    file = tmp_path / "weir.json"
    file.write_text(json.dumps(document(origin, key, {"file": "revoked.txt"})))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: Tokens(file).revoke("--jti", f"t-{i}"), range(24)))
    assert {e["value"] for e in Tokens(file).list()} == {f"t-{i}" for i in range(24)}


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ([], "--jti ID, or --subject", 2),
        (["--jti", "a", "--subject", "b", "--issuer", "*"], "--jti ID, or --subject", 2),
        (["--subject", "b"], "--issuer", 2),
        (["--jti", "a\nsub * everybody"], "control", 2),
        (["--jti", "a", "--issuer", "two words"], "spaces", 2),
        (["--jti", "a", "--until", "yesterday"], "is no time", 2),
        (["--jti", "a", "--until", "1000"], "over already", 2),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, origin, key, arguments, said, code):
    file = tmp_path / "weir.json"
    file.write_text(json.dumps(document(origin, key, {"file": "revoked.txt"})))
    done = Tokens(file).run("revoke", *arguments, wanted=code)
    assert said in done.stderr
    assert not (tmp_path / "revoked.txt").exists()


def test_a_config_that_keeps_none_says_how(tmp_path, origin, key):
    file = tmp_path / "weir.json"
    found = document(origin, key, {"file": "x"})
    del found["tokens"]
    file.write_text(json.dumps(found))
    assert "revoked:" in Tokens(file).run("list", wanted=1).stderr


def test_redis_away_is_said(tmp_path, origin, key, redis):
    server = redis()
    server.kill()
    file = tmp_path / "weir.json"
    file.write_text(json.dumps(document(origin, key, {"redis": True}, server)))
    assert "Redis does not answer" in Tokens(file).run("revoke", "--jti", "a", wanted=1).stderr
