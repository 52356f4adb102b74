"""Flows inside a turn: the stack of frames, pushed by `call` and popped at an end; actions are yielded (pure)."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from smsbot.core.answers import Answer, Reading
from smsbot.core.conversation import Conversation, Frame
from smsbot.core.errors import FlowError, FlowsWrong
from smsbot.core.said import without_filler
from smsbot.core.words import tokens
from smsbot.flows import engine
from smsbot.flows.library import Library, restore
from smsbot.flows.state import (
    Act,
    Begin,
    Descend,
    Done,
    Input,
    Person,
    Progress,
    Result,
    Said,
    State,
    Waiting,
    load_state,
)
from smsbot.flows.steps import Flow
from smsbot.routing.chat import Effects

FLOW = "flow"
"""The kind of frames that flows stand on."""
_DEEPEST = 8
_MOST_RESUMES = 100


@dataclass(slots=True)
class Shelf:
    """The flows of a bot: today's, and those of runs that began on older ones (C8)."""

    current: Library = field(default_factory=Library)
    older: dict[str, Library | str] = field(default_factory=dict)
    """By hash: compiled, or as stored until somebody needs them."""
    forward: bool = False
    """Whether a run moves to today's flows where its open step still fits (in `smsbot dev`)."""

    def of(self, content: str) -> Library:
        """The flows that a run began on."""
        if content == self.current.hash:
            return self.current
        found = self.older.get(content)
        if isinstance(found, str):
            try:
                found = self.older[content] = restore(found)
            except FlowsWrong:
                found = self.older[content] = Library()
        if found is None or not found.flows:
            raise FlowError("the flows that this run began on cannot be read any more")
        return found


def _prompt(state: State) -> str:
    """What is asked again after a digression: only an open question."""
    return state.prompt if state.phase == "ask" else ""


@dataclass(slots=True)
class Level:
    """One flow of the stack, and where it stands."""

    flow: Flow
    state: State


@dataclass(slots=True)
class Stack:
    """The flows of a run, the lowest first."""

    library: Library
    levels: list[Level] = field(default_factory=list)

    @property
    def top(self) -> Level:
        """The flow that the next answer goes to."""
        return self.levels[-1]

    @property
    def asks(self) -> bool:
        """Whether a question is open."""
        return self.top.state.phase == "ask"

    def freeze(self, deadline: float | None) -> tuple[Frame, ...]:
        """The frames as they are stored."""
        frames = tuple(Frame(FLOW, x.flow.name, x.state.step, x.state.dump(), _prompt(x.state)) for x in self.levels)
        return (*frames[:-1], replace(frames[-1], deadline=deadline))


def thaw(shelf: Shelf, frames: Sequence[Frame], content: str) -> Stack:
    """The stack of stored frames, on the flows that the run began on, or on today's where they fit."""
    states = [load_state(f.state, f.data, f.prompt) for f in frames]
    names = [f.name for f in frames]
    if shelf.forward and content != shelf.current.hash:
        moved = _moved(shelf, names, states, content)
        if moved is not None:
            return moved
    library = shelf.of(content)
    return Stack(library, [Level(library.flow(n), s) for n, s in zip(names, states, strict=True)])


def _moved(shelf: Shelf, names: Sequence[str], states: Sequence[State], content: str) -> Stack | None:
    new = shelf.current
    try:
        old = shelf.of(content)
    except FlowError:
        return None
    for name, state in zip(names, states, strict=True):
        if name not in new.flows or name not in old.flows or not engine.fits(old.flows[name], new.flows[name], state):
            return None
    return Stack(new, [Level(new.flows[n], s) for n, s in zip(names, states, strict=True)])


@dataclass(slots=True)
class Wake:
    """What an event does to flows: which stack it wakes, and with what."""

    stack: Stack
    given: Input
    fresh: bool = False
    """Whether a new run begins; an open one ends ``switched``."""
    started_by: str = ""


def begin(shelf: Shelf, name: str, values: Mapping[str, Any], started_by: str, language: str = "") -> Wake:
    """The start of a flow as a new run."""
    flow = shelf.current.flow(name)
    return Wake(Stack(shelf.current, [Level(flow, State())]), Begin(values, language), True, started_by)


def pin(wake: Wake, shelf: Shelf, content: str) -> Wake:
    """The same on the content that the turn began with, before it was cut short."""
    if content == wake.stack.library.hash:
        return wake
    library = shelf.of(content)
    levels = [Level(library.flow(x.flow.name), x.state) for x in wake.stack.levels]
    return replace(wake, stack=Stack(library, levels))


def play(wake: Wake, person: Person, now: float, effects: Effects) -> Generator[Act, Any, str]:
    """Run the stack until it waits or ends; yields the actions it needs, is sent their results.

    What it decides lands in `effects`; returns why, as a plain sentence.
    """
    stack, given = wake.stack, wake.given
    why = ""
    for _ in range(_MOST_RESUMES):
        level = stack.top
        progress = engine.resume(level.flow, level.state, given, person, now)
        person = _collect(progress, level, person, stack, effects)
        why = why or progress.why
        match progress.outcome:
            case Waiting(deadline):
                effects.frames = stack.freeze(deadline)
                return why
            case Act() as act:
                returned = yield act
                given = Result(plain(returned))
            case Descend(name, values):
                if len(stack.levels) >= _DEEPEST:
                    raise FlowError(f"flows call each other {_DEEPEST} deep, the last {level.flow.name}")
                stack.levels.append(Level(stack.library.flow(name), State(questions=level.state.questions)))
                given = Begin(values)
            case Done(label, value, lost):
                stack.levels.pop()
                if lost or not stack.levels:
                    effects.end = label
                    return why
                effects.late = None  # the caller goes on, so nothing waits for that answer any more
                stack.top.state.questions = level.state.questions
                given = Result(value, label)
    raise FlowError(f"the flow {stack.top.flow.name} went round {_MOST_RESUMES} times without waiting")


def _collect(progress: Progress, level: Level, person: Person, stack: Stack, effects: Effects) -> Person:
    """What one resumption said, visited and changed."""
    effects.texts += progress.said
    effects.visits += [f"{level.flow.name}.{step}" for step in progress.visits]
    effects.handoffs += progress.handoffs
    effects.took |= progress.took
    effects.join |= level.flow.join
    effects.contact |= progress.contact
    if progress.late is not None:
        state, until = progress.late
        asked = Stack(stack.library, [*stack.levels[:-1], Level(level.flow, state)])
        effects.late = (asked.freeze(None), stack.library.hash, until)
    return replace(person, contact={**person.contact, **progress.contact}) if progress.contact else person


def plain(value: Any) -> Any:
    """What an action returned, as data: dataclasses become maps, tuples lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


# -- what a text is to flows --------------------------------------------------------------------------


def heard(stack: Stack, text: str, person: Person) -> Reading:
    """What a text is to the open question."""
    return engine.reading_of(stack.top.flow, stack.top.state, text, person)


def settles(stack: Stack) -> bool:
    """Whether any text may be a fragment of the answer that is waited for."""
    step = stack.top.flow.steps.get(stack.top.state.step)
    return step is not None and step.ask is not None and step.ask.settle > 0 and step.ask.question.free


def switchable(stack: Stack) -> bool:
    """Whether another start word may leave the open question."""
    step = stack.top.flow.steps.get(stack.top.state.step)
    return step is None or step.ask is None or (step.ask.interrupt and not step.ask.question.free)


def aside(flows: Sequence[Flow], text: str, person: Person) -> tuple[str, tuple[str, ...]] | None:
    """What flows answer to a text anywhere: the word, and the texts; the first flow that has it."""
    found = without_filler(tokens(text))
    for flow in flows:
        for pattern, texts in flow.anywhere:
            if pattern.match(text, found) is not None:
                with suppress(FlowError):  # a text that cannot be computed is no answer
                    return pattern.source, engine.render(flow, texts, person)
    return None


def late_of(conversation: Conversation, shelf: Shelf, text: str, person: Person) -> Wake | None:
    """The timed-out question that a text answers after all."""
    late = conversation.late
    if late is None or late.until <= person.now:
        return None
    try:
        stack = thaw(shelf, late.frames, late.content)
    except FlowError:
        return None
    answer = engine.reading_of(stack.top.flow, stack.top.state, text, person)
    if not isinstance(answer, Answer):
        return None
    return Wake(stack, Said(text, answer), True, f"late answer to {stack.top.flow.name}.{stack.top.state.step}")
