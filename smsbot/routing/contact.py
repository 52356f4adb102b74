"""The contact: all that is known of a person, on every line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from smsbot.core import codec

_NONE: frozenset[str] = frozenset()


class Contact(MutableMapping[str, Any]):
    """The contact of a person, on every line: a mapping whose changes are kept with the turn."""

    __slots__ = ("_kept", "_read", "_removed", "_stored", "number")

    def __init__(self, number: str, stored: Mapping[str, str]) -> None:
        self.number = number
        self._stored = dict(stored)
        self._read: dict[str, Any] = {}
        self._removed = _NONE
        self._kept: Mapping[str, str | None] = {}

    @property
    def language(self) -> str | None:
        """The person's language as an ISO 639-1 code, if it is known."""
        return self.get("language")

    @language.setter
    def language(self, code: str) -> None:
        self["language"] = code

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            self._read[name] = codec.loads(self._stored[name])
        return self._read[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._read[name] = value
        self._removed -= {name}

    def __delitem__(self, name: str) -> None:
        if name not in set(self):
            raise KeyError(name)
        self._read.pop(name, None)
        self._stored.pop(name, None)
        self._removed |= {name}

    def __iter__(self) -> Iterator[str]:
        return iter({**self._stored, **self._read})

    def __len__(self) -> int:
        return len({**self._stored, **self._read})

    def as_stored(self) -> dict[str, str]:
        """All that is known, as it is stored."""
        return {n: v for n, v in {**self._stored, **self._all_changes()}.items() if v is not None}

    def learn(self, stored: Mapping[str, str]) -> None:
        """Be as it is stored now: others may have written while nothing was said here."""
        self._stored, self._read, self._removed, self._kept = dict(stored), {}, _NONE, {}

    def changes(self) -> dict[str, str | None]:
        """The differences from what was stored, as they are stored; None is removed."""
        changed = self._all_changes()
        back = {n: self._stored.get(n) for n in self._kept if n not in changed}  # as it was before what was kept
        return back | {n: v for n, v in changed.items() if n not in self._kept or self._kept[n] != v}

    def keep(self) -> None:
        """Count the changes so far as stored: from now on only more counts."""
        self._kept = self._all_changes()

    def _all_changes(self) -> dict[str, str | None]:
        now = {name: codec.dumps(value) for name, value in self._read.items()}
        changed: dict[str, str | None] = {n: v for n, v in now.items() if self._stored.get(n) != v}
        return changed | dict.fromkeys(self._removed)
