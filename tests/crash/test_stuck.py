"""Workers that die, logs that cannot be written, threads that never end: others go on, and the server can be ended."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.core.errors import StoreError
from smsbot.log import Log
from smsbot.pipeline.supervisor import Supervisor, Worker
from smsbot.testing.scripted import answers, scripted
from smsbot.threads import Addresses, Threads

from ..conftest import sampled
from ..patience import until
from ..processes import Process, free_port

pytestmark = pytest.mark.slow

SETTINGS = """
[bots.slow]
target = "bots.py:slow"
lines = ["7255"]
[bots.quick]
target = "bots.py:quick"
lines = ["7366"]
[lines."7255"]
country = "PL"
[lines."7366"]
country = "PL"
[accounts.main]
gateway = "messageflow"
base_url = "{url}"
"""
BOTS = """
import asyncio, concurrent.futures, os, re, threading, time
from smsbot import Bot, Chat

slow, quick = Bot(), Bot()
own = concurrent.futures.ThreadPoolExecutor()
LONG = 120

@slow.on("blocking", blocking=True)
def blocking() -> str:
    time.sleep(LONG)
    return "late"

@slow.on("step")
async def step(chat: Chat) -> str:
    await chat.step(asyncio.to_thread, time.sleep, LONG)
    return "late"

@slow.on("loop")
def loop() -> str:
    time.sleep(LONG)
    return "late"

@slow.on("executor")
async def executor(chat: Chat) -> str:
    await asyncio.get_running_loop().run_in_executor(own, time.sleep, LONG)
    return "late"

@slow.on("thread")
def thread() -> str:
    threading.Thread(target=time.sleep, args=(LONG,)).start()
    return "started"

@slow.on("runaway")
def runaway() -> str:
    re.match(r"(a+)+$", "a" * 60 + "!")
    return "late"

@slow.on("fork")
def fork() -> str:
    if os.fork() == 0:
        time.sleep(40)
        os._exit(0)
    return "forked"

@slow.on("stubborn")
async def stubborn(chat: Chat) -> str:
    while True:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            pass

@quick.on("hi")
def hi() -> str:
    return "hello"

@quick.on("hi too", blocking=True)
def hi_too() -> str:
    return "hello"
"""
SECRETS = {
    "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
    "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
    "SMSBOT_DASHBOARD_PASSWORD": "a password of the test",
    "PUBLIC_URL": "https://bots.test",
}


class House:
    """A server with a slow and a quick bot, and a provider that takes every text."""

    def __init__(self, process: Process, provider: Any, database: Path) -> None:
        self.process = process
        self.provider = provider
        self.database = database
        self._n = 0

    @property
    def sent(self) -> list[str]:
        return [str(r) for r in self.provider.requests]

    async def text(self, line: str, text: str, number: str = "") -> int:
        self._n += 1
        with closing(sqlite3.connect(self.database)) as db:
            secret = db.execute("SELECT secret FROM hook_secrets").fetchone()[0]
        body = {"id": f"t{self._n}", "from": number or f"+486001{self._n:05d}", "to": line, "message": text}
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            return (await http.post(f"{self.process.url}/hooks/main/{secret}/inbound", json=body)).status_code

    async def ready(self) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            return await http.get(f"{self.process.url}/readyz")

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            return (await http.get(f"{self.process.url}/metrics", auth=("desk", "a password of the test"))).text

    async def until(self, many: int, patience: float = 10.0) -> float:
        """Seconds until so many texts were sent."""
        began = time.monotonic()
        await until(lambda: len(self.provider.requests) >= many, patience)
        return time.monotonic() - began


async def taken(reader: Any, writer: Any, request: bytes) -> None:
    item = {"externalId": "x", "status": 1}
    await answers(200, {"meta": {"status": 200}, "data": [item]})(reader, writer, request)


@asynccontextmanager
async def house(folder: Path, *, before: tuple[str, ...] = (), **environment: str) -> AsyncIterator[House]:
    async with scripted(taken) as provider:
        (folder / "smsbot.toml").write_text(SETTINGS.format(url=provider.url))
        (folder / "bots.py").write_text(BOTS)
        process = Process(
            "run", port=free_port(), folder=folder, log=folder / "log", before=before, **SECRETS, **environment
        )
        process.start()
        try:
            await asyncio.to_thread(process.ready)
            yield House(process, provider, folder / "smsbot.db")
        finally:
            process.kill()


# -- logs ---------------------------------------------------------------------------------------------


def test_a_log_that_raises_raises_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise OSError(28, "No space left on device")

    log = Log("x")
    monkeypatch.setattr(log, "_log", Broken())
    for write in (log.debug, log.info, log.warning, log.error):
        write("a", why=object(), exc_info=ValueError())


NOWHERE = {
    "a pipe whose reader left": ("sh", "-c", 'exec "$0" "$@" 2> >(exit 0)'),
    "a full disk": ("sh", "-c", 'exec "$0" "$@" 2>/dev/full'),
    "closed": ("sh", "-c", 'exec "$0" "$@" 2>&-'),
    "a reader that sleeps": ("bash", "-c", 'exec "$0" "$@" 2> >(exec sleep 60)'),
}


@pytest.mark.parametrize("where", sampled(NOWHERE, "a pipe whose reader left"))
async def test_texts_go_on_without_a_log(tmp_path: Path, where: str) -> None:
    before = ("bash", *NOWHERE[where][1:])
    async with house(tmp_path, before=before) as here:
        for n in range(300 if where == "a reader that sleeps" else 20):
            assert await here.text("7255", "nobody knows this word") == 200  # logs nothing
            if n % 10 == 0:
                assert await here.text("none", "a number that is not ours") == 200  # logs a warning
        for _ in range(3):
            assert await here.text("7366", "hi") == 200
        await here.until(3)
        assert (await here.ready()).status_code == 200
        if where in ("a pipe whose reader left", "a full disk"):
            lost = re.search(r"smsbot_log_lines_lost_total (\d+)", await here.metrics())
            assert lost is not None
            assert int(lost[1]) > 0


# -- workers ------------------------------------------------------------------------------------------


async def test_a_worker_that_dies_is_started_again_and_named() -> None:
    lives = 0

    async def run() -> None:
        nonlocal lives
        lives += 1
        if lives < 4:
            raise StoreError("the disk is full")
        await asyncio.Event().wait()

    supervisor = Supervisor()
    stop = supervisor.start(Worker("timers", run))
    await until(lambda: supervisor.workers[0].deaths == 3)
    assert [w.name for w in supervisor.failing] == ["timers"]
    assert supervisor.workers[0].deaths == 3
    assert "the disk is full" in supervisor.workers[0].why
    await until(lambda: lives == 4)
    await stop()


async def test_a_worker_that_just_ends_is_missing_too_but_not_at_the_end() -> None:
    lives = 0
    ending = asyncio.Event()

    async def run() -> None:
        nonlocal lives
        lives += 1
        if lives > 1:
            await ending.wait()

    supervisor = Supervisor()
    stop = supervisor.start(Worker("timers", run, ending.set))
    await until(lambda: lives == 2)
    await stop()
    assert (lives, supervisor.workers[0].deaths) == (2, 1)


async def test_a_worker_that_keeps_dying_makes_the_server_unready(tmp_path: Path) -> None:
    async with house(tmp_path, SMSBOT_FAILPOINT="worker.timers:3:raise") as here:
        end = time.monotonic() + 10
        while (answer := await here.ready()).status_code == 200:
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
        assert "worker of the timers keeps dying" in answer.json()["why"]
        assert await here.text("7366", "hi") == 200  # what needs no timer goes on
        await here.until(1)
        assert 'smsbot_worker_deaths_total{worker="timers"}' in await here.metrics()
        assert "a worker died; it is started again" in here.process.log.read_text()


@pytest.mark.slow
async def test_the_writer_outlives_its_own_faults(tmp_path: Path) -> None:
    async with house(tmp_path, SMSBOT_FAILPOINT="writer.written:20:raise") as here:
        statuses = {await here.text("7366", "hi") for _ in range(12)}
        assert 503 in statuses  # said, not swallowed
        assert (await here.ready()).status_code == 503


# -- threads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocked", [6, pytest.param(12, marks=pytest.mark.slow)])
async def test_blocked_handlers_stop_nobody_else(tmp_path: Path, blocked: int) -> None:
    async with house(tmp_path) as here:
        for _ in range(blocked):
            assert await here.text("7255", "blocking") == 200
        for n, words in enumerate(("hi", "hi too"), 1):
            assert await here.text("7366", words) == 200
            assert await here.until(n) < 1.0


@pytest.mark.slow
async def test_a_pool_that_is_used_up_is_told_and_stops_only_its_bot(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        for _ in range(45):
            assert await here.text("7255", "blocking") == 200
        for n in range(1, 4):
            assert await here.text("7366", "hi too") == 200
            assert await here.until(n) < 1.0
        assert "all threads of this bot's blocking handlers are busy" in here.process.log.read_text()


@pytest.mark.slow
async def test_the_default_pool_may_be_used_up_by_steps(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        for _ in range(40):
            assert await here.text("7255", "step") == 200
        assert await here.text("7366", "hi") == 200
        assert await here.until(1) < 1.0


async def test_threads_are_counted_down_again() -> None:
    threads = Threads("b", 2)
    assert sorted(await asyncio.gather(*(threads.run(pow, n, 2) for n in range(6)))) == [0, 1, 4, 9, 16, 25]
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    threads.close()


@pytest.mark.slow
async def test_an_address_that_hangs_holds_one_thread_however_often_it_is_asked_for() -> None:
    asked: list[str] = []

    def look_up(host: str, port: int, **how: Any) -> list[str]:
        asked.append(host)
        if host == "hangs":
            time.sleep(3)
        return [host]

    addresses = Addresses(look_up)
    waiting = [asyncio.ensure_future(addresses("hangs", 443, type=1)) for _ in range(100)]
    await asyncio.sleep(0.05)
    for n in range(20):
        async with asyncio.timeout(1):
            assert await addresses(f"other{n}", 443) == [f"other{n}"]
    waiting[0].cancel()
    assert asked.count("hangs") == 1
    assert await waiting[1] == ["hangs"]


async def test_a_worker_whose_work_is_cancelled_from_inside_lives_again() -> None:
    lives = 0

    async def run() -> None:
        nonlocal lives
        lives += 1
        if lives == 1:
            raise asyncio.CancelledError
        if lives == 2:
            raise GeneratorExit
        await asyncio.Event().wait()

    supervisor = Supervisor()
    stop = supervisor.start(Worker("backfill", run))
    await until(lambda: lives == 3)
    assert supervisor.workers[0].deaths == 2
    await stop()


@pytest.mark.slow
async def test_a_regular_expression_that_runs_away_ends_the_process(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        with pytest.raises(httpx.TimeoutException):
            await asyncio.wait_for(asyncio.shield(here.text("7255", "runaway")), 11)
        os.kill(here.process.process.pid, signal.SIGTERM)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        await asyncio.to_thread(here.process.process.wait, 120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)  # the processor's time: others may have most of it
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 25
        assert "bots.py" in here.process.log.read_text(), "it says what was running"
        with closing(sqlite3.connect(here.database)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.slow
async def test_a_child_of_a_bot_keeps_neither_lock_nor_port(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        assert await here.text("7255", "fork") == 200
        os.kill(here.process.process.pid, signal.SIGTERM)
        await asyncio.to_thread(here.process.process.wait, 30)
        again = Process("run", port=here.process.port, folder=tmp_path, log=tmp_path / "again", **SECRETS)
        again.start()
        try:
            await asyncio.to_thread(again.ready, 15)
        finally:
            again.kill()


KINDS = ("blocking", "step", "loop", "executor", "thread", "stubborn")


@pytest.mark.parametrize("kind", sampled(KINDS))
async def test_sigterm_ends_whatever_still_runs(tmp_path: Path, kind: str) -> None:
    async with house(tmp_path) as here:
        assert await here.text("7366", "hi") == 200
        if kind == "loop":
            with pytest.raises(httpx.TimeoutException):
                await asyncio.wait_for(asyncio.shield(here.text("7255", kind)), 11)
        else:
            assert await here.text("7255", kind) == 200
        began = time.monotonic()
        os.kill(here.process.process.pid, signal.SIGTERM)
        await asyncio.to_thread(here.process.process.wait, 30)
        assert time.monotonic() - began < 30
        log = here.process.log.read_text()
        assert "the process ends" in log or kind == "thread"
        with closing(sqlite3.connect(here.database)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            open_turns = db.execute("SELECT text FROM events WHERE state = 0").fetchall() if kind != "thread" else []
        assert kind in ("thread", "loop") or open_turns == [(kind,)]  # its turn begins again at the next start
