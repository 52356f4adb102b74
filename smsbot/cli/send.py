"""``smsbot send``."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import click

from smsbot.core.clock import SystemClock, duration
from smsbot.core.errors import SettingsError, UsageError
from smsbot.core.status import MEANING, Status
from smsbot.lineup import build_lines
from smsbot.pipeline.sender import Sender
from smsbot.pipeline.sends import Sends, Terms
from smsbot.settings import Settings
from smsbot.web.commands import told, wished

from . import database as database_
from . import options
from .serve import load


@click.command()
@click.argument("number")
@click.argument("text")
@click.option("--line", default="", help="The line it leaves from (default: the first).")
@click.option("--wait", default="0s", help="Wait this long for the delivery report, such as 60s.")
@click.option("--ref", default="", help="What you call it, such as order-7: the desk finds it by that.")
@click.option("--server", metavar="URL", help="Another machine's server, by its API and the token in SMSBOT_TOKEN.")
@options.database
@options.as_json
@click.pass_context
def send(
    ctx: click.Context, number: str, text: str, line: str, wait: str, ref: str, server: str | None,
    database: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Send TEXT to NUMBER, through the running server or, if none runs, as soon as it does.

    With --wait, exit code 0 is delivered, 1 is not, 4 is refused by the provider, 6 is not decided in time.
    """
    patience = duration(wait)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("the text is not valid UTF-8") from None
    if server is not None:
        from . import elsewhere

        answer = elsewhere.send(server, number, text, line, ref, patience)
    else:
        answer = _here(options.settings(database), number, text, line, ref, patience)
    if as_json:
        options.emit({"v": 1, **answer})
    else:
        status = Status(answer["status"])
        why = f" ({answer['detail']})" if answer.get("detail") else ""
        click.echo(f"{answer['id']} to {answer['to']}: {status}, {MEANING[status]}{why}")
    ctx.exit(_exit(Status(answer["status"]), bool(patience)))


def _here(found: Settings, number: str, text: str, line: str, ref: str, patience: float) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = options.ask(found, "send", number=number, text=text, line=line, ref=ref)
    except options.NoServer:
        answer = options.run(_queue(found, number, text, line, ref))
    return options.run(_follow(found, answer, patience)) if patience else answer


def _exit(status: Status, waited: bool) -> int:
    if status is Status.FAILED:
        return 4
    if status.final:
        return 0 if status is Status.DELIVERED else 1
    return 6 if waited else 0


async def _queue(found: Settings, number: str, text: str, line: str, ref: str) -> dict[str, Any]:
    """Keep the text for the server's next start. It is scheduled, so that no attempt is on record."""
    if not found.bots:
        raise SettingsError(["no line to send from: add [bots.NAME] with lines to smsbot.toml"])
    lines = build_lines(found, load(found))
    ours, wish = wished(lines, number, text, line, ref=ref)
    async with database_.opened(found) as store:
        sends = Sends(store, lines, Sender(store, {}, SystemClock()), SystemClock())
        answer = told((await sends.send(ours, [replace(wish, due=time.time() + 1.0)], Terms()))[0])
    return answer | {"detail": answer["detail"] or "no server runs; it leaves when one starts"}


async def _follow(found: Settings, answer: dict[str, Any], patience: float) -> dict[str, Any]:

    async with found.place.reader() as reader:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            row = (await reader.rows("outgoing", id=answer["id"]))[0]
            answer = {**answer, "status": row["status"], "detail": row["detail"]}
            if Status(row["status"]).final:
                break
            await asyncio.sleep(0.1)
    return answer
