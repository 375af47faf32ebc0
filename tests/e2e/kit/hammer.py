"""Requests by the hundred thousand: raw connections that send many requests at once and only count how they were answered. For
limits, where the number of answers of each kind is the whole verdict."""

import re
import socket
import threading
import time

from .wait import SCALE

HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) ")
BATCH = 50


class Hammer:
    """`with Hammer([port, ...], path) as hammer:` asks on `clients` connections for each port until the block ends, or each has
    asked `each` times; then `statuses` is {status: count}. A cut connection is noted in `failures` and made anew."""

    def __init__(self, ports, path="/", clients=2, each=None, headers="", pause=0.0, batch=BATCH):
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()
        self.batch, self.each, self.pause = batch, each, pause
        self.request = request
        self.statuses, self.failures = {}, []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(p,), daemon=True) for p in ports for _ in range(clients)]

    def __enter__(self):
        self.begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        if self.each is None:
            self._stop.set()
        for thread in self._threads:
            thread.join(600 * SCALE)
        self.seconds = time.monotonic() - self.begun

    @property
    def total(self):
        return sum(self.statuses.values())

    def count(self, status):
        return self.statuses.get(status, 0)

    def _run(self, port):
        left, client = self.each, None
        while not self._stop.is_set() and (left is None or left > 0):
            wanted = self.batch if left is None else min(self.batch, left)
            try:
                if client is None:
                    client = socket.create_connection(("127.0.0.1", port), timeout=20 * SCALE)
                found = self._ask(client, wanted)
            except (OSError, AssertionError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                if client:
                    client.close()
                client = None
                time.sleep(0.05)
                continue
            if left is not None:
                left -= wanted
            with self._lock:
                for status in found:
                    self.statuses[status] = self.statuses.get(status, 0) + 1
            if self.pause:
                time.sleep(self.pause)
        if client:
            client.close()

    def _ask(self, client, count):
        client.sendall(self.request * count)
        found, rest = [], b""
        while len(found) < count:
            data = client.recv(1 << 18)
            assert data, f"closed after {len(found)} of {count} answers"
            rest += data
            # Whole status lines only; what is behind the last of them waits for more.
            keep = max(0, len(rest) - 12)
            for match in HEAD.finditer(rest):
                if match.end() <= len(rest):
                    found.append(int(match[1]))
                    keep = max(keep, match.end())
            rest = rest[keep:]
        # The last answer's own end: a body must not run into the next batch.
        client.settimeout(20 * SCALE)
        return found
