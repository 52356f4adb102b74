"""The requests of a conversation in Python. `Chat` makes them; whoever drives the conversation answers them."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import field
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from .errors import ChatError
from .question import Question
from .structs import struct

T = TypeVar("T")


@struct
class Terms:
    """How a question is asked until it is answered; durations in seconds, 0 for never."""

    tries: int = 3
    """Wrong answers that are asked again."""
    reminders: tuple[float, ...] = ()
    timeout_after: float = 86_400.0
    settle: float = 0.0
    late: float = 0.0
    """How long after the timeout an answer is still taken."""
    interrupt: bool = True
    """Whether another start word, sent instead of an answer, switches."""


@struct
class Request:
    """Something that a conversation cannot go on without."""

    site: str
    """Where it stands in the code: function, kind and name; what a journal is compared by."""


@struct
class Ask(Request):
    """An answer of the person."""

    prompt: str
    question: Question
    convert: Callable[[Any], Any]
    """From the answer as it is kept to the value that the code gets."""
    terms: Terms = field(default_factory=Terms)
    retry: str = ""
    """The text said after a wrong answer; empty: the question again."""
    reminds: tuple[str, ...] = ()
    """What each reminder says; empty: the question again."""
    back: bool = False
    """Whether BACK is an answer."""
    name: str = ""
    unsure: str = ""
    """The text said after a doubtful answer; empty: the one after a wrong answer."""
    check: Callable[[Any], Any] | None = None
    """Whether a value that was understood is taken; its reason where it says one."""

    def refusal(self, value: Any) -> str | None:
        """Why its code does not take a value, as the person is told; empty: without words. None: it takes it."""
        if self.check is None:
            return None
        try:
            said = self.check(self.convert(value))
        except ValueError as error:
            return str(error)
        if said is None or isinstance(said, bool):
            return None if said is not False else ""
        if isinstance(said, str):
            return said
        raise ChatError(f"check= returned {type(said).__name__}; it returns True, False, or the text that says why not")


@struct
class Sleep(Request):
    """Time to pass."""

    seconds: float
    until: float = 0.0
    """The moment that is waited for instead, seconds since 1970 UTC; 0: none."""
    interrupt: bool = False
    """Whether another start word ends the conversation meanwhile."""


@struct
class Do(Request):
    """Something outside that happens once; its result is kept."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    tries: int = 1
    wait: float = 1.0
    """Seconds between tries."""


@struct
class Gather(Request):
    """Several of them at once, each kept as soon as it has ended."""

    steps: tuple[Do, ...]

    @property
    def sites(self) -> list[str]:
        """The sites that a journal knows them by, in their order."""
        return [f"{self.site} [{n}]" for n in range(len(self.steps))]


@struct
class Call(Request):
    """A flow in YAML, to its end."""

    flow: str
    values: Mapping[str, Any]


class Driven(Protocol):
    """A conversation's hold on whoever answers it; it changes from turn to turn."""

    @property
    def silent(self) -> bool:
        """Whether nobody hears the conversation any more."""
        ...

    @property
    def driver(self) -> Driver | None:
        """Who answers now; None while the conversation begins, or rests."""
        ...


class WentBack(Exception):
    """The person wants to answer the question before; forms catch it."""


class Driver(Protocol):
    """Who answers the requests of a conversation."""

    @property
    def running(self) -> bool:
        """Whether the conversation itself runs now, and not a task that its code has made."""
        ...

    def alone(self, do: Do) -> Awaitable[Any]:
        """A step from such a task: done there."""
        ...

    def since(self, site: str) -> bool:
        """Whether the conversation came to a change of its code with that change in it."""
        ...


class Wait(Generic[T]):
    """A request that waits for its ``await``; used as anything else it says so."""

    __slots__ = ("_driven", "awaited", "request", "said")

    def __init__(self, request: Request, said: str, driven: Driven | None = None) -> None:
        self.request = request
        self.said = said
        """How the code wrote it: ``chat.ask``."""
        self.awaited = False
        self._driven = driven

    def __await__(self) -> Generator[Any, Any, T]:
        self.awaited = True
        driven = self._driven
        if driven is not None and driven.silent:  # a task that outlives the turn that made it
            raise CancelledError(f"{self.said} is awaited after its turn was over")
        driver = driven.driver if driven is not None else None
        if driver is None or driver.running:
            del driver, driven  # this may wait for days, and the driver holds its turn
            result: T = yield self.request
            return result
        if not isinstance(self.request, Do):
            raise ChatError(f"{self.said} is awaited in a task of its own; await it in the conversation itself")
        done: T = yield from driver.alone(self.request).__await__()
        return done

    def forgotten(self) -> ChatError:
        """The error for one that was never awaited."""
        write = self.said.replace(")", ", …)") if "(" in self.said else f"{self.said}(…)"
        return ChatError(f"{self.said} was not awaited; write: await {write}")

    def __str__(self) -> str:
        raise self.forgotten()

    def __format__(self, spec: str) -> str:
        raise self.forgotten()

    def __bool__(self) -> bool:
        raise self.forgotten()

    def __eq__(self, other: object) -> bool:
        raise self.forgotten()

    __hash__ = object.__hash__


def _forgotten(self: Wait[Any], *_: object) -> NoReturn:
    raise self.forgotten()


def _no_attribute(self: Wait[Any], name: str) -> NoReturn:
    raise AttributeError(name) if name.startswith("_") else self.forgotten()


# Whatever else an answer would be used for. Type checkers shall not see these: for them it is an error already.
for _name in (
    "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "mod", "lt", "le", "gt", "ge", "len", "iter", "getitem",
    "contains", "int", "float",
):  # fmt: skip
    setattr(Wait, f"__{_name}__", _forgotten)
Wait.__getattr__ = _no_attribute  # type: ignore[attr-defined]
