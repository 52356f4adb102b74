"""``smsbot new`` and ``smsbot demo``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import click

import smsbot
from smsbot.core.errors import UsageError
from smsbot.flows.schema import json_schema

from . import serve

_TEMPLATES: dict[str, Sequence[str]] = {
    "order": ("pizza",),
    "appointment": ("appointment", "pick_slot"),
    "survey": ("survey",),
}
"""template → the example flows that it begins with."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")
_EDITORS = "# yaml-language-server: $schema=../flow.schema.json\n"


def examples() -> Path:
    """The example flows: in the package, or in the repository that it runs from."""
    package = Path(smsbot.__file__).parent
    inside = package / "examples" / "flows"
    return inside if inside.is_dir() else package.parent / "flows"


@click.command()
@click.argument("name")
@click.option("--template", "-t", type=click.Choice(list(_TEMPLATES)), default="order", help="What to begin with.")
def new(name: str, template: str) -> None:
    """Begin a bot in a new folder NAME: flows, stories, settings."""
    if not _NAME.fullmatch(name):
        raise UsageError("a name is letters, digits, - and _, and begins with a letter")
    folder = Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{name} is there already and not empty; choose another name")
    flows = _TEMPLATES[template]
    for path, text in _files(name, template, flows).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    click.echo(f"Created {name}/ (bot.py, flows/{flows[0]}.yaml, flows/stories/, smsbot.toml)", err=True)
    click.echo(f"Next: cd {name} && smsbot dev", err=True)


def _files(name: str, template: str, flows: Sequence[str]) -> dict[str, str]:
    """The files of a new bot."""
    here = Path(__file__).parent / "templates"
    found = {"bot.py": (here / f"{template}.py").read_text(encoding="utf-8")}
    for flow in flows:
        found[f"flows/{flow}.yaml"] = _EDITORS + (examples() / f"{flow}.yaml").read_text(encoding="utf-8")
        story = examples() / "stories" / f"{flow}.yaml"
        if story.is_file():
            found[f"flows/stories/{flow}.story.yaml"] = story.read_text(encoding="utf-8").replace("  bot: flows\n", "")
    for file in ("smsbot.toml", ".env.example", "Dockerfile", "README.md"):
        text = (here / file.removeprefix(".")).read_text(encoding="utf-8")
        found[file] = text.replace("{name}", name).replace("{flow}", flows[0])
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
