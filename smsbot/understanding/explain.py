"""The explanation of a text by the rules in their order: exactly one outcome, and why in a plain sentence (pure).

The conversation asks the same rules one by one (`decision`); here they are asked together, for a text that
stands alone: ``smsbot understand``, the corpus, the benchmark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from smsbot.core.question import Question

from . import answers, consent, identity, noise
from .answers import Answer, Reading, Unsure
from .consent import Word
from .keywords import Keywords
from .noise import Kind
from .patterns import Pattern, Read, Taken, compile_pattern
from .said import said


class Outcome(StrEnum):
    """The outcome of reading a text."""

    EMPTY = "empty"
    REACTION = "reaction"
    AUTOREPLY = "autoreply"
    OPTOUT = "optout"
    OPTIN = "optin"
    HELP = "help"
    WRONG_NUMBER = "wrong_number"
    ANSWER = "answer"
    SWITCH = "switch"
    UNSURE = "unsure"
    INVALID = "invalid"
    KEYWORD = "keyword"
    SUGGEST = "suggest"
    FALLBACK = "fallback"


_NOISE = {
    Kind.EMPTY: (Outcome.EMPTY, "there is nothing to read"),
    Kind.MEDIA: (Outcome.EMPTY, "a picture without words"),
    Kind.REACTION: (Outcome.REACTION, "a reaction to one of our texts is no answer"),
    Kind.AUTOREPLY: (Outcome.AUTOREPLY, "a phone or an office answered by itself"),
}
_CONSENT = {
    Word.STOP: (Outcome.OPTOUT, "the person wants no more texts"),
    Word.START: (Outcome.OPTIN, "the person wants texts again"),
    Word.HELP: (Outcome.HELP, "HELP is always answered"),
}


@dataclass(frozen=True, slots=True)
class Understood:
    """The outcome of reading a text, and why."""

    outcome: Outcome
    why: str
    value: Any = None
    """The answer's value, or the keyword as it was written."""
    rest: str = ""
    """The words that the hole of a keyword took, as they were typed."""


@dataclass(slots=True)
class Words:
    """The start words of a bot."""

    table: Keywords[Pattern] = field(default_factory=Keywords)

    @classmethod
    def of(cls, sources: Iterable[str]) -> Words:
        """The table of some keywords."""
        made = cls()
        for source in sources:
            pattern = compile_pattern(source).resolved()
            made.table.add(pattern, pattern)
        return made


def understand(
    text: str,
    question: Question | None,
    words: Words,
    *,
    country: str | None = None,
    language: str | None = None,
    today: date,
) -> Understood:
    """Read a text to its outcome; `question` is the open one."""
    kind = noise.recognise(text)
    if kind is not Kind.TEXT:
        return Understood(*_NOISE[kind])
    word = consent.read(text, country)
    if word is not None:
        return Understood(*_CONSENT[word])
    if noise.is_automatic(text):
        return Understood(*_NOISE[Kind.AUTOREPLY])
    if identity.is_wrong_number(text):
        return Understood(Outcome.WRONG_NUMBER, "the person says that we write to the wrong number")

    def reads(question: Question, text: str) -> Reading:
        return answers.understand(question, text, today, country, language)

    if question is None:
        return _start(text, words, reads)
    return _answer(text, question, words, reads)


def _answer(text: str, question: Question, words: Words, reads: Read) -> Understood:
    read = reads(question, text)
    if isinstance(read, Answer):
        return Understood(Outcome.ANSWER, _answers(question, read), read.value, read.rest)
    hit = words.table.find(text, said(text).bare, reads) if not question.free else None
    if hit is not None:
        source = hit[0].source
        return Understood(Outcome.SWITCH, f'it is exactly the start word "{source}"', source, _held(hit[1]))
    if isinstance(read, Unsure):
        return Understood(Outcome.UNSURE, f"unsure whether it answers: {read.why}")
    return Understood(Outcome.INVALID, f"it is no answer of the kind {question.kind}")


def _answers(question: Question, answer: Answer) -> str:
    shown = answers.shown_answer(question, answer.value)
    return "it answers the question" + (f": {shown}" if shown else "")


def _start(text: str, words: Words, reads: Read) -> Understood:
    bare = said(text).bare
    hit = words.table.find(text, bare, reads)
    if hit is not None:
        source = hit[0].source
        return Understood(Outcome.KEYWORD, f'it is the start word "{source}"', source, _held(hit[1]))
    meant = words.table.meant(bare)
    if meant is not None:
        return Understood(Outcome.SUGGEST, f'it is spelled nearly like the start word "{meant[1]}"', meant[0].source)
    return Understood(Outcome.FALLBACK, "nothing matches")


def _held(taken: Taken) -> str:
    """The words that the holes of a keyword took."""
    return " ".join(taken.texts.values())


@dataclass(frozen=True, slots=True)
class Look:
    """How one rule saw a text."""

    rule: str
    saw: str


def looks(
    text: str, question: Question | None, words: Words, *, country: str | None, language: str | None, today: date
) -> Sequence[Look]:
    """How each rule sees a text, in their order; the first that says something decides."""
    heard = said(text)
    kind, word = noise.recognise(text), consent.read(text, country)
    found = [
        Look("words", " ".join(t.word for t in heard.words) or "none"),
        Look("without politeness", " ".join(t.word for t in heard.bare) or "none"),
        Look("noise", "" if kind is Kind.TEXT else kind.value),
        Look("consent", word.value if word is not None else ""),
        Look("automatic answer", "yes" if noise.is_automatic(text) else ""),
        Look("wrong number", "yes" if identity.is_wrong_number(text) else ""),
    ]
    if question is not None:
        read = answers.understand(question, text, today, country, language)
        seen = f"unsure: {read.why}" if isinstance(read, Unsure) else "no answer"
        seen = answers.shown_answer(question, read.value) or "yes" if isinstance(read, Answer) else seen
        found.append(Look(f"answer ({question.kind})", seen))
    hit, meant = words.table.find(text, heard.bare), words.table.meant(heard.bare)
    found.append(
        Look("start word", hit[0].source if hit is not None else f"nearly {meant[1]}" if meant is not None else "")
    )
    return found
