"""The funnels of flows and conversations: who came by, waits, finished, or left, and the people behind a number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.desk.funnels import Funnel, Funnels

from ..house import House
from ..tables import many

FLOW = """
flow: visit
start: [visit]
defaults: {timeout: {after: 30d, then: done}}
steps:
  - {id: name, say: "Your name?", ask: text}
  - {id: day, say: "Which day?", ask: choice, choices: {mon: [monday], tue: [tuesday]}}
  - {id: done, say: "Thank you.", end: booked}
"""
PEOPLE = [f"+4860010030{n}" for n in range(1, 8)]


@pytest.fixture
async def h(house: Any, tmp_path: Path) -> House:
    (tmp_path / "visit.yaml").write_text(FLOW)
    bot = Bot(flows=tmp_path / "visit.yaml")

    @bot.on("order")
    async def order(chat: Chat) -> None:
        size = await chat.ask("Size?")
        address = await chat.ask(f"{size}. Where to?")
        chat.say(address)
        chat.end("ordered")

    made: House = await house(bot)
    for who in PEOPLE[:5]:
        await made.text(who, "visit")
    for who in PEOPLE[1:5]:
        await made.text(who, "Ann")
    await made.text(PEOPLE[2], "monday")  # finished
    await made.text(PEOPLE[3], "STOP")  # left at "day"
    await made.text(PEOPLE[4], "STOP")
    for who in PEOPLE[5:]:
        await made.text(who, "order")
    await made.text(PEOPLE[5], "L")
    return made


async def funnels(h: House, since: float = 0.0) -> dict[str, Funnel]:
    return {f.name: f for f in await Funnels(h.app.store).all(since)}


async def test_who_waits_is_not_lost(h: House) -> None:
    visit = (await funnels(h))["visit"]
    assert (visit.began, visit.done, visit.waiting, visit.lost) == (5, 1, 2, 2)
    assert visit.ends == {"booked": 1}
    assert visit.left == {"stopped": 2}
    steps = {s.name: (s.passed, s.waiting, s.left) for s in visit.steps.values()}
    assert steps == {"name": (5, 1, 0), "day": (4, 1, 2), "done": (1, 0, 0)}


async def test_a_conversation_of_python_is_one_too(h: House) -> None:
    order = (await funnels(h))["order"]
    assert (order.began, order.done, order.waiting) == (2, 0, 2)
    assert {s.name: s.waiting for s in order.steps.values()} == {"size": 1, "address": 1}
    await h.text(PEOPLE[5], "Main St 1")
    assert (await funnels(h))["order"].ends == {"ordered": 1}


async def test_the_time_is_of_those_that_began(h: House) -> None:
    await h.advance(3 * 86_400)
    now = h.app.clock.now()
    old = (await funnels(h, now - 86_400))["visit"]
    assert (old.began, old.done, old.waiting) == (0, 0, 2), "they wait now, whenever they began"
    assert (await funnels(h, now - 7 * 86_400))["visit"].began == 5


async def test_the_pages(h: House) -> None:
    listed = (await h.http.get("/flows")).text
    at = re.search(r'href="(/flows/visit)\?bot=&amp;since=24h"', listed)
    assert at is not None
    page = (await h.http.get(at[1])).text
    assert "4 came by · 1 waits · 2 left" in page, "the numbers stand in the picture"
    assert "opted out" in page
    assert 'style="' not in page
    assert "<style" not in page
    waits = (await h.http.get(f"{at[1]}/day")).text
    assert waits.count('href="/of/') == 1
    assert PEOPLE[1][3:] not in waits
    left = (await h.http.get(f"{at[1]}/day?what=left")).text
    assert left.count("opted out") == 2
    assert "+48•••304" in left


@pytest.mark.parametrize(
    "path", ["/flows/visit?bot=x", "/flows/x/y/z", "/flows/x", "/flows/visit/nothing", "/flows/%00/%ff"]
)
async def test_what_there_is_not(h: House, path: str) -> None:
    assert (await h.http.get(path)).status_code == 404


async def test_a_flow_that_nobody_entered_is_listed(house: Any, tmp_path: Path) -> None:
    (tmp_path / "visit.yaml").write_text(FLOW)
    made: House = await house(Bot(flows=tmp_path / "visit.yaml"))
    listed = (await made.http.get("/flows")).text
    at = re.search(r'href="(/flows/visit)\?bot=&amp;since=24h"', listed)
    assert at is not None
    assert "Nobody came by" not in (await made.http.get(at[1])).text, "its steps stand there, with zeros"


async def test_steps_of_a_flow_called_by_another_count_there(house: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("flow: a\nstart: [go]\nsteps:\n  - {id: sub, call: b}\n  - {id: out, say: bye}\n")
    (tmp_path / "b.yaml").write_text(
        'flow: b\nsteps:\n  - {id: q, say: "Which?", ask: text, timeout: {after: 1d, then: x}}\n  - {id: x, say: ok}\n'
    )
    h: House = await house(Bot(flows=tmp_path))
    await h.text(PEOPLE[0], "go")
    found = await funnels(h)
    assert (found["a"].began, found["b"].began) == (1, 1)
    assert (found["b"].waiting, found["a"].waiting) == (1, 0)
    await h.text(PEOPLE[0], "this")
    found = await funnels(h)
    assert (found["a"].ends, found["b"].ends) == ({"done": 1}, {})


async def test_states_of_handlers_belong_to_the_one_that_began(house: Any) -> None:
    bot = Bot()

    @bot.on("buy")
    def buy(chat: Chat) -> str:
        chat.goto("qty")
        return "How many?"

    @bot.state("qty")
    def qty(chat: Chat) -> str:
        chat.end("bought")
        return "Thank you."

    @bot.on("hours")
    def hours() -> str:
        return "9 to 17"

    h: House = await house(bot)
    for who in PEOPLE[:2]:
        await h.text(who, "buy")
    await h.text(PEOPLE[0], "2")
    await h.text(PEOPLE[2], "hours")
    found = await funnels(h)
    assert {n: (f.began, f.ends, f.waiting) for n, f in found.items()} == {"buy": (2, {"bought": 1}, 1)}
    assert (await h.http.get("/flows/buy/qty?bot=")).text.count('href="/of/') == 1


async def test_who_left_is_found_behind_many_who_finished(h: House) -> None:
    now = h.app.clock.now()
    runs, visits = [], []
    for n in range(120):
        run, end = bytes([n]) * 16, "stopped" if n == 0 else "booked"
        runs.append((run, "7255", f"+48600{n:06d}", "", "go", "", now, now + n + 1, end))
        visits += [(run, 1, "go", now), (run, 2, "busy.q", now)]
    columns = "id, line, number, bot, started_by, content, started, ended, end_label"
    many(h.app.settings.place, f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", runs)
    many(h.app.settings.place, "INSERT INTO visits (run, seq, step, at) VALUES (?, ?, ?, ?)", visits)
    found = (await funnels(h))["busy"]
    assert found.steps["q"].left == 1
    assert len(await Funnels(h.app.store).people(found, "q", "left", 0.0, 50)) == 1
