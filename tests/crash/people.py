"""People who text a bot all the time, and what each must be answered."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from smsbot.core.clock import iso
from smsbot.understanding.consent import OPTED_IN, OPTED_OUT

from .network import Network, deliver

LINE = "+48732000111"
PASSWORD = "a password of the test"


@dataclass(frozen=True)
class Place:
    """Where people live."""

    network: Network
    hooks: Mapping[str, str]
    """Where each account's webhooks go."""
    token: str
    http: httpx.AsyncClient
    seed: int
    patience: float
    """Seconds until they stop waiting for something that is neither there nor held: then it is lost."""
    held: Callable[[str], bool]
    """Whether a text to a number is held as unknown, so that they wait in vain."""


class Person:
    """One number: acts, and knows which texts it must get, in which order."""

    account, line = "main", LINE

    def __init__(self, number: str, place: Place) -> None:
        self.number = number
        self.network, self.hook, self.token, self.http = (
            place.network,
            place.hooks[self.account],
            place.token,
            place.http,
        )
        self.held, self.patience = place.held, place.patience
        self.chance = random.Random(f"{place.seed} {number}")
        self.taken: list[str] = []
        """Ids of texts that were answered 2xx."""
        self.duplicated = self.reordered = 0
        """Deliveries of a text that was delivered before; and those that a text sent later had overtaken."""
        self._late: Any = None
        self.expected: list[str] = []
        self.gave_up = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []

    async def live(self, enough: asyncio.Event) -> None:
        """Go on until it is enough, then to the end of what was begun."""
        for n in range(1, 1_000_000):
            if enough.is_set() or self.gave_up:
                break
            await self.round(n)
        self._overtaken()
        await asyncio.gather(*self._tasks)
        if self._errors:
            raise self._errors[0]

    async def round(self, n: int) -> None:
        raise NotImplementedError

    async def hears(self, *texts: str) -> bool:
        """Wait for these texts; whether they came."""
        self.expected += texts
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            if await self.network.until(self.number, len(self.expected), 1.5):
                return True
            if self.held(self.number):
                break
        self.gave_up = True
        return False

    async def texts(self, identity: str, text: str, **more: str) -> None:
        """Send a text as a provider delivers it: until it is taken, one in ten twice at once, one in ten again behind the next."""
        body = {"id": f"{self.number}/{identity}", "from": self._spelled(), "to": self.line, "message": text, **more}
        if self.chance.random() < 0.1:
            self.duplicated += 1
            await asyncio.gather(deliver(self.http, self.hook, body), deliver(self.http, self.hook, body))
        else:
            await deliver(self.http, self.hook, body)
        self.taken.append(body["id"])
        self._overtaken()
        if self.chance.random() < 0.1:
            self._late = body

    def _spelled(self) -> str:
        """Its number, in one of the ways that providers write it."""
        bare = self.number.lstrip("+")
        return self.chance.choice((self.number, bare, f"00{bare}", f"+{bare[:2]} {bare[2:]}"))

    def _overtaken(self) -> None:
        """Deliver once more what was kept back, now that a later text has been taken."""
        if self._late is None:
            return
        self.duplicated += 1
        self.reordered += 1
        task = asyncio.create_task(deliver(self.http, self.hook, self._late))
        self._late = None
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)


class Talker(Person):
    """Has the same conversation again and again: questions, a step, several texts a turn, a timer."""

    async def round(self, n: int) -> None:
        await self.texts(f"{n}a", f"go {n}")
        if await self.hears(f"{n} hello", f"{n} size?"):
            await self.texts(f"{n}b", "L")
            if await self.hears(f"{n} L {n * 2}", f"{n} wait", f"{n} sure?"):
                await self.texts(f"{n}c", "yes")
                await self.hears(f"{n} done")


class Echoer(Person):
    """Texts without waiting for answers; now and then two arrive the other way round, and are answered so."""

    async def round(self, n: int) -> None:
        pair = [2 * n, 2 * n + 1]
        if self.chance.random() < 0.2:
            pair.reverse()
            self.reordered += 1
        for k in pair:
            await self.texts(str(k), f"echo {k}")
        await self.hears(*(f"echo {k}" for k in pair))


class Stranger(Echoer):
    """The same on a line of another account, whose gateway says 200 also where it means no."""

    account, line = "other", "+48732000222"


class Reader(Person):
    """Goes through a flow with an action, and asks for something else in the middle of a question."""

    line = "7255"

    async def round(self, n: int) -> None:
        await self.texts(f"{n}a", f"flow {n}")
        if not await self.hears(f"{n} big?"):
            return
        if self.chance.random() < 0.5:
            await self.texts(f"{n}m", "menu")
            if not await self.hears("S, M or L", f"{n} big?"):
                return
        await self.texts(f"{n}b", "2")
        if await self.hears(f"{n} M {n * 3} right?"):
            await self.texts(f"{n}c", "yes")
            await self.hears(f"{n} over")


class Sleeper(Person):
    """Asks for what holds a thread, of which there are fewer than sleepers."""

    async def round(self, n: int) -> None:
        await self.texts(str(n), f"slow {n}")
        await self.hears(f"slow {n}")


class Leaver(Person):
    """Leaves and comes back; a START from before the STOP arrives behind it, and is none."""

    async def round(self, n: int) -> None:
        await self._texts_at(n, 0, f"echo {n}")
        if not await self.hears(f"echo {n}"):
            return
        await self._texts_at(n, 30, "STOP")
        if not await self.hears(OPTED_OUT):
            return
        self.reordered += 1
        await self._texts_at(n, 20, "START")
        await self._texts_at(n, 40, f"echo {10**6 + n}")
        await self._texts_at(n, 50, "START")
        await self.hears(OPTED_IN)

    async def _texts_at(self, n: int, second: int, text: str) -> None:
        """Text at a second of the n-th round, by the provider's clock."""
        await self.texts(f"{n}.{second}", text, time=iso(1_790_000_000 + 100 * n + second))


class LookedAfter(Person):
    """Somebody at the desk takes them over in the middle of a question, and gives them back."""

    async def round(self, n: int) -> None:
        await self.texts(f"{n}a", f"go {n}")
        if not await self.hears(f"{n} hello", f"{n} size?"):
            return
        await self._desk("take")
        await self.texts(f"{n}b", "S")  # for the desk: the bot is silent
        await self._desk("give-back")
        if not await self.hears(f"{n} size?"):
            return
        await self.texts(f"{n}c", "L")
        if await self.hears(f"{n} L {n * 2}", f"{n} wait", f"{n} sure?"):
            await self.texts(f"{n}d", "yes")
            await self.hears(f"{n} done")

    async def _desk(self, does: str) -> None:
        """Press a button of the desk until it is done; a server that ends in between may have done it already."""
        base, signed = self.hook.partition("/hooks/")[0], httpx.BasicAuth("ola", PASSWORD)
        while True:
            with suppress(httpx.TransportError):
                page = await self.http.post(f"{base}/", data={"q": self.number}, auth=signed)
                button = re.search(rf'action="(/of/\w+/{does})"', page.text)
                if page.status_code == 200 and button is None:
                    return
                if button is not None and (await self.http.post(base + button[1], auth=signed)).status_code == 303:
                    return
            await asyncio.sleep(0.03)


class Pinger(Person):
    """Somebody whom a program tells about events; it goes on, also while a text waits for its next try."""

    async def live(self, enough: asyncio.Event) -> None:
        await super().live(enough)
        await self.hears()

    async def round(self, n: int) -> None:
        url = self.hook.partition("/hooks/")[0] + "/api/v1/events"
        asked = {"event": "ping", "to": self.number, "data": {"n": n}, "key": f"{self.number}/{n}"}
        await deliver(self.http, url, asked, headers={"authorization": f"Bearer {self.token}"})
        self.expected.append(f"ping {n}")
        await self.network.until(self.number, len(self.expected), 1.5)


KINDS: tuple[type[Person], ...] = (Talker, Reader, Echoer, Stranger, Leaver, Pinger, Sleeper, LookedAfter)
"""Who lives side by side."""
