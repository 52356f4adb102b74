"""The ways on which texts leave: one for each account, one of its own for a line that has a rate; who goes next there.

A claim has its attempt on record before it leaves, so few are kept waiting here: what a crash finds here is unknown.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from smsbot.core.lanes import CHOSEN, rank
from smsbot.core.message import Claim, Outgoing
from smsbot.policy.lanes import Meter, Waiting

ROOM = 200
"""Claims of a lane of a line at once."""
_LEAST = 4
"""Claims of a lane of a line at once, however slow the line is."""
_PACE = 20.0
"""Texts a second at the most that a provider is sent, once it has said for the first time that it is too many."""
Pair = tuple[str, str]
"""A line and a lane."""


@dataclass(slots=True, eq=False)
class Channel:
    """A way on which texts leave."""

    meter: Meter | None = None
    waiting: Waiting[Claim] = field(default_factory=Waiting)
    sending: int = 0
    """How many are being sent, each by a task that goes on to the next."""

    def next(self, now: Callable[[], float]) -> Claim | None:
        """The claim that leaves now; None if none waits, or none may leave yet."""
        if self.meter is not None and (not self.waiting or not self.meter.take(now())):
            return None
        return self.waiting.next()


class Channels:
    """All of them. `rates` are texts a second, by line."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._rates = rates
        self._channels: dict[tuple[str, str], Channel] = {}
        self._claimed: Counter[Pair] = Counter()
        self._full: set[Pair] = set()
        """Those that have had enough, until half of it has left."""

    def add(self, claim: Claim) -> Channel:
        """One more claim; the channel that it waits in."""
        text = claim.outgoing
        channel = self.of(text)
        channel.waiting.add(claim, text.lane)
        pair = text.key.line, text.lane
        self._claimed[pair] += 1
        if self._claimed[pair] >= self._room(text.key.line):
            self._full.add(pair)
        return channel

    def left(self, text: Outgoing) -> bool:
        """A text's send has ended; whether there is room again for more of its lane."""
        pair = text.key.line, text.lane
        self._claimed[pair] -= 1
        if pair not in self._full or self._claimed[pair] > self._room(text.key.line) // 2:
            return False
        self._full.discard(pair)
        return True

    def slow_down(self, text: Outgoing, now: float) -> None:
        """The provider says that it is too much; the rate of a line that is told none is learnt."""
        channel = self.of(text)
        if channel.meter is None:
            channel.meter = Meter(_PACE, learnt=True)
        channel.meter.slow_down(now)

    def of(self, text: Outgoing) -> Channel:
        """The channel of a text."""
        line = text.key.line if text.key.line in self._rates else ""
        found = self._channels.get((text.account, line))
        if found is None:
            rate = self._rates.get(line)
            found = self._channels[text.account, line] = Channel(Meter(rate) if rate else None)
        return found

    def open(self, now: float) -> list[Channel]:
        """Those in which something waits that may leave now."""
        found = []
        for channel in self._channels.values():
            if channel.meter is not None and channel.meter.forgotten:
                channel.meter = None
            if channel.waiting and (channel.meter is None or channel.meter.free <= now):
                found.append(channel)
        return found

    @property
    def next_free(self) -> float | None:
        """When the next may leave that waits for its turn."""
        free = (c.meter.free for c in self._channels.values() if c.meter is not None and c.waiting)
        return min(free, default=None)

    @property
    def rooms(self) -> Mapping[Pair, int]:
        """How many more of a lane of a line may be claimed, where that may differ from `ROOM`."""
        known = self._claimed.keys() | {(line, lane) for line in self._rates for lane in CHOSEN}
        return {pair: 0 if pair in self._full else self._room(pair[0]) - self._claimed[pair] for pair in known}

    @property
    def full(self) -> frozenset[Pair]:
        """The lanes of lines of which none may be claimed now."""
        return frozenset(self._full)

    def take_all(self) -> list[Claim]:
        """Every claim whose send has not begun, the most urgent of each channel first."""
        found: list[Claim] = []
        for channel in self._channels.values():
            while (claim := channel.waiting.next()) is not None:
                found.append(claim)
        return sorted(found, key=lambda c: rank(c.outgoing.lane))

    def paces(self, line: str) -> bool:
        """Whether texts of a line wait for their turn."""
        return line in self._rates

    def _room(self, line: str) -> int:
        rate = self._rates.get(line)
        return ROOM if rate is None else min(ROOM, max(_LEAST, math.ceil(rate)))
