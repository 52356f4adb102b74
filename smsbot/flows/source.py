"""A YAML file as nodes that know where they stand: every scalar a text, nothing guessed, nothing executed.

YAML 1.1 turns ``NO`` into False, ``19:30`` into 1170 and ``+48600100200`` into a number; here they stay what
was written, and the schema converts them. Anchors, aliases, tags and second documents are refused, so a file
costs what its size says.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from smsbot.core.nearest import nearest
from smsbot.core.problem import Place, Problem, Severity

from .broken import fault_of

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

LARGEST = 256 * 1024
"""The largest file, in bytes."""
_DEEPEST = 20
_QUOTES = ("'", '"', "|", ">")
_MOST_PROBLEMS = 100


@dataclass(slots=True)
class Node:
    """A text, a list or a map, and where it begins (0-based) and ends."""

    kind: str
    """``text``, ``list`` or ``map``."""
    text: str = ""
    items: list[Node] = field(default_factory=list)
    pairs: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    """key → (the key's node, the value's)."""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    quoted: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing stands there."""
        return self.kind == "text" and not self.text and not self.quoted


class Source:
    """A file's lines, and the problems found in it so far."""

    def __init__(self, path: str, content: str = "") -> None:
        self.path = path
        self.lines = content.split("\n")
        self.problems: list[Problem] = []
        self.content: Node | None = None
        """The root of what was read, where that was not a flow."""

    def report(
        self,
        code: str,
        node: Node,
        message: str,
        *,
        note: str = "",
        remedy: str = "",
        near: str | None = None,
        part: tuple[int, int] | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Note a problem at a node, or at a part of its text (first character and length)."""
        line, column, length = self._span(node, part)
        if near:
            remedy = f'did you mean "{near}"?' + (f" {remedy}" if remedy else "")
        said = any((p.code, p.place.line, p.place.column) == (code, line + 1, column + 1) for p in self.problems)
        if not said and len(self.problems) < _MOST_PROBLEMS:
            place = Place(self.path, line + 1, column + 1, length)
            excerpt = self.lines[line] if line < len(self.lines) else ""
            self.problems.append(
                Problem(
                    code,
                    message,
                    place=place,
                    note=note,
                    help=remedy,
                    suggestion=near or "",
                    excerpt=excerpt.rstrip("\r"),
                    severity=severity,
                )
            )

    def unknown(self, code: str, node: Node, message: str, name: str, known: Iterable[str], **more: Any) -> None:
        """Note an unknown name, with the nearest known one."""
        known = sorted(known)
        near = more.pop("near") if "near" in more else nearest(name, known)
        listed = ", ".join(known[:40]) + (" …" if len(known) > 40 else "")
        more.setdefault("remedy", "" if near or not known else f"known: {listed}")
        self.report(code, node, message, near=near, **more)

    def last_line(self, start: int, end: int) -> tuple[int, int]:
        """The last line with something on it, from `start` to before `end`; and its length."""
        last = next((i for i in range(end - 1, start, -1) if i < len(self.lines) and self.lines[i].strip()), start)
        return last, len(self.lines[last].rstrip("\r"))

    def cut_at_comment(self, node: Node) -> bool:
        """Whether a # that may belong to the text follows it: ``Call us #1``, or a sentence that ends behind it."""
        line = self.lines[node.end_line] if node.end_line < len(self.lines) else ""
        rest = line[node.end_column :].rstrip()
        ends = re.search(r"[.?!:;)]$", node.text) is None and re.search(r"[.?!]$", rest) is not None
        return re.match(r"\s*#[^\s#-]", rest) is not None or (ends and re.match(r"\s*#\s", rest) is not None)

    def begins_line(self, node: Node) -> bool:
        """Whether only spaces stand before it."""
        line = self.lines[node.line] if node.line < len(self.lines) else ""
        return bool(line) and not line[: node.column].strip()

    def has_colon(self, key: Node) -> bool:
        """Whether a colon stands behind a key; within { } a name without one is a key as well."""
        if not any(self.lines):  # what is stored has no place, and was right when it was written
            return True
        return self.lines[key.end_line][key.end_column :].lstrip().startswith(":")

    def _span(self, node: Node, part: tuple[int, int] | None) -> tuple[int, int, int]:
        """Line, column and length of a node or of a part of its text, 0-based."""
        if part is not None and (found := self._locate(node, *part)) is not None:
            return found
        if node.kind == "text" and node.line == node.end_line:
            return node.line, node.column, max(1, node.end_column - node.column)
        return node.line, node.column, 1

    def _locate(self, node: Node, start: int, length: int) -> tuple[int, int, int] | None:
        """Where a part of a scalar stands in the file: its text is looked for as it was written."""
        if not self.lines or node.end_line >= len(self.lines):
            return None
        raw, starts = self._raw(node)
        at = raw.find(node.text)
        if at >= 0 and node.text:
            at += start
        else:  # folded over lines, or escaped: the n-th occurrence of the part itself
            part = node.text[start : start + length]
            if not part:
                return None
            at = -1
            for _ in range(node.text[:start].count(part) + 1):
                at = raw.find(part, at + 1)
                if at < 0:
                    return None
        line = bisect.bisect_right(starts, at) - 1
        column = at - starts[line] + (node.column if line == 0 else 0)
        return node.line + line, column, max(1, length)

    def _raw(self, node: Node) -> tuple[str, list[int]]:
        """The raw text between the node's begin and end, and where in it each line begins."""
        lines = self.lines[node.line : node.end_line + 1]
        if node.line == node.end_line:
            lines = [lines[0][node.column : node.end_column]]
        else:
            lines = [lines[0][node.column :], *lines[1:-1], lines[-1][: node.end_column]]
        starts = [0]
        for line in lines[:-1]:
            starts.append(starts[-1] + len(line) + 1)
        return "\n".join(lines), starts


def parse(path: str, content: bytes) -> tuple[Source, Node | None]:
    """A file's nodes; None where it cannot be read, with the problem in the source."""
    source = Source(path)
    if len(content) > LARGEST:
        source.report(
            "SB602", Node("text"), f"the file has {len(content) // 1024} kB; {LARGEST // 1024} kB is the most"
        )
        return source, None
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start)
        source.report("SB601", Node("text", line=line), "the file is not UTF-8", remedy="save it as UTF-8")
        return source, None
    source = Source(path, text)
    try:
        return source, _compose(source, text)
    except _Refused:
        return source, None
    except yaml.YAMLError as error:
        fault = fault_of(source.lines, error)
        place = Node("text", line=fault.line, column=fault.column)
        place.end_line, place.end_column = fault.line, fault.column + fault.length
        source.report("SB601", place, f"this is not YAML: {fault.message}", remedy=fault.remedy)
        return source, None


class _Refused(Exception):
    """The file holds what flow files do without; the problem is noted."""


def _compose(source: Source, text: str) -> Node | None:
    loader: Any = _Loader(text)
    try:
        builder = _Builder(source, loader)
        root = None
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    builder.refuse(
                        event, "a second document in one file", "one file holds one flow; several stories are a list"
                    )
                root = builder.node(loader.get_event(), 0)
        if root is None or root.empty:
            source.report("SB605", Node("text"), "the file is empty")
            return None
        return root
    finally:
        loader.dispose()


class _Builder:
    def __init__(self, source: Source, loader: Any) -> None:
        self._source = source
        self._loader = loader

    def refuse(self, event: Any, what: str, remedy: str) -> None:
        at = event.start_mark
        node = Node("text", line=at.line, column=at.column, end_line=at.line, end_column=at.column + 1)
        self._source.report("SB602", node, f"{what} is not allowed here", remedy=remedy)
        raise _Refused

    def node(self, event: Any, depth: int) -> Node:
        if depth > _DEEPEST:
            self.refuse(event, f"more than {_DEEPEST} levels", "flows are flat: a list of steps")
        if isinstance(event, yaml.AliasEvent):
            self.refuse(event, "an alias (*)", "write the thing out again")
        if event.anchor is not None:
            self.refuse(event, "an anchor (&)", "texts that begin with & go into quotes")
        if event.tag is not None:
            self.refuse(event, "a tag (!)", "texts that begin with ! go into quotes")
        start: Any = event.start_mark
        end: Any = event.end_mark
        if isinstance(event, yaml.ScalarEvent):
            end_line, end_column = end.line, end.column
            if event.style in ("|", ">"):  # its end mark stands where the next thing begins
                end_line, end_column = self._source.last_line(start.line, end.line)
            return Node(
                "text", event.value, line=start.line, column=start.column, end_line=end_line, end_column=end_column,
                quoted=event.style in _QUOTES,
            )  # fmt: skip
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(event, depth)
        return self._map(event, depth)

    def _list(self, event: Any, depth: int) -> Node:
        found = Node("list", line=event.start_mark.line, column=event.start_mark.column)
        while not isinstance(item := self._loader.get_event(), yaml.SequenceEndEvent):
            found.items.append(self.node(item, depth + 1))
        mark: Any = item.end_mark
        found.end_line, found.end_column = mark.line, mark.column
        return found

    def _map(self, event: Any, depth: int) -> Node:
        found = Node("map", line=event.start_mark.line, column=event.start_mark.column)
        while not isinstance(item := self._loader.get_event(), yaml.MappingEndEvent):
            key = self.node(item, depth + 1)
            value = self.node(self._loader.get_event(), depth + 1)
            if key.kind != "text":
                self._source.report(
                    "SB606",
                    key,
                    "a name is expected before the colon",
                    remedy="quotes around texts that begin with { or [",
                )
            elif key.text in found.pairs:
                first = found.pairs[key.text][0]
                begins = key.text in ("ask", "say", "do", "id", "wait", "handoff")
                self._source.report(
                    "SB603", key, f'"{key.text}" stands twice here', note=f"the first is on line {first.line + 1}",
                    remedy=_twice(key.text, begins=begins),
                )  # fmt: skip
            else:
                found.pairs[key.text] = (key, value)
        mark: Any = item.end_mark
        found.end_line, found.end_column = mark.line, mark.column
        return found


def _twice(name: str, *, begins: bool) -> str:
    """What to do about a key that stands twice."""
    if begins:
        return f"a dash begins each step: - {name}: …"
    return "one of them is another language" if len(name) == 2 else "take one of them out"


def plain(node: Node) -> Any:
    """A node as texts, lists and dictionaries: what a flow is stored and hashed as."""
    if node.kind == "text":
        return node.text
    if node.kind == "list":
        return [plain(i) for i in node.items]
    return {k: plain(v) for k, (_, v) in node.pairs.items()}


def from_plain(value: Any) -> Node:
    """A node of what `plain` gave; it has no place."""
    if isinstance(value, list):
        return Node("list", items=[from_plain(v) for v in value])
    if isinstance(value, Mapping):
        return Node("map", pairs={k: (Node("text", k), from_plain(v)) for k, v in value.items()})
    return Node("text", str(value), quoted=value != "")


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, keys too."""
    yield node
    for key, value in node.pairs.values():
        yield key
        yield from walk(value)
    for below in node.items:
        yield from walk(below)
