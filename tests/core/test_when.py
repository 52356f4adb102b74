"""Times as people write them, over both changes of the clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from smsbot.core.errors import UsageError
from smsbot.core.when import When, passing, when

WARSAW = ZoneInfo("Europe/Warsaw")


def at(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


@pytest.mark.parametrize(
    ("written", "now", "wanted"),
    [
        ("9:00", "2026-06-10T08:00+02:00", "2026-06-10T09:00+02:00"),
        ("9:00", "2026-06-10T09:00+02:00", "2026-06-11T09:00+02:00"),
        ("09:30", "2026-06-10T23:00+02:00", "2026-06-11T09:30+02:00"),
        ("0:00", "2026-06-10T23:59+02:00", "2026-06-11T00:00+02:00"),
        ("9:00 tomorrow", "2026-06-10T08:00+02:00", "2026-06-11T09:00+02:00"),
        ("tomorrow 9:00", "2026-06-10T23:59+02:00", "2026-06-11T09:00+02:00"),
        ("Tomorrow 9:00", "2026-12-31T12:00+01:00", "2027-01-01T09:00+01:00"),
        ("Mon 9:00", "2026-06-10T08:00+02:00", "2026-06-15T09:00+02:00"),  # a Wednesday
        ("9:00 wednesday", "2026-06-10T08:00+02:00", "2026-06-10T09:00+02:00"),
        ("Wed 9:00", "2026-06-10T10:00+02:00", "2026-06-17T09:00+02:00"),
        ("2026-12-24 9:00", "2026-06-10T10:00+02:00", "2026-12-24T09:00+01:00"),
        ("2026-01-01 9:00", "2026-06-10T10:00+02:00", "2026-01-01T09:00+01:00"),  # has passed: at once
        # the clock goes from 2:00 to 3:00 on 29 March, and from 3:00 to 2:00 on 25 October
        ("2:30", "2026-03-29T00:00+01:00", "2026-03-29T03:30+02:00"),
        ("3:00", "2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00"),
        ("2:30", "2026-03-29T04:00+02:00", "2026-03-30T02:30+02:00"),
        ("9:00 tomorrow", "2026-03-28T09:00+01:00", "2026-03-29T09:00+02:00"),
        ("9:00 tomorrow", "2026-10-24T09:00+02:00", "2026-10-25T09:00+01:00"),
        ("2:30", "2026-10-25T00:00+02:00", "2026-10-25T02:30+02:00"),
        ("2:30", "2026-10-25T02:45+02:00", "2026-10-26T02:30+01:00"),
        ("Sun 2:30", "2026-10-20T00:00+02:00", "2026-10-25T02:30+02:00"),
        ("2h waking", "2026-06-10T10:00+02:00", "2026-06-10T12:00+02:00"),
        ("1h 30m waking", "2026-06-10T10:00+02:00", "2026-06-10T11:30+02:00"),
    ],
)
def test_a_time(written: str, now: str, wanted: str) -> None:
    assert when(written).moment(at(now), WARSAW, passing) == at(wanted)


def test_it_is_by_the_clock_of_the_person() -> None:
    now = at("2026-06-10T10:00+02:00")
    assert when("9:00").moment(now, ZoneInfo("America/New_York"), passing) == at("2026-06-10T09:00-04:00")


def test_waking_time_is_what_the_quiet_hours_leave() -> None:
    asked: list[tuple[float, float]] = []

    def awake(moment: float, seconds: float) -> float:
        asked.append((moment, seconds))
        return 1.0

    assert when("2h waking").moment(5.0, WARSAW, awake) == 1.0
    assert asked == [(5.0, 7200.0)]
    assert when("2h waking") == When(waking=7200.0)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "9",
        "24:00",
        "9:60",
        "9:00 someday",
        "9:00 on monday",
        "2026-13-01 9:00",
        "waking",
        "0h waking",
        "2x waking",
        "10m",
        "tomorrow",
    ],
)
def test_what_is_no_time(written: str) -> None:
    with pytest.raises(UsageError):
        when(written)
