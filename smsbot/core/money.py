"""An amount of money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, and its currency where the person said one."""

    amount: Decimal
    """With two decimals."""
    currency: str | None = None
    """ISO 4217, such as ``USD``; None where the text has none."""

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}" if self.currency else str(self.amount)
