"""Times of day. Strict: an hour that can be two is unsure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from functools import cache

from smsbot.core.question import Question
from smsbot.understanding.languages import Phrases, Vocabulary, entries, vocabulary
from smsbot.understanding.said import Said, plain
from smsbot.understanding.words import fold, normalise, tokens

from .numbers import numbers, spell_out
from .reading import AMBIGUOUS, ASKS, HEDGED, INEXACT, MORE, Answer, Reading

TWELVE = frozenset({"US", "GB", "CA", "IE", "AU", "NZ"})
"""Countries where 3:30 may be in the afternoon."""
_NOON = 12
_SPOKEN = range(7, 13)
"""Hours that mean the morning where half and quarters are spoken of; "wpół do trzeciej" is seldom said of the night."""


@dataclass(frozen=True, slots=True)
class _Grammar:
    named: Phrases[str]
    parts: dict[str, str]
    """A part of the day → am, pm or night, with ``!`` where it is only for a clock of twelve hours."""
    at: re.Pattern[str]
    clock: re.Pattern[str]
    digits: re.Pattern[str]
    half_past: re.Pattern[str]
    half_to: re.Pattern[str]
    beside: re.Pattern[str]
    """A quarter or some minutes before or after an hour."""
    ahead: re.Pattern[str]
    """Some minutes before an hour, where these are said first: "za pięć ósma"."""
    spaced: re.Pattern[str]
    """An hour and minutes that were words."""
    sums: dict[str, int]
    """The minutes that the words behind an hour stand for."""
    hour_words: tuple[tuple[re.Pattern[str], str], ...]
    before: frozenset[str]
    hints: frozenset[str]
    months: frozenset[str]


def a_time(question: Question, said: Said, known: Vocabulary, country: str | None) -> Reading:
    """A time of day, to the minute."""
    grammar = _grammar(known.languages)
    words = [t.word for t in said.bare]
    found: time | Reading | bool
    if (name := grammar.named.whole(words)) is not None:
        hour, _, minute = name.partition(":")
        found = time(int(hour), int(minute))
    else:
        written = _written(said, known, grammar)
        found = _whole(written, grammar, country)
        if found is None and said.core.replace(" ", "").isalpha() and (m := grammar.spaced.fullmatch(written)):
            found = _resolve(int(m["h"]), int(m["m"]), m["part"], grammar, "given", country)
    if isinstance(found, time):
        return ASKS if said.asks else Answer(found)
    if found is not None:
        return None if found is False else found if isinstance(found, type(INEXACT)) else None
    if known.hedges.anywhere(words) or (known.about.anywhere(words) and _hints(said, known, grammar)):
        return HEDGED
    return MORE if _hints(said, known, grammar) else None


def _written(said: Said, known: Vocabulary, grammar: _Grammar) -> str:
    """The core, with hours in words as digits."""
    text = said.core
    for pattern, hour in grammar.hour_words:
        text = pattern.sub(hour, text)
    text = spell_out(said.bare, said.text, known) if text == said.core else spell_out(tokens(text), text, known)
    return grammar.at.sub("", plain(text)).strip(" .,")


def _hints(said: Said, known: Vocabulary, grammar: _Grammar) -> bool:
    """Whether a time is spoken of."""
    words = [t.word for t in said.bare]
    if any(w in grammar.hints for w in words):
        return True
    if any(w in grammar.months for w in words):
        return False
    text = said.core
    if "/" in text or re.search(r"\d[.-]\d+[.-]\d", text):
        return False
    return any(n.value <= 24 for n in numbers(said.bare, known)) or any(p.search(text) for p, _ in grammar.hour_words)


def _whole(written: str, grammar: _Grammar, country: str | None) -> time | Reading | bool:
    """The time; False for one that does not exist, None for something else."""
    if m := grammar.digits.fullmatch(written):
        return _resolve(int(m["h"]), int(m["m"]), m["part"], grammar, "padded", country)
    if m := grammar.clock.fullmatch(written):
        minute = int(m["m"] or m["m2"] or 0)
        given = m["m"] is not None or m["m2"] is not None
        more = grammar.sums.get(m["more"] or "", 0)
        hour = int(m["h"]) + (-1 if more < 0 else 0)
        if m["more"]:
            minute, given = more % 60, False
        how = _precision(m, given)
        return _resolve(hour, minute, m["part"], grammar, how, country)
    if m := grammar.half_past.fullmatch(written):
        return _resolve(int(m["h"]), 30, m["part"], grammar, "spoken", country)
    if m := grammar.half_to.fullmatch(written):
        return _resolve(int(m["h"]) - 1, 30, m["part"], grammar, "spoken", country)
    if m := grammar.ahead.fullmatch(written):
        return _resolve(int(m["h"]) - 1, 60 - int(m["n"]), m["part"], grammar, "spoken", country)
    if m := grammar.beside.fullmatch(written):
        minutes = int(m["n"]) if m["n"] else 15
        early = (m["how"] or m["quarter"]) in grammar.before
        hour = int(m["h"]) - early
        return _resolve(hour, 60 - minutes if early else minutes, m["part"], grammar, "spoken", country)
    return None


def _precision(found: re.Match[str], given: bool) -> str:
    """The precision of an hour: a mark such as "h", minutes (with a zero before the hour), a part of it, or nothing."""
    if found["more"]:
        return "spoken"
    if found["mark"]:
        return "marked"
    return "padded" if given and found["h"].startswith("0") else "given" if given else ""


def _resolve(
    hour: int, minute: int, part: str | None, grammar: _Grammar, how: str, country: str | None
) -> time | Reading | bool:
    """The hour on a clock of 24; `how` says what the hour came with."""
    if not (0 <= hour < 24 and 0 <= minute < 60):
        return False
    if part:
        return _of_part(hour, minute, grammar.parts[part])
    if hour > _NOON or (hour == 0 and how):
        return time(hour, minute)
    if how in ("marked", "padded"):
        return time(hour, minute)
    if how == "given" and country is not None and country not in TWELVE:
        return time(hour, minute)
    if how == "spoken" and country is not None and country not in TWELVE and hour in _SPOKEN:
        return time(hour, minute)
    return AMBIGUOUS


def _of_part(hour: int, minute: int, part: str) -> time | Reading | bool:
    strict = part.endswith("!")
    if hour > _NOON or hour == 0:
        if strict:
            return False
        early, late = hour == 0, hour > _NOON
        fits = {"am": early, "pm": late, "evening": late, "night": hour > 20 or early}[part]
        return time(hour, minute) if fits else False
    match part.rstrip("!"):
        case "am":
            return time(hour % _NOON, minute) if strict or hour != _NOON else AMBIGUOUS
        case "pm":
            return time(hour % _NOON + _NOON, minute)
        case "evening":
            return time(hour + _NOON, minute) if 4 <= hour < _NOON else AMBIGUOUS
        case _:
            if hour == _NOON:
                return time(0, minute)
            return time(hour + _NOON, minute) if hour >= 9 else time(hour, minute) if hour < 5 else AMBIGUOUS


_STRICT = frozenset({"am", "pm", "a m", "p m"})
_EVENINGS = ("evening", "night", "wieczor", "soir", "noche", "tonight")


@cache
def _grammar(languages: tuple[str, ...]) -> _Grammar:
    def many(key: str) -> list[str]:
        return [str(e) for e in entries("times", key, languages)]

    parts = _parts(languages)
    part = rf"(?: ?(?P<part>{_either(parts)})\.?)?"
    strict = _either(p for p, kind in parts.items() if kind.endswith("!"))
    sums = {plain(p): int(v) for p, _, v in (e.partition("=") for e in many("and_half")) if v != "?"}
    sums |= {_in_digits(p, languages): v for p, v in sums.items()}
    hours, oclock = _either(h for h in many("hours")), _either(many("oclock"))
    before, after = many("before"), many("after")
    beside = _either([*many("minutes_before"), *many("minutes_after")])
    quarter = _either([*before, *after])
    hour = rf"(?P<h>\d{{1,2}})(?: ?(?:{oclock}))?"
    return _Grammar(
        named=Phrases((p, v) for p, _, v in (e.partition("=") for e in many("named"))),
        parts=parts,
        at=re.compile(rf"^(?:(?:{_either(many('at'))})\.? )+"),
        clock=re.compile(
            rf"(?P<h>\d{{1,2}})(?: ?[:.] ?(?P<m>\d{{2}})| ?(?P<mark>{hours})\.?(?: ?(?P<m2>\d{{2}}))?(?: ?min)?)?"
            rf"(?: ?(?:{hours})\.?)?(?: ?(?:{oclock}))?(?: (?P<more>{_either(sums)}))?{part}"
        ),
        digits=re.compile(rf"(?P<h>\d{{1,2}}) ?(?P<m>[0-5]\d) ?(?P<part>{strict})\.?"),
        half_past=re.compile(rf"(?:{_either(many('half_past'))}) {hour}{part}"),
        half_to=re.compile(rf"(?:{_either(many('half_to'))}) (?P<h>\d{{1,2}}){part}"),
        beside=re.compile(
            rf"(?:(?P<n>\d{{1,2}}) (?:minutes? |mins? |minut )?(?P<how>{beside})|(?P<quarter>{quarter}))"
            rf" (?:las? )?{hour}{part}"
        ),
        ahead=re.compile(rf"(?:{_either(many('ahead'))}) (?P<n>[1-9]|[1-5]\d)(?: minut\w*)? {hour}{part}"),
        spaced=re.compile(rf"(?P<h>\d{{1,2}}) (?P<m>[0-5]\d){part}"),
        sums=sums,
        hour_words=_hour_words(many("hour_words")),
        before=frozenset(plain(b) for b in (*before, *many("minutes_before"))),
        hints=frozenset(n for v in many("vague") for n in normalise(v).split()),
        months=frozenset(
            fold(m) for names in entries("dates", "months", languages) for m in names.split() if len(m) > 3
        ),
    )


def _in_digits(phrase: str, languages: tuple[str, ...]) -> str:
    """A phrase with its number words as digits, as those of a text are."""
    known = vocabulary(languages).numbers
    return " ".join(str(known.get(word, word)) for word in phrase.split())


def _either(words: Iterable[str]) -> str:
    """A pattern that is any of these, the longest first; nothing where there are none."""
    return "|".join(sorted({re.escape(plain(w)) for w in words}, key=len, reverse=True)) or "(?!)"


def _parts(languages: tuple[str, ...]) -> dict[str, str]:
    """The parts of a day, as they are written."""
    parts: dict[str, str] = {}
    for key in ("am", "pm", "night"):
        for written in entries("times", key, languages):
            name = normalise(written)
            kind = "evening" if key == "pm" and any(e in name for e in _EVENINGS) else key
            kind += "!" if name in _STRICT else ""
            parts |= {name: kind, plain(written): kind}
    for half in ("am", "pm"):
        dotted = (f"{half[0]}.m", f"{half[0]}.m.", f"{half[0]}. m.")
        parts |= dict.fromkeys(dotted, f"{half}!")
    return parts


def _hour_words(listed: list[str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Hours that are spelled as ordinals, those of several words first."""
    found: list[tuple[int, re.Pattern[str], str]] = []
    for entry in listed:
        spelled, _, hour = entry.partition("=")
        forms = spelled.split("|") if "|" in spelled else spelled.split()
        found.append((len(forms[0].split()), re.compile(rf"\b(?:{_either(forms)})\b"), hour))
    return tuple((pattern, hour) for _, pattern, hour in sorted(found, key=lambda f: -f[0]))
