"""The operator's commands against a control plane: how they are run, with the token where people keep it."""

import os
import subprocess

from .gateway import BINARY
from .wait import SCALE


class Operator:
    """Runs `weir …` in `directory`, for the admin API on `port`."""

    def __init__(self, directory, port, token):
        self.directory = directory
        self.environment = os.environ | {"HOME": str(directory), "WEIR_SERVER": f"http://127.0.0.1:{port}", "WEIR_TOKEN": token}
        self.environment.pop("XDG_CONFIG_HOME", None)

    def __call__(self, *arguments, stdin="", exit_code=0, environment=None):
        done = subprocess.run(
            [str(BINARY), *map(str, arguments)], cwd=self.directory, input=stdin, capture_output=True, text=True,
            env=self.environment | (environment or {}), timeout=60 * SCALE,
        )  # fmt: skip
        assert done.returncode == exit_code, (done.returncode, done.stdout, done.stderr)
        return done

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
