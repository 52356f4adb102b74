"""STOP, START and HELP: whole messages in the words of a country, and plain requests to be left alone.

The words and phrases, and their sources, stand in ``smsbot/understanding/languages``. Sources of the rules: FCC 47 CFR
64.1200(a)(10) (US words, and "any reasonable means"), CTIA Messaging Principles, CASL guidance.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Any

from smsbot.core.linear import linear

from .languages import CODES, Phrases, collapse, entries, language
from .remembered import remembered
from .requests import asks_for_silence
from .said import said, without_filler
from .words import Token

OPTED_OUT = "You will get no more texts from us. Text START to receive them again."
OPTED_IN = "You will receive our texts again. Text STOP to leave."
HELP = "This is an automatic service. Text STOP to get no more texts."
_MOST_HELP = 8
"""Words of a request for help."""


class Word(StrEnum):
    """The meaning of a message for consent."""

    STOP = "stop"
    START = "start"
    HELP = "help"


def recognise(found: Sequence[Token], country: str | None) -> Word | None:
    """The consent word that a message is as a whole; None for every other text."""
    return _of_words([t.word for t in without_filler(found)], country)


def _of_words(words: list[str], country: str | None) -> Word | None:
    """The same for the words without politeness."""
    if not words:
        return None
    whole = _whole(country)
    words = [collapse(w, whole) for w in words]
    if len(set(words)) == 1:  # "stop stop stop"
        words = words[:1]
    return whole.whole(words)


@remembered
def read(text: str, country: str | None) -> Word | None:
    """The consent word that a text is: a whole word, or a plain request to get no more texts."""
    heard = said(text)
    word = _of_words([t.word for t in heard.bare], country)
    if word is not None or not heard.words:
        return word
    if len(heard.bare) <= _MOST_HELP:
        bare = " ".join(t.word for t in heard.bare)
        if any(stem in bare for stem in _help_stems()) and _help(country).search(bare) is not None:
            return Word.HELP
    return Word.STOP if asks_for_silence(heard, *_stops(country)) else None


@cache
def _whole(country: str | None) -> Phrases[Word]:
    found: list[tuple[str, Word]] = []
    for code in CODES:
        own = language(code).get("consent", {})
        stop = own.get("stop", {})
        found += [(w, Word.STOP) for w in (*stop.get("*", ()), *stop.get(country or "", ()))]
        found += [(w, Word.START) for w in own.get("start", ())]
        if code == "en" or country in language(code)["countries"]:
            found += [(w, Word.HELP) for w in own.get("help", ())]
    return Phrases(found)


@cache
def _help(country: str | None) -> Any:
    """Requests for help, in English and in the languages of a country."""
    codes = [c for c in CODES if c == "en" or country in language(c)["countries"]]
    return linear(entries("consent", "help_requests", codes))


@cache
def _help_stems() -> tuple[str, ...]:
    """Stems of which one stands in each request for help: most texts need no closer look."""
    return tuple(entries("consent", "help_stems"))


@cache
def _stops(country: str | None) -> tuple[Phrases[bool], Phrases[bool]]:
    """The hard words of a country: those that mean only this, and those that end other things too (CANCEL, QUIT)."""
    hard: list[tuple[str, bool]] = []
    weak: list[tuple[str, bool]] = []
    for code in CODES:
        stop = language(code).get("consent", {}).get("stop", {})
        hard += [(w, True) for w in stop.get("*", ())]
        (weak if code == "en" else hard).extend((w, True) for w in stop.get(country or "", ()))
    return Phrases(hard), Phrases(weak)
