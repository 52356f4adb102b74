from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core import phone


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("600100200", "PL", "+48600100200"),
        ("48600100200", "PL", "+48600100200"),
        ("+48600100200", "PL", "+48600100200"),
        ("0048600100200", "PL", "+48600100200"),
        ("+48 600-100-200", None, "+48600100200"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("12025550123", "US", "+12025550123"),
        ("07911 123456", "GB", "+447911123456"),
        ("48600100200", None, "+48600100200"),
        ("7255", "PL", "7255"),
        ("+7255", "PL", "7255"),
        ("36111", "FR", "36111"),
        ("Clinic", "PL", "Clinic"),
        (" InfoSMS ", None, "InfoSMS"),
        ("\u200e+48\u00a0600\u2011100\u2011200", "PL", "+48600100200"),
    ],
)
def test_one_spelling(raw: str, country: str | None, expected: str) -> None:
    assert phone.normalise(raw, country) == expected


@pytest.mark.parametrize(
    ("address", "masked"),
    [("+48600100200", "+48•••200"), ("+12025550123", "+1•••123"), ("7255", "7255"), ("Clinic", "C•••"), ("", "•••")],
)
def test_mask(address: str, masked: str) -> None:
    assert phone.mask(address) == masked


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("0600100200", "PL", "+48600100200"),
        ("0601123456", "CZ", "+420601123456"),
        ("07400123456", "GB", "+447400123456"),
        ("4915124441123", "DE", "+4915124441123"),
        ("4917612345678", "DE", "+4917612345678"),
        ("08912345678", "DE", "+498912345678"),
    ],
)
def test_a_trunk_zero_is_no_digit_of_the_number(written: str, country: str, expected: str) -> None:
    assert phone.normalise(written, country) == expected
    assert phone.normalise(expected, country) == expected


@given(st.text(max_size=40), st.sampled_from(["PL", "US", None, "XX"]))
def test_any_address_has_a_spelling_that_stays(raw: str, country: str | None) -> None:
    once = phone.normalise(raw, country)
    assert phone.normalise(once, country) == once
    phone.mask(once)


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_a_mask_shows_little(number: str) -> None:
    assert sum(c.isdigit() for c in phone.mask(number)) <= 6


@pytest.mark.parametrize(
    ("number", "country"), [("+48732000111", "PL"), ("+447400123456", "GB"), ("7255", None), ("+883510000000000", None)]
)
def test_country(number: str, country: str | None) -> None:
    assert phone.country(number) == country


def test_codes_and_premium_numbers_are_those_of_the_plans() -> None:
    """We look them up by ourselves, for each text: what phonenumbers parses whole is the truth."""
    rng = random.Random(7)
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            for address in (number, number[:-3] + f"{rng.randrange(1000):03}"):
                if not phone.is_number(address):
                    continue
                parsed = phonenumbers.parse(address, None)
                assert phone.mask(address) == f"+{parsed.country_code}•••{address[-3:]}"
                if parsed.country_code not in (870, 878, 881, 882, 883, 888, 979):
                    premium = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.PREMIUM_RATE
                    assert phone.is_costly(address) == premium, address


@pytest.mark.parametrize("written", ["+48600", "+48 600", "tel:+48600", "+ 48-600", "\uff0b48600"])
def test_a_number_that_was_cut_short_is_no_short_code_where_we_are_asked_to_write(written: str) -> None:
    assert not phone.can_receive(phone.asked(written, "PL"))


@pytest.mark.parametrize(
    ("written", "expected"), [("48600", "48600"), ("600 100 200", "+48600100200"), ("+48600100200", "+48600100200")]
)
def test_what_else_we_are_asked_to_write_to_is_read_as_ever(written: str, expected: str) -> None:
    assert phone.asked(written, "PL") == expected
