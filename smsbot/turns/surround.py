"""What surrounds the code of a turn: a bot's middleware, once a turn, outside of the conversation that is woken."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from smsbot.core.errors import ChatError, UsageError
from smsbot.core.request import Request
from smsbot.routing.chat import beside
from smsbot.routing.injection import Signature
from smsbot.routing.speaking import sayable

from .context import Provided
from .turn import Turn

Next = Callable[[], Awaitable[str | None]]


async def surround(turn: Turn, code: Callable[[], Awaitable[None]], provided: Provided) -> None:
    """Run the code of a turn within its bot's middleware, the first declared outermost.

    What a middleware returns is said in place of what the handler returned; None changes nothing. Where none comes to
    the code, the conversation stays where it is. What the code has raised is raised in the end, whatever caught it.
    """
    inner = _Innermost(turn, code)
    call: Next = inner.call
    for signature in reversed(turn.line.bot.middlewares):
        call = _layer(signature, turn, provided, call)
    answer = await call()
    if isinstance(inner.error, CancelledError):  # by a timeout of the middleware's own
        raise TimeoutError("a middleware gave up what it surrounds; @bot.on_error(TimeoutError) answers for that")
    if inner.error is not None:
        raise inner.error
    if not inner.begun:
        turn.kept_away(answer)
    elif answer is not None and answer != turn.effects.answer:
        turn.effects.reword(sayable(answer) if answer else "")


class _Innermost:
    """The code itself: called once at the most."""

    def __init__(self, turn: Turn, code: Callable[[], Awaitable[None]]) -> None:
        self._turn, self._code = turn, code
        self.begun = False
        self.error: BaseException | None = None

    async def call(self) -> str | None:
        if self.begun:
            raise UsageError("a middleware calls call_next() once")
        self.begun = True
        try:
            await self._code()
        except BaseException as error:
            self.error = error
            raise
        return self._turn.effects.answer


def _layer(signature: Signature, turn: Turn, provided: Provided, inner: Next) -> Next:
    async def layer() -> str | None:
        heard: list[str | None] = [None]

        async def call_next() -> str | None:
            heard[0] = await inner()
            return heard[0]

        values = {**turn.values(), "chat": beside(turn.chat), "call_next": call_next}
        answer = await _Outside(signature.call(values, provided), signature.name)
        if answer is not None and not isinstance(answer, str):
            what = f"{signature.name} returned {type(answer).__name__}"
            raise ChatError(f"{what}; a middleware returns what call_next() gave it, another text, or nothing")
        return heard[0] if answer is None else answer

    return layer


class _Outside:
    """A coroutine that is in no conversation: what waits for the person is an error there."""

    def __init__(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        self._work, self._name = work, name

    def __await__(self) -> Generator[Any, Any, Any]:
        given: Any = None
        wrong: BaseException | None = None
        while True:
            try:
                wanted = self._work.send(given) if wrong is None else self._work.throw(wrong)
            except StopIteration as end:
                return end.value
            given, wrong = None, None
            if isinstance(wanted, Request):
                wrong = ChatError(
                    f"{self._name} is a middleware, outside of the conversation: it asks nobody, and awaits what it "
                    "likes without chat.step()"
                )
                continue
            try:
                given = yield wanted
            except BaseException as error:
                wrong = error
