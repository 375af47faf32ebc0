"""Promise: a client certificate that the listener's authority signed says who calls; no other is let in, also not by a session that is
resumed (attacks C9)."""

import contextlib
import re
import socket
import ssl
import subprocess

import pytest

from kit import config
from kit.certs import Authority
from kit.check import echoed_values, problem
from kit.client import fetch


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("clients"), "clients CA")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("strangers"), "strangers CA")


@pytest.fixture(scope="module")
def server(authority):
    return authority.issue("localhost", "a.test")


@pytest.fixture(scope="module")
def known(clients):
    return {name: clients.issue(name) for name in ("by-san.test", "by-print.test", "by-subject.test", "unmapped.test")}


def fingerprint(certificate):
    done = subprocess.run(["openssl", "x509", "-in", certificate.cert_file, "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True)
    return done.stdout.strip().partition("=")[2]


def make_document(origin, server, clients, known, **tls):
    secured = config.listener(certificates=[server])
    secured["tls"] |= {"client_ca_file": str(clients.ca_file)} | tls
    return config.document(
        config.route("known", "/known", origin.url, auth_required=True, plugin_chain=["mtls"]),
        config.route("anybody", "/anybody", origin.url, plugin_chain=["mtls"]),
        listeners=[secured, config.listener()],
        consumers=[
            {"name": "san", "credentials": {"mtls": [{"san": "dns:by-san.test"}]}},
            {"name": "print", "credentials": {"mtls": [{"fingerprint": fingerprint(known["by-print.test"])}]}},
            {"name": "subject", "credentials": {"mtls": [{"subject": "CN=by-subject.test"}]}},
        ],
    )


@pytest.fixture(scope="module")
def optional(launch, shared_origin, server, clients, known):
    return launch(make_document(shared_origin, server, clients, known, client_auth="optional"))


@pytest.fixture(scope="module")
def required(launch, shared_origin, server, clients, known):
    return launch(make_document(shared_origin, server, clients, known))


def context(authority, certificate=None, version=None):
    found = authority.client_context()
    if certificate:
        found.load_cert_chain(certificate.cert_file, certificate.key_file)
    if version:
        found.maximum_version = version
    return found


def ask(gateway, authority, certificate=None, path="/known", version=None):
    return fetch(gateway.tls_port, path, tls=context(authority, certificate, version), server_name="localhost")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("way", ["san", "print", "subject"])
def test_who_calls_is_told_upstream(optional, authority, origin, known, way, version):
    response = ask(optional, authority, known[f"by-{way}.test"], version=version)
    assert echoed_values(response, "X-Consumer-Name") == [way]
    plain = fingerprint(known[f"by-{way}.test"]).replace(":", "").lower()
    assert echoed_values(response, "X-Credential-Identifier") == [plain]
    assert optional.record_of(response)["credential_kind"] == "mtls"


def test_a_certificate_that_is_nobodys_and_none(optional, authority, origin, known):
    problem(optional, ask(optional, authority, known["unmapped.test"]), "invalid_credential")
    problem(optional, ask(optional, authority), "unauthenticated")
    problem(optional, fetch(optional.port, "/known"), "unauthenticated")
    assert ask(optional, authority, known["unmapped.test"], "/anybody").status == 200
    assert ask(optional, authority, None, "/anybody").status == 200


def fails(gateway, authority, certificate, version):
    """The handshake is refused; with TLS 1.3 the client learns of it when it reads."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        response = ask(gateway, authority, certificate, "/anybody", version)
        raise AssertionError(f"it was answered: {response}")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_strangers_and_expired_ones_get_no_connection(optional, required, authority, strangers, clients, origin, version):
    stranger = strangers.issue("by-san.test")
    for gateway in (optional, required):
        fails(gateway, authority, stranger, version)
    assert origin.accepted == 0 or not origin.requests


def test_required_means_no_connection_without_one(required, authority, origin, known):
    with contextlib.suppress(AssertionError):
        fails(required, authority, None, ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        assert ask(required, authority, None, "/anybody").status == 0
    assert echoed_values(ask(required, authority, known["by-san.test"]), "X-Consumer-Name") == ["san"]


def resume(port, tls, session, path="/known"):
    """(status, what the response says, session, whether it was resumed) of a request on a connection that offers `session`."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, tls.wrap_socket(plain, server_hostname="localhost", session=session) as secured:
        secured.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        text = b""
        while piece := secured.recv(65536):
            text += piece
        return int(text.split()[1]), text.decode(), secured.session, secured.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_is_the_same_callers(optional, authority, origin, known, version):
    tls = context(authority, known["by-san.test"], version)
    status, text, session, reused = resume(optional.tls_port, tls, None)
    assert status == 200 and not reused
    status, text, _, reused = resume(optional.tls_port, tls, session)
    assert reused and status == 200 and re.search(r'"X-Consumer-Name", ?"san"', text), text
    # A session without a certificate stays without one.
    tls = context(authority, None, version)
    _, _, session, _ = resume(optional.tls_port, tls, None, "/anybody")
    status, text, _, reused = resume(optional.tls_port, tls, session)
    assert reused and status == 401


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_of_other_authorities_is_not_resumed(weir, authority, origin, server, clients, strangers, known, version):
    """The authority is exchanged by a reload: what it vouched for before is nobody's."""
    document = make_document(origin, server, clients, known, client_auth="optional")
    gateway = weir(document)
    tls = context(authority, known["by-san.test"], version)
    status, _, session, _ = resume(gateway.tls_port, tls, None)
    assert status == 200
    document["listeners"][0]["tls"]["client_ca_file"] = str(strangers.ca_file)
    gateway.reload(document)
    with pytest.raises((ssl.SSLError, ConnectionError, IndexError)):
        status, text, _, reused = resume(gateway.tls_port, tls, session)
        raise AssertionError(f"resumed {reused}: {status} {text}")


def test_mistakes(weir, tmp_path, authority, origin, server, clients, known):
    from kit.gateway import run
    import json

    def check(document):
        (tmp_path / "weir.json").write_text(json.dumps(document))
        return run("check", tmp_path / "weir.json").stderr

    document = make_document(origin, server, clients, known)
    del document["listeners"][0]["tls"]["client_ca_file"]
    assert "no listener asks clients for a certificate" in check(document)
    document["listeners"][0]["tls"]["client_auth"] = "required"
    assert "there is no client_ca_file" in check(document)
    document = make_document(origin, server, clients, known)
    document["listeners"][0]["tls"]["client_ca_file"] = server.key_file
    assert "no certificate in" in check(document)
    document = make_document(origin, server, clients, known)
    document["consumers"].append({"name": "again", "credentials": {"mtls": [{"san": "dns:by-san.test"}, {}]}})
    said = check(document)
    assert 'already the consumer "san"\'s' in said and "needs one of fingerprint, san and subject" in said
