"""The process ends after each single commit of a conversation: the person sees what an undisturbed run says.

The writer is stopped right behind a commit, so that nobody in the process hears of it, as with ``kill -9``; then a
new server opens the database. `tests/crash/test_campaign.py` kills real processes under load.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from smsbot import targets
from smsbot.core.clock import duration
from smsbot.testing.sim import Sim

from ..conftest import sampled
from ..house import lane_of
from ..processes import ROOT

pytestmark = pytest.mark.slow

FIRST, NEXT = "+48600100200", "+48600100301"
Act = tuple[str, ...]
SCRIPTS: dict[str, tuple[list[str], Sequence[Act]]] = {
    "pizza": (
        ["quote", "place"],
        [("text", t) for t in ("piza", "help", "large", "yes but later", "2", "Main St 1", "no", "S", "1", "Other St", "ok")]
        + [("text", "pizza 3"), ("wait", "10m")],
    ),
    "clinic": (
        ["free_slots", "release", "keep"],
        [
            ("event", "visit.booked", "a1", "Ala", "2026-11-25 09:00"), ("event", "visit.booked", "b1", "Olek", "2026-11-25 09:30"),
            ("wait", "24h"), ("text", "move"), ("text", "2"), ("text", "TAK!"), ("wait", "4h"), ("text", "no"),
        ],
    ),
    "oncall": ([], [("event", "alert"), ("wait", "10m"), ("text", "ack", NEXT), ("text", "fixed", NEXT)]),
    "survey": (
        ["keep"],
        [("text", t) for t in ("survey", "6", "nothing", "back", "The soup was cold", "sure", "Ann", "after six")],
    ),
}  # fmt: skip


class Mortal(Sim):
    """A server that ends right after its n-th commit, once."""

    def __init__(self, *args: Any, ends_after: int = 0, live: bool = True, **more: Any) -> None:
        super().__init__(*args, **more)
        self.ends_after = ends_after
        self.commits = 0
        self.died = asyncio.Event()
        self._live = live

    async def start(self) -> None:
        await super().start()
        writer: Any = lane_of(self.app.store)
        commit, loop = writer._commit, asyncio.get_running_loop()
        if not self._live:
            self.app.dispatcher.live.most = 0

        def mortal(db: Any, jobs: Any) -> Any:
            if self.ends_after and self.commits >= self.ends_after:
                return []  # the process is gone: nothing is written any more, nobody is told
            self.commits += 1
            answers = commit(db, jobs)
            if self.commits == self.ends_after:
                loop.call_soon_threadsafe(self.died.set)
                return []
            return answers

        writer._commit = mortal

    async def do(self, work: Callable[[], Any], again: Callable[[], Any]) -> None:
        """Do something; if the server ends meanwhile, start another, and do it again where it was not kept."""
        task, dead = asyncio.ensure_future(work()), asyncio.ensure_future(self.died.wait())
        await asyncio.wait({task, dead}, return_when=asyncio.FIRST_COMPLETED)
        dead.cancel()
        if not self.died.is_set():
            await task
            return
        self.ends_after = 0
        await self._bury(task)
        self.died.clear()
        await self.start()
        await self.advance("10s")  # what was under way is looked up, and sent again where it never left
        if await again():
            await work()

    async def _bury(self, task: asyncio.Future[Any]) -> None:
        """Drop all that lived in the process."""
        mine = asyncio.current_task()
        self.app.dispatcher.tasks.closing = True
        for _ in range(20):  # some begin others as they end
            doomed = [t for t in asyncio.all_tasks() if t is not mine]
            if not doomed:
                break
            for doomed_task in doomed:
                doomed_task.cancel()
            await asyncio.wait(doomed, timeout=0.05)
        store: Any = self.app.store
        await self.app.control.close()
        self.app._stack.pop_all()
        with suppress(Exception):
            store._hot.close()
        with suppress(Exception):
            await store._pages.close()
        await store.lane.stop()
        if store._lock is not None:
            store._lock.close()

    async def act(self, act: Act) -> None:
        kind = act[0]
        if kind == "text":
            number = act[2] if len(act) > 2 else FIRST
            before = await self._texted(number)

            async def unsaid() -> bool:
                return await self._texted(number) == before

            await self.do(lambda: self.text(number, act[1]), unsaid)
        elif kind == "wait":
            target = self.clock.now() + duration(act[1])

            async def early() -> bool:
                return self.clock.now() < target

            async def wait() -> None:
                await self.advance(max(0.0, target - self.clock.now()))

            await self.do(wait, early)
        else:
            data = dict(zip(("id", "who", "at"), act[2:], strict=False)) | {"doctor": "Nowak", "what": "fire"}
            key = f"{act} {self.clock.now()}"
            await self.do(lambda: self.keyed(act[1], data, key), self._yes)

    async def keyed(self, name: str, data: dict[str, str], key: str) -> None:
        """An event as a program sends it: again until it is taken, with the same key."""
        await self.app.commands.emit(name, FIRST, data, key=key)
        await self.advance("1s")

    @staticmethod
    async def _yes() -> bool:
        return True

    async def _texted(self, number: str) -> int:
        return sum(e["direction"] == "in" for e in await self.thread(number))

    async def seen(self) -> dict[str, list[str]]:
        """What each phone got, in order."""
        await self.advance("30m")
        return {number: [row["text"] for row in await self._arrived(number)] for number in (FIRST, NEXT)}

    async def _arrived(self, number: str) -> list[dict[str, Any]]:
        rows = await self.app.store.rows("sandbox_thread", phone=number, limit=1000)
        return [r for r in rows if r["direction"] == "out"]


def same(seen: dict[str, list[str]], want: dict[str, list[str]]) -> bool:
    """The same texts in the same order: what follows an unknown text waits for it (decision 0008)."""
    return all(seen[number] == texts for number, texts in want.items())


async def run(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, ends_after: int, live: bool
) -> tuple[Any, Any, int]:
    steps, acts = SCRIPTS[name]
    bot = targets.load(f"bots.{name}:bot", ROOT)
    module = importlib.import_module(f"bots.{name}")
    ran: Counter[str] = Counter()

    def counted(function: Any) -> Any:
        @functools.wraps(function)
        def call(*args: Any) -> Any:
            ran[f"{function.__name__}{args}"] += 1
            return function(*args)

        return call

    with monkeypatch.context() as patch:
        for step in steps:
            patch.setattr(module, step, counted(getattr(module, step)))
        folder.mkdir()
        sim = Mortal(bot, folder, ends_after=ends_after, live=live)
        async with sim:
            await sim.begin_at(1_795_428_000.0)  # 2026-11-23 10:00 UTC
            for act in acts:
                await sim.act(act)
            seen = await sim.seen()
            left = await sim.app.store.rows("counts")
            assert (left[0]["dead"], left[0]["unread"]) == (0, 0)
            return seen, ran, sim.commits


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
@pytest.mark.parametrize("name", sampled(SCRIPTS, "survey"))
async def test_an_end_after_each_commit_changes_nothing(
    name: str, live: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    want, steps, commits = await run(name, tmp_path / "undisturbed", monkeypatch, 0, live)
    assert commits > 20
    assert any(want.values())
    stride = 1 if request.config.getoption("--long") else 17
    for n in range(1 + (not live) * (stride // 2), commits, stride):
        seen, ran, _ = await run(name, tmp_path / str(n), monkeypatch, n, live)
        assert same(seen, want), f"after commit {n} of {commits}: {seen} instead of {want}"
        # one that had run but was not yet recorded runs again: at most the one that was under way
        again = ran - steps
        assert (steps - ran, again.total()) in ((Counter(), 0), (Counter(), 1)), f"after commit {n} of {commits}: {ran}"
