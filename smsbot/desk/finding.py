"""Whom somebody at the desk means: a number in any spelling, its last digits, what a program calls a text, or words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from smsbot.core import codec, phone
from smsbot.core.structs import struct
from smsbot.stores.base import Reads, Row

_PART = re.compile(r"[0-9]{3,14}")
_SEPARATORS = re.compile(r"[\s().+…•*-]")
_MOST = 10


@struct
class Found:
    """What was meant: one person, and perhaps one text; several people where digits are not enough; nobody."""

    number: str = ""
    text: Row | None = None
    """The text that is called so."""
    several: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Words that were asked for, where it is nothing else."""


async def find(reads: Reads, asked: str, countries: Iterable[str | None]) -> Found:
    """Whom or what `asked` means, where national numbers are of one of the `countries`."""
    texts = await reads.rows("of_ref", ref=asked, limit=1) if asked else []
    if texts:
        return Found(texts[0]["number"], texts[0])
    waiting = await reads.rows("waiting_ref", ref=asked) if asked else []
    if waiting:
        return Found(waiting[0]["number"])
    number = _number(asked, countries)
    if number and (not _is_part(asked) or await reads.rows("thread", number=number, limit=1, before=1e15)):
        return Found(number)
    if not _is_part(asked):
        return Found(words=_words(asked))
    digits = _SEPARATORS.sub("", asked)
    likely = await reads.rows("numbers_like", digits=digits, reversed=digits[::-1], limit=_MOST)
    several = tuple(row["number"] for row in likely)
    if len(several) > 1:
        return Found(several=several)
    if not several and await with_words(reads, [digits], 1):
        return Found(words=(digits,))
    return Found(several[0] if several else number)


async def with_words(reads: Reads, words: Iterable[str], limit: int) -> list[Row]:
    """The newest messages in which all the words stand; where they are fewer, the last may be only begun.

    A whole word is looked up from its newest message on; of one that is begun everything is put in order first.
    """
    asked = list(words)
    quoted = " ".join(f'"{word}"' for word in asked)
    found = await reads.rows("with_words", match=quoted, words=codec.dumps(asked), limit=limit)
    if len(found) == limit:
        return found
    return await reads.rows("with_words", match=f"{quoted}*", words=codec.dumps(asked), limit=limit)


def _words(asked: str) -> tuple[str, ...]:
    """The words of what was asked, as they are searched for; none where it has no letter or digit."""
    return tuple(re.findall(r"\w+", asked.replace("_", " "))[:_MOST])


def _number(asked: str, countries: Iterable[str | None]) -> str:
    """The number that was asked for, in the first country in which it is one; empty where it is none."""
    for country in dict.fromkeys(countries):
        number = phone.normalise(asked, country)
        if phone.can_receive(number):
            return number
    return ""


def _is_part(asked: str) -> bool:
    """Whether it may be the last digits of a number, as a mask shows them: three or more."""
    return _PART.fullmatch(_SEPARATORS.sub("", asked)) is not None
