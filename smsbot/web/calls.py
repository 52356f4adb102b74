"""The last calls of programs, as the API page shows them: in memory, without words and numbers."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from urllib.parse import unquote

from smsbot.core.phone import is_number, mask, normalise
from smsbot.core.structs import struct

MOST = 200
_WITHIN = re.compile(r"(?:\+|%2B)[0-9]{6,}", re.IGNORECASE)
_NUMBER = re.compile(r"(?:tel:|sms:)?\+?[0-9][0-9 ().-]{5,20}", re.IGNORECASE)


@struct
class Call:
    """One request of a program, and the answer."""

    at: float
    method: str
    path: str
    status: int
    who: str
    """The name of its token; empty for nobody's."""
    took: float
    """Seconds."""
    why: str = ""
    """What was wrong with it."""


class Calls:
    """The newest of them; `tell` lets open pages look again."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self.last: deque[Call] = deque(maxlen=MOST)

    def note(self, call: Call) -> None:
        """Keep one."""
        self.last.appendleft(call)
        self._tell()


def shown(path: str) -> str:
    """A path without whole numbers, in whatever spelling."""
    return "/".join(_shown(part) for part in path.split("/"))[:200]


def _shown(part: str) -> str:
    written = unquote(part)
    found = normalise(written) if _NUMBER.fullmatch(written) else written
    return mask(found) if found != written or is_number(found) else _WITHIN.sub("•••", part)
