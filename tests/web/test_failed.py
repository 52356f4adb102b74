"""What failed, by its cause; sent again or taken again, one or many; and as a file."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.desk.failures import Cause, Causes

from ..house import ANN, BOB, LINE, House, echo

CAT = "+48600100400"


def causes(rows: list[dict[str, Any]]) -> list[Cause]:
    found = Causes()
    for each in rows:
        found.add(each)
    return list(found.found())


def row(**more: Any) -> dict[str, Any]:
    return {
        "id": "a", "seq": 1, "created": 1.0, "status": "failed", "detail": "", "kind": "", "lane": "reply", "opted_out": 0,
        "number": ANN, "line": LINE, "text": "Hi", **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"detail": "HTTP 400 no such number +48600100200"}, {"detail": "HTTP 400 no such number 600 100 300"}, True),
        ({"detail": "HTTP 400"}, {"detail": "HTTP 403"}, False),
        ({"detail": "E-4-004 invalid sender"}, {"detail": "E-4-001 invalid sender"}, False),
        ({"detail": "message 0b9f3c1e-77aa-4f5e-9a11-aa01bb02cc03 expired"},
         {"detail": "message 1c8e2d0f-66bb-4a4d-8b22-dd04ee05ff06 expired"}, True),
        ({"detail": "request 5f2d9a7c81e34b60 refused"}, {"detail": "request 0a1b2c3d4e5f6071 refused"}, True),
        ({"detail": "absent subscriber"}, {"detail": "absent subscriber "}, True),
        ({"detail": "absent subscriber"}, {"detail": "absent subscriber", "status": "undelivered"}, False),
        ({"detail": ""}, {"detail": "", "status": "expired"}, False),
        ({"detail": "code 123456 is wrong"}, {"detail": "code 654321 is wrong"}, True),
        ({"detail": "a b\nc"}, {"detail": "a  b c"}, True),
        ({"detail": "deadbeef"}, {"detail": "facade"}, False),
    ],
)  # fmt: skip
def test_a_cause_is_what_texts_have_in_common(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert len(causes([row(**one), row(**other)])) == (1 if same else 2)


def test_no_cause_names_a_person() -> None:
    for blank in (" ", "\u00a0", "\t", "\n", "\u2013", "-", "."):
        (cause,) = causes([row(detail="no route to +48 600 100 200, code 4711 0815".replace(" ", blank))])
        assert not re.search(r"600|200|4711|0815", cause.words), cause.words


async def failing(house: Any) -> House:
    """Three numbers: two refused for one reason, one that the operator could not reach."""
    h: House = await house(echo())
    await h.mode(CAT, "full")
    h.provider.next = ["400", "400"]
    for number in (ANN, BOB, CAT):
        await h.text(number, "hello")
    await h.advance("1m")
    return h


def key_of(page: str, words: str) -> str:
    found = re.search(rf'aria-labelledby="c(\w+)">(?:(?!<section).)*{re.escape(words)}', page, re.S)
    assert found, page
    return found[1]


async def test_causes_are_told_without_numbers(house: Any) -> None:
    h = await failing(house)
    page = (await h.http.get("/failed")).text
    assert "3 in 2 causes" in page
    assert "2 failed" in page
    assert "1 undelivered" in page
    for number in (ANN, BOB, CAT):
        assert number not in page
        assert number[3:] not in page
    await h.advance("25h")
    assert "Nothing failed" in (await h.http.get("/failed")).text
    assert "3 in 2 causes" in (await h.http.get("/failed?since=7d")).text
    assert (await h.http.get("/failed?since=never&line=%00")).status_code == 200


@pytest.mark.parametrize(
    ("most", "told", "cut"), [(2, "2 in ", True), (3, "3 in 2 causes", True), (4, "3 in 2 causes", False)]
)
async def test_what_is_not_on_the_page_is_in_the_file(
    house: Any, monkeypatch: pytest.MonkeyPatch, most: int, told: str, cut: bool
) -> None:
    h = await failing(house)
    monkeypatch.setattr("smsbot.web.failed._MOST", most)
    page = (await h.http.get("/failed")).text
    assert told in page
    assert (f"of each kind the newest {most}; the file has more" in page) == cut
    assert len((await h.http.get("/failed.csv")).text.splitlines()) == 1 + 3


async def test_all_of_a_cause_are_sent_again_once(house: Any) -> None:
    h = await failing(house)
    key = key_of((await h.http.get("/failed")).text, "HTTP 400")
    for told in ("2 sent again", "None of these can be sent again"):
        answer = await h.http.post("/failed", data={"cause": key}, follow_redirects=True)
        assert told in answer.text
        await h.settle()
        await h.advance("10s")
    assert (await h.heard(ANN)) == (await h.heard(BOB)) == ["heard hello"]
    assert "1 in 1 cause" in (await h.http.get("/failed")).text


async def test_a_selection_is_sent_again(house: Any) -> None:
    h = await failing(house)
    page = (await h.http.get("/failed")).text
    (one,) = [
        i
        for i in re.findall(r'name="id" value="(\w+)"', page)
        if i in {t["id"] for t in await h.outgoing() if t["number"] == BOB}
    ]
    assert (await h.http.post("/failed", data={})).status_code == 422
    assert (await h.http.post("/failed", data={"id": "nothing"})).status_code == 422
    assert "1 sent again" in (await h.http.post("/failed", data={"id": one}, follow_redirects=True)).text
    await h.advance("10s")
    assert await h.heard(BOB) == ["heard hello"]
    assert await h.heard(ANN) == []


async def test_codes_and_those_who_left_are_not_sent_again(house: Any) -> None:
    bot = Bot()

    @bot.on("login")
    def login(chat: Chat) -> None:
        chat.say("Your code is 887766", secret=True)

    h: House = await house(bot)
    h.provider.next = ["400"] * 3
    await h.text(ANN, "login")
    await h.text(BOB, "login")
    await h.text(BOB, "STOP")
    page = (await h.http.get("/failed")).text
    assert "887766" not in page
    assert "a code, which may have run out" in page
    assert "Send all" not in page
    answer = await h.http.post("/failed", data={"cause": key_of(page, "HTTP 400")})
    assert answer.status_code == 422
    assert await h.app.commands.send_again(0.0, "", "", ["failed"]) == 0, "nor from the command line"


async def test_turns_that_failed_are_taken_again(house: Any) -> None:
    bot, broken = Bot(), [True]

    @bot.fallback
    def say(text: str) -> str:
        if broken[0]:
            raise RuntimeError("the till is closed")
        return f"heard {text}"

    h: House = await house(bot)
    await h.text(ANN, "hello")
    await h.text(BOB, "hello")
    await h.advance("2h")
    page = (await h.http.get("/failed")).text
    assert "2 not answered" in page
    broken[0] = False
    answer = await h.http.post("/failed", data={"cause": key_of(page, "not answered")}, follow_redirects=True)
    assert "2 taken again" in answer.text
    await h.advance("5s")
    assert (await h.heard(ANN))[-1] == (await h.heard(BOB))[-1] == "heard hello"


async def test_a_page_that_is_loaded_again_sends_nothing(house: Any) -> None:
    h = await failing(house)
    h.provider.next = ["400"] * 9
    key = key_of((await h.http.get("/failed")).text, "HTTP 400")
    answer = await h.http.post("/failed", data={"cause": key})
    assert answer.status_code == 303
    await h.settle()
    texts = len(await h.outgoing())
    for _ in range(3):
        assert "2 sent again" in (await h.http.get(answer.headers["location"])).text
        await h.settle()
    assert len(await h.outgoing()) == texts
    for odd in ("sent=x", "sent=-1", "sent=²", "left=99999999999999999999", "sent="):
        assert (await h.http.get(f"/failed?{odd}")).status_code == 200


async def test_what_was_sent_again_and_is_told_otherwise_later_stays_away(house: Any) -> None:
    """A late report of the first writes over what was noted of it."""
    h: House = await house(echo())
    h.provider.next = ["400"]
    await h.text(ANN, "hello")
    (row,) = await h.app.store.rows("failures", since=0.0, line="", limit=9)
    assert await h.app.repairs.send_these_again([row, row]) == 1
    await h.settle()
    await h.app.store.write([("sent_again", ("reported", row["id"]))])
    assert await h.app.repairs.send_these_again([row]) == 0
    assert await h.app.store.rows("failures", since=0.0, line="", limit=9) == []


async def test_a_line_that_is_gone_is_not_all_lines(house: Any) -> None:
    h = await failing(house)
    assert "Nothing failed" in (await h.http.get("/failed?line=%2B48799999999")).text
    answer = await h.http.post(
        "/failed?line=%2B48799999999", data={"cause": key_of((await h.http.get("/failed")).text, "400")}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "ref", ["x;=HYPERLINK(1)", "x,@SUM(A1)", "x\t+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "order-7"]
)
async def test_the_file_runs_no_formula(house: Any, ref: str) -> None:
    bot = Bot()

    @bot.fallback
    def say(chat: Chat) -> None:
        chat.say("Hi", ref=ref)

    h: House = await house(bot)
    h.provider.next = ["400"]
    await h.text(ANN, "hello")
    answer = await h.http.get("/failed.csv?since=24h")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "failed-24h.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 1
    assert rows[0]["number"].lstrip("'") == "+48•••200"
    assert all(value[:1] not in "=+-@\t" or not value for value in rows[0].values())
    assert rows[0]["reference"].replace("'", "") == ref.replace("'", "")
    for line in answer.text.splitlines()[1:]:
        assert all(cell[:1] not in "=+-@" for separator in ",;\t" for cell in line.split(separator) if cell), line
