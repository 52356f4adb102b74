"""Named SQL in files: one statement a name, one folder a dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from .deciding.text import COLUMNS

_HEAD = re.compile(r"^-- name: (\w+)(?: \((hot)\))?[^\n]*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement of a file."""

    name: str
    sql: str
    hot: bool = False
    """Whether it is read where it is asked for: a few rows by an index, and a turn or a page waits for it."""


@cache
def load(dialect: str, part: str) -> Mapping[str, Query]:
    """The statements of ``sql/<dialect>/<part>.sql`` in the order of the file.

    ``{text}`` stands for the columns of a text.
    """
    text = files("smsbot.stores").joinpath("sql", dialect, f"{part}.sql").read_text(encoding="utf-8")
    columns = ", ".join(COLUMNS)
    heads = list(_HEAD.finditer(text))
    ends = [m.start() for m in heads[1:]] + [len(text)]
    names = [m[1] for m in heads]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{part}.sql has two statements called {', '.join(sorted(twice))}")
    return {
        m[1]: Query(m[1], text[m.end() : end].strip().rstrip(";").replace("{text}", columns), m[2] is not None)
        for m, end in zip(heads, ends, strict=True)
    }


@cache
def migrations(dialect: str) -> list[tuple[int, str]]:
    """The numbered scripts of a dialect, in order."""
    folder = files("smsbot.stores").joinpath("sql", dialect)
    scripts = [f for f in folder.iterdir() if re.match(r"\d{4}_.*\.sql", f.name)]
    return sorted((int(f.name[:4]), f.read_text(encoding="utf-8")) for f in scripts)
