"""Open conversations told again against edited code, before a deploy: who would strand, as it then happens; and their end."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsbot import targets
from smsbot.core.phone import mask
from smsbot.testing import Sim

from ..conftest import sampled
from ..processes import running, smsbot

LINE = "+48732000111"
PYTHON = """\
from smsbot import Bot, Chat

bot = Bot(flows=__import__("pathlib").Path(__file__).with_name("visit.yaml"))


class Kitchen:
    def quote(self, size: str) -> int:
        return 8


@bot.provide
def kitchen() -> Kitchen:
    return Kitchen()


@bot.on("order")
async def order(chat: Chat, kitchen: Kitchen) -> str:
    size = await chat.ask("Size?")
    cost = await chat.step(kitchen.quote, size)
    street = await chat.ask("Street?")
    await chat.sleep("2h")
    return f"{size} to {street}: {cost}"


@bot.on("rate")
def rate(chat: Chat) -> str:
    chat.goto("rating", timeout="20h", then="late")
    return "1 to 5?"


@bot.state("rating")
def rating(chat: Chat, text: str) -> str:
    chat.end("rated")
    return "Thanks."


@bot.state("late")
def late(chat: Chat) -> None:
    chat.end("late")


@bot.action
def book(day: str) -> str:
    return "7"
"""
YAML = """\
flow: visit
start: visit
steps:
  - {ask: day, say: "Day?", timeout: 20h}
  - {do: "book(day)", save: number}
  - {say: "Booked {number}.", end: done}
"""
PLACES = {
    "size": ["order"], "street": ["order", "S"], "asleep": ["order", "S", "Main"], "rating": ["rate"], "day": ["visit"],
}  # fmt: skip
"""Where people stand, and what they texted to get there."""

EDITS: list[tuple[str, list[tuple[str, str]], set[str]]] = [
    ("nothing", [], set()),
    ("texts", [('"Size?"', '"Which size?"'), ('"Street?"', '"Which street?"'), ('"1 to 5?"', '"Stars?"')], set()),
    ("a question before all others", [("    size =", '    name = await chat.ask("Name?")\n    size =')], {"size", "street", "asleep"}),
    ("a guarded question before all others", [("    size =", '    if chat.since("name"):\n        name = await chat.ask("Name?")\n    size =')], set()),
    ("a question behind the first", [("    cost =", '    name = await chat.ask("Name?")\n    cost =')], {"street", "asleep"}),
    ("a question renamed", [("    street = await", "    road = await"), ("{street}", "{road}")], {"street", "asleep"}),
    ("a question renamed with its key", [('    street = await chat.ask("Street?")', '    road = await chat.ask("Street?", key="street")'), ("{street}", "{road}")], set()),
    ("the step gone", [("    cost = await chat.step(kitchen.quote, size)", "    cost = 8")], {"street", "asleep"}),
    ("the sleep gone", [('    await chat.sleep("2h")\n', "")], {"asleep"}),
    ("the function renamed", [("async def order", "async def ordering")], {"size", "street", "asleep"}),
    ("the state renamed", [('"rating"', '"stars"')], {"rating"}),
    ("the action gone", [("@bot.action\ndef book", "def book"), ('  - {do: "book(day)", save: number}\n', ""), ("{number}", "{day}")], {"day"}),
    ("the state of a silence gone", [('@bot.state("late")', '@bot.state("never")')], {"rating"}),
]  # fmt: skip


def deployed(folder: Path, edits: list[tuple[str, str]]) -> Any:
    import linecache

    code, flow = PYTHON, YAML
    for old, new in edits:
        assert old in code + flow, old
        code, flow = code.replace(old, new), flow.replace(old, new)
    (folder / "shop.py").write_text(code, encoding="utf-8")
    (folder / "visit.yaml").write_text(flow, encoding="utf-8")
    linecache.clearcache()
    return targets.load("shop.py:bot", folder)


def prepared(folder: Path) -> None:
    (folder / "smsbot.toml").write_text(f'[bots.bot]\ntarget = "shop.py:bot"\nlines = ["{LINE}"]\n', encoding="utf-8")


def numbers() -> Iterator[str]:
    return (f"+4860010{n:04d}" for n in itertools.count(1000))


async def filled(folder: Path, each: int) -> dict[str, str]:
    """People at every place, by their numbers."""
    people: dict[str, str] = {}
    free = numbers()
    async with Sim(deployed(folder, []), folder, lines={"bot": [LINE]}) as sim:
        for place, texts in PLACES.items():
            for _ in range(each):
                number = next(free)
                people[number] = place
                for text in texts:
                    await sim.text(number, text)
    return people


def check(folder: Path) -> tuple[int, dict[str, Any]]:
    done = smsbot("check", "--db", "sim.db", "--json", folder=folder)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("n", sampled(range(len(EDITS)), 2, 3))
async def test_it_names_exactly_those_that_strand(tmp_path: Path, n: int) -> None:
    name, edits, strand = EDITS[n]
    prepared(tmp_path)
    people = await filled(tmp_path, 2)
    deployed(tmp_path, edits)
    code, told = check(tmp_path)
    assert told["open"] == len(people)
    expected = sorted(mask(n) for n, place in people.items() if place in strand)
    assert sorted(one["number"] for one in told["stranded"]) == expected
    assert code == (1 if strand else 0)
    stranded: set[str] = set()
    async with Sim(deployed(tmp_path, edits), tmp_path, lines={"bot": [LINE]}) as sim:
        for number, place in people.items():
            if place == "asleep":
                continue
            await sim.text(number, "5")
            if await sim.trouble_of(number):
                stranded.add(place)
        await sim.advance("3h")
        for number, place in people.items():
            if place == "asleep" and "5" not in "".join(e["text"] for e in await sim.thread(number)):
                said = [e["text"] for e in await sim.thread(number) if e["direction"] == "out"][-1]
                if "to Main" not in said:
                    stranded.add(place)
    # who answers in time goes on, and a flow moves to its edited self here, as in `smsbot dev`
    apart = {"the state of a silence gone": {"rating"}, "the action gone": {"day"}}.get(name, set())
    assert stranded == strand - apart


PROVIDED = """\
from smsbot import Bot, Chat

bot = Bot()


class Catalog:
    def __init__(self) -> None:
        self.sizes = ["S", "M"]

    def price(self, size: str) -> int:
        raise AssertionError("it runs nowhere here")


@bot.provide
def catalog() -> Catalog:
    return Catalog()


@bot.on("order")
async def order(chat: Chat, catalog: Catalog) -> str:
    size = await chat.ask("Size? " + ", ".join(catalog.sizes))
    street = await chat.ask("Street?")
    return f"{size} {street}"


@bot.on("call")
async def call(chat: Chat, catalog: Catalog) -> str:
    size = await chat.ask("Size?")
    street = await chat.ask("Street?")
    cost = await chat.step(catalog.price, size)
    return f"{size} {street} {cost}"
"""


async def test_what_only_its_turn_can_tell_strands_nobody(tmp_path: Path) -> None:
    """A conversation that reads from what is provided on its way: no provider runs here, and no method of one."""
    prepared(tmp_path)
    (tmp_path / "shop.py").write_text(PROVIDED)
    async with Sim(targets.load("shop.py:bot", tmp_path), tmp_path, lines={"bot": [LINE]}) as sim:
        for n, word in enumerate(("order", "call")):
            for text in (word, "S"):
                await sim.text(f"+4860010100{n}", text)
    code, found = check(tmp_path)
    assert code == 0
    assert found == {"v": 1, "open": 2, "unknown": 1, "stranded": []}


RAISES = {
    "a word": ('int(f"{size}!")', "ValueError"),
    "the answer": ("int(size)", "ValueError"),
    "nothing, in words": ("raise __import__('smsbot').ChatError", "ChatError"),
}
"""Code that raises, mostly with the answer to the first question in its words, and the class."""


@pytest.mark.parametrize(("code", "kind"), RAISES.values(), ids=RAISES)
async def test_what_the_code_raises_is_told_without_what_it_quotes(tmp_path: Path, code: str, kind: str) -> None:
    prepared(tmp_path)
    await filled(tmp_path, 1)
    deployed(tmp_path, [("    cost =", f"    {code}\n    cost =")])
    _, told = check(tmp_path)
    found = {one["stands"]: one["why"] for one in told["stranded"]}
    line = PYTHON.partition("    cost =")[0].count("\n") + 1
    assert len(found) == 2
    for why in found.values():
        assert why.startswith(f"its code raised {kind} at ")
        assert why.endswith(f"shop.py:{line}")
    assert "S!" not in json.dumps(told)
    assert "'S'" not in json.dumps(told)


@pytest.mark.slow
def test_what_people_read(tmp_path: Path) -> None:
    import asyncio

    prepared(tmp_path)
    asyncio.run(filled(tmp_path, 1))
    deployed(tmp_path, EDITS[2][1])
    done = smsbot("check", "--db", "sim.db", folder=tmp_path)
    assert done.returncode == 1
    assert "would strand" in done.stdout
    assert "shop.py:" in done.stdout
    assert "2 of 5 open conversations go on" in done.stdout
    assert "chat.since" in done.stderr
    assert "smsbot end --stranded" in done.stderr
    assert "+48600" not in done.stdout
    assert smsbot("check", "--db", "nothing.db", folder=tmp_path).returncode == 3


@pytest.mark.parametrize(
    "each", [pytest.param(200, marks=pytest.mark.slow), pytest.param(2_000, marks=pytest.mark.long)]
)
async def test_thousands_are_told_again(tmp_path: Path, each: int) -> None:
    """One conversation of each place is copied to many people."""
    prepared(tmp_path)
    people = await filled(tmp_path, 1)
    free = numbers()
    with closing(sqlite3.connect(tmp_path / "sim.db")) as db:
        for number, _ in list(people.items()):
            run = db.execute("SELECT run FROM conversations WHERE number = ?", (number,)).fetchone()[0]
            for n in range(each - 1):
                copy, other = f"+4870{n:04d}{number[-4:]}", f"{n:04d}".encode() + run[4:]
                db.execute(
                    "INSERT INTO conversations SELECT line, ?1, version, ?2, fallback_at, late, answered, wrote_first, resting FROM conversations WHERE number = ?3",
                    (copy, other, number),
                )
                columns = [r[1] for r in db.execute("PRAGMA table_info(runs)")]
                listed = ", ".join({"id": "?1", "number": "?2"}.get(c, c) for c in columns)
                db.execute(f"INSERT INTO runs SELECT {listed} FROM runs WHERE id = ?3", (other, copy, run))
                db.execute(
                    "INSERT INTO frames SELECT ?1, depth, kind, name, state, replace(data, ?2, ?3), prompt, deadline, then_, rest FROM frames WHERE run = ?4",
                    (other, run.hex(), other.hex(), run),
                )
                db.execute(
                    "INSERT INTO journal SELECT ?1, frame, seq, kind, value, codec FROM journal WHERE run = ?2",
                    (other, run),
                )
        db.commit()
    assert next(free)
    for name, edits, strand in EDITS:
        deployed(tmp_path, edits)
        _, told = check(tmp_path)
        assert told["open"] == 5 * each, name
        assert len(told["stranded"]) == each * len(strand), name


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "Sorry, something has changed"),
        ('stranded="Text ORDER again."', "Text ORDER again."),
        ("stranded=False", "Street?"),
    ],
)
async def test_who_is_stranded_hears_one_sentence(tmp_path: Path, setting: str, said: str) -> None:
    people = await filled(tmp_path, 1)
    number = next(n for n, place in people.items() if place == "street")
    edits = [("flows=__import__", f"{setting}, flows=__import__" if setting else "flows=__import__"), *EDITS[2][1]]
    async with Sim(deployed(tmp_path, edits), tmp_path, lines={"bot": [LINE]}) as sim:
        for text in ("Main", "Main Street", "hello"):
            await sim.text(number, text)
        heard = [e["text"] for e in await sim.thread(number) if e["direction"] == "out"]
        assert len([t for t in heard if t.startswith(said)]) == 1
        assert said in heard[-1]
        await sim.advance("61m")
        await sim.text(number, "hello?")
        again = [e["text"] for e in await sim.thread(number) if e["direction"] == "out"]
        assert len(again) == len(heard) + (setting != "stranded=False")


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.slow
def test_they_are_ended_with_a_text(tmp_path: Path) -> None:
    import asyncio

    import httpx

    prepared(tmp_path)
    people = asyncio.run(filled(tmp_path, 1))
    deployed(tmp_path, EDITS[2][1])
    at = {place: number for number, place in people.items()}
    with running("dev", "--db", "sim.db", folder=tmp_path, log=tmp_path / "log") as server:
        done = smsbot(
            "end", "--stranded", "--say", "Please text ORDER again.", "--yes", "--db", "sim.db", folder=tmp_path
        )
        assert done.stdout == "3 ended.\n", done.stderr
        again = smsbot("end", "--stranded", "--yes", "--db", "sim.db", folder=tmp_path)
        assert again.returncode == 5
        fresh = f"{server.url}/sandbox/phones/+48600999888/texts"
        assert httpx.post(fresh, json={"text": "rate"}, trust_env=False).status_code == 202
        until(lambda: "1 to 5?" in httpx.get(fresh, trust_env=False).text, "the question leaves")
        one = smsbot("end", "600 999 888", "--yes", "--json", "--db", "sim.db", folder=tmp_path)
        assert json.loads(one.stdout)["ended"] == 1

        def heard(number: str) -> list[str]:
            answer = httpx.get(f"{server.url}/sandbox/phones/{number}/texts", trust_env=False)
            return [e["text"] for e in answer.json() if e["direction"] == "out"]

        until(lambda: heard(at["street"])[-1] == "Please text ORDER again.", "the text arrives")
        assert heard("+48600999888")[-1] == "1 to 5?"
        httpx.post(fresh, json={"text": "rate"}, trust_env=False)
        until(lambda: heard("+48600999888") == ["1 to 5?"] * 2, "it begins anew")
    assert smsbot("end", "+48600999888", "--yes", "--db", "sim.db", folder=tmp_path).returncode == 1
    for wrong in (["end"], ["end", "+48600100200", "--stranded"], ["end", "nobody", "--yes"]):
        assert smsbot(*wrong, folder=tmp_path).returncode == 2
