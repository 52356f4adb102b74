"""Whole and decimal numbers, in digits and in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from smsbot.core.languages import Vocabulary
from smsbot.core.question import Question
from smsbot.core.said import Said, plain
from smsbot.core.words import Token

from .reading import ASKS, HEDGED, INEXACT, MORE, NEARLY, SEVERAL, Answer, Reading

_LONGEST = 15
"""Digits of the largest number that is read."""
_MINUS = "-−–"
_MEASURES = frozenset("%$€£¥/:°+*=~<>")
_DECIMAL = re.compile(r"[.,]\d")


class Number(NamedTuple):
    """A number among the words: where it begins, how many words it has, and its value."""

    at: int
    length: int
    value: int


def integer(question: Question, said: Said, known: Vocabulary) -> Reading:
    """A whole number, and at most one counted noun behind it ("2 pizzas")."""
    words = [t.word for t in said.bare]
    found = numbers(said.bare, known)
    if not found:
        return _almost(words, known)
    first, last = found[0], found[-1]
    inner = said.text[said.bare[first.at].start : said.bare[last.at + last.length - 1].end]
    if _negative(said, first) or (len(found) == 2 and _DECIMAL.search(inner)):
        return None
    if not any(_fits(question, n.value) for n in found):
        return None
    return _judge(said, words, found, known)


def _judge(said: Said, words: Sequence[str], found: Sequence[Number], known: Vocabulary) -> Reading:
    if len({n.value for n in found}) > 1:
        return SEVERAL
    if known.hedges.anywhere(words) or known.about.anywhere(words):
        return HEDGED
    covered = sum(n.length for n in found)
    measured = not _MEASURES.isdisjoint(said.signed)
    if said.asks and covered >= len(words) - 1:
        return ASKS
    if measured or said.asks or covered < len(words) - 1:
        return MORE
    if covered == len(words) - 1:
        noun = words[-1]
        if found[0].at != 0 or len(found) > 1 or not noun.isalpha() or noun in known.no_noun:
            return MORE
    return Answer(found[0].value)


def _almost(words: Sequence[str], known: Vocabulary) -> Reading:
    if known.hedges.anywhere(words) or known.about.anywhere(words):
        return HEDGED
    if known.yes_no.whole(words) is not None:
        return None
    if known.nearly_numbers.find("".join(words)) is not None:
        return NEARLY
    if len(words) == 2 and words[1].isalpha() and known.nearly_numbers.find(words[0]) is not None and len(words[0]) > 2:
        return NEARLY
    return None


def _negative(said: Said, number: Number) -> bool:
    """Whether a minus stands before the number, and nothing before the minus."""
    before = said.text[: said.bare[number.at].start].rstrip()
    return before.endswith(tuple(_MINUS)) and (len(before) == 1 or not before[-2].isalnum())


def _fits(question: Question, value: int | Decimal) -> bool:
    low, high = question.low, question.high
    return (low is None or value >= low) and (high is None or value <= high)


def numbers(found: Sequence[Token], known: Vocabulary) -> list[Number]:
    """The numbers among words, in order; each as long as it can be."""
    words = [t.word for t in found]
    out: list[Number] = []
    i = 0
    while i < len(words):
        number = number_at(words, i, known)
        if number is None:
            i += 1
        else:
            out.append(number)
            i += number.length
    return out


def number_at(words: Sequence[str], i: int, known: Vocabulary) -> Number | None:
    """The number that begins at a word."""
    if words[i].isdecimal():
        return Number(i, 1, int(words[i])) if len(words[i]) <= _LONGEST else None
    whole = known.number_phrases.at(words, i)
    length, value = _spelled(words, i, known)
    if whole is not None and whole[0] >= length:
        return Number(i, *whole)
    return Number(i, length, value) if length else None


def _spelled(words: Sequence[str], i: int, known: Vocabulary) -> tuple[int, int]:
    """How many words a spelled number has, and its value: "two hundred and five", "quatre vingt dix sept"."""
    total = current = 0
    j = end = i
    while j < len(words):
        word = words[j]
        value = known.numbers.get(word)
        if value is None:
            if end == i or word not in known.joins:
                break
            j += 1
            continue
        joined = _join(total, current, value, fresh=end == i)
        if joined is None:
            break
        total, current = joined
        j += 1
        end = j
    return end - i, total + current


def _join(total: int, current: int, value: int, fresh: bool) -> tuple[int, int] | None:
    """Put the next word of a number behind what was read; None where it begins another number."""
    if fresh:
        return total, value
    if value == 1000 and current < 1000 and not total:
        return max(1, current) * 1000, 0
    if value == 100 and 1 <= current < 10:
        return total, current * 100
    if current == 0 and total and value < 1000:
        return total, value
    if current == 4 and value == 20:  # quatre-vingts
        return total, 80
    tens = current % 100
    if current >= 100 and tens == 0 and 0 < value < 100:
        return total, current + value
    if tens >= 20 and tens % 10 == 0 and 0 < value < (20 if tens in (60, 80) else 10):
        return total, current + value
    return None


def spell_out(found: Sequence[Token], text: str, known: Vocabulary) -> str:
    """The text from the first to the last word, folded, with every spelled number as digits."""
    words = [t.word for t in found]
    parts: list[str] = []
    i = end = 0
    while i < len(words):
        if i:
            parts.append(text[end : found[i].start])
        number = None if words[i].isdecimal() else number_at(words, i, known)
        length = number.length if number is not None else 1
        end = found[i + length - 1].end
        parts.append(str(number.value) if number is not None else text[found[i].start : end])
        i += length
    return plain("".join(parts))


# -- decimals -----------------------------------------------------------------------------------------

AMOUNT = r"\d{1,3}(?:[ .,'\u00a0]\d{3})+(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,6})?"
COMMA = frozenset("PL FR ES BE DE AT IT NL PT AR CO CL BR LU".split())  # noqa: SIM905
"""Countries whose decimals stand behind a comma."""


def amount_of(written: str, country: str | None) -> Decimal | None:
    """The value of written digits with marks; None where the marks can be read in two ways."""
    marks = [c for c in written if not c.isdigit()]
    if not marks:
        return Decimal(written)
    last = max(written.rfind("."), written.rfind(","))
    behind = len(written) - last - 1
    if len(set(marks)) > 1 or (len(marks) == 1 and marks[0] in ".," and behind != 3):
        if last < 0 or (behind == 3 and len(set(marks)) > 1):  # groups of a kind, with a mark between thousands
            return _grouped(written)
        whole = "".join(c for c in written[:last] if c.isdigit())
        return Decimal(f"{whole}.{written[last + 1 :]}")
    if len(marks) > 1 or marks[0] in " '\u00a0":
        return _grouped(written)
    thousands = "." if country in COMMA else ","
    if country is None or marks[0] != thousands:  # 1.250 in a country that writes 1,250
        return None
    return _grouped(written)


def _grouped(written: str) -> Decimal:
    return Decimal("".join(c for c in written if c.isdigit()))


_THOUSANDS = re.compile(r"\d{1,3}[.,]\d{3}")
"""Two numbers, so nobody guesses: 1.000 is one in some countries and a thousand in others."""
_DECIMALS = re.compile(rf"([{_MINUS}+]?)\s?({AMOUNT})")


def number(question: Question, said: Said, known: Vocabulary, country: str | None) -> Reading:
    """A number, decimals allowed."""
    written = spell_out(said.bare, said.text, known)
    sign = said.signed[:1] if said.signed[:1] in _MINUS + "+" else ""
    found = _DECIMALS.fullmatch(sign + written)
    words = [t.word for t in said.bare]
    if found is None:
        some = bool(numbers(said.bare, known))
        hedged = known.hedges.anywhere(words) or known.about.anywhere(words)
        return HEDGED if hedged else MORE if some else None
    value = amount_of(found[2], country)
    if value is None or _THOUSANDS.fullmatch(found[2]):
        return INEXACT
    value = -value if found[1] and found[1] in _MINUS else value
    if said.asks:
        return ASKS
    return Answer(value) if _fits(question, value) else None
