"""The rooms of a turn and of the stores stay such that one can live in them: small files, small classes; arguments have names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "smsbot"
FILES = [p for room in ("turns", "pipeline", "stores") for p in ROOT.glob(f"{room}/**/*.py")]
MOST_LINES = 400
MOST_METHODS = 25
MOST_FIELDS = 12
"""Of a record, without names; beyond six, those who make one name them."""
MOST_POSITIONAL = 6


def classes(path: Path) -> Iterator[ast.ClassDef]:
    yield from (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ClassDef))


def is_positional(made: ast.ClassDef) -> bool:
    """Whether it is a record whose fields are given by place."""
    marks = [ast.unparse(d) for d in made.decorator_list if "dataclass" in ast.unparse(d)]
    return bool(marks) and "kw_only=True" not in marks[0]


def positional_fields(made: ast.ClassDef) -> int:
    fields = [n for n in made.body if isinstance(n, ast.AnnAssign)]
    return next((i for i, n in enumerate(fields) if ast.unparse(n.annotation) == "KW_ONLY"), len(fields))


def test_no_file_is_long() -> None:
    assert {str(p): n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > MOST_LINES} == {}


def test_no_class_has_many_methods() -> None:
    many = {
        f"{path.name}: {made.name}": n
        for path in FILES
        for made in classes(path)
        if (n := sum(isinstance(b, ast.FunctionDef | ast.AsyncFunctionDef) for b in made.body)) > MOST_METHODS
    }
    assert many == {}


def test_records_of_many_fields_are_made_by_name() -> None:
    many = {
        f"{path.name}: {made.name}": positional_fields(made)
        for path in FILES
        for made in classes(path)
        if is_positional(made) and positional_fields(made) > MOST_FIELDS
    }
    assert many == {}


def test_calls_name_what_they_give() -> None:
    """Of our own functions and records; the seventh argument without a name can only be counted."""
    many = [
        f"{path.name}:{node.lineno}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and len(node.args) > MOST_POSITIONAL
    ]
    assert many == []
