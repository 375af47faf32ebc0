"""Fixtures of the end-to-end suite: `weir` starts gateways for one test, `launch` for one test file, `origin` is a scripted
upstream. Set WEIR_BIN to test another build and WEIR_TIME_SCALE to be patient with it (sanitizers)."""

import itertools

import pytest

from kit.certs import Authority
from kit.gateway import BINARY, Gateway
from kit.origin import Origin
from kit.postgres import Postgres
from kit.provider import Provider
from kit.redis import Cluster, Redis, Sentinel


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than some seconds; in the full run, skipped by -m 'not slow'")


def pytest_collection_modifyitems(items):
    for item in items:
        if "harness" not in item.path.name and not BINARY.exists():
            item.add_marker(pytest.mark.skip(reason=f"{BINARY} is not built; set WEIR_BIN"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for gateway in Gateway.running:
            report.sections.append((f"stderr of weir {gateway.pid}", gateway.said()))


@pytest.fixture(autouse=True)
def survivors():
    """A gateway that tests of a file share and that one of them kills is that test's failure, not that of all after it."""
    shared = list(Gateway.running)
    for gateway in shared:
        if gateway.process.poll() is not None:
            gateway.start()
    yield
    for gateway in shared:
        if gateway.process.poll() is not None:
            pytest.fail(f"weir ended with {gateway.process.returncode}:\n{gateway.said()}")


def _starter(factory):
    started, numbers = [], itertools.count(1)

    def start(document, **options):
        gateway = Gateway(factory(f"weir{next(numbers)}-"), document, **options)
        started.append(gateway)
        return gateway

    def stop_all():
        failures = []
        for gateway in started:
            try:
                gateway.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        assert not failures, "\n".join(failures)

    return start, stop_all


@pytest.fixture
def weir(tmp_path_factory):
    """weir(document) starts a gateway; all are stopped, and must end well, after the test."""
    start, stop_all = _starter(tmp_path_factory.mktemp)
    yield start
    stop_all()


@pytest.fixture(scope="module")
def launch(tmp_path_factory):
    """The same for gateways that all tests of a file share."""
    start, stop_all = _starter(tmp_path_factory.mktemp)
    yield start
    stop_all()


@pytest.fixture(scope="module")
def shared_origin():
    """One origin per test file; tests ask for `origin`, which is this one with its scripts and records cleared."""
    origin = Origin()
    yield origin
    origin.stop()


@pytest.fixture
def origin(shared_origin):
    shared_origin.reset()
    yield shared_origin
    assert not shared_origin.errors, f"the gateway sent malformed bytes upstream: {shared_origin.errors}"


@pytest.fixture
def new_origin():
    """new_origin(**options) makes further origins for one test."""
    made = []

    def make(**options):
        made.append(Origin(**options))
        return made[-1]

    yield make
    for origin in made:
        origin.stop()


def _services(tmp_path_factory, kind):
    made = []

    def start(**options):
        made.append(kind(tmp_path_factory.mktemp(kind.__name__.lower()), **options))
        return made[-1]

    yield start
    for each in made:
        each.stop()


@pytest.fixture
def redis(tmp_path_factory):
    """redis(**options) starts a redis-server (kit.redis.Redis) for one test."""
    yield from _services(tmp_path_factory, Redis)


@pytest.fixture
def redis_cluster(tmp_path_factory):
    """redis_cluster(**options) starts a Redis Cluster of three masters."""
    yield from _services(tmp_path_factory, Cluster)


@pytest.fixture
def redis_sentinel(tmp_path_factory):
    """redis_sentinel(**options) starts a master with a replica and three sentinels."""
    yield from _services(tmp_path_factory, Sentinel)


@pytest.fixture(scope="session")
def shared_postgres():
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres(shared_postgres):
    """A new, empty database (kit.postgres.Database) on a server that all tests share: not to be stopped or paused."""
    database = shared_postgres.database()
    yield database
    database.drop()


@pytest.fixture
def postgres_server():
    """postgres_server(**options) starts a server (kit.postgres.Postgres) for one test, to break; with primary= a standby."""
    made = []

    def start(**options):
        made.append(Postgres(**options))
        return made[-1]

    yield start
    for server in made:
        server.stop()


@pytest.fixture
def provider(tmp_path_factory):
    """provider(**settings) starts a real OpenID provider (kit.provider.Provider) for one test."""
    yield from _services(tmp_path_factory, Provider)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, request):
    """The file's shared gateway: `make_document(origin)` of the test module says what it runs on."""
    return launch(request.module.make_document(shared_origin))


@pytest.fixture
def control(tmp_path_factory):
    """control(redis, database=None, **options) starts a `weir control` (kit.control.Control) for one test."""
    from kit.control import Control

    made = []

    def start(redis, **options):
        made.append(Control(tmp_path_factory.mktemp("control"), redis, **options))
        return made[-1]

    yield start
    for each in made:
        each.stop()
