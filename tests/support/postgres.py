"""A throw-away PostgreSQL server that a test run starts for itself and that ends with it, whatever happens.

It listens on a unix socket in a temporary folder of its own. Everything is as small and quick as it gets, but fsync
stays on: a commit is as durable as it is in production.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bursar.store.database import Database

Connection = psycopg.Connection[tuple[Any, ...]]
START_SECONDS = 30.0
TEMPLATE = "migrated"
LENT_AT_MOST = 50
"""So often a database is lent: what was deleted from it stays in its files."""
SCHEMA = """
    SELECT md5(string_agg(line, chr(10) ORDER BY line)) FROM (
        SELECT concat_ws(' ', c.oid::regclass, relkind, relpersistence, reloptions, attname, atttypid::regtype,
                         attnotnull, pg_get_expr(d.adbin, d.adrelid))
        FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled, tgfoid::regproc) FROM pg_trigger
        WHERE NOT tgisinternal
        UNION ALL SELECT concat_ws(' ', oid::regprocedure, md5(prosrc)) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'set ' || setconfig::text FROM pg_db_role_setting
        JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
    ) AS lines (line)
"""
"""What a database's schema is, so that another one is not lent again."""
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
SEQUENCES = "SELECT sequencename, start_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
GONE_S = 0.5
"""So long a connection that was closed may take to be gone."""
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
    "deadlock_timeout": "100ms",
    "jit": "off",
}


class PostgresServer:
    """One server and its folder. `start` and `stop` may alternate; `remove` ends it for good."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bursar-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._bin = binaries()
        self._log = (self.folder / "log").open("ab")
        atexit.register(self.remove)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._as_server(
            *("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--no-locale", "--no-sync"),
        )
        self.start()
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        database = Database(self.url(TEMPLATE))
        database.migrate()
        database.close()
        self._idle: list[str] = []
        self._lent: Counter[str] = Counter()
        with self._connected(TEMPLATE) as connection:
            self._schema = connection.execute(SCHEMA).fetchone()
            tables = [name for [name] in connection.execute(TABLES)]
            self._filled = {name: _rows(connection, name) for name in tables if _rows(connection, name)}
            empty = [f"DELETE FROM {name};" for name in tables if name not in self._filled]
            restart = [f"SELECT setval('{name}', {start}, false);" for name, start in connection.execute(SEQUENCES)]
            self._empty = "SET session_replication_role = replica;" + "".join([*empty, *restart])

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [str(self._bin / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *settings]
        # The kernel ends the server when the test process is gone, even if that was killed.
        guard = ["setpriv", "--pdeathsig", "QUIT"]
        self._process = subprocess.Popen(
            [*guard, *as_postgres(), *command], stdout=self._log, stderr=subprocess.STDOUT, cwd="/"
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}") from None
                time.sleep(0.02)

    def stop(self) -> None:
        """End it as a crash would: no checkpoint, connections cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Every one of its processes stands still: connections stay open, and nothing is answered on them."""
        assert self._process is not None
        parent = self._process.pid
        os.kill(parent, signal.SIGSTOP)  # first, so that it starts no other
        stopped = [parent, *children_of(parent)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        """End it and remove its folder."""
        self.stop()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.remove)

    def execute(self, statement: str) -> None:
        """Run a statement of administration."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(sql.SQL(statement))

    def fresh(self) -> str:
        """Make a migrated, empty database; returns its name."""
        name = f"fresh_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    def lend(self) -> str:
        """A migrated, empty database, to be given back."""
        return self._idle.pop() if self._idle else self.fresh()

    def give_back(self, name: str) -> None:
        """Take one back and empty it for the next, which is quicker than to make another.

        One whose schema is another, or to which somebody is connected, is removed.
        """
        self._lent[name] += 1
        with self._connected(name) as connection:
            usable = self._lent[name] < LENT_AT_MOST and self._is_emptied(connection)
        if usable:
            self._idle.append(name)
        else:
            self.drop(name)

    def _is_emptied(self, connection: Connection) -> bool:
        deadline = time.monotonic() + GONE_S
        while connection.execute(OTHERS).fetchone() != (0,):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        if connection.execute(SCHEMA).fetchone() != self._schema:
            return False
        connection.execute(sql.SQL(self._empty))
        return all(_rows(connection, name) == rows for name, rows in self._filled.items())

    def _connected(self, name: str) -> Connection:
        return psycopg.connect(f"host={self.folder} user=postgres dbname={name}", autocommit=True)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _as_server(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            ["setpriv", *as_postgres(), str(self._bin / program), *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _rows(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.SQL(f"SELECT * FROM {table}")).fetchall()


def children_of(parent: int) -> list[int]:
    """The processes that a process started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        if int(ppid) == parent and state != "Z":
            found.append(int(stat.parent.name))
    return found


def binaries() -> Path:
    """Where the newest installed PostgreSQL keeps its programs."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return max(found, key=lambda path: int(re.sub(r"\D", "", path.parts[-3]))).parent
    on_path = shutil.which("postgres")
    assert on_path is not None, "PostgreSQL is not installed; `make setup` installs it (Debian: postgresql)"
    return Path(on_path).parent


def as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root: arguments of setpriv that make it another user then."""
    if os.geteuid() != 0:
        return ["--no-new-privs"]
    user = pwd.getpwnam("postgres")
    return [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
