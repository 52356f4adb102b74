"""``smsbot token``: who may use the API, and what."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from smsbot.core.clock import iso
from smsbot.core.errors import UsageError
from smsbot.desk.tokens import SCOPES, Change, made

from . import database as database_
from . import options


@click.group()
def token() -> None:
    """Tokens of programs that use the API."""


@token.command(epilog="Scopes: " + ", ".join(SCOPES) + ".")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="What it may; several, or separated by commas. Default: all.")
@click.option("--expires", default="", help="How long it works, such as 90d (default: until it is revoked).")
@options.database
@options.as_json
def add(name: str, scopes: Sequence[str], expires: str, database: str | None, as_json: bool) -> None:
    """Make a token called NAME. It is shown once; only its hash is kept."""
    _, known = _named(database, name)
    if known:
        raise UsageError(f'there is a token "{name}" already; revoke it first')
    asked = [scope.strip() for given in scopes for scope in given.split(",")]
    secret, change = made(name, asked, expires, time.time())
    _write(database, [change])
    if as_json:
        options.emit({"v": 1, "name": name, "token": secret, "scopes": str(change[1][3]).split()})
        return
    click.echo(secret)
    click.echo("It is shown this once. Use it as: Authorization: Bearer …", err=True)


@token.command("list")
@options.database
@options.as_json
def list_command(database: str | None, as_json: bool) -> None:
    """The tokens, without their secrets."""
    rows = database_.rows(options.settings(database), "tokens")
    told = [
        {
            "name": r["name"], "at": iso(r["at"]), "scopes": r["scopes"].split(),
            "expires": iso(r["expires"]) if r["expires"] else None, "used": iso(r["used"]) if r["used"] else None,
        }
        for r in rows
    ]  # fmt: skip
    if as_json:
        options.emit({"v": 1, "tokens": told})
        return
    for each in told:
        until = f", until {each['expires']}" if each["expires"] else ""
        may = "everything" if len(each["scopes"]) == len(SCOPES) else " ".join(each["scopes"])
        click.echo(f"{each['at']}  {each['name']}  used {each['used'] or 'never'}{until}: {may}")


@token.command()
@click.argument("name")
@options.database
def revoke(name: str, database: str | None) -> None:
    """Take a token away."""
    names, known = _named(database, name)
    if not known:
        raise UsageError(f'there is no token "{name}"' + (f"; there are {', '.join(names)}" if names else ""))
    _write(database, [("token_revoked", (name,))])


def _named(database: str | None, name: str) -> tuple[list[str], bool]:
    names = [str(row["name"]) for row in database_.rows(options.settings(database), "tokens")]
    return names, name in names


def _write(database: str | None, changes: list[Change]) -> None:
    """Through the running server, else straight into the database."""
    found = options.settings(database)
    try:
        plain = [[name, [{"hex": p.hex()} if isinstance(p, bytes) else p for p in values]] for name, values in changes]
        options.ask(found, "tokens", changes=plain)
    except options.NoServer:
        database_.write(found, changes)
