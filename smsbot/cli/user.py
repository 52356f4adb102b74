"""``smsbot user``: who may see the pages of the desk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from smsbot.core.clock import iso
from smsbot.core.errors import UsageError
from smsbot.desk.users import LINK_LIFE, ROLES, Change, checked_role, invitation, new_link, removal
from smsbot.settings import Settings

from . import database as database_
from . import options

_role = click.option("--role", default="support", show_default=True, metavar="|".join(ROLES), help="What they may.")


@click.group()
def user() -> None:
    """Users of the desk: support finds texts and looks after people, admin may everything."""


@user.command()
@click.argument("name")
@_role
@options.database
@options.as_json
def add(name: str, role: str, database: str | None, as_json: bool) -> None:
    """Make a user called NAME, and print the link with which they choose a password."""
    found = options.settings(database)
    key, change = invitation(name, role, time.time())
    if _one(found, name) is not None:
        raise UsageError(f'there is a user "{name}" already; `smsbot user link {name}` makes a new link')
    _write(found, [change], "made a user", f"{name}, {role}")
    _tell(found, name, key, as_json)


@user.command()
@click.argument("name")
@options.database
@options.as_json
def link(name: str, database: str | None, as_json: bool) -> None:
    """Print a new link for NAME, who lost the one before, or the password."""
    found = options.settings(database)
    known = _known(found, name)
    key, change = new_link(known, time.time())
    _write(found, [change], "made a new link for a user", known)
    _tell(found, known, key, as_json)


@user.command("role")
@click.argument("name")
@click.argument("role")
@options.database
def change_role(name: str, role: str, database: str | None) -> None:
    """Say what NAME may from now on: ROLE is support or admin."""
    found = options.settings(database)
    known = _known(found, name)
    _write(found, [("user_role", (checked_role(role), known))], "changed the role of a user", f"{known}, {role}")


@user.command()
@click.argument("name")
@options.database
def remove(name: str, database: str | None) -> None:
    """Take NAME off the desk; their sessions end at once, what they did stays in the audit."""
    found = options.settings(database)
    known = _known(found, name)
    _write(found, removal(known), "removed a user", known)


@user.command("list")
@options.database
@options.as_json
def list_command(database: str | None, as_json: bool) -> None:
    """The users, their roles, and when each was seen."""
    rows = database_.rows(options.settings(database), "users")
    if as_json:
        told = [
            {"name": r["name"], "role": r["role"], "at": iso(r["at"]), "seen": iso(r["seen"]) if r["seen"] else None}
            for r in rows
        ]
        options.emit({"v": 1, "users": told})
        return
    for r in rows:
        state = f"seen {iso(r['seen'])}" if r["seen"] else "" if r["ready"] else "has not followed the link yet"
        click.echo(f"{r['name']:20} {r['role']:8} {state}".rstrip())


def _tell(found: Settings, name: str, key: str, as_json: bool) -> None:
    base = (found.public_url or "http://127.0.0.1:8765").rstrip("/")
    url = f"{base}/sign-in/{key}"
    if as_json:
        options.emit({"v": 1, "name": name, "link": url})
        return
    click.echo(url)
    click.echo(
        f"It is shown this once, and works once, for {int(LINK_LIFE // 3600)} hours. Give it to {name}.", err=True
    )


def _known(found: Settings, name: str) -> str:
    row = _one(found, name)
    if row is None:
        raise UsageError(f'there is no user "{name}"; `smsbot user list` shows them')
    return str(row["name"])


def _one(found: Settings, name: str) -> dict[str, Any] | None:
    return next((r for r in database_.rows(found, "users") if r["name"].casefold() == name.casefold()), None)


def _write(found: Settings, changes: Sequence[Change], did: str, about: str) -> None:
    """Through the running server, else straight into the database; the audit has it in the same commit."""
    noted = [*changes, ("audit", (time.time(), "command line", did, about, "/users"))]
    try:
        plain = [[name, [{"hex": v.hex()} if isinstance(v, bytes) else v for v in values]] for name, values in noted]
        options.ask(found, "users", changes=plain)
    except options.NoServer:
        database_.write(found, noted)
