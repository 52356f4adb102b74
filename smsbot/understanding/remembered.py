"""Readings that depend on nothing but words are remembered: people say "yes", "1" and STOP all day."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple

_MOST = 4096
_SHORT = 160
"""Characters of a text that is remembered; longer ones hardly come twice, and would fill the memory."""
T = TypeVar("T")
Rest = TypeVarTuple("Rest")


def remembered(read: Callable[[str, *Rest], T]) -> Callable[[str, *Rest], T]:
    """The same reading, which looks no second time at a short text that it has read."""
    known = lru_cache(_MOST)(read)

    @wraps(read)
    def reading(text: str, *rest: *Rest) -> T:
        return known(text, *rest) if len(text) <= _SHORT else read(text, *rest)

    return reading
