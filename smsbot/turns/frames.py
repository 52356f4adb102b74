"""The frames of a run above each other: flows and conversation functions, stored and taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from smsbot.core.conversation import BETWEEN, Conversation, FrameKind, Run, StoredFrame
from smsbot.core.errors import FlowError, SmsbotError
from smsbot.core.message import Key
from smsbot.core.question import Question
from smsbot.flows import engine
from smsbot.flows.flow_set import FlowSet
from smsbot.flows.state import (
    Begin,
    CallAction,
    CallFlow,
    Counted,
    Done,
    Input,
    Person,
    Said,
    State,
    Waiting,
    load_state,
)
from smsbot.flows.steps import Flow
from smsbot.understanding.answers import Answer, Reading
from smsbot.understanding.said import without_filler
from smsbot.understanding.words import tokens

from .context import Context
from .flow_frame import FlowFrame
from .flow_versions import FlowVersions
from .live import LiveCall
from .python_frame import PythonFrame


class Frame(Protocol):
    """One frame of a run, of a flow or of a conversation function."""

    @property
    def flow(self) -> Flow | None:
        """The flow that it is at; None for a function."""
        ...

    @property
    def title(self) -> str:
        """The name of its flow or function, for people."""
        ...

    @property
    def place(self) -> str:
        """Where it stands, for people: ``pizza.size``."""
        ...

    @property
    def source(self) -> str:
        """``file:line`` of the step that it stands at; empty where that is not known."""
        ...

    @property
    def variables(self) -> Mapping[str, Any]:
        """The values that it has by now, by name."""
        ...

    @property
    def due_what(self) -> str:
        """The effect of its deadline, in words for people."""
        ...

    @property
    def question(self) -> Question | None:
        """The open question."""
        ...

    @property
    def asks(self) -> bool:
        """Whether a question is open."""
        ...

    @property
    def prompt(self) -> str:
        """The text asked again after a digression."""
        ...

    @property
    def deadline(self) -> float | None:
        """The next moment at which something happens without the person."""
        ...

    @property
    def goes_back(self) -> bool:
        """Whether there is a question before the open one."""
        ...

    @property
    def settles(self) -> bool:
        """Whether any text may be a fragment of the answer that is waited for."""
        ...

    @property
    def switchable(self) -> bool:
        """Whether another start word may leave the open question."""
        ...

    @property
    def counted(self) -> Counted:
        """How many questions its run has asked, as far as they are counted."""
        ...

    @property
    def code(self) -> str:
        """The one-time code that the open question waits for; empty where it waits for none."""
        ...

    @property
    def digresses(self) -> bool:
        """Whether the question below is asked again when it ends."""
        ...

    @property
    def is_passing(self) -> bool:
        """Whether it is an action that was called in this very turn and has waited for nothing."""
        ...

    @property
    def ends_run(self) -> bool:
        """Whether its end is that of the run, if it is the lowest; a handler that asked nothing has none."""
        ...

    def on(self, flow_set: FlowSet) -> Frame:
        """The same frame on other content."""
        ...

    def read(self, text: str, person: Person) -> Reading:
        """Read a text as an answer to the open question."""
        ...

    def asked_again(self, now: float) -> None:
        """The open question is asked once more, after a digression: its time begins anew."""
        ...

    async def resume(self, given: Input, context: Context) -> Waiting | CallFlow | CallAction | Done:
        """Go on with what happened, until something is waited for or called."""
        ...

    def returned(self, done: Done, counted: Counted, context: Context) -> Input | None:
        """The input that it goes on with when the frame that it called has ended; None where it ends too."""
        ...

    def stored(self, deadline: float | None = None) -> StoredFrame:
        """The frame as it is stored; the uppermost with a deadline."""
        ...


@dataclass(slots=True)
class Stack:
    """The frames of a run, the lowest first."""

    flow_set: FlowSet
    frames: list[Frame] = field(default_factory=list)
    state: StoredFrame | None = None
    """Below them all, the state of a handler that a digression has left."""

    @property
    def top(self) -> Frame:
        """The frame that the next answer goes to."""
        return self.frames[-1]

    @property
    def flows(self) -> list[Flow]:
        """The open flows, the uppermost first."""
        return [f.flow for f in reversed(self.frames) if f.flow is not None]

    @property
    def functions(self) -> list[PythonFrame]:
        """The open conversation functions, the lowest first."""
        return [f for f in self.frames if isinstance(f, PythonFrame)]

    @property
    def calls(self) -> Iterable[LiveCall]:
        """Their calls, as far as they are under way."""
        return (f.call for f in self.functions if f.call is not None)

    @property
    def content(self) -> str:
        """The hash of the flows that it stands on; empty where there are none."""
        return self.flow_set.hash if self.flows else ""

    def stored(self, deadline: float | None) -> tuple[StoredFrame, ...]:
        """The frames as they are stored."""
        below = (self.state,) if self.state is not None else ()
        *callers, top = self.frames
        return (*below, *(f.stored() for f in callers), top.stored(deadline))

    def close(self) -> None:
        """Let go of the calls of a turn that was not committed."""
        for function in self.functions:
            if function.call is not None:
                function.call.close()
                function.call = None


def restore(versions: FlowVersions, frames: Sequence[StoredFrame], content: str, key: Key) -> Stack:
    """The stack of stored frames, on the flows that the run began on, or on today's where they fit."""
    state, above = (frames[0], frames[1:]) if frames and frames[0].is_state else (None, frames)
    flows = [f for f in above if f.kind == FrameKind.FLOW]
    flow_set = versions.current
    if flows and not (versions.forward and content != flow_set.hash and _fits(versions, flows, content)):
        flow_set = versions.of(content)
    found: list[Frame] = [
        FlowFrame.restore(f, flow_set.flow(f.name)) if f in flows else PythonFrame.restore(f, key) for f in above
    ]
    return Stack(flow_set, found, state)


def awaited_codes(versions: FlowVersions, conversation: Conversation) -> list[str]:
    """The codes that questions wait for: the open one's first (empty where it waits for none), then those behind it."""
    runs = (conversation.run, *reversed(conversation.resting))
    front, *behind = (awaited_code(versions, run, conversation.key) for run in runs)
    return [front, *filter(None, behind)]


def awaited_code(versions: FlowVersions, run: Run | None, key: Key) -> str:
    """The code that the question of a run waits for; empty where it waits for none."""
    if run is None or not run.is_held:
        return ""
    with suppress(SmsbotError):  # what cannot be read any more is told with its turn
        return restore(versions, run.frames, run.content, key).top.code
    return ""


def _fits(versions: FlowVersions, frames: Sequence[StoredFrame], content: str) -> bool:
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
    """A stack that an event wakes, and the input that it is woken with."""

    stack: Stack
    given: Input
    fresh: bool = False
    """Whether a new run begins; an open one ends ``switched``."""
    started_by: str = ""


def begin(versions: FlowVersions, name: str, values: Mapping[str, Any], started_by: str, language: str = "") -> Resume:
    """The start of a flow as a new run."""
    flow = versions.current.flow(name)
    return Resume(Stack(versions.current, [FlowFrame(flow, State())]), Begin(values, language), True, started_by)


def pin(resume: Resume, versions: FlowVersions, content: str) -> Resume:
    """The same on the content that the turn began with, before it was cut short."""
    stack = resume.stack
    if content == stack.flow_set.hash:
        return resume
    flow_set = versions.of(content)
    return replace(resume, stack=Stack(flow_set, [f.on(flow_set) for f in stack.frames], stack.state))


def prompts(prompt: str) -> list[str]:
    """The texts of a prompt."""
    return prompt.split(BETWEEN) if prompt else []


def anywhere(flows: Sequence[Flow], text: str, person: Person) -> tuple[str, tuple[str, ...]] | None:
    """The answer of flows to a text anywhere: the word, and the texts; of the first flow that has it."""
    found = without_filler(tokens(text))
    for flow in flows:
        for pattern, texts in flow.anywhere:
            if pattern.match(text, found, person.reads) is not None:
                with suppress(FlowError):  # a text that cannot be computed is no answer
                    return pattern.source, engine.render(flow, texts, person)
    return None


def late_of(conversation: Conversation, versions: FlowVersions, text: str, person: Person) -> Resume | None:
    """The timed-out question that a text answers after all."""
    late = conversation.late
    if late is None or late.until <= person.now:
        return None
    try:
        stack = restore(versions, late.frames, late.content, conversation.key)
    except FlowError:
        return None
    answer = stack.top.read(text, person)
    if not isinstance(answer, Answer):
        return None
    return Resume(stack, Said(text, answer), True, f"late answer to {stack.top.place}")
