"""The answer to a turn that failed: the bot's error handler, another try, or a dead letter and an apology."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from smsbot.core import segments
from smsbot.core.clock import Clock
from smsbot.core.commit import Verdict
from smsbot.core.errors import Changed, ProcessEnded, SmsbotError, StoreError, StoreRefused, UsageError
from smsbot.core.message import Event, Key, Reply
from smsbot.core.phone import mask
from smsbot.log import Log
from smsbot.routing.contact import Contact
from smsbot.routing.injection import Signature
from smsbot.stores.base import Store
from smsbot.turns.commit import due_again, ended_by_failure
from smsbot.turns.failure import describe_error, place
from smsbot.turns.lines import Line, Lines
from smsbot.turns.outgoing import outgoing_for
from smsbot.turns.turn import Turn
from smsbot.understanding.languages import says

from .attempts import insist
from .sender import Sender
from .tasks import Tasks
from .unit_of_work import NotOurs, StaleConversation, UnitOfWork

log = Log("smsbot.failures")
RETRIES = (1.0, 5.0, 30.0, 120.0)
"""Seconds before a failed turn is tried again; after the last it is a dead letter."""
_APOLOGY_PLACE = 2000
"""The place of an apology among the texts of its turn."""
_TELL_EVERY = 3600.0
"""Seconds between two texts that say so to one person."""
_MENDED = 600.0
"""Seconds until a deadline is served again whose conversation no longer fits its code."""


class Failures:
    """Answers for turns that failed; `run` lets an error handler take one."""

    def __init__(
        self, store: Store, lines: Lines, sender: Sender, clock: Clock, tasks: Tasks,
        run: Callable[[UnitOfWork, Turn], Awaitable[None]], *, candid: bool,
    ) -> None:  # fmt: skip
        self._store = store
        self._lines = lines
        self._sender = sender
        self._clock = clock
        self._tasks = tasks
        self._run = run
        self._told: dict[Key, float] = {}
        """When somebody was told that their conversation cannot go on."""
        self.candid = candid
        """Whether logs may hold what handlers' exceptions say: only in the sandbox."""

    async def answer(self, work: UnitOfWork, line: Line, error: BaseException) -> float | None:
        """Answer for an exception; returns when the turn is tried again, None if it is not."""
        try:
            if await work.accept() is not Verdict.DONE:
                return None
            handler = None
            if isinstance(error, Exception) and not isinstance(error, ProcessEnded):  # no mistake that a bot could tell
                handler = line.bot.error_handler(error)
            if handler is not None and await self._apologise(work, line, handler, error):
                return None
        except NotOurs:
            return None
        except StoreRefused as second:
            error = second
        except StoreError as failure:
            if await work.refuse(failure):
                return None
        except asyncio.CancelledError as second:
            if self._tasks.stopped():
                raise
            error = second
        except (Exception, BaseExceptionGroup, SystemExit, StaleConversation) as second:
            error = second
        return await self._postpone(work, error)

    async def give_up(self, work: UnitOfWork, why: str) -> None:
        """Nothing will ever answer it."""
        if await work.accept() is Verdict.DONE:
            log.error("a text cannot be answered", number=mask(work.event.key.number), why=why)
            work.behind = await self._store.postpone(work.event, None, f"dead letter: {why}")

    async def _apologise(self, work: UnitOfWork, line: Line, handler: Signature, error: BaseException) -> bool:
        """Let the bot's error handler answer; what the failed handler said and set is gone."""
        why, at = self._explain(work, error)
        log.warning("a handler raised; on_error answers", number=mask(work.event.key.number), error=why, at=at.strip())
        conversation = await self._store.load(work.event.key)
        secret = self._store.dedupe_key
        turn = work.turn = Turn(line, conversation, work.event, cut=work.cut, apology=True, secret=secret)
        turn.answers_for(handler, error)
        await self._run(work, turn)
        commit = turn.end(self._clock.now(), note=f"the handler raised {why}{at}; on_error answered")
        return (await work.commit(commit)).verdict is not Verdict.FENCED

    async def _postpone(self, work: UnitOfWork, error: BaseException) -> float | None:
        event, number = work.event, mask(work.event.key.number)
        why, at = self._explain(work, error)
        # a mistake in using smsbot would only be made again
        if event.attempts < len(RETRIES) and not isinstance(error, UsageError):
            retry_at = self._clock.now() + RETRIES[event.attempts]
            log.error("a turn failed; it is tried again", number=number, error=why, at=at.strip())
            await insist(lambda: self._store.postpone(event, retry_at, f"failed: {why}{at}"))
            return retry_at
        log.error("a turn failed for good; its text is a dead letter", number=number, error=why, at=at.strip())
        work.behind = await insist(lambda: self._store.postpone(event, None, f"dead letter: {why}{at}"))
        if event.kind == "timer":
            await self._not_served(event, error)
        if event.kind == "text":
            await self._send_apology(event, error)
        return None

    async def _send_apology(self, event: Event, error: BaseException) -> None:
        """The bot's apology for a text that nobody will answer."""
        line = self._lines.get(event.key.line)
        if line is None:
            return
        words = await self._stranded(line, event) if isinstance(error, Changed) else line.bot.apology
        if words:
            reply = Reply(segments.fit(words))
            text = outgoing_for(reply, _APOLOGY_PLACE, event, line, self._clock.now(), by=f"{line.bot.name}: failure")
            answer = (await insist(lambda: self._store.enqueue([text])))[0]
            self._sender.start(answer.claims)

    async def _stranded(self, line: Line, event: Event) -> str:
        """What a person hears whose conversation the code no longer fits, once an hour; else empty."""
        if line.bot.stranded is False or self._told.get(event.key, -_TELL_EVERY) > event.at - _TELL_EVERY:
            return ""
        self._told = {k: at for k, at in self._told.items() if at > event.at - _TELL_EVERY} | {event.key: event.at}
        if isinstance(line.bot.stranded, str):
            return line.bot.stranded
        person = Contact(event.key.number, (await self._store.load(event.key)).contact)
        return line.bot.apology or says("stranded", person.language or line.bot.language or line.language)

    async def _not_served(self, event: Event, error: BaseException) -> None:
        """A deadline that cannot be served ends its run, for nothing else would wake it; edited code may be mended."""
        line = self._lines.get(event.key.line)
        if line is None:
            return
        with suppress(StoreError):
            conversation, now = await self._store.load(event.key), self._clock.now()
            if isinstance(error, Changed):
                commit = due_again(conversation, event, now + _MENDED)
            else:
                commit = ended_by_failure(conversation, event, line, now)
            if commit is not None:
                answers = await self._store.finish([replace(commit, over=True)])
                self._sender.start(answers[0].claims)

    def _explain(self, work: UnitOfWork, error: BaseException) -> tuple[str, str]:
        if self.candid and not isinstance(error, SmsbotError):
            log.error("a handler raised", exc_info=error)
        signature = work.turn.signature if work.turn is not None else None
        return describe_error(error, self.candid), place(error, signature)
