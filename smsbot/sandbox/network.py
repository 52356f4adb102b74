"""The phone network: texts, phones and their moods, and what the network still owes. All of it survives a kill."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from mimetypes import guess_type

import orjson

from smsbot.core import segments
from smsbot.core.clock import Clock, iso
from smsbot.core.errors import StoreError, TransportError, UsageError
from smsbot.core.status import Status, risen
from smsbot.gateways.messageflow_server import PRICE
from smsbot.gateways.messageflow_wire import NUMBERS
from smsbot.log import Log
from smsbot.stores.base import Row, Tables
from smsbot.transport import Transport

log = Log("smsbot.sandbox")
_SOON, _SLOW = (0.15, 0.35), (20.0, 30.0)
_LONGEST_WAIT = 60.0


class Mode(StrEnum):
    """How a phone behaves."""

    ON = "on"
    OFF = "off"
    """Texts wait for it and expire."""
    FULL = "full"
    """Texts come back undelivered."""
    SLOW = "slow"
    DUPLICATE = "duplicate"
    """Each delivery report comes twice."""
    REORDER = "reorder"
    """The last report comes first."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A text that a bot handed to the network."""

    account: str
    sender: str
    phone: str
    text: str
    external_id: str
    webhook: str
    validity: float
    due: float = 0.0
    """When it is handed on; 0 is now."""


class Network:
    """Phones, their threads, and the webhooks that are owed to the bot server."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        transport: Transport,
        *,
        inbound_url: Callable[[str], str],
        report_url: Callable[[str], str],
        default_line: str,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._transport = transport
        self._inbound_url = inbound_url
        self._report_url = report_url
        self._default_line = default_line
        self._modes: dict[str, Mode] = {}
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    async def open(self) -> None:
        """Read the phones."""
        for row in await self._tables.rows("sandbox_phones"):
            self._modes[row["number"]] = Mode(row["mode"])

    def mode(self, phone: str) -> Mode:
        """How a phone behaves; on, if nobody said otherwise."""
        return self._modes.get(phone, Mode.ON)

    @property
    def now(self) -> float:
        """The sandbox's time."""
        return self._clock.now()

    @property
    def idle(self) -> bool:
        """Whether no webhook is being delivered."""
        return not self._tasks

    # -- phones -------------------------------------------------------------------------------------

    async def text_from(self, phone: str, text: str, line: str = "", media: str = "") -> str:
        """A person texts a line (by default the first), perhaps with a picture; returns the network's id of it."""
        line = line or self._default_line
        identity, now = secrets.token_hex(10), self._clock.now()
        parts = segments.count(text).segments
        row = (identity, "in", line, phone, text, parts, now, "sent", "", "", self._inbound_url(line), None, media)
        await self._tables.write([("sandbox_text", row), ("sandbox_job", (now, "inbound", identity, ""))])
        self.kick()
        return identity

    async def thread(self, phone: str, limit: int = 200) -> list[Row]:
        """The thread as a phone and the network know it, oldest first."""
        rows = await self._tables.rows("sandbox_thread", phone=phone, limit=limit)
        return [
            {"direction": r["direction"], "text": r["text"], "at": iso(r["at"]), "status": r["status"],
             "line": r["line"], "parts": r["parts"], "id": r["id"], **({"media": r["media"]} if r["media"] else {})}
            for r in rows
        ]  # fmt: skip

    async def set_mode(self, phone: str, mode: Mode) -> None:
        """Change how a phone behaves; one that is switched on gets what waited for it."""
        changes: list[tuple[str, tuple[object, ...]]] = [("sandbox_phone", (phone, mode.value))]
        if self.mode(phone) is Mode.OFF and mode is not Mode.OFF:
            now = self._clock.now()
            for row in await self._tables.rows("sandbox_held", phone=phone):
                changes.append(("sandbox_jobs_drop", (row["id"], "status")))
                end = Status.UNDELIVERED if mode is Mode.FULL else Status.DELIVERED
                changes.append(("sandbox_job", (now, "status", row["id"], end.value)))
        await self._tables.write(changes)
        self._modes[phone] = mode
        self.kick()

    # -- texts from bots ----------------------------------------------------------------------------

    async def take(self, sent: Sent) -> Row:
        """Accept a text from a bot, with everything that will become of it."""
        identity, now = secrets.token_hex(10), self._clock.now()
        external = sent.external_id or identity
        row = (
            identity, "out", sent.sender, sent.phone, sent.text, segments.count(sent.text).segments, now,
            Status.ACCEPTED.value, external, sent.account, sent.webhook, now + sent.validity, "",
        )  # fmt: skip
        fate = self._fate(self.mode(sent.phone), sent.validity)
        begins = max(sent.due, now)
        jobs = [("sandbox_job", (begins + after, "status", identity, status.value)) for after, status in fate]
        await self._tables.write([("sandbox_text", row), *jobs])
        self.kick()
        return (await self._tables.rows("sandbox_text", id=identity))[0]

    @staticmethod
    def _fate(mode: Mode, validity: float) -> list[tuple[float, Status]]:
        sent_after, done_after = _SLOW if mode is Mode.SLOW else _SOON
        sent, done = (sent_after, Status.SENT), (done_after, Status.DELIVERED)
        match mode:
            case Mode.OFF:
                return [sent, (max(validity, sent_after), Status.EXPIRED)]
            case Mode.FULL:
                return [sent, (done_after, Status.UNDELIVERED)]
            case Mode.DUPLICATE:
                return [sent, sent, done, done]
            case Mode.REORDER:
                return [(sent_after, Status.DELIVERED), (done_after, Status.SENT)]
            case _:
                return [sent, done]

    async def find(self, account: str, external_id: str) -> list[Row]:
        """Texts of an account by the id that the bot gave them."""
        return await self._tables.rows("sandbox_external", external_id=external_id, account=account)

    async def listing(self, account: str, phone: str, since: float, until: float) -> list[Row]:
        """Texts of an account and a time, newest first; at most ten thousand."""
        return await self._tables.rows("sandbox_list", account=account, phone=phone, since=since, until=until)

    # -- what is owed -------------------------------------------------------------------------------

    def kick(self) -> None:
        """Look now: something new is due, or the clock was moved."""
        self._wake.set()

    async def next_due(self) -> float | None:
        """When the network does something next."""
        due: float | None = (await self._tables.rows("sandbox_next"))[0]["due"]
        return due

    async def run(self) -> None:
        """Do what is due until cancelled."""
        while True:
            pause = 0.5
            self._wake.clear()
            try:
                await self.serve()
                due = await self.next_due()
                pause = 0.5 if due is None else min(max(due - self._clock.now(), 0.01), 0.5)
            except Exception as error:
                log.error("the sandbox's network waits", why=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def serve(self) -> None:
        """Begin everything that is due; the jobs of one phone follow one another."""
        by_phone: Mapping[str, list[Row]] = defaultdict(list)
        for job in await self._tables.rows("sandbox_due", now=self._clock.now(), limit=2000):
            by_phone[job["phone"]].append(job)
        for phone, jobs in by_phone.items():
            if phone not in self._busy:
                self._busy.add(phone)
                task = asyncio.create_task(self._phone_jobs(phone, jobs))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _phone_jobs(self, phone: str, jobs: list[Row]) -> None:
        try:
            for job in jobs:
                if await self._do(job):
                    await self._tables.write([("sandbox_job_done", (job["id"],))])
                    continue
                wait = min(0.5 * 2 ** min(job["tries"], 10), _LONGEST_WAIT)
                await self._tables.write([("sandbox_job_again", (job["id"], self._clock.now() + wait))])
                if job["kind"] == "inbound":
                    break  # a later text must not overtake an earlier one
        except StoreError as error:
            log.error("the sandbox waits for the database", why=str(error))
            await asyncio.sleep(1.0)
        finally:
            self._busy.discard(phone)
            self.kick()

    async def _do(self, job: Row) -> bool:
        try:
            return await (self._inbound(job) if job["kind"] == "inbound" else self._status(job))
        except UsageError as error:
            log.warning("the sandbox drops what it cannot deliver", why=str(error))
            return True
        except StoreError:
            raise
        except Exception as error:
            log.error("the sandbox tries again", exc_info=error)
            return False

    async def _inbound(self, job: Row) -> bool:
        text = (await self._tables.rows("sandbox_text", id=job["text"]))[0]
        body = {
            "id": text["id"],
            "from": text["phone"],
            "to": text["line"],
            "message": text["text"],
            "time": iso(text["at"]),
            **(
                {"media": [{"url": text["media"], "type": guess_type(text["media"])[0] or ""}]} if text["media"] else {}
            ),
        }
        if not await self._post(self._inbound_url(text["line"]), body):
            return False
        await self._tables.write([("sandbox_status", (text["id"], "received"))])
        return True

    async def _status(self, job: Row) -> bool:
        text = (await self._tables.rows("sandbox_text", id=job["text"]))[0]
        status = Status(job["value"])
        await self._tables.write([("sandbox_status", (text["id"], risen(Status(text["status"]), status).value))])
        if not text["webhook"]:
            return True
        body = item(text) | {"status": NUMBERS[status], "statusTime": int(self._clock.now())}
        return await self._post(self._report_url(text["account"]), body)  # the server may have moved since

    async def _post(self, url: str, body: Mapping[str, object]) -> bool:
        try:
            answer = await self._transport.request(
                "POST", url, headers={"Content-Type": "application/json"}, body=orjson.dumps(body), timeout=20.0
            )
        except TransportError:
            return False
        refused = 400 <= answer.status < 500 and answer.status not in (408, 429)
        if refused:
            log.error("the bot server refused a webhook; it is dropped", status=answer.status)
        return refused or 200 <= answer.status < 300

    async def close(self) -> None:
        """Stop; what is owed stays owed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def item(text: Row) -> dict[str, object]:
    """A text as MessageFlow's envelope shows it."""
    return {
        "sender": text["line"],
        "phoneNumber": text["phone"],
        "externalId": text["external_id"],
        "status": NUMBERS[Status(text["status"])],
        "statusTime": int(text["at"]),
        "createTime": int(text["at"]),
        "smsPrice": text["parts"] * PRICE,
        "currency": 0,
        "numberOfParts": text["parts"],
    }
