"""The independent ledger: a MessageFlow on a real socket that keeps each request before it answers, and misbehaves.

It throttles, answers 500 for what it took, loses what it never keeps, is slow, does not see some of its texts when it
is first asked, and delivers reports twice, late, and in any order. All of it by a seed.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx

POINTS = ("gateway.connected", "gateway.head", "gateway.taken", "gateway.half")
"""K19–K22: the process may also be ended when the network has seen this much of a send."""
META = {"numberOfErrors": 0, "numberOfData": 1, "status": 200}


class Network:
    """What reached it, by number, in order."""

    def __init__(self, seed: int) -> None:
        self.sends: dict[str, list[tuple[str, str]]] = defaultdict(list)
        """For each number, text and `externalId` of each send that was kept."""
        self._firsts: dict[str, dict[str, str]] = defaultdict(dict)
        self._known: dict[str, dict[str, Any]] = {}
        self._lost: set[str] = set()
        self._asked: set[str] = set()
        self.errors: list[str] = []
        """What went wrong in a task of its own."""
        self._chance = random.Random(seed)
        self._arrived: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.reports_to: Callable[[str], str] = str
        """From the public address of a webhook to the one that is reached here."""
        self.unkind = True
        """Whether it misbehaves: no longer at the end, so that everything can come to rest."""
        self.throttles = True
        """Whether it says 429 now and then, whereupon few texts a second are sent to it."""
        self._end: tuple[str, int, Callable[[], None]] | None = None

    async def open(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)  # each report to whichever server is there
        self._http = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(5))
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self._server is not None
        self._server.close()
        await self._http.close()

    def end_at(self, point: str, nth: int, end: Callable[[], None]) -> None:
        """Call `end` the n-th time that a send has come this far, and each time after it: the n-th may be a send of a
        server that has ended already."""
        self._end = (point, nth, end)

    def spare(self) -> None:
        """End nobody any more."""
        self._end = None

    def _reached(self, point: str) -> None:
        if self._end is None or self._end[0] != point:
            return
        name, left, end = self._end
        self._end = (name, left - 1, end)
        if left <= 1:
            end()

    # -- sends --------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reached("gateway.connected")
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
                self._reached("gateway.head")
                body = await reader.readexactly(length)
                target = head.split(b" ")[1].decode()
                answer = await self._routed(target, json.loads(body) if body else None)
                if answer is None:
                    break
                status, told = answer
                content = json.dumps(told).encode()
                more = "Retry-After: 0\r\n" if status == 429 else ""
                whole = f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(content)}\r\n\r\n".encode() + content
                writer.write(whole[: len(whole) // 2])
                await writer.drain()
                if body:
                    self._reached("gateway.half")
                writer.write(whole[len(whole) // 2 :])
                await writer.drain()
        writer.close()

    async def _routed(self, target: str, body: Any) -> tuple[int, Any] | None:
        if not target.startswith("/other"):
            return await self._send(body) if body is not None else self._look_up(target)
        if body is None:
            found = parse_qs(urlsplit(target).query)["ref"][0] in self._known
            return (200, {"id": parse_qs(urlsplit(target).query)["ref"][0]}) if found else (404, {})
        if self.unkind and self._chance.random() < 0.1:
            return 200, {"success": False, "message": "queue full, try again"}
        told = {"phoneNumbers": [body["to"]], "externalId": body["ref"], "message": body["text"]}
        answer = await self._send({**told, "webhookUrl": body["report"]}, other=True)
        if answer is None or answer[0] != 200:
            return answer
        return 200, {"id": body["ref"], "status": "queued"}

    def _look_up(self, target: str) -> tuple[int, Any]:
        external = parse_qs(urlsplit(target).query).get("externalId", [""])[0]
        found = self._known.get(external)
        if found and self.unkind and external not in self._asked and self._chance.random() < 0.2:
            found = None  # its list lags behind: who asks only once takes the text for lost
        self._asked.add(external)
        return (200, {"meta": META, "data": [found]}) if found else (404, {"meta": META, "errors": []})

    async def _send(self, text: dict[str, Any], *, other: bool = False) -> tuple[int, Any] | None:
        number, external = text["phoneNumbers"][0], text["externalId"]
        luck = self._chance.random() if self.unkind else 1.0
        outgoing = external.rpartition("-")[0]
        if luck < 0.04 and self.throttles:
            return 429, {"meta": META}
        if 0.04 <= luck < 0.06 and outgoing not in self._lost:  # once: a text that is lost twice is held for the desk
            self._lost.add(outgoing)
            return None
        self._known[external] = {"externalId": external, "phoneNumber": number, "status": 1}
        self.sends[number].append((text["message"], external))
        self._firsts[number].setdefault(outgoing, text["message"])
        self._arrived[number].set()
        self._reached("gateway.taken")
        self._spawn(self._report(text["webhookUrl"], external, other=other))
        if luck < 0.09:
            return 500, {"meta": META}
        if luck < 0.12:
            await asyncio.sleep(0.2)
        return 200, {"meta": META, "data": [self._known[external]]}

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.errors.append(f"a report: {task.exception()!r}")

    async def reported(self) -> None:
        """Wait until every report was taken."""
        await asyncio.wait_for(asyncio.gather(*self._tasks, return_exceptions=True), 60)

    def keeps(self, outgoing: str) -> bool:
        """Whether any attempt of a text of ours was kept."""
        return any(external.rpartition("-")[0] == outgoing for external in self._known)

    async def _report(self, url: str, external: str, *, other: bool) -> None:
        """Reports, some twice, some before the answer to the send; each until it is taken."""
        told = [2, 21] + ([21] if self._chance.random() < 0.1 else [])
        if self._chance.random() < 0.3:
            self._chance.shuffle(told)
        for status in told:
            if self._chance.random() < 0.5:
                await asyncio.sleep(self._chance.uniform(0, 0.3))
            body: dict[str, Any] = {"externalId": external, "status": status}
            if other:
                body = {"id": external, "status": "SENT" if status == 2 else "DeLivrd", "err": 0}
            await self._tell(url, body)

    async def _tell(self, url: str, body: Any) -> None:
        async def post() -> int:
            async with self._http.post(self.reports_to(url), json=body) as answer:
                return answer.status

        await _insist(post, aiohttp.ClientError)

    async def until(self, number: str, count: int, patience: float) -> bool:
        """Wait until a number has this many different texts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while len(self.firsts(number)) < count:
                    self._arrived[number].clear()
                    await self._arrived[number].wait()
        return len(self.firsts(number)) >= count

    def firsts(self, number: str) -> dict[str, str]:
        """The texts of a number by our id, each where it first appeared."""
        return self._firsts[number]


async def deliver(http: httpx.AsyncClient, url: str, body: Any, *, headers: dict[str, str] | None = None) -> None:
    """Until it is taken, as a provider does."""

    async def post() -> int:
        return (await http.post(url, json=body, headers=headers)).status_code

    await _insist(post, httpx.TransportError)


async def _insist(post: Callable[[], Awaitable[int]], lost: type[Exception]) -> None:
    while True:
        with suppress(lost, TimeoutError):
            status = await post()
            if status < 300:
                return
            assert status in (503, 408), status
        await asyncio.sleep(0.03)
