from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core import codec
from smsbot.core.errors import UsageError


class Size(Enum):
    SMALL = 1


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Order:
    size: Size
    price: Decimal
    notes: tuple[str, ...] = ()


VALUES: list[Any] = [
    None,
    True,
    1,
    2**70,
    1.5,
    "zażółć",
    [1, [2]],
    (1, (2, 3)),
    {"a": {"b": 1}},
    {"$": "decimal", "v": "1"},
    Decimal("1.10"),
    date(2026, 11, 23),
    datetime(2026, 11, 23, 10, tzinfo=UTC),
    time(9, 30),
    timedelta(days=-1, seconds=3),
    Size.SMALL,
    Colour.RED,
    Order(Size.SMALL, Decimal(8), ("x",)),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_they_went_in(value: object) -> None:
    back = codec.loads(codec.dumps({"x": value}))["x"]
    assert back == value
    assert type(back) is type(value)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])) | st.decimals(allow_nan=False) | st.dates(),
    lambda x: st.lists(x) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), x),
    max_leaves=10,
)  # fmt: skip


@given(json)
def test_any_plain_value_comes_back(value: object) -> None:
    assert codec.loads(codec.dumps(value)) == value


@pytest.mark.parametrize("value", [object(), {1: 2}, lambda: 0, b"x", float("nan")])
def test_what_cannot_be_stored_says_so(value: object) -> None:
    with pytest.raises(UsageError):
        codec.dumps(value)


def test_a_class_that_is_gone_is_named() -> None:
    with pytest.raises(UsageError, match="no longer exists"):
        codec.loads('{"$":"dataclass","t":"tests.core.test_codec:Gone","v":{}}')
    with pytest.raises(UsageError, match="no longer exists"):
        codec.loads('{"$":"dataclass","t":"os:system","v":{}}')
