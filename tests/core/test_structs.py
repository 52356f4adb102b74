from __future__ import annotations

import dataclasses

import pytest

from smsbot.core.message import Event, Key, Message
from smsbot.core.structs import struct


@struct
class Point:
    x: int
    y: int = 0


def test_a_struct_compares_hashes_prints_and_is_replaced_as_a_frozen_dataclass() -> None:
    point = Point(1)
    assert point == Point(1, 0) != Point(1, 2)
    assert {point: "here"}[Point(1)] == "here"
    assert repr(point) == "Point(x=1, y=0)"
    assert dataclasses.replace(point, y=2) == Point(1, 2)
    assert not hasattr(point, "__dict__")


def test_what_handlers_are_given_is_frozen_at_run_time() -> None:
    message = Message.of(Event(b"e" * 16, Key("7255", "+48600100200"), "text", "hi", 0.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.text = "changed"  # type: ignore[misc]


def test_types_refuse_to_change_one() -> None:
    point = Point(1)
    point.x = 2  # type: ignore[misc]  # mypy would call this comment unused if it allowed the change
    assert point == Point(2), "nothing is paid for that at run time"
