"""The database as a command uses it while no server runs, and reads it at any time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from smsbot.settings import Settings
from smsbot.stores.base import Row, Store

from . import options


@asynccontextmanager
async def opened(found: Settings) -> AsyncIterator[Store]:
    """The store, for as long as a command writes; raises `StoreLocked` while a server has it for itself."""
    store = found.place.store(shares=True)
    await store.open(time.time())
    try:
        yield store
    finally:
        await store.close()


def write(found: Settings, changes: Sequence[tuple[str, Sequence[object]]]) -> None:
    """Named writes, in one commit."""

    async def work() -> None:
        async with opened(found) as store:
            await store.write(changes)

    options.run(work())


def rows(found: Settings, name: str, **parameters: object) -> list[Row]:
    """The rows of a named read; none where there is no database yet."""

    async def work() -> list[Row]:
        async with found.place.reader() as reader:
            return await reader.rows(name, **parameters)

    return options.run(work()) if found.place.exists else []
