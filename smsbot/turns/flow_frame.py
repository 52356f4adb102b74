"""A flow as one frame of a run: where it stands, how a text is read there, how it goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from smsbot.core import segments
from smsbot.core.commit import digest
from smsbot.core.conversation import FrameKind, Rest, StoredFrame
from smsbot.core.lanes import NOTICE
from smsbot.core.otp import PLACE, Wanted
from smsbot.core.question import Question
from smsbot.flows import engine
from smsbot.flows.flow_set import FlowSet
from smsbot.flows.state import (
    CallAction,
    CallFlow,
    Counted,
    Done,
    Input,
    Person,
    Progress,
    Result,
    State,
    Waiting,
    load_state,
)
from smsbot.flows.steps import Ask, Flow
from smsbot.understanding import asking
from smsbot.understanding.answers import Reading

from .context import Context


@dataclass(slots=True)
class FlowFrame:
    """One flow of a run, and where it stands."""

    flow: Flow
    state: State
    digresses = False
    is_passing = False
    ends_run = True

    @classmethod
    def restore(cls, stored: StoredFrame, flow: Flow) -> FlowFrame:
        """The frame as it was stored."""
        return cls(flow, load_state(stored.state, stored.data, stored.prompt))

    def on(self, flow_set: FlowSet) -> FlowFrame:
        """The same frame on other content."""
        return FlowFrame(flow_set.flow(self.flow.name), self.state)

    def stored(self, deadline: float | None = None) -> StoredFrame:
        """The frame as it is stored; the uppermost with a deadline."""
        state = self.state
        return StoredFrame(
            FrameKind.FLOW, self.flow.name, state.step, state.dump(), self.prompt, deadline, rest=self.rest
        )  # fmt: skip

    # -- where it stands ----------------------------------------------------------------------------

    @property
    def _ask(self) -> Ask | None:
        step = self.flow.steps.get(self.state.step)
        return step.ask if step is not None else None

    @property
    def title(self) -> str:
        """The name of the flow."""
        return self.flow.name

    @property
    def source(self) -> str:
        """``file:line`` of the step that it stands at."""
        return self.flow.place_of(self.state.step)

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables that it has by now, by name."""
        return self.state.variables

    @property
    def due_what(self) -> str:
        """The effect of its deadline, in words for people."""
        return asking.next_of(self._ask, self.state) if self._ask is not None else "goes on"

    @property
    def place(self) -> str:
        """Where it stands, for people: ``pizza.size``."""
        return f"{self.flow.name}.{self.state.step}"

    @property
    def question(self) -> Question | None:
        """The open question."""
        return self._ask.question if self.state.phase == "ask" and self._ask is not None else None

    @property
    def code(self) -> str:
        """The one-time code that the open question waits for; empty where it waits for none."""
        return self.state.code if self.asks else ""

    @property
    def asks(self) -> bool:
        """Whether a question is open."""
        return self.state.phase == "ask"

    @property
    def rest(self) -> Rest:
        """Whether it only lets time pass, and gives way to another start word meanwhile."""
        step = self.flow.steps.get(self.state.step)
        if self.state.phase != "wait":
            return Rest.NO
        return Rest.YIELDS if step is not None and step.interrupt else Rest.FREE

    @property
    def prompt(self) -> str:
        """The text asked again after a digression; empty unless a question is open, and for one that sends a code."""
        return self.state.prompt if self.asks and PLACE not in self.state.prompt else ""

    @property
    def deadline(self) -> float | None:
        """The next moment at which something happens without the person."""
        return self.flow.deadline(self.state)

    @property
    def goes_back(self) -> bool:
        """Whether there is a question before the open one."""
        return len(self.state.trail) > 1

    @property
    def settles(self) -> bool:
        """Whether any text may be a fragment of the answer that is waited for."""
        return self._ask is not None and self._ask.settle > 0 and self._ask.question.free

    @property
    def switchable(self) -> bool:
        """Whether another start word may leave the open question."""
        return self._ask is None or (self._ask.interrupt and not self._ask.question.free)

    @property
    def counted(self) -> Counted:
        """How many questions its run has asked."""
        return self.state.counted

    def read(self, text: str, person: Person) -> Reading:
        """Read a text as an answer to the open question."""
        return engine.reading_of(self.flow, self.state, text, person)

    def asked_again(self, now: float) -> None:
        """The open question is asked once more, after a digression: its time begins anew, but that of a code."""
        if not self.code:
            self.state.asked = now

    # -- going on -----------------------------------------------------------------------------------

    async def resume(self, given: Input, context: Context) -> Waiting | CallFlow | CallAction | Done:
        """Go on with what happened, until something is waited for or called."""
        step = self.state.step
        progress = engine.resume(self.flow, self.state, given, context.person, context.now)
        self._collect(progress, step, context)
        assert progress.outcome is not None, "a flow waits, calls or ends"
        return progress.outcome

    def returned(self, done: Done, counted: Counted, context: Context) -> Input | None:
        """The input that it goes on with when the frame that it called has ended; None where it ends too."""
        if done.lost:
            context.effects.end = done.label
            return None
        context.effects.late = None  # the caller goes on, so nothing waits for that answer any more
        context.effects.end = None
        self.state.go_on(counted)
        return Result(plain(done.value), done.label)

    def _collect(self, progress: Progress, step: str, context: Context) -> None:
        """Collect the texts, the visits and the changes of one resumption; `step` is where it stood before."""
        effects, chat = context.effects, context.chat
        if progress.way:
            effects.outcomes.append((f"{self.flow.name}.{step}", progress.way, None))
        for text in progress.said:
            question = self.question
            holds = question is not None and PLACE in text
            if question is not None and holds:  # it is no longer than it was written
                chat.say(text, lane=self.flow.lane, code=self._own(question, context))
            else:
                chat.say(segments.fit(text), lane=self.flow.lane)
        for text, due in progress.later:
            at = datetime.fromtimestamp(due, UTC)
            chat.say(segments.fit(text), at=at, lane=self.flow.lane or NOTICE)
        effects.visits += [f"{self.flow.name}.{step}" for step in progress.visits]
        effects.handoffs += progress.handoffs
        for name, value in progress.contact.items():
            chat.contact[name] = value
        effects.took |= progress.took
        effects.join |= self.flow.join
        if progress.late is not None:
            state, until = progress.late
            context.stay_open(FlowFrame(self.flow, state).stored(), until)
        if progress.contact:
            person = context.person
            context.person = dataclasses.replace(person, contact={**person.contact, **progress.contact})
        context.why = context.why or progress.why

    def _own(self, question: Question, context: Context) -> Wanted | None:
        """The code of this question, the same as long as it is asked."""
        if not self.state.code:
            place = (self.flow.name, self.state.step, str(self.state.questions))
            self.state.code = digest("code", context.run, context.event.id, *place).hex()
        return dataclasses.replace(question.code, id=self.state.code) if question.code is not None else None


def plain(value: Any) -> Any:
    """Turn the value that an action returned into data: dataclasses become maps, tuples lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value
