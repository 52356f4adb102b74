"""A file that is no YAML: where the mistake stands, which is rarely where the reader gives up, and what to write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import yaml

from .pairs import unpaired
from .repairs import CURLED
from .schema import FLOW, STEP


class Fault(NamedTuple):
    """What is wrong: line and column, from 0, how long it is, and what to write instead."""

    line: int
    column: int
    length: int
    message: str
    remedy: str = ""


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
_KEY = re.compile(r"(\s*)(- )?([\w-]+)\s*:(\s|$)")
_HERE = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r":\s+[@%`]", "a text that begins with such a sign goes into quotes"),
        (r":\s+(\"[^\"]*\"|'[^']*')\s*\+", "values stand in the text itself: say: \"Hello {name}\""),
        (r":\s+'[^'\"]*\w'\w", "an apostrophe ends a text in single quotes: put it into double quotes"),
        (r":\s+\"[^\"]*\"[^\s,}\]#]", "a quote inside a text in quotes ends it: use the other kind inside"),
        (r"\bin\s+\[", "the whole expression goes into quotes: when: \"size in ['S', 'M']\""),
        ("\t", "write spaces instead of the tab"),
        ("\u00a0", "an invisible space stands in this line; type it anew"),
        (r"[\"'\w\]}]\s*[,;]\s*$", "no comma stands behind a value"),
        (r"(when|check):\s*>", "name what is compared: qty > 3"),
        (r"(when|set|check|do):\s*\{", "expressions have no braces: write when: qty > 3"),
        (r"^\s*-\w", "a space stands behind the dash: - ask: size"),
        (r"^\s*[\w-]+\s*=", "a colon stands behind a name: say: …"),
        (r"then:\s+\w+:\s", "answers stand in braces: then: {yes: STEP}, or each on a line of its own"),
        (r"(timeout|retry|remind):\s+\w+[^\"\'{]*,\s*\w+:", "several values stand in braces: {after: 1h, then: STEP}"),
        (r"\}\s*\}\s*$", "a closing bracket has no partner: there is one } too many"),
        (r"[\"'][^\"',]*[\"']\s+[\"'\w]", "a comma stands between the entries of a list"),
        (r":\s+(\"[^\"]*\"|'[^']*')\s+\S", "what stands behind the closing quote belongs into the quotes"),
    )
)  # fmt: skip
"""What a line looks like that cannot be read, and how it is written."""
_BARE_KEY = re.compile(
    r"(\s*(?:- )?)(steps|asides|say|ask|start|flow|choices|defaults|timeout|retry|remind|then|goto|end|when|type|set|"
    r"do|save|wait|id|call|args|vars|words)(?=\s+[\"'\w{\[]|\s*=|\s*$)(?!\s*:)"
)
_NO_SPACE = re.compile(r"\s*(-[^\s-]|(- )?\w+:[^\s/])")
_NO_COMMENT = re.compile(r"\s*(//|/\*|<!--|;|--\s|\*\s|REM\s)|.*[\"'\w\]})]\s+(//|/\*|<!--)\s")
_MAPS = ("anywhere", "defaults", "start", "vars", "set", "args", "then", "choices", "timeout", "retry", "remind")
"""Keys whose names stand below them without dashes."""


def fault_of(lines: Sequence[str], error: yaml.YAMLError) -> Fault:
    """The mistake behind what the reader of YAML says."""
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if "unexpected end of stream" in said:
        mark = getattr(error, "context_mark", None) or mark
    line, column = (mark.line, mark.column) if mark is not None else _of_character(lines, error)
    line = min(line, len(lines) - 1)
    return (
        _comment(lines, line)
        or _open(lines, line)
        or _without_colon(lines, line)
        or _dashed(lines, line)
        or _reader_says(lines, line, column, said)
    )


def _comment(lines: Sequence[str], line: int) -> Fault | None:
    """A remark as other languages write it."""
    for number in range(line, max(line - 3, -1), -1):
        hit = _NO_COMMENT.match(lines[number])
        if hit is not None and (hit[1] or number == line):
            sign = hit[1] or hit[2]
            at = hit.start(1) if hit[1] else hit.start(2)
            return Fault(number, at, len(sign), f"{sign.strip()} begins no comment", "write # before it")
    return None


def _open(lines: Sequence[str], line: int) -> Fault | None:
    """A quote or a bracket that nothing closes."""
    if (found := unpaired(lines)) is None or found[0] > line:
        return None
    at, column, what = found
    return Fault(at, column, 1, f"{what} without its partner", _CLOSE[what])


def _without_colon(lines: Sequence[str], line: int) -> Fault | None:
    """The nearest line above, or this one, that begins as a key does, without its colon."""
    for number in range(line, max(line - 4, -1), -1):
        hit = _BARE_KEY.match(lines[number])
        if hit is not None:
            message = f'no colon stands behind "{hit[2]}"'
            return Fault(number, hit.start(2), len(hit[2]), message, f"write {hit[2]}:")
    return None


def _dashed(lines: Sequence[str], line: int) -> Fault | None:
    """A dash before the first name of a map, with names below it that have none."""
    here, at = _KEY.match(lines[line]), line - 1
    while here is not None and not here[2] and at > 0:
        above, key = _KEY.match(lines[at]), _KEY.match(lines[at - 1])
        dashed = above is not None and above[2] and above[1] == here[1]
        if dashed and key is not None and key[3] in _MAPS and len(key[1]) < len(here[1]):
            place = len(here[1])
            return Fault(at, place, 1, f"what stands below {key[3]}: begins with no dash", "take the dash out")
        if not lines[at].strip() or (above is not None and len(above[1]) < len(here[1])):
            break
        at -= 1
    return None


def _reader_says(lines: Sequence[str], line: int, column: int, said: str) -> Fault:
    text, remedy = lines[line], ""
    plainer = next((v for k, v in _PLAINER.items() if k in said), said)
    if "mapping values" in said or "could not find expected" in said:
        line, column, plainer, remedy = _misplaced(lines, line, column, plainer)
    elif re.search(r"[\[,]\s*[^\"'\[\],:]*\w\s*\{", text[: column + 1]):
        remedy = 'a text that holds { goes into quotes: "book {people:int}"'
    elif re.search(r":\s+[\[{]", text[: column + 1]):
        remedy = "a text that begins with { or [ goes into quotes"
    elif plainer.startswith(_INDENTED) and (key := _KEY.match(text)) is not None:
        remedy = _indented(lines, line, key)
    here = next((words for pattern, words in _HERE if pattern.search(lines[line])), "")
    return Fault(line, column, 1, plainer, here or remedy)


def _indented(lines: Sequence[str], line: int, key: re.Match[str]) -> str:
    """How far to the right a key belongs."""
    name = key[3]
    if name in FLOW and name not in STEP and key[1]:
        return f"{name}: stands at the beginning of its line"
    above = next((lines[i] for i in range(line - 1, -1, -1) if lines[i].strip()), "")
    beside = re.match(r"(\s*)(- )?", above)
    if name in STEP and beside is not None:
        return f"write {name}: with {len(beside[0])} spaces before it, as the keys of its step above"
    return "names that belong together stand exactly below each other"


def _misplaced(lines: Sequence[str], line: int, column: int, plainer: str) -> tuple[int, int, str, str]:
    """A colon where none may be: a space is missing above, the line is out of line, or a text needs quotes."""
    above = next((i for i in range(line - 1, -1, -1) if lines[i].strip()), -1)
    if above >= 0 and _NO_SPACE.match(lines[above]):
        start = len(lines[above]) - len(lines[above].lstrip())
        spaced = re.sub(r"^-(?=\S)", "- ", re.sub(r"^((?:- )?\w+):(?=\S)", r"\1: ", lines[above].strip()))
        return above, start, "a space is missing behind the dash or the colon", f"write {spaced[:60]}"
    text = lines[line]
    start = len(text) - len(text.lstrip())
    if _KEY_LINE.match(text) and ":" not in text[:column]:
        return line, start, _INDENTED, "the keys of a step stand exactly below each other"
    whole = re.match(r"\s*(?:- )?([\w-]+):\s+([^\"'{\[].*\S)\s*$", text)
    said = whole[2].strip(CURLED) if whole is not None else ""
    written = f'{whole[1]}: "{said}"' if whole is not None and '"' not in whole[2] else 'say: "At 5: come"'
    return line, column, plainer, f"write {written[:90]}"


def _of_character(lines: Sequence[str], error: yaml.YAMLError) -> tuple[int, int]:
    """Where the reader met a character that YAML forbids."""
    bad = getattr(error, "character", None)
    char = chr(bad) if isinstance(bad, int) else str(bad)
    for number, line in enumerate(lines):
        if char in line:
            return number, line.index(char)
    return 0, 0
