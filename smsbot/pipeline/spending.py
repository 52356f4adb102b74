"""What the days cost, by what it is counted for, and how far each cap is used up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from smsbot.core.structs import struct
from smsbot.policy.money import CONTACT, Cap, Prices, money
from smsbot.stores.base import Reads


class Budget(Protocol):
    """The caps of a server, and whose days count."""

    caps: tuple[Cap, ...]
    prices: Prices

    def day(self, moment: float) -> date:
        """The day that a moment counts for."""
        ...


@struct
class Use:
    """How far a cap is used up on a day."""

    cap: Cap
    day: str
    spent: int
    """In millionths of the currency."""
    currency: str

    @property
    def share(self) -> float:
        """Of the cap; of one that is zero, all."""
        return self.spent / self.cap.most if self.cap.most else 1.0

    @property
    def words(self) -> str:
        """For people."""
        most = money(self.cap.most, self.currency)
        return f"{self.cap.of}: {money(self.spent, self.currency)} of {most} today ({self.share:.0%})"


async def uses(store: Reads, budget: Budget, now: float) -> Sequence[Use]:
    """How far each cap is used up today; that of single people is not listed."""
    day = budget.day(now).isoformat()
    spent = {(r["scope"], r["name"]): r["spent"] for r in await store.rows("spending_of", day=day)}
    return [
        Use(cap, day, spent.get((cap.scope, cap.name), 0), budget.prices.currency)
        for cap in budget.caps
        if cap.scope != CONTACT
    ]
