"""One `weir serve` process: written config, started binary, its ports, log records, metrics, reload and a clean end."""

import json
import os
import pathlib
import re
import signal
import subprocess

from . import config
from .client import Closed, fetch
from .prometheus import Metrics
from .wait import SCALE, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("WEIR_BIN", ROOT / "build/dev/weir")).resolve()
# A sanitizer keeps freed memory and shadows of all memory: how much the process has says nothing then.
SANITIZED = BINARY.exists() and re.search(rb"__(asan|tsan|msan)_init", BINARY.read_bytes()) is not None
SANITIZER = re.compile(r"(ERROR|WARNING): (Address|Leak|Thread|Memory)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def run(*arguments, cwd=None, stdin=None, seconds=20):
    """Runs the binary to its end: a CompletedProcess with text output."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=seconds * SCALE
    )


class Record(dict):
    """One access-log record; attributes are the suite's words (config.LOG_WORDS), None where the record has none."""

    def __getattr__(self, word):
        return self.get(config.LOG_WORDS[word])


class Gateway:
    running = []  # for conftest, which shows their stderr under a failed test

    def __init__(self, directory, document, wait=True, environment=None, prefix=(), pass_fds=(), command="serve"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_file = self.directory / "weir.json"
        self.log_file = self.directory / "access.ndjson"
        self.stderr_file = self.directory / "stderr.txt"
        self.write(document)
        arguments = [*prefix, str(BINARY), command, "--config", str(self.config_file)]
        self._launch = dict(args=arguments, env=os.environ | (environment or {}), pass_fds=pass_fds)
        self.start(wait)

    def start(self, wait=True):
        """Runs it, also again after it has died."""
        self.stopped = False
        self._stderr = open(self.stderr_file, "ab")
        self.process = subprocess.Popen(
            **self._launch, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=self._stderr, stderr=self._stderr
        )
        if self not in Gateway.running:
            Gateway.running.append(self)
        self.asked_to_end = False
        if wait:
            try:
                self.wait_ready()
            except AssertionError as failure:
                self.kill()
                raise AssertionError(f"{failure}\n{self.said()}") from None

    def write(self, document):
        """Writes the config file as one rename. A dict is the suite's document; text is written as it stands."""
        if isinstance(document, dict):
            document = {"access_log": {"path": str(self.log_file)}} | document
            on_ports = [entry for entry in document["listeners"] if not entry["address"].startswith("unix:")]
            self.ports = [int(entry["address"].rpartition(":")[2]) for entry in on_ports]
            self.tls_ports = [p for p, entry in zip(self.ports, on_ports) if "tls" in entry]
            self.plain_ports = [p for p in self.ports if p not in self.tls_ports]
            self.admin = int(document["admin"]["address"].rpartition(":")[2])
            self.document = document
            document = json.dumps(document, indent=1)
        draft = self.config_file.with_suffix(".draft")
        draft.write_text(document)
        draft.rename(self.config_file)

    @property
    def port(self):
        return self.plain_ports[0]

    @property
    def tls_port(self):
        return self.tls_ports[0]

    @property
    def pid(self):
        return self.process.pid

    def stderr(self):
        return self.stderr_file.read_text(errors="replace")

    def said(self, most=6000):
        """What it said last; a sanitizer's complaint from its beginning."""
        text = self.stderr()
        complaint = SANITIZER.search(text)
        return text[complaint.start() :][:most] if complaint else text[-most:]

    def ask_admin(self, path):
        return fetch(self.admin, path, timeout=10)

    def ready(self):
        """The status of /readyz, 0 if nobody answers."""
        try:
            return self.ask_admin("/readyz").status
        except (OSError, Closed):
            return 0

    def wait_ready(self, seconds=30):
        def probe():
            assert self.process.poll() is None, f"weir ended with {self.process.returncode}"
            return self.ready() == 200

        until("the gateway is ready", probe, seconds)

    def metrics(self):
        answer = self.ask_admin("/metrics")
        assert answer.status == 200, answer
        return Metrics(answer.body.decode())

    def metric(self, name, **labels):
        return self.metrics().total(name, **labels)

    def revision(self):
        return self.metric("weir_config_revision")

    def signal(self, number):
        self.asked_to_end |= number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def reload(self, document, how="signal"):
        """Writes a new file and waits until it is in force. `how`: "signal", or "watch" to let the gateway notice."""
        before, said = self.revision(), len(self.stderr())
        self.write(document)
        if how != "signal":
            until("the new config is in force", lambda: self.revision() > before)
            return
        self.signal(signal.SIGHUP)
        # By its words: the watch, which sees the file too, may still be at the one before.
        until("the new config is in force", lambda: re.search(r"revision \d+ is in use \(asked by SIGHUP", self.stderr()[said:]))

    def records(self):
        """All records so far; every line of the file must be a JSON object, whole and single."""
        if not self.log_file.exists():
            return []
        text = self.log_file.read_bytes()
        lines = text[: text.rfind(b"\n") + 1].decode("utf-8").split("\n")[:-1]
        return [Record(json.loads(line)) for line in lines]

    def record(self, seconds=20, **wanted):
        """The one record with these values (the suite's words), waited for."""

        def probe():
            return [r for r in self.records() if all(getattr(r, word) == value for word, value in wanted.items())]

        found = until(f"an access-log record with {wanted}", probe, seconds)
        assert len(found) == 1, f"{len(found)} records with {wanted}: {found}"
        return found[0]

    def record_of(self, response):
        """The access-log record of a response, found by its X-Request-Id."""
        return self.record(request_id=response.get("x-request-id"))

    def rss(self):
        """Resident bytes that belong to the process alone or are anonymous."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1])

    def stop(self, seconds=15):
        """Asks it to drain and end; it must end by itself, with 0, and no sanitizer may have complained."""
        if self.stopped:
            return
        self.stopped = True
        Gateway.running.remove(self)
        try:
            if self.process.poll() is None and not self.asked_to_end:  # asked twice, it ends at once and not well
                self.signal(signal.SIGTERM)
            code = self.process.wait(seconds * SCALE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"weir did not end within {seconds} s of SIGTERM:\n{self.said()}") from None
        finally:
            self._stderr.close()
        assert not SANITIZER.search(self.stderr()), self.said()
        assert code == 0, f"weir ended with {code}:\n{self.said()}"

    def kill(self):
        """For the tests of harness and crash: no questions asked."""
        if not self.stopped:
            self.stopped = True
            Gateway.running.remove(self)
            self.process.kill()
            self.process.wait()
            self._stderr.close()
