"""Failures that nothing of the bot's answers for."""

from __future__ import annotations

from typing import Any

from smsbot import Bot, Chat
from smsbot.routing.chat import session_of

from ..house import ANN, BOB, House


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even its words can be had")


async def test_a_failure_that_cannot_be_told_is_counted_and_ends_as_a_dead_letter(house: Any) -> None:
    bot = Bot()
    tries: list[str] = []

    @bot.fallback
    def fail(text: str) -> str:
        if text == "fail":
            tries.append(text)
            raise Wordless
        return f"heard {text}"

    h: House = await house(bot)
    await h.text(ANN, "fail")
    await h.text(ANN, "next")
    await h.text(BOB, "hello")
    assert await h.heard(BOB) == ["heard hello"], "it holds up nobody else"
    await h.advance("1h")
    assert 2 <= len(tries) <= 10
    (detail,) = [e["detail"] for e in await h.events() if e["text"] == "fail"]
    assert detail.startswith("dead letter")
    assert await h.heard(ANN) == ["heard next"]


async def test_what_was_given_up_neither_goes_on_nor_ends_anything(house: Any) -> None:
    bot = Bot()
    left: list[Chat] = []

    @bot.on("a")
    async def asks(chat: Chat) -> str:
        left.append(chat)
        return f"got {await chat.ask('What?')}"

    @bot.on("b")
    def other(chat: Chat) -> str:
        chat.goto("there")
        return "Where?"

    @bot.state("there")
    def there(text: str) -> str:
        return f"there: {text}"

    h: House = await house(bot)
    await h.text(ANN, "a")
    h.app.dispatcher.live.close()
    for chat in left:  # its turn is over, whoever holds it
        chat.goto("nowhere")
        chat.end("lost")
        assert not session_of(chat).effects.over
    await h.text(ANN, "x")
    assert (await h.heard(ANN))[-1] == "got x"
    await h.text(BOB, "b")
    await h.text(BOB, "y")
    assert (await h.heard(BOB))[-1] == "there: y"
