"""Where a conversation stands, for people: the flow, its step and line, its variables, what is due next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

from smsbot.core import codec
from smsbot.core.conversation import Conversation, FrameKind, StoredFrame
from smsbot.core.errors import SmsbotError
from smsbot.core.message import Key
from smsbot.core.question import Question
from smsbot.flows.steps import Flow
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Line, Lines
from smsbot.turns.python_state import PythonState


@dataclass(frozen=True, slots=True)
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
    """What the open question's choices are, as somebody may text them."""
    steps: tuple[str, ...] = ()
    """Steps that it has entered, newest last."""


async def inspect(store: Store, lines: Lines, key: Key) -> View | None:
    """The newest run of a conversation; None if there was none."""
    conversation = await store.load(key)
    rows = await store.rows("last_run", line=key.line, number=key.number)
    if not rows:
        return None
    visits = await store.rows("visits_of_run", run=rows[0]["id"])
    steps = tuple(v["step"] for v in visits)
    line = lines.get(key.line)
    if conversation.run is None or conversation.run.frame is None or line is None:
        return _ended(rows[0], steps, line)
    return _open(conversation, steps, line)


def _ended(row: Row, steps: tuple[str, ...], line: Line | None) -> View:
    last = steps[-1] if steps else ""
    at = _place(line, *last.split(".", 1)) if line is not None and "." in last else ""
    return View(
        row["bot"],
        started_by=row["started_by"],
        place=last,
        step="",
        at=at,
        variables={},
        due=None,
        due_what="",
        end=row["end_label"] or "open",
        started=row["started"],
        words=(),
        steps=steps,
    )


def _open(conversation: Conversation, steps: tuple[str, ...], line: Line) -> View:
    run = conversation.run
    frame = run.frame if run is not None else None
    assert run is not None
    assert frame is not None
    variables = {k: shown(v) for k, v in _variables(frame).items() if v is not None}
    at = _place(line, frame.name, frame.state, run.content) if frame.kind == FrameKind.FLOW else ""
    name = frame.name.rpartition(".")[2] if frame.kind == FrameKind.PYTHON else frame.name
    return View(
        run.bot,
        started_by=run.started_by,
        place=name,
        step=frame.state,
        at=at,
        variables=variables,
        due=frame.deadline,
        due_what=_due(frame, line, run.content),
        end="",
        started=run.started,
        words=_words(frame, line, run.content),
        steps=steps,
    )


def _words(frame: StoredFrame, line: Line, content: str) -> tuple[str, ...]:
    """The first word of each choice of the open question."""
    if frame.kind == FrameKind.PYTHON:
        asked = PythonState.restore(frame, Key(line.number, "")).open
        return _choices(asked.question) if asked is not None else ()
    found = _flow(line, frame.name, content) if frame.kind == FrameKind.FLOW else None
    step = found.steps.get(frame.state) if found is not None else None
    if step is None or step.ask is None:
        return ()
    return _choices(step.ask.question)


def _choices(question: Question) -> tuple[str, ...]:
    if question.kind == "yes_no":
        return ("yes", "no")
    return tuple(min(words, key=len) for words in question.choices.values() if words)


def _variables(frame: StoredFrame) -> Mapping[str, Any]:
    try:
        data = codec.loads(frame.data)
    except SmsbotError:
        return {}
    found: Mapping[str, Any] = data.get("vars", {}) if frame.kind == FrameKind.FLOW else data
    if frame.kind == FrameKind.PYTHON:
        return dict(data["answers"])
    return found


def _flow(line: Line, name: str, content: str) -> Flow | None:
    try:
        flow_set = line.versions.of(content) if content else line.versions.current
    except SmsbotError:
        flow_set = line.versions.current
    return flow_set.flows.get(name)


def _place(line: Line, flow: str, step: str, content: str = "") -> str:
    found = _flow(line, flow, content)
    if found is None or step not in found.steps:
        return ""
    return f"{found.path}:{found.steps[step].line}"


def _due(frame: StoredFrame, line: Line, content: str) -> str:
    """What happens at the deadline."""
    if frame.deadline is None:
        return ""
    if frame.kind == FrameKind.PYTHON:
        return _due_in_python(PythonState.restore(frame, Key(line.number, "")))
    if frame.kind != FrameKind.FLOW:
        return "timeout"
    found = _flow(line, frame.name, content)
    ask = found.steps[frame.state].ask if found is not None and frame.state in found.steps else None
    if ask is None:
        return "goes on"
    kept = codec.loads(frame.data).get("is", {})
    if kept.get("settles"):
        return "answer is taken"
    left = ask.remind_after and not kept.get("reminded") and ask.remind_after < ask.timeout_after
    return "reminder" if left else "timeout"


def _due_in_python(state: PythonState) -> str:
    asked = state.open
    if asked is None:
        return "goes on"
    if asked.standing.settles:
        return "answer is taken"
    return "reminder" if asked.terms.remind_after and not asked.standing.reminded else "timeout"


def shown(value: Any) -> Any:
    """A value as JSON and people know it."""
    if isinstance(value, Decimal | date | time):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): shown(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [shown(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
