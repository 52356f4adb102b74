"""The outcome of a turn: data that the store commits whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import KW_ONLY, field
from enum import StrEnum

from .conversation import Conversation, Run
from .handover import Handoff
from .message import Claim, Event, Key, Outgoing
from .structs import struct


@struct
class Timer:
    """A durable wake-up of a conversation."""

    key: Key
    name: str
    due: float
    data: str = ""


@struct
class Entry:
    """One row of a journal: what a step returned, so that it runs once."""

    run: bytes
    frame: bytes
    seq: int
    kind: str
    value: str


@struct
class Commit:
    """One commit of a turn: a piece of it, or its end.

    `after` is the conversation as it will be; the store refuses the step unless the stored version is
    ``after.version - 1``. With `consumed` the event is done; without, it stays unread and runs again
    after a crash, with `journal` telling what already happened.
    """

    event: Event
    after: Conversation
    _: KW_ONLY
    consumed: bool = True
    note: str = ""
    """Why this happened, one plain sentence."""
    outgoing: tuple[Outgoing, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancelled: tuple[str, ...] = ()
    """Names of timers that no longer matter."""
    journal: tuple[Entry, ...] = ()
    runs: tuple[Run, ...] = ()
    """Runs that began or ended here."""
    visits: tuple[str, ...] = ()
    """States and routes entered, for the funnel."""
    visited: bytes = b""
    """The run that they belong to."""
    handoffs: tuple[Handoff, ...] = ()
    """Desks that a person is handed to."""
    hold: str = ""
    """Why nothing proactive goes to this person any more; empty: it does."""
    contact: Mapping[str, str | None] = field(default_factory=dict)
    """Changed fields of the contact as stored; None removes one."""
    starts: tuple[tuple[Timer, bytes], ...] = ()
    """The timers of all that the bot begins for somebody, each with the key that counts once."""
    released: bool = False
    """Whether nothing holds the person any more, so that what waited for that may begin."""
    dropped: tuple[tuple[bytes, bytes], ...] = ()
    """Journals that nobody needs any more, by run and frame."""
    stale: tuple[tuple[bytes, bytes, int], ...] = ()
    """Journals, by run and frame, of which only so many entries count."""
    forgotten: tuple[bytes, ...] = ()
    """Runs whose journals nobody needs any more."""
    unframed: tuple[tuple[bytes, int], ...] = ()
    """Runs of which only so many frames are left: what they called has ended, or they are laid aside."""
    typed: tuple[str, bool] | None = None
    """A one-time code that was typed, and whether it was right: it is used up, or one try is."""
    over: bool = False
    """Whether its event is a dead letter already."""
    gives_back: bool = False
    """Whether the person who looks after the conversation gives it back to the bot."""


class Verdict(StrEnum):
    """The outcome of a write."""

    DONE = "done"
    DUPLICATE = "duplicate"
    FENCED = "fenced"
    """The conversation has moved on since this step was decided; nothing was written."""
    QUEUED = "queued"
    """The event is kept, and its turn is taken by the process that has the conversation."""


@struct
class Committed:
    """The answer to a write: the verdict, the event's place, and the texts to send now."""

    verdict: Verdict
    seq: int = 0
    claims: tuple[Claim, ...] = ()
    behind: tuple[Event, ...] = ()
    """What waits in the conversation by now, where other processes may have kept it."""


def digest(*parts: str | bytes, size: int = 16, key: bytes = b"") -> bytes:
    """A hash of the parts, none of which can run into the next."""
    apart = b""
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        apart += b"%d:%b" % (len(raw), raw)
    return hashlib.blake2b(apart, digest_size=size, key=key).digest()


def outgoing_id(event: Event, n: int) -> str:
    """The id of the n-th text of an event: 22 hex digits, the same whenever the turn runs again.

    It begins with the event's second, so that ids of one time lie together in an index.
    """
    return f"{int(event.at) & 0xFFFFFFFF:08x}{digest(event.id, b'%d' % n, size=7).hex()}"


def run_id(event: Event) -> bytes:
    """The id of the run that an event would start; it begins with the event's second as well."""
    return (int(event.at) & 0xFFFFFFFF).to_bytes(4, "big") + digest(event.id, "run", size=12)
