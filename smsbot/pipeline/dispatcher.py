"""One turn at a time per conversation, in order of arrival; each turn ends in one commit.

The *express path*: an event that finds its conversation free and whose handler awaits nothing is accepted and finished
in one commit. It is the same code as the long way, in the webhook's own task: whatever would have to be awaited raises
`NotNow`. Then, or after 10 ms, the event alone is committed, which is what a webhook waits for, and the turn goes on in
a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from smsbot.core.clock import Clock
from smsbot.core.commit import Committed, Verdict
from smsbot.core.conversation import Conversation
from smsbot.core.errors import ProcessEnded, StoreError, StoreRefused
from smsbot.core.message import Event, Key
from smsbot.core.phone import mask
from smsbot.failpoints import reached
from smsbot.log import Log
from smsbot.routing.bot import Bot
from smsbot.routing.injection import where
from smsbot.stores.base import Store
from smsbot.turns.blocking import watched
from smsbot.turns.context import Records, records_of
from smsbot.turns.lines import Line, Lines
from smsbot.turns.live import LiveFrames, Place
from smsbot.turns.once import NotNow, Pause
from smsbot.turns.surround import surround
from smsbot.turns.turn import Turn

from .attempts import insist
from .failures import RETRIES, Failures
from .queues import ConversationQueue, Queues
from .running import Running
from .sender import Sender
from .tasks import Tasks, cancelled
from .unit_of_work import NotOurs, StaleConversation, UnitOfWork

log = Log("smsbot.dispatcher")
EXPRESS = 0.010
"""Seconds in which a turn may end before its event is accepted alone."""


class Dispatcher:
    """Gives each conversation its events, one at a time."""

    def __init__(
        self, store: Store, lines: Lines, sender: Sender, clock: Clock,
        provided: Mapping[Bot, Mapping[type, Any]], *, candid: bool = False,
    ) -> None:  # fmt: skip
        self.store = store
        self.lines = lines
        self.sender = sender
        self.clock = clock
        self._provided = provided
        self.tasks = Tasks()
        self.queues = Queues(store, clock, self.tasks, self._drain)
        self.failures = Failures(store, lines, sender, clock, self.tasks, self._run_apology, candid=candid)
        self.live = LiveFrames()
        self.running = Running()
        self.watch: Callable[[Turn], None] | None = None
        """Is told what each committed turn did (for coverage)."""
        self.decided: dict[bytes, asyncio.Future[str]] = {}
        """Who waits to hear what became of an event, by its id."""
        self.pause: Pause = asyncio.sleep
        """Waits between two tries of a step."""

    @property
    def idle(self) -> bool:
        """Whether no conversation has work that could go on now."""
        return not self.tasks and self.queues.idle

    @property
    def crowded(self) -> bool:
        """Whether new texts should be refused for now."""
        return self.store.busy or self.queues.crowded

    async def ended_process(self, work: UnitOfWork, line: Line) -> float | None:
        """Answer for an event whose code ran when the process before ended; returns when it is tried again."""
        error = ProcessEnded("the process ended while this text was answered")
        retry_at = await self.failures.answer(work, line, error)
        self.running.answered()
        return retry_at

    def feed(self, events: Iterable[Event]) -> None:
        """Queue events that are accepted already."""
        for event in events:
            self.queues.add(event)

    def accepted(self, events: Iterable[Event], answers: Iterable[Committed]) -> None:
        """Send what was kept with events, and queue those whose turn is taken here."""
        for event, answer in zip(events, answers, strict=True):
            self.sender.start(answer.claims)
            if answer.verdict is Verdict.DONE:
                self.queues.add(replace(event, seq=answer.seq))

    # -- an event comes -----------------------------------------------------------------------------

    async def arrive(self, event: Event) -> Verdict:
        """Take a new event; durable on return."""
        queue = self.queues.of(event.key)
        if queue is not None:
            return await self.queues.accept_behind(event, queue)
        queue = self.queues.open(event.key, busy=True)
        work = queue.first = self.work_on(event)
        try:
            done = await self._express(work) or await self._elsewhere(work)
        except BaseException as error:
            refused = await work.refuse(error if isinstance(error, StoreError) else StoreError("its turn was stopped"))
            if not refused and work.seq:  # accepted for the sake of what came behind it
                queue.events.appendleft(work.event)
            self.queues.release(event.key, queue)
            raise
        if done:
            self.queues.release(event.key, queue)
            return work.durable.result()
        queue.events.appendleft(work.event)
        task = self.tasks.spawn(self._drain(event.key, queue, work))
        await asyncio.wait((work.durable, task), timeout=EXPRESS, return_when=asyncio.FIRST_COMPLETED)
        return work.durable.result() if work.durable.done() else await work.accept()

    def work_on(self, event: Event) -> UnitOfWork:
        """An event on its way through a turn."""
        reached("turn.begun")
        return UnitOfWork(self.store, self.sender, self.clock, self.tasks.spawn, event)

    async def _express(self, work: UnitOfWork) -> bool:
        """The turn without a task, in one commit. False if it needs the long way, which answers for its errors."""
        line = self.lines.get(work.event.key.line)
        if line is None or line.bot.middlewares or self.running.suspects(work.event) or self.store.outdated:
            return False
        conversation = self.store.peek(work.event.key) or await self.store.load(work.event.key)
        turn: Turn | None = None
        try:
            turn = await self._begin(work, line, conversation)
            await self._run(turn, at_once=True)
            commit = turn.end(self.clock.now())
        except KeyboardInterrupt:
            raise
        except BaseException:
            if turn is not None:
                turn.discard()
            if cancelled():
                raise
            return False
        try:
            answer = await work.commit_here(commit)
        except StoreRefused:
            turn.discard()
            return False
        self._committed(turn, answer.verdict)
        return answer.verdict is not Verdict.FENCED

    async def _elsewhere(self, work: UnitOfWork) -> bool:
        """Whether the turn is not taken here: beside other processes that is known before its handler begins."""
        return not self.store.alone and await work.accept() is not Verdict.DONE

    # -- the long way -------------------------------------------------------------------------------

    async def _drain(self, key: Key, queue: ConversationQueue, work: UnitOfWork | None = None) -> None:
        """Take the turns of a queue until it is empty or its head has to wait."""
        try:
            # a turn that has begun goes on: its event may be accepted by now
            while self.queues.may_go_on(key, queue) or (work is not None and not self.tasks.closing):
                work = work or self.work_on(queue.events[0])
                retry_at = await self._turn(work)
                if retry_at is not None:
                    queue.events[0] = replace(work.event, attempts=work.event.attempts + 1)
                    self.queues.park(key, retry_at)
                    return
                queue.events.popleft()
                for event in work.behind:
                    queue.keep(event, behind=0)
                work = None
        except Exception as error:  # a queue is never left without somebody who looks after it
            log.error("a turn failed inside smsbot", number=mask(key.number), exc_info=error)
            await self._failed_inside(key, queue, work)
        finally:
            self.queues.release(key, queue)

    async def _failed_inside(self, key: Key, queue: ConversationQueue, work: UnitOfWork | None) -> None:
        """Not even its failure could be answered for: it is tried again as often as others, then a dead letter."""
        event = work.event if work is not None else queue.events[0]  # by now it may be accepted, and has its place
        queue.events[0] = replace(event, attempts=event.attempts + 1)
        if event.attempts >= len(RETRIES) and event.seq:
            with suppress(StoreError):
                await self.store.postpone(event, None, "dead letter: it failed inside smsbot, see the log")
                queue.events.popleft()
                return
        self.queues.park(key, self.clock.now() + RETRIES[min(event.attempts, len(RETRIES) - 1)])

    async def _turn(self, work: UnitOfWork) -> float | None:
        """Take the turn; returns when to try again if it failed."""
        line = self.lines.get(work.event.key.line)
        if line is None:
            await insist(lambda: self.failures.give_up(work, "no bot answers on this line any more"))
            return None
        if self.running.suspects(work.event):  # its provider has delivered it again
            return await self.ended_process(work, line)
        if work.event.attempts > len(RETRIES):
            await insist(lambda: self.failures.give_up(work, "each process ended that answered it"))
            return None
        while True:
            try:
                if await self._try(work, line):
                    return None
            except NotOurs:
                return None
            except StaleConversation:
                continue
            except asyncio.CancelledError as error:
                if self.tasks.stopped():
                    raise
                return await self.failures.answer(work, line, error)
            except BaseExceptionGroup as group:  # from a task group of the handler's
                if group.subgroup(NotOurs) is not None:
                    return None
                if group.subgroup(StaleConversation) is None:
                    return await self.failures.answer(work, line, group)
            except StoreRefused as error:
                return await self.failures.answer(work, line, error)
            except StoreError as error:
                if await work.refuse(error):
                    return None
                log.error("a turn waits for the database", why=str(error))
                await asyncio.sleep(1.0)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # what a library in another language calls a panic is none of these
                return await self.failures.answer(work, line, error)

    async def _try(self, work: UnitOfWork, line: Line) -> bool:
        """One try; False if the conversation moved on meanwhile."""
        turn = work.turn = await self._begin(work, line, await self.store.load(work.event.key), cut=work.cut)
        if turn.event.seq:  # it may have begun before: what is journaled happens no second time
            await self._remember(turn)
        turn.pin()
        self._tell(turn)
        try:
            await self._run(turn)
            answer = await work.commit(turn.end(self.clock.now()))
        except BaseException:
            turn.discard()
            raise
        self._committed(turn, answer.verdict)
        return answer.verdict is not Verdict.FENCED

    # -- both ways ----------------------------------------------------------------------------------

    async def _begin(
        self, work: UnitOfWork, line: Line, before: Conversation, cut: Callable[[], Awaitable[None]] | None = None
    ) -> Turn:
        """The turn, with what it has to know of the past."""
        event = work.event
        repeat, greeted = await self.store.repeats(before, event), await self._greeted(before, event)
        return Turn(line, before, event, cut=cut, repeat=repeat, greeted=greeted, secret=self.store.dedupe_key)

    async def _greeted(self, conversation: Conversation, event: Event) -> bool:
        """Whether texts of ours had gone to somebody whose conversation begins with this text."""
        if event.kind != "text" or conversation.version:
            return False
        line, number = event.key
        return bool(await self.store.rows("greeted", line=line, number=number, before=event.at))

    async def _remember(self, turn: Turn) -> None:
        entries = await self.store.journal(turn.run_id, turn.event.id)
        turn.remembered = {e.seq: (e.kind, e.value) for e in entries}

    async def _run(self, turn: Turn, *, at_once: bool = False) -> None:
        """Run what the turn wakes within what surrounds it; `at_once`: nothing may be awaited."""
        if turn.is_surrounded and (turn.signature is not None or turn.decision.resume is not None):
            around = surround(turn, partial(self._code, turn, at_once), self._provided[turn.line.bot])
            await self.running.run(turn.event, around)
        else:
            await self._code(turn, at_once)

    async def _code(self, turn: Turn, at_once: bool) -> None:
        """Run flows and conversations, or a handler."""
        signature, bot = turn.signature, turn.line.bot
        if turn.decision.resume is not None:
            await self._run_frames(turn, at_once)
        elif signature is None:
            return
        elif signature.is_async:  # it may turn out to be a conversation
            if at_once and not signature.asks:
                raise NotNow
            await self._run_frames(turn, at_once)
        elif signature.blocking:
            if at_once:
                raise NotNow
            with self.running.in_thread():
                result = await turn.line.threads.run(signature.call, turn.values(), self._provided[bot])
            turn.returned(signature, result)
        else:
            call = partial(signature.call, turn.values(), self._provided[bot])
            with watched(signature.name, lambda: where(signature.function)):
                result = call() if turn.is_surrounded else self.running.call(turn.event, call)
            turn.returned(signature, result)

    async def _run_apology(self, work: UnitOfWork, turn: Turn) -> None:
        await self._remember(turn)
        await self._run(turn)

    async def _run_frames(self, turn: Turn, at_once: bool) -> None:
        """Run flows and conversations; what they do outside happens once."""
        runner = turn.runner(
            now=self.clock.now(), provided=self._provided[turn.line.bot], journals=await self._journals(turn),
            live=self.live, load=self._journal, pause=self.pause,
        )  # fmt: skip
        turn.alive = runner.stack
        try:
            await (runner.run() if turn.is_surrounded else self.running.run(turn.event, runner.run()))
        except BaseException:
            if not at_once and not self.tasks.stopped():
                await runner.rest()
            raise
        turn.ran(runner)

    async def _journals(self, turn: Turn) -> Mapping[Place, Records]:
        """Fetch the journals of the conversations that a turn takes up."""
        found: dict[Place, Records] = {}
        for frame in turn.functions():
            fresh = not turn.event.seq and frame.started.id == turn.event.id
            if not fresh and not self.live.has(frame.journal_place, turn.before.version):
                found[frame.journal_place] = await self._journal(*frame.journal_place)
        return found

    async def _journal(self, run: bytes, key: bytes) -> Records:
        return records_of(await self.store.journal(run, key))

    def _tell(self, turn: Turn) -> None:
        """Tell who waits for it what becomes of an event."""
        waiting = self.decided.get(turn.event.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(turn.decision.outcome)

    def _committed(self, turn: Turn, verdict: Verdict) -> None:
        """Keep the conversations of a turn alive, or let go of them."""
        if verdict is not Verdict.DONE:
            turn.discard()
            return
        self._tell(turn)
        if self.watch is not None:
            self.watch(turn)
        self.live.drop(turn.left())
        if turn.alive is not None:
            self.live.keep(turn.alive.calls, turn.version)
