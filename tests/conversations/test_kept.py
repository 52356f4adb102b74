"""What steps raise and return, events bring and contacts hold: the same live and after a restart."""

from __future__ import annotations

import io
import sqlite3
import subprocess
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.message import Message as Headers
from enum import Enum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import httpx
import pydantic
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from smsbot import Bot, Chat, StepFailed
from smsbot.core import codec
from smsbot.testing import Sim

ADDRESS = "https://api.example.org/orders/7"


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass(frozen=True)
class Cup:
    size: Size
    sugar: int = 0


class Order(pydantic.BaseModel):
    """Nested, with a field of every kind, and one that is called otherwise on the wire."""

    cups: list[Cup]
    due: date
    cost: Decimal = pydantic.Field(alias="totalCost")
    tags: set[str] = set()
    inner: Order | None = None


@dataclass
class Counted:
    """Its constructor changes what it is given, and one field it does not take."""

    cents: int
    made: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.cents *= 100


class Secretive(pydantic.BaseModel):
    """With a value of its own, and one that it changes when it is made."""

    a: int = 1
    _own: int = pydantic.PrivateAttr(0)

    def model_post_init(self, _: Any) -> None:
        self.a += 1


def secretive() -> Secretive:
    made = Secretive()
    made._own = 5
    return made


class Refused(httpx.HTTPError):
    """Of a client's family, with a constructor of its own."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refused with {code}")
        self.code = code


class WithHeaders(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.headers = httpx.Headers({"Retry-After": "5"})


def caused() -> Exception:
    try:
        try:
            raise TimeoutError("t")
        except TimeoutError as first:
            raise ValueError("failed") from first
    except ValueError as second:
        return second


class Root(pydantic.RootModel[dict[str, int]]):
    """A model of one value."""


class Declined(Exception):
    """As applications write them: whose constructor wants what its arguments do not hold."""

    def __init__(self, code: int, *, hint: str) -> None:
        super().__init__(f"declined: {code}")
        self.code, self.hint = code, hint


class WithAnswer(Exception):
    """It holds something that cannot be kept."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.stream = io.BytesIO(b"x")


def status_error() -> Exception:
    response = httpx.Response(
        422, json={"why": "no stock"}, headers={"x-id": "9", "set-cookie": "secret"},
        request=httpx.Request("POST", ADDRESS),
    )  # fmt: skip
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        return error
    raise AssertionError


def noted() -> Exception:
    error = status_error()
    error.add_note("look here")
    return error


def gzipped() -> Exception:
    import gzip

    response = httpx.Response(
        503,
        content=gzip.compress(b"later"),
        headers={"content-encoding": "gzip"},
        request=httpx.Request("GET", ADDRESS),
    )
    return httpx.HTTPStatusError("down", request=response.request, response=response)


def of_aiohttp() -> Exception:
    info = aiohttp.RequestInfo(URL(ADDRESS), "GET", CIMultiDictProxy(CIMultiDict()), URL(ADDRESS))
    return aiohttp.ClientResponseError(info, (), status=404, message="Not Found", headers=CIMultiDict({"x-id": "9"}))


def of_urllib() -> Exception:
    headers = Headers()
    headers["x-id"] = "9"
    return urllib.error.HTTPError(ADDRESS, 418, "teapot", headers, None)


def of_sqlite() -> Exception:
    with sqlite3.connect(":memory:") as db:
        db.execute("create table t (x unique)")
        db.execute("insert into t values (1)")
        try:
            db.execute("insert into t values (1)")
        except sqlite3.IntegrityError as error:
            return error
        finally:
            pass
    raise AssertionError


ERRORS: dict[str, tuple[Callable[[], Exception], Callable[[Any], Any], Any]] = {
    "httpx": (
        status_error,
        lambda e: (type(e), e.response.status_code, e.response.json(), e.response.headers["X-Id"], str(e.request.url)),
        (httpx.HTTPStatusError, 422, {"why": "no stock"}, "9", ADDRESS),
    ),
    "httpx, compressed": (gzipped, lambda e: (e.response.status_code, e.response.text), (503, "later")),
    "httpx, no secrets": (status_error, lambda e: "set-cookie" in e.response.headers, False),
    "httpx, no connection": (
        lambda: httpx.ConnectError("refused", request=httpx.Request("GET", ADDRESS)),
        lambda e: (type(e), str(e), e.request.method), (httpx.ConnectError, "refused", "GET"),
    ),
    "httpx, without a request": (lambda: httpx.ReadTimeout("slow"), lambda e: (type(e), str(e)), (httpx.ReadTimeout, "slow")),
    "aiohttp": (
        of_aiohttp, lambda e: (type(e), e.status, e.message, e.headers["x-id"], str(e.request_info.real_url)),
        (aiohttp.ClientResponseError, 404, "Not Found", "9", ADDRESS),
    ),
    "urllib": (
        of_urllib, lambda e: (type(e), e.code, e.reason, e.headers["x-id"], e.url),
        (urllib.error.HTTPError, 418, "teapot", "9", ADDRESS),
    ),
    "sqlite": (of_sqlite, lambda e: (type(e), e.sqlite_errorname), (sqlite3.IntegrityError, "SQLITE_CONSTRAINT_UNIQUE")),
    "of a client's family, with a constructor of its own": (
        lambda: Refused(51), lambda e: (type(e), e.kind.rpartition(":")[2]), (StepFailed, "Refused"),
    ),
    "with a note": (lambda: noted(), lambda e: e.__notes__, ["look here"]),
    "with headers": (
        lambda: WithHeaders("x"), lambda e: (type(e), dict(e.headers)), (WithHeaders, {"retry-after": "5"}),
    ),
    "with a cause": (caused, lambda e: (type(e), e.__cause__), (ValueError, None)),
    "of files": (lambda: FileNotFoundError(2, "gone", "x"), lambda e: (e.errno, e.filename), (2, "x")),
    "of processes": (
        lambda: subprocess.CalledProcessError(3, ["x"], "out"), lambda e: (e.returncode, e.output), (3, "out"),
    ),
    "of the application": (
        lambda: Declined(51, hint="balance"), lambda e: (type(e), e.code, e.hint, str(e)),
        (Declined, 51, "balance", "declined: 51"),
    ),
    "that cannot be kept": (
        lambda: WithAnswer("lost"), lambda e: (type(e), e.kind.rpartition(":")[2], "WithAnswer: lost" in str(e)),
        (StepFailed, "WithAnswer", True),
    ),
    "with an argument that cannot be kept": (
        lambda: ValueError("x", io.BytesIO()), lambda e: (type(e), e.kind), (StepFailed, "builtins:ValueError"),
    ),
    "of a class within a function": (
        lambda: type("Local", (Exception,), {"__qualname__": "f.<locals>.Local"})("x"), type, StepFailed,
    ),
}  # fmt: skip


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
@pytest.mark.parametrize("name", ERRORS)
async def test_an_exception_reads_the_same(tmp_path: Path, name: str, replayed: bool) -> None:
    make, read, expected = ERRORS[name]
    bot, seen = Bot(), list[Any]()

    async def fails() -> None:
        raise make()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        caught: Exception | None = None
        try:
            await chat.step(fails)
        except Exception as error:
            caught = error
        await chat.ask("And?")
        seen.append(read(caught))
        return "done"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        if replayed:
            await sim.restart()
        await ann.text("on")
        assert ann.last == "done", await sim.trouble_of(ann.number)
    assert seen == [expected]


async def test_the_handler_of_an_exceptions_class_answers_for_what_cannot_be_kept(tmp_path: Path) -> None:
    bot = Bot()

    async def fails() -> None:
        raise WithAnswer("lost")

    @bot.on("go")
    async def go(chat: Chat) -> None:
        await chat.step(fails)

    @bot.on_error(WithAnswer)
    def answer(error: Exception) -> str:
        return f"{type(error).__name__}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert ann.last == "StepFailed"


@dataclass
class Sealed:
    """It cannot be stored, and quotes a text as it says so."""

    note: str

    def __getattribute__(self, name: str) -> Any:
        if name == "note":
            raise ValueError("sealed: my PIN is 4711")
        return super().__getattribute__(name)


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even its words can be had")


@pytest.mark.parametrize("action", [False, True], ids=["step", "action"])
async def test_a_result_that_cannot_be_stored_is_told_without_what_it_quotes(tmp_path: Path, action: bool) -> None:
    """And what brought it runs once, however often its turn is tried."""
    (tmp_path / "f.yaml").write_text(
        "flow: f\nstart: flow\nsteps:\n  - {do: make(), save: x}\n  - {say: '{x}', end: done}\n"
    )
    bot, calls = Bot(flows=tmp_path / "f.yaml"), list[str]()

    @bot.action
    def make() -> Any:
        calls.append("made")
        return Sealed("x")

    @bot.on("go")
    async def go(chat: Chat) -> None:
        await chat.step(make)

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("flow" if action else "go")
        await sim.advance("1h")
        trouble = await sim.trouble_of(ann.number)
    assert "cannot be kept: ValueError" in trouble
    assert "4711" not in trouble
    assert calls == ["made"]


async def test_an_exception_without_words_is_caught_by_who_waits_for_it(tmp_path: Path) -> None:
    bot = Bot()

    def fails() -> None:
        raise Wordless

    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            await chat.step(fails)
        except StepFailed as error:
            return error.kind.rpartition(":")[2]
        return "nothing was raised"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert ann.last == "Wordless", await sim.trouble_of(ann.number)


CUP = Cup(Size.LARGE, 2)
VALUES: list[Any] = [
    CUP, Size.SMALL, {1, 2}, frozenset({"a"}), timedelta(days=1, microseconds=3), [{"cup": CUP}], (1, "x"), {CUP},
    Order(cups=[CUP], due=date(2026, 12, 1), totalCost=Decimal("9.50"), tags={"x"}),
    Order(cups=[], due=date(2026, 12, 1), totalCost=Decimal(1), inner=Order(cups=[CUP], due=date(2026, 1, 1), totalCost=Decimal(2))),
    Root({"a": 1}), Counted(3), secretive(), datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Warsaw")),
]  # fmt: skip


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
@pytest.mark.parametrize("n", range(len(VALUES)))
async def test_a_value_comes_back(tmp_path: Path, n: int, replayed: bool) -> None:
    """From a step, from the contact, and from an event."""
    value, seen = VALUES[n], list[Any]()
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        chat.contact["value"] = value
        made = await chat.step(make)
        await chat.ask("And?")
        seen.append(made)
        chat.start("later", {"value": made})
        return "done"

    def make() -> Any:
        return value

    @bot.event("later")
    async def later(chat: Chat, event: dict[str, Any]) -> None:
        seen.extend((event["value"], chat.contact["value"]))
        await chat.ask("Fine?")
        seen.extend((event["value"], chat.contact["value"]))

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        for text in ("go", "on", "yes"):
            await ann.text(text)
            await sim.advance("2s")
            if replayed:
                await sim.restart()
    assert len(seen) >= 5
    for found in seen:
        assert found == value
        assert isinstance(found, type(value))
        assert repr(sorted(map(repr, found)) if isinstance(value, set | frozenset) else found) == repr(
            sorted(map(repr, value)) if isinstance(value, set | frozenset) else value
        )


def test_a_set_goes_through_its_members_as_they_were_kept() -> None:
    """In another process a plain set of texts has another order, and the questions would change places."""
    for kind in (set, frozenset):
        kept = codec.loads(f'{{"$": "{kind.__name__}", "v": ["pears", "apples", "figs", "plums", "7", "a"]}}')
        assert list(kept) == ["pears", "apples", "figs", "plums", "7", "a"]
        assert list(codec.loads(codec.dumps(kept))) == list(kept)
        assert kept == kind(kept)
