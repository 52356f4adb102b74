"""``smsbot doctor --live``: one real text, its delivery report, a real reply; and what the provider sent, redacted."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from smsbot.core import phone
from smsbot.core.errors import UsageError
from smsbot.core.status import MEANING, Status
from smsbot.settings import Settings
from smsbot.stores.base import Row

from . import options

_PAUSE = 0.25


Say = Callable[[str, bool, str], None]
"""Told of each step: its name, whether it held, and how."""


def trial(found: Settings, number: str, patience: float, keep: str, say: Say) -> int:
    """The whole way, step by step; the exit code: 0 all held, 1 something did not, 4 the provider refused the text."""
    country = next((found.country(n) for b in found.bots.values() for n in b.lines), None)
    theirs = phone.asked(number, country)
    try:
        why = options.ask(found, "capture", number=theirs)
    except options.NoServer:
        raise UsageError("no server runs; start `smsbot run`, or `smsbot dev --live --only NUMBER`") from None
    if why:
        raise UsageError(why)
    try:
        code = _steps(found, theirs, patience, say)
    finally:
        payloads = options.ask(found, "release")
    _keep(payloads, Path(keep))
    return code


def _steps(found: Settings, theirs: str, patience: float, say: Say) -> int:
    began = time.time()
    told = options.ask(
        found, "send", number=theirs, text=f"smsbot test {secrets.randbelow(9000) + 1000}. Please reply OK."
    )
    row = _until(found, "outgoing", {"id": told["id"]}, lambda r: _beyond(r, Status.ACCEPTED), patience)
    status = Status(row["status"]) if row else Status.QUEUED
    if status in (Status.FAILED, Status.BLOCKED):
        say("text", False, f"{MEANING[status]}: {row['detail'] if row else ''}")
        return 4
    if row is None or not _beyond(row, Status.ACCEPTED):
        say("text", False, f"{status}: {MEANING[status]}")
        return 1
    say("text", True, f"the provider took it after {time.time() - began:.1f} s")
    row = _until(found, "outgoing", {"id": told["id"]}, lambda r: Status(r["status"]).final, patience)
    reported = row is not None and row["status"] == Status.DELIVERED
    if row is not None and not Status(row["status"]).final:
        say("report", False, f"none came; {_quarantined(found)}")
    else:
        say("report", reported, MEANING[Status(row["status"])] if row else "")
    click.echo(f"Now reply to the text from {phone.mask(theirs)}: OK", err=True)
    here = {"number": theirs, "limit": 9, "before": 1e15}
    reply = _until(found, "thread", here, lambda r: r["direction"] == "in" and r["at"] >= began, patience)
    answered = reply is not None and reply["direction"] == "in" and reply["at"] >= began
    came = "it came in, and its sender is who we texted"
    say("reply", answered, came if answered else f"none came; {_quarantined(found)}")
    return 0 if reported and answered else 1


def _beyond(row: Row, status: Status) -> bool:
    return Status(row["status"]).rank >= status.rank


def _until(
    found: Settings, name: str, parameters: dict[str, Any], enough: Callable[[Row], bool], patience: float
) -> Row | None:
    """The first row that is enough, else in the end the first there is."""
    end = time.monotonic() + patience
    while True:
        rows = _rows(found, name, parameters)
        right = next((r for r in rows if enough(r)), None)
        if right is not None or time.monotonic() > end:
            return right or (rows[0] if rows else None)
        time.sleep(_PAUSE)


def _rows(found: Settings, name: str, parameters: dict[str, Any]) -> list[Row]:
    async def read() -> list[Row]:
        async with found.place.reader() as reader:
            return await reader.rows(name, **parameters)

    return options.run(read())


def _quarantined(found: Settings) -> str:
    count = _rows(found, "counts", {})[0]["quarantined"]
    if count:
        return f"{count} webhooks came but were not understood: map them at /quarantine, then try again"
    return "no webhook came either: check the addresses of `smsbot hooks` at the provider, and the tunnel"


def _keep(payloads: list[dict[str, Any]], folder: Path) -> None:
    """One file for each kind of webhook, without the people in it."""
    for payload in payloads:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{payload['account']}-{payload['kind']}.json"
        path.write_text(json.dumps(payload, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for name in sorted({f"{p['account']}-{p['kind']}.json" for p in payloads}):
        click.echo(f"Kept, redacted: {folder / name}", err=True)
