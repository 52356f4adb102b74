"""What a turn asked for, and what handlers are told of the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smsbot.core.commit import Entry
from smsbot.core.conversation import StoredFrame
from smsbot.core.message import Reply
from smsbot.core.question import Question
from smsbot.core.status import Status


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a text, for `on_delivery` handlers."""

    status: Status
    text: str
    id: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a person did to a text of ours instead of answering it, for `on_reaction` handlers."""

    sign: str
    """The emoji, or the verb as the phone wrote it: ``Liked``."""
    text: str
    """The text of ours, as far as the phone quoted it."""
    removed: bool
    """Whether an earlier reaction was taken back."""


@dataclass(frozen=True, slots=True)
class Start:
    """An event that a turn sets off for somebody."""

    name: str
    to: str
    at: float | None
    """When, seconds since 1970 UTC; None is now."""
    key: str
    busy: str
    valid: float
    data: Mapping[str, Any]


@dataclass(slots=True)
class Effects:
    """What a handler asked for; the turn makes it true."""

    said: list[Reply] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    """How many texts had been said where a former try of this turn was committed in part."""
    journal: list[tuple[int, str, str]] = field(default_factory=list)
    records: list[Entry] = field(default_factory=list)
    """What has just happened in conversations."""
    recorded: int = 0
    """How many of them are committed, or about to be."""
    dropped: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Journals that nobody needs any more, by run and key."""
    stale: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    """Journals, by run and key, of which only so many records count: the others are of a turn that failed for good."""
    stored: dict[str, str | None] = field(default_factory=dict)
    """Fields of the contact that conversations changed, as they are stored."""
    state: str | None = None
    timeout: float | None = None
    then: str = ""
    end: str | None = None
    frames: tuple[StoredFrame, ...] | None = None
    """Where flows stand now."""
    texts: list[str] = field(default_factory=list)
    """What flows said and is not yet among `said`."""
    visits: list[str] = field(default_factory=list)
    ways: list[tuple[str, str, Question | None]] = field(default_factory=list)
    """What happened at which question, for coverage."""
    handoffs: list[str] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    took: bool = False
    """Whether the text was taken as an answer."""
    join: bool = False
    """Whether the texts of this turn leave as one."""
    late: tuple[tuple[StoredFrame, ...], str, float] | None = None
    """A question that has timed out: its frames, their content, until when it may be answered."""
