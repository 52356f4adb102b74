"""The reading of answers to a send beside their HTTP status: many gateways say 200 and mean no.

Words are looked for where the settings say (`refused`, `later`, `account`), else in the usual shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smsbot.core.phone import masked

from .fields import dig

_NO = frozenset({
    "error", "errors", "fail", "failed", "failure", "rejected", "reject", "refused", "invalid", "denied", "nok", "ko",
    "err", "undeliverable", "undelivered", "blocked", "unauthorized", "unauthorised", "forbidden", "false",
    "sendingfailed", "deliveryfailed", "notsent", "expired", "unknownerror",
})  # fmt: skip
_YES = frozenset({
    "accepted", "queued", "sent", "ok", "success", "successful", "submitted", "pending", "delivered", "enroute",
    "scheduled", "buffered", "sending", "true",
})  # fmt: skip
_BUSY = (
    "rate limit", "too many", "throttl", "try again", "try later", "temporarily", "queue full", "busy",
)  # fmt: skip
_FLAGS = ("success", "ok", "accepted", "successful", "sent")
_STATES = ("status", "state", "result", "type", "responsecode", "statusname", "groupname")
_CODES = ("code", "statuscode", "httpcode", "httpstatus", "status")
_IDS = ("id", "messageid", "messageuuid", "sid", "batch", "batchid", "jobid")
_ERRORS = ("error", "errors", "errorcode", "errortext", "errormessage", "fault", "errorname")
_LISTS = (
    "messages", "data", "results", "recipients", "result", "items", "message", "smsmessagedata", "response", "status",
    "to", "0",
)  # fmt: skip
_NO_ERROR = frozenset(
    {"", "none", "null", "false", "ok", "noerror", "noerrors", "success", "successful", "no", "nil", "n/a", "na"}
)
_DEEPEST, _MOST = 3, 4000
_TAGS = re.compile(r"<(\w{2,40})>\s*([^<>]{1,200}?)\s*</\1>")
_FIRST_WORD = re.compile(r"[\w-]+")
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
    if not told and "<" in text:
        told = dict(_TAGS.findall(text[:_MOST]))
    if not told:
        return masked(text.strip())[:200] if _begins(text) in _NO else ""
    return _no(told, 0)


def _no(told: Mapping[str, Any], depth: int) -> str:
    said = {_plain(name): value for name, value in told.items()}
    return _says_no(said) or next((why for name in _LISTS if (why := _no_within(said, name, depth))), "")


def _says_no(said: Mapping[str, Any]) -> str:
    """Why an object says no by its own fields. A state that says yes is believed before a flag."""
    states = [(name, _begins(said[name])) for name in _STATES if isinstance(said.get(name), str | bool)]
    taken = any(word in _YES for _, word in states)
    for name in _FLAGS:
        if not taken and _is_off(said.get(name)):
            return reason(said) or f"{name} is false"
    for name in _ERRORS:
        if _is_error(said.get(name)):
            return reason(said) or f"{name} is there"
    for name, word in states:
        if word in _NO:
            return reason(said) or f"{name} is {masked(str(said[name]))[:40]}"
    if taken or any(said.get(name) for name in _IDS):
        return ""
    for name in _CODES:
        if isinstance(said.get(name), int) and 400 <= said[name] < 600:
            return reason(said) or f"{name} is {said[name]}"
    return "no message of it was taken" if said.get("messages") == [] else ""


def _no_within(said: Mapping[str, Any], name: str, depth: int) -> str:
    """Why all parts of an answer say no: of several, one that was taken is taken."""
    inner = said.get(name) if depth < _DEEPEST else None
    rows = [row for row in (inner if isinstance(inner, list) else [inner])[:10] if isinstance(row, Mapping)]
    found = [_no(row, depth + 1) for row in rows]
    return found[0] if found and all(found) else ""


def _plain(name: str) -> str:
    """The name of a field, however it is written: ``errorCode``, ``ErrorCode`` and ``error_code`` are one."""
    return name.replace("_", "").replace("-", "").casefold()


def _begins(value: str | bool) -> str:
    """The first word of what is said, or all of it where it is one name."""
    text = str(value).strip().casefold()
    whole = _plain(text).replace(" ", "")
    if whole in _NO or whole in _YES:
        return whole
    found = _FIRST_WORD.search(text[:80])
    return _plain(found[0]) if found is not None else ""


def _is_off(value: Any) -> bool:
    """Whether a flag is false: as such, as a number, or as a word."""
    if isinstance(value, str):
        return value.strip().casefold() in ("false", "no", "0")
    return value is False or (type(value) is int and value == 0)


def _is_error(value: Any) -> bool:
    if isinstance(value, str):
        plain = _plain(value).strip(" .!").replace(" ", "")
        return plain.strip("0") != "" and plain not in _NO_ERROR and plain.lstrip("0:") not in _YES
    if isinstance(value, Mapping):
        return any(_is_error(v) for v in value.values())
    return any(value) if isinstance(value, list) else bool(value)


def reason(told: Mapping[str, Any]) -> str:
    """A provider's reason, wherever it says it, without numbers."""
    told = {**{_plain(name): value for name, value in told.items()}, **told}
    errors = told.get("errors")
    places = [told, *(errors if isinstance(errors, list) else [errors]), told.get("error")]
    return _first(places, _REASONS) or _reason_within(told, 1)


def _reason_within(told: Mapping[str, Any], depth: int) -> str:
    """A reason beside what it is about: a message or a title there may be the text itself."""
    for name in _LISTS:
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
