"""What the desk wants to know of a person beside their texts: consent, the run they are in, who else has trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsbot.core import codec
from smsbot.core.message import Key
from smsbot.core.structs import struct
from smsbot.stores.base import Reads, Row

from .shares import ARRIVED, LOST, Share, usual
from .words import N_, Words

_HOUR = 3600.0


@struct
class Consent:
    """Whether we may text somebody, since when, and by which text of theirs."""

    allowed: bool
    since: float | None = None
    text: str = ""
    """Their own words; empty where they never said anything about it."""
    shown: str = ""
    """What they were answered."""


@struct
class Person:
    """Somebody, as far as we know them."""

    number: str
    consent: Consent
    name: str = ""
    first_seen: float | None = None
    last_text: str = ""
    last_at: float | None = None
    ledger: tuple[Row, ...] = ()
    """All that they, or somebody for them, ever decided about texts; the latest first."""
    notes: tuple[Row, ...] = ()
    """What colleagues noted, the newest first."""
    waits_for: str = ""
    """The desk that has been asked to look after them."""


class People:
    """Reads of one person, each by an index."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def person(self, number: str) -> Person:
        """Somebody by their number."""
        first = await self._reads.rows("first_seen", number=number)
        last = await self._reads.rows("last_in", number=number)
        handoffs = await self._reads.rows("handoff_of", number=number)
        names = await self._reads.rows("contact_name", number=number)
        return Person(
            number,
            await self._consent(number),
            name=_plain(names[0]["value"]) if names else "",
            first_seen=first[0]["at"] if first else None,
            last_text=last[0]["text"] if last else "",
            last_at=last[0]["at"] if last else None,
            ledger=tuple(await self._reads.rows("ledger", number=number)),
            notes=tuple(await self._reads.rows("notes", number=number)),
            waits_for=handoffs[0]["desk"] if handoffs else "",
        )

    async def _consent(self, number: str) -> Consent:
        stops = await self._reads.rows("suppressed", number=number)
        said = await self._reads.rows("consents", number=number)
        last = said[-1] if said else None
        if last is None:
            return Consent(not stops, stops[0]["at"] if stops else None)
        return Consent(not stops, stops[0]["at"] if stops else last["at"], last["text"], last["shown"])

    async def others(self, row: Row, now: float, words: Words) -> Sequence[Share]:
        """Whether it is only this one: texts of its operator, its line and its kind in the last hour."""
        lately = await self._reads.rows("lately", since=now - _HOUR)
        operators = await self._reads.rows("receipts", id=row["id"])
        operator = next((r["operator"] for r in operators if r["operator"]), "")
        kind = row["kind"] or row["lane"]
        groups: list[tuple[str, list[Row]]] = [
            (words._("Line %(name)s", name=row["line"]), [t for t in lately if t["line"] == row["line"]])
        ]
        groups.append((words.raw(KINDS.get(kind, str(kind))), [t for t in lately if (t["kind"] or t["lane"]) == kind]))
        if operator:
            groups.insert(0, (operator, [t for t in lately if t["operator"] == operator]))
        return [_share(name, texts) for name, texts in groups]


def _plain(stored: str) -> str:
    """A stored field of a contact as people read it."""
    value = codec.loads(stored)
    return value if isinstance(value, str) else ""


KINDS: Mapping[str, str] = {
    "code": N_("Codes"),
    "reply": N_("Replies"),
    "notice": N_("Notices"),
    "bulk": N_("Bulk"),
    "consent": N_("About consent"),
    "desk": N_("By hand"),
}
"""The kinds of texts, as people read them."""


def _share(name: str, texts: Sequence[Row]) -> Share:
    arrived, lost = (sum(t["status"] in some for t in texts) for some in ((ARRIVED,), LOST))
    return Share(name, len(texts), arrived, lost, usual(texts))


def conversations(rows: Sequence[Row]) -> list[Key]:
    """The conversations that a thread is of, the newest first."""
    return list(dict.fromkeys(Key(r["line"], r["number"]) for r in rows))
