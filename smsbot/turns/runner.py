"""Runs the stack of a run until it waits or ends: flows are resumed, conversations driven, actions called.

It is a coroutine that really awaits only what touches the outside, so that a turn without any can be run at
once, without a task. What it decides lands in the turn's effects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smsbot.core import codec
from smsbot.core.errors import FlowError
from smsbot.flows import engine
from smsbot.flows.state import Begin, CallAction, CallFlow, Done, Input, Progress, Result, State, Waiting
from smsbot.routing.injection import Signature
from smsbot.turns.context import Context, NotNow
from smsbot.turns.live import discard

from .driving import Driving
from .frames import FlowFrame, Resume, Stack, plain, prompts
from .python_frame import PythonFrame, begun

_DEEPEST = 8
_MOST_RESUMES = 100


class Runner:
    """One event, and the stack that it wakes."""

    def __init__(self, context: Context, wake: Resume, function: Signature | None = None) -> None:
        self.context = context
        self.wake = wake
        self.stack = wake.stack
        self._function = function
        self._driving = Driving(context, wake.stack, function)
        self.waited = False
        """Whether the stack waits for something."""
        self._acts: dict[str, int] = {}
        """Actions that ask, by where they were called."""

    async def run(self) -> None:
        """Until the stack waits or ends."""
        given: Input = self.wake.given
        for _ in range(_MOST_RESUMES):
            level = self.stack.top
            if isinstance(level, PythonFrame):
                outcome = await self._driving.on(level, given)
            else:
                outcome = await self._resume(level, given)
            if isinstance(outcome, Waiting):
                self.context.effects.frames = self.stack.freeze(outcome.deadline)
                self.waited = True
                return
            following = self._fold(level, outcome)
            if following is None:
                return
            given = following
        raise FlowError(f"{self.stack.place} went round {_MOST_RESUMES} times without waiting")

    async def rest(self) -> None:
        """Let everything come to its end that goes on beside the stack."""
        await self._driving.rest()

    def _fold(self, level: FlowFrame | PythonFrame, outcome: CallFlow | Done) -> Input | None:
        """Push what was called, or pop what has ended; None where the run ends, or waits below."""
        stack = self.stack
        if isinstance(outcome, CallFlow):
            if len(stack.levels) >= _DEEPEST:
                raise FlowError(f"flows call each other {_DEEPEST} deep, the last {stack.place}")
            if not stack.flows:
                stack.flow_set = self.context.line.versions.current
            asked = level.state.questions if isinstance(level, FlowFrame) else 0
            flow = stack.flow_set.flow(outcome.flow)
            if unknown := sorted(outcome.values.keys() - flow.args):
                known = ", ".join(flow.args) or "nothing"
                raise FlowError(f"the flow {flow.name} takes no {unknown[0]!r}; it takes {known}")
            stack.levels.append(FlowFrame(flow, State(questions=asked)))
            return Begin(outcome.values)
        stack.levels.pop()
        if isinstance(level, PythonFrame) and level.aside:
            self._after_aside(level)
            return None
        if not stack.levels:
            if self._function is None or outcome.lost:
                self.context.effects.end = self.context.effects.end or outcome.label
            return None
        below = stack.top
        if isinstance(below, FlowFrame):
            if outcome.lost:
                self.context.effects.end = outcome.label
                return None
            self.context.effects.late = None  # the caller goes on, so nothing waits for that answer any more
            if isinstance(level, FlowFrame):
                below.state.questions = level.state.questions
            self.context.effects.end = None
            return Result(plain(outcome.value), outcome.label)
        return Result(outcome.value, outcome.label, outcome.lost)

    def _after_aside(self, level: PythonFrame) -> None:
        """A digression has ended: the question below is asked again, unless it has ended that as well."""
        stack, effects = self.stack, self.context.effects
        if effects.end is not None or effects.state is not None:
            return
        below = stack.top if stack.levels else stack.state
        if below is None:
            return
        for text in prompts(below.prompt) if level.repeats else ():
            self.context.chat.say(text)
        now = self.context.now
        if stack.levels:
            stack.top.asked_again(now)
            effects.frames = stack.freeze(stack.deadline())
        elif stack.state is not None and level.chat is not None:
            deadline = stack.state.deadline and stack.state.deadline + now - level.started.at
            effects.frames = (replace(stack.state, data=codec.dumps(level.chat.data), deadline=deadline),)
        self.waited = True

    # -- flows --------------------------------------------------------------------------------------

    async def _resume(self, level: FlowFrame, given: Input) -> Waiting | CallFlow | Done:
        while True:
            step = level.state.step
            progress = engine.resume(level.flow, level.state, given, self.context.person, self.context.now)
            self._collect(progress, level, step)
            outcome = progress.outcome
            if not isinstance(outcome, CallAction):
                return outcome
            result = await self._act(outcome)
            if isinstance(result, PythonFrame):
                self.stack.levels.append(result)
                return_ = await self._driving.on(result, Begin())
                if isinstance(return_, Done) and not return_.lost:
                    self.stack.levels.pop()
                    given = Result(plain(return_.value))
                    continue
                return return_ if not isinstance(return_, Done) else self._lost(return_)
            given = Result(plain(result))

    def _lost(self, done: Done) -> Done:
        """An action that asks has got no answer: the flow that called it ends too."""
        self.stack.levels.pop()
        return done

    async def _act(self, act: CallAction) -> Any:
        """Call an action; one that takes a `Chat` is a conversation of its own."""
        context, bot = self.context, self.context.line.bot
        name = act.call.name
        if not bot.converses(name):
            call = bot.action_call(name, act.arguments, act.keywords, context.provided)
            if context.cut is None:
                raise NotNow
            return await context.chat.act(name, self.stack.flow_set.hash, call)
        function = bot.actions[name]
        below = [level for level in self.stack.levels if isinstance(level, PythonFrame)]
        past = below[-1].talk.journal.place if below and below[-1].talk is not None else 0
        place = f"action {len(self.stack.levels)} {past} {name}"  # the same if the turn runs again
        self._acts[place] = self._acts.get(place, 0) + 1
        salt = f"{place} {self._acts[place]}".encode()
        values = {"args": list(act.arguments), "kwargs": dict(act.keywords)}
        level = begun(function, context.run, context.event, values, context.before.contact, salt=salt)
        level.action, level.used = True, list(values)
        return level

    def _collect(self, progress: Progress, level: FlowFrame, step: str) -> None:
        """What one resumption said, visited and changed; `step` is where it stood before."""
        effects = self.context.effects
        if progress.way:
            effects.ways.append((f"{level.flow.name}.{step}", progress.way, None))
        effects.texts += progress.said
        self.context.chat.speak_for(effects.texts)
        effects.visits += [f"{level.flow.name}.{step}" for step in progress.visits]
        effects.handoffs += progress.handoffs
        for name, value in progress.contact.items():
            self.context.chat.contact[name] = value
        effects.took |= progress.took
        effects.join |= level.flow.join
        if progress.late is not None:
            state, until = progress.late
            asked = Stack(self.stack.flow_set, [*self.stack.levels[:-1], FlowFrame(level.flow, state)])
            effects.late = (asked.freeze(None), self.stack.flow_set.hash, until)
        if progress.contact:
            self.context.person = replace(
                self.context.person, contact={**self.context.person.contact, **progress.contact}
            )
        self.context.why = self.context.why or progress.why


def at_once(play: Runner) -> bool:
    """Run a play without awaiting anything; False if it has to."""
    running = play.run()
    try:
        running.send(None)
    except StopIteration:
        return True
    except NotNow:
        pass
    running.close()
    discard(play.stack)
    return False
