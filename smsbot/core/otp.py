"""One-time codes: how a code follows from a secret, how what somebody typed is compared with it (pure).

A code stands nowhere. It is made of a secret outside the database and a nonce, when it is sent and when it is checked
(HMAC-SHA256, RFC 2104, as HOTP truncates it: RFC 4226).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence

from .reasons import CODES
from .structs import struct

PLACE = "\u27e6code\u27e7"
"""What stands for the code in a text, until it leaves."""
FEWEST, MOST = 4, 10
"""Digits of a code."""
VALID = 300.0
"""Seconds for which a code may be typed."""
TRIES, RESENDS = 3, 2
PAUSE = 20.0
"""Seconds between two texts with one code."""
PER_HOUR, PER_DAY = 5, 10
"""Codes of one number and purpose."""
RANGE, PER_RANGE = 600.0, 20
"""Seconds, and texts with codes to one range of numbers: a range that asks faster is pumped."""
LAST, COMPLETED = 50, 0.2
"""Of so many codes of a range, the last, this share is typed where people ask; less is pumping."""
SUFFIX = 4
"""Digits at the end of a number that do not count for its range."""
DAY = 86_400.0
_BETWEEN = re.compile(r"[\W_]+")
"""What people, and their phones, put between digits; never a letter."""


@struct
class Wanted:
    """A code that a text holds: what it is for, and on which terms it is typed."""

    purpose: str = ""
    digits: int = 6
    valid: float = VALID
    tries: int = TRIES
    resends: int = RESENDS
    domain: str = ""
    """Of the site that may fill it in by itself."""
    line: str = ""
    """The line on which a conversation waits for it; empty: a program checks it."""
    id: str = ""
    """Of the one question that waits for it; empty: any code that may be typed for its purpose will do."""


@struct
class Code:
    """A code of somebody, as it stands; moments are seconds since 1970 UTC."""

    id: str
    at: float
    expires: float
    most: int
    """Wrong ones until it is void."""
    wrong: int
    sends: int
    again: int
    """How often it may be sent again."""
    used: float | None

    def is_open(self, now: float) -> bool:
        """Whether it may be typed still."""
        return self.used is None and self.expires > now and self.wrong < self.most


@struct
class Asking:
    """How a range of numbers asks for codes."""

    sent: int = 0
    """Texts with codes within `RANGE` seconds."""
    last: int = 0
    """Codes that are over, of the last `LAST`."""
    typed: int = 0
    """How many of those were typed."""


def refusal(live: Code | None, own: Sequence[Code], asking: Asking, now: float) -> str:
    """Why no code is sent; empty if one may be.

    `live` is the one that may be typed already, `own` are those of a number and a purpose within a day.
    """
    if asking.sent >= PER_RANGE:
        return f"{CODES}: {PER_RANGE} went to this range of numbers within ten minutes"
    if asking.last >= LAST and asking.typed < asking.last * COMPLETED:
        return f"{CODES}: of the last {asking.last} to this range of numbers, {asking.typed} were typed"
    if live is not None:
        if live.sends > live.again:
            return f"{CODES}: this one was sent as often as it may be"
        last = live.at + PAUSE * live.sends
        return f"{CODES}: wait {last - now:.0f} seconds until it is sent again" if last > now else ""
    if len([code for code in own if code.at > now - 3600.0]) >= PER_HOUR:
        return f"{CODES}: this number got {PER_HOUR} within the hour"
    return f"{CODES}: this number got {PER_DAY} today" if len(own) >= PER_DAY else ""


def range_of(number: str) -> str:
    """The beginning that the numbers of a range share."""
    return number[:-SUFFIX]


def nonce_of(text: str) -> bytes:
    """What the code of a text is made of, beside the secret; it may be known."""
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"code").digest()


def typed_code(words: str, digits: int) -> str:
    """The code that somebody typed: the whole text, or the only run of so many digits in it; empty if there is none."""
    if whole := typed(words):
        return whole
    runs = _run_of(digits).findall(words)
    return typed(runs[0]) if len(runs) == 1 else ""


def worded(text: str, domain: str = "") -> str:
    """A text with a place for the code where ``{code}`` stands; the last line lets a site fill it in by itself."""
    return with_autofill(text.replace("{code}", PLACE), domain)


def with_autofill(text: str, domain: str) -> str:
    """A text with a place for the code, and the line by which a site fills it in by itself, if it is for one."""
    return f"{text}\n@{domain} #{PLACE}" if domain and PLACE in text else text


def with_any(text: str, wanted: Wanted | None) -> str:
    """A text with some code where its code will stand, to count how long it is."""
    return text.replace(PLACE, "0" * wanted.digits) if wanted is not None else text


def code_of(secret: bytes, nonce: bytes, number: str, purpose: str, digits: int) -> str:
    """The code of a nonce for a number and a purpose; each of its values is as likely as any other."""
    told = b"\0".join((nonce, number.encode(), purpose.encode()))
    return str(int.from_bytes(hmac.digest(secret, told, "sha256")) % 10**digits).zfill(digits)


def typed(words: str) -> str:
    """The digits that somebody typed, in any script, without what they put between; empty if there is more."""
    found = "".join(str(unicodedata.decimal(c, "x")) for c in _BETWEEN.sub("", words))
    return found if found.isascii() and found.isdigit() else ""


def matches(code: str, given: str) -> bool:
    """Whether they are equal, in a time that does not tell how much of them is."""
    return hmac.compare_digest(code.encode(), given.encode())


def hidden(words: str, digits: frozenset[int]) -> str:
    """What somebody texts without what may be a code of so many digits, whatever stands between them."""
    for count in digits:
        words = _run_of(count).sub("•" * count, words)
    return words


def without(words: str, code: str) -> str:
    """What somebody texts without one code, however it is written."""
    return _run_of(len(code)).sub(lambda run: "•" * len(code) if typed(run[0]) == code else run[0], words)


def _run_of(count: int) -> re.Pattern[str]:
    return re.compile(rf"(?<!\d)\d(?:[\W_]{{0,4}}\d){{{count - 1}}}(?!\d)")
