"""What a text can be to a question: an answer, nearly one, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a text answers."""

    value: Any
    """``str``, ``int``, ``Decimal``, ``bool``, ``date``, ``time``, `Money` …, by the question's kind."""
    rest: str = ""
    """What followed a choice, as it was written."""
    literal: bool = False
    """Whether it is one of the question's own words."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A text that may be an answer: the question is asked again once, and the desk sees why."""

    why: str
    """What is doubtful, to stand behind "unsure, because"."""
    again: Any = None
    """What it is taken for if the person says it a second time; None: it stays doubtful."""


ASKS = Unsure("it carries a question mark")
MORE = Unsure("it says more than the answer")
SEVERAL = Unsure("it names more than one answer")
HEDGED = Unsure("the person is not certain")
NEARLY = Unsure("it is spelled nearly like an answer")
INEXACT = Unsure("it is not exact enough")
AMBIGUOUS = Unsure("it can be read in two ways")
IDIOM = Unsure("people mean different things by it")
REFUSED_ONCE = Unsure(IDIOM.why, again=False)
"""A bare "no" where it means "well, yes" to some: twice in a row it refuses."""

Reading = Answer | Unsure | None
"""None: it is no answer."""
