"""Waits and texts at a time of the person's day, in flows and in Python alike."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsbot import Bot, Chat
from smsbot.settings import LineSettings
from smsbot.testing.sim import LINE

from ..house import ANN, House

WARSAW = ZoneInfo("Europe/Warsaw")


def python_bot() -> Bot:
    bot = Bot()

    @bot.on("until")
    async def until(chat: Chat) -> str:
        chat.say("at nine")
        await chat.sleep(until="9:00")
        return "it is nine"

    @bot.on("waking")
    async def waking(chat: Chat) -> str:
        chat.say("in two hours")
        await chat.sleep("2h waking")
        return "they have passed"

    @bot.on("later")
    async def later(chat: Chat) -> None:
        chat.say("until tomorrow")
        chat.say("good morning", at="9:00 tomorrow")

    return bot


def flow_bot(folder: Path) -> Bot:
    (folder / "flows").mkdir(exist_ok=True)
    for name, steps in (
        ("until", '[{say: at nine, wait: {until: "9:00"}}, {say: it is nine, end: done}]'),
        ("waking", "[{say: in two hours, wait: 2h waking}, {say: they have passed, end: done}]"),
        ("later", '[{say: until tomorrow}, {say: good morning, at: "9:00 tomorrow", end: done}]'),
    ):
        (folder / "flows" / f"{name}.yaml").write_text(f"flow: {name}\nstart: [{name}]\nsteps: {steps}\n")
    return Bot(flows=folder / "flows")


@pytest.fixture(params=["python", "flow"])
async def h(request: pytest.FixtureRequest, house: Any, tmp_path: Path) -> House:
    bot = python_bot() if request.param == "python" else flow_bot(tmp_path)
    found: House = await house(bot, line_settings={LINE: LineSettings(quiet="21:00-8:00")})
    return found


@pytest.mark.parametrize(
    ("begun", "said", "before", "heard"),
    [
        ("2026-06-10T20:00", "until", "2026-06-11T08:59", "2026-06-11T09:01"),
        ("2026-03-28T20:00", "until", "2026-03-29T08:59", "2026-03-29T09:01"),
        ("2026-10-24T20:00", "until", "2026-10-25T08:59", "2026-10-25T09:01"),
        ("2026-06-10T20:00", "waking", "2026-06-11T08:59", "2026-06-11T09:01"),  # an hour today, one tomorrow
        ("2026-06-10T10:00", "waking", "2026-06-10T11:59", "2026-06-10T12:01"),
        ("2026-06-10T10:00", "later", "2026-06-11T08:59", "2026-06-11T09:01"),
        ("2026-03-28T10:00", "later", "2026-03-29T08:59", "2026-03-29T09:01"),
    ],
)
async def test_at_the_time_of_the_person(h: House, begun: str, said: str, before: str, heard: str) -> None:
    def at(written: str) -> float:
        return datetime.fromisoformat(written).replace(tzinfo=WARSAW).timestamp()

    await h.begin_at(at(begun))
    await h.text(ANN, said)
    await h.restart()
    await h.advance(at(before) - h.clock.now())
    assert len(await h.heard(ANN)) == 1
    await h.advance(at(heard) - h.clock.now())
    assert len(await h.heard(ANN)) == 2


async def test_a_person_of_another_zone(h: House) -> None:
    await h.know(ANN, {"timezone": "America/New_York"})
    await h.begin_at(datetime(2026, 6, 10, 10, tzinfo=WARSAW).timestamp())  # it is 4:00 there
    await h.text(ANN, "until")
    await h.advance("4h")
    assert len(await h.heard(ANN)) == 1
    await h.advance("65m")
    assert (await h.heard(ANN))[-1] == "it is nine"


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("{wait: {until: later}}", "no time of a day"), ("{wait: {to: '9:00'}}", "until"), ("{wait: 9:00 someday}", "names no day"),
        ("{at: '9:00'}", 'belongs to "say"'), ("{say: x, at: soon}", "no time of a day"),
        ("{ask: x, say: x, at: '9:00', timeout: 1h}", "exclude each other"),
    ],
)  # fmt: skip
def test_what_is_no_time_in_a_flow(tmp_path: Path, step: str, why: str) -> None:
    from smsbot.checks.proof import examine
    from smsbot.core.problem import render

    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "x.yaml").write_text(f"flow: x\nstart: [x]\nsteps:\n  - {step}\n  - {{say: y, end: done}}\n")
    _, problems = examine(Bot(flows=tmp_path / "flows"), (), ("PL",), tmp_path)
    assert why in "\n".join(render(p) for p in problems)


@pytest.mark.parametrize("wrong", [(), ("2h", "9:00"), ("", "soon")])
async def test_what_is_no_time_in_python(house: Any, wrong: tuple[str, ...]) -> None:
    bot = Bot()

    @bot.on("x")
    async def x(chat: Chat) -> None:
        await chat.sleep(*wrong[:1], until=wrong[1] if wrong[1:] else "")

    h: House = await house(bot)
    await h.text(ANN, "x")
    assert await h.trouble_of(ANN)
