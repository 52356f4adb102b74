"""Writes of what goes out: ends of attempts, claims and look-ups (pure)."""

from __future__ import annotations

from smsbot.core.message import Claim, Event, Key, Outgoing
from smsbot.core.status import RANK, Status
from smsbot.stores.base import Checked, LookupOutcome, SendOutcome, Settlement

from .facts import Due, Facts, Wants
from .outbox import claim, next_text, probe, promote, resend
from .reports import early_reports, reference_name
from .unit import ALONE, Searching

_STATUS = {
    SendOutcome.ACCEPTED: Status.ACCEPTED,
    SendOutcome.REFUSED: Status.FAILED,
    SendOutcome.UNKNOWN: Status.UNKNOWN,
}
Ended = tuple[tuple[Claim, ...], tuple[Event, ...]]
"""The texts that go on now, and the events of reports that had come before their text was known."""


class Settle:
    """The end of an attempt, and the claim of the text that waited behind it."""

    apart = ""

    def __init__(self, end: Settlement, wakes: frozenset[Status]) -> None:
        self.end = end
        self.wakes = wakes
        self._references = tuple(dict.fromkeys((end.reference, *end.parts)))
        """The provider's ids, each once."""
        text = end.claim.outgoing
        self.names = (text.key.number, *(reference_name(text.account, r) for r in self._references if r))

    def want(self, wants: Wants) -> None:
        """Where the text stands, what waits behind it, and what was reported before."""
        end, text = self.end, self.end.claim.outgoing
        wants.texts.add(text.id)
        wants.threads.add(text.key)
        wants.moments.add(end.now)
        if end.reference:
            wants.given.update((text.account, reference) for reference in self._references)
            wants.wakes |= self.wakes

    def decide(self, facts: Facts) -> Ended:
        """Write the outcome; hand out the next text, and the events of reports that came before."""
        end, outgoing = self.end, self.end.claim.outgoing
        text = facts.text(outgoing.id)
        row = (
            end.now, end.fate.value, end.reference, end.detail, outgoing.id, end.claim.attempt,
        )  # fmt: skip
        facts.leave("attempt_ended", row)
        if end.fate is SendOutcome.LATER:
            if text.rank < RANK[Status.ACCEPTED]:
                text.requeue(end.again, end.detail)
                return (), ()
            text.phase = None  # a report says meanwhile that an earlier attempt arrived
            return next_text(facts, outgoing.key, end.now), ()
        unknown = end.fate is SendOutcome.UNKNOWN
        text.settle(_STATUS[end.fate], end.again if unknown else end.now, end.detail, unknown=unknown)
        if end.fate is SendOutcome.REFUSED:
            text.cost = 0
        if end.parts and len(self._references) > text.segments:  # its provider counts more SMS than we do
            text.segments = len(self._references)
            text.cost = facts.rules.cost(text) if text.cost else 0
            facts.leave("segments", (text.segments, outgoing.id))
        for reference in self._references if end.parts else ():
            facts.leave("part_reference", (reference, outgoing.id))
            facts.parts.add((reference, outgoing.id))
            facts.named[outgoing.account, reference] = outgoing.id
        if text.phase is not None:  # what follows waits, so that it cannot overtake
            return (), ()
        woken: tuple[Event, ...] = ()
        if end.reference:
            facts.named[outgoing.account, end.reference] = outgoing.id
            woken = early_reports(facts, text, self._references, end.now, self.wakes)
        return next_text(facts, outgoing.key, end.now), woken


class ClaimDue(Searching):
    """Claims of texts whose time has come."""

    apart = ALONE
    """What it searches for, others of its batch may have made or taken."""
    names = ()
    choosy = True

    def __init__(self, due: Due) -> None:
        self.due = due

    def found(self, facts: Facts) -> set[str]:
        """The numbers of those that are due."""
        return {text.key.number for text in facts.due[self.due]}

    def want(self, wants: Wants) -> None:
        """Which are due."""
        wants.due.add(self.due)
        wants.moments.add(self.due.now)

    def decide(self, facts: Facts) -> list[Claim]:
        """At most one text a conversation; the others follow as it settles."""
        now, claims = self.due.now, list[Claim]()
        for text in facts.due[self.due]:
            if text.phase != "queue" or text.due > now or not facts.may(text.key):
                continue
            if facts.overtakes(text):
                facts.change(text).phase, text.scheduled = "behind", False
                continue
            claimed = claim(facts, text, now)
            claims += (claimed,) if claimed is not None else next_text(facts, text.key, now)
        return claims


class EndCheck:
    """The end of a look-up."""

    apart = ""

    def __init__(self, end: Checked, wakes: frozenset[Status]) -> None:
        self.end = end
        self.wakes = wakes
        text = end.check.claim.outgoing
        self.names = (text.key.number, *([reference_name(text.account, end.reference)] if end.reference else ()))

    def want(self, wants: Wants) -> None:
        """Where the text stands by now, what waits behind it, and what was reported before."""
        text = self.end.check.claim.outgoing
        wants.texts.add(text.id)
        wants.conversations.add(text.key)
        wants.threads.add(text.key)
        wants.moments.add(self.end.now)
        if self.end.reference:
            wants.given.add((text.account, self.end.reference))
            wants.wakes |= self.wakes

    def decide(self, facts: Facts) -> Ended:
        """Settle, ask again later, resend or hold; what waited behind it goes on, or waits for the resend."""
        end, text = self.end, facts.texts[self.end.check.claim.outgoing.id]
        if text.phase != "check" or text.attempts != end.check.claim.attempt:
            return (), ()
        facts.change(text)
        woken: tuple[Event, ...] = ()
        match end.finding:
            case LookupOutcome.FOUND:
                text.settle(end.status, end.now, end.detail)
                if end.status in (Status.BLOCKED, Status.EXPIRED):  # its provider never had it
                    text.cost = 0
                if end.reference:
                    facts.leave("attempt_found", (end.reference, text.id, text.attempts))
                    facts.named[text.account, end.reference] = text.id
                    woken = early_reports(facts, text, (end.reference,), end.now, self.wakes)
            case LookupOutcome.ABSENT:
                text.absences, text.due = text.absences + 1, end.again
                return (), ()
            case LookupOutcome.LATER:
                text.due, text.passed = end.again, True
            case LookupOutcome.RESEND if text.lane == "consent" or text.key.number not in facts.opted_out:
                return (resend(facts, text, end.now),), ()
            case LookupOutcome.RESEND:
                text.phase, text.detail = None, "the number opted out, so it is not sent again"
            case LookupOutcome.HOLD:
                text.phase, text.detail = None, end.detail
        return next_text(facts, text.key, end.now), woken


class Close:
    """A claimed text that must not leave after all."""

    apart = ""

    def __init__(self, text: Outgoing, status: Status, detail: str, now: float) -> None:
        self.text, self.status, self.detail, self.now = text, status, detail, now
        self.names = (text.key.number,)

    def want(self, wants: Wants) -> None:
        """The text, and those that wait behind it."""
        wants.texts.add(self.text.id)
        wants.threads.add(self.text.key)
        wants.moments.add(self.now)

    def decide(self, facts: Facts) -> tuple[Claim, ...]:
        """End the text and its attempt; claim the one behind it."""
        facts.text(self.text.id).close(self.status, self.detail)
        facts.leave("attempt_closed", (self.now, self.detail, self.text.id))
        return next_text(facts, self.text.key, self.now)


class Cancel:
    """A text that somebody takes back before it has left."""

    apart = ""

    def __init__(self, text: str, key: Key, why: str, now: float) -> None:
        self.text, self.key, self.why, self.now = text, key, why, now
        self.names = (key.number,)

    def want(self, wants: Wants) -> None:
        """The text, and those that wait behind it."""
        wants.texts.add(self.text)
        wants.threads.add(self.key)

    def decide(self, facts: Facts) -> bool:
        """Keep it from leaving, unless it is leaving, or has left."""
        text = facts.texts.get(self.text)
        if text is None or text.phase not in ("queue", "behind", "held"):
            return False
        facts.change(text).close(Status.BLOCKED, self.why)
        promote(facts, self.key, self.now)
        return True


class Probe(Searching):
    """One text of a held account, to see whether it works again."""

    apart = ALONE
    """What it searches for, others of its batch may have made or taken."""
    names = ()
    choosy = True

    def __init__(self, account: str, now: float) -> None:
        self.account, self.now = account, now

    def found(self, facts: Facts) -> set[str]:
        """The numbers of the first that its hold keeps, and of those that it kept too long."""
        kept = [facts.kept[self.account]] if self.account in facts.kept else []
        return {text.key.number for text in (*kept, *facts.stale.get(self.account, ()))}

    def want(self, wants: Wants) -> None:
        """The first that its hold keeps."""
        wants.kept.add((self.account, self.now))
        wants.moments.add(self.now)

    def decide(self, facts: Facts) -> tuple[Claim, ...]:
        """Claim it, unless others of its conversation go first; end what was kept too long."""
        for stale in filter(lambda text: facts.may(text.key), facts.stale.get(self.account, ())):
            facts.change(stale).close(Status.EXPIRED, "not sent in time: its account was held")
            promote(facts, stale.key, self.now)
        text = facts.kept.get(self.account)
        if text is None or text.phase != "held" or not facts.may(text.key) or (text.scheduled and facts.occupied(text)):
            return ()
        claimed = probe(facts, text, self.now)
        return (claimed,) if claimed is not None else ()
