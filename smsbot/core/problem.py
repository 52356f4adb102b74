"""A problem in a file that people write: where, why, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST = 20
"""Problems that one report shows."""


class Severity(StrEnum):
    """How bad it is: an error stops the flow from running, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: line and column count from 1, in characters."""

    path: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    code: str
    message: str
    place: Place
    note: str = ""
    """The words under the caret."""
    help: str = ""
    """The repair."""
    suggestion: str = ""
    """The valid name that was probably meant."""
    excerpt: str = ""
    """The line of the file."""
    severity: Severity = Severity.ERROR

    def plain(self) -> Mapping[str, object]:
        """The problem for JSON."""
        return {
            "code": self.code, "severity": self.severity.value, "message": self.message, "path": self.place.path,
            "line": self.place.line, "column": self.place.column, "length": self.place.length,
            "note": self.note, "help": self.help, "suggestion": self.suggestion,
        }  # fmt: skip


_SHAPE = frozenset({*(f"SB60{n}" for n in range(1, 9)), "SB611", "SB620", "SB626"})
"""What is written in a way that cannot be read; other problems may follow from it."""


def causes_first(problems: Iterable[Problem]) -> list[Problem]:
    """The problems of one file in the order of its lines, and before them those from which others may follow."""

    def rank(problem: Problem) -> tuple[bool, int, int, str]:
        cause = problem.code in _SHAPE and problem.severity is Severity.ERROR
        return not cause, problem.place.line, problem.place.column, problem.code

    return sorted(problems, key=rank)


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that stop a flow from running."""
    return [p for p in problems if p.severity is Severity.ERROR]


def render(problem: Problem) -> str:
    """A problem for a terminal or a page, without colours: the line, a caret under the place, the repair."""
    place = problem.place
    number = str(place.line)
    gutter = " " * len(number)
    lines = [f"{problem.severity}[{problem.code}]: {problem.message}", f"{gutter}--> {place}"]
    if problem.excerpt:
        before, shown = _window(problem.excerpt, place.column)
        caret = "^" * max(1, min(place.length, len(shown) - before))
        lines += [f"{number} | {shown}", f"{gutter} | {' ' * before}{caret} {problem.note}".rstrip()]
    if problem.help:
        lines.append(f"{gutter} = help: {problem.help}")
    return "\n".join(lines)


def _window(line: str, column: int) -> tuple[int, str]:
    """At most 100 characters of a line around a column, and where the column stands in them."""
    line = "".join(c if c.isprintable() else " " for c in line)
    start = max(0, column - 60) if len(line) > 100 else 0
    return column - 1 - start, line[start : start + 100]


def render_all(problems: Sequence[Problem]) -> str:
    """Every problem, at most 20, in the order of the files."""
    shown = [render(p) for p in problems[:MOST]]
    if len(problems) > MOST:
        shown.append(f"… and {len(problems) - MOST} more")
    return "\n\n".join(shown)
