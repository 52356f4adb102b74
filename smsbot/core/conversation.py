"""The thread with one number on one line: its open run, the frames of that run, the person behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum, StrEnum

from .message import Key
from .structs import struct

BETWEEN = "\x1e"
"""Stands between the texts of a prompt that is more than one (the record separator of ASCII)."""


class Rest(IntEnum):
    """How a frame stands still."""

    NO = 0
    """It waits for the person."""
    FREE = 1
    """It only lets time pass, so that other runs may begin beside its own."""
    YIELDS = 2
    """It only lets time pass, and another start word ends its run."""


class FrameKind(StrEnum):
    """The kind of a frame: who holds it."""

    HANDLER = "handler"
    """A handler, at one of its states."""
    FLOW = "flow"
    PYTHON = "python"
    """A conversation function."""


@struct
class StoredFrame:
    """One frame of a run as it is stored: what holds it, where it stands, with which data."""

    kind: str
    """A `FrameKind`."""
    name: str
    state: str
    data: str = "{}"
    """The run's data as stored: JSON by `codec`, decoded only for a handler."""
    prompt: str = ""
    """The text that asked for what the state waits for; asked again after a digression."""
    deadline: float | None = None
    """When the state gives up, seconds since 1970 UTC."""
    then: str = ""
    """The state whose handler runs at the deadline; empty: the run ends ``abandoned``."""
    rest: int = Rest.NO
    """A `Rest`."""

    @property
    def is_state(self) -> bool:
        """Whether a handler waits here, at one of its states; flows and conversation functions hold the others."""
        return self.kind == FrameKind.HANDLER


@struct
class Run:
    """One execution in a conversation, from what started it to its end label."""

    id: bytes
    bot: str
    started_by: str
    started: float
    frames: tuple[StoredFrame, ...] = ()
    ended: float | None = None
    end: str = ""
    """The end label, such as ``done``, ``abandoned``, ``stopped``."""
    content: str = ""
    """The hash of the flows that the run stands on (C8); empty: it has none."""

    @property
    def frame(self) -> StoredFrame | None:
        """The frame that the next answer goes to."""
        return self.frames[-1] if self.frames else None

    @property
    def mark(self) -> str:
        """What ties a deadline to the run and to the question, or the wait, that set it; empty where none is due."""
        frame = self.frame
        return f"{self.id.hex()} {frame.deadline!r}" if frame is not None and frame.deadline is not None else ""

    @property
    def is_held(self) -> bool:
        """Whether a flow or a conversation function is open."""
        return bool(self.frames) and not self.frames[-1].is_state

    @property
    def rests(self) -> bool:
        """Whether it only lets time pass: its time comes whatever else goes on."""
        return bool(self.frames) and self.frames[-1].rest != Rest.NO

    @property
    def is_free(self) -> bool:
        """Whether it rests and holds up nothing else."""
        return bool(self.frames) and self.frames[-1].rest == Rest.FREE


@struct
class Late:
    """A question that timed out, whose answer is still taken."""

    frames: tuple[StoredFrame, ...]
    content: str
    until: float


@struct
class Conversation:
    """The thread with a person on a line, as of its version."""

    key: Key
    version: int = 0
    run: Run | None = None
    """The open run; None between runs."""
    contact: Mapping[str, str] = field(default_factory=dict)
    """The contact: names and values as stored, JSON by `codec`; the same on every line."""
    opted_out: bool = False
    fallback_at: float = 0.0
    """When the fallback last answered."""
    late: Late | None = None
    answered: bytes = b""
    """The last answer: 8 bytes of its hash, then the id of its event; empty: there was none."""
    wrote_first: bool = False
    """Whether the person wrote to us before we wrote to them."""
    resting: tuple[Run, ...] = ()
    """Runs beside the open one: those that let time pass, and those whose question waits for another to be answered."""
    owner: str = ""
    """Who at the desk looks after it, so that the bot is silent; empty: the bot does."""

    @property
    def is_held(self) -> bool:
        """Whether what begins has to wait: a run is open that does more than let time pass."""
        return self.run is not None and not self.run.is_free

    def waits_for(self, mark: str) -> Run | None:
        """The run that a deadline belongs to, if it is open at it still."""
        runs = (self.run, *self.resting) if self.run is not None else self.resting
        return next((run for run in runs if run.mark == mark), None)
