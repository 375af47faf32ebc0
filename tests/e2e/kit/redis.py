"""Real Redis on free ports of 127.0.0.1: one server, a cluster, a master with replicas and sentinels, and a proxy that makes any
of them slow or cuts it off. All are context managers; fixtures that stop them by themselves are `redis`, `redis_cluster` and
`redis_sentinel` in conftest.py. Spoken to by RESP2 here, so that the suite needs no package for it."""

import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

from .config import free_port
from .wait import SCALE, until

# One program with several names: as redis-check-rdb it is in redis-tools, without the service of the package redis-server.
PROGRAM = shutil.which("redis-server") or shutil.which("redis-check-rdb")
CLI = shutil.which("redis-cli")


class RedisError(Exception):
    """What Redis answered with: str() is "CODE message"."""


class Connection:
    """A plain RESP2 connection: call("GET", "x") gives int, str, None or lists of them; an error reply is raised."""

    def __init__(self, port=None, password=None, username=None, timeout=10, path=None):
        if path:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(timeout * SCALE)
            self._socket.connect(str(path))
        else:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout * SCALE)
        self._file = self._socket.makefile("rb")
        if password:
            self.call(*(("AUTH", username, password) if username else ("AUTH", password)))

    def send(self, *words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))

    def call(self, *words):
        self.send(*words)
        reply = self.read()
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def read(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2].decode("utf-8", "surrogateescape")
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        raise ValueError(line)

    def close(self):
        self._file.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Redis:
    """One redis-server. `password` is that of the default user; `users` are lines for `user` ("bob on >secret ~weir:* +@all");
    `tls` (kit.certs.Certificate) adds `tls_port`; `options` are further settings of redis.conf with _ for -.
    `monitors` makes it a sentinel: its lines for `sentinel`."""

    def __init__(self, directory, port=None, password=None, users=(), tls=None, monitors=None, wait=True, **options):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.password = password
        self.socket = str(self.directory / "redis.sock")
        self.tls_port = free_port() if tls else None
        self.sentinel = monitors is not None
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.directory}", "daemonize no", "protected-mode no"]
        if not self.sentinel:
            lines += ['save ""', "appendonly no", "repl-diskless-sync-delay 0", f"unixsocket {self.socket}", "enable-debug-command yes"]
        if password:
            lines += [f"requirepass {password}"] + ([] if self.sentinel else [f"masterauth {password}"])
        lines += [f"user {user}" for user in users]
        lines += [f"sentinel {line}" for line in monitors or ()]
        if tls:
            lines += [
                f"tls-port {self.tls_port}", f"tls-cert-file {tls.cert_file}", f"tls-key-file {tls.key_file}",
                f"tls-ca-cert-file {tls.ca_file}", f"tls-auth-clients {options.pop('tls_auth_clients', 'no')}",
            ]  # fmt: skip
        for name, value in options.items():
            for each in value if isinstance(value, (list, tuple)) else [value]:
                lines.append(f"{name.replace('_', '-')} {each}")
        self.config_file = self.directory / "redis.conf"
        self.config_file.write_text("\n".join(lines) + "\n")
        self.log_file = self.directory / "redis.log"
        self.process = None
        self.start(wait)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"redis://{self.address}"

    def start(self, wait=True):
        """Runs it, also again after kill(); its data is gone then."""
        assert PROGRAM, "Redis is not installed: ./dev test installs it"
        arguments = ["redis-server", str(self.config_file)] + (["--sentinel"] if self.sentinel else [])
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(arguments, executable=PROGRAM, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        def probe():
            assert self.process.poll() is None, f"redis-server ended:\n{self.log_file.read_text()[-2000:]}"
            try:
                return self.call("PING") == "PONG"
            except (OSError, RedisError):
                return False

        until("redis answers", probe, 30)

    def connect(self, username=None, password=None, timeout=10):
        return Connection(self.port, password or self.password, username, timeout)

    def call(self, *words, timeout=10):
        """One command on a connection of its own."""
        with self.connect(timeout=timeout) as connection:
            return connection.call(*words)

    def pause(self):
        """SIGSTOP: connections stay, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        self.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Cluster:
    """`masters` nodes with all slots among them, each with `replicas` replicas."""

    def __init__(self, directory, masters=3, replicas=0, password=None, **options):
        directory = pathlib.Path(directory)
        self.password = password
        # Without replicas nothing is gained when a node that a busy machine keeps waiting is taken for dead.
        options = {"cluster_enabled": "yes", "cluster_node_timeout": 1000 if replicas else 15_000} | options
        self.nodes = []
        try:
            for number in range(masters * (1 + replicas)):
                self.nodes.append(self._node(directory / f"node{number}", password, options))
            create = [CLI, *(["-a", password] if password else []), "--cluster", "create", *self.addresses]
            done = subprocess.run(
                [*create, "--cluster-replicas", str(replicas), "--cluster-yes"], capture_output=True, text=True, timeout=60 * SCALE
            )
            assert done.returncode == 0, done.stdout + done.stderr
            self.wait_ok()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def _node(directory, password, options):
        port = free_port()
        return Redis(directory, port=port, password=password, cluster_port=free_port(), **options)

    def wait_ok(self, seconds=20):
        """Until every living node sees all slots served."""

        def probe():
            alive = [node for node in self.nodes if node.process.poll() is None]
            return all("cluster_state:ok" in node.call("CLUSTER", "INFO") for node in alive)

        until("the cluster is ok", probe, seconds)

    @property
    def addresses(self):
        return [node.address for node in self.nodes]

    def slot(self, key):
        return self.nodes[0].call("CLUSTER", "KEYSLOT", key)

    def owner(self, key):
        """The node that has the key's slot, as the first living node sees it."""
        slot, alive = self.slot(key), next(node for node in self.nodes if node.process.poll() is None)
        for first, last, master, *_ in alive.call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master[1])
        raise AssertionError(f"nobody has slot {slot}")

    def move_slot(self, slot, source, target, halfway=False):
        """Moves a slot and its keys; `halfway` leaves it importing (ASK for keys that are gone from the source)."""
        source_id, target_id = source.call("CLUSTER", "MYID"), target.call("CLUSTER", "MYID")
        target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, 100):
            auth = ["AUTH", self.password] if self.password else []
            source.call("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, *auth, "KEYS", *keys)
        if not halfway:
            for node in (target, source, *(n for n in self.nodes if n not in (source, target))):
                node.call("CLUSTER", "SETSLOT", slot, "NODE", target_id)

    def stop(self):
        for node in self.nodes:
            node.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Sentinel:
    """A master called `name`, `replicas` replicas and `sentinels` sentinels that agree by majority within about a second."""

    def __init__(self, directory, name="weir", replicas=1, sentinels=3, password=None):
        directory = pathlib.Path(directory)
        self.name, self.servers, self.sentinels = name, [], []
        try:
            self.servers.append(Redis(directory / "server0", password=password))
            for number in range(1, 1 + replicas):
                replica_of = {"replicaof": f"127.0.0.1 {self.servers[0].port}"}
                self.servers.append(Redis(directory / f"server{number}", password=password, **replica_of))
            for number in range(sentinels):
                settings = [
                    f"monitor {name} 127.0.0.1 {self.servers[0].port} {sentinels // 2 + 1}",
                    f"down-after-milliseconds {name} 1500",
                    f"failover-timeout {name} 2000",
                ] + ([f"auth-pass {name} {password}"] if password else [])
                self.sentinels.append(Redis(directory / f"sentinel{number}", monitors=settings))
            until("the sentinels know each other and the replicas", lambda: self._complete(replicas, sentinels), 20)
        except BaseException:
            self.stop()
            raise

    def _complete(self, replicas, sentinels):
        for each in self.sentinels:
            flat = each.call("SENTINEL", "MASTER", self.name)
            facts = dict(zip(flat[::2], flat[1::2]))
            if int(facts["num-slaves"]) < replicas or int(facts["num-other-sentinels"]) < sentinels - 1:
                return False
        return all("master_link_status:up" in replica.call("INFO", "replication") for replica in self.servers[1:])

    @property
    def addresses(self):
        return [sentinel.address for sentinel in self.sentinels]

    def master(self):
        """The server that the first sentinel takes for the master."""
        _, port = self.sentinels[0].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)
        return next(server for server in self.servers if server.port == int(port))

    def fail_over(self):
        """Asked for, with everybody alive; returns the new master once the sentinels name it."""
        old = self.master()
        self.sentinels[0].call("SENTINEL", "FAILOVER", self.name)
        return until("another master is named", lambda: (new := self.master()) is not old and new, 20)

    def stop(self):
        for each in self.sentinels + self.servers:
            each.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Proxy:
    """Passes bytes between 127.0.0.1:port and `target` (a port), each `delay` seconds late in both directions together. cut()
    resets what is open; while `refuse` is set new connections are closed at once. tear() lets half of the next reply through on
    each open connection and ends it there; `torn` counts them."""

    def __init__(self, target, delay=0.0):
        self.target, self.delay, self.refuse = target, delay, False
        self.torn, self._to_tear = 0, set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._open, self._lock = [], threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.settimeout(None)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open += [client, server]
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source, sink, late):
        waiting, arrived = [], threading.Condition()

        def send():
            while True:
                with arrived:
                    while not waiting:
                        arrived.wait()
                    due, data = waiting.pop(0)
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)
                except OSError:
                    return

        threading.Thread(target=send, daemon=True).start()
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            if late and data and source in self._to_tear:
                self._to_tear.discard(source)
                self.torn += 1
                self._end_with(sink, data[: max(1, len(data) // 2)])
                self._end_with(source, b"")
                return
            with arrived:
                waiting.append((time.monotonic() + (self.delay if late else 0), data))
                arrived.notify()
            if not data:
                return

    @staticmethod
    def _end_with(end, data):
        try:
            end.sendall(data)
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def tear(self):
        with self._lock:
            self._to_tear = set(self._open)

    def cut(self):
        with self._lock:
            for end in self._open:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    end.shutdown(socket.SHUT_RDWR)
                    end.close()
                except OSError:
                    pass
            self._open.clear()

    def stop(self):
        self._listener.close()
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
