"""STOP, START and HELP: whole messages in the words of a country, and plain requests to be left alone.

The words and phrases, and their sources, stand in ``smsbot/core/languages``. Sources of the rules: FCC 47 CFR
64.1200(a)(10) (US words, and "any reasonable means"), CTIA Messaging Principles, CASL guidance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Any

from smsbot.core.languages import CODES, Phrases, collapse, entries, language, linear
from smsbot.core.said import Said, said, without_filler
from smsbot.core.words import Token, normalise

OPTED_OUT = "You will get no more texts from us. Text START to receive them again."
OPTED_IN = "You will receive our texts again. Text STOP to leave."
HELP = "This is an automatic service. Text STOP to get no more texts."
_MOST_WORDS = 24
"""Words of a plain request; a longer text tells a story."""
_MOST_HELP = 8
"""Words of a request for help."""
_CLAUSES = re.compile(r"[,.;:!?\n]")


class Word(StrEnum):
    """What a message means for consent."""

    STOP = "stop"
    START = "start"
    HELP = "help"


def recognise(found: Sequence[Token], country: str | None) -> Word | None:
    """The consent word that a message is as a whole; None for every other text."""
    words = [t.word for t in without_filler(found)]
    if not words:
        return None
    whole = _whole(country)
    words = [collapse(w, whole) for w in words]
    if len(set(words)) == 1:  # "stop stop stop"
        words = words[:1]
    return whole.whole(words)


def read(text: str, country: str | None) -> Word | None:
    """What a text means for consent: a whole word, or a plain request to get no more texts."""
    heard = said(text)
    word = recognise(heard.words, country)
    if word is not None or not 1 < len(heard.words) <= _MOST_WORDS:
        return word
    if len(heard.bare) <= _MOST_HELP and _help(country).search(" ".join(t.word for t in heard.bare)) is not None:
        return Word.HELP
    return Word.STOP if _asks_for_silence(heard) else None


def _asks_for_silence(heard: Said) -> bool:
    """Whether a text asks, in plain words and not negated, to be left alone."""
    if not any(t.word in _triggers() for t in heard.words):
        return False
    requests, negated = _requests()
    if requests.search(" ".join(t.word for t in heard.words)) is None:
        return False
    # a comma or a full stop ends a "no" that stands for itself: "no, stop texting me"
    return not any(negated.search(normalise(part)) for part in _CLAUSES.split(heard.text))


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
def _requests() -> tuple[Any, Any]:
    return linear(entries("consent", "requests")), linear(entries("consent", "negated"))


@cache
def _triggers() -> frozenset[str]:
    """Words without one of which no text is a request: most texts need no closer look."""
    return frozenset(entries("consent", "requests_words"))
