"""A name server on 127.0.0.1 that answers A queries (RFC 1035) as the test says: a script of its own for each name."""

import socket
import struct
import threading


class NameServer:
    """`addresses[name]` is an IPv4 address; a name without one does not exist. While `silent` nothing is answered: speak() answers
    what has been asked meanwhile."""

    def __init__(self):
        self.addresses = {}
        self.asked = []
        self.silent = False
        self._held = []
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def speak(self):
        with self._lock:
            self.silent = False
            for query, client in self._held:
                self._answer(query, client)
            self._held.clear()

    def stop(self):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self._socket.recvfrom(512)
            except OSError:
                return
            with self._lock:
                if self.silent:
                    self._held.append((query, client))
                else:
                    self._answer(query, client)

    def _answer(self, query, client):
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += 1 + length
        (kind,) = struct.unpack_from("!H", query, at + 1)
        name = ".".join(labels).lower()
        self.asked.append(name)
        address = self.addresses.get(name)
        has_answer = address is not None and kind == 1
        flags = 0x8180 | (0 if address is not None else 3)  # recursion; NXDOMAIN
        reply = query[:2] + struct.pack("!HHHHH", flags, 1, has_answer, 0, 0) + query[12 : at + 5]
        if has_answer:
            reply += struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(address)
        self._socket.sendto(reply, client)
