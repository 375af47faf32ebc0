"""Promise: limits kept in Redis are exact among all instances and workers, leases stay within their bound, and no trouble of Redis is
a client's: decided here with half of the limit, at once, never unlimited, never closed, and exact again within two seconds."""

import hashlib
import time
from datetime import datetime

import pytest

from kit import config
from kit.client import fetch
from kit.hammer import Hammer
from kit.redis import Proxy
from kit.redis_proxy import ApartProxy
from kit.wait import SCALE, away_from_midnight, until

# The budget of a decision where the machine's own slowness must not count.
PATIENT = {"command_timeout": "5s", "connect_timeout": "5s"}
BACK = 2.0  # seconds, from when Redis answers again to the first exact decision


def limit(rate, **settings):
    return config.filter_("rate_limit", mode=settings.pop("mode", "redis"), limits=[{"rate": rate, "key": "constant"} | settings])


def document(where, *limits, **more):
    routes = [config.respond(each["config"]["limits"][0]["name"], "/" + each["config"]["limits"][0]["name"], body="ok", before=[each]) for each in limits]
    return config.document(*routes, redis=where, **more)


def key_of(name, key=b"=", scope=b""):
    return f"weir:r:{name}:" + hashlib.sha256(scope + b"\0" + key).hexdigest()[:32]


def now_us(server):
    seconds, micros = server.call("TIME")
    return int(seconds) * 1_000_000 + int(micros)


def tat(server, name, n):
    """The bucket's TAT in n-ths of a microsecond."""
    whole, part = server.call("GET", key_of(name)).split(":")
    return int(whole) * n + int(part)


class Exactly:
    """`with Exactly(server, name, rate, burst) as bucket:` begins with an empty bucket; then admitted == rate * t to the token.
    The burst must be what comes back in more time than clients ever pause: what a full bucket would get is lost."""

    def __init__(self, server, name, rate, burst):
        self.server, self.name, self.rate, self.burst = server, name, rate, burst
        common = next(d for d in range(min(rate, 1_000_000), 0, -1) if rate % d == 0 and 1_000_000 % d == 0)
        self.n, self.p = rate // common, 1_000_000 // common

    def __enter__(self):
        fill = self.burst * self.p // self.n
        self.begun = now_us(self.server)  # the bucket fills from here, not from when SET is done
        self.start = self.begun + fill
        self.server.call("SET", key_of(self.name), f"{self.start}:0", "PX", 600_000)
        return self

    def __exit__(self, *_):
        self.tat = tat(self.server, self.name, self.n)
        self.ended = now_us(self.server)

    def check(self, admitted):
        moved = self.tat - self.start * self.n
        assert moved == admitted * self.p, f"{admitted} were admitted, the bucket was charged for {moved / self.p}"
        most = (self.ended - self.begun) * self.n / self.p
        assert admitted <= most + 1, f"{admitted} admitted, rate * t is {most}"


def instances(weir, where, *limits, count=3, **more):
    return [weir(document(where, *limits, **more)) for _ in range(count)]


def degraded(gateways, **labels):
    return sum(g.metric("weir_ratelimit_degraded_decisions_total", **labels) for g in gateways)


def exactness(weir, redis, each, rate=2000):
    burst = 20 * rate
    server = redis()
    gateways = instances(weir, {"url": server.url, **PATIENT}, limit(f"{rate}/s", name="exact", burst=burst))
    with Exactly(server, "exact", rate, burst) as bucket:
        # 8 clients: 3 on two of the instances, 2 on the third.
        with Hammer([g.port for g in gateways] * 2 + [gateways[0].port, gateways[1].port], "/exact", clients=1, each=each) as hammer:
            pass
    assert not hammer.failures and set(hammer.statuses) <= {200, 429} and hammer.total == 8 * each
    assert degraded(gateways) == 0
    bucket.check(hammer.count(200))
    demand = hammer.total / hammer.seconds
    if demand > 2 * rate:  # more was asked for than there was: all there was, was given
        assert hammer.count(429) > 0 and hammer.count(200) >= rate * (bucket.ended - bucket.begun - 1_000_000) / 1_000_000 * 0.5
    print(f"{hammer.total} calls in {hammer.seconds:.1f} s, {hammer.count(200)} admitted, error 0")


def test_exact_among_three_instances_and_eight_clients(weir, redis):
    exactness(weir, redis, 2500)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_exact_in_a_million_calls(weir, redis):
    exactness(weir, redis, 125_000, rate=4000)


@pytest.mark.parametrize("each", [2500, pytest.param(125_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_leases_stay_within_their_bound(weir, redis, each):
    server = redis()
    rate, burst, workers = 1000, 2400, 2
    gateways = instances(weir, {"url": server.url, **PATIENT}, limit(f"{rate}/s", name="lease", burst=burst, mode="lease"))
    until("each knows of the others", lambda: all(g.metric("weir_instances") == 3 for g in gateways))
    bound = max(burst // 2, 2 * len(gateways) * workers)
    begun = now_us(server)
    with Hammer([g.port for g in gateways] * 2 + [gateways[0].port, gateways[1].port], "/lease", clients=1, each=each) as hammer:
        pass
    seconds = (now_us(server) - begun) / 1e6
    assert not hammer.failures and set(hammer.statuses) <= {200, 429}
    assert degraded(gateways) == 0
    lets_through = burst + rate * seconds
    assert hammer.count(200) <= lets_through + bound
    if hammer.total > 1.5 * lets_through:
        assert hammer.count(200) >= burst - bound
    calls = int(dict(line.split(":", 1) for line in server.call("INFO", "commandstats").splitlines() if ":" in line)["cmdstat_evalsha"].split("calls=")[1].split(",")[0])
    print(f"{hammer.total} calls, {hammer.count(200)} admitted of {lets_through:.0f} (bound {bound}), {calls} questions")
    assert calls < hammer.total / 3


def in_mid_load(gateways, trouble, heal, seconds=1.5, name="half"):
    """Load on all instances: a calm second, then `trouble()`, `heal()` and the return to exact decisions. Returns the hammer and how
    long the return took: to the first exact decision of the last instance. (Later ones may miss the 2 ms again when the machine is busy;
    that this ends is waited for, without a figure.)"""
    with Hammer([g.port for g in gateways], f"/{name}", clients=1, batch=5, pause=0.01) as hammer:
        time.sleep(1)
        trouble()
        time.sleep(seconds)
        heal()
        healed = time.time()

        def without():
            return degraded(gateways), time.monotonic()

        last, since = without()

        def exact():
            nonlocal last, since
            count, now = without()
            if count != last:
                last, since = count, now
            return now - since > 0.5

        until("decisions are exact again", exact, 60)
        until("each has decided by Redis", lambda: all(any(stamp >= healed for stamp in exact_stamps(g)) for g in gateways))
    assert not hammer.failures, hammer.failures[:5]
    assert set(hammer.statuses) <= {200, 429}, f"nothing of it is the client's trouble: {hammer.statuses}"
    took = max(min(stamp for stamp in exact_stamps(g) if stamp >= healed) - healed for g in gateways)
    return hammer, took


def exact_stamps(gateway):
    return [datetime.fromisoformat(r["ts"]).timestamp() for r in gateway.records() if not r.get("degraded")]


def durations(gateways):
    """µs of every request, in order, of those decided without Redis."""
    return sorted(r.duration for g in gateways for r in g.records() if r.get("degraded"))


def quick(gateways, most=5000):
    """Every decision within 5 ms: as far as this machine lets anybody be punctual, which the calm requests of the same run show. The
    slowest has a bound too: what a machine's own pauses have cost a calm request, and 400 ms for those that no calm one met."""
    calm = sorted(r.duration for g in gateways for r in g.records() if not r.get("degraded"))
    slow = durations(gateways)
    assert slow, "nothing was decided without Redis"
    at = lambda values, part: values[min(len(values) - 1, int(len(values) * part))]
    print(f"degraded p50 {at(slow, 0.5)} p99 {at(slow, 0.99)} max {slow[-1]} µs; calm p99 {at(calm, 0.99)} max {calm[-1]} µs")
    excuse = at(calm, 0.99) if calm else 0
    assert at(slow, 0.5) <= 5000 * SCALE and at(slow, 0.99) <= (most + max(5000, excuse)) * SCALE
    assert slow[-1] <= (most + max([400_000, *calm[-1:]])) * SCALE


TROUBLE = {
    "killed": (lambda s, p: s.kill(), lambda s, p: s.start()),
    "stopped": (lambda s, p: s.pause(), lambda s, p: s.resume()),
    "slow": (lambda s, p: p.say("delay", 0.5), lambda s, p: p.say("delay", 0)),
    "cut off": (lambda s, p: (p.say("refuse", 1), p.say("cut")), lambda s, p: p.say("refuse", 0)),
}
THROUGH_PROXY = ("slow", "cut off")


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble_of_redis_is_nobody_elses(weir, redis, kind):
    trouble, heal = TROUBLE[kind]
    server = redis()
    with ApartProxy(server.port) as proxy:
        # On two busy cores a round trip may take the two milliseconds of the usual budget by itself.
        where = {"url": f"redis://{proxy.address}" if kind in THROUGH_PROXY else server.url, "command_timeout": "10ms"}
        gateways = instances(weir, where, limit("100/s", name="half", burst=60), count=2)
        until("each knows of the other", lambda: all(g.metric("weir_instances") == 2 for g in gateways))
        hammer, took = in_mid_load(gateways, lambda: trouble(server, proxy), lambda: heal(server, proxy))
        assert took <= BACK * SCALE, f"exact again after {took:.2f} s"
        quick(gateways, 10_000)
        for gateway in gateways:
            until("it says so", lambda: gateway.stderr().count("alert: redis_away") == gateway.stderr().count("redis_back") >= 1)
            assert "half of each divided by 2 instances" in gateway.stderr()
        assert hammer.count(429) > 0 and hammer.count(200) > 0
        print(f"exact again after {took:.2f} s; {hammer.statuses}")


def test_a_connection_that_ends_in_the_middle_of_a_reply(weir, redis):
    """Half a reply is none: nobody is given the other half's answer, and the next connection begins anew."""
    server = redis()
    quota = {"name": "quota", "config": {"most": 100_000, "per": "month", "key": "constant", "mode": "redis", "name": "month"}}
    lease = limit("200/s", name="lease", mode="lease")
    with Proxy(server.port) as proxy:
        found = document({"url": f"redis://{proxy.address}", **PATIENT}, limit("100/s", name="half", burst=60), lease)
        found["routes"].append(config.respond("month", "/month", body="ok", before=[quota]))
        gateway = weir(found)
        with Hammer([gateway.port], "/half", clients=2, batch=4, pause=0.005) as half, Hammer(
            [gateway.port], "/month", clients=1, batch=4, pause=0.005) as month, Hammer(
            [gateway.port], "/lease", clients=1, batch=4, pause=0.005) as leased:  # fmt: skip
            for number in range(10):
                until("a reply is torn", lambda: (proxy.tear(), time.sleep(0.05), proxy.torn > number)[-1], 10)
            time.sleep(0.3)
        for hammer in (half, month, leased):
            assert not hammer.failures and set(hammer.statuses) <= {200, 429}, hammer.statuses
        # Charged perhaps though its answer was lost: to the careful side. Decided here meanwhile: half, at most.
        assert half.count(200) <= 60 + 100 * half.seconds + 30 + 50 * half.seconds + 1
        until("exact again", lambda: "degraded" not in gateway.record_of(fetch(gateway.port, "/half")), BACK * SCALE + 1)
        let_through = month.count(200)

        def counted():
            nonlocal let_through
            let_through += fetch(gateway.port, "/month").status == 200  # a worker charges what it owes with its next question
            return int(server.call("GET", next(iter(server.call("KEYS", "weir:q:month:*"))))) >= let_through

        until("what was let through is counted", counted, 10)
        print(f"{proxy.torn} torn; {half.statuses} {month.statuses} {leased.statuses}")


@pytest.mark.parametrize("kind", ["slow", "cut off", "stopped"])
def test_with_the_usual_budget_a_decision_takes_five_milliseconds(weir, redis, kind):
    """2 ms for Redis, then the answer from here: what trouble of Redis costs a request from its first moment."""
    trouble, _ = TROUBLE[kind]
    server = redis()
    with ApartProxy(server.port) as proxy:
        (gateway,) = instances(weir, {"url": f"redis://{proxy.address}"}, limit("100/s", name="half"), count=1)
        assert fetch(gateway.port, "/half").status == 200
        with Hammer([gateway.port], "/half", clients=2, batch=2, pause=0.005) as hammer:
            time.sleep(0.3)
            trouble(server, proxy)
            time.sleep(1.2)
        server.resume()
        proxy.say("delay", 0)
    assert not hammer.failures and set(hammer.statuses) <= {200, 429}
    quick([gateway])


def test_half_of_the_limit_among_the_instances(weir, redis):
    """Never unlimited, never closed: each of two instances lets through a quarter of rate and burst."""
    server = redis()
    gateways = instances(weir, {"url": server.url}, limit("100/s", name="half", burst=80), count=2)
    until("each knows of the other", lambda: all(g.metric("weir_instances") == 2 for g in gateways))
    server.pause()
    with Hammer([gateways[0].port], "/half", clients=1, batch=2) as hammer:
        until("it is noticed", lambda: "redis_away" in gateways[0].stderr())
        time.sleep(0.5)
    begun = time.monotonic()
    with Hammer([g.port for g in gateways], "/half", clients=2) as hammer:
        time.sleep(3)
    seconds = time.monotonic() - begun
    server.resume()
    assert set(hammer.statuses) == {200, 429} and not hammer.failures
    assert hammer.count(200) <= 2 * (20 + 25 * seconds) + 2
    assert hammer.count(200) >= 2 * 25 * 2
    assert gateways[0].records()[-1]["degraded"] is True


@pytest.mark.parametrize("flush", [("SCRIPT", "FLUSH"), ("FLUSHALL",)], ids=" ".join)
def test_a_flush_in_mid_load_is_no_outage(weir, redis, flush):
    server = redis()
    gateways = instances(weir, {"url": server.url, **PATIENT}, limit("50/s", name="half", burst=20), count=2)
    with Hammer([g.port for g in gateways], "/half", clients=2, batch=10, pause=0.002) as hammer:
        for _ in range(20):
            time.sleep(0.05)
            server.call(*flush)
    assert set(hammer.statuses) == {200, 429} and not hammer.failures and degraded(gateways) == 0
    bursts = 21 if flush[0] == "FLUSHALL" else 1
    assert hammer.count(200) <= bursts * 20 + 50 * hammer.seconds + 1, "at most one burst for each time the buckets were lost"


def test_a_key_that_holds_something_else_is_deleted(weir, redis):
    server = redis()
    (gateway,) = instances(weir, {"url": server.url, **PATIENT}, limit("10/h", name="half"), count=1)
    server.call("LPUSH", key_of("half"), "x")
    answer = fetch(gateway.port, "/half")
    assert answer.status == 200 and gateway.record_of(answer)["degraded"] is True
    until("it is gone", lambda: server.call("TYPE", key_of("half")) != "list")
    assert gateway.metric("weir_ratelimit_wrong_type_total") == 1
    assert "degraded" not in gateway.record_of(fetch(gateway.port, "/half"))


def test_a_redis_without_memory_refuses_nobody(weir, redis):
    server = redis(maxmemory="1mb", maxmemory_policy="noeviction")
    (gateway,) = instances(weir, {"url": server.url, **PATIENT}, limit("10/h", name="half"), count=1)
    statuses = [fetch(gateway.port, "/half").status for _ in range(12)]
    assert statuses[0] == 200 and statuses[-1] == 429 and set(statuses) == {200, 429}
    assert degraded([gateway]) > 0


def test_a_redis_that_is_not_there_at_the_start(weir, redis):
    server = redis()
    server.kill()
    (gateway,) = instances(weir, {"url": server.url, **PATIENT}, limit("100/s", name="half"), count=1)
    assert fetch(gateway.port, "/half").status == 200
    until("it is said", lambda: "alert: redis_away" in gateway.stderr())
    server.start()
    until("exact", lambda: "degraded" not in gateway.record_of(fetch(gateway.port, "/half")))


def test_failover_in_mid_load(weir, redis_sentinel):
    group = redis_sentinel()
    where = {"sentinel": {"master": group.name, "addresses": group.addresses}, "command_timeout": "10ms"}
    gateways = instances(weir, where, limit("100/s", name="half", burst=60), count=2)
    old = group.master()
    state = {}

    def trouble():
        old.kill()
        state["killed"] = time.monotonic()

    def heal():
        until("another master is named", lambda: group.master() is not old, 20)

    hammer, took = in_mid_load(gateways, trouble, heal, seconds=0.2)
    assert took <= (BACK + 1) * SCALE, f"exact again {took:.2f} s after the sentinels had chosen"
    quick(gateways, 10_000)
    gap = time.monotonic() - state["killed"]
    assert hammer.count(200) <= 60 + 150 * hammer.seconds + 60 + 2 * 60 * 0.5 + 2, "at most one burst more for the failover"
    print(f"gap {gap:.1f} s, exact again {took:.2f} s after the new master was named; {hammer.statuses}")


def test_a_cluster_of_three(weir, redis_cluster):
    cluster = redis_cluster()
    rate, burst = 500, 10_000
    limits = [limit(f"{rate}/s", name=f"exact{i}", burst=burst) for i in range(6)]
    gateways = instances(weir, {"cluster": {"addresses": cluster.addresses}, **PATIENT}, *limits, count=2)
    owners = {cluster.owner(key_of(f"exact{i}")).port for i in range(6)}
    assert len(owners) > 1, "the keys are spread"
    for i in range(6):
        server, name = cluster.owner(key_of(f"exact{i}")), f"exact{i}"
        with Exactly(server, name, rate, burst) as bucket:
            with Hammer([g.port for g in gateways], f"/{name}", clients=2, each=500) as hammer:
                pass
        assert set(hammer.statuses) <= {200, 429} and not hammer.failures and degraded(gateways) == 0
        bucket.check(hammer.count(200))


def test_quotas_are_counted_together_across_a_restart(weir, redis):
    away_from_midnight()
    server = redis()
    quota = {"name": "quota", "config": {"most": 20, "per": "day", "mode": "redis", "key": "constant", "name": "daily"}}
    where = {"url": server.url, **PATIENT}
    gateways = [weir(config.document(config.respond("a", "/a", before=[quota]), redis=where)) for _ in range(2)]
    assert [fetch(gateways[i % 2].port, "/a").status for i in range(12)] == [200] * 12
    gateways[0].stop()
    gateways[0].start()
    assert [fetch(gateways[i % 2].port, "/a").status for i in range(10)] == [200] * 8 + [429] * 2
    (key,) = server.call("KEYS", "weir:q:daily:*")
    assert 0 < server.call("TTL", key) <= 2 * 86400 + 1 and server.call("GET", key) == "20"


def test_instances_are_counted_and_remembered(weir, redis, tmp_path):
    server = redis()
    documents = [document({"url": server.url}, limit("100/s", name="half"), state_dir=str(tmp_path / f"state{i}")) for i in range(3)]
    gateways = [weir(each) for each in documents]
    until("all know of all", lambda: all(g.metric("weir_instances") == 3 for g in gateways))
    time.sleep(2 + 2 * SCALE)  # the file is written every two seconds
    server.kill()
    gateways[0].kill()
    gateways[0].start()
    assert gateways[0].metric("weir_instances") == 3, "known from the last time, though Redis is away"
    server.start()
    gateways[2].stop()
    until("one has gone", lambda: gateways[1].metric("weir_instances") == 2, 15)


def test_a_reload_changes_to_another_redis(weir, redis):
    first, second = redis(), redis()
    gateway = weir(document({"url": first.url, **PATIENT}, limit("5/h", name="half")))
    assert fetch(gateway.port, "/half").status == 200 and first.call("EXISTS", key_of("half")) == 1
    more = {"listeners": gateway.document["listeners"], "admin": gateway.document["admin"]}
    gateway.reload(document({"url": second.url, **PATIENT}, limit("5/h", name="half"), **more))
    until("the other is asked", lambda: fetch(gateway.port, "/half").status and second.call("EXISTS", key_of("half")) == 1)
    gateway.reload(document({"url": second.url, **PATIENT}, limit("5/h", name="half", mode="local"), **more))
    assert "degraded" not in gateway.record_of(fetch(gateway.port, "/half"))
