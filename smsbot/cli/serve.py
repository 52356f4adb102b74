"""``smsbot dev`` and ``smsbot run``."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from smsbot import targets
from smsbot.app import App
from smsbot.core.errors import SettingsError
from smsbot.routing.bot import Bot
from smsbot.serve import listen, serve
from smsbot.settings import BotSettings, Settings, check_live, read

from . import logs, options
from .watch import Follower

_DEV_LINE = "+48732000111"


@click.command()
@click.argument("target", required=False)
@options.database
@click.option("--port", type=click.IntRange(0, 65535), help="The port (default: PORT, else 8765 or the next free one).")
@click.option("--quiet", "-q", is_flag=True, help="Do not print messages as they come and go.")
def dev(target: str | None, database: str | None, port: int | None, quiet: bool) -> None:
    """Run bots with a sandbox and a phone in the browser. No SMS leaves this computer.

    TARGET is an import string (bots.pizza:bot) or a Python file; without it, the bots of the settings.
    """
    logs.configure()
    settings = read(database=database, port=port)
    if target is not None:
        settings = settings.model_copy(update={"bots": _one_bot(settings, target)})
    if not settings.bots:
        raise SettingsError(["no bot: name one (smsbot dev bots/pizza.py) or add [bots.NAME] to smsbot.toml"])
    bots = load(settings)
    given = port is not None or "PORT" in os.environ
    listener = listen("127.0.0.1", settings.port, tries=1 if given else 20)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = App(settings, bots, sandbox_url=url)
    serve(app if quiet else Follower(app), listener, drain=1, ready=lambda: _greet(app, url, settings))


def _one_bot(settings: Settings, target: str) -> Mapping[str, BotSettings]:
    """The target as the only bot: on the lines that the settings give it, else on a line made up here."""
    configured = _configured(settings, target)
    if configured is not None:
        return configured
    stem = target.partition(":")[0].removesuffix(".py").replace("/", ".").rpartition(".")[2]
    return {stem: BotSettings(target=target, lines=(_DEV_LINE,))}


def _configured(settings: Settings, target: str) -> Mapping[str, BotSettings] | None:
    """The bot of the settings with this target, however it is written."""

    def plain(written: str) -> str:
        place, _, name = written.partition(":")
        return place.removeprefix("./").removesuffix(".py").replace("/", ".") + ":" + (name or "bot")

    return next(({n: b} for n, b in settings.bots.items() if plain(b.target) == plain(target)), None)


def load(settings: Settings) -> dict[str, Bot]:
    """The bots of the settings, by name."""
    found = {name: targets.load(bot.target) for name, bot in settings.bots.items()}
    for name, bot in found.items():
        bot.name = name
    return found


def _greet(app: App, url: str, settings: Settings) -> None:
    where = ", ".join(f"{line.bot.name} on {line.number}" for line in app.lines.values())
    for name, value in (
        ("Phone", f"{url}/phone"),
        ("Messages", f"{url}/"),
        ("Bots", where),
        ("Database", str(settings.path)),
        ("Sandbox", "no SMS leaves this computer; Ctrl+C stops, nothing is lost"),
    ):
        click.echo(click.style(f"{name:9}", bold=True) + value, err=True)


@click.command()
@click.argument("target", required=False)
@options.database
@click.option("--host", help="The address to listen on (default 127.0.0.1, behind a TLS proxy).")
@click.option("--port", type=click.IntRange(0, 65535), help="The port (default: PORT or 8765).")
def run(target: str | None, database: str | None, host: str | None, port: int | None) -> None:
    """Run bots for real. Needs PUBLIC_URL and the accounts' secrets; see the README.

    Ends on SIGTERM or Ctrl+C once everything under way has ended, within 30 seconds.
    """
    logs.configure()
    settings = read(database=database, host=host, port=port)
    if target is not None:
        chosen = _configured(settings, target)
        if chosen is None:
            raise SettingsError([f"no bot of the settings has the target {target}; `run` serves only configured lines"])
        settings = settings.model_copy(update={"bots": chosen})
    check_live(settings)
    app = App(settings, load(settings))
    listener = listen(settings.host, settings.port)
    host, bound = listener.getsockname()[:2]
    said = f"Serving {settings.public_url} on {host}:{bound}"
    serve(app, listener, drain=5, ready=lambda: click.echo(said, err=True))
