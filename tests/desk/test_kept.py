"""Counts that are kept for a moment."""

from __future__ import annotations

import asyncio

import pytest

from smsbot.desk.kept import KEPT, Kept


class Counting:
    """Counts how often it was asked; what it tells is `size` large."""

    def __init__(self, size: int) -> None:
        self.size, self.asked, self.now = size, list[str](), 0.0

    async def count(self, asked: str) -> int:
        self.asked.append(asked)
        await asyncio.sleep(0)
        return self.size

    def kept(self) -> Kept[str, int]:
        return Kept(self.count, lambda told: told > 10, lambda: self.now)


async def test_those_who_look_at_once_and_a_moment_later_cost_one_count() -> None:
    many = Counting(11)
    kept = many.kept()
    assert await asyncio.gather(*(kept.of("24h") for _ in range(5))) == [11] * 5
    many.now = KEPT - 0.1
    assert await kept.of("24h") == 11
    assert many.asked == ["24h"]
    await kept.of("7d")
    assert many.asked == ["24h", "7d"]


async def test_it_is_counted_anew_after_a_while() -> None:
    many = Counting(11)
    kept = many.kept()
    await kept.of("24h")
    many.now, many.size = KEPT + 0.1, 12
    assert await kept.of("24h") == 12


async def test_what_is_small_is_counted_each_time() -> None:
    few = Counting(10)
    kept = few.kept()
    await kept.of("24h")
    few.size = 9
    assert await kept.of("24h") == 9


async def test_a_count_that_fails_is_told_and_keeps_nothing() -> None:
    answers = iter([0, 11])

    async def count(asked: str) -> float:
        return 1 / next(answers)

    kept = Kept(count, lambda told: True)
    with pytest.raises(ZeroDivisionError):
        await kept.of("24h")
    assert await kept.of("24h") == 1 / 11
