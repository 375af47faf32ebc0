"""`./dev bench`: the CPU that Weir and its peers spend on a request, measured side by side. Standard library only.

All proxies are up at once on core 0; the load generator and the origin (bench/load.cc, bench/origin.cc) are on core 1. A
round gives every proxy a short slice of every scenario, in an order shuffled from a seed; a slice's figure is the CPU time
the proxy's threads took, divided by the answers that came back right. Within a round the machine is the same for all, so
what is compared is the ratio Weir / peer of each round: its median, least and greatest. Method: docs/benchmarks.md.

  run.py [--only nginx,haproxy] [--rounds 9] [--seconds 2] [--scenario NAME]    writes build/bench/result.{md,json}
  run.py idle [--connections 9000]                                              memory per idle connection
  run.py chain                          Weir with a policy beside nginx without one; writes build/bench/chain.{md,json}
"""

import argparse
import json
import pathlib
import platform
import random
import resource
import statistics
import subprocess
import sys
import time

import chains
import peers

SCENARIOS = {  # name: (connections, KiB of body, keep or close)
    "64 connections, 1 KiB": (64, 1, "keep"),
    "64 connections, 16 KiB": (64, 16, "keep"),
    "one connection per request": (64, 1, "close"),
    "a single connection": (1, 1, "keep"),
}
TARGETS = {"nginx": (0.65, 0.75, 0.90, 0.90), "haproxy": (0.80,) * 4}  # Weir / peer, at most, in the scenarios' order.
ORIGIN_PORT, FIRST_PORT = 19080, 19081


def compile_tools():
    peers.WORK.mkdir(parents=True, exist_ok=True)
    for name in ("origin", "load", "bare"):
        source, binary = peers.ROOT / "bench" / f"{name}.cc", peers.WORK / name
        if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["clang++-19", "-std=c++23", "-O2", "-o", str(binary), str(source), *(["-luring"] if name == "bare" else [])], check=True)


CHAIN_TARGETS = {"weir_jwt": 1.0, "weir_key": 1.0, "weir_redis": 1.1, "weir_lease": 1.1}  # ÷ nginx's plain proxy_pass


def load_command(port, connections, seconds, kib, mode, field=""):
    return ["taskset", "-c", "1", str(peers.WORK / "load"), str(port), f"{peers.MEASURED}/{kib}k", str(connections), str(seconds),
            str(kib), mode, field]


def slice_of(proxy, scenario, seconds):
    connections, kib, mode = SCENARIOS[scenario]
    before = proxy.cpu_ns()
    done = subprocess.run(load_command(proxy.port, connections, seconds, kib, mode, proxy.field), capture_output=True, text=True, check=True)
    spent, seen = proxy.cpu_ns() - before, json.loads(done.stdout)
    if seen["errors"] or not seen["requests"]:
        sys.exit(f"bench: {proxy.name}, {scenario}: {seen['errors']} wrong answers, {seen['requests']} right ones; no figure")
    return {"cpu_us": spent / 1000 / seen["requests"], "rate": seen["requests"] / seen["seconds"],
            "p50_us": seen["p50_us"], "p99_us": seen["p99_us"]}


def measure(proxies, scenarios, rounds, seconds, seed):
    """{scenario: {proxy: [slice per round]}}"""
    shuffle, figures = random.Random(seed), {s: {p.name: [] for p in proxies} for s in scenarios}
    for proxy in proxies:  # Warm: pools filled, code paged in. Not counted.
        for scenario in scenarios:
            slice_of(proxy, scenario, 0.3)
    for number in range(rounds):
        slices = [(scenario, proxy) for scenario in shuffle.sample(scenarios, len(scenarios))
                  for proxy in shuffle.sample(proxies, len(proxies))]
        for scenario, proxy in slices:
            figures[scenario][proxy.name].append(slice_of(proxy, scenario, seconds))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return figures


def ratios(figures, peer):
    return [ours["cpu_us"] / theirs["cpu_us"] for ours, theirs in zip(figures["weir"], figures[peer])]


def report(figures, memory, setup):
    lines = [f"Measured {setup['when']} on {setup['cpu']}, Linux {setup['kernel']}, {setup['rounds']} rounds of {setup['seconds']} s slices, "
             f"seed {setup['seed']}.", ""]
    missed = 0
    for scenario, by_proxy in figures.items():
        lines += [f"**{scenario}**", "",
                  "| proxy | CPU µs/request | Weir ÷ it: median (min–max) | target | p50 µs | p99 µs | requests/s | RSS MiB |",
                  "|---|---|---|---|---|---|---|---|"]
        for name, slices in by_proxy.items():
            middle = {key: statistics.median(s[key] for s in slices) for key in slices[0]}
            ratio, target = "", ""
            if name != "weir" and "weir" in by_proxy:
                each = ratios(by_proxy, name)
                ratio = f"**{statistics.median(each):.2f}** ({min(each):.2f}–{max(each):.2f})"
                if name in TARGETS:
                    limit = TARGETS[name][list(SCENARIOS).index(scenario)]
                    met = statistics.median(each) <= limit
                    missed += not met
                    target = f"≤ {limit:.2f} {'met' if met else 'MISSED'}"
            lines.append(f"| {name} | {middle['cpu_us']:.1f} | {ratio} | {target} | {middle['p50_us']:.0f} | {middle['p99_us']:.0f} "
                         f"| {middle['rate']:.0f} | {memory[name] / 1024:.0f} |")
        lines.append("")
    return "\n".join(lines), missed


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def compare(proxies, options):
    scenarios = [s for s in SCENARIOS if options.scenario in s]
    if not scenarios:
        sys.exit(f"bench: no scenario has '{options.scenario}' in its name; there are: {', '.join(SCENARIOS)}")
    figures = measure(proxies, scenarios, options.rounds, options.seconds, options.seed)
    memory = {proxy.name: proxy.memory_kib("VmRSS") for proxy in proxies}
    setup = {"when": time.strftime("%Y-%m-%d"), "cpu": processor(), "kernel": platform.release(), "rounds": options.rounds,
             "seconds": options.seconds, "seed": options.seed}
    text, missed = report(figures, memory, setup)
    (peers.WORK / "result.md").write_text(text, encoding="utf-8")
    (peers.WORK / "result.json").write_text(json.dumps({"setup": setup, "rss_kib": memory, "slices": figures}, indent=1))
    print(text)
    if any(proxy.name == "weir" for proxy in proxies):
        print(f"{missed} targets missed" if missed else "every target met")
    print("written: build/bench/result.md, build/bench/result.json")


def chain(proxies, options):
    """Each chain of Weir, and Envoy's, ÷ nginx's plain proxy_pass: 64 connections, 1 KiB."""
    scenario = next(iter(SCENARIOS))
    figures = measure(proxies, [scenario], options.rounds, options.seconds, options.seed)[scenario]
    lines = [f"Measured {time.strftime('%Y-%m-%d')} on {processor()}, Linux {platform.release()}, {options.rounds} rounds of "
             f"{options.seconds} s slices, seed {options.seed}; {scenario}.", "",
             "| proxy | CPU µs/request | ÷ nginx: median (min–max) | target | p50 µs | p99 µs | requests/s |", "|---|---|---|---|---|---|---|"]
    for name, slices in figures.items():
        middle = {key: statistics.median(s[key] for s in slices) for key in slices[0]}
        each = [ours["cpu_us"] / theirs["cpu_us"] for ours, theirs in zip(slices, figures["nginx"])]
        limit = CHAIN_TARGETS.get(name)
        target = f"≤ {limit:.1f} {'met' if statistics.median(each) <= limit else 'MISSED'}" if limit else ""
        lines.append(f"| {name} | {middle['cpu_us']:.1f} | **{statistics.median(each):.2f}** ({min(each):.2f}–{max(each):.2f}) | {target} "
                     f"| {middle['p50_us']:.0f} | {middle['p99_us']:.0f} | {middle['rate']:.0f} |")
    text = "\n".join(lines) + "\n"
    (peers.WORK / "chain.md").write_text(text, encoding="utf-8")
    (peers.WORK / "chain.json").write_text(json.dumps(figures, indent=1))
    print(text + "written: build/bench/chain.md, build/bench/chain.json")


def idle(proxies, options):
    """Growth of anonymous memory (RssAnon: the process's own, no file pages, no kernel buffers) per idle connection."""
    lines = ["| proxy | RssAnon before MiB | with the connections MiB | bytes per idle connection |", "|---|---|---|---|"]
    for proxy in proxies:
        slice_of(proxy, "64 connections, 1 KiB", 1)
        before = proxy.memory_kib("RssAnon")
        holder = subprocess.Popen(load_command(proxy.port, options.connections, 0, 1, "idle"), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        if holder.stdout.readline().strip() != "idle":
            sys.exit(f"bench: {proxy.name} did not take {options.connections} connections")
        time.sleep(1)  # Let it give back what a finished request held.
        during = proxy.memory_kib("RssAnon")
        holder.stdin.close()
        holder.wait()
        lines.append(f"| {proxy.name} | {before / 1024:.1f} | {during / 1024:.1f} | {(during - before) * 1024 / options.connections:.0f} |")
    text = f"{options.connections} connections, each idle after one request:\n\n" + "\n".join(lines) + "\n"
    (peers.WORK / "idle.md").write_text(text, encoding="utf-8")
    print(text)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Weir beside nginx, HAProxy, Caddy and Envoy.")
    parser.add_argument("what", nargs="?", choices=["compare", "idle", "chain"], default="compare")
    parser.add_argument("--only", default="weir,nginx,haproxy,caddy,envoy,floor_epoll,floor_epoll_batched,floor_io_uring", help="proxies, separated by commas")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2, help="length of a slice")
    parser.add_argument("--scenario", default="", help="only those with this in their name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--connections", type=int, default=9000, help="for idle")
    parser.add_argument("--weir", type=pathlib.Path, help="another binary than build/release/weir")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = peers.CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, peers.CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    compile_tools()
    origin = subprocess.Popen(["taskset", "-c", "1", str(peers.WORK / "origin"), str(ORIGIN_PORT)])
    proxies, policies = [], None
    try:
        if options.what == "chain":
            policies = chains.Chains()
            options.only = ",".join(["nginx", *chains.CHAINS, "envoy_jwt"])
        proxies = peers.start(options.only.split(","), ORIGIN_PORT, FIRST_PORT, options.weir, policies)
        for proxy in proxies:
            proxy.field = policies.headers.get(proxy.name, "") if policies else ""
        {"idle": idle, "chain": chain, "compare": compare}[options.what](proxies, options)
    finally:
        for proxy in proxies:
            proxy.stop()
        if policies:
            policies.stop()
        origin.kill()
        origin.wait()


if __name__ == "__main__":
    main()
