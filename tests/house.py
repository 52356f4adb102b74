"""A whole bot server in process, with its sandbox, a clock that stands still, and no socket."""

from __future__ import annotations

import json
from typing import Any

import httpx

from smsbot import Bot
from smsbot.testing.sim import LINE, URL, Sim

ANN = "+48600100200"
BOB = "+48600100300"


class House(Sim):
    """Ann and Bob text bots; the clock moves only when it is told to."""

    # -- people -------------------------------------------------------------------------------------

    async def heard(self, number: str) -> list[str]:
        """The texts that reached the network for a number."""
        return [entry["text"] for entry in await self.thread(number) if entry["direction"] == "out"]

    async def transcript(self, number: str) -> list[str]:
        """The thread as lines: ``> me`` and ``< bot``."""
        arrow = {"in": ">", "out": "<"}
        return [f"{arrow[e['direction']]} {e['text']}" for e in await self.thread(number)]

    # -- the provider -------------------------------------------------------------------------------

    def hook(self, kind: str, account: str = "sandbox") -> str:
        return self.app.hooks.url(account, kind)

    async def inbound(self, account: str = "sandbox", **body: object) -> httpx.Response:
        """A webhook with a text, exactly as given."""
        return await self.http.post(self.hook("inbound", account), json=body)

    async def outgoing(self) -> list[dict[str, Any]]:
        """All texts owed, oldest first, as the store has them."""
        rows = await self.app.store.rows("feed", limit=1000, before=1e15)
        return [r for r in reversed(rows) if r["direction"] == "out"]

    async def events(self) -> list[dict[str, Any]]:
        """All texts in, oldest first, as the store has them."""
        rows = await self.app.store.rows("feed", limit=1000, before=1e15)
        return [r for r in reversed(rows) if r["direction"] == "in"]


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


__all__ = ["ANN", "BOB", "LINE", "URL", "House", "dump"]


def echo() -> Bot:
    """A bot that says what it has heard."""
    bot = Bot()

    @bot.fallback
    def say(text: str) -> str:
        return f"heard {text}"

    return bot


def lane_of(store: Any) -> Any:
    """The one way of a store into its database."""
    return store.lane
