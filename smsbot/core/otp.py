"""One-time codes: how a code follows from a secret, how what somebody typed is compared with it (pure).

A code stands nowhere. It is made of a secret outside the database and a nonce, when it is sent and when it is checked
(HMAC-SHA256, RFC 2104, as HOTP truncates it: RFC 4226).
"""

from __future__ import annotations

import hmac
import re
import unicodedata

PLACE = "\u27e6code\u27e7"
"""What stands for the code in a text, until it leaves."""
FEWEST, MOST = 4, 10
"""Digits of a code."""
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015.\u200b-\u200f\u2060-\u2069\ufeff]")


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


def _run_of(count: int) -> re.Pattern[str]:
    return re.compile(rf"(?<!\d)\d(?:[\s\-\u2010-\u2015.]{{0,2}}\d){{{count - 1}}}(?!\d)")
