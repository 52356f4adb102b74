"""The inbox: whose turn it is, who is put off, who is done and by whom; notes that no customer sees; ready answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from smsbot import Bot, Chat

from ..house import ANN, BOB, House

OLA, JAN = ({"authorization": f"Basic {name}"} for name in ("b2xhOng=", "amFuOng="))


def shop() -> Bot:
    bot = Bot()

    @bot.on("agent")
    def hand_over(chat: Chat) -> str:
        chat.handoff("counter")
        return "We will call you."

    @bot.fallback
    def other() -> str:
        return "Text AGENT for a person."

    return bot


def part(page: str, title: str) -> str:
    """A section of the inbox by its heading."""
    end = "details" if title == "Done" else "section"
    found = re.search(rf"(?:<h2>|<summary[^>]*>){title}.*?</{end}>", page, re.S)
    return found[0] if found else ""


async def inbox(h: House, headers: dict[str, str] | None = None) -> str:
    return str((await h.http.get("/inbox", headers=headers or OLA)).text)


async def test_mine_and_those_of_colleagues(house: Any) -> None:
    h: House = await house(shop())
    await h.text(ANN, "agent")
    await h.text(BOB, "agent")
    page = await inbox(h)
    assert part(page, "Waiting").count("<li>") == 2
    first, second = re.findall(r'action="/of/(\w+)/take"', page)
    await h.http.post(f"/of/{first}/take", headers=OLA)
    await h.http.post(f"/of/{second}/take", headers=JAN)
    mine, others = part(await inbox(h), "Mine"), part(await inbox(h), "With colleagues")
    assert "+48•••200" in mine
    assert "<b>ola</b>" in mine
    assert "+48•••300" in others
    assert "<b>jan</b>" in others
    assert "+48•••300" in part(await inbox(h, JAN), "Mine")
    assert "Nobody waits" in await inbox(h)


@pytest.mark.parametrize(("asked", "wait"), [("15m", "16m"), ("1h", "61m"), ("4h", "241m"), ("1d", "25h")])
async def test_who_is_put_off_waits_again_later(house: Any, asked: str, wait: str) -> None:
    h: House = await house(shop())
    await h.text(ANN, "agent")
    assert (await h.http.post("/handoffs/1/later", data={"for": asked}, headers=OLA)).status_code == 303
    page = await inbox(h)
    assert "Nobody waits" in page
    assert "+48•••200" in part(page, "Later")
    await h.advance(wait)
    assert "+48•••200" in part(await inbox(h), "Waiting")


async def test_who_is_put_off_and_texts_waits_at_once(house: Any) -> None:
    h: House = await house(shop())
    await h.text(ANN, "agent")
    await h.http.post("/handoffs/1/later", data={"for": "1d"}, headers=OLA)
    await h.http.post("/handoffs/1/later", data={"for": "for ever"}, headers=OLA)
    await h.advance("1m")
    await h.text(ANN, "are you there?")
    assert "+48•••200" in part(await inbox(h), "Waiting")
    assert "Waiting for a person" in (await h.http.get("/")).text


async def test_who_is_put_off_is_not_on_the_first_page(house: Any) -> None:
    h: House = await house(shop())
    await h.text(ANN, "agent")
    await h.http.post("/handoffs/1/later", data={"for": "1d"}, headers=OLA)
    assert "Waiting for a person" not in (await h.http.get("/")).text
    assert "for a person" not in (await h.http.get("/overview")).text


async def test_who_is_done_and_by_whom(house: Any) -> None:
    h: House = await house(shop())
    await h.text(ANN, "agent")
    await h.http.post("/handoffs/1/done", headers=JAN)
    await h.http.post("/handoffs/1/done", headers=OLA)
    done = part(await inbox(h), "Done")
    assert "+48•••200" in done
    assert "jan" in done
    assert "ola" not in done


async def test_a_note_is_for_colleagues_alone(house: Any) -> None:
    h: House = await house(shop())
    await h.text(ANN, "hello")
    handle = (await h.outgoing())[0]["id"]
    assert (await h.http.post(f"/of/{handle}/note", data={"text": "  "}, headers=OLA)).status_code == 422
    note = "<b>Rude</b>, call before noon"
    assert (await h.http.post(f"/of/{handle}/note", data={"text": note}, headers=OLA)).status_code == 303
    page = (await h.http.get(f"/of/{handle}")).text
    assert "&lt;b&gt;Rude&lt;/b&gt;, call before noon" in page
    assert "<small>ola," in page
    await h.restart()
    assert "call before noon" in (await h.http.get(f"/of/{handle}")).text
    assert all("noon" not in text for text in await h.heard(ANN))
    assert (await h.http.post("/of/e99999/note", data={"text": "x"}, headers=OLA)).status_code == 404


@pytest.mark.slow
async def test_two_hundred_and_fifty_at_once_can_be_told_apart(house: Any) -> None:
    h: House = await house(shop())
    for n in range(250):
        number = f"+48600{n:06d}"
        await h.inbound(id=f"long-{n}", to="+48732000111", message="agent", **{"from": number})
    await h.advance("5s")
    page = await inbox(h)
    waiting = part(page, "Waiting")
    assert waiting.count("<li>") == 250
    assert len(set(re.findall(r'action="/of/(\w+)/take"', waiting))) == 250
    assert len(set(re.findall(r"\+48•••(\d{3})", waiting))) == 250
    assert 'Waiting for a person <span class="soft">250</span>' in page
