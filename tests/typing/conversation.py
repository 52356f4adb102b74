"""What type checkers infer of conversations; checked by mypy and pyright, never run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, assert_type

from smsbot import Bot, Chat, Money, Unsure, choice, integer, one_of, text, yes_no

bot = Bot()


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


@dataclass(frozen=True)
class Visit:
    doctor: str
    day: date


@bot.answer
def plate(written: str) -> Visit | Unsure | None:
    return None


def quote(size: str, qty: int) -> Decimal:
    return Decimal(qty)


async def slot(doctor: str) -> Visit:
    return Visit(doctor, date(2026, 1, 1))


async def address(chat: Chat, country: str) -> tuple[str, str]:
    return await chat.ask("Street?"), country


@bot.on("go")
async def go(chat: Chat) -> None:
    assert_type(await chat.ask("Anything?"), str)
    assert_type(await chat.ask("Anything?", text(80)), str)
    assert_type(await chat.ask("How many?", int), int)
    assert_type(await chat.ask("How many?", integer(1, 9)), int)
    assert_type(await chat.ask("When?", date), date)
    assert_type(await chat.ask("How much?", Money), Money)
    assert_type(await chat.ask("Size?", choice(Literal["S", "M", "L"])), Literal["S", "M", "L"])
    assert_type(await chat.ask("Size?", Literal["S", "M"]), Literal["S", "M"])
    assert_type(await chat.ask("Size?", Size), Size)
    assert_type(await chat.ask("Size?", choice(Size)), Size)
    assert_type(await chat.ask("Which?", one_of(["a", "b"])), str)
    assert_type(await chat.ask("Which?", ["a", "b"]), str)
    assert_type(await chat.ask("Which?", {"S": "small", "M": ["medium", "middle"]}), str)
    assert_type(await chat.ask("Which?", choice("a", "b")), str)
    assert_type(await chat.ask("Which?", choice("a", "b", "c", words={"a": "first"})), str)
    assert_type(await chat.ask("Which?", choice({1: "one", 2: ["two", "both"]})), int)
    assert_type(await chat.ask("Which?", choice([1, 2, 3])), int)
    assert_type(await chat.ask("Which?", choice({Size.SMALL: "little", Size.LARGE: "big"})), Size)
    assert_type(await chat.ask("Which?", choice(Size, words={"S": "little"})), Size)
    assert_type(await chat.ask("Your visit", Visit), Visit)
    assert_type(await chat.ask("Your plate?", plate), Visit)
    assert_type(await chat.ask("OK?", yes_no()), bool)
    assert_type(await chat.confirm("OK?"), bool)
    assert_type(await chat.menu("Which?", {"a": "Tea"}), str)
    assert_type(await chat.form({"name": "Name?"}), dict[str, Any])
    assert_type(await chat.step(quote, "S", 2), Decimal)
    assert_type(await chat.step(slot, "Nowak"), Visit)
    assert_type(await chat.gather(chat.step(quote, "S", 2), chat.step(slot, "Lis")), tuple[Decimal, Visit])
    assert_type(await chat.run("address", returns=str), str)
    assert_type(await chat.run(address, "PL"), tuple[str, str])
    await chat.sleep("10m")
