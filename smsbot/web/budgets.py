"""How much each program may ask: a budget that fills with time, told with every answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

Headers = Sequence[tuple[bytes, bytes]]
_BURST = 2.0
"""Seconds of its rate that a program may use at once."""


class Budgets:
    """One budget a program, of `rate` requests a second; 0: no limit."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._most = max(rate * _BURST, 1.0)
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        """What is left, and when that was."""

    def take(self, name: str) -> tuple[bool, Headers]:
        """Whether a program may ask once more, and what it is told of its budget."""
        if not self.rate:
            return True, ()
        now = self._clock()
        left, at = self._left.get(name, (self._most, now))
        left = min(left + (now - at) * self.rate, self._most)
        may = left >= 1.0
        left -= may
        self._left[name] = left, now
        told = {"ratelimit-limit": self._most, "ratelimit-remaining": left, "ratelimit-reset": self.wait}
        return may, [(key.encode(), b"%d" % value) for key, value in told.items()]

    @property
    def wait(self) -> int:
        """Seconds after which one more may surely be asked."""
        return max(1, round(1 / self.rate + 0.5)) if self.rate else 0
