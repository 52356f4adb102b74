"""What a handler holds: verbs that say, remember and move on. Nothing leaves until the turn commits."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from smsbot.core import codec, segments
from smsbot.core.clock import duration
from smsbot.core.conversation import Conversation, Frame
from smsbot.core.errors import ChatError, FlowError, UsageError
from smsbot.core.message import Event, Message, Reply
from smsbot.core.status import Status

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a text, for `on_delivery` handlers."""

    status: Status
    text: str
    id: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a person did to a text of ours instead of answering it, for `on_reaction` handlers."""

    sign: str
    """The emoji, or the verb as the phone wrote it: ``Liked``."""
    text: str
    """The text of ours, as far as the phone quoted it."""
    removed: bool
    """Whether an earlier reaction was taken back."""


@dataclass(slots=True)
class Effects:
    """What a handler asked for; the turn makes it true."""

    said: list[Reply] = field(default_factory=list)
    journal: list[tuple[int, str, str]] = field(default_factory=list)
    state: str | None = None
    timeout: float | None = None
    then: str = ""
    end: str | None = None
    frames: tuple[Frame, ...] | None = None
    """Where flows stand now."""
    texts: list[str] = field(default_factory=list)
    """What flows said and is not yet among `said`."""
    visits: list[str] = field(default_factory=list)
    handoffs: list[str] = field(default_factory=list)
    contact: dict[str, Any] = field(default_factory=dict)
    took: bool = False
    """Whether the text was taken as an answer."""
    join: bool = False
    """Whether the texts of this turn leave as one."""
    late: tuple[tuple[Frame, ...], str, float] | None = None
    """A question that has timed out: its frames, their content, until when it may be answered."""


class Contact(MutableMapping[str, Any]):
    """What is known of the person on every line: a mapping whose changes are kept with the turn."""

    def __init__(self, number: str, stored: Mapping[str, str]) -> None:
        self.number = number
        self._stored = dict(stored)
        self._read: dict[str, Any] = {}
        self._removed: set[str] = set()

    @property
    def language(self) -> str | None:
        """The person's language as an ISO 639-1 code, if it is known."""
        return self.get("language")

    @language.setter
    def language(self, code: str) -> None:
        self["language"] = code

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            self._read[name] = codec.loads(self._stored[name])
        return self._read[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._read[name] = value
        self._removed.discard(name)

    def __delitem__(self, name: str) -> None:
        if name not in set(self):
            raise KeyError(name)
        self._read.pop(name, None)
        self._stored.pop(name, None)
        self._removed.add(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._stored, **self._read})

    def __len__(self) -> int:
        return len({**self._stored, **self._read})

    def changes(self) -> dict[str, str | None]:
        """What differs from what was stored, as it is stored; None is removed."""
        now = {name: codec.dumps(value) for name, value in self._read.items()}
        changed: dict[str, str | None] = {n: v for n, v in now.items() if self._stored.get(n) != v}
        return changed | dict.fromkeys(self._removed)

    def stored(self) -> dict[str, str]:
        """All of it as it is stored."""
        return self._stored | {name: codec.dumps(value) for name, value in self._read.items()}


class Segmenter(Protocol):
    """What commits a segment of the turn while its handler waits."""

    async def cut(self) -> None:
        """Commit what was said and journaled so far."""
        ...


class Chat:
    """The conversation as a handler sees it.

    `say`, `goto`, `end`, `data` and `contact` are plain and take effect together when the turn commits;
    if the handler raises, nothing of them happened. `step` is awaited.
    """

    def __init__(
        self,
        event: Event,
        conversation: Conversation,
        *,
        segmenter: Segmenter | None = None,
        first_step: int = 0,
    ) -> None:
        frame = conversation.run.frame if conversation.run else None
        self._event = event
        self._journal: Mapping[int, tuple[str, str]] = {}
        self._steps = first_step
        self._promised: list[Step[Any]] = []
        self._segmenter = segmenter
        self.effects = Effects()
        self.line = event.key.line
        """Our number, the one that was texted."""
        self.number = event.key.number
        """Theirs."""
        self.state = frame.state if frame else None
        """The state that the conversation stood at when this turn began."""
        self.data: dict[str, Any] = codec.loads(frame.data) if frame and frame.kind == "handler" else {}
        """This run's data; kept while the run is open."""
        self.contact = Contact(event.key.number, conversation.contact)
        """The person, across lines and runs."""

    def remember(self, journal: Mapping[int, tuple[str, str]]) -> None:
        """What already happened in this turn, from its journal (smsbot calls this)."""
        self._journal = journal

    @property
    def message(self) -> Message:
        """The text that woke the conversation (empty where it was a timer or an event)."""
        return Message.of(self._event)

    @property
    def now(self) -> datetime:
        """When this turn's event happened, UTC; the same if the turn runs again."""
        return datetime.fromtimestamp(self._event.at, UTC)

    def say(self, text: str, *, valid: str | float = 3600.0, at: datetime | None = None) -> None:
        """Send a text when the turn commits.

        `valid` is how long it is worth sending, counted from what it answers (or from `at`); past that it
        is listed as expired instead (C9). `at` sends it later; it needs a time zone.
        Raises `ChatError` for an empty text or one of more than 9 SMS parts.
        """
        if not isinstance(text, str):
            raise ChatError(f"say() takes a text, not {type(text).__name__}")
        if not text.strip():
            raise ChatError("say() was given an empty text")
        clean = text.encode("utf-8", "replace").decode() if not text.isascii() else text
        parts = 1 if len(clean) <= 70 else segments.count(clean).segments
        if parts > segments.MAX_PARTS:
            raise ChatError(f"a text of {parts} SMS parts is refused; {segments.MAX_PARTS} is the most")
        if at is not None and at.tzinfo is None:
            raise ChatError("say(at=...) needs a time with a zone, such as datetime.now(UTC)")
        self.effects.said.append(Reply(clean, duration(valid), at.timestamp() if at else None))

    def goto(self, state: str, *, timeout: str | float | None = None, then: str = "") -> None:
        """Wait for the next text at `state`, whose `@bot.state` handler gets it.

        After `timeout` of silence (default: the bot's) the handler of the state `then` runs with an empty
        text; without `then` the run ends ``abandoned``.
        """
        self.effects.state, self.effects.end = state, None
        self.effects.timeout = None if timeout is None else duration(timeout)
        self.effects.then = then

    def end(self, label: str = "done") -> None:
        """End the run with a label for the funnel; its data is gone."""
        if type(label) is not str or not label.isprintable():
            raise ChatError('end() takes a label, such as "ordered"')
        self.effects.end, self.effects.state = label, None

    @overload
    def step(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Step[T]: ...
    @overload
    def step(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Step[T]: ...
    def step(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Step[Any]:
        """Run something that touches the outside once, and keep its result: ``await chat.step(function, …)``.

        What was said before it is sent before it begins. If the turn runs again, after a crash or an error,
        the kept result is returned and `function` is not called.
        """
        if not callable(function):
            if inspect.iscoroutine(function):
                function.close()
            raise ChatError("chat.step() takes a function, not its result: write chat.step(f, x), not chat.step(f(x))")
        self._steps += 1
        place = self._steps
        made = Step(lambda: self._step(place, function, args, kwargs), getattr(function, "__name__", "function"))
        self._promised.append(made)
        return made

    def act(self, name: str, content: str, function: Callable[[], Any]) -> Step[Any]:
        """An action that a flow asks for: a step that remembers its name and the flows' hash (smsbot calls this)."""
        self._steps += 1
        place = self._steps
        made = Step(lambda: self._act(place, name, content, function), name)
        self._promised.append(made)
        return made

    async def _act(self, place: int, name: str, content: str, function: Callable[[], Any]) -> Any:
        kept = self._journal.get(place)
        if kept is not None and kept[0] != "act":
            return _kept(*kept)
        if kept is not None:
            told = codec.loads(kept[1])
            if told["do"] != name:
                raise FlowError(f"the turn began with {told['do']}(), but the flow now calls {name}()")
            return told["is"]
        return await self._step(place, function, (), {}, lambda r: ("act", {"do": name, "of": content, "is": r}))

    @property
    def content(self) -> str | None:
        """The hash of the flows that this turn began on before it was cut short; None if it was not."""
        acts = [value for kind, value in self._journal.values() if kind == "act"]
        return codec.loads(acts[0])["of"] if acts else None

    async def _step(
        self,
        place: int,
        function: Callable[..., Any],
        args: Any,
        kwargs: Any,
        entry_of: Callable[[Any], tuple[str, Any]] = lambda result: ("step", result),
    ) -> Any:
        kept = self._journal.get(place)
        if kept is not None:
            return _kept(*kept)
        if self._segmenter is None:
            raise ChatError("chat.step() is for async handlers")
        await self._segmenter.cut()
        result = function(*args, **kwargs)
        if inspect.isawaitable(result):
            result = await result
        try:
            kind, told = entry_of(result)
            entry = (place, kind, codec.dumps(told))
        except UsageError as error:
            entry = (place, "failed", f"the result of a step cannot be kept: {error.args[0]}")
        self.effects.journal.append(entry)
        await self._segmenter.cut()
        return result if entry[1] != "failed" else _kept(*entry[1:])

    def check_promises(self) -> None:
        """Raise `ChatError` for a step that was never awaited (smsbot calls this at the end of a turn)."""
        for step in self._promised:
            if not step.awaited:
                raise ChatError(f"chat.step({step.name}) was not awaited; write: await chat.step({step.name}, …)")


class Step(Awaitable[T]):
    """A step that waits to be awaited; used as anything else it says so."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]], name: str) -> None:
        self._work = work
        self.name = name
        self.awaited = False

    def __await__(self) -> Generator[Any, None, T]:
        self.awaited = True
        return self._work().__await__()

    def __str__(self) -> str:
        raise ChatError(f"chat.step({self.name}) was not awaited; write: await chat.step({self.name}, …)")

    def __format__(self, spec: str) -> str:
        return str(self)


def _kept(kind: str, value: str) -> Any:
    """What the journal says of a step: its result, or why it has none."""
    if kind == "failed":
        raise ChatError(value)
    return codec.loads(value)
