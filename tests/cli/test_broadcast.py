"""`smsbot broadcast`: a file of people, what it comes to, and one text for each, whatever happens."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsbot.cli.recipients import people_in, saying
from smsbot.core.errors import UsageError

from ..processes import Process, free_port, smsbot

SETTINGS = """
[bots.shop]
target = "shop.py:bot"
lines = ["+48732000111"]
[lines."+48732000111"]
rate = {rate}
quiet = "never"
[money]
prices = "prices.toml"
"""
BOT = "from smsbot import Bot\nbot = Bot()\nbot.fallback(lambda: None)\n"
PRICES = 'currency = "EUR"\n[messageflow]\nPL = 0.03\n"*" = 0.10\n'


def made(folder: Path, rate: float = 1000) -> Path:
    (folder / "smsbot.toml").write_text(SETTINGS.format(rate=rate))
    (folder / "shop.py").write_text(BOT)
    (folder / "prices.toml").write_text(PRICES)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return made(tmp_path)


# -- the file ---------------------------------------------------------------------------------------

HELLO = saying("Hello {name}!")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("number,name\n+48600100200,Ann\n", [("+48600100200", "Hello Ann!")]),
        ("name;phone\nAnn;600 100 200\nBob;600-100-300\n", [("+48600100200", "Hello Ann!"), ("+48600100300", "Hello Bob!")]),
        ("Name\tPHONE\tname\nx\t600100200\tAnn\n", [("+48600100200", "Hello Ann!")]),
        ('to,name\n"+48600100200","Ann, Bob"\n', [("+48600100200", "Hello Ann, Bob!")]),
        ("\ufeffnumber,name\r\n+48600100200,Ann\r\n\r\n", [("+48600100200", "Hello Ann!")]),
        ("number,name\n+48600100200,Ann\n+48 600 100 200,Ann\n", [("+48600100200", "Hello Ann!")]),
        ("number,name\n+48600100200,Zoë €\n", [("+48600100200", "Hello Zoë €!")]),
        ("number,name\n+48600100200,{name}\n", [("+48600100200", "Hello {name}!")]),  # what stands in it is no hole
        ('number,name\n+48600100200,"two\nlines"\n+48600100300,Bob\n', [("+48600100200", "Hello two\nlines!"), ("+48600100300", "Hello Bob!")]),
    ],
)  # fmt: skip
def test_files_as_programs_write_them(tmp_path: Path, content: str, wanted: list[tuple[str, str]]) -> None:
    file = tmp_path / "people.csv"
    file.write_text(content, encoding="utf-8", newline="")
    found = people_in(file, HELLO, "PL")
    assert list(found.texts) == wanted
    assert found.wrong == []


def test_numbers_alone_need_no_head(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("600100200\n600100300\n")
    assert [number for number, _ in people_in(file, saying("Hi"), "PL").texts] == ["+48600100200", "+48600100300"]


def test_every_wrong_row_is_said_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = [
        "number,name",
        "+48600100200,Ann",
        "4.86E+10,Bob",
        ",Cat",
        "+48600,Dan",
        "+48600100300,",
        "hello,Eve",
        "+48600100400," + "x" * 2000,
    ]
    file.write_text("\n".join(rows))
    found = people_in(file, HELLO, "PL")
    assert len(found.texts) == 1
    told = dict(each.split(": ", 1) for each in found.wrong)
    assert set(told) == {"row 3", "row 4", "row 5", "row 6", "row 7", "row 8"}
    assert "is not a phone number" in told["row 3"]
    assert "has nothing for {name}" in told["row 6"]
    assert "SMS parts" in told["row 8"]


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"name,town\nAnn,Here\n", "no column is called number"), (b"", "names nobody"), (b"number,name\n", "names nobody"),
     (b"number,name\n+48600100200,Zo\xeb\n", "row 2 is not UTF-8"), (b"number,name\n+48600100200," + b"x" * 200_000, "no CSV")],
)  # fmt: skip
def test_what_is_no_list_of_people(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        people_in(file, HELLO, "PL")


@pytest.mark.parametrize("text", ["Hello {name", "Hello }", "Hello {name!}", "Hello {import os}"])
def test_a_text_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError, match="the text"):
        saying(text)


# -- the command ------------------------------------------------------------------------------------


def listed(place: Path, count: int) -> Path:
    file = place / "people.csv"
    file.write_text("number,name\n" + "".join(f"+4850000{n:04d},P{n}\n" for n in range(count)))
    return file


@pytest.mark.slow
def test_a_dry_run_says_what_it_comes_to_and_sends_nothing(place: Path) -> None:
    (place / "people.csv").write_text("number,name\n+48600100200,Ann\n+33612345678,Żaneta\n+48600100200,Ann\n48,x\n")
    done = smsbot("broadcast", "people.csv", "--text", "Hello {name}, " + "x" * 100, "--dry-run", folder=place)
    assert done.returncode == 1
    assert "2 people (1 PL, 1 FR), 3 SMS, 0.23 EUR at the most, from +48732000111" in done.stderr
    assert "1 rows stand there twice" in done.stderr
    assert "row 5: " in done.stderr
    assert "hint: without accents and curly quotes it would be 2 SMS, 1 less" in done.stderr
    told = smsbot("broadcast", "people.csv", "--text", "Hello {name}", "--dry-run", "--json", folder=place)
    found = json.loads(told.stdout)
    assert (found["people"], found["segments"], found["cost"], found["twice"], len(found["wrong"])) == (
        2,
        2,
        0.13,
        1,
        1,
    )
    assert not (place / "smsbot.db").exists()


@pytest.mark.slow
def test_what_is_asked_wrongly(place: Path) -> None:
    listed(place, 3)
    for arguments, why in (
        (("people.csv",), "either --text or --template"),
        (("people.csv", "--text", "x", "--template", "y"), "either --text or --template"),
        (("people.csv", "--text", "{nme}", "--yes"), "has nothing for {nme}"),
        (("people.csv", "--text", "x", "--line", "+48123"), "none of our lines"),
        (("people.csv", "--text", "x", "--valid", "soon"), "not a duration"),
        (("people.csv", "--template", "shipped", "--yes"), "there is no text"),
        (("people.csv", "--text", "x", "--yes"), "no server runs here"),
        (("no.csv", "--text", "x"), "does not exist"),
        (("people.csv", "--text", "x", "--json"), "add --yes"),
    ):
        done = smsbot("broadcast", *arguments, folder=place)
        assert done.returncode == 2, (arguments, done.stderr)
        assert why in done.stderr, (arguments, done.stderr)


@pytest.fixture
def server(place: Path) -> Iterator[Process]:
    made_ = Process("dev", "--no-reload", port=free_port(), folder=place, log=place / "log")
    made_.start()
    try:
        yield made_.ready()
    finally:
        if made_.process.poll() is None:
            made_.kill()


def got(place: Path) -> Counter[str]:
    """How many texts the network has for each number."""
    with closing(sqlite3.connect(place / "smsbot.db", timeout=30)) as db:
        return Counter(number for (number,) in db.execute("SELECT phone FROM sandbox_texts WHERE direction = 'out'"))


@pytest.mark.slow
def test_it_is_sent_once_to_each_and_said_how_it_fares(place: Path, server: Process) -> None:
    listed(place, 30)
    assert smsbot("opt-outs", "add", "+48500000007", "--why", "asked by phone", folder=place).returncode == 0
    done = smsbot("broadcast", "people.csv", "--text", "Hello {name}", "--yes", "--wait", folder=place)
    assert done.returncode == 0, done.stderr
    assert "1 of them have opted out" in done.stderr
    assert "people: 30 people" in done.stdout
    assert "1 not sent: opted out" in done.stdout
    again = smsbot("broadcast", "people.csv", "--text", "Hello {name}", "--yes", "--json", folder=place)
    assert "It was begun before; 30 of 30" in again.stderr
    told = json.loads(again.stdout)
    assert told["counts"]["opted_out"] == 1
    assert (told["total"], told["open"], told["done"]) == (30, 0, True)
    assert got(place) == Counter({f"+4850000{n:04d}": 1 for n in range(30) if n != 7})
    other = smsbot("broadcast", "people.csv", "--text", "Something else", "--yes", folder=place)
    assert other.returncode == 2
    assert "give this one a name" in other.stderr
    listing = smsbot("broadcast", "list", "--json", folder=place)
    assert [row["name"] for row in json.loads(listing.stdout)["broadcasts"]] == ["people"]
    near = smsbot("broadcast", "show", "peple", folder=place)
    assert 'did you mean "people"?' in near.stderr


@pytest.mark.slow
def test_it_is_paused_resumed_and_stopped_half_way(tmp_path: Path) -> None:
    place = made(tmp_path, rate=20)
    listed(place, 2000)
    process = Process("dev", "--no-reload", port=free_port(), folder=place, log=place / "log")
    process.start()
    try:
        process.ready()
        assert smsbot("broadcast", "people.csv", "--text", "Hi {name}", "--yes", folder=place).returncode == 0
        paused = json.loads(smsbot("broadcast", "pause", "people", "--json", folder=place).stdout)
        assert paused["paused"]
        time.sleep(1.0)
        before = len(got(place))
        time.sleep(2.0)
        assert len(got(place)) == before < 2000, "nothing leaves"
        assert not json.loads(smsbot("broadcast", "resume", "people", "--json", folder=place).stdout)["paused"]
        time.sleep(3.0)
        assert len(got(place)) > before
        stopped: dict[str, Any] = json.loads(smsbot("broadcast", "stop", "people", "--json", folder=place).stdout)
        assert stopped["stopped"]
        assert stopped["done"] or stopped["counts"].get("leaving")
        time.sleep(2.0)
        there = got(place)
        time.sleep(1.5)
        assert got(place) == there
        assert set(there.values()) == {1}
        told = json.loads(smsbot("broadcast", "show", "people", "--json", folder=place).stdout)
        assert told["counts"]["stopped"] == 2000 - len(there)
        refused = smsbot("broadcast", "people.csv", "--text", "Hi {name}", "--yes", folder=place)
        assert refused.returncode == 2
        assert "was stopped" in refused.stderr
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("people", "kills"),
    [pytest.param(300, 2, marks=pytest.mark.slow), pytest.param(10_000, 10, marks=pytest.mark.slow)],
)
def test_kills_double_and_miss_nobody(tmp_path: Path, people: int, kills: int) -> None:
    """Random kills while it is given and while it leaves; the command is run again until it is through."""
    place, draw = made(tmp_path, rate=400), random.Random(20261129)
    listed(place, people)
    opted_out = {f"+4850000{n:04d}" for n in draw.sample(range(people), people // 50)}
    process = Process("dev", "--no-reload", port=free_port(), folder=place, log=place / "log", SMSBOT_RECHECK="0.3")
    process.start()
    try:
        process.ready()
        (place / "out.csv").write_text("".join(f"{number}\n" for number in sorted(opted_out)))
        assert smsbot("opt-outs", "import", "out.csv", "--why", "asked by phone", folder=place).returncode == 0
        left = kills
        end = time.monotonic() + 300
        while time.monotonic() < end:
            done = smsbot("broadcast", "people.csv", "--text", "Hello {name}", "--yes", "--json", folder=place)
            if left:
                time.sleep(draw.uniform(0.2, people / 400 / kills))
                process.kill()
                left -= 1
                process.start()
                process.ready()
            elif done.returncode == 0 and json.loads(done.stdout)["done"]:
                break
            else:
                time.sleep(0.5)
        assert left == 0
        told = json.loads(done.stdout)
    finally:
        process.kill()
    assert told["counts"].pop("opted_out") == len(opted_out)
    assert sum(told["counts"].values()) == people - len(opted_out)
    everybody = {f"+4850000{n:04d}" for n in range(people)}
    assert got(place) == Counter(dict.fromkeys(everybody - opted_out, 1))


def test_check_says_what_each_text_costs(place: Path) -> None:
    (place / "flows").mkdir()
    (place / "shop.py").write_text('from smsbot import Bot\nbot = Bot(flows="flows")\n')
    (place / "flows" / "x.yaml").write_text(
        f'flow: x\nstart: [x]\nsteps:\n  - say: "Zażółć {"x" * 80}"\n  - {{say: ok, end: done}}\n', encoding="utf-8"
    )
    done = smsbot("check", "--texts", folder=place)
    assert "2 SMS UCS-2, 0.06 EUR" in done.stdout
    assert "(1 SMS less in plain letters, 0.03 EUR)" in done.stdout
    assert "x: each of its texts once is 3 SMS, 0.09 EUR" in done.stdout
    told = json.loads(smsbot("check", "--texts", "--json", folder=place).stdout)["texts"]
    assert [(t["segments"], t["spare"], t["cost"], t["currency"]) for t in told] == [
        (2, 1, 0.06, "EUR"),
        (1, 0, 0.03, "EUR"),
    ]
