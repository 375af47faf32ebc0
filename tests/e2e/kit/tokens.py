"""JSON Web Tokens and the keys that sign them, made with the openssl command line: good ones, and whatever an attacker would
send."""

import base64
import json
import pathlib
import subprocess
import time


def b64(data):
    """base64url without padding; anything but bytes becomes JSON first."""
    if not isinstance(data, bytes):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments, stdin=b""):
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Key:
    """An RSA key with a name."""

    def __init__(self, directory, kid="k1", bits=2048):
        self.kid = kid
        self.file = pathlib.Path(directory) / f"{kid}.{id(self)}.pem"
        _openssl("genrsa", "-out", self.file, bits)
        modulus = _openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().partition("=")[2]
        self.n = b64(bytes.fromhex(modulus))

    @property
    def public_pem(self):
        return _openssl("pkey", "-in", self.file, "-pubout").decode()

    def jwk(self, **more):
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": self.n, "e": "AQAB"} | more

    def sign(self, data, digest="sha256"):
        return _openssl("dgst", f"-{digest}", "-sign", self.file, "-binary", stdin=data)

    def token(self, claims, header=None):
        """A signed token; `header` replaces members of the usual one, None removes them. bytes are taken as they are."""
        if not isinstance(header, bytes):
            header = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | (header or {})
            header = {name: value for name, value in header.items() if value is not None}
        text = f"{b64(header)}.{b64(claims)}"
        return f"{text}.{b64(self.sign(text.encode()))}"


def claims(issuer="https://id.test", audience="api", subject="alice", lifetime=600, **more):
    now = int(time.time())
    found = {"iss": issuer, "aud": audience, "sub": subject, "iat": now, "exp": now + lifetime} | more
    return {name: value for name, value in found.items() if value is not None}


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def key_set(*keys):
    return json.dumps({"keys": list(keys)}).encode()
