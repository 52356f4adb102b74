"""Runs the frames of a run until they wait or end: resumes the uppermost, pushes what it calls, pops what has ended.

It is a coroutine that really awaits only what touches the outside, so that a turn without any can be run at
once, without a task. What is decided lands in the turn's effects.
"""

from __future__ import annotations

from dataclasses import replace

from smsbot.core import codec
from smsbot.core.commit import run_id
from smsbot.core.conversation import Run, StoredFrame
from smsbot.core.errors import FlowError
from smsbot.flows.state import Begin, CallAction, CallFlow, Done, Input, Result, State, Waiting

from .context import Context
from .flow_frame import FlowFrame, plain
from .frames import Frame, Resume, prompts
from .python_frame import PythonFrame

_DEEPEST = 8
_MOST_CALLS = 100
_MOST_ACTIONS = 1_000
"""Of one turn: a flow that goes round actions without a question would hold up everybody."""


class Runner:
    """One event, and the stack that it wakes."""

    def __init__(self, context: Context, resume: Resume) -> None:
        self.context = context
        self.resume = resume
        self.stack = resume.stack
        self.waited = False
        """Whether the stack waits for something."""
        self._acts: dict[str, int] = {}
        """Actions that ask, by where they were called."""
        context.stay_open = self._stay_open

    async def run(self) -> None:
        """Until the stack waits or ends."""
        given: Input | None = self.resume.given
        actions = calls = 0
        while given is not None:
            frame = self.stack.top
            outcome = await frame.resume(given, self.context)
            match outcome:
                case Waiting() if isinstance(frame, PythonFrame) and frame.digresses and frame.until:
                    self._lay_aside(frame)
                    return
                case Waiting():
                    self.context.effects.frames = self.stack.stored(outcome.deadline)
                    self.waited = True
                    return
                case CallAction():
                    actions += 1
                    given = await self._act(outcome)
                case CallFlow():
                    calls += 1
                    given = self._push(frame, outcome)
                case Done():
                    calls += 1
                    given = self._pop(frame, outcome)
            if given is not None and (calls >= _MOST_CALLS or actions >= _MOST_ACTIONS):
                raise FlowError(f"{frame.place} went round {max(calls, actions)} times without waiting")

    async def rest(self) -> None:
        """After a failure, let everything come to its end that goes on beside the stack."""
        self.context.once.failed(self.stack.calls)
        await self.context.once.rest()

    def _stay_open(self, frame: StoredFrame, until: float) -> None:
        """The uppermost question has timed out, and may be answered still."""
        frames = (*self.stack.stored(None)[:-1], frame)
        self.context.effects.late = (frames, self.stack.content, until)

    def _push(self, frame: Frame, call: CallFlow) -> Input:
        """A flow that was called stands above its caller."""
        stack = self.stack
        if len(stack.frames) >= _DEEPEST:
            raise FlowError(f"flows call each other {_DEEPEST} deep, the last {frame.place}")
        if not stack.flows:
            stack.flow_set = self.context.line.versions.current
        flow = stack.flow_set.flow(call.flow)
        if unknown := sorted(call.values.keys() - flow.args):
            known = ", ".join(flow.args) or "nothing"
            raise FlowError(f"the flow {flow.name} takes no {unknown[0]!r}; it takes {known}")
        stack.frames.append(FlowFrame(flow, State(**frame.counted._asdict())))
        return Begin(call.values)

    def _pop(self, frame: Frame, done: Done) -> Input | None:
        """Take off a frame that has ended: the input for the one below; None where the run ends, or waits below."""
        stack, effects = self.stack, self.context.effects
        stack.frames.pop()
        if isinstance(frame, PythonFrame) and frame.digresses:
            self._end_digression(frame)
            return None
        if frame.is_passing:
            return self._acted(done)
        if not stack.frames:
            if done.lost or frame.ends_run:
                effects.end = effects.end or done.label
            return None
        return stack.top.returned(done, frame.counted, self.context)

    def _acted(self, done: Done) -> Input | None:
        """An action that could ask has ended at once; without an answer, the flow that called it ends as well."""
        return self._pop(self.stack.top, done) if done.lost else Result(plain(done.value))

    def _end_digression(self, frame: PythonFrame) -> None:
        """The question below is asked again, unless the digression has ended that as well."""
        stack, effects = self.stack, self.context.effects
        if effects.over:
            return
        below = stack.top if stack.frames else stack.state
        if below is None:
            return
        for text in prompts(below.prompt) if frame.repeats else ():
            self.context.chat.say(text)
        now = self.context.now
        if stack.frames:
            stack.top.asked_again(now)
            effects.frames = stack.stored(stack.top.deadline)
        elif stack.state is not None and frame.call is not None:
            deadline = stack.state.deadline and stack.state.deadline + now - frame.started.at
            effects.frames = (replace(stack.state, data=codec.dumps(frame.call.chat.data), deadline=deadline),)
        self.waited = True

    def _lay_aside(self, frame: PythonFrame) -> None:
        """A digression that lets time pass holds up nothing: it goes on as a run of its own, with its journal."""
        effects, call, run = self.context.effects, frame.call, run_id(self.context.event)
        assert call is not None
        self.stack.frames.pop()
        for n, record in enumerate(call.replay.journal.records, 1):
            effects.keep(record.entry(run, frame.key, n))
        self._end_digression(frame)
        frame.run, frame.digresses, frame.call = run, False, None
        bot = self.context.line.bot.name
        effects.beside.append(Run(run, bot, frame.title, self.context.now, (frame.stored(frame.until),)))
        call.close()

    async def _act(self, action: CallAction) -> Input:
        """Call an action; one that takes a `Chat` is a conversation of its own."""
        context, bot = self.context, self.context.line.bot
        name = action.call.name
        if bot.converses(name):
            self.stack.frames.append(self._conversing(action))
            return Begin()
        call = bot.action_call(name, action.arguments, action.keywords, context.provided)
        return Result(plain(await context.once.action(name, self.stack.flow_set.hash, call)))

    def _conversing(self, action: CallAction) -> PythonFrame:
        """An action that may ask, as a frame above the flow."""
        context, name = self.context, action.call.name
        below = [f.call for f in self.stack.functions]
        past = below[-1].replay.journal.place if below and below[-1] is not None else 0
        place = f"action {len(self.stack.frames)} {past} {name}"  # the same if the turn runs again
        self._acts[place] = self._acts.get(place, 0) + 1
        values = {"args": list(action.arguments), "kwargs": dict(action.keywords)}
        frame = PythonFrame.begin(
            context.line.bot.actions[name], context.run, context.event, values,
            salt=f"{place} {self._acts[place]}".encode(), contact=context.before.contact,
        )  # fmt: skip
        frame.action, frame.used = True, list(values)
        return frame
