"""STOP, START and HELP as whole messages: recognised in the inbox, ahead of every queue."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.settings import LineSettings
from smsbot.understanding import consent

from ..house import ANN, BOB, LINE, House


def talker() -> Bot:
    bot = Bot()

    @bot.on("hi")
    def hi(chat: Chat) -> None:
        chat.say("who are you?")
        chat.goto("name", timeout="10m")

    @bot.state("name")
    def name(chat: Chat, text: str) -> None:
        chat.end()
        chat.say(f"hello {text}")

    bot.fallback(lambda: "what?")
    return bot


@pytest.mark.parametrize("word", ["STOP", "stop.", "  Stop! ", "Unsubscribe", "opt-out", "WYPISZ", "Rezygnuję"])
async def test_stop_gets_one_confirmation_and_then_nothing(house: Any, word: str) -> None:
    h: House = await house(talker())
    await h.text(ANN, "hi")
    await h.text(ANN, word)
    await h.text(ANN, "STOP")
    await h.text(ANN, "hi")
    await h.text(ANN, "Adam")
    await h.advance("1h")
    assert await h.heard(ANN) == ["who are you?", consent.OPTED_OUT]


@pytest.mark.parametrize("text", ["stop by the shop", "don't stop", "bus stop", "cancel"])
async def test_other_texts_are_no_stop(house: Any, text: str) -> None:
    h: House = await house(talker())
    await h.text(ANN, text)
    assert await h.heard(ANN) == ["what?"]


async def test_words_belong_to_countries(house: Any) -> None:
    h: House = await house(talker(), line_settings={LINE: LineSettings(country="US")})
    await h.inbound(id="1", **{"from": "+12025550123"}, to=LINE, message="Cancel")
    await h.advance("1s")
    assert await h.heard("+12025550123") == [consent.OPTED_OUT]


async def test_stop_ends_the_run(house: Any) -> None:
    h: House = await house(talker())
    await h.text(ANN, "hi")
    await h.text(ANN, "STOP")
    await h.text(ANN, "START")
    await h.text(ANN, "Adam")
    assert await h.heard(ANN) == ["who are you?", consent.OPTED_OUT, consent.OPTED_IN, "what?"]


async def test_help_is_answered_even_when_opted_out(house: Any) -> None:
    h: House = await house(talker(), line_settings={LINE: LineSettings(help="Call 22 111 22 33.")})
    await h.text(ANN, "STOP")
    await h.text(ANN, "HELP")
    assert await h.heard(ANN) == [consent.OPTED_OUT, "Call 22 111 22 33."]


async def test_help_without_a_handler_says_the_line_s_text_and_asks_again(house: Any) -> None:
    h: House = await house(talker())
    await h.text(ANN, "hi")
    await h.text(ANN, "pomoc")
    assert await h.heard(ANN) == ["who are you?", consent.HELP, "who are you?"]


async def test_start_without_an_opt_out_is_an_ordinary_text(house: Any) -> None:
    h: House = await house(talker())
    await h.text(ANN, "start")
    assert await h.heard(ANN) == ["what?"]


async def test_stop_is_obeyed_on_every_line(house: Any) -> None:
    h: House = await house({"a": talker(), "b": talker()}, lines={"a": (LINE,), "b": ("7255",)})
    await h.text(ANN, "hi", to="7255")
    await h.text(ANN, "STOP")
    await h.text(ANN, "x", to="7255")
    assert await h.heard(ANN) == ["who are you?", consent.OPTED_OUT]


async def test_stop_blocks_what_waits_and_what_is_sent_by_hand(house: Any) -> None:
    h: House = await house(talker())
    h.provider.next = ["429 60"]
    await h.text(ANN, "hi")
    await h.text(ANN, "STOP")
    await h.advance("2h")
    assert await h.heard(ANN) == [consent.OPTED_OUT]
    assert (await h.app.commands.send(ANN, "news"))["status"] == "blocked"
    assert (await h.app.commands.send(BOB, "news"))["status"] == "sending"
    await h.advance("1s")
    assert await h.heard(ANN) == [consent.OPTED_OUT]


async def test_stop_during_a_slow_handler_is_obeyed_before_anything_leaves(house: Any) -> None:
    bot = Bot()
    go_on = asyncio.Event()

    @bot.on("slow")
    async def slow(chat: Chat) -> str:
        await go_on.wait()
        return "done"

    h: House = await house(bot)
    await h.inbound(id="1", **{"from": ANN}, to=LINE, message="slow")
    await h.inbound(id="2", **{"from": ANN}, to=LINE, message="STOP")
    go_on.set()
    await h.advance("1m")
    assert await h.heard(ANN) == [consent.OPTED_OUT]
    assert sorted(r["status"] for r in await h.outgoing()) == ["blocked", "delivered"]


async def test_the_ledger_keeps_proof(house: Any) -> None:
    h: House = await house(talker())
    await h.text(ANN, "Stop!")
    await h.text(ANN, "start")
    rows = await h.app.store.rows("consents", number=ANN)
    assert [(r["action"], r["text"], r["line"]) for r in rows] == [("optout", "Stop!", LINE), ("optin", "start", LINE)]


@pytest.mark.parametrize("word", ["STOP", "START"])
async def test_a_word_several_times_at_one_moment_is_confirmed_once(house: Any, word: str) -> None:
    h: House = await house(talker())
    if word == "START":
        await h.text(ANN, "STOP")
    before = len(await h.heard(ANN))
    texts = [{"from": ANN, "to": LINE, "message": word, "id": f"same-{n}"} for n in range(3)]
    await asyncio.gather(*(h.inbound(**text) for text in texts))
    await h.settle()
    assert len((await h.heard(ANN))[before:]) == 1
