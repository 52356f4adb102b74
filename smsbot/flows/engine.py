"""The engine of flows: ``resume(state, input) → state, what is said, what is waited for``. Pure.

It is given the time and the person as values and keeps nothing; what a frame needs later is in its `State`,
which is stored as JSON. An action is asked for, not called; the caller resumes with its result.
"""

from __future__ import annotations

from smsbot.core.errors import FlowError
from smsbot.understanding.answers import Reading

from .state import Input, Person, Progress, State
from .steps import Flow, Texts
from .walk import Walk


def resume(flow: Flow, state: State, given: Input, person: Person, now: float) -> Progress:
    """Go on from where a frame stands. `now` is when deadlines count from; raises `FlowError`."""
    walk = Walk(flow, state, person, now)
    try:
        return walk.run(given)
    except FlowError as error:
        step = flow.steps.get(state.step)
        where = f"{flow.path}:{step.line}" if step is not None else flow.path
        raise FlowError(f"{error.args[0]} ({flow.name}.{state.step}, {where})") from None


def reading_of(flow: Flow, state: State, text: str, person: Person) -> Reading:
    """Read a text as an answer to the open question, its check included."""
    walk = Walk(flow, state, person, person.now)
    step = walk.step(state.step)
    return walk.understand(step.ask, text) if step.ask is not None and state.phase == "ask" else None


def render(flow: Flow, texts: Texts, person: Person) -> tuple[str, ...]:
    """The texts that a flow says outside of its steps, in the person's language."""
    walk = Walk(flow, State(), person, person.now)
    walk.say(texts)
    return tuple(walk.progress.said)


def fits(old: Flow, new: Flow, state: State) -> bool:
    """Whether a frame of an older flow can go on in an edited one: its step is there and waits for the same."""
    before, after = old.steps.get(state.step), new.steps.get(state.step)
    if before is None or after is None:
        return False
    match state.phase:
        case "ask":
            return (
                before.ask is not None and after.ask is not None
                and (before.ask.name, before.ask.question.kind) == (after.ask.name, after.ask.question.kind)
            )  # fmt: skip
        case "call":
            return before.call == after.call
        case "wait":
            return after.rests
        case "do":
            return before.do is not None and after.do is not None and before.do.name == after.do.name
    return True
