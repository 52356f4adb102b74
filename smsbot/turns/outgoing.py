"""From what was said to what is owed: ids, segments, due times and lives of outgoing texts (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from smsbot.core import segments
from smsbot.core.commit import outgoing_id
from smsbot.core.lanes import PRIORITY
from smsbot.core.message import Event, Outgoing, Reply
from smsbot.core.otp import with_any

from .lines import Line

_REF = 200
"""The longest name of a text that is kept, in characters."""


def outgoing_for(
    reply: Reply, n: int, event: Event, line: Line, now: float, *, lane: str = "reply", by: str = "", ref: str = ""
) -> Outgoing:  # fmt: skip
    """The n-th text of an event. Its life counts from what it answers, so that none leaves stale (C9).

    `lane` is that of what the event sets off; a text with a code is urgent, and one that names a lane has that.
    """
    due = now if reply.due is None else max(reply.due, now)
    lane = reply.lane or (PRIORITY if reply.secret else lane)
    return Outgoing(
        id=outgoing_id(event, n),
        key=event.key,
        account=line.account_of(lane),
        text=reply.text,
        segments=segments.count(with_any(reply.text, reply.code)).segments,
        created=now,
        due=due,
        expires=(max(event.at, event.again) if reply.due is None else due) + (reply.valid or line.life(lane)),
        event=event.id,
        lane=lane,
        flash=reply.flash,
        media=reply.media,
        by=by,
        ref=(reply.ref or ref)[:_REF],
        kind="code" if reply.secret else "",
        code=reply.code,
    )


def joined(said: Sequence[Reply]) -> list[Reply]:
    """Texts that are due together as one, a line each, as long as one SMS can be."""
    found: list[Reply] = []
    for reply in said:
        last = found[-1] if found else None
        if last is not None and _together(last, reply):
            both = f"{last.text}\n{reply.text}"
            if segments.count(both).segments <= segments.MAX_PARTS:
                found[-1] = replace(last, text=both)
                continue
        found.append(reply)
    return found


def _together(one: Reply, other: Reply) -> bool:
    """Whether two texts may leave as one: due at one time, for as long, and without pictures."""
    alike = (one.due, one.valid, one.flash, one.ref, one.lane) == (
        other.due, other.valid, other.flash, other.ref, other.lane,
    )  # fmt: skip
    alike = alike and not (one.secret or other.secret)
    return alike and not (one.media or other.media)
