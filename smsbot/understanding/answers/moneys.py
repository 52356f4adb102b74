"""Amounts of money."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from smsbot.core.money import Money
from smsbot.core.question import Question
from smsbot.understanding.languages import CODES, Vocabulary, entries
from smsbot.understanding.said import Said
from smsbot.understanding.words import fold, is_part, normalise

from .numbers import AMOUNT, RAISED, amount_of, number_at, numbers, with_signs
from .reading import ASKS, HEDGED, INEXACT, MORE, Answer, Reading

_CENT = Decimal("0.01")
_NEGATIVE = re.compile(r"(?:[$€£] ?)?[-−–] ?[$€£]? ?[.,]?\d")


def money(question: Question, said: Said, known: Vocabulary, country: str | None) -> Reading:
    """An amount with or without its currency, before or behind it; "$" is USD."""
    words = [t.word for t in said.bare]
    written = with_signs(said, known)
    if _NEGATIVE.match(written) or (
        len(words) > 1 and words[0] in known.minus and number_at(words, 1, known) is not None
    ):
        return None
    if RAISED.search(written) or any(map(is_part, written)):
        return INEXACT
    found = _read(written, country, known.languages)
    if found is None:
        hedged = known.hedges.anywhere(words) is not None
        counted = bool(numbers(said.bare, known))
        slang = any(w in _slang() for w in words)
        few = known.about.anywhere(words) is not None and any(w in _units() for w in words)
        return HEDGED if hedged or few else MORE if counted or slang else None
    if isinstance(found, Money):
        return ASKS if said.asks else Answer(found)
    return INEXACT


def _read(written: str, country: str | None, languages: tuple[str, ...]) -> Money | bool | None:
    """The amount; False where it can be read in two ways, None where there is more or less than one."""
    whole, mixed, cents, glued = _patterns()
    if m := mixed.fullmatch(written):
        unit = _units().get(m["unit"].strip(" ."))
        return Money(Decimal(f"{m['whole']}.{m['cents']}"), unit)
    if m := glued.fullmatch(written):
        return Money(Decimal(f"{m['whole']}.{m['cents']}"), _units().get(m["unit"]))
    if m := cents.fullmatch(written):
        return Money((Decimal(m["n"]) * _CENT).quantize(_CENT), _cents(languages).get(m["unit"]))
    m = whole.fullmatch(written)
    if m is None:
        return None
    value = amount_of(m["n"], country)
    if value is None:
        return False
    if value != value.quantize(_CENT):
        return False
    units = {_units()[u] for u in (m["before"], m["behind"]) if u}
    if len(units) > 1:
        return False
    return Money(value.quantize(_CENT), units.pop() if units else None)


@cache
def _units() -> dict[str, str]:
    return {_folded(w): unit.split()[0].upper() for unit in entries("money", "units") for w in unit.split()}


@cache
def _cents(languages: tuple[str, ...] = ()) -> dict[str, str]:
    """The hundredths: "cents" are those of the person's own language first."""
    order = sorted(CODES, key=lambda c: (c not in languages, c == "en"))
    found: dict[str, str] = {}
    for unit in entries("money", "cents", order):
        for word in unit.split()[1:]:
            found.setdefault(_folded(word), unit.split()[0].upper())
    return found


@cache
def _slang() -> frozenset[str]:
    return frozenset(normalise(w) for w in entries("money", "hundreds"))


def _folded(word: str) -> str:
    return fold(word) if word.isalpha() else word


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    unit = "|".join(sorted((re.escape(u) for u in _units()), key=len, reverse=True))
    cent = "|".join(sorted((re.escape(u) for u in _cents()), key=len, reverse=True))
    return (
        re.compile(rf"(?:(?P<before>{unit})(?:(?<=[a-z])\.)? ?)?(?P<n>{AMOUNT})(?: ?(?P<behind>{unit})\.?)?"),
        re.compile(
            rf"(?P<whole>\d{{1,9}}) ?(?P<unit>{unit}),?(?: i| et| y| and| con)? (?P<cents>\d{{2}}) ?(?:{cent})\.?"
        ),
        re.compile(rf"(?P<n>\d{{1,3}}) ?(?P<unit>{cent})\.?"),
        re.compile(r"(?P<whole>\d{1,9})(?P<unit>[€$£])(?P<cents>\d{2})"),
    )
