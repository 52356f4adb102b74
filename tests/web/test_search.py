"""Find by the last digits of a number and by words: at once, and after they were taken in; codes by neither."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import StoreError
from smsbot.desk.finding import find, with_words
from smsbot.pipeline.search import SearchIndex

from ..house import ANN, BOB, House, echo
from ..patience import until
from ..tables import sql

CAT = "+48600999200"


async def texts(h: House, asked: str) -> list[str]:
    """What the desk sees of what it asks for, newest first."""
    found = await find(h.app.store, asked, ["PL"])
    rows = await with_words(h.app.store, found.words, 50) if found.words else []
    return [row["text"] for row in rows]


async def taken_in(h: House) -> None:
    index = SearchIndex(h.app.store)
    while await index.once():
        pass
    assert (await h.app.store.rows("unsearched"))[0]["n"] <= 0


@pytest.mark.parametrize("searched", [False, True])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("umbrella", ["heard Where is my Umbrella, please?", "Where is my Umbrella, please?"]),
        ("UMBRELLA please", ["heard Where is my Umbrella, please?", "Where is my Umbrella, please?"]),
        ("umbr", ["heard Where is my Umbrella, please?", "Where is my Umbrella, please?"]),
        ("parcel", []),
        ("WS-4711", ["heard order WS-4711 is late", "order WS-4711 is late"]),
    ],
)
async def test_a_word_of_a_text(house: Any, searched: bool, asked: str, found: Sequence[str]) -> None:
    h: House = await house(echo())
    await h.text(ANN, "Where is my Umbrella, please?")
    await h.text(BOB, "order WS-4711 is late")
    if searched:
        await taken_in(h)
    assert sorted(await texts(h, asked)) == sorted(found)
    page = (await h.http.post("/", data={"q": asked})).text
    if found and searched:
        assert "Messages with" in page
        assert "+48•••" in page
    assert ANN not in page


@pytest.mark.parametrize("limit", [2, 3, 4])
async def test_a_word_that_is_begun_is_looked_for_where_whole_ones_are_few(house: Any, limit: int) -> None:
    h: House = await house(Bot())
    for said in ("my order", "order it", "no orders"):
        await h.text(ANN, said)
    await taken_in(h)
    whole = ["order it", "my order"]
    found = [row["text"] for row in await with_words(h.app.store, ["order"], limit)]
    assert found == (whole if limit == 2 else ["no orders", *whole])
    assert [row["text"] for row in await with_words(h.app.store, ["no", "ord"], limit)] == ["no orders"]


async def test_a_word_without_its_accents(house: Any) -> None:
    h: House = await house(echo())
    await h.text(ANN, "Gdzie jest moja przesyłka na Żelaznej?")
    await taken_in(h)
    assert len(await texts(h, "zelaznej")) == len(await texts(h, "Żelaznej")) == 2


@pytest.mark.parametrize("searched", [False, True])
async def test_a_number_by_its_last_digits_the_newest_first(house: Any, searched: bool) -> None:
    h: House = await house(echo())
    await h.text(ANN, "hello")
    await h.text(BOB, "hello")
    await h.text(CAT, "hello")
    if searched:
        await taken_in(h)
        await h.text(ANN, "hello again")
    found = await find(h.app.store, "200", ["PL"])
    assert set(found.several) == {ANN, CAT}
    assert found.several[0] == (ANN if searched else CAT)
    assert (await find(h.app.store, "100300", ["PL"])).number == BOB
    assert (await find(h.app.store, "…999 200", ["PL"])).number == CAT


@pytest.mark.parametrize("searched", [False, True])
async def test_no_code_is_found(house: Any, searched: bool) -> None:
    bot = Bot()

    @bot.fallback
    def say(chat: Chat) -> None:
        chat.say("Your code is 887766", secret=True)

    h: House = await house(bot)
    await h.text(ANN, "login")
    if searched:
        await taken_in(h)
    assert await texts(h, "887766") == []
    assert await texts(h, "code") == []
    place = h.app.settings.place
    for table in ("words_in", "words_out"):
        meant = "words @@ '887766'::tsquery" if place.on_server else f"{table} MATCH '887766'"
        assert sql(place, f"SELECT count(*) FROM {table} WHERE {meant}") == [(0,)]


async def test_digits_that_are_no_number_are_a_word(house: Any) -> None:
    h: House = await house(echo())
    await h.text(ANN, "my order is 4711")
    await taken_in(h)
    assert await texts(h, "4711") == ["my order is 4711", "heard my order is 4711"]


@pytest.mark.parametrize(
    "asked", ['"', 'a"b', "NEAR(", "* OR *", "text:", "^", "-x", "(", "' --", "\x00", "🙂", "a" * 3000, "_"]
)
async def test_what_is_asked_is_no_statement(house: Any, asked: str) -> None:
    h: House = await house(echo())
    await h.text(ANN, "hello")
    await taken_in(h)
    answer = await h.http.post("/", data={"q": asked})
    assert answer.status_code == 200


async def test_a_restart_in_between_leaves_nothing_out(house: Any) -> None:
    h: House = await house(echo())
    for n in range(3):
        await h.text(ANN, f"umbrella {n}")
    await taken_in(h)
    await h.text(ANN, "umbrella 3")
    await h.restart()
    await h.text(ANN, "umbrella 4")
    assert len(await texts(h, "umbrella")) == 10
    await taken_in(h)
    assert len(await texts(h, "umbrella")) == 10


async def test_a_database_that_takes_nothing_for_a_while_ends_nobody(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: the worker waits, and is not one that keeps dying."""
    h: House = await house(echo())
    monkeypatch.setattr("smsbot.pipeline.search.PAUSE", 0.01)
    index, write, full = SearchIndex(h.app.store), h.app.store.write, [True]

    async def refused(changes: Any, **_: object) -> None:
        if full[0]:
            raise StoreError("the disk is full")
        await write(changes)

    await h.text(ANN, "umbrella")
    monkeypatch.setattr(h.app.store, "write", refused)
    worker = asyncio.create_task(index.run())
    await asyncio.sleep(0.1)
    assert not worker.done()
    full[0] = False

    async def caught_up() -> bool:
        return bool((await h.app.store.rows("unsearched"))[0]["n"] == 0)

    await until(caught_up)
    worker.cancel()
    assert len(await texts(h, "umbrella")) == 2
