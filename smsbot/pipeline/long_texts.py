"""Long texts that come in parts: each part is kept at once, and a timer holds them until the text is whole.

The timer is set in the commit that acknowledges a part, so that a crash between two parts loses neither.
"""

from __future__ import annotations

from collections.abc import Sequence

from smsbot.core import codec
from smsbot.core.commit import Timer, digest
from smsbot.core.message import Event
from smsbot.policy import parts
from smsbot.policy.parts import Part

PARTS = "parts"
"""How the timer of a text in parts is called."""


def part_of(event: Event, told: tuple[str, int, int]) -> Part:
    """The part that an event brought; `told` is what the gateway says of it."""
    return Part(event.text, event.id.hex(), *told)


def waits(event: Event, waiting: Sequence[Part], now: float) -> Timer:
    """The timer of the parts that are there: at once if they are all, else once nothing more has come."""
    known = waiting[-1].total > 0
    due = now if parts.complete(waiting) else now + (parts.WAIT_KNOWN if known else parts.WAIT)
    data = {"account": event.account, "at": event.at, "parts": [part.pack() for part in waiting]}
    return Timer(event.key, PARTS, due, codec.dumps(data))


def waiting_in(data: str) -> list[Part]:
    """The parts that a timer holds."""
    return [Part(*packed) for packed in codec.loads(data)["parts"]]


def joined_text(timer: Timer) -> Event:
    """The text of the parts, as if it had come whole with the last of them."""
    told = codec.loads(timer.data)
    found = waiting_in(timer.data)
    identity = digest("parts", *(part.id for part in found))
    return Event(identity, timer.key, "text", parts.joined(found), told["at"], told["account"])
