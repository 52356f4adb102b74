"""Turns that fail, and what comes after them: nothing is done twice, lost, or answered in place of something else."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, Literal

import pytest

import smsbot.app
from smsbot import Bot, Chat, Money, NoReply, choice, integer
from smsbot.core.errors import StoreError
from smsbot.core.message import Arrival
from smsbot.stores.deciding.unit import Named
from smsbot.testing.sim import Sim

from ..house import LINE, House, lane_of
from ..tables import sql


def fails_once(error: type[BaseException] = ValueError) -> Any:
    """A step that raises when it is first called."""
    calls = []

    def flaky() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise error
        return 2

    return flaky


async def takes(sim: Sim, number: str, text: str, identity: str) -> bool:
    """Deliver a text by its webhook, and wait for nothing but its answer."""
    return await sim.app.inbox._take(Arrival("sandbox", number, LINE, text, identity))


@pytest.mark.parametrize("answers", [True, False], ids=["on_error", "dead letter"])
@pytest.mark.parametrize("restart", [True, False])
async def test_what_a_failed_turn_left_behind_is_no_answer_to_the_next_text(
    tmp_path: Path, answers: bool, restart: bool
) -> None:
    bot, broken, quoted = Bot(), [True], list[str]()

    def quote(size: str) -> int:
        quoted.append(size)
        return len(quoted)

    @bot.on("pizza")
    async def order(chat: Chat) -> str:
        size = await chat.ask("Size?", choice(Literal["S", "M", "L"]))
        total = await chat.step(quote, size)
        if broken[0]:
            raise ValueError
        await chat.ask(f"{size} = {total}. OK?")
        return f"done {size}"

    if answers:

        @bot.on_error
        def sorry() -> str:
            return "Sorry, try again."

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("pizza")
        await ann.text("M")
        await sim.advance("10m")
        broken[0] = False
        if restart:
            await sim.restart()
        await ann.text("L")
        assert ann.last == "L = 2. OK?"
        await sim.restart()
        await ann.text("yes")
        assert ann.last == "done L"
        assert quoted == ["M", "L"]


async def test_silence_after_a_failed_turn_is_silence(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            day = await chat.ask("Day?", timeout="30m")
        except NoReply:
            return "Nothing is booked."
        await chat.step(lambda: 1)
        raise ValueError(day)

    @bot.on_error
    def sorry() -> str:
        return "Sorry, try again."

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await ann.text("monday")
        await sim.advance("1h")
        assert ann.heard == ["Day?", "Sorry, try again.", "Nothing is booked."]


async def test_a_late_answer_that_is_tried_again_repeats_no_step(tmp_path: Path) -> None:
    bot, charged, flaky = Bot(), list[int](), fails_once()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            size = await chat.ask("Size?", timeout="10m", late="1h")
        except NoReply:
            return "too late"
        await chat.step(charged.append, 1)
        await chat.step(flaky)
        return f"done {size}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.advance("11m")
        await ann.text("M")
        await sim.advance("10m")
        assert ann.heard == ["Size?", "too late", "done M"]
        assert charged == [1]


async def test_a_restart_that_a_late_answer_overtakes(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat, again: int = 0) -> Any:
        if again:
            return "bye"
        name = await chat.ask("Name?")
        try:
            number = await chat.ask("Number?", timeout="10m", late="1h")
        except NoReply:
            return chat.restart(again=1)
        return f"got {name} {number}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await ann.text("Ann")
        await sim.advance("11m")
        await ann.text("42")
        assert ann.heard == ["Name?", "Number?", "bye", "got Ann 42"]


async def test_a_hole_answers_once_though_its_turn_fails(tmp_path: Path) -> None:
    bot, noted, flaky = Bot(), list[int](), fails_once()

    @bot.on("pizza {qty:int}")
    async def order(chat: Chat) -> str:
        size = await chat.ask("Size?")
        qty = await chat.ask("How many?", integer(1, 99))
        while qty > 9:
            await chat.step(noted.append, qty)
            await chat.step(flaky)
            qty = await chat.ask("Only 1 to 9.", integer(1, 99), key="qty")
        return f"{size} {qty}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("pizza 20")
        await ann.text("M")
        await sim.advance("10m")
        assert (ann.last, noted) == ("Only 1 to 9.", [20])


@pytest.mark.parametrize("grouped", [True, False], ids=["TaskGroup", "gather"])
async def test_steps_in_tasks_run_once_though_another_fails(tmp_path: Path, grouped: bool) -> None:
    bot, charged, flaky = Bot(), list[int](), fails_once()

    async def charge() -> int:
        await asyncio.sleep(0.0 if grouped else 0.4)
        charged.append(1)
        return 1

    async def fail() -> Any:
        try:
            return flaky()
        except ValueError:
            await asyncio.sleep(0.3 if grouped else 0.0)
            raise

    @bot.on("go")
    async def go(chat: Chat) -> str:
        async def a() -> Any:
            await asyncio.sleep(0.05 if grouped else 0.0)
            return await chat.step(charge)

        async def b() -> Any:
            return await chat.step(fail)

        if grouped:
            async with asyncio.TaskGroup() as group:
                group.create_task(a())
                group.create_task(b())
        else:
            await asyncio.gather(a(), b())
        return "done"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await asyncio.sleep(0.8)
        await sim.advance("10m")
        assert (ann.heard, charged) == (["done"], [1])


async def test_a_timeout_is_not_given_what_another_step_brought(tmp_path: Path) -> None:
    bot = Bot()

    async def slow() -> str:
        await asyncio.sleep(5)
        return "slow"

    async def audit() -> str:
        await asyncio.sleep(0.05)
        return "audited"

    @bot.on("go")
    async def go(chat: Chat) -> str:
        async def beside() -> str:
            return await chat.step(audit)

        task = asyncio.create_task(beside())
        try:
            async with asyncio.timeout(0.3):
                got = await chat.step(slow)
        except TimeoutError:
            got = "timeout"
        return f"{got} {await task}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await asyncio.sleep(0.6)
        await sim.advance("1s")
        assert ann.heard == ["timeout audited"]


async def test_a_timeout_that_strikes_while_a_step_is_committed(tmp_path: Path) -> None:
    """The step is done by then: its result is what the function is given, and what is replayed."""
    bot = Bot()

    async def quick() -> str:
        await asyncio.sleep(0.05)
        return "R"

    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            async with asyncio.timeout(0.2):
                got = await chat.step(quick)
        except TimeoutError:
            got = "timeout"
        return got + await chat.ask(f"{got}. OK?", key=got)

    async with Sim(bot, tmp_path) as sim:
        store = sim.app.store
        finish = store.finish

        async def slowly(batch: Any) -> Any:
            if any(e.kind == "step" for s in batch for e in s.journal):
                await asyncio.sleep(0.4)
            return await finish(batch)

        store.finish = slowly  # type: ignore[method-assign]
        ann = sim.phone()
        await ann.text("go")
        await asyncio.sleep(0.8)
        await sim.advance("1s")
        asked = ann.last
        await sim.restart()
        await ann.text("yes")
        assert (asked, ann.last) == ("R. OK?", "Ryes")


async def test_a_step_that_the_end_of_the_server_cuts_off_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smsbot.app, "_DRAIN", 0.3)
    bot, ran, gate = Bot(), list[str](), asyncio.Event()

    async def slow() -> str:
        ran.append("slow")
        await gate.wait()
        return "R"

    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            return await chat.step(slow)
        finally:
            await chat.step(ran.append, "clean")

    sim = House(bot, tmp_path)
    await sim.start()
    ann = sim.phone()
    await takes(sim, ann.number, "go", "1")
    await asyncio.sleep(0.1)
    await sim.stop()
    gate.set()
    await sim.start()
    await sim.advance("10m")
    assert (ann.heard, ran) == (["R"], ["slow", "slow", "clean"])
    await sim.stop()


async def test_texts_keep_their_order_through_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes within the 10 ms in which the first may still be answered in one commit."""
    monkeypatch.setattr(smsbot.app, "_DRAIN", 0.3)
    bot, gate = Bot(), asyncio.Event()

    @bot.on("pizza")
    def pizza(chat: Chat) -> None:
        chat.say("Size?")
        chat.goto("size")

    @bot.state("size")
    async def size(chat: Chat, text: str) -> None:
        await gate.wait()
        chat.data["size"] = text
        chat.say("Colour?")
        chat.goto("colour")

    @bot.state("colour")
    def colour(chat: Chat, text: str) -> None:
        chat.end()
        chat.say(f"{chat.data['size']} {text}")

    sim = House(bot, tmp_path)
    await sim.start()
    ann = sim.phone()
    await ann.text("pizza")

    async def later() -> None:
        await asyncio.sleep(0.004)
        await takes(sim, ann.number, "red", "2")

    await asyncio.gather(takes(sim, ann.number, "M", "1"), later())
    await sim.stop()
    gate.set()
    await sim.start()
    await sim.advance("1m")
    assert ann.heard == ["Size?", "Colour?", "M red"]
    await sim.stop()


async def test_a_text_that_is_refused_while_it_is_being_kept_is_answered(tmp_path: Path) -> None:
    """Its turn cannot read the database, the commit that keeps it is under way: kept it is, so it is not forgotten."""
    bot = Bot()

    @bot.fallback
    async def answer(text: str) -> str:
        await asyncio.sleep(0)
        return f"got {text}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("a")
        store = sim.app.store
        load, accept = store.load, store.accept

        async def broken(key: Any) -> Any:
            await asyncio.sleep(0.02)
            store.load = load  # type: ignore[method-assign]
            raise StoreError("the database could not be read")

        async def slow(batch: Any) -> Any:
            await asyncio.sleep(0.05)
            return await accept(batch)

        store.load, store.accept = broken, slow  # type: ignore[method-assign]
        assert await takes(sim, ann.number, "b", "1")
        await sim.advance("10m")
        assert ann.heard == ["got a", "got b"]


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_that_ends_python_ends_its_turn_only(tmp_path: Path, is_async: bool) -> None:
    bot = Bot()
    if is_async:

        @bot.on("go")
        async def leave() -> None:
            sys.exit(2)
    else:

        @bot.on("go")
        def go() -> None:
            sys.exit(2)

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.advance("10m")
        assert (await sim.app.store.rows("counts"))[0]["dead"] == 1


async def test_an_error_handler_that_awaits_something_cancelled_is_tried_again(tmp_path: Path) -> None:
    bot, tries = Bot(), list[int]()

    @bot.on("go")
    def go() -> None:
        raise ValueError

    @bot.on_error
    async def sorry() -> str:
        tries.append(1)
        if len(tries) < 3:
            task = asyncio.create_task(asyncio.sleep(9))
            task.cancel()
            await task
        return "Sorry."

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.advance("10m")
        assert (ann.heard, len(tries)) == (["Sorry."], 3)


async def test_an_error_handler_cannot_ask(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("go")
    def go() -> None:
        raise ConnectionError

    @bot.on_error
    async def sorry(chat: Chat) -> str:
        return await chat.ask("Shall we call you?")

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert "sorry() cannot wait" in (await sim.trouble_of(ann.number) or "")


async def test_nothing_begins_for_who_has_opted_out(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return await chat.ask("Well?")

    @bot.event("visit")
    async def visit(chat: Chat) -> str:
        return f"cancelled {await chat.confirm('Cancel your visit?', timeout='7d')}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.event("visit", ann.number)  # waits until the conversation has ended
        await ann.text("STOP")
        await sim.event("visit", ann.number)
        await sim.advance("2d")
        await ann.text("START")
        heard = list(ann.heard)
        await ann.text("yes")
        assert ann.heard == heard


async def test_a_key_counts_once_for_two_turns_of_one_commit(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("fire")
    def fire(chat: Chat) -> None:
        chat.start("page", to="+48600100900", key="fire-1")

    @bot.event("page")
    def page() -> str:
        return "There is a fire."

    async with Sim(bot, tmp_path) as sim:
        ann, bob, oncall = sim.phone(), sim.phone(), sim.phone("+48600100900")
        await ann.text("hello")
        await bob.text("hello")

        class Slow(Named):
            def decide(self, facts: Any) -> None:
                time.sleep(0.2)

        async def texts(number: str) -> None:
            sim.clock.set_to(sim.clock.now() + 0.01)
            await takes(sim, number, "fire", number)

        async def both() -> None:
            await asyncio.sleep(0.05)
            await asyncio.gather(texts(ann.number), texts(bob.number))

        await asyncio.gather(lane_of(sim.app.store).submit([Slow([])]), both())
        await sim.advance("1m")
        assert oncall.heard == ["There is a fire."]


async def test_a_digression_that_asks_comes_back_to_a_state(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("rate")
    def rate(chat: Chat) -> None:
        chat.say("Rating?")
        chat.goto("rating", timeout="30m", then="gone")

    @bot.state("rating")
    def rating(chat: Chat, text: str) -> None:
        chat.say(f"thanks for {text}{chat.data.get('about', '')}")
        chat.end()

    @bot.state("gone")
    def gone() -> str:
        return "You did not rate."

    @bot.anywhere("info")
    async def info(chat: Chat) -> None:
        about = await chat.ask("About what?")
        chat.data["about"] = about
        match about:
            case "leave":
                chat.end("left")
            case "other":
                chat.say("Again?")
                chat.goto("rating")
            case _:
                chat.say(f"{about} is fine.")

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        for text in ("rate", "info", "cheese"):
            await ann.text(text)
        assert ann.heard == ["Rating?", "About what?", "cheese is fine.", "Rating?"]
        await sim.restart()
        await ann.text("5")
        assert ann.last == "thanks for 5cheese"
        for text in ("rate", "info", "cheese"):
            await ann.text(text)
        await sim.advance("31m")
        assert ann.last == "You did not rate.", "the state keeps its own timeout"
        for text in ("rate", "info", "other", "4"):
            await ann.text(text)
        assert ann.heard[-2:] == ["Again?", "thanks for 4other"]
        for text in ("rate", "info", "leave"):
            await ann.text(text)
        assert (ann.last, (await sim.run_of(ann.number)).end) == ("About what?", "left")  # type: ignore[union-attr]


async def test_an_answer_is_no_repeat_if_the_next_question_was_refused(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        a = await chat.ask("A?", integer(1, 9))
        return f"{a}{await chat.ask('B?', integer(1, 9))}"

    sim = House(bot, tmp_path)
    async with sim:
        ann = sim.phone()
        await ann.text("go")
        sim.provider.next = ["400"]
        await ann.text("1")
        await sim.advance("10m")
        await ann.text("1")
        assert ann.heard == ["A?", "11"]


@pytest.mark.parametrize("restart", [True, False])
async def test_data_begins_anew_with_a_restart(tmp_path: Path, restart: bool) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat, again: int = 0) -> Any:
        chat.data["n"] = chat.data.get("n", 0) + 1
        if not again:
            return chat.restart(again=1)
        await chat.sleep(0)
        await chat.sleep(0)
        await chat.ask("Well?")
        return f"n is {chat.data['n']}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.advance("1m")
        if restart:
            await sim.restart()
        await ann.text("yes")
        assert ann.heard == ["Well?", "n is 1"]


async def test_money_is_one_question(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return f"{await chat.ask('How much?', Money)} noted"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await ann.text("$20")
        assert ann.heard[0] == "How much?"
        assert "20" in ann.heard[1]


@pytest.mark.parametrize("options", [[["a"]], ["a", None], {"x": 5}])
async def test_options_that_are_no_texts_are_a_mistake_at_once(tmp_path: Path, options: Any) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return str(await chat.menu("Which?", options))

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert "SB102: options are texts" in (await sim.trouble_of(ann.number) or "")


async def test_a_restart_below_run_is_a_mistake_with_a_name(tmp_path: Path) -> None:
    bot = Bot()

    async def inner(chat: Chat) -> Any:
        return chat.restart()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return str(await chat.run(inner))

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert "below chat.run(), write a loop" in (await sim.trouble_of(ann.number) or "")


@pytest.mark.parametrize("answered", [True, False])
async def test_what_a_late_answer_goes_back_to_is_kept_no_longer_than_that(tmp_path: Path, answered: bool) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        name = await chat.ask("Name?")
        try:
            return name + await chat.ask("Number?", timeout="10m", late="1h")
        except NoReply:
            return "too late"

    @bot.on("other")
    async def other(chat: Chat) -> str:
        return str(await chat.step(lambda: 5))

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        for text in ("go", "Ann"):
            await ann.text(text)
        await sim.advance("11m")
        place = sim.app.settings.place
        assert sql(place, "SELECT count(*) FROM journal")[0][0] > 0
        if answered:
            await ann.text("7")
            assert ann.last == "Ann7"
        await sim.advance("2h")
        await ann.text("other")
        assert ann.last == "5"
        assert sql(place, "SELECT count(*) FROM journal") == [(0,)]


@pytest.mark.parametrize("end", ["done", "abandoned", "switched", "stopped"])
async def test_a_run_that_has_ended_leaves_no_journal(tmp_path: Path, end: str) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.ask("A?", choice(Literal["x"]))
        await chat.ask("B?", choice(Literal["x"]), timeout="10m")
        return "done"

    @bot.on("other")
    def other() -> str:
        return "another"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        for text in ("go", "x", *{"done": ("x",), "switched": ("other",), "stopped": ("STOP",)}.get(end, ())):
            await ann.text(text)
        await sim.advance("1h")
        place = sim.app.settings.place
        assert sql(place, "SELECT count(*) FROM journal") == [(0,)]
        assert sql(place, "SELECT end_label FROM runs ORDER BY started")[0] == (end,)


async def test_a_step_runs_once_though_the_database_takes_its_result_only_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, charged, full = Bot(), list[str](), list[int]()

    async def charge(what: str) -> str:
        charged.append(what)
        full[:] = [1, 2]
        return what

    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.ask("Sure?")
        done = await chat.gather(chat.step(charge, "a"), chat.step(charge, "b"))
        return " ".join((*done, await chat.step(charge, "c")))

    async with Sim(bot, tmp_path) as sim:
        real = lane_of(sim.app.store).submit

        async def submit(units: Any) -> Any:
            if full:
                full.pop()
                raise StoreError("disk full")
            return await real(units)

        monkeypatch.setattr(lane_of(sim.app.store), "submit", submit)
        ann = sim.phone()
        await ann.text("go")
        await ann.text("yes")
        await sim.advance("1m")
        assert (ann.last, charged) == ("a b c", ["a", "b", "c"])
