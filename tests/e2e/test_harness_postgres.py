"""The harness tells the truth about Postgres: what tests of the control plane do to it really happens."""

import subprocess
import time

import pytest

from kit.postgres import PROGRAMS, PostgresError


def test_each_test_has_an_empty_database(postgres):
    assert postgres.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == "0"
    postgres.sql("CREATE TABLE mine (x INT)")
    other = postgres.server.database()
    with pytest.raises(PostgresError, match="does not exist"):
        other.sql("SELECT * FROM mine")
    other.drop()


def test_a_server_dies_comes_back_and_hangs(postgres_server):
    server = postgres_server()
    server.sql("CREATE TABLE kept (x INT); INSERT INTO kept VALUES (7)")
    server.kill()
    with pytest.raises(PostgresError, match="refused"):
        server.sql("SELECT 1")
    server.start()
    assert server.sql("SELECT x FROM kept") == "7"
    server.shut_down()
    server.start()

    server.pause()
    hanging = subprocess.Popen([PROGRAMS / "psql", "-Xd", server.url(), "-c", "SELECT 1"], stdout=subprocess.PIPE)
    time.sleep(0.3)
    assert hanging.poll() is None
    server.resume()
    assert b"1 row" in hanging.communicate(timeout=20)[0]

    server.read_only()
    with pytest.raises(PostgresError, match="read-only"):
        server.sql("INSERT INTO kept VALUES (8)")
    server.read_only(False)
    server.sql("INSERT INTO kept VALUES (8)")

    user = server.with_password("hunter2")
    connect = [PROGRAMS / "psql", "-Xwd", server.url(user=user), "-c", "SELECT 1"]
    assert subprocess.run(connect, capture_output=True).returncode == 0
    connect[2] = server.url(user="secretive:wrong")
    assert b"password authentication failed" in subprocess.run(connect, capture_output=True).stderr


def test_a_standby_follows_and_is_promoted(postgres_server):
    primary = postgres_server()
    primary.sql("CREATE TABLE kept (x INT)")
    standby = primary.standby()
    try:
        primary.sql("INSERT INTO kept VALUES (1)")
        with pytest.raises(PostgresError, match="read-only"):
            standby.sql("INSERT INTO kept VALUES (2)")
        primary.kill()
        standby.promote()
        assert standby.sql("INSERT INTO kept VALUES (2) RETURNING (SELECT sum(x) FROM kept)") == "1"
    finally:
        standby.stop()
