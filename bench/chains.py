"""The proxies of `./dev bench chain`: Weir with a policy on every request, beside nginx's plain proxy_pass and Envoy with its own.

Called by run.py through peers.py. Makes the credentials that the load presents (a JWT signed here, an API key from `weir key`) and
starts the Redis that exact and leased limits ask. Every chain is: who calls, a limit per consumer that is never reached, two header
changes, 2,000 routes, a request id and an access log.
"""

import base64
import json
import os
import socket
import subprocess
import time

import peers

ISSUER = "https://id.example.com"
RATE = 1_000_000  # a second and consumer: what is measured is the decision, not the refusal
CHAINS = ("weir_jwt", "weir_key", "weir_redis", "weir_lease")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(folder):
    """An RS256 token of an hour, with its keys beside it; returns (token, JWK set)."""
    key = folder / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(folder / "key.pub")], check=True, capture_output=True)
    modulus = subprocess.run(["openssl", "rsa", "-in", str(key), "-noout", "-modulus"], check=True, capture_output=True, text=True).stdout
    number = bytes.fromhex(modulus.strip().partition("=")[2])
    keys = {"keys": [{"kty": "RSA", "kid": "bench", "alg": "RS256", "use": "sig", "n": b64(number), "e": "AQAB"}]}
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "bench", "sub": "jane", "iat": now, "exp": now + 3600}
    text = b64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "bench"}).encode()) + "." + b64(json.dumps(claims).encode())
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key), "-binary"], input=text.encode(), check=True, capture_output=True)
    return text + "." + b64(signed.stdout), keys


def weir_chain(config, name, keys, redis_port):
    """`config`, with the chain of that name on every route."""
    config["plugin_chain"] = ["request_id", {"name": "headers", "config": {
        "request": {"set": {"X-Seen-By": "${route_id}"}}, "response": {"set": {"X-Served-By": "weir"}}}}]
    if name == "weir_key":
        config["credentials"] = {"store": {"file": "keys.db"}}
        config["plugin_chain"].append("api_key")
    else:
        config["plugin_chain"].append({"name": "jwt", "config": {
            "issuers": [{"issuer": ISSUER, "audiences": ["bench"], "jwks": keys}]}})
    mode = {"weir_redis": "redis", "weir_lease": "lease"}.get(name, "local")
    if mode != "local":
        config["redis"] = {"url": f"redis://127.0.0.1:{redis_port}"}
    config["plugin_chain"].append({"name": "rate_limit", "config": {"mode": mode}})
    for route in config["routes"]:
        route |= {"auth_required": True, "rate_limit_rps": RATE}
    return config


def envoy_chain(config, keys, log):
    """Envoy's config with its jwt_authn, local_ratelimit, header changes and access log."""
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager["generate_request_id"] = True
    manager["access_log"] = [{"name": "file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": str(log)}}]
    host = manager["route_config"]["virtual_hosts"][0]
    host["request_headers_to_add"] = [{"header": {"key": "X-Seen-By", "value": "all"}}]
    host["response_headers_to_add"] = [{"header": {"key": "X-Served-By", "value": "envoy"}}]
    jwt = {"@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
           "providers": {"bench": {"issuer": ISSUER, "audiences": ["bench"], "local_jwks": {"inline_string": json.dumps(keys)},
                                   "jwt_cache_config": {"jwt_cache_size": 100}}},
           "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}]}
    whole = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    limit = {"@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
             "stat_prefix": "limit", "filter_enabled": whole, "filter_enforced": whole,
             "token_bucket": {"max_tokens": RATE, "tokens_per_fill": RATE, "fill_interval": "1s"}}
    manager["http_filters"] = [{"name": "jwt", "typed_config": jwt}, {"name": "limit", "typed_config": limit}, *manager["http_filters"]]
    return config


def make_key(weir, config):
    """An API key for jane in the store that the config names."""
    made = subprocess.run([weir, "key", "create", "--config", str(config), "--consumer", "jane", "--quiet"],
                          check=True, capture_output=True, text=True)
    return made.stdout.strip()


def start_redis(folder):
    """A redis-server on core 1, beside the origin; returns (process, port)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(["taskset", "-c", "1", "redis-server", "--port", str(port), "--save", "", "--dir", str(folder)],
                               stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    process.kill()
    raise SystemExit("bench: redis-server did not start")


class Chains:
    """What the chains need while they run: credentials and Redis."""

    def __init__(self):
        self.folder = peers.WORK / "chain"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.token, self.keys = make_token(self.folder)
        self.redis, self.redis_port = start_redis(self.folder)
        self.headers = {}  # of each proxy, what the load sends besides

    def weir(self, name, program, config, path):
        """Writes `config` with the chain to `path`, and notes what the load is to present."""
        (path.parent / "keys.db").unlink(missing_ok=True)
        path.write_text(json.dumps(weir_chain(config, name, self.keys, self.redis_port), indent=1))
        self.headers[name] = f"X-API-Key: {make_key(program, path)}" if name == "weir_key" else f"Authorization: Bearer {self.token}"

    def envoy(self, config, log):
        self.headers["envoy_jwt"] = f"Authorization: Bearer {self.token}"
        return envoy_chain(config, self.keys, log)

    def stop(self):
        self.redis.terminate()
        self.redis.wait()
