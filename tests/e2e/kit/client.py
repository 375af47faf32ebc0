"""A raw HTTP/1.1 client: sends exactly the bytes a test gives it, in the pieces a test gives it, and reads responses."""

import contextlib
import re
import socket
import struct
import time

from .message import Response
from .wait import SCALE
from .wire import Closed, Wire, WireError, shut

IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; Python has no name for it
STATUS_LINE = re.compile(rb"^(HTTP/1\.[01]) (\d{3}) ?([\x20-\x7e]*)$")


class Client:
    """One connection. Every blocking call fails after `timeout` seconds."""

    def __init__(self, port, tls=None, server_name=None, source="127.0.0.1", timeout=20, receive_buffer=None):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(timeout * SCALE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            # The port is chosen by connect(): a bound one is taken for every destination, also long after it was closed.
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
            sock.connect(("127.0.0.1", port))
            self.sock = tls.wrap_socket(sock, server_hostname=server_name) if tls else sock
        except BaseException:
            sock.close()
            raise
        self.wire = Wire(self.sock)
        self.address = f"{source}:{self.sock.getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        shut(self.sock)

    def reset(self):
        """Ends it with RST: gone for good, where FIN could still mean `I have said all and am listening`."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data):
        """All of `data`; a peer that has hung up is not an error here, reading will tell."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(data)
        return self

    def send_pieces(self, data, size, pause=0.0):
        """`data` in pieces of `size` bytes, each its own segment as far as the kernel allows."""
        assert size > 0
        for start in range(0, len(data), size):
            self.send(data[start : start + size])
            if pause:
                time.sleep(pause)
        return self

    def get(self, path="/", host="localhost", headers=()):
        return self.request("GET", path, host, headers)

    def request(self, method, path="/", host="localhost", headers=(), body=None):
        self.send(request_bytes(method, path, host, headers, body))
        return self.response(method)

    def head(self):
        """The next response head, interim or final, without its body."""
        line = self.wire.line()
        match = STATUS_LINE.match(line)
        if not match:
            raise WireError(f"not a status line: {line[:200]!r}")
        return Response(match[1].decode(), int(match[2]), match[3].decode(), self.wire.fields())

    def response(self, method="GET", sink=None):
        """The next final response with its body; interim ones are kept in .interim. `sink` takes the body in pieces."""
        interim = []
        response = self.head()
        while 100 <= response.status < 200 and response.status != 101:
            interim.append(response)
            response = self.head()
        response.interim = interim
        coding = response.tokens("transfer-encoding")
        length = response.get("content-length")
        if coding and length is not None:
            raise WireError("a response with both Content-Length and Transfer-Encoding")
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        if coding:
            assert coding == ["chunked"], coding
            response.body, response.trailers = self.wire.chunked(sink)
        elif length is not None:
            response.body = self.wire.exactly(int(length), sink)
        elif sink:
            while self.wire.buffer or self.wire.fill():
                sink(bytes(self.wire.buffer))
                self.wire.buffer.clear()
        else:
            response.body = self.wire.to_end()
        return response

    def responses_until_close(self):
        """Every response until the gateway closes."""
        found = []
        while self.wire.buffer or self.wire.fill():
            found.append(self.response())
        return found

    def is_closed_by_peer(self, seconds=5.0):
        """True once the peer has closed or reset; False if it is still open after `seconds`. Bytes that come are kept."""
        deadline = time.monotonic() + seconds * SCALE
        before = self.sock.gettimeout()
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.sock.settimeout(left)
                if not self.wire.fill():
                    return True
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(before)
        return False


def request_bytes(method, path="/", host="localhost", headers=(), body=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers.items() if isinstance(headers, dict) else headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def fetch(port, path="/", method="GET", host="localhost", headers=(), body=None, **connection):
    """One request on a connection of its own."""
    with Client(port, **connection) as client:
        return client.request(method, path, host, headers, body)


def exchange(port, raw, method="GET", **connection):
    """Sends bytes on a new connection and reads one response."""
    with Client(port, **connection) as client:
        return client.send(raw).response(method)


__all__ = ["Client", "Closed", "WireError", "exchange", "fetch", "request_bytes"]
