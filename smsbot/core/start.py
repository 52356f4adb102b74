"""Something that a bot begins by itself: an event for somebody, now or later, and what if they are busy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from . import codec
from .commit import Timer, digest
from .errors import UsageError
from .message import Event, Key
from .structs import struct

PREFIX = "start:"
"""How the timers of starts are called."""
PARKED = 9e15
"""When those are due that wait until the person is free: a run that ends releases them."""
BUSY = ("queue", "replace", "skip")


@struct
class Start:
    """The details of a start beside the event's name."""

    data: Mapping[str, Any] = field(default_factory=dict)
    busy: str = ""
    """``queue`` waits until the open run has ended, ``replace`` ends it, ``skip`` does nothing; empty: the bot says."""
    expires: float = 0.0
    """When it is not worth beginning any more, seconds since 1970 UTC; 0: never."""
    order: str = ""
    """Its place among those that wait for one person; empty: its time."""
    by: str = ""
    """The program that asked for it, as ``token shop``."""
    ref: str = ""
    """What that program calls the texts that answer it."""

    def pack(self) -> str:
        """As it is stored with the event."""
        plain: dict[str, Any] = {"is": dict(self.data)}
        plain |= {"busy": self.busy} if self.busy else {}
        plain |= {"expires": self.expires} if self.expires else {}
        more = {"order": self.order, "by": self.by, "ref": self.ref}
        return codec.dumps(plain | {name: value for name, value in more.items() if value})


def start_of(event: Event) -> Start:
    """The start that an event was stored with."""
    told = codec.loads(event.data) if event.data else {"is": {}}
    more = {name: told[name] for name in ("busy", "expires", "order", "by", "ref") if name in told}
    return Start(told["is"], **more)


def timer_of(event: Event, due: float, identity: bytes, nth: int = 0) -> Timer:
    """The timer by which an event comes later, the `nth` of its turn; they keep the order of their making."""
    order = start_of(event).order or f"{event.at:017.6f}:{nth:04d}"
    name = f"{PREFIX}{order}:{identity.hex()}"
    return Timer(event.key, name, due, codec.dumps({"event": event.text, "start": event.data}))


def parked(event: Event) -> Timer:
    """The timer of an event that waits until the person is free."""
    return timer_of(event, PARKED, event.id)


def event_of(timer: Timer, at: float) -> Event:
    """The event of a start whose time has come."""
    told = codec.loads(timer.data)
    identity = digest("timer", *timer.key, timer.name, repr(timer.due))
    event = Event(identity, timer.key, "event", told["event"], at, data=told["start"])
    order = timer.name.removeprefix(PREFIX).rpartition(":")[0]
    try:
        return replace(event, data=replace(start_of(event), order=order).pack())
    except UsageError:  # a class in it is gone; whoever takes the event says so
        return event


def checked_busy(busy: str) -> str:
    """One of `BUSY`, or empty; raises `UsageError`."""
    if busy not in ("", *BUSY):
        raise UsageError(f"busy is queue, replace or skip, not {busy!r}")
    return busy


def identity_of(name: str, key: str, whose: Key, secret: bytes) -> bytes:
    """The identity of a start, by its name, its key, and the person: equal ones are the same start."""
    return digest("event", name, key, *whose, key=secret)
