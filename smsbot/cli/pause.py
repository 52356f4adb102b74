"""``smsbot pause`` and ``smsbot resume``: nothing leaves, nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

import click

from smsbot.core.clock import iso
from smsbot.core.errors import UsageError
from smsbot.pipeline.repairs import pauses, scope_of
from smsbot.settings import Settings
from smsbot.stores.base import Row, Store

from . import database as database_
from . import options


@click.command()
@click.argument("what", nargs=-1)
@click.option("--why", default="", help="Shown at / and by this command.")
@click.option("--list", "show", is_flag=True, help="Only show what is paused.")
@options.database
@options.as_json
def pause(what: tuple[str, ...], why: str, show: bool, database: str | None, as_json: bool) -> None:
    """Keep texts from leaving: all, or those of WHAT: a bot, a line, a lane (priority, reply, notice, bulk), or
    `account NAME`.

    Texts that come in are recorded and answered later; the conversations of what is paused wait (a lane's go on). STOP
    is obeyed and confirmed. Texts that wait too long expire and are listed.
    """
    found = options.settings(database)
    if not show:
        _change(found, "pause", " ".join(what) or None, why)
    _list(found, as_json)


@click.command()
@click.argument("what", nargs=-1)
@options.database
@options.as_json
def resume(what: tuple[str, ...], database: str | None, as_json: bool) -> None:
    """Let texts leave again: end the pause of WHAT, or without it every pause."""
    found = options.settings(database)
    before = {(r["scope"], r["name"]) for r in options.run(_paused(found))[0]}
    _change(found, "resume", " ".join(what) or None, "")
    if what and before == {(r["scope"], r["name"]) for r in options.run(_paused(found))[0]}:
        click.echo(f"{' '.join(what)} was not paused by itself.", err=True)
    _list(found, as_json)


def _change(found: Settings, do: str, what: str | None, why: str) -> None:
    if not found.place.exists:
        raise UsageError(f"there is no database {found.place}, so there is nothing to {do}; is this the right folder?")
    lines = {name: list(bot.lines) for name, bot in found.bots.items()}
    held = {r["name"] for r in options.run(_paused(found))[0] if r["scope"] == "account"}  # also one that is gone
    scopes = scope_of(what or "", lines, held | set(found.accounts))
    try:
        options.ask(found, do, scopes=scopes, everything=what is None, why=why)
    except options.NoServer:

        async def offline(store: Store) -> None:
            await pauses(store, do, scopes, what is None, why, time.time())

        options.run(_with_store(found, offline))


async def _with_store(found: Settings, work: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    async with database_.opened(found) as store:
        await work(store)


def _list(found: Settings, as_json: bool) -> None:
    rows, waiting = options.run(_paused(found))
    if as_json:
        shown = [{"scope": r["scope"], "name": r["name"], "at": iso(r["at"]), "why": r["why"]} for r in rows]
        options.emit({"v": 1, "paused": shown, **waiting})
        return
    for row in rows:
        name = f"{row['scope']} {row['name']}".strip()
        click.echo(f"{name:24} paused since {iso(row['at'])}" + (f": {row['why']}" if row["why"] else ""))
    if not rows:
        click.echo("Nothing is paused.")
    elif any(waiting.values()):
        click.echo(f"Texts that wait to leave: {waiting['held']}; that wait to be answered: {waiting['unread']}.")


async def _paused(found: Settings) -> tuple[list[Row], dict[str, int]]:
    if not found.place.exists:
        return [], {}
    async with found.place.reader() as reader:
        counts = (await reader.rows("counts"))[0]
        return await reader.rows("pauses"), {"held": counts["held"], "unread": counts["unread"]}
