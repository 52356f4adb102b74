"""The order in which texts of one conversation leave: one after the other, and which of them may leave now (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from smsbot.core.message import Claim, Key, Outgoing
from smsbot.core.status import Status

from .facts import Facts, Text


def enqueue(facts: Facts, texts: Iterable[Outgoing], *, refused: str = "") -> tuple[Claim, ...]:
    """Keep the texts; the first that is due now and has none before it gets its attempt.

    `refused` says why none may leave; what answers STOP and HELP does all the same.
    """
    return tuple(claim for text in texts if (claim := _enqueue(facts, text, refused)) is not None)


def _enqueue(facts: Facts, outgoing: Outgoing, refused: str) -> Claim | None:
    if outgoing.id in facts.texts:  # said before the turn was run again
        return None
    key, pauses = outgoing.key, facts.pauses
    later = outgoing.due > outgoing.created
    why = _blocked(facts, outgoing) or (refused if outgoing.lane != "consent" else "")
    if why:
        _keep(facts, Text.new(outgoing, None, scheduled=later)).close(Status.BLOCKED, why)
        return None
    paused = pauses.holds(outgoing)
    scheduled = later or (paused and pauses.skips(outgoing))  # it holds nothing back
    first = scheduled or not facts.occupied(key)
    held = first and paused
    phase = "held" if held else "queue" if scheduled else "behind"
    text = _keep(facts, Text.new(outgoing, phase, scheduled=scheduled))
    return _attempt(facts, text, text.claim(), outgoing.created) if first and not held and not scheduled else None


def _keep(facts: Facts, text: Text) -> Text:
    facts.texts[text.id] = facts.fresh[text.id] = text
    facts.threads[text.key].append(text)
    return text


def _blocked(facts: Facts, text: Outgoing) -> str:
    """Why a text is never sent; empty if it may be."""
    if text.lane != "consent" and text.key.number in facts.opted_out:
        return "the number has opted out"
    if text.lane in ("notice", "bulk"):
        return facts.with_desk.get(text.key.number, "")
    return ""


def _attempt(facts: Facts, text: Text, n: int, now: float) -> Claim:
    facts.leave("attempt", (text.id, n, now))
    return Claim(text.outgoing, n)


def claim(facts: Facts, text: Text, now: float) -> Claim | None:
    """Give a queued text its attempt, unless it is too old, its number has opted out, or a pause keeps it."""
    facts.change(text)
    if text.outgoing.expires <= now:
        text.close(Status.EXPIRED, "not sent in time")
    elif text.lane != "consent" and text.key.number in facts.opted_out:
        text.close(Status.BLOCKED, "the number opted out")
    elif facts.pauses.holds(text):
        text.phase, text.scheduled = "held", text.scheduled or facts.pauses.skips(text)
    else:
        return _attempt(facts, text, text.claim(), now)
    return None


def probe(facts: Facts, text: Text, now: float) -> Claim:
    """Give a text its attempt, although a pause keeps it."""
    return _attempt(facts, facts.change(text), text.claim(), now)


def resend(facts: Facts, text: Text, now: float) -> Claim:
    """Give an unknown text one more attempt."""
    return _attempt(facts, facts.change(text), text.resend(), now)


def next_text(facts: Facts, key: Key, now: float) -> tuple[Claim, ...]:
    """Claim the text that waited behind one that has just ended."""
    thread = facts.threads.get(key, [])
    for text in [t for t in thread if t.phase == "behind"]:
        if any(t.ahead for t in thread):
            return ()
        claimed = claim(facts, text, now)
        if claimed is not None:
            return (claimed,)
    return ()


def promote(facts: Facts, key: Key, now: float) -> None:
    """Queue the first of those that waited behind a text which no longer has to be sent."""
    thread = facts.threads.get(key, [])
    if any(t.ahead for t in thread):
        return
    for text in thread:
        if text.phase == "behind":
            facts.change(text)
            text.phase, text.due = "queue", now
            return
