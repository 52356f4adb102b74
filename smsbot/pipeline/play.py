"""Runs the stack of a run until it waits or ends: flows are resumed, conversations driven, actions called.

It is a coroutine that really awaits only what touches the outside, so that a turn without any can be run at
once, without a task. What it decides lands in the turn's effects.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn, cast

from smsbot.conversations import journal as told
from smsbot.conversations.journal import Journal, Record
from smsbot.conversations.talk import Finished, Foreign, Raised, Talk
from smsbot.core import asking, codec
from smsbot.core.answers import SILENCE, WRONG, Answer, Unsure
from smsbot.core.answers import told as shown
from smsbot.core.asking import Move
from smsbot.core.conversation import Conversation
from smsbot.core.errors import ChatError, FlowError, NoReply, TooManyTries, UsageError
from smsbot.core.message import Event, Message
from smsbot.core.request import Ask, Call, Do, Request, Sleep, Together
from smsbot.core.start import start_of
from smsbot.core.turn import digest
from smsbot.failpoints import reached
from smsbot.flows import engine
from smsbot.flows.state import (
    Act,
    Again,
    Back,
    Begin,
    Descend,
    Done,
    Due,
    Input,
    Person,
    Progress,
    Result,
    Said,
    State,
    Waiting,
)
from smsbot.flows.steps import ABANDONED
from smsbot.routing.chat import Chat, Defaults, Restart
from smsbot.routing.effects import Effects
from smsbot.routing.injection import Signature, where

from .blocking import watched
from .flowing import Level, Stack, Wake, plain, prompts
from .lines import Line
from .talking import OpenQuestion, TalkLevel, begun
from .talks import Talks, discard

_DEEPEST = 8
_MOST_RESUMES = 100
_MOST_RECORDS = 2_000
"""Requests of one conversation; beyond it, it should restart."""
_ALONE = -1
"""The place of a step in a task of the conversation's own."""
Provided = Mapping[type, Any]
Pause = Callable[[float], Awaitable[None]]
"""Lets seconds pass."""


class NotNow(Exception):
    """Something has to be awaited, so the turn takes the long way."""


async def _no_journal(run: bytes, key: bytes) -> list[Record]:
    return []


@dataclass(slots=True)
class Scene:
    """What a turn gives to those who play in it."""

    line: Line
    event: Event
    run: bytes
    before: Conversation
    effects: Effects
    person: Person
    now: float
    provided: Provided
    chat: Chat
    """The turn's own; conversations that began earlier hold theirs."""
    cut: Callable[[], Awaitable[None]] | None
    """Commits a segment; None where nothing may be awaited."""
    journals: Mapping[tuple[bytes, bytes], list[Record]]
    """What has happened in the conversations that wait, by run and key."""
    talks: Talks
    version: int
    load: Callable[[bytes, bytes], Awaitable[list[Record]]] = _no_journal
    """The journal of a conversation, by run and key."""
    pause: Pause = asyncio.sleep
    """Waits a little, between two tries of a step."""


class Play:
    """One event, and the stack that it wakes."""

    def __init__(self, scene: Scene, wake: Wake, function: Signature | None = None) -> None:
        self.scene = scene
        self.wake = wake
        self.stack = wake.stack
        self._function = function
        """The handler of a conversation that begins with this turn."""
        self.why = ""
        self.waited = False
        """Whether the stack waits for something."""
        self._person = scene.person
        self._rounds = 0
        """Restarts of conversations in this turn."""
        self._acts: dict[str, int] = {}
        """Actions that ask, by where they were called."""
        self._first = wake.stack.levels[-1] if function is not None else None

    async def run(self) -> None:
        """Until the stack waits or ends."""
        given: Input = self.wake.given
        for _ in range(_MOST_RESUMES):
            level = self.stack.top
            if isinstance(level, TalkLevel):
                outcome = await self._talk(level, given)
            else:
                outcome = await self._resume(level, given)
            if isinstance(outcome, Waiting):
                self.scene.effects.frames = self.stack.freeze(outcome.deadline)
                self.waited = True
                return
            following = self._fold(level, outcome)
            if following is None:
                return
            given = following
        raise FlowError(f"{self.stack.place} went round {_MOST_RESUMES} times without waiting")

    def _fold(self, level: Level | TalkLevel, outcome: Descend | Done) -> Input | None:
        """Push what was called, or pop what has ended; None where the run ends, or waits below."""
        stack = self.stack
        if isinstance(outcome, Descend):
            if len(stack.levels) >= _DEEPEST:
                raise FlowError(f"flows call each other {_DEEPEST} deep, the last {stack.place}")
            if not stack.flows:
                stack.library = self.scene.line.shelf.current
            asked = level.state.questions if isinstance(level, Level) else 0
            stack.levels.append(Level(stack.library.flow(outcome.flow), State(questions=asked)))
            return Begin(outcome.values)
        stack.levels.pop()
        if not stack.levels:
            if self._function is None or outcome.lost:
                self.scene.effects.end = self.scene.effects.end or outcome.label
            return None
        if isinstance(level, TalkLevel) and level.aside:
            self._after_aside()
            return None
        below = stack.top
        if isinstance(below, Level):
            if outcome.lost:
                self.scene.effects.end = outcome.label
                return None
            self.scene.effects.late = None  # the caller goes on, so nothing waits for that answer any more
            if isinstance(level, Level):
                below.state.questions = level.state.questions
            self.scene.effects.end = None
            return Result(plain(outcome.value), outcome.label)
        return Result(outcome.value, outcome.label, outcome.lost)

    def _after_aside(self) -> None:
        """A digression has ended: the question below is asked again."""
        below = self.stack.top
        effects = self.scene.effects
        effects.end = None
        for text in prompts(below.prompt):
            self.scene.chat.say(text)
        effects.frames = self.stack.freeze(self.stack.deadline())
        self.waited = True

    # -- flows --------------------------------------------------------------------------------------

    async def _resume(self, level: Level, given: Input) -> Waiting | Descend | Done:
        while True:
            step = level.state.step
            progress = engine.resume(level.flow, level.state, given, self._person, self.scene.now)
            self._collect(progress, level, step)
            outcome = progress.outcome
            if not isinstance(outcome, Act):
                return outcome
            result = await self._act(outcome)
            if isinstance(result, TalkLevel):
                self.stack.levels.append(result)
                return_ = await self._talk(result, Begin())
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

    async def _act(self, act: Act) -> Any:
        """Call an action; one that takes a `Chat` is a conversation of its own."""
        scene, bot = self.scene, self.scene.line.bot
        name = act.call.name
        if not bot.converses(name):
            call = bot.action_call(name, act.arguments, act.keywords, scene.provided)
            if scene.cut is None:
                raise NotNow
            return await scene.chat.act(name, self.stack.library.hash, call)
        function = bot.actions[name]
        below = [level for level in self.stack.levels if isinstance(level, TalkLevel)]
        past = len(below[-1].talk.journal.records) if below and below[-1].talk is not None else 0
        place = f"action {len(self.stack.levels)} {past} {name}"  # the same if the turn runs again
        self._acts[place] = self._acts.get(place, 0) + 1
        salt = f"{place} {self._acts[place]}".encode()
        values = {"args": list(act.arguments), "kwargs": dict(act.keywords)}
        level = begun(function, scene.run, scene.event, values, scene.before.contact, salt=salt)
        level.action = True
        return level

    def _collect(self, progress: Progress, level: Level, step: str) -> None:
        """What one resumption said, visited and changed; `step` is where it stood before."""
        effects = self.scene.effects
        if progress.way:
            effects.ways.append((f"{level.flow.name}.{step}", progress.way, None))
        effects.texts += progress.said
        self.scene.chat.speak_for(effects.texts)
        effects.visits += [f"{level.flow.name}.{step}" for step in progress.visits]
        effects.handoffs += progress.handoffs
        for name, value in progress.contact.items():
            self.scene.chat.contact[name] = value
        effects.took |= progress.took
        effects.join |= level.flow.join
        if progress.late is not None:
            state, until = progress.late
            asked = Stack(self.stack.library, [*self.stack.levels[:-1], Level(level.flow, state)])
            effects.late = (asked.freeze(None), self.stack.library.hash, until)
        if progress.contact:
            self._person = replace(self._person, contact={**self._person.contact, **progress.contact})
        self.why = self.why or progress.why

    # -- conversations ------------------------------------------------------------------------------

    async def _talk(self, level: TalkLevel, given: Input) -> Waiting | Descend | Done:
        """What a conversation does with what happened."""
        match given:
            case Begin():
                return await self._drive(level, None)
            case Said() if level.open is not None:
                return await self._hear(level, level.open, given)
            case Due() if level.open is not None:
                return await self._due(level, level.open)
            case Due():
                return await self._drive(level, self._record(told.SLEPT, level.site, None))
            case Again() if level.open is not None:
                self.why = "the person wants to hear the question again"
                self.scene.chat.say(level.open.prompt)
                return Waiting(level.deadline)
            case Back() if level.open is not None:
                self.why = "the person goes back to the question before"
                return await self._drive(level, self._record(told.BACK, level.open.site, None))
            case Result():
                kind = told.LOST if given.lost else told.FLOW
                value = given.label if given.lost else given.value
                return await self._drive(level, self._record(kind, level.site, value))
        self.why = "nothing is asked"
        return Waiting(level.deadline)

    def _record(self, kind: str, site: str, value: Any, text: str = "") -> Record:
        event = self.scene.event
        return Record(kind, site, value, event.id, event.at, text)

    async def _hear(self, level: TalkLevel, question: OpenQuestion, said: Said) -> Waiting | Descend | Done:
        move = asking.hear(question.terms, question.standing, said.text, said.read, self.scene.now)
        return await self._move(level, question, said, move)

    async def _move(self, level: TalkLevel, question: OpenQuestion, said: Said, move: Move) -> Waiting | Descend | Done:
        """What a text does to the open question."""
        read, name = said.read, question.name
        match move:
            case Move.TAKE:
                assert isinstance(read, Answer)
                seen = shown(question.question, read.value)
                self.why = f'the text answers "{name}"' + (f": {seen}" if seen else "")
                self.scene.effects.took = True
                self._way(level, question, seen)
                level.answers[name] = read.value
                return await self._drive(level, self._record(told.ANSWER, question.site, read.value, said.text))
            case Move.SETTLE:
                self.why = f'"{name}" waits whether more of the answer comes'
                return Waiting(level.deadline)
            case Move.CLARIFY:
                assert isinstance(read, Unsure)
                self.why = f'unsure whether the text answers "{name}", because {read.why}: asked once more'
            case Move.RETRY:
                self.why = f'the text does not answer "{name}"'
                self._way(level, question, WRONG)
            case _:
                self._way(level, question, WRONG)
                self.why = f'"{name}" was answered wrongly {question.standing.wrong} times'
                return await self._drive(level, self._record(told.TRIES, question.site, None))
        self.scene.chat.say(question.retry or question.prompt)
        question.standing.asked = self.scene.now
        return Waiting(level.deadline)

    def _way(self, level: TalkLevel, question: OpenQuestion, way: str) -> None:
        self.scene.effects.ways.append((f"{level.title}.{question.name}", way, question.question))

    async def _due(self, level: TalkLevel, question: OpenQuestion) -> Waiting | Descend | Done:
        """A deadline of the open question."""
        standing, terms = question.standing, question.terms
        match asking.due(terms, standing, self.scene.event.at):
            case Move.SETTLE:
                text = "\n".join(standing.parts)
                read = question.read(text, self._person)
                return await self._move(level, question, Said(text, read), asking.judge(terms, standing, read))
            case Move.REMIND:
                self.why = f'"{question.name}" is not answered yet'
                self.scene.chat.say(question.remind or question.prompt)
                return Waiting(level.deadline)
        self.why = f'no answer to "{question.name}" in time'
        self._way(level, question, SILENCE)
        if terms.late:
            until = self.scene.event.at + terms.late
            self.scene.effects.late = (self.stack.freeze(None), self.stack.content, until)
        return await self._drive(level, self._record(told.SILENCE, question.site, None))

    async def _drive(self, level: TalkLevel, record: Record | None) -> Waiting | Descend | Done:
        """Let the function go on, with what it waited for."""
        try:
            return await self._driven(level, record)
        except (NoReply, TooManyTries) as error:
            self.why = self.why or str(error.args[0])
            return Done(ABANDONED, None, lost=True)

    async def _driven(self, level: TalkLevel, record: Record | None) -> Waiting | Descend | Done:
        wanted = await self._taken_up(level, record)
        while True:
            match wanted:
                case Finished(Restart(arguments)):
                    await self._restart(level, arguments)
                    wanted = await self._forward(level, None)
                case Finished(value):
                    return self._finished(level, value)
                case Ask() if wanted.name not in self._used(level) and level.values.get(wanted.name) is not None:
                    wanted = await self._hole(level, wanted, str(level.values[wanted.name]))
                case Ask():
                    return self._asked(level, wanted)
                case Sleep():
                    level.open, level.until, level.site = None, self.scene.now + wanted.seconds, wanted.site
                    self._stand(level)
                    return Waiting(level.until)
                case Call():
                    level.open, level.until, level.site = None, 0.0, wanted.site
                    self._stand(level)
                    return Descend(wanted.flow, wanted.values)
                case Do() | Together():
                    wanted = await self._forward(level, await self._done(level, wanted))
                case _:
                    raise AssertionError(f"a conversation wants {wanted!r}")

    async def _taken_up(self, level: TalkLevel, record: Record | None) -> Request | Finished:
        """The function where it waits, live or replayed, gone on with what happened."""
        talk = level.talk
        if talk is None:
            kept = self.scene.talks.take(level, self.scene.version)
            talk = kept.talk if kept is not None else None
            level.talk, level.chat = talk, kept.chat if kept is not None else None
        if talk is not None and level.chat is not None and record is not None:
            talk.event = self.scene.event.id
            self._attend(level)
            return await self._go_on(level, record)
        began = record is None
        talk = await self._again(level, began)
        wanted = await self._forward(level, None)
        assert level.chat is not None
        if began:
            return wanted
        assert record is not None
        if len(talk.journal.records) > level.taken:  # this event's record is there already: the turn runs again
            return wanted
        if isinstance(wanted, Finished) or wanted.site != record.site:
            raise told.changed(record.site, wanted.site if isinstance(wanted, Request) else "its end")
        level.chat.contact.keep()
        self._attend(level)
        return await self._go_on(level, record)

    async def _journal(self, level: TalkLevel, began: bool) -> list[Record]:
        """All that has happened in a conversation."""
        scene = self.scene
        found = scene.journals.get((level.run, level.key))
        if found is not None or (began and not (scene.event.seq and scene.cut)):
            return list(found or ())  # what begins with an event that nobody has seen before has no past
        if scene.cut is None:
            raise NotNow
        return await scene.load(level.run, level.key)

    async def _again(self, level: TalkLevel, began: bool) -> Talk:
        """A fresh call of the function, with all that has happened before it."""
        scene = self.scene
        records = await self._journal(level, began)
        if level.run != scene.run:  # a late answer: a run of its own, with what the former knew
            records = records[: level.taken]
            scene.effects.records += [r.entry(scene.run, level.key, n) for n, r in enumerate(records, 1)]
            level.run = scene.run
        if began and records and records[0].event != scene.event.id:
            records = []
        chat = level.chat = scene.chat if began and not level.action and level is self._first else self._own_chat(level)
        chat.reseed(level.key)
        chat.replay(level.started, scene.effects)
        level.talk = Talk(
            lambda: self._called(level, chat), chat, Journal(records), scene.event.id, -1 if began else level.taken
        )
        chat.driver = _Driver(self, level)
        if began:
            self._attend(level)
        return level.talk

    def _own_chat(self, level: TalkLevel) -> Chat:
        """What a conversation holds that did not begin with this turn: the world as it was then."""
        bot = self.scene.line.bot
        first = Conversation(self.scene.event.key, contact=level.contact)
        chat = Chat(level.started, first, defaults=Defaults(bot.timeout, bot.tries))
        chat.data = dict(level.data)
        return chat

    def _attend(self, level: TalkLevel) -> None:
        assert level.chat is not None
        level.chat.driver = _Driver(self, level)
        level.chat.attend(self.scene.event, self.scene.effects)

    def _called(self, level: TalkLevel, chat: Chat) -> Coroutine[Any, Any, Any]:
        """The call of the conversation's function, with its arguments and what surrounds it."""
        scene, bot = self.scene, self.scene.line.bot
        if level.action:
            given = {**scene.provided, Chat: chat}
            return _awaited(bot.action_call(level.title, level.values["args"], level.values["kwargs"], given))
        signature = self._signature(level)
        values = {
            "chat": chat, "message": Message.of(level.started), "text": level.started.text, "contact": chat.contact,
            "event": start_of(level.started).data if level.started.kind == "event" else {}, **level.values,
        }  # fmt: skip
        provided = scene.provided  # a conversation lives longer than the turn that began it, so it holds no more
        if signature.is_async and not bot.middlewares:
            made: Coroutine[Any, Any, Any] = signature.call(values, provided)
            return made

        async def handler() -> Any:
            if signature.blocking:
                return await asyncio.to_thread(signature.call, values, provided)
            result = signature.call(values, provided)
            return await result if inspect.isawaitable(result) else result

        call: Callable[[], Coroutine[Any, Any, Any]] = handler
        for middleware in reversed(bot.middlewares):
            call = _wrap(middleware, chat, call)
        return call()

    def _signature(self, level: TalkLevel) -> Signature:
        return self._function or self.scene.line.function(level.name)

    async def _go_on(self, level: TalkLevel, record: Record) -> Request | Finished:
        """Give the function what it waited for."""
        talk = level.talk
        assert talk is not None
        assert talk.request is not None
        request = talk.request
        self._keep(level, record)
        assert level.chat is not None
        level.chat.woken(record)
        return await self._forward(level, Talk.given(request, record))

    def _keep(self, level: TalkLevel, record: Record) -> None:
        """What happened, for good."""
        assert level.talk is not None
        place = level.talk.journal.add(record)
        if place > _MOST_RECORDS:
            raise ChatError(f"{level.title}() has waited {_MOST_RECORDS} times; begin it anew with chat.restart()")
        self.scene.effects.records.append(record.entry(level.run, level.key, place))

    async def _forward(self, level: TalkLevel, given: Any) -> Request | Finished:
        """Let it run; what it awaits outside goes to the event loop."""
        talk = level.talk
        assert talk is not None
        wanted = self._go(level, talk, given)
        while isinstance(wanted, Foreign):
            if self.scene.cut is None:
                raise NotNow
            try:
                answer: Any = await _Passed(wanted.awaited)
            except BaseException as error:
                answer = Raised(error)
            wanted = self._go(level, talk, answer)
        return wanted

    def _go(self, level: TalkLevel, talk: Talk, given: Any) -> Request | Finished | Foreign:
        with watched(level.name, talk.place):
            return talk.go(given)

    def _asked(self, level: TalkLevel, ask: Ask) -> Waiting:
        if self.scene.event.kind in ("delivery", "reaction"):
            raise ChatError(f"{level.title}() cannot ask: what answers reports, reactions and errors only says")
        if ask.question.kind == "custom" and ask.question.pattern not in self.scene.line.bot.answers:
            raise ChatError(f"there is no @bot.answer {ask.question.pattern}() that could read an answer")
        level.open, level.until, level.site = OpenQuestion.of(ask, self.scene.now), 0.0, ask.site
        assert level.chat is not None
        level.chat.say(ask.prompt)
        self._stand(level)
        return Waiting(level.deadline)

    def _stand(self, level: TalkLevel) -> None:
        """It waits: what it said and changed is kept with this turn."""
        assert level.talk is not None
        level.taken = len(level.talk.journal.records)
        if level.open is not None:
            self.scene.effects.visits.append(f"{level.title}.{level.open.name}")
        self._changes(level)

    def _changes(self, level: TalkLevel) -> None:
        chat = level.chat
        if chat is not None:
            chat.check_promises()
            self.scene.effects.stored |= chat.contact.changes()
            chat.contact.keep()

    def _used(self, level: TalkLevel) -> list[str]:
        """Holes of the start word that have answered; also those of a try of this turn that failed."""
        if level.talk is not None and not level.used and level.values:
            first = (r for r in level.talk.journal.records if r.event == level.started.id and r.asked)
            asked = {r.site.rpartition(" ")[2] for r in first}
            level.used += [name for name in level.values if name in asked]
        return level.used

    async def _hole(self, level: TalkLevel, ask: Ask, text: str) -> Request | Finished:
        """A hole of the start word answers the question of its name."""
        level.used.append(ask.name)
        question = OpenQuestion.of(ask, self.scene.now)
        read = question.read(text, self._person)
        if not isinstance(read, Answer):
            return ask
        level.answers[ask.name] = read.value
        record = self._record(told.ANSWER, ask.site, read.value, text)
        self._keep(level, record)
        return await self._forward(level, Talk.given(ask, record))

    async def _restart(self, level: TalkLevel, arguments: Mapping[str, Any]) -> None:
        """Begin the function again, with a fresh journal."""
        assert level.chat is not None
        self._changes(level)
        self.scene.effects.dropped.append((level.run, level.key))
        level.key = digest(level.key, "again", str(level.taken), self.scene.event.id)
        if not level.action:
            self._signature(level).check_arguments(arguments)
        level.values = {"args": [], "kwargs": dict(arguments)} if level.action else dict(arguments)
        level.started, level.contact = self.scene.event, self._contact()
        level.answers = {}
        self._rounds += 1
        if self._rounds > _MOST_RESUMES:
            raise ChatError(f"{level.title}() was restarted {_MOST_RESUMES} times without waiting for anything")
        await self._again(level, began=True)

    def _contact(self) -> Mapping[str, str]:
        merged = {**self.scene.before.contact, **self.scene.effects.stored}
        return {name: value for name, value in merged.items() if value is not None}

    def _finished(self, level: TalkLevel, value: Any) -> Done:
        self._changes(level)
        effects = self.scene.effects
        if effects.late is None and self.scene.before.late is None:  # a late answer needs what was said before it
            effects.dropped.append((level.run, level.key))
        if level.action:
            return Done("", value)
        if isinstance(value, str):
            assert level.chat is not None
            level.chat.say(value)
        elif value is not None:
            raise ChatError(f"{level.title} returned {type(value).__name__}; return a text or nothing")
        if effects.state is not None and level.chat is not None:
            self.scene.chat.data = level.chat.data
        return Done(effects.end or "done", None)

    # -- steps --------------------------------------------------------------------------------------

    async def _done(self, level: TalkLevel, wanted: Do | Together) -> Any:
        """What the function is given for a step."""
        try:
            return Talk.given(wanted, await self.step(level, wanted))
        except _StepRaised as raised:
            return Raised(raised.error)
        except asyncio.CancelledError as cancelled:  # a timeout around the step is the function's own
            self._keep(level, self._record(told.RAISED, wanted.site, told.tell(TimeoutError())))
            return Raised(cancelled)

    async def step(self, level: TalkLevel, wanted: Do | Together, *, alone: bool = False) -> Record:
        """Something outside, once; kept before anything else happens."""
        scene = self.scene
        if scene.cut is None:
            raise NotNow
        await scene.cut()
        reached("step.begun")
        if isinstance(wanted, Together):
            tries = [self._once(level, d, n) for n, d in enumerate(wanted.steps)]
            results = await asyncio.gather(*tries, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    self._raised(level, wanted, result)
                if isinstance(result, BaseException):
                    raise result
            kind, value = told.STEP, cast("Any", tuple(results))
        else:
            try:
                kind, value = told.STEP, await self._once(level, wanted, _ALONE if alone else 0)
            except Exception as error:
                self._raised(level, wanted, error)
        try:
            codec.dumps(value)
        except UsageError as error:
            kind, value = told.UNKEPT, f"the result of a step cannot be kept: {error.args[0]}"
        reached("step.done")
        record = self._record(kind, wanted.site, value)
        self._keep(level, record)
        await scene.cut()
        reached("step.kept")
        if kind == told.UNKEPT:
            raise ChatError(str(value))
        return record

    async def _once(self, level: TalkLevel, do: Do, nth: int = 0) -> Any:
        """Call the function of a step, as often as its policy says."""
        kwargs = dict(do.kwargs)
        function = self.scene.line.bot.doubles.get(do.name, do.function)
        assert level.talk is not None
        if "idempotency_key" not in kwargs and _takes_key(function):
            place = 0 if nth == _ALONE else len(level.talk.journal.records) + 1  # tasks end in any order
            kwargs["idempotency_key"] = digest(level.run, level.key, f"{place} {do.site} {nth}").hex()
        for attempt in range(1, do.tries + 1):
            try:
                with watched(do.name, lambda: where(function)):
                    result = function(*do.args, **kwargs)
                return await result if inspect.isawaitable(result) else result
            except Exception:
                if attempt == do.tries:
                    raise
                await self.scene.pause(do.wait)
        raise AssertionError("a step is tried at least once")

    def _raised(self, level: TalkLevel, do: Do | Together, error: Exception) -> NoReturn:
        """A step that raised: told to the function; kept only if the function goes on."""
        record = self._record(told.RAISED, do.site, told.tell(error))
        self._keep(level, record)
        raise _StepRaised(error)


class _Driver:
    """Answers steps that a conversation's code awaits in tasks of its own."""

    def __init__(self, play: Play, level: TalkLevel) -> None:
        self._play = play
        self._level = level

    @property
    def running(self) -> bool:
        """Whether the conversation itself runs now."""
        return self._level.talk is None or self._level.talk.running

    async def alone(self, do: Do) -> Any:
        """A step, done where it is awaited."""
        talk = self._level.talk
        assert talk is not None
        nth = talk.count(do.site)
        do = replace(do, site=f"{do.site} #{nth}") if nth > 1 else do  # each keeps its own result
        record = talk.journal.claim(do.site)
        if record is not None:
            return record.result()
        try:
            return (await self._play.step(self._level, do, alone=True)).result()
        except _StepRaised as raised:
            raise raised.error from None


class _StepRaised(Exception):
    """What a step raised, on its way to the function that waits for it."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Passed:
    """What the event loop is given in the name of a conversation's code."""

    def __init__(self, awaited: Any) -> None:
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._awaited)


def _takes_key(function: Callable[..., Any]) -> bool:
    try:
        return "idempotency_key" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


async def _awaited(call: Callable[[], Any]) -> Any:
    result = call()
    return await result if inspect.isawaitable(result) else result


def _wrap(
    middleware: Callable[..., Awaitable[Any]], chat: Chat, inner: Callable[[], Coroutine[Any, Any, Any]]
) -> Callable[[], Coroutine[Any, Any, Any]]:
    async def call() -> Any:
        return await middleware(chat, inner)

    return call


def at_once(play: Play) -> bool:
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
