"""The stack of a run: flows and conversations in Python above each other, stored and taken up again (pure)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from smsbot.core.conversation import BETWEEN, Conversation, Frame
from smsbot.core.errors import FlowError, FlowsWrong
from smsbot.core.message import Key
from smsbot.core.question import Question
from smsbot.flows import engine
from smsbot.flows.flow_set import FlowSet, restore
from smsbot.flows.state import Begin, Input, Person, Said, State, load_state
from smsbot.flows.steps import Flow
from smsbot.understanding.answers import Answer, Reading
from smsbot.understanding.said import without_filler
from smsbot.understanding.words import tokens

from .python_frame import PYTHON, PythonFrame

FLOW = "flow"
"""The kind of frames that flows stand on."""
HANDLER = "handler"
"""The kind of frames that states of handlers stand on."""


@dataclass(slots=True)
class FlowVersions:
    """The flows of a bot: today's, and those of runs that began on older ones (C8)."""

    current: FlowSet = field(default_factory=FlowSet)
    older: dict[str, FlowSet | str] = field(default_factory=dict)
    """By hash: compiled, or as stored until somebody needs them."""
    forward: bool = False
    """Whether a run moves to today's flows where its open step still fits (in `smsbot dev`)."""

    def of(self, content: str) -> FlowSet:
        """The flows that a run began on."""
        if content == self.current.hash:
            return self.current
        found = self.older.get(content)
        if isinstance(found, str):
            try:
                found = self.older[content] = restore(found)
            except FlowsWrong:
                found = self.older[content] = FlowSet()
        if found is None or not found.flows:
            raise FlowError("the flows that this run began on cannot be read any more")
        return found


@dataclass(slots=True)
class FlowFrame:
    """One flow of the stack, and where it stands."""

    flow: Flow
    state: State

    @property
    def prompt(self) -> str:
        """What is asked again after a digression: only an open question."""
        return self.state.prompt if self.state.phase == "ask" else ""

    def asked_again(self, now: float) -> None:
        """The open question is asked once more, after a digression: its time begins anew."""
        self.state.asked = now

    def freeze(self) -> Frame:
        """The frame as it is stored."""
        return Frame(FLOW, self.flow.name, self.state.step, self.state.dump(), self.prompt)


@dataclass(slots=True)
class Stack:
    """The levels of a run, the lowest first."""

    flow_set: FlowSet
    levels: list[FlowFrame | PythonFrame] = field(default_factory=list)
    state: Frame | None = None
    """Below them all, the state of a handler that a digression has left."""

    @property
    def top(self) -> FlowFrame | PythonFrame:
        """What the next answer goes to."""
        return self.levels[-1]

    @property
    def asks(self) -> bool:
        """Whether a question is open."""
        top = self.top
        return top.open is not None if isinstance(top, PythonFrame) else top.state.phase == "ask"

    @property
    def question(self) -> Question | None:
        """The open question."""
        top = self.top
        if isinstance(top, PythonFrame):
            return top.open.question if top.open is not None else None
        ask = top.flow.steps[top.state.step].ask if top.state.phase == "ask" else None
        return ask.question if ask is not None else None

    @property
    def place(self) -> str:
        """Where the run stands, for people: ``pizza.size``."""
        top = self.top
        if isinstance(top, PythonFrame):
            return f"{top.title}.{top.open.name}" if top.open is not None else top.title
        return f"{top.flow.name}.{top.state.step}"

    @property
    def flows(self) -> list[Flow]:
        """The open flows, the uppermost first."""
        return [x.flow for x in reversed(self.levels) if isinstance(x, FlowFrame)]

    @property
    def goes_back(self) -> bool:
        """Whether there is a question before the open one."""
        top = self.top
        if isinstance(top, PythonFrame):
            return top.open is not None and top.open.back
        return len(top.state.trail) > 1

    @property
    def content(self) -> str:
        """The hash of the flows that it stands on; empty where there are none."""
        return self.flow_set.hash if self.flows else ""

    def freeze(self, deadline: float | None) -> tuple[Frame, ...]:
        """The frames as they are stored."""
        frames = tuple(x.freeze() for x in self.levels)
        below = (self.state,) if self.state is not None else ()
        return (*below, *frames[:-1], replace(frames[-1], deadline=deadline))

    def deadline(self) -> float | None:
        """The next moment at which the uppermost level does something by itself."""
        top = self.top
        return top.deadline if isinstance(top, PythonFrame) else engine.deadline_of(top.flow, top.state)


def thaw(versions: FlowVersions, frames: Sequence[Frame], content: str, key: Key) -> Stack:
    """The stack of stored frames, on the flows that the run began on, or on today's where they fit."""
    flows = [f for f in frames if f.kind == FLOW]
    flow_set = versions.current
    if flows and not (versions.forward and content != versions.current.hash and _fits(versions, flows, content)):
        flow_set = versions.of(content)
    state = frames[0] if frames and frames[0].kind == HANDLER else None
    levels = [
        PythonFrame.thaw(f, key) if f.kind == PYTHON
        else FlowFrame(flow_set.flow(f.name), load_state(f.state, f.data, f.prompt))
        for f in frames if f is not state
    ]  # fmt: skip
    return Stack(flow_set, levels, state)


def _fits(versions: FlowVersions, frames: Sequence[Frame], content: str) -> bool:
    """Whether flows may move to today's."""
    new = versions.current
    try:
        old = versions.of(content)
    except FlowError:
        return False
    return all(
        f.name in new.flows and f.name in old.flows
        and engine.fits(old.flows[f.name], new.flows[f.name], load_state(f.state, f.data, f.prompt))
        for f in frames
    )  # fmt: skip


@dataclass(slots=True)
class Resume:
    """What an event does to a stack: which it wakes, and with what."""

    stack: Stack
    given: Input
    fresh: bool = False
    """Whether a new run begins; an open one ends ``switched``."""
    started_by: str = ""


def begin(versions: FlowVersions, name: str, values: Mapping[str, Any], started_by: str, language: str = "") -> Resume:
    """The start of a flow as a new run."""
    flow = versions.current.flow(name)
    return Resume(Stack(versions.current, [FlowFrame(flow, State())]), Begin(values, language), True, started_by)


def pin(wake: Resume, versions: FlowVersions, content: str) -> Resume:
    """The same on the content that the turn began with, before it was cut short."""
    if content == wake.stack.flow_set.hash:
        return wake
    flow_set = versions.of(content)
    levels = [
        x if isinstance(x, PythonFrame) else FlowFrame(flow_set.flow(x.flow.name), x.state) for x in wake.stack.levels
    ]
    return replace(wake, stack=Stack(flow_set, levels, wake.stack.state))


def plain(value: Any) -> Any:
    """What an action returned, as data: dataclasses become maps, tuples lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def prompts(prompt: str) -> list[str]:
    """The texts of a prompt."""
    return prompt.split(BETWEEN) if prompt else []


# -- what a text is to the open question --------------------------------------------------------------


def heard(stack: Stack, text: str, person: Person) -> Reading:
    """What a text is to the open question."""
    top = stack.top
    if isinstance(top, PythonFrame):
        return top.open.read(text, person) if top.open is not None else None
    return engine.reading_of(top.flow, top.state, text, person)


def settles(stack: Stack) -> bool:
    """Whether any text may be a fragment of the answer that is waited for."""
    top = stack.top
    if isinstance(top, PythonFrame):
        return top.open is not None and top.open.terms.settle > 0 and top.open.question.free
    step = top.flow.steps.get(top.state.step)
    return step is not None and step.ask is not None and step.ask.settle > 0 and step.ask.question.free


def switchable(stack: Stack) -> bool:
    """Whether another start word may leave the open question."""
    top = stack.top
    if isinstance(top, PythonFrame):
        return top.open is None or (top.open.terms.interrupt and not top.open.question.free)
    step = top.flow.steps.get(top.state.step)
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


def late_of(conversation: Conversation, versions: FlowVersions, text: str, person: Person) -> Resume | None:
    """The timed-out question that a text answers after all."""
    late = conversation.late
    if late is None or late.until <= person.now:
        return None
    try:
        stack = thaw(versions, late.frames, late.content, conversation.key)
    except FlowError:
        return None
    answer = heard(stack, text, person)
    if not isinstance(answer, Answer):
        return None
    return Resume(stack, Said(text, answer), True, f"late answer to {stack.place}")
