"""Workers that are never missing: one that ends or raises is named, and started again, later each time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from smsbot.log import Log
from smsbot.turns.failure import describe_error

from .tasks import cancelled

log = Log("smsbot.supervisor")
_FIRST, _LONGEST = 0.1, 5.0
"""Seconds until a worker is started again: at first, and at most."""
_KEEPS_DYING = 3
"""Deaths in a row after which the server is not ready."""
_LIVES = 5.0
"""Seconds after which a worker lives again."""
_PATIENCE = 5.0
"""Seconds that a worker gets to finish what it does."""


class Worker:
    """One of them: what runs, how often it died, and why.

    `finish` asks it to end by itself; it begins once what it `waits` for has come.
    """

    def __init__(
        self, name: str, run: Callable[[], Coroutine[Any, Any, None]], finish: Callable[[], None] | None = None,
        waits: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.deaths = 0
        """Since the server began."""
        self.why = ""
        """The reason why it died last."""
        self._run = run
        self._finish = finish
        self._waits = waits
        self._ending = False
        self._row = 0
        self._began: float | None = None

    @property
    def failing(self) -> bool:
        """Whether it keeps dying."""
        return self._row >= _KEEPS_DYING and not self._lives()

    async def watch(self) -> None:
        """Run it until it is asked to end, and again whenever it ends before."""
        while not self._ending:
            self._began = time.monotonic()
            try:
                if self._waits is not None:
                    await self._waits()
                await self._run()
                why = "it ended"
                if not self._ending:
                    log.error("a worker ended; it is started again", worker=self.name)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # also what it awaits may have been cancelled, or close a generator
                if self._is_asked():
                    raise
                why = describe_error(error, candid=False)
                log.error("a worker died; it is started again", worker=self.name, why=why, exc_info=error)
            if not self._ending:
                self._died(why)
                await asyncio.sleep(min(_FIRST * 2.0 ** (self._row - 1), _LONGEST))

    async def stop(self, watching: asyncio.Task[None]) -> None:
        """Let it finish what it does, if it can, else cancel it."""
        self._ending = True
        if self._finish is not None:
            self._finish()
            await asyncio.wait((watching,), timeout=_PATIENCE)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    def _is_asked(self) -> bool:
        """Whether it is asked to end, or our own task is."""
        return self._ending or cancelled()

    def _lives(self) -> bool:
        return self._began is not None and time.monotonic() - self._began >= _LIVES

    def _died(self, why: str) -> None:
        self._row = 1 if self._lives() else self._row + 1
        self._began = None
        self.deaths += 1
        self.why = why


class Supervisor:
    """Starts workers and keeps them alive."""

    def __init__(self) -> None:
        self.workers: list[Worker] = []

    @property
    def failing(self) -> list[Worker]:
        """Those that keep dying."""
        return [worker for worker in self.workers if worker.failing]

    def start(self, worker: Worker) -> Callable[[], Coroutine[Any, Any, None]]:
        """Start a worker; returns what ends it."""
        self.workers.append(worker)
        return partial(worker.stop, asyncio.create_task(worker.watch(), name=f"smsbot-{worker.name}"))
