"""The answer of a text to a question: strict, never guessed. A doubtful one is unsure, and says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from smsbot.core.question import Question
from smsbot.understanding.languages import Vocabulary, languages_of, spoken, vocabulary
from smsbot.understanding.said import Said, said
from smsbot.understanding.words import signs_of

from . import choices, dates, moneys, numbers, patterns, times
from .reading import INEXACT, MORE, Answer, Reading, Unsure

__all__ = ["Answer", "Reading", "Unsure", "shown_answer", "understand"]

SILENCE, WRONG, REMINDED = "no answer", "a wrong answer", "a reminder"
"""The outcomes of a question other than an answer."""
LONGEST = 1600
"""Characters of a text that is read; SMS end before."""
LONGEST_EXACT = 160
"""Characters of a text that can be a single value, such as a date."""
_MOST_WORDS = 14
"""Words of a moment."""


def understand(
    question: Question,
    text: str,
    today: date | datetime,
    country: str | None = None,
    language: str | None = None,
    prompt: str = "",
    usual: str | None = None,
) -> Reading:
    """Read a text as an answer to a question; `Unsure` if that is doubtful, None if it is none.

    `today` is where "tomorrow" counts from, by the person's clock; a moment with a zone says in which zone a
    ``datetime`` is answered (else UTC). `country` (ISO 3166-1) says how numbers, dates and phones are
    written; `language` (ISO 639-1) is the person's own or the bot's, else people are thought to answer in that of the
    `prompt`, else in the `usual` one of the bot.
    """
    exact = question.kind in _EXACT
    signs = signs_of(question.choices) if question.choices else frozenset()
    start = text[: LONGEST_EXACT if exact else LONGEST]
    heard = said(start, signs) if signs else said(start)  # as the others write it, whose result is kept
    reader = _READERS.get(question.kind)
    if reader is None or (not heard.bare and question.kind != "text"):
        return None
    shown = spoken(prompt, language, usual)
    known = vocabulary(languages_of(country, shown), shown is not None)
    zone = today.tzinfo if isinstance(today, datetime) else None
    today = today.date() if isinstance(today, datetime) else today
    if question.kind == "datetime":
        return _moment(question, heard, known, today, country, zone or UTC)
    read = reader(question, heard, known, today, country)
    if exact and not isinstance(read, Answer) and (once := _said_twice(heard)) is not None:
        return reader(question, once, known, today, country)
    return MORE if exact and isinstance(read, Answer) and len(text) > LONGEST_EXACT else read


_EXACT = frozenset({"date", "time", "datetime", "money", "number", "phone", "email"})


def _said_twice(heard: Said) -> Said | None:
    """The first half of a text that says one thing twice."""
    half, odd = divmod(len(heard.bare), 2)
    if odd or not half or [t.word for t in heard.bare[:half]] != [t.word for t in heard.bare[half:]]:
        return None
    return said(heard.text[: heard.bare[half].start])


def _text(question: Question, heard: Said, known: Vocabulary, today: date, country: str | None) -> Reading:
    text = heard.text.strip()
    return Answer(text) if text and len(text) <= (question.high or LONGEST) else None


def _moment(
    question: Question, heard: Said, known: Vocabulary, today: date, country: str | None, zone: tzinfo = UTC
) -> Reading:
    """A day and a time of it, in any order: "jutro o 15", "demain 9h"."""
    spans = [(heard.text[: t.start], heard.text[t.start :]) for t in heard.words[1:]]
    if len(heard.words) > _MOST_WORDS:
        spans = []
    found: set[datetime] = set()
    for one, other in spans:
        for first, second in ((one, other), (other, one)):
            day = dates.a_date(question, said(first), known, today, country)
            clock = times.a_time(question, said(second), known, country) if isinstance(day, Answer) else None
            if isinstance(day, Answer) and isinstance(clock, Answer):
                found.add(datetime.combine(day.value, clock.value, zone))
    if len(found) == 1:
        return Answer(found.pop())
    parts = (dates.a_date(question, heard, known, today, country), times.a_time(question, heard, known, country))
    return INEXACT if any(p is not None for p in parts) else None


def _phone(question: Question, heard: Said, known: Vocabulary, today: date, country: str | None) -> Reading:
    from .addresses import a_phone  # the numbering plans of the world take a while to load

    return a_phone(heard, country)


def _email(question: Question, heard: Said, known: Vocabulary, today: date, country: str | None) -> Reading:
    from .addresses import an_email

    return an_email(heard)


def shown_answer(question: Question, value: Any) -> str:
    """An answer for people; empty for what a person wrote freely."""
    if question.kind in ("text", "pattern", "phone", "email", "custom", "media"):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.strftime("%H:%M") if question.kind == "time" else str(value)


Reader = Callable[[Question, Said, Vocabulary, date, str | None], Reading]
_READERS: Mapping[str, Reader] = {
    "text": _text,
    "yes_no": lambda q, s, v, t, c: choices.yes_no(q, s, v),
    "choice": lambda q, s, v, t, c: choices.choice(q, s, v),
    "integer": lambda q, s, v, t, c: numbers.integer(q, s, v),
    "number": lambda q, s, v, t, c: numbers.number(q, s, v, c),
    "money": lambda q, s, v, t, c: moneys.money(q, s, v, c),
    "date": lambda q, s, v, t, c: dates.a_date(q, s, v, t, c),
    "time": lambda q, s, v, t, c: times.a_time(q, s, v, c),
    "datetime": _moment,
    "phone": _phone,
    "email": _email,
    "pattern": lambda q, s, v, t, c: patterns.matches(q, s),
}
