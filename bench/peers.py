"""The proxies that the benchmark measures: how each is configured, started, and how its cost is read from /proc.

Called by run.py. Every peer is the plain proxy of one origin, one worker, no logs, a keep-alive pool and buffers that hold
a 16 KiB answer: its best case. Weir carries its real load (see weir_config). Nothing here measures or decides anything.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "bench"
CONNECTIONS = 20000  # at most this many per proxy; the descriptor limit of the machines we know.

# 2,000 routes: four of different shapes for each of 500 services. The one that is measured is in the middle.
SERVICES = 500
MEASURED = "/api/v1/service-0250/items"


def weir_config(port, origin):
    routes = []
    for number in range(SERVICES):
        base, name = f"/api/v1/service-{number:04}", f"service-{number:04}"
        routes += [
            {"route_id": f"{name}-all", "path_pattern": f"{base}/**", "upstream_url": "http://origin"},
            {"route_id": f"{name}-item", "path_pattern": f"{base}/records/{{id}}", "http_methods": ["GET", "PUT"],
             "upstream_url": "http://origin"},
            {"route_id": f"{name}-host", "hosts": [f"{name}.example.com"], "path_pattern": "/**", "upstream_url": "http://origin"},
            {"route_id": f"{name}-health", "path_pattern": f"{base}/health", "http_methods": ["GET"], "upstream_url": "http://origin"},
        ]
    return {
        "workers": 1,
        "listeners": [{"address": f"127.0.0.1:{port}"}],
        "admin": {"address": f"127.0.0.1:{port + 100}"},
        "access_log": {"path": str(WORK / "weir" / "access.ndjson")},
        "plugin_chain": ["request_id"],
        "upstreams": [{"name": "origin", "targets": [{"address": f"127.0.0.1:{origin}"}],
                       "keep_alive": "5m", "max_idle": 256}],  # as the peers have it
        "routes": routes,
    }


NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile {connections};
pid {work}/nginx.pid; error_log {work}/error.log warn;
events {{ worker_connections {connections}; }}
http {{
  access_log off; tcp_nodelay on; keepalive_timeout 300s; keepalive_requests 100000000;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  proxy_buffer_size 32k; proxy_buffers 8 32k; proxy_busy_buffers_size 64k;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 100000000; keepalive_timeout 300s; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn {half}
  tune.bufsize 32768
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  http-reuse always
frontend front
  bind 127.0.0.1:{port} backlog 4096
  default_backend origin
backend origin
  server origin 127.0.0.1:{origin} pool-max-conn 256
"""

CADDY = """
{{
  admin off
  auto_https off
  storage file_system {work}/storage
}}
http://127.0.0.1:{port}, http://bench.example.com:{port} {{
  reverse_proxy 127.0.0.1:{origin} {{
    transport http {{
      keepalive 300s
      keepalive_idle_conns_per_host 256
      compression off
    }}
  }}
}}
"""


def envoy_config(port, origin):
    def address(number):
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front", "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": "origin"}}]}]},
        "http_filters": [{"name": "router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
    }
    return {"static_resources": {
        "listeners": [{"name": "front", "address": address(port), "filter_chains": [{"filters": [
            {"name": "manager", "typed_config": manager}]}]}],
        "clusters": [{"name": "origin", "type": "STATIC", "connect_timeout": "5s", "load_assignment": {
            "cluster_name": "origin", "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": address(origin)}}]}]}}],
    }}


def children(pid):
    """pid and all its descendants, as they are now."""
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = pathlib.Path(entry.path, "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


class Proxy:
    """One running proxy, pinned to a core together with everything that it starts."""

    def __init__(self, name, port, command, environment=None):
        self.name, self.port = name, port
        self.output = open(WORK / name / "output.log", "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", *command], stdout=self.output, stderr=self.output, cwd=WORK / name,
            stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})

    def wait(self):
        """Until it listens; 15 s is for Envoy on a busy machine."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"{self.name} did not start:\n" + (WORK / self.name / "output.log").read_text(errors="replace")[-2000:])

    def cpu_ns(self):
        """Time on a CPU so far, all threads (field 1 of schedstat: user and kernel, network work done in its context included)."""
        total = 0
        for pid in children(self.process.pid):
            for task in os.listdir(f"/proc/{pid}/task"):
                total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
        return total

    def memory_kib(self, field):
        """VmRSS or RssAnon, all processes."""
        total = 0
        for pid in children(self.process.pid):
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(field + ":"):
                    total += int(line.split()[1])
        return total

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()


def program(name, *places):
    return next((str(p) for p in places if p.exists()), None) or shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")


def start(names, origin, first_port, weir=None, chains=None):
    """Starts those of `names` whose program is there, all at once; returns [Proxy]. Says which are missing. `chains`: the Chains
    (chains.py) of those that have a policy."""
    started = []
    try:
        start_all(started, names, origin, first_port, weir, chains)
    except BaseException:
        for proxy in started:
            proxy.stop()
        raise
    return started


def start_all(started, names, origin, first_port, weir, chains):
    programs = {
        "weir": str(weir) if weir else program("", ROOT / "build/release/weir"), "nginx": program("nginx"), "haproxy": program("haproxy"),
        "caddy": program("caddy"), "envoy": program("", WORK / "envoy/envoy/_bin/envoy"),
    }
    programs |= {name: program("", WORK / "bare") for name in ("floor_epoll", "floor_epoll_batched", "floor_io_uring")}
    programs |= {name: programs["weir"] for name in names if name.startswith("weir_")}
    programs["envoy_jwt"] = programs["envoy"]
    for index, name in enumerate(programs):
        if name not in names:
            continue
        path, port, work = programs[name], first_port + index, WORK / name
        if path is None:
            print(f"bench: {name} is not installed; the benchmark goes on without it", flush=True)
            continue
        with socket.socket() as probe:  # two that share the port would share the load, and each look twice as good
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise SystemExit(f"bench: port {port} is taken, perhaps by what an interrupted run left behind")
        if name != "envoy":
            shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        values = {"port": port, "origin": origin, "work": work, "connections": CONNECTIONS, "half": CONNECTIONS // 2 - 500}
        environment = None
        if name.startswith("weir"):
            config = weir_config(port, origin)
            config["access_log"]["path"] = str(work / "access.ndjson")
            if name == "weir":
                (work / "weir.json").write_text(json.dumps(config, indent=1))
            else:
                chains.weir(name, path, config, work / "weir.json")
            command = [path, "serve", "--config", str(work / "weir.json")]
        elif name == "nginx":
            (work / "nginx.conf").write_text(NGINX.format(**values))
            command = [path, "-p", str(work), "-c", str(work / "nginx.conf")]
        elif name.startswith("floor_"):
            command = [path, name.removeprefix("floor_"), str(port), str(origin)]
        elif name == "haproxy":
            (work / "haproxy.cfg").write_text(HAPROXY.format(**values))
            command = [path, "-db", "-f", str(work / "haproxy.cfg")]
        elif name == "caddy":
            (work / "Caddyfile").write_text(CADDY.format(**values))
            command = [path, "run", "--config", str(work / "Caddyfile"), "--adapter", "caddyfile"]
            environment = {"GOMAXPROCS": "1", "XDG_CONFIG_HOME": str(work), "XDG_DATA_HOME": str(work), "HOME": str(work)}
        else:
            config = envoy_config(port, origin)
            (work / "envoy.json").write_text(json.dumps(config if name == "envoy" else chains.envoy(config, work / "access.log")))
            os.chmod(path, 0o755)
            command = [path, "-c", str(work / "envoy.json"), "--concurrency", "1", "--disable-hot-restart", "-l", "warn"]
        started.append(Proxy(name, port, command, environment))
    for proxy in started:
        proxy.wait()
