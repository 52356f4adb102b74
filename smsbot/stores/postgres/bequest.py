"""What dead processes leave: conversations that wait belong to nobody, sends are unknown, a turn has cost a life."""

from __future__ import annotations

from .driver import Connection
from .locks import shut
from .statements import PROCESSES, statements

_ORPHANED = statements("writes")["orphaned_texts"]


async def is_left(connection: Connection) -> bool:
    """Whether dead processes have left anything."""
    return bool((await connection.rows(PROCESSES["left_by_dead"], ()))[0]["found"])


async def take(connection: Connection, now: float) -> None:
    """Free all of it, in a transaction of its own in which nobody else decides."""
    try:
        await connection.begin(shut(others=True))
        await connection.run(PROCESSES["lives_of_dead"], (now,))
        await connection.run(PROCESSES["attended_by_dead"], ())
        for statement in (PROCESSES["texts_of_dead"], PROCESSES["attempts_of_dead"], _ORPHANED):
            await connection.run(statement, (now,))
        await connection.commit()
    except BaseException:
        await connection.roll_back()
        raise
