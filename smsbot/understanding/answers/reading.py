"""The readings of a text as an answer to a question: an answer, nearly one, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer in a text."""

    value: Any
    """``str``, ``int``, ``Decimal``, ``bool``, ``date``, ``time``, `Money` …, by the question's kind."""
    rest: str = ""
    """The words that followed a choice, as they were written."""
    literal: bool = False
    """Whether it is one of the question's own words."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A text that may be an answer: the question is asked again once, and the desk sees why."""

    why: str
    """The doubt, worded to stand behind "unsure, because"."""
    again: Any = None
    """The value that it is taken for if the person says it a second time; None: it stays doubtful."""


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
