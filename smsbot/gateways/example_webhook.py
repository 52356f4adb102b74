"""The webhook of a provider, read from an example of it: which field is what."""

from __future__ import annotations

import re
from typing import Any

from .example import Example
from .example_found import Account
from .example_guess import (
    INBOUND,
    STATUS,
    Choice,
    choose,
    is_person,
    paths,
    shown,
)
from .example_toml import quoted
from .http import KNOWN_WORDS

_PROOFS = re.compile(r".*signature.*|.*hmac.*|x-.*(?:token|secret|key)", re.I)


def read_webhook(found: Account, example: Example, kind: str) -> None:
    """Take in what an example says of a webhook of texts, or of reports."""
    fields: dict[str, Any] = {**example.query, **example.fields}
    names, needed = (INBOUND, ("from", "text")) if kind == "inbound" else (STATUS, ("id", "status"))
    chosen, table = choose(names, fields), {}
    for role in names:
        choice, line = chosen.get(role), f"fields.{kind}"
        if choice is None:
            if role in needed or role == "to":
                there = ", ".join(list(paths(example))[:20])
                found.doubt(line, f'{role} = "…"  # none of these is it for sure: {there}')
                found.note(kind, role, f"not found; fields there: {there}", False)
            continue
        way = shown(choice.place, fields)
        if not choice.sure and choice.others:
            found.doubt(line, f"{role} = " + " or ".join(quoted(w) for w in (way, *choice.others)))
            found.note(kind, role, f"one of {', '.join((way, *choice.others))}; say which", False)
            continue
        table[role] = way
        if not choice.sure:
            found.doubt(line, f"{role}: {way} {choice.why}")
        found.note(kind, role, f"is {way}, {choice.why}{_also(choice)}", choice.sure)
    found.settings.setdefault("fields", {})[kind] = table
    if kind == "status" and "status" in chosen:
        _word(found, fields, chosen["status"])
    for name in example.headers:
        if _PROOFS.fullmatch(name) and "hook_header" not in found.settings:
            found.doubt("", f'hook_header = {quoted(name)}, hook_proof = "secret", "sha256" or "sha1"')
            found.note(
                kind, name, "may prove the webhook; the manual says how it is made (hook_header, hook_proof)", False
            )


def _word(found: Account, fields: Any, choice: Choice) -> None:
    """A status that is not known everywhere needs its meaning."""
    value: Any = fields
    for name in choice.place:
        value = value[name]
    word = str(value)[:40]
    if word.casefold() not in KNOWN_WORDS and not is_person(word):
        found.doubt("", f'statuses = {{{quoted(word)} = "accepted", "sent", "delivered", "failed" or "undelivered"}}')
        found.note("status", "status", "its word is not known; say what it means in statuses", False)


def _also(choice: Choice) -> str:
    return f" (else {', '.join(choice.others)})" if choice.others else ""
