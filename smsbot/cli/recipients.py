"""A file of people to write to: numbers, and fields for the holes of a text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from smsbot.core import phone
from smsbot.core.errors import FlowError, UsageError
from smsbot.core.structs import struct
from smsbot.flows.template import Template, compile_template
from smsbot.flows.wrong import Wrong
from smsbot.pipeline.sends import wrong_with

NUMBERS = ("number", "phone", "to", "mobile", "msisdn", "recipient", "telephone", "tel")
"""What the column of numbers may be called."""
_LARGEST = 200 * 1024 * 1024
_DELIMITERS = ",;\t"
Say = Callable[[Mapping[str, str]], str]
"""Makes the text of somebody from their fields; raises `UsageError`."""


@struct
class Person:
    """Somebody of the file."""

    row: int
    """Its line in the file, from 1."""
    number: str
    fields: Mapping[str, str]


@struct
class People:
    """Everybody of a file, and what is wrong with the rest."""

    texts: Sequence[tuple[str, str]]
    """Number and text, each pair once."""
    twice: int
    """Rows that stand there more than once."""
    wrong: Sequence[str]
    """``row 17: …``."""


def people_in(file: Path, say: Say, country: str | None) -> People:
    """Read a file with the texts that it comes to; raises `UsageError` for one that cannot be read at all."""
    texts: dict[tuple[str, str], None] = {}
    wrong: list[str] = []
    rows = 0
    for person in _rows(_content(file)):
        rows += 1
        number = phone.asked(person.number, country)
        try:
            text = say(person.fields)
        except UsageError as error:
            wrong.append(f"row {person.row}: {error.args[0]}")
            continue
        if why := wrong_with(number, text):
            named = f'"{person.number[:20]}" ' if not phone.can_receive(number) else ""
            wrong.append(f"row {person.row}: {named}{why}")
            continue
        texts[number, text] = None
    if not rows:
        raise UsageError(f"{file} names nobody")
    return People(tuple(texts), rows - len(texts) - len(wrong), wrong)


def saying(source: str) -> Say:
    """A text with holes such as ``{name}``; raises `UsageError` where it cannot be read."""
    try:
        template = compile_template(source)
    except Wrong as wrong:
        raise UsageError(f"the text: {wrong.message} at its sign {wrong.start + 1}") from None
    return lambda fields: _said(template, fields)


def _said(template: Template, fields: Mapping[str, str]) -> str:
    missing = sorted(name for name in template.names if not fields.get(name))
    if missing:
        raise UsageError(f"has nothing for {', '.join('{' + name + '}' for name in missing)}")
    try:
        return template.render(fields)
    except FlowError as error:
        raise UsageError(error.args[0]) from None


def _content(file: Path) -> str:
    if file.stat().st_size > _LARGEST:
        raise UsageError(f"{file} has more than 200 MB")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        row = file.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}: row {row} is not UTF-8; save the file as CSV UTF-8") from None


def _rows(content: str) -> Iterator[Person]:
    """Each row; a first one that has a number in it is no head."""
    first, _, _ = content.partition("\n")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(content), delimiter=delimiter)
    head: list[str] | None = None
    at = 0
    for cells in _read(reader):
        if not any(cell.strip() for cell in cells):
            continue
        if head is None:
            head, at = _head(cells)
            if head:
                continue
        fields = {name: cell.strip() for name, cell in zip(head, cells, strict=False) if name}
        yield Person(reader.line_num, cells[at].strip() if at < len(cells) else "", fields)


def _read(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise UsageError(f"this is no CSV: {error}") from None


def _head(cells: Sequence[str]) -> tuple[list[str], int]:
    """The names of the columns, and which one has the numbers; no names where the first row is somebody already."""
    names = [cell.strip() for cell in cells]
    for at, name in enumerate(names):
        if name.lower() in NUMBERS:
            return names, at
    if len(cells) == 1 and any(c.isdigit() for c in cells[0]):
        return [], 0
    raise UsageError(f"no column is called {', '.join(NUMBERS[:3])} …; the first row has {', '.join(names[:10])}")
