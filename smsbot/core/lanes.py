"""Lanes: how urgent a text is, and for how long it is worth sending."""

from __future__ import annotations

from collections.abc import Mapping

PRIORITY, REPLY, NOTICE, BULK = "priority", "reply", "notice", "bulk"
CHOSEN = (PRIORITY, REPLY, NOTICE, BULK)
"""The lanes that whoever sends may choose, the most urgent first."""
CONSENT, DESK = "consent", "desk"
"""The lanes of what answers STOP and HELP, and of what a person at the desk writes; both are as urgent as a reply."""
_URGENCY = {PRIORITY: 0, CONSENT: 1, DESK: 1, REPLY: 1, NOTICE: 2, BULK: 3}
ALL = tuple(_URGENCY)
"""Every lane that a text can have; the view `queued_pairs` of the store names each."""
_HOUR = 3600.0
LIFE: Mapping[str, float] = {PRIORITY: 300.0, REPLY: _HOUR, NOTICE: 12 * _HOUR, BULK: 12 * _HOUR}
"""Seconds for which a text of a lane is worth sending, where nobody says otherwise (C9)."""
UNASKED = (NOTICE, BULK)
"""The lanes of what nobody has just asked for."""


def rank(lane: str) -> int:
    """In which order texts of a line leave; the answer to STOP waits for nobody but codes."""
    return 0 if lane == CONSENT else urgency(lane)


def urgency(lane: str) -> int:
    """0 is the most urgent; within a conversation a text waits for those that are as urgent, or more."""
    return _URGENCY.get(lane, 1)
