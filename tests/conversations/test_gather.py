"""Steps that run at once: each is kept as it ends, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.conversations.exceptions import tell
from smsbot.conversations.journal import RAISED, STEP, Journal, Record
from smsbot.core.request import Do, Gather
from smsbot.testing.sim import Sim

from .test_failures import fails_once


def noting(calls: list[str], name: str, seconds: float = 0.0) -> Any:
    """A step that takes its time, and notes that it was called."""

    async def step(word: str = "") -> str:
        calls.append(name + word)
        await asyncio.sleep(seconds)
        return name

    step.__name__ = name
    return step


async def test_a_step_whose_neighbour_fails_runs_once(tmp_path: Any) -> None:
    bot, calls, flaky, keys = Bot(), list[str](), fails_once(), list[str]()

    def keyed(idempotency_key: str = "") -> int:
        keys.append(idempotency_key)
        return int(flaky())

    @bot.on("go")
    async def go(chat: Chat) -> str:
        a, b, c = await chat.gather(chat.step(noting(calls, "a")), chat.step(keyed), chat.step(noting(calls, "c")))
        return f"{a}{b}{c}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.restart()
        await sim.advance("10m")
        assert (ann.heard, sorted(calls)) == (["a2c"], ["a", "c"])
        assert len(keys) == 2
        assert len(set(keys)) == 1, "a second try has the key of the first"


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
async def test_what_one_raised_is_told_when_all_have_ended(tmp_path: Any, live: bool) -> None:
    """In a loop, so that what is kept of one round is none of the next."""
    bot, calls, flaky = Bot(), list[str](), fails_once(LookupError)

    @bot.on("go")
    async def go(chat: Chat) -> str:
        found: list[str] = []
        while len(found) < 3:
            try:
                a, b, c = await chat.gather(
                    chat.step(noting(calls, "a", 0.02), str(len(found))),
                    chat.step(flaky),
                    chat.step(noting(calls, "c")),
                )
                found.append(f"{a}{b}{c}")
            except LookupError:
                found.append("none")
            await chat.ask("Once more?")
        return " ".join(found)

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        for text in ("go", "yes", "yes", "yes"):
            if not live:
                await sim.restart()
            await ann.text(text)
        assert ann.last == "none a2c a2c"
        assert sorted(calls) == ["a0", "a1", "a2", "c", "c", "c"]


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
async def test_a_timeout_around_them_keeps_what_has_ended(tmp_path: Any, live: bool) -> None:
    bot, calls = Bot(), list[str]()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        found: list[str] = []
        for seconds in (30.0, 0.0):
            try:
                async with asyncio.timeout(0.5):
                    both = await chat.gather(chat.step(noting(calls, "b", seconds)), chat.step(noting(calls, "a")))
                found.append("".join(both))
            except TimeoutError:
                found.append("late")
            await chat.ask("Once more?")
        return " ".join(found)

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        for text in ("go", "yes", "yes"):
            if not live:
                await sim.restart()
            await ann.text(text)
        assert (ann.last, sorted(calls)) == ("late ba", ["a", "a", "b", "b"])


async def test_a_result_that_cannot_be_kept_is_told_and_the_others_are_kept(tmp_path: Any) -> None:
    bot, calls = Bot(apology="Sorry."), list[str]()

    def odd() -> object:
        return object()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.gather(chat.step(odd), chat.step(noting(calls, "a")))
        return "done"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.advance("10m")
        assert (ann.heard, calls) == (["Sorry."], ["a"])


async def test_the_same_step_twice_has_two_results(tmp_path: Any) -> None:
    bot = Bot()

    def echo(word: str) -> str:
        return word

    @bot.on("go")
    async def go(chat: Chat) -> str:
        a, b = await chat.gather(chat.step(echo, "a"), chat.step(echo, "b"))
        await chat.ask("Go on?")
        nothing = await chat.gather()
        return f"{a}{b}{len(nothing)}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.restart()
        await ann.text("yes")
        assert ann.last == "ab0"


ONE, TWO = (Do(f"f: step {n}", n, print, (), {}) for n in "ab")
BOTH = Gather("f: gather a+b", (ONE, TWO))
DONE = Record(STEP, "", None, b"", 0.0)
A, B = replace(DONE, site="f: gather a+b [0]", value=1), replace(DONE, site="f: gather a+b [1]", value=2)
WHOLE = replace(DONE, site="f: gather a+b", value=(3, 4))
FAILED = Record(RAISED, "f: gather a+b", tell(TimeoutError()), b"", 0.0)


@pytest.mark.parametrize(
    ("records", "values", "place"),
    [
        ([], None, 0),
        ([A], None, 0),
        ([B], None, 0),
        ([A, B], (1, 2), 2),
        ([B, A], (1, 2), 2),
        ([B, A, B, A], (1, 2), 2),
        ([WHOLE], (3, 4), 1),  # as it was kept before each had a record of its own
        ([WHOLE, A, B], (3, 4), 1),
        ([A, FAILED], TimeoutError, 2),
        ([A, FAILED, B, A], TimeoutError, 2),
        ([B, replace(FAILED, site=A.site), A, B], TimeoutError, 2),
    ],
)
def test_which_records_answer_them(records: list[Record], values: Any, place: int) -> None:
    journal = Journal(records)
    found = journal.next(BOTH)
    assert journal.place == place
    if found is None or isinstance(values, tuple):
        assert (found.result() if found else None) == values
    else:
        with pytest.raises(values):
            found.result()
