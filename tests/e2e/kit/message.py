"""The heads and bodies the tests look at: what a client got, what the origin got. Plain data with lookups."""

import json


class Message:
    """Fields in the order received; names are compared without regard to case."""

    def __init__(self, fields):
        self.headers = fields
        self.body = b""
        self.trailers = []

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name, default=None):
        """The single value of a field; more than one field of that name is an error of the test's subject."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} appears {len(values)} times: {values}"
        return values[0] if values else default

    def has(self, name):
        return bool(self.all(name))

    def tokens(self, name):
        """The members of a comma-separated field, in lower case."""
        return [part.strip().lower() for value in self.all(name) for part in value.split(",") if part.strip()]

    def json(self):
        return json.loads(self.body)


class Response(Message):
    def __init__(self, version, status, reason, fields):
        super().__init__(fields)
        self.version = version
        self.status = status
        self.reason = reason
        self.interim = []  # 1xx responses that came before, in order

    @property
    def closes(self):
        """Whether this response says that its connection ends after it."""
        return "close" in self.tokens("connection")

    @property
    def problem(self):
        """The body as an RFC 9457 problem; fails if it is not one."""
        kind = (self.get("content-type") or "").split(";")[0]
        assert kind == "application/problem+json", f"{self.status} with content-type {kind!r}, body {self.body[:300]!r}"
        return self.json()

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class Request(Message):
    def __init__(self, method, target, version, fields):
        super().__init__(fields)
        self.method = method
        self.target = target
        self.version = version
        self.complete = False  # the whole body has been read
        self.connection = None  # number of the origin's connection it came on

    @property
    def path(self):
        return self.target.split("?")[0]

    def __repr__(self):
        return f"<{self.method} {self.target} {self.headers} {'complete' if self.complete else 'unfinished'}>"
