"""One of a few, in every way in which options are written: what is understood, and what is refused at the call."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum, auto
from typing import Any, Literal

import pytest

from smsbot import ChatError, Kind, choice
from smsbot.understanding.answers import Answer, understand
from smsbot.understanding.kinds import kind_of, listed

TODAY = date(2026, 11, 29)


class Size(Enum):
    SMALL = "s"
    EXTRA_LARGE = "xl"


class Numbered(Enum):
    RED = auto()
    BLUE = auto()


class Rate(IntEnum):
    BAD = 1
    GOOD = 5


class Town(StrEnum):
    GDYNIA = auto()
    SOPOT = auto()


class Crossed(Enum):
    """Whose names are the values of others."""

    A = "b"
    B = "a"


class Aliased(Enum):
    YES = "y"
    SURE = "y"  # noqa: PIE796 - an alias
    NO = "n"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (choice("S", "M"), "m", "M"),
        (choice("S", "M"), "2", "M"),
        (choice(["tea", "coffee"]), "Coffee please", "coffee"),
        (choice(("tea", "coffee")), "1", "tea"),
        (choice({"S": "small", "M": ["medium", "middle"]}), "small", "S"),
        (choice({"S": "small", "M": ["medium", "middle"]}), "middle", "M"),
        (choice({"S": "small", "M": ()}), "m", "M"),
        (choice({1: "one thing", 2: ["two things"]}), "two things", 2),
        (choice({1: "one thing", 2: ["two things"]}), "1", 1),
        (choice({Size.SMALL: "little", Size.EXTRA_LARGE: "huge"}), "huge", Size.EXTRA_LARGE),
        (choice({Size.SMALL: "little", Size.EXTRA_LARGE: "huge"}), "extra large", Size.EXTRA_LARGE),
        (choice([10, 20]), "20", 20),
        (choice("2 pm", "3 pm", "4 pm"), "3", None),
        (choice("2 pm", "3 pm", "4 pm"), "3 pm", "3 pm"),
        (choice(["Gate 7", "Gate 8"]), "1", None),
        (listed(["2 pm", "3 pm"]), "2", "3 pm"),
        (choice([Decimal("2.5"), Decimal("3.5")]), "3.5", Decimal("3.5")),
        (choice(Literal["S", "M"]), "M", "M"),
        (choice(Literal[1, 2]), "2", 2),
        (choice(Literal["S", "M"], words={"S": "small"}), "small", "S"),
        (choice(Literal["S", "M"], words={"S": "small"}), "a", None),
        (choice(Literal["S", "M"], words={"S": ["small", "little"]}), "little", "S"),
        (choice(Size), "s", Size.SMALL),
        (choice(Size), "small", Size.SMALL),
        (choice(Size), "extra large", Size.EXTRA_LARGE),
        (choice(Size), "XL", Size.EXTRA_LARGE),
        (choice(Size, words={Size.SMALL: "tiny"}), "tiny", Size.SMALL),
        (choice(Size, words={"s": "tiny"}), "tiny", Size.SMALL),
        (choice(Numbered), "blue", Numbered.BLUE),
        (choice(Numbered), "2", Numbered.BLUE),
        (choice(Rate), "good", Rate.GOOD),
        (choice(Rate), "5", Rate.GOOD),
        (choice(Rate), "2", None),
        (choice(Town), "Sopot!", Town.SOPOT),
        (choice(Crossed), "a", Crossed.B),
        (choice(Aliased), "sure", Aliased.YES),
        (kind_of(["a", "b"]), "b", "b"),
        (kind_of({"S": "small"}), "small", "S"),
        (kind_of(Size), "small", Size.SMALL),
        (kind_of(Literal["x", "y"]), "y", "y"),
    ],
)
def test_what_is_understood(kind: Kind[Any], text: str, value: Any) -> None:
    read = understand(kind.question, text, TODAY, "US", "en")
    found = kind.convert(read.value) if isinstance(read, Answer) else None
    assert found == value
    assert type(found) is type(value)


WRONG: list[tuple[str, Any, str]] = [
    ("one text", lambda: choice("SML"), 'choice("S", "M")'),
    ("nothing", lambda: choice([]), "needs options"),
    ("a type", lambda: choice(str), "a Literal"),
    ("a number", lambda: choice(3), "a list"),  # type: ignore[call-overload]
    ("a set, which has no order", lambda: choice({"a", "b"}), "choice(list(…))"),  # type: ignore[call-overload]
    ("a generator", lambda: choice(x for x in "ab"), "choice(list(…))"),  # type: ignore[call-overload]
    ("a list and more", lambda: choice(["a"], "b"), 'choice("S", "M")'),  # type: ignore[call-overload]
    ("yes and no", lambda: choice([True, False]), "chat.confirm()"),
    ("None among them", lambda: choice(["a", None]), "this one is not: None"),
    ("lists among them", lambda: choice([["a"], ["b"]]), "members of an Enum"),
    ("twice", lambda: choice("a", "a"), "twice"),
    ("a number and its text", lambda: choice([1, "1"]), "twice"),
    ("one word for two", lambda: choice({"a": "x", "b": "x"}), "both answered by"),
    ("words that are none", lambda: choice({"a": 7}), '["one", "two"]'),  # type: ignore[dict-item]
    ("words for a stranger", lambda: choice("small", "large", words={"smal": "tiny"}), 'did you mean "small"'),
    ("words for a member of another", lambda: choice(Size, words={Rate.BAD: "tiny"}), "none of s, xl"),
    ("no letters", lambda: choice("a", "…"), "nobody can text"),
    ("a Literal with None", lambda: choice(Literal["a", None]), "this one is not: None"),
    ("asked for a text", lambda: kind_of("S, M"), "a list"),
]


@pytest.mark.parametrize(("name", "make", "remedy"), WRONG)
def test_what_is_refused_at_the_call(name: str, make: Any, remedy: str) -> None:
    with pytest.raises(ChatError) as told:
        make()
    assert remedy in str(told.value)
