"""Who goes next, and how many a second."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core.lanes import CHOSEN, rank
from smsbot.policy.lanes import SHARE, Meter, Waiting


def test_the_most_urgent_goes_first_and_within_a_lane_who_came_first() -> None:
    waiting = Waiting[str]()
    for lane in ("bulk", "notice", "reply", "consent", "desk", "priority", "reply"):
        waiting.add(f"{lane} {len(waiting)}", lane)
    left = [waiting.next() for _ in range(8)]
    assert left == ["consent 3", "priority 5", "reply 2", "desk 4", "reply 6", "notice 1", "bulk 0", None]


@given(st.lists(st.sampled_from(CHOSEN), max_size=300))
def test_all_leave_once_and_none_in_bulk_waits_longer_than_its_share_says(lanes: list[str]) -> None:
    waiting = Waiting[tuple[int, str]]()
    for n, lane in enumerate(lanes):
        waiting.add((n, lane), lane)
    left = [found for _ in lanes if (found := waiting.next()) is not None]
    assert sorted(left) == list(enumerate(lanes))
    assert waiting.next() is None
    for lane in CHOSEN:
        own = [n for n, each in left if each == lane]
        assert own == sorted(own)
    others = [each for _, each in left if each != "bulk"]
    assert others == sorted(others, key=rank)
    bulk = [n for n, (_, each) in enumerate(left) if each == "bulk"]
    assert all(later - earlier <= SHARE for earlier, later in zip([-1, *bulk], bulk, strict=False))


def test_bulk_keeps_its_share_of_an_endless_stream() -> None:
    waiting, left = Waiting[str](), Counter[str]()
    for _ in range(5000):
        waiting.add("priority", "priority")
        waiting.add("bulk", "bulk")
        left[waiting.next() or ""] += 1
    assert left["bulk"] / left.total() == pytest.approx(1 / SHARE, abs=0.001)
    assert left["bulk"] / left.total() >= 0.05


def test_a_meter_lets_so_many_through_a_second_however_late_one_looks() -> None:
    meter, now, taken = Meter(20), 0.0, 0
    for n in range(1000):
        now = n * 0.037  # some 27 looks a second
        taken += meter.take(now)
    assert taken == pytest.approx(20 * now, abs=3)


def test_idle_time_saves_no_burst_up() -> None:
    meter = Meter(10)
    assert meter.take(0.0)
    assert sum(meter.take(1000.0 + n / 1000) for n in range(100)) <= 3


def test_a_learnt_rate_falls_with_each_refusal_of_a_burst_once_and_rises_again() -> None:
    meter = Meter(20, learnt=True)
    for _ in range(50):
        meter.slow_down(100.0)
    assert meter.rate == pytest.approx(14)
    assert not meter.take(100.0)
    meter.slow_down(101.0)
    assert meter.rate == pytest.approx(9.8)
    for second in range(200):
        meter.take(102.0 + second)
    assert meter.rate == 500
    assert meter.forgotten


def test_a_rate_that_is_told_stays() -> None:
    meter = Meter(5)
    meter.slow_down(0.0)
    assert meter.rate == 5
    assert not meter.take(0.1)
    assert not meter.forgotten
