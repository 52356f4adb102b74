"""Quiet hours: who may be written to, and when; 200 and more (number, local time, lane, date) cases."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core.errors import UsageError
from smsbot.core.message import Key
from smsbot.leaving import Leaving
from smsbot.policy import quiet
from smsbot.policy.holidays import easter, is_holiday, known
from smsbot.settings import LaneSettings, LineSettings, Settings
from smsbot.stores.deciding.rules import Person

LINE = "+48732000111"
PL, PL_TOO, FR, DE, NY, LA, FREE, IDAHO, RU, GB, IN, BR = (
    "+48600100200", "+48732000222", "+33612345678", "+4915112345678", "+12125550123", "+13105550123", "+18005550123",
    "+12082001234", "+79161234567", "+447400123456", "+919812345678", "+5511987654321",
)  # fmt: skip
WARSAW, PARIS, BERLIN, NEW_YORK, ANGELES = (
    "Europe/Warsaw", "Europe/Paris", "Europe/Berlin", "America/New_York", "America/Los_Angeles",
)  # fmt: skip


class Text:
    """A text, as far as rules look at it."""

    id = "5f5e10000000000000000000"
    account = "main"
    event = b""
    segments = 1

    def __init__(self, number: str, lane: str, line: str = LINE) -> None:
        self.key, self.lane = Key(line, number), lane


def leaving(**line: object) -> Leaving:
    own = LineSettings.model_validate(line)
    return Leaving(Settings.model_construct(lines={LINE: own}, bots={}, accounts={}))


def at(zone: str, written: str) -> float:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).timestamp()


def until(rules: Leaving, number: str, lane: str, zone: str, written: str, person: Person | None = None) -> str:
    """When it leaves, in a zone: ``now``, or day and time."""
    moment = at(zone, written)
    if not rules.has_quiet(LINE, lane):
        return "now"
    kept = rules.quiet(Text(number, lane), person or Person(), moment)
    if kept is None:
        return "now"
    assert kept.why.startswith("quiet hours")
    assert kept.until > moment
    return f"{datetime.fromtimestamp(kept.until, ZoneInfo(zone)):%m-%d %H:%M}"


BULK_BY_COUNTRY = [
    (number, zone, f"{day}T{hour}", wanted)
    for number, zone, day, hours in (
        (PL, WARSAW, "2026-06-10", {"00:00": "06-10 08:00", "07:59": "06-10 08:00", "08:00": "now", "12:00": "now", "19:59": "now", "20:00": "06-11 08:00", "23:59": "06-11 08:00"}),
        (PL_TOO, WARSAW, "2026-06-14", {"07:00": "06-14 08:00", "10:00": "now", "20:30": "06-15 08:00"}),  # a Sunday
        (PL, WARSAW, "2026-12-25", {"09:00": "now", "21:00": "12-26 08:00"}),
        (FR, PARIS, "2026-06-10", {"07:59": "06-10 08:00", "08:00": "now", "21:59": "now", "22:00": "06-11 08:00"}),
        (FR, PARIS, "2026-06-13", {"21:59": "now", "22:00": "06-15 08:00"}),  # Saturday night: Sunday is quiet
        (FR, PARIS, "2026-06-14", {"00:00": "06-15 08:00", "12:00": "06-15 08:00", "23:59": "06-15 08:00"}),
        (FR, PARIS, "2026-07-14", {"10:00": "07-15 08:00", "22:30": "07-15 08:00"}),
        (FR, PARIS, "2026-07-13", {"21:59": "now", "22:00": "07-15 08:00"}),
        (FR, PARIS, "2026-05-14", {"12:00": "05-15 08:00"}),  # Ascension
        (FR, PARIS, "2026-05-25", {"12:00": "05-26 08:00"}),  # Whit Monday
        (FR, PARIS, "2026-04-06", {"12:00": "04-07 08:00"}),  # Easter Monday
        (FR, PARIS, "2026-04-04", {"12:00": "now", "22:00": "04-07 08:00"}),  # before Easter
        (DE, BERLIN, "2026-06-10", {"07:00": "06-10 08:00", "19:00": "now", "20:00": "06-11 08:00"}),
        (DE, BERLIN, "2026-10-03", {"12:00": "10-05 08:00"}),  # a Saturday, then Sunday
        (DE, BERLIN, "2026-04-03", {"12:00": "04-04 08:00"}),  # Good Friday
        (NY, NEW_YORK, "2026-06-10", {"08:59": "06-10 09:00", "09:00": "now", "19:59": "now", "20:00": "06-11 09:00"}),
        (NY, NEW_YORK, "2026-06-14", {"09:00": "06-14 12:00", "11:59": "06-14 12:00", "12:00": "now", "20:00": "06-15 09:00"}),
        (NY, NEW_YORK, "2026-06-13", {"20:00": "06-14 12:00"}),
        (LA, ANGELES, "2026-06-10", {"08:59": "06-10 09:00", "09:00": "now", "20:00": "06-11 09:00"}),
        (GB, "Europe/London", "2026-06-10", {"07:59": "06-10 08:00", "08:00": "now", "20:59": "now", "21:00": "06-11 08:00"}),
        (IN, "Asia/Kolkata", "2026-06-10", {"07:30": "06-10 08:00", "20:30": "now", "21:15": "06-11 08:00"}),
        (BR, "America/Sao_Paulo", "2026-06-10", {"07:30": "06-10 08:00", "20:30": "now", "21:15": "06-11 08:00"}),
    )
    for hour, wanted in hours.items()
]  # fmt: skip


@pytest.mark.parametrize(("number", "zone", "written", "wanted"), BULK_BY_COUNTRY)
def test_bulk_keeps_the_hours_of_the_country_of_the_number(number: str, zone: str, written: str, wanted: str) -> None:
    assert until(leaving(), number, "bulk", zone, written) == wanted


@pytest.mark.parametrize("lane", ["priority", "reply", "consent", "desk"])
@pytest.mark.parametrize(("number", "zone", "written", "wanted"), [r for r in BULK_BY_COUNTRY if r[3] != "now"][:20])
def test_codes_and_answers_pass(lane: str, number: str, zone: str, written: str, wanted: str) -> None:
    assert until(leaving(quiet="20:00-8:00, Sun, holidays"), number, lane, zone, written) == "now"


@pytest.mark.parametrize(
    ("given", "lane", "written", "wanted"),
    [
        ({"quiet": "22:00-6:00"}, "notice", "2026-06-10T22:00", "06-11 06:00"),
        ({"quiet": "22:00-6:00"}, "notice", "2026-06-10T21:59", "now"),
        ({"quiet": "22:00-6:00"}, "bulk", "2026-06-10T21:59", "now"),
        ({"quiet": "22:00-6:00"}, "bulk", "2026-06-10T05:59", "06-10 06:00"),
        ({}, "notice", "2026-06-10T03:00", "now"),
        ({"quiet": "never"}, "bulk", "2026-06-10T03:00", "now"),
        ({"quiet": "never"}, "notice", "2026-06-10T03:00", "now"),
        ({"quiet": "22:00-6:00", "lanes": {"bulk": {"quiet": "18:00-10:00"}}}, "bulk", "2026-06-10T09:00", "06-10 10:00"),
        ({"quiet": "22:00-6:00", "lanes": {"bulk": {"quiet": "18:00-10:00"}}}, "notice", "2026-06-10T09:00", "now"),
        ({"lanes": {"notice": {"quiet": "Sat, Sun"}}}, "notice", "2026-06-13T00:00", "06-15 00:00"),
        ({"lanes": {"notice": {"quiet": "Sat, Sun"}}}, "notice", "2026-06-12T23:59", "now"),
        ({"lanes": {"notice": {"quiet": "Sat/Sun 0-24, Mon 0-7"}}}, "notice", "2026-06-14T12:00", "06-15 07:00"),
        ({"quiet": "holidays"}, "notice", "2026-12-24T12:00", "12-27 00:00"),  # three days in a row in Poland
        ({"quiet": "holidays, Sun"}, "notice", "2026-12-24T12:00", "12-28 00:00"),  # and a Sunday behind them
        ({"quiet": "holidays, 20:00-8:00"}, "notice", "2026-04-30T20:00", "05-02 08:00"),
        ({"quiet": "12:00-13:00, 18:00-20:00"}, "notice", "2026-06-10T12:30", "06-10 13:00"),
        ({"quiet": "12:00-13:00, 13:00-14:00"}, "notice", "2026-06-10T12:30", "06-10 14:00"),
        ({"quiet": "0:00-24:00"}, "notice", "2026-06-10T12:30", "never"),
    ],
)  # fmt: skip
def test_hours_of_a_line_and_of_a_lane(given: dict[str, object], lane: str, written: str, wanted: str) -> None:
    if wanted == "never":
        kept = leaving(**given).quiet(Text(PL, lane), Person(), at(WARSAW, written))
        assert kept is not None
        assert kept.until == float("inf")
        assert "no hour" in kept.why
    else:
        assert until(leaving(**given), PL, lane, WARSAW, written) == wanted


@pytest.mark.parametrize(
    ("number", "zone", "written", "wanted"),
    [
        # +1 208 is Idaho: Mountain and Pacific time; nine o'clock in both
        (IDAHO, "America/Boise", "2026-06-10T09:30", "06-10 10:00"),
        (IDAHO, "America/Boise", "2026-06-10T10:00", "now"),
        (IDAHO, "America/Boise", "2026-06-10T19:59", "now"),
        (IDAHO, "America/Boise", "2026-06-10T20:00", "06-11 10:00"),
        # +7 mobile numbers are of all Russia, and Kazakhstan: from Bucharest (so libphonenumber) to Kamchatka
        (RU, "Europe/Moscow", "2026-06-10T08:00", "06-10 08:00"),
        (RU, "Europe/Moscow", "2026-06-10T12:30", "06-11 08:00"),
    ],
)
def test_a_number_of_many_zones_waits_for_an_hour_that_suits_all(
    number: str, zone: str, written: str, wanted: str
) -> None:
    found = until(leaving(), number, "bulk", zone, written)
    if number == RU:  # at some hours it suits all of them; never while it is night in one
        moment = at(zone, written)
        kept = leaving().quiet(Text(RU, "bulk"), Person(), moment)
        opening = kept.until if kept is not None else moment
        if opening != float("inf"):
            for each in quiet.zones_of(RU, None):
                assert 8 <= datetime.fromtimestamp(opening, ZoneInfo(each)).hour < 21
    else:
        assert found == wanted


def test_a_toll_free_number_has_no_hour_that_suits_all_its_zones_and_says_so() -> None:
    kept = leaving().quiet(Text(FREE, "bulk"), Person(), at(NEW_YORK, "2026-06-10T15:00"))
    assert kept is not None
    assert kept.until == float("inf")


@pytest.mark.parametrize(
    ("own", "written", "wanted"),
    [
        ("Asia/Tokyo", "2026-06-10T12:00", "now"),  # 19:00 in Tokyo
        ("Asia/Tokyo", "2026-06-10T13:00", "06-11 01:00"),  # 20:00 there, until 8:00
        ("America/Los_Angeles", "2026-06-10T12:00", "06-10 17:00"),
        ("Nowhere/Land", "2026-06-10T12:00", "now"),
        ("", "2026-06-10T07:00", "06-10 08:00"),
    ],
)
def test_the_zone_that_is_known_of_a_person_counts_before_that_of_the_number(
    own: str, written: str, wanted: str
) -> None:
    assert until(leaving(), PL, "bulk", WARSAW, written, Person(zone=own)) == wanted


@pytest.mark.parametrize(
    ("lane", "ago", "wanted"), [("notice", 60, "now"), ("notice", 901, "06-11 08:00"), ("bulk", 60, "06-11 08:00")]
)
def test_a_notice_to_who_has_just_written_passes(lane: str, ago: float, wanted: str) -> None:
    wrote = Person(wrote=at(WARSAW, "2026-06-10T22:00") - ago)
    assert until(leaving(quiet="20:00-8:00"), PL, lane, WARSAW, "2026-06-10T22:00", wrote) == wanted


@pytest.mark.parametrize(
    ("given", "written", "wanted"),
    [  # in spring 2:00 becomes 3:00 on 29 March, in autumn 3:00 becomes 2:00 on 25 October
        ("20:00-2:30", "2026-03-29T01:30", "2026-03-29T03:30+02:00"),
        ("20:00-3:00", "2026-03-29T01:30", "2026-03-29T03:00+02:00"),
        ("20:00-8:00", "2026-03-28T20:00", "2026-03-29T08:00+02:00"),
        ("20:00-8:00", "2026-10-24T20:00", "2026-10-25T08:00+01:00"),
        ("20:00-2:30", "2026-10-25T01:30", "2026-10-25T02:30+02:00"),
        ("20:00-2:30", "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),  # the second 2:10
        ("2:00-3:00", "2026-10-25T02:10+02:00", "2026-10-25T03:00+01:00"),
        ("Sun", "2026-03-29T00:00", "2026-03-30T00:00+02:00"),
        ("Sun", "2026-10-25T00:00", "2026-10-26T00:00+01:00"),
    ],
)
def test_when_the_clocks_change(given: str, written: str, wanted: str) -> None:
    when = datetime.fromisoformat(written)
    moment = (when if when.tzinfo is not None else when.replace(tzinfo=ZoneInfo(WARSAW))).timestamp()
    rule = quiet.quiet(given)
    assert rule is not None
    found = quiet.opens(rule, moment, (WARSAW,), "PL")
    assert found == datetime.fromisoformat(wanted).timestamp()


@pytest.mark.parametrize(
    ("given", "written", "seconds", "wanted"),
    [
        (None, "2026-06-10T20:00", 2, "2026-06-11T09:00+02:00"),  # one hour today, one tomorrow from eight
        (None, "2026-06-10T22:00", 2, "2026-06-11T10:00+02:00"),
        (None, "2026-06-10T09:00", 2, "2026-06-10T11:00+02:00"),
        (None, "2026-06-10T09:00", 26, "2026-06-12T09:00+02:00"),  # thirteen hours a day
        ("20:00-8:00", "2026-06-10T19:00", 2, "2026-06-11T09:00+02:00"),
        ("Sat, Sun", "2026-06-12T23:00", 2, "2026-06-15T01:00+02:00"),
        ("12:00-13:00", "2026-06-10T11:30", 1, "2026-06-10T13:30+02:00"),
        (None, "2026-03-28T20:00", 2, "2026-03-29T09:00+02:00"),
        (None, "2026-10-24T20:00", 2, "2026-10-25T09:00+01:00"),
    ],
)
def test_waking_hours(given: str | None, written: str, seconds: float, wanted: str) -> None:
    rule = quiet.quiet(given) if given else None
    found = quiet.after_waking(rule, at(WARSAW, written), seconds * 3600, ZoneInfo(WARSAW), "PL")
    assert found == datetime.fromisoformat(wanted).timestamp()


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.sampled_from(["20:00-8:00", "22:00-6:30, Sun, holidays", "Sat 0-12, 2:00-3:00"]),
    st.sampled_from([WARSAW, NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe"]),
)  # fmt: skip
def test_what_opens_is_open_and_no_earlier_moment_was(when: datetime, written: str, zone: str) -> None:
    rule = quiet.quiet(written)
    assert rule is not None
    moment = when.replace(tzinfo=ZoneInfo(zone)).timestamp()
    found = quiet.opens(rule, moment, (zone,), "PL")
    assert found is not None
    assert found >= moment
    assert quiet.opens(rule, found, (zone,), "PL") == found
    for earlier in range(int(moment), int(found), 1800):
        assert quiet.opens(rule, max(float(earlier), moment), (zone,), "PL") == found


@pytest.mark.parametrize(
    "written", ["", "8-20 on days", "25:00-8:00", "Someday", "20:00-20:00", "holidays off", "20:00"]
)
def test_what_is_no_quiet_hours_is_said(written: str) -> None:
    with pytest.raises(UsageError, match="quiet hours are written as"):
        quiet.quiet(written)


@pytest.mark.parametrize(
    ("year", "wanted"),
    [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5)), (2027, date(2027, 3, 28)),
     (2038, date(2038, 4, 25)), (2285, date(2285, 3, 22))],
)  # fmt: skip
def test_easter(year: int, wanted: date) -> None:
    assert easter(year) == wanted


@pytest.mark.parametrize(
    ("country", "day", "wanted"),
    [
        ("PL", date(2026, 6, 4), True),  # Corpus Christi
        ("PL", date(2026, 12, 24), True),
        ("PL", date(2026, 12, 31), False),
        ("US", date(2026, 11, 26), True),  # Thanksgiving
        ("US", date(2026, 1, 19), True),
        ("US", date(2026, 5, 25), True),  # the last Monday of May
        ("GB", date(2026, 8, 31), True),
        ("GB", date(2026, 12, 26), True),
        ("ES", date(2026, 10, 12), True),
        ("IT", date(2026, 4, 6), True),
        ("XX", date(2026, 12, 25), False),
        (None, date(2026, 12, 25), False),
    ],
)
def test_holidays(country: str | None, day: date, wanted: bool) -> None:
    assert is_holiday(country, day) is wanted


def test_every_country_with_quiet_holidays_has_holidays() -> None:
    assert {"FR", "DE", "PL"} <= known()


def test_settings_say_what_is_wrong_with_quiet_hours() -> None:
    for wrong in ({"quiet": "late"}, {"lanes": {"bulk": {"quiet": "late"}}}):
        with pytest.raises(ValueError, match="quiet hours are written as"):
            LineSettings.model_validate(wrong)
    with pytest.raises(ValueError, match="duration"):
        LaneSettings.model_validate({"valid": "soon"})
