"""Editing a conversation while somebody is in it: it goes on, or one clear error names both places (C8)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat, targets
from smsbot.testing.sim import Sim

from ..house import ANN

BEFORE = '''
from datetime import date
from typing import Literal
from smsbot import Bot, Chat, choice, integer
bot = Bot()

def price(size: str) -> int:
    return 8

@bot.on("pizza")
async def order(chat: Chat) -> None:
    size = await chat.ask("Size?", choice(Literal["S", "L"]))
    cost = await chat.step(price, size)
    qty = await chat.ask("How many?", integer(1, 9))
    street = await chat.ask("Street?")
    chat.say(f"{qty} {size} to {street}, {cost} each.")
'''  # fmt: skip
ON = ["Street?", "2 S to Main St, 8 each."]
"""What follows where the run goes on: S is answered, the number is asked."""

# What is edited while "How many?" is open, and what the person hears then; None: the one error, and nothing is lost.
EDITS: list[tuple[str, list[tuple[str, str]], list[str] | None]] = [
    ("nothing", [], ON),
    ("a text before the open question", [('"Size?"', '"Which size?"')], ON),
    ("the text of the open question", [('"How many?"', '"How many, please?"')], ON),
    ("a text behind it", [("{cost} each", "{cost} dollars each")], ["Street?", "2 S to Main St, 8 dollars each."]),
    ("the bounds of the open question", [("integer(1, 9)", "integer(1, 5)")], ON),
    ("more choices at an answered question", [('Literal["S", "L"]', 'Literal["S", "M", "L"]')], ON),
    ("another question behind the open one", [('    street =', '    name = await chat.ask("Name?")\n    street =')], ["Name?", "Street?"]),
    ("a step behind the open question", [('    street =', '    await chat.step(price, "L")\n    street =')], ON),
    ("a question behind it taken out", [('    street = await chat.ask("Street?")\n', '    street = "the shop"\n')], ["2 S to the shop, 8 each."]),
    ("the question behind it retyped", [('ask("Street?")', 'ask("Street?", int)')], ["Street?", "Street? A number, such as 2."]),
    ("a comment and an empty line", [("    qty =", "    # how many\n\n    qty =")], ON),
    ("a say before the open question", [("    qty =", '    chat.say("Good choice.")\n    qty =')], ON),
    ("a condition around what is behind", [("    street =", "    if qty:\n        chat.say('Yes.')\n    street =")], ["Yes.", "Street?", "2 S to Main St, 8 each."]),
    ("the open question renamed, with its old key", [('qty = await chat.ask("How many?", integer(1, 9))', 'n = await chat.ask("How many?", integer(1, 9), key="qty")'), ("{qty} {size}", "{n} {size}")], ON),
    ("a question before the open one", [("    cost =", '    crust = await chat.ask("Crust?")\n    cost =')], None),
    ("the open question renamed", [("    qty = await", "    number = await"), ("{qty} {size}", "{number} {size}")], None),
    ("an answered question renamed", [("    size = await", "    big = await"), ("price, size", "price, big"), ("{size}", "{big}")], None),
    ("the open question retyped", [("integer(1, 9)", "date")], None),
    ("the order of two questions", [('    qty = await chat.ask("How many?", integer(1, 9))\n    street = await chat.ask("Street?")', '    street = await chat.ask("Street?")\n    qty = await chat.ask("How many?", integer(1, 9))')], None),
    ("the step that has run renamed", [("price", "cost_of")], None),
    ("the open question taken out", [('    qty = await chat.ask("How many?", integer(1, 9))\n', "    qty = 1\n")], None),
    ("the function renamed", [("async def order", "async def pizza_order")], None),
    ("a name given to the function", [('@bot.on("pizza")', '@bot.on("pizza", name="ordering")')], ON),
    ("a guarded question before the open one", [("    cost =", '    if chat.since("crust"):\n        crust = await chat.ask("Crust?")\n    cost =')], ON),
    ("a guarded question right before the open one", [("    qty =", '    if chat.since("crust"):\n        crust = await chat.ask("Crust?")\n    qty =')], ON),
    ("a guarded step before the open one", [("    qty =", '    if chat.since("crust"):\n        await chat.step(price, "L")\n    qty =')], ON),
    ("a guarded question behind the open one", [("    street =", '    if chat.since("name"):\n        name = await chat.ask("Name?")\n    street =')], ["Name?", "Street?"]),
    ("the open question behind a guard", [('    qty = await chat.ask("How many?", integer(1, 9))', '    if chat.since("weight"):\n        qty = await chat.ask("Weight?", int)\n    else:\n        qty = await chat.ask("How many?", integer(1, 9))')], ON),
]  # fmt: skip


def write(folder: Path, edits: list[tuple[str, str]]) -> Any:
    code = BEFORE
    for old, new in edits:
        assert old in code, old
        code = code.replace(old, new)
    (folder / "edited.py").write_text(textwrap.dedent(code), encoding="utf-8")
    return targets.load("edited.py:bot", folder)


@pytest.mark.parametrize(("what", "edits", "heard"), EDITS, ids=[e[0] for e in EDITS])
async def test_edit(what: str, edits: list[tuple[str, str]], heard: list[str] | None, tmp_path: Path) -> None:
    import linecache

    async with Sim(write(tmp_path, []), tmp_path) as sim:
        ann = sim.phone(ANN)
        await ann.text("pizza")
        await ann.text("S")
        assert ann.heard == ["Size?", "How many?"]
    linecache.clearcache()
    async with Sim(write(tmp_path, edits), tmp_path) as sim:
        ann = sim.phone(ANN)
        await ann.text("2")
        if heard is None:
            assert [t[:27] for t in ann.heard[2:]] == ["Sorry, something has change"]
            why = await sim.trouble_of(ANN)
            assert "SB104" in why
            assert "dead letter" in why
            assert 'the conversation was at "' in why or "is gone from the bot" in why
        else:
            await ann.text("Main St")
            assert ann.heard[2:] == heard
    if heard is None:  # nothing is lost: with the former code, the run goes on
        linecache.clearcache()
        async with Sim(write(tmp_path, []), tmp_path) as sim:
            ann = sim.phone(ANN)
            await ann.text("3")
            await ann.text("Main St")
            assert ann.heard[3:] == ["Street?", "3 S to Main St, 8 each."]


def test_there_are_twenty() -> None:
    assert len(EDITS) >= 20


# -- changes that are told apart, and names that are kept -------------------------------------------

GUARDED = '''
from smsbot import Bot, Chat
bot = Bot()

@bot.on("order")
async def order(chat: Chat) -> str:
    size = await chat.ask("Size?")
    zip = "none"
    if chat.since("asks-zip"):
        zip = await chat.ask("Zip?")
    street = await chat.ask("Street?")
    name = await chat.ask("Name?")
    again = chat.since("asks-zip")
    return f"{size}, {zip}, {street}, {name}, {again}"
'''  # fmt: skip
UNGUARDED = GUARDED.replace('    if chat.since("asks-zip"):\n        zip = await chat.ask("Zip?")\n', "")
UNGUARDED = UNGUARDED.replace('chat.since("asks-zip")', "None")
WITHOUT_GUARD = GUARDED.replace('    if chat.since("asks-zip"):\n        zip', "    zip").replace(
    'chat.since("asks-zip")', "None"
)


def deployed(folder: Path, code: str, name: str = "shop") -> Any:
    import linecache

    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    linecache.clearcache()
    return targets.load(f"{name}.py:bot", folder)


async def told(folder: Path, steps: list[tuple[str, list[str]]], *, replayed: bool = True) -> list[str]:
    """Texts on one version of the code after the other; each text in a process of its own, where it is `replayed`."""
    for code, texts in steps:
        async with Sim(deployed(folder, code), folder) as sim:
            ann = sim.phone(ANN)
            for text in texts:
                await ann.text(text)
                if replayed:
                    await sim.restart()
            heard = await sim.thread(ANN)
            trouble = await sim.trouble_of(ANN)
    return [e["text"] for e in heard if e["direction"] == "out"] + ([trouble] if trouble else [])


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ([(GUARDED, ["order", "S", "8000", "Main", "Ann"])], "S, 8000, Main, Ann, True"),
        ([(UNGUARDED, ["order"]), (GUARDED, ["S", "8000", "Main", "Ann"])], "S, 8000, Main, Ann, True"),
        ([(UNGUARDED, ["order", "S"]), (GUARDED, ["Main", "Ann"])], "S, none, Main, Ann, False"),
        ([(UNGUARDED, ["order", "S", "Main"]), (GUARDED, ["Ann"])], "S, none, Main, Ann, False"),
        ([(GUARDED, ["order", "S", "8000"]), (WITHOUT_GUARD, ["Main", "Ann"])], "S, 8000, Main, Ann, None"),
        ([(GUARDED, ["order", "S"]), (WITHOUT_GUARD, ["8000", "Main", "Ann"])], "S, 8000, Main, Ann, None"),
    ],
)
async def test_a_change_is_told_apart(
    tmp_path: Path, steps: list[tuple[str, list[str]]], last: str, replayed: bool
) -> None:
    assert (await told(tmp_path, steps, replayed=replayed))[-1] == last


NAMED = GUARDED.replace('@bot.on("order")', '@bot.on("order", name="ordering")')
MOVED = "from elsewhere import bot\n"


@pytest.mark.parametrize(
    ("before", "after", "last"),
    [
        (NAMED, NAMED.replace("def order", "def anything"), "S, 8000, Main, Ann, True"),
        (GUARDED, NAMED, "S, 8000, Main, Ann, True"),
        (GUARDED, GUARDED.replace("def order", "def anything"), "is gone"),
        (GUARDED, "moved", "S, 8000, Main, Ann, True"),
        (NAMED, "moved", "S, 8000, Main, Ann, True"),
    ],
    ids=["named, then renamed", "named since", "renamed", "moved", "named and moved"],
)
async def test_a_name_is_kept(tmp_path: Path, before: str, after: str, last: str) -> None:
    texts = ["order", "S", "8000"]
    first = await told(tmp_path, [(before, texts)])
    assert first[-1] == "Street?"
    if after == "moved":
        deployed(tmp_path, before, "elsewhere")
        after = before.replace("bot = Bot()", "bot = Bot()\n# moved")
        (tmp_path / "shop.py").unlink()
        async with Sim(deployed(tmp_path, after, "another_room"), tmp_path) as sim:
            for text in ("Main", "Ann"):
                await sim.text(ANN, text)
            heard = [e["text"] for e in await sim.thread(ANN) if e["direction"] == "out"]
    else:
        heard = await told(tmp_path, [(after, ["Main", "Ann"])])
    assert last in heard[-1]


INLINED = """
from smsbot import Bot, Chat
bot = Bot()

async def address(chat: Chat) -> str:
    street = await chat.ask("Street?")
    town = await chat.ask("Town?")
    return f"{street}, {town}"

@bot.on("visit")
async def visit(chat: Chat) -> str:
    day = await chat.ask("Day?")
    where = await chat.run(address)
    return f"{day} {where}"
"""


async def test_a_name_for_what_others_run_strands_nobody(tmp_path: Path) -> None:
    named = INLINED.replace("async def address", '@bot.on("address", name="place")\nasync def address').replace(
        '@bot.on("visit")', '@bot.on("visit", name="booking")'
    )
    heard = await told(tmp_path, [(INLINED, ["visit", "Monday", "Main"]), (named, ["Gdynia"])])
    assert heard[-1] == "Monday Main, Gdynia"


def test_handlers_of_a_factory_have_each_their_name() -> None:
    from smsbot.core.sites import path_of

    bot, made = Bot(), list[Any]()

    def handler(word: str) -> None:
        @bot.on(word, name=word)
        async def ask(chat: Chat) -> str:
            return await chat.ask(word)

        made.append(ask)

    for word in ("one", "two"):
        handler(word)
    assert [path_of(f) for f in made] == ["one", "two"]


@pytest.mark.parametrize("name", ["two words", "a:b", "", "x" * 61])
def test_a_name_is_a_word(name: str) -> None:
    from smsbot import RouteError

    bot = Bot()
    if not name:
        bot.on("x", name=name)(lambda: None)
        return
    with pytest.raises(RouteError, match="is a word"):
        bot.on("x", name=name)(lambda: None)


def test_two_of_one_name_are_an_error(tmp_path: Path) -> None:
    from smsbot import RouteError
    from smsbot.flows.flow_set import build
    from smsbot.turns.flow_versions import FlowVersions
    from smsbot.turns.lines import table_of

    bot = Bot()

    @bot.on("a", name="order")
    async def a(chat: Chat) -> None:
        await chat.ask("A?")

    @bot.on("b", name="order")
    async def b(chat: Chat) -> None:
        await chat.ask("B?")

    with pytest.raises(RouteError, match="another conversation"):
        table_of(bot, "", FlowVersions(build([])))
