"""A conversation that a person at the desk looks after: when it goes back by itself, and how its timers wait."""

from __future__ import annotations

from .message import Key
from .structs import struct

IDLE = "idle"
"""The name of the timer by which a conversation goes back to its bot."""
PATIENCE = 12 * 3600.0
"""Seconds without a word of either side after which it does."""
STOPPED = 1e11
"""Seconds by which its other timers are put off: so they keep their order, and none is ever due."""
WAYS = ("continue", "restart", "end")
"""How a conversation is given back: at its open question, from its beginning, or ended."""


@struct
class Handoff:
    """A desk that somebody is handed to."""

    desk: str
    alert: bool = True
    """Whether the desk is told at once, where the settings say how."""


@struct
class Taken:
    """Who looks after a conversation, and since when."""

    key: Key
    owner: str
    since: float
