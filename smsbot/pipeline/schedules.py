"""Functions that run by the clock (`@bot.every`): once a tick, however many processes there are."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from cronsim import CronSim

from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.zones import zone_of
from smsbot.log import Log
from smsbot.routing.bot import Bot
from smsbot.routing.injection import Signature
from smsbot.stores.base import Store
from smsbot.turns.failure import describe_error, place

log = Log("smsbot.ticks")
_FOLLOWED = 20.0
"""Seconds in which a process that is dead is replaced; ticks of that time are made up for, each once."""


@dataclass(slots=True)
class _Job:
    bot: Bot
    cron: str
    signature: Signature
    nth: int
    """Its place among those of the same name and times, the same in each process of a server, of whatever build."""
    zone: tzinfo
    due: float = 0.0


class Schedules:
    """Knows what is due next, and runs it, by the clock of the bot's first line."""

    def __init__(
        self, store: Store, bots: Iterable[Bot], clock: Clock, provided: Mapping[Bot, Mapping[type, Any]],
        spawn: Callable[[Any], asyncio.Task[Any]], zones: Mapping[Bot, str],
    ) -> None:  # fmt: skip
        self._store = store
        self._clock = clock
        self._provided = provided
        self._spawn = spawn
        self._jobs: list[_Job] = []
        alike = Counter[tuple[str, str, str]]()
        for bot in dict.fromkeys(bots):
            for cron, signature in bot.ticks:
                own = bot.name, signature.name, cron
                self._jobs.append(_Job(bot, cron, signature, alike[own], zone_of({}, zones.get(bot, "UTC"))))
                alike[own] += 1

    def start(self) -> None:
        """Count from now: what fell due while nobody ran is not made up for."""
        for job in self._jobs:
            job.due = _next(job, self._clock.now())

    def follow(self) -> None:
        """Keep up while another process runs what is due; what it may not have run any more is still due here."""
        behind = self._clock.now() - _FOLLOWED
        for job in self._jobs:
            if job.due and job.due <= behind:
                job.due = _next(job, behind)

    @property
    def next_due(self) -> float | None:
        """When something is due next."""
        return min((job.due for job in self._jobs if job.due), default=None)

    async def serve(self) -> None:
        """Run what is due."""
        now = self._clock.now()
        for job in self._jobs:
            if job.due and job.due <= now:
                name = f"{job.bot.name} {job.signature.name} {job.cron} {job.nth}"
                first = await self._store.once(digest("tick", name, repr(job.due)), now)
                job.due = _next(job, now)  # only now: a database that refuses is asked again
                if first:
                    self._spawn(self._run(job, now))

    async def _run(self, job: _Job, now: float) -> None:
        try:
            given = {"now": datetime.fromtimestamp(now, job.zone), "bot": job.bot}
            result = job.signature.call(given, self._provided[job.bot])
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            why = describe_error(error, candid=False) + place(error, job.signature)
            log.error("what runs by the clock failed", function=job.signature.name, why=why)


def _next(job: _Job, now: float) -> float:
    """The first tick after a moment; an hour that is left out in spring ticks when it would have been over."""
    found: datetime = next(CronSim(job.cron, datetime.fromtimestamp(now, job.zone)))
    return found.timestamp()
