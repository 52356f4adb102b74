"""Quotes and brackets without a partner: where they open, not where YAML gives up, which may be many lines below."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FRESH = re.compile(r"\s*(- |[\w.\"'-]+\s*:(\s|$)|$)")
"""A line on which something new begins, so that no text goes on there."""
_OPENS_TEXT = re.compile(r"(^|[:,\[{]\s+|[,\[{]|-\s+|^\s+)$")
_OPENS_FLOW = re.compile(r"(^\s*|:\s+|-\s+)$")
Open = tuple[int, int, str]
"""Line and column, from 0, and what it is."""


def unpaired(lines: Sequence[str]) -> Open | None:
    """The first quote or bracket that nothing closes before another key or dash begins; None where all are closed."""
    brackets: list[Open] = []
    for number, line in enumerate(lines):
        if brackets and _FRESH.fullmatch(line[: _begin(line)]) and line.strip():
            return brackets[0]
        at = 0
        while at < len(line):
            char = line[at]
            if char == "#" and (at == 0 or line[at - 1] == " "):
                break
            if char in "\"'" and _OPENS_TEXT.search(line[:at]):
                end = _closing(line, at)
                if end < 0:
                    below = next((later for later in lines[number + 1 :] if later.strip()), "")
                    return (number, at, "a quote") if _FRESH.match(below) else None
                at = end
            elif char in "{[" and (brackets or _OPENS_FLOW.search(line[:at])):
                brackets.append((number, at, "a bracket"))
            elif char in "}]" and brackets:
                brackets.pop()
            at += 1
    return brackets[0] if brackets else None


def _begin(line: str) -> int:
    """Where the first key or dash of a line ends."""
    hit = re.match(r"\s*(- |\w[\w.-]*\s*:(\s|$))", line)
    return hit.end() if hit is not None else 0


def _closing(line: str, start: int) -> int:
    """Where the quote closes that opens at `start`; -1: not on this line."""
    quote, at = line[start], start + 1
    while at < len(line):
        if quote == '"' and line[at] == "\\":
            at += 1
        elif line[at] == quote:
            if quote != "'" or line[at + 1 : at + 2] != "'":
                return at
            at += 1
        at += 1
    return -1
