"""The reading of answers to a send beside their HTTP status: many gateways say 200 and mean no.

Words are looked for where the settings say (`refused`, `later`, `account`), else in the usual shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .fields import dig, masked

_NO = frozenset({
    "error", "errors", "fail", "failed", "failure", "rejected", "reject", "refused", "invalid", "denied", "nok", "ko",
    "err", "undeliverable", "blocked",
})  # fmt: skip
_BUSY = (
    "rate limit", "too many", "throttl", "try again", "try later", "temporarily", "queue full", "busy",
)  # fmt: skip
_FLAGS = ("success", "ok", "accepted", "successful", "sent")
_STATES = ("status", "state", "result", "type", "response_code")
_ERRORS = (
    "error", "errors", "error_code", "errorCode", "error-code", "error-text", "errorMessage", "error_message", "fault",
)  # fmt: skip
_LISTS = ("messages", "data", "results", "recipients", "result", "items", "message", "SMSMessageData", "response")
_DEEPEST = 3
_REASONS = (
    "message", "detail", "title", "description", "error", "reason", "error-text", "errorMessage", "error_message",
    "statusDescription", "status_description",
)  # fmt: skip
_REASONS_WITHIN = tuple(name for name in _REASONS if name not in ("message", "title", "description"))


@dataclass(frozen=True, slots=True)
class Rule:
    """Words at a place of the answer; those with ``!`` before them together mean everything else."""

    place: str
    words: tuple[str, ...]

    def holds(self, told: Mapping[str, Any], text: str) -> bool:
        """Whether the answer says one of them."""
        if self.place == "*":  # an answer that is no JSON: how it begins
            begins = text.strip().casefold()
            return bool(begins) and self._names(begins, str.startswith)
        value = dig(told, self.place)
        if value is None:
            return _is_flag(told, self.place, self.words)
        return self._names(value.strip().casefold(), str.__eq__)

    def _names(self, value: str, says: Callable[[str, str], bool]) -> bool:
        others = [word[1:] for word in self.words if word.startswith("!")]
        return (bool(others) and not any(says(value, word) for word in others)) or any(
            says(value, word) for word in self.words if not word.startswith("!")
        )


def _is_flag(told: Mapping[str, Any], place: str, words: Iterable[str]) -> bool:
    value: Any = told
    for part in place.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return isinstance(value, bool) and str(value).casefold() in words


def rules(table: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a table ``{place = word or words}``."""
    found: list[Rule] = []
    for place, given in table.items():
        words = given if isinstance(given, list | tuple) else [given]
        found.append(Rule(place, tuple(str(word).casefold() for word in words)))
    return tuple(found)


def usual_no(told: Mapping[str, Any], text: str) -> str:
    """Why an answer says no in one of the usual shapes; empty if it does not."""
    if not told:
        first = text.strip().partition(" ")[0].strip(":,;.!\"'").casefold()
        return masked(text.strip())[:200] if first in _NO else ""
    return _no(told, 0)


def _no(told: Mapping[str, Any], depth: int) -> str:
    for name in _FLAGS:
        if told.get(name) is False:
            return reason(told) or f"{name} is false"
    for name in _ERRORS:
        if _is_error(told.get(name)):
            return reason(told) or f"{name} is there"
    for name in _STATES:
        value = told.get(name)
        if isinstance(value, str) and value.strip().casefold() in _NO:
            return reason(told) or f"{name} is {masked(value)[:40]}"
    for name in (*_LISTS, "0") if depth < _DEEPEST else ():
        inner = told.get(name)
        rows = inner if isinstance(inner, list) else [inner]
        found = [_no(row, depth + 1) for row in rows[:10] if isinstance(row, Mapping)]
        if found and all(found):  # of several parts, one that was taken is taken
            return found[0]
    return ""


def _is_error(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().casefold() not in ("", "0", "none", "null", "false", "ok", "no error", "success")
    if isinstance(value, Mapping):
        return any(_is_error(v) for v in value.values())
    return bool(value)


def reason(told: Mapping[str, Any]) -> str:
    """A provider's reason, wherever it says it, without numbers."""
    errors = told.get("errors")
    places = [told, *(errors if isinstance(errors, list) else [errors]), told.get("error")]
    return _first(places, _REASONS) or _reason_within(told, 1)


def _reason_within(told: Mapping[str, Any], depth: int) -> str:
    """A reason beside what it is about: a message or a title there may be the text itself."""
    for name in (*_LISTS, "0"):
        inner = told.get(name)
        rows = [row for row in (inner if isinstance(inner, list) else [inner])[:10] if isinstance(row, Mapping)]
        why = _first(rows, _REASONS_WITHIN)
        if depth < _DEEPEST and not why:
            why = next((found for row in rows if (found := _reason_within(row, depth + 1))), "")
        if why:
            return why
    return ""


def _first(places: Iterable[Any], names: Iterable[str]) -> str:
    for place in places:
        for name in names:
            if isinstance(place, Mapping) and isinstance(place.get(name), str) and place[name]:
                return masked(place[name])[:200]
    return ""


def is_busy(why: str) -> bool:
    """Whether a refusal is only for now."""
    return any(word in why.casefold() for word in _BUSY)
