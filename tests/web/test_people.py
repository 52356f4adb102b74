"""Opt-outs by list and by hand, what is known of one person, and that it is forgotten for good."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import StoreError
from smsbot.core.message import Key
from smsbot.desk.numbers import listed
from smsbot.pipeline.people import ERASER, MERGES
from smsbot.pipeline.search import SearchIndex

from ..house import ANN, BOB, LINE, House
from ..processes import running, smsbot
from ..tables import sql

SECRET = "my dog is called Zigzag"


def shop() -> Bot:
    bot = Bot()

    @bot.on("order")
    async def order(chat: Chat) -> None:
        chat.contact["name"] = "Ann Smith"
        size = await chat.ask("Which size, dear customer?")
        chat.say(f"{size} it is, Quokka")

    @bot.on("agent")
    def agent(chat: Chat) -> str:
        chat.handoff("counter")
        return "We call."

    @bot.fallback
    def other(text: str) -> str:
        return f"heard {text}"

    return bot


@pytest.fixture
async def h(house: Any) -> House:
    made: House = await house(shop())
    for text in (SECRET, "agent", "order"):
        await made.text(ANN, text)
    await made.text(BOB, "hello there")
    return made


async def handle(h: House, number: str) -> str:
    rows = await h.app.store.rows("thread", number=number, limit=1, before=1e15)
    row = rows[0]
    return f"e{row['seq']}" if row["direction"] == "in" else str(row["id"])


async def gets_texts(h: House, number: str) -> bool:
    before = len(await h.heard(number))
    await h.text(number, "are you there")
    return len(await h.heard(number)) > before


# -- lists ------------------------------------------------------------------------------------------

LISTS: list[tuple[str, str, list[str], int]] = [
    ("one a line", "+48600100200\n+48600100300\n", [ANN, BOB], 0),
    ("national spelling", "600 100 200\n600-100-300", [ANN, BOB], 0),
    ("with a head", "phone,since\n+48600100200,2026-01-01", [ANN], 0),
    ("the number in the second column", "name;phone\nAnn;+48 600 100 200\nBob;0048600100300", [ANN, BOB], 0),
    ("what a spreadsheet makes of it", "'+48600100200\n48600100300", [ANN, BOB], 0),
    ("twice", "+48600100200\n600100200", [ANN], 0),
    ("comments, a mark of order, carriage returns", "\ufeff# from the shop\r\n\r\n+48600100200\r\n", [ANN], 0),
    ("a line without", "+48600100200\nnobody\n+48600100300", [ANN, BOB], 1),
    ("our own file", 'number,since,text,proof\n+48600100200,2026-11-29T10:00:00Z,"STOP, now",""', [ANN], 0),
    ("tabs and quotes", '"Ann"\t"+48600100200"', [ANN], 0),
    ("no number at all", "a,b\nc,d", [], 1),
    ("a broken quote", '"+48600100200\n+48600100300', [ANN, BOB], 0),
    ("too long for a number", f"{'9' * 400}\n{'9' * 400}\n+48600100200", [ANN], 1),
]


@pytest.mark.parametrize(("text", "numbers", "wrong"), [x[1:] for x in LISTS], ids=[x[0] for x in LISTS])
def test_lists_as_people_have_them(text: str, numbers: list[str], wrong: int) -> None:
    found = listed(text, "PL")
    assert list(found.numbers) == numbers
    assert len(found.wrong) == wrong


async def test_a_list_opts_out_and_tells_what_it_left_out(h: House) -> None:
    assert await gets_texts(h, BOB)
    sent = {"file": ("list.csv", b"phone\n+48600100300\nnobody here\n+48600100300\n", "text/csv")}
    page = (await h.http.post("/people/opt-outs", data={"why": "list of the shop"}, files=sent)).text
    assert "1 opted out." in page
    assert "line 3" in page
    assert "nobody here" not in page, "what is left out is masked"
    assert not await gets_texts(h, BOB)
    row = (await h.app.store.rows("ledger", number=BOB))[0]
    assert (row["action"], row["source"]) == ("optout", "desk: list of the shop")
    again = await h.http.post("/people/opt-outs", data={"why": "x", "numbers": BOB})
    assert "0 opted out, 1 had before" in again.text


async def test_what_waits_for_them_stays_here(h: House) -> None:
    await h.http.post("/pauses", data={"what": "everything", "why": "x"})
    await h.text(BOB, "one more")
    await h.http.post("/people/opt-outs", data={"why": "list", "numbers": BOB})
    await h.http.post("/pauses/end", data={"scope": "all", "name": ""})
    await h.advance("1m")
    assert "heard one more" not in await h.heard(BOB)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"numbers": BOB}, "where the list is from"),
        ({"why": "x"}, "no line has"),
        ({"why": "x", "numbers": "a"}, "no line"),
    ],
)
async def test_a_list_that_cannot_be(h: House, data: dict[str, str], why: str) -> None:
    answer = await h.http.post("/people/opt-outs", data=data)
    assert (answer.status_code, why in answer.text) == (422, True)
    assert await gets_texts(h, BOB)


async def test_the_file_can_be_read_back(h: House) -> None:
    await h.text(ANN, "STOP")
    await h.http.post("/people/opt-outs", data={"why": '=HYPERLINK("x")', "numbers": BOB})
    assert ANN[3:] not in (await h.http.get("/people")).text
    file = (await h.http.post("/people/opt-outs.csv")).text
    rows = {r["number"]: r for r in csv.DictReader(io.StringIO(file))}
    assert set(rows) == {ANN, BOB}
    assert rows[ANN]["text"] == "STOP"
    assert not rows[BOB]["proof"].startswith("=")
    assert set(listed(file, "PL").numbers) == {ANN, BOB}


# -- one person -------------------------------------------------------------------------------------


async def test_consent_by_hand_needs_a_proof(h: House) -> None:
    at = await handle(h, BOB)
    assert (await h.http.post(f"/of/{at}/opt-out", data={"why": " "})).status_code == 422
    assert (await h.http.post(f"/of/{at}/opt-out", data={"why": "on the telephone"})).status_code == 303
    assert not await gets_texts(h, BOB)
    page = (await h.http.get(f"/of/{at}")).text
    assert "desk: on the telephone" in page
    assert (await h.http.post(f"/of/{at}/opt-in", data={"why": "signed form 12"})).status_code == 303
    assert await gets_texts(h, BOB)
    actions = [r["action"] for r in await h.app.store.rows("ledger", number=BOB)]
    assert actions == ["optin", "optout"]


async def test_all_that_is_known(h: House) -> None:
    await h.http.post(f"/of/{await handle(h, ANN)}/note", data={"text": "friendly"})
    found = (await h.http.post(f"/of/{await handle(h, ANN)}/export")).json()
    assert found["number"] == ANN
    assert found["fields"] == {"name": "Ann Smith"}
    assert SECRET in [t["text"] for t in found["texts_in"]]
    assert "Which size, dear customer?" in [t["text"] for t in found["texts_out"]]
    assert found["notes"][0]["text"] == "friendly"
    assert found["conversations"]
    assert "hello there" not in str(found)


async def test_somebody_is_forgotten_for_good(h: House) -> None:
    at = await handle(h, ANN)
    await h.http.post(f"/of/{at}/note", data={"text": "likes Wombats"})
    await h.app.store.write([(n, (1000,)) for n in ("search_in", "search_out", "search_numbers", "searched")])
    assert (await h.http.post("/", data={"q": "Zigzag"})).text.count("Zigzag") > 1
    assert (await h.http.post(f"/of/{at}/erase")).status_code == 422
    assert (await h.http.post(f"/of/{at}/erase", data={"sure": "yes"})).status_code == 303
    for query in ("person_events", "person_texts", "person_fields", "notes", "ledger", "lines_of"):
        assert await h.app.store.rows(query, number=ANN) == [], query
    for asked in ("Zigzag", "Quokka", ANN, ANN[-6:], "Wombats"):
        page = (await h.http.post("/", data={"q": asked})).text
        assert not any(words in page for words in (SECRET, "dear customer", "Ann Smith", "likes Wombats")), asked
    assert (await h.http.get(f"/of/{at}")).status_code == 404
    for path in ("/", "/inbox", "/overview", "/flows", "/failed", "/people", "/audit"):
        answer = await h.http.get(path)
        assert answer.status_code == 200, path
        assert ANN[3:] not in answer.text
    # a stranger from now on: the conversation begins anew, and nothing is remembered
    assert await gets_texts(h, ANN)
    assert (await h.heard(ANN))[-1] == "heard are you there"
    assert await h.heard(BOB) == ["heard hello there"]


async def test_who_opted_out_and_is_forgotten_gets_nothing_still(h: House) -> None:
    await h.text(ANN, "STOP")
    await h.http.post(f"/of/{await handle(h, ANN)}/erase", data={"sure": "yes"})
    assert not await gets_texts(h, ANN)
    assert [r["action"] for r in await h.app.store.rows("ledger", number=ANN)] == ["optout"]


async def test_counts_stay_as_they_were(h: House) -> None:
    await h.app.store.write([("tally_events", ()), ("tally_texts", ()), ("tallied", ())])
    before = re.findall(r"smsbot_\w+{[^}]*} \d+", (await h.http.get("/metrics")).text)
    await h.http.post(f"/of/{await handle(h, ANN)}/erase", data={"sure": "yes"})
    after = re.findall(r"smsbot_\w+{[^}]*} \d+", (await h.http.get("/metrics")).text)
    assert before == after


async def test_a_report_that_comes_later_wakes_nobody(house: Any) -> None:
    bot, woken = Bot(), []

    @bot.fallback
    def other() -> str:
        return "yes?"

    @bot.on_delivery("delivered")
    def delivered(chat: Chat) -> None:
        woken.append(chat.number)

    h: House = await house(bot)
    await h.mode(ANN, "slow")
    await h.text(ANN, "hello")
    await h.http.post(f"/of/{await handle(h, ANN)}/erase", data={"sure": "yes"})
    await h.advance("2h")
    assert woken == []
    assert [e["number"] for e in await h.events() if e["number"]] == []


async def test_somebody_who_is_being_answered_is_not_erased_half(house: Any) -> None:
    bot, go = Bot(), asyncio.Event()

    @bot.fallback
    async def other() -> str:
        await go.wait()
        return "done"

    h: House = await house(bot)
    task = asyncio.create_task(h.text(ANN, "hello"))
    for _ in range(100):
        await asyncio.sleep(0.01)
        if await h.app.store.rows("lines_of", number=ANN):
            break
    erased = asyncio.create_task(h.app.people.erase(ANN))
    await asyncio.sleep(0.05)
    assert not erased.done()
    go.set()
    await task
    await erased
    assert await h.app.store.rows("person_texts", number=ANN) == []
    await h.text(ANN, "again")
    assert (await h.heard(ANN))[-1] == "done"


async def test_a_turn_that_waits_for_its_next_try_is_forgotten_too(house: Any) -> None:
    bot, heard, well = Bot(), list[str](), list[bool]()

    @bot.fallback
    def other(chat: Chat, text: str) -> str:
        heard.append(text)
        if not well:
            raise RuntimeError("not well")
        chat.contact["said"] = text
        return f"heard {text}"

    h: House = await house(bot)
    await h.text(ANN, "secretword")
    await h.app.people.erase(ANN)
    well.append(True)
    tried = len(heard)
    await h.advance("2h")
    assert len(heard) == tried
    assert await h.app.store.rows("person_fields", number=ANN) == []
    assert await h.app.store.rows("lines_of", number=ANN) == []
    await h.text(ANN, "anew")
    assert (await h.heard(ANN))[-1] == "heard anew"


async def test_somebody_behind_a_pause_is_erased_all_the_same(h: House) -> None:
    await h.http.post("/pauses", data={"what": "everything", "why": "x"})
    await h.text(ANN, "one more")
    await h.app.people.erase(ANN)
    await h.http.post("/pauses/end", data={"scope": "all", "name": ""})
    await h.advance("1m")
    assert await h.app.store.rows("lines_of", number=ANN) == []


async def test_what_failed_of_somebody_who_was_erased_is_not_sent_again(house: Any) -> None:
    bot = shop()

    @bot.on("break")
    def broken() -> None:
        raise KeyError("x")

    h: House = await house(bot)
    await h.mode(ANN, "full")
    await h.text(ANN, "hello")
    await h.text(ANN, "break")
    await h.advance("3h")
    rows = [r["id"] for r in await h.outgoing()]
    dead = [f"e{e['seq']}" for e in await h.events()]
    assert "could not deliver" in (await h.http.get("/failed")).text
    await h.app.people.erase(ANN)
    page = (await h.http.get("/failed")).text
    assert "could not deliver" not in page
    assert "hello" not in page
    await h.http.post("/failed", data={"id": [*rows, *dead]})
    await h.advance("1m")
    assert len(await h.app.store.rows("texts_out", after=0, below=1 << 60, status="", kind="", line="", limit=99)) == 0
    assert "/of/" not in (await h.http.get("/texts")).text
    assert sql(h.app.settings.place, "SELECT count(*) FROM conversations WHERE number = ''") == [(0,)]
    assert sql(h.app.settings.place, "SELECT count(*) FROM outgoing") == [(len(rows),)]


@pytest.mark.sqlite
async def test_the_words_are_gone_from_the_file(h: House) -> None:
    await h.text(ANN, "Xylophonesecret")
    for n in range(40):
        await h.text(BOB, f"filler number {n}")
    index = SearchIndex(h.app.store)
    await index.once()
    await h.app.people.erase(ANN)
    for _ in range(MERGES + 1):
        await index.once()
    assert (await h.app.store.rows("merging"))[0]["value"] == 0
    copy = h.app.settings.place.path.with_suffix(".copy")
    db = sqlite3.connect(h.app.settings.place.path)
    db.execute("DELETE FROM sandbox_texts")
    db.commit()
    db.execute("VACUUM INTO ?", (str(copy),))
    db.close()
    assert b"xylophonesecret" not in copy.read_bytes().lower()
    assert "filler" in (await h.http.post("/", data={"q": "filler"})).text


async def test_an_erasure_that_fails_gives_the_bot_its_conversation_back(h: House, monkeypatch: Any) -> None:
    async def full(*_: object) -> None:
        raise StoreError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(h.app.store, "erase", full)
        with pytest.raises(StoreError):
            await h.app.people.erase(BOB)
    assert await gets_texts(h, BOB)
    await h.app.takeovers.take(Key(LINE, BOB), ERASER)  # as if the process had ended in between
    await h.restart()
    assert await gets_texts(h, BOB)


async def test_many_of_one_moment_are_listed_each_once(h: House) -> None:
    now = h.app.clock.now()
    await h.app.store.write([("suppress", (f"+48500{n:06d}", now, None)) for n in range(250)])
    seen: list[str] = []
    path: str | None = "/people"
    while path is not None:
        page = (await h.http.get(path)).text
        seen += re.findall(r"\+48•••\d{3}", page)
        older = re.search(r'href="(/people\?before=[^"]+)"', page)
        path = older[1] if older else None
        assert len(seen) <= 250
    assert (len(seen), len(set(seen))) == (250, 250)


def test_a_cell_longer_than_any_number_is_no_error() -> None:
    found = listed(f'"{"x" * 200_000}\n+48600100200\n"{"y" * 200_000}', "PL")
    assert (found.numbers, len(found.wrong)) == ((ANN,), 1)


# -- the command line -------------------------------------------------------------------------------


@pytest.mark.slow
def test_from_the_command_line_without_a_server(tmp_path: Path) -> None:
    base = ("--db", str(tmp_path / "x.db"))
    (tmp_path / "list.csv").write_text("phone\n+48600100200\n600 100 300\nnobody\n")
    taken = smsbot("opt-outs", "import", str(tmp_path / "list.csv"), "--why", "the old shop", *base)
    assert (taken.returncode, "2 opted out, 0 had before, 1 left out" in taken.stderr) == (1, True)
    assert "list.csv:4" in taken.stderr
    assert smsbot("opt-outs", "add", ANN, "--why", "x", *base).stderr.startswith("0 opted out")
    listed_ = smsbot("opt-outs", "list", *base).stdout
    assert ("+48•••200" in listed_, ANN in listed_, "the old shop" in listed_) == (True, False, True)
    assert ANN in smsbot("opt-outs", "export", *base).stdout
    assert smsbot("opt-outs", "remove", ANN, "--why", "a signed form", *base).returncode == 0
    assert smsbot("opt-outs", "remove", ANN, "--why", "a signed form", *base).returncode == 5
    assert ANN not in smsbot("opt-outs", "export", *base).stdout
    found = json.loads(smsbot("export", ANN, *base).stdout)
    assert [c["action"] for c in found["consents"]] == ["optin", "optout"]
    assert smsbot("export", "+48600100999", *base).returncode == 5
    assert smsbot("erase", "nobody", "--yes", *base).returncode == 2


@pytest.mark.slow
def test_from_the_command_line_while_a_server_runs(tmp_path: Path) -> None:
    base = ("--db", str(tmp_path / "x.db"))
    with running("dev", "--no-reload", *base, log=tmp_path / "log") as server:
        httpx.post(f"{server.url}/sandbox/phones/{ANN}/texts", json={"text": "hello"}, trust_env=False)
        assert smsbot("opt-outs", "add", ANN, "--why", "on the telephone", *base).stderr.startswith("1 opted out")
        assert smsbot("erase", ANN, *base, text="n\n").returncode != 0
        assert json.loads(smsbot("export", ANN, *base).stdout)["texts_in"]
        told = json.loads(smsbot("erase", ANN, "--yes", "--json", *base).stdout)
        assert told["erased"]["texts_in"] >= 1
        kept = json.loads(smsbot("export", ANN, *base).stdout)
        assert (kept["texts_in"], kept["consents"][0]["action"]) == ([], "optout")
