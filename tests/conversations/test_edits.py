"""Editing a conversation while somebody is in it: it goes on, or one clear error names both places (C8)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from smsbot import targets
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
            assert ann.heard[2:] == []
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
            assert ann.heard[2:] == ["Street?", "3 S to Main St, 8 each."]


def test_there_are_twenty() -> None:
    assert len(EDITS) >= 20
