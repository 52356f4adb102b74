"""Prices, amounts, and caps."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot.core.errors import UsageError
from smsbot.policy.money import Cap, Prices, micro, money, prices_in


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [(0, "0.00 EUR"), (12_500_000, "12.50 EUR"), (35_000, "0.0350 EUR"), (40_000, "0.04 EUR"), (100_000_000, "100.00 EUR"), (-20_000, "-0.02 EUR")],
)  # fmt: skip
def test_amounts_for_people(amount: int, wanted: str) -> None:
    assert money(amount, "EUR") == wanted


@pytest.mark.parametrize(
    ("given", "wanted"), [(0.035, 35_000), ("0.1", 100_000), (0.1 + 0.2, 300_000), (0, 0), (3, 3_000_000)]
)
def test_amounts_are_exact(given: float | str, wanted: int) -> None:
    assert micro(given) == wanted


@pytest.mark.parametrize("given", ["", "x", "nan", "inf", "-1", -0.01, "1e30", "0,035", "None"])
def test_what_is_no_amount(given: str) -> None:
    with pytest.raises(UsageError, match="no amount of money"):
        micro(given)


def test_prices_by_gateway_and_country(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        'currency = "EUR"\n[messageflow]\nPL = 0.035\n"*" = 0.10\n[twilio]\nPL = 0.04\nDE = 0.08\n["*"]\n"*" = 0.2\n'
    )
    prices = prices_in(file)
    assert prices.currency == "EUR"
    assert [prices.of(*at) for at in (("messageflow", "PL"), ("messageflow", "FR"), ("twilio", "DE"), ("other", "PL"))] == [
        35_000, 100_000, 80_000, 200_000,
    ]  # fmt: skip
    assert prices.of("twilio", "FR") == 80_000, "the dearest, where nothing is listed"
    assert prices.of("messageflow", None) == 100_000
    assert Prices("EUR", {}).of("x", "PL") == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[messageflow]\nPL = 1", "currency"), ('currency = "euro"', "currency"), ('currency = "EUR"\nPL = 0.1', "is a table"),
        ('currency = "EUR"\n[messageflow]\nPoland = 0.1', "two capitals"), ('currency = "EUR"\n[messageflow]\nPL = -1', "no amount"),
        ('currency = "EUR"\n[messageflow]\nPL = "cheap"', "no amount"), ("currency = ", "no TOML"),
        ('currency = "EUR"\n[messageflow]\nPL = 5000', "more than anybody asks"), ('currency = "EUR"\n[messageflow]', "is a table"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_price_list_is_said_with_its_file(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=why) as found:
        prices_in(file)
    assert "prices.toml" in str(found.value)


def test_a_price_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        prices_in(tmp_path / "no.toml")


def test_caps_say_what_they_are_of() -> None:
    assert [Cap(*c, 1).of for c in (("day", ""), ("contact", ""), ("lane", "bulk"), ("line", "7255"))] == [
        "all texts", "one person", "lane bulk", "line 7255",
    ]  # fmt: skip
