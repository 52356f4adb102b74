"""``smsbot opt-outs``, ``smsbot export`` and ``smsbot erase``: consent by hand, and one person's data."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from smsbot.core import phone
from smsbot.core.clock import iso
from smsbot.core.errors import UsageError
from smsbot.core.message import Key
from smsbot.desk.numbers import listed
from smsbot.pipeline.people import erasure, known
from smsbot.settings import Settings
from smsbot.stores.base import Row

from . import database as database_
from . import options

_AT_ONCE = 500
_ALL = 10_000_000
_why = click.option("--why", required=True, help="Where it is from: kept as the proof.")


@click.group("opt-outs")
def opt_outs() -> None:
    """Numbers that get nothing, and what proves it."""


@opt_outs.command("list")
@options.database
@options.as_json
@options.reveal
def list_command(database: str | None, as_json: bool, reveal: bool) -> None:
    """Who has opted out, the latest first; numbers masked unless --reveal."""
    rows = _opted_out(options.settings(database))
    shown = phone.mask if not reveal else str
    for row in rows:
        told = {"number": shown(row["number"]), "since": iso(row["at"]), "text": row["text"] or "",
                "proof": row["source"] or ""}  # fmt: skip
        if as_json:
            options.emit({"v": 1, **told})
        else:
            click.echo(f"{told['since']}  {told['number']:16} {told['text'] or told['proof']}".rstrip())


@opt_outs.command("export")
@options.database
def export_list(database: str | None) -> None:
    """Print all of them as a CSV table with whole numbers, for another system."""
    out = csv.writer(sys.stdout)
    out.writerow(["number", "since", "text", "proof"])
    for row in _opted_out(options.settings(database)):
        out.writerow([row["number"], iso(row["at"]), row["text"] or "", row["source"] or ""])


@opt_outs.command()
@click.argument("numbers", nargs=-1, required=True)
@_why
@options.database
def add(numbers: Sequence[str], why: str, database: str | None) -> None:
    """Send nothing to NUMBERS any more."""
    found = options.settings(database)
    read = [_number(found, n) for n in numbers]
    click.echo(f"{_opt_out(found, read, why)} opted out", err=True)


@opt_outs.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_why
@options.database
def import_command(file: Path, why: str, database: str | None) -> None:
    """Opt out the numbers of FILE: one a line, or a table with a column of numbers. Nobody is opted in by a list."""
    found = options.settings(database)
    read = listed(file.read_text("utf-8", "replace"), _country(found))
    for place, what in read.wrong:
        click.echo(f"{file}:{place}: no phone number: {what}", err=True)
    if not read.numbers:
        raise UsageError(f"{file} has no phone numbers")
    added, parts = 0, [read.numbers[n : n + _AT_ONCE] for n in range(0, len(read.numbers), _AT_ONCE)]
    with click.progressbar(parts, label=f"{len(read.numbers):,} numbers", file=sys.stderr) as bar:
        for part in bar:
            added += _opt_out(found, part, why)
    click.echo(f"{added} opted out, {len(read.numbers) - added} had before, {len(read.wrong)} left out", err=True)
    if read.wrong:
        sys.exit(1)


@opt_outs.command()
@click.argument("number")
@_why
@options.database
def remove(number: str, why: str, database: str | None) -> None:
    """Let texts go to NUMBER again, with a proof."""
    found = options.settings(database)
    whose = _number(found, number)
    if not any(r["number"] == whose for r in _opted_out(found)):
        _nothing("this number has not opted out")
    try:
        options.ask(found, "opt_in", number=whose, why=f"command line: {why}")
    except options.NoServer:
        database_.write(found, [("unsuppress", (whose,)), _proof(found, whose, "optin", why)])


@click.command()
@click.argument("number")
@options.database
def export(number: str, database: str | None) -> None:
    """Print all that is known of NUMBER as JSON, for the person themselves."""
    found = options.settings(database)
    options.emit(_known(found, _number(found, number)))


@click.command()
@click.argument("number")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.database
@options.as_json
def erase(number: str, yes: bool, database: str | None, as_json: bool) -> None:
    """Forget NUMBER: texts, fields, notes, where they stand. That they opted in or out is kept, as the law wants."""
    found = options.settings(database)
    whose = _number(found, number)
    data = _known(found, whose)
    counts = {what: len(data[what]) for what in ("texts_in", "texts_out")}
    if not yes:
        options.must_ask(as_json)
        click.confirm(
            f"Forget {phone.mask(whose)}: {counts['texts_in']} texts in, {counts['texts_out']} out?", abort=True
        )
    try:
        counts = options.ask(found, "erase", number=whose)
    except options.NoServer:
        options.run(_erase(found, whose))
    if as_json:
        options.emit({"v": 1, "erased": counts})
    else:
        click.echo(f"forgotten: {counts['texts_in']} texts in, {counts['texts_out']} out", err=True)


# -- with a server and without ----------------------------------------------------------------------


def _opt_out(found: Settings, numbers: Sequence[str], why: str) -> int:
    proof = f"command line: {why}"
    try:
        return int(options.ask(found, "opt_out", numbers=list(numbers), why=proof))
    except options.NoServer:
        pass
    before = {r["number"] for r in _opted_out(found)}
    fresh = [n for n in dict.fromkeys(numbers) if n not in before]
    now = time.time()
    changes: list[tuple[str, Sequence[object]]] = []
    for number in fresh:
        changes += [("suppress", (number, now, None)), _proof(found, number, "optout", why)]
    database_.write(found, changes)
    return len(fresh)


def _proof(found: Settings, number: str, action: str, why: str) -> tuple[str, Sequence[object]]:
    line = next((n for b in found.bots.values() for n in b.lines), "")
    return ("consent", (number, line, action, "", time.time(), f"command line: {why}", ""))


async def _erase(found: Settings, number: str) -> None:
    async with database_.opened(found) as store:
        keys = [Key(r["line"], number) for r in await store.rows("lines_of", number=number)]
        await store.erase(keys, number, erasure(keys, number))


def _known(found: Settings, number: str) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        async with found.place.reader() as reader:
            return await known(reader, number, time.time())

    if not found.place.exists:
        _nothing("there is no database yet")
    try:
        return options.run(work())
    except UsageError as error:
        _nothing(error.args[0])


def _nothing(why: str) -> NoReturn:
    click.echo(why, err=True)
    sys.exit(5)


def _opted_out(found: Settings) -> list[Row]:
    return database_.rows(found, "opt_outs", before=1e15, limit=_ALL)


def _country(found: Settings) -> str | None:
    return next((found.country(n) for b in found.bots.values() for n in b.lines), None)


def _number(found: Settings, written: str) -> str:
    read = phone.asked(written, _country(found))
    if not phone.can_receive(read):
        raise UsageError(f"{written!r} is not a phone number; write it as +48600100200")
    return read
