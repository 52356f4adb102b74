"""Options that several commands share, and the way to the running server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from smsbot.configuration import read
from smsbot.core.errors import SmsbotError, UsageError
from smsbot.settings import Settings

from . import output

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def _unseen(address: str) -> str:
    """An address without a password: every process of the machine can read a command line."""
    if "://" in address and urlsplit(address).password:
        raise UsageError("a password on the command line is seen by every process; put the address into DATABASE_URL")
    return address


def address_of(named: str) -> str:
    """An address, or that which a variable of the environment holds."""
    return os.environ.get(named) or _unseen(named)


database = click.option(
    "--db", "database", metavar="DATABASE", callback=lambda _, __, given: given and _unseen(given),
    help="The database: a file, or postgresql://user@host/name (default: DATABASE_URL or smsbot.db).",
)  # fmt: skip
as_json, reveal, emit = output.as_json, output.reveal, output.emit


def settings(database: str | None) -> Settings:
    """The settings of this folder, with the database that the command line names."""
    return read(database=database)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, or until nobody reads on, as in `smsbot tail | head -1`."""
    try:
        return asyncio.run(work)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def must_ask(as_json: bool) -> None:
    """Raise `UsageError` where a question would spoil what is printed."""
    if as_json:
        raise UsageError("this asks first; add --yes to do it without")


class NoServer(Exception):
    """No server holds the database."""


def ask(found: Settings, do: str, **arguments: object) -> Any:
    """Ask the running server; raises `NoServer` if none runs, and the server's own error."""
    from smsbot.web.control import peer_of, socket_path

    path = socket_path(found.run_folder)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(60.0)
    try:
        connection.connect(os.fspath(path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        raise NoServer from None
    except PermissionError:
        connection.close()
        raise UsageError(f"{path.parent} belongs to another user; ask as the one who runs the server") from None
    owners = {os.geteuid(), 0} | ({found.place.path.stat().st_uid} if not found.place.on_server else set())
    if peer_of(connection) not in owners:
        connection.close()
        raise UsageError(f"another user answers at {path}; nothing was asked")
    with connection, connection.makefile("rwb") as stream:
        stream.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        stream.flush()
        answer = json.loads(stream.readline() or b'{"error": "the server went away"}')
    if "error" in answer:
        kind = UsageError if str(answer.get("code", "")).startswith("SB1") else SmsbotError
        raise kind(answer["error"])
    return answer["ok"]
