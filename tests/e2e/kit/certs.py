"""Certificates made with the openssl command line: a CA of the test's own and leaves signed by it."""

import pathlib
import ssl
import subprocess
from dataclasses import dataclass


@dataclass
class Certificate:
    cert_file: str
    key_file: str
    ca_file: str

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Authority:
    def __init__(self, directory, name="test CA"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, self._key = self.directory / "ca.crt", self.directory / "ca.key"
        self._count = 0
        self._new_key(self._key)
        _openssl(
            "req", "-x509", "-new", "-key", self._key, "-out", self.ca_file, "-days", 30, "-subj", f"/CN={name}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def _new_key(self, path):
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    def issue(self, *names, days=30, stem=None):
        """A certificate for these DNS names (or IP addresses); the same `stem` overwrites the files of the earlier one."""
        self._count += 1
        stem = stem or f"leaf{self._count}"
        key, request, cert = (self.directory / f"{stem}.{end}" for end in ("key", "csr", "crt"))
        extensions = self.directory / f"{stem}.ext"
        kinds = [f"{'IP' if n[0].isdigit() else 'DNS'}:{n}" for n in names]
        extensions.write_text(f"subjectAltName={','.join(kinds)}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self._new_key(key)
        _openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={names[0]}")
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._key, "-CAcreateserial",
            "-out", cert, "-days", days, "-extfile", extensions,
        )  # fmt: skip
        return Certificate(str(cert), str(key), str(self.ca_file))

    def client_context(self):
        """Believes this authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))
