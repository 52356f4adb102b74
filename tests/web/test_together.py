"""Two at the desk with one person: who writes is seen, and what one has just sent keeps the other's from leaving."""

from __future__ import annotations

import re
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.message import Key
from smsbot.settings import Settings
from smsbot.web.writing import STAYS, Writing

from ..house import ANN, BOB, House
from ..tables import sql

OLA, JAN = ({"authorization": f"Basic {name}"} for name in ("b2xhOng=", "amFuOng="))


def shop() -> Bot:
    bot = Bot()

    @bot.on("code")
    def code(chat: Chat) -> None:
        chat.say("Your code is 471148", secret=True, ref="login-7")

    @bot.event("new-code")
    def new_code(chat: Chat) -> None:
        chat.say("Your code is 902345", secret=True)

    @bot.fallback
    def other() -> str:
        return "yes?"

    return bot


@pytest.fixture
async def h(house: Any) -> House:
    made: House = await house(shop())
    await made.text(ANN, "hello")
    return made


def begun(page: str) -> str:
    found = re.search(r'name="begun" value="([\d.]+)"', page)
    assert found is not None
    return found[1]


def writes(page: str) -> bool:
    """Whether the page says that somebody is writing."""
    note = re.search(r'<p class="note warn" id="writing"[^>]*>.*?</p>', page)
    assert note is not None
    return "hidden" not in note[0].partition(">")[0]


async def test_who_writes_is_seen_for_a_while(h: House) -> None:
    first = await h.http.post("/of/e1/writing", headers=OLA)
    assert first.json() == {"others": []}
    page = (await h.http.get("/of/e1", headers=JAN)).text
    assert writes(page)
    assert "<b>ola</b> is writing" in page
    assert not writes((await h.http.get("/of/e1", headers=OLA)).text), "nobody is told of themselves"
    second = await h.http.post("/of/e1/writing", headers=JAN)
    assert second.json() == {"others": ["ola"]}
    await h.advance(STAYS + 1)
    assert not writes((await h.http.get("/of/e1", headers=JAN)).text)


async def test_writing_to_one_is_not_writing_to_another(h: House) -> None:
    await h.text(BOB, "hello")
    await h.http.post("/of/e1/writing", headers=OLA)
    assert not writes((await h.http.get("/of/e2", headers=JAN)).text)


async def test_what_a_colleague_has_just_sent_is_read_first(h: House) -> None:
    pages = {name: (await h.http.get("/of/e1", headers=who)).text for name, who in (("ola", OLA), ("jan", JAN))}
    await h.advance(5)
    sent = await h.http.post("/of/e1/write", data={"text": "It left today.", "begun": begun(pages["ola"])}, headers=OLA)
    assert sent.status_code == 303
    assert not writes((await h.http.get("/of/e1", headers=JAN)).text), "it is sent"
    kept = await h.http.post(
        "/of/e1/write", data={"text": "It left <b>when</b>?", "begun": begun(pages["jan"])}, headers=JAN
    )
    assert (kept.status_code, "ola has just written to this person" in kept.text) == (409, True)
    assert "It left &lt;b&gt;when&lt;/b&gt;?</textarea>" in kept.text, "nothing that was typed is lost"
    assert await h.heard(ANN) == ["yes?", "It left today."]
    again = await h.http.post("/of/e1/write", data={"text": "Anything else?", "begun": begun(kept.text)}, headers=JAN)
    assert again.status_code == 303
    assert (await h.heard(ANN))[-1] == "Anything else?"


@pytest.mark.parametrize("moment", ["", "x", "nan", "-1e999", "1e999"])
async def test_a_moment_that_is_none_keeps_nothing(h: House, moment: str) -> None:
    await h.http.post("/of/e1/write", data={"text": "one"}, headers=OLA)
    answer = await h.http.post("/of/e1/write", data={"text": "two", "begun": moment}, headers=JAN)
    assert answer.status_code in (303, 409)
    if moment in ("", "x", "nan", "1e999"):
        assert answer.status_code == 303


def test_what_is_kept_of_it_goes_away() -> None:
    writing, key = Writing(), Key("7255", ANN)
    for n in range(1000):
        writing.note(key, f"user{n}", float(n))
    assert len(writing.others([key], "", 999.0)) <= STAYS + 1


# -- links and codes --------------------------------------------------------------------------------


async def test_a_code_that_never_came_is_made_anew(h: House) -> None:
    await h.text(ANN, "code")
    page = (await h.http.get("/of/e2")).text
    assert "Send a new code" in page
    assert "471148" not in page
    assert (await h.http.post("/of/e2/code")).status_code == 303
    assert (await h.heard(ANN))[-1] == "Your code is 902345"
    assert "902345" not in (await h.http.get("/of/e2")).text
    await h.text(ANN, "STOP")
    await h.http.post("/of/e2/code")
    assert (await h.heard(ANN)).count("Your code is 902345") == 1
    assert "Blocked by us" in (await h.http.get("/of/e2")).text


async def test_a_bot_that_knows_no_new_code_is_not_asked(house: Any) -> None:
    bot = Bot()

    @bot.on("code")
    def code(chat: Chat) -> None:
        chat.say("Your code is 471148", secret=True)

    h: House = await house(bot)
    await h.text(ANN, "code")
    assert "Send a new code" not in (await h.http.get("/of/e1")).text
    assert (await h.http.post("/of/e1/code")).status_code == 404


async def test_a_page_of_the_shop_is_one_click_away(house: Any) -> None:
    links = {"Orders": "https://shop.test/of?phone={number}&order={ref}", "50 %": "https://shop.test/"}
    h: House = await house(shop(), settings={"links": links})
    await h.text(ANN, "code")
    page = (await h.http.get("/of/e1")).text
    assert re.search(r'href="/of/\w+/to/Orders"', page)
    assert ANN[3:] not in page, "the address that holds the number is not in the page"
    answer = await h.http.get("/of/e1/to/Orders")
    assert answer.headers["location"] == "https://shop.test/of?phone=%2B48600100200&order=login-7"
    assert (await h.http.get("/of/e1/to/50%20%25")).status_code == 303
    assert (await h.http.get("/of/e1/to/other")).status_code == 404
    rows = await h.app.store.rows("audit", before=1 << 62, limit=9)
    assert [r["did"] for r in rows] == ["opened a link about somebody"] * 2


@pytest.mark.parametrize(
    "links", [{"x": "javascript:alert({number})"}, {"x": "https://h/{name}"}, {"x": "ftp://h"}, {"a/b": "https://h"}]
)
def test_links_that_cannot_be(links: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"none of|begins with"):
        Settings(links=links)


async def test_a_conversation_whose_line_is_gone_says_so_and_loses_nothing(h: House) -> None:
    sql(h.app.settings.place, "UPDATE events SET line = '9999'")
    taken = await h.http.post("/of/e1/take", headers=OLA)
    assert (taken.status_code, "9999 is none of our lines" in taken.text) == (409, True)
    kept = await h.http.post("/of/e1/write", data={"text": "are you there"}, headers=OLA)
    assert (kept.status_code, "are you there</textarea>" in kept.text) == (409, True)


@pytest.mark.parametrize("around", ["\u202a{}\u202c", "\u2066{}\u2069"])
async def test_a_number_as_an_address_book_copies_it_is_found(h: House, around: str) -> None:
    page = (await h.http.post("/", data={"q": around.format("+48 600 100 200")})).text
    assert "Delivered" in page
