"""One turn at a time per conversation, in order of arrival; each turn ends in one commit.

A lane is a conversation with work: its queue of accepted events. The *express path*: an event that finds
its lane free and whose handler ends within 10 ms is accepted and finished in one commit. Otherwise the
event alone is committed, which is what a webhook waits for, and the turn goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from smsbot.conversations.journal import Record
from smsbot.core import segments
from smsbot.core.clock import Clock
from smsbot.core.commit import Verdict
from smsbot.core.conversation import Conversation
from smsbot.core.errors import Changed, SmsbotError, StoreError, StoreRefused, UsageError
from smsbot.core.message import Event, Key, Reply
from smsbot.core.phone import mask
from smsbot.failpoints import reached
from smsbot.log import Log
from smsbot.routing.bot import Bot
from smsbot.routing.effects import Effects
from smsbot.routing.injection import Signature, where
from smsbot.stores.base import Acceptance, Store
from smsbot.turns.blocking import watched
from smsbot.turns.failure import place, told
from smsbot.turns.lines import Line, Lines
from smsbot.turns.live import LiveFrames
from smsbot.turns.once import STOPPED, Pause
from smsbot.turns.outgoing import outgoing_for
from smsbot.turns.runner import Runner, at_once
from smsbot.turns.turn import Turn, due_again, ended_by_failure

from .sender import Sender, insist
from .unit_of_work import DuplicateEvent, StaleConversation, UnitOfWork

log = Log("smsbot.dispatcher")
T = TypeVar("T")
EXPRESS = 0.010
_MOST_LANES = 20_000
"""Conversations with work at once; beyond it, webhooks are told to come again."""
_APOLOGY_PLACE = 2000
"""The place of an apology among the texts of its turn."""
_MENDED = 600.0
"""Seconds until a deadline is served again whose conversation no longer fits its code."""
_ENDS = 3.0
"""Seconds that turns get to end when they are cancelled."""
RETRIES = (1.0, 5.0, 30.0, 120.0)
"""Seconds before a failed turn is tried again; after the last it is a dead letter."""


@dataclass(slots=True)
class ConversationQueue:
    """A conversation with work: its accepted events, and how many are being accepted."""

    events: deque[Event] = field(default_factory=deque)
    coming: int = 0
    busy: bool = False
    """Whether a task, or a turn in its webhook, looks after it."""
    first: UnitOfWork | None = None
    """The turn that opened it, whose event may not be accepted yet."""
    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Lets events in as they came, those that wait for the first one before those that come later."""


class Dispatcher:
    """Gives each conversation its events, one at a time."""

    def __init__(
        self,
        store: Store,
        lines: Lines,
        sender: Sender,
        clock: Clock,
        provided: Mapping[Bot, Mapping[type, Any]],
        *,
        candid: bool = False,
    ) -> None:
        self.store = store
        self.lines = lines
        self.sender = sender
        self.clock = clock
        self.candid = candid
        """Whether logs may hold what handlers' exceptions say: only in the sandbox."""
        self._provided = provided
        self._lanes: dict[Key, ConversationQueue] = {}
        self._of_line: Counter[str] = Counter()
        self._parked: dict[Key, float] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self.live = LiveFrames()
        self.watch: Callable[[Effects], None] | None = None
        """Is told what each committed turn did (for coverage)."""
        self.decided: dict[bytes, asyncio.Future[str]] = {}
        """Who waits to hear what became of an event, by its id."""
        self.pause: Pause = asyncio.sleep
        """Waits between two tries of a step."""

    @property
    def idle(self) -> bool:
        """Whether no conversation has work that could go on now."""
        if self._tasks or not self.store.pausing:
            return len(self._lanes) == len(self._parked) and not self._tasks
        return all(key in self._parked or self.store.paused(key.line) for key in self._lanes)

    @property
    def crowded(self) -> bool:
        """Whether new texts should be refused for now."""
        many = len(self._lanes) > _MOST_LANES
        return self.store.busy or (many and len(self._lanes) - self._waiting > _MOST_LANES)

    @property
    def _waiting(self) -> int:
        """How many lanes a pause keeps from going on: what comes in is recorded all the same."""
        if not self.store.pausing:
            return 0
        return sum(many for line, many in self._of_line.items() if self.store.paused(line))

    async def recover(self) -> None:
        """Queue what a former process left without a turn, before anything new is taken."""
        after = 0
        reached("recover.begun")
        while batch := await self.store.unread(after, 1000):
            for event in batch:
                self._queue(event)
            after = batch[-1].seq

    def feed(self, events: Iterable[Event]) -> None:
        """Queue events that are accepted already."""
        for event in events:
            self._queue(event)

    async def arrive(self, event: Event) -> Verdict:
        """Take a new event; durable on return."""
        lane = self._lanes.get(event.key)
        if lane is None and self.store.paused(event.key.line):
            lane = self._opened(event.key, ConversationQueue())
        if lane is not None:
            return await self._behind(event, lane)
        lane = self._opened(event.key, ConversationQueue(busy=True))
        work = lane.first = self._work(event)
        try:
            inline = await self._inline(work)
        except BaseException as error:
            refused = await work.refuse(error if isinstance(error, StoreError) else StoreError("its turn was stopped"))
            if not refused and work.seq:  # accepted for the sake of what came behind it
                lane.events.appendleft(work.event)
            self._release(event.key, lane)
            raise
        if inline:
            self._release(event.key, lane)
            return work.durable.result()
        lane.events.appendleft(event)
        task = self.spawn(self._drain(event.key, lane, work))
        await asyncio.wait((work.durable, task), timeout=EXPRESS, return_when=asyncio.FIRST_COMPLETED)
        return work.durable.result() if work.durable.done() else await work.accept()

    def _work(self, event: Event) -> UnitOfWork:
        reached("turn.begun")
        return UnitOfWork(self.store, self.sender, self.clock, self.spawn, event)

    async def _behind(self, event: Event, lane: ConversationQueue) -> Verdict:
        """Accept an event behind others; the lane stays while it is on its way, so that nothing overtakes it."""
        lane.coming += 1
        try:
            async with lane.door:
                if lane.first is not None and not lane.first.durable.done():  # what came first is kept first
                    with suppress(StoreError):
                        await lane.first.accept()
                accepting = asyncio.ensure_future(self.store.accept([Acceptance(event)]))
            answer = (await accepting)[0]
            if answer.verdict is Verdict.DONE:
                lane.events.append(replace(event, seq=answer.seq))
            return answer.verdict
        finally:
            lane.coming -= 1
            self._schedule(event.key, lane)

    async def _inline(self, work: UnitOfWork) -> bool:
        """The shortest way, for sync handlers: no task, one commit. False if the turn needs the long way."""
        line = self.lines.get(work.event.key.line)
        if line is None or line.bot.middlewares:
            return False
        conversation = self.store.peek(work.event.key) or await self.store.load(work.event.key)
        try:
            repeat = await self.store.repeats(conversation, work.event)
            greeted = await self._greeted(conversation, work.event)
            secret = self.store.dedupe_key
            turn = Turn(line, conversation, work.event, repeat=repeat, greeted=greeted, secret=secret)
        except Exception:
            return False
        try:
            if not await self._at_once(turn):
                return False
            step = turn.step(self.clock.now())
        except (Exception, SystemExit, asyncio.CancelledError):
            turn.discard()
            if _cancelled():
                raise
            return False  # the long way runs it again and answers for its errors
        try:
            answer = await work.commit_here(step)
        except StoreRefused:
            turn.discard()
            return False
        self._committed(turn, answer.verdict)
        return answer.verdict is not Verdict.FENCED

    async def _greeted(self, conversation: Conversation, event: Event) -> bool:
        """Whether texts of ours had gone to somebody whose conversation begins with this text."""
        if event.kind != "text" or conversation.version:
            return False
        line, number = event.key
        return bool(await self.store.rows("greeted", line=line, number=number, before=event.at))

    def _tell(self, turn: Turn) -> None:
        """Tell who waits for it what becomes of an event."""
        waiting = self.decided.get(turn.event.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(turn.decision.outcome)

    def _committed(self, turn: Turn, verdict: Verdict) -> None:
        """Keep the conversations of a turn alive, or let go of them."""
        if verdict is Verdict.DONE:
            self._tell(turn)
        if verdict is Verdict.DONE and self.watch is not None:
            self.watch(turn.chat.effects)
        if verdict is Verdict.DONE:
            self.live.drop(turn.left())
        if verdict is Verdict.DONE and turn.alive is not None:
            self.live.keep(turn.alive.calls, turn.version)
        else:
            turn.discard()

    async def _at_once(self, turn: Turn) -> bool:
        """Decide the turn without a task; False if something has to be awaited."""
        signature, provided = turn.signature, self._provided[turn.line.bot]
        if turn.decision.wake is None:
            if signature is None:
                return True
            if signature.blocking or (signature.is_async and not signature.asks):
                return False
            if not signature.is_async:
                with watched(signature.name, lambda: where(signature.function)):
                    result = signature.call(turn.values(), provided)
                turn.returned(signature, result)
                return True
        runner = await self._runner(turn)
        if not at_once(runner):
            return False
        turn.ran(runner)
        turn.alive = runner.stack if runner.waited else None
        return True

    async def _runner(self, turn: Turn) -> Runner:
        return turn.runner(
            now=self.clock.now(), provided=self._provided[turn.line.bot], journals=await self._journals(turn),
            live=self.live, load=self._journal, pause=self.pause,
        )  # fmt: skip

    async def _journals(self, turn: Turn) -> Mapping[tuple[bytes, bytes], list[Record]]:
        """What has happened in the conversations that a turn takes up."""
        found: dict[tuple[bytes, bytes], list[Record]] = {}
        for frame in turn.functions():
            fresh = not turn.event.seq and frame.started.id == turn.event.id
            place = frame.journal_place
            if not fresh and not self.live.has(place, turn.before.version):
                found[place] = await self._journal(*place)
        return found

    async def _journal(self, run: bytes, key: bytes) -> list[Record]:
        return [Record.of(e) for e in await self.store.journal(run, key)]

    # -- lanes --------------------------------------------------------------------------------------

    def _queue(self, event: Event) -> None:
        lane = self._lanes.get(event.key) or self._opened(event.key, ConversationQueue())
        lane.events.append(event)
        self._schedule(event.key, lane)

    def _opened(self, key: Key, lane: ConversationQueue) -> ConversationQueue:
        self._lanes[key] = lane
        self._of_line[key.line] += 1
        return lane

    def _release(self, key: Key, lane: ConversationQueue) -> None:
        lane.busy = False
        self._schedule(key, lane)

    def _schedule(self, key: Key, lane: ConversationQueue) -> None:
        """See to it that a lane with work has exactly one task, and that one without is gone."""
        if lane.busy or key in self._parked or (lane.events and self.store.paused(key.line)):
            return
        if lane.events and not self._closing:
            lane.busy = True
            self.spawn(self._drain(key, lane))
        elif not lane.coming:
            del self._lanes[key]
            self._of_line[key.line] -= 1

    async def _drain(self, key: Key, lane: ConversationQueue, work: UnitOfWork | None = None) -> None:
        """Take the turns of a lane until it is empty or its head has to wait."""
        try:
            # a turn that has begun goes on: its event may be accepted by now
            while lane.events and not self._closing and (work is not None or not self.store.paused(key.line)):
                work = work or self._work(lane.events[0])
                retry_at = await self._turn(work)
                if retry_at is not None:
                    lane.events[0] = replace(work.event, attempts=work.event.attempts + 1)
                    self._parked[key] = retry_at
                    return
                lane.events.popleft()
                work = None
        except Exception as error:  # a lane is never left without somebody who looks after it
            log.error("a turn failed inside smsbot", number=mask(key.number), exc_info=error)
            if work is not None:
                lane.events[0] = work.event  # by now it may be accepted, and then it has its place
            self._parked[key] = self.clock.now() + RETRIES[1]
        finally:
            self._release(key, lane)

    def retry_due(self) -> None:
        """Take up lanes whose failed turn is due again."""
        now = self.clock.now()
        for key in [k for k, at in self._parked.items() if at <= now]:
            del self._parked[key]
            self._schedule(key, self._lanes[key])

    def resumed(self) -> None:
        """A pause has ended: take up what waited."""
        for key, lane in list(self._lanes.items()):
            self._schedule(key, lane)

    @property
    def next_retry(self) -> float | None:
        """When the next failed turn is due again."""
        return min(self._parked.values(), default=None)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something to its end, also through a stop of the server."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(task.exception(), Exception):
            log.debug("a task of the dispatcher raised", why=type(task.exception()).__name__)

    async def drain(self, patience: float) -> None:
        """Finish the turns under way, at most `patience` seconds; what is queued stays unread."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=patience)
        for task in set(self._tasks):
            task.cancel(STOPPED)
        if self._tasks:  # a handler may not let itself be cancelled; its turn goes on at the next start
            await asyncio.wait(set(self._tasks), timeout=_ENDS)

    def _stopped(self) -> bool:
        """Whether the server ends this task; what else cancels it is a task group of a handler that was given up."""
        if self._closing and _cancelled():
            return True
        task = asyncio.current_task()
        while task is not None and task.cancelling():
            task.uncancel()
        return False

    # -- one turn, the long way ---------------------------------------------------------------------

    async def _turn(self, work: UnitOfWork) -> float | None:
        """Take the turn; returns when to try again if it failed."""
        event = work.event
        line = self.lines.get(event.key.line)
        if line is None:
            await insist(lambda: self._give_up(work, "no bot answers on this line any more"))
            return None
        while True:
            try:
                if await self._try(work, line):
                    return None
            except DuplicateEvent:
                return None
            except StaleConversation:
                continue
            except asyncio.CancelledError as error:
                if self._stopped():
                    raise
                return await self._failed(work, line, error)
            except BaseExceptionGroup as group:  # from a task group of the handler's
                if group.subgroup(DuplicateEvent) is not None:
                    return None
                if group.subgroup(StaleConversation) is None:
                    return await self._failed(work, line, group)
            except StoreRefused as error:
                return await self._failed(work, line, error)
            except StoreError as error:
                if await work.refuse(error):
                    return None
                log.error("a turn waits for the database", why=str(error))
                await asyncio.sleep(1.0)
            except (Exception, SystemExit) as error:
                return await self._failed(work, line, error)

    async def _try(self, work: UnitOfWork, line: Line) -> bool:
        """One try; False if the conversation moved on meanwhile."""
        event = work.event
        conversation = await self.store.load(event.key)
        repeat, greeted = await self.store.repeats(conversation, event), await self._greeted(conversation, event)
        turn = work.turn = Turn(
            line, conversation, event, segmenter=work, repeat=repeat, greeted=greeted, secret=self.store.dedupe_key
        )
        if event.seq:  # it may have begun before: what is journaled happens no second time
            await self._remember(turn)
        turn.pin()
        self._tell(turn)
        try:
            await self._decide(turn)
            answer = await work.commit(turn.step(self.clock.now()))
        except BaseException:
            turn.discard()
            raise
        self._committed(turn, answer.verdict)
        return answer.verdict is not Verdict.FENCED

    async def _decide(self, turn: Turn) -> None:
        """Run what the turn wakes: flows and conversations, or a handler."""
        if turn.decision.wake is not None:
            await self._run(turn)
        elif turn.signature is not None:
            await self._call(turn, turn.signature, turn.values())

    async def _remember(self, turn: Turn) -> None:
        entries = await self.store.journal(turn.run_id, turn.event.id)
        turn.chat.remember({e.seq: (e.kind, e.value) for e in entries})

    async def _run(self, turn: Turn) -> None:
        """Run flows and conversations; what they do outside happens once."""
        runner = await self._runner(turn)
        turn.alive = runner.stack
        try:
            await runner.run()
        except BaseException:
            if not self._stopped():
                await runner.rest()
            raise
        turn.ran(runner)

    async def _call(self, turn: Turn, signature: Signature, values: Mapping[str, Any]) -> None:
        """Run a handler; one that is async, or surrounded by middleware, may turn out to be a conversation."""
        bot = turn.line.bot
        if signature.is_async or bot.middlewares:
            await self._run(turn)
        elif signature.blocking:
            turn.returned(signature, await turn.line.threads.run(signature.call, values, self._provided[bot]))
        else:
            with watched(signature.name, lambda: where(signature.function)):
                result = signature.call(values, self._provided[bot])
            turn.returned(signature, result)

    async def _failed(self, work: UnitOfWork, line: Line, error: BaseException) -> float | None:
        """Answer for an exception: the bot's error handler, else another try, else a dead letter."""
        try:
            if await work.accept() is not Verdict.DONE:
                return None
            handler = line.bot.error_handler(error) if isinstance(error, Exception) else None
            if handler is not None and await self._apologise(work, line, handler, error):
                return None
        except DuplicateEvent:
            return None
        except StoreRefused as second:
            error = second
        except StoreError as failure:
            if await work.refuse(failure):
                return None
        except asyncio.CancelledError as second:
            if self._stopped():
                raise
            error = second
        except (Exception, BaseExceptionGroup, SystemExit, StaleConversation) as second:
            error = second
        return await self._postpone(work, error)

    async def _apologise(self, work: UnitOfWork, line: Line, handler: Signature, error: BaseException) -> bool:
        """Let the bot's error handler answer; what the failed handler said and set is gone."""
        why, at = self._explain(work, error)
        log.warning("a handler raised; on_error answers", number=mask(work.event.key.number), error=why, at=at.strip())
        conversation = await self.store.load(work.event.key)
        turn = Turn(line, conversation, work.event, segmenter=work, apology=True, secret=self.store.dedupe_key)
        await self._remember(turn)
        work.turn = turn
        turn.answers_for(handler, error)
        await self._call(turn, handler, turn.values(error=error))
        note = f"the handler raised {why}{at}; on_error answered"
        step = turn.step(self.clock.now(), note=note)
        return (await work.commit(step)).verdict is not Verdict.FENCED

    async def _postpone(self, work: UnitOfWork, error: BaseException) -> float | None:
        event, number = work.event, mask(work.event.key.number)
        why, at = self._explain(work, error)
        # a mistake in using smsbot would only be made again
        if event.attempts < len(RETRIES) and not isinstance(error, UsageError):
            retry_at = self.clock.now() + RETRIES[event.attempts]
            log.error("a turn failed; it is tried again", number=number, error=why, at=at.strip())
            await insist(lambda: self.store.postpone(event, retry_at, f"failed: {why}{at}"))
            return retry_at
        log.error("a turn failed for good; its text is a dead letter", number=number, error=why, at=at.strip())
        await insist(lambda: self.store.postpone(event, None, f"dead letter: {why}{at}"))
        if event.kind == "timer":
            await self._not_served(event, error)
        if event.kind == "text":
            await self._send_apology(event)
        return None

    async def _send_apology(self, event: Event) -> None:
        """The bot's apology for a text that nobody will answer."""
        line = self.lines.get(event.key.line)
        if line is not None and line.bot.apology:
            text = outgoing_for(Reply(segments.fit(line.bot.apology)), _APOLOGY_PLACE, event, line, self.clock.now())
            answer = (await insist(lambda: self.store.enqueue([text])))[0]
            self.sender.start(answer.claims)

    async def _not_served(self, event: Event, error: BaseException) -> None:
        """A deadline that cannot be served ends its run, for nothing else would wake it; edited code may be mended."""
        line = self.lines.get(event.key.line)
        if line is None:
            return
        with suppress(StoreError):
            conversation = await self.store.load(event.key)
            now = self.clock.now()
            late = isinstance(error, Changed)
            step = due_again(conversation, event, now + _MENDED) if late else ended_by_failure(conversation, event, now)
            if step is not None:
                await self.store.finish([step])

    def _explain(self, work: UnitOfWork, error: BaseException) -> tuple[str, str]:
        if self.candid and not isinstance(error, SmsbotError):
            log.error("a handler raised", exc_info=error)
        signature = work.turn.signature if work.turn is not None else None
        return told(error, self.candid), place(error, signature)

    async def _give_up(self, work: UnitOfWork, why: str) -> None:
        if await work.accept() is Verdict.DONE:
            log.error("a text cannot be answered", number=mask(work.event.key.number), why=why)
            await self.store.postpone(work.event, None, f"dead letter: {why}")


def _cancelled() -> bool:
    """Whether our own task is being cancelled (a handler may await something else that was)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
