"""Places in a list: "number 2", "the second one", "ta druga"."""

from __future__ import annotations

from collections.abc import Sequence

from smsbot.understanding.languages import Vocabulary

from .numbers import number_at
from .reading import HEDGED, MORE, SEVERAL, Unsure

Place = int | Unsure
"""A place, counted from 1, or from the end with -1; or why it is not certain which."""
_MOST_WORDS = 6
"""Words of a text that names a place; a longer one tells more."""


def place(words: Sequence[str], known: Vocabulary) -> Place | None:
    """The place that a text names; None if it names none."""
    if not 0 < len(words) <= _MOST_WORDS:
        return None
    found: list[tuple[int, int, int]] = []
    i = 0
    while i < len(words):
        hit = _at(words, i, known)
        if hit is not None:
            found.append((i, *hit))
        i += hit[0] if hit is not None else 1
    if not found:
        return None
    if known.hedges.anywhere(words) or known.about.anywhere(words):
        return HEDGED
    first, last = found[0], found[-1]
    if len({value for _, _, value in found}) > 1:
        return SEVERAL
    around = (
        *(known.place_before for _ in words[: first[0]]),
        *(known.place_after for _ in words[last[0] + last[1] :]),
    )
    beside = (*words[: first[0]], *words[last[0] + last[1] :])
    if len(found) > 1 or not all(word in allowed for word, allowed in zip(beside, around, strict=True)):
        return MORE if len(found) == 1 and len(words) <= 4 else None
    return first[2]


def speaks(words: Sequence[str], known: Vocabulary) -> bool:
    """Whether words name a place, so that they mean themselves."""
    return any(_at(words, i, known) is not None for i in range(len(words)))


def _at(words: Sequence[str], i: int, known: Vocabulary) -> tuple[int, int] | None:
    """How many words the place has that begins at a word, and which it is."""
    hit = known.places.at(words, i)
    if hit is not None:
        return hit
    lead = known.place_leads.at(words, i)
    if lead is None or i + lead[0] >= len(words):
        return None
    behind = known.places.at(words, i + lead[0])
    if behind is not None:
        return lead[0] + behind[0], behind[1]
    number = number_at(words, i + lead[0], known)
    return (lead[0] + number.length, number.value) if number is not None else None
