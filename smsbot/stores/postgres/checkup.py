"""What `smsbot doctor` asks a PostgreSQL server: whether it keeps what it has acknowledged, and who serves from it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from smsbot.core.errors import StoreError

from . import schema
from .driver import Conflict, Connection, Lost
from .statements import Statement

Finding = tuple[str, bool | None, str]
"""What was looked at, whether it is right (None: worth knowing), and why."""
_SURE = ("on", "remote_apply")
_LOST = "; what was acknowledged is lost if the server dies: take it out of the address"
_SERVER = Statement(
    "SELECT current_setting('server_version') AS version, "
    "current_setting('fsync') AS fsync, current_setting('synchronous_standby_names') AS standbys, "
    "pg_is_in_recovery() AS standby, current_setting('max_connections')::int AS most, "
    "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS used, "
    "extract(epoch FROM clock_timestamp())::float8 AS now"
)
_PROCESSES = Statement(
    "SELECT id, pid, build, extract(epoch FROM clock_timestamp() - beat)::float8 AS silent, "
    "extract(epoch FROM clock_timestamp() - since)::float8 AS age FROM processes ORDER BY id"
)
_OLDEST = 15
_SKEW = 2.0
_SILENT = 3.0
_SPARE = 10
"""Connections that should be left: each process takes four, and one that starts one more."""


async def findings(url: str) -> AsyncIterator[Finding]:
    """One after the other, also of a database that holds nothing yet; raises `StoreError` if nobody answers."""
    try:
        connection = await Connection.to(url, "smsbot-doctor")
    except Lost as error:
        raise StoreError(f"the database cannot be reached: {error}") from error
    try:
        async for finding in _server(connection):
            yield finding
        if not await schema.version_of(connection):
            yield "database", None, "there is none of smsbot at this address yet; the first start makes it"
            return
        async for finding in _served(connection):
            yield finding
    except (Lost, Conflict) as error:
        raise StoreError(f"the database went away: {error}") from error
    finally:
        await connection.close()


async def _server(connection: Connection) -> AsyncIterator[Finding]:
    before = time.time()
    server = (await connection.rows(_SERVER, ()))[0]
    skew = server["now"] - (before + time.time()) / 2
    old = int(server["version"].split(".")[0]) < _OLDEST
    yield "PostgreSQL", not old, server["version"] + (f"; smsbot is tested with {_OLDEST} and newer" if old else "")
    sure = connection.durable in _SURE
    yield "synchronous_commit", sure, connection.durable + ("" if sure else _LOST)
    flushed = server["fsync"] == "on"
    yield "fsync", flushed, server["fsync"] + ("" if flushed else "; a loss of power loses what was acknowledged")
    alone = "none: if the disk of this server is lost, so is what was not backed up"
    yield "synchronous standbys", True if server["standbys"] else None, server["standbys"] or alone
    if server["standby"]:
        yield "primary", False, "this is a standby, which takes no writes; name the primary, or both in one address"
    far = abs(skew) > _SKEW
    yield "clock", not far, f"{skew:+.1f} s from here" + ("; times of texts follow this machine's" if far else "")
    left = server["most"] - server["used"]
    yield "connections", left >= _SPARE, f"{server['used']} of {server['most']} are used"


async def _served(connection: Connection) -> AsyncIterator[Finding]:
    found = await connection.rows(_PROCESSES, ())
    if len(found) > 1:
        yield "processes", True, f"{len(found)} serve together; process {found[0]['pid']} leads"
    if len(builds := {row["build"] for row in found if row["build"]}) > 1:
        newest = next(row["build"] for row in reversed(found) if row["build"])
        turns = ", ".join(str(row["pid"]) for row in found if row["build"] == newest)
        yield "builds", None, f"{len(builds)} serve; the newest, {newest}, takes the turns: process {turns}"
    for row in found:
        silent = f"its last beat was {row['silent']:.0f} s ago" if row["silent"] > _SILENT else "alive"
        alive = row["silent"] <= _SILENT or None
        yield "served by", alive, f"process {row['pid']} for {row['age'] / 60:.0f} min, {silent}"
    if not found:
        yield "served by", None, "nobody at this moment"
