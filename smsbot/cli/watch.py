"""``smsbot tail`` and ``smsbot trace``: what came, what went, and whether it arrived."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

import click

from smsbot.app import App
from smsbot.core import phone
from smsbot.core.clock import iso
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.status import MEANING, Status
from smsbot.pipeline.finding import is_part, waiting, whole_number
from smsbot.stores.base import Row
from smsbot.stores.sqlite import SqliteReader

from . import options
from .output import mention

_FOREVER = 1e15
_YES = (Status.DELIVERED,)
_COLOURS = {"delivered": "green", "failed": "red", "undelivered": "red", "expired": "red", "unknown": "yellow"}


class Reads(Protocol):
    """Named reads."""

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        ...


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


def line_of(row: Row, *, reveal: bool = False) -> str:
    """A message on one line, masked."""
    at = datetime.fromtimestamp(row["at"])
    time = at.strftime("%H:%M:%S" if at.date() == datetime.now().date() else "%Y-%m-%d %H:%M:%S")
    number = row["number"] if reveal else phone.mask(row["number"])
    incoming = row["direction"] == "in"
    text = " ".join(_printable(row["text"]).split())
    text = text if len(text) <= 60 else text[:59] + "…"
    end = _printable(row["detail"]) if incoming else f"{row['parts']} SMS, {row['status']}"
    if not incoming:
        end = click.style(end, fg=_COLOURS.get(row["status"]))
    return f'{time} {"←" if incoming else "→"} {number} "{text}"  {end}'


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

    def ending(self) -> None:
        """The end has begun."""
        self._app.ending()

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
        async with SqliteReader(found.path) as reader:
            await reader.rows("last_seq")  # says at once if this is no database
            await follow(reader, show, backlog=backlog)

    options.run(work())


@click.command()
@click.argument("number")
@options.database
@options.as_json
@options.reveal
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=20, help="At most N messages (default 20).")
@click.pass_context
def trace(ctx: click.Context, number: str, database: str | None, as_json: bool, reveal: bool, limit: int) -> None:
    """Did it reach the person? The verdict on the last text, then all that is known, oldest first.

    Exit code 0: delivered; 1: not; 6: not decided yet; 5: nothing is known of the number.
    """
    found = options.settings(database)
    countries = [line.country for line in found.lines.values()]
    countries += [phone.country(line) for bot in found.bots.values() for line in bot.lines]
    theirs = phone.normalise(number, next(filter(None, countries), None))
    if not phone.can_receive(theirs) and not is_part(number):
        raise UsageError(f"{number!r} is not a phone number; write it as +48600100200, or its last digits")

    async def work() -> tuple[str, list[Row], list[Row], list[Row]]:
        async with SqliteReader(found.path) as reader:
            whose = await whole_number(reader, theirs, number)
            rows = await reader.rows("thread", number=whose, limit=limit, before=_FOREVER)
            return whose, rows, await reader.rows("last_out", number=whose), await reader.rows("pauses")

    theirs, rows, newest, pauses = options.run(work())
    waits = waiting(rows, pauses)
    last = newest[0] if newest else None
    if as_json:
        options.emit(
            {
                "v": 1,
                "verdict": last["status"] if last else "waits" if waits else "never requested",
                **({"why": waits} if waits else {}),
                "messages": [document_of(r, reveal=reveal) for r in reversed(rows)],
            }
        )
    else:
        _print_trace(rows, last, theirs, reveal, waits)
    ctx.exit(_exit(rows, last, waits))


def _print_trace(rows: list[Row], last: Row | None, number: str, reveal: bool, waits: str) -> None:
    who = number if reveal else phone.mask(number)
    if waits and (last is None or not rows or rows[0]["direction"] == "in"):
        click.echo(f"{click.style('NOT YET', bold=True)}: {waits}.")
    elif last is None:
        click.echo(f"Nothing was requested for {who}." if not rows else f"{who} texted, but nothing was requested.")
    else:
        status = Status(last["status"])
        answer = "YES" if status in _YES else "NO" if status.final else "NOT YET"
        why = f" ({_printable(last['detail'])})" if last["detail"] else ""
        click.echo(click.style(f"{answer}, {status}", fg=_COLOURS.get(status), bold=True), nl=False)
        click.echo(f": {MEANING[status]}{why}.")
    for row in reversed(rows):
        click.echo(line_of(row, reveal=reveal))


def _exit(rows: list[Row], last: Row | None, waits: str) -> int:
    if last is None and waits:
        return 6
    if last is None:
        return 5 if not rows else 1
    status = Status(last["status"])
    return 0 if status in _YES else 1 if status.final else 6
