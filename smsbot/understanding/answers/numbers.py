"""Whole and decimal numbers, in digits and in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from smsbot.core.question import Question
from smsbot.understanding.languages import Vocabulary
from smsbot.understanding.said import Said, plain
from smsbot.understanding.words import Token, is_part

from .reading import ASKS, HEDGED, INEXACT, MORE, NEARLY, SEVERAL, Answer, Reading, Unsure

_MOST_WORDS = 60
"""Words of a text that may be a number; a longer one tells more."""
_MOST = 8
"""Numbers of a text that is read as one."""
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
    if len(said.bare) > _MOST_WORDS:
        return MORE if numbers(said.bare[:_MOST_WORDS], known) else None
    words = [t.word for t in said.bare]
    found = numbers(said.bare, known)
    if not found:
        return _almost(words, known)
    if len(found) > _MOST:
        return SEVERAL
    if said.signed.isdecimal():  # most answers are nothing but digits
        return (ASKS if said.asks else Answer(found[0].value)) if _fits(question, found[0].value) else None
    first, last = found[0], found[-1]
    inner = said.text[said.bare[first.at].start : said.bare[last.at + last.length - 1].end]
    written = with_signs(said, known)
    if RAISED.search(written):
        return MORE
    if _is_fraction(words, found, written, known) or (len(found) == 2 and _DECIMAL.search(inner)):
        return None
    if _negative(said, first, known):
        return _below_zero(question, first.value, said) if len(found) == 1 else None
    if not any(_fits(question, n.value) for n in found):
        return None
    return _judge(said, words, found, known)


def _below_zero(question: Question, value: int, said: Said) -> Reading:
    """A negative number, where the question has room for one."""
    if question.low is None or question.low >= 0 or not _fits(question, -value):
        return None
    return ASKS if said.asks else Answer(-value)


def _is_fraction(words: Sequence[str], found: Sequence[Number], written: str, known: Vocabulary) -> bool:
    """Whether what is written is no whole number: ".5", "1/4", "3½", "two and a half"."""
    parts = _PARTS.fullmatch(written)
    if (parts is not None and (parts[4] or int(parts[3]) in _QUARTERS)) or _POINTED.fullmatch(written):
        return True
    return _speaks_of_parts(words, found, known)


def _speaks_of_parts(words: Sequence[str], found: Sequence[Number], known: Vocabulary) -> bool:
    """Whether a fraction stands among the words, outside of numbers such as half a dozen."""
    covered = {i for n in found for i in range(n.at, n.at + n.length)}
    hits = ((i, hit[0]) for i in range(len(words)) if (hit := known.fractions.at(words, i)) is not None)
    return any(not covered.issuperset(range(i, i + length)) for i, length in hits)


def _judge(said: Said, words: Sequence[str], found: Sequence[Number], known: Vocabulary) -> Reading:
    if len({n.value for n in found}) > 1:
        return SEVERAL
    if known.hedges.anywhere(words) or known.about.anywhere(words):
        return HEDGED
    covered = sum(n.length for n in found)
    measured = not _MEASURES.isdisjoint(said.signed.removeprefix("+"))
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
    if _speaks_of_parts(words, (), known):
        return None
    if known.hedges.anywhere(words) or known.about.anywhere(words):
        return HEDGED
    if known.yes_no.whole(words) is not None:
        return None
    if known.nearly_numbers.find("".join(words)) is not None:
        return NEARLY
    if len(words) == 2 and words[1].isalpha() and known.nearly_numbers.find(words[0]) is not None and len(words[0]) > 2:
        return NEARLY
    return None


def _negative(said: Said, number: Number, known: Vocabulary) -> bool:
    """Whether a minus stands before the number, and nothing before the minus; or the word for it."""
    before = said.text[: said.bare[number.at].start].rstrip()
    if number.at == 1 and said.bare[0].word in known.minus:
        return True
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
        return _in_sets(words, Number(i, 1, int(words[i])), known) if len(words[i]) <= _LONGEST else None
    whole = known.number_phrases.at(words, i)
    length, value = _spelled(words, i, known)
    if whole is not None and whole[0] >= length:
        length, value = whole
    return _in_sets(words, Number(i, length, value), known) if length else None


def _in_sets(words: Sequence[str], number: Number, known: Vocabulary) -> Number:
    """A number of dozens: "two dozen" is 24."""
    behind = number.at + number.length
    size = known.sets.get(words[behind]) if behind < len(words) else None
    return number if size is None else Number(number.at, number.length + 1, number.value * size)


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

RAISED = re.compile(r"[\u00b2\u00b3\u00b9\u2070-\u2089^]")
"""Digits that are no digits like others: 2², 10^3."""
_VULGAR = "[¼-¾⅐-⅞]"
_PARTS = re.compile(
    rf"[{_MINUS}+]?\s?(?:(\d{{1,9}})[ -]?)?(?:(\d{{1,4}}) ?[/\u2044] ?(\d{{1,4}})|({_VULGAR}))(?: ?[a-z]+)?"
)
"""1/4, 3 1/2, ½, 3½: a whole number or none, and a fraction."""
_QUARTERS = frozenset({2, 3, 4, 8})
"""The parts that things are cut into; "8/10" may say eight."""
_POINTED = re.compile(rf"[{_MINUS}+]?\s?[.,]\d+(?: ?[a-z]+)?")
AMOUNT = r"[.,]\d{1,6}|\d{1,3}(?:[ .,'\u00a0]\d{3})+(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,6})?"
COMMA = frozenset("PL FR ES BE DE AT IT NL PT AR CO CL BR LU".split())  # noqa: SIM905
"""Countries whose decimals stand behind a comma."""


def amount_of(written: str, country: str | None) -> Decimal | None:
    """The value of written digits with marks; None where the marks can be read in two ways."""
    marks = [c for c in written if not c.isdigit()]
    if not marks:
        return Decimal(written)
    if written[0] in ".,":
        return Decimal(f"0.{written[1:]}") if len(marks) == 1 else None
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


def with_signs(said: Said, known: Vocabulary) -> str:
    """The core with digits for number words, and the signs of numbers and money around it."""
    inner, whole, bare = said.core, said.signed, spell_out(said.bare, said.text, known)
    lead, _, trail = whole.partition(inner)
    lead, trail = lead.lstrip("([\"'“„«* "), trail.strip(")]\"'”»*.!,;:? ")
    return plain(lead + bare + trail) if not lead.endswith(". ") else plain(bare + trail)


def number(question: Question, said: Said, known: Vocabulary, country: str | None) -> Reading:
    """A number, decimals and exact fractions allowed."""
    words = [t.word for t in said.bare]
    negative = len(words) > 1 and words[0] in known.minus and number_at(words, 1, known) is not None
    bare = said.bare[1:] if negative else said.bare
    spelled = known.fractions.whole([t.word for t in bare])
    written = spell_out(bare, said.text, known) if negative else with_signs(said, known)
    value: Decimal | Unsure | None
    if RAISED.search(written):
        value = MORE
    elif spelled is not None:
        value = _decimal(spelled)
    else:
        value = _of_parts(written) or _of_words(bare, known) or _of_digits(written, country)
    if isinstance(value, Unsure):
        return value
    if value is None:
        some = bool(numbers(said.bare, known)) or any(map(is_part, "".join(words)))
        hedged = known.hedges.anywhere(words) or known.about.anywhere(words)
        return HEDGED if hedged else MORE if some else None
    value = -value if negative else value
    if not _fits(question, value):
        return None
    return ASKS if said.asks else Answer(value)


def _of_digits(written: str, country: str | None) -> Decimal | Unsure | None:
    found = _DECIMALS.fullmatch(written)
    if found is None:
        return None
    value = amount_of(found[2], country)
    if value is None or _THOUSANDS.fullmatch(found[2]):
        return INEXACT
    return -value if found[1] and found[1] in _MINUS else value


def _of_parts(written: str) -> Decimal | Unsure | None:
    """A fraction, or a whole number and one; None for everything else."""
    found = _PARTS.fullmatch(written)
    if found is None or written[-1:].isalpha():
        return None
    if found[4]:
        top, bottom = Fraction(unicodedata.numeric(found[4])).limit_denominator(10).as_integer_ratio()
    else:
        top, bottom = int(found[2]), int(found[3])
    if not bottom:
        return INEXACT
    value = Fraction(int(found[1] or 0)) + Fraction(top, bottom)
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(exact) != value:
        return INEXACT
    return -exact if written[0] in _MINUS else exact


def _of_words(found: Sequence[Token], known: Vocabulary) -> Decimal | Unsure | None:
    """A number and a fraction in words: "two and a half"."""
    words = [t.word for t in found]
    whole = number_at(words, 0, known) if words else None
    part = known.fractions.whole(words[whole.length :]) if whole is not None else None
    if whole is None or part is None:
        return None
    behind = _decimal(part)
    return behind if isinstance(behind, Unsure) else whole.value + behind


def _decimal(written: str) -> Decimal | Unsure:
    """The value of a fraction in words; "?" where decimals cannot say it."""
    return INEXACT if written == "?" else Decimal(written)
