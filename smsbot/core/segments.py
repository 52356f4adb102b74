"""How many SMS parts a text costs, and where it splits: 3GPP TS 23.038 (alphabet) and 23.040 (parts).

GSM-7: 160 septets in one part, else 153 a part; the extension characters cost two and never straddle
two parts. UCS-2: 70 UTF-16 units in one part, else 67; a surrogate pair never straddles either.
"""

from __future__ import annotations

import unicodedata

from .structs import struct

# 3GPP TS 23.038 §6.2.1, the default alphabet in the order of its code points; 0x1B is the escape.
_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# §6.2.1.1, reached through the escape, so they cost two septets.
_EXTENSION = "\f^{}\\[~]|€"

_COST = {c: 1 for c in _DEFAULT if c != "\x1b"} | dict.fromkeys(_EXTENSION, 2)
_ONE_SEPTET = frozenset(c for c, cost in _COST.items() if cost == 1)

MAX_PARTS = 9
"""The longest text that MessageFlow bills for (its billing table ends here)."""


@struct
class Segments:
    """The price of a text: encoding, parts, units used, units left in the last part, and the culprits."""

    encoding: str
    segments: int
    units: int
    left: int
    forced: tuple[str, ...]
    """The characters that are not in GSM-7 and so force UCS-2, each once, in order."""


def _cost_ucs2(char: str) -> int:
    return 2 if ord(char) > 0xFFFF else 1


def _pack(text: str, gsm: bool) -> tuple[list[int], int]:
    """The index at which each part ends, and the units used in the last part."""
    cost = _COST.__getitem__ if gsm else _cost_ucs2
    single, multi = (160, 153) if gsm else (70, 67)
    total = sum(map(cost, text))
    if total <= single:
        return [len(text)], total
    ends: list[int] = []
    used = 0
    for i, char in enumerate(text):
        units = cost(char)
        if used + units > multi:
            ends.append(i)
            used = 0
        used += units
    return [*ends, len(text)], used


def count(text: str) -> Segments:
    """Encoding, number of parts and the rest, for `text` as it would be sent."""
    if len(text) <= 160 and _ONE_SEPTET.issuperset(text):
        return Segments("GSM-7", 1, len(text), 160 - len(text), ())
    forced = tuple(dict.fromkeys(c for c in text if c not in _COST))
    gsm = not forced
    ends, used = _pack(text, gsm)
    room = (160 if gsm else 70) if len(ends) == 1 else (153 if gsm else 67)
    units = sum(map(_COST.__getitem__ if gsm else _cost_ucs2, text))
    return Segments("GSM-7" if gsm else "UCS-2", len(ends), units, room - used, forced)


def cheaper(text: str) -> str:
    """The text with some letter of GSM-7 in place of each that is in none of its tables, to count what that saves."""
    forced = count(text).forced
    return "".join("e" if c in forced else c for c in text) if forced else text


def plainer(text: str) -> str:
    """The text in letters that every phone has: no accents, straight quotes, no emoji."""
    forced = set(count(text).forced)
    return "".join(_plain(c) if c in forced else c for c in text) if forced else text


def _plain(char: str) -> str:
    base = _PLAINER.get(char) or unicodedata.normalize("NFKD", char)
    return "".join(c for c in base if c in _COST)


_PLAINER = {
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "„": '"', "“": '"', "”": '"', "«": '"',
    "»": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "…": "...", "•": "-", "×": "x", "\u00a0": " ",
}  # fmt: skip
"""Signs that have no decomposition, as they are written in GSM-7."""


def fit(text: str, most: int = MAX_PARTS) -> str:
    """The text, cut to at most so many parts."""
    return text if len(text) <= 70 or count(text).segments <= most else "".join(split(text)[:most])


def split(text: str) -> list[str]:
    """The parts as they travel; joined they are the text again."""
    ends, _ = _pack(text, all(c in _COST for c in text))
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
