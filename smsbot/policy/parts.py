"""The parts of one long text that arrive as several: by what the gateway says of them, else by their length.

A text of more than one SMS travels in parts of 153 septets or 67 UCS-2 units (3GPP TS 23.040 §9.2.3.24.1). Some
gateways hand these over one by one, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smsbot.core import segments

WAIT, WAIT_KNOWN = 5.0, 30.0
"""Seconds for which more is waited for after a part: where only its length tells, and where the gateway says it."""
_SEPTETS, _UNITS = 153, 67


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a long text."""

    text: str
    id: str
    """Of its event; 32 hexadecimal digits."""
    reference: str = ""
    """The reference that the parts of one text have in common; empty where the gateway does not say."""
    number: int = 0
    """Its place, from 1; 0 where the gateway does not say."""
    total: int = 0

    def pack(self) -> list[Any]:
        """As plain data."""
        return [self.text, self.id, self.reference, self.number, self.total]


def is_full(text: str) -> bool:
    """Whether a text is as long as a part that others follow."""
    if not _UNITS // 2 < len(text) <= _SEPTETS:
        return False
    count = segments.count(text)
    most = _SEPTETS if count.encoding == "GSM-7" else _UNITS
    return most - 1 <= count.units <= most  # a letter of two units does not stand across a border


def belongs(part: Part, parts: Sequence[Part]) -> bool:
    """Whether a part is one more of the same text: its place in it is free, and the text is not whole yet."""
    same = all((p.reference, p.total) == (part.reference, part.total) for p in parts)
    return same and not complete(parts) and part.number not in {p.number for p in parts}


def complete(parts: Sequence[Part]) -> bool:
    """Whether all parts that the gateway speaks of are there."""
    return bool(parts) and 0 < parts[0].total <= len({p.number for p in parts})


def joined(parts: Sequence[Part]) -> str:
    """The text: in the order that the gateway says, else as they came, the one that is not full last."""
    if all(p.number for p in parts):
        by_number = {p.number: p for p in reversed(parts)}
        return "".join(by_number[n].text for n in sorted(by_number))
    return "".join(p.text for p in sorted(parts, key=lambda p: not is_full(p.text)))
