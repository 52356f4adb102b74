"""``smsbot tail`` and ``smsbot trace``: what came, what went, and whether it arrived."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any

import click

from smsbot.app import App
from smsbot.core import phone
from smsbot.core.clock import iso
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.status import Status
from smsbot.core.zones import zone_of
from smsbot.desk.finding import Found, find
from smsbot.desk.histories import Histories
from smsbot.desk.verdicts import Outcome, Stage, Verdict, plain
from smsbot.desk.words import ENGLISH
from smsbot.settings import Settings
from smsbot.stores.base import Reads, Row
from smsbot.stores.database import Reader

from . import options
from .output import mention

_FOREVER = 1e15
_OUTCOMES = {
    Outcome.DELIVERED: "green", Outcome.NOT_DELIVERED: "red", Outcome.EXPIRED: "red", Outcome.REFUSED: "red",
    Outcome.UNKNOWN: "yellow", Outcome.LATE: "yellow", Outcome.HELD: "yellow", Outcome.BLOCKED: "yellow",
}  # fmt: skip
_COLOURS = {"delivered": "green", "failed": "red", "undelivered": "red", "expired": "red", "unknown": "yellow"}


async def follow(tables: Reads, show: Callable[[Row], None], *, pause: float = 0.3, backlog: int = 0) -> None:
    """Show each new message, and each new status of a text out, as long as it runs."""
    known: OrderedDict[str, str] = OrderedDict()
    first = True
    while True:
        with suppress(StoreError):
            rows = await tables.rows("feed", limit=200, before=_FOREVER)
            for i, row in reversed(list(enumerate(rows))):
                changed = known.get(row["id"]) != row["status"]
                known[row["id"]] = row["status"]
                if changed and (not first or i < backlog):
                    show(row)
            first = False
            while len(known) > 2000:
                known.popitem(last=False)
        await asyncio.sleep(pause)


def line_of(row: Row, *, reveal: bool = False, zone: tzinfo | None = None) -> str:
    """A message on one line, masked, with its time in a zone (by default this machine's)."""
    at = datetime.fromtimestamp(row["at"], zone)
    shown = at.strftime("%H:%M:%S" if at.date() == datetime.now(zone).date() else "%Y-%m-%d %H:%M:%S")
    number = row["number"] if reveal else phone.mask(row["number"])
    incoming = row["direction"] == "in"
    text = " ".join(_printable(row["text"]).split())
    text = text if len(text) <= 60 else text[:59] + "…"
    end = _printable(row["detail"]) if incoming else f"{row['parts']} SMS, {row['status']}"
    if not incoming:
        end = click.style(end, fg=_COLOURS.get(row["status"]))
    return f'{shown} {"←" if incoming else "→"} {number} "{text}"  {end}'


def _printable(text: str) -> str:
    """A text without what a terminal would obey: control characters and changes of direction."""
    return "".join(c if c.isprintable() or c.isspace() else "�" for c in text)


def document_of(row: Row, *, reveal: bool = False) -> dict[str, Any]:
    """A message as a JSON document, masked."""
    number = row["number"] if reveal else phone.mask(row["number"])
    kept = ("direction", "id", "line", "text", "status", "detail", "parts")
    return {"v": 1, "at": iso(row["at"]), "number": number, **{k: row[k] for k in kept}}


class Follower:
    """An ASGI app around another, which prints messages while it serves (for `smsbot dev`)."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the server, then follow it."""
        await self._app.start()
        self._task = asyncio.create_task(follow(self._app.store, lambda row: mention(line_of(row))))

    async def ending(self) -> None:
        """The end has begun."""
        await self._app.ending()

    async def stop(self) -> None:
        """Stop both."""
        if self._task is not None:
            self._task.cancel()
        await self._app.stop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve."""
        await self._app(scope, receive, send)


@click.command()
@options.database
@options.as_json
@options.reveal
@click.option("--status", type=click.Choice([s.value for s in Status]), help="Only texts out with this status.")
@click.option("-n", "backlog", type=click.IntRange(0, 200), default=10, help="Begin with the last N (default 10).")
def tail(database: str | None, as_json: bool, reveal: bool, status: str | None, backlog: int) -> None:
    """Follow messages as they come and go."""
    found = options.settings(database)

    def show(row: Row) -> None:
        if status is not None and (row["direction"] != "out" or row["status"] != status):
            return
        if as_json:
            options.emit(document_of(row, reveal=reveal))
        else:
            click.echo(line_of(row, reveal=reveal))

    async def work() -> None:
        async with found.place.reader() as reader:
            await reader.rows("last_seq")  # says at once if this is no database
            await follow(reader, show, backlog=backlog)

    options.run(work())


@click.command()
@click.argument("asked", metavar="NUMBER|REFERENCE")
@options.database
@options.as_json
@options.reveal
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=20, help="At most N messages (default 20).")
@click.pass_context
def trace(ctx: click.Context, asked: str, database: str | None, as_json: bool, reveal: bool, limit: int) -> None:
    """Did it reach the person? The verdict on what was requested last, then all that is known, oldest first.

    A number may be given by its last digits; a reference is what was given with `--ref` or by a program.
    Exit code 0: delivered; 1: not; 6: not decided yet; 5: nothing is known of the number.
    """
    found = options.settings(database)

    async def work() -> tuple[Verdict, list[Row]]:
        async with found.place.reader() as reader:
            histories, now = Histories(reader, _zone(found)), time.time()
            meant = await _meant(found, reader, asked)
            judged = histories.of_text(meant.text, now) if meant.text else histories.of_person(meant.number, now)
            verdict = await judged
            return verdict, await reader.rows("thread", number=meant.number, limit=limit, before=_FOREVER)

    verdict, rows = options.run(work())
    if as_json:
        messages = [document_of(r, reveal=reveal) for r in reversed(rows)]
        options.emit({"v": 1, **plain(verdict), "messages": messages})
    else:
        _print_trace(verdict, rows, reveal, _zone(found))
    ctx.exit(5 if not rows else {True: 0, False: 1, None: 6}[verdict.outcome.arrived])


async def _meant(found: Settings, reader: Reader, asked: str) -> Found:
    """Whom somebody means; raises `UsageError` for nobody, or for several."""
    countries = [line.country for line in found.lines.values()]
    countries += [phone.country(line) for bot in found.bots.values() for line in bot.lines]
    meant = await find(reader, asked, [*filter(None, countries), None])
    if meant.several:
        listed = ", ".join(map(phone.mask, meant.several))
        raise UsageError(f"{len(meant.several)} numbers or more end so ({listed}); give more digits")
    if not meant.number:
        raise UsageError(
            f"{asked!r} is neither a reference nor a phone number: write it as +48600100200, or its last digits"
        )
    return meant


def _zone(found: Settings) -> tzinfo:
    """The zone of the first line, in which times are told."""
    line = next((line for bot in found.bots.values() for line in bot.lines), "")
    return zone_of({}, found.timezone(line) if line else "UTC")


def _print_trace(verdict: Verdict, rows: list[Row], reveal: bool, zone: tzinfo) -> None:
    click.echo(click.style(str(verdict.outcome), fg=_OUTCOMES.get(verdict.outcome), bold=True), nl=False)
    click.echo(f": {_printable(verdict.why)}.")
    click.echo(f"Tell the caller: {_printable(verdict.say)}")
    if verdict.path:
        click.echo(" → ".join(_stage(stage, zone) for stage in verdict.path))
    for row in reversed(rows):
        click.echo(line_of(row, reveal=reveal, zone=zone))


def _stage(stage: Stage, zone: tzinfo) -> str:
    """A place on the way of a text: when it was there, and how long it took to come there."""
    name = {"ahead": f"({stage.name})", "unsure": f"{stage.name}?", "now": f"{stage.name}…"}.get(
        stage.state, stage.name
    )
    at = datetime.fromtimestamp(stage.at, zone).strftime(" %H:%M:%S") if stage.at is not None else ""
    took = f" (+{ENGLISH.span(stage.took)})" if stage.took is not None else ""
    return _printable(name) + at + took
