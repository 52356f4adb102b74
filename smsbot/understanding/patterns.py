"""Keyword patterns: whole messages with holes, such as ``order {qty:int} {size}`` or ``note ...``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from smsbot.core.errors import RouteError
from smsbot.core.nearest import distance, nearest
from smsbot.core.question import KINDS, Question, parse_type

from .answers import Answer, Reading
from .kinds import VALUES, Kind
from .words import Token, signs_in, tokens

_PIECE = re.compile(r"\{([^{}]*)\}|\.\.\.|…|([^{}]+?)(?=\{|\.\.\.|…|$)")
_HOLE = re.compile(r"([a-z_][a-z0-9_]*)\s*(?::\s*([a-z_][a-z0-9_.]*\s*(?:\([^(){}]*\))?)\s*)?", re.IGNORECASE)
_GLUED = re.compile(r"[^\s\w{]*[\w{]")
"""More of a run of characters behind a hole."""
_MOST_WORDS = 14
"""Words of a value of a kind, such as a date."""
_MOST_READS = 60
"""Values of a kind that are looked for in one text by one pattern."""
_SPACE = re.compile(r"\s")
_INSIDE = frozenset(".,:/-–−")
"""Signs that make one number of two: 2.5, 10:30, 1/2."""
_OPENS, _CLOSES = frozenset("+@/_$€£~*&"), frozenset("+%$€£/_*")
"""Signs that belong to a run of characters at its beginning, and at its end; others there are punctuation."""

Read = Callable[[Question, str], Reading]
"""How a person's words are read as an answer of a kind."""

_REGULAR = (
    (
        re.compile(
            r"\\[dwsbDWSB]|\(\?|\[[^\]]*-[^\]]*\]|\[\^|\.[*+]|[\w)\]]\{\d+(,\d*)?\}|^\^[A-Za-z(\[]|[a-z)\]]{4}\$$"
        ),
        "pattern",
    ),
    (re.compile(r"\w\)?\|\(?\w"), "words"),
    (re.compile(r"\w\?\w|\w{2}\*$|(^|\s)\*$"), "wild"),
    (re.compile(r"<[a-z_]\w*>|\[[a-z_]\w*\]|(^|\s)[:$%][a-z_]\w*", re.IGNORECASE), "hole"),
)
_REMEDIES = {
    "pattern": "looks like a regular expression; write @bot.on(pattern=r\"...\") for one",
    "words": "has a | between words; give each as a keyword of its own: \"yes\", \"no\"",
    "wild": "looks like a wildcard; write ... at the end for the rest, {name} for one word",
    "hole": "has a hole that is written in another way; holes are {name}, {name:int} and ... at the end",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole of a pattern: its name, and what it takes."""

    name: str
    takes: str
    """``run``: characters without a space, as typed; ``glued``: one word, or one number, of a run that goes on;
    ``word``: a run of letters; ``int``: digits; ``kind``: an answer of a kind; ``rest``: all that follows."""
    question: Question | None = None
    convert: Callable[[Any], Any] | None = None
    """From an answer of its kind to the value."""
    wanted: Any = None
    """What type its value has, where that is known: a class, a Literal."""
    asked: str = ""
    """The name of its kind, until that is resolved."""

    @property
    def shape(self) -> tuple[Any, ...]:
        """What it takes, whatever it is called."""
        choices = tuple(self.question.choices.items()) if self.question else ()
        told = (
            (self.question.kind, self.question.low, self.question.high, self.question.pattern) if self.question else ()
        )
        return (self.takes, *told, choices, self.asked)


_REST = Hole("rest", "rest", wanted=str)
_ORDER = {"": 0, "int": 1, "kind": 2, "word": 3, "glued": 4, "run": 5, "rest": 6}
"""Which of two patterns is asked first: what takes least."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What the holes of a pattern took: the values, and the words as they were typed."""

    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


NOTHING = Taken()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: words to find, holes to fill, and whether the rest is taken."""

    source: str
    parts: tuple[str | Hole, ...]
    """Words, and holes between them."""

    @property
    def literal(self) -> tuple[str, ...] | None:
        """Its words if it has no holes."""
        words = tuple(p for p in self.parts if isinstance(p, str))
        return words if len(words) == len(self.parts) else None

    @property
    def signed(self) -> tuple[str, ...]:
        """Its words with the signs between them, which may tell it from another: ``c``, ``c #``."""
        return tuple(t.word for t in tokens(self.source, signs_in(self.source)))

    @property
    def gaps(self) -> tuple[Hole, ...]:
        """Its holes."""
        return tuple(p for p in self.parts if isinstance(p, Hole))

    @property
    def holes(self) -> tuple[str, ...]:
        """The names that a match fills; ``rest`` for ``...``."""
        return tuple(hole.name for hole in self.gaps)

    @property
    def shape(self) -> tuple[Any, ...]:
        """Its shape, whatever its holes are called: equal ones match the same."""
        return tuple(p if isinstance(p, str) else p.shape for p in self.parts)

    @property
    def takes_all(self) -> bool:
        """Whether it has no word of its own, and takes whatever people write, answers to questions too."""
        return all(isinstance(p, Hole) and p.takes in ("run", "glued", "word", "rest") for p in self.parts)

    @property
    def first(self) -> str | None:
        """The word it begins with; None if it begins with a hole."""
        return self.parts[0] if isinstance(self.parts[0], str) else None

    @property
    def order(self) -> tuple[int, ...]:
        """Patterns of one first word are asked in this order."""
        return tuple(_ORDER["" if isinstance(p, str) else p.takes] for p in self.parts)

    def resolved(self, named: Callable[[str], Kind[Any] | None] = lambda name: None) -> Pattern:
        """The same, its kinds known; `named` tells those that the bot's own code has. Raises `RouteError`."""
        parts = tuple(_of_kind(self.source, p, named) if isinstance(p, Hole) and p.asked else p for p in self.parts)
        return replace(self, parts=parts)

    def match(self, text: str, found: Sequence[Token], read: Read, *, typos: int = 0) -> Taken | None:
        """What the holes took of a text; None if it does not fit as a whole. With `typos`, one word may be misspelt."""
        return _Match(self, text, found, read, typos).result()


class _Match:
    """One try to fit a pattern to a text."""

    def __init__(self, pattern: Pattern, text: str, found: Sequence[Token], read: Read, typos: int) -> None:
        self.parts, self.text, self.found, self.read, self.typos = pattern.parts, text, found, read, typos
        self.taken: list[tuple[str, Any, str]] = []
        self.failed: set[tuple[int, int, int]] = set()
        """Part, word and typos from which it is known not to fit."""
        self.reads = 0

    def result(self) -> Taken | None:
        if not self.fits(0, 0, 0):
            return None
        return Taken({n: v for n, v, _ in self.taken}, {n: t for n, _, t in self.taken})

    def fits(self, part: int, at: int, wrong: int) -> bool:
        """Whether the parts from one on fit the words from one on."""
        if part == len(self.parts):
            return at == len(self.found) and wrong == min(self.typos, 1)
        if (part, at, wrong) in self.failed:
            return False
        wanted = self.parts[part]
        if isinstance(wanted, str):
            if at < len(self.found):
                off = self.misses(self.found[at].word, wanted)
                if wrong + off <= self.typos and self.fits(part + 1, at + 1, wrong + off):
                    return True
        else:
            for value, said, following in self.candidates(wanted, part, at):
                self.taken.append((wanted.name, value, said))
                if self.fits(part + 1, following, wrong):
                    return True
                self.taken.pop()
        self.failed.add((part, at, wrong))
        return False

    def misses(self, said: str, word: str) -> int:
        """0 for the word, 1 for the word with a letter wrong, more for another."""
        return 0 if said == word else 1 if self.typos and is_typo(said, word) else 2

    def candidates(self, hole: Hole, part: int, at: int) -> Iterator[tuple[Any, str, int]]:
        """What a hole may take from a word on: the value, the words as typed, and the word that follows."""
        if hole.takes == "rest":
            said = self.text[self.found[at].start :].strip() if at < len(self.found) else ""
            yield said, said, len(self.found)
            return
        if at >= len(self.found):
            return
        token = self.found[at]
        match hole.takes:
            case "int":
                if self.is_whole(at):
                    yield int(token.word), token.word, at + 1
            case "glued":
                said = self.text[token.start : token.end]
                yield said, said, at + 1
            case "kind":
                yield from self.answers(hole, part, at)
            case _:
                for said, following in self.runs(at):
                    words = (t.word for t in self.found[at:following])
                    if hole.takes == "run" or all(w.isalpha() for w in words):
                        yield said, said, following

    def is_whole(self, at: int) -> bool:
        """Whether a word is a whole number: no part of 2.5 or 10:30, and not below zero."""
        token, text = self.found[at], self.text
        if not token.word.isdecimal() or len(token.word) > 18:
            return False
        after, before = text[token.end : token.end + 2], text[max(token.start - 2, 0) : token.start]
        if len(after) == 2 and after[0] in _INSIDE and after[1].isdecimal():
            return False
        if before[-1:] in ("-", "−") and not before[:-1].strip():
            return False
        return not (len(before) == 2 and before[1] in _INSIDE and before[0].isdecimal())

    def start(self, at: int) -> int:
        """Where the characters without a space begin that a word stands in, behind the word before it."""
        least = self.found[at - 1].end if at else 0
        start = self.found[at].start
        while start > least and not self.text[start - 1].isspace():
            start -= 1
        return start

    def runs(self, at: int) -> Iterator[tuple[str, int]]:
        """The characters without a space from a word on, then those up to the first comma in them."""
        start, (end, following) = self.start(at), self.ends[at]
        yield _bare(self.text[start:end]), following
        comma = min((n for sign in ",;" if (n := self.text.find(sign, self.found[at].end, end)) >= 0), default=-1)
        if comma >= 0:
            after = next((n for n in range(at + 1, following) if self.found[n].start >= comma), following)
            yield _bare(self.text[start:comma]), after

    @cached_property
    def ends(self) -> Sequence[tuple[int, int]]:
        """Of each word, where the characters without a space end that it stands in, and the word behind them."""
        found: list[tuple[int, int]] = []
        for n in range(len(self.found) - 1, -1, -1):
            word, behind = self.found[n], self.found[n + 1] if n + 1 < len(self.found) else None
            until = behind.start if behind is not None else len(self.text)
            gap = _SPACE.search(self.text, word.end, until)
            if gap is not None:
                found.append((gap.start(), n + 1))
            else:
                found.append(found[-1] if behind is not None else (len(self.text), n + 1))
        return found[::-1]

    def answers(self, hole: Hole, part: int, at: int) -> Iterator[tuple[Any, str, int]]:
        """Words that are an answer of its kind, the most first."""
        assert hole.question is not None
        for following in self.spans(part, at):
            behind = self.found[following].start if following < len(self.found) else len(self.text)
            said = self.text[self.start(at) : min(self.ends[following - 1][0], behind)].strip()
            self.reads += 1
            read = self.read(hole.question, said) if self.reads <= _MOST_READS else None
            if isinstance(read, Answer) and not read.rest:
                value = hole.convert(read.value) if hole.convert is not None else read.value
                yield value, said, following

    def spans(self, part: int, at: int) -> Iterable[int]:
        """Where an answer that begins at a word may end: at one place, where what follows is a word for each part."""
        last = len(self.found)
        rest = self.parts[part + 1 :]
        if all(isinstance(p, str) or p.takes in ("int", "glued") for p in rest):
            return [last - len(rest)] if 0 < last - len(rest) - at <= _MOST_WORDS else []
        return range(min(last, at + _MOST_WORDS), at, -1)


def _bare(run: str) -> str:
    """A run of characters as typed, without punctuation around it and without what nobody sees."""
    run = run if run.isascii() else "".join(filter(_is_seen, run))
    first, last = 0, len(run)
    while first < last and not (run[first].isalnum() or run[first] in _OPENS):
        first += 1
    while last > first and not (run[last - 1].isalnum() or run[last - 1] in _CLOSES or _is_mark(run[last - 1])):
        last -= 1
    return run[first:last] or run


def _is_seen(char: str) -> bool:
    """Whether a character is seen, and not only around another: the frame of a keycap, zero-width characters."""
    return unicodedata.category(char) not in ("Cf", "Cc", "Me") and not "\ufe00" <= char <= "\ufe0f"


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Mc")


def compile_pattern(source: str) -> Pattern:
    """The pattern of a keyword; raises `RouteError` that says what is wrong with it.

    Kinds that only the bot's own code knows are left to `Pattern.resolved`.
    """
    for shape, remedy in _REGULAR:
        if shape.search(source):
            raise RouteError(f"the pattern {source!r} {_REMEDIES[remedy]}")
    parts: list[str | Hole] = []
    end = 0
    for piece in _PIECE.finditer(source):
        if piece.start() != end:
            break
        end = piece.end()
        if piece[2] is not None:
            parts += [token.word for token in tokens(piece[2])]
        elif piece[1] is None:
            parts.append(_REST)
        else:
            parts.append(_hole(source, piece[1], glued=_GLUED.match(source, end) is not None))
    if end != len(source):
        raise RouteError(f"the pattern {source!r} has a brace without its partner")
    if not parts and not signs_in(source):
        raise RouteError(f"the pattern {source!r} has no words to match")
    if _REST in parts[:-1]:
        raise RouteError(f"in the pattern {source!r} only the end can be ...")
    made = Pattern(source, tuple(parts))
    if len(made.holes) != len(set(made.holes)):
        raise RouteError(f"the pattern {source!r} has two holes of one name")
    return made


def _hole(source: str, inside: str, *, glued: bool) -> Hole:
    hole = _HOLE.fullmatch(inside.strip())
    if hole is None:
        raise RouteError(
            f"the hole {{{inside}}} in {source!r} is not a name; write {{name}} for one word, "
            "{name:int} for digits, or ... at the end for the rest"
        )
    name, kind = hole[1], (hole[2] or "").strip()
    if not kind:
        return Hole(name, "glued" if glued else "run", wanted=str)
    if kind.lower() == "int":
        return Hole(name, "int", wanted=int)
    if kind.lower() == "word":
        return Hole(name, "word", wanted=str)
    return Hole(name, "kind", asked=kind)


BUILT_IN_KINDS = tuple(k for k in KINDS if k not in ("choice", "media", "pattern", "text"))
"""The kinds that a hole may name in its pattern."""


def _of_kind(source: str, hole: Hole, named: Callable[[str], Kind[Any] | None]) -> Hole:
    """The hole, its kind known."""
    kind = named(hole.asked)
    if kind is not None:
        return replace(hole, question=kind.question, convert=kind.convert, wanted=kind.wanted, asked="")
    question = parse_type(hole.asked)
    if isinstance(question, Question) and question.kind in BUILT_IN_KINDS:
        return replace(hole, question=question, wanted=VALUES[question.kind], asked="")
    if isinstance(question, str) and hole.asked.partition("(")[0].strip() in BUILT_IN_KINDS:
        raise RouteError(f"the hole {{{hole.name}:{hole.asked}}} in {source!r}: {question}")
    near = nearest(hole.asked, ("int", "word", *BUILT_IN_KINDS))
    hint = f'did you mean "{near}"?' if near else f"kinds: int, word, {', '.join(BUILT_IN_KINDS)}"
    rest = "; for any text write ... at the end" if hole.asked.startswith(("text", "str")) else ""
    raise RouteError(f"the hole {{{hole.name}:{hole.asked}}} in {source!r} is of no kind that there is; {hint}{rest}")


def is_typo(said: str, word: str) -> bool:
    """Whether a word of five letters or more is meant, with one of them wrong."""
    return len(word) >= 5 and distance(said, word, most=1) == 1


def unread(question: Question, text: str) -> Reading:
    """Where nobody's words are read."""
    return None
