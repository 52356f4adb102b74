"""The unit of writing: one caller's wish, written whole or not at all (pure)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol

from .facts import Facts, Wants
from .rules import ASIDE

ALONE = "*"
"""Is decided with no other unit."""


class Unit(Protocol):
    """Something that is decided on what is known, and leaves rows."""

    @property
    def apart(self) -> str:
        """A number: no other unit of it is in its batch, as rows of a batch do not run in the order of its units.

        `ALONE`: none at all is, as they cannot know what it changes. Empty: it leaves rows of its own, and of texts.
        """
        ...

    @property
    def names(self) -> Collection[str]:
        """What no other process may decide on meanwhile: numbers, keys that count once, a provider's ids."""
        ...

    def want(self, wants: Wants) -> None:
        """Say what it has to know."""
        ...

    def decide(self, facts: Facts) -> Any:
        """Decide, see to it that those after it know, leave rows; the answer goes to the caller after the commit."""
        ...


def batches(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    """The units in their order, cut where some must not be decided together."""
    batch: list[Unit] = []
    named: set[str] = set()
    for unit in units:
        apart = unit.apart
        if batch and (apart == ALONE or apart in named or ALONE in named):
            yield batch
            batch, named = [], set()
        batch.append(unit)
        if apart:
            named.add(apart)
    if batch:
        yield batch


class Searching(ABC):
    """A unit that finds out by itself which texts it is about."""

    choosy = False
    """Whether it does without those that another process decides on just now; else it waits for them."""

    @abstractmethod
    def found(self, facts: Facts) -> Collection[str]:
        """The numbers of those texts, by what is known at first; it is decided on what is known then."""


class _Alone:
    apart = ALONE
    names: Collection[str] = ()
    settled = True

    def want(self, wants: Wants) -> None:
        """Nothing."""


class Named(_Alone):
    """Statements by name."""

    def __init__(self, changes: Sequence[tuple[str, Sequence[object]]], *, settled: bool = False) -> None:
        self.changes = changes
        self.settled = settled
        """Whether no other process decides meanwhile, so that there are no places that are given and not yet taken."""

    def decide(self, facts: Facts) -> None:
        """Leave them in the order given."""
        facts.script += [(name, tuple(row)) for name, row in self.changes]


LATER = object()
"""The answer of a unit that cannot be decided now, since another process may decide on the same; it is asked again."""


class Pause(_Alone):
    """A pause of texts that must not leave for now, or its end; no other process decides anything meanwhile."""

    def __init__(self, scope: str, name: str, now: float, why: str, *, ends: bool) -> None:
        self.scope, self.name, self.now, self.why, self.ends = scope, name, now, why, ends

    def decide(self, facts: Facts) -> None:
        """Park what is queued, or queue what is parked."""
        if self.ends:
            facts.script += [("resume", (self.scope, self.name)), ("unpark", ())]
            return
        facts.script.append(("pause", (self.scope, self.name, self.now, self.why)))
        if self.scope in ASIDE:  # those behind them go on
            facts.script += [("park_aside", (self.scope, self.name)), ("orphaned_texts", (self.now,))]
        else:
            facts.script.append(("park_all", (self.scope, self.name)))
