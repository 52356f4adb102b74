"""Numbers out of a list that somebody was given: one a line, or a column of a table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

from smsbot.core import phone
from smsbot.core.structs import struct

LONGEST = 5_000_000
"""Characters of a list."""


@struct
class Listed:
    """What a list says."""

    numbers: tuple[str, ...]
    """In E.164 spelling, each once."""
    wrong: tuple[tuple[int, str], ...]
    """Lines without one, by their place from 1, with their first cell masked."""


def listed(text: str, country: str | None) -> Listed:
    """Read numbers, in the spelling of `country` or international, from the first cell of each line that has any.

    A first line without any is the head of a table; empty lines and those that begin with ``#`` are none.
    """
    numbers: dict[str, None] = {}
    wrong: list[tuple[int, str]] = []
    head = True
    for place, row in _rows(text):
        found = next((n for c in row if (n := _number(c, country))), "")
        if found:
            numbers[found] = None
        elif not head:
            wrong.append((place, phone.mask(row[0].strip())))
        head = False
    return Listed(tuple(numbers), tuple(wrong))


def _rows(text: str) -> Iterable[tuple[int, Sequence[str]]]:
    lines = text.removeprefix("\ufeff").splitlines()
    separator = next((s for s in ";\t," if lines and s in lines[0]), ",")
    for place, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield place, _cells(line, separator)


def _cells(line: str, separator: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:  # a cell longer than any number
        return [line[:100]]


def _number(cell: str, country: str | None) -> str:
    """The number of a cell; spreadsheets may have put an apostrophe before it, or taken the plus away."""
    written = cell.strip().lstrip("'")
    digits = "".join(c for c in written if c.isdigit())
    if not 6 <= len(digits) <= 15 or len(written) > 40:
        return ""
    found = phone.normalise(written, country)
    if not phone.can_receive(found):
        found = phone.normalise(f"+{digits}", country)
    return found if phone.is_number(found) and phone.can_receive(found) else ""
