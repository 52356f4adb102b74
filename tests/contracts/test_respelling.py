"""Numbers have one spelling; a database of the release before, with others, is joined and loses nothing."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat, targets
from smsbot.core import phone
from smsbot.settings import LineSettings
from smsbot.stores.queries import migrations

from ..house import ANN, LINE, House

DATA = Path(__file__).parent.parent / "data" / "schemas"
MEXICAN = ("+5215512345678", "+525512345678")

SPELLINGS = [
    ("PL", "+48600100200", ["600100200", "48600100200", "0048600100200", "+0048600100200", "+48 0600100200", "+48 (0)600 100 200", "+48 00600100200"]),
    ("GB", "+447700900123", ["07700900123", "+4407700900123", "+44 (0)7700 900123", "00447700900123", "447700900123"]),
    ("MX", "+525512345678", ["5512345678", "+5215512345678", "5215512345678", "00525512345678", "+52 1 55 1234 5678"]),
    ("AR", "+5491123456789", ["1123456789", "+541123456789", "+54 9 11 2345 6789", "5491123456789"]),
    ("FR", "+33612345678", ["0612345678", "+330612345678", "+33 (0)6 12 34 56 78", "0033612345678"]),
    ("DE", "+491701234567", ["01701234567", "+4901701234567", "00491701234567"]),
    ("IT", "+393331234567", ["3331234567", "00393331234567"]),
    ("IT", "+390612345678", ["0612345678", "+39 06 1234 5678"]),  # the zero belongs to it
    ("PL", "7255", ["7255", "72-55"]),
    ("PL", "PizzaBar", ["PizzaBar"]),
]  # fmt: skip


@pytest.mark.parametrize(("country", "canonical", "spellings"), SPELLINGS)
def test_one_person_has_one_spelling(country: str, canonical: str, spellings: list[str]) -> None:
    assert {phone.normalise(s, country) for s in [canonical, *spellings]} == {canonical}


@pytest.mark.parametrize("way", ["send", "event", "text"])
async def test_an_opt_out_holds_for_every_spelling(house: Any, way: str) -> None:
    bot = Bot()

    @bot.event("page")
    def page() -> str:
        return "Hello!"

    @bot.on("hi")
    def hi() -> str:
        return "Hello!"

    h: House = await house(bot, line_settings={LINE: LineSettings(country="MX")})
    await h.inbound(id="1", **{"from": MEXICAN[0]}, to=LINE, message="STOP")
    match way:
        case "send":
            await h.app.commands.send(MEXICAN[1], "Hello!")
        case "event":
            await h.app.commands.emit("page", "5512345678", {})
        case _:
            await h.inbound(id="2", **{"from": "525512345678"}, to=LINE, message="hi")
    await h.advance("1s")
    assert [t["text"] for t in await h.thread(MEXICAN[1]) if t["text"] == "Hello!"] == []


def old_database(folder: Path, *numbers: str) -> None:
    """A database of schema 5 in which the people of the kept one have other numbers."""
    path = folder / "sim.db"
    path.write_bytes(gzip.decompress((DATA / "schema-5.db.gz").read_bytes()))
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER consents_stay")
        for old, new in zip([f"+4860010020{n}" for n in range(1, 5)], numbers, strict=True):
            for table in (
                "events",
                "conversations",
                "runs",
                "outgoing",
                "handoffs",
                "contacts",
                "suppressions",
                "consents",
                "timers",
            ):
                db.execute(f"UPDATE {table} SET number = ? WHERE number = ?", (new, old))
            db.execute("UPDATE sandbox_texts SET phone = ? WHERE phone = ?", (new, old))
        db.execute(
            "CREATE TRIGGER consents_stay BEFORE UPDATE ON consents "
            "BEGIN SELECT raise(ABORT, 'the ledger of consents is only added to'); END"
        )
    db.close()


async def test_conversations_of_old_spellings_go_on(tmp_path: Path) -> None:
    old_database(tmp_path, "+5215512345671", "+5215512345672", "+4407700900123", "+480600100209")
    bots = {
        "states": targets.load(str(DATA / "states.py") + ":bot"), "flow": targets.load(str(DATA / "flows")),
        "talk": targets.load(str(DATA / "talk.py") + ":bot"),
    }  # fmt: skip
    lines = {"states": ("7201",), "flow": ("7202",), "talk": ("7203",)}
    country = {line[0]: LineSettings(country="PL") for line in lines.values()}
    async with House(bots, tmp_path, lines=lines, line_settings=country) as h:
        await h.text("+525512345671", "three", to="7201")
        assert (await h.heard("+525512345671"))[-1] == "three it is, order number 1."
        await h.text("+525512345672", "Monday", to="7202")
        assert (await h.heard("+525512345672"))[-1] == "Ann on Monday. See you!"
        await h.text("+447700900123", "Main St 1", to="7203")
        assert (await h.heard("+447700900123"))[-1] == "2 to Main St 1 for $22."
        await h.text("+48600100209", "five", to="7201")
        assert "it is" not in (await h.heard("+48600100209"))[-1], "who opted out then is opted out now"
        consents = await h.app.store.rows("consents", number="+48600100209")
        spelled = [c for c in consents if "spelled +480600100209" in c["source"]]
        assert [c["action"] for c in spelled] == ["optout"], consents
        assert await h.app.store.rows("frames_left") == []


async def test_two_spellings_of_one_person_are_joined(tmp_path: Path) -> None:
    """Ann and Bob of the old database are one person now: on one line she was in two conversations."""
    old_database(tmp_path, MEXICAN[0], "+48600100202", "+48600100203", MEXICAN[1])
    with sqlite3.connect(tmp_path / "sim.db") as db:
        before = {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("events", "outgoing", "runs")}
    db.close()
    bots = {"states": targets.load(str(DATA / "states.py") + ":bot")}
    async with House(
        bots, tmp_path, lines={"states": ("7201",)}, line_settings={"7201": LineSettings(country="PL")}
    ) as h:
        # one spelling had opted out, so the person has
        await h.text(MEXICAN[1], "three", to="7201")
        assert "three it is, order number 1." not in await h.heard(MEXICAN[1])
        await h.text(MEXICAN[0], "START", to="7201")
        await h.text(MEXICAN[0], "three", to="7201")
        assert (await h.heard(MEXICAN[1]))[-1] == "three it is, order number 1."
        after = {
            t: len(await h.app.store.rows("thread", number=MEXICAN[1], limit=999, before=1e15)) for t in ("events",)
        }
        assert after["events"] > 0
    with sqlite3.connect(tmp_path / "sim.db") as db:
        for table, many in before.items():
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] >= many
        assert db.execute("SELECT count(*) FROM conversations WHERE number = ?", (MEXICAN[0],)).fetchone() == (0,)
    db.close()


async def test_of_two_open_conversations_the_newer_goes_on(tmp_path: Path) -> None:
    bot = Bot(timeout="30d")

    @bot.on("ask")
    async def ask(chat: Chat) -> str:
        return f"{await chat.ask('Name?', key='n')}!"

    numbers = [f"+4860010020{n}" for n in (1, 2)]
    async with House(bot, tmp_path) as h:
        for n in numbers:
            await h.text(n, "ask")
            await h.advance("1h")
    with sqlite3.connect(tmp_path / "sim.db") as db:
        for old, new in zip(numbers, MEXICAN, strict=True):
            for table in ("events", "conversations", "runs", "outgoing", "timers"):
                db.execute(f"UPDATE {table} SET number = ? WHERE number = ?", (new, old))
        db.execute("UPDATE sandbox_texts SET phone = ?", (MEXICAN[1],))
        for index in (
            "events_dead",
            "outgoing_unknown",
            "outgoing_ref",
            "outgoing_failed",
            "runs_started",
            "suppressions_at",
            "handoffs_number",
            "outgoing_request",
            "outgoing_lane",
            "outgoing_broadcast",
            "conversations_beside",
        ):
            db.execute(f"DROP INDEX {index}")
        for column in (
            "conversations DROP COLUMN wrote_first",
            "conversations DROP COLUMN resting",
            "frames DROP COLUMN rest",
            "outgoing DROP COLUMN media",
            *(
                f"outgoing DROP COLUMN {name}"
                for name in ("requested_by", "ref", "kind", "price", "currency", "cost", "cost_day")
            ),
            "sandbox_texts DROP COLUMN media",
            "suppressions DROP COLUMN said",
            *(f"tokens DROP COLUMN {name}" for name in ("scopes", "expires", "used")),
            *(f"handoffs DROP COLUMN {name}" for name in ("put_off", "until", "done_by", "alert")),
        ):
            db.execute(f"ALTER TABLE {column}")
        db.execute("DROP TABLE receipts")
        db.executescript(next(s for s in migrations("sqlite")[0][1].split("\n\n") if "CREATE TABLE receipts" in s))
        for trigger in (
            "status_tally",
            "text_came",
            "text_moved",
            "text_refused",
            "run_was_short",
            "run_ended",
            "consent_changed",
        ):
            db.execute(f"DROP TRIGGER {trigger}")
        for table in (
            "tallies",
            "tallied",
            "part_references",
            "takeovers",
            "words_in",
            "words_out",
            "numbers",
            "searched",
            "notes",
            "users",
            "sessions",
            "audit",
            "alerts",
            "asked",
            "endpoints",
            "outside",
            "links",
            "happened",
            "pushes",
            "codes",
            "code_texts",
            "broadcasts",
            "spending",
        ):
            db.execute(f"DROP TABLE {table}")
        db.execute("DROP VIEW queued_pairs")
        db.execute("PRAGMA user_version = 5")
    db.close()
    async with House(bot, tmp_path) as h:
        await h.text(MEXICAN[0], "Ann")
        assert (await h.heard(MEXICAN[1]))[-1] == "Ann!"
        assert await h.app.store.rows("frames_left") == []
        await h.advance("40d")
        assert (await h.heard(MEXICAN[1])).count("Ann!") == 1


def test_a_number_that_cannot_be_another_stays(tmp_path: Path) -> None:
    for number in (ANN, "+12025550143", "+2250102030405", "+390612345678"):
        assert phone.normalise(number) == number
