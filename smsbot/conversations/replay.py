"""A conversation function under way: driven from request to request, the journal first (pure)."""

from __future__ import annotations

import inspect
from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Protocol

from smsbot.core.errors import ChatError
from smsbot.core.request import Ask, Call, Request
from smsbot.core.structs import struct

from .journal import Journal, Record, unfit


class Speaker(Protocol):
    """The chat as a replay sees it: it says, and is told which event it speaks to."""

    def moved_on(self, record: Record, last: bool) -> None:
        """Count all that was said before as committed; from now on the record's event is spoken to."""
        ...

    def stepped(self) -> None:
        """A step of the turn is told again that is committed already."""
        ...

    def fall_silent(self) -> None:
        """Nothing that it says counts any more."""
        ...


@struct
class Finished:
    """The function has returned."""

    value: Any


@struct
class Foreign:
    """The function awaits something that is none of ours; it is passed on to the event loop."""

    awaited: Any


@struct
class Raised:
    """An exception that is raised in the function."""

    error: BaseException


class Replay:
    """One call of a conversation function. `event` is the turn's; records of other events are committed already."""

    def __init__(
        self,
        start: Callable[[], Coroutine[Any, Any, Any]],
        chat: Speaker,
        journal: Journal,
        event: bytes,
        frozen: int = -1,
    ) -> None:
        self._start: Callable[[], Coroutine[Any, Any, Any]] | None = start
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._chat = chat
        self._context = copy_context()
        self.journal = journal
        self.event = event
        self._frozen = frozen
        """Records that there were when it was stored; -1 for one that begins with this turn."""
        self.request: Request | None = None
        """The request that it waits for."""
        self.running = False
        """Whether its code runs now."""
        self._counts: dict[str, int] | None = None
        self._foreign = ""
        """Where it awaited something outside."""
        self.stood = frozen < 0
        """Whether it has come to where it stood; before, it only tells again what has happened."""
        self._since: dict[str, bool] = {}

    def go(self, given: Any = None) -> Request | Finished | Foreign:
        """Run on, until something is asked for that the journal does not answer.

        Raises what the function raises, and `Changed` where it no longer fits its journal.
        """
        if self._coroutine is None:
            assert self._start is not None
            self._coroutine, self._start = self._start(), None  # what starts it holds its turn
        while True:
            self.running = True
            try:
                if isinstance(given, Raised):
                    wanted = self._context.run(self._coroutine.throw, given.error)
                else:
                    wanted = self._context.run(self._coroutine.send, given)
            except StopIteration as end:
                self.request = None
                return Finished(end.value)
            finally:
                self.running = False
            if not isinstance(wanted, Request):
                self._foreign = self._foreign or self.place()
                if any(r.asked for r in self.journal.records):
                    raise self._outside()
                return Foreign(wanted)
            if self._foreign and isinstance(wanted, Ask):
                raise self._outside()
            self.request = wanted
            if self._runs_again(wanted) or (record := self.journal.next(wanted)) is None:
                return wanted
            given = self.given(wanted, record)
            last = self.journal.place - 1 == self._frozen
            if last or record.event != self.event:
                self._chat.moved_on(record, last)
            elif not record.asked:
                self._chat.stepped()

    def _runs_again(self, wanted: Request) -> bool:
        """Whether a flow ended in this turn, in a try that failed later."""
        if not isinstance(wanted, Call) or self.journal.replayed or self.journal.place < self._frozen:
            return False
        return self.journal.records[self.journal.place].event == self.event

    @staticmethod
    def given(request: Request, record: Record) -> Any:
        """The value that a record gives to the code, or the exception."""
        try:
            value = record.result()
        except Exception as error:
            return Raised(error)
        if not isinstance(request, Ask) or record.kind != "answer":
            return value
        try:
            return request.convert(value)
        except Exception:
            return Raised(unfit(request.site))

    def refresh(self) -> None:
        """Let the function see the context variables of this turn: what surrounds it may have set them anew."""
        for variable, value in copy_context().items():
            self._context.run(variable.set, value)

    def since(self, site: str) -> bool | None:
        """Whether it came to a change of its code with that change in it; None: it does so now, for the first time."""
        if site not in self._since:
            here = self.journal.marked(site)
            new = not here and self.journal.replayed and (self.stood or self.journal.place > self._frozen)
            self._since[site] = here or new
            return None if new else here
        return self._since[site]

    def count(self, site: str) -> int:
        """How often a place was reached by tasks of the code's own, this time included."""
        self._counts = self._counts or {}
        self._counts[site] = self._counts.get(site, 0) + 1
        return self._counts[site]

    def place(self) -> str:
        """The innermost line of the function's own code that waits."""
        place, inner = "", self._coroutine
        while inspect.iscoroutine(inner) and inner.cr_frame is not None:
            name = inner.cr_frame.f_globals.get("__name__", "")
            if name.partition(".")[0] != "smsbot" and "/lib/python3" not in inner.cr_code.co_filename:
                place = f"{inner.cr_code.co_filename}:{inner.cr_frame.f_lineno}"
            inner = inner.cr_await
        return place

    def _outside(self) -> ChatError:
        return ChatError(
            f"a conversation that asks awaits something outside chat, at {self._foreign}; "
            "write: await chat.step(function, …)"
        )

    def close(self) -> None:
        """Let go of the function; what it says while it ends does not count."""
        self._chat.fall_silent()
        if self._coroutine is not None:
            with suppress(Exception, CancelledError):
                self._context.run(self._coroutine.close)
