"""What a text costs, and the caps on it: a price list by gateway and country, and shares at which each lane stops.

Amounts are whole millionths of one currency, so that sums are exact.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from smsbot.core.errors import UsageError
from smsbot.core.lanes import BULK, NOTICE, PRIORITY, REPLY
from smsbot.core.structs import struct

MICRO = 1_000_000
"""Millionths of a unit of the currency."""
STOPS: Mapping[str, float] = {BULK: 0.85, NOTICE: 0.9, REPLY: 0.95, PRIORITY: 1.0}
"""The share of a cap at which texts of a lane leave no more, where the settings say nothing: codes stop last."""
TOLD = 0.8
"""The share of a cap at which the desk is told."""
ANY = "*"
"""Every other gateway or country of a price list."""
DAY, LINE, LANE, BOT, CONTACT = "day", "line", "lane", "bot", "contact"
"""What is counted, each by day: everything, a line, a lane, a bot, a person."""
_DEAREST = 1000 * MICRO


@struct
class Cap:
    """The most that a day may cost, of one thing that is counted."""

    scope: str
    name: str
    most: int

    @property
    def of(self) -> str:
        """What it is a cap of, for people."""
        return {DAY: "all texts", CONTACT: "one person"}.get(self.scope, f"{self.scope} {self.name}")


@struct
class Prices:
    """What one SMS costs, by gateway and country (ISO 3166-1 alpha-2)."""

    currency: str
    table: Mapping[str, Mapping[str, int]]

    def of(self, gateway: str, country: str | None) -> int:
        """The price of one SMS; the dearest that is listed where its country is not, as the worst is reserved."""
        own = self.table.get(gateway) or self.table.get(ANY) or {}
        found = own.get(country or "", own.get(ANY))
        return found if found is not None else max(own.values(), default=0)


def money(amount: int, currency: str) -> str:
    """An amount as people write it, such as ``12.50 EUR``."""
    value = Decimal(amount) / MICRO
    digits = 2 if amount % 10_000 == 0 or amount >= MICRO else 4
    return f"{value:.{digits}f} {currency}".strip()


def micro(value: float | str | Decimal) -> int:
    """An amount in millionths; raises `UsageError` for what is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise UsageError(f"{str(value)[:40]!r} is no amount of money; write for example 0.035") from None
    if not found.is_finite() or not 0 <= found * MICRO <= MICRO * MICRO:
        raise UsageError(f"{str(value)[:40]!r} is no amount of money; write for example 0.035")
    return int((found * MICRO).to_integral_value())


def prices_in(file: Path) -> Prices:
    """The price list of a TOML file: `currency`, and a table for each gateway. Raises `UsageError`.

    ``[messageflow]`` has a price for each country (``PL = 0.035``) and ``"*"`` for all others; ``["*"]`` is for every
    gateway that has no table.
    """
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no TOML: {error}") from None
    currency = found.pop("currency", "")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise UsageError(f'{file}: currency is three capitals, such as currency = "EUR"')
    return Prices(currency, {name: dict(_prices(file, name, table)) for name, table in found.items()})


def _prices(file: Path, gateway: str, table: Any) -> Iterator[tuple[str, int]]:
    if not isinstance(table, dict) or not table:
        raise UsageError(f'{file}: {gateway} is a table of prices by country, such as PL = 0.035 and "*" = 0.10')
    for country, price in table.items():
        if country != ANY and not (len(country) == 2 and country.isascii() and country.isupper()):
            raise UsageError(f'{file}: [{gateway}] {country[:20]}: a country is two capitals, such as PL, or "*"')
        try:
            found = micro(price)
        except UsageError as error:
            raise UsageError(f"{file}: [{gateway}] {country}: {error.args[0]}") from None
        if found > _DEAREST:
            raise UsageError(f"{file}: [{gateway}] {country}: {price} for one SMS is more than anybody asks")
        yield country, found
