"""``smsbot doctor --gateway``: the settings of an account, from the examples of a provider's manual."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click

from smsbot.accounts import build_gateway
from smsbot.core.errors import SettingsError, UsageError
from smsbot.gateways import example
from smsbot.gateways.example_account import account, written
from smsbot.gateways.example_found import Account
from smsbot.settings import AccountSettings
from smsbot.transport import HttpxTransport

from . import output

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def describe(files: Sequence[str], name: str, as_json: bool) -> None:
    """Print the account that examples describe: TOML on stdout, reasons on stderr; raises `UsageError`."""
    if not _NAME.fullmatch(name):
        raise UsageError("--account: a name has small letters, digits, - and _, such as other")
    contents = [_content(file) for file in files]
    if sum(map(len, contents)) > example.LARGEST:
        raise UsageError(
            f"the examples have more than {example.LARGEST // 1024} KB together; paste only what is needed"
        )
    found = account([example.read(text) for content in contents for text in example.texts(content)])
    text = written(name, found)
    prove(name, text, found)
    if as_json:
        output.emit(_document(name, text, found))
        return
    click.echo(text, nl=False)
    _explain(name, found)


def _content(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(example.LARGEST + 1)
        with Path(file).open("rb") as opened:
            return opened.read(example.LARGEST + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no file"
        raise UsageError(
            f"--gateway {file!r} cannot be read ({why}); name a text file with the example, or - to paste it"
        ) from None


def prove(name: str, text: str, found: Account) -> None:
    """Raise `UsageError` unless the settings are those of a gateway, as soon as its secrets are there."""
    try:
        table = tomllib.loads(text)["accounts"][name]
        build_gateway(
            name, AccountSettings.model_validate({**table, **dict.fromkeys(found.secrets, "x" * 16)}), HttpxTransport()
        )
    except SettingsError as error:
        raise UsageError(
            found.discreet("the http gateway cannot send what the example does:\n" + "\n".join(error.problems))
        ) from None
    except ValueError:
        raise UsageError(
            "the example cannot be written as settings; simplify it to the fields that a text needs"
        ) from None


def _variables(name: str, found: Account) -> dict[str, str]:
    return {f"SMSBOT_ACCOUNTS__{name.upper()}__{s.upper()}": found.discreet(what) for s, what in found.secrets.items()}


def _document(name: str, text: str, found: Account) -> dict[str, object]:
    notes = [
        {"example": n.kind, "field": found.discreet(n.field), "said": found.discreet(n.said), "sure": n.sure}
        for n in found.notes
    ]
    settings = tomllib.loads(text)["accounts"][name]
    return {
        "v": 1,
        "account": name,
        "toml": text,
        "settings": settings,
        "notes": notes,
        "environment": _variables(name, found),
    }


def _explain(name: str, found: Account) -> None:
    for note in found.notes:
        place = f"{note.kind} {note.field}".strip()
        said = "".join(c if c.isprintable() else " " for c in found.discreet(f"{place}: {note.said}"))
        output.mention(("✓ " if note.sure else "? ") + said)
    for variable, what in _variables(name, found).items():
        output.mention(f"→ set {variable}: {what}")
