#!/usr/bin/env python3
"""Five small services to put a gateway in front of: `./dev run` starts them, tests may too. Standard library only.

  users 9001 · orders 9002 · notifications 9003 (/stream: Server-Sent Events, /ws: WebSocket echo)
  recommendations 9004 (a path under /next is answered by the "next" model, for the canary) · banners 9005

Each keeps a few records in memory: GET lists or shows, POST creates, PUT replaces, DELETE removes, and /headers shows the
request as it arrived, so that one sees what the gateway added. A prefix /api/v1 or /v2 before the path is accepted.
The first port is 9001 or the environment's WEIR_DEMO_BASE. One thread per connection: made to be read, not to be fast.
"""

import base64
import hashlib
import json
import os
import re
import signal
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BASE = int(os.environ.get("WEIR_DEMO_BASE", "9001"))
PATH = re.compile(r"^(?P<next>/next)?(?:/api/v1|/v2)?(?:/(?P<kind>[a-z]+))?(?:/(?P<key>[\w.-]+))?/?$")
BODY_LIMIT = 1 << 20  # 1 MiB: records are small, and a demo should not be a way to fill the memory.
FRAME_LIMIT = 1 << 16  # 64 KiB per WebSocket frame, for the same reason.
WEBSOCKET_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3

RECORDS = {
    "users": {
        "1": {"name": "Amina Diallo", "email": "amina@example.com", "city": "Dakar", "since": "2021-03-14"},
        "2": {"name": "Jonas Berg", "email": "jonas@example.com", "city": "Bergen", "since": "2022-11-02"},
        "3": {"name": "Mei Tanaka", "email": "mei@example.com", "city": "Osaka", "since": "2024-06-30"},
    },
    "orders": {
        "1001": {"user": "2", "state": "shipped", "total": {"amount": "84.90", "currency": "EUR"},
                 "lines": [{"sku": "KETTLE-17", "quantity": 1}, {"sku": "TEA-SENCHA-250", "quantity": 3}]},
        "1002": {"user": "1", "state": "paid", "total": {"amount": "12.00", "currency": "EUR"},
                 "lines": [{"sku": "MUG-BLUE", "quantity": 1}]},
    },
    "notifications": {
        "n1": {"user": "2", "text": "Your order 1001 is on its way", "read": False},
        "n2": {"user": "1", "text": "Welcome back, Amina", "read": True},
    },
    "recommendations": {
        "1": {"items": ["TEAPOT-CAST-IRON", "MUG-GREEN"]},
        "2": {"items": ["TEA-GENMAICHA-100", "KETTLE-DESCALER"]},
        "3": {"items": ["WHISK-BAMBOO"]},
    },
    "banners": {
        "autumn": {"title": "Autumn teas are here", "link": "/teas/autumn", "until": "2027-11-30"},
        "shipping": {"title": "Free shipping above 50 EUR", "link": "/help/shipping", "until": None},
    },
}


class Service(BaseHTTPRequestHandler):
    """One request after another of one connection. The subclass made in main() names the service."""

    protocol_version = "HTTP/1.1"
    timeout = 75  # seconds without a request; longer than the gateway keeps idle upstream connections.
    kind = ""
    lock = threading.Lock()

    def version_string(self):
        return "weir-demo"

    def do_GET(self):
        path = self.path.partition("?")[0]
        if self.kind == "notifications" and path.endswith("/stream"):
            return self.stream()
        if self.kind == "notifications" and path.endswith("/ws"):
            return self.websocket()
        if path.endswith("/headers"):
            return self.answer(200, {"service": self.kind, "method": self.command, "path": self.path,
                                     "headers": [list(item) for item in self.headers.items()]})
        if path.endswith("/health"):
            return self.answer(200, {"service": self.kind, "state": "ok"})
        record, key, model = self.find()
        if record is None:
            return self.answer(404, {"error": f"{self.kind}: nothing at {self.path}"})
        if self.kind == "recommendations" and key:
            record = dict(record, model="next" if model else "current")
        return self.answer(200, record)

    do_HEAD = do_GET

    def do_POST(self):
        body = self.body()
        if body is None:
            return None
        with self.lock:
            key = str(len(RECORDS[self.kind]) + 1)
            while key in RECORDS[self.kind]:
                key += "0"
            RECORDS[self.kind][key] = body
        return self.answer(201, dict(body, id=key), {"Location": f"/api/v1/{self.kind}/{key}"})

    def do_PUT(self):
        body, (_, key, _) = self.body(), self.find()
        if body is None:
            return None
        if not key:
            return self.answer(405, {"error": "PUT replaces one record: name it in the path"}, {"Allow": "GET, HEAD, POST"})
        with self.lock:
            RECORDS[self.kind][key] = body
        return self.answer(200, dict(body, id=key))

    def do_DELETE(self):
        _, key, _ = self.find()
        with self.lock:
            gone = RECORDS[self.kind].pop(key, None)
        return self.answer(204 if gone else 404, None if gone else {"error": f"{self.kind}: nothing at {self.path}"})

    def find(self):
        """What the path names: (the record or the whole list or None, its key, whether the path is under /next)."""
        match = PATH.match(self.path.partition("?")[0])
        if not match or match["kind"] not in (None, self.kind):
            return None, None, False
        with self.lock:
            records = RECORDS[self.kind]
            if not match["key"]:
                return {self.kind: [dict(value, id=key) for key, value in records.items()]}, None, bool(match["next"])
            record = records.get(match["key"])
            return record and dict(record, id=match["key"]), match["key"], bool(match["next"])

    def body(self):
        """The JSON object of the request, or None when an answer with the reason has been sent already."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raw = self.chunks()
        else:
            length = int(self.headers.get("Content-Length", "0"))
            raw = self.rfile.read(length) if length <= BODY_LIMIT else None
        if raw is None:
            self.close_connection = True
            return self.answer(413, {"error": f"more than {BODY_LIMIT} bytes"})
        try:
            value = json.loads(raw or b"{}")
        except ValueError as error:
            return self.answer(400, {"error": f"not JSON: {error}"})
        return value if isinstance(value, dict) else self.answer(400, {"error": "expected a JSON object"})

    def chunks(self):
        data = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if len(data) + size > BODY_LIMIT:
                return None
            data += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return data

    def answer(self, status, value, headers=None):
        raw = b"" if value is None else json.dumps(value, ensure_ascii=False).encode() + b"\n"
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def stream(self):
        """One event a second until the client leaves; a client that comes back (Last-Event-ID) continues where it was."""
        last = self.headers.get("Last-Event-ID", "0")
        number = int(last) if last.isdigit() else 0
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while self.command != "HEAD":
            number += 1
            event = f"id: {number}\nevent: notification\ndata: {json.dumps({'number': number, 'text': 'A parcel moved'})}\n\n"
            self.wfile.write(f"{len(event):x}\r\n{event}\r\n".encode())
            time.sleep(1)

    def websocket(self):
        """RFC 6455, just enough: unfragmented text and binary frames come back, ping is answered, close closes."""
        self.close_connection = True
        key = self.headers.get("Sec-WebSocket-Key")
        if self.headers.get("Upgrade", "").lower() != "websocket" or not key:
            return self.answer(426, {"error": "this is a WebSocket"}, {"Upgrade": "websocket", "Connection": "Upgrade"})
        accept = base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET_KEY).digest()).decode()
        self.send_response(101)
        for name, text in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)):
            self.send_header(name, text)
        self.end_headers()
        while (head := self.rfile.read(2)) and len(head) == 2:
            opcode, size = head[0] & 15, head[1] & 127
            if size >= 126:
                size = struct.unpack("!H" if size == 126 else "!Q", self.rfile.read(2 if size == 126 else 8))[0]
            if size > FRAME_LIMIT or not head[1] & 128:  # A client's frame is always masked (§5.1).
                return self.frame(8, struct.pack("!H", 1009 if size > FRAME_LIMIT else 1002))
            mask = self.rfile.read(4)
            data = bytes(byte ^ mask[index & 3] for index, byte in enumerate(self.rfile.read(size)))
            if opcode != 10:
                self.frame(10 if opcode == 9 else opcode, data)
            if opcode == 8:
                return None
        return None

    def frame(self, opcode, data):
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack("!H", len(data)) if len(data) < 1 << 16 \
            else b"\x7f" + struct.pack("!Q", len(data))
        self.wfile.write(bytes([128 | opcode]) + size + data)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        print(f"{self.kind}: {self.address_string()} {format % args}", flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):  # A client that left is no news.
            super().handle_error(request, client_address)


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for offset, kind in enumerate(RECORDS):
        handler = type(kind.capitalize(), (Service,), {"kind": kind})
        server = Server(("127.0.0.1", BASE + offset), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{kind}: http://127.0.0.1:{BASE + offset}", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
