"""How much is answered: so many turns a minute for one number, and for one line; who is never answered."""

from __future__ import annotations

from dataclasses import dataclass

PER_MINUTE = 30
"""Turns of one number a minute; people write less, and albums of pictures have no more."""
TOLD = 3600.0
"""Seconds until the desk is told again of a number that goes on."""
_MINUTE = 60.0


@dataclass(slots=True)
class Rate:
    """Turns in the minute that has begun with the first of them."""

    began: float = float("-inf")
    turns: int = 0
    told: float = float("-inf")
    """When the desk was told of it."""

    def over(self, at: float, most: int) -> bool:
        """Count a turn; whether it is one too many."""
        if at - self.began >= _MINUTE or at < self.began:
            self.began, self.turns = at, 0
        self.turns += 1
        return self.turns > most

    def tells(self, at: float) -> bool:
        """Whether the desk is to be told, now that there are too many."""
        if at - self.told < TOLD:
            return False
        self.told = at
        return True
