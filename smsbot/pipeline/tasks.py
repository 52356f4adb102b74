"""Tasks that run to their end, also through a stop of the server, which waits for them a while."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from smsbot.log import Log
from smsbot.turns.once import STOPPED

log = Log("smsbot.tasks")
T = TypeVar("T")
_ENDS = 3.0
"""Seconds that turns get to end when they are cancelled."""


class Tasks:
    """The tasks that are under way."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self.closing = False
        """Whether nothing new is begun any more."""

    def __bool__(self) -> bool:
        return bool(self._running)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something to its end, also through a stop of the server."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and isinstance(task.exception(), Exception):
            log.debug("a task of the dispatcher raised", why=type(task.exception()).__name__)

    async def drain(self, patience: float) -> None:
        """Finish what is under way, at most `patience` seconds; then cancel it."""
        self.closing = True
        if self._running:
            await asyncio.wait(set(self._running), timeout=patience)
        for task in set(self._running):
            task.cancel(STOPPED)
        if self._running:  # a handler may not let itself be cancelled; its turn goes on at the next start
            await asyncio.wait(set(self._running), timeout=_ENDS)

    def stopped(self) -> bool:
        """Whether the server ends this task; what else cancels it is a task group of a handler that was given up."""
        if self.closing and cancelled():
            return True
        task = asyncio.current_task()
        while task is not None and task.cancelling():
            task.uncancel()
        return False


def cancelled() -> bool:
    """Whether our own task is being cancelled (a handler may await something else that was)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
