"""The words of Weir's config file and access log, all of them here and nowhere else in the suite, so that a renamed field is
one edit. Documents are dicts; Gateway writes them as JSON, which is YAML too."""

import itertools
import os
import random
import re
import socket

# limits: the suite's word -> the file's word.
LIMIT_WORDS = {
    "head_timeout": "head_timeout",
    "idle_timeout": "idle_timeout",
    "min_body_rate": "min_body_rate",
    "body_grace": "body_grace",
    "write_timeout": "write_timeout",
    "tls_handshake_timeout": "tls_handshake_timeout",
    "max_head": "max_head_bytes",
    "max_fields": "max_header_fields",
    "max_body": "max_body_bytes",
    "max_requests": "max_requests_per_connection",
}

# access log: the suite's word -> the record's word.
LOG_WORDS = {
    "request_id": "request_id",
    "reason": "reason",
    "status": "status",
    "method": "method",
    "path": "path",
    "query": "query",
    "host": "host",
    "route": "route",
    "client": "client",
    "peer": "peer",
    "upstream": "upstream_address",
    "canary": "canary",
    "bytes_in": "bytes_in",
    "bytes_out": "bytes_out",
    "revision": "revision",
    "user_agent": "user_agent",
    "duration": "duration_us",
}


def duration(seconds):
    """A length of time as the file spells it."""
    return f"{round(seconds * 1000)}ms"


def limits(**values):
    """Times in seconds, sizes in bytes, min_body_rate in bytes per second."""
    return {
        LIMIT_WORDS[word]: duration(value) if word.endswith(("_timeout", "_grace")) else value
        for word, value in values.items()
    }


def filter_(name, **settings):
    """One entry of a plugin_chain."""
    return {"name": name, "config": settings}


# Below the ephemeral range, so that no outgoing connection takes a port meanwhile, and apart for each process of a parallel
# run: gateways share ports by SO_REUSEPORT, so two that chose the same one would silently split its clients.
FIRST_PORT, PORTS_EACH = 15000, 2000


sequence = itertools.count(random.randrange(PORTS_EACH))


def free_port():
    """A port nobody listens on, another one each time until all have been given."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "gw0"))) % 8
    while True:
        port = FIRST_PORT + worker * PORTS_EACH + next(sequence) % PORTS_EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def listener(port=None, certificates=None, trusted_proxy=None, **extra):
    """A listener; `certificates` is a list of Certificate, `trusted_proxy` the CIDRs whose PROXY header is believed."""
    found = {"address": f"127.0.0.1:{port or free_port()}"}
    if certificates:
        found["tls"] = {"certificates": [{"cert_file": c.cert_file, "key_file": c.key_file} for c in certificates]}
    if trusted_proxy is not None:
        found["proxy_protocol"] = {"trusted": trusted_proxy}
    return found | extra


def route(route_id, path="/**", upstream=None, methods=None, hosts=None, **extra):
    found = {"route_id": route_id, "path_pattern": path}
    if upstream:
        found["upstream_url"] = upstream
    if methods:
        found["http_methods"] = methods
    if hosts:
        found["hosts"] = hosts
    return found | extra


def respond(route_id, path, status=200, body="", headers=None, before=(), **extra):
    """A route the gateway answers by itself, after the filters `before`."""
    settings = {"status": status, "body": body} | ({"headers": headers} if headers else {})
    return route(route_id, path, plugin_chain=[*before, filter_("respond", **settings)], **extra)


def set_response_header(name, value):
    return filter_("headers", response={"set": {name: value}})


def upstream(name, *targets, **extra):
    """Targets are addresses or (address, weight)."""
    spelled = [{"address": t} if isinstance(t, str) else {"address": t[0], "weight": t[1]} for t in targets]
    return {"name": name, "targets": spelled} | extra


def document(*routes, listeners=None, workers=2, **extra):
    """A whole file. The access log's path is filled in by Gateway. A short drain_timeout, since a quarter of it (at most 500 ms)
    is waited at every end before the listeners close."""
    return {
        "listeners": listeners or [listener()],
        "admin": {"address": f"127.0.0.1:{free_port()}"},
        "workers": workers,
        "drain_timeout": "200ms",
        "routes": list(routes),
    } | extra


def to_origin(origin, listeners=None, **extra):
    """The commonest file: everything goes to one origin."""
    return document(route("all", upstream=origin.url), listeners=listeners, **extra)
