"""Promise: curl, as people use it, gets through Weir what it would get from the origin itself."""

import gzip
import json
import subprocess

import pytest

from kit import config


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, authority):
    listeners = [config.listener(), config.listener(certificates=[authority.issue("localhost")])]
    return launch(config.to_origin(shared_origin, listeners=listeners))


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", "10", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_get_and_forms(gateway, origin):
    url = f"http://127.0.0.1:{gateway.port}"
    assert json.loads(curl(f"{url}/a?b=c"))["target"] == "/a?b=c"
    assert json.loads(curl("-d", "x=1", f"{url}/form"))["body"] == "x=1"
    assert b"filename=" in curl("-F", "file=@/etc/hostname", f"{url}/form")
    assert json.loads(curl("-X", "DELETE", f"{url}/x"))["method"] == "DELETE"


def test_several_urls_share_a_connection(gateway, origin):
    url = f"http://127.0.0.1:{gateway.port}"
    shown = curl("-w", "%{num_connects} ", "-o", "/dev/null", f"{url}/1", "-o", "/dev/null", f"{url}/2", "-o", "/dev/null", f"{url}/3")
    assert shown.split() == [b"1", b"0", b"0"]


def test_http_1_0_and_head(gateway, origin):
    url = f"http://127.0.0.1:{gateway.port}"
    assert json.loads(curl("--http1.0", f"{url}/x"))["target"] == "/x"
    head = curl("-I", f"{url}/x")
    assert head.startswith(b"HTTP/1.1 200 ") and b"x-request-id:" in head.lower()


def test_an_offer_of_http_2_is_declined_politely(gateway, origin):
    url = f"http://127.0.0.1:{gateway.port}"
    shown = curl("--http2", "-w", "%{http_version}", "-o", "/dev/null", f"{url}/x")
    assert shown == b"1.1"


def test_https_by_name(gateway, origin, authority):
    shown = curl("--cacert", authority.ca_file, "--http2", "-w", "%{http_version} %{ssl_verify_result}", "-o", "/dev/null",
                 "--resolve", f"localhost:{gateway.tls_port}:127.0.0.1", f"https://localhost:{gateway.tls_port}/x")  # fmt: skip
    assert shown == b"1.1 0"


def test_ranges_and_conditions_pass(gateway, origin):
    origin.answer("/file", b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-2/5\r\nContent-Length: 2\r\nETag: \"v1\"\r\n\r\nel")
    assert curl("-r", "1-2", f"http://127.0.0.1:{gateway.port}/file") == b"el"
    assert [v for n, v in origin.requests[0].headers if n.lower() == "range"] == ["bytes=1-2"]
    origin.answer("/file", b"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n")
    shown = curl("-H", 'If-None-Match: "v1"', "-w", "%{http_code}", f"http://127.0.0.1:{gateway.port}/file")
    assert shown == b"304"


def test_a_compressed_body_passes_untouched(gateway, origin):
    packed = gzip.compress(b"hello" * 100)
    origin.answer("/z", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed))
    assert curl("--compressed", f"http://127.0.0.1:{gateway.port}/z") == b"hello" * 100
    assert curl(f"http://127.0.0.1:{gateway.port}/z") == packed
