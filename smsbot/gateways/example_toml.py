"""An account as TOML, with what is not sure as comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_NAMED = re.compile(r"[A-Za-z0-9_-]+")


def toml(name: str, settings: Mapping[str, Any], doubts_of: Mapping[str, list[str]]) -> str:
    """The settings of an account as they stand in ``smsbot.toml``, with its doubts as comments."""
    lines = _table(f"accounts.{name}", settings, doubts_of.get("", ()), _PLAIN)
    for part in ("headers", "body"):
        table, doubts = settings.get(part, {}), doubts_of.get(part, ())
        if table or doubts:
            lines += ["", *_table(f"accounts.{name}.{part}", table, doubts)]
    for kind, table in settings.get("fields", {}).items():
        lines += ["", *_table(f"accounts.{name}.fields.{kind}", table, doubts_of.get(f"fields.{kind}", ()))]
    return "\n".join(lines) + "\n"


_PLAIN = ("gateway", "url", "method", "format")


def _table(title: str, table: Mapping[str, Any], doubts: Iterable[str], only: Iterable[str] = ()) -> list[str]:
    wanted = {k: v for k, v in table.items() if not only or k in only}
    comments = ["# unsure: " + re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in d)) for d in doubts]
    return [f"[{title}]", *(f"{_name(k)} = {_value(v)}" for k, v in wanted.items()), *comments]


def _name(name: str) -> str:
    return name if _NAMED.fullmatch(name) else quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_name(k)} = {_value(v)}" for k, v in value.items()) + "}"
    return quoted(str(value))


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(value: str) -> str:
    """A basic string of TOML 1.0."""
    return '"' + "".join(_ESCAPES.get(c, c if c.isprintable() else _escaped(c)) for c in value) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
