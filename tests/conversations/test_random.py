"""Random conversations against a model in memory: what the person hears, and how often each step ran.

40 sequences by default, 200 with ``--slow``, 10,000 with ``scripts/test --long``. Restarts, lost caches and dead coroutines may come at
any moment.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsbot import Bot, Chat, NoReply, TooManyTries, integer
from smsbot.core.clock import duration
from smsbot.testing.sim import Sim

Program = tuple[str, ...]
PROGRAMS: dict[str, Program] = {}
RAN: Counter[tuple[str, int]] = Counter()
FAILED: set[tuple[str, int]] = set()
HELP = "HELP"
INNER = """
flow: inner
returns: word
steps:
  - {ask: word, say: "Inner?", type: text, timeout: 1h}
"""
OPS = st.sampled_from(["say", "ask", "ask", "confirm", "step", "boom", "sleep", "flow", "gather", "action", "fails"])
EVENTS = st.sampled_from(
    [
        "3",
        "3",
        "7",
        "yes",
        "yes",
        "no",
        "x",
        "maybe",
        "help",
        "12",
        "@ 10m",
        "@ 1h",
        "restart",
        "forget",
        "kill",
        "store",
    ]
)


def work(number: str, n: int) -> int:
    RAN[number, n] += 1
    return n * 10


def boom(number: str, n: int) -> int:
    RAN[number, n] += 1
    raise ValueError(n)


def make(folder: Path) -> Bot:
    (folder / "inner.yaml").write_text(INNER, encoding="utf-8")
    (folder / "outer.yaml").write_text(
        "flow: outer\nreturns: got\nsteps:\n  - {do: asks(), save: got}\n", encoding="utf-8"
    )
    bot = Bot("random", flows=str(folder), language="en")

    @bot.anywhere("help")
    def help_() -> str:
        return HELP

    @bot.action
    async def asks(chat: Chat) -> int:
        try:
            return await chat.ask("Action 1?", int, tries=9, timeout="1h")
        except NoReply:
            return 0

    @bot.on("go")
    async def go(chat: Chat) -> None:
        for n, op in enumerate(PROGRAMS[chat.number]):
            await do(chat, n, op)
        chat.say("end")

    async def do(chat: Chat, n: int, op: str) -> None:
        match op:
            case "say":
                chat.say(f"say {n}")
            case "ask":
                try:
                    got = await chat.ask(
                        f"int {n}?", integer(1, 9), key=f"q{n}", retry=f"again {n}", tries=1, timeout="1h"
                    )
                    chat.say(f"got {n} {got}")
                except NoReply:
                    chat.say(f"silence {n}")
                except TooManyTries:
                    chat.say(f"enough {n}")
            case "confirm":
                try:
                    yes = await chat.confirm(f"is it ok {n}? yes or no", key=f"c{n}", tries=1, timeout="1h")
                    chat.say(f"{'yes' if yes else 'no'} {n}")
                except (NoReply, TooManyTries):
                    chat.say(f"neither {n}")
            case "step":
                chat.say(f"did {n} {await chat.step(work, chat.number, n)}")
            case "gather":
                a, b = await chat.gather(chat.step(work, chat.number, n), chat.step(work, chat.number, 100 + n))
                chat.say(f"both {n} {a + b}")
            case "boom":
                try:
                    await chat.step(boom, chat.number, n)
                except ValueError as error:
                    chat.say(f"caught {error.args[0]}")
            case "sleep":
                await chat.sleep("10m")
                chat.say(f"awake {n}")
            case "flow":
                chat.say(f"inner {n} {await chat.run('inner', returns=str)}")
            case "action":
                chat.say(f"outer {n} {await chat.run('outer', returns=int)}")
            case "fails":
                if (chat.number, n) not in FAILED:
                    FAILED.add((chat.number, n))
                    raise RuntimeError("once")
                chat.say(f"well {n}")

    return bot


@dataclass
class Model:
    """The same conversation, by hand, without anything that could be lost."""

    program: Program
    now: float
    heard: list[str] = field(default_factory=list)
    ran: Counter[int] = field(default_factory=Counter)
    wait: str = ""
    n: int = 0
    wrong: int = 0
    unsure: bool = False
    deadline: float = 0.0
    over: bool = False
    dead: bool = False

    def start(self) -> None:
        self.go(0)

    def go(self, n: int) -> None:
        self.wait = ""
        while n < len(self.program):
            op = self.program[n]
            if op == "say":
                self.heard.append(f"say {n}")
            elif op == "step":
                self.ran[n] += 1
                self.heard.append(f"did {n} {n * 10}")
            elif op == "gather":
                self.ran[n] += 1
                self.ran[100 + n] += 1
                self.heard.append(f"both {n} {n * 10 + (100 + n) * 10}")
            elif op == "boom":
                self.ran[n] += 1
                self.heard.append(f"caught {n}")
            elif op == "fails":
                self.heard.append(f"well {n}")
            else:
                self.stand(op, n)
                return
            n += 1
        self.heard.append("end")
        self.over = True

    def stand(self, op: str, n: int) -> None:
        self.wait, self.n, self.wrong, self.unsure = op, n, 0, False
        self.deadline = self.now + (600 if op == "sleep" else 3600)
        if op != "sleep":
            self.heard.append(self.prompt)

    @property
    def prompt(self) -> str:
        return {
            "ask": f"int {self.n}?",
            "confirm": f"is it ok {self.n}? yes or no",
            "flow": "Inner?",
            "action": "Action 1?",
        }[self.wait]

    def text(self, text: str) -> None:
        if text == "help":
            self.heard += [HELP] + ([self.prompt] if not self.over and self.wait != "sleep" else [])
            return
        if self.over or self.wait == "sleep":
            return
        n = self.n
        if self.wait == "flow":
            self.heard.append(f"inner {n} {text}")
            self.go(n + 1)
        elif self.wait in ("ask", "action"):
            most = 9 if self.wait == "ask" else 10**9
            if text.isdigit() and 1 <= int(text) <= most:
                self.heard.append(f"got {n} {text}" if self.wait == "ask" else f"outer {n} {text}")
                self.go(n + 1)
            else:
                self.bad(text, f"again {n}" if self.wait == "ask" else "Action 1?", f"enough {n}")
        elif text in ("yes", "no"):
            self.heard.append(f"{text} {n}")
            self.go(n + 1)
        else:
            self.bad(text, self.prompt, f"neither {n}")

    def bad(self, text: str, again: str, enough: str) -> None:
        if text == "maybe" and not self.unsure:
            self.unsure = True
        else:
            self.wrong += 1
            if self.wrong > (1 if self.wait != "action" else 9):
                self.heard.append(enough)
                self.go(self.n + 1)
                return
        self.heard.append(again)
        self.deadline = self.now + 3600

    def advance(self, seconds: float) -> None:
        target = self.now + seconds
        while not self.over and self.deadline <= target:
            self.now = self.deadline
            n = self.n
            if self.wait == "flow":
                self.over = True  # nobody answers the flow inside, so the run is abandoned
                break
            said = {"ask": f"silence {n}", "confirm": f"neither {n}", "sleep": f"awake {n}", "action": f"outer {n} 0"}
            self.heard.append(said[self.wait])
            self.go(n + 1)
        self.now = target


class House:
    """One server for all sequences; each has a phone of its own."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.sim = Sim(make(folder), folder)
        self.numbers: Iterator[int] = itertools.count(48600200000)
        self.runner.run(self.sim.start())

    def close(self) -> None:
        self.runner.run(self.sim.stop())
        self.runner.close()

    async def tell(self, program: Program, events: list[str]) -> None:
        sim, number = self.sim, f"+{next(self.numbers)}"
        PROGRAMS[number] = program
        model = Model(program, sim.clock.now())
        await sim.text(number, "go")
        model.start()
        model.advance(1.0)
        for _ in program:
            await self.retried(number, model)
        for event in events:
            await self.one(event, number, model)
            heard = [e["text"] for e in await sim.thread(number) if e["direction"] == "out"]
            assert heard == model.heard, (program, events, event, await sim.trouble_of(number))
        assert {n: RAN[number, n] for n in model.ran} == dict(model.ran), (program, events)

    async def retried(self, number: str, model: Model) -> None:
        """What failed once is tried again after a second; the clock stands until then."""
        await self.sim.settle()

    async def one(self, event: str, number: str, model: Model) -> None:
        sim = self.sim
        if event == "restart":
            await sim.restart()
        elif event == "forget":
            sim.reload()
        elif event == "kill":
            sim.app.dispatcher.live.close()
        elif event == "store":
            sim.app.dispatcher.live.most = 2_000 - sim.app.dispatcher.live.most
        elif event.startswith("@"):
            await sim.advance(event[2:])
            model.advance(duration(event[2:]))
        else:
            await sim.text(number, event)
            model.text(event)
            model.advance(1.0)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("random"))
    yield made
    made.close()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(OPS.filter(lambda op: op != "fails"), min_size=1, max_size=6), st.lists(EVENTS, max_size=9))
def test_some_random_conversations(house: House, program: list[str], events: list[str]) -> None:
    house.runner.run(house.tell(tuple(program), events))


@pytest.mark.slow
@settings(
    max_examples=10_000 if os.environ.get("SMSBOT_LONG") else 200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(OPS.filter(lambda op: op != "fails"), min_size=1, max_size=6), st.lists(EVENTS, max_size=9))
def test_random_conversations(house: House, program: list[str], events: list[str]) -> None:
    house.runner.run(house.tell(tuple(program), events))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(OPS, min_size=1, max_size=5), st.lists(st.sampled_from(["3", "yes", "x"]), max_size=6))
def test_what_fails_once_is_tried_again(house: House, program: list[str], texts: list[str]) -> None:
    """An exception rolls the segment back; the turn is tried again a second later, and nothing is said or done twice."""

    async def tell() -> None:
        sim, number = house.sim, f"+{next(house.numbers)}"
        PROGRAMS[number] = tuple(program)
        model = Model(tuple(program), sim.clock.now())
        model.start()
        await sim.text(number, "go")
        await sim.advance("2m")
        for text in texts:
            model.text(text)
            await sim.text(number, text)
            await sim.advance("2m")
        said = [e["text"] for e in await sim.thread(number) if e["direction"] == "out"]
        assert said == model.heard, (program, texts, await sim.trouble_of(number))

    if "sleep" not in program:
        house.runner.run(tell())
