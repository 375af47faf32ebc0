"""Promise: the right certificate for every name, TLS 1.2 and 1.3 and nothing older, new certificates without a restart, and an
upstream is believed only after its certificate has been verified."""

import pathlib
import signal
import socket
import ssl
import threading
import time

import pytest

from kit import config
from kit.certs import Authority
from kit.check import echoed, problem
from kit.client import Client, fetch
from kit.load import Load
from kit.wait import until


@pytest.fixture(scope="module")
def certificates(authority):
    return [authority.issue("one.test"), authority.issue("two.test", "*.wild.test")]


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, certificates):
    return launch(config.to_origin(shared_origin, listeners=[config.listener(certificates=certificates), config.listener()]))


def names_of(client):
    return {value for kind, value in client.sock.getpeercert()["subjectAltName"]}


NAMES = [("one.test", "one.test"), ("two.test", "two.test"), ("ONE.test", "one.test"), ("a.wild.test", "*.wild.test")]


@pytest.mark.parametrize("name, expected", NAMES)
def test_the_certificate_follows_the_name(gateway, authority, origin, name, expected):
    with Client(gateway.tls_port, tls=authority.client_context(), server_name=name) as client:
        assert expected in names_of(client)
        response = client.get("/x", host=name)
        assert [v for n, v in echoed(response)["headers"] if n.lower() == "x-forwarded-proto"] == ["https"]


@pytest.mark.parametrize("name", [None, "unknown.test"])
def test_the_first_certificate_is_for_everyone_else(gateway, authority, name):
    context = authority.client_context()
    context.check_hostname = False
    with Client(gateway.tls_port, tls=context, server_name=name) as client:
        assert "one.test" in names_of(client)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)
def test_versions_1_2_and_1_3_are_spoken(gateway, authority, origin, version):
    context = authority.client_context()
    context.minimum_version = context.maximum_version = version
    with Client(gateway.tls_port, tls=context, server_name="one.test") as client:
        assert client.sock.version() == version.name.replace("_", ".")
        assert client.get("/x", host="one.test").status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=str)
def test_older_versions_are_not(gateway, authority, version):
    context = authority.client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Client(gateway.tls_port, tls=context, server_name="one.test")


def test_alpn_offers_what_is_really_spoken(gateway, authority, origin):
    context = authority.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Client(gateway.tls_port, tls=context, server_name="one.test") as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        assert client.get("/x", host="one.test").status == 200


def test_bodies_pass_through_tls(gateway, authority, origin):
    body = bytes(range(256)) * 8192
    with Client(gateway.tls_port, tls=authority.client_context(), server_name="one.test") as client:
        assert client.request("POST", "/x", "one.test", body=body).json()["body_length"] == len(body)
    origin.on("/big", lambda exchange: exchange.reply(200, body))
    with Client(gateway.tls_port, tls=authority.client_context(), server_name="one.test") as client:
        assert client.get("/big", host="one.test").body == body


def test_a_refusal_can_be_read_though_the_body_was_not(gateway, authority, origin):
    """Closing with bytes unread would reset the connection, and the answer with it."""
    with Client(gateway.tls_port, tls=authority.client_context(), server_name="one.test") as client:
        client.send(b"POST /%2f HTTP/1.1\r\nHost: one.test\r\nContent-Length: 200000\r\n\r\n")
        for _ in range(10):
            client.send(b"x" * 20000)
            time.sleep(0.01)
        assert client.response().status == 400
        assert client.is_closed_by_peer() and not client.wire.was_reset


def test_a_session_can_be_resumed(gateway, authority, origin):
    context = authority.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", gateway.tls_port), timeout=5) as raw:
            with context.wrap_socket(raw, server_hostname="one.test", session=session) as sock:
                sock.sendall(b"GET /x HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n")
                while sock.recv(4096):
                    pass
                resumed, session = sock.session_reused, sock.session
    assert resumed


def test_a_session_of_one_name_is_not_a_pass_for_another(gateway, authority, origin):
    """attacks.md C9: whatever is resumed, the request is judged by the name of this connection."""
    with Client(gateway.tls_port, tls=authority.client_context(), server_name="one.test") as client:
        assert client.get("/x", host="two.test").status == 421


def test_a_new_certificate_is_used_after_a_reload_without_an_error(weir, shared_origin, tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate = authority.issue("one.test", stem="served")
    gateway = weir(config.to_origin(shared_origin, listeners=[config.listener(certificates=[certificate]), config.listener()]))

    def serial():
        with Client(gateway.tls_port, tls=authority.client_context(), server_name="one.test") as client:
            return client.sock.getpeercert()["serialNumber"]

    before = serial()
    with Client(gateway.tls_port, tls=authority.client_context(), server_name="one.test") as kept:
        assert kept.get("/x", host="one.test").status == 200
        with Load(gateway.port, "/load", threads=2) as load:
            authority.issue("one.test", stem="served")
            gateway.reload(gateway.document)
            until("the new certificate is presented", lambda: serial() != before)
            load.wait_for(20)
        load.check()
        assert kept.get("/x", host="one.test").status == 200, "connections of the old certificate go on"


def test_a_bad_certificate_file_keeps_the_old_one(weir, shared_origin, tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate = authority.issue("one.test", stem="served")
    gateway = weir(config.to_origin(shared_origin, listeners=[config.listener(certificates=[certificate])]))
    said = len(gateway.stderr())
    pathlib.Path(certificate.cert_file).write_text("no certificate at all")
    gateway.signal(signal.SIGHUP)
    until("the file is named", lambda: "served.crt" in gateway.stderr()[said:])
    with Client(gateway.tls_port, tls=authority.client_context(), server_name="one.test") as client:
        assert client.get("/x", host="one.test").status == 200


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other"), "somebody else's CA")


UPSTREAM_TLS = {
    "good": ("localhost", {}, 200),
    "good with a given name": ("inner.test", {"server_name": "inner.test"}, 200),
    "another name": ("inner.test", {"server_name": "localhost"}, 502),
    "another authority": ("localhost", {"ca": "other"}, 502),
    "unknown to the system": ("localhost", {"ca": None}, 502),
    "unverified because the file says so": ("whatever.test", {"ca": None, "verify": False}, 200),
}


@pytest.mark.parametrize("certified, settings, status", UPSTREAM_TLS.values(), ids=list(UPSTREAM_TLS))
def test_upstream_certificates_are_verified(weir, new_origin, authority, other_authority, certified, settings, status):
    tls_origin = new_origin(tls=authority.issue(certified).server_context())
    files = {"other": str(other_authority.ca_file), None: None, "ours": str(authority.ca_file)}
    ca_file = files[settings.get("ca", "ours")]
    tls = {k: v for k, v in settings.items() if k != "ca"} | ({"ca_file": ca_file} if ca_file else {})
    gateway = weir(config.document(
        config.route("r", "/**", "https://inner"),
        upstreams=[config.upstream("inner", f"localhost:{tls_origin.port}", tls=tls)],
    ))  # fmt: skip
    response = fetch(gateway.port, "/x")
    assert response.status == status, response
    if status == 502:
        problem(gateway, response, "upstream_tls_failed")
        assert not tls_origin.requests, "not one byte of a request goes to a stranger"
    else:
        assert fetch(gateway.port, "/y", "POST", body=bytes(100000)).json()["body_length"] == 100000


def test_an_upstream_that_speaks_no_tls_is_502(weir, origin):
    gateway = weir(config.document(config.route("r", "/**", f"https://{origin.address}")))
    response = fetch(gateway.port, "/x")
    assert response.status == 502
    problem(gateway, response, "upstream_tls_failed")


def test_a_stray_answer_on_an_idle_tls_connection_is_not_given_to_anyone(weir, new_origin, authority):
    """The same as test_upstream_garbage asks of plain connections: what nobody asked for ends the connection."""
    tls_origin = new_origin(tls=authority.issue("localhost").server_context())
    answered, strayed = threading.Event(), threading.Event()

    def answer_then_more(exchange):
        tls_origin.echo(exchange)
        answered.wait(5)
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")
        strayed.set()

    tls_origin.on("/first", answer_then_more)
    gateway = weir(config.document(
        config.route("r", "/**", "https://inner"), workers=1,
        upstreams=[config.upstream("inner", f"localhost:{tls_origin.port}", tls={"ca_file": str(authority.ca_file)})],
    ))  # fmt: skip
    assert fetch(gateway.port, "/first").json()["target"] == "/first"
    answered.set()
    assert strayed.wait(5)
    for path in ("/second", "/third"):
        assert fetch(gateway.port, path).json()["target"] == path


def test_an_idle_tls_connection_is_used_again(weir, new_origin, authority):
    tls_origin = new_origin(tls=authority.issue("localhost").server_context())
    gateway = weir(config.document(
        config.route("r", "/**", "https://inner"), workers=1,
        upstreams=[config.upstream("inner", f"localhost:{tls_origin.port}", tls={"ca_file": str(authority.ca_file)})],
    ))  # fmt: skip
    assert len({fetch(gateway.port, "/x").json()["connection"] for _ in range(10)}) == 1
