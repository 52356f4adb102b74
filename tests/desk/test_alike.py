"""The page, the command line and the API say the same of every history."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.routing import Mount

from smsbot.cli.watch import trace
from smsbot.core.zones import zone_of
from smsbot.desk.judging import judge
from smsbot.desk.tokens import Tokens
from smsbot.desk.verdicts import plain
from smsbot.stores.readers import SqliteReader
from smsbot.stores.sqlite import SqliteStore
from smsbot.web.api import LateApi
from smsbot.web.api.rooms import Rooms
from smsbot.web.budgets import Budgets
from smsbot.web.calls import Calls
from smsbot.web.find import Find
from smsbot.web.templates import Templates
from smsbot.web.writing import Writing

from .histories import CASES, NOW, Case
from .seeded import LINE, NUMBER, seed


class Still:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of ours with a token in it."""
    path = tmp_path_factory.mktemp("empty") / "x.db"

    async def made() -> None:
        store = SqliteStore(path, guarded=False)
        await store.open(NOW - 100_000)
        await store.close()

    asyncio.run(made())
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "INSERT INTO tokens (name, hash, at, scopes) VALUES ('t', ?, 0, 'messages:status')",
            (hashlib.sha256(b"token").digest(),),
        )
    return path


class Kept:
    """A reader of which nobody expects that it writes that a token was used."""

    def __init__(self, reader: SqliteReader) -> None:
        self.rows = reader.rows

    def __getattr__(self, name: str) -> Any:
        async def write(_: object) -> None:
            return None

        return write


def site(reader: Any) -> httpx.AsyncClient:
    """The pages and the API over a database that nobody serves."""
    lines: Any = SimpleNamespace(
        values=lambda: [SimpleNamespace(country="PL", number=LINE)], find=lambda _: None, get=lambda _: None
    )
    templates = Templates(Still(), zone_of({}, "UTC"), dev=False, real=0)

    async def inspect(key: object) -> None:
        return None

    commands: Any = None
    find = Find(
        reader,
        lines=lines,
        clock=Still(),
        templates=templates,
        commands=commands,
        inspect=inspect,
        taken=lambda _: None,
        writing=Writing(),
        links={},
    )
    none: Any = None
    rooms = Rooms(
        Kept(reader), lines, Still(), templates.zone, Tokens(Kept(reader), Still()), sends=none, codes=none, events=none,
        people=none, takeovers=none, repairs=none, endpoints=none, calls=Calls(lambda: None), inspect=inspect, base="",
        budgets=Budgets(0.0),
    )  # fmt: skip
    app = Starlette(routes=[*find.routes(), Mount("/api/v1", LateApi(rooms))])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
async def test_page_and_api_say_the_same(empty: Path, tmp_path: Path, case: Case) -> None:
    path = tmp_path / "x.db"
    shutil.copy(empty, path)
    seed(path, case.history)
    expected = plain(judge(case.history))
    async with SqliteReader(path) as reader, site(reader) as http:
        page = unescape((await http.post("/", data={"q": "600 100 200"})).text)
        bearer = {"authorization": "Bearer token"}
        told = (await http.post("/api/v1/find", json={"to": NUMBER}, headers=bearer)).json()
        assert {k: told[k] for k in expected} == expected
        assert f'<h2 id="verdict">{expected["title"]}</h2>' in page
        assert expected["why"] in page
        assert expected["say"] in page
        assert NUMBER not in page
        if case.history.text is not None and case.history.unanswered is None:
            one = (await http.get("/api/v1/messages/theirs", headers=bearer)).json()
            named = (await http.post("/api/v1/find", json={"reference": "order-7"}, headers=bearer)).json()
            assert one == named
            assert {k: one[k] for k in expected} == expected
            assert ("4711" in page) is (case.history.text.kind != "code")
            assert "4711" not in json.dumps(one)
        assert (await http.post("/api/v1/find", json={"to": NUMBER})).status_code == 401


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_the_command_line_says_the_same(
    empty: Path, tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.db"
    shutil.copy(empty, path)
    seed(path, case.history)
    monkeypatch.setattr("smsbot.cli.watch.time", SimpleNamespace(time=lambda: NOW))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(trace, ["+48600100200", "--db", str(path), "--json"])
    told = json.loads(done.output)
    expected = plain(judge(case.history))
    assert {k: told[k] for k in expected} == expected
    nothing = not told["messages"]
    assert done.exit_code == (5 if nothing else {True: 0, False: 1, None: 6}[expected["arrived"]])
    if case.history.text is not None and case.history.text.kind == "code":
        assert "4711" not in done.output
