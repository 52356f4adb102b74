"""Steps of conversations: something outside, once; its result is kept before anything else happens."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NoReturn, cast

from smsbot.conversations import journal as told
from smsbot.conversations.journal import Record
from smsbot.conversations.replay import Raised, Replay
from smsbot.core import codec
from smsbot.core.commit import digest
from smsbot.core.errors import ChatError, UsageError
from smsbot.core.request import Do, Gather
from smsbot.failpoints import reached
from smsbot.routing.injection import where
from smsbot.turns.context import Context, NotNow

from .blocking import watched
from .python_frame import PythonFrame

STOPPED = "the server stops"
"""With what a turn is cancelled that the end of the server does not wait for; the next start runs it again."""
_ALONE = -1
"""The place of a step in a task of the conversation's own."""


class Steps:
    """The steps of one turn."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.running: set[asyncio.Future[None]] = set()
        """Steps in tasks of the conversation's own."""

    async def rest(self) -> None:
        """Let steps come to their end that a failure left alone, so that their results are kept."""
        while self.running:
            await asyncio.wait(self.running)

    def failed(self, levels: Iterable[object]) -> None:
        """The turn fails for what a step raised: if it is not kept yet, it is tried again, so it shall not be."""
        effects = self._context.effects
        while len(effects.records) > effects.recorded and effects.records[-1].kind == told.RAISED:
            entry = effects.records.pop()
            for level in levels:
                if isinstance(level, PythonFrame) and level.talk and (level.run, level.key) == (entry.run, entry.frame):
                    level.talk.journal.take_back()

    async def given(self, level: PythonFrame, wanted: Do | Gather) -> Any:
        """What the function is given for a step."""
        kept: list[Record] = []
        try:
            return Replay.given(wanted, await self.step(level, wanted, kept=kept))
        except _StepRaised as raised:
            return Raised(raised.error)
        except asyncio.CancelledError as cancelled:
            if STOPPED in cancelled.args:
                raise
            if kept:  # it was done by then, and is being committed
                return Replay.given(wanted, kept[0])
            # a timeout around the step is the function's own
            self._context.keep(level, self._context.record(told.RAISED, wanted.site, told.tell(TimeoutError())))
            return Raised(cancelled)

    async def step(
        self, level: PythonFrame, wanted: Do | Gather, *, alone: bool = False, kept: list[Record] | None = None
    ) -> Record:
        """Something outside, once; kept before anything else happens, and put into `kept` as soon as it is."""
        context = self._context
        if context.cut is None:
            raise NotNow
        await context.cut()
        reached("step.begun")
        if isinstance(wanted, Gather):
            tries = [self._once(level, d, n) for n, d in enumerate(wanted.steps)]
            results = await asyncio.gather(*tries, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    self._raised(level, wanted, result)
                if isinstance(result, BaseException):
                    raise result
            kind, value = told.STEP, cast("Any", tuple(results))
        else:
            try:
                kind, value = told.STEP, await self._once(level, wanted, _ALONE if alone else 0)
            except Exception as error:
                self._raised(level, wanted, error)
        try:
            value = codec.loads(codec.dumps(value))  # the same now as when it is replayed
        except UsageError as error:
            kind, value = told.UNKEPT, f"the result of a step cannot be kept: {error.args[0]}"
        reached("step.done")
        record = self._context.record(kind, wanted.site, value)
        self._context.keep(level, record)
        if kept is not None:
            kept.append(record)
        await context.cut()
        reached("step.kept")
        if kind == told.UNKEPT:
            raise ChatError(str(value))
        return record

    async def _once(self, level: PythonFrame, do: Do, nth: int = 0) -> Any:
        """Call the function of a step, as often as its policy says."""
        kwargs = dict(do.kwargs)
        function = self._context.line.bot.doubles.get(do.name, do.function)
        assert level.talk is not None
        if "idempotency_key" not in kwargs and _takes_key(function):
            place = 0 if nth == _ALONE else len(level.talk.journal.records) + 1  # tasks end in any order
            kwargs["idempotency_key"] = digest(level.run, level.key, f"{place} {do.site} {nth}").hex()
        for attempt in range(1, do.tries + 1):
            try:
                with watched(do.name, lambda: where(function)):
                    result = function(*do.args, **kwargs)
                return await result if inspect.isawaitable(result) else result
            except GeneratorExit as error:  # raised by the function: we run in a task, which is cancelled, not closed
                raise RuntimeError("the step raised GeneratorExit") from error
            except Exception:
                if attempt == do.tries:
                    raise
                await self._context.pause(do.wait)
        raise AssertionError("a step is tried at least once")

    def _raised(self, level: PythonFrame, do: Do | Gather, error: Exception) -> NoReturn:
        """A step that raised: told to the function; kept only if the function goes on."""
        kept = told.tell(error)
        self._context.keep(level, self._context.record(told.RAISED, do.site, kept))
        raise _StepRaised(told.as_kept(error, kept)) from error


class Alone:
    """Answers steps that a conversation's code awaits in tasks of its own."""

    def __init__(self, steps: Steps, level: PythonFrame) -> None:
        self._steps = steps
        self._level = level

    @property
    def running(self) -> bool:
        """Whether the conversation itself runs now."""
        return self._level.talk is None or self._level.talk.running

    async def alone(self, do: Do) -> Any:
        """A step, done where it is awaited."""
        talk = self._level.talk
        assert talk is not None
        nth = talk.count(do.site)
        do = replace(do, site=f"{do.site} #{nth}") if nth > 1 else do  # each keeps its own result
        record = talk.journal.claim(do.site)
        if record is not None:
            return record.result()
        ended = asyncio.get_running_loop().create_future()
        self._steps.running.add(ended)
        try:
            return (await self._steps.step(self._level, do, alone=True)).result()
        except _StepRaised as raised:
            raise raised.error from None
        finally:
            ended.set_result(None)
            self._steps.running.discard(ended)


class _StepRaised(Exception):
    """What a step raised, on its way to the function that waits for it."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _takes_key(function: Callable[..., Any]) -> bool:
    try:
        return "idempotency_key" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
