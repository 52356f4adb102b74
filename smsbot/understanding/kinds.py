"""Kinds of answers for conversations in Python: ``choice(Literal["S", "M"])``, ``integer(1, 9)``, ``date`` …

A kind knows the question that is understood and the type of its value; what a type checker sees is the value's type.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, TypeVar

from typing_extensions import TypeForm

from smsbot.core.errors import ChatError
from smsbot.core.message import Media
from smsbot.core.money import Money
from smsbot.core.question import Question, shared_word

from .answers.choices import choices_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """A kind of answer whose value is a `T_co`."""

    question: Question
    convert: Callable[[Any], T_co]
    """From the answer as it is kept to the value."""


def _same(value: Any) -> Any:
    return value


def text(most: int | None = None) -> Kind[str]:
    """Any text, of at most `most` characters."""
    return Kind(Question("text", high=most), _same)


def integer(least: int | None = None, greatest: int | None = None) -> Kind[int]:
    """A whole number: "2", "two", "2 pizzas"."""
    _in_order(least, greatest)
    return Kind(Question("integer", least, greatest), _same)


def number(least: int | None = None, greatest: int | None = None) -> Kind[Decimal]:
    """A number, decimals allowed."""
    _in_order(least, greatest)
    return Kind(Question("number", least, greatest), Decimal)


def _in_order(least: int | None, greatest: int | None) -> None:
    if least is not None and greatest is not None and least > greatest:
        raise ChatError(f"no number is from {least} to {greatest}; the smaller one comes first")


def yes_no() -> Kind[bool]:
    """Yes is True, no is False."""
    return Kind(Question("yes_no"), _same)


def pattern(shape: str) -> Kind[str]:
    """A text of a shape, as RE2 reads it: ``pattern(r"[A-Z]{2} ?[0-9]{4}")``."""
    return Kind(Question("pattern", pattern=shape), _same)


def phone() -> Kind[str]:
    """A phone number, E.164."""
    return Kind(Question("phone"), _same)


def media() -> Kind[Media]:
    """A picture, with its address and its type: ``photo = await chat.ask("Send a photo.", media())``."""
    return Kind(Question("media"), _same)


def email() -> Kind[str]:
    """An e-mail address."""
    return Kind(Question("email"), _same)


def choice(options: TypeForm[T], *, words: Mapping[str, Sequence[str]] | None = None, tail: bool = False) -> Kind[T]:
    """One of a few: ``choice(Literal["S", "M", "L"])``, or the members of an Enum.

    An option is answered by its value or name, by its number in the list where no option is a number, and by
    `words`: ``{"S": ["small"]}``. With `tail`, more words may follow.
    """
    found = _options(options)
    listed = [key for key, _ in found]
    choices = _with_numbers({key: (key, *(words or {}).get(key, ())) for key in listed})
    if unknown := set(words or {}) - set(listed):
        raise ChatError(f"words= names {min(unknown)!r}, which is none of {', '.join(listed)}")
    values: dict[str, Any] = dict(found)
    return Kind(Question("choice", choices=choices, tail=tail), lambda key: values[key])


def one_of(options: Mapping[str, str | Sequence[str]] | Sequence[str]) -> Kind[str]:
    """One of options that are known only when the conversation runs; the value is the key.

    They are answered by their number in the list, too, unless one of them is a number itself.
    """
    listed = options if isinstance(options, Mapping) else dict.fromkeys(options, ())
    found: dict[str, tuple[str, ...]] = {}
    for key, words in listed.items():
        more: Any = (words,) if isinstance(words, str) else words
        if not all(isinstance(word, str) for word in (key, *(more if isinstance(more, Iterable) else (more,)))):
            raise ChatError(f"options are texts, or texts with their words; this one is not: {key!r}: {words!r}")
        found[key] = (key, *more)
    if not found:
        raise ChatError("a choice needs options")
    return Kind(Question("choice", choices=_with_numbers(found)), _same)


def _with_numbers(options: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    """The words of options, and their places in the list, where no option is a number."""
    found = choices_of(options)
    if (shared := shared_word(found)) is not None:
        word, first, second = shared
        raise ChatError(
            f"the options {first!r} and {second!r} are both answered by {word!r}, so nobody could choose the second; "
            "give one of them another word"
        )
    for key, words in found.items():
        if not words:
            raise ChatError(f"nobody can text the option {key!r}; give it words with letters, digits or emoji")
    if not any(_is_number(word) for words in found.values() for word in words):
        found = {key: (*words, str(n)) for n, (key, words) in enumerate(found.items(), 1)}
    return found


def _is_number(word: str) -> bool:
    """Whether a normalised word is a number, whatever signs it has."""
    parts = [part for part in word.split() if part.isalnum()]
    return len(parts) == 1 and parts[0].isdecimal()


def numbered(choices: Mapping[str, Sequence[str]]) -> bool:
    """Whether options are answered by their places in the list."""
    return all(str(n) in words for n, words in enumerate(choices.values(), 1))


def _options(options: Any) -> list[tuple[str, Any]]:
    """The options by their names."""
    if typing.get_origin(options) is Literal:
        return [(str(v), v) for v in typing.get_args(options)]
    if isinstance(options, type) and issubclass(options, Enum):
        return [(str(m.value) if isinstance(m.value, str | int) else m.name, m) for m in options]
    raise ChatError('choice() takes Literal["S", "M"] or an Enum; one_of([...]) takes what is known only at run time')


_BY_TYPE: dict[Any, Callable[[], Kind[Any]]] = {
    str: text, int: integer, bool: yes_no, Decimal: number, float: lambda: Kind(Question("number"), float),
    date: lambda: Kind(Question("date"), _same), time: lambda: Kind(Question("time"), _same),
    datetime: lambda: Kind(Question("datetime"), _same), Money: lambda: Kind(Question("money"), _same), Media: media,
}  # fmt: skip


def is_form(wanted: Any) -> bool:
    """Whether a kind is a dataclass whose fields are asked one by one."""
    return isinstance(wanted, type) and dataclasses.is_dataclass(wanted) and wanted not in _BY_TYPE


def kind_of(wanted: Any) -> Kind[Any]:
    """The kind of a type, a Literal, an Enum, a kind, or a function that is an ``@bot.answer``."""
    if isinstance(wanted, Kind):
        return wanted
    if wanted in _BY_TYPE:
        return _BY_TYPE[wanted]()
    if typing.get_origin(wanted) is Literal or (isinstance(wanted, type) and issubclass(wanted, Enum)):
        return choice(wanted)
    if isinstance(wanted, types.FunctionType) and wanted.__module__ == __name__:
        raise ChatError(f"a question asks for a kind, not for the function that makes one: write {wanted.__name__}(…)")
    if isinstance(wanted, types.FunctionType):
        return Kind(Question("custom", pattern=wanted.__name__), _same)
    known = "str, int, bool, Decimal, date, time, datetime, Money, Media, a Literal, an Enum, a dataclass, or choice(…)"
    raise ChatError(f"a question cannot ask for {wanted!r}; it asks for {known}")
