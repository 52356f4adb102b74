"""``smsbot check``: what is wrong with flows and stories before anybody texts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from smsbot import targets
from smsbot.checks.lint import lint
from smsbot.checks.options import options
from smsbot.checks.proof import examine, texts_of
from smsbot.checks.story import load_stories, story_files
from smsbot.checks.texts import Cost, costs, costs_of
from smsbot.checks.verbs import verbs
from smsbot.configuration import read
from smsbot.core.errors import SettingsError, SmsbotError
from smsbot.core.problem import Place, Problem, Severity, errors, render
from smsbot.flows.flow_set import build
from smsbot.flows.steps import Flow
from smsbot.leaving import Budget
from smsbot.policy.money import MICRO, money
from smsbot.routing.bot import Bot
from smsbot.settings import LineSettings, Settings
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.lines import checked_table

from . import output

_MOST = 20


@click.command(name="check")
@click.argument("named", metavar="[TARGET]...", nargs=-1)
@click.option(
    "--format", "how", type=click.Choice(["text", "json", "github"]), default="text",
    help="text for people, json for programs, github for annotations of a CI run.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--db", "database", metavar="DATABASE",
    help="Tell the open conversations of a database again instead: who would strand on this code, where and why.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--texts", is_flag=True, help="Also list every text with its SMS parts at its longest.")
@click.pass_context
def check_command(
    ctx: click.Context, named: Sequence[str], how: str, as_json: bool, database: str | None, strict: bool, texts: bool
) -> None:
    """Check flows, conversations and stories: every problem at once, with its place and its repair.

    TARGET is a bot, a flow file or a folder of flows; without any, all bots of the settings.
    Exit code 0: nothing is wrong (warnings may be, but with --strict); 1: errors.
    """
    if database is not None:
        from smsbot.stores.database import Database

        from .strands import check_database

        ctx.exit(check_database(read(), Database(database), as_json=as_json or how == "json"))
    try:
        settings = read()
        bots = bots_of(settings, named)
    except SmsbotError as error:
        if as_json or how == "json":  # who reads the output is told there; people on stderr
            output.emit({"v": 1, "problems": [_told(error).plain()]})
        elif how == "github":
            click.echo(_annotation(_told(error)))
        raise
    problems: list[Problem] = []
    flows: list[Flow] = []
    conversations = 0
    for bot, lines in bots:
        found, wrong = examine(bot, lines, [settings.country(n) for n in lines])
        flows += found
        conversations += len(bot.conversations())
        countries = [settings.country(n) for n in lines]
        problems += wrong + lint(bot, Path.cwd()) + options(bot, countries, Path.cwd())
        events = [e for flow in found for e in (flow.start.event, flow.start.api) if e]
        problems += verbs(bot, {flow.name: flow for flow in found}, events, Path.cwd())
        problems += _tables(bot, found, lines, settings) if not errors(wrong) else []
    problems += _story_problems(flows, named, settings)
    counts = _counts(flows, conversations, problems)
    prices = [cost for flow in flows for cost in costs(flow)]
    prices += [cost for bot, _ in bots for text in texts_of(bot) for cost in costs_of(text)]
    price, currency = _price(settings)
    if as_json or how == "json":
        document: dict[str, object] = {"v": 1, "problems": [p.plain() for p in problems], **counts}
        priced = [c.plain() | {"cost": price * c.segments / MICRO, "currency": currency} for c in prices]
        output.emit(document | ({"texts": priced} if texts else {}))
    elif how == "github":
        for problem in problems:
            click.echo(_annotation(problem))
    else:
        _print(problems, counts, prices if texts else [], partial(_in_money, price, currency))
    ctx.exit(1 if errors(problems) or (strict and problems) else 0)


def _tables(bot: Bot, flows: Sequence[Flow], lines: Sequence[str], settings: Settings) -> list[Problem]:
    """The problems that keep a server from starting: two conversations of one name, a keyword that means STOP."""
    versions = FlowVersions(build(flows))
    for number in lines or ("",):
        try:
            checked_table(bot, number, versions, settings.country(number) if number else None)
        except SmsbotError as error:
            return [_told(error)]
    return []


def _told(error: SmsbotError) -> Problem:
    """An error as a problem: its place stands behind an arrow in the message."""
    message, _, place = str(error.args[0]).partition("\n  --> ")
    path, _, line = place.partition("\n")[0].rpartition(":")
    return Problem(error.code, message, Place(path or ".", int(line) if line.isdecimal() else 1, 1), help=error.remedy)


def bots_of(settings: Settings, named: Sequence[str]) -> list[tuple[Bot, Sequence[str]]]:
    """The bots to look at, each with its lines."""
    if named:
        return [_named(settings, target) for target in named]
    if not settings.bots:
        raise SettingsError(["no bot: name one (smsbot check flows/pizza.yaml) or add [bots.NAME] to smsbot.toml"])
    return [(targets.load(b.target), b.lines) for b in settings.bots.values()]


def _named(settings: Settings, target: str) -> tuple[Bot, Sequence[str]]:
    """A bot by its target. A flow file that a configured bot has is checked with that bot's actions."""
    bot = targets.load(target)
    for configured in settings.bots.values():
        if configured.target == target:
            return bot, configured.lines
    if bot.actions or not (Path(target).is_file() or Path(target).is_dir()):
        return bot, ()
    wanted = {p.resolve() for p in targets.flow_files(bot)}
    for configured in settings.bots.values():
        owner = targets.load(configured.target)
        if wanted <= {p.resolve() for p in targets.flow_files(owner)}:
            bot.borrow(owner)
            return bot, configured.lines
    return bot, ()


def _story_problems(flows: Sequence[Flow], named: Sequence[str], settings: Settings) -> list[Problem]:
    """The problems of the stories beside the flows; without targets, of all below this folder."""
    if named:
        beside = sorted({Path(f.path).resolve().parent for f in flows})
        paths = [p for folder in beside for p in sorted(folder.glob("*.story.y*ml"))]
        paths += story_files([folder / "stories" for folder in beside if (folder / "stories").is_dir()])
    else:
        paths = story_files([Path.cwd()])
    found: list[Problem] = []
    for path in paths:
        stories, source = load_stories(relative(path))
        for story in stories:
            if story.bot and settings.bots and story.bot not in settings.bots:
                node = story.node.pairs["bot"][1]
                source.unknown("SB661", node, f'there is no bot "{story.bot}"', story.bot, settings.bots)
        found += source.problems
    return found


def relative(path: Path) -> Path:
    """A path as people name it: from here, if it is below."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


def _counts(flows: Sequence[Flow], conversations: int, problems: Sequence[Problem]) -> Mapping[str, int]:
    wrong = len(errors(problems))
    steps = sum(len(f.steps) for f in flows)
    found = {"flows": len(flows), "steps": steps, "conversations": conversations}
    return {**found, "errors": wrong, "warnings": len(problems) - wrong}


def _price(settings: Settings) -> tuple[int, str]:
    """What one SMS to somebody of the first line's country costs, in millionths, and the currency; 0: nobody knows."""
    budget = Budget(settings)
    line = next((number for bot in settings.bots.values() for number in bot.lines), "")
    account = settings.lines.get(line, LineSettings()).account or next(iter(settings.accounts), "")
    return budget.price(account, settings.country(line) if line else None), budget.prices.currency


def _in_money(price: int, currency: str, parts: int) -> str:
    return f", {money(price * parts, currency)}" if price else ""


def _print(
    problems: Sequence[Problem], counts: Mapping[str, int], prices: Sequence[Cost], priced: Callable[[int], str]
) -> None:  # fmt: skip
    for problem in problems[:_MOST]:
        click.echo(coloured(problem) + "\n")
    if len(problems) > _MOST:
        click.echo(f"… and {len(problems) - _MOST} more\n")
    for cost in prices:
        forced = f"  {' '.join(cost.forced)}" if cost.forced else ""
        said = " ".join(cost.text.split())
        spare = f"  ({cost.spare} SMS less in plain letters{priced(cost.spare)})" if cost.spare else ""
        comes_to = f"{cost.segments} SMS {cost.encoding:5}{priced(cost.segments)}"
        click.echo(f"{cost.flow}:{cost.line:<4} {comes_to} {said[:70]}{forced}{spare}")
    for flow in dict.fromkeys(cost.flow for cost in prices) if priced(1) else ():
        parts = sum(cost.segments for cost in prices if cost.flow == flow)
        click.echo(f"{flow}: each of its texts once is {parts} SMS{priced(parts)}")
    told = [f"{n} {name if n != 1 else name[:-1]}" for name, n in counts.items() if n or name != "conversations"]
    click.echo(f"{', '.join(told[:-2])}: {', '.join(told[-2:])}")


def coloured(problem: Problem) -> str:
    """A problem for a terminal."""
    colour = "red" if problem.severity is Severity.ERROR else "yellow"
    head, _, rest = render(problem).partition("\n")
    return click.style(head, fg=colour, bold=True) + "\n" + rest


def _annotation(problem: Problem) -> str:
    """A problem as a workflow command that CI shows beside the line."""
    said = " ".join(filter(None, (problem.message, problem.help))).replace("%", "%25").replace("\n", "%0A")
    place = problem.place
    return f"::{problem.severity} file={place.path},line={place.line},col={place.column},title={problem.code}::{said}"
