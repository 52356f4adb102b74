"""An open question over time: what the next text, or a deadline, does to it (pure).

Flows and conversations in Python ask by the same rules; what they say and where they go is their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from .answers import Answer, Reading, Unsure


class Terms(Protocol):
    """How a question is asked until it is answered; durations in seconds, 0 for never."""

    @property
    def tries(self) -> int:
        """Wrong answers that are asked again."""
        ...

    @property
    def remind_after(self) -> float:
        """When it is asked again without an answer."""
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
    reminded: bool
    parts: list[str]
    settles: float


@dataclass(slots=True)
class Open:
    """A `Standing` of its own, as it is stored."""

    asked: float = 0.0
    wrong: int = 0
    unsure: bool = False
    doubt: str = ""
    """What the text before would mean if it were said again."""
    reminded: bool = False
    parts: list[str] = field(default_factory=list)
    settles: float = 0.0


class Move(StrEnum):
    """What happens to an open question."""

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
    standing.asked, standing.wrong, standing.unsure, standing.reminded = now, 0, False, False
    standing.parts, standing.settles, standing.doubt = [], 0.0, ""


def hear(terms: Terms, standing: Standing, text: str, read: Reading, now: float) -> tuple[Move, Reading]:
    """A text came; `read` is what it answers by itself. Returned is what happens, and what the text answers here."""
    if terms.settle and not (isinstance(read, Answer) and read.literal):
        standing.parts.append(text)
        standing.settles = now + terms.settle
        return Move.SETTLE, read
    return judge(terms, standing, read)


def judge(terms: Terms, standing: Standing, read: Reading) -> tuple[Move, Reading]:
    """The answer is complete; what was doubtful once counts the second time in a row, where it can be told."""
    standing.parts, standing.settles = [], 0.0
    again = repr(read.again) if isinstance(read, Unsure) and read.again is not None else ""
    if isinstance(read, Unsure) and again and again == standing.doubt:
        read = Answer(read.again)
    standing.doubt = again
    if isinstance(read, Answer):
        return Move.TAKE, read
    if isinstance(read, Unsure) and not standing.unsure:
        standing.unsure = True
        return Move.CLARIFY, read
    standing.wrong += 1
    return (Move.GIVE_UP if standing.wrong > terms.tries else Move.RETRY), read


def due(terms: Terms, standing: Standing, at: float, now: float = 0.0) -> Move:
    """A deadline has come: the earliest of those that have.

    `at` is when it was due, `now` when it is served: a reminder whose question is over by then is not said any more.
    """
    if standing.settles:
        return Move.SETTLE
    silent = terms.timeout_after and max(at, now) >= standing.asked + terms.timeout_after
    if terms.remind_after and not standing.reminded and not silent:
        standing.reminded = True
        return Move.REMIND
    return Move.TIMEOUT


def deadline(terms: Terms, standing: Standing) -> float | None:
    """The next moment at which something happens without the person."""
    if standing.settles:  # the person has answered, so neither reminder nor timeout counts
        return standing.settles
    found = [standing.asked + terms.timeout_after] if terms.timeout_after else []
    if terms.remind_after and not standing.reminded:
        found.append(standing.asked + terms.remind_after)
    return min(found, default=None)
