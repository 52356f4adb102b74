"""``smsbot retry``: failed texts are sent again, failed turns taken again, once somebody has looked."""

from __future__ import annotations

import time
from typing import Any

import click

from smsbot.core.clock import duration
from smsbot.core.errors import SmsbotError, UsageError
from smsbot.pipeline.repairs import AGAIN, Filter, described
from smsbot.settings import Settings
from smsbot.stores.base import Row

from . import options

_SHOWN = 10


@click.command()
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice([s.value for s in AGAIN]), help="Default: failed."
)
@click.option("--dead", is_flag=True, help="Failed turns (dead letters) instead of texts.")
@click.option("--since", default="24h", show_default=True, help="Not older than this.")
@click.option("--line", default="", help="Only of this line.")
@click.option("--reason", default="", help="Only those whose reason contains this.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.database
@options.as_json
@click.pass_context
def retry(
    ctx: click.Context,
    statuses: tuple[str, ...],
    dead: bool,
    since: str,
    line: str,
    reason: str,
    yes: bool,
    database: str | None,
    as_json: bool,
) -> None:
    """Send failed texts again, or give failed turns another try; shows them first and asks.

    A text is sent again once, however often this is called; what became of the first stays on record. Numbers that have
    opted out get nothing. A text of status unknown may have arrived: it is sent again only if you name it.
    """
    if dead and statuses:
        raise UsageError("--dead takes turns, which have no status")
    found = options.settings(database)
    chosen = Filter(time.time() - duration(since), line, reason, statuses or ("failed",))
    rows = options.run(_rows(found, chosen, dead))
    if not rows:
        options.emit({"v": 1, "again": 0}) if as_json else click.echo("Nothing matches.", err=True)
        lines = [number for bot in found.bots.values() for number in bot.lines]
        if line and lines and line not in lines:
            click.echo(f"No bot has the line {line}; lines: {', '.join(lines)}", err=True)
        if "unknown" in statuses and (open_ := options.run(_looked_up(found))):
            click.echo(f"{open_} are still being looked up at the provider.", err=True)
        ctx.exit(5)
    if not yes:
        options.must_ask(as_json)
        _show(rows, dead)
        click.confirm(f"{'Take' if dead else 'Send'} {len(rows)} again?", abort=True, err=True)
    try:
        described = {"since": chosen.since, "line": line, "reason": reason, "statuses": list(chosen.statuses)}
        done = options.ask(found, "take_again" if dead else "send_again", **described)
    except options.NoServer:
        raise SmsbotError("no server runs, so nothing can be taken up; start it first") from None
    options.emit({"v": 1, "again": done}) if as_json else click.echo(f"{done} taken up again.")


def _show(rows: list[Row], dead: bool) -> None:
    for row in rows[:_SHOWN]:
        click.echo(f"  {described(row)}", err=True)
    if len(rows) > _SHOWN:
        click.echo(f"  … and {len(rows) - _SHOWN} more", err=True)
    if not dead:
        click.echo(f"SMS parts in all: {sum(row['parts'] for row in rows)}.", err=True)


async def _looked_up(found: Settings) -> int:
    async with found.place.reader() as reader:
        return int((await reader.rows("looked_up"))[0]["n"])


async def _rows(found: Settings, chosen: Filter, dead: bool) -> list[Any]:
    async with found.place.reader() as reader:
        return await (chosen.turns(reader) if dead else chosen.texts(reader))
