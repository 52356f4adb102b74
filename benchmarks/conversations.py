"""What a conversation in Python costs: turn 50 against turn 2, a whole replay, and many that wait.

Ratios within one run. ``python benchmarks/conversations.py [WAITING]`` (default 100,000 waiting conversations).
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from smsbot import Bot, Chat, integer
from smsbot.conversations.journal import Record
from smsbot.core.conversation import Conversation, Run
from smsbot.core.message import Event, Key
from smsbot.flows.state import Begin, Person, Said
from smsbot.gateways.base import Outcome, SendResult
from smsbot.routing.chat import Chat as ChatType
from smsbot.routing.chat import session_of
from smsbot.testing.sim import LINE, Sim
from smsbot.turns.context import Context
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.frames import Resume, Stack, restore
from smsbot.turns.lines import Line
from smsbot.turns.live import LiveFrames
from smsbot.turns.once import Once
from smsbot.turns.python_frame import PythonFrame
from smsbot.turns.runner import Runner
from smsbot.understanding.answers import Answer

QUESTIONS, ROUNDS = 50, 15
KEY = Key(LINE, "+48600100200")
NOW = 1_780_000_000.0
bot = Bot("bench")


@bot.on("go")
async def go(chat: Chat) -> None:
    total = 0
    for n in range(QUESTIONS):
        answer = await chat.ask(f"Question {n}: how many?", integer(0, 99), key=f"q{n}")
        total += answer
    chat.say(f"{total} in all.")


@bot.on("wait")
async def wait(chat: Chat) -> None:
    name = await chat.ask("Your name?")
    chat.say(f"Hello {name}.")


def run_at_once(runner: Runner) -> None:
    """Run frames to their end; nothing in them waits."""
    with suppress(StopIteration):
        runner.run().send(None)
        raise AssertionError("nothing really waits here")


class Hand:
    """Plays the pipeline: stores frames and records between turns, keeps conversations alive or not."""

    def __init__(self, live: bool) -> None:
        self.line = Line(LINE, bot, "main", versions=FlowVersions())
        self.live = LiveFrames(10 if live else 0)
        self.records: list[Record] = []
        self.run = b"r" * 16
        self.before = Conversation(KEY)
        self.key = b""
        self.signature = next(s for s in bot.signatures() if s.function is go)

    def turn(self, n: int) -> float:
        """Seconds that the n-th turn takes, from the stored frame to the next one to store."""
        event = Event(n.to_bytes(16, "big"), KEY, "text", "7", NOW + n)
        journals = {(self.run, self.key): list(self.records)} if self.key else {}
        began = time.perf_counter()
        chat = ChatType(event, self.before)
        if self.before.run is None:
            frame = PythonFrame.begin(go, self.run, event, {}, contact={}, salt=b"begun")
            frame.handler = self.signature
            resume = Resume(Stack(self.line.versions.current, [frame]), Begin(), True)
        else:
            stack = restore(self.line.versions, self.before.run.frames, "", KEY)
            resume = Resume(stack, Said("7", Answer(7)))
        effects = session_of(chat).effects
        context = Context(
            line=self.line, event=event, run=self.run, before=self.before, effects=effects,
            person=Person(NOW + n, {}, LINE, "PL"), now=NOW + n, chat=chat,
            once=Once(event=event, run=self.run, effects=effects), live=self.live, provided={}, journals=journals,
        )  # fmt: skip
        play = Runner(context, resume)
        run_at_once(play)
        took = time.perf_counter() - began
        self.records += [Record.of(e) for e in effects.entries]
        frames = effects.frames or ()
        self.key = play.stack.functions[0].key if play.stack.functions else b""
        run = Run(self.run, "bench", "go", NOW, frames) if frames else None
        self.before = replace(self.before, version=self.before.version + 1, run=run)
        self.live.keep(play.stack.calls, self.before.version)
        return took


def costs(live: bool) -> tuple[float, float]:
    """Microseconds of turn 2 and of turn 50."""
    second, last = [], []
    for _ in range(ROUNDS):
        hand = Hand(live)
        took = [hand.turn(n) for n in range(QUESTIONS)]
        second.append(took[2])
        last.append(took[-1])
    return statistics.median(second) * 1e6, statistics.median(last) * 1e6


class Taker:
    """A gateway that takes everything at once."""

    async def send(self, outbound: object) -> SendResult:
        return SendResult(Outcome.ACCEPTED, reference="x")


async def waiting(count: int, live: int) -> tuple[float, float]:
    """Megabytes that conversations which wait for an answer take, and texts a second while they begin."""
    with tempfile.TemporaryDirectory() as folder:
        sim = Sim(bot, Path(folder))
        async with sim:
            for account in sim.app.sender._accounts.values():
                account.gateway.send = Taker().send  # type: ignore[method-assign,assignment]
            sim.app.dispatcher.live.most = live
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began = time.perf_counter()
            for start in range(0, count, 500):
                events = [
                    Event(n.to_bytes(16, "big"), Key(LINE, f"+48{600_000_000 + n}"), "text", "wait", sim.clock.now())
                    for n in range(start, min(start + 500, count))
                ]
                await asyncio.gather(*(sim.app.dispatcher.arrive(e) for e in events))
            took = time.perf_counter() - began
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return (after - before) / 1024, count / took


def _waited(count: int, live: int) -> tuple[float, float]:
    return asyncio.run(waiting(count, live))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    second, last = costs(live=True)
    print(f"kept alive: turn 2 {second:.0f} µs, turn {QUESTIONS} {last:.0f} µs: {last / second:.2f} times")
    second, last = costs(live=False)
    print(
        f"replayed:   turn 2 {second:.0f} µs, turn {QUESTIONS} {last:.0f} µs "
        f"({last / 1000:.2f} ms for {QUESTIONS - 1} answers)"
    )
    for live in (2_000, count):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:  # each in a process of its own
            grown, rate = fresh.submit(_waited, count, live).result()
        print(f"{count:,} waiting, {live:,} of them alive: {grown:.0f} MB more, {rate:.0f} began a second")


if __name__ == "__main__":
    main()
