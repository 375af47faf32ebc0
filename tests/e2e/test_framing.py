"""Promise: no byte sequence makes Weir and an upstream disagree about where a request ends (attacks.md A1-A9). Whatever two
parsers could read differently is answered with one 400 (501 for an unknown coding, 431 for size), the connection is closed,
and nothing complete reaches the upstream."""

import pytest

from kit import config
from kit.check import echoed, refused, still_serves, untouched
from kit.client import Client

make_document = config.to_origin

NEXT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def post(*lines, body=b""):
    return POST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def get(*lines, version=b"1.1"):
    return b"GET /g HTTP/" + version + b"\r\nHost: a\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


TWICE = {
    "A1 length then chunked": post(b"Content-Length: 13", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + NEXT),
    "A1 chunked then length": post(b"Transfer-Encoding: chunked", b"Content-Length: 6", body=b"0\r\n\r\nG" + NEXT),
    "A1 length 0 and chunked": post(b"Content-Length: 0", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + NEXT),
    "A1 on GET": get(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + NEXT,
    "A1 odd case": post(b"content-LENGTH: 5", b"tRANSFER-eNCODING: chunked", body=b"0\r\n\r\n" + NEXT),
    "A2 two lengths": post(b"Content-Length: 5", b"Content-Length: 10", body=b"hello" + NEXT),
    "A2 two equal lengths": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello" + NEXT),
    "A2 list": post(b"Content-Length: 5, 10", body=b"hello" + NEXT),
    "A2 equal list": post(b"Content-Length: 5,5", body=b"hello" + NEXT),
}

LENGTHS = [b"+5", b"-1", b"-5", b"0x10", b"0x5", b"1_0", b"5 5", b"", b" ", b"18446744073709551616", b"18446744073709551621",
           b"99999999999999999999999", b"5;", b"5.0", b"5e0", b"five", b"\xb25", b"5\x00", b"5\x0b", b"\"5\"", b"5,"]  # fmt: skip

CODINGS = {
    "xchunked": [b"Transfer-Encoding: xchunked"],
    "empty member first": [b"Transfer-Encoding: ,chunked"],
    "empty member last": [b"Transfer-Encoding: chunked,"],
    "chunked, identity": [b"Transfer-Encoding: chunked, identity"],
    "identity, chunked": [b"Transfer-Encoding: identity, chunked"],
    "identity": [b"Transfer-Encoding: identity"],
    "gzip, chunked": [b"Transfer-Encoding: gzip, chunked"],
    "chunked, xchunked": [b"Transfer-Encoding: chunked, xchunked"],
    "chunked, chunked": [b"Transfer-Encoding: chunked, chunked"],
    "parameter": [b"Transfer-Encoding: chunked;q=1"],
    "vertical tab": [b"Transfer-Encoding: \x0bchunked"],
    "form feed after": [b"Transfer-Encoding: chunked\x0c"],
    "quoted": [b'Transfer-Encoding: "chunked"'],
    "empty": [b"Transfer-Encoding:"],
    "two lines": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
    "two lines, second unknown": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: cow"],
    "folded": [b"Transfer-Encoding:\r\n chunked"],
    "folded with tab": [b"Transfer-Encoding: chunked\r\n\tidentity"],
    "space before colon": [b"Transfer-Encoding : chunked"],
    "high byte": [b"Transfer-Encoding: chunk\xe9d"],
}

CHUNKS = {
    "space before size": b" 5\r\nhello\r\n0\r\n\r\n",
    "space after size": b"5 \r\nhello\r\n0\r\n\r\n",
    "tab before size": b"\t5\r\nhello\r\n0\r\n\r\n",
    "plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"5_0\r\nhello\r\n0\r\n\r\n",
    "17 digits": b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "2^64": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "no digits": b"\r\nhello\r\n0\r\n\r\n",
    "not hex": b"5g\r\nhello\r\n0\r\n\r\n",
    "extension without size": b";a=b\r\nhello\r\n0\r\n\r\n",
    "size ended by LF": b"5\nhello\r\n0\r\n\r\n",
    "size ended by CR": b"5\rhello\r\n0\r\n\r\n",
    "extension ended by LF": b"5;a\nhello\r\n0\r\n\r\n",
    "extension ended by CR": b"5;a\rX\r\nhello\r\n0\r\n\r\n",
    "extension hides a chunk": b"2;\nxx\r\n4c\r\n0\r\n\r\n",
    "NUL in extension": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "64 KiB extension": b"5;" + b"a" * 65536 + b"\r\nhello\r\n0\r\n\r\n",
    "extensions over many chunks": b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n" * 2048 + b"0\r\n\r\n",
    "last chunk by LF": b"5\r\nhello\r\n0\n\r\n",
    "end by LF": b"5\r\nhello\r\n0\r\n\n",
    "no CRLF after data": b"5\r\nhello0\r\n\r\n",
    "LF after data": b"5\r\nhello\n0\r\n\r\n",
    "data longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
    "trailer without colon": b"5\r\nhello\r\n0\r\nbad\r\n\r\n",
    "folded trailer": b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n",
    "space before trailer colon": b"5\r\nhello\r\n0\r\nA : b\r\n\r\n",
    "NUL in trailer": b"5\r\nhello\r\n0\r\nA: \0\r\n\r\n",
}

FIELDS = {
    "A7 NUL in value": get(b"X: a\0b"),
    "A7 NUL in name": get(b"X\0Y: a"),
    "A7 bare CR in value": get(b"X: a\rY: b"),
    "A7 bare CR at the end": get(b"X: a\r"),
    "A7 CR before LF twice": b"GET /g HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n",
    "A7 bare LF": b"GET /g HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "A7 bare LF after request line": b"GET /g HTTP/1.1\nHost: a\r\n\r\n",
    "A7 bare LF at the end": b"GET /g HTTP/1.1\r\nHost: a\r\n\n",
    "A7 LF LF": b"GET /g HTTP/1.1\nHost: a\n\n",
    "A7 fold": get(b"X: a", b" b"),
    "A7 fold with tab": get(b"X: a", b"\tb"),
    "A7 fold of Host": b"GET /g HTTP/1.1\r\nHost:\r\n a\r\n\r\n",
    "A7 other control byte": get(b"X: a\x01b"),
    "A7 DEL": get(b"X: a\x7fb"),
    "A8 space before colon": b"GET /g HTTP/1.1\r\nHost : a\r\n\r\n",
    "A8 tab before colon": get(b"X\t: a"),
    "A8 empty name": get(b": x"),
    "A8 empty name hides length": post(b": x", b"Content-Length: 5", body=b"hello"),
    "A8 leading space in first field": b"GET /g HTTP/1.1\r\n Host: a\r\n\r\n",
    "A8 leading tab in first field": b"GET /g HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n",
    "A8 no colon": get(b"X"),
    "A8 space in name": get(b"X Y: a"),
    "A8 name not a token": get(b"X(: a"),
    "A8 high byte in name": get(b"X\xe9: a"),
}

LINES = {
    "no version": b"GET /g\r\nHost: a\r\n\r\n",
    "two spaces": b"GET  /g HTTP/1.1\r\nHost: a\r\n\r\n",
    "space at the end": b"GET /g HTTP/1.1 \r\nHost: a\r\n\r\n",
    "tab": b"GET\t/g\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "lower-case version": b"GET /g http/1.1\r\nHost: a\r\n\r\n",
    "version 1.10": b"GET /g HTTP/1.10\r\nHost: a\r\n\r\n",
    "version 01.1": b"GET /g HTTP/01.1\r\nHost: a\r\n\r\n",
    "method not a token": b"G(T /g HTTP/1.1\r\nHost: a\r\n\r\n",
    "no method": b" /g HTTP/1.1\r\nHost: a\r\n\r\n",
    "leading CR": b"\rGET /g HTTP/1.1\r\nHost: a\r\n\r\n",
    "leading space": b" GET /g HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS record": bytes([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]) + bytes(189) + b"\r\n\r\n",
}


def cases(table):
    return pytest.mark.parametrize("raw", table.values(), ids=list(table))


@cases(TWICE)
def test_two_lengths_are_refused(gateway, origin, raw):
    still_serves(gateway)  # leaves a pooled upstream connection that must not be touched
    origin.reset()
    refused(gateway, origin, raw, reason="bad_request")
    untouched(origin)


@pytest.mark.parametrize("value", LENGTHS, ids=repr)
def test_a_length_that_is_not_one_run_of_digits_is_refused(gateway, origin, value):
    refused(gateway, origin, post(b"Content-Length: " + value, body=b"hello" + NEXT), reason="bad_request")
    untouched(origin)


@pytest.mark.parametrize("lines", CODINGS.values(), ids=list(CODINGS))
def test_a_coding_other_than_chunked_is_refused(gateway, origin, lines):
    refused(gateway, origin, post(*lines, body=b"5\r\nhello\r\n0\r\n\r\n" + NEXT), statuses=(400, 501))
    untouched(origin)


def test_chunked_with_http_1_0_is_refused(gateway, origin):
    raw = b"POST /p HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + NEXT
    refused(gateway, origin, raw, reason="bad_request")
    untouched(origin)


@pytest.mark.parametrize("body", CHUNKS.values(), ids=list(CHUNKS))
def test_a_malformed_chunk_is_refused_and_its_request_never_completes(gateway, origin, body):
    refused(gateway, origin, CHUNKED + body + NEXT, statuses=(400, 431), reason=None)
    still_serves(gateway)


@cases(FIELDS)
def test_a_malformed_field_is_refused(gateway, origin, raw):
    refused(gateway, origin, raw + NEXT, reason="bad_request")
    untouched(origin)


@cases(LINES)
def test_a_malformed_request_line_is_refused(gateway, origin, raw):
    refused(gateway, origin, raw + NEXT, statuses=(400, 505))
    untouched(origin)


OVERSIZE = {
    "64 KiB name": get(b"X" * 65537 + b": a"),
    "64 KiB value": get(b"X: " + b"a" * 65537),
    "10,000 fields": get(*[b"X%d: a" % n for n in range(10000)]),
    "101 small fields": get(*[b"X: a"] * 101),
    "1 MiB of one line": get(b"X: " + b"a" * (1 << 20)),
}


@cases(OVERSIZE)
def test_too_large_a_head_is_431(gateway, origin, raw):
    refused(gateway, origin, raw, statuses=(431,), reason="headers_too_large")
    untouched(origin)


def test_too_long_a_target_is_414(gateway, origin):
    raw = b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    refused(gateway, origin, raw, statuses=(414,), reason="uri_too_long")
    untouched(origin)


def test_an_unknown_major_version_is_505(gateway, origin):
    refused(gateway, origin, get(version=b"3.0"), statuses=(505,), reason="unsupported_version")


ANY_PIECES = {
    "two lengths": TWICE["A1 length then chunked"],
    "folded coding": post(*CODINGS["folded"]),
    "LF chunk size": CHUNKED + CHUNKS["size ended by LF"],
    "no CRLF after data": CHUNKED + CHUNKS["no CRLF after data"],
    "bare CR": FIELDS["A7 bare CR in value"],
}


@pytest.mark.parametrize("piece", [1, 7])
@cases(ANY_PIECES)
def test_the_verdict_does_not_depend_on_segments(gateway, origin, raw, piece):
    refused(gateway, origin, raw, piece=piece)


GOOD = {
    "length": post(b"Content-Length: 5", body=b"hello"),
    "leading zero length": post(b"Content-Length: 05", body=b"hello"),
    "chunked": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "Chunked": post(b"Transfer-Encoding: Chunked", body=b"5\r\nhello\r\n0\r\n\r\n"),
    "many chunks": CHUNKED + b"".join(b"1\r\n%c\r\n" % c for c in b"hello") + b"0\r\n\r\n",
    "extensions": CHUNKED + b'2;a=b\r\nhe\r\n0003;c="d"\r\nllo\r\n000\r\n\r\n',
    "empty line first": b"\r\n" + post(b"Content-Length: 5", body=b"hello"),
}


@pytest.mark.parametrize("piece", [100000, 1])
@cases(GOOD)
def test_well_formed_bodies_pass_whole_and_the_connection_stays(gateway, origin, raw, piece):
    with Client(gateway.port) as client:
        for _ in range(2):
            said = echoed(client.send_pieces(raw, piece).response())
            assert (said["method"], said["body"], said["body_length"]) == ("POST", "hello", 5)
        assert echoed(client.get("/after"))["target"] == "/after"
