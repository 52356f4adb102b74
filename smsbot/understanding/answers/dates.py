"""Dates: named days, weekdays, days of a month, counted days. Strict: what can be two days is unsure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from smsbot.core.question import Question
from smsbot.understanding.languages import Nearly, Phrases, Vocabulary, entries
from smsbot.understanding.said import Said
from smsbot.understanding.words import fold, normalise

from .numbers import spell_out
from .reading import AMBIGUOUS, ASKS, HEDGED, INEXACT, MORE, NEARLY, Answer, Reading, Unsure

MONTH_FIRST = frozenset({"US"})
"""Countries that write the month before the day."""
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_SHORT = re.compile(r"(\d{1,2}) ?([/.\-]) ?(\d{1,2})(?: ?[/.\-] ?(\d{4}|\d{2}))?\.?")
_BARE = re.compile(r"\d{1,2}\.?")
_MOST_NEARLY = 3
"""Words that are looked at for a misspelled day."""
_BEFORE_A_DAY = {"fr": "le|pour le", "es": "el|el dia|dia|para el"}
"""The words that make a day of a bare number: "le 15"."""
_PIVOT = 70
"""Years of two digits from here on are of the last century."""


@dataclass(frozen=True, slots=True)
class _Grammar:
    """How some languages write dates, compiled."""

    relative: Phrases[int]
    months: dict[str, int]
    weekdays: dict[str, int]
    this: re.Pattern[str]
    counted: tuple[tuple[re.Pattern[str], int], ...]
    day_month: re.Pattern[str]
    month_day: re.Pattern[str]
    day_only: re.Pattern[str]
    weekday: re.Pattern[str]
    year_word: re.Pattern[str]
    ordinals: dict[str, int]
    hints: frozenset[str]
    """Words that show that a day is spoken of."""
    next: Phrases[bool]
    nearly: Nearly


def a_date(question: Question, said: Said, known: Vocabulary, today: date, country: str | None) -> Reading:
    """A day; "tomorrow" counts from `today`, a day without its year is the next such day."""
    grammar = _grammar(known.languages)
    found = _whole(said, known, grammar, today, country)
    if isinstance(found, date):
        return ASKS if said.asks else Answer(found)
    if isinstance(found, Unsure):
        return found
    return None if found is False else _hinted(said, known, grammar)


def _whole(said: Said, known: Vocabulary, grammar: _Grammar, today: date, country: str | None) -> date | Reading | bool:
    """The day that a text is as a whole; False for one that does not exist, None for something else."""
    words = [t.word for t in said.bare]
    offset = grammar.relative.whole(words)
    if offset is not None:
        return today + timedelta(days=offset)
    written = grammar.year_word.sub("", spell_out(said.bare, said.text, known))
    if (days := _counted(written, grammar)) is not None:
        return today + timedelta(days=days)
    if _BARE.fullmatch(written):
        return INEXACT if 1 <= int(written.rstrip(".")) <= 31 else False
    if (iso := _ISO.fullmatch(written)) is not None:
        return _day(int(iso[1]), int(iso[2]), int(iso[3])) or False
    rest = grammar.this.sub("", written)
    weekday, rest = _weekday(rest, grammar)
    if weekday is not None and not rest:
        ahead = (weekday - today.weekday()) % 7
        return today + timedelta(days=ahead) if ahead else AMBIGUOUS
    if weekday is not None and _BARE.fullmatch(rest):  # "Sunday 4"
        found: date | Reading | bool = _next_such(int(rest.rstrip(".")), today)
        return AMBIGUOUS if isinstance(found, date) and found.weekday() != weekday else found
    found = _named(grammar.this.sub("", rest), rest if weekday is not None else written, said, grammar, today, country)
    if isinstance(found, date) and weekday is not None and found.weekday() != weekday:
        return AMBIGUOUS
    return found


def _counted(written: str, grammar: _Grammar) -> int | None:
    for pattern, unit in grammar.counted:
        if m := pattern.fullmatch(written):
            return int(m[1]) * unit
    return None


def _weekday(rest: str, grammar: _Grammar) -> tuple[int | None, str]:
    """The weekday at the beginning or the end, and what is left."""
    ends = [m for m in grammar.weekday.finditer(rest) if m.end() == len(rest)]
    for found in (grammar.weekday.match(rest), *ends):
        if found is not None:
            left = rest[: found.start()] + rest[found.end() :]
            return grammar.weekdays[found[1]], left.strip(" ,.")
    return None, rest


def _named(
    rest: str, written: str, said: Said, grammar: _Grammar, today: date, country: str | None
) -> date | Reading | bool:
    """A day of a month, in digits or by the month's name."""
    if m := _SHORT.fullmatch(rest):
        return _short(int(m[1]), int(m[3]), m[4], today, country)
    for pattern in (grammar.day_month, grammar.month_day):
        if m := pattern.fullmatch(rest):
            day = int(m["d"]) if m["d"] else grammar.ordinals[m["o"]]
            return _in_month(grammar.months[m["m"]], day, m["y"], today)
    if m := grammar.day_only.fullmatch(written.strip()):
        day = int(m["d"] or m["d2"] or 0) or grammar.ordinals[m["o"]]
        return _next_such(day, today)
    return None


def _short(a: int, b: int, year: str | None, today: date, country: str | None) -> date | Reading | bool:
    month_first = country in MONTH_FIRST
    day, month = (b, a) if month_first else (a, b)
    if country is None and day != month and day <= 12 and month <= 12:
        return AMBIGUOUS
    found = _in_month(month, day, year, today)
    if found is not False:
        return found
    return AMBIGUOUS if isinstance(_in_month(day, month, year, today), date) else False


def _in_month(month: int, day: int, year: str | None, today: date) -> date | bool:
    """The day of a month; without a year, the next; False if there is none."""
    if year:
        number = int(year)
        if len(year) == 2:
            number += 2000 if number < _PIVOT else 1900
        return _day(number, month, day) or False
    for number in range(today.year, today.year + 9):
        found = _day(number, month, day)
        if found is not None and found >= today:
            return found
        if found is None and (month, day) != (2, 29):
            return False
    return False


def _next_such(day: int, today: date) -> date | bool:
    """The next day of this number, in this month or one of the next."""
    year, month = today.year, today.month
    for _ in range(3):
        found = _day(year, month, day)
        if found is not None and found >= today:
            return found
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return False


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _hinted(said: Said, known: Vocabulary, grammar: _Grammar) -> Reading:
    """The reading of a text that is no single day: doubtful where a day is spoken of at all."""
    words: Sequence[str] = [t.word for t in said.bare]
    if known.hedges.anywhere(words):
        return HEDGED
    if any(w in grammar.hints for w in words) or grammar.relative.anywhere(words) is not None:
        return INEXACT if grammar.next.anywhere(words) else MORE
    text = said.core
    if ":" not in text and any(_maybe_a_day(m) for m in _SHORT.finditer(text)):
        return MORE
    ordinal = grammar.day_only.search(text)
    if ordinal is not None and any(ordinal[name] for name in ("d", "o", "d2")):
        return MORE
    return NEARLY if any(len(w) >= 4 and grammar.nearly.find(w) for w in words[:_MOST_NEARLY]) else None


def _maybe_a_day(found: re.Match[str]) -> bool:
    if found[2] == "-" or found.group().endswith("."):
        return False
    return 1 <= int(found[1]) <= 31 and 1 <= int(found[3]) <= 31


@cache
def _grammar(languages: tuple[str, ...]) -> _Grammar:
    def many(key: str) -> list[str]:
        return [str(e) for e in entries("dates", key, languages)]

    def either(words: Sequence[str]) -> str:
        return "|".join(sorted((re.escape(w) for w in words), key=len, reverse=True)) or "(?!)"

    def lists(key: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for code in languages:
            for i, names in enumerate(entries("dates", key, (code,))):
                found |= {fold(name): i for name in names.split()}
        return found

    months = {name: i + 1 for name, i in lists("months").items()}
    if "pl" in languages:
        months |= {name: i + 1 for i, name in enumerate(_ROMAN)}
    weekdays = lists("weekdays")
    ordinals: dict[str, int] = {}
    for code in languages:
        ordinals |= {fold(name): i + 1 for i, name in enumerate(entries("dates", "ordinals", (code,)))}
    suffix = either([fold(s) for s in many("ordinal")])
    of = either([fold(o) for o in many("of")])
    day = rf"(?:(?P<d>\d{{1,2}})(?:[ -]?(?:{suffix}))?\.?|(?P<o>{either(list(ordinals))}))"
    month = rf"(?P<m>{either(list(months))})\.?"
    year = r"(?:,? ?(?:de |del )?(?P<y>\d{4}|'\d{2}))?"
    lone = "|".join(p for code, p in _BEFORE_A_DAY.items() if code in languages)
    alone = rf"|(?:{lone}) (?P<d2>\d{{1,2}})" if lone else r"|(?P<d2>(?!))"
    relative = [(p, int(v)) for p, _, v in (e.partition("=") for e in many("relative"))]
    this = either(sorted({fold(t) for t in many("this")}))
    hints = (*(m for m in months if len(m) > 2), *weekdays, *(n for v in many("vague") for n in normalise(v).split()))
    names = (*months, *weekdays, *(normalise(p) for p, _ in relative))
    between = rf"(?: (?:{of}))*[ .-]*"
    return _Grammar(
        relative=Phrases(relative),
        months=months,
        weekdays=weekdays,
        this=re.compile(rf"^(?:(?:{this})[ ,]+)+"),
        counted=(
            *((re.compile(p.replace("{n}", r"(\d{1,3})")), 1) for p in many("in_days")),
            *((re.compile(p.replace("{n}", r"(\d{1,2})")), 7) for p in many("in_weeks")),
        ),
        day_month=re.compile(rf"{day}{between}{month}{year}"),
        month_day=re.compile(rf"{month}{between}{day}{year}"),
        day_only=re.compile(
            rf"(?:(?:{this}) )*(?:(?P<d>\d{{1,2}})[ -]?(?:{suffix})|(?P<o>{either(list(ordinals))})){alone}"
        ),
        weekday=re.compile(rf"({either(list(weekdays))})\b\.?"),
        year_word=re.compile(rf" ?\b(?:{either([fold(y) for y in many('year')])})\.?$"),
        ordinals=ordinals,
        hints=frozenset(hints),
        next=Phrases((n, True) for n in many("next")),
        nearly=Nearly(w for w in names if len(w) >= 5 and " " not in w),
    )
