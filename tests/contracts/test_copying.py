"""A database moves from SQLite to PostgreSQL and back: everything or nothing, and all conversations go on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest

from smsbot import Bot, Chat, choice
from smsbot.core.commit import digest
from smsbot.core.errors import BackupError, StoreLocked
from smsbot.core.message import Event, Key
from smsbot.stores.base import Acceptance
from smsbot.stores.copying import copy
from smsbot.stores.database import Database
from smsbot.stores.postgres.store import PostgresStore
from smsbot.stores.sqlite import SqliteStore

from ..house import House
from ..postgres import Server
from ..processes import SMSBOT, clean_environment
from ..tables import sql

pytestmark = pytest.mark.needs("postgres")
NOW = 1_800_000_000.0
PEOPLE = [f"+4860010{n:04d}" for n in range(200)]


def tell(*_: Any) -> None:
    """Nobody listens."""


def orders() -> Bot:
    bot = Bot()

    @bot.on("order")
    async def order(chat: Chat) -> str:
        size = await chat.ask("Size?", choice(Literal["S", "M"]), timeout="2d")
        price = await chat.step(lambda: 7)
        name = await chat.ask("Name?", timeout="2d")
        return f"{size} for {name}: ${price}"

    return bot


async def go_on(h: House, number: str, n: int) -> None:
    """Somebody goes on from wherever they are: nobody begins anew."""
    said = (await h.heard(number))[-1]
    await h.text(number, "M" if said == "Size?" else f"Ann{n}")


@pytest.mark.slow
async def test_conversations_go_on_there_and_back(postgres: Server, tmp_path: Path) -> None:
    here, there = Database(str(tmp_path / "sim.db")), Database(postgres.fresh())
    back = Database(str(tmp_path / "back.db"))
    async with House(orders(), tmp_path) as h:
        for n, number in enumerate(PEOPLE):
            await h.text(number, "order", *(["S"] if n % 2 else []))
        await h.text(PEOPLE[0], "STOP")
    rows = await copy(here, there, NOW, tell)
    assert rows > 100
    assert sql(there, "SELECT scope, why FROM holds") == [("all", f"copied from {here}")]
    async with House(orders(), tmp_path, settings={"database": there.address}) as h:
        await h.app.repairs.resume([("all", "")], False)
        for n, number in enumerate(PEOPLE[1:7]):
            await go_on(h, number, n)
        assert (await h.heard(PEOPLE[1]))[-1] == "S for Ann0: $7"
        assert (await h.heard(PEOPLE[2]))[-1] == "Name?"
        await h.text(PEOPLE[0], "order")
        assert "Size?" not in (await h.heard(PEOPLE[0]))[1:], "who opted out is opted out there"
        assert (await h.http.post("/", data={"q": "Ann0"})).text.count("Ann0") > 1
    await copy(there, back, NOW, tell)
    async with House(orders(), tmp_path, settings={"database": str(back.path)}) as h:
        await h.app.repairs.resume([("all", "")], False)
        for n, number in enumerate(PEOPLE):
            if n in (0, 1, 3, 5):
                continue
            await go_on(h, number, n)
            if n % 2 == 0 and n > 6:
                await go_on(h, number, n)
        for n, number in enumerate(PEOPLE[1:], 1):
            assert (await h.heard(number))[-1].endswith(": $7"), n
        assert await h.app.store.rows("frames_left") == []


async def odd(path: Path) -> Database:
    """A database with what only SQLite keeps."""
    store = SqliteStore(path)
    await store.open(NOW)
    event = Event(digest("odd"), Key("7255", "+48600100200"), "text", "a\0b \U0001f44d ł", NOW, data='{"x":"\\u0000"}')
    await store.accept([Acceptance(event)])
    await store.write(
        [("user", (name, "admin", NOW, None, None)) for name in ("Zoe", "amy", "Bob")] + [("merge_words", (3,))]
    )
    await store.close()
    return Database(str(path))


async def test_what_only_one_side_keeps_comes_as_near_as_it_can(postgres: Server, tmp_path: Path) -> None:
    here, there = await odd(tmp_path / "x.db"), Database(postgres.fresh())
    await copy(here, there, NOW, tell)
    assert sql(there, "SELECT text, data FROM events") == [("a\ufffdb \U0001f44d ł", '{"x":"\ufffd"}')]
    assert await copy(there, Database(str(tmp_path / "back.db")), NOW, tell) > 0


async def test_nothing_is_overwritten_and_nobody_may_serve(postgres: Server, tmp_path: Path) -> None:
    here, there = await odd(tmp_path / "x.db"), Database(postgres.fresh())
    served = SqliteStore(here.path)
    await served.open(NOW)
    with pytest.raises(StoreLocked):
        await copy(here, there, NOW, tell)
    await served.close()
    await copy(here, there, NOW, tell)
    for source, target, why in (
        (here, there, "is not empty"), (there, here, "exists already"), (here, here, "backup"), (there, there, "pg_dump"),
        (Database(str(tmp_path / "none.db")), there, "no file"),
    ):  # fmt: skip
        with pytest.raises(BackupError, match=why):
            await copy(source, target, NOW, tell)
    store = PostgresStore(there.address, place="another machine")
    await store.open(NOW)
    with pytest.raises(StoreLocked):
        await copy(there, Database(str(tmp_path / "back.db")), NOW, tell)
    await store.close()
    assert not list(tmp_path.glob("back.db*"))


@pytest.mark.slow
@pytest.mark.parametrize("back", [False, True], ids=["to the server", "back"])
@pytest.mark.parametrize("point", ["migration.done", "copy.written", "copy.done"])
async def test_a_copy_that_is_killed_leaves_all_or_nothing(
    postgres: Server, tmp_path: Path, point: str, back: bool
) -> None:
    here, there = await odd(tmp_path / "x.db"), Database(postgres.fresh())
    if back:
        await copy(here, there, NOW, tell)
        here, there = there, Database(str(tmp_path / "back.db"))

    def run(failpoint: str) -> int:
        environment = clean_environment(SMSBOT_FAILPOINT=failpoint, THERE=there.address)
        command = [*SMSBOT, "db", "copy", here.address, "THERE"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False).returncode

    assert run(f"{point}:1") == -9
    done = point == "copy.done"
    if not there.on_server:
        assert there.exists is done
    if done:
        assert sql(there, "SELECT count(*) FROM events") == [(1,)]
    else:
        assert run("") == 0
        assert sql(there, "SELECT count(*) FROM events") == [(1,)]


def test_by_hand(postgres: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [*SMSBOT, "db", "copy", "x.db", "postgresql://a:secret@h/x"], cwd=tmp_path, env=os.environ,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "seen by every process" in done.stderr, "secret" in done.stderr) == (2, True, False)
