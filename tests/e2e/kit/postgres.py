"""Real Postgres on free ports of 127.0.0.1: a server, its standbys, and what may happen to them. Fixtures that stop them
by themselves are `postgres` (a new database on a server that all tests share) and `postgres_server` (a server to break)
in conftest.py. Spoken to by psql, so that the suite needs no package for it."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid

from .config import free_port
from .wait import SCALE, until

PROGRAMS = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=None)


class PostgresError(Exception):
    """What Postgres, or psql about it, said."""


class Postgres:
    """One server; with `primary` a standby of it, which that one knows by `name`. `settings` are those of postgresql.conf.
    Durability (fsync) is off unless asked for: no test pulls the plug of the machine. Anyone may log in without a
    password; the role `secretive` of with_password() may not."""

    def __init__(self, primary=None, name="standby", **settings):
        assert PROGRAMS, "Postgres is not installed: ./dev test installs it"
        self.port = free_port()
        self.name = name
        self.settings = {"fsync": "off", "max_connections": 50, "shared_buffers": "16MB"} | settings
        # Not below pytest's folders: Postgres refuses to run as root and its user may not enter those.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-postgres-"))
        self.data = self.directory / "data"
        self.log_file = self.directory / "log"
        self.log_file.touch()
        self.as_user = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            for path in (self.directory, self.log_file):
                os.chown(path, user.pw_uid, user.pw_gid)
        self.process = None
        try:
            self._make(primary)
            self.start()
        except BaseException:
            self.stop()
            raise

    def _make(self, primary):
        if primary:
            source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.name}"
            self._run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-d", source)
            return
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        (self.data / "pg_hba.conf").write_text(
            "host all secretive 127.0.0.1/32 scram-sha-256\n"
            "host all all 127.0.0.1/32 trust\n"
            "host replication all 127.0.0.1/32 trust\n"
        )

    def _run(self, program, *arguments):
        done = subprocess.run(
            [PROGRAMS / program, *map(str, arguments)], capture_output=True, text=True, cwd="/", timeout=60 * SCALE, **self.as_user
        )
        if done.returncode != 0:
            raise PostgresError(done.stderr.strip())
        return done.stdout

    # Life and death

    def start(self):
        """Runs it, also again after kill() and shut_down(), on the same port with the same data."""

        def probe():
            if self.process is None or self.process.poll() is not None:  # too soon after kill(): its children still end
                self._launch()
            try:
                return self.sql("SELECT 1") == "1"
            except PostgresError:
                return False

        until(f"Postgres starts: {self.log_file}", probe, 30)

    def _launch(self):
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self.as_user,
            )  # fmt: skip

    def pause(self):
        """SIGSTOP, to all its processes: connections are accepted by the kernel, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, signal_number):
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):  # of its children one may just have ended
                os.kill(pid, signal_number)

    def _pids(self):
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def kill(self):
        """kill -9: as a crash."""
        if self.process and self.process.poll() is None:
            self.resume()
            self.process.kill()
            self.process.wait()

    def shut_down(self):
        """As an administrator does: clients are cut off, all is written."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30 * SCALE)

    def stop(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    # Standbys

    def standby(self, name="standby", synchronous=True, **settings):
        """A standby of this server; synchronous: from now on each commit waits until the standby has it on disk."""
        made = Postgres(primary=self, name=name, **settings)
        if synchronous:
            self.set(synchronous_standby_names=name)
        want = "sync" if synchronous else "async"
        query = f"SELECT sync_state FROM pg_stat_replication WHERE application_name = '{name}'"
        until(f"{name} follows", lambda: self.sql(query) == want, 10)
        return made

    def promote(self):
        assert self.sql("SELECT pg_promote(true, 30)") == "t"

    # Use

    def sql(self, statement, database="postgres"):
        """What psql prints: rows by line, columns by |."""
        return self._run(
            "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-d", database,
            "-c", statement,
        ).rstrip("\n")  # fmt: skip

    def set(self, **settings):
        """Settings that take effect without a restart."""
        before = self.sql("SELECT pg_conf_load_time()")
        for name, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        self.sql("SELECT pg_reload_conf()")
        until("Postgres has read its settings again", lambda: self.sql("SELECT pg_conf_load_time()") != before)

    def read_only(self, on=True):
        """Every transaction that begins from now on, on new connections and old ones, is read-only; or no longer is."""
        self.set(default_transaction_read_only="on" if on else "off")

    def with_password(self, password):
        """The URL's user and password of a role that needs them."""
        self.sql(f"DROP ROLE IF EXISTS secretive; CREATE ROLE secretive SUPERUSER LOGIN PASSWORD '{password}'")
        return f"secretive:{password}"

    def database(self):
        """A new, empty database."""
        name = "weir_" + uuid.uuid4().hex[:12]
        self.sql(f"CREATE DATABASE {name}")
        return Database(self, name)

    def url(self, database="postgres", user="postgres", others=()):
        """`others`: further servers, tried when this one takes no writes."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in (self, *others))
        return f"postgres://{user}@{hosts}/{database}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Database:
    """One database of a server, to be given to weir by `url`."""

    def __init__(self, server, name):
        self.server, self.name = server, name

    @property
    def url(self):
        return self.server.url(self.name)

    def sql(self, statement):
        return self.server.sql(statement, self.name)

    def disconnect(self):
        """Cuts off everybody who is connected to it."""
        self.server.sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{self.name}'")

    def drop(self):
        self.server.sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
