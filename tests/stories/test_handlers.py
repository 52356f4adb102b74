"""What handlers may do: routes, state, steps, errors, middleware, providers, events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from smsbot import Bot, Chat, ChatError, Message, RouteError, Router, UsageError

from ..house import ANN, BOB, LINE, House


async def test_holes_and_rest(house: Any) -> None:
    bot = Bot()

    @bot.on("order {qty:int} {size}")
    def order(qty: int, size: str) -> str:
        return f"{qty} {size}"

    @bot.on("note ...")
    def note(rest: str) -> str:
        return rest

    h: House = await house(bot)
    await h.text(ANN, "ORDER#2 Łarge, please!")
    await h.text(ANN, "Note: Call Ann, at 5!")
    assert await h.heard(ANN) == ["2 Łarge", "Call Ann, at 5!"]


async def test_a_missing_hole_is_none(house: Any) -> None:
    bot = Bot()

    @bot.on("pizza", "pizza {qty:int}")
    def pizza(qty: int | None) -> str:
        return repr(qty)

    h: House = await house(bot)
    await h.text(ANN, "pizza")
    await h.text(ANN, "pizza 3")
    assert await h.heard(ANN) == ["None", "3"]


async def test_a_step_runs_once_and_what_was_said_before_leaves_first(house: Any) -> None:
    bot = Bot()
    calls: list[str] = []
    go_on = asyncio.Event()

    async def quote(what: str) -> Decimal:
        calls.append(what)
        await go_on.wait()
        return Decimal("9.50")

    @bot.on("price")
    async def price(chat: Chat) -> str:
        chat.say("One moment…")
        total = await chat.step(quote, "pizza")
        return f"${total} {type(total).__name__}"

    h: House = await house(bot)
    assert (await h.inbound(id="1", **{"from": ANN}, to=LINE, message="price")).status_code == 200
    for _ in range(200):
        await asyncio.sleep(0.005)
        if await h.heard(ANN):
            break
    assert await h.heard(ANN) == ["One moment…"]
    go_on.set()
    await h.advance("1s")
    assert await h.heard(ANN) == ["One moment…", "$9.50 Decimal"]
    assert calls == ["pizza"]


async def test_a_turn_that_failed_after_a_step_does_not_run_it_again(house: Any) -> None:
    bot = Bot()
    calls: list[int] = []

    def charge() -> int:
        calls.append(1)
        return 42

    @bot.on("go")
    async def go(chat: Chat) -> str:
        chat.say("starting")
        n = await chat.step(charge)
        if len(broken) < 2:
            broken.append(1)
            raise RuntimeError("the kitchen is on fire")
        return f"{n}"

    broken: list[int] = []
    h: House = await house(bot)
    await h.text(ANN, "go")
    assert await h.heard(ANN) == ["starting"]
    await h.restart()
    await h.advance("1m")
    assert await h.heard(ANN) == ["starting", "42"]
    assert calls == [1]


async def test_a_handler_that_raises_says_nothing_is_retried_then_parked_and_others_go_on(house: Any) -> None:
    bot = Bot()
    tries: list[float] = []

    @bot.on("boom")
    def boom(chat: Chat) -> None:
        chat.say("never")
        tries.append(h.clock.now())
        raise RuntimeError("secret +48600100200")

    bot.on("hi")(lambda: "hello")
    h: House = await house(bot)
    h.app.dispatcher.failures.candid = False  # as in `run`: an exception's words may quote a person
    await h.text(ANN, "boom")
    await h.text(ANN, "hi")
    await h.text(BOB, "hi")
    assert (await h.heard(ANN), await h.heard(BOB)) == ([], ["hello"])
    await h.advance("10m")
    assert await h.heard(ANN) == ["hello"]
    assert [round(t - tries[0]) for t in tries[1:]] == [0, 1, 6, 36, 156]
    note = (await h.events())[0]["detail"]
    assert note.startswith("dead letter: RuntimeError at ")
    assert "secret" not in note


async def test_on_error_answers_and_the_nearest_class_wins(house: Any) -> None:
    class PaymentDown(Exception):
        pass

    bot = Bot()

    @bot.on_error
    def anything(error: Exception) -> str:
        return "Something went wrong."

    @bot.on_error(PaymentDown)
    async def pay(chat: Chat, error: PaymentDown) -> None:
        chat.say("Payment is down; try later.")

    @bot.on("pay")
    async def payment(chat: Chat) -> None:
        chat.say("first")
        await chat.step(lambda: None)
        raise PaymentDown

    @bot.on("boom")
    def boom() -> None:
        raise ValueError

    h: House = await house(bot)
    await h.text(ANN, "pay")
    await h.text(ANN, "boom")
    assert await h.heard(ANN) == ["first", "Payment is down; try later.", "Something went wrong."]


async def test_middleware_surrounds_in_order(house: Any) -> None:
    bot = Bot()
    order: list[str] = []

    def layer(name: str) -> None:
        @bot.middleware
        async def middleware(chat: Chat, call_next: Callable[[], Awaitable[Any]]) -> Any:
            order.append(f"{name} in")
            result = await call_next()
            order.append(f"{name} out")
            return result

    layer("a")
    layer("b")
    bot.on("hi")(lambda: "hello")
    h: House = await house(bot)
    await h.text(ANN, "hi")
    assert order == ["a in", "b in", "b out", "a out"]
    assert await h.heard(ANN) == ["hello"]


async def test_providers_are_made_once_in_order_and_closed(house: Any) -> None:
    @dataclass
    class Config:
        name: str

    @dataclass
    class Kitchen:
        config: Config

    bot = Bot()
    life: list[str] = []

    @bot.provide
    async def kitchen(config: Config) -> AsyncIterator[Kitchen]:
        life.append("open")
        yield Kitchen(config)
        life.append("close")

    @bot.provide
    def config() -> Iterator[Config]:
        life.append("config")
        yield Config("Roma")
        life.append("config closed")

    @bot.on("who")
    async def who(kitchen: Kitchen) -> str:
        return kitchen.config.name

    h: House = await house(bot)
    await h.text(ANN, "who")
    await h.text(BOB, "who")
    assert (await h.heard(ANN), await h.heard(BOB)) == (["Roma"], ["Roma"])
    await h.stop()
    await h.start()
    assert life[:4] == ["config", "open", "close", "config closed"]


async def test_blocking_handlers_leave_the_loop_free(house: Any) -> None:
    bot = Bot()

    go_on = threading.Event()

    @bot.on("slow", blocking=True)
    def slow() -> str:
        return "slow" if go_on.wait(20) else "too late"

    bot.on("hi")(lambda: "hello")
    h: House = await house(bot)
    await h.inbound(id="1", **{"from": ANN}, to=LINE, message="slow")
    await h.inbound(id="2", **{"from": BOB}, to=LINE, message="hi")
    assert [r["text"] for r in await h.outgoing()] == ["hello"]
    go_on.set()
    await h.advance("1s")
    assert (await h.heard(ANN), await h.heard(BOB)) == (["slow"], ["hello"])


async def test_events_from_outside_count_once_a_key(house: Any) -> None:
    bot = Bot()

    @bot.event("shipped")
    def shipped(chat: Chat, event: dict[str, Any]) -> None:
        chat.say(f"Parcel {event['id']} is on its way. Ok?")
        chat.goto("ok")

    @bot.state("ok")
    def ok(chat: Chat, message: Message) -> str:
        chat.end()
        return f"Thanks, {message.text}"

    h: House = await house(bot)
    assert await h.app.commands.emit("shipped", "600100200", {"id": 7}, key="k") == "started"
    assert await h.app.commands.emit("shipped", "600100200", {"id": 7}, key="k") == "duplicate"
    await h.advance("1s")
    await h.text(ANN, "yes")
    assert await h.heard(ANN) == ["Parcel 7 is on its way. Ok?", "Thanks, yes"]
    with pytest.raises(UsageError):
        await h.app.commands.emit("nothing", ANN, {})
    with pytest.raises(UsageError):
        await h.app.commands.emit("shipped", "Clinic", {})


async def test_the_contact_is_known_on_every_line(house: Any) -> None:
    bot = Bot()

    @bot.on("call me ...")
    def name(chat: Chat, rest: str) -> str:
        chat.contact["name"] = rest
        return "ok"

    @bot.on("who")
    def who(chat: Chat) -> str:
        return str(chat.contact.get("name", "?"))

    @bot.on("forget")
    def forget(chat: Chat) -> str:
        del chat.contact["name"]
        return "forgotten"

    h: House = await house({"a": bot, "b": bot}, lines={"a": (LINE,), "b": ("7255",)})
    await h.text(ANN, "who", to="7255")
    await h.text(ANN, "call me Ann")
    await h.text(ANN, "who", to="7255")
    await h.restart()
    await h.text(ANN, "who", to="7255")
    await h.text(ANN, "forget")
    await h.text(ANN, "who", to="7255")
    assert await h.heard(ANN) == ["?", "ok", "Ann", "Ann", "forgotten", "?"]


async def test_included_routers_hold_on_their_line(house: Any) -> None:
    clinic, shop = Router(), Router()
    clinic.on("hi")(lambda: "clinic")
    shop.on("hi")(lambda: "shop")
    bot = Bot()
    bot.include(clinic, line=LINE)
    bot.include(shop, line="7255")
    h: House = await house({"a": bot, "b": bot}, lines={"a": (LINE,), "b": ("7255",)})
    await h.text(ANN, "hi")
    await h.text(ANN, "hi", to="7255")
    assert await h.heard(ANN) == ["clinic", "shop"]


@pytest.mark.parametrize(
    ("say", "why"),
    [("", "empty"), ("   ", "empty"), ("ł" * 604, "10 SMS parts"), ("x" * 1378, "10 SMS parts"), (5, "not int")],
)
def test_what_cannot_be_said(say: Any, why: str) -> None:
    from smsbot.core.conversation import Conversation
    from smsbot.core.message import Event, Key

    key = Key(LINE, ANN)
    chat = Chat(Event(b"x", key, "text", "hi", 0.0), Conversation(key))
    with pytest.raises(ChatError, match=why):
        chat.say(say)


async def test_a_state_without_a_handler_is_an_error_that_names_the_nearest(house: Any) -> None:
    bot = Bot()
    caught: list[str] = []

    @bot.on("hi")
    def hi(chat: Chat) -> None:
        chat.goto("confrim")

    bot.state("confirm")(lambda: "ok")
    bot.on_error(lambda error: caught.append(str(error)))
    h: House = await house(bot)
    await h.text(ANN, "hi")
    assert caught == ['SB101: no @bot.state("confrim") handler; did you mean "confirm"?']


async def test_a_handler_that_returns_something_else_is_named(house: Any) -> None:
    bot = Bot()
    caught: list[str] = []
    bot.on_error(lambda error: caught.append(str(error)))

    @bot.on("hi")
    def hi() -> Any:
        return 5

    h: House = await house(bot)
    await h.text(ANN, "hi")
    assert "returned int" in caught[0]


def test_nothing_provides() -> None:
    class Kitchen:
        pass

    bot = Bot()

    @bot.on("hi")
    def hi(kitchen: Kitchen) -> None: ...

    async def run() -> None:
        async with bot.running():
            pass

    with pytest.raises(
        RouteError, match=r"nothing provides Kitchen for the argument \"kitchen\"(?s:.*)test_handlers.py"
    ):
        asyncio.run(run())


async def test_a_mistake_is_parked_at_once_and_shown_with_its_place(house: Any) -> None:
    bot = Bot()

    @bot.on("empty")
    def empty(chat: Chat) -> None:
        chat.say(" ")

    @bot.on("number")
    def number() -> Any:
        return 42

    @bot.on("typo")
    def typo(chat: Chat) -> None:
        chat.sya("x")  # type: ignore[attr-defined]

    h: House = await house(bot)
    for text in ("empty", "number"):
        await h.text(ANN, text)
    notes = [e["detail"] for e in await h.events()]
    assert all(n.startswith("dead letter: ChatError: SB102: ") for n in notes), notes
    assert all(f" at {__file__}:" in n for n in notes), notes
    await h.text(ANN, "typo")
    note = (await h.events())[-1]["detail"]
    assert note.startswith("failed: AttributeError: 'Chat' object has no attribute 'sya'")
    assert f" at {__file__}:" in note


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda chat, f: chat.step(f), "chat.step(f) was not awaited"),
        (lambda chat, f: f"got {chat.step(f)}", "chat.step(f) was not awaited"),
        (lambda chat, f: "got " + chat.ask("Size?"), "chat.ask was not awaited"),
        (lambda chat, f: chat.ask("Size?").upper(), "chat.ask was not awaited"),
        (lambda chat, f: chat.ask("How many?", int) * 2, "chat.ask was not awaited"),
        (lambda chat, f: chat.ask("How many?", int) > 2, "chat.ask was not awaited"),
        (lambda chat, f: "x" in chat.ask("Size?"), "chat.ask was not awaited"),
        (lambda chat, f: chat.step(f()), "takes a function, not its result"),
    ],
)
async def test_a_step_that_is_used_wrongly_says_so_and_sends_nothing(house: Any, use: Any, said: str) -> None:
    bot = Bot()
    caught: list[str] = []
    bot.on_error(lambda error: caught.append(str(error)))

    def f() -> int:
        return 1

    @bot.on("go")
    async def go(chat: Chat) -> Any:
        return use(chat, f)

    h: House = await house(bot)
    await h.text(ANN, "go")
    assert said in caught[0]
    assert await h.heard(ANN) == []


async def test_a_cancelled_step_loses_nothing(house: Any) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        chat.say("One moment")
        try:
            async with asyncio.timeout(0.001):
                await chat.step(asyncio.sleep, 0.05)
        except TimeoutError:
            return "too slow"
        return "done"

    h: House = await house(bot)
    await h.text(ANN, "go")
    await h.text(ANN, "go")
    assert await h.heard(ANN) == ["One moment", "too slow"] * 2


async def test_a_task_group_of_steps_that_is_a_duplicate_leaves_the_lane_alive(house: Any) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        chat.say("working")

        async def one(n: int) -> int:
            return await chat.step(abs, n)

        async with asyncio.TaskGroup() as group:
            found = [group.create_task(one(-n)) for n in range(3)]
        return f"{sum(t.result() for t in found)}"

    h: House = await house(bot)
    body = {"id": "1", "from": ANN, "to": LINE, "message": "go"}
    await h.inbound(**body)
    await h.advance("1s")
    await h.restart()
    assert (await h.inbound(**body)).status_code == 200
    await h.inbound(**(body | {"id": "2"}))
    await h.advance("1s")
    assert await h.heard(ANN) == ["working", "3", "working", "3"]


async def test_a_slow_turn_does_not_bring_an_old_contact_back(house: Any) -> None:
    bot = Bot()
    go_on = asyncio.Event()

    @bot.on("slow")
    async def slow() -> str:
        await go_on.wait()
        return "done"

    @bot.on("call me {name}")
    def call(chat: Chat, name: str) -> None:
        chat.contact["name"] = name

    @bot.on("who")
    def who(chat: Chat) -> str:
        return str(chat.contact.get("name"))

    h: House = await house({"a": bot, "b": bot}, lines={"a": (LINE,), "b": ("7255",)})
    await h.inbound(id="1", **{"from": ANN}, to="7255", message="slow")
    await h.inbound(id="2", **{"from": ANN}, to=LINE, message="call me Ann")
    go_on.set()
    await h.advance("1s")
    for line in (LINE, "7255"):
        await h.text(ANN, "who", to=line)
    assert await h.heard(ANN) == ["done", "Ann", "Ann"]


async def test_a_keyword_that_opts_out_is_refused_at_start(house: Any) -> None:
    bot = Bot()
    bot.on("Stop!")(lambda: "never")
    with pytest.raises(RouteError, match="would never run"):
        await house(bot)
