"""Reading what a verdict is judged on: one text, or all that is known of a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from statistics import median

from smsbot.core.status import Status
from smsbot.stores.base import Reads, Row

from .judging import judge
from .verdicts import Attempt, History, Owed, Pause, Told, Unanswered, Verdict
from .words import ENGLISH, Words

_WAITING = (Status.QUEUED, Status.SENDING)
_WORD = re.compile(r"[A-Za-z][A-Za-z _-]{0,29}|-?[0-9]{1,5}")
_DIGITS = 9
"""How many digits of a number are looked for in what could not be read."""


class Histories:
    """What the store knows, as a verdict wants it."""

    def __init__(self, reads: Reads, zone: tzinfo) -> None:
        self._reads = reads
        self._zone = zone

    async def of_person(self, number: str, now: float, words: Words = ENGLISH) -> Verdict:
        """The verdict on what was requested last for a number, or on what keeps it from being requested."""
        newest = await self._reads.rows("newest_out", number=number, limit=1)
        row = newest[0] if newest else None
        waits = await self._reads.rows("unanswered", number=number)
        later = [w for w in waits if row is None or w["at"] > row["created"]]
        pauses = await self._reads.rows("pauses")
        if later:
            return judge(
                History(
                    now, self._zone, unanswered=_unanswered(later[0]), pause=_pausing(pauses, later[0]["line"]),
                    words=words,
                )
            )  # fmt: skip
        return judge(await self._history(row, number, pauses, now, words))

    async def of_text(self, row: Row, now: float, words: Words = ENGLISH) -> Verdict:
        """The verdict on one text, given its row of ``outgoing``."""
        return judge(await self._history(row, row["number"], await self._reads.rows("pauses"), now, words))

    async def _history(
        self, row: Row | None, number: str, pauses: Sequence[Row], now: float, words: Words
    ) -> History:  # fmt: skip
        stops = await self._reads.rows("suppressed", number=number)
        since = stops[0]["at"] if stops else None
        if row is None:
            wrote = bool(await self._reads.rows("wrote", number=number))
            strange = await self._reads.rows("quarantined_with", digits=number[-_DIGITS:])
            return History(now, self._zone, opted_out=since, wrote=wrote, quarantined=bool(strange), words=words)
        text = await self._owed(row)
        return History(
            now, self._zone, text, opted_out=since, pause=_keeping(pauses, row) if _waits(text) else None,
            usual=await self._usual(row["account"]) if text.status in (Status.ACCEPTED, Status.SENT) else None,
            words=words,
        )  # fmt: skip

    async def _owed(self, row: Row) -> Owed:
        """One text with its attempts and reports, given its row of ``outgoing``."""
        attempts = await self._reads.rows("attempts", id=row["id"])
        receipts = await self._reads.rows("receipts", id=row["id"])
        return Owed(
            created=row["created"], due=row["due"], expires=row["expires"], status=Status(row["status"]),
            phase=row["phase"] or "", detail=row["detail"], account=row["account"], kind=row["kind"] or row["lane"],
            attempts=tuple(
                Attempt(a["n"], a["started"], a["ended"], a["outcome"] or "", a["detail"])
                for a in attempts
            ),
            reports=tuple(_told(r) for r in receipts),
        )  # fmt: skip

    async def _usual(self, account: str) -> float | None:
        """The seconds that a report of an account usually takes: the median of the last ones; None without any."""
        rows = await self._reads.rows("report_times", account=account)
        return median(max(r["took"], 0.0) for r in rows) if rows else None


def word_of(raw: str) -> str:
    """A raw status as it may be shown: with a wrong field map it could be anything, somebody's number or their text."""
    return raw if _WORD.fullmatch(raw) else "…"


def _told(row: Row) -> Told:
    status = Status(row["status"]) if row["status"] else None
    return Told(row["at"], status, word_of(row["raw"]), row["detail"], row["code"], row["operator"])


def _unanswered(row: Row) -> Unanswered:
    return Unanswered(row["at"], row["kind"], failed=row["state"] == 2, again=row["retry_at"] or 0.0)


def _waits(text: Owed) -> bool:
    return text.status in _WAITING and text.phase in ("queue", "behind", "held")


def _pausing(pauses: Sequence[Row], line: str) -> Pause | None:
    """The pause that keeps conversations of a line from going on."""
    return _first(p for p in pauses if p["scope"] == "all" or (p["scope"], p["name"]) == ("line", line))


def _keeping(pauses: Sequence[Row], row: Row) -> Pause | None:
    """The pause that keeps a text from leaving; what answers STOP is never kept."""
    if row["lane"] == "consent":
        return None
    names = {("all", ""), ("line", row["line"]), ("lane", row["lane"]), ("account", row["account"])}
    return _first(p for p in pauses if (p["scope"], p["name"]) in names)


def _first(pauses: Iterable[Row]) -> Pause | None:
    row = next(iter(pauses), None)
    return Pause(row["scope"], row["name"], row["at"], row["why"]) if row is not None else None
