"""Limits of a number and a line: what is recorded but not answered, and what always passes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import StoreError
from smsbot.core.phone import is_costly
from smsbot.policy.rates import Rate
from smsbot.settings import LineSettings

from ..house import ANN, BOB, LINE, House, echo


async def flood(h: House, number: str, many: int, word: str = "text", seconds: float = 0.6) -> None:
    """Texts slow enough for a person's thumb, each another, and far too many."""
    for n in range(many):
        await h.text(number, f"{word} {n}" if word == "text" else word)
        await h.advance(seconds)


@pytest.mark.parametrize(("most", "expected"), [(None, 30), (5, 5), (0, 36)])
async def test_more_than_so_many_a_minute_are_recorded_and_not_answered(
    house: Any, most: int | None, expected: int
) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(per_minute=most)})
    await flood(h, ANN, 36)
    assert len(await h.heard(ANN)) == expected
    assert len(await h.events()) == 36, "nothing is lost"
    told = await h.app.store.rows("waiting_people", now=h.clock.now(), later=0, limit=9)
    assert [t["desk"] for t in told] == (["flood"] if expected < 36 else []), "the desk is told, once"
    await h.text(BOB, "me too")
    assert await h.heard(BOB) == ["heard me too"]
    await h.advance("2m")
    await h.text(ANN, "again")
    assert (await h.heard(ANN))[-1] == "heard again", "a minute later it is a person again"


async def test_stop_and_help_pass(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(per_minute=3)})
    await flood(h, ANN, 6)
    for _ in range(5):
        await h.text(ANN, "HELP")
        await h.advance(0.6)
    heard = await h.heard(ANN)
    assert len(heard) == 4, "HELP once a minute"
    await h.text(ANN, "STOP")
    assert await h.app.store.rows("suppressed", number=ANN)


async def test_help_of_an_opted_out_number_is_answered_once_a_minute(house: Any) -> None:
    h: House = await house(echo())
    await h.text(ANN, "STOP")
    for _ in range(4):
        await h.text(ANN, "HELP")
        await h.advance(10)
    assert len(await h.heard(ANN)) == 2
    await h.advance("1m")
    await h.text(ANN, "HELP")
    assert len(await h.heard(ANN)) == 3


async def test_pictures_count_too(house: Any) -> None:
    bot = echo()

    @bot.on_media
    def thanks() -> str:
        return "Nice!"

    h: House = await house(bot, line_settings={LINE: LineSettings(per_minute=4)})
    for n in range(9):
        await h.phone(ANN).text("", media=f"https://pictures.test/{n}.jpg")
        await h.advance(2)
    assert len(await h.heard(ANN)) == 4


async def test_a_line_has_a_limit_of_its_own(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(line_per_minute=6)})
    for n in range(10):
        await h.text(f"+4860010030{n}", "hi")
    answered = [n for n in range(10) if await h.heard(f"+4860010030{n}")]
    assert len(answered) == 6
    await h.text("+48600100309", "STOP")
    assert await h.app.store.rows("suppressed", number="+48600100309")


COSTLY = [
    "+870773111632",
    "+881612345678",
    "+88213123456",
    "+883510012345",
    "+979123456789",
    "+48701123456",
    "+449098790000",
]
USUAL = ["+48600100200", "+447700900123", "+12125550123", "+33612345678", "7255", "PizzaBar", "+999123456789"]


@pytest.mark.parametrize("number", COSTLY)
async def test_costly_numbers_are_not_answered(house: Any, number: str) -> None:
    assert is_costly(number)
    h: House = await house(echo())
    await h.inbound(id="1", **{"from": number}, to=LINE, message="hi")
    await h.settle()
    assert await h.outgoing() == []
    assert len(await h.events()) == 1


@pytest.mark.parametrize("number", COSTLY[:2])
async def test_costly_numbers_are_answered_where_it_is_set(house: Any, number: str) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(answer_costly=True)})
    await h.inbound(id="1", **{"from": number}, to=LINE, message="hi")
    await h.settle()
    assert len(await h.outgoing()) == 1


@pytest.mark.parametrize("number", USUAL)
def test_usual_numbers(number: str) -> None:
    assert not is_costly(number)


def test_a_minute_is_counted_from_its_first_text() -> None:
    rate = Rate()
    assert [rate.over(t, 2) for t in (0.0, 10.0, 20.0, 59.9, 60.0, 61.0, 62.0)] == [
        False,
        False,
        True,
        True,
        False,
        False,
        True,
    ]
    assert [rate.tells(t) for t in (0.0, 10.0, 3599.0, 3600.0)] == [True, False, False, True]
    assert not Rate(began=100.0, turns=99).over(1.0, 2), "a clock that went back counts anew"


# -- what waits behind a pause, and whose number it is -------------------------------------------------


async def paused(house: Any) -> House:
    bot = echo()

    @bot.event("ready")
    def ready() -> str:
        return "Your order is ready."

    h: House = await house(bot)
    await h.app.commands.table()["pause"](scopes=[["all", ""]], everything=True, why="moving house")
    assert await h.app.commands.emit("ready", ANN, {}) == "queued"
    return h


async def test_an_event_behind_a_pause_is_found(house: Any) -> None:
    h = await paused(house)
    page = (await h.http.post("/", data={"q": ANN})).text
    assert "paused since" in page
    assert "moving house" in page
    assert "(event ready)" in page


async def test_an_event_behind_a_pause_is_found_by_its_reference(house: Any) -> None:
    h = await paused(house)
    await h.app.commands.emit("ready", BOB, {}, ref="order-7")
    page = (await h.http.post("/", data={"q": "order-7"})).text
    assert '<h2 id="verdict">Held</h2>' in page
    assert "moving house" in page
    await h.app.commands.table()["resume"](scopes=[], everything=True, why="")
    await h.settle()
    await h.advance("1s")
    page = (await h.http.post("/", data={"q": "order-7"})).text
    assert '<h2 id="verdict">Delivered</h2>' in page


@pytest.mark.parametrize("asked", ["100200", "200", "48•••00".replace("48•••", "2"), "600 100 200", "+48 600 100 200"])
async def test_a_number_is_found_by_its_last_digits(house: Any, asked: str) -> None:
    h: House = await house(echo())
    await h.text(ANN, "hello there")
    page = (await h.http.post("/", data={"q": asked})).text
    assert "heard hello there" in page
    assert ANN not in page.replace(f'value="{asked}"', "").replace(f'data-asked="{asked}"', "")


async def test_several_numbers_that_end_alike_are_told_apart(house: Any) -> None:
    h: House = await house(echo())
    await h.text(ANN, "one")
    await h.text("+48700100200", "two")
    page = (await h.http.post("/", data={"q": "100200"})).text
    assert "Several numbers end so" in page
    assert page.count("+48•••200") == 2, "each with its last message, and a page of its own"
    assert "Tell the caller" not in page
    one = re.findall(r'href="(/of/[^"]+)"', page)[-1]
    assert "heard one" in (await h.http.get(one)).text


async def test_a_step_that_raises_generator_exit_ends(house: Any) -> None:
    bot = Bot()

    def broken() -> None:
        raise GeneratorExit

    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            await chat.step(broken)
        except Exception as error:
            return f"it raised {error}"
        return "no"

    h: House = await house(bot)
    await h.text(ANN, "go")
    assert "GeneratorExit" in (await h.heard(ANN))[-1]


@pytest.mark.parametrize("limit", ["pace", "minute"])
async def test_a_text_that_is_delivered_again_after_503_is_no_flood(house: Any, limit: str) -> None:
    settings = LineSettings(per_minute=5, pace=0) if limit == "minute" else LineSettings(per_minute=0)
    h: House = await house(echo(), line_settings={LINE: settings})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(h.app.store, "step_express", refusing)
        patched.setattr(h.app.store, "accept", refusing)
        for _ in range(25):
            assert (await h.inbound(id="one", **{"from": ANN}, to=LINE, message="hi")).status_code == 503
            await h.advance("5s")
    await h.inbound(id="one", **{"from": ANN}, to=LINE, message="hi")
    await h.inbound(id="two", **{"from": ANN}, to=LINE, message="hello")
    await h.settle()
    assert await h.heard(ANN) == ["heard hi", "heard hello"]
    assert await h.app.store.rows("waiting_people", now=h.clock.now(), later=0, limit=9) == []


async def refusing(batch: Any) -> Any:
    raise StoreError("the disk is full")


async def test_reactions_are_counted_too(house: Any) -> None:
    bot = echo()

    @bot.on_reaction
    def like(chat: Chat) -> str:
        return "thanks"

    h: House = await house(bot, line_settings={LINE: LineSettings(per_minute=5)})
    await h.text(ANN, "hello")
    for n in range(20):
        await h.inbound(id=f"r{n}", **{"from": ANN}, to=LINE, message="Liked “heard hello”")
    await h.advance("1s")
    assert (await h.heard(ANN)).count("thanks") == 4


async def test_a_costly_number_that_leaves_is_not_answered(house: Any) -> None:
    h: House = await house(echo())
    await h.text("+881612345678", "STOP")
    assert await h.app.store.rows("suppressed", number="+881612345678")
    assert await h.outgoing() == []


class Panic(BaseException):
    """What a library in another language raises."""


@pytest.mark.parametrize("kind", ["sync", "async", "blocking", "step"])
async def test_a_panic_is_a_failure_as_any_other(house: Any, kind: str) -> None:
    bot = Bot()

    def panic() -> str:
        raise Panic("inside")

    @bot.on("async")
    async def async_() -> str:
        return panic()

    @bot.on("step")
    async def step(chat: Chat) -> str:
        return str(await chat.step(panic))

    bot.on("sync")(panic)
    bot.on("blocking", blocking=True)(lambda: panic())
    h: House = await house(bot)
    await h.text(ANN, kind)
    assert len(await h.app.store.rows("unwell")) == 1, "it is kept, and tried again"
    await h.advance("20m")
    dead = await h.app.store.rows("dead", since=0.0, line="", reason="")
    assert [e["text"] for e in dead] == [kind], "after its tries it is a dead letter"
