"""The languages of the desk: its words are English, and a catalogue has them in another.

Words are marked where they are written, `_` where they are said at once and `N_` where a page says them later;
``scripts/words`` gathers them in ``locale/``, where people who translate edit the ``.po`` files. What others have said,
such as the reason that a gateway gives, stays as they said it.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Final

LOCALE: Final = Path(__file__).parent / "locale"
"""Where catalogues are, as gettext looks for them."""
NAMES: Final[Mapping[str, str]] = {"en": "English", "pl": "Polski"}
"""The languages that there are, each by its own name."""
_SIGNS: Final[Mapping[str, tuple[str, str]]] = {"en": (",", "."), "pl": ("\N{NO-BREAK SPACE}", ",")}
"""What parts thousands, and what begins a fraction (Unicode CLDR)."""


def N_(message: str) -> str:  # noqa: N802 - the name by which gettext's tools find it
    """Words that are said where they are shown, marked for the catalogues."""
    return message


_MONTHS: Final = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
    N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)  # fmt: skip


class Words:
    """What the desk says, in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._catalogue = gettext.translation("smsbot", LOCALE, [language], fallback=language == "en")
        self._thousands, self._point = _SIGNS[language]

    def _(self, message: str, **values: object) -> str:
        """A sentence; values stand in it as ``%(name)s``, and a percent sign as ``%%``."""
        return self.raw(message) % values

    def _n(self, one: str, many: str, n: int, **values: object) -> str:
        """A sentence about so many; ``%(n)s`` is how many, as people write it."""
        return self.raw(one, many, n) % {"n": self.number(n), **values}

    def raw(self, message: str, many: str = "", n: int = 0) -> str:
        """A sentence before its values stand in it; what no catalogue has stays as it is."""
        if many:
            return self._catalogue.ngettext(message, many, n)
        return self._catalogue.gettext(message) if message else ""

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many digits behind its point, such as ``1,204`` or ``1 204``."""
        return f"{value:,.{digits}f}".translate({ord(","): self._thousands, ord("."): self._point})

    def amount(self, written: str) -> str:
        """An amount of money as it is written in English, such as ``12.50 EUR``."""
        number, space, currency = written.partition(" ")
        return number.replace(".", self._point) + space + currency

    def percent(self, share: float, digits: int = 0) -> str:
        """A share of one, such as ``98.1 %``."""
        return f"{self.number(100 * share, digits)} %"

    def span(self, seconds: float) -> str:
        """A span of seconds as people say it, such as ``0.3 s`` or ``5 min``."""
        if seconds < 10:
            return f"{self.number(max(seconds, 0.0), 1)} s"
        for limit, unit, size in ((90.0, "s", 1.0), (5400.0, "min", 60.0), (172800.0, "h", 3600.0)):
            if seconds < limit:
                return f"{seconds / size:.0f} {unit}"
        days = round(seconds / 86400)
        return self._n("%(n)s day", "%(n)s days", days)

    def clock(self, at: float, now: float, zone: tzinfo, form: str = "%H:%M:%S") -> str:
        """The time of day in a zone; with its date if that is not today."""
        then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone).date()
        clock = then.strftime(form)
        return clock if then.date() == today else f"{then.day:02d} {self.raw(_MONTHS[then.month - 1])} {clock}"


ENGLISH: Final = Words("en")


@cache
def words_in(language: str) -> Words:
    """A language of the desk by its code, a key of `NAMES`; its catalogue is read once."""
    return ENGLISH if language == "en" else Words(language)
