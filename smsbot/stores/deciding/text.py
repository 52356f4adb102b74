"""A text that is owed, and where it stands (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from smsbot.core.lanes import CONSENT, urgency
from smsbot.core.message import Key, Outgoing
from smsbot.core.status import RANK, Status

from .rules import Kept

COLUMNS = (
    "seq", "id", "line", "number", "account", "lane", "parts", "due", "status", "rank", "phase", "scheduled",
    "attempts", "detail", "resends", "absences", "passed", "cost", "cost_day", "text", "created", "expires", "event",
    "flash", "media", "ref",
)  # fmt: skip
"""The columns of a text, in the order in which one is made of them."""
_QUEUED, _SENDING = Status.QUEUED.value, Status.SENDING.value


class Text:
    """A row of `outgoing`: a text that is owed, and where it stands; made of its `COLUMNS`.

    Its phase: ``queue`` (due at its time), ``behind`` (another of its conversation goes first), ``held`` (by a pause),
    ``attempt`` (being sent), ``check`` (unknown, to be looked up), None (nothing is to be done).
    """

    __slots__ = (
        "_outgoing", "_said", "absences", "account", "attempts", "cost", "cost_day", "counted", "detail", "due", "id",
        "key", "lane", "passed", "phase", "rank", "resends", "scheduled", "segments", "seq", "status",
    )  # fmt: skip
    attempts: int
    phase: str | None

    def __init__(self, columns: Sequence[Any]) -> None:
        (
            self.seq, self.id, line, number, self.account, self.lane, self.segments, self.due, self.status, self.rank,
            self.phase, scheduled, self.attempts, self.detail, self.resends, self.absences, passed, self.cost,
            self.cost_day, *self._said,
        ) = columns  # fmt: skip
        self.counted = self.cost
        self.key = Key(line, number)
        self.scheduled, self.passed = scheduled == 1, passed == 1
        self._outgoing: Outgoing | None = None

    @classmethod
    def new(cls, outgoing: Outgoing, phase: str | None, *, scheduled: bool) -> Text:
        """A text that nobody has owed before."""
        made = cls.__new__(cls)
        made._outgoing = outgoing
        made.seq = math.inf
        made.id, made.key, made.account, made.lane = outgoing.id, outgoing.key, outgoing.account, outgoing.lane
        made.segments, made.due, made.status, made.rank = outgoing.segments, outgoing.due, _QUEUED, 0
        made.phase, made.scheduled, made.attempts, made.detail = phase, scheduled, 0, ""
        made.resends, made.absences, made.passed = 0, 0, False
        made.cost, made.counted, made.cost_day = 0, 0, ""
        return made

    @property
    def outgoing(self) -> Outgoing:
        """The text as it is sent."""
        if self._outgoing is None:
            text, created, expires, event, flash, media, ref = self._said
            self._outgoing = Outgoing(
                self.id, self.key, self.account, text, self.segments, created,
                due=self.due, expires=expires, event=event, lane=self.lane, flash=flash == 1, media=media, ref=ref,
            )  # fmt: skip
        return self._outgoing

    @property
    def event(self) -> bytes:
        """What set it off."""
        return self.outgoing.event

    @property
    def occupies(self) -> bool:
        """Whether others of its conversation wait for it, or it for them."""
        return self.phase == "behind" or self.ahead

    @property
    def ahead(self) -> bool:
        """Whether others of its conversation wait for it."""
        match self.phase:
            case "attempt":
                return True
            case "check":
                return not self.passed
            case "queue" | "held":
                return not self.scheduled
        return False

    def goes_before(self, other: Text) -> bool:
        """Whether another of its conversation waits for it: as urgent, or more, and not held with its account alone.

        What answers STOP and HELP waits for nothing that is kept, or put off.
        """
        if other.lane == CONSENT and self.phase in ("queue", "held"):
            return False
        if self.phase == "held" and self.account != other.account:
            return False
        return urgency(self.lane) <= urgency(other.lane)

    @property
    def waits(self) -> bool:
        """Whether it is not being sent now, but is to be sent, or looked up."""
        return self.phase in ("queue", "behind", "held", "check")

    # -- where it stands from now on ----------------------------------------------------------------

    def claim(self) -> int:
        """It is sent once more; returns the number of the attempt."""
        self.phase, self.scheduled = "attempt", False
        self.attempts += 1
        if self.rank == 0:
            self.status = _SENDING
        return self.attempts

    def resend(self) -> int:
        """It is sent once more although an attempt is unknown."""
        self.phase, self.passed, self.absences = "attempt", False, 0
        self.resends += 1
        self.attempts += 1
        return self.attempts

    def put_off(self, kept: Kept) -> None:
        """Something keeps it from leaving for now, and those behind it; for good, if it is not worth it then."""
        if kept.until >= self.outgoing.expires:
            self.close(Status.EXPIRED, f"{kept.why}; so late it is not worth sending")
            return
        later = kept.until + kept.spread
        due = later if later < self.outgoing.expires else kept.until
        self.phase, self.due, self.detail = "queue", due, kept.why

    def requeue(self, due: float, detail: str) -> None:
        """An attempt did not send it; it is due again later."""
        self.phase, self.due, self.detail = "queue", due, detail
        if self.rank == 0:
            self.status = _QUEUED

    def settle(self, status: Status, due: float, detail: str, *, unknown: bool = False) -> None:
        """An attempt has ended."""
        rank = RANK[status]
        self.phase, self.due = "check" if unknown and self.rank < RANK[Status.ACCEPTED] else None, due
        if self.rank < rank or (detail and self.rank == rank):
            self.detail = detail
        if self.rank <= rank:
            self.status, self.rank = status.value, rank

    def close(self, status: Status, detail: str) -> None:
        """Nothing more is to be done for it; it has not left, so it costs nothing."""
        self.phase, self.cost = None, 0
        if self.rank < RANK[status]:
            self.status, self.rank, self.detail = status.value, RANK[status], detail

    def rise(self, status: Status, detail: str) -> None:
        """A report moves it to a higher status, never to a lower one."""
        if self.rank < RANK[status]:
            self.stand(status, detail)

    def stand(self, status: Status, detail: str) -> None:
        """All its SMS together have come to this, which may be less than one of them."""
        self.status, self.rank, self.detail = status.value, RANK[status], detail
        if self.waits:
            self.phase = None
