"""Hints for somebody whose answer was not understood: a few words, made from the kind of the question."""

from __future__ import annotations

import re
from collections.abc import Mapping

from smsbot.core import segments
from smsbot.core.conversation import BETWEEN
from smsbot.core.question import Question
from smsbot.understanding.languages import languages_of, says, spoken, vocabulary
from smsbot.understanding.words import normalise, signs_of

from .dates import MONTH_FIRST
from .numbers import COMMA
from .times import TWELVE

_DOTTED = frozenset({"PL", "DE", "AT", "CZ", "CH"})
"""Countries that write a day as 24.11."""
_EXAMPLE = {
    "date": re.compile(r"\d ?[./-] ?\d"), "time": re.compile(r"\d[:.h]\d\d|\d ?[ap]m", re.IGNORECASE),
    "datetime": re.compile(r"\d[:.h]\d\d|\d ?[ap]m", re.IGNORECASE), "email": re.compile("@"),
    "money": re.compile(r"\d[.,]\d\d"), "phone": re.compile(r"\d{3}"),
}  # fmt: skip
"""Patterns of the examples by which a question shows how its answer is written."""


def asked_again(
    prompt: str, question: Question, country: str | None, language: str | None = None, usual: str | None = None
) -> str:
    """The question once more, with a hint unless it says as much itself, or the hint would cost an SMS part."""
    known = spoken(prompt, language, usual)
    words = hint(question, country, known)
    if question.kind == "code":  # which is not sent again by that
        return words
    if not words or says_itself(prompt, question, languages_of(country, known)):
        return prompt
    *before, last = prompt.split(BETWEEN)
    helped = f"{last.rstrip()}{'' if last.rstrip()[-1:] in '.?!:' else '.'} {words}"
    dearer = segments.count(helped).segments > segments.count(last).segments
    return prompt if dearer else BETWEEN.join((*before, helped))


def hint(question: Question, country: str | None, language: str | None = None) -> str:
    """How an answer is written, in the language of the question; empty where there is nothing to say."""
    code = language or languages_of(country)[0]
    name = question.kind
    if name in ("integer", "number"):
        low, high = question.low is not None, question.high is not None
        name = "between" if low and high else "least" if low else "most" if high else "number"
    if name in ("pattern", "custom") or (name == "text" and question.high is None):
        return ""
    return says(f"hint_{name}", code).format_map(_examples(question, country, code))


def _examples(question: Question, country: str | None, code: str) -> Mapping[str, object]:
    twelve = country in TWELVE or country is None
    day = "11/24" if country in MONTH_FIRST else "24.11." if country in _DOTTED else "24/11"
    decimal = "," if country in COMMA else "."
    options = list(question.choices)
    last = f" {says('or', code)} ".join(filter(None, (", ".join(options[:-1]), *options[-1:])))
    return {
        "low": question.low, "high": question.high, "options": last, "day": day.rstrip(".") if code != "pl" else day,
        "time": "3:30 pm" if twelve else "15:30", "amount": f"12{decimal}50",
        "left": "{left}", "number": "2" if question.kind == "integer" else f"2{decimal}5",
    }  # fmt: skip


def says_itself(prompt: str, question: Question, languages: tuple[str, ...]) -> bool:
    """Whether a question says already how it is answered."""
    words = normalise(prompt, signs_of(question.choices)).split()
    if question.kind == "yes_no":
        table = vocabulary(languages).yes_no
        return {table.whole([w]) for w in words} >= {True, False}
    if question.kind == "choice":
        return all(_shows(words, phrases) for phrases in question.choices.values())
    if question.kind in ("integer", "number", "text"):
        bounds = [str(abs(b)) for b in (question.low, question.high) if b is not None]
        return all(b in words for b in bounds) if bounds else any(w.isdecimal() for w in words)
    example = _EXAMPLE.get(question.kind)
    return example is not None and example.search(prompt) is not None


def _shows(words: list[str], phrases: tuple[str, ...]) -> bool:
    """Whether one of the phrases stands among the words."""
    said = f" {' '.join(words)} "
    return any(f" {phrase} " in said for phrase in phrases)
