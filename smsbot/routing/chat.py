"""The chat that a handler holds: verbs that say, remember and move on. Nothing leaves until the turn commits."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, Never, ParamSpec, TypeVar, overload

from smsbot.core.clock import Duration, duration
from smsbot.core.errors import ChatError
from smsbot.core.request import Call, Do, Gather, Sleep, Wait

from .asking import Asking, Several
from .contact import Contact
from .effects import Delivery, Reaction
from .session import Session

__all__ = ["Chat", "Contact", "Delivery", "Reaction", "retrying"]
P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Restart:
    """The value that `chat.restart` returns: the conversation begins again, with these arguments."""

    arguments: Mapping[str, Any]


class Chat(Asking):
    """The conversation as a handler sees it.

    `say`, `goto`, `end`, `data` and `contact` are plain and take effect together when the turn commits;
    if the handler raises, nothing of them happened. `ask`, `sleep`, `step` and `run` are awaited.
    """

    __slots__ = ()

    def sleep(
        self, time: Duration = "", /, *, until: str | datetime = "", interrupt: bool = False, key: str = ""
    ) -> Wait[None]:
        """Let time pass, also through restarts: ``"2h"``, ``"2h waking"`` (quiet hours do not count).

        Or until a time of the person's day: ``until="9:00"``, ``"9:00 tomorrow"``, ``"Mon 9:00"``, or a datetime with a
        zone. Meanwhile the person may begin something else, and events come; this goes on at its time all the same.
        With ``interrupt=True`` another start word ends it. Raises `UsageError` for what is neither.
        """
        if (time == "") is (until == ""):
            raise ChatError('sleep() takes a time, such as "10m", or until="9:00"')
        if not isinstance(interrupt, bool):
            raise ChatError(f"sleep(interrupt=…) is True or False, not {type(interrupt).__name__}")
        site, _ = self._session.site("sleep", key)
        waking = isinstance(time, str) and "waking" in time.lower()
        if until or waking:
            request = Sleep(site, 0.0, self._moment(until or str(time), "sleep(until=…)"), interrupt)
        else:
            request = Sleep(site, duration(time), interrupt=interrupt)
        made: Wait[None] = self._session.promise(request, "chat.sleep")
        return made

    @overload
    def step(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Wait[T]: ...
    @overload
    def step(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Wait[T]: ...
    def step(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Wait[Any]:
        """Run something that touches the outside once, and keep its result: ``await chat.step(function, …)``.

        What was said before it is sent before it begins. If the turn runs again, after a crash or an error,
        the kept result is returned and `function` is not called. `retrying(function, tries=3)` tries it again; a
        parameter called `idempotency_key` is filled with a key that is the same whenever this step runs.
        """
        if not callable(function):
            if inspect.iscoroutine(function):
                function.close()
            raise ChatError("chat.step() takes a function, not its result: write chat.step(f, x), not chat.step(f(x))")
        name = getattr(function, "__name__", "function")
        site, _ = self._session.site("step", name)
        tries, wait = getattr(function, "__smsbot_retry__", (1, 1.0))
        return self._session.promise(
            Do(
                site,
                name,
                function=function,
                args=args,
                kwargs=kwargs,
                tries=tries,
                wait=wait,
            ),
            f"chat.step({name})",
        )

    @overload
    def gather(self, a: Wait[A], b: Wait[B], /) -> Wait[tuple[A, B]]: ...
    @overload
    def gather(self, a: Wait[A], b: Wait[B], c: Wait[C], /) -> Wait[tuple[A, B, C]]: ...
    @overload
    def gather(self, *steps: Wait[Any]) -> Wait[tuple[Any, ...]]: ...
    def gather(self, *steps: Wait[Any]) -> Wait[Any]:
        """Run several steps at once: ``price, slot = await chat.gather(chat.step(f), chat.step(g))``."""
        done: list[Do] = []
        for step in steps:
            if not isinstance(step.request, Do):
                raise ChatError("chat.gather() takes steps that are not yet awaited: chat.gather(chat.step(f), …)")
            step.awaited = True
            done.append(step.request)
        site, _ = self._session.site("gather", "+".join(d.name for d in done))
        return self._session.promise(Gather(site, tuple(done)), "chat.gather")

    @overload
    def run(self, flow: str, /, *, returns: type[T], **values: Any) -> Wait[T]: ...
    @overload
    def run(self, flow: str, /, **values: Any) -> Wait[Any]: ...
    @overload
    def run(
        self, flow: Callable[Concatenate[Chat, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Wait[T]: ...
    def run(self, flow: Any, /, *args: Any, **values: Any) -> Wait[Any]:
        """Run a flow in YAML, or another conversation function, to its end; returns what it returns.

        A flow that ends without an answer (``abandoned``) raises `NoReply`.
        """
        if isinstance(flow, str):
            site, _ = self._session.site("run", flow)
            returns = values.pop("returns", None)

            async def call() -> Any:
                value = await Wait[Any](Call(site, flow, values), "chat.run")
                if returns is not None and not isinstance(value, returns):
                    raise ChatError(f'the flow "{flow}" returned {type(value).__name__}, not {returns.__name__}')
                return value

            return self._session.promise(Several(call, f'chat.run("{flow}")'), "chat.run")
        if not callable(flow):
            raise ChatError("chat.run() takes the name of a flow, or a conversation function")

        async def called() -> Any:
            value = await flow(self, *args, **values)
            if isinstance(value, Restart):
                raise ChatError("chat.restart() begins anew what a text has begun; below chat.run(), write a loop")
            return value

        return self._session.promise(Several(called, "chat.run"), "chat.run")

    def restart(self, **arguments: Any) -> Never:
        """Begin this conversation again, with a fresh journal: ``return chat.restart(count=count + 1)``.

        For type checkers it returns nothing, so that it fits whatever the function returns.
        """
        return Restart(arguments)  # type: ignore[misc]


def session_of(chat: Chat) -> Session:
    """The session of a chat: smsbot's side of it, behind what its handler sees."""
    return chat._session


def beside(chat: Chat) -> Chat:
    """A chat that speaks in the same turn as another, to the same person, and is in no conversation."""
    made, session = copy.copy(chat), chat._session
    made._session = Session(
        session.event, chat.contact, defaults=session.defaults, opted_out=session.opted_out, seed=session.event.id
    )  # fmt: skip
    made._session.attend(session.effects)
    return made


def retrying(function: Callable[P, T], *, tries: int = 3, wait: Duration = "1s") -> Callable[P, T]:
    """The function, tried up to `tries` times as a step: ``await chat.step(retrying(book, tries=3), slot)``."""

    @functools.wraps(function)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    again.__smsbot_retry__ = (tries, duration(wait))  # type: ignore[attr-defined]
    return again
