"""Machines at the other end: an autoresponder, another bot, a short code that answers whatever we say.

A person reads and types; a machine answers at once, or says the same again and again. After some twenty such texts a
conversation is held: what comes is kept and not answered, the desk is told, STOP and HELP count as ever.
"""

from __future__ import annotations

from dataclasses import dataclass

QUICK = 1.5
"""Seconds between two texts of one number that no person keeps up for long."""
MOST = 20
"""Quick texts, or equal ones, after which nobody believes in a person."""
SAME = 60.0
"""Seconds between two equal texts that still belong together."""
REST = 3600.0
"""Seconds of silence after which a held conversation is tried again."""


@dataclass(slots=True)
class Pace:
    """How fast one number texts one of our lines."""

    last: float = 0.0
    quick: int = 0
    same: int = 0
    said: int = 0
    """A hash of its last text."""

    def machine(self, text: str, at: float, most: int = MOST) -> bool:
        """Whether, with this text, it is a machine that texts."""
        gap, said = at - self.last, hash(text.strip().casefold())
        self.quick = self.quick + 1 if gap < QUICK else 0
        self.same = self.same + 1 if gap < SAME and said == self.said else 0
        self.last, self.said = at, said
        return self.quick >= most or self.same >= most
