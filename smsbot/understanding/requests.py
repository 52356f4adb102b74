"""Plain requests to get no more texts: "I mean STOP", "take me off", "proszę o zaprzestanie wysyłania smsów".

Each word of a clause is of one kind, written as a letter (the ``[request]`` tables of the languages beside this file
list them), and a few patterns over these letters say what a request is. A word that is of no kind is ``x``: an object
of its own, so that "stop the delivery" is none. 47 CFR 64.1200(a)(10): any reasonable means counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from .languages import CODES, Nearly, Phrases, language
from .said import Said
from .words import Token, normalise

_KINDS: Mapping[str, str] = {
    "neutral": ".", "answer": "y", "wish": "v", "subject": "i", "other": "h", "not": "n", "rather_not": "nv",
    "no_more": "N", "stop": "s", "cancel": "k", "unsubscribe": "U", "write": "w", "written": "wm", "send": "g",
    "texts": "o", "me": "m", "mine": "M", "remove": "r", "remove_me": "q", "list": "l", "which": "d", "to": "p",
    "about": "b", "when": "z", "whole": "L", "and": "c",
}  # fmt: skip
"""The kinds of words, by their names in the tables.

neutral: means nothing here. answer: yes, no, hello. wish: want, please, can. subject: begins a new clause. other:
somebody else, or a question about the past. not, no_more: negations before and behind. stop: ends something; cancel:
ends it only with texts as its object. write: has the person as object (written: is); send: has texts. mine: what may
be removed of a person; remove needs it, or "me"; remove_me says it itself. which: the, these, more. to and about:
prepositions; when: those of time. whole: a request by itself.
"""
_STOP, _WORD, _TO = "[SsCU]", "[SCU]", "[pb]?"
_AFTER = f"(?:b[xio].*|{_TO}[dolm]|[vcy]|p$)*+"
"""The words that may follow a request in its clause: to whom, which texts, from whom or about what.

Each letter is taken in one way alone, and is not given back: a text of many equal words must not be tried in all ways.
"""
_OFF = f"(?:[olm](?!{_TO}d*x)|[pbd])*+(?:$|(?=i))"
"""The words that may follow a removal: from which list."""
_REQUESTS = re.compile(
    "|".join(
        (
            f"{_STOP}[dpbmv]*w(?:{_TO}m|{_TO}d*o|d*$|[pb][xi])",  # stop texting me, przestańcie do mnie pisać
            f"{_STOP}[dpbmv]*g(?:{_TO}m)?(?:d*o|d*$|{_TO}m$)",  # stop sending (me) these messages
            f"{_STOP}[pbd]*o(?![xg])",  # stop the texts, koniec z tymi smsami
            f"[kC](?:{_TO}m)?{_TO}d*o(?![xg])",  # cancel these alerts
            f"(?:q|rd*[mM]|mr){_TO}[dow]*(?:l(?!{_TO}d*x)|{_OFF})",  # remove me, delete my number from the list
            f"^[yidm]*(?:v[vyipbd]*m?U|[pbd]*mU|{_TO}U(?=[mpbdol])){_OFF}",  # unsubscribe me from this
            "^[vyi]*Sd+$",  # stop this
            "L",  # leave me alone
        )
    )
)
"""Requests without a negation, in a clause where none stands before them."""
_NOT_TO = f"n(?:{_TO}m|v|n)*"
_REFUSALS = re.compile(
    "|".join(
        (
            f"^[vyi]*(?:{_TO}m)?{_NOT_TO}w(?:{_TO}m|d*o)+{_AFTER}$",  # do not contact me again
            f"^[vy]*(?:{_TO}m)?{_NOT_TO}w{_AFTER}$",  # proszę więcej nie pisać
            f"^[vy]*(?:{_TO}m)?{_NOT_TO}g(?:{_TO}m)?(?:{_TO}[dnv]*o{_AFTER}|d*)$",  # don't send me any texts
            f"^[vyi]*{_TO}m[gw]N+(?:{_TO}d*o{_AFTER})?$",  # m'envoyez plus de messages
            f"^[vyi]*v+N+g(?:{_TO}m)?d*o{_AFTER}$",  # je veux plus recevoir de messages
            f"^[vyi]*(?:n+d*|N+d+)o{_AFTER}$",  # no more texts, plus de sms
            f"n[vi]+(?:{_TO}m)?[vi]*[gw]?(?:{_TO}m|v)*d*o{_AFTER}$",  # I no longer wish to receive these messages
            f"nd+o{_AFTER}$",  # nie chcę waszych smsów
            f"n[vi]+(?:{_TO}m)?[vi]*[gw](?:{_TO}m|d+)$",  # I do not want you to contact me
        )
    )
)
"""Requests that are negations: of writing, of sending, of a wish."""
_BARE = re.compile(rf"^(?:i?v)*+[vy]*{_WORD}*[SU]{_WORD}*(?=$|i)")
"""A stop word with nothing beside it that has a meaning here; what follows begins anew."""
_SHOUTED = re.compile(r"^[vy]*S(?![pbdzo])|S$")
"""The same word in capitals before words that are not, or behind them: "STOP never signed up", "my work phone STOP"."""
_LAST = re.compile("^[vy]*[SU][vy]*$")
"""The same as the last words, which count behind some about oneself, and as a sentence of their own: "I'm in a meeting,
please stop", "Busy. Stop."."""
_BREAK = re.compile(r"[,.;:!?\n()…/|]|\s[-–—]+\s")
_END = re.compile(r"[.;!?\n…]|\s[-–—]+\s")
"""Between two sentences."""
_MOST_WORDS = 100
"""Words that are read for a request."""
_LONG = 6
"""Letters of a stop word that is known with one of them wrong."""


class _Clause(NamedTuple):
    letters: str
    loud: bool
    """Whether it is in capitals."""
    shouts: bool
    """Whether its stop word is, and what follows is not."""
    opens: bool
    """Whether a sentence begins with it."""


def asks_for_silence(heard: Said, stop: Phrases[bool], quit_: Phrases[bool]) -> bool:
    """Whether a text asks to get no more texts; `stop` are the hard words, `quit_` those that end other things too."""
    words = [t.word for t in heard.words]
    if not 0 < len(words) <= _MOST_WORDS:
        return False
    hard = _has_stop(words, stop)
    if not hard and not _any_triggers().fire(words):
        return False
    codes = [code for code in _speaking() if hard or _triggers(code).fire(words)]
    return any(_asks(list(_clauses(heard, code, stop, quit_))) for code in codes)


def _asks(clauses: Sequence[_Clause]) -> bool:
    """Whether one of the clauses is a request; a lone stop word counts first, last and loud, or beside answers."""
    spoken = [c for c in clauses if c.letters]
    if any(_is_request(clause.letters) for clause in spoken):
        return True
    bare = [n for n, c in enumerate(spoken) if _BARE.match(c.letters) or (c.shouts and _SHOUTED.search(c.letters))]
    if not bare:
        return False
    others = [c for n, c in enumerate(spoken) if n not in bare]
    quiet, of_texts = any(not c.loud for c in others), any("o" in c.letters for c in others)
    beside = all(set(c.letters) <= set("yvinosCkU") for c in others)
    last = spoken[-1]
    if _LAST.match(last.letters) and (last.opens or spoken[0].letters.startswith("i")):
        return True
    return bare[0] == 0 or beside or of_texts or (quiet and spoken[bare[-1]].loud)


def _is_request(letters: str) -> bool:
    if "n" in letters or "N" in letters:
        plain = letters.replace("N", "") if "n" in letters else letters
        if "h" not in plain and _REFUSALS.search(plain):
            return True
    found = _REQUESTS.search(letters)
    return found is not None and not set("nNh") & set(letters[: found.start()])


def _clauses(heard: Said, code: str, stop: Phrases[bool], quit_: Phrases[bool]) -> Iterator[_Clause]:
    """The clauses of a text, each as the kinds of its words; neutral ones are left out."""
    kinds = _kinds(code)
    part: list[Token] = []
    opens = True
    for token in heard.words:
        if part and _BREAK.search(heard.text, part[-1].end, token.start):
            yield from _parts(heard.text, part, opens, kinds, stop, quit_)
            opens = _END.search(heard.text, part[-1].end, token.start) is not None
            part = []
        part.append(token)
    yield from _parts(heard.text, part, opens, kinds, stop, quit_)


def _parts(
    text: str, part: Sequence[Token], opens: bool, kinds: _Words, stop: Phrases[bool], quit_: Phrases[bool]
) -> Iterator[_Clause]:
    """A stretch between two signs, split at conjunctions."""
    words = [t.word for t in part]
    letters, shouted, begun = "", False, 0
    for i, length, letter in kinds.each(words, stop, quit_):
        if letter == "c" and i > begun:
            yield _clause(text, letters, part[begun:i], shouted, opens)
            letters, shouted, begun, opens = "", False, i + length, False
        elif letter not in ".c":
            letters += letter
            shouted = shouted or (letter == "S" and _is_loud(text, part[i : i + length]))
    yield _clause(text, letters, part[begun:], shouted, opens)


def _clause(text: str, letters: str, part: Sequence[Token], shouted: bool, opens: bool) -> _Clause:
    loud = _is_loud(text, part)
    return _Clause(letters, loud, shouted and not loud, opens)


def _is_loud(text: str, part: Sequence[Token]) -> bool:
    return bool(part) and text[part[0].start : part[-1].end].isupper()


class _Words:
    """The kinds of a language's words."""

    def __init__(self, code: str) -> None:
        own = language(code).get("request", {})
        pairs = [(word, letter) for name, letter in _KINDS.items() for word in own.get(name, ())]
        self._phrases = Phrases((w, letter) for w, letter in pairs if not w.endswith("*"))
        self._stems = sorted(
            ((normalise(w), letter) for w, letter in pairs if w.endswith("*")), key=lambda p: -len(p[0])
        )

    def each(self, words: Sequence[str], stop: Phrases[bool], quit_: Phrases[bool]) -> Iterator[tuple[int, int, str]]:
        """The words in order: where, how many belong together, and their kind."""
        i = 0
        while i < len(words):
            length, letter = self.at(words, i, stop, quit_)
            yield i, length, letter
            i += length

    def at(self, words: Sequence[str], i: int, stop: Phrases[bool], quit_: Phrases[bool]) -> tuple[int, str]:
        """How many words belong together at a place, and their kind."""
        hard, listed = stop.at(words, i), self._phrases.at(words, i)
        if listed is not None and (hard is None or listed[0] > hard[0] or listed[1] == "U"):
            if listed[0] == 1 and listed[1] == "k" and quit_.at(words, i) is not None:
                return 1, "C"
            return listed
        if hard is not None:
            return hard[0], "S"
        if (weak := quit_.at(words, i)) is not None:
            return weak[0], "C"
        word = words[i]
        for stem, letter in self._stems:
            if word.startswith(stem):
                return 1, letter
        return 1, "U" if _is_misspelled(word) else "x"


@cache
def _kinds(code: str) -> _Words:
    return _Words(code)


@cache
def _speaking() -> tuple[str, ...]:
    return tuple(code for code in CODES if "request" in language(code))


@cache
def _long_words() -> tuple[frozenset[str], Nearly]:
    """Stop words that are long enough to be known with a letter wrong, and their first letters."""
    found = [normalise(w) for code in _speaking() for w in language(code)["request"].get("misspelled", ())]
    return frozenset(w[0] for w in found), Nearly(found)


class _Triggers(NamedTuple):
    """Words without which no text of a language is a request: most texts need no closer look."""

    strong: frozenset[str]
    stems: tuple[str, ...]
    negations: frozenset[str]
    objects: frozenset[str]
    """Words for things that are refused: a negation alone is none."""
    object_stems: tuple[str, ...]

    def fire(self, words: Sequence[str]) -> bool:
        """Whether a text may be a request."""
        if not self.strong.isdisjoint(words) or any(w.startswith(self.stems) for w in words):
            return True
        if self.negations.isdisjoint(words):
            return False
        return not self.objects.isdisjoint(words) or any(w.startswith(self.object_stems) for w in words)


@cache
def _triggers(code: str) -> _Triggers:
    own = language(code)["request"]

    def firsts(*names: str) -> tuple[frozenset[str], tuple[str, ...]]:
        listed = [entry for name in names for entry in own.get(name, ())]
        words = frozenset(normalise(e).split()[0] for e in listed if not e.endswith("*"))
        return words, tuple(normalise(e) for e in listed if e.endswith("*"))

    strong, stems = firsts("stop", "cancel", "unsubscribe", "remove", "remove_me", "whole")
    negations, _ = firsts("not", "rather_not", "no_more")
    objects, object_stems = firsts("write", "written", "send", "texts")
    return _Triggers(strong, stems, negations, objects, object_stems)


@cache
def _any_triggers() -> _Triggers:
    """Those of all languages together."""
    each = [_triggers(code) for code in _speaking()]
    return _Triggers(
        frozenset().union(*(t.strong for t in each)), tuple(stem for t in each for stem in t.stems),
        frozenset().union(*(t.negations for t in each)), frozenset().union(*(t.objects for t in each)),
        tuple(stem for t in each for stem in t.object_stems),
    )  # fmt: skip


def _has_stop(words: Sequence[str], stop: Phrases[bool]) -> bool:
    """Whether a hard word stands in a text, perhaps with a letter wrong."""
    return stop.anywhere(words) is not None or any(map(_is_misspelled, words))


def _is_misspelled(word: str) -> bool:
    """Whether a word is a long stop word with one letter wrong, though not its first."""
    heads, known = _long_words()
    return len(word) >= _LONG - 1 and word[0] in heads and known.find(word) is not None
