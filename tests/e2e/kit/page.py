"""A documentation page whose example can be run: code blocks that begin with a comment naming a file are that file, the first
block of shell starts things, the second asks, with what each curl prints in a comment under it."""

import pathlib
import re
import signal
import socket
import subprocess
import sys

from . import config
from .client import Closed, fetch
from .gateway import BINARY
from .wait import SCALE, until


class Page:
    def __init__(self, path, directory):
        self.text = pathlib.Path(path).read_text()
        self.directory = directory
        # Every port of the page becomes a free one.
        ports = sorted(set(re.findall(r"127\.0\.0\.1(?::|\", )(\d{4})\b", self.text)))
        self.ports = {port: str(config.free_port()) for port in ports}
        self.admin = config.free_port()
        self.started = []

    def blocks(self, language):
        return [self._here(text) for text in re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.M | re.S)]

    def _here(self, text):
        return re.sub("|".join(self.ports) or "$^", lambda port: self.ports[port[0]], text)

    def __enter__(self):
        try:
            self._set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _set_up(self):
        for language in ("python", "yaml", "json"):
            for text in self.blocks(language):
                if found := re.match(r"# ([\w./-]+)\n", text):
                    if found[1] == "weir.yaml":
                        text += f"admin: {{address: 127.0.0.1:{self.admin}}}\naccess_log: {{enabled: false}}\ndrain_timeout: 200ms\n"
                    (self.directory / found[1]).write_text(text)
        for line in self.blocks("sh")[0].splitlines():
            line = re.sub(r"^weir ", f"{BINARY} ", re.sub(r"^python3 ", f"{sys.executable} ", line))
            if line.endswith("&"):
                self.started.append(subprocess.Popen(["sh", "-c", "exec " + line[:-1]], cwd=self.directory))
            else:
                subprocess.run(["sh", "-e", "-c", line], cwd=self.directory, check=True, timeout=30 * SCALE)
        until("the gateway is ready", self._ready, 20)
        for port in self.ports.values():
            until(f"somebody listens on {port}", lambda port=port: self._listens(port), 20)

    def _ready(self):
        try:
            return fetch(self.admin, "/readyz").status == 200
        except (OSError, Closed):
            return False

    def _listens(self, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(port))) == 0

    def check(self):
        """Runs the second block of shell: each command prints what is written under it. Returns how many there were."""
        text = self.blocks("sh")[1]
        pairs = re.findall(r"^(curl .*)\n# (.*)$", text, re.M)
        assert len(pairs) == text.count("curl ") > 0, text
        for command, wanted in pairs:
            done = subprocess.run(["sh", "-c", command], cwd=self.directory, capture_output=True, text=True, timeout=30 * SCALE)
            assert done.stdout.strip() == wanted, (command, done.stdout, done.stderr)
        return len(pairs)

    def __exit__(self, *_):
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
        for process in self.started:
            process.wait(15 * SCALE)
