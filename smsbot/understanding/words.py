"""The words of a text once spelling, case, accents and decoration are taken off.

`tokens` is the one road from a raw text to words; each word remembers where it stood, so that a
handler gets the person's own spelling of what a hole or ``...`` took.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

# Letters that Unicode does not decompose.
_FOLD = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
)
_EMOJI = {"👍": "yes", "✅": "yes", "👌": "yes", "👎": "no", "❌": "no", "✔": "yes", "✖": "no", "☑": "yes", "🔟": "10"}
_ACCENTED = ("LATIN", "GREEK", "COPTIC", "CYRILLIC")
"""Scripts whose marks are accents, which people leave out; those of all others are letters."""
_ASCII_WORD = re.compile(r"[a-z]+|[0-9]+")
_MEANING = frozenset("+-#%&*@=<>^~|")
"""Signs of punctuation that can tell two words apart: A+ and A-, C and C#."""
_DASHES = dict.fromkeys("−–‐‑‒﹣－", "-")
_SKIN = frozenset("🏻🏼🏽🏾🏿")


class Token(NamedTuple):
    """One word or number of a text: its folded form and its place in the original."""

    word: str
    start: int
    end: int


@lru_cache(maxsize=1024)
def tokens(text: str, signs: frozenset[str] = frozenset()) -> tuple[Token, ...]:
    """The words of a text, folded, split at punctuation and at letter/digit borders.

    Those of the `signs` that stand in it are words of their own; all others separate.
    """
    if not signs and text.isascii():
        return tuple(Token(m.group(), m.start(), m.end()) for m in _ASCII_WORD.finditer(text.lower()))
    return _tokens_unicode(text, signs)


def _tokens_unicode(text: str, signs: frozenset[str]) -> tuple[Token, ...]:
    found: list[Token] = []
    word, start, digits, accented = "", 0, False, False
    for i, char in enumerate(text):
        folded, kind = _look(char)
        if kind == _NOTHING or (kind == _MARK and (accented or not word)):
            continue  # zero-width characters and accents neither speak nor separate
        if kind == _MARK:
            word += folded
            continue
        sign = _sign(char) if signs else ""
        if sign in signs:
            folded, kind = sign, _SIGN
        if word and (kind in (_SIGN, _SPACE) or (kind == _DIGIT) != digits):
            found.append(Token(_composed(word), start, i))
            word = ""
        if kind == _SIGN:
            found.append(Token(folded, i, i + 1))
        elif kind != _SPACE:
            start, digits, accented = (start if word else i), kind == _DIGIT, _has_accents(folded[-1])
            word += folded
    if word:
        found.append(Token(_composed(word), start, len(text)))
    return tuple(found)


def _composed(word: str) -> str:
    return word if word.isascii() else unicodedata.normalize("NFC", word)


_NOTHING, _SPACE, _DIGIT, _LETTER, _SIGN, _MARK = range(6)


@lru_cache(maxsize=4096)
def _look(char: str) -> tuple[str, int]:
    """A character's folded form, and what it is in a text."""
    if char in _EMOJI:
        return _EMOJI[char], _SIGN
    if is_part(char):
        return char, _SIGN
    category = unicodedata.category(char)
    if category in ("Cf", "Me") or _selects(char):
        return "", _NOTHING
    folded = fold(char)
    if folded and all(unicodedata.category(c) in ("Mn", "Mc") for c in folded):
        return folded, _MARK
    drawn = category == "So" and len(folded) > 1  # ™ and № are drawn with letters, but say none
    if drawn or not any(c.isalnum() for c in folded) or not all(_speaks(c) for c in folded):
        return "", _SPACE
    return folded, _DIGIT if folded.isdecimal() else _LETTER


def _speaks(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char) in ("Mn", "Mc")


def is_part(char: str) -> bool:
    """Whether a character is a fraction or a raised or lowered digit: ½, ². It is no digit like others."""
    if char.isascii() or unicodedata.category(char) != "No":
        return False
    return unicodedata.decomposition(char).startswith(("<fraction>", "<super>", "<sub>"))


def _selects(char: str) -> bool:
    """Whether it only chooses how the character before it is drawn."""
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


@lru_cache(maxsize=4096)
def _has_accents(char: str) -> bool:
    """Whether marks on this letter are accents; signs and digits count as such letters."""
    return not char.isalpha() or unicodedata.name(char, "").startswith(_ACCENTED)


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """NFKC, casefold, letters without a decomposition; accents off in Latin, Greek and Cyrillic."""
    if not text.isascii() and any(map(is_part, text)):  # NFKC would make 22 of 2² and 31/2 of 3½
        return "".join(c if is_part(c) else fold(c) for c in text)
    text = unicodedata.normalize("NFKC", text).casefold().translate(_FOLD)
    if text.isascii():
        return text
    kept: list[str] = []
    accented = False
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.category(char) == "Mn":
            if not accented and not _selects(char):
                kept.append(char)
            continue
        accented = _has_accents(char)
        kept.append(char if char.isascii() else str(unicodedata.decimal(char, char)))
    return _composed("".join(kept))


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: spaces, control and invisible characters only."""
    skipped = ("Cf", "Mn", "Me", "Cc")
    return all(c.isspace() or unicodedata.category(c) in skipped or c == "\ufffc" for c in text)


def normalise(text: str, signs: frozenset[str] = frozenset()) -> str:
    """The folded words with one space between them."""
    return " ".join(t.word for t in tokens(text, signs))


# -- signs that tell words apart ----------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _sign(char: str) -> str:
    """A sign that may tell two words apart, in one spelling; empty for everything else."""
    if char in _SKIN:
        return ""
    char = _DASHES.get(char, char)
    return char if char in _MEANING or unicodedata.category(char) in ("Sc", "So", "Sm") else ""


def signs_in(text: str) -> frozenset[str]:
    """The signs of a text that may tell it from another: money, plus, minus, hash, emoji."""
    return frozenset(filter(None, map(_sign, text)))


def telling(written: Iterable[str]) -> frozenset[str]:
    """The signs that some words need to be told apart; none where letters and digits do.

    ``A+`` and ``A-`` need both signs; ``pizza!`` and ``soup`` none; a word of nothing but signs needs them.
    """
    listed = list(dict.fromkeys(written))
    same: dict[str, list[str]] = {}
    for word in listed:
        same.setdefault(normalise(word), []).append(word)
    needy = [w for plain, words in same.items() if not plain or len(words) > 1 for w in words]
    return frozenset().union(*map(signs_in, needy))


def signs_of(choices: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """The signs that stand as words of their own among normalised words."""
    words = (word for listed in choices.values() for phrase in listed for word in phrase.split())
    return frozenset(w for w in words if len(w) == 1 and _sign(w))
