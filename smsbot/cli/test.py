"""``smsbot test``: runs stories."""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import click

from smsbot import targets
from smsbot.checks.story import Story, load_stories, story_files
from smsbot.configuration import read
from smsbot.core.errors import SettingsError
from smsbot.core.problem import Problem, errors
from smsbot.routing.bot import Bot
from smsbot.settings import Settings
from smsbot.testing.coverage import Coverage
from smsbot.testing.rewriting import rewrite
from smsbot.testing.stories import Outcome, run_story

from . import logs, output
from .check import coloured, relative


@click.command(name="test")
@click.argument("places", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--bot", "target", metavar="TARGET", help="The bot of the stories (default: those of the settings).")
@click.option("--update", is_flag=True, help="Take what the bots say for right, and write it into the stories.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--coverage", is_flag=True, help="Say which steps, answers and silences no story goes through.")
@click.option(
    "--least", type=click.IntRange(0, 100), metavar="PERCENT", help="With --coverage: less than this is a failure."
)
@click.option("--quiet", "-q", is_flag=True, help="Print failures and the summary only.")
@click.pass_context
def test_command(
    ctx: click.Context,
    places: Sequence[Path],
    target: str | None,
    update: bool,
    as_json: bool,
    coverage: bool,
    least: int | None,
    quiet: bool,
) -> None:
    """Run the stories in PATHs (default: every story below this folder).

    Exit code 0: all pass; 1: one failed, or cannot be read; 5: there are no stories.
    """
    logs.configure(level=logging.CRITICAL)  # a failure says what went wrong
    settings = read()
    stories, problems = _collect(places or (Path.cwd(),))
    for problem in problems:
        click.echo(coloured(problem) + "\n", err=True)
    if not stories and not problems:
        click.echo("no stories: files called *.story.yaml, or any .yaml in a folder called stories", err=True)
        ctx.exit(5)
    bots = _bots(settings, target)
    began = time.perf_counter()
    found = Coverage() if coverage or least is not None else None
    outcomes = _run(stories, bots, settings, found, update=update, quiet=quiet or as_json, silent=as_json)
    if update:
        _write(outcomes)
    failed = [o for o in outcomes if not o.passed]
    if as_json:
        passed = len(outcomes) - len(failed)
        told = {"stories": _documents(outcomes), "problems": [p.plain() for p in problems]}
        covered = {"coverage": found.plain()} if found is not None else {}
        output.emit({"v": 1, "passed": passed, "failed": len(failed), **told, **covered})
    else:
        if found is not None:
            click.echo("\n".join(found.lines()))
        _summary(outcomes, failed, time.perf_counter() - began)
    covers = found is None or least is None or found.share * 100 >= least
    if not covers and found is not None:
        click.echo(f"{found.share:.1%} is less than {least} %", err=True)
    ctx.exit(1 if failed or errors(problems) or not covers else 0)


def _collect(places: Sequence[Path]) -> tuple[list[Story], list[Problem]]:
    stories: list[Story] = []
    problems: list[Problem] = []
    for path in story_files(places):
        found, source = load_stories(relative(path))
        problems += source.problems
        if not errors(source.problems):
            stories += found
    return stories, problems


def _bots(settings: Settings, target: str | None) -> Mapping[str, Bot]:
    if target is not None:
        bot = targets.load(target)
        return {bot.name or "bot": bot}
    if not settings.bots:
        raise SettingsError(["no bot: name one (smsbot test --bot flows/pizza.yaml) or add [bots.NAME] to smsbot.toml"])
    found = {name: targets.load(b.target) for name, b in settings.bots.items()}
    for name, bot in found.items():
        bot.name = name
    return found


def _run(
    stories: Sequence[Story],
    bots: Mapping[str, Bot],
    settings: Settings,
    coverage: Coverage | None,
    *,
    update: bool,
    quiet: bool,
    silent: bool,
) -> list[Outcome]:
    lines = {name: b.lines for name, b in settings.bots.items()}
    outcomes: list[Outcome] = []
    for story in stories:
        chosen = {story.bot: bots[story.bot]} if story.bot in bots else bots
        work = run_story(
            story,
            chosen,
            lines=lines,
            line_settings=settings.lines,
            accounts=settings.accounts,
            update=update,
            coverage=coverage,
        )
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            outcome = asyncio.run(work)
        outcomes.append(outcome)
        if outcome.passed and not quiet:
            click.echo(f"{click.style('pass', fg='green')} {story.path}  {story.name}")
        if not outcome.passed and not silent:
            click.echo(f"{click.style('FAIL', fg='red', bold=True)} {story.name}\n{outcome.failure}\n")
    return outcomes


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    click.echo(f"{click.style('warning', fg='yellow', bold=True)}: {message}", err=True)


def _write(outcomes: Sequence[Outcome]) -> None:
    by_path: dict[Path, list[Outcome]] = {}
    for outcome in outcomes:
        by_path.setdefault(outcome.story.path, []).append(outcome)
    for path, found in by_path.items():
        if any(o.changes for o in found):
            rewrite(path, found)
            click.echo(f"updated {path}", err=True)


def _documents(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for outcome in outcomes:
        document: dict[str, object] = {
            "story": outcome.story.name, "path": str(outcome.story.path), "passed": outcome.passed,
        }  # fmt: skip
        if outcome.failure is not None:
            f = outcome.failure
            document |= {"line": f.line, "after": f.after, "expected": f.expected, "got": f.got, "step": f.step}
        found.append(document)
    return found


def _summary(outcomes: Sequence[Outcome], failed: Sequence[Outcome], seconds: float) -> None:
    said = f"{len(outcomes) - len(failed)} passed" + (f", {len(failed)} failed" if failed else "")
    click.echo(click.style(said, fg="red" if failed else "green", bold=True) + f" in {seconds:.2f} s")
