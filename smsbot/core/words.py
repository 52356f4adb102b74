"""What a text says once spelling, case, accents and decoration are taken off.

`tokens` is the one road from a raw text to words; each word remembers where it stood, so that a
handler gets the person's own spelling of what a hole or ``...`` took.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

# Letters that Unicode does not decompose.
_FOLD = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
)
_EMOJI = {"👍": "yes", "✅": "yes", "👌": "yes", "👎": "no", "❌": "no", "✔": "yes", "✖": "no"}
_KEYCAP = "\u20e3"

_ASCII_WORD = re.compile(r"[a-z]+|[0-9]+")

FILLER = frozenset(
    "please pls plz thanks thx cheers prosze poprosze dzieki dziekuje svp merci gracias".split()  # noqa: SIM905
)
"""Polite words that change nothing when they surround a keyword."""


class Token(NamedTuple):
    """One word or number of a text: its folded form and its place in the original."""

    word: str
    start: int
    end: int


@lru_cache(maxsize=1024)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text, folded, split at punctuation and at letter/digit borders."""
    if text.isascii():
        return tuple(Token(m.group(), m.start(), m.end()) for m in _ASCII_WORD.finditer(text.lower()))
    return _tokens_unicode(text)


def _tokens_unicode(text: str) -> tuple[Token, ...]:
    found: list[Token] = []
    word, start, digits = "", 0, False

    def close(end: int) -> None:
        nonlocal word
        if word:
            found.append(Token(word, start, end))
        word = ""

    for i, char in enumerate(text):
        if char in _EMOJI:
            close(i)
            found.append(Token(_EMOJI[char], i, i + 1))
            continue
        if unicodedata.category(char) in ("Cf", "Mn", "Me") or char == _KEYCAP:
            continue  # zero-width and combining marks neither speak nor separate
        folded = fold(char)
        kind = folded.isdecimal()
        if not folded.isalnum():
            close(i)
        elif not word or kind == digits:
            start, digits = (start if word else i), kind
            word += folded
        else:
            close(i)
            word, start, digits = folded, i, kind
    close(len(text))
    return tuple(found)


def fold(text: str) -> str:
    """NFKC, casefold, letters without a decomposition, accents off."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_FOLD)
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return "".join(str(unicodedata.decimal(c, c)) if not c.isascii() else c for c in plain)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: spaces, control and invisible characters only."""
    return all(c.isspace() or unicodedata.category(c) in ("Cf", "Cc", "Mn", "Me") or c == "\ufffc" for c in text)


def normalise(text: str) -> str:
    """The folded words with one space between them."""
    return " ".join(t.word for t in tokens(text))


def without_filler(found: Sequence[Token]) -> Sequence[Token]:
    """The words without polite ones at either end; a text of only those stays as it is."""
    first, last = 0, len(found)
    while first < last and found[first].word in FILLER:
        first += 1
    while last > first and found[last - 1].word in FILLER:
        last -= 1
    return found[first:last] or found
