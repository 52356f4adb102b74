"""Writes into a story file what its bot says now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smsbot.checks.story import read_stories
from smsbot.core.errors import UsageError
from smsbot.flows.source import Node

from .stories import END, Outcome


def rewrite(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write into a story file what its bot says now; raises `UsageError` where it is written too tightly for that."""
    before = path.read_bytes().decode()
    newline = "\r\n" if "\r\n" in before else "\n"
    lines = before.replace("\r\n", "\n").split("\n")
    changes = [(node, text, outcome) for outcome in outcomes for node, text in outcome.changes]
    for node, text, outcome in sorted(changes, key=lambda c: _at(c[0], c[2]), reverse=True):
        if node is END:
            last = outcome.story.script[-1].node
            end = _end_of(last)[0]
            lines.insert(end + 1, f"{_indent(lines, outcome.story.script[0].node)}- {text}")
        elif not text:  # nothing was said there any more
            end = _end_of(node)[0]
            del lines[node.line : end + 1]
        elif node.kind == "map":  # a line of the script: what was said stands before it
            lines.insert(node.line, f"{_indent(lines, node)}- {text}")
        else:
            _replace(lines, node, text)
    after = newline.join(lines)
    stories, source = read_stories(path, after.encode())
    if source.problems or len(stories) < len({id(o.story) for o in outcomes}):
        raise UsageError(f"{path} cannot be rewritten; put each line of its script on a line of its own")
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(after.encode())
    fresh.replace(path)


def _indent(lines: list[str], node: Node) -> str:
    """The indent before the dash of a script's line."""
    line = lines[node.line]
    return line[: len(line) - len(line.lstrip())]


def _at(node: Node, outcome: Outcome) -> tuple[int, int]:
    return (_end_of(outcome.story.script[-1].node)[0], 1_000_000) if node is END else (node.line, node.column)


def _replace(lines: list[str], node: Node, text: str) -> None:
    end_line, end_column = (node.end_line, node.end_column) if _inline(lines, node) else _end_of(node)
    before, after = lines[node.line][: node.column], lines[end_line][end_column:]
    lines[node.line : end_line + 1] = [before + text + after]


def _inline(lines: list[str], node: Node) -> bool:
    """Whether a node is written with its closing sign: a text, or a list in brackets."""
    return node.kind == "text" or lines[node.line][node.column : node.column + 1] in ("[", "{")


def _end_of(node: Node) -> tuple[int, int]:
    """Where the last thing below a node ends; a block's own end is where the next thing begins."""
    below = [*node.items, *(v for _, v in node.pairs.values())]
    return _end_of(below[-1]) if below else (node.end_line, node.end_column)
