"""Conversations that are kept alive between their turns: a shortcut, never the truth."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from .frames import Stack
from .python_frame import PythonFrame


class LiveFrames:
    """Conversations that are kept alive between their turns: a shortcut, never the truth."""

    def __init__(self, most: int = 2_000) -> None:
        self.most = most
        self._kept: OrderedDict[tuple[bytes, bytes], tuple[int, PythonFrame]] = OrderedDict()

    def take(self, level: PythonFrame, version: int) -> PythonFrame | None:
        """The live conversation of a stored one; None if it is not kept, or is older or newer."""
        found = self._kept.pop((level.run, level.key), None)
        if found is None or found[0] != version:
            if found is not None:
                _close(found[1])
            return None
        return found[1]

    def has(self, level: PythonFrame, version: int) -> bool:
        """Whether a conversation is kept as of a version."""
        found = self._kept.get((level.run, level.key))
        return found is not None and found[0] == version

    def keep(self, stack: Stack, version: int) -> None:
        """Keep the conversations of a stack as of a version."""
        for level in stack.levels:
            if isinstance(level, PythonFrame) and level.talk is not None:
                if not self.most:
                    _close(level)
                    continue
                self._kept[level.run, level.key] = (version, level)
                if level.chat is not None:
                    level.chat.rest()
        while len(self._kept) > self.most:
            _close(self._kept.popitem(last=False)[1][1])

    def drop(self, levels: Iterable[PythonFrame]) -> None:
        """Let go of conversations whose run has ended without them."""
        for level in levels:
            found = self._kept.pop((level.run, level.key), None)
            if found is not None:
                _close(found[1])

    def close(self) -> None:
        """Let go of all of them."""
        while self._kept:
            _close(self._kept.popitem()[1][1])


def _close(level: PythonFrame) -> None:
    if level.talk is not None:
        level.talk.close()
        level.talk = level.chat = None


def discard(stack: Stack) -> None:
    """Let go of the conversations of a turn that was not committed."""
    for level in stack.levels:
        if isinstance(level, PythonFrame):
            _close(level)
