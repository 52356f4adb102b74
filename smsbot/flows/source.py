"""A YAML file as nodes that know where they stand: every scalar a text, nothing guessed, nothing executed.

YAML 1.1 turns ``NO`` into False, ``19:30`` into 1170 and ``+48600100200`` into a number; here they stay what
was written, and the schema converts them. Anchors, aliases, tags and second documents are refused, so a file
costs what its size says.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from smsbot.core.nearest import nearest
from smsbot.core.problem import Place, Problem, Severity

from .pairs import unpaired

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
        """Whether a # that may belong to the text follows it directly, as in ``Call us #1``."""
        line = self.lines[node.end_line] if node.end_line < len(self.lines) else ""
        return re.match(r"\s*#[^\s#-]", line[node.end_column :]) is not None

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
        _explain(source, error)
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
                    remedy=f"a dash begins each step: - {key.text}: …" if begins else "",
                )  # fmt: skip
            else:
                found.pairs[key.text] = (key, value)
        mark: Any = item.end_mark
        found.end_line, found.end_column = mark.line, mark.column
        return found


_INDENTED = "this line is indented differently from its neighbours"
_PLAINER = {
    "could not find expected ':'": "a line without its colon, or a text that needs quotes",
    "mapping values are not allowed": "a colon inside a text needs quotes around the text",
    "did not find expected key": f"{_INDENTED}, or a quote or bracket is missing",
    "did not find expected '-' indicator": _INDENTED,
    "did not find expected ',' or": "a comma or a closing bracket is missing",
    "violates indentation": "a tab; YAML is indented with spaces",
    "found character that cannot start any token": "a tab, or a sign such as @, stands where a value begins",
    "found unexpected end of stream": "a quote without its partner",
    "did not find expected node content": "a value is missing",
    "did not find expected alphabetic": "a text that begins with * or & needs quotes",
    "block sequence entries are not allowed": "a list begins on a line of its own",
    "control characters are not allowed": "the file holds a control character",
}
_CLOSE = {
    "a quote": "close it on this line, or use the other kind of quotes for a text that holds one",
    "a bracket": "close it on this line: every { has its }, every [ its ]",
}
_KEY_LINE = re.compile(r"\s*(- )?[\w\"'{} -]+:(\s|$)")
_HERE = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r":\s+[@%`]", "a text that begins with such a sign goes into quotes"),
        (r":\s+'[^'\"]*\w'\w", "an apostrophe ends a text in single quotes: put it into double quotes"),
        (r"\bin\s+\[", "the whole expression goes into quotes: when: \"size in ['S', 'M']\""),
        ("\u00a0", "an invisible space stands in this line; type it anew"),
        (r"[\"'\w],\s*$", "no comma stands behind a value"),
        (r"(when|check):\s*>", "name what is compared: qty > 3"),
        (r"(when|set|check|do):\s*\{", "expressions have no braces: write when: qty > 3"),
        (r"^\s*-\w", "a space stands behind the dash: - ask: size"),
        (r"then:\s+\w+:\s", "answers stand in braces: then: {yes: STEP}, or each on a line of its own"),
        (r"(timeout|retry|remind):\s+\w+[^\"\'{]*,\s*\w+:", "several values stand in braces: {after: 1h, then: STEP}"),
        (r"\}\s*\}\s*$", "a closing bracket has no partner: there is one } too many"),
    )
)  # fmt: skip
"""What a line looks like that cannot be read, and how it is written."""
_BARE_KEY = re.compile(
    r"(\s*(?:- )?)(steps|asides|say|ask|start|flow|choices|defaults|timeout|retry|remind|then|goto|end|when|type|set|"
    r"do|save|wait|id|call|args|vars|words)(?=\s+[\"'\w{\[]|\s*=|\s*$)(?!\s*:)"
)
_NO_SPACE = re.compile(r"\s*(-[^\s-]|(- )?\w+:[^\s/])")


def _explain(source: Source, error: yaml.YAMLError) -> None:
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if "unexpected end of stream" in said:
        mark = getattr(error, "context_mark", None) or mark
    line, column = (mark.line, mark.column) if mark is not None else _of_character(source, error)
    line = min(line, len(source.lines) - 1)
    if (open_ := unpaired(source.lines)) is not None and open_[0] <= line:
        at, column, what = open_
        node = Node("text", line=at, column=column, end_line=at, end_column=column + 1)
        source.report("SB601", node, f"this is not YAML: {what} without its partner", remedy=_CLOSE[what])
        return
    if (bare := _without_colon(source.lines, line)) is not None:
        at, column, name = bare
        node = Node("text", line=at, column=column, end_line=at, end_column=column + len(name))
        source.report("SB601", node, f'this is not YAML: no colon stands behind "{name}"', remedy=f"write {name}:")
        return
    plainer, remedy = next((v for k, v in _PLAINER.items() if k in said), said), ""
    if "mapping values" in said or "could not find expected" in said:
        line, column, plainer, remedy = _misplaced(source, line, column, plainer)
    elif re.search(r":\s+[\[{]", source.lines[line][: column + 1]):
        remedy = "a text that begins with { or [ goes into quotes"
    said_here = next((words for pattern, words in _HERE if pattern.search(source.lines[line])), "")
    node = Node("text", line=line, column=column, end_line=line, end_column=column + 1)
    source.report("SB601", node, f"this is not YAML: {plainer}", remedy=said_here or remedy)


def _without_colon(lines: Sequence[str], line: int) -> tuple[int, int, str] | None:
    """The nearest line above, or this one, that begins as a key does, without its colon."""
    for number in range(min(line, len(lines) - 1), max(line - 4, -1), -1):
        hit = _BARE_KEY.match(lines[number])
        if hit is not None:
            return number, hit.start(2), hit[2]
    return None


def _misplaced(source: Source, line: int, column: int, plainer: str) -> tuple[int, int, str, str]:
    """A colon where none may be: a space is missing above, the line is out of line, or a text needs quotes."""
    above = next((i for i in range(line - 1, -1, -1) if source.lines[i].strip()), -1)
    if above >= 0 and _NO_SPACE.match(source.lines[above]):
        start = len(source.lines[above]) - len(source.lines[above].lstrip())
        return above, start, "a space is missing behind the dash or the colon", "write - say: hello"
    text = source.lines[line]
    start = len(text) - len(text.lstrip())
    if _KEY_LINE.match(text) and ":" not in text[:column]:
        return line, start, _INDENTED, "the keys of a step stand exactly below each other"
    return line, column, plainer, 'write say: "At 5: come"'


def _of_character(source: Source, error: yaml.YAMLError) -> tuple[int, int]:
    """Where the reader met a character that YAML forbids."""
    bad = getattr(error, "character", None)
    char = chr(bad) if isinstance(bad, int) else str(bad)
    for number, line in enumerate(source.lines):
        if char in line:
            return number, line.index(char)
    return 0, 0


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
