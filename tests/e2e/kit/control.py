"""`weir control` as a process, the admin API's client, and gateways that follow. Used by the tests of the control plane; the client
also with `weir serve` (Admin(port, token))."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from . import config
from .client import Closed, fetch
from .gateway import BINARY, SANITIZER, Gateway, run
from .wait import SCALE, until

TOKEN = re.compile(r"weirop_\w+")
MASTER_KEY = {"WEIR_TEST_MASTER_KEY": "a master key of the tests, of more than 32 characters"}


def token_of(stderr):
    """The first operator's, as it was printed at the first start; None if it was not."""
    found = TOKEN.search(stderr)
    return found and found[0]


class Refused(AssertionError):
    """An answer that is no success: .status, .problem."""

    def __init__(self, answer):
        self.status = answer.status
        self.problem = json.loads(answer.body) if answer.body else {}
        super().__init__(f"{answer.status}: {self.problem}")


class Admin:
    """The admin API of the process on `port`. Methods raise Refused for what is not 2xx."""

    def __init__(self, port, token, timeout=30):
        self.port, self.token, self.timeout = port, token, timeout

    def ask(self, method, path, body=None, headers=(), raw=False):
        fields = [("Authorization", f"Bearer {self.token}"), *headers]
        if body is not None:
            fields.append(("Content-Type", "application/json"))
        data = None if body is None else json.dumps(body).encode()
        answer = fetch(self.port, path, method, f"127.0.0.1:{self.port}", fields, data, timeout=self.timeout)
        if raw:
            return answer
        if not 200 <= answer.status < 300:
            raise Refused(answer)
        return json.loads(answer.body) if answer.body else None

    def get(self, path):
        return self.ask("GET", path)

    def put(self, kind, name, body, publish=False):
        """Creates or replaces, whatever is there; `kind` is the collection's word."""
        path = f"/v1/{kind}/{name}"
        there = self.ask("GET", path, raw=True)
        condition = ("If-Match", there.get("etag")) if there.status == 200 else ("If-None-Match", "*")
        return self.ask("PUT", path + ("?publish=true" if publish else ""), body, [condition])

    def delete(self, kind, name):
        return self.ask("DELETE", f"/v1/{kind}/{name}", headers=[("If-Match", "*")])

    def publish(self, **options):
        return self.ask("POST", "/v1/publish", options)

    def batch(self, objects, publish=True, **extra):
        """`objects`: {collection word: [bodies]}; one transaction."""
        kinds = {"routes": "route", "upstreams": "upstream", "consumers": "consumer", "groups": "group", "policies": "policy"}
        operations = [
            {"op": "put", "kind": kinds[word], "name": body.get("route_id") or body["name"], "body": body}
            for word, bodies in objects.items()
            for body in bodies
        ]
        return self.ask("POST", "/v1/batch" + ("?publish=true" if publish else ""), {"operations": operations} | extra)

    def status(self, number="latest", wait=None, timeout=f"{min(60, int(15 * SCALE))}s"):
        return self.get(f"/v1/revisions/{number}/status" + (f"?wait={wait}&timeout={timeout}" if wait else ""))

    def instances(self):
        return self.get("/v1/instances")["items"]

    def latest(self):
        return self.get("/v1/revisions?limit=1")["items"][0]["number"]


class Control:
    """One `weir control`. `database`: a URL, or None for an SQLite file of its own. `like`: another one, whose database and keys it
    shares (a replica)."""

    def __init__(self, directory, redis, database=None, like=None, wait=True, environment=None, **settings):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.redis, self.port = redis, config.free_port()
        self.database = like.database if like else database or str(self.directory / "weir.db")
        self.key_file = like.key_file if like else self.directory / "signing_key.pem"
        self.config_file = self.directory / "control.json"
        self.stderr_file = self.directory / "stderr.txt"
        section = {
            "address": f"127.0.0.1:{self.port}", "database": self.database, "signing_key_file": str(self.key_file),
            "master_key_env": "WEIR_TEST_MASTER_KEY",
        }  # fmt: skip
        self.document = {"redis": {"url": getattr(redis, "url", redis)}, "control": section | settings.pop("control", {})} | settings
        self.config_file.write_text(json.dumps(self.document))
        self._environment = os.environ | MASTER_KEY | (environment or {})
        self.token = like.token if like else None
        done = subprocess.run(
            [BINARY, "control", "--config", self.config_file, "--public-key"], capture_output=True, text=True, env=self._environment,
            timeout=20 * SCALE,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.public_key = done.stdout.strip()
        self.start(wait)

    def start(self, wait=True):
        self.stopped = False
        self._stderr = open(self.stderr_file, "ab")
        self.process = subprocess.Popen(
            [BINARY, "control", "--config", self.config_file, "--migrate"], cwd=self.directory, env=self._environment,
            stdin=subprocess.DEVNULL, stdout=self._stderr, stderr=self._stderr,
        )  # fmt: skip
        if self not in Gateway.running:
            Gateway.running.append(self)  # whose words are shown under a failed test
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.kill()  # nobody else knows of it yet
                raise
        return self

    def wait_ready(self, seconds=30):
        def probe():
            assert self.process.poll() is None, f"weir control ended with {self.process.returncode}:\n{self.stderr()}"
            try:
                return fetch(self.port, "/readyz", timeout=2).status == 200
            except (OSError, Closed):
                return False

        until("the control plane is ready", probe, seconds)
        self.token = self.token or token_of(self.stderr())

    def stderr(self):
        return self.stderr_file.read_text(errors="replace")

    def said(self, most=6000):
        return self.stderr()[-most:]

    @property
    def pid(self):
        return self.process.pid

    @property
    def admin(self):
        return Admin(self.port, self.token)

    def kill(self):
        """kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._stderr.close()
        self._forget()

    def _forget(self):
        self.stopped = True
        if self in Gateway.running:
            Gateway.running.remove(self)

    def stop(self):
        if self.stopped:
            return
        self._forget()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(15 * SCALE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"weir control did not end within 15 s of SIGTERM:\n{self.stderr()}") from None
        finally:
            self._stderr.close()
        assert not SANITIZER.search(self.stderr()), self.stderr()
        assert code == 0, f"weir control ended with {code}:\n{self.stderr()}"


def following(control, redis=None, **extra):
    """The file of a gateway that follows it."""
    made = config.document(
        redis={"url": (redis or control.redis).url}, state_dir="state", control_plane={"public_key": control.public_key}, **extra
    )
    del made["routes"]
    return made


def says(port, path, timeout=5):
    """The body of a 200, else the status, else None."""
    try:
        answer = fetch(port, path, timeout=timeout)
    except (OSError, Closed):
        return None
    return answer.body.decode() if answer.status == 200 else answer.status


def timed(what, probe, seconds=20):
    """How long it took."""
    begin = time.monotonic()
    until(what, probe, seconds)
    return time.monotonic() - begin


def pids_in(directory):
    """Of the weirs that run in that folder: a successor is nobody's child."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").resolve() == directory and (entry / "exe").resolve().name == "weir":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


__all__ = ["Admin", "Control", "Gateway", "MASTER_KEY", "Refused", "following", "pids_in", "run", "says", "timed", "token_of"]
