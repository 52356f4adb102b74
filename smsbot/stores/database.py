"""The address of a database, and what can be had there: a store to serve, a reader beside it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit, urlunsplit

from smsbot.core.errors import UsageError

from .base import Reads, Store
from .deciding.rules import NO_RULES, Rules

_POSTGRES = ("postgresql", "postgres")


class Reader(Reads, Protocol):
    """Named reads beside a server, or without one; entered before it is asked."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Database:
    """One database by its address: a path or ``sqlite:///path``, else ``postgresql://user@host/name``."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.on_server = address.partition(":")[0] in _POSTGRES
        """Whether it is PostgreSQL's."""

    @property
    def path(self) -> Path:
        """The file; raises `UsageError` where a server keeps the database."""
        if self.on_server:
            raise UsageError(f"{self} is no file; its server backs it up and restores it (pg_dump, pg_restore)")
        return Path(self.address.removeprefix("sqlite:///"))

    def __str__(self) -> str:
        """The address without its password, and without what it asks for."""
        if not self.on_server:
            return str(self.path)
        try:
            scheme, netloc, path, _, fragment = urlsplit(self.address)
        except ValueError:
            return "postgresql://…"
        if "@" in path + fragment or ("@" in self.address and "@" not in netloc):
            return f"{scheme}://…"  # a password with a sign that should have been escaped
        user, at, host = netloc.rpartition("@")
        return urlunsplit((scheme, user.partition(":")[0] + at + host, path, "", ""))

    @property
    def exists(self) -> bool:
        """Whether it is there, as far as can be told without asking a server."""
        return self.on_server or self.path.is_file()

    @property
    def run_folder(self) -> Path:
        """The folder of a running server, of mode 0700: beside a file; else in the current folder."""
        if not self.on_server:
            return Path(f"{self.path.resolve()}.run")
        name = hashlib.blake2b(str(self).encode(), digest_size=4).hexdigest()
        return Path.cwd() / f"smsbot-{name}.run"

    def store(
        self, *, guarded: bool = True, patient: bool = False, shares: bool = False, rules: Rules = NO_RULES
    ) -> Store:  # fmt: skip
        """A store to be opened.

        A `guarded` one notices that a file has lost something since it was served. On a server, one that `shares` the
        database serves it beside others that do, and a `patient` one waits while it may not.
        """
        if self.on_server:
            return _postgres()(self.address, rules=rules, patient=patient, shares=shares)
        from .sqlite import SqliteStore

        return SqliteStore(self.path, guarded=guarded, rules=rules)

    async def findings(self) -> AsyncIterator[tuple[str, bool | None, str]]:
        """What a check-up of its server finds: what was looked at, whether it is right (None: worth knowing), why."""
        if self.on_server:
            _postgres()
            from .postgres.checkup import findings

            async for finding in findings(self.address):
                yield finding

    def reader(self) -> Reader:
        """A reader to be entered."""
        if self.on_server:
            _postgres()
            from .postgres.reader import PostgresReader

            return PostgresReader(self.address)
        from .readers import SqliteReader

        return SqliteReader(self.path)


def _postgres() -> Callable[..., Store]:
    """The store on PostgreSQL, whose driver is an extra."""
    try:
        from .postgres.store import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise UsageError("a database on PostgreSQL needs its driver: pip install 'smsbot[postgres]'") from None
    return PostgresStore
