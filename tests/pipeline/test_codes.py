"""One-time codes: they stand nowhere, are used once, and can neither be guessed nor pumped."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest

from smsbot.core.otp import Wanted, code_of, hidden, matches, typed
from smsbot.pipeline.sends import Wish
from smsbot.stores.backup import copy

from ..conftest import sampled
from ..house import ANN, BOB, House
from ..web.api_house import allow, ask, problem, shop

TEXT = "Your code is {code}."


@pytest.fixture
async def h(house: Any) -> House:
    found: House = await house(shop())
    await allow(found)
    return found


async def send(h: House, to: str = ANN, **more: Any) -> dict[str, Any]:
    answer = await ask(h, "POST", "/otp", {"to": to, "text": TEXT, **more})
    assert answer.status_code == 202, answer.text
    await h.advance("1s")
    told: dict[str, Any] = answer.json()
    return told


async def check(h: House, code: str, to: str = ANN, **more: Any) -> tuple[str, int]:
    answer = await ask(h, "POST", "/otp/check", {"to": to, "code": code, **more})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return str(told["result"]), int(told["tries_left"])


async def code_in(h: House, number: str = ANN) -> str:
    """The code that somebody reads on their phone."""
    found: list[str] = re.findall(r"\d{4,10}", (await h.heard(number))[-1])
    return found[0]


def other(code: str) -> str:
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


async def test_a_code_is_sent_typed_and_used_once(h: House) -> None:
    told = await send(h)
    assert (told["status"], told["resends_left"]) == ("sending", 2)
    code = await code_in(h)
    assert len(code) == 6
    assert await check(h, other(code)) == ("wrong", 2)
    assert await check(h, f" {code[:3]}-{code[3:]} ") == ("valid", 0)
    assert await check(h, code) == ("expired", 0)
    arrived = (await ask(h, "GET", f"/messages/{told['message']}")).json()
    assert (arrived["verdict"], arrived["kind"], code in str(arrived)) == ("delivered", "code", False)


async def test_three_wrong_ones_void_it_and_a_right_one_comes_too_late(h: House) -> None:
    await send(h)
    code = await code_in(h)
    tried = [await check(h, other(code)) for _ in range(4)]
    assert tried == [("wrong", 2), ("wrong", 1), ("too_many", 0), ("too_many", 0)]
    assert await check(h, code) == ("too_many", 0)


async def test_it_is_void_in_time_and_for_other_people_and_purposes(h: House) -> None:
    await send(h, purpose="sign-in")
    code = await code_in(h)
    assert await check(h, code, purpose="payment") == ("expired", 0)
    assert await check(h, code, BOB, purpose="sign-in") == ("expired", 0)
    await h.advance("5m")
    assert await check(h, code, purpose="sign-in") == ("expired", 0)


async def test_it_is_sent_again_as_it_is_at_a_pace_and_not_too_often(h: House) -> None:
    await send(h)
    first = await code_in(h)
    assert (await send(h))["why"].startswith("too many codes: wait ")
    for left in (1, 0):
        await h.advance("1m")
        told = await send(h)
        assert (told["status"], told["resends_left"]) == ("sending", left)
    await h.advance("1m")
    assert (await send(h))["status"] == "too_many"
    assert [re.findall(r"\d+", t)[0] for t in await h.heard(ANN)] == [first] * 3
    assert await check(h, first) == ("valid", 0)


async def test_a_number_gets_so_many_codes(h: House) -> None:
    sent = []
    for _ in range(7):
        sent.append((await send(h))["status"])
        await check(h, await code_in(h))
    assert sent == ["sending"] * 5 + ["too_many"] * 2
    await h.advance("2h")
    assert (await send(h))["status"] == "sending"


async def test_a_range_of_numbers_is_not_pumped(h: House) -> None:
    async def one(n: int) -> str:
        line = h.app.lines.values()[0]
        wish = Wish(f"+4860077{n:04d}", TEXT)
        return (await h.app.codes.send(line, wish, Wanted(), "a test", identity=b"%16d" % n)).status

    told = Counter([s for at in range(0, 1000, 100) for s in await asyncio.gather(*map(one, range(at, at + 100)))])
    await h.settle()
    await h.advance("1s")
    assert told["too_many"] == 980
    assert len([r for r in await h.outgoing() if r["status"] == "delivered"]) == 20
    assert (await send(h, BOB))["status"] == "sending", "others are not touched"


async def test_the_same_request_is_one_text(h: House) -> None:
    body = {"to": ANN, "text": TEXT}
    first = await ask(h, "POST", "/otp", body, key="k")
    for row in await h.app.store.rows("all_asked"):
        await h.app.store.write([("answered", (None, b"", row["key"]))])
    again = await ask(h, "POST", "/otp", body, key="k")
    await h.advance("1s")
    assert (first.json()["message"], len(await h.heard(ANN))) == (again.json()["message"], 1)


async def test_of_many_right_ones_at_once_one_is_valid(h: House) -> None:
    await send(h, tries=10)
    code = await code_in(h)
    body = {"to": ANN, "code": code}
    answers = await asyncio.gather(*(ask(h, "POST", "/otp/check", body, settle=False) for _ in range(10)))
    assert Counter(a.json()["result"] for a in answers) == {"valid": 1, "expired": 9}


async def test_it_survives_a_restart_and_is_hidden_in_what_people_text_back(h: House) -> None:
    await send(h)
    code = await code_in(h)
    await h.restart()
    await h.text(ANN, f"my code is {code[:3]} {code[3:]}!", "and my order 1234567")
    assert [e["text"] for e in await h.events()] == ["my code is ••••••!", "and my order 1234567"]
    assert await check(h, code) == ("valid", 0)
    await h.text(ANN, code)
    assert (await h.events())[-1]["text"] == code, "nothing is open any more"


async def test_a_code_that_was_used_lays_no_other_of_the_person_open(h: House) -> None:
    await send(h, purpose="pay")
    pay = await code_in(h)
    await send(h, purpose="sign-in", valid="30s")
    assert await check(h, await code_in(h), purpose="sign-in") == ("valid", 0)
    await h.text(ANN, pay)
    await h.advance("1m")
    await h.text(ANN, f"{pay} again")
    assert [e["text"] for e in await h.events()] == ["••••••", "•••••• again"]
    assert await check(h, pay, purpose="pay") == ("valid", 0)
    await h.text(ANN, pay)
    assert (await h.events())[-1]["text"] == pay


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"to": ANN, "text": "no place"}, ""),
        ({"to": ANN, "digits": 3}, "digits"),
        ({"to": ANN, "digits": 11}, "digits"),
        ({"to": ANN, "valid": "2h"}, "valid"),
        ({"to": ANN, "valid": "soon"}, "valid"),
        ({"to": ANN, "tries": 0}, "tries"),
        ({"to": ANN, "domain": "https://x"}, "domain"),
        ({"to": "me"}, "number"),
        ({"to": "+48700123456"}, ""),
    ],
)
async def test_what_cannot_be_sent(h: House, body: dict[str, Any], field: str) -> None:
    told = problem(await ask(h, "POST", "/otp", body))
    assert told["code"] == "SB704"
    assert not field or told["errors"][0]["field"] == field


async def test_the_last_line_lets_a_site_fill_it_in(h: House) -> None:
    await send(h, domain="shop.example.com")
    code = await code_in(h)
    assert (await h.heard(ANN))[-1] == f"Your code is {code}.\n@shop.example.com #{code}"


async def test_who_has_opted_out_gets_none(h: House) -> None:
    await h.text(ANN, "STOP")
    assert (await send(h))["status"] == "opted_out"


@pytest.mark.sqlite
@pytest.mark.parametrize("many", sampled([30, 1000], 30))
async def test_a_search_of_everything_finds_no_code(
    h: House, tmp_path: Path, many: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of every file of the database and a backup but for the phones themselves, the log, every page, export and answer."""
    codes: list[str] = []
    for n in range(many):
        number = f"+4860{n % 500:03d}{n // 500:04d}"
        await h.app.codes.send(
            h.app.lines.values()[0], Wish(number, TEXT), Wanted(digits=10), "a test", identity=b"%16d" % n
        )  # fmt: skip
        if not n % 100:
            await h.advance("1s")
    await h.advance("2s")
    rows = await h.app.store.rows("sandbox_list", account="sandbox", phone="", since=0.0, until=9e15)
    codes = [re.findall(r"\d{10}", r["text"])[0] for r in rows]
    assert len(set(codes)) == many
    for n in range(0, many, 7):
        await h.text(
            f"+4860{n % 500:03d}{n // 500:04d}",
            f"it is {next(re.findall(r'[0-9]{10}', r['text'])[0] for r in rows if r['phone'] == f'+4860{n % 500:03d}{n // 500:04d}')}",
        )
    pages = [
        (await h.http.get(p)).text
        for p in ("/", "/texts", "/texts?way=in", "/failed", "/overview", "/sending", "/programs", "/metrics")
    ]
    pages.append((await ask(h, "GET", "/messages?limit=200")).text)
    pages.append((await ask(h, "GET", "/messages?direction=in&limit=200")).text)
    pages.append((await ask(h, "GET", f"/contacts/{rows[0]['phone']}/export")).text)
    told = await h.http.post("/", data={"q": rows[0]["phone"]}, follow_redirects=True)
    pages += [told.text, "".join(capfd.readouterr())]
    await h.app.store.write([("sandbox_forget", ())])
    await h.stop()
    copy(tmp_path / "sim.db", tmp_path / "backup.db")
    files = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p.name != "codes")
    await h.start()
    everything = files + "".join(pages).encode()
    assert [c for c in codes if c.encode() in everything] == []


def test_a_guess_is_right_as_often_as_chance_says() -> None:
    secret, right = b"s" * 32, 0
    for n in range(20_000):
        right += matches(code_of(secret, b"%d" % n, ANN, "", 2), f"{n % 100:02d}")
    assert abs(right - 200) < 3 * (20_000 * 0.01 * 0.99) ** 0.5
    values = Counter(code_of(secret, b"%d" % n, ANN, "", 1) for n in range(20_000))
    assert max(values.values()) - min(values.values()) < 400


@pytest.mark.slow
def test_right_and_wrong_take_the_same_time() -> None:
    def took(given: str) -> float:
        began = perf_counter()
        for _ in range(2000):
            matches("123456", given)
        return perf_counter() - began

    right = median(took("123456") for _ in range(31))
    for wrong in ("023456", "123450", "999999"):
        assert 0.5 < median(took(wrong) for _ in range(31)) / right < 2.0


@pytest.mark.parametrize(
    ("words", "digits"),
    [("123456", "123456"), (" 123 456 ", "123456"), ("123-456", "123456"), ("١٢٣٤٥٦", "123456"), ("１２３", "123"),
     ("12a", ""), ("", ""), ("1e5", ""), ("²", ""), ("code 1", "")],
)  # fmt: skip
def test_what_somebody_typed(words: str, digits: str) -> None:
    assert typed(words) == digits


@pytest.mark.parametrize(
    ("words", "left"),
    [("123456", "••••••"), ("it's 123 456.", "it's ••••••."), ("1234567", "1234567"), ("12345", "12345"),
     ("12-34-56", "••••••"), ("call 600100200", "call 600100200"), ("123456 654321", "•••••• ••••••")],
)  # fmt: skip
def test_what_is_hidden(words: str, left: str) -> None:
    assert hidden(words, frozenset({6})) == left
