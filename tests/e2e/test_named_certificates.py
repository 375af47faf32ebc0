"""Promise: certificates and secrets that the config holds by name reach listeners and filters: shown by the names in them, read again
when they change, kept sealed, and never shown in a message."""

import hmac
import json
import pathlib

import pytest

from kit import config
from kit.client import Client, fetch
from kit.gateway import run
from kit.tokens import b64, bearer, claims

MASTER_KEY = "a master key of the test, long enough to be one"
SECRET = "a shared secret of the test, longer than 32 bytes"


def text(file):
    return pathlib.Path(file).read_text()


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("master") / "master.key"
    file.write_text(MASTER_KEY + "\n")
    return file


@pytest.fixture(scope="module")
def seal(key_file):
    def seal(secret, kind, name):
        done = run("seal", f"--{kind}", name, "--master-key-file", key_file, stdin=secret)
        assert done.returncode == 0, done.stderr
        sealed = done.stdout.strip()
        assert sealed.startswith("sealed:v1:") and secret not in sealed
        return sealed

    return seal


def by_files(name, certificate):
    return {"name": name, "cert_file": certificate.cert_file, "key_file": certificate.key_file}


def shown(gateway, authority, name, port=0):
    """The names of the certificate that a client gets who asks for `name`."""
    context = authority.client_context()
    context.check_hostname = False
    with Client(gateway.tls_ports[port], tls=context, server_name=name) as client:
        return {value for _, value in client.sock.getpeercert()["subjectAltName"]}


def tls(*certificates):
    return {"tls": {"certificates": list(certificates)}}


@pytest.fixture
def two(authority):
    return authority.issue("one.test"), authority.issue("two.test", "*.wild.test")


def test_a_listener_shows_all_or_those_it_names(weir, authority, two):
    one, other = two
    default = authority.issue("default.test")
    files = {"cert_file": default.cert_file, "key_file": default.key_file}
    gateway = weir(
        config.document(
            config.respond("r", "/x"),
            listeners=[
                config.listener(**tls(files, "all")),
                config.listener(**tls({"name": "other"})),
                config.listener(**tls({"name": "other"}, "all")),
                config.listener(),
            ],
            certificates=[by_files("one", one), by_files("other", other)],
        )
    )
    assert shown(gateway, authority, "one.test") == {"one.test"}
    assert shown(gateway, authority, "a.wild.test") == {"two.test", "*.wild.test"}
    assert shown(gateway, authority, "unknown.test") == {"default.test"}
    assert shown(gateway, authority, "one.test", port=1) == {"two.test", "*.wild.test"}
    assert shown(gateway, authority, "unknown.test", port=2) == {"two.test", "*.wild.test"}
    assert shown(gateway, authority, "one.test", port=2) == {"one.test"}


def test_a_new_certificate_reaches_the_listener_without_a_word_of_it_there(weir, authority, two):
    one, other = two
    gateway = weir(
        config.document(
            config.respond("r", "/x"),
            listeners=[config.listener(**tls("all")), config.listener()],
            certificates=[by_files("one", one)],
        )
    )
    assert shown(gateway, authority, "two.test") == {"one.test"}
    gateway.reload(gateway.document | {"certificates": [by_files("one", one), by_files("other", other)]})
    assert shown(gateway, authority, "two.test") == {"two.test", "*.wild.test"}
    before = gateway.revision()
    authority.issue("one.test", "more.test", stem=pathlib.Path(one.cert_file).stem)
    gateway.reload(gateway.document)
    assert gateway.revision() > before and shown(gateway, authority, "one.test") == {"one.test", "more.test"}


def hs256(secret):
    text = f"{b64({'alg': 'HS256', 'typ': 'JWT'})}.{b64(claims())}"
    return f"{text}.{b64(hmac.digest(secret.encode(), text.encode(), 'sha256'))}"


def sealed_document(origin, seal, certificate, **extra):
    jwt = config.filter_("jwt", issuers=[{"issuer": "https://id.test", "audiences": ["api"], "secret_name": "token-key"}])
    return config.document(
        config.route("r", "/x", origin.url, auth_required=True, plugin_chain=[jwt]),
        listeners=[config.listener(**tls("all")), config.listener()],
        certificates=[{"name": "one", "cert_pem": text(certificate.cert_file), "key": seal(text(certificate.key_file), "certificate", "one")}],
        secrets=[{"name": "token-key", "value": seal(SECRET, "secret", "token-key"), "tags": ["team:id"]}],
        **extra,
    )


def test_sealed_keys_and_secrets_are_opened_with_the_master_key(weir, origin, authority, two, seal, key_file):
    gateway = weir(sealed_document(origin, seal, two[0], master_key_file=str(key_file)))
    assert shown(gateway, authority, "one.test") == {"one.test"}
    assert fetch(gateway.port, "/x", headers=bearer(hs256(SECRET))).status == 200
    assert fetch(gateway.port, "/x", headers=bearer(hs256(SECRET + "!"))).status == 401


def check(tmp_path, document):
    (tmp_path / "weir.json").write_text(json.dumps(document))
    done = run("check", "weir.json", cwd=tmp_path)
    return done.returncode, done.stdout + done.stderr


def test_without_the_master_key_what_is_used_is_a_problem(tmp_path, origin, two, seal):
    document = sealed_document(origin, seal, two[0])
    code, said = check(tmp_path, document)
    assert code == 1 and said.count("there is no master key here") == 2 and "master_key_file" in said, said
    unused = document | {"listeners": [config.listener()], "routes": [config.respond("r", "/x")]}
    assert check(tmp_path, unused)[0] == 0, "a gateway that uses none of them needs no key"


def test_with_another_master_key_nothing_can_be_opened(tmp_path, origin, two, seal):
    (tmp_path / "other.key").write_text("another master key of the test, as long as that")
    code, said = check(tmp_path, sealed_document(origin, seal, two[0], master_key_file="other.key"))
    assert code == 1 and "certificates[0].key" in said and "secrets[0].value" in said, said


def test_sealed_text_is_good_for_its_own_name_only(tmp_path, origin, two, seal, key_file):
    document = sealed_document(origin, seal, two[0], master_key_file=str(key_file))
    document["secrets"][0]["value"] = seal(SECRET, "secret", "another")
    code, said = check(tmp_path, document)
    assert code == 1 and "secrets[0].value: cannot be opened" in said and "certificates" not in said, said


def test_a_secret_in_plain_is_refused_and_not_repeated(tmp_path):
    document = config.document(config.respond("r", "/x"), secrets=[{"name": "a", "value": SECRET}])
    code, said = check(tmp_path, document)
    assert code == 1 and "secrets[0].value: is not sealed text" in said and SECRET not in said, said


def test_a_key_of_another_certificate_is_refused_where_it_stands(tmp_path, two, seal):
    mixed = {"name": "mixed", "cert_pem": text(two[0].cert_file), "key_file": two[1].key_file}
    document = config.document(config.respond("r", "/x"), listeners=[config.listener(**tls({"name": "mixed"}))], certificates=[mixed])
    code, said = check(tmp_path, document)
    assert code == 1 and "certificates[0].key_file: " in said and "is not the key of" in said, said
    code, said = check(tmp_path, document | {"listeners": [config.listener()]})
    assert code == 1 and "certificates[0].key_file: " in said, "also if no listener shows it"
