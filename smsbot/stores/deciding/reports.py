"""Writes of delivery reports: a text only rises, and what came before its text was known is not lost (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from smsbot.core import codec
from smsbot.core.commit import digest
from smsbot.core.message import Event
from smsbot.core.status import Status
from smsbot.stores.base import Report

from .facts import Facts, Wants
from .inbound import take
from .outbox import promote
from .text import Text
from .unit import LATER, Searching


def reference_name(account: str, reference: str) -> str:
    """The name of a provider's id: a report of its text and whoever learns the id must not pass each other."""
    return f"{account} {reference}"


class Reported(Searching):
    """A delivery report."""

    apart = ""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.names = (reference_name(report.receipt.account, report.receipt.reference),)

    def found(self, facts: Facts) -> tuple[str, ...]:
        """The number of its text, if that is known."""
        text = self._text(facts)
        return () if text is None else (text.key.number,)

    def want(self, wants: Wants) -> None:
        """Whether it came before, of which text it is, and what waits behind that."""
        r = self.report.receipt
        wants.reported.add((r.account, r.reference))
        wants.wakes |= self.report.wakes
        if r.outgoing:
            wants.texts.add(r.outgoing)

    def decide(self, facts: Facts) -> object:
        """Keep it, raise the status, wake the conversation if its bot listens: the event, or None; or `LATER`."""
        r = self.report.receipt
        text = self._text(facts)
        if text is not None and not facts.may(text.key):
            return LATER  # which text it is of has become known just now
        known = text.id if text is not None else ""
        part = r.part or (r.reference if (r.reference, known) in facts.parts else "")
        if (r.account, r.reference, r.raw, part) in facts.receipts:
            return None
        facts.receipts.add((r.account, r.reference, r.raw, part))
        row = (
            r.account, r.reference, r.raw, r.status or "", known, r.at, r.detail, r.code, r.operator, part, r.body,
        )  # fmt: skip
        facts.leave("receipt", row)
        if text is not None and r.price is not None:
            facts.leave("price", (r.price, r.currency, text.id))
            cost = facts.rules.price(r.price, r.currency) if text.cost_day and not part else None
            if cost is not None:
                facts.change(text).cost = cost
        if r.status is None:
            return None
        if text is None:
            facts.early[r.account, r.reference].append((r.status, r.detail, part))
            return None
        if part:
            return self._part(facts, text, part, r.status)
        stood, waited = text.rank, text.waits
        facts.change(text).rise(r.status, r.detail)
        if text.rank > stood and waited:
            promote(facts, text.key, r.at)
        wakes = r.status in self.report.wakes and r.status.rank >= stood
        return _wake(facts, text, r.status, r.at) if wakes else None

    def _part(self, facts: Facts, text: Text, part: str, told: Status) -> Event | None:
        """A report of one SMS of a long text: all of them together end as the worst."""
        r, status = self.report.receipt, _with_part(facts, text, part, told)
        if status is None:
            return None
        waited = text.waits
        facts.change(text).stand(status, r.detail)
        if waited:
            promote(facts, text.key, r.at)
        return _wake(facts, text, status, r.at) if status in self.report.wakes else None

    def _text(self, facts: Facts) -> Text | None:
        """The text that it is of: our ids can be guessed and mixed up, so one of its own account, that was sent."""
        r = self.report.receipt
        text = facts.texts.get(r.outgoing or facts.named.get((r.account, r.reference), ""))
        if text is None or text.account != r.account or not text.attempts:
            return None
        never_left = text.rank == 0 and text.phase in ("queue", "behind", "held")  # each attempt was refused for now
        return None if never_left else text


def worst_of(told: Sequence[tuple[str, Status]], segments: int) -> Status | None:
    """The status of a text of so many SMS, by the reports of single ones; None while nothing is known."""
    best: dict[str, Status] = {}
    for part, status in told:
        best[part] = max(best.get(part, status), status, key=lambda s: s.rank)
    failed = [s for s in best.values() if s.final and s is not Status.DELIVERED]
    if failed:
        return failed[0]
    if best and len(best) >= segments:
        return min(best.values(), key=lambda s: s.rank)
    return Status.SENT if any(s.rank >= Status.SENT.rank for s in best.values()) else None


def _with_part(facts: Facts, text: Text, part: str, status: Status) -> Status | None:
    """What all SMS of a text have come to with one more report; None where the text stays as it stands.

    Reports of single SMS may lower only what others of their kind have said: a report of the whole text stands.
    """
    told = facts.told[text.id]
    before = worst_of(told, text.segments)
    told.append((part, status))
    found = worst_of(told, text.segments)
    if found is None or found.value == text.status:
        return None
    by_parts = before is not None and before.value == text.status
    return found if by_parts or found.rank > text.rank else None


def early_reports(
    facts: Facts, text: Text, references: Sequence[str], now: float, wakes: frozenset[Status]
) -> tuple[Event, ...]:  # fmt: skip
    """Reports that came before we knew the provider's ids; the events by which they wake the conversation now."""
    told: list[Status] = []
    for reference in references:
        own = reference if len(references) > 1 else ""  # one id for each SMS
        for status, detail, part in facts.early[text.account, reference]:
            if not (part or own):
                text.rise(status, detail)
                told.append(status)
            elif (found := _with_part(facts, text, part or own, status)) is not None:
                text.stand(found, detail)
                told.append(found)
        if facts.early[text.account, reference]:
            facts.leave("report_found", (text.id, own, text.account, reference))
    told = [status for status in told if status in wakes and status.rank >= text.rank]
    woken = [_wake(facts, text, status, now) for status in told]
    return tuple(event for event in woken if event is not None)


def wake_of(text_id: str, status: Status) -> bytes:
    """The id of the event by which a report wakes a conversation."""
    return digest("delivery", text_id, status.value)


def _wake(facts: Facts, text: Text, status: Status, at: float) -> Event | None:
    """The event of a report for the conversation, if its turn is taken here.

    None if this status woke it before, if the person was erased, or if another process has the conversation.
    """
    identity = wake_of(text.id, status)
    if identity in facts.seen or not text.key.number:
        return None
    facts.seen[identity] = at
    facts.leave("seen", (identity, at))
    told = {"status": status.value, "outgoing": text.id, "text": text.outgoing.text, "ref": text.outgoing.ref}
    data = codec.dumps(told)
    event = Event(identity, text.key, "delivery", "", at, data=data)
    ours = facts.attends(text.key)
    kept = replace(event, seq=take(facts, event, 0, ""))
    return kept if ours else None
