"""A text as it is understood: its words, without the device's signature, and without politeness around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from smsbot.core.commit import digest
from smsbot.core.structs import struct

from .languages import CODES, Phrases, entries
from .words import Token, fold, normalise, tokens

_ASKING = frozenset("?¿？؟")
_DASHES = re.compile(r"\n-- ?\r?\n.*$", re.DOTALL)
_SPACES = re.compile(r"\s+")
_MOST_LINES = 4
"""Lines of the name that stands above a signature."""


@struct
class Said:
    """A text, prepared once for all that look at it."""

    text: str
    """As it was written, without what a device or a mail program put below it."""
    words: tuple[Token, ...]
    """All its words."""
    bare: Sequence[Token]
    """The words without politeness and spoken punctuation at either end; never empty where `words` is not."""
    led: bool
    """Whether an "ok" stood in front of the bare words."""
    asks: bool
    """Whether it carries a question mark."""

    @property
    def core(self) -> str:
        """The bare words as they stand in the text, signs between them included; folded, one space at most."""
        return plain(self.text[self.bare[0].start : self.bare[-1].end]) if self.bare else ""

    @property
    def signed(self) -> str:
        """The core with the signs that touch it: a sign of number or money, a bracket."""
        if not self.bare:
            return ""
        first, last = self.bare[0], self.bare[-1]
        before = max((t.end for t in self.words if t.end <= first.start), default=0)
        after = min((t.start for t in self.words if t.start >= last.end), default=len(self.text))
        return plain(self.text[before:after])


@lru_cache(maxsize=1024)
def said(text: str, signs: frozenset[str] = frozenset()) -> Said:
    """Prepare a text; those of the `signs` that stand in it are words."""
    text = without_signature(text)
    words = tokens(text, signs) if signs else tokens(text)  # as the others write it, whose result is kept
    bare, led, spoken = _bare(words)
    asks = spoken or not _ASKING.isdisjoint(text)
    return Said(text, words, bare, led, asks)


def plain(text: str) -> str:
    """A text folded, without invisible characters, with one space at most between its parts."""
    if not text.isascii():
        text = "".join(c for c in fold(text) if c.isprintable() or c.isspace())
    return _SPACES.sub(" ", text.lower()).strip()


def without_filler(found: Sequence[Token]) -> Sequence[Token]:
    """The words without polite ones at either end, and without an "ok" before others; filler alone stays."""
    return _bare(found)[0]


def _bare(found: Sequence[Token]) -> tuple[Sequence[Token], bool, bool]:
    """The bare words, whether "ok" led them, and whether a question mark was spoken."""
    words = [t.word for t in found]
    starts, ends = _edges()
    if words and words[0] not in starts and words[-1] not in ends and not _is_sign(found[-1]):
        return found, False, False
    polite, before = _polite(), _before()
    first, last = 0, len(words)
    led = asks = False
    if last > 1 and (length := _spoken().ending(words)) and length < last:
        last -= length
    elif last > 2 and (length := _questions().ending(words)) and length < last:
        last, asks = last - length, True
    while first < last:
        hit = polite.at(words, first)
        if hit is not None:
            first += hit[0]
        elif words[first] in before and first + 1 < last:
            rest = polite.at(words, first + 1)
            if rest is not None and first + 1 + rest[0] >= last:
                break  # "ok thanks" is ok
            first, led = first + 1, True
        else:
            break
    while last > first and (length := polite.ending(words[first:last])):
        last -= length
    if first >= last:
        return found, False, asks
    signs = last
    while signs > first and _is_sign(found[signs - 1]):
        signs -= 1
    polite_end = signs
    while polite_end > first and (length := polite.ending(words[first:polite_end])):
        polite_end -= length
    if first < polite_end < signs < last:  # "yes please 👍"
        return [*found[first:polite_end], *found[signs:last]], led, asks
    return found[first:last], led, asks


def _is_sign(token: Token) -> bool:
    """Whether a word is a picture that stands for it."""
    return token.word in ("yes", "no") and token.end - token.start < len(token.word)


def command(found: Sequence[Token]) -> str | None:
    """``back`` or ``again``, where a text asks for it as a whole."""
    return _commands().whole([t.word for t in without_filler(found)])


@cache
def _commands() -> Phrases[str]:
    return Phrases((p, name) for name in ("back", "again") for p in entries("commands", name, CODES))


@cache
def _polite() -> Phrases[bool]:
    return Phrases((p, True) for p in entries("polite", "words", CODES))


@cache
def _before() -> frozenset[str]:
    return frozenset(entries("polite", "before", CODES))


@cache
def _edges() -> tuple[frozenset[str], frozenset[str]]:
    """The words that whatever is taken off begins with in front, and ends with behind."""
    behind = (_polite(), _spoken(), _questions())
    return frozenset(p[0] for p in _polite()) | _before(), frozenset(p[-1] for phrases in behind for p in phrases)


@cache
def _spoken() -> Phrases[bool]:
    return Phrases((p, True) for p in entries("polite", "spoken", CODES))


@cache
def _questions() -> Phrases[bool]:
    return Phrases((p, True) for p in entries("polite", "question", CODES))


@cache
def _signatures() -> re.Pattern[str]:
    heads = "|".join(re.escape(fold(p)) for p in entries("polite", "signature", CODES))
    return re.compile(rf"[ \t]*(?:{heads})\b", re.IGNORECASE)


def without_signature(text: str) -> str:
    """The text without what a device writes on its last line, the name above that, and all from a ``-- `` line."""
    if "\n" not in text:
        return text
    text = _DASHES.sub("", text)
    lines = text.rstrip().split("\n")
    if len(lines) < 2 or _signatures().match(fold(lines[-1])) is None:
        return text
    lines.pop()
    for back in range(1, min(_MOST_LINES, len(lines) - 1) + 1):
        if not lines[-back].strip():  # a name block stands between a blank line and the signature
            lines = lines[:-back]
            break
    return "\n".join(lines)


def answer_hash(text: str) -> bytes:
    """The hash that texts share which answer the same: 8 bytes of a hash of their words."""
    return digest(normalise(text), size=8)
