"""Wrong number: the person says that they are not who we think, or asks who we are.

It is said of the person texted, never of a number that somebody typed or gave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from smsbot.core.linear import linear

from .languages import CODES, entries, language
from .said import said

_MOST_WORDS = 12
_LONGEST = 120
"""Characters of a text that says so among other things; a longer one tells a story."""
_BREAK = re.compile(r"[,.;:!?\n]+")


def is_wrong_number(text: str) -> bool:
    """Whether a text says that it reached the wrong person, or asks who writes: as a whole, or first or last in it."""
    text = text.replace("#", " number ") if "#" in text else text
    if _says_so(text):
        return True
    clauses = [clause for clause in _BREAK.split(text) if clause.strip()] if len(text) <= _LONGEST else []
    if len(clauses) < 2 or any(c.isdecimal() for c in text) or _is_mine(text):
        return False
    return _says_so(clauses[0]) or _says_so(clauses[-1])


def _is_mine(text: str) -> bool:
    return _patterns()[1].search(" ".join(t.word for t in said(text).words)) is not None


def _says_so(text: str) -> bool:
    words = [t.word for t in said(text).bare]
    if not 0 < len(words) <= _MOST_WORDS:
        return False
    plain = " ".join(words)
    if _marks().search(plain) is None and _spelled().keys().isdisjoint(words):
        return False
    patterns, mine = _patterns()
    found = patterns.search(plain) is not None
    if not found and not _spelled().keys().isdisjoint(words):
        found = patterns.search(" ".join(_spelled().get(word, word) for word in words)) is not None
    return found and mine.search(plain) is None


@cache
def _patterns() -> tuple[Any, Any]:
    """The patterns that say so, and those that say that the number is one that the person gave."""
    found = [*entries("wrong_number", "patterns"), *entries("wrong_number", "more")]
    return linear(found), linear(entries("wrong_number", "mine"))


@cache
def _marks() -> re.Pattern[str]:
    """Beginnings of words of which one stands in each such text: most texts need no closer look."""
    return re.compile(rf"\b(?:{'|'.join(sorted(set(entries('wrong_number', 'marks'))))})")


@cache
def _spelled() -> Mapping[str, str]:
    """Spellings of SMS: "kien" is "quien"."""
    found: dict[str, str] = {}
    for code in CODES:
        found |= language(code).get("wrong_number", {}).get("spelled", {})
    return found
