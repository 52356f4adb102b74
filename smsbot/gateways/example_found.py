"""What examples of a manual say of an account: its settings, why, what is not sure, and what is to be hidden."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .example import words
from .example_guess import (
    bare,
    is_key,
)

_WORDS = words(
    "accounts gateway http https url method format headers body fields inbound status form json query post unsure "
    "text from reference secret secret2 bearer basic authorization true false request field example"
)


@dataclass(frozen=True, slots=True)
class Note:
    """A note of what was decided about one field, and why."""

    kind: str
    """``request``, ``inbound`` or ``status``."""
    field: str
    said: str
    sure: bool = True


@dataclass(slots=True)
class Account:
    """The settings of one account, as far as examples say."""

    settings: dict[str, Any] = field(default_factory=dict)
    doubts: dict[str, list[str]] = field(default_factory=dict)
    """Lines of comment, by the table (``""``, ``headers``, ``body``, ``fields.inbound``) that they belong to."""
    notes: list[Note] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    """The content that each secret of the account is to hold."""
    hidden: set[str] = field(default_factory=set)
    """Keys and numbers of the examples, which nothing may repeat."""
    names: set[str] = field(default_factory=lambda: set(_WORDS))
    """Names of fields and words of ours, which are no secrets."""

    def note(self, kind: str, place: str, said: str, sure: bool = True) -> None:
        """Keep a decision."""
        self.notes.append(Note(kind, place, said, sure))

    def doubt(self, table: str, line: str) -> None:
        """Keep a comment."""
        self.doubts.setdefault(table, []).append(line)

    def hide(self, *values: str) -> None:
        """Keep values from being repeated; words that are names here, as the password ``password``, hide nothing."""
        self.hidden |= {v for v in values if len(v) >= 4 and bare(v) not in self.names and not is_key(v)}

    def discreet(self, written: str) -> str:
        """A text without keys and numbers of the examples."""
        for value in sorted(self.hidden, key=len, reverse=True):
            written = written.replace(value, "…")
        return written
