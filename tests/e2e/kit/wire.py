"""A socket with a buffer and the HTTP/1.1 framing both ends of the tests need. Deliberately fussy: bytes that a strict
peer would not accept raise WireError, so that a sloppy gateway is caught by whatever test first meets it."""

import re
import socket


class WireError(Exception):
    """The peer sent something that is not well-formed HTTP/1.1."""


class Closed(Exception):
    """The peer closed (or reset) the connection in the middle of something."""


FIELD = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$", re.DOTALL)


class Wire:
    def __init__(self, sock, on_bytes=None):
        self.sock = sock
        self.buffer = bytearray()
        self.on_bytes = on_bytes
        self.eof = False
        self.was_reset = False

    def fill(self, size=65536):
        """Reads once; False at the end of the stream (a reset counts as the end and is remembered in was_reset)."""
        if self.eof:
            return False
        try:
            data = self.sock.recv(size)
        except (ConnectionResetError, BrokenPipeError):
            self.was_reset, data = True, b""
        if not data:
            self.eof = True
            return False
        if self.on_bytes:
            self.on_bytes(data)
        self.buffer += data
        return True

    def _need(self):
        if not self.fill():
            raise Closed("reset" if self.was_reset else "closed")

    def line(self):
        """One line without its CRLF."""
        start = 0
        while True:
            end = self.buffer.find(b"\n", start)
            if end >= 0:
                break
            start = len(self.buffer)
            self._need()
        line = bytes(self.buffer[: end + 1])
        del self.buffer[: end + 1]
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise WireError(f"a line that does not end in CRLF: {line[:200]!r}")
        return line[:-2]

    def exactly(self, count, sink=None):
        """`count` bytes, returned, or given to `sink` piece by piece."""
        if sink is None:
            while len(self.buffer) < count:
                self._need()
            data = bytes(self.buffer[:count])
            del self.buffer[:count]
            return data
        while count:
            if not self.buffer:
                self._need()
            piece = bytes(self.buffer[:count])
            del self.buffer[: len(piece)]
            count -= len(piece)
            sink(piece)
        return b""

    def to_end(self):
        while self.fill():
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def fields(self):
        """Field lines up to and including the empty line, as a list of (name, value) strings."""
        found = []
        while line := self.line():
            match = FIELD.match(line)
            if not match or b"\0" in line:
                raise WireError(f"not a field line: {line[:200]!r}")
            found.append((match[1].decode(), match[2].decode("latin-1")))
        return found

    def chunked(self, sink=None):
        """A chunked body and its trailer section: (bytes, fields)."""
        body = bytearray()
        while True:
            size = self.line().split(b";")[0]
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
                raise WireError(f"not a chunk size: {size!r}")
            count = int(size, 16)
            if count == 0:
                return bytes(body), self.fields()
            body += self.exactly(count, sink)
            if self.exactly(2) != b"\r\n":
                raise WireError("a chunk that does not end in CRLF")


def shut(sock):
    """Ends a connection whatever state it is in; wakes a thread that is reading from it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()
