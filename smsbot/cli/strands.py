"""``smsbot check --db FILE``: the open conversations of a database told again against the code, before a deploy."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import click

from smsbot.core.commit import Entry
from smsbot.core.errors import SettingsError
from smsbot.core.message import Key
from smsbot.core.phone import mask
from smsbot.core.structs import struct
from smsbot.lineup import build_lines
from smsbot.settings import Settings
from smsbot.stores.database import Database, Reader
from smsbot.stores.records import conversation_of
from smsbot.targets import load_as
from smsbot.turns.context import Records, records_of
from smsbot.turns.lines import Lines
from smsbot.turns.rehearsal import UNKNOWN, Stranded, rehearse

from . import output

_AT_ONCE = 1_000
_MOST = 20
"""Conversations of one kind that people are shown."""


@struct
class Found:
    """A conversation that would strand."""

    key: Key
    stranded: Stranded

    def plain(self) -> dict[str, str]:
        """For programs; the number is masked."""
        return {"number": mask(self.key.number), "line": self.key.line, **self.kind}

    @property
    def kind(self) -> dict[str, str]:
        """What it has in common with others."""
        return {"stands": self.stranded.place, "why": self.stranded.why, "at": self.stranded.at}


def check_database(settings: Settings, place: Database, *, as_json: bool) -> int:
    """Say who would strand; the exit code."""
    if not place.exists:
        raise SettingsError([f"--db: there is no file {place}"])
    found, total, unknown = asyncio.run(_rehearsed(_lines_of(settings), place, shown=not as_json))
    if as_json:
        output.emit({"v": 1, "open": total, "unknown": unknown, "stranded": [one.plain() for one in found]})
    else:
        _print(found, total, unknown)
    return 1 if found else 0


def stranded(settings: Settings) -> list[Key]:
    """The conversations of its database that the code no longer fits."""
    if not settings.place.exists:
        return []
    lines = _lines_of(settings)
    found, _, _ = asyncio.run(_rehearsed(lines, settings.place, shown=sys.stderr.isatty()))
    return [one.key for one in found if lines.get(one.key.line) is not None]


def _lines_of(settings: Settings) -> Lines:
    return build_lines(settings, {name: load_as(name, bot.target) for name, bot in settings.bots.items()})


async def _rehearsed(lines: Lines, place: Database, *, shown: bool) -> tuple[list[Found], int, int]:
    """Those that strand, how many there are, and of how many only their turn can tell."""
    found: list[Found] = []
    unknown = 0
    async with place.reader() as reader:
        for row in await reader.rows("contents_in_use"):
            for line in lines.values():
                if row["hash"] != line.versions.current.hash:
                    line.versions.older.setdefault(row["hash"], row["value"])
        total = (await reader.rows("open_count"))[0]["n"]
        with click.progressbar(
            length=total, label=f"{total:,} open conversations", file=sys.stderr, hidden=not shown
        ) as bar:
            async for key in _open(reader):
                bar.update(1)
                told = await _told(lines, reader, key)
                unknown += told is UNKNOWN
                if told is not None and told is not UNKNOWN:
                    found.append(Found(key, told))
    return found, total, unknown


async def _open(reader: Reader) -> AsyncIterator[Key]:
    """Every conversation that a run is open in."""
    last = Key("", "")
    while batch := await reader.rows("open_conversations", line=last.line, number=last.number, limit=_AT_ONCE):
        for row in batch:
            last = Key(row["line"], row["number"])
            yield last


async def _told(lines: Lines, reader: Reader, key: Key) -> Stranded | None:
    conversation = conversation_of(key, await reader.rows("conversation", line=key.line, number=key.number))
    line = lines.get(key.line)
    if line is None:
        return Stranded(key.line, "no bot answers on this line any more", "")

    async def journal(run: bytes, frame: bytes) -> Records:
        rows = await reader.rows("journal", run=run, frame=frame)
        return records_of(Entry(run, frame, r["seq"], r["kind"], r["value"]) for r in rows)

    for run in (conversation.run, *conversation.resting):
        told = await rehearse(line, replace(conversation, run=run, resting=()), journal)
        if told is not None:
            return told
    return None


_REMEDY = (
    'Guard the change with chat.since("…"), keep a former name with key= or name=, or end them after the deploy: '
    "smsbot end --stranded"
)


def _print(found: list[Found], total: int, unknown: int) -> None:
    kinds: dict[tuple[str, ...], list[str]] = {}
    for one in found:
        kinds.setdefault(tuple(one.kind.values()), []).append(mask(one.key.number))
    for (place, why, at), people in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        many = f"{len(people):,} conversation{'s' if len(people) > 1 else ''}"
        click.echo(
            f"{click.style(f'{many} would strand', fg='red', bold=True)} at {place}" + (f"\n --> {at}" if at else "")
        )
        more = f" and {len(people) - _MOST:,} more" if len(people) > _MOST else ""
        click.echo(f"  {why}\n  {', '.join(people[:_MOST])}{more}\n")
    if found:
        click.echo(_REMEDY, err=True)
    if unknown:
        click.echo(f"{unknown:,} need what is provided on their way: only their next turn can tell")
    click.echo(f"{total - len(found) - unknown:,} of {total:,} open conversations go on")
