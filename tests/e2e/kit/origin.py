"""A scripted HTTP/1.1 origin on 127.0.0.1: one thread per connection, every byte it receives recorded, so that a test can
say exactly what reached the upstream. Unscripted paths are answered by an echo of the request as JSON."""

import contextlib
import hashlib
import json
import socket
import threading

from .message import Request
from .wait import until
from .wire import Closed, Wire, WireError, shut

# Enough for any smuggling test; large bodies are counted and hashed, not kept.
KEPT_BYTES = 1 << 20


class Exchange:
    """One request the origin is answering; handlers get this."""

    def __init__(self, connection, request):
        self.connection = connection
        self.request = request
        self.sha256 = hashlib.sha256()
        self.body_length = 0
        self.closing = "close" in request.tokens("connection") or request.version == "HTTP/1.0"

    def read_body(self):
        """Reads the request body to its end; what is kept of it is at most KEPT_BYTES."""
        request, kept = self.request, bytearray()

        def sink(piece):
            self.sha256.update(piece)
            self.body_length += len(piece)
            if len(kept) < KEPT_BYTES:
                kept.extend(piece)

        if request.complete:
            return request.body
        if request.tokens("transfer-encoding"):
            if request.tokens("transfer-encoding") != ["chunked"] or request.has("content-length"):
                raise WireError(f"ambiguous framing reached the origin: {request}")
            _, request.trailers = self.connection.wire.chunked(sink)
        elif (length := request.get("content-length")) is not None:
            self.connection.wire.exactly(int(length), sink)
        request.body = bytes(kept)
        request.complete = True
        return request.body

    def send(self, data):
        self.connection.wire.sock.sendall(data)

    def reply(self, status=200, body=b"", headers=(), reason="OK"):
        """A well-formed response with a Content-Length, after the request body has been read."""
        self.read_body()
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
        if status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if self.request.method == "HEAD" else body))

    def close(self):
        self.closing = True


class Connection:
    def __init__(self, origin, sock, number):
        self.number = number
        self.wire = Wire(sock, origin._record)


class Origin:
    def __init__(self, name="origin", tls=None, receive_buffer=None):
        self.name = name
        self.tls = tls
        self._lock = threading.Lock()
        self._open = {}
        self._stopped = False
        self._numbers = 0
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http{'s' if tls else ''}://{self.address}"
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self):
        """Forgets scripts and records; open connections stay."""
        with self._lock:
            self.requests = []
            self.received = bytearray()
            self.received_total = 0
            self.accepted = 0
            self.errors = []
            self._handlers = {}
            self._connection_handler = None

    def on(self, path, handler):
        """`handler(exchange)` answers requests whose path (as the origin receives it, without query) is `path`."""
        self._handlers[path] = handler

    def answer(self, path, raw, close=False):
        """Requests for `path` are read to their end and answered with exactly these bytes."""

        def handler(exchange):
            exchange.read_body()
            exchange.send(raw)
            exchange.closing |= close

        self.on(path, handler)

    def on_connection(self, handler):
        """`handler(socket)` owns every connection accepted from now on."""
        self._connection_handler = handler

    def wait_for_requests(self, count=1, complete=True, seconds=20):
        def probe():
            return len([r for r in self.requests if r.complete or not complete]) >= count

        until(f"{count} requests at the origin, there are {self.requests}", probe, seconds)
        return self.requests

    def open_connections(self):
        with self._lock:
            return len(self._open)

    def close_connections(self):
        """Closes every connection from the origin's side, idle ones too."""
        with self._lock:
            sockets = list(self._open.values())
        for sock in sockets:
            shut(sock)
        until("the origin's connections have ended", lambda: not self.open_connections())

    def stop(self):
        self._stopped = True
        shut(self.listener)
        with self._lock:
            sockets = list(self._open.values())
        for sock in sockets:
            shut(sock)

    def _record(self, data):
        with self._lock:
            self.received_total += len(data)
            if len(self.received) < KEPT_BYTES:
                self.received += data

    def _accept(self):
        while not self._stopped:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self._numbers += 1
                number = self._numbers
                self.accepted += 1
                self._open[number] = sock
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock, number):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
                with self._lock:
                    self._open[number] = sock
            if self._connection_handler:
                self._connection_handler(sock)
                return
            connection = Connection(self, sock, number)
            while self._one(connection):
                pass
        except WireError as error:
            self.errors.append(f"{error} after {bytes(connection.wire.buffer[:200])!r}")
        except (Closed, OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.pop(number, None)
            shut(sock)

    def _one(self, connection):
        wire = connection.wire
        if not wire.buffer and not wire.fill():
            return False
        line = wire.line()
        parts = line.decode("latin-1").split(" ")
        if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise WireError(f"not a request line: {line[:200]!r}")
        request = Request(*parts, wire.fields())
        request.connection = connection.number
        exchange = Exchange(connection, request)
        if not (request.has("content-length") or request.has("transfer-encoding")):
            request.complete = True
        self.requests.append(request)
        self._handlers.get(request.path, self.echo)(exchange)
        return not exchange.closing

    def echo(self, exchange):
        """The default answer: what was received, as JSON."""
        request = exchange.request
        if "100-continue" in request.tokens("expect"):
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        with contextlib.suppress(Closed):
            exchange.read_body()
        if not request.complete:
            exchange.close()
            return
        said = {
            "origin": self.name,
            "connection": request.connection,
            "method": request.method,
            "target": request.target,
            "headers": request.headers,
            "trailers": request.trailers,
            "body_length": exchange.body_length,
            "body_sha256": exchange.sha256.hexdigest(),
            "body": request.body[:4096].decode("latin-1"),
        }
        exchange.reply(200, json.dumps(said).encode(), [("Content-Type", "application/json")])
