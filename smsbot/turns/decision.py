"""What an event leads to: the handler, the flows or the words that answer it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from smsbot.core.commit import Timer
from smsbot.core.handover import Handoff
from smsbot.core.structs import struct
from smsbot.routing.table import Match

from .frames import Resume


@struct
class Decision:
    """A decision: the handler, the flows or the words that an event leads to, and why, in one plain sentence."""

    why: str
    match: Match | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    ends: str = ""
    resume: Resume | None = None
    """The flows that it wakes."""
    switches: bool = False
    """Whether the open run ends ``switched`` before a handler begins."""
    guesses: bool = False
    """Whether it asks "did you mean"; at most once an hour."""
    handoff: Handoff | None = None
    """The desk that is told."""
    hold: str = ""
    """Why nothing proactive goes to this person any more."""
    parks: Timer | None = None
    """The timer of an event that waits until the person is free."""
    gives_back: bool = False
    """Whether the bot has the conversation again, that a person had taken over."""
    lane: str = ""
    """The lane of what it says, where that is not the usual one."""
    anywhere: str = ""
    """The word of a flow that is answered anywhere."""
    typed: tuple[str, bool] | None = None
    """A one-time code that was typed, and whether it was right."""
    outcome: str = "started"
    """The outcome of something that was to begin: ``started``, ``queued``, ``skipped``, ``opted_out``, ``expired``."""
