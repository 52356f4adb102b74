from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core.clock import ManualClock, ShiftedClock, duration, iso
from smsbot.core.errors import UsageError
from smsbot.core.status import MEANING, RANK, Status, risen


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("1h 30m", 5400),
        ("24h", 86400),
        ("250ms", 0.25),
        ("2d", 172800),
        (5, 5),
        ("1.5h", 5400),
        ("0s", 0),
    ],
)
def test_duration(text: str | int, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "ten minutes", "10 x", "-5m", "5m!", -1])
def test_no_duration(text: str | int) -> None:
    with pytest.raises(UsageError):
        duration(text)


def test_clocks_never_go_back() -> None:
    for clock in (ManualClock(100.0), ShiftedClock()):
        before = clock.now()
        clock.move_to(before + 50)
        clock.move_to(before - 50)
        assert clock.now() >= before + 50
    assert iso(0.0) == "1970-01-01T00:00:00Z"


@given(st.lists(st.sampled_from(list(Status))))
def test_a_status_never_falls(reports: list[Status]) -> None:
    now = Status.QUEUED
    for report in reports:
        before, now = now, risen(now, report)
        assert RANK[now] >= RANK[before]
    assert not reports or RANK[now] == max(RANK[r] for r in reports)


def test_every_status_has_a_rank_and_a_meaning() -> None:
    assert set(RANK) == set(MEANING) == set(Status)
