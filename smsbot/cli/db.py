"""``smsbot db``: backups that are checked, and restores that start paused."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from smsbot.core.clock import iso
from smsbot.stores import backup as copies
from smsbot.stores.database import Database

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


@db.command(name="copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@options.as_json
def copy_(source: str, target: str, as_json: bool) -> None:
    """Copy everything from a file to a PostgreSQL server, or back: all of it or nothing, compared row by row.

    FROM and TO are a file, postgresql://user@host/name, or the name of a variable that holds one (so that no password
    stands on the command line). No server may run on either, and TO must be empty. The copy is paused: look at it,
    change DATABASE_URL, start the server, then `smsbot resume`. Never serve both.
    """
    from smsbot.stores import copying  # needs the driver of PostgreSQL

    places = [Database(options.address_of(each)) for each in (source, target)]
    with click.progressbar(length=1, label="Copying", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def tell(what: str, rows: int, total: int) -> None:
            bar.length, bar.label = total, what
            bar.update(rows)

        rows = options.run(copying.copy(places[0], places[1], time.time(), tell))
    if as_json:
        options.emit({"v": 1, "from": str(places[0]), "to": str(places[1]), "rows": rows})
        return
    click.echo(f"Copied {rows:,} rows from {places[0]} to {places[1]}, and compared each.")
    click.echo("The copy is paused: nothing leaves until `smsbot resume`. Never serve both.", err=True)


def _show(what: str, path: Path, inside: Mapping[str, int], as_json: bool, *, err: bool = False) -> None:
    if as_json:
        options.emit({"v": 1, "path": str(path), "counts": dict(inside)})
        return
    click.echo(f"{what} {path}", err=err)
    for name, count in inside.items():
        click.echo(f"  {name:24} {count}", err=err)
