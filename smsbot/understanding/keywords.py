"""The keywords of a bot, and what each leads to: found at once, or nearly so, or guessed at."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from smsbot.core.nearest import distance

from .patterns import NOTHING, Pattern, Read, Taken, is_typo, unread
from .said import without_filler
from .words import Token, signs_in, tokens

T = TypeVar("T")
_SHORTEST_GUESS, _LONG_WORD, _LONGEST_GUESS = 4, 7, 30
"""Letters of a keyword that may be guessed, of one that may have two wrong, and of a text that is guessed at."""


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
        self._forgiving_patterns: list[tuple[Pattern, T]] = []

    def add(self, pattern: Pattern, target: T, typos: int = 0) -> T | None:
        """Add a pattern; returns what the same words already lead to, in which case nothing is added.

        With `typos`, a word of five letters or more may have one letter wrong, also beside a hole.
        """
        words = pattern.literal
        if words is not None:
            return self._add_literal(words, pattern.signed, target, typos)
        rivals = self._by_first.setdefault(pattern.first, [])
        for rival, other in rivals:
            if rival.shape == pattern.shape:
                return other
        insort(rivals, (pattern, target), key=lambda rival: rival[0].order)
        if typos:
            self._forgiving_patterns.append((pattern, target))
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

    def find(
        self, text: str, found: Sequence[Token], read: Read = unread, *, named: bool = False
    ) -> tuple[T, Taken] | None:
        """The target of the whole text, and what its holes took; `read` reads those of a kind.

        With `named`, only by a pattern that has a word of its own.
        """
        target = self._literal(text, found)
        if target is not None:
            return target, NOTHING
        if not found:
            return None
        for first in (found[0].word, None):
            for pattern, other in self._by_first.get(first, ()):
                taken = pattern.match(text, found, read) if not named or not pattern.takes_all else None
                if taken is not None:
                    return other, taken
        return None

    def near(self, text: str, found: Sequence[Token], read: Read = unread) -> tuple[T, str, Taken] | None:
        """The target of a text with a typo, the keyword that was meant, and what its holes took.

        None if that is not one thing.
        """
        said = [t.word for t in found]
        hits = [(target, " ".join(words), NOTHING) for words, target in self._forgiving if _almost(said, words)]
        for pattern, target in self._forgiving_patterns:
            taken = pattern.match(text, found, read, typos=1)
            if taken is not None:
                hits.append((target, pattern.source, taken))
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


def _almost(said: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words are the same but for a letter in one of five letters or more."""
    if len(said) != len(words):
        return False
    wrong = [(a, b) for a, b in zip(said, words, strict=True) if a != b]
    return len(wrong) == 1 and is_typo(*wrong[0])
