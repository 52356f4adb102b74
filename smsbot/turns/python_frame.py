"""A conversation in Python as one level of a run's stack: what is stored of it, and how a text is read (pure)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from smsbot.conversations.replay import Replay
from smsbot.core import codec
from smsbot.core.commit import digest
from smsbot.core.conversation import Frame
from smsbot.core.message import Event, Key
from smsbot.core.question import Question
from smsbot.core.request import Ask, Terms
from smsbot.flows.state import Person
from smsbot.routing.chat import Chat
from smsbot.understanding import asking
from smsbot.understanding.answers import Reading

PYTHON = "python"
"""The kind of frames that conversations in Python stand on."""


_PLAIN = ("site", "name", "prompt", "retry", "remind", "back", "unsure")


@dataclass(slots=True)
class OpenQuestion:
    """The open question of a conversation, as it is stored."""

    site: str
    name: str
    prompt: str
    question: Question
    terms: Terms
    retry: str = ""
    remind: str = ""
    back: bool = False
    unsure: str = ""
    standing: asking.Open = field(default_factory=asking.Open)

    @classmethod
    def of(cls, ask: Ask, now: float) -> OpenQuestion:
        """The question that has just been asked."""
        made = cls(ask.site, ask.name, ask.prompt, ask.question, ask.terms, ask.retry, ask.remind, ask.back, ask.unsure)
        asking.begin(made.standing, now)
        return made

    def read(self, text: str, person: Person) -> Reading:
        """What a text is to it."""
        return person.read(self.question, text, self.prompt)

    def asked_again(self, person: Person) -> str:
        """The question once more, with a hint how it is answered."""
        return person.asked_again(self.question, self.prompt)

    def dump(self) -> dict[str, Any]:
        """As plain data."""
        question = {f.name: getattr(self.question, f.name) for f in dataclasses.fields(Question)}
        plain = {name: getattr(self, name) for name in _PLAIN}
        return plain | {
            "question": {**question, "choices": {k: list(v) for k, v in self.question.choices.items()}},
            "terms": dataclasses.asdict(self.terms), "standing": dataclasses.asdict(self.standing),
        }  # fmt: skip

    @classmethod
    def load(cls, told: Mapping[str, Any]) -> OpenQuestion:
        """From plain data."""
        question = dict(told["question"])
        question["choices"] = {k: tuple(v) for k, v in question["choices"].items()}
        rest = {name: told[name] for name in _PLAIN if name in told}
        return cls(
            **rest, question=Question(**question), terms=Terms(**told["terms"]),
            standing=asking.Open(**told["standing"]),
        )  # fmt: skip


@dataclass(slots=True)
class PythonFrame:
    """A conversation in Python, and where it stands."""

    name: str
    """Where its function is found: module and qualified name."""
    run: bytes
    key: bytes
    """With the run, what its journal is kept by."""
    started: Event
    """What started it."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The holes of its start word, the arguments of a restart."""
    contact: Mapping[str, str] = field(default_factory=dict)
    """What was known of the person when it began."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The run's data when it began."""
    used: list[str] = field(default_factory=list)
    """Names in `values` that have answered a question already."""
    taken: int = 0
    """Requests that were answered when it was stored."""
    open: OpenQuestion | None = None
    until: float = 0.0
    """When its sleep ends; 0: it does not sleep."""
    site: str = ""
    """Where it waits."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What the person has answered, by name, for people."""
    aside: bool = False
    """Whether it digresses: the question below is asked again when it ends."""
    repeats: bool = True
    """Whether it is; what a state's handler has asked comes from the same question."""
    action: bool = False
    """Whether a flow called it."""
    talk: Replay | None = None
    chat: Chat | None = None

    @property
    def title(self) -> str:
        """The function's own name, for people."""
        return self.name.rpartition(".")[2]

    @property
    def deadline(self) -> float | None:
        """The next moment at which something happens without the person."""
        if self.open is not None:
            return asking.deadline(self.open.terms, self.open.standing)
        return self.until or None

    @property
    def prompt(self) -> str:
        """What is asked again after a digression."""
        return self.open.prompt if self.open is not None else ""

    def asked_again(self, now: float) -> None:
        """The open question is asked once more, after a digression: its time begins anew."""
        if self.open is not None:
            self.open.standing.asked = now

    def freeze(self) -> Frame:
        """The frame as it is stored."""
        started = self.started
        state = self.open.name if self.open is not None else "sleep" if self.until else "call"
        told = {
            "run": self.run.hex(), "key": self.key.hex(), "taken": self.taken, "values": dict(self.values),
            "started": [started.id.hex(), started.kind, started.text, started.at, started.data],
            "contact": dict(self.contact), "data": dict(self.data), "used": self.used,
            "site": self.site, "until": self.until,
            "open": self.open.dump() if self.open is not None else None, "answers": self.answers,
            "aside": self.aside, "action": self.action, "repeats": self.repeats,
        }  # fmt: skip
        return Frame(PYTHON, self.name, state, codec.dumps(told), self.prompt)

    @classmethod
    def thaw(cls, frame: Frame, key: Key) -> PythonFrame:
        """The level of a stored frame."""
        told = codec.loads(frame.data)
        identity, kind, text, at, data = told["started"]
        return cls(
            frame.name, bytes.fromhex(told["run"]), bytes.fromhex(told["key"]),
            Event(bytes.fromhex(identity), key, kind, text, at, data=data), told["values"], told["contact"],
            told["data"], told["used"], told["taken"],
            OpenQuestion.load(told["open"]) if told["open"] else None, told["until"], told["site"],
            told["answers"], told["aside"], told.get("repeats", True), told["action"],
        )  # fmt: skip


def runs_of(frames: Iterable[Frame]) -> set[bytes]:
    """The runs whose journals stored conversations are replayed from."""
    return {bytes.fromhex(codec.loads(frame.data)["run"]) for frame in frames if frame.kind == PYTHON}


@lru_cache(maxsize=512)
def path_of(function: Callable[..., Any]) -> str:
    """Where a function is found again: module and qualified name."""
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"


def begun(
    function: Callable[..., Any],
    run: bytes,
    event: Event,
    values: Mapping[str, Any],
    contact: Mapping[str, str],
    *,
    data: Mapping[str, Any] | None = None,
    salt: bytes,
) -> PythonFrame:
    """A conversation that begins; `salt` tells those apart that begin in one turn, and from the turn's actions."""
    return PythonFrame(path_of(function), run, digest(event.id, salt), event, values, contact, data or {})
