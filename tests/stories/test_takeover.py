"""A person at the desk takes a conversation over: the bot is silent, its timers wait, and it goes on as the desk says."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Literal

import pytest

from smsbot import Bot, Chat, choice
from smsbot.core.errors import UsageError
from smsbot.core.handover import WAYS
from smsbot.core.message import Key
from smsbot.pipeline.takeovers import Takeovers

from ..conftest import sampled
from ..house import ANN, BOB, LINE, House

WHO = Key(LINE, ANN)


def pizza() -> Bot:
    bot = Bot(timeout="2h")

    @bot.on("pizza")
    async def order(chat: Chat) -> str:
        size = await chat.ask("Size?", choice(Literal["S", "M"]))
        address = await chat.ask("Where to?")
        return f"{size} to {address}"

    @bot.on("later")
    def later(chat: Chat) -> str:
        chat.say("in an hour", at=chat.now.replace(hour=23))
        return "ok"

    @bot.on("slow")
    async def slow(chat: Chat) -> str:
        await chat.step(asyncio.sleep, 0.3)
        return "slow, but here"

    @bot.event("ready")
    def ready() -> str:
        return "Your order is ready."

    @bot.fallback
    def other(text: str) -> str:
        return f"Pardon? {text}"

    return bot


def of(h: House) -> Takeovers:
    return h.app.takeovers


async def test_the_bot_is_silent_and_goes_on_at_its_question(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "pizza")
    assert await of(h).take(WHO, "ola") == "ola"
    await h.text(ANN, "M")
    await h.text(ANN, "anybody there?")
    assert await h.heard(ANN) == ["Size?"]
    await of(h).say(WHO, "Ola here. M is sold out.", "ola")
    await h.settle()
    await h.restart()
    await h.text(ANN, "then S")
    assert (await h.heard(ANN))[1:] == ["Ola here. M is sold out."], "also after a restart"
    await of(h).give_back(WHO)
    await h.settle()
    assert (await h.heard(ANN))[2:] == ["Size?"], "it asks again"
    await h.text(ANN, "S")
    await h.text(ANN, "Main Street 1")
    assert (await h.heard(ANN))[3:] == ["Where to?", "S to Main Street 1"]


@pytest.mark.parametrize(("how", "heard", "end"), [("restart", ["Size?"], "restarted"), ("end", [], "ended_by_desk")])
async def test_it_begins_anew_or_ends(house: Any, how: str, heard: list[str], end: str) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "pizza")
    await h.text(ANN, "S")
    await of(h).take(WHO, "ola")
    await of(h).give_back(WHO, how)
    await h.settle()
    assert (await h.heard(ANN))[2:] == heard
    runs = await h.app.store.rows("last_run", line=LINE, number=ANN)
    assert runs[0]["end_label"] == ("" if how == "restart" else end)
    await h.text(ANN, "M" if how == "restart" else "hello")
    assert (await h.heard(ANN))[-1] == ("Where to?" if how == "restart" else "Pardon? hello")


async def test_timers_wait_and_what_is_past_comes_at_once(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "pizza")
    await of(h).take(WHO, "ola")
    await h.advance("5h")
    view = await h.run_of(ANN)
    assert view is not None
    assert view.end == "", "the timeout of two hours did not end it"
    await of(h).give_back(WHO)
    await h.settle()
    await h.advance("1s")
    view = await h.run_of(ANN)
    assert view is not None
    assert view.end == "abandoned"


async def test_what_waits_to_leave_does_not(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "later")
    await of(h).take(WHO, "ola")
    await h.advance("30h")
    assert await h.heard(ANN) == ["ok"]
    later = (await h.outgoing())[0]
    assert (later["status"], later["detail"]) == ("blocked", "a person has taken over")


async def test_the_first_has_it_and_others_are_told(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "pizza")
    assert await asyncio.gather(*(of(h).take(WHO, name) for name in ("ola", "jan", "ewa"))) == ["ola"] * 3
    with pytest.raises(UsageError, match='did you mean "continue"'):
        await of(h).give_back(WHO, "continu")
    with pytest.raises(UsageError, match="nobody has taken"):
        await of(h).give_back(Key(LINE, BOB))


async def test_an_event_waits_until_the_bot_has_it_again(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "hello")
    await of(h).take(WHO, "ola")
    assert await h.app.commands.emit("ready", ANN, {}) == "queued"
    await h.advance("1h")
    assert "Your order is ready." not in await h.heard(ANN)
    await of(h).give_back(WHO)
    await h.settle()
    await h.advance("1s")
    assert (await h.heard(ANN))[-1] == "Your order is ready."


async def test_stop_and_help_pass_and_notices_of_programs_too(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "pizza")
    await of(h).take(WHO, "ola")
    await h.advance("1s")
    await h.app.commands.send(ANN, "Your code is 4711")
    await h.settle()
    await h.text(ANN, "HELP")
    await h.text(ANN, "STOP")
    heard = await h.heard(ANN)
    assert heard[1] == "Your code is 4711"
    assert "STOP" in heard[2]
    assert "no more texts" in heard[3]


async def test_a_forgotten_one_goes_back_by_itself(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "hello")
    await of(h).take(WHO, "ola")
    await h.advance("11h")
    await h.text(ANN, "still there?")
    await h.advance("11h")
    await of(h).say(WHO, "yes", "ola")
    await h.advance("11h")
    assert h.app.store.taken(WHO) is not None, "each word counts"
    await h.advance("2h")
    assert h.app.store.taken(WHO) is None
    await h.text(ANN, "hello")
    assert (await h.heard(ANN))[-1] == "Pardon? hello"


async def test_another_person_and_their_bot_go_on(house: Any) -> None:
    h: House = await house(pizza())
    await of(h).take(WHO, "ola")
    await h.text(BOB, "hello")
    assert await h.heard(BOB) == ["Pardon? hello"]


@pytest.mark.parametrize("races", sampled([60, 1000], 60))
async def test_no_text_of_the_bot_begins_after_the_lock(
    house: Any, monkeypatch: pytest.MonkeyPatch, races: int
) -> None:
    """By the ledger of the provider: races of a takeover against a reply that is being decided, kept or sent."""
    h: House = await house(pizza())
    chance, began = random.Random(20261129), dict[str, float]()
    send = h.app.sender._send

    async def noted(account: Any, claim: Any) -> Any:
        began[claim.outgoing.key.number] = time.monotonic()
        await asyncio.sleep(chance.uniform(0, 0.002))
        return await send(account, claim)

    monkeypatch.setattr(h.app.sender, "_send", noted)

    async def race(n: int) -> tuple[str, float]:
        """The bot is first, or the desk, or nobody knows."""
        number, word = f"+4860010{n:04}", "slow" if n % 5 == 0 else "hi"
        text = asyncio.create_task(h.inbound(id=number, **{"from": number}, to=LINE, message=word))
        if n % 4 == 0:
            await text
            await h.settle()
        elif n % 4 != 1:
            await asyncio.sleep(chance.uniform(0, 0.004))
        await of(h).take(Key(LINE, number), "ola")
        locked = time.monotonic()
        await text
        return number, locked

    locks = dict([await race(n) for n in range(races)])
    await h.settle()
    await h.advance("10s")
    late = [number for number, locked in locks.items() if began.get(number, 0.0) > locked]
    assert late == []
    silenced = sum(number not in began for number in locks)
    assert races / 10 < silenced < races * 0.95, "races were won by both sides"
    assert len(await h.app.store.rows("takeovers", limit=2000)) == races


async def test_the_pages(house: Any) -> None:
    h: House = await house(pizza())
    await h.text(ANN, "pizza")
    handle = (await h.outgoing())[0]["id"]
    page = (await h.http.get(f"/of/{handle}")).text
    assert "Take over from the bot" in page
    assert ANN not in page
    assert (await h.http.post(f"/of/{handle}/take")).status_code == 303
    page = (await h.http.get(f"/of/{handle}")).text
    assert "<b>desk</b> looks after this person" in page
    assert "Give back to the bot" in page
    inbox = (await h.http.get("/inbox")).text
    assert "+48•••200" in inbox
    assert "waits for an answer" not in inbox
    await h.advance("1m")
    await h.text(ANN, "hello?")
    assert "waits for an answer" in (await h.http.get("/inbox")).text
    other = {"authorization": "Basic b2xhOng="}
    assert (await h.http.post(f"/of/{handle}/take", headers=other)).status_code == 409
    assert (await h.http.post(f"/of/{handle}/write", data={"text": " "})).status_code == 422
    assert (await h.http.post(f"/of/{handle}/write", data={"text": "Hello"}, headers=other)).status_code == 303
    await h.settle()
    assert (await h.heard(ANN))[-1] == "Hello"
    assert (await h.app.store.rows("newest_out", number=ANN, limit=1))[0]["requested_by"] == "ola"
    assert (await h.http.post(f"/of/{handle}/give-back", data={"how": "never"})).status_code == 422
    for how in WAYS:
        await h.http.post(f"/of/{handle}/take")
        assert (await h.http.post(f"/of/{handle}/give-back", data={"how": how})).status_code == 303
        await h.settle()
    assert (await h.http.get("/of/e999999")).status_code == 404
