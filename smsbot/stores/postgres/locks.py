"""Locks that last until the end of a transaction: of names, and of all decisions at once.

They are advisory locks of transactions, so they need no rows, are gone with their transaction however it ends, and work
behind a pool that gives each transaction another session.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from .driver import Connection
from .statements import PROCESSES

_DOOR = "hashtext('smsbot ' || current_schema()), 0"
"""All decisions in one schema; of two numbers, so that it is none of the names."""


async def locked(connection: Connection, names: Collection[str]) -> set[str]:
    """Lock names, as far as no other transaction has them; which they are."""
    if not names:
        return set()
    known = {_number(name): name for name in names}
    return {known[row["name"]] for row in await connection.rows(PROCESSES["lock"], (sorted(known),))}


def shut(*, others: bool) -> str:
    """What a transaction begins with that decides: beside others, or once and as long as no other does."""
    if others:
        return f"SET LOCAL lock_timeout = '300ms'; SELECT pg_advisory_xact_lock({_DOOR})"
    return f"SELECT pg_advisory_xact_lock_shared({_DOOR})"


def _number(name: str) -> int:
    hashed = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(hashed, "big", signed=True)
