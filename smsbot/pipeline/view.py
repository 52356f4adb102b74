"""Where a conversation stands, for people: the flow, its step and line, its variables, what is due next."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from typing import Any

from smsbot.core import codec
from smsbot.core.conversation import Conversation, Run, StoredFrame
from smsbot.core.errors import SmsbotError
from smsbot.core.message import Key
from smsbot.core.question import Question
from smsbot.stores.base import Row, Store
from smsbot.turns.frames import Frame, restore
from smsbot.turns.lines import Line, Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A run as people see it."""

    bot: str
    started_by: str
    place: str
    """The flow or handler that holds it."""
    step: str
    """Where it stands; empty if it has ended."""
    at: str
    """``file:line`` of the step, where it is known."""
    variables: Mapping[str, Any]
    due: float | None
    due_what: str
    end: str
    """The end label; empty while it is open."""
    started: float = 0.0
    words: tuple[str, ...] = ()
    """The choices of the open question, as somebody may text them."""
    steps: tuple[str, ...] = ()
    """Steps that it has entered, newest last."""
    waits: tuple[tuple[str, float], ...] = ()
    """Runs that wait beside it: what began each, and when it goes on, seconds since 1970 UTC."""


async def inspect(store: Store, lines: Lines, key: Key) -> View | None:
    """The newest run of a conversation; None if there was none."""
    conversation = await store.load(key)
    rows = await store.rows("last_run", line=key.line, number=key.number)
    if not rows:
        return None
    run, newest, line = conversation.run, rows[0], lines.get(key.line)
    if run is not None and run.is_free and run.id != newest["id"]:
        run = None  # what ended beside it is newer
    visits = await store.rows("visits_of_run", run=newest["id"] if run is None else run.id)
    steps = tuple(v["step"] for v in visits)
    if run is None or run.frame is None or line is None:
        return replace(_ended(newest, steps, line), waits=_waits(conversation))
    beside = replace(conversation, run=None) if run.rests else conversation
    return replace(_open(conversation, run, run.frame, steps, line), waits=_waits(beside))


def _waits(conversation: Conversation) -> tuple[tuple[str, float], ...]:
    """The runs that wait beside the one that is shown: what began each, and when it goes on."""
    runs = (*conversation.resting, *((conversation.run,) if conversation.run is not None else ()))
    due = [(run.started_by, run.frame.deadline) for run in runs if run.rests and run.frame is not None]
    return tuple(sorted(((by, at) for by, at in due if at is not None), key=lambda wait: wait[1]))


def _ended(row: Row, steps: tuple[str, ...], line: Line | None) -> View:
    last = steps[-1] if steps else ""
    flow, _, step = last.partition(".")
    found = line.versions.current.flows.get(flow) if line is not None else None
    return View(
        bot=row["bot"],
        started_by=row["started_by"],
        place=last,
        step="",
        at=found.place_of(step) if found is not None else "",
        variables={},
        due=None,
        due_what="",
        end=row["end_label"] or "open",
        started=row["started"],
        steps=steps,
    )


def _open(conversation: Conversation, run: Run, stored: StoredFrame, steps: tuple[str, ...], line: Line) -> View:
    frame = _restored(conversation, run, line)
    variables = frame.variables if frame is not None else _as_stored(stored)
    return View(
        bot=run.bot,
        started_by=run.started_by,
        place=frame.title if frame is not None else stored.name,
        step=stored.state,
        at=frame.source if frame is not None else "",
        variables={k: shown(v) for k, v in variables.items() if v is not None},
        due=stored.deadline,
        due_what=(frame.due_what if frame is not None else "timeout") if stored.deadline is not None else "",
        end="",
        started=run.started,
        words=_choices(frame.question) if frame is not None and frame.question is not None else (),
        steps=steps,
    )


def _restored(conversation: Conversation, run: Run, line: Line) -> Frame | None:
    """The uppermost frame, on the flows of today where those that it began on are gone; None of a handler's state."""
    for content in (run.content, line.versions.current.hash):
        with suppress(SmsbotError):
            frames = restore(line.versions, run.frames, content, conversation.key).frames
            return frames[-1] if frames else None
    return None


def _as_stored(frame: StoredFrame) -> Mapping[str, Any]:
    try:
        data: Mapping[str, Any] = codec.loads(frame.data)
    except SmsbotError:
        return {}
    return data


def _choices(question: Question) -> tuple[str, ...]:
    """The first word of each choice."""
    if question.kind == "yes_no":
        return ("yes", "no")
    return tuple(min(words, key=len) for words in question.choices.values() if words)


def shown(value: Any) -> Any:
    """A value as JSON and people know it."""
    if isinstance(value, Decimal | date | time):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): shown(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [shown(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
