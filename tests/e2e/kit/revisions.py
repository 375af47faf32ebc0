"""Revisions as a control plane makes them, so that tests can make others: signed with a key of the test's own, damaged, or saying
nonsense. Signed by the program openssl."""

import hashlib
import json
import pathlib
import subprocess
import time

HEAD = "{weir:config}:head"
NUMBERS = "{weir:config}:numbers"
INSTANCES = "{weir:config}:instances"
HINTS = "weir:config"
DELTA = "{{weir:config}}:delta:{}"


def document_key(number):
    return f"{{weir:config}}:document:{number}"


def canonical(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Revision:
    def __init__(self, number, document, made_at, signature):
        self.number, self.document, self.made_at, self.signature = number, document, made_at, signature
        self.digest = hashlib.sha256(document).hexdigest()

    def encode(self):
        line = {
            "digest": self.digest, "made_at": self.made_at, "number": self.number, "revision_form": 1, "signature": self.signature.hex(),
            "size": len(self.document),
        }  # fmt: skip
        return canonical(line) + b"\n" + self.document


class Signer:
    """An Ed25519 key in a file of `directory`, or the one of `file`."""

    def __init__(self, directory, file=None):
        self.directory = pathlib.Path(directory)
        self.file = pathlib.Path(file or self.directory / "signing_key.pem")
        if not self.file.exists():
            self._openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        self.public_key = self._openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:].hex()

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sign(self, number, document, made_at=None):
        """`document`: a dict, or its bytes."""
        bytes_ = document if isinstance(document, bytes) else canonical(document)
        made_at = made_at or int(time.time())
        message = self.directory / "to_be_signed"
        message.write_bytes(f"weir-revision-1\n{number}\n{made_at}\n{hashlib.sha256(bytes_).hexdigest()}\n".encode())
        signature = self._openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", message)
        return Revision(number, bytes_, made_at, signature)


def put(redis, revision, hint=True, encoded=None):
    """Into Redis as the newest; `encoded`: other bytes than the revision's own."""
    with redis.connect() as connection:
        connection.call("SET", document_key(revision.number), encoded or revision.encode())
        connection.call("ZADD", NUMBERS, revision.number, revision.number)
        connection.call("HSET", HEAD, "number", revision.number, "digest", revision.digest)
        if hint:
            connection.call("PUBLISH", HINTS, revision.number)


def receipts(redis):
    """{instance: what it last said}."""
    flat = redis.call("HGETALL", INSTANCES)
    return {flat[i]: json.loads(flat[i + 1]) for i in range(0, len(flat), 2)}
