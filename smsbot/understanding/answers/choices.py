"""Yes and no, and the choices of a question."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from smsbot.core.question import Question
from smsbot.understanding.languages import Nearly, Phrases, Vocabulary, collapse, vocabulary
from smsbot.understanding.said import Said
from smsbot.understanding.words import Token, normalise, signs_of, telling

from . import positions
from .reading import ASKS, HEDGED, IDIOM, MORE, NEARLY, REFUSED_ONCE, SEVERAL, Answer, Reading, Unsure

_APOSTROPHES = "'’`´"
_LARGEST = 20
"""Choices up to here may be spelled as number words."""


def choices_of(written: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Choices by the normalised words that mean each; signs stand in them where only they tell two apart."""
    listed = {key: tuple(words) for key, words in written.items()}
    signs = telling({word: None for words in listed.values() for word in words})
    found = {key: [normalise(word, signs) for word in words] for key, words in listed.items()}
    return {key: tuple(dict.fromkeys(filter(None, words))) for key, words in found.items()}


def yes_no(question: Question, said: Said, known: Vocabulary) -> Reading:
    """Yes is True, no is False."""
    words = [_spoken(t, said, known) for t in said.bare]
    whole = known.yes_no.whole([t.word for t in said.words])  # "please do" is more than its "please"
    if whole is not None and not said.asks:
        return Answer(whole, literal=True)
    if known.unsure.whole(words) or known.unsure_inside.anywhere(words):
        return REFUSED_ONCE if words == ["no"] else IDIOM
    while len(words) > 1 and words[0] in known.leads:
        words = words[1:]
    read = _read(question, said, words, known.yes_no, known.core, known.nearly)
    if read is None and said.led:
        return MORE  # "ok 2": ok is an answer, but two is not
    return HEDGED if read is None and known.hedges.anywhere(words) else read


def _spoken(token: Token, said: Said, known: Vocabulary) -> str:
    """A word as it is looked up; a thumb down is "no" also where the word "no" means something else."""
    if token.word == "no" and token.end - token.start == 1:
        return "nope"
    return collapse(token.word, known.yes_no)


Choices = tuple[tuple[str, tuple[str, ...]], ...]


def choice(question: Question, said: Said, known: Vocabulary) -> Reading:
    """The key of a choice, by any of its words or its place in the list; digits may be spelled out."""
    choices = tuple((k, tuple(w)) for k, w in question.choices.items())
    table, nearly, unsigned = _table(choices, known.languages)
    words = _money_first([collapse(t.word, table) for t in said.bare])
    if unsigned and (read := _without_signs(question, said, words, unsigned)) is not None:
        return read
    named = ["number", *words] if "#" in said.text and said.signed.startswith("#") else words
    if table.whole(words) is None and (place := positions.place(named, known)) is not None:
        return _at_place(choices, place, said, known)
    read = _read(question, said, words, table, table, nearly)
    return HEDGED if read is None and known.hedges.anywhere(words) else read


def _at_place(choices: Choices, place: positions.Place, said: Said, known: Vocabulary) -> Reading:
    """The option at a place of the list, unless options have words for places of their own."""
    if any(positions.speaks(word.split(), known) for _, words in choices for word in words):
        return MORE
    if isinstance(place, Unsure):
        return place
    by_number = {word: key for key, words in choices for word in words if word.isdecimal()}
    listed = [key for key, _ in choices]
    if place < 0:
        found: str | None = listed[place]
    elif by_number:
        found = by_number.get(str(place))
    else:
        found = listed[place - 1] if place <= len(listed) else None
    return None if found is None else ASKS if said.asks else Answer(found)


def _without_signs(question: Question, said: Said, words: Sequence[str], unsigned: Phrases[frozenset[str]]) -> Reading:
    """A text that leaves out the signs by which options are told apart: "A" for A+ and A-."""
    keys = unsigned.whole(words)
    if keys is None:
        return None
    return SEVERAL if len(keys) > 1 else ASKS if said.asks else Answer(min(keys), literal=True)


def _money_first(words: list[str]) -> list[str]:
    """ "5 €" as "€ 5": people write either."""
    for i in range(len(words) - 1):
        if words[i].isdecimal() and unicodedata.category(words[i + 1][0]) == "Sc":
            words[i], words[i + 1] = words[i + 1], words[i]
    return words


@lru_cache(maxsize=512)
def _table(choices: Choices, languages: tuple[str, ...]) -> tuple[Phrases[str], Nearly, Phrases[frozenset[str]] | None]:
    """The choices by their words, their near misses, and by what is left of them without their signs."""
    known = vocabulary(languages)
    spelled: dict[str, list[str]] = {}
    for word, value in known.numbers.items():
        if value <= _LARGEST:
            spelled.setdefault(str(value), []).append(word)
    pairs = [(" ".join(_money_first(word.split())), key) for key, words in choices for word in words]
    pairs += [(other, key) for word, key in pairs for other in spelled.get(word, ())]
    signs = signs_of(dict(choices))
    table = Phrases(pairs, signs)
    joined = {"".join(w) for w in table}
    plain: dict[str, set[str]] = {}
    for words, key in table.items():
        plain.setdefault(" ".join(w for w in words if w not in signs), set()).add(key)
    without = [(p, frozenset(keys)) for p, keys in plain.items() if p and table.whole(p.split()) is None]
    nearly = Nearly(w for w in joined if len(w) >= 3 and not w.isdecimal())
    return table, nearly, Phrases(without) if signs else None


def _read(
    question: Question, said: Said, words: Sequence[str], table: Phrases[Any], inside: Phrases[Any], nearly: Nearly
) -> Reading:
    """Read the words as a choice: one thing, several, or one and more; `words` are the last of the text."""
    found, i = [], 0
    bare = said.bare[len(said.bare) - len(words) :]
    while i < len(words) and (hit := table.at(words, i)) is not None:
        found.append(hit[1])
        i += hit[0]
    if found and i == len(words):
        return ASKS if said.asks else Answer(found[0], literal=True) if len(set(found)) == 1 else SEVERAL
    rest = [inside.at(words, j) for j in range(i, len(words))]
    if found and question.tail and not said.asks and len({*found, *(hit[1] for hit in rest if hit)}) == 1:
        return Answer(found[0], said.text[bare[i].start :].strip(), literal=True)
    if i < len(words) and any(_inside(said.text, bare[j], words, j, inside) for j in range(len(words))):
        return MORE
    return NEARLY if nearly.find("".join(words)) is not None else None


def _inside(text: str, token: Token, words: Sequence[str], i: int, inside: Phrases[Any]) -> bool:
    """Whether a choice begins at a word; a letter that is part of an elided word ("l'", "'s") is none."""
    hit = inside.at(words, i)
    if hit is None or hit[0] > 1 or len(token.word) > 1:
        return hit is not None
    beside = (text[max(0, token.start - 1) : token.start], text[token.end : token.end + 1])
    return not any(sign and sign in _APOSTROPHES for sign in beside)
