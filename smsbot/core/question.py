"""The open question of a conversation: what counts as an answer to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .otp import Wanted

KINDS = (
    "choice", "date", "datetime", "email", "integer", "media", "money", "number", "pattern", "phone", "text", "time",
    "yes_no",
)  # fmt: skip
"""The kinds of answers that a question can ask for."""
USAGE = (
    "text(80): at most 80 characters; integer(1, 9): from 1 to 9; pattern([A-Z]{2}[0-9]{4}): that shape; "
    "the others take no brackets"
)
"""How types are written."""
_TYPE = re.compile(r"([a-z_]+)\s*(?:\(\s*(-?\d{1,9})?\s*(?:(,|\.\.)\s*(-?\d{1,9})\s*)?\))?", re.IGNORECASE)


_SHAPE = re.compile(r"pattern\s*\((.*\S.*)\)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """The answer that a question asks for: its kind, its bounds, and its literal choices."""

    kind: str = "text"
    """One of `KINDS`, ``code``, or ``custom``: a kind of the bot's own, named by `pattern`."""
    low: int | None = None
    """The least number; the least length of a text."""
    high: int | None = None
    """The greatest number; the greatest length of a text."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """key → the normalised texts that mean it."""
    tail: bool = False
    """Whether a choice may be followed by more words, which are kept."""
    pattern: str = ""
    """The shape of an answer of kind ``pattern``, as RE2 reads it."""
    code: Wanted | None = None
    """The one-time code that is waited for, of a question of kind ``code``: its answer came with the text."""

    @property
    def free(self) -> bool:
        """Whether any text is an answer."""
        return self.kind == "text"


def shared_word(choices: Mapping[str, Iterable[str]]) -> tuple[str, str, str] | None:
    """A word that means two choices, and those two; None where each word means one."""
    taken: dict[str, str] = {}
    for key, words in choices.items():
        for word in words:
            if taken.setdefault(word, key) != key:
                return word, taken[word], key
    return None


def parse_type(written: str) -> Question | str:
    """The question of ``text(80)``, ``integer(1, 9)``, ``date`` …; what is wrong with it, as a sentence."""
    if shape := _SHAPE.fullmatch(written.strip()):
        return Question("pattern", pattern=shape[1].strip())
    found = _TYPE.fullmatch(written.strip())
    name = written.partition("(")[0].strip().lower()
    if found is None and name in KINDS:
        return f'"{written.strip()}" is not how {name} is written'
    if found is None or found[1].lower() not in KINDS or found[1].lower() == "choice":
        return f'there is no type "{written.strip()}"'
    kind = found[1].lower()
    if kind == "pattern":
        return "pattern takes the shape of its answers: pattern([A-Z]{2}[0-9]{4})"
    first, comma, second = found[2], found[3], found[4]
    if (first is None and second is None and "(" not in written) or kind in ("integer", "number"):
        low, high = (int(first) if first else None), (int(second) if second else None)
        if comma is None and first is not None:
            return f"{kind}(least, greatest) takes two numbers"
        if low is not None and high is not None and low > high:
            return f"no number lies between {low} and {high}"
        return Question(kind, low, high)
    if kind != "text" or first is None or comma is not None or int(first) < 1:
        return f"{kind} takes no numbers in brackets" if kind != "text" else "text(80) takes its greatest length"
    return Question(kind, None, int(first))
