"""Steps and actions: each happens once, and its result is kept before anything else happens."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from smsbot.conversations import exceptions, journal
from smsbot.conversations.journal import Record
from smsbot.conversations.replay import Raised, Replay
from smsbot.core import codec
from smsbot.core.commit import Entry, digest
from smsbot.core.errors import ChatError, FlowError, UsageError
from smsbot.core.message import Event
from smsbot.core.request import Do, Gather
from smsbot.failpoints import reached
from smsbot.routing.effects import Cut, Effects
from smsbot.routing.injection import where

from .blocking import watched
from .live import LiveCall

STOPPED = "the server stops"
"""With what a turn is cancelled that the end of the server does not wait for; the next start runs it again."""
_ALONE = -1
"""The place of a step in a task of the conversation's own."""
_MOST_RECORDS = 2_000
"""Requests of one conversation; beyond it, it should restart."""
Pause = Callable[[float], Awaitable[None]]
"""Lets seconds pass."""


Remembered = Mapping[int, tuple[str, str]]
"""Kind and value of actions by their number in the turn."""
_ACTION = "act"


def content_of(remembered: Remembered) -> str | None:
    """The hash of the flows that a turn began on before it was cut short; None if it was not."""
    values = [value for kind, value in remembered.values() if kind == _ACTION]
    return codec.loads(values[0])["of"] if values else None


class NotNow(Exception):
    """Something has to be awaited, so the turn takes the long way."""


@dataclass(slots=True, kw_only=True)
class Once:
    """The journal of one turn: what is kept of it, and the steps that it runs."""

    event: Event
    run: bytes
    """The run that the turn belongs to."""
    effects: Effects
    actions: int = 0
    """Actions of flows so far; those of an error handler are counted from elsewhere."""
    remembered: Remembered = field(default_factory=dict)
    """Records of a former try of this turn."""
    cut: Callable[[], Awaitable[None]] | None = None
    """Commits a piece of the turn; None where nothing may be awaited."""
    pause: Pause = asyncio.sleep
    """Waits a little, between two tries of a step."""
    doubles: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Functions that are called instead of steps, by name, in tests."""
    running: set[asyncio.Future[None]] = field(default_factory=set)
    """Steps in tasks of the conversation's own."""

    def record(self, kind: str, site: str, value: Any, text: str = "") -> Record:
        """Something that happened, in this turn."""
        return Record(kind, site, value, self.event.id, self.event.at, text)

    def keep(self, call: LiveCall, record: Record) -> None:
        """Keep a record for good."""
        place = call.replay.journal.add(record)
        if place > _MOST_RECORDS:
            raise ChatError(f"{call.title}() has waited {_MOST_RECORDS} times; begin it anew with chat.restart()")
        self.effects.keep(record.entry(*call.place, place))

    async def rest(self) -> None:
        """Let steps come to their end that a failure left alone, so that their results are kept."""
        while self.running:
            await asyncio.wait(self.running)

    def failed(self, calls: Iterable[LiveCall]) -> None:
        """The turn fails for what a step raised: if it is not kept yet, it is tried again, so it shall not be."""
        for entry in self.effects.take_back(journal.RAISED):
            for call in calls:
                if call.place == (entry.run, entry.frame):
                    call.replay.journal.take_back()

    async def action(self, name: str, content: str, function: Callable[[], Any]) -> Any:
        """An action that a flow asks for: a step that remembers its name and the flows' hash."""
        self.actions += 1
        kind, value = self.remembered.get(self.actions, ("", ""))
        if kind == _ACTION:
            self.effects.done.append(Cut())
            kept = codec.loads(value)
            if kept["do"] != name:
                raise FlowError(f"the turn began with {kept['do']}(), but the flow now calls {name}()")
            return kept["is"]
        if kind:
            raise ChatError(str(codec.loads(value)))
        if self.cut is None:
            raise NotNow
        await self.cut()
        result = function()
        if inspect.isawaitable(result):
            result = await result
        kind, why = _ACTION, ""
        try:
            value = codec.dumps({"do": name, "of": content, "is": result})
        except Exception as error:
            why = _unkept(error)
            kind, value = journal.UNKEPT, codec.dumps(why)
        self.effects.keep(Entry(self.run, self.event.id, self.actions, kind, value))
        await self.cut()
        if why:
            raise ChatError(why)
        return result

    async def given(self, call: LiveCall, wanted: Do | Gather) -> Any:
        """The value, or the exception, that the function is given for a step, or for steps that run at once."""
        kept: dict[str, Record] = {}
        try:
            return Replay.given(wanted, await self.step(call, wanted, kept))
        except _StepRaised as raised:
            return Raised(raised.error)
        except asyncio.CancelledError as cancelled:
            if STOPPED in cancelled.args:
                raise
            record = journal.whole_of(wanted, kept)
            if record is not None:  # it was done by then, and is being committed
                return Replay.given(wanted, record)
            # a timeout around the step is the function's own
            self.keep(call, self.record(journal.RAISED, wanted.site, exceptions.tell(TimeoutError())))
            return Raised(cancelled)

    async def step(
        self, call: LiveCall, wanted: Do | Gather, kept: dict[str, Record], *, alone: bool = False
    ) -> Record:
        """Something outside, once; kept before anything else happens, and put into `kept` as soon as it is."""
        if self.cut is None:
            raise NotNow
        await self.cut()
        reached("step.begun")
        place = len(call.replay.journal.records) + 1
        if isinstance(wanted, Gather):
            await self._at_once(call, wanted, place, kept)
        else:
            key = f"{0 if alone else place} {wanted.site} {_ALONE if alone else 0}"  # tasks end in any order
            await self._keep(call, wanted.site, await self._tried(call, wanted, key), kept)
        record = journal.whole_of(wanted, kept)
        assert record is not None, "all of it has ended"
        return record

    async def _at_once(self, call: LiveCall, gather: Gather, place: int, kept: dict[str, Record]) -> None:
        """Steps that run beside each other: each is kept as it ends, so that none runs again for another's sake."""
        past = call.replay.journal.parts(gather)
        place -= len(past)
        for site in past:
            call.replay.journal.claim(site)
        kept |= past

        async def one(site: str, do: Do, key: str) -> _Tried:
            tried = await self._tried(call, do, key)
            if tried.kind == journal.STEP:
                await self._keep(call, site, tried, kept)
            return tried

        steps = enumerate(zip(gather.sites, gather.steps, strict=True))
        left = {site: one(site, do, f"{place} {do.site} {n}") for n, (site, do) in steps if site not in past}
        for site, tried in zip(left, await asyncio.gather(*left.values(), return_exceptions=True), strict=True):
            if isinstance(tried, BaseException):
                raise tried
            if tried.kind != journal.STEP:  # the first of them is told, when all have ended
                await self._keep(call, site, tried, kept)
        if not gather.steps:
            await self._keep(call, gather.site, _Tried(journal.STEP, ()), kept)

    async def _tried(self, call: LiveCall, do: Do, key: str) -> _Tried:
        """Try a step."""
        try:
            value = await self._called(call, do, key)
        except Exception as error:
            return _Tried(journal.RAISED, error)
        try:
            return _Tried(journal.STEP, codec.loads(codec.dumps(value)))  # the same now as when it is replayed
        except Exception as error:
            return _Tried(journal.UNKEPT, _unkept(error))

    async def _keep(self, call: LiveCall, site: str, tried: _Tried, kept: dict[str, Record]) -> None:
        """Keep what a step came to; what it raised is told to the function, and kept only if the function goes on."""
        assert self.cut is not None, "no step is tried without"
        if tried.kind == journal.RAISED:
            told = exceptions.tell(tried.value)
            self.keep(call, self.record(journal.RAISED, site, told))
            raise _StepRaised(exceptions.as_it_happened(tried.value, told)) from tried.value
        reached("step.done")
        record = kept[site] = self.record(tried.kind, site, tried.value)
        self.keep(call, record)
        await self.cut()
        reached("step.kept")
        if tried.kind == journal.UNKEPT:
            raise ChatError(str(tried.value))

    async def _called(self, call: LiveCall, do: Do, key: str) -> Any:
        """Call the function of a step, as often as its policy says."""
        kwargs = dict(do.kwargs)
        function = self.doubles.get(do.name, do.function)
        if "idempotency_key" not in kwargs and _takes_key(function):
            kwargs["idempotency_key"] = digest(*call.place, key).hex()
        for attempt in range(1, do.tries + 1):
            try:
                with watched(do.name, lambda: where(function)):
                    result = function(*do.args, **kwargs)
                return await result if inspect.isawaitable(result) else result
            except GeneratorExit as error:  # raised by the function: we run in a task, which is cancelled, not closed
                raise RuntimeError("the step raised GeneratorExit") from error
            except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
                raise
            except Exception:
                if attempt == do.tries:
                    raise
                await self.pause(do.wait)
            except BaseException as error:
                raise RuntimeError(f"the step raised {type(error).__name__}") from error
        raise AssertionError("a step is tried at least once")


class Alone:
    """Answers steps that a conversation's code awaits in tasks of its own."""

    def __init__(self, once: Once, call: LiveCall) -> None:
        self._once = once
        self._call = call

    @property
    def running(self) -> bool:
        """Whether the conversation itself runs now."""
        return self._call.replay.running

    def since(self, site: str) -> bool:
        """Whether the conversation came to a change of its code with that change in it; kept when it first does."""
        replay = self._call.replay
        known = replay.since(site)
        if known is None:
            self._once.keep(self._call, self._once.record(journal.SINCE, site, True))
        return known is not False

    async def alone(self, do: Do) -> Any:
        """A step, done where it is awaited."""
        replay = self._call.replay
        nth = replay.count(do.site)
        do = replace(do, site=f"{do.site} #{nth}") if nth > 1 else do  # each keeps its own result
        record = replay.journal.claim(do.site)
        if record is not None:
            return record.result()
        ended = asyncio.get_running_loop().create_future()
        self._once.running.add(ended)
        try:
            return (await self._once.step(self._call, do, {}, alone=True)).result()
        except _StepRaised as raised:
            raise raised.error from None
        finally:
            ended.set_result(None)
            self._once.running.discard(ended)


class _Tried(NamedTuple):
    """The outcome of a step: the kind of its record, and its value, or what it raised."""

    kind: str
    value: Any


class _StepRaised(Exception):
    """The exception of a step, on its way to the function that waits for it."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _takes_key(function: Callable[..., Any]) -> bool:
    try:
        return "idempotency_key" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _unkept(error: Exception) -> str:
    """Why a result cannot be kept; of what a class of the application's own raises, no words: they may quote a text."""
    why = error.args[0] if isinstance(error, UsageError) else type(error).__name__
    return f"the result of a step cannot be kept: {why}"
