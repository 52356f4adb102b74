"""The order in which texts of one conversation leave: one after the other, and which of them may leave now (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smsbot.core.lanes import BULK, CONSENT, PRIORITY, UNASKED
from smsbot.core.message import Claim, Key, Outgoing
from smsbot.core.status import Status

from .codes import coded, lasting
from .facts import Facts
from .rules import CONTACT, NOBODY, Kept
from .text import Text


def enqueue(facts: Facts, texts: Iterable[Outgoing], *, refused: str = "") -> tuple[Claim, ...]:
    """Keep the texts; the first that is due now and has none before it gets its attempt.

    `refused` says why none may leave; what answers STOP and HELP does all the same.
    """
    return tuple(claim for text in texts if (claim := _enqueue(facts, text, refused)) is not None)


def _enqueue(facts: Facts, outgoing: Outgoing, refused: str) -> Claim | None:
    if outgoing.id in facts.texts:  # said before the turn was run again
        return None
    wanted = outgoing.code
    if wanted is not None:
        outgoing = lasting(facts, outgoing, wanted)
    later = outgoing.due > outgoing.created
    text = _keep(facts, Text.new(outgoing, None, scheduled=later))
    why = _blocked(facts, outgoing) or (refused if outgoing.lane != CONSENT else "")
    if not why and wanted is not None:
        why = coded(facts, outgoing, wanted)
    if why:
        text.close(Status.BLOCKED, why)
        return None
    kept = quiet(facts, text, outgoing.due) or (None if later else reserve(facts, text, outgoing.created))
    if kept is not None:
        text.put_off(kept)
        if text.phase == "queue" and not text.scheduled and facts.occupied(text):
            text.phase = "behind"  # it is asked again when its turn comes; until then it goes before none
        return None
    return _begun(facts, text, outgoing.created)


def _begun(facts: Facts, text: Text, now: float) -> Claim | None:
    """Its attempt, if the text may leave now; else it waits for its time or its turn, or a pause keeps it."""
    paused = facts.pauses.holds(text)
    text.scheduled = text.scheduled or (paused and facts.pauses.skips(text))  # it holds nothing back
    first = text.scheduled or not facts.occupied(text)
    if not first:
        text.phase = "behind"
    elif paused:
        text.phase = "held"
    elif text.scheduled or _queues(facts, text):
        text.phase = "queue"
    else:
        return _attempt(facts, text, text.claim(), now)
    return None


def quiet(facts: Facts, text: Text, moment: float) -> Kept | None:
    """The quiet hours that keep a text from leaving at a moment; what answers somebody, and codes, have none."""
    if text.lane not in UNASKED or not facts.rules.has_quiet(text.key.line, text.lane):
        return None
    return facts.rules.quiet(text, facts.people.get(text.key.number, NOBODY), moment)


def reserve(facts: Facts, text: Text, moment: float) -> Kept | None:
    """Count what a text costs at the worst; the cap that keeps it from leaving, if it would be exceeded."""
    day = facts.rules.day(moment)
    if text.cost and (text.cost_day == day or text.attempts):
        return None
    facts.give_back(text)  # what it reserved on a day on which it did not leave
    cost = facts.rules.cost(text)
    if not cost:
        return None
    spent = facts.spent[day]
    if (kept := facts.rules.over(text, cost, spent, moment)) is not None:
        return kept
    for counted in (*facts.rules.counted(text), (CONTACT, text.key.number)):
        spent[counted] = spent.get(counted, 0) + cost
    text.cost, text.cost_day = cost, day
    return None


def _queues(facts: Facts, text: Text) -> bool:
    """Whether a text waits for its turn on its line: there may be many of its kind, or another process sends it."""
    at_once = (CONSENT, PRIORITY) if facts.leads else (CONSENT,)
    return text.lane == BULK or (text.lane not in at_once and facts.rules.paced(text.key.line))


def _keep(facts: Facts, text: Text) -> Text:
    facts.texts[text.id] = facts.fresh[text.id] = text
    facts.threads[text.key].append(text)
    return text


def _blocked(facts: Facts, text: Outgoing) -> str:
    """Why a text is never sent; empty if it may be."""
    if text.lane != CONSENT and text.key.number in facts.opted_out:
        return "the number has opted out"
    if text.lane != CONSENT and (why := facts.rules.refuses(text.key.line, text.key.number)):
        return why
    if text.lane in UNASKED:
        return facts.with_desk.get(text.key.number, "")
    return ""


def _attempt(facts: Facts, text: Text, n: int, now: float) -> Claim:
    facts.leave("attempt", (text.id, n, now))
    return Claim(text.outgoing, n)


def claim(facts: Facts, text: Text, now: float) -> Claim | None:
    """Give a queued text its attempt, unless it is too old, its number opted out, or quiet hours or a pause keep it."""
    facts.change(text)
    if text.outgoing.expires <= now:
        text.close(Status.EXPIRED, "not sent in time")
    elif text.lane != CONSENT and text.key.number in facts.opted_out:
        text.close(Status.BLOCKED, "the number opted out")
    elif (kept := quiet(facts, text, now) or reserve(facts, text, now)) is not None:
        text.put_off(kept)
    elif facts.pauses.holds(text):
        text.phase, text.scheduled = "held", text.scheduled or facts.pauses.skips(text)
    else:
        return _attempt(facts, text, text.claim(), now)
    return None


def probe(facts: Facts, text: Text, now: float) -> Claim | None:
    """Give a text its attempt, although a pause keeps it; quiet hours and caps keep it all the same."""
    facts.change(text)
    if (kept := quiet(facts, text, now) or reserve(facts, text, now)) is not None:
        text.put_off(kept)
        return None
    return _attempt(facts, text, text.claim(), now)


def resend(facts: Facts, text: Text, now: float) -> Claim:
    """Give an unknown text one more attempt."""
    return _attempt(facts, facts.change(text), text.resend(), now)


def next_text(facts: Facts, key: Key, now: float) -> tuple[Claim, ...]:
    """Claim what waited behind a text that has just ended: of each lane the first, if nothing more urgent is ahead."""
    claims: list[Claim] = []
    for text in _freed(facts, key):
        if _queues(facts, text):
            facts.change(text)
            text.phase, text.due = "queue", now
        elif (claimed := claim(facts, text, now)) is not None:
            claims.append(claimed)
    return tuple(claims)


def promote(facts: Facts, key: Key, now: float) -> None:
    """Queue the first of those that waited behind a text which no longer has to be sent."""
    for text in _freed(facts, key):
        facts.change(text)
        text.phase, text.due = "queue", now


def _freed(facts: Facts, key: Key) -> Iterator[Text]:
    """Texts that wait behind nothing any more; whoever takes one says where it stands from now on."""
    thread = facts.threads.get(key, [])
    for text in [t for t in thread if t.phase == "behind"]:
        if not any(t.ahead and t.goes_before(text) for t in thread):
            yield text
