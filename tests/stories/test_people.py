"""People who are told of: who opts out or in, who has the wrong number, who sends pictures, and what becomes of starts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat, ChatError, Media, Message, media
from smsbot.settings import AccountSettings, LineSettings

from ..house import ANN, BOB, LINE, House
from ..live import TwilioHouse

# -- consent is told ----------------------------------------------------------------------------------------


async def test_a_bot_is_told_who_opts_out_and_in(house: Any) -> None:
    bot, told = Bot(), []

    @bot.on("hi")
    def hi() -> str:
        return "Hello!"

    @bot.on_optout
    async def left(chat: Chat, message: Message) -> None:
        chat.contact["left"] = await chat.step(lambda: told.append(message.text))
        chat.say("This never leaves.")

    @bot.on_optin
    def back(chat: Chat) -> str:
        told.append("back")
        return "Good to see you."

    h: House = await house(bot)
    for text in ("hi", "please stop texting me", "hi", "START", "hi"):
        await h.text(ANN, text)
    assert told == ["please stop texting me", "back"]
    heard = await h.heard(ANN)
    assert heard[0] == "Hello!"
    assert heard[-2:] == ["Good to see you.", "Hello!"]
    assert "This never leaves." not in heard


def starts() -> Bot:
    bot = Bot()

    @bot.on("chat")
    async def talk(chat: Chat) -> str:
        return f"{await chat.ask('Name?', key='name')}!"

    @bot.event("page")
    async def page(chat: Chat) -> str:
        return f"{await chat.ask('Paged?', key='paged')}!"

    @bot.event("again")
    def again(chat: Chat) -> str:
        return chat.start("page")

    return bot


async def test_a_start_says_what_became_of_it(house: Any) -> None:
    bot = starts()
    h: House = await house(bot)
    assert await bot.start("page", to=ANN) == "started"
    await h.text(ANN, "yes")
    await h.text(ANN, "chat")
    assert await bot.start("page", to=ANN, busy="skip") == "skipped"
    assert await bot.start("page", to=ANN) == "queued"
    assert await bot.start("page", to=ANN, key="k") == "queued"
    assert await bot.start("page", to=ANN, key="k") == "duplicate"
    await h.text(BOB, "STOP")
    assert await bot.start("page", to=BOB) == "opted_out"
    assert await bot.start("again", to=BOB) == "started"  # a handler that asks nothing runs; what it says is blocked
    await h.advance("1s")
    assert "Paged?" not in await h.heard(BOB)


async def test_of_starts_at_one_moment_one_is(house: Any) -> None:
    bot = starts()
    h: House = await house(bot)
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(h.clock.now(), UTC) + timedelta(hours=1)
    found = await asyncio.gather(*(bot.start("page", to=ANN, key="k", at=at) for _ in range(3)))
    assert sorted(found) == ["duplicate", "duplicate", "scheduled"]
    found = await asyncio.gather(*(bot.start("page", to=BOB, key="j") for _ in range(3)))
    assert sorted(found) == ["duplicate", "duplicate", "started"]
    await h.advance("2h")
    assert await h.heard(ANN) == ["Paged?"]


# -- wrong numbers ------------------------------------------------------------------------------------------


def reminder(**options: Any) -> Bot:
    bot = Bot(**options)

    @bot.on("hi")
    def hi() -> str:
        return "Hello!"

    @bot.event("remind")
    async def remind(chat: Chat) -> str:
        return "Thanks." if await chat.confirm("Are you coming? YES or NO") else "Pity."

    @bot.fallback
    def other() -> str:
        return "Pardon?"

    return bot


SORRY = "Sorry, we took you for somebody else. We will not write to this number again."


@pytest.mark.parametrize("words", ["who is this?", "wrong number", "new phone who dis"])
async def test_a_wrong_number_counts_only_where_we_wrote_first(house: Any, words: str) -> None:
    bot = reminder()
    h: House = await house(bot)
    assert await bot.start("remind", to=ANN) == "started"
    await h.text(ANN, words)
    assert await h.heard(ANN) == ["Are you coming? YES or NO", SORRY]
    await h.text(BOB, words)  # out of the blue, from somebody whom we never wrote to
    await h.restart()
    await h.text(BOB, "hi", words)
    assert await h.heard(BOB) == ["Pardon?", "Hello!", "Pardon?"]
    assert await bot.start("remind", to=BOB) == "started"
    await h.text(BOB, words)
    assert (await h.heard(BOB))[-1].startswith("Are you coming? YES or NO")  # asked again: they know who we are


async def test_a_notice_is_a_first_word_of_ours_too(house: Any) -> None:
    h: House = await house(reminder())
    await h.app.commands.send(ANN, "Your parcel is here.")
    await h.advance("1s")
    await h.text(ANN, "wrong number")
    assert (await h.heard(ANN))[-1] == SORRY


@pytest.mark.parametrize(
    ("bot", "line", "heard"),
    [
        ({"wrong_number": "Our mistake."}, None, "Our mistake."),
        ({"wrong_number": False}, None, "Are you coming? YES or NO"),
        ({"wrong_number": False}, "Line's own.", "Line's own."),
        ({}, False, "Are you coming? YES or NO"),
    ],
)
async def test_the_words_are_settable_and_can_be_switched_off(house: Any, bot: Any, line: Any, heard: str) -> None:
    made = reminder(**bot)
    h: House = await house(made, line_settings={LINE: LineSettings(country="PL", wrong_number=line)})
    await made.start("remind", to=ANN)
    await h.text(ANN, "wrong number")
    assert (await h.heard(ANN))[-1] == heard


# -- pictures -----------------------------------------------------------------------------------------------

CAT = "https://pictures.test/cat.jpg"


def gallery(folder: Path | None = None) -> Bot:
    bot = Bot(flows=str(folder) if folder is not None else ())

    @bot.on("photo")
    async def photo(chat: Chat) -> str:
        found = await chat.ask("Send a photo.", media())
        more = await chat.ask("What is it?")
        return f"{more}: {found.url} {found.type}"

    @bot.on("name")
    async def name(chat: Chat) -> str:
        return f"{await chat.ask('Your name?')}!"

    @bot.on("look")
    def look(message: Message) -> str:
        return f"{message.has_media} {[m.url for m in message.media]}"

    return bot


async def test_a_picture_answers_a_question_for_one(house: Any) -> None:
    h: House = await house(gallery())
    await h.text(ANN, "photo")
    await h.text(ANN, "here it is")
    await h.restart()
    await h.text(ANN, media=CAT)
    await h.restart()
    await h.text(ANN, "a cat")
    assert await h.heard(ANN) == [
        "Send a photo.", "Send a photo. Send a picture.", "What is it?", f"a cat: {CAT} image/jpeg",
    ]  # fmt: skip


async def test_a_flow_asks_for_a_picture(house: Any, tmp_path: Path) -> None:
    (tmp_path / "damage.yaml").write_text(
        """
flow: damage
start: damage
defaults: {timeout: 1h}
steps:
  - {ask: photo, say: "A photo, please.", type: media}
  - {say: "Thank you: {photo.url}", end: done}
""",
        encoding="utf-8",
    )
    h: House = await house(gallery(tmp_path))
    await h.text(ANN, "damage")
    await h.text(ANN, "broken wheel", media=CAT)
    assert await h.heard(ANN) == ["A photo, please.", f"Thank you: {CAT}"]


async def test_a_picture_that_nothing_takes_gets_one_answer(house: Any) -> None:
    h: House = await house(gallery())
    await h.text(ANN, "name")
    for _ in range(3):
        await h.text(ANN, media=CAT)
    await h.text(ANN, "Ann")
    says = "Sorry, we cannot see pictures here. Please answer in words."
    assert await h.heard(ANN) == ["Your name?", says, "Your name?", "Ann!"]
    await h.advance("2m")
    await h.text(ANN, media=CAT)
    assert (await h.heard(ANN))[-1] == says


async def test_the_answer_to_pictures_is_settable(house: Any) -> None:
    bot = gallery()
    bot.media = "Words only."
    h: House = await house(bot)
    await h.text(ANN, media=CAT)
    assert await h.heard(ANN) == ["Words only."]


async def test_a_handler_takes_pictures(house: Any) -> None:
    bot = gallery()

    @bot.on_media
    def picture(message: Message) -> str:
        return f"I see {message.media[0].type}"

    h: House = await house(bot)
    await h.text(ANN, "name")
    await h.text(ANN, media=CAT)
    await h.text(ANN, "look", media=CAT)
    assert await h.heard(ANN) == ["Your name?", "I see image/jpeg", "Your name?", "look!"]
    await h.text(ANN, "look", media=CAT)
    assert (await h.heard(ANN))[-1] == f"True ['{CAT}']"
    shown = [r["text"] for r in await h.app.store.rows("thread", number=ANN, limit=9, before=1e15)]
    assert f"(image/jpeg {CAT})" in shown
    assert f"look (image/jpeg {CAT})" in shown


async def test_a_picture_from_somebody_who_opted_out_is_kept_and_not_answered(house: Any) -> None:
    h: House = await house(gallery())
    await h.text(ANN, "STOP")
    await h.text(ANN, media=CAT)
    assert len(await h.heard(ANN)) == 1


async def test_pictures_by_gateway() -> None:
    from smsbot.gateways.base import WebhookRequest
    from smsbot.gateways.messageflow import MessageFlow
    from smsbot.gateways.twilio import Twilio
    from smsbot.transport import HttpxTransport

    transport = HttpxTransport()
    form = b"From=%2B1202&To=%2B1203&Body=&MessageSid=MM1&NumMedia=2&MediaUrl0=https://a/1&MediaContentType0=image/png&MediaUrl1=https://a/2"
    (found,) = Twilio("AC1", ["t"], transport).hooks["inbound"](WebhookRequest("main", form))
    assert getattr(found, "media", None) == (Media("https://a/1", "image/png"), Media("https://a/2", ""))
    for written in ('"https://a/1"', '["https://a/1"]', '[{"url":"https://a/1"}]', '{"url":"https://a/1"}'):
        body = b'{"from":"+48600100200","to":"+48732000111","message":"","media":%s}' % written.encode()
        (found,) = MessageFlow("a", "b", transport).hooks["inbound"](WebhookRequest("main", body))
        assert getattr(found, "media", None) == (Media("https://a/1"),)
    await transport.close()


async def test_saying_a_picture_where_the_gateway_cannot_is_an_error_at_the_call(house: Any) -> None:
    bot, errors = Bot(), []

    @bot.on("cat")
    def cat(chat: Chat) -> str:
        for url in (CAT, "cat.jpg"):
            try:
                chat.say("Meow", media=url)
            except ChatError as error:
                errors.append(str(error))
        return "No cat."

    h: House = await house(bot)
    await h.text(ANN, "cat")
    assert await h.heard(ANN) == ["No cat."]
    assert "cannot send pictures" in errors[0]
    assert 'the address of a picture: "https://…"' in errors[1]


async def test_a_picture_leaves_where_the_gateway_can(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("cat")
    def cat(chat: Chat) -> None:
        chat.say("Meow", media=CAT)
        chat.say("And words.")

    bot.join = True
    async with TwilioHouse(bot, tmp_path) as live:
        await live.text("cat")
        sent = [(f["Body"], f.get("MediaUrl")) for f in live.twilio.sent]
        assert sent == [("Meow", CAT), ("And words.", None)]


def test_settings_name_twilio() -> None:
    assert AccountSettings(gateway="twilio").provider().claims.sends_media
