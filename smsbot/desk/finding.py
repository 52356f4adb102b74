"""Questions of the desk and the command line about one person: whose number it is, and what keeps an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smsbot.core.clock import iso
from smsbot.core.errors import UsageError
from smsbot.core.phone import mask
from smsbot.stores.base import Reads, Row

_PART = re.compile(r"[0-9]{3,14}")
_SEPARATORS = re.compile(r"[\s().+…•*-]")
_MOST = 5


def is_part(asked: str) -> bool:
    """Whether it may be the last digits of a number, as a mask shows them: three or more."""
    return _PART.fullmatch(_SEPARATORS.sub("", asked)) is not None


async def whole_number(reads: Reads, number: str, asked: str) -> str:
    """The number that somebody means: `number`, else the one that ends with what was `asked`.

    Raises `UsageError` where several end so.
    """
    if not is_part(asked) or await reads.rows("thread", number=number, limit=1, before=1e15):
        return number
    digits = _SEPARATORS.sub("", asked)
    found = [row["number"] for row in await reads.rows("numbers_like", digits=digits, limit=_MOST)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} numbers or more end so ({', '.join(map(mask, found))}); give more digits")
    return found[0] if found else number


def waiting(rows: Sequence[Row], pauses: Sequence[Row]) -> str:
    """Why something of a person waits for its turn; empty if nothing does."""
    waits = next((row for row in rows if row["direction"] == "in" and row["detail"] == "waits for its turn"), None)
    if waits is None:
        return ""
    for pause in pauses:
        if pause["scope"] == "all" or (pause["scope"] == "line" and pause["name"] == waits["line"]):
            why = f": {pause['why']}" if pause["why"] else ""
            return f"paused since {iso(pause['at'])}{why}"
    return "waits for its turn"
