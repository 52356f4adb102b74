"""The migrations of PostgreSQL: each in a transaction of its own, under a lock, by whoever comes first."""

from __future__ import annotations

from smsbot.core.errors import StoreForeign, StoreOlder, StoreTooNew
from smsbot.failpoints import reached
from smsbot.stores.queries import migrations

from .driver import Connection
from .statements import Statement

_LOCK = (
    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'; "
    "SELECT pg_advisory_xact_lock(hashtext('smsbot migrates'))"
)
_TABLES = Statement(
    "SELECT count(*) FILTER (WHERE table_name = 'smsbot_schema') AS ours, count(*) AS n "
    "FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
)
_VERSION = Statement("SELECT version FROM smsbot_schema")
_COMPATIBLE = Statement("SELECT compatible FROM smsbot_schema")
_OURS = "CREATE TABLE smsbot_schema (version bigint NOT NULL); INSERT INTO smsbot_schema VALUES (0)"
NEWEST = migrations("postgres")[-1][0]


async def version_of(connection: Connection) -> int:
    """The schema of a database; 0 for an empty one. Raises `StoreForeign` for another program's."""
    found = (await connection.rows(_TABLES, ()))[0]
    if found["ours"]:
        return int((await connection.rows(_VERSION, ()))[0]["version"])
    if found["n"]:
        raise StoreForeign("the database holds the tables of another program; give smsbot one of its own, or a schema")
    return 0


async def migrate(connection: Connection) -> None:
    """Bring a database to the newest schema; raises `StoreTooNew` where one has been that this smsbot cannot serve."""
    for number, script in migrations("postgres"):
        await connection.script(_LOCK)
        try:
            version = await version_of(connection)
            await _see_that_it_is_known(connection, version)
            if number > version:
                if not version:
                    await connection.script(_OURS)
                await connection.script(script)
                await connection.script(f"UPDATE smsbot_schema SET version = {number}")
                reached("migration.written")
        except BaseException:
            await connection.roll_back()
            raise
        await connection.script("COMMIT")
        reached("migration.done")


async def check(connection: Connection) -> None:
    """Raise unless the schema is the one that this smsbot reads."""
    version = await version_of(connection)
    if not version:
        raise StoreForeign("there is no database of smsbot at this address yet; the first start makes it")
    if version < NEWEST:
        raise StoreOlder(f"the database has schema {version}, and this smsbot reads {NEWEST}")
    await _see_that_it_is_known(connection, version)


async def _see_that_it_is_known(connection: Connection, version: int) -> None:
    """Raise unless this smsbot may serve a schema: a newer one says what it takes, since migrations only add."""
    if version > NEWEST and (await connection.rows(_COMPATIBLE, ()))[0]["compatible"] > NEWEST:
        raise StoreTooNew(f"the database has schema {version}, this smsbot knows up to {NEWEST}")
