"""The rules of a server for what leaves, from its settings: what the store decides by."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from smsbot.core import phone, zones
from smsbot.core.lanes import BULK, CONSENT, DESK, NOTICE, REPLY, UNASKED
from smsbot.core.reasons import CAP, QUIET
from smsbot.policy import quiet
from smsbot.policy.money import BOT, CONTACT, DAY, LANE, LINE, STOPS, Cap, Prices, micro, money, prices_in
from smsbot.settings import LineSettings, MoneySettings, Settings
from smsbot.stores.deciding.rules import Counted, Kept, Leaves, Person

_JUST = 900.0
"""Seconds after a text of theirs in which a notice still belongs to what somebody has just written."""
_PLAIN = LineSettings()
_PLAYED = "messageflow"
"""The gateway whose prices count in a sandbox without accounts: the one that it plays."""
_DEAREST = 10_000.0
"""The price of a text that nobody believes a report."""
_SPREAD = 900.0
"""Seconds over which texts leave that quiet hours have kept."""


class Budget:
    """What texts cost, and the caps on it."""

    def __init__(self, settings: Settings) -> None:
        own = settings.money
        self.prices = prices_in(own.prices) if own.prices is not None else Prices("", {})
        self.stops = {**STOPS, **{str(lane): share for lane, share in own.stops.items()}}
        self.caps = tuple(_caps(own))
        self._gateways = {name: account.gateway for name, account in settings.accounts.items()}
        self._bots = {line: name for name, bot in settings.bots.items() for line in bot.lines}
        first = next(iter(self._bots), "")
        self._zone = zones.zone(own.timezone or settings.timezone(first)) or UTC

    def cost(self, number: str, account: str, segments: int) -> int:
        """What so many SMS to a number cost at the worst."""
        return self.price(account, phone.country(number)) * segments

    def price(self, account: str, country: str | None) -> int:
        """What one SMS to a country costs at the worst."""
        return self.prices.of(self._gateways.get(account, _PLAYED), country) if self.prices.table else 0

    def day(self, moment: float) -> date:
        """The day that a moment counts for."""
        return datetime.fromtimestamp(moment, self._zone).date()

    def counted(self, line: str, lane: str) -> Sequence[Counted]:
        """Everything that the cost of a text is counted for: what, and its name."""
        return ((DAY, ""), (LINE, line), (LANE, lane), (BOT, self._bots.get(line, "")))

    def over(self, text: Leaves, cost: int, spent: Mapping[Counted, int], moment: float) -> Kept | None:
        """The cap that a text would exceed, by what its day has cost so far, until the next day."""
        if text.lane == CONSENT:
            return None
        share = self.stops.get(REPLY if text.lane == DESK else text.lane, 1.0)
        named = {**dict(self.counted(text.key.line, text.lane)), CONTACT: text.key.number}
        for cap in self.caps:
            name = cap.name if cap.scope != CONTACT else text.key.number
            if named[cap.scope] == name and spent.get((cap.scope, name), 0) + cost > int(cap.most * share):
                why = f"{CAP} of {money(cap.most, self.prices.currency)} a day for {cap.of} is reached"
                return Kept(self._tomorrow(moment), why)
        return None

    def _tomorrow(self, moment: float) -> float:
        return datetime.combine(self.day(moment) + timedelta(days=1), time(), self._zone).timestamp()


def _caps(own: MoneySettings) -> Iterator[Cap]:
    if own.day is not None:
        yield Cap(DAY, "", micro(own.day))
    if own.contact is not None:
        yield Cap(CONTACT, "", micro(own.contact))
    tables: tuple[tuple[str, Mapping[str, float]], ...] = (
        (LINE, own.lines), (LANE, {str(lane): most for lane, most in own.lanes.items()}), (BOT, own.bots),
    )  # fmt: skip
    for scope, table in tables:
        for name, most in table.items():
            yield Cap(scope, name, micro(most))


class Leaving:
    """What may leave, when, and for how much."""

    def __init__(self, settings: Settings) -> None:
        self._lines = settings.lines
        self._rates = settings.rates
        self.budget = Budget(settings)
        self._quiet: dict[tuple[str, str], quiet.Quiet | None] = {}
        """Of a lane of a line, where the settings say it."""
        for line, own in settings.lines.items():
            for lane in UNASKED:
                written = own.quiet_in(lane)
                if written:
                    self._quiet[line, lane] = quiet.quiet(written)

    def paced(self, line: str) -> bool:
        """Whether a line sends so many texts a second, and no more."""
        return line in self._rates

    def refuses(self, line: str, number: str) -> str:
        """Why nothing leaves from a line to a number: it costs many times the usual, or its country is not served."""
        own = self._lines.get(line, _PLAIN)
        if phone.is_costly(number) and not own.answer_costly:
            return "nothing is sent to premium numbers and satellite phones"
        if own.countries and phone.is_number(number) and (country := phone.country(number)) not in own.countries:
            return f"{line} sends nothing to {country or 'numbers of no country'}; it serves {', '.join(own.countries)}"
        return ""

    def has_quiet(self, line: str, lane: str) -> bool:
        """Whether there may be hours in which nothing of a lane leaves."""
        return self._quiet.get((line, lane)) is not None or (lane == BULK and (line, lane) not in self._quiet)

    def quiet(self, text: Leaves, person: Person, moment: float) -> Kept | None:
        """The quiet hours that keep a text from leaving at a moment; None if none do."""
        line, number = text.key
        country = phone.country(number)
        own = (line, text.lane)
        rule = self._quiet[own] if own in self._quiet else quiet.of_country(country, text.lane)
        if rule is None or (text.lane == NOTICE and moment - person.wrote < _JUST):
            return None
        candidates = quiet.zones_of(number, person.zone)
        until = quiet.opens(rule, moment, candidates, country)
        if until is None:
            return Kept(math.inf, f"{QUIET}: there is no hour that suits all time zones of the number")
        if until <= moment:
            return None
        place = candidates[0] if len(candidates) == 1 else f"{candidates[0]} and {len(candidates) - 1} more zones"
        local = datetime.fromtimestamp(until, zones.zone(candidates[0]))
        return Kept(until, f"{QUIET} until {local:%d %b %H:%M} ({place})", _share(number) * _SPREAD)

    def cost(self, text: Leaves) -> int:
        """What a text costs at the worst, in millionths of the currency; 0 where nobody knows."""
        return self.budget.cost(text.key.number, text.account, text.segments) if self.budget.prices.table else 0

    def caps_people(self) -> bool:
        """Whether there is a cap for each person."""
        return any(cap.scope == CONTACT for cap in self.budget.caps)

    def price(self, told: float, currency: str) -> int | None:
        """The same of a price that a report tells; None where it is of another currency."""
        own = self.budget.prices.currency
        return micro(told) if own and 0 <= told < _DEAREST and currency.upper() in ("", own) else None

    def day(self, moment: float) -> str:
        """The day that a moment counts for; empty where nobody counts."""
        return self.budget.day(moment).isoformat() if self.budget.prices.table else ""

    def counted(self, text: Leaves) -> Sequence[Counted]:
        """Everything that the cost of a text is counted for: what, and its name."""
        return self.budget.counted(text.key.line, text.lane)

    def over(self, text: Leaves, cost: int, spent: Mapping[Counted, int], moment: float) -> Kept | None:
        """The cap that a text would exceed, by what its day has cost so far, until the next day; None if none."""
        return self.budget.over(text, cost, spent, moment)


def _share(number: str) -> float:
    """A number from 0 to 1, the same for all texts of somebody, so that they keep their order."""
    return zlib.crc32(number.encode()) / 0xFFFFFFFF
