"""What keeps a text from leaving: pauses, and the rules of a server, which are handed in (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from smsbot.core.lanes import CONSENT
from smsbot.core.message import Key

ASIDE = ("lane", "broadcast")
"""The scopes of pauses that hold nothing else of a conversation back."""
Counted = tuple[str, str]
"""What the cost of a text is counted for, and its name."""


class Sendable(Protocol):
    """A text, as a pause sees it."""

    @property
    def key(self) -> Key:
        """Its conversation."""
        ...

    @property
    def account(self) -> str:
        """Its credentials."""
        ...

    @property
    def lane(self) -> str:
        """Its lane."""
        ...

    @property
    def event(self) -> bytes:
        """What set it off."""
        ...


class Pauses:
    """Everything that is kept from leaving: all, or a line, a lane, an account or a broadcast by its name."""

    __slots__ = ("names",)

    def __init__(self, names: Iterable[tuple[str, str]] = ()) -> None:
        self.names = frozenset(names)

    def holds(self, text: Sendable) -> bool:
        """Whether a pause keeps the text from leaving; what answers STOP is never kept."""
        return bool(self.names) and text.lane != CONSENT and (self._keeps(text) or self.skips(text))

    def _keeps(self, text: Sendable) -> bool:
        """Whether a text waits with all others of its conversation."""
        return self.stops(text.key.line) or ("account", text.account) in self.names

    def stops(self, line: str) -> bool:
        """Whether whole conversations of a line wait."""
        return ("all", "") in self.names or ("line", line) in self.names

    def skips(self, text: Sendable) -> bool:
        """Whether only the text's lane or broadcast is paused, so that others of its conversation go past it."""
        aside = ("lane", text.lane) in self.names or ("broadcast", text.event.hex()) in self.names
        return aside and not self._keeps(text)


@dataclass(frozen=True, slots=True)
class Person:
    """What quiet hours have to know of somebody."""

    zone: str = ""
    """The time zone that is known of them (IANA); empty: none is."""
    wrote: float = 0.0
    """When they texted last, seconds since 1970 UTC; 0: never."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Until when something keeps a text from leaving, and what; infinite: for good."""

    until: float
    why: str
    spread: float = 0.0
    """Seconds after that in which it leaves, as all that was kept must not leave at once."""


class Leaves(Sendable, Protocol):
    """A text, as the rules see it."""

    @property
    def id(self) -> str:
        """Its own id."""
        ...

    @property
    def segments(self) -> int:
        """How many SMS it is."""
        ...


class Rules(Protocol):
    """The rules of a server for what leaves, as settings say: lines that have a rate, quiet hours."""

    def paced(self, line: str) -> bool:
        """Whether a line sends so many texts a second, and no more."""
        ...

    def refuses(self, line: str, number: str) -> str:
        """Why nothing leaves from a line to a number; empty if it may."""
        ...

    def has_quiet(self, line: str, lane: str) -> bool:
        """Whether there may be hours in which nothing of a lane leaves."""
        ...

    def quiet(self, text: Leaves, person: Person, moment: float) -> Kept | None:
        """The quiet hours that keep a text from leaving at a moment; None if none do."""
        ...

    def cost(self, text: Leaves) -> int:
        """What a text costs at the worst, in millionths of the currency; 0 where nobody knows, or cares."""
        ...

    def caps_people(self) -> bool:
        """Whether there is a cap for each person."""
        ...

    def price(self, told: float, currency: str) -> int | None:
        """The same of a price that a report tells; None where it is of another currency."""
        ...

    def day(self, moment: float) -> str:
        """The day that a moment counts for, as ISO 8601 writes it."""
        ...

    def counted(self, text: Leaves) -> Sequence[Counted]:
        """Everything that the cost of a text is counted for: what, and its name."""
        ...

    def over(self, text: Leaves, cost: int, spent: Mapping[Counted, int], moment: float) -> Kept | None:
        """The cap that a text would exceed, by what its day has cost so far, until it counts anew; None if none."""
        ...


class NoRules:
    """A server without any."""

    def paced(self, line: str) -> bool:
        """No line has a rate."""
        return False

    def refuses(self, line: str, number: str) -> str:
        """Everybody may be written to."""
        return ""

    def has_quiet(self, line: str, lane: str) -> bool:
        """No hours are quiet."""
        return False

    def quiet(self, text: Leaves, person: Person, moment: float) -> Kept | None:
        """Nothing keeps it."""
        return None

    def cost(self, text: Leaves) -> int:
        """Nobody cares."""
        return 0

    def caps_people(self) -> bool:
        """There is no cap."""
        return False

    def price(self, told: float, currency: str) -> int | None:
        """Nobody cares."""
        return None

    def day(self, moment: float) -> str:
        """Nobody cares."""
        return ""

    def counted(self, text: Leaves) -> Sequence[Counted]:
        """Nothing is counted."""
        return ()

    def over(self, text: Leaves, cost: int, spent: Mapping[Counted, int], moment: float) -> Kept | None:
        """There is no cap."""
        return None


CONTACT = "contact"
"""What is counted of one person, by their number; it is summed from their texts, and kept nowhere else."""
NO_RULES = NoRules()
NOBODY = Person()
