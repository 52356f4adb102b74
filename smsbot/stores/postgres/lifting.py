"""A statement for one set of parameters as one for many: the database plans it once and runs it once (pure).

The parameters are columns then, one array for each. A statement for one is written with ``given.p1`` where its first
parameter stands, and so on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_COMMENT = re.compile(r"--[^\n]*\n")
_VALUE = r"(?:given\.p\d+|'[^']*'|\d+)"
_INSERT = re.compile(
    rf"(?P<head>INSERT INTO \w+ \((?P<columns>[^)]*)\))\s+VALUES \((?P<values>{_VALUE}(?:,\s+{_VALUE})*)\)"
    r"(?P<conflict>\s+ON CONFLICT\s+(?:\((?P<keys>[^)]*)\)\s+)?DO (?:NOTHING|(?P<updates>UPDATE)\b(?:(?!given\.).)*))?",
    re.DOTALL,
)
_UPDATE = re.compile(r"(?P<head>UPDATE \w+ SET (?:(?!\bWHERE\b).)*)WHERE (?P<where>.*)", re.DOTALL)
_DELETE = re.compile(r"DELETE FROM (?P<table>\w+) WHERE (?P<where>.*)", re.DOTALL)
_SEVERAL = re.compile(r"\b(SELECT|FROM|OR|NOT|CASE)\b")
"""What makes the rows that are changed depend on more than what they are asked for by."""
_EQUAL = re.compile(r"\w+ = given\.p(\d+)")


class Write(NamedTuple):
    """A statement that writes many rows at once."""

    sql: str
    keys: tuple[int, ...]
    """The places of the parameters that say which row is changed, from 0; no two rows of one run may agree in them."""

    def takes(self, columns: Sequence[Sequence[object]]) -> bool:
        """Whether rows, given by their columns, can be written at once: no row of the table is changed twice."""
        if not self.keys:
            return True
        named = list(zip(*(columns[place] for place in self.keys), strict=True))
        return len(set(named)) == len(named)


def read(asked: str, types: Sequence[str]) -> str:
    """What is asked for each set, with the number of its set before each row."""
    return f"SELECT given.p0, found.* FROM {_given(types)}\nCROSS JOIN LATERAL (\n{asked}\n) AS found"


def write(asked: str, types: Sequence[str]) -> Write | None:
    """What is written for each set; None where rows must be written one after the other.

    Rows are inserted in the order of their sets, by which those that get a number get theirs.
    """
    plain, given = _COMMENT.sub("", asked).strip(), _given(types)
    if m := _INSERT.fullmatch(plain):
        sql = f"{m['head']} SELECT {m['values']} FROM {given} ORDER BY given.p0{m['conflict'] or ''}"
        if m["updates"] is None:
            return Write(sql, ())
        values = dict(zip(_listed(m["columns"]), _listed(m["values"]), strict=True))
        named = [values[column].partition("given.p")[2] for column in _listed(m["keys"])]
        return _of_rows(sql, filter(None, named))
    if (m := _UPDATE.fullmatch(plain)) and not _SEVERAL.search(m["where"]) and " FROM " not in m["head"]:
        return _of_rows(f"{m['head']}FROM {given} WHERE {m['where']}", _EQUAL.findall(m["where"]))
    if (m := _DELETE.fullmatch(plain)) and not _SEVERAL.search(m["where"]):
        return Write(f"DELETE FROM {m['table']} USING {given} WHERE {m['where']}", ())
    return None


def _listed(words: str) -> list[str]:
    return [word.strip() for word in words.split(",")]


def _of_rows(sql: str, keys: Iterable[str]) -> Write | None:
    places = tuple(int(key) - 1 for key in keys)
    return Write(sql, places) if places else None


def _given(types: Sequence[str]) -> str:
    names = ", ".join(f"p{n}" for n in range(1, len(types) + 1))
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, 1))
    return f"unnest({arrays}) WITH ORDINALITY AS given ({names}, p0)"
