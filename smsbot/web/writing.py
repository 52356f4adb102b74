"""Who is writing to whom at this moment, so that two colleagues see each other before they both send."""

from __future__ import annotations

from collections.abc import Iterable

from smsbot.core.message import Key

STAYS = 8.0
"""Seconds after the last key for which somebody is writing; a page tells it every four."""


class Writing:
    """Kept in memory alone: it matters for seconds."""

    def __init__(self) -> None:
        self._until: dict[tuple[Key, str], float] = {}

    def note(self, key: Key, who: str, now: float) -> None:
        """Somebody has just typed."""
        self._until = {k: t for k, t in self._until.items() if t > now}
        self._until[key, who] = now + STAYS

    def over(self, key: Key, who: str) -> None:
        """They have sent it."""
        self._until.pop((key, who), None)

    def others(self, keys: Iterable[Key], who: str, now: float) -> list[str]:
        """Who else writes in one of these conversations."""
        asked = set(keys)
        return sorted({name for (key, name), t in self._until.items() if key in asked and name != who and t > now})
