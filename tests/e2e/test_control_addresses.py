"""Promise: what answers on the address of operators is one process, also after a mistake; and with TLS only who has a certificate gets
as far as showing a token."""

import pytest

from kit import config
from kit.certs import Authority
from kit.control import token_of
from kit.operator import Operator
from kit.wait import SCALE, until


def make_document(**control):
    return config.document(
        config.respond("x", "/x", body="x"), control={"address": f"127.0.0.1:{config.free_port()}", "database": "weir.db"} | control,
        state_dir="state",
    )  # fmt: skip


@pytest.mark.parametrize("section", ["control", "admin"])
def test_a_second_process_is_told_that_the_address_is_in_use(weir, section):
    first = make_document()
    first["admin"] = {"address": f"127.0.0.1:{config.free_port()}"}
    weir(first)
    second = make_document()
    second[section] = {**second.get(section, {}), "address": first[section]["address"]}
    late = weir(second, wait=False)
    assert late.process.wait(20 * SCALE) == 1
    assert "in use" in late.stderr() and section in late.stderr(), late.stderr()
    late.kill()


def test_tls_and_a_certificate_of_the_operator(weir, authority, tmp_path):
    server, clients = authority.issue("127.0.0.1"), Authority(tmp_path / "clients", "operators")
    mine, stranger = clients.issue("ann.example"), Authority(tmp_path / "strangers").issue("ann.example")
    tls = {"certificates": [{"cert_file": server.cert_file, "key_file": server.key_file}], "client_ca_file": str(clients.ca_file)}
    document = make_document(tls=tls)
    gateway = weir(document)
    port = int(document["control"]["address"].rpartition(":")[2])
    token = until("the token", lambda: token_of(gateway.stderr()))
    weir_cli = Operator(tmp_path, port, token)
    weir_cli.environment["WEIR_SERVER"] = f"https://127.0.0.1:{port}"
    trust = ("--ca-file", server.ca_file)

    def shown(certificate):
        return (*trust, "--cert-file", certificate.cert_file, "--key-file", certificate.key_file)

    assert "1" in weir_cli("status", *shown(mine)).stdout
    weir_cli.write("r.yaml", "routes: [{route_id: y, path_pattern: /y, plugin_chain: [{name: respond, config: {body: y}}]}]")
    weir_cli("apply", "-f", "r.yaml", "--yes", *shown(mine))
    for arguments, word in ((shown(stranger), ""), (trust, ""), (("--cert-file", mine.cert_file, "--key-file", mine.key_file), "certificate")):
        failed = weir_cli("status", *arguments, exit_code=3)
        assert word in failed.stderr and token not in failed.stderr, failed.stderr
