"""The nouns of a flow: steps, questions, links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smsbot.core.hours import Hours
from smsbot.core.question import Question
from smsbot.core.when import When
from smsbot.understanding import asking
from smsbot.understanding.patterns import Pattern

from .expressions import Call, Expression
from .functions import Kind
from .source import Node
from .state import State
from .template import Template

ABANDONED = "abandoned"
"""The end label of a run that nobody answers any more."""
Localised = Mapping[str, Template]
"""One text: language → template; the language is empty where the text has only one."""
Texts = tuple[Localised, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of a `then` list: go there when the condition holds, or always."""

    when: Expression | None
    go: str


@dataclass(frozen=True, slots=True)
class Then:
    """Where a step leads: by answer, by condition, else to `to`; empty: the next thing in order."""

    to: str = ""
    by_answer: Mapping[str, str] = field(default_factory=dict)
    branches: tuple[Branch, ...] = ()

    @property
    def links(self) -> Iterable[str]:
        """The ids of all steps that it leads to."""
        yield from filter(None, (self.to, *self.by_answer.values(), *(b.go for b in self.branches)))


@dataclass(frozen=True, slots=True)
class Ask:
    """A question, with everything that happens until it is answered. Durations are in seconds."""

    name: str
    question: Question
    check: Expression | None = None
    tries: int = 3
    """Wrong answers that are asked again."""
    retry_say: Texts = ()
    """The texts said after a wrong answer; empty: the question."""
    unsure_say: Texts = ()
    """The texts said after a doubtful answer; empty: those after a wrong one."""
    retry_then: str = ""
    """The step after too many wrong answers; empty: the run ends ``abandoned``."""
    reminders: tuple[float, ...] = ()
    remind_says: tuple[Texts, ...] = ()
    """What each reminder says; empty: the question."""
    timeout_after: float = 0.0
    timeout_then: str = ""
    """The step after the silence; empty: the run ends ``abandoned``."""
    settle: float = 0.0
    """How long more fragments of the answer are waited for."""
    late: float = 0.0
    """How long after the timeout an answer is still taken."""
    interrupt: bool = True
    """Whether another start word, sent instead of an answer, switches."""


@dataclass(frozen=True, slots=True)
class HandTo:
    """A desk that takes over: what is said while somebody is there, and what else."""

    desk: str
    say: Texts = ()
    closed: Texts = ()
    """Said outside `hours` instead of `say`."""
    hours: Hours | None = None
    alert: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Its parts happen in this order: when, set, do or call, save, say, ask or wait, then, end."""

    id: str
    line: int = 0
    """Its line in the file, from 1."""
    when: Expression | None = None
    sets: Mapping[str, Expression] = field(default_factory=dict)
    do: Call | None = None
    call: str = ""
    arguments: Mapping[str, Expression] = field(default_factory=dict)
    save: str = ""
    say: Texts = ()
    ask: Ask | None = None
    wait: float = 0.0
    """Seconds."""
    until: When | None = None
    """The moment that is waited for instead."""
    interrupt: bool = False
    """Whether another start word ends the run while it waits."""
    at: When | None = None
    """When its texts leave; None: now."""
    handoff: HandTo | None = None
    then: Then | None = None
    end: str | None = None
    next: str = ""
    """The step below it; empty behind the last one: the flow ends ``done``."""
    node: Node | None = field(default=None, compare=False, repr=False)
    """How it was written."""

    @property
    def says(self) -> Texts:
        """Its own texts, also those of a handoff."""
        return (*self.say, *self.handoff.say, *self.handoff.closed) if self.handoff is not None else self.say

    @property
    def waits(self) -> bool:
        """Whether it stands still until something happens."""
        return self.ask is not None or self.rests

    @property
    def rests(self) -> bool:
        """Whether it waits for time to pass."""
        return self.wait > 0 or self.until is not None


@dataclass(frozen=True, slots=True)
class Start:
    """The ways to start a flow: words, an event or the API, and on which terms."""

    words: tuple[tuple[str, Pattern], ...] = ()
    """(language or empty, pattern)."""
    typos: int = 0
    event: str = ""
    api: str = ""
    busy: str = ""
    """The rule if the person is in a conversation: ``queue``, ``replace`` or ``skip``."""
    valid: float = 0.0
    """How long it is worth beginning, in seconds; 0: for ever."""
    key: Expression | None = None
    """The key of a start: the same key counts once."""
    fallback: bool = False
    """Whether a text that nothing takes starts it, while no question is open."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A compiled flow."""

    name: str
    path: str
    steps: Mapping[str, Step]
    first: str
    start: Start = field(default_factory=Start)
    anywhere: tuple[tuple[Pattern, Texts], ...] = ()
    fallback: Texts = ()
    """The texts said to what nothing takes, while no question is open."""
    asides: frozenset[str] = frozenset()
    variables: Mapping[str, Expression] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    arg_types: Mapping[str, Question] = field(default_factory=dict)
    """The types of its arguments, where they are declared: what programs give is read as these."""
    returns: Expression | None = None
    join: bool = False
    """Whether the texts of one turn leave as one."""
    lane: str = ""
    """How urgent its texts are; empty: as what they answer says."""
    languages: tuple[str, ...] = ()
    """The languages of its texts; the first is said where nothing is known of the person."""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """The kinds of its variables, as far as they are known."""
    node: Node | None = field(default=None, compare=False, repr=False)
    content: Any = None
    """The flow as texts, lists and maps: what is stored and hashed."""
    language: str = ""
    """The language that it says it speaks (ISO 639-1)."""
    unread: bool = False
    """Whether something that leads on could not be read; then nothing is proved of its ways."""

    def place_of(self, step: str) -> str:
        """``file:line`` of a step; empty where there is none of this name."""
        found = self.steps.get(step)
        return f"{self.path}:{found.line}" if found is not None else ""

    def in_language(self, text: Localised, language: Any) -> Template:
        """A text in somebody's language, else in the first that the flow has."""
        first = self.languages[0] if self.languages else ""
        own = text.get(language) if isinstance(language, str) else None
        return own or text.get(first) or next(iter(text.values()))

    def deadline(self, state: State) -> float | None:
        """The next moment at which a waiting frame does something by itself."""
        step = self.steps.get(state.step)
        if step is None:
            return None
        if state.phase == "wait":
            return state.until or state.asked + step.wait
        return asking.deadline(step.ask, state) if step.ask is not None and state.phase == "ask" else None

    @property
    def said(self) -> Iterable[str]:
        """The texts of its steps, as they are written."""
        return (template.source for step in self.steps.values() for text in step.says for template in text.values())

    @property
    def spoken(self) -> str | None:
        """The language that it speaks where nothing is known of the person; None: it does not say."""
        return self.language or (self.languages[0] if self.languages else None)
