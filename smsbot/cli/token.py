"""``smsbot token``: who may use the API."""

from __future__ import annotations

import secrets
import time
from typing import Any

import click

from smsbot.core.clock import iso
from smsbot.core.errors import UsageError
from smsbot.web.api import token_hash

from . import database as database_
from . import options


@click.group()
def token() -> None:
    """Tokens of programs that use the API."""


@token.command()
@click.argument("name")
@options.database
@options.as_json
def add(name: str, database: str | None, as_json: bool) -> None:
    """Make a token called NAME. It is shown once; only its hash is kept."""
    if any(row["name"] == name for row in database_.rows(options.settings(database), "tokens")):
        raise UsageError(f'there is a token "{name}" already; revoke it first')
    made = f"smsbot_{secrets.token_urlsafe(32)}"
    _write(database, [("token", (name, token_hash(made), time.time()))])
    if as_json:
        options.emit({"v": 1, "name": name, "token": made})
        return
    click.echo(made)
    click.echo("It is shown this once. Use it as: Authorization: Bearer …", err=True)


@token.command("list")
@options.database
@options.as_json
def list_command(database: str | None, as_json: bool) -> None:
    """The tokens, without their secrets."""
    rows = database_.rows(options.settings(database), "tokens")
    if as_json:
        options.emit({"v": 1, "tokens": [{"name": r["name"], "at": iso(r["at"])} for r in rows]})
        return
    for row in rows:
        click.echo(f"{iso(row['at'])}  {row['name']}")


@token.command()
@click.argument("name")
@options.database
def revoke(name: str, database: str | None) -> None:
    """Take a token away."""
    if not any(row["name"] == name for row in database_.rows(options.settings(database), "tokens")):
        raise UsageError(f'there is no token "{name}"')
    _write(database, [("token_revoked", (name,))])


def _write(database: str | None, changes: list[tuple[str, tuple[Any, ...]]]) -> None:
    """Through the running server, else straight into the database."""
    found = options.settings(database)
    try:
        plain = [[name, [p.hex() if isinstance(p, bytes) else p for p in parameters]] for name, parameters in changes]
        options.ask(found, "tokens", changes=plain)
    except options.NoServer:
        database_.write(found, changes)
