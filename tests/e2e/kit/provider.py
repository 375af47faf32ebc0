"""A real OpenID provider, npm's oidc-provider, on a free port: discovery, JWKS, tokens, introspection, revocation. `./dev setup`
installs it into build/idp; what it serves is said in kit/idp/server.mjs."""

import base64
import json
import pathlib
import shutil
import signal
import subprocess
import threading
import urllib.parse

from .client import fetch
from .gateway import ROOT
from .wait import SCALE

SOURCE = pathlib.Path(__file__).parent / "idp"
INSTALLED = ROOT / "build" / "idp"


class Provider:
    """`settings` as in server.mjs; a `port` given again after stop() keeps the issuer."""

    def __init__(self, directory, **settings):
        if not (INSTALLED / "node_modules").exists():
            raise RuntimeError("oidc-provider is not installed: ./dev test does it, or dev.d/setup.sh's identity_provider")
        self.directory = pathlib.Path(directory)
        self.settings = settings
        self.start()

    def start(self):
        # Modules are looked for beside the file that asks for them.
        shutil.copy(SOURCE / "server.mjs", INSTALLED / "server.mjs")
        with open(self.directory / "stderr.txt", "ab") as stderr:
            self.process = subprocess.Popen(["node", str(INSTALLED / "server.mjs"), json.dumps(self.settings)],
                                            stdout=subprocess.PIPE, stderr=stderr, text=True)  # fmt: skip
        watch = threading.Timer(30 * SCALE, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        assert line, f"the provider did not start: {(self.directory / 'stderr.txt').read_text()}"
        self.url = json.loads(line)["issuer"]
        self.port = urllib.parse.urlsplit(self.url).port
        self.settings["port"] = self.port

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10 * SCALE)
        self.process.stdout.close()

    def ask(self, path, form, client="shop"):
        """A POST with a form, as `client` with its secret."""
        secret = base64.b64encode(f"{client}:{client}-secret".encode()).decode()
        headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", f"Basic {secret}")]
        return fetch(self.port, path, "POST", f"127.0.0.1:{self.port}", headers, urllib.parse.urlencode(form).encode())

    def token(self, scope="read", **form):
        """An access token for the client `shop` by client credentials; opaque unless resource="urn:jwt"."""
        response = self.ask("/token", {"grant_type": "client_credentials", "scope": scope} | form)
        assert response.status == 200, response
        return response.json()["access_token"]

    def revoke(self, token):
        assert self.ask("/token/revocation", {"token": token}).status == 200
