"""kit.redis.Proxy in a process of its own, so that the test's own load makes it no slower than it is told to be.
`python -m kit.redis_proxy TARGET` prints its port and obeys lines: `delay SECONDS`, `refuse 0|1`, `cut`, `tear`."""

import pathlib
import subprocess
import sys

from kit.redis import Proxy


class ApartProxy:
    def __init__(self, target):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kit.redis_proxy", str(target)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=pathlib.Path(__file__).resolve().parents[1],
        )  # fmt: skip
        self.port = int(self._process.stdout.readline())

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def say(self, *words):
        """Returns once it is obeyed."""
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ok\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def main():
    with Proxy(int(sys.argv[1])) as proxy:
        print(proxy.port, flush=True)
        for line in sys.stdin:
            match line.split():
                case ["delay", seconds]:
                    proxy.delay = float(seconds)
                case ["refuse", flag]:
                    proxy.refuse = flag == "1"
                case ["cut"]:
                    proxy.cut()
                case ["tear"]:
                    proxy.tear()
            print("ok", flush=True)


if __name__ == "__main__":
    main()
