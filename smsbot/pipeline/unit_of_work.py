"""One event on its way through a turn: accepted once, committed in pieces, heard to the end of each commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from smsbot.core.clock import Clock
from smsbot.core.commit import Commit, Committed, Verdict
from smsbot.core.errors import StoreError
from smsbot.core.message import Event
from smsbot.failpoints import reached
from smsbot.stores.base import Acceptance, Store
from smsbot.turns.turn import Turn

from .attempts import insist
from .sender import Sender

Spawn = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
"""Runs something to its end, also through a stop of the server."""


class NotOurs(BaseException):
    """The event turned out to be a duplicate, or its turn another process's: the handler is stopped where it is."""


class StaleConversation(BaseException):
    """The conversation has moved on since the turn began: the handler is stopped and begun again."""


class UnitOfWork:
    """A turn under way: its event may be accepted before the handler has ended."""

    def __init__(self, store: Store, sender: Sender, clock: Clock, spawn: Spawn, event: Event) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._spawn = spawn
        self.seq = event.seq
        """The event's place in the inbox; 0 until it is accepted."""
        self._event = event
        self.turn: Turn | None = None
        self.behind: Sequence[Event] = ()
        """What waits behind the event once it has had its turn, where other processes may have kept it."""
        self.durable: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._writing = asyncio.Lock()
        if event.seq:
            self.durable.set_result(Verdict.DONE)

    @property
    def event(self) -> Event:
        """The event, with its place once it has one."""
        if self._event.seq != self.seq:
            self._event = replace(self._event, seq=self.seq)
        return self._event

    async def accept(self) -> Verdict:
        """Commit the event alone, unless a commit has taken it already; durable even if the caller goes away."""
        return await asyncio.shield(self._spawn(self._accept()))

    async def _accept(self) -> Verdict:
        async with self._writing:
            if not self.durable.done():
                self._committed((await self._store.accept([Acceptance(self.event)]))[0])
            return self.durable.result()

    async def commit(self, commit: Commit) -> Committed:
        """Write a commit, with its event if that is not yet accepted; heard to its end even if the caller goes away."""
        return await asyncio.shield(self._spawn(self.commit_here(commit)))

    async def commit_here(self, commit: Commit) -> Committed:
        """The same without a task of its own, for turns that nobody cancels."""
        async with self._writing:
            reached("turn.decided")
            if self.durable.done() and self.durable.result() is not Verdict.DONE:
                return Committed(self.durable.result())
            write = self._store.finish if self.seq else self._store.step_express
            if commit.event.seq != self.seq:
                commit = replace(commit, event=self.event)
            answer = (await write([commit]))[0]
            reached("turn.committed")
            self.behind = answer.behind
            self._committed(answer)
        self._sender.start(answer.claims)
        if any(map(self._sender.turns, commit.outgoing)):
            self._sender.kick()
        return answer

    def _committed(self, answer: Committed) -> None:
        if answer.verdict is Verdict.DONE and not self.seq:
            self.seq = answer.seq
        if not self.durable.done() and answer.verdict is not Verdict.FENCED:
            self.durable.set_result(answer.verdict)

    async def refuse(self, error: StoreError) -> bool:
        """The database did not take the event: its provider is told 503 and delivers again. False if it did."""
        async with self._writing:
            if self.durable.done():
                return False
            self.durable.set_exception(error)
            self.durable.exception()  # the webhook may have its answer already
            return True

    async def cut(self) -> None:
        """Commit a piece of the turn; the event with it, if that is not yet accepted."""
        assert self.turn is not None
        commit = self.turn.piece(self._clock.now())
        if commit is not None and self.durable.done():  # a step may have happened: what it came to is not forgotten
            verdict = (await insist(lambda: self.commit(commit))).verdict
        elif commit is not None:
            verdict = (await self.commit(commit)).verdict
        else:
            verdict = Verdict.DONE if self.seq else await self.accept()
        if verdict is Verdict.FENCED:
            raise StaleConversation
        if verdict is not Verdict.DONE:
            raise NotOurs
