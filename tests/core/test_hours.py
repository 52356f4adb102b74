"""Hours of the week as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smsbot.core.errors import UsageError
from smsbot.core.hours import hours

WARSAW = ZoneInfo("Europe/Warsaw")
MONDAY = datetime(2026, 11, 30, tzinfo=WARSAW)


def at(day: int, time: str) -> datetime:
    hour, minute = map(int, time.split(":"))
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("written", "there", "away"),
    [
        ("Mon-Fri 9:00-17:00", [(0, "9:00"), (4, "16:59")], [(0, "8:59"), (4, "17:00"), (5, "12:00")]),
        ("mon-fri 9-17, sat 10-14", [(5, "10:00"), (2, "9:30")], [(5, "14:00"), (6, "11:00")]),
        ("9-17", [(6, "9:00"), (0, "12:00")], [(3, "17:30")]),
        ("Monday - Wednesday 8-12", [(0, "8:00"), (2, "11:59")], [(3, "9:00")]),
        ("Fri-Mon 9-17", [(4, "9:00"), (6, "9:00"), (0, "9:00")], [(1, "9:00"), (3, "9:00")]),
        ("Mon/Wed/Fri 9-17", [(0, "9:00"), (4, "9:00")], [(1, "9:00"), (3, "9:00")]),
        ("Mon 22-6", [(0, "22:00"), (1, "5:59")], [(0, "6:00"), (1, "6:00"), (1, "22:00")]),
        ("Sun 22-6", [(6, "23:00"), (0, "5:00")], [(0, "6:00"), (6, "5:00")]),
        ("Sat 0-24", [(5, "0:00"), (5, "23:59")], [(4, "23:59"), (6, "0:00")]),
        ("Mon-Sun 9:00–12:30, 13:30–17:00", [(0, "12:29"), (6, "13:30")], [(2, "13:00")]),
    ],
)
def test_when_somebody_is_there(written: str, there: list[tuple[int, str]], away: list[tuple[int, str]]) -> None:
    read = hours(written)
    assert [m for m in there if not read.at(at(*m))] == []
    assert [m for m in away if read.at(at(*m))] == []


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "no time of the week"), ("Mon-Fri", "no time of the week"), ("always", "no time of the week"),
        ("Mon 25-26", "no time of day"), ("Mon 9:75-12", "no time of day"), ("9-9", "begins when it ends"),
        ("Foo 9-17", "no day of the week"), ("Mon-Xyz 9-17", "no day of the week"), ("9am-5pm", "no time of the week"),
        ("Mon-Fri 9-17;Sat 9-12", "no time of the week"),
    ],
)  # fmt: skip
def test_what_is_none(written: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        hours(written)


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=WARSAW), datetime(2026, 10, 25, tzinfo=WARSAW)])
def test_the_clock_on_the_wall_counts_on_days_that_change_it(day: datetime) -> None:
    read = hours("9-17")
    assert [h for h in range(24) if read.at(day.replace(hour=h))] == list(range(9, 17))
