"""``smsbot dev`` and ``smsbot run``."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from smsbot import targets
from smsbot.accounts import Real, build_gateway
from smsbot.app import App
from smsbot.configuration import check_live, read
from smsbot.core import phone
from smsbot.core.errors import SettingsError, SmsbotError, UsageError
from smsbot.flows.flow_set import SUFFIXES
from smsbot.routing.bot import Bot
from smsbot.serve import listen, serve
from smsbot.settings import BotSettings, Settings
from smsbot.transport import Transport, transport_of_server
from smsbot.web.messageflow import FIXED

from . import logs, options
from .output import mention
from .reload import supervise
from .watch import Follower
from .workers import Post, Workers, refuse_file

_DEV_LINE = 48732000111
_LINK = "_SMSBOT_LINK"
"""Where `dev --live` tells its workers the secret of its link: not in their arguments, which everybody can read."""


class Dev:
    """The server of `smsbot dev`: bots on a sandbox."""

    def __init__(self, settings: Settings, url: str, quiet: bool, real: Real | None = None) -> None:
        self._settings = settings
        self._real = real
        self._url = url
        self._quiet = quiet
        self._bots: Mapping[str, Bot] = {}
        self._app: App | None = None

    @property
    def app(self) -> App:
        """The server."""
        assert self._app is not None
        return self._app

    def build(self) -> None:
        """Load bots and flows and check them; raises what is wrong."""
        self._bots = load(self._settings)
        self._app = App(
            self._settings, self._bots, sandbox_url=self._url, real=self._real, link=os.environ.get(_LINK, "")
        )

    def flow_paths(self) -> list[Path]:
        """The files and folders of all flows."""
        return [path for bot in self._bots.values() for path in targets.flow_paths(bot)]

    def serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM."""
        serve(self.app if self._quiet else Follower(self.app), listener, drain=1, ready=ready)

    def warn(self, text: str) -> None:
        """Show on every page that an edit is broken (from any thread)."""
        self.app.live.warn(text)

    def greet(self) -> None:
        """Say where everything is."""
        _greet(self.app, self._url, self._settings, self._real)


def prepare(given: Mapping[str, Any]) -> Dev:
    """Prepare the server by the command line's options."""
    settings = read(database=given["database"], port=given["port"])
    if given["targets"]:
        settings = settings.model_copy(update={"bots": _chosen(settings, given["targets"])})
    if not settings.bots:
        raise SettingsError(["no bot: name one (smsbot dev bots/pizza.py) or add [bots.NAME] to smsbot.toml"])
    return Dev(settings, given["url"], given["quiet"], _real(settings, given))


def _real(settings: Settings, given: Mapping[str, Any]) -> Real | None:
    """Who gets real texts in `dev --live`; raises `SettingsError` with everything that is missing."""
    if not given["live"]:
        if given["only"] or given["public_url"]:
            raise UsageError("--only and --public-url go with --live")
        return None
    public = given["public_url"] or settings.public_url
    problems: list[str] = []
    try:
        check_live(settings.model_copy(update={"public_url": public}))
    except SettingsError as error:
        problems += error.problems
    country = next((settings.country(n) for b in settings.bots.values() for n in b.lines), None)
    only = [phone.normalise(number, country) for number in given["only"]]
    problems += [
        f"--only {phone.mask(n)}: not a phone number; write it as +48600100200" for n in only if not phone.is_number(n)
    ]
    if not only:
        problems.append("--only is missing: name the numbers that may get real texts, such as your own")
    if problems:
        raise SettingsError(problems)
    return Real(public, frozenset(only))


@click.command()
@click.argument("named", metavar="[TARGET]...", nargs=-1)
@options.database
@click.option("--port", type=click.IntRange(0, 65535), help="The port (default: PORT, else 8765 or the next free one).")
@click.option("--quiet", "-q", is_flag=True, help="Do not print messages as they come and go.")
@click.option("--no-reload", is_flag=True, help="Do not take up changes of files.")
@click.option(
    "--live", is_flag=True, help="Real texts for the numbers of --only, through the accounts of the settings."
)
@click.option(
    "--only", multiple=True, metavar="NUMBER", help="With --live: who gets real texts; all others are played."
)
@click.option(
    "--public-url", metavar="URL", help="With --live: where the provider reaches this server, as a tunnel says."
)
@click.pass_context
def dev(
    ctx: click.Context,
    named: Sequence[str],
    database: str | None,
    port: int | None,
    quiet: bool,
    no_reload: bool,
    live: bool,
    only: Sequence[str],
    public_url: str | None,
) -> None:
    """Run bots with a sandbox and phones in the browser. No SMS leaves this computer, except with --live.

    TARGET is an import string (bots.pizza:bot), a Python file, a flow file or a folder of flows; without any, the
    bots of the settings. Changes of Python and YAML are taken up while conversations go on; a broken edit is
    shown, and the last good version answers.
    """
    given: dict[str, Any] = {
        "targets": named, "database": database, "port": port, "quiet": quiet, "url": "",
        "live": live, "only": only, "public_url": public_url,
    }  # fmt: skip
    prepare(given)
    if live:
        os.environ[_LINK] = secrets.token_urlsafe(16)
    from_settings = read(database=database, port=port)
    chosen = port is not None or "PORT" in os.environ
    listener = listen("127.0.0.1", from_settings.port, tries=1 if chosen else 20, patience=1.0)
    given["url"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if not no_reload:
        listener.listen(128)
        ctx.exit(supervise(listener, given))
    logs.configure(candid=not live)
    prepared = prepare(given)
    prepared.build()
    prepared.serve(listener, prepared.greet)


def _chosen(settings: Settings, named: Sequence[str]) -> Mapping[str, BotSettings]:
    """The named targets as the only bots: on the lines of the settings, or on lines made up here."""
    configured = {target: _configured(settings, target) for target in named}
    taken = {line for bots in configured.values() for bot in (bots or {}).values() for line in bot.lines}
    free = (line for n in range(1000) if (line := f"+{_DEV_LINE + n}") not in taken)
    found: dict[str, BotSettings] = {}
    for n, target in enumerate(named, 1):
        for name, bot in (configured[target] or _made_up(target, next(free))).items():
            found[name if name not in found else f"{name}{n}"] = bot
    return found


def _made_up(target: str, line: str) -> Mapping[str, BotSettings]:
    """A bot that the settings do not know, on a line made up here."""
    place = target.partition(":")[0].rstrip("/")
    is_file = place.endswith((".py", *SUFFIXES))
    stem = Path(place).resolve().stem if is_file or "/" in place else place.rpartition(".")[2]
    return {stem: BotSettings(target=target, lines=(line,))}


def _configured(settings: Settings, target: str) -> Mapping[str, BotSettings] | None:
    """The bot of the settings with this target, however it is written."""

    def plain(written: str) -> str:
        place, _, name = written.partition(":")
        return place.removeprefix("./").removesuffix(".py").replace("/", ".") + ":" + (name or "bot")

    return next(({n: b} for n, b in settings.bots.items() if plain(b.target) == plain(target)), None)


def _ready(settings: Settings, transport: Transport) -> dict[str, Bot]:
    """The bots of a server that can start; raises everything that keeps it from that at once."""
    problems: list[str] = []
    others: list[SmsbotError] = []
    bots: dict[str, Bot] = {}
    steps: list[Callable[[], object]] = [lambda: check_live(settings)]
    steps += [partial(build_gateway, name, account, transport) for name, account in settings.accounts.items()]
    steps += [partial(_load_into, bots, name, bot.target) for name, bot in settings.bots.items()]
    for step in steps:
        try:
            step()
        except SettingsError as error:
            problems += error.problems
        except SmsbotError as error:
            others.append(error)
    if not problems and len(others) == 1:
        raise others[0]
    if problems or others:
        raise SettingsError([*dict.fromkeys(problems), *(str(error.args[0]) for error in others)])
    return bots


def _load_into(bots: dict[str, Bot], name: str, target: str) -> None:
    bots[name] = targets.load_as(name, target)


def load(settings: Settings) -> dict[str, Bot]:
    """The bots of the settings, by name."""
    return {name: targets.load_as(name, own.target) for name, own in settings.bots.items()}


def _greet(app: App, url: str, settings: Settings, real: Real | None) -> None:
    where = ", ".join(f"{line.bot.name} on {line.number}" for line in app.lines.values())
    key = f"?key={os.environ.get(_LINK, '')}" if real is not None else ""
    for name, value in (
        ("Phone", f"{url}/phone{key}" + " (this link works once, in one browser)" * bool(key)),
        ("Desk", f"{url}/"),
        ("Bots", where),
        ("Database", str(settings.place)),
        ("Sandbox", "no SMS leaves this computer; Ctrl+C stops, nothing is lost")
        if real is None
        else ("Live", f"REAL TEXTS for {', '.join(map(phone.mask, sorted(real.only)))}; all others are played"),
        ("API", f"{url}/programs; MessageFlow's at {url}/v2.1, with the keys {' and '.join(FIXED)}")
        if real is None
        else ("API", f"{url}/programs"),
    ):
        mention(click.style(f"{name:9}", bold=True) + value)
    if real is not None:
        for name, urls in app.hooks.addresses().items():
            if urls[0].startswith(real.public_url):
                mention(click.style("Paste    ", bold=True) + f"{name}: {urls[0]}")


@click.command()
@click.argument("target", required=False)
@options.database
@click.option("--host", help="The address to listen on (default 127.0.0.1, behind a TLS proxy).")
@click.option("--port", type=click.IntRange(0, 65535), help="The port (default: PORT or 8765).")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="How many processes serve (PostgreSQL).")
def run(target: str | None, database: str | None, host: str | None, port: int | None, workers: int) -> None:
    """Run bots for real. Needs PUBLIC_URL and the accounts' secrets; see the README.

    Ends on SIGTERM or Ctrl+C once everything under way has ended, within 30 seconds. With --workers, SIGHUP replaces
    one process after the other.
    """
    logs.configure(traffic=True)
    settings = read(database=database, host=host, port=port)
    refuse_file(settings.place, workers)
    if workers > 1:
        _run_many(settings, target, database, workers)
        return
    if target is not None:
        chosen = _configured(settings, target)
        if chosen is None:
            raise SettingsError([f"no bot of the settings has the target {target}; `run` serves only configured lines"])
        settings = settings.model_copy(update={"bots": chosen})
    transport = transport_of_server()
    app = App(settings, _ready(settings, transport), transport=transport)
    post = Post.of_environment()
    listener = listen(settings.host, settings.port) if post is None else post.listener
    host, bound = listener.getsockname()[:2]
    said = f"Serving {settings.public_url} on {host}:{bound}"
    replaced: list[int] = []

    def end() -> None:
        replaced.append(signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    app.store.when_replaced(end)
    serve(app, listener, drain=5, ready=(lambda: mention(said)) if post is None else post.serves)
    if replaced:  # whoever looks after this process starts it anew
        sys.exit(1)


def _run_many(settings: Settings, target: str | None, database: str | None, count: int) -> None:
    """Keep so many processes alive that serve one socket."""
    listener = listen(settings.host, settings.port)
    listener.listen(2048)
    host, port = listener.getsockname()[:2]
    said = f"Serving {settings.public_url} on {host}:{port} with {count} processes"
    given = [*([target] if target else []), *(["--database", database] if database else [])]
    command = [sys.executable, "-m", "smsbot", "run", *given]
    sys.exit(asyncio.run(Workers(listener, command, count, lambda: mention(said)).run()))
