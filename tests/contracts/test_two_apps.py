"""Two whole servers on one PostgreSQL database: what people and programs see of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from smsbot import Bot, Message
from smsbot.app import App
from smsbot.core.clock import ManualClock, SystemClock
from smsbot.core.commit import Committed, Verdict, digest
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.message import Event, Key
from smsbot.desk.tokens import made
from smsbot.pipeline.codes import Codes
from smsbot.pipeline.schedules import Schedules
from smsbot.pipeline.sends import Terms, Wish
from smsbot.settings import AccountSettings, BotSettings, LineSettings, Settings
from smsbot.stores.base import Acceptance, Consent
from smsbot.stores.postgres import processes
from smsbot.transport import Answer

from ..patience import until
from ..pipeline.test_repairs import Provider
from ..postgres import Server

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.slow]
LINE = "+48732000111"
ANN = Key(LINE, "+48600100200")


class Ledger(Provider):
    """A provider that takes some time, and knows when each text began to leave."""

    def __init__(self) -> None:
        super().__init__()
        self.began: list[tuple[float, str]] = []
        """When, and to whom."""

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        if method == "POST":
            self.began.append((time.monotonic(), json.loads(body)["phoneNumbers"][0]))
        await asyncio.sleep(0.02)
        return await super().request(method, url, headers=headers, body=body, timeout=timeout)


class Two:
    """Two servers, as on two machines, and the texts whose turns were taken."""

    rate = 0.0

    def __init__(self, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ledger = Ledger()
        self._server, self._folder, self._monkeypatch = server, folder, monkeypatch
        self.url = server.migrated()
        self.turns: list[str] = []
        self.apps: list[App] = []

    def rows(self, sql: str) -> list[str]:
        return self._server.run(sql, self.url.split("@/")[1].split("?")[0]).splitlines()

    def _bot(self) -> Bot:
        bot = Bot()

        @bot.fallback
        async def answer(message: Message) -> str:
            await asyncio.sleep(0.4)
            self.turns.append(message.text)
            if message.text == "wrong":
                raise UsageError("a mistake")
            return f"you said {message.text}"

        return bot

    async def start(self, place: str) -> App:
        folder = self._folder / place
        folder.mkdir()
        self._monkeypatch.setattr(processes, "_here", lambda: place)
        keys = {"authorization": "key-12345678", "application_key": "new-1234567"}
        settings = Settings.model_construct(
            bots={"bot": BotSettings(target="x", lines=(LINE,))}, lines={LINE: LineSettings(account="acc", rate=self.rate)},
            accounts={"acc": AccountSettings.model_validate(keys)}, database=self.url, public_url="https://x.test",
            dashboard_password=None, recheck=None, run=folder / "run",
        )  # fmt: skip
        app = App(settings, {"bot": self._bot()}, transport=self.ledger)
        await app.start()
        self.apps.append(app)
        return app

    async def rest(self) -> None:
        await until(lambda: not self.rows("SELECT 1 FROM events WHERE state = 0"))

    async def sent(self) -> None:
        await until(lambda: not self.rows("SELECT 1 FROM outgoing WHERE phase IS NOT NULL LIMIT 1"), 60)


def text(words: str, key: Key = ANN) -> Event:
    return Event(digest(words, key.number), key, "text", words, time.time(), "acc")


@pytest.fixture
async def two(
    request: pytest.FixtureRequest, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Two]:
    made = Two(postgres, tmp_path, monkeypatch)
    made.rate = getattr(request, "param", 0.0)
    for place in ("one", "two"):
        await made.start(place)
    yield made
    for app in made.apps:
        with suppress(Exception):
            await app.stop()


@pytest.mark.parametrize("first", ["1", "wrong"])
async def test_texts_of_one_person_are_answered_in_order_wherever_they_come(two: Two, first: str) -> None:
    """Also behind one whose handler fails for good."""
    a, b = two.apps
    verdicts = [await app.dispatcher.arrive(text(words)) for app, words in ((a, first), (b, "2"), (a, "3"), (b, "4"))]
    assert verdicts == [Verdict.DONE, Verdict.QUEUED, Verdict.DONE, Verdict.QUEUED]
    await two.rest()
    assert two.turns == [first, "2", "3", "4"], "each handler ran once"


async def test_a_database_that_is_away_while_a_text_comes_leaves_nobody_behind(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, accept = two.apps[1], two.apps[1].store.accept

    async def refused(batch: Sequence[Acceptance]) -> Sequence[Committed]:
        monkeypatch.setattr(app.store, "accept", accept)
        raise StoreError("away")

    monkeypatch.setattr(app.store, "accept", refused)
    with pytest.raises(StoreError):
        await app.dispatcher.arrive(text("1"))
    assert await app.dispatcher.arrive(text("1")) is Verdict.DONE
    await two.rest()
    assert two.turns == ["1"]


async def test_what_a_program_asks_of_both_at_once_is_done_once(two: Two) -> None:
    secret, change = made("shop", [], "", time.time())
    await two.apps[0].tokens.change([change])
    head = {"authorization": f"Bearer {secret}"}
    ways = [httpx.AsyncClient(transport=httpx.ASGITransport(app=a), base_url="https://x.test") for a in two.apps]
    for way in ways:  # each makes its API with the first request; two at once in one process would share warnings
        assert (await way.get("/api/v1/lines", headers=head)).status_code == 200
    for n in range(10):
        body = {"to": f"+48600{n:06}", "text": f"pay {n}"}
        asked = [way.post("/api/v1/messages", json=body, headers={**head, "idempotency-key": f"k{n}"}) for way in ways]
        answers = await asyncio.gather(*asked)
        assert len({answer.json()["messages"][0]["id"] for answer in answers}) == 1
    assert two.rows("SELECT count(*) FROM outgoing") == ["10"]
    await two.apps[0].tokens.change([("token_revoked", ("shop",))])

    async def refused() -> bool:
        return (await ways[1].get("/api/v1/messages/x", headers=head)).status_code == 401

    await until(refused)
    for way in ways:
        await way.aclose()


async def test_a_code_is_right_once(two: Two, tmp_path: Path) -> None:
    stores = [app.store for app in two.apps]
    codes = [Codes(store, app.sends, SystemClock()) for store, app in zip(stores, two.apps, strict=True)]
    for own in codes:
        await own.begin(tmp_path / "secret")
    now = time.time()
    for n in range(10):
        row = (f"c{n}", ANN.number, "", b"n" * 16, 6, now + n, now + 600, 3, 2, "me", "")
        await stores[0].write([("code", row), ("code_text", (f"o{n}", f"c{n}"))])
        right = codes[0]._code((await stores[0].rows("codes_of", number=ANN.number, since=0.0))[0])
        assert await codes[1].watches(ANN.number)
        checked = await asyncio.gather(*(own.check(ANN.number, "", right) for own in codes))
        assert sorted(one.result for one in checked) == ["expired", "valid"]


async def test_the_other_goes_on_while_the_first_ends(two: Two) -> None:
    first, second = two.apps
    await first.dispatcher.arrive(text("1"))
    ending = asyncio.create_task(first.stop())
    await asyncio.sleep(0.1)
    await until(lambda: second.store.leads)
    assert await second.dispatcher.arrive(text("2")) in (Verdict.QUEUED, Verdict.DONE)
    await ending
    await two.rest()
    assert two.turns == ["1", "2"]


async def owe(app: App, numbers: Sequence[str], lane: str = "notice") -> None:
    """Texts that no turn says."""
    line = app.sends.line(LINE)
    for at in range(0, len(numbers), 500):
        wishes = [Wish(number, f"to {number}") for number in numbers[at : at + 500]]
        await app.sends.send(line, wishes, Terms(lane, 3600.0))


def people(count: int, first: int = 0) -> list[str]:
    return [f"+48601{n:06d}" for n in range(first, first + count)]


@pytest.mark.parametrize("two", [20.0], indirect=True)
async def test_the_rate_of_a_line_holds_over_both(two: Two) -> None:
    """Texts of all kinds that both have to send, twice for eight seconds: a machine that is busy may lose slots once."""
    a, b = two.apps
    await asyncio.gather(owe(a, people(200)), owe(b, people(200, 1000)), owe(b, people(20, 2000), "code"))
    await asyncio.sleep(1)
    began = time.monotonic()
    await owe(b, people(20, 3000), "notice")
    await asyncio.sleep(16)
    sent = [sum(since <= at < since + 8 for at, _ in two.ledger.began) for since in (began, began + 8)]
    assert max(sent) <= 1.05 * 160
    assert max(sent) >= 0.95 * 160


async def test_a_stop_at_one_stops_texts_that_leave_from_the_other(two: Two) -> None:
    a, b = two.apps
    await owe(a, people(3000))
    numbers = people(3000)[::-1][:10]
    stopped: dict[str, float] = {}
    for number in numbers:
        event = replace(text("STOP", Key(LINE, number)), kind="optout")
        await b.store.accept([Acceptance(event, Consent("optout", "STOP", "a test"))])
        stopped[number] = time.monotonic()
    await two.sent()
    assert [number for at, number in two.ledger.began if at > stopped.get(number, at) + 1] == []
    assert len(two.ledger.began) >= 2990


async def test_nothing_leaves_after_a_pause_has_returned(two: Two) -> None:
    a, b = two.apps
    await asyncio.gather(owe(a, people(2000)), owe(b, people(300, 5000), "reply"))
    await asyncio.sleep(0.3)
    await b.store.pause("all", "", time.time())
    paused = time.monotonic()
    await asyncio.sleep(2)
    assert two.ledger.began
    assert [at for at, _ in two.ledger.began if at > paused] == []
    await a.store.resume("all", "", time.time())
    await two.sent()
    numbers = [number for _, number in two.ledger.began]
    assert len(numbers) == len(set(numbers)) == 2300


async def test_what_runs_by_the_clock_runs_once_in_processes_of_two_builds(two: Two) -> None:
    ran: list[str] = []
    clock = ManualClock(time.time())

    def schedules(app: App, *, newer: bool) -> Schedules:
        bot = Bot("x")
        if newer:
            bot.every("* * * * *")(lambda: ran.append("new"))

        @bot.every("* * * * *")
        def tick() -> None:
            ran.append("tick")

        return Schedules(app.store, [bot], clock, {bot: {}}, app.dispatcher.tasks.spawn, {})

    both = [
        schedules(two.apps[0], newer=False),
        schedules(two.apps[1], newer=True),
        schedules(two.apps[1], newer=False),
    ]
    for one in both:
        one.start()
    for _ in range(3):
        clock.move_to(clock.now() + 60)
        await asyncio.gather(*(one.serve() for one in both))
    await until(lambda: ran.count("tick") >= 3)
    await asyncio.sleep(0.2)
    assert ran.count("tick") == 3
