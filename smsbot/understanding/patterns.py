"""Keyword patterns: whole messages with holes, such as ``order {qty:int} {size}`` or ``note ...``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from smsbot.core.errors import RouteError
from smsbot.core.nearest import distance

from .said import without_filler
from .words import Token, signs_in, tokens

_PIECE = re.compile(r"\{([^{}]*)\}|\.\.\.|…|([^{}]+?)(?=\{|\.\.\.|…|$)")
_HOLE = re.compile(r"([a-z_][a-z0-9_]*)(?::(int|word))?", re.IGNORECASE)
_ONE, _INT, _REST = "word", "int", "..."
_SHORTEST_GUESS, _LONG_WORD, _LONGEST_GUESS = 4, 7, 30
"""Letters of a keyword that may be guessed, of one that may have two wrong, and of a text that is guessed at."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: words to find, holes to fill, and whether the rest is taken."""

    source: str
    parts: tuple[tuple[str, str], ...]
    """(kind, value): ``("=", word)``, ``("word", name)``, ``("int", name)`` or ``("...", "rest")``."""

    @property
    def literal(self) -> tuple[str, ...] | None:
        """Its words if it has no holes."""
        return tuple(v for _, v in self.parts) if all(kind == "=" for kind, _ in self.parts) else None

    @property
    def signed(self) -> tuple[str, ...]:
        """Its words with the signs between them, which may tell it from another: ``c``, ``c #``."""
        return tuple(t.word for t in tokens(self.source, signs_in(self.source)))

    @property
    def holes(self) -> tuple[str, ...]:
        """The names that a match fills; ``rest`` for ``...``."""
        return tuple(name for kind, name in self.parts if kind != "=")

    @property
    def shape(self) -> tuple[tuple[str, str], ...]:
        """Its shape, whatever its holes are called: equal ones match the same."""
        return tuple((kind, value if kind == "=" else "") for kind, value in self.parts)

    @property
    def first(self) -> str | None:
        """The word it begins with; None if it begins with a hole."""
        kind, value = self.parts[0]
        return value if kind == "=" else None

    def match(self, text: str, found: Sequence[Token]) -> Mapping[str, Any] | None:
        """The values that the holes took from the text's tokens; None if it does not fit as a whole."""
        values: dict[str, Any] = {}
        for i, (kind, name) in enumerate(self.parts):
            if kind == _REST:
                values["rest"] = text[found[i].start :].strip() if i < len(found) else ""
                return values
            if i >= len(found):
                return None
            token = found[i]
            if kind == "=" and token.word != name:
                return None
            if kind == _INT:
                if not token.word.isdecimal() or len(token.word) > 18:
                    return None
                values[name] = int(token.word)
            elif kind == _ONE:
                values[name] = text[token.start : token.end]
        return values if len(found) == len(self.parts) else None


def compile_pattern(source: str) -> Pattern:
    """The pattern of a keyword; raises `RouteError` that says what is wrong with it."""
    parts: list[tuple[str, str]] = []
    end = 0
    for piece in _PIECE.finditer(source):
        if piece.start() != end:
            break
        end = piece.end()
        if piece[2] is not None:
            parts += [("=", token.word) for token in tokens(piece[2])]
        elif piece[1] is None:
            parts.append((_REST, "rest"))
        else:
            parts.append(_hole(source, piece[1]))
    if end != len(source):
        raise RouteError(f"the pattern {source!r} has a brace without its partner")
    if not parts and not signs_in(source):
        raise RouteError(f"the pattern {source!r} has no words to match")
    if (_REST, "rest") in parts[:-1]:
        raise RouteError(f"in the pattern {source!r} only the end can be ...")
    names = [name for kind, name in parts if kind != "="]
    if len(names) != len(set(names)):
        raise RouteError(f"the pattern {source!r} has two holes of one name")
    return Pattern(source, tuple(parts))


def _hole(source: str, inside: str) -> tuple[str, str]:
    hole = _HOLE.fullmatch(inside.strip())
    if hole is None:
        raise RouteError(
            f"the hole {{{inside}}} in {source!r} is not a name; write {{name}} for one word, "
            "{name:int} for digits, or ... at the end for the rest"
        )
    return (hole[2] or _ONE, hole[1])


def _almost(said: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words are the same but for a letter in one of five letters or more."""
    if len(said) != len(words):
        return False
    wrong = [(a, b) for a, b in zip(said, words, strict=True) if a != b]
    return len(wrong) == 1 and len(wrong[0][1]) >= 5 and distance(*wrong[0], most=1) == 1


T = TypeVar("T")


class Keywords(Generic[T]):
    """Patterns and what they lead to; a look-up costs the same for two keywords or two hundred."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, ...], T] = {}
        """By their words and signs."""
        self._spellings: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        """words → the keywords that differ only by their signs."""
        self._signs: frozenset[str] = frozenset()
        """The signs that tell keywords apart."""
        self._by_first: dict[str | None, list[tuple[Pattern, T]]] = {}
        self._forgiving: list[tuple[tuple[str, ...], T]] = []

    def add(self, pattern: Pattern, target: T, typos: int = 0) -> T | None:
        """Add a pattern; returns what the same words already lead to, in which case nothing is added.

        With `typos`, a word of five letters or more may have one letter wrong (patterns with holes may not).
        """
        words = pattern.literal
        if words is not None:
            return self._add_literal(words, pattern.signed, target, typos)
        rivals = self._by_first.setdefault(pattern.first, [])
        for rival, other in rivals:
            if rival.shape == pattern.shape:
                return other
        rivals.append((pattern, target))
        return None

    def _add_literal(self, words: tuple[str, ...], signed: tuple[str, ...], target: T, typos: int) -> T | None:
        if signed in self._exact:
            return self._exact[signed]
        self._exact[signed] = target
        rivals = self._spellings.setdefault(words, [])
        rivals.append(signed)
        if len(rivals) > 1 or not words:
            self._signs = self._signs.union(*map(signs_in, map("".join, rivals)))
        if typos and words:
            self._forgiving.append((words, target))
        return None

    def _literal(self, text: str, found: Sequence[Token]) -> T | None:
        """The target of a text without holes: by its words, or by its signs where only those tell it apart."""
        rivals = self._spellings.get(tuple(t.word for t in found), ()) if found else ()
        if len(rivals) == 1:
            return self._exact[rivals[0]]
        if not self._signs or not (rivals or self._signs & signs_in(text)):
            return None
        return self._exact.get(tuple(t.word for t in without_filler(tokens(text, self._signs))))

    def find(self, text: str, found: Sequence[Token]) -> tuple[T, Mapping[str, Any]] | None:
        """The target of the whole text, and the values that its holes took."""
        target = self._literal(text, found)
        if target is not None:
            return target, {}
        if not found:
            return None
        for first in (found[0].word, None):
            for pattern, other in self._by_first.get(first, ()):
                values = pattern.match(text, found)
                if values is not None:
                    return other, values
        return None

    def near(self, found: Sequence[Token]) -> tuple[T, str] | None:
        """The target of a text with a typo, and the keyword that was meant; None if that is not one thing."""
        said = [t.word for t in found]
        hits = [(target, " ".join(words)) for words, target in self._forgiving if _almost(said, words)]
        return hits[0] if len(hits) == 1 else None

    def meant(self, found: Sequence[Token]) -> tuple[T, str] | None:
        """The probable target of a near miss, to be asked, not taken: one edit off, two for seven letters or more.

        Spaces do not count; keywords of less than four letters are never guessed.
        """
        said = "".join(t.word for t in found)
        best: tuple[int, T, str] | None = None
        for words, rivals in self._spellings.items() if len(said) <= _LONGEST_GUESS else ():
            meant, target = "".join(words), self._exact[rivals[0]]
            most = 0 if len(meant) < _SHORTEST_GUESS else 2 if len(meant) >= _LONG_WORD else 1
            if not most or len(rivals) > 1 or abs(len(meant) - len(said)) > most:
                continue
            edits = distance(said, meant, most)
            if edits <= most and (best is None or edits < best[0]):
                best = (edits, target, " ".join(words))
        return best[1:] if best is not None else None

    def words(self) -> Iterable[str]:
        """The keywords without holes, for suggestions."""
        return (" ".join(words) for words in self._spellings if words)
