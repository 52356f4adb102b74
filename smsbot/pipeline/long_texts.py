"""Long texts that come in parts: each part is kept at once, and a timer holds them until the text is whole.

The timer is set in the commit that acknowledges a part, so that a crash between two parts loses neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsbot.core import codec
from smsbot.core.commit import Timer, digest
from smsbot.core.message import Event
from smsbot.policy import parts
from smsbot.policy.parts import Part

PARTS = "parts"
"""How the timer of a text in parts is called; where the gateway says which parts are of one text, each has its own."""


def is_of_parts(name: str) -> bool:
    """Whether a timer holds the parts of a text."""
    return name == PARTS or name.startswith(f"{PARTS}:")


def part_of(event: Event, told: tuple[str, int, int]) -> Part:
    """The part that an event brought; `told` is what the gateway says of it."""
    return Part(event.text, event.id.hex(), *told)


def group_of(part: Part, groups: Mapping[str, Sequence[Part]]) -> str:
    """The name of the timer of the text that a part belongs to: of one that waits, or of a new one."""
    if not part.total:
        return PARTS
    for name, waiting in groups.items():
        if name != PARTS and parts.belongs(part, waiting):
            return name
    return f"{PARTS}:{part.id}"


def waits(event: Event, name: str, waiting: Sequence[Part], now: float) -> Timer:
    """The timer of the parts that are there: at once if they are all, else once nothing more has come."""
    known = waiting[-1].total > 0
    due = now if parts.complete(waiting) else now + (parts.WAIT_KNOWN if known else parts.WAIT)
    data = {"account": event.account, "at": event.at, "parts": [part.pack() for part in waiting]}
    return Timer(event.key, name, due, codec.dumps(data))


def waiting_in(data: str) -> list[Part]:
    """The parts that a timer holds."""
    return [Part(*packed) for packed in codec.loads(data)["parts"]]


def joined_text(timer: Timer) -> Event:
    """The text of the parts, as if it had come whole with the last of them."""
    told = codec.loads(timer.data)
    found = waiting_in(timer.data)
    identity = digest("parts", *(part.id for part in found))
    return Event(identity, timer.key, "text", parts.joined(found), told["at"], told["account"])
