"""The language of a page: whom it is for chose it, or their browser asks for it (RFC 9110, section 12.5.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from markupsafe import Markup

from smsbot.desk.words import ENGLISH, NAMES, Words, words_in

from .cookies import language_of
from .visible import visible

WORDS: ContextVar[Words] = ContextVar("words", default=ENGLISH)
"""What the page that is being made says."""
_RANGE = re.compile(r"([A-Za-z*]{1,8})(?:-[\w-]*)?(?:\s*;\s*q=([01](?:\.[0-9]{0,3})?))?")
_MOST = 20
"""How many languages of a browser are looked at."""


def _(message: str, **values: object) -> str:
    """A sentence in the language of the page that is being made."""
    return WORDS.get()._(message, **values)


def _n(one: str, many: str, n: int, **values: object) -> str:
    """A sentence about so many, in that language."""
    return WORDS.get()._n(one, many, n, **values)


def _said(words: str) -> str:
    """Fixed words in that language; those that no catalogue has stay as they are."""
    return WORDS.get().raw(words)


def _amount(written: str) -> str:
    """An amount as it is written in English, such as ``12.50 EUR``, in that language."""
    return WORDS.get().amount(written)


def _why(error: Exception) -> str:
    """Why something cannot be done, without a full stop; what names a value is in English."""
    return _said(str(error.args[0]))


def words_for(headers: Mapping[bytes, str]) -> Words:
    """The language of a request: by its cookie, else by its browser; English if we have none of those."""
    wanted = (language_of(headers), *_asked(headers.get(b"accept-language", "")))
    return words_in(next((code for code in wanted if code in NAMES), "en"))


def _asked(header: str) -> list[str]:
    """Codes of languages, those most wanted first; of equal ones the first."""
    found: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST]:
        if (read := _RANGE.fullmatch(part.strip())) and (weight := float(read[2] or 1)):
            found.append((-weight, read[1].lower()))
    return [code for _weight, code in sorted(found, key=lambda f: f[0])]


def in_templates() -> Iterator[tuple[str, Any]]:
    """How templates say things: values are escaped, and what is not seen in them is marked."""

    def say(message: str, **values: object) -> Markup:
        return _marked(WORDS.get().raw(message), values)

    def count(one: str, many: str, n: int, **values: object) -> Markup:
        words = WORDS.get()
        return _marked(words.raw(one, many, n), {"n": words.number(n), **values})

    yield "_", say
    yield "_n", count
    yield "spoken", WORDS.get
    yield "tongues", NAMES


def _marked(text: str, values: Mapping[str, object]) -> Markup:
    return Markup(text) % {name: visible(value) for name, value in values.items()}  # noqa: S704 - the words are ours
