"""Eleven bots as people build them: each is checked as strictly as can be, and told by its stories; the daily one for a year.

A shop's order status beside FastAPI stands in `test_shop.py`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot
from smsbot.checks.proof import examine
from smsbot.checks.story import Story, load_stories
from smsbot.core.message import Key
from smsbot.settings import AccountSettings, LineSettings
from smsbot.testing.stories import run_story

from ..house import ANN, LINE, House
from ..tables import sql
from .trial import locker

TRIAL = Path(__file__).parent / "trial"
FLOWS = ("reservation", "nps", "reminder", "lead", "menu", "pills", "vote", "optin")


def stories() -> list[Story]:
    found: list[Story] = []
    for path in sorted((TRIAL / "told").glob("*.yaml")):  # not called stories: they are not of this project's own bots
        told, source = load_stories(path)
        assert source.problems == []
        found += told
    return found


def bots() -> dict[str, Bot]:
    return {"flows": Bot(flows=str(TRIAL / "flows")), "locker": locker.bot}


def test_nothing_is_wrong_with_them() -> None:
    flows, problems = examine(bots()["flows"], (LINE,), ("PL",), TRIAL)
    assert problems == []
    assert {flow.name for flow in flows} == set(FLOWS)


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
async def test_each_story(story: Story) -> None:
    chosen = bots()
    name = story.bot or "flows"
    outcome = await run_story(story, {name: chosen[name]})
    assert outcome.passed, outcome.failure


async def test_two_accounts_answer_each_from_its_own_line(house: Any) -> None:
    """A deployment of two bots, two lines and two accounts on one server."""
    accounts = {name: AccountSettings(gateway="messageflow") for name in ("north", "south")}
    lines = {"flows": ("+48732000111",), "locker": ("+48732000222",)}
    settings = {"+48732000111": LineSettings(account="north"), "+48732000222": LineSettings(account="south")}
    h: House = await house(bots(), lines=lines, accounts=accounts, line_settings=settings)
    await h.text(ANN, "menu", to="+48732000111")
    await h.text(ANN, "status 5", to="+48732000222")
    thread = await h.thread(ANN)
    assert [(e["line"], e["text"][:9]) for e in thread if e["direction"] == "out"] == [
        ("+48732000111", "1) Prices"), ("+48732000222", "We do not"),
    ]  # fmt: skip
    assert set(sql(h.app.settings.place, "SELECT account FROM outgoing")) == {("north",), ("south",)}


async def pills_for(h: House, days: int, yes: set[int]) -> list[str]:
    await h.begin_at(datetime(2026, 12, 1, 20, tzinfo=h.zone(LINE)).timestamp())
    await h.text(ANN, "pills")
    for day in range(days):
        await h.advance("12h")
        if day in yes:
            await h.text(ANN, "yes")
        await h.advance("12h")
    return await h.heard(ANN)


async def test_pills_for_ten_days(house: Any) -> None:
    heard = await pills_for(await house(bots()["flows"]), 10, {0, 1, 2, 3, 7, 8})
    assert heard.count("Well done.") == 6
    assert heard.count("We tell your nurse.") == 4
    assert heard.count("Your nurse comes by today.") == 1


@pytest.mark.long
async def test_pills_for_a_year(house: Any) -> None:
    """A year of virtual time: each morning its question, each answer taken, nothing lost where clocks change."""
    h: House = await house(bots()["flows"])
    heard = await pills_for(h, 365, set(range(365)))
    assert heard.count("Well done.") == 365
    conversation = await h.app.store.load(Key(LINE, ANN))
    assert conversation.run is not None
    assert conversation.run.rests
