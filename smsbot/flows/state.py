"""Where a frame of a flow stands, what wakes it, and what resuming it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from smsbot.core import codec
from smsbot.core.errors import FlowError
from smsbot.core.handover import Handoff
from smsbot.core.question import Question
from smsbot.core.structs import struct
from smsbot.core.when import Awake, passing
from smsbot.core.zones import zone_of
from smsbot.understanding import answers
from smsbot.understanding.answers import Answer, Reading, Unsure
from smsbot.understanding.answers.hints import asked_again

from .expressions import Call


@struct
class Person:
    """The person and the moment, as the flow is told of them."""

    now: float
    """When the event happened, seconds since 1970 UTC."""
    contact: Mapping[str, Any] = field(default_factory=dict)
    line: str = ""
    country: str | None = None
    event: Any = None
    """The data of the event that started the run."""
    readers: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    """The bot's own kinds of answers, by name."""
    declared: str | None = None
    """The language that the bot says it speaks (ISO 639-1)."""
    usual: str | None = None
    """The language of the bot's texts and start words, as they show it."""
    zone: str = "UTC"
    """The time zone of the line (IANA)."""
    awake: Awake = passing
    """When so many seconds have passed that are no quiet hours of theirs."""

    @property
    def moment(self) -> datetime:
        """When the event happened, by the person's clock."""
        return datetime.fromtimestamp(self.now, zone_of(self.contact, self.zone))

    @property
    def moment_of_line(self) -> datetime:
        """The same where the line is."""
        return datetime.fromtimestamp(self.now, zone_of({}, self.zone))

    @property
    def language(self) -> str | None:
        """The person's own language, if it is known."""
        found = self.contact.get("language")
        return found if isinstance(found, str) else None

    def read(self, question: Question, text: str, prompt: str, declared: str | None = None) -> Reading:
        """Read a text as an answer to a question; `declared` is the language of the flow that asks."""
        if question.kind == "custom":
            return self.custom(question.pattern, text)
        language = self.language or declared or self.declared
        return answers.understand(question, text, self.moment, self.country, language, prompt=prompt, usual=self.usual)

    def reads(self, question: Question, text: str) -> Reading:
        """Read what a hole of a start word takes, which no text of ours has asked for."""
        return self.read(question, text, "")

    def asked_again(self, question: Question, prompt: str, declared: str | None = None) -> str:
        """An open question once more, with a hint how it is answered."""
        return asked_again(prompt, question, self.country, self.language or declared or self.declared, self.usual)

    def custom(self, name: str, text: str) -> Reading:
        """Read a text as an answer to a question of a kind of the bot's own."""
        reader = self.readers.get(name)
        if reader is None:
            raise FlowError(f'there is no @bot.answer "{name}" any more')
        read = reader(text)
        return read if isinstance(read, Answer | Unsure) or read is None else Answer(read)


_DAY = 86_400.0


class Counted(NamedTuple):
    """How many questions a run has asked; when a day of them began, and how many there were by then."""

    questions: int = 0
    since: float = 0.0
    before: int = 0


@dataclass(slots=True)
class State:
    """Where a frame of a flow stands."""

    step: str = ""
    phase: str = ""
    """``ask``, ``wait``, ``do`` or ``call``: what the step waits for; empty: it has not begun."""
    variables: dict[str, Any] = field(default_factory=dict)
    asked: float = 0.0
    """When the question, or the wait, began."""
    wrong: int = 0
    """Wrong answers so far."""
    unsure: bool = False
    """Whether a doubtful answer was asked again already."""
    doubt: str = ""
    """The meaning that the text before would have if it were said again."""
    reminded: int = 0
    parts: list[str] = field(default_factory=list)
    """Fragments of an answer that settles."""
    settles: float = 0.0
    until: float = 0.0
    """When the wait ends; 0: as long after it began as the step says."""
    code: str = ""
    """The one-time code that the open question waits for."""
    questions: int = 0
    """Questions that the run has asked."""
    since: float = 0.0
    """When a day of them began, and how many there were by then."""
    before: int = 0
    given: list[str] = field(default_factory=list)
    """Names that the start word gave a value; the questions of those names are not asked."""
    answer: dict[str, str] = field(default_factory=dict)
    """The last answer: its text, and what followed a choice (``rest``)."""
    trail: list[str] = field(default_factory=list)
    """The questions that were asked, for BACK."""
    prompt: str = ""

    @property
    def counted(self) -> Counted:
        """The questions of the run, for what it calls."""
        return Counted(self.questions, self.since, self.before)

    def count(self, now: float) -> int:
        """One more question; how many there were within a day."""
        if now - self.since >= _DAY:
            self.since, self.before = now, self.questions
        self.questions += 1
        return self.questions - self.before

    def go_on(self, counted: Counted) -> None:
        """What it called has asked some of them."""
        if counted.questions > self.questions:
            self.questions, self.since, self.before = counted

    def dump(self) -> str:
        """The state as JSON text; `load_state` reads it again."""
        kept = {n: getattr(self, n) for n in _FIELDS if getattr(self, n) != _EMPTY[n]}
        return codec.dumps({"is": kept, "vars": self.variables})


_EMPTY: Mapping[str, Any] = {
    "phase": "", "asked": 0.0, "wrong": 0, "unsure": False, "doubt": "", "trail": [], "reminded": 0, "parts": [],
    "settles": 0.0, "until": 0.0, "code": "", "questions": 0, "since": 0.0, "before": 0, "given": [], "answer": {},
}  # fmt: skip
_FIELDS = tuple(_EMPTY)


def load_state(step: str, data: str, prompt: str = "") -> State:
    """The state of a stored frame."""
    kept = codec.loads(data)
    return State(step=step, variables=kept.get("vars", {}), prompt=prompt, **kept.get("is", {}))


# -- inputs ---------------------------------------------------------------------------------------------


@struct
class Begin:
    """The flow starts, with what is known already."""

    values: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""
    """The language of the start word; kept with the person if none is."""


@struct
class Said:
    """The person said something at a question."""

    text: str
    read: Reading = None
    """Where the caller has understood it already."""


@struct
class Again:
    """The person wants to hear the question again."""


@struct
class Back:
    """The person wants to answer the question before this one again."""


@struct
class Due:
    """A deadline of the frame has come."""


@struct
class Result:
    """The result of an action, or of a called flow."""

    value: Any = None
    label: str = ""
    """The end label of a called flow."""
    lost: bool = False
    """Nobody answered, and what was called has nothing for that."""


Input = Begin | Said | Again | Back | Due | Result

# -- outcomes -------------------------------------------------------------------------------------------


@struct
class Waiting:
    """The frame waits for the person, or for a deadline."""

    deadline: float | None


@struct
class CallAction:
    """An action is to be called; resume with its `Result`."""

    call: Call
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]


@struct
class CallFlow:
    """Another flow is to be run; resume with its `Result`."""

    flow: str
    values: Mapping[str, Any]


@struct
class Done:
    """The flow has ended."""

    label: str
    value: Any = None
    lost: bool = False
    """Nobody answered, and the flow has no step for that: its callers end too."""


Outcome = Waiting | CallAction | CallFlow | Done


@dataclass(slots=True)
class Progress:
    """The outcome of resuming a frame, and all that it said and changed."""

    state: State
    outcome: Outcome | None = None
    """None only while it walks."""
    said: list[str] = field(default_factory=list)
    later: list[tuple[str, float]] = field(default_factory=list)
    """Texts that leave at a moment of their own."""
    visits: list[str] = field(default_factory=list)
    contact: dict[str, Any] = field(default_factory=dict)
    """Fields of the contact that were set."""
    handoffs: list[Handoff] = field(default_factory=list)
    why: str = ""
    """The reason of what was decided, one plain sentence."""
    took: bool = False
    """Whether the text was taken as an answer."""
    way: str = ""
    """The outcome at the open question: the answer, ``a wrong answer``, ``no answer``."""
    late: tuple[State, float] | None = None
    """A timed-out question whose answer is still taken: how it stood, and until when."""
