"""What the desk is told at once: once for as long as it lasts, also where it could not be told at first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsbot import Bot, Chat
from smsbot.pipeline.alerts import STALLED, Alerts
from smsbot.settings import AlertSettings
from smsbot.transport import AiohttpTransport
from smsbot.transport.alerts import MailChannel, WebhookChannel

from ..conftest import leave_out
from ..house import ANN, BOB, House
from ..tables import many, sql

BASE = "https://desk.test"


class Ear:
    """A channel that can be deaf."""

    def __init__(self, name: str = "ear") -> None:
        self.name = name
        self.heard: list[str] = []
        self.facts: list[Mapping[str, Any]] = []
        self.deaf = ""

    async def tell(self, words: str, facts: Mapping[str, Any]) -> str:
        if not self.deaf:
            self.heard.append(words)
            self.facts.append(facts)
        return self.deaf


def shop() -> Bot:
    bot = Bot()

    @bot.on("agent")
    def agent(chat: Chat) -> None:
        chat.handoff("counter", say="A colleague will text you.", hours="Mon-Fri 9-17", closed="We open at 9.")

    @bot.on("quiet")
    def quiet(chat: Chat) -> None:
        chat.handoff("counter", alert=False)

    @bot.on("wrong")
    def wrong(chat: Chat) -> None:
        chat.handoff("counter", hours="whenever")

    @bot.fallback
    def other() -> str:
        return "yes?"

    return bot


@pytest.fixture
async def h(house: Any) -> House:
    made: House = await house(shop())
    return made


def alerts(h: House, ear: Ear) -> Alerts:
    return Alerts(h.app.store, [ear], h.app.clock, BASE)


async def test_somebody_who_waits_is_told_once(h: House) -> None:
    ear = Ear()
    watch = alerts(h, ear)
    await h.text(ANN, "agent")
    for _ in range(3):
        await watch.once()
    assert ear.heard == ["1 person waits: https://desk.test/inbox\n· +48•••200 waits for counter"]
    assert (ear.facts[0]["kind"], ear.facts[0]["count"], ear.facts[0]["page"]) == ("person", 1, f"{BASE}/inbox")
    await alerts(h, ear).once()  # after a restart
    assert len(ear.heard) == 1
    await h.http.post("/handoffs/1/done")
    await watch.once()
    await h.text(ANN, "agent")
    await watch.once()
    assert len(ear.heard) == 2, "another time, another alert"


async def test_many_are_told_in_one_message(h: House) -> None:
    ear = Ear()
    for n in range(12):
        await h.text(f"+4860010{n:04d}", "agent")
    await alerts(h, ear).once()
    assert len(ear.heard) == 1
    assert ear.heard[0].startswith("12 people wait: ")
    assert ear.heard[0].endswith("· and 7 more")


async def test_who_asked_for_no_alert_gets_none(h: House) -> None:
    ear = Ear()
    await h.text(ANN, "quiet")
    await alerts(h, ear).once()
    assert ear.heard == []
    assert len(await h.app.store.rows("waiting_people", now=0, later=0, limit=9)) == 1


async def test_what_cannot_be_told_is_tried_again_ever_later(h: House) -> None:
    ear, tried = Ear(), []
    ear.deaf = "the webhook answered 500"
    watch = alerts(h, ear)
    await h.text(ANN, "agent")
    for second in range(0, 600, 5):
        before = await h.app.store.rows("alerts")
        await watch.once()
        after = await h.app.store.rows("alerts")
        if not before or before[0]["due"] != after[0]["due"]:
            tried.append(second)
        await h.advance(5)
    assert tried == [0, 15, 45, 105, 225, 465]
    ear.deaf = ""
    await h.advance("1h")
    await watch.once()
    assert len(ear.heard) == 1


async def test_after_three_days_it_is_let_be(h: House) -> None:
    ear = Ear()
    ear.deaf = "gone"
    await h.text(ANN, "agent")
    await alerts(h, ear).once()
    await h.advance("73h")
    await alerts(h, ear).once()
    ear.deaf = ""
    await alerts(h, ear).once()
    assert ear.heard == []


async def test_who_was_told_is_not_told_again_because_another_was_not(h: House) -> None:
    good, bad = Ear("good"), Ear("bad")
    bad.deaf = "down"
    watch = Alerts(h.app.store, [bad, good], h.app.clock, BASE)
    await h.text(ANN, "agent")
    for _ in range(30):
        await watch.once()
        await h.advance("10m")
    assert len(good.heard) == 1
    bad.deaf = ""
    await h.advance("2h")
    await watch.once()
    assert (len(good.heard), len(bad.heard)) == (1, 1)


async def test_what_is_old_when_alerts_begin_is_tried_for_three_days_too(h: House) -> None:
    ear = Ear()
    await h.text(ANN, "agent")
    await h.advance("100h")
    ear.deaf = "down"
    await alerts(h, ear).once()
    await h.advance("1h")
    await alerts(h, ear).once()
    ear.deaf = ""
    await h.advance("1h")
    await alerts(h, ear).once()
    assert len(ear.heard) == 1


async def test_who_waits_after_somebody_was_erased_is_told(h: House) -> None:
    ear = Ear()
    await h.text(ANN, "agent")
    await alerts(h, ear).once()
    await h.app.people.erase(ANN)
    await h.text(BOB, "agent")
    await alerts(h, ear).once()
    assert [words.splitlines()[-1] for words in ear.heard] == [
        "· +48•••200 waits for counter", "· +48•••300 waits for counter",
    ]  # fmt: skip


async def test_an_account_that_is_refused(h: House) -> None:
    ear = Ear()
    await h.app.store.pause("account", "sandbox", h.app.clock.now(), "refused: 401")
    await alerts(h, ear).once()
    assert "account sandbox: nothing leaves (refused: 401)" in ear.heard[0]
    await h.app.store.resume("account", "sandbox", h.app.clock.now())
    await alerts(h, ear).once()
    assert await h.app.store.rows("alerts") == []


async def test_a_gateway_that_stands_still(h: House) -> None:
    """As the store has it while a provider says 503 for long: due again and again, and never taken."""
    ear, now = Ear(), h.app.clock.now()
    await h.text(ANN, "hello")
    await stuck(h, now - STALLED - 1)
    await alerts(h, ear).once()
    assert ear.heard[0].startswith("1 gateway stands still: https://desk.test/overview")
    assert "account sandbox: 1 texts wait for the gateway" in ear.heard[0]


async def stuck(h: House, due: float) -> None:
    sql(h.app.settings.place, "UPDATE outgoing SET phase = 'queue', due = ?", due)


@pytest.mark.parametrize(
    ("reported", "missing", "told"), [(25, 30, True), (40, 30, False), (5, 15, False), (0, 30, False)]
)
async def test_reports_that_stay_away(h: House, reported: int, missing: int, told: bool) -> None:
    ear, now = Ear(), h.app.clock.now()
    line = h.app.lines.values()[0].number
    stands = [("delivered", 9)] * reported + [("accepted", 2)] * missing
    many(
        h.app.settings.place,
        "INSERT INTO outgoing (id, line, number, account, event, lane, text, parts, created, due, expires, status, rank)"
        " VALUES (?, ?, '+48600100200', 'sandbox', ?, 'reply', 'x', 1, ?, 0, 0, ?, ?)",
        [(f"t{n}", line, b"\0", now - 1800, status, rank) for n, (status, rank) in enumerate(stands)],
    )
    await alerts(h, ear).once()
    assert bool(ear.heard) is told
    if told:
        assert f"{missing} texts of the last hour have no report, {reported} have" in ear.heard[0]


def flow_of(handoff: str) -> str:
    return f"flow: help\nstart: [person]\nsteps:\n  - {{id: human, handoff: {handoff}, end: escalated}}\n"


@pytest.mark.parametrize(
    ("hour", "said"), [(10, "A colleague will text you."), (20, "We open at 9.")], ids=["open", "closed"]
)
async def test_hours_have_their_own_text_in_python_and_yaml(house: Any, tmp_path: Path, hour: int, said: str) -> None:
    (tmp_path / "help.yaml").write_text(
        flow_of('{to: counter, say: "A colleague will text you.", hours: Mon-Fri 9-17, closed: "We open at 9."}')
    )
    bot = shop()
    bot.flows = (str(tmp_path / "help.yaml"),)
    h: House = await house(bot)
    await to_monday(h, hour)
    await h.text(ANN, "agent")
    await h.text(BOB, "person")
    assert (await h.heard(ANN))[-1] == said
    assert (await h.heard(BOB))[-1] == said
    assert len(await h.app.store.rows("people_to_tell")) == 2


async def to_monday(h: House, hour: int) -> None:
    """A Monday in Warsaw, where the line is."""
    now = datetime.fromtimestamp(h.app.clock.now(), ZoneInfo("Europe/Warsaw"))
    days = -now.weekday() % 7 or 7
    there = now.replace(hour=hour, minute=0, second=0, microsecond=0).timestamp() + days * 86_400
    await h.advance(there - h.app.clock.now())


@pytest.mark.parametrize(
    ("handoff", "why"),
    [
        ("{say: x}", 'a handoff needs "to:"'),
        ("{to: counter, hours: always}", "no time of the week"),
        ("{to: counter, closed: x}", '"closed" belongs to "hours"'),
        ("{to: counter, hours: 9-17}", '"hours" belongs to "closed"'),
        ("{to: counter, alert: perhaps}", "alert is yes or no"),
        ("{to: counter, sya: x}", 'a handoff has no "sya"'),
        ("[counter]", "is written as a map"),
    ],
)
async def test_a_handoff_that_cannot_be(house: Any, tmp_path: Path, handoff: str, why: str) -> None:
    (tmp_path / "help.yaml").write_text(flow_of(handoff))
    with pytest.raises(Exception, match="SB6") as caught:
        await house(Bot(flows=tmp_path / "help.yaml"))
    assert why in str(caught.value)


async def test_hours_that_cannot_be_read_fail_the_turn(h: House) -> None:
    await h.text(ANN, "wrong")
    assert "no time of the week" in (await h.events())[-1]["detail"]


# -- the ways to the desk ---------------------------------------------------------------------------


async def served(answer: bytes) -> tuple[asyncio.Server, int, list[bytes]]:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            heard.append(await reader.readexactly(length))
            writer.write(answer)
            await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1], heard


@pytest.mark.parametrize(
    ("status", "why"), [("204 No Content", ""), ("500 Oh", "answered 500"), ("302 Go", "answered 302")]
)
async def test_a_webhook(status: str, why: str) -> None:
    server, port, heard = await served(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
    transport = AiohttpTransport()
    try:
        told = await WebhookChannel(transport, f"http://127.0.0.1:{port}/secret").tell(
            "1 person waits", {"kind": "person"}
        )
    finally:
        await transport.close()
        server.close()
    assert why in told if why else told == ""
    assert json.loads(heard[0]) == {"text": "1 person waits", "kind": "person"}


async def test_a_webhook_that_is_not_there_keeps_its_address_to_itself() -> None:
    transport = AiohttpTransport()
    told = await WebhookChannel(transport, "http://127.0.0.1:1/secret-token").tell("x", {})
    await transport.close()
    assert "did not answer" in told
    assert "secret-token" not in told


async def mail_server(heard: list[str]) -> tuple[asyncio.Server, int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            writer.write(b"220 test\r\n")
            data = False
            async for raw in reader:
                line = raw.decode().rstrip("\r\n")
                heard.append(line)
                if data:
                    data = line != "."
                    if not data:
                        writer.write(b"250 taken\r\n")
                elif line.upper().startswith("DATA"):
                    data = True
                    writer.write(b"354 go on\r\n")
                elif line.upper().startswith("QUIT"):
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.needs("aiosmtplib")
async def test_e_mail() -> None:
    if find_spec("aiosmtplib") is None:
        leave_out("aiosmtplib", "the extra email")
    heard: list[str] = []
    server, port = await mail_server(heard)
    told = await MailChannel(f"smtp://127.0.0.1:{port}", "bot@shop.test", ["a@shop.test", "b@shop.test"]).tell(
        "1 person waits: https://desk.test/inbox\n· +48•••200 waits for counter", {}
    )
    server.close()
    assert told == ""
    assert "Subject: smsbot: 1 person waits: https://desk.test/inbox" in heard
    assert sum(line.upper().startswith("RCPT TO") for line in heard) == 2
    assert "did not take it" in await MailChannel(f"smtp://127.0.0.1:{port}", "a@b", ["c@d"]).tell("x", {})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"webhook": "chat.example"}, ["begins with https://"]),
        ({"smtp": "mail.example", "email": "a@b"}, ["a mail server is written"]),
        ({"email": "a@b"}, ["go together"]), ({"smtp": "smtp://h"}, ["go together"]),
        ({"smtp": "smtp://h", "email": "nobody"}, ["no e-mail address"]),
        ({"smtp": "smtps://u:p@h", "email": "a@b,c@d", "webhook": "https://h/x"}, []),
    ],
)  # fmt: skip
def test_settings_that_cannot_work(given: dict[str, str], why: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsbot.settings.find_spec", lambda name: object())
    problems = AlertSettings.model_validate(given).problems
    assert len(problems) == len(why)
    assert all(w in p for w, p in zip(why, problems, strict=True))
    assert "u:p" not in repr(AlertSettings.model_validate(given))


def test_e_mail_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsbot.settings.find_spec", lambda name: None)
    problems = AlertSettings.model_validate({"smtp": "smtp://h", "email": "a@b"}).problems
    assert problems == ["alerts.email: needs the extra; pip install 'smsbot[email]'"]


async def test_a_system_that_takes_nothing_is_told_and_one_that_is_paused_by_hand_is_not(h: House) -> None:
    ear = Ear()
    watch = alerts(h, ear)
    made = await h.app.endpoints.add("https://shop.example.com/sms", [], "a test")
    await h.app.store.write([("endpoint_failed", (h.clock.now(), 1, h.clock.now() + 9e9, made.id, made.url))])
    await watch.once()
    assert ear.heard == []
    await h.advance("2h")
    await watch.once()
    assert [w.partition(":")[0] for w in ear.heard] == ["1 of your systems takes nothing"]
    assert "shop.example.com" in ear.heard[0]
    await h.app.endpoints.resume(made)
    await h.app.endpoints.pause(made, "paused by ola")
    await watch.once()
    assert len(ear.heard) == 1
    assert await h.app.store.rows("alerts") == []
