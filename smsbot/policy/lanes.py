"""Who goes next: the most urgent, with a small share for those in bulk; and how many a second.

Codes overtake everything, and still bulk never stands still: of sixteen texts that leave while some in bulk wait, one
is of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from smsbot.core.lanes import BULK, rank

T = TypeVar("T")
SHARE = 16
"""Of so many texts that leave while some in bulk wait, one is in bulk."""
_LAST = rank(BULK)
_CATCH_UP = 0.1
"""Seconds of slots that may be made up for: whoever looks at the clock is never on time."""
_SLOWER, _FASTER = 0.7, 1.05
"""What a learnt rate becomes when the provider says "too fast", and after each second in which it did not."""
_SLOWEST, _FASTEST = 0.2, 500.0


class Waiting(Generic[T]):
    """What waits to leave, by lane; within one, first come, first served."""

    __slots__ = ("_count", "_passed", "_queues")

    def __init__(self) -> None:
        self._queues: tuple[deque[T], ...] = tuple(deque[T]() for _ in range(_LAST + 1))
        self._passed = 0
        """How many have left since one in bulk did, while some waited."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, item: T, lane: str) -> None:
        """One more."""
        self._queues[rank(lane)].append(item)
        self._count += 1

    def next(self) -> T | None:
        """The one that leaves now; None if none waits."""
        if not self._count:
            return None
        self._count -= 1
        bulk = self._queues[_LAST]
        if bulk and self._passed >= SHARE - 1:
            self._passed = 0
            return bulk.popleft()
        for queue in self._queues:
            if queue:
                self._passed = 0 if queue is bulk else self._passed + bool(bulk)
                return queue.popleft()
        raise AssertionError("what is counted waits somewhere")


@dataclass(slots=True)
class Meter:
    """So many texts a second, told or learnt; moments are seconds of any clock."""

    rate: float
    learnt: bool = False
    """Whether nobody told the rate, so that it may rise again."""
    free: float = float("-inf")
    """When the next may leave."""
    _looked: float = field(default=float("-inf"))
    """When the learnt rate was looked at last."""

    def take(self, now: float) -> bool:
        """Whether one may leave now; then it has."""
        if now < self.free:
            return False
        if self.learnt:
            self._rise(now)
        self.free = max(self.free, now - _CATCH_UP) + 1 / self.rate
        return True

    def slow_down(self, now: float) -> None:
        """The provider says "too fast"."""
        if self.learnt and now - self._looked >= 1 / self.rate:  # answers to one burst say it once
            self.rate, self._looked = max(self.rate * _SLOWER, _SLOWEST), now
        self.free = max(self.free, now + 1 / self.rate)

    @property
    def forgotten(self) -> bool:
        """Whether a learnt rate is so high again that it does not matter."""
        return self.learnt and self.rate >= _FASTEST

    def _rise(self, now: float) -> None:
        seconds = now - self._looked
        if seconds >= 1.0:
            self.rate, self._looked = min(self.rate * _FASTER ** min(seconds, 120.0), _FASTEST), now
