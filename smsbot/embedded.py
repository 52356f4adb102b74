"""smsbot inside another ASGI application, at a prefix, with one life.

sms = Embedded()                                  # smsbot.toml, .env and the environment, as `smsbot run` reads them

@asynccontextmanager
async def lifespan(app: FastAPI):
    async with sms:
        yield

shop = FastAPI(lifespan=lifespan)
shop.mount("/sms", sms)                           # PUBLIC_URL=https://shop.example.com/sms
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smsbot import targets
from smsbot.app import App
from smsbot.configuration import check_live, read
from smsbot.pipeline.sends import Terms
from smsbot.routing.bot import Bot
from smsbot.settings import Settings
from smsbot.web.commands import wished
from smsbot.web.webhooks import Receive, Scope, Send


class Embedded:
    """A bot server that another application serves. `folder` holds the settings; `bots` are those that it names.

    One process at a time may serve a database, so the application runs with one worker. Raises `SettingsError`.
    """

    def __init__(self, folder: str | Path = ".", bots: Mapping[str, Bot] | None = None, **overrides: object) -> None:
        settings = read(Path(folder), **overrides)
        check_live(settings)
        self._app = App(settings, bots if bots is not None else _loaded(settings))

    async def __aenter__(self) -> Self:
        await self._app.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._app.ending()
        await self._app.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; webhooks, the API and the pages are all below the prefix."""
        await self._app(scope, receive, send)

    async def send(self, number: str, text: str, *, line: str = "", reference: str = "") -> str:
        """Send a text that answers nothing; its id. Raises `UsageError`."""
        ours, wish = wished(self._app.lines, number, text, line, ref=reference)
        rows = await self._app.sends.send(ours, [wish], Terms(by="application"))
        return str(rows[0]["id"])

    async def emit(self, event: str, number: str, data: Mapping[str, Any] | None = None, *, key: str = "") -> str:
        """Tell a bot what happened: ``started``, ``queued``, ``skipped`` … Raises `UsageError`."""
        return await self._app.events.emit(event, number, dict(data or {}), key=key, by="application")


def _loaded(settings: Settings) -> dict[str, Bot]:
    return {name: targets.load_as(name, own.target) for name, own in settings.bots.items()}
