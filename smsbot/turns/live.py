"""Conversation functions under way, kept alive between their turns: a shortcut, never the truth."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from smsbot.conversations.replay import Replay
from smsbot.routing.chat import Chat, session_of

Place = tuple[bytes, bytes]
"""The place of a journal: its run, and a key in it."""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """One call of a conversation function, and the chat that it holds."""

    name: str
    """Where the function is found: module and qualified name."""
    place: Place
    replay: Replay
    chat: Chat

    @property
    def title(self) -> str:
        """The function's own name, for people."""
        return self.name.rpartition(".")[2]

    def close(self) -> None:
        """Let go of it; what it says while it ends does not count."""
        self.replay.close()


class LiveFrames:
    """The calls that wait, each as of a version of its conversation."""

    def __init__(self, most: int = 2_000) -> None:
        self.most = most
        self._kept: OrderedDict[Place, tuple[int, LiveCall]] = OrderedDict()

    def take(self, place: Place, version: int) -> LiveCall | None:
        """The live call of a stored frame; None if it is not kept, or is older or newer."""
        found = self._kept.pop(place, None)
        if found is None or found[0] != version:
            if found is not None:
                found[1].close()
            return None
        return found[1]

    def has(self, place: Place, version: int) -> bool:
        """Whether a call is kept as of a version."""
        found = self._kept.get(place)
        return found is not None and found[0] == version

    def keep(self, calls: Iterable[LiveCall], version: int) -> None:
        """Keep calls as of a version."""
        for call in calls:
            if not self.most:
                call.close()
                continue
            self._kept[call.place] = (version, call)
            session_of(call.chat).rest()
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)[1][1].close()

    def drop(self, places: Iterable[Place]) -> None:
        """Let go of calls whose run has ended without them."""
        for place in places:
            found = self._kept.pop(place, None)
            if found is not None:
                found[1].close()

    def close(self) -> None:
        """Let go of all of them."""
        while self._kept:
            self._kept.popitem()[1][1].close()
