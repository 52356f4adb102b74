"""``smsbot broadcast``: one text to the people of a file."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import click

from smsbot.core import phone, segments
from smsbot.core.clock import duration
from smsbot.core.commit import digest
from smsbot.core.errors import SettingsError, UsageError
from smsbot.core.lanes import BULK, CHOSEN
from smsbot.core.structs import struct
from smsbot.leaving import Budget
from smsbot.lineup import build_lines
from smsbot.pipeline.broadcasts import EACH, WORDS
from smsbot.policy.money import MICRO, money
from smsbot.settings import LineSettings, Settings
from smsbot.turns.lines import Line

from . import options
from .recipients import People, people_in, saying
from .serve import load

_SHOWN = 20
"""Wrong rows that are listed."""
_LOOK = 0.5
"""Seconds between two looks at how far it is."""


class _Group(click.Group):
    """A file in place of a command is sent to."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["send", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_Group)
def broadcast() -> None:
    """Send one text to many: `smsbot broadcast people.csv --text "Hello {name}"`.

    FILE is CSV in UTF-8 with a row for each person; a column is called number, the others fill the holes of the text.
    The texts wait in the lane for bulk, so that answers and codes go first. The same command again goes on where it
    was left, and sends nobody the same twice.
    """


@struct
class Plan:
    """What a broadcast comes to."""

    line: str
    lane: str
    people: People
    cost: int
    currency: str
    segments: int
    countries: Mapping[str, int]
    opted_out: int
    seconds: float
    """How long it takes at the rate of the line; 0: it has none."""
    hint: str
    """How it would be cheaper; empty: it would not."""


@broadcast.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--text", default="", help="What it says; {name} is filled from the column called name.")
@click.option("--template", default="", help="The name of a text that lies with the flows, instead of --text.")
@click.option("--line", default="", help="The line it leaves from (default: the first).")
@click.option("--name", default="", help="What it is called (default: as the file is).")
@click.option("--lane", type=click.Choice(CHOSEN), default=BULK, help="How urgent it is (default: bulk).")
@click.option("--valid", default="", help="How long each text is worth sending, such as 6h (default: as its lane).")
@click.option("--skip-wrong", is_flag=True, help="Leave out the rows that are wrong, instead of sending nothing.")
@click.option("--dry-run", is_flag=True, help="Only say what it comes to.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Wait until the last has left, with a bar.")
@options.database
@options.as_json
@click.pass_context
def send(
    ctx: click.Context, file: Path, text: str, template: str, line: str, name: str, lane: str, valid: str,
    skip_wrong: bool, dry_run: bool, yes: bool, wait: bool, database: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Send a text to the people of FILE, or say what that comes to."""
    found = options.settings(database)
    if bool(text) is bool(template):
        raise UsageError("give either --text or --template")
    life = duration(valid) if valid else 0.0
    plan = _planned(found, file, text, template, line, lane)
    if as_json and dry_run:
        options.emit({"v": 1, **_plain(plan)})
    else:
        _print(plan)
    if plan.people.wrong and not skip_wrong and not dry_run:
        wrong = f"{len(plan.people.wrong)} rows are wrong"
        raise UsageError(f"{wrong}, so nothing was sent; mend them, or add --skip-wrong")
    if dry_run:
        ctx.exit(1 if plan.people.wrong else 0)
    if not yes:
        options.must_ask(as_json)
        click.confirm(f"Send it to {len(plan.people.texts)} people?", abort=True, err=True)
    called = name or file.stem
    _give(found, called, plan, life)
    if wait:
        _follow(found, called)
    told = _ask(found, "broadcast_progress", name=called)
    _told(told, as_json)
    ctx.exit(1 if wait and told["counts"].get("failed") else 0)


@broadcast.command("list")
@options.database
@options.as_json
def list_(database: str | None, as_json: bool) -> None:
    """The newest broadcasts, and how far they are."""
    rows = _ask(options.settings(database), "broadcasts")
    if as_json:
        options.emit({"v": 1, "broadcasts": rows})
        return
    for row in rows:
        click.echo(f"{row['name']:24} {row['total'] - row['open']:>8} of {row['total']:<8} {_state(row)}")
    if not rows:
        click.echo("There was no broadcast.")


@broadcast.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="Wait until the last has left, with a bar.")
@options.database
@options.as_json
def show(name: str, wait: bool, database: str | None, as_json: bool) -> None:
    """How a broadcast fares."""
    found = options.settings(database)
    if wait:
        _follow(found, name)
    _told(_ask(found, "broadcast_progress", name=name), as_json)


@broadcast.command()
@click.argument("name")
@options.database
@options.as_json
def pause(name: str, database: str | None, as_json: bool) -> None:
    """Let nothing more of it leave until it is resumed; what waits too long expires."""
    _told(_ask(options.settings(database), "broadcast_pause", name=name, pause="pause"), as_json)


@broadcast.command()
@click.argument("name")
@options.database
@options.as_json
def resume(name: str, database: str | None, as_json: bool) -> None:
    """Let it go on."""
    _told(_ask(options.settings(database), "broadcast_pause", name=name, pause="resume"), as_json)


@broadcast.command()
@click.argument("name")
@options.database
@options.as_json
def stop(name: str, database: str | None, as_json: bool) -> None:
    """Take back all that has not left, for good."""
    _told(_ask(options.settings(database), "broadcast_stop", name=name), as_json)


# -- what it comes to -------------------------------------------------------------------------------------------------


def _planned(found: Settings, file: Path, text: str, template: str, line: str, lane: str) -> Plan:
    if not found.bots:
        raise SettingsError(["no line to send from: add [bots.NAME] with lines to smsbot.toml"])
    lines = build_lines(found, load(found))
    ours = lines.find(line) if line else lines.values()[0]
    if ours is None:
        raise UsageError(f"{line[:40]} is none of our lines")
    say = saying(text) if text else partial(_named, ours, template)
    people = people_in(file, say, ours.country)
    budget = Budget(found)
    account, parts, cost = ours.account_of(lane), 0, 0
    countries: Counter[str] = Counter()
    for number, said in people.texts:
        count = segments.count(said).segments
        parts, cost = parts + count, cost + budget.cost(number, account, count)
        countries[phone.country(number) or "?"] += 1
    opted_out = options.run(_opted_out(found, {number for number, _ in people.texts}))
    rate = found.lines.get(ours.number, LineSettings()).rate
    return Plan(
        line=ours.number, lane=lane, people=people, cost=cost, currency=budget.prices.currency, segments=parts,
        countries=countries, opted_out=opted_out, seconds=len(people.texts) / rate if rate else 0.0,
        hint=_hint(people.texts, parts),
    )  # fmt: skip


def _named(line: Line, template: str, fields: Mapping[str, str]) -> str:
    """A named text, with the fields that it has a hole for."""
    text = line.versions.current.texts.get(template)
    holes = {name: fields[name] for name in (text.holes if text is not None else ()) if fields.get(name)}
    return line.text(template, fields.get("language"), holes)


async def _opted_out(found: Settings, numbers: set[str]) -> int:
    if not found.place.exists:
        return 0
    async with found.place.reader() as reader:
        return len(numbers & {row["number"] for row in await reader.rows("opt_out_numbers")})


def _hint(texts: Sequence[tuple[str, str]], parts: int) -> str:
    """How many SMS letters cost that no phone of 1990 knew."""
    plain = sum(segments.count(segments.cheaper(said)).segments for _, said in texts)
    if plain >= parts:
        return ""
    return f"without accents and curly quotes it would be {plain} SMS, {parts - plain} less"


def _plain(plan: Plan) -> dict[str, Any]:
    return {
        "people": len(plan.people.texts), "twice": plan.people.twice, "wrong": list(plan.people.wrong),
        "segments": plan.segments, "cost": plan.cost / MICRO, "currency": plan.currency,
        "countries": dict(plan.countries), "opted_out": plan.opted_out, "seconds": plan.seconds, "hint": plan.hint,
        "line": plan.line, "lane": plan.lane,
    }  # fmt: skip


def _print(plan: Plan) -> None:
    people = plan.people
    for each in people.wrong[:_SHOWN]:
        click.secho(each, fg="red", err=True)
    if len(people.wrong) > _SHOWN:
        click.echo(f"and {len(people.wrong) - _SHOWN} more rows that are wrong", err=True)
    countries = ", ".join(f"{n} {name}" for name, n in Counter(plan.countries).most_common(6))
    price = f", {money(plan.cost, plan.currency)} at the most" if plan.currency else ""
    click.echo(f"{len(people.texts)} people ({countries}), {plan.segments} SMS{price}, from {plan.line}", err=True)
    if people.twice:
        click.echo(f"{people.twice} rows stand there twice, and get it once", err=True)
    if plan.opted_out:
        click.echo(f"{plan.opted_out} of them have opted out, and get nothing", err=True)
    if plan.seconds:
        click.echo(f"It takes {plan.seconds / 60:.0f} minutes at the rate of the line, beside quiet hours", err=True)
    if plan.hint:
        click.echo(f"hint: {plan.hint}", err=True)
    if people.texts:
        click.echo(f"The first says: {people.texts[0][1]}", err=True)


# -- sending ----------------------------------------------------------------------------------------------------------


def _ask(found: Settings, do: str, **more: object) -> Any:
    try:
        return options.ask(found, do, **more)
    except options.NoServer:
        raise UsageError("no server runs here, and a broadcast leaves through one; start it first") from None


def _give(found: Settings, name: str, plan: Plan, life: float) -> None:
    """Give all texts to the server; those that it has already change nothing."""
    texts = plan.people.texts
    identity = digest("broadcast", name, plan.line, plan.lane, *(part for pair in texts for part in pair))
    row = _ask(found, "broadcast_begin", identity=identity.hex(), name=name, line=plan.line, total=len(texts))
    first = row["written"] - row["written"] % EACH
    if row["written"]:
        click.echo(f"It was begun before; {row['written']} of {len(texts)} were given to the server", err=True)
    with click.progressbar(range(first, len(texts), EACH), label="Giving", file=sys.stderr) as bar:
        for at in bar:
            part = texts[at : at + EACH]
            _ask(found, "broadcast_add", identity=identity.hex(), first=at, people=part, lane=plan.lane, valid=life)


def _follow(found: Settings, name: str) -> None:
    """Show how many have left until the last has, or it is paused or stopped."""
    total = _ask(found, "broadcast_progress", name=name)["total"]
    with click.progressbar(_leaving(found, name), total, label="Sent", file=sys.stderr) as bar:
        for _ in bar:
            pass


def _leaving(found: Settings, name: str) -> Iterator[None]:
    """One for each text that has come to its end, when it has."""
    shown = 0
    while True:
        told = _ask(found, "broadcast_progress", name=name)
        yield from repeat(None, told["total"] - told["open"] - shown)
        shown = told["total"] - told["open"]
        if told["done"] or told["paused"] or told["stopped"]:
            return
        time.sleep(_LOOK)


def _told(told: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        options.emit({"v": 1, **told})
        return
    click.echo(f"{told['name']}: {told['total']} people, {_state(told)}")
    for word, said in WORDS.items():
        if told["counts"].get(word):
            click.echo(f"{told['counts'][word]:>9} {said}")
    if told["written"] < told["total"] and not told["stopped"]:
        click.echo(f"{told['total'] - told['written']:>9} not given to the server yet: run the same command again")


def _state(told: Mapping[str, Any]) -> str:
    return "stopped" if told["stopped"] else "paused" if told["paused"] else "done" if told["done"] else "going on"
