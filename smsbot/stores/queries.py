"""Named SQL in files: one statement a name; what all dialects take stands once, the rest in a folder of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from .deciding.text import COLUMNS

_HEAD = re.compile(r"^-- name: (\w+)(?: \(([a-z, ]+)\))?[^\n]*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement of a file."""

    name: str
    sql: str
    hot: bool = False
    """Whether it is read where it is asked for: a few rows by an index, and a turn or a page waits for it."""
    own: bool = False
    """Whether each dialect writes it in its own way."""
    only: str = ""
    """The one dialect that has it, if not all have."""


@cache
def load(dialect: str, part: str) -> Mapping[str, Query]:
    """The statements of ``sql/shared/<part>.sql`` in the order of that file, as a dialect writes them.

    Most are the same in all of them; those that are marked ``(own)`` stand in ``sql/<dialect>/<part>.sql``, as do those
    that are marked with the one dialect that has them. ``{text}`` stands for the columns of a text.
    """
    shared, own = _statements("shared", part), _statements(dialect, part)
    shared = {name: query for name, query in shared.items() if query.only in ("", dialect)}
    wanted = {name for name, query in shared.items() if query.own or query.only}
    if wanted != own.keys():
        differing = ", ".join(sorted(wanted ^ own.keys()))
        raise ValueError(f"{dialect}/{part}.sql does not hold what shared/{part}.sql leaves to it: {differing}")
    return {n: replace(query, sql=own[n].sql) if n in wanted else query for n, query in shared.items()}


@cache
def alone(dialect: str, part: str) -> Mapping[str, Query]:
    """The statements of ``sql/<dialect>/<part>.sql``, of a part that no other dialect has."""
    return _statements(dialect, part)


def _statements(folder: str, part: str) -> Mapping[str, Query]:
    text = files("smsbot.stores").joinpath("sql", folder, f"{part}.sql").read_text(encoding="utf-8")
    columns = ", ".join(COLUMNS)
    heads = list(_HEAD.finditer(text))
    ends = [m.start() for m in heads[1:]] + [len(text)]
    names = [m[1] for m in heads]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{folder}/{part}.sql has two statements called {', '.join(sorted(twice))}")
    found = {}
    for m, end in zip(heads, ends, strict=True):
        marks = (m[2] or "").split(", ")
        sql = text[m.end() : end].strip().rstrip(";").replace("{text}", columns)
        found[m[1]] = Query(m[1], sql, "hot" in marks, "own" in marks, "postgres" if "postgres" in marks else "")
    return found


@cache
def migrations(dialect: str) -> list[tuple[int, str]]:
    """The numbered scripts of a dialect, in order."""
    folder = files("smsbot.stores").joinpath("sql", dialect)
    scripts = [f for f in folder.iterdir() if re.match(r"\d{4}_.*\.sql", f.name)]
    return sorted((int(f.name[:4]), f.read_text(encoding="utf-8")) for f in scripts)
