"""The page of what is sent: broadcasts with their progress, what is held and why, money by day, codes by outcome."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from smsbot.core.commit import digest
from smsbot.core.otp import Wanted
from smsbot.pipeline.sends import Terms, Wish
from smsbot.settings import LineSettings, MoneySettings

from ..house import ANN, BOB, LINE, House, echo
from .test_overview import told

NOON = 1_780_048_800.0


async def opened(house: Any, folder: Path, **line: Any) -> House:
    (folder / "prices.toml").write_text('currency = "EUR"\n[messageflow]\n"*" = 0.05\n')
    money = MoneySettings(prices=folder / "prices.toml", day=10.0, contact=1.0, lanes={"bulk": 1.0})
    h: House = await house(echo(), settings={"money": money}, line_settings={LINE: LineSettings(**line)})
    await h.begin_at(NOON)
    return h


async def begun(h: House, count: int, name: str = "summer sale") -> bytes:
    identity = digest(name)
    await h.app.broadcasts.begin(identity, name, LINE, count, "ola")
    people = [(f"+4850000{n:04d}", f"Hello {n}") for n in range(count)]
    await h.app.broadcasts.add(identity, 0, people, lane="bulk", valid=0.0)
    return identity


async def test_nothing_yet(house: Any) -> None:
    h: House = await house(echo())
    page = told((await h.http.get("/sending")).text)
    for words in ("No broadcast yet", "Nothing is held", "Nothing is counted", "No codes in this time"):
        assert words in page


async def test_a_broadcast_and_its_buttons(house: Any, tmp_path: Path) -> None:
    h = await opened(house, tmp_path, rate=2)
    await begun(h, 15)
    await h.app.sends.send(h.app.sends.line(LINE), [Wish(ANN, "x")], Terms("bulk"))
    await h.advance("1s")
    page = (await h.http.get("/sending")).text
    assert "summer sale" in page
    assert re.search(r"[2-4] of 15 people, 15 SMS", told(page))
    assert "waiting for their turn" in page
    ola = {"authorization": "Basic b2xhOng="}
    assert (await h.http.post("/broadcasts/pause", data={"name": "summer sale"}, headers=ola)).status_code == 303
    await h.advance("1s")
    before = told((await h.http.get("/sending")).text)
    assert "paused" in before
    await h.advance("30s")
    assert re.findall(r"\d+ of 15 people", told((await h.http.get("/sending")).text)) == re.findall(
        r"\d+ of 15 people", before
    )
    assert await h.heard(ANN) == ["x"], "another text of the lane is not paused"
    await h.http.post("/broadcasts/resume", data={"name": "summer sale"}, headers=ola)
    await h.advance("1s")
    await h.http.post("/broadcasts/stop", data={"name": "summer sale"}, headers=ola)
    page = told((await h.http.get("/sending")).text)
    assert "stopped before they left" in page
    assert "· begun" in page
    audit = (await h.http.get("/audit")).text
    for did in ("paused a broadcast", "resumed a broadcast", "stopped a broadcast"):
        assert did in audit
    assert (await h.http.post("/broadcasts/stop", data={"name": "sumer sale"})).status_code == 422


async def test_a_broadcast_of_a_night_is_held_and_says_why(house: Any, tmp_path: Path) -> None:
    h = await opened(house, tmp_path)
    await h.begin_at(NOON + 10 * 3600)
    await h.text(BOB, "STOP")
    identity = digest("night")
    await h.app.broadcasts.begin(identity, "night", LINE, 2, "ola")
    await h.app.broadcasts.add(identity, 0, [(ANN, "x"), (BOB, "x")], lane="bulk", valid=0.0)
    page = told((await h.http.get("/sending")).text)
    assert "1 held: quiet hours" in page
    assert "1 not sent: opted out" in page
    assert "1 quiet hours until 30 May 08:00 (Europe/Warsaw)" in page


async def test_money_by_cap_by_day_and_by_what_requested_it(house: Any, tmp_path: Path) -> None:
    h = await opened(house, tmp_path)
    await begun(h, 17)
    await h.text(ANN, "hi")
    await h.advance("1m")
    await h.advance("24h")
    await h.text(ANN, "hi")
    page = told((await h.http.get("/sending?since=7d")).text)
    assert "lane bulk 0.00 EUR 1.00 EUR 0 %" in page
    assert "all texts 0.05 EUR 10.00 EUR" in page
    assert "One person: 1.00 EUR a day" in page
    assert "2026-05-29 18 0.90 EUR" in page
    assert "bulk 0.85 EUR" in page
    assert "broadcast summer sale 17 0.85 EUR" in page
    assert "2 0.10 EUR 0.05 EUR" in page, page


async def test_codes_by_their_outcome_and_never_the_code(house: Any) -> None:
    h: House = await house(echo())
    line = h.app.lines.values()[0]
    for n, number in enumerate((ANN, BOB, "+48600100400", "+33612345678")):
        await h.app.codes.send(line, Wish(number, "Your code is {code}."), Wanted(), "a test", identity=b"%16d" % n)
    await h.settle()
    code = re.findall(r"\d{6}", (await h.heard(ANN))[-1])[0]
    await h.app.codes.check(ANN, "", code)
    for n in range(3):
        await h.app.codes.check(BOB, "", f"{n}")
    page = (await h.http.get("/sending")).text
    assert "Codes 4 Typed in time 1 25 % May be typed still 2 50 %" in told(page)
    assert "Typed wrongly too often 1 25 %" in told(page)
    assert code not in page
    await h.advance("10m")
    assert "Not typed in time 2 50 %" in told((await h.http.get("/sending")).text)
