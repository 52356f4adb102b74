"""A PostgreSQL server of a test's own: no network, no data that anybody keeps, ended with the test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
"""Where Debian keeps the servers, the newest first."""


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


@contextmanager
def server(folder: Path) -> Iterator[list[str]]:
    """The command by which `psql` speaks with a fresh server, over a socket in a folder."""
    initdb, control, psql = program("initdb"), program("pg_ctl"), program("psql")
    assert initdb is not None
    assert control is not None
    assert psql is not None
    folder.chmod(0o755)
    data = str(folder / "data")
    as_user(folder, initdb, "-D", data, "-A", "trust", "-U", "postgres", "-N", "--locale=C.UTF-8", "-E", "UTF8")
    options = f"-k {folder} -c listen_addresses= -c fsync=off"
    as_user(folder, control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield [psql, "-h", str(folder), "-U", "postgres", "-X", "-q"]
    finally:
        as_user(folder, control, "-D", data, "-w", "-m", "immediate", "stop")
