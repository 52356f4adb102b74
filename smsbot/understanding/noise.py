"""Noise, which makes no turn: a tapback, an automatic answer, nothing to see. Decided from tables, before consent."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from .languages import Phrases, entries
from .remembered import remembered
from .said import said
from .words import is_blank, normalise, tokens


class Kind(StrEnum):
    """The kind of a text."""

    TEXT = "text"
    REACTION = "reaction"
    AUTOREPLY = "autoreply"
    EMPTY = "empty"
    MEDIA = "media"
    """A picture without words."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """A person's reaction to a text of ours instead of an answer."""

    sign: str
    """The emoji, or the verb as the phone wrote it: ``Liked``."""
    quoted: str
    """The text that they reacted to; a phone may have cut it."""
    removed: bool
    """Whether an earlier reaction was taken back."""


_LONGEST_HEAD = 60
_MARKS = '“”„‟"«»‹›「『」』'
_QUOTES = frozenset(_MARKS)
_CLOSING = " .…\u00a0" + _MARKS
_REMOVED = ("removed", "usuni", "usun", "supprim", "retir", "quit", "elimin")
_PICTURE = "\ufffc"
_FIRST_PERSON = frozenset({"i", "me", "mi", "j", "je", "ja", "yo", "we", "nos", "nous"})
"""With these a person begins who tells of themselves; a phone tells of somebody else."""


@remembered
def recognise(text: str) -> Kind:
    """The kind of a text before it is read: nothing, a picture, a reaction, or words."""
    found = tokens(text)
    if not found and is_blank(text):
        return Kind.MEDIA if _PICTURE in text else Kind.EMPTY
    return Kind.REACTION if reaction(text) is not None else Kind.TEXT


# -- reactions ----------------------------------------------------------------------------------------


def reaction(text: str) -> Reaction | None:
    """The reaction that a phone wrote into an SMS, in any of its languages; None for every other text."""
    if _QUOTES.isdisjoint(text):
        return _to_attachment(text)
    visible = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Mn")).strip()
    at = next((i for i, c in enumerate(visible[: _LONGEST_HEAD + 1]) if c in _QUOTES), -1)
    quoted = visible[at + 1 :].strip(_CLOSING)
    if at < 0 or visible.rstrip(" .\u00a0")[-1:] not in _QUOTES or not quoted:
        return None
    head = visible[:at]
    if (found := _head(head)) is not None:
        return Reaction(found[0], _unquoted(quoted), found[1])
    inner = visible.rfind(_opening(visible, at), at + 1)  # Quitó un “Me gusta” de “…”
    if inner > at and (found := _head(visible[:inner])) is not None:
        return Reaction(found[0], _unquoted(visible[inner + 1 :].strip(_CLOSING)), True)
    return None


def _opening(visible: str, at: int) -> str:
    return visible[at] if visible[at] in "“„«" else '"'


def _unquoted(quoted: str) -> str:
    """The text that the quotes hold; where a name stands in quotes of its own, what follows it."""
    for mark in ("“", "„", "«"):
        if mark in quoted:
            return quoted[quoted.rindex(mark) + 1 :].strip(_CLOSING)
    return quoted


def _head(head: str) -> tuple[str, bool] | None:
    """The sign before the quoted text, and whether it takes a reaction back; None if it is no reaction."""
    signs = "".join(c for c in head if _is_sign(c))
    words = normalise("".join(c if not _is_sign(c) else " " for c in head)).split()
    if words and words[0] in _FIRST_PERSON:
        return None
    verbs = [w for w in words if w in _verbs()]
    if not all(w in _verbs() or w in _others() for w in words) or not (verbs or signs):
        return None
    if not verbs and not (len(words) <= 1 and signs):
        return None
    removed = any(v.startswith(_REMOVED) for v in verbs)
    return (signs or head.strip().split()[0]), removed


def _to_attachment(text: str) -> Reaction | None:
    if len(text) > _LONGEST_HEAD:
        return None
    words = normalise("".join(c if not _is_sign(c) else " " for c in text)).split()
    if not 1 < len(words) <= 6 or (words[0] not in _verbs() and words[0] not in _others()):
        return None
    attached = _phrases("attached").ending(words)
    head = words[: len(words) - attached]
    if not attached or not any(w in _verbs() for w in head) or not all(w in _verbs() or w in _others() for w in head):
        return None
    return Reaction(text.split()[0], "", head[0].startswith(_REMOVED))


def _is_sign(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk")


@cache
def _phrases(key: str) -> Phrases[bool]:
    return Phrases((p, True) for p in entries("noise", key))


@cache
def _verbs() -> frozenset[str]:
    return frozenset(w for entry in entries("noise", "reacted") for w in normalise(entry).split())


@cache
def _others() -> frozenset[str]:
    return frozenset(w for entry in entries("noise", "reaction_words") for w in normalise(entry).split())


# -- automatic answers --------------------------------------------------------------------------------


@remembered
def is_automatic(text: str) -> bool:
    """Whether a phone or an office wrote it: it says so, or is built of nothing but such sentences.

    A person who says that they are busy says something else, too, or not that they will call back.
    """
    heard = said(text)
    words = [t.word for t in heard.words]
    if len(words) < 2:
        return False
    if _PREFIX.match(text) or (_phrases("auto").anywhere(words[:_HEAD]) is not None and not heard.asks):
        return True
    sorry = _phrases("sorry").at(words, 0)
    if _phrases("auto_whole").whole(words[sorry[0] if sorry else 0 :]) is not None:
        return True
    busy, office = _phrases("busy").count(words[:_HEAD]), _phrases("office").anywhere(words) is not None
    if not (busy or office) or (busy < 2 and _phrases("promise").anywhere(words) is None):
        return False
    strange = sum(not (w in _vocabulary() or w.isdecimal()) for w in words)
    return strange <= (_NAMES if office else 0)


_HEAD = 14
"""Words at the beginning in which an automatic answer says what its owner does."""
_NAMES = 5
"""Words of its own in the automatic answer of an office."""
_PREFIX = re.compile(
    r"\W*(?:auto|automat\w*|autoresp\w*|ooo|out of (?:the )?office|poza biurem|absence du bureau|fuera de la oficina)"
    r"(?: auto-?reply)?\W{0,2}[\]:)]",
    re.IGNORECASE,
)
"""``[Auto]``, ``AUTO:``, ``Automatyczna:``, ``Out of office:``"""


@cache
def _vocabulary() -> frozenset[str]:
    """The words of which automatic answers are built, with days and months."""
    keys = ("busy", "promise", "office", "form", "sorry", "auto", "auto_whole")
    found = [phrase for key in keys for phrase in entries("noise", key)]
    found += [name for key in ("months", "weekdays") for names in entries("dates", key) for name in names.split()]
    return frozenset(word for phrase in found for word in normalise(str(phrase)).split())
