"""``smsbot new`` and ``smsbot demo``."""

from __future__ import annotations

import json
import locale
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from phonenumbers import country_code_for_region

import smsbot
from smsbot.core.errors import UsageError
from smsbot.flows.schema import json_schema
from smsbot.understanding.languages import UNDERSTOOD

from . import serve

_TEMPLATES: dict[str, Sequence[str]] = {
    "order": ("pizza",),
    "appointment": ("appointment", "pick_slot"),
    "survey": ("survey",),
    "python": (),
}
"""template → the example flows that it begins with, the first named after the bot; none: all of it is Python."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")
_LINE = "+48732000111"
"""The line of a new bot, until it has one of its own."""
_LANGUAGE = re.compile(r"bot = Bot\(((?:flows=\"flows\")?)\)")
_EDITORS = "# yaml-language-server: $schema=../flow.schema.json\n"


def examples() -> Path:
    """The example flows: in the package, or in the repository that it runs from."""
    package = Path(smsbot.__file__).parent
    inside = package / "examples" / "flows"
    return inside if inside.is_dir() else package.parent / "flows"


@click.command()
@click.argument("name")
@click.option("--template", "-t", type=click.Choice(list(_TEMPLATES)), default="order", help="What to begin with.")
@click.option("--country", metavar="XX", help="Where your number is, such as PL or US; asked for in a terminal.")
@click.option("--language", type=click.Choice(UNDERSTOOD), help="What people write in; asked for in a terminal.")
def new(name: str, template: str, country: str | None, language: str | None) -> None:
    """Begin a bot in a new folder NAME: flows, stories, settings."""
    if not _NAME.fullmatch(name):
        raise UsageError("a name is letters, digits, - and _, and begins with a letter")
    folder = Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{name} is there already and not empty; choose another name")
    flows = _named(name, _TEMPLATES[template])
    if sys.stdin.isatty():
        country = country or click.prompt("Country of your number (such as PL, US)", default=_here(), err=True)
        language = language or click.prompt("People write in", type=click.Choice(UNDERSTOOD), default="en", err=True)
    country = _checked(country) if country else None
    for path, text in _files(name, template, flows, country, language).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    begun = f"{_first(flows)}, flows/stories/" if flows else "stories/"
    click.echo(f"Created {name}/ (bot.py, {begun}, smsbot.toml)", err=True)
    click.echo(f"Next: cd {name} && smsbot dev", err=True)


def _here() -> str:
    """The country that this computer is set up for; US where it does not say."""
    said = (locale.getlocale()[0] or "").partition("_")[2]
    return said if _is_country(said) else "US"


def _is_country(code: str) -> bool:
    return bool(country_code_for_region(code.upper()))


def _checked(country: str) -> str:
    if not _is_country(country):
        raise UsageError(f'"{country[:20]}" is no country; write its two letters, such as PL, US or GB')
    return country.upper()


def _with_language(code: str, language: str) -> str:
    """The bot's code, where it says what it speaks."""

    def said(hit: re.Match[str]) -> str:
        return f'bot = Bot({hit[1] and hit[1] + ", "}language="{language}")'

    return _LANGUAGE.sub(said, code, count=1)


def _named(name: str, flows: Sequence[str]) -> Mapping[str, str]:
    """What each flow of a template is called here: the first as its bot, unless another of them is called so."""
    return {flow: name if flow == flows[0] and name not in flows else flow for flow in flows}


def _first(flows: Mapping[str, str]) -> str:
    """Where an author begins to read."""
    return f"flows/{next(iter(flows.values()))}.yaml" if flows else "bot.py"


def _files(
    name: str, template: str, flows: Mapping[str, str], country: str | None, language: str | None
) -> dict[str, str]:
    """The files of a new bot."""
    here = Path(__file__).parent / "templates"
    found = {"bot.py": (here / f"{template}.py").read_text(encoding="utf-8")}
    if language:
        found["bot.py"] = _with_language(found["bot.py"], language)
    if (story := here / f"{template}.story.yaml").is_file():
        found[f"stories/{template}.story.yaml"] = story.read_text(encoding="utf-8")
    for flow, own in flows.items():
        text = (examples() / f"{flow}.yaml").read_text(encoding="utf-8")
        found[f"flows/{own}.yaml"] = _EDITORS + text.replace(f"flow: {flow}\n", f"flow: {own}\n", 1)
        story = examples() / "stories" / f"{flow}.yaml"
        if story.is_file():
            told = (
                story.read_text(encoding="utf-8").replace("  bot: flows\n", "").replace(f"at: {flow}.", f"at: {own}.")
            )
            found[f"flows/stories/{own}.story.yaml"] = told
    for file in ("smsbot.toml", ".env.example", "Dockerfile", "README.md"):
        text = (here / file.removeprefix(".")).read_text(encoding="utf-8")
        found[file] = text.replace("{name}", name).replace("{where}", _first(flows))
    if country:
        found["smsbot.toml"] += f'\n[lines."{_LINE}"]\ncountry = "{country}"\n'
    found["flow.schema.json"] = json.dumps(json_schema(), indent=1) + "\n"
    kept_out = ".env\n*.db\n*.db-*\n*.db.*\n__pycache__/\n"
    found[".gitignore"] = kept_out
    found[".dockerignore"] = f"{kept_out}.git\n.venv\nfixtures/\n*.backup\n"
    return found


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The port (default: 8765 or the next free one).")
@click.pass_context
def demo(ctx: click.Context, port: int | None) -> None:
    """Run the example flows with phones in the browser; what is said is kept in smsbot-demo.db."""
    click.echo("Text PIZZA, VISIT, MENU or SURVEY.", err=True)
    ctx.invoke(serve.dev, named=(str(examples()),), database="smsbot-demo.db", port=port, quiet=False, no_reload=False)
