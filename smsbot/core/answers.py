"""What a text answers to a question: strict, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from .phone import is_number, normalise
from .question import Question
from .words import FILLER, Token, tokens, without_filler

_BEFORE = frozenset({"ok", "okay"})
"""Words that mean nothing in front of another answer."""
YES = frozenset(
    "yes y yeah yep yup sure ok okay tak t jasne pewnie oui si claro vale correct right".split()  # noqa: SIM905
) | {"of course", "sounds good", "yes yes", "bien sur"}
NO = frozenset("no n nope nah nie non never".split()) | {"no thanks", "not now", "no no"}  # noqa: SIM905
_EMAIL = re.compile(r"[^\s@<>,;:]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,6})?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}[.,]\d{3}")
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?h?", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DAY_MONTH = re.compile(r"(\d{1,2})[./](\d{1,2})(?:[./](\d{4}))?")
_DAYS = {"today": 0, "dzis": 0, "dzisiaj": 0, "hoy": 0, "tomorrow": 1, "jutro": 1, "demain": 1, "manana": 1}
_DAYS |= {"pojutrze": 2}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a text answers."""

    value: Any
    """``str``, ``int``, ``Decimal``, ``bool``, ``date`` or ``time``, by the question's kind."""
    rest: str = ""
    """What followed a choice, as it was written."""
    literal: bool = False
    """Whether it is one of the question's own words."""


def literal(question: Question, text: str) -> Answer | None:
    """The choice that a text is as a whole, after polite words are dropped."""
    if not question.choices and question.kind != "yes_no":
        return None
    found = _bare(tokens(text))
    said = " ".join(t.word for t in found)
    for key, words in question.choices.items():
        if said in words:
            return Answer(key, literal=True)
    if question.kind == "yes_no" and (said in YES or said in NO):
        return Answer(said in YES, literal=True)
    return None


def understand(question: Question, text: str, today: date, country: str | None = None) -> Answer | None:
    """What a text answers to a question; None if it does not. `today` is where "tomorrow" counts from."""
    found = literal(question, text)
    if found is not None:
        return found
    if question.tail and (tailed := _with_tail(question, text)) is not None:
        return tailed
    read = _READERS.get(question.kind)
    return read(question, text.strip(), today, country) if read is not None else None


def _bare(found: Sequence[Token]) -> Sequence[Token]:
    found = without_filler(found)
    while len(found) > 1 and found[0].word in _BEFORE:
        found = without_filler(found[1:])
    return found


def _with_tail(question: Question, text: str) -> Answer | None:
    """A choice, and more behind it."""
    found = _bare(tokens(text))
    for count in range(min(4, len(found) - 1), 0, -1):
        said = " ".join(t.word for t in found[:count])
        rest = text[found[count].start :].strip()
        for key, words in question.choices.items():
            if said in words:
                return Answer(key, rest, literal=True)
        if question.kind == "yes_no" and (said in YES or said in NO):
            return Answer(said in YES, rest, literal=True)
    return None


def _polite(text: str) -> str:
    """A text without polite words and signs at its ends."""
    words = text.split()
    while words and words[-1].strip(".!,").lower() in FILLER:
        words.pop()
    while words and words[0].strip(".!,").lower() in FILLER | (_BEFORE if len(words) > 1 else frozenset()):
        words.pop(0)
    return " ".join(words).strip().rstrip("!.,?")


def _text(question: Question, text: str, today: date, country: str | None) -> Answer | None:
    return Answer(text) if text and len(text) <= (question.high or 1600) else None


def _integer(question: Question, text: str, today: date, country: str | None) -> Answer | None:
    found = _bare(tokens(text))
    if len(found) != 1 or not found[0].word.isdecimal() or len(found[0].word) > 15:
        return None
    before, after = text[: found[0].start].rstrip(), text[found[0].end :].strip()
    if before.endswith(tuple("-−–")) or any(c in "%/:$€£¥" for c in before + after):
        return None
    return _within(question, int(found[0].word))


def _decimal(question: Question, text: str, today: date, country: str | None) -> Answer | None:
    said = _polite(text)
    if not _NUMBER.fullmatch(said) or _THOUSANDS.fullmatch(said):  # 1,000 is two numbers, so nobody guesses
        return None
    return _within(question, Decimal(said.replace(",", ".")))


def _within(question: Question, number: int | Decimal) -> Answer | None:
    if question.low is not None and number < question.low:
        return None
    return None if question.high is not None and number > question.high else Answer(number)


def _date(question: Question, text: str, today: date, country: str | None) -> Answer | None:
    found = _bare(tokens(text))
    if len(found) == 1 and found[0].word in _DAYS:
        return Answer(today + timedelta(days=_DAYS[found[0].word]))
    said = _polite(text)
    if iso := _ISO.fullmatch(said):
        return _day(int(iso[1]), int(iso[2]), int(iso[3]))
    short = _DAY_MONTH.fullmatch(said)
    if (
        short is None or country in ("US", "CA") or (country is None and "/" in said)
    ):  # 5/4 is two days, so nobody guesses
        return None
    day, month = int(short[1]), int(short[2])
    answer = _day(int(short[3] or today.year), month, day)
    if answer is not None and not short[3] and answer.value < today:
        answer = _day(today.year + 1, month, day)
    return answer


def _day(year: int, month: int, day: int) -> Answer | None:
    try:
        return Answer(date(year, month, day))
    except ValueError:
        return None


def _time(question: Question, text: str, today: date, country: str | None) -> Answer | None:
    found = _TIME.fullmatch(_polite(text))
    if found is None or (found[2] is None and found[3] is None):
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    return Answer(time(hour, minute)) if hour < 24 and minute < 60 else None


def _phone(question: Question, text: str, today: date, country: str | None) -> Answer | None:
    number = normalise(_polite(text), country)
    return Answer(number) if is_number(number) else None


def _email(question: Question, text: str, today: date, country: str | None) -> Answer | None:
    said = _polite(text)
    return Answer(said.lower()) if _EMAIL.fullmatch(said) and len(said) <= 254 else None


_READERS: Mapping[str, Callable[[Question, str, date, str | None], Answer | None]] = {
    "text": _text, "integer": _integer, "number": _decimal, "date": _date, "time": _time, "phone": _phone,
    "email": _email,
}  # fmt: skip
