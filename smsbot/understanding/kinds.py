"""Kinds of answers for conversations in Python: ``choice(Literal["S", "M"])``, ``integer(1, 9)``, ``date`` …

A kind knows the question that is understood and the type of its value; what a type checker sees is the value's type.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, TypeVar, overload

from typing_extensions import TypeForm

from smsbot.core.errors import ChatError
from smsbot.core.message import Media
from smsbot.core.money import Money
from smsbot.core.nearest import nearest
from smsbot.core.question import Question, shared_word

from .answers.choices import choices_of
from .words import normalise

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Words = Mapping[Any, str | Sequence[str]]
"""Words for options."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """A kind of answer whose value is a `T_co`."""

    question: Question
    convert: Callable[[Any], T_co]
    """From the answer as it is kept to the value."""
    options: Any = None
    """The Literal or the Enum that it is one of, where it is."""

    @property
    def wanted(self) -> Any:
        """The type of its value, where that can be told: a class, a Literal."""
        return self.options or VALUES.get(self.question.kind)


VALUES: Mapping[str, type] = {
    "text": str, "pattern": str, "phone": str, "email": str, "integer": int, "number": Decimal, "yes_no": bool,
    "date": date, "time": time, "datetime": datetime, "money": Money, "media": Media,
}  # fmt: skip
"""The types of the values of a kind."""


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


@overload
def choice(
    options: Mapping[T, str | Sequence[str]], /, *, words: Words | None = None, tail: bool = False
) -> Kind[T]: ...
@overload
def choice(options: Sequence[T], /, *, words: Words | None = None, tail: bool = False) -> Kind[T]: ...
@overload
def choice(options: TypeForm[T], /, *, words: Words | None = None, tail: bool = False) -> Kind[T]: ...
@overload
def choice(options: str, second: str, /, *more: str, words: Words | None = None, tail: bool = False) -> Kind[str]: ...
def choice(options: Any, /, *more: Any, words: Words | None = None, tail: bool = False) -> Kind[Any]:
    """One of a few: ``choice("S", "M")``, a list, a mapping of values to the words for them, a Literal, an Enum.

    An option is answered by itself (a member of an Enum by its value and its name), by its number in the list where
    no option has one in it, and by `words`: ``{"S": "small", "M": ["medium", "middle"]}``. With `tail`, more words may
    follow. The value is the option as it was given. Raises `ChatError` that says how options are written.
    """
    return _one_of(_listed(options, more), options, words, tail=tail)


def listed(options: Any) -> Kind[Any]:
    """The same where the options are listed, each with its place: it is answered by that, whatever else is in it."""
    return _one_of(_listed(options, ()), options, None, shown=True)


def _one_of(
    listed: Mapping[Any, Any], options: Any, words: Words | None, *, tail: bool = False, shown: bool = False
) -> Kind[Any]:
    labels = {_label(value): value for value in listed}
    if len(labels) < len(listed):
        raise ChatError(f"an option stands twice: {', '.join(map(_label, listed))}")
    if not labels:
        raise ChatError("a choice needs options")
    spoken = {label: [label, *_worded(label, listed[value])] for label, value in labels.items()}
    for option, said in (words or {}).items():
        label = option if isinstance(option, str) else _label(option)
        if label not in spoken:
            near = nearest(label, spoken)
            hint = f'; did you mean "{near}"?' if near else f", which is none of {', '.join(spoken)}"
            raise ChatError(f"words= names {option!r}{hint}")
        spoken[label] += _worded(label, said)
    _add_names(spoken, labels)
    few = options if _is_literal(options) or _is_enum(options) else None
    choices = _with_numbers(spoken, shown=shown)
    return Kind(Question("choice", choices=choices, tail=tail), lambda label: labels[label], few)


one_of = choice
"""`choice` under the name that it had for options known only at run time."""


def _listed(options: Any, more: Sequence[Any]) -> Mapping[Any, Any]:
    """The options in their order, and the words for each."""
    options = getattr(options, "__value__", options)  # a `type` statement's
    if more or isinstance(options, str):
        if not more or not all(isinstance(each, str) for each in (options, *more)):
            raise ChatError(f"{_HOW}, not choice({', '.join(map(repr, (options, *more)))})")
        return _each_once((options, *more))
    if isinstance(options, Mapping):
        return options
    if _is_literal(options):
        return _each_once(typing.get_args(options))
    if _is_enum(options):
        return dict.fromkeys(options, ())
    if isinstance(options, Sequence):
        return _each_once(options)
    if isinstance(options, Iterable) and not isinstance(options, type):
        raise ChatError(f"options have an order, which people answer by: write choice(list(…)), not {options!r}")
    raise ChatError(f"{_HOW}, not choice({options!r})")


_HOW = (
    'choice("S", "M") takes texts, choice([...]) a list, choice({"S": ["small"]}) options and their words, '
    'choice(Literal["S", "M"]) a Literal, choice(Size) an Enum'
)


def _each_once(options: Sequence[Any]) -> Mapping[Any, Any]:
    try:
        found: Mapping[Any, Any] = dict.fromkeys(options, ())
    except TypeError:
        raise ChatError(f"options are texts, numbers or members of an Enum; one of these is not: {options!r}") from None
    if len(found) < len(options):
        raise ChatError(f"an option stands twice: {', '.join(map(str, options))}")
    return found


def _is_literal(options: Any) -> bool:
    return typing.get_origin(options) is Literal


def _is_enum(options: Any) -> bool:
    return isinstance(options, type) and issubclass(options, Enum)


def _label(value: Any) -> str:
    """What an option is called: what is kept of an answer, and what a hint lists."""
    if isinstance(value, Enum):
        return str(value.value) if isinstance(value.value, str | int) else value.name
    if isinstance(value, bool):
        raise ChatError("True and False are asked for with bool, or chat.confirm()")
    if not isinstance(value, str | int | Decimal):
        raise ChatError(f"options are texts, numbers or members of an Enum; this one is not: {value!r}")
    return str(value)


def _worded(label: str, words: Any) -> list[str]:
    """The words for an option: one, or several."""
    listed = [words] if isinstance(words, str) else list(words) if isinstance(words, Iterable) else [words]
    if not all(isinstance(word, str) for word in listed):
        how = f'write {{{label!r}: ["one", "two"]}}'
        raise ChatError(f"options are texts, or texts with their words; this one is not: {label!r}: {words!r}; {how}")
    return listed


def _add_names(spoken: dict[str, list[str]], labels: Mapping[str, Any]) -> None:
    """Members of an Enum are answered by their names, too, where those mean no other option."""
    taken = {normalise(word) for words in spoken.values() for word in words}
    for label, value in labels.items():
        if isinstance(value, Enum):
            names = [n for n, member in type(value).__members__.items() if member is value]
            spoken[label] += [n for n in (name.replace("_", " ") for name in names) if normalise(n) not in taken]


def _with_numbers(options: Mapping[str, Sequence[str]], *, shown: bool) -> Mapping[str, tuple[str, ...]]:
    """The words of options, and their places in the list, where no option has a number in it.

    Where the places are `shown`, only an option that is a number is not told from a place.
    """
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
    numeric = _is_number if shown else _has_number
    if not any(numeric(word) for words in found.values() for word in words):
        found = {key: (*words, str(n)) for n, (key, words) in enumerate(found.items(), 1)}
    return found


def _is_number(word: str) -> bool:
    """Whether a normalised word is a number, whatever signs it has."""
    parts = [part for part in word.split() if part.isalnum()]
    return len(parts) == 1 and parts[0].isdecimal()


def _has_number(word: str) -> bool:
    """Whether a number stands in a normalised word: "2 pm", which people shorten to "2"."""
    return any(part.isdecimal() for part in word.split())


def numbered(choices: Mapping[str, Sequence[str]]) -> bool:
    """Whether options are answered by their places in the list."""
    return all(str(n) in words for n, words in enumerate(choices.values(), 1))


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
    if isinstance(wanted, Hashable) and wanted in _BY_TYPE:
        return _BY_TYPE[wanted]()
    if _is_literal(wanted) or _is_enum(wanted) or isinstance(wanted, list | tuple | Mapping):
        return choice(wanted)
    if isinstance(wanted, types.FunctionType) and wanted.__module__ == __name__:
        raise ChatError(f"a question asks for a kind, not for the function that makes one: write {wanted.__name__}(…)")
    if isinstance(wanted, types.FunctionType):
        return Kind(Question("custom", pattern=wanted.__name__), _same)
    known = "str, int, bool, Decimal, date, time, datetime, Money, Media, a list, a Literal, an Enum, a dataclass"
    raise ChatError(f"a question cannot ask for {wanted!r}; it asks for {known}, or choice(…)")
