"""How fast a password may be guessed: a few times at once, then ever slower, by client and by all together."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

FREE = 5
"""Wrong passwords of one client that cost nothing: people mistype."""
_LONGEST = 60.0
"""Seconds that a client waits at most."""
_FORGOTTEN = 3600.0
"""Seconds after which a client begins anew."""
_KNOWN = 12 * 3600.0
"""Seconds in which a client that signed in is nobody of whom there are many."""
BURST = 20.0
"""Wrong passwords of strangers at once, however many they are."""
PER_SECOND = 1.0
"""Wrong passwords of strangers after that."""
_CLIENTS = 10_000


@dataclass(slots=True)
class _Client:
    wrong: int = 0
    last: float = float("-inf")
    until: float = 0.0
    """When it may try again."""
    known: float = float("-inf")
    """When it was right last."""


class Guesses:
    """Counts wrong passwords. Times are seconds of a clock that never falls."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._room = BURST
        self._at = 0.0
        self.wrong = 0
        """Since the server began."""
        self.refused = 0
        """Those that were not even looked at."""

    def wait(self, client: str, now: float) -> float:
        """Seconds until a client's password is looked at; 0: now."""
        own = self._of(client, now)
        waits = max(own.until - now, 0.0)
        if now - own.known > _KNOWN and self._left(now) < 1.0:
            waits = max(waits, (1.0 - self._room) / PER_SECOND)
        if waits:
            self.refused += 1
        return waits

    def right(self, client: str, now: float) -> None:
        """A client knew it."""
        own = self._of(client, now)
        own.wrong, own.until, own.known = 0, 0.0, now

    def missed(self, client: str, now: float) -> None:
        """A client did not know it."""
        own = self._of(client, now)
        own.wrong, own.last = own.wrong + 1, now
        if own.wrong >= FREE:
            own.until = now + min(2.0 ** (own.wrong - FREE), _LONGEST)
        self.wrong += 1
        self._room = max(self._left(now) - 1.0, 0.0)

    def _left(self, now: float) -> float:
        self._room = min(self._room + (now - self._at) * PER_SECOND, BURST)
        self._at = now
        return self._room

    def _of(self, client: str, now: float) -> _Client:
        own = self._clients.setdefault(client, _Client())
        self._clients.move_to_end(client)
        if now - own.last > _FORGOTTEN:
            own.wrong, own.until = 0, 0.0
        if len(self._clients) > _CLIENTS:
            self._clients.popitem(last=False)
        return own
