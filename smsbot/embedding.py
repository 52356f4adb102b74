"""The server that an ASGI application of its own holds, built from settings or from bots that are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from smsbot import targets
from smsbot.app import App
from smsbot.configuration import check_live, read
from smsbot.core.errors import SettingsError
from smsbot.pipeline.sends import Terms
from smsbot.routing.bot import Bot
from smsbot.settings import BotSettings, Settings
from smsbot.web.commands import wished


def build(
    source: str | Path | Bot | Mapping[str, Bot],
    bots: Mapping[str, Bot] | None,
    lines: Sequence[str],
    overrides: Mapping[str, object],
) -> App:
    """The server; raises `SettingsError` with everything that is wrong."""
    if isinstance(source, Bot):
        bots = {source.name or "bot": source}
    elif not isinstance(source, str | Path):
        bots = source
    folder = _folder(source) if isinstance(source, str | Path) else Path()
    settings = read(folder, **overrides)
    if bots is not None:
        settings = _serving(settings, bots, tuple(lines))
    check_live(settings)
    return App(settings, bots if bots is not None else _loaded(settings, folder))


async def send(app: App, number: str, text: str, line: str, reference: str) -> str:
    """Send a text that answers nothing; its id."""
    ours, wish = wished(app.lines, number, text, line, ref=reference)
    rows = await app.sends.send(ours, [wish], Terms(by="application"))
    return str(rows[0]["id"])


def _folder(source: str | Path) -> Path:
    """The folder of a settings file, or the folder that was named."""
    place = Path(source)
    if place.name in ("smsbot.toml", "pyproject.toml"):
        if not place.is_file():
            raise SettingsError([f"there is no file {place}"])
        return place.parent
    if not place.is_dir():
        raise SettingsError([f"{place}: settings are in a folder with smsbot.toml or pyproject.toml"])
    return place


def _serving(settings: Settings, bots: Mapping[str, Bot], lines: tuple[str, ...]) -> Settings:
    """The settings with bots that were given; where they name no lines of theirs, the first has `lines`."""
    named = {name: settings.bots[name] for name in bots if name in settings.bots}
    if not named:
        if not lines:
            raise SettingsError([f"bots: {', '.join(bots)} has no line; add [bots.{next(iter(bots))}] or lines=[…]"])
        named = {next(iter(bots)): BotSettings(target="given", lines=lines)}
    return settings.model_copy(update={"bots": named})


def _loaded(settings: Settings, folder: Path) -> dict[str, Bot]:
    return {name: targets.load_as(name, own.target, folder) for name, own in settings.bots.items()}
