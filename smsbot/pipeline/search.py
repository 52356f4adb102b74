"""What the desk can search by is filled behind the texts, a bounded share of each second: no text waits for it."""

from __future__ import annotations

import asyncio

from smsbot.core.errors import StoreError
from smsbot.log import Log
from smsbot.stores.base import Store

log = Log("smsbot.search")
PAUSE = 2.0
"""Seconds between two commits; what came meanwhile is found all the same, row by row."""
_EACH = 1000
"""Texts in, and texts out, of one commit: about ten milliseconds of the writer that all texts share.

Where more come in a second, the rest is taken in at a quieter time; a million of before in a quarter of an hour.
"""
_STATEMENTS = ("search_in", "search_out", "search_numbers", "searched")


class SearchIndex:
    """Fills it up to the newest row; after a kill it goes on where it was."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        """Fill until cancelled."""
        while True:
            try:
                await self.once()
            except StoreError as error:  # a full disk: texts are more important, and it goes on where it was
                log.debug("what is searched by waits for the database", why=str(error))
            await asyncio.sleep(PAUSE)

    async def once(self) -> bool:
        """Take in the next rows; whether there may be more."""
        left = (await self._store.rows("unsearched"))[0]["n"]
        if left > 0:
            await self._store.write([(name, (_EACH,)) for name in _STATEMENTS], settled=True)
        for row in await self._store.rows("merging"):
            if (left_over := int(row["value"])) > 0:
                merges = [("merge_words_in", ()), ("merge_words_out", ()), ("merge_words", (left_over - 1,))]
                await self._store.write(merges)
        return bool(left > _EACH)
