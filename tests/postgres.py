"""A PostgreSQL server of the tests' own: no network, no data that anybody keeps, ended with them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from smsbot.stores.postgres import schema
from smsbot.stores.postgres.driver import Connection

from .skipping import leave_out

OTHER = os.environ.get("SMSBOT_POSTGRES", "")
PROGRAMS = [Path(OTHER)] if OTHER else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
"""Where the servers are: as it is said, else where Debian keeps them, the newest first."""


def program(name: str) -> str | None:
    """One of PostgreSQL's programs."""
    return next((found for folder in PROGRAMS if (found := shutil.which(name, path=folder))), shutil.which(name))


def as_user(folder: Path, *command: str) -> None:
    """Run a command of the server; it refuses root, so that there Debian's user runs it."""
    wrapped = command
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        wrapped = ("runuser", "-u", "postgres", "--", *command)
    subprocess.run(wrapped, check=True, capture_output=True, timeout=60, cwd="/")


class Server:
    """A server that listens on a socket in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = count(1)
        self._template = ""
        self._idle: list[str] = []
        self._emptying = ""
        self._control = str(program("pg_ctl"))

    @property
    def psql(self) -> list[str]:
        """The command by which `psql` speaks with it."""
        return [str(program("psql")), "-h", str(self.folder), "-U", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1"]

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def run(self, sql: str, database: str = "postgres") -> str:
        """Run SQL; returns what it prints."""
        done = subprocess.run(
            [*self.psql, "-d", database, "-At"], input=sql, text=True, check=True, capture_output=True
        )
        return done.stdout

    def fresh(self, template: str = "template0") -> str:
        """The address of a database of its own: with nothing in it, or a copy of another."""
        name = f"t{next(self._names)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def migrated(self) -> str:
        """The address of a database of its own, with the newest schema."""
        if not self._template:
            self._template = "migrated"
            self.run(f"CREATE DATABASE {self._template}")
            with ThreadPoolExecutor(1) as aside:  # a loop may run here
                aside.submit(asyncio.run, _migrated(self.url(self._template))).result()
        return self.fresh(self._template)

    @contextmanager
    def pooled(self, folder: Path) -> Iterator[Callable[[str], str]]:
        """PgBouncer in transaction mode before it: gives each address the one that leads through it."""
        folder.chmod(0o755)
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={self.folder} user=postgres\n[pgbouncer]\nauth_type = any\npool_mode = transaction\n"
            f"unix_socket_dir = {folder}\nlisten_port = 6432\nlogfile = {folder}/log\npidfile = {folder}/pid\n"
            "default_pool_size = 3\nmax_client_conn = 200\nserver_idle_timeout = 2\n"
        )
        as_user(folder, "/usr/sbin/pgbouncer", "-d", "-q", str(folder / "pgbouncer.ini"))
        for _ in range(100):
            if (folder / ".s.PGSQL.6432").exists():
                break
            time.sleep(0.05)
        try:
            yield lambda url: f"{url.replace(str(self.folder), str(folder))}&port=6432&statement_cache_size=0"
        finally:
            os.kill(int((folder / "pid").read_text()), signal.SIGTERM)

    @contextmanager
    def lent(self) -> Iterator[Callable[[], str]]:
        """Addresses of databases with the newest schema and nothing in them, which come back to be lent again."""
        taken: list[str] = []

        def take() -> str:
            taken.append(self._idle.pop() if self._idle else self.migrated())
            return taken[-1]

        yield take
        for url in taken:
            self.run(self._emptied(), url.split("@/")[1].split("?")[0])
            self._idle.append(url)

    def _emptied(self) -> str:
        if not self._emptying:
            tables = self.run(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' "
                "AND table_type = 'BASE TABLE' AND table_name <> 'smsbot_schema'", self._template,
            ).split()  # fmt: skip
            counts = self.run("SELECT relname FROM pg_class WHERE relkind = 'S'", self._template).split()
            steps = [f"DELETE FROM {table};" for table in tables] + [f"ALTER SEQUENCE {c} RESTART;" for c in counts]
            again = "INSERT INTO searched VALUES (0, 0); INSERT INTO tallied VALUES (0, 0);"
            self._emptying = f"BEGIN; {''.join(steps)} {again} COMMIT;"
        return self._emptying

    def control(self, *command: str) -> None:
        """Start, stop or restart it."""
        data = ("-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"))
        as_user(self.folder, self._control, *data, *command)

    def start(self, *settings: str) -> None:
        """Start it, with further settings."""
        options = f"-k {self.folder} -c listen_addresses= -c max_connections=200"
        self.control("-o", " ".join((options, *(f"-c {one}" for one in settings))), "start")

    @contextmanager
    def standby(self, folder: Path) -> Iterator[Server]:
        """A server that keeps what this one does before it is acknowledged, in a folder."""
        made = Server(folder)
        folder.chmod(0o755)
        data = str(folder / "data")
        as_user(folder, str(program("pg_basebackup")), "-D", data, "-h", str(self.folder), "-U", "postgres", "-R",
                "-X", "stream", "-c", "fast")  # fmt: skip
        made.start("fsync=off")
        try:
            self.run("ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf()")
            yield made
        finally:
            made.control("-m", "immediate", "stop")

    def both(self, other: Server, database: str) -> str:
        """The address of a database on whichever of two servers takes writes."""
        return f"postgresql://postgres@/{database}?host={self.folder},{other.folder}&port=5432,5432&target_session_attrs=read-write"


@contextmanager
def server(folder: Path, *settings: str) -> Iterator[Server]:
    """A fresh server over a socket in a folder."""
    made = Server(folder)
    folder.chmod(0o755)
    data = str(folder / "data")
    as_user(folder, str(program("initdb")), "-D", data, "-A", "trust", "-U", "postgres", "-N", "--locale=C.UTF-8",
            "-E", "UTF8")  # fmt: skip
    made.start(*(settings or ("fsync=off",)))
    try:
        yield made
    finally:
        with suppress(subprocess.CalledProcessError):  # a test may have ended it
            made.control("-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this run."""
    if program("initdb") is None:
        leave_out("postgres", "PostgreSQL's server")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="smsbot-pg-") as folder, server(Path(folder)) as found:
        yield found


@pytest.fixture(scope="session")
def pooled(postgres: Server) -> Iterator[Callable[[str], str]]:
    """The addresses of databases behind PgBouncer."""
    if not Path("/usr/sbin/pgbouncer").exists():
        leave_out("pgbouncer", "PgBouncer")
    with (
        tempfile.TemporaryDirectory(dir="/tmp", prefix="smsbot-pool-") as folder,
        postgres.pooled(Path(folder)) as lead,
    ):
        yield lead


async def _migrated(url: str) -> None:
    connection = await Connection.to(url, "a test")
    await schema.migrate(connection)
    await connection.close()
