"""Named statements as PostgreSQL takes them: numbered parameters, values of its types, and one statement for many."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from smsbot.stores import queries

from . import lifting

_PIECE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(?<!:):([a-z_]+)|\?(\d*)")
_LIMIT = re.compile(r"LIMIT \?")
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_REPLACED = "\ufffd"
"""Stands for U+0000, which PostgreSQL has no place for in a text."""


class Statement:
    """A statement with the names of its parameters in their order; `types` are told by the database, once."""

    def __init__(self, sql: str) -> None:
        self.names: tuple[str, ...] = ()
        self.sql = self._numbered(sql, "${}".format)
        self._source = sql
        self._convert: tuple[Callable[[object], object] | None, ...] | None = None
        self._sums = False
        """Whether it has columns of any precision."""
        self._columns: tuple[str, ...] = ()
        self.lifted = ""
        """The same for many sets of parameters at once, as it reads; empty where it must be run for each."""
        self.lifts: lifting.Write | None = None
        """The same as it writes; None where it must be run for each."""

    def _numbered(self, sql: str, spelled: Callable[[int], str]) -> str:
        names: list[str] = []
        count = 0

        def piece(hit: re.Match[str]) -> str:
            nonlocal count
            if hit[0][0] in "'-":
                return hit[0]
            if hit[1]:
                if hit[1] not in names:
                    names.append(hit[1])
                return spelled(names.index(hit[1]) + 1)
            count += 1
            return spelled(int(hit[2] or count))

        found = _PIECE.sub(piece, sql)
        self.names = tuple(names)
        return found

    @property
    def known(self) -> bool:
        """Whether the database has told the types of its parameters."""
        return self._convert is not None

    def learn(self, types: Sequence[str], columns: Sequence[tuple[str, str]]) -> None:
        """Keep the types of its parameters, as PostgreSQL calls them, and the names and types of its columns."""
        self._columns = tuple(name for name, _ in columns)
        self._sums = any(kind == "numeric" for _, kind in columns)
        self._convert = tuple(_CONVERT.get(t) for t in types)
        if types and not _LIMIT.search(self._source):  # a limit may not differ from set to set
            asked = self._numbered(self._source, "given.p{}".format)
            if columns:
                self.lifted = lifting.read(asked, types)
            else:
                self.lifts = lifting.write(asked, types)

    def tidy(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The values of a row by their places, without decimals."""
        if not self._sums:
            return tuple(values)
        return tuple(_number(v) if isinstance(v, Decimal) else v for v in values)

    def row(self, values: Sequence[Any]) -> dict[str, Any]:
        """The same by name."""
        return dict(zip(self._columns, values, strict=True))

    def values(self, parameters: Sequence[object]) -> list[object]:
        """Parameters as values of the types that they have there."""
        assert self._convert is not None
        return [
            v if c is None or v is None else c(v) for c, v in zip(self._convert, parameters, strict=True)
        ]  # fmt: skip

    def columns(self, parameters: Sequence[Sequence[object]]) -> list[list[object]]:
        """The same of many sets, by column: most are as they must be, which is seen at one look at all."""
        assert self._convert is not None
        return [
            list(column) if c is None or _as_it_is(c, column) else [v if v is None else c(v) for v in column]
            for c, column in zip(self._convert, zip(*parameters, strict=True), strict=True)
        ]


def _as_it_is(convert: Callable[[object], object], column: Sequence[Any]) -> bool:
    """Whether a column holds nothing that would be converted."""
    if convert is not _text:
        return convert is _bytes and all(isinstance(value, bytes) for value in column)
    try:
        whole = "".join(column)
    except TypeError:
        return False
    return "\0" not in whole and "u0000" not in whole


def _number(value: Decimal | None) -> float | None:
    return value if value is None else int(value) if value == value.to_integral_value() else float(value)


def plain(kind: str, value: object) -> object:
    """A value as a column of a type holds it; SQLite keeps whatever it is given."""
    if value is None:
        return None
    convert = _PLAIN.get(kind)
    return value if convert is None else convert(value)


def _text(value: object) -> object:
    if not isinstance(value, str):
        return str(value)
    if "\0" in value:
        return value.replace("\0", _REPLACED)
    if "u0000" in value and value[0] in '{["':
        return _NUL_IN_JSON.sub(partial(_escaped, _REPLACED), value)
    return value


def _escaped(replacement: str, hit: re.Match[str]) -> str:
    return hit[1] + replacement


def _bytes(value: object) -> object:
    return value if isinstance(value, bytes) else str(value).encode()


_PLAIN: Mapping[str, Callable[[Any], object]] = {"text": _text, "bytea": _bytes, "float8": float, "int8": int}
_CONVERT: Mapping[str, Callable[[object], object]] = {"text": _text, "bytea": _bytes, "bool": bool}


def statements(part: str) -> Mapping[str, Statement]:
    """The statements of a part, by name."""
    return {name: Statement(query.sql) for name, query in queries.load("postgres", part).items()}


PROCESSES: Mapping[str, Statement] = {
    name: Statement(query.sql) for name, query in queries.alone("postgres", "processes").items()
}
"""Those about the processes that serve the database."""
