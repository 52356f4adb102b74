"""What a text says once spelling, case, accents and decoration are taken off.

`tokens` is the one road from a raw text to words; each word remembers where it stood, so that a
handler gets the person's own spelling of what a hole or ``...`` took.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# Letters that Unicode does not decompose.
_FOLD = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
)
_EMOJI = {"👍": "yes", "✅": "yes", "👌": "yes", "👎": "no", "❌": "no", "✔": "yes", "✖": "no", "☑": "yes", "🔟": "10"}
_SKIPPED = ("Cf", "Mn", "Me")
_ASCII_WORD = re.compile(r"[a-z]+|[0-9]+")


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
    for i, char in enumerate(text):
        folded, kind = _look(char)
        if kind == _NOTHING:
            continue  # zero-width and combining marks neither speak nor separate
        if word and (kind in (_SIGN, _SPACE) or (kind == _DIGIT) != digits):
            found.append(Token(word, start, i))
            word = ""
        if kind == _SIGN:
            found.append(Token(folded, i, i + 1))
        elif kind != _SPACE:
            start, digits = (start if word else i), kind == _DIGIT
            word += folded
    if word:
        found.append(Token(word, start, len(text)))
    return tuple(found)


_NOTHING, _SPACE, _DIGIT, _LETTER, _SIGN = range(5)


@lru_cache(maxsize=4096)
def _look(char: str) -> tuple[str, int]:
    """A character's folded form, and what it is in a text."""
    if char in _EMOJI:
        return _EMOJI[char], _SIGN
    if unicodedata.category(char) in _SKIPPED:
        return "", _NOTHING
    folded = fold(char)
    if not folded.isalnum():
        return "", _SPACE
    return folded, _DIGIT if folded.isdecimal() else _LETTER


def fold(text: str) -> str:
    """NFKC, casefold, letters without a decomposition, accents off."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_FOLD)
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return "".join(str(unicodedata.decimal(c, c)) if not c.isascii() else c for c in plain)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: spaces, control and invisible characters only."""
    return all(c.isspace() or unicodedata.category(c) in (*_SKIPPED, "Cc") or c == "\ufffc" for c in text)


def normalise(text: str) -> str:
    """The folded words with one space between them."""
    return " ".join(t.word for t in tokens(text))
