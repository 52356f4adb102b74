"""The words that people text, by language: words and patterns as data, one TOML file a language.

A `Vocabulary` is what several languages together know; English is always among them, since people mix it in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

from smsbot.core.nearest import distance
from smsbot.understanding.words import normalise

T = TypeVar("T")
CODES = ("en", "pl", "fr", "es", "de", "it", "nl", "pt")
"""The languages of which something is known, as ISO 639-1 codes."""
UNDERSTOOD = ("en", "pl", "fr", "es")
"""Those in which answers are understood."""
_REPEATED = re.compile(r"([a-z])\1{2,}")


class Phrases(Generic[T]):
    """Phrases of one or more folded words, and what each means."""

    def __init__(self, meanings: Iterable[tuple[str, T]], signs: frozenset[str] = frozenset()) -> None:
        self._whole: dict[tuple[str, ...], T] = {}
        for phrase, meaning in meanings:
            words = tuple(normalise(phrase, signs).split())
            if words:
                self._whole.setdefault(words, meaning)
        self._lengths: dict[str, list[int]] = {}
        for words in self._whole:
            lengths = self._lengths.setdefault(words[0], [])
            if len(words) not in lengths:
                lengths.append(len(words))
        for lengths in self._lengths.values():
            lengths.sort(reverse=True)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self._whole)

    def items(self) -> Iterable[tuple[tuple[str, ...], T]]:
        """The phrases, word by word, and what each means."""
        return self._whole.items()

    def whole(self, words: Sequence[str]) -> T | None:
        """The meaning of the words as a whole."""
        return self._whole.get(tuple(words))

    def at(self, words: Sequence[str], i: int) -> tuple[int, T] | None:
        """The longest phrase that begins at a word: how many words it has, and what it means."""
        for length in self._lengths.get(words[i], ()):
            meaning = self._whole.get(tuple(words[i : i + length]))
            if meaning is not None and i + length <= len(words):
                return length, meaning
        return None

    def anywhere(self, words: Sequence[str]) -> T | None:
        """The meaning of the first phrase among the words."""
        for i, word in enumerate(words):
            if word in self._lengths and (hit := self.at(words, i)) is not None:
                return hit[1]
        return None

    def count(self, words: Sequence[str]) -> int:
        """How many phrases stand among the words, none inside another."""
        found = i = 0
        while i < len(words):
            hit = self.at(words, i) if words[i] in self._lengths else None
            found += hit is not None
            i += hit[0] if hit is not None else 1
        return found

    def ending(self, words: Sequence[str]) -> int:
        """How many words the longest phrase has that the words end with; 0 if there is none."""
        for length in range(min(4, len(words)), 0, -1):
            if tuple(words[-length:]) in self._whole:
                return length
        return 0


class Nearly:
    """Spellings one edit away from known ones (a letter added, dropped, changed, or two neighbours swapped)."""

    def __init__(self, known: Iterable[str]) -> None:
        self._by_rest: dict[str, list[str]] = {}
        for word in known:
            for rest in _rests(word):
                self._by_rest.setdefault(rest, []).append(word)

    def find(self, said: str, most: int = 24) -> str | None:
        """A known spelling that was probably meant; None for what is longer than `most`."""
        if len(said) > most:
            return None
        for rest in _rests(said):
            for word in self._by_rest.get(rest, ()):
                if distance(said, word, 1) <= 1:
                    return word
        return None


def _rests(word: str) -> Iterator[str]:
    """A word, and the word without each of its letters: two words one edit apart share one of these."""
    yield word
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]


def collapse(word: str, known: Mapping[Any, Any] | Iterable[Any]) -> str:
    """A drawn-out word as it is spelled: "yesss" is "yes", "coolll" is "cool" where that is known."""
    if len(word) < 3 or _REPEATED.search(word) is None:
        return word
    once, twice = _REPEATED.sub(r"\1", word), _REPEATED.sub(r"\1\1", word)
    return twice if (twice,) in known else once


@cache
def language(code: str) -> Mapping[str, Any]:
    """A language's file."""
    found = files(__package__).joinpath(f"{code}.toml").read_text(encoding="utf-8")
    return tomllib.loads(found)


def entries(section: str, key: str, codes: Iterable[str] = CODES) -> list[Any]:
    """The entries of a list of a section, of some languages."""
    return [entry for code in codes for entry in language(code).get(section, {}).get(key, ())]


def is_understood(code: str) -> bool:
    """Whether answers in a language are understood."""
    return code in UNDERSTOOD


def says(key: str, code: str | None) -> str:
    """A text of ours in a language, else in English."""
    own = language(code).get("says", {}) if code in CODES else {}
    return str(own.get(key) or language("en")["says"][key])


@cache
def by_country() -> Mapping[str, tuple[str, ...]]:
    """country → the languages of its people, the first mentioned first."""
    found: dict[str, tuple[str, ...]] = {}
    for code in CODES:
        for country in language(code)["countries"]:
            found[country] = (*found.get(country, ()), code)
    return found


@lru_cache(maxsize=256)
def languages_of(country: str | None, own: str | None = None) -> tuple[str, ...]:
    """The languages that a person probably writes, likeliest first: their own, the country's, English; else all."""
    known = [c for c in (own, *by_country().get(country or "", ())) if c in UNDERSTOOD]
    return tuple(dict.fromkeys((*known, "en"))) if known else UNDERSTOOD


@lru_cache(maxsize=1024)
def language_of(text: str) -> str | None:
    """The language that a text of ours is in, by its small words and its letters; None if they do not tell."""
    words, letters = normalise(text).split(), text.lower()
    counts = {c: sum(w in signs for w in words) + sum(letters.count(x) for x in own) for c, signs, own in _signs()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] and sorted(counts.values())[-2] < counts[best] else None


def spoken(prompt: str, language: str | None, usual: str | None = None) -> str | None:
    """The language that a question is shown to be answered in; None where only the country is left to tell.

    `language` is the person's, else that which the bot or flow names; then that of the prompt counts, and then the
    `usual` one of the bot's other texts.
    """
    return language or (language_of(prompt) if prompt else None) or usual


@cache
def _signs() -> tuple[tuple[str, frozenset[str], str], ...]:
    """By language: words that only it has, and letters."""
    own = {code: set(language(code)["signs"]) for code in UNDERSTOOD}
    more = {code: _everyday(code) for code in UNDERSTOOD}
    for code in UNDERSTOOD:
        others = set().union(*(own[c] | more[c] for c in UNDERSTOOD if c != code))
        own[code] |= more[code] - others
    return tuple((code, frozenset(own[code]), str(language(code).get("letters", ""))) for code in UNDERSTOOD)


def _everyday(code: str) -> set[str]:
    """Single words for yes and no, numbers, days and months."""
    found = [*entries("yes_no", "yes", (code,)), *entries("yes_no", "no", (code,)), *language(code).get("numbers", {})]
    found += [
        name for key in ("months", "weekdays") for names in entries("dates", key, (code,)) for name in names.split()
    ]
    words = (normalise(w) for w in found)
    return {w for w in words if len(w) > 3 and " " not in w}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The vocabulary of answers that several languages together have."""

    languages: tuple[str, ...]
    yes_no: Phrases[bool]
    """Yes and no as whole texts."""
    core: Phrases[bool]
    """Those that count inside a longer text as well."""
    unsure: Phrases[bool]
    """Phrases that sound like an answer and are none, as whole texts."""
    unsure_inside: Phrases[bool]
    """Those of several words, which count inside a longer text."""
    leads: frozenset[str]
    """Words that mean nothing before an answer."""
    nearly: Nearly
    hedges: Phrases[bool]
    about: Phrases[bool]
    no_noun: frozenset[str]
    """Words that are no counted noun behind a number."""
    numbers: Mapping[str, int]
    number_phrases: Phrases[int]
    joins: frozenset[str]
    """Words that may stand between the words of a number."""
    sets: Mapping[str, int]
    """Exact sets that are counted: a dozen."""
    fractions: Phrases[str]
    """Fractions as decimals; "?" where decimals cannot say them."""
    minus: frozenset[str]
    nearly_numbers: Nearly
    places: Phrases[int]
    """Places in a list: "the second" is 2, "the last" -1."""
    place_leads: Phrases[bool]
    """Words that stand before the number of a place: "number", "option"."""
    place_before: frozenset[str]
    place_after: frozenset[str]


@cache
def vocabulary(languages: tuple[str, ...], shown: bool = True) -> Vocabulary:
    """The vocabulary of some languages; the first is the person's own, and where two disagree, it is right.

    Where it is not `shown` to be, what means yes or no in any of them is not doubtful.
    """

    def phrases(section: str, key: str, value: T) -> list[tuple[str, T]]:
        return [(p, value) for p in entries(section, key, languages)]

    sure = languages[:1] if shown else languages
    own = {tuple(normalise(p).split()) for key in ("yes", "no") for p in entries("yes_no", key, sure)}
    doubtful = {tuple(normalise(p).split()) for p in entries("yes_no", "unsure", languages)} - own
    unsure = Phrases((" ".join(words), True) for words in doubtful)
    meanings = [*phrases("yes_no", "yes", True), *phrases("yes_no", "no", False)]
    kept = [(p, m) for p, m in meanings if tuple(normalise(p).split()) not in doubtful]  # Polish "no" is no "no"
    core = {tuple(normalise(p).split()) for p in entries("yes_no", "core", languages)}
    numbers = {normalise(w): v for code in languages for w, v in language(code).get("numbers", {}).items()}
    for word in entries("number_words", "foreign", languages):
        numbers.pop(word, None)
    alone = [
        (p, int(v)) for p, _, v in (e.partition("=") for e in entries("number_words", "alone", languages))
    ]  # fmt: skip
    return Vocabulary(
        languages,
        yes_no=Phrases(kept),
        core=Phrases((p, m) for p, m in kept if tuple(normalise(p).split()) in core),
        unsure=unsure,
        unsure_inside=Phrases((" ".join(words), True) for words in unsure if len(words) > 1),
        leads=frozenset(normalise(w) for w in entries("yes_no", "leads", languages)),
        nearly=Nearly(w for p, _ in kept if len(w := "".join(normalise(p).split())) >= 3),
        hedges=Phrases(phrases("doubt", "hedges", True)),
        about=Phrases(phrases("doubt", "about", True)),
        no_noun=frozenset(
            w for p in entries("doubt", "no_noun", languages) if len(n := normalise(p).split()) == 1 for w in n
        ),
        numbers=numbers,
        number_phrases=Phrases(alone),
        joins=frozenset(entries("number_words", "joins", languages)),
        sets={
            normalise(w): int(v) for w, _, v in (e.partition("=") for e in entries("number_words", "sets", languages))
        },
        fractions=Phrases(
            (w, v) for w, _, v in (e.partition("=") for e in entries("number_words", "fractions", languages))
        ),
        minus=frozenset(normalise(w) for w in entries("number_words", "minus", languages)),
        nearly_numbers=Nearly(w for w in numbers if len(w) >= 3),
        places=Phrases((p, int(v)) for p, _, v in (e.partition("=") for e in entries("places", "words", languages))),
        place_leads=Phrases(phrases("places", "leads", True)),
        place_before=frozenset(normalise(w) for w in entries("places", "before", languages)),
        place_after=frozenset(normalise(w) for w in entries("places", "after", languages)),
    )
