"""An open question over time: what the next text, or a deadline, does to it (pure).

Flows and conversations in Python ask by the same rules; what they say and where they go is their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from smsbot.core.question import Question
from smsbot.core.structs import struct

from .answers import REMINDED, SILENCE, WRONG, Answer, Reading, Unsure, shown_answer


class Terms(Protocol):
    """How a question is asked until it is answered; durations in seconds, 0 for never."""

    @property
    def tries(self) -> int:
        """Wrong answers that are asked again."""
        ...

    @property
    def reminders(self) -> Sequence[float]:
        """When it is asked again without an answer: each after the question, in their order."""
        ...

    @property
    def timeout_after(self) -> float:
        """When it gives up."""
        ...

    @property
    def settle(self) -> float:
        """How long more fragments of an answer are waited for."""
        ...


class Standing(Protocol):
    """Where an open question stands; kept with its frame."""

    asked: float
    wrong: int
    unsure: bool
    doubt: str
    reminded: int
    parts: list[str]
    settles: float


@dataclass(slots=True)
class Open:
    """A `Standing` of its own, as it is stored."""

    asked: float = 0.0
    wrong: int = 0
    unsure: bool = False
    doubt: str = ""
    """The meaning that the text before would have if it were said again."""
    reminded: int = 0
    """Reminders that were said, or were overdue together with a later one."""
    parts: list[str] = field(default_factory=list)
    settles: float = 0.0


class Move(StrEnum):
    """The next move at an open question."""

    TAKE = "take"
    """The text answers it."""
    SETTLE = "settle"
    """More of the answer may come."""
    CLARIFY = "clarify"
    """It may be an answer: asked again, once, without counting."""
    RETRY = "retry"
    GIVE_UP = "give up"
    REMIND = "remind"
    TIMEOUT = "timeout"


def begin(standing: Standing, now: float) -> None:
    """The question is asked."""
    standing.asked, standing.wrong, standing.unsure, standing.reminded = now, 0, False, 0
    standing.parts, standing.settles, standing.doubt = [], 0.0, ""


@struct
class Heard:
    """The move at an open question, and why."""

    move: Move
    read: Reading
    """The reading of the text here: what was doubtful once may count the second time."""
    why: str
    """One plain sentence."""
    outcome: str = ""
    """For coverage: the answer, ``a wrong answer``, ``no answer``."""


@struct
class Asked:
    """An open question, and what texts and deadlines do to it."""

    name: str
    question: Question
    terms: Terms
    standing: Standing

    def hear(self, text: str, read: Reading, now: float) -> Heard:
        """A text came; `read` is what it answers by itself."""
        if self.terms.settle and not (isinstance(read, Answer) and read.literal):
            self.standing.parts.append(text)
            self.standing.settles = now + self.terms.settle
            return Heard(Move.SETTLE, read, f'"{self.name}" waits whether more of the answer comes')
        return self.judge(read)

    def judge(self, read: Reading) -> Heard:
        """The answer is complete; what was doubtful once counts the second time in a row, where it can be told."""
        self.standing.parts, self.standing.settles = [], 0.0
        again = repr(read.again) if isinstance(read, Unsure) and read.again is not None else ""
        if isinstance(read, Unsure) and again and again == self.standing.doubt:
            read = Answer(read.again)
        self.standing.doubt = again
        if isinstance(read, Answer):
            shown = shown_answer(self.question, read.value)  # what was written freely stays unsaid
            return Heard(Move.TAKE, read, f'the text answers "{self.name}"' + (f": {shown}" if shown else ""), shown)
        if isinstance(read, Unsure) and not self.standing.unsure:
            self.standing.unsure = True
            why = f'unsure whether the text answers "{self.name}", because {read.why}: asked once more'
            return Heard(Move.CLARIFY, read, why)
        return self.refuse(read)

    def refuse(self, read: Reading) -> Heard:
        """The text is a wrong answer."""
        self.standing.wrong += 1
        if self.standing.wrong > self.terms.tries:
            return Heard(Move.GIVE_UP, read, f'"{self.name}" was answered wrongly {self.standing.wrong} times', WRONG)
        return Heard(Move.RETRY, read, f'the text does not answer "{self.name}"', WRONG)

    def due(self, at: float, now: float = 0.0) -> Heard:
        """A deadline has come: the earliest of those that have. Fragments that have settled are judged by the caller.

        `at` is when it was due, `now` when it is served: a reminder whose question is over by then is said no more.
        """
        if self.standing.settles:
            return Heard(Move.SETTLE, None, "")
        late = max(at, now) - self.standing.asked
        silent = self.terms.timeout_after and late >= self.terms.timeout_after
        if self.standing.reminded < len(self.terms.reminders) and not silent:
            overdue = sum(after <= late for after in self.terms.reminders)  # of several, the last is said
            self.standing.reminded = max(overdue, self.standing.reminded + 1)
            return Heard(Move.REMIND, None, f'"{self.name}" is not answered yet', REMINDED)
        return Heard(Move.TIMEOUT, None, f'no answer to "{self.name}" in time', SILENCE)


def next_of(terms: Terms, standing: Standing) -> str:
    """The effect of the next deadline, in words for people."""
    if standing.settles:
        return "answer is taken"
    return "reminder" if standing.reminded < len(terms.reminders) else "timeout"


def deadline(terms: Terms, standing: Standing) -> float | None:
    """The next moment at which something happens without the person."""
    if standing.settles:  # the person has answered, so neither reminder nor timeout counts
        return standing.settles
    found = [standing.asked + terms.timeout_after] if terms.timeout_after else []
    if standing.reminded < len(terms.reminders):
        found.append(standing.asked + terms.reminders[standing.reminded])
    return min(found, default=None)
