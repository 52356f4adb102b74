"""``smsbot db``: backups that are checked, and restores that start paused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import click

from smsbot.core.clock import iso
from smsbot.stores import backup as copies

from . import options


@click.group()
def db() -> None:
    """Back the database up, check a backup, restore one."""


@db.command()
@click.argument("target", required=False, type=click.Path(path_type=Path))
@options.database
@options.as_json
def backup(target: Path | None, database: str | None, as_json: bool) -> None:
    """Copy the database to TARGET while the server goes on, and check the copy.

    Without TARGET it lies beside the database, named after the time.
    """
    found = options.settings(database)
    made = target or Path(f"{found.place.path}.{iso(time.time()).replace(':', '')}.backup")
    _show("Backed up to", made, copies.copy(found.place.path, made), as_json)


@db.command()
@click.argument("backup", type=click.Path(path_type=Path))
@options.as_json
def check(backup: Path, as_json: bool) -> None:
    """Whether BACKUP is whole, and what is in it."""
    _show("Whole:", backup, copies.check(backup), as_json)


@db.command()
@click.argument("backup", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.database
@options.as_json
def restore(backup: Path, yes: bool, database: str | None, as_json: bool) -> None:
    """Put BACKUP in the place of the database; the server must be stopped.

    The restored database is paused: texts that were sent since the backup was made are still owed in it, so look at
    the counts first, then `smsbot resume`. The database that was there is kept beside it.
    """
    found = options.settings(database)
    inside = copies.check(backup)
    copies.unserved(found.place.path)
    place = found.place.path.absolute()
    if not place.exists():
        click.echo(f"There is no database {place} yet: is this the right folder? (--db names another)", err=True)
    if not yes:
        options.must_ask(as_json)
        _show("In the backup", backup, inside, False, err=True)
        click.confirm(f"Put it in the place of {place}?", abort=True, err=True)
    inside, old = copies.restore(backup, found.place.path, time.time())
    _show("Restored to", place, inside, as_json)
    if old is not None:
        click.echo(f"What was there is now {old}.", err=True)
    click.echo("Nothing leaves until `smsbot resume`; texts that are no longer worth sending expire then.", err=True)


def _show(what: str, path: Path, inside: Mapping[str, int], as_json: bool, *, err: bool = False) -> None:
    if as_json:
        options.emit({"v": 1, "path": str(path), "counts": dict(inside)})
        return
    click.echo(f"{what} {path}", err=err)
    for name, count in inside.items():
        click.echo(f"  {name:24} {count}", err=err)
