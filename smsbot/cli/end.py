"""``smsbot end``: runs that nobody can finish any more are ended, with a text."""

from __future__ import annotations

from collections.abc import Sequence

import click

from smsbot.core import phone
from smsbot.core.errors import SmsbotError, UsageError
from smsbot.core.message import Key
from smsbot.core.segments import MAX_PARTS, count
from smsbot.settings import Settings

from . import database, options
from .strands import stranded


@click.command()
@click.argument("numbers", metavar="[NUMBER]...", nargs=-1)
@click.option("--stranded", "all_stranded", is_flag=True, help="All conversations that the code no longer fits.")
@click.option("--say", default="", metavar="TEXT", help="The text that each person gets.")
@click.option("--line", default="", help="Only on this line.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.database
@options.as_json
@click.pass_context
def end(
    ctx: click.Context, numbers: Sequence[str], all_stranded: bool, say: str, line: str, yes: bool,
    database: str | None, as_json: bool,
) -> None:  # fmt: skip
    """End the open runs of people, whoever looks after them: by number, or of all who are stranded.

    What is stored of them stays; their next text begins anew. Numbers that have opted out are ended without a text.
    Exit code 5: nothing is open there.
    """
    if bool(numbers) is all_stranded:
        raise UsageError("give numbers, or --stranded")
    if say and count(say).segments > MAX_PARTS:
        raise UsageError(f"--say: a text of {count(say).segments} SMS parts is refused; {MAX_PARTS} is the most")
    found = options.settings(database)
    keys = [k for k in (stranded(found) if all_stranded else _of_numbers(found, numbers)) if line in ("", k.line)]
    if not keys:
        options.emit({"v": 1, "ended": 0}) if as_json else click.echo("Nothing is open there.", err=True)
        ctx.exit(5)
    if not yes:
        options.must_ask(as_json)
        for key in keys[:10]:
            click.echo(f"  {phone.mask(key.number)} on {key.line}", err=True)
        more = f", and {len(keys) - 10} more" if len(keys) > 10 else ""
        click.confirm(f"End {len(keys)} run{'s' if len(keys) > 1 else ''}{more}?", abort=True, err=True)
    try:
        done = options.ask(found, "end", conversations=keys, say=say)
    except options.NoServer:
        raise SmsbotError("no server runs, so nothing can be ended; start it first") from None
    options.emit({"v": 1, "ended": done}) if as_json else click.echo(f"{done} ended.")


def _of_numbers(found: Settings, numbers: Sequence[str]) -> list[Key]:
    """The open conversations of numbers, on all lines. Raises `UsageError` for what is none."""
    keys: list[Key] = []
    for written in numbers:
        countries = {found.country(line) for bot in found.bots.values() for line in bot.lines} or {None}
        spelled = {phone.normalise(written, country) for country in countries}
        theirs = next((n for n in spelled if phone.is_number(n)), "")
        if not theirs:
            raise UsageError(f"{phone.mask(written)!r} is not a phone number; write it as +48600100200")
        for row in database.rows(found, "lines_of", number=theirs):
            key = Key(row["line"], theirs)
            first = database.rows(found, "conversation", line=key.line, number=key.number)[0]
            keys += [key] if first["run"] is not None else []
    return keys
