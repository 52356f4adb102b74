"""What became of some texts: how many arrived, how many did not, and how long a report takes."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from smsbot.core.structs import struct
from smsbot.stores.base import Row

ARRIVED = "delivered"
LOST = frozenset({"failed", "undelivered", "expired"})


@struct
class Share:
    """What became of some texts."""

    name: str
    texts: int = 0
    delivered: int = 0
    lost: int = 0
    took: float | None = None
    """The seconds that a delivery report takes, at the median of the last ones."""

    @property
    def open(self) -> int:
        """Those of which nothing final is known, or that never left."""
        return self.texts - self.delivered - self.lost

    @property
    def decided(self) -> int:
        """Those of which something final is known."""
        return self.delivered + self.lost

    @property
    def arrived(self) -> float | None:
        """The share that arrived of those that are decided, 0 to 1; None where none is."""
        return self.delivered / self.decided if self.decided else None


def usual(texts: Iterable[Row]) -> float | None:
    """The seconds that reports of these texts took, at the median; None where none came."""
    took = [t["took"] for t in texts if t["took"] is not None and t["took"] >= 0]
    return median(took) if took else None
