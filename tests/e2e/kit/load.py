"""Steady traffic in the background: a few threads of requests, every failure and every answer kept for the verdict."""

import threading
import time

from .client import Client
from .wait import SCALE


class Load:
    """`with Load(port, path, judge):` keeps asking until the block ends. `judge(response)` returns what is wrong, or None.
    `reconnect`: a new connection for every request instead of keep-alive ones. A refused, reset or cut connection is a failure."""

    def __init__(self, port, path="/", judge=None, threads=4, reconnect=False, host="localhost", pause=0.0):
        self.port, self.path, self.host, self.pause = port, path, host, pause
        self.judge = judge or (lambda response: None if response.status == 200 else repr(response))
        self.reconnect = reconnect
        self.failures = []
        self.count = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    def wait_for(self, more, seconds=20):
        """Until `more` further answers have come."""
        goal, deadline = self.count + more, time.monotonic() + seconds * SCALE
        while self.count < goal and time.monotonic() < deadline:
            time.sleep(0.005)
        assert self.count >= goal, f"only {self.count} of {goal} answers; failures: {self.failures[:5]}"

    def check(self, at_least=1):
        assert not self.failures, f"{len(self.failures)} of {self.count} failed: {self.failures[:5]}"
        assert self.count >= at_least, self.count

    def _run(self):
        client = None
        while not self._stop.is_set():
            try:
                client = client or Client(self.port)
                response = client.get(self.path, self.host)
                wrong = self.judge(response)
                if self.reconnect or response.closes:
                    client.close()
                    client = None
            except Exception as error:  # whatever it was, it is a failed request
                wrong = f"{type(error).__name__}: {error}"
                if client:
                    client.close()
                client = None
            with self._lock:
                self.count += 1
                if wrong:
                    self.failures.append(wrong)
            if self.pause:
                time.sleep(self.pause)
        if client:
            client.close()
