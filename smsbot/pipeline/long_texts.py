"""Long texts that come in parts: each part is kept at once, and a timer holds them until the text is whole.

The timer is set in the commit that acknowledges a part, so that a crash between two parts loses neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from smsbot.core import codec
from smsbot.core.clock import Clock
from smsbot.core.commit import Timer, Verdict, digest
from smsbot.core.message import Event, Key
from smsbot.policy import parts
from smsbot.policy.parts import Part
from smsbot.stores.base import Acceptance, Store

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


class LongTexts:
    """Keeps parts as they come; the timer of each text joins them."""

    def __init__(self, store: Store, clock: Clock, kick: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._kick = kick
        self._partial: dict[Key, float] | None = None
        """Until when more parts may come that only their length tells, by conversation."""

    async def takes(self, event: Event, told: tuple[str, int, int]) -> bool:
        """Whether a text is part of a long one: kept then, and joined once all are there or no more come."""
        if self._partial is None:
            self._partial = {Key(r["line"], r["number"]): r["due"] for r in await self._store.rows("parts_waiting")}
        known, now = told[2] > 1, self._clock.now()
        may_follow = self._partial.get(event.key, 0.0) >= now
        if self._store.alone and not (known or may_follow or parts.is_full(event.text)):
            self._partial.pop(event.key, None)
            return False
        while True:
            rows = await self._store.rows("parts_of", line=event.key.line, number=event.key.number)
            groups = {row["name"]: waiting_in(row["data"]) for row in rows}
            if not known and PARTS not in groups and not parts.is_full(event.text):
                return False  # the text before is whole meanwhile
            part = part_of(event, told)
            name = group_of(part, groups)
            timer = waits(event, name, [*groups.get(name, ()), part], now)
            kept, beside = replace(event, kind="part"), frozenset((row["name"], row["data"]) for row in rows)
            taken = Acceptance(kept, done=True, note="a part of a long text", waits=timer, beside=beside)
            if (await self._store.accept([taken]))[0].verdict is not Verdict.FENCED:
                break  # else another process has kept another part at the same moment
        if not known:
            self._partial[event.key] = timer.due
        self._kick()
        return True
