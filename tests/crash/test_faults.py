"""A full disk, a locked database, a broken one, a clock that jumps, an outage: nothing acknowledged is lost."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot import Bot, Chat
from smsbot.core.clock import iso

from ..conftest import leave_out
from ..house import ANN, House
from ..processes import Process, free_port

SETTINGS = """
[bots.echo]
target = "echo.py:bot"
lines = ["7255"]
[lines."7255"]
country = "PL"
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:9/v2.1"
"""
BOT = "from smsbot import Bot\nbot = Bot()\n@bot.fallback\ndef echo(text: str) -> str:\n    return text\n"
SECRETS = {
    "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
    "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
    "PUBLIC_URL": "https://bots.test",
}


class Victim:
    """A server to which things happen; everything it acknowledged must be in its database once."""

    def __init__(self, folder: Path, database: Path, before: tuple[str, ...] = ()) -> None:
        (folder / "smsbot.toml").write_text(SETTINGS)
        (folder / "echo.py").write_text(BOT)
        self.database = database
        self.process = Process(
            "run", "--db", str(database), port=free_port(), folder=folder, log=folder / "log", before=before, **SECRETS
        )
        self.acknowledged: list[str] = []
        self._n = 0

    def start(self) -> None:
        self.process.start()
        try:
            self.process.ready()
        except BaseException:
            self.process.kill()
            raise

    def hook(self, database: Path | None = None) -> str:
        with closing(sqlite3.connect(database or self.database, timeout=20)) as db:
            secret: str = db.execute("SELECT secret FROM hook_secrets").fetchone()[0]
        return f"{self.process.url}/hooks/main/{secret}/inbound"

    def text(self, hook: str, identity: str = "") -> tuple[int, float]:
        """Deliver one text; the status and the seconds it took."""
        self._n += 1
        identity = identity or f"t{self._n}"
        body = {"id": identity, "from": f"6001{self._n:05d}", "to": "7255", "message": "hello " * 20}
        began = time.monotonic()
        status = httpx.post(hook, json=body, timeout=40, trust_env=False).status_code
        if status == 200:
            self.acknowledged.append(identity)
        return status, time.monotonic() - began

    def check(self, database: Path | None = None) -> None:
        """Everything acknowledged is there, once."""
        assert self.process.process.poll() is None, "the server ended"
        with closing(sqlite3.connect(database or self.database, timeout=20)) as db:
            kept = Counter(r[0] for r in db.execute("SELECT gateway_id FROM events"))
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert [i for i in self.acknowledged if kept[i] != 1] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Victim, Path]]:
    """A server whose database lies on a disk of 4 MB in a mount namespace of its own."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode
    ):
        leave_out("unshare", "unshare with user namespaces")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=4m tmpfs "{disk}" && exec "$@"'
    victim = Victim(tmp_path, disk / "x.db", before=("unshare", "-rm", "sh", "-c", mount, "sh"))
    victim.start()
    inside = Path(f"/proc/{victim.process.process.pid}/root{disk}")
    yield victim, inside
    victim.process.kill()


def outside(disk: Path) -> Path:
    """A copy of the database outside its namespace: SQLite would follow the link back to this one."""
    folder = Path(str(disk).partition("/root")[2]).parent
    for name in ("x.db", "x.db-wal"):
        if (disk / name).exists():
            shutil.copyfile(disk / name, folder / f"copied-{name}")
    return folder / "copied-x.db"


@pytest.mark.needs("unshare")
def test_a_full_disk_is_said_at_once_and_got_over(small_disk: tuple[Victim, Path]) -> None:
    victim, disk = small_disk
    hook = victim.hook(outside(disk))
    assert victim.text(hook)[0] == 200
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as f:
        while True:
            f.write(b"x" * 4096)
    statuses = [victim.text(hook) for _ in range(30)]
    refused = [seconds for status, seconds in statuses if status == 503]
    assert len(refused) > 10, statuses
    assert sorted(refused)[-2] < 1.0, "503 within a second, but for one slow moment of a busy machine"
    assert max(refused) < 10.0
    assert {status for status, _ in statuses} <= {200, 503}
    assert httpx.get(f"{victim.process.url}/healthz", trust_env=False).status_code == 200
    for _ in range(100):  # room for one more text comes and goes, as the log is taken up
        if victim.text(hook)[0] == 503:
            ready = httpx.get(f"{victim.process.url}/readyz", trust_env=False)
            if ready.status_code == 503:
                break
    assert (ready.status_code, "does not keep" in ready.text) == (503, True)
    filler.unlink()
    assert httpx.get(f"{victim.process.url}/readyz", trust_env=False).status_code == 200
    began = time.monotonic()
    while victim.text(hook)[0] != 200:
        assert time.monotonic() - began < 10, "it takes texts again once there is space"
        time.sleep(0.1)
    for _ in range(5):
        assert victim.text(hook)[0] == 200
    victim.check(outside(disk))


@pytest.mark.parametrize("seconds", [pytest.param(7, marks=pytest.mark.slow), pytest.param(30, marks=pytest.mark.long)])
def test_a_locked_database_acknowledges_nothing(tmp_path: Path, seconds: int) -> None:
    victim = Victim(tmp_path, tmp_path / "x.db")
    victim.start()
    try:
        hook = victim.hook()
        assert victim.text(hook)[0] == 200
        with closing(sqlite3.connect(victim.database, isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            end, statuses = time.monotonic() + seconds, []
            while time.monotonic() < end:
                statuses.append(victim.text(hook, identity="same")[0])
            foreign.execute("ROLLBACK")
        assert set(statuses[:-1]) == {503}, "no 2xx without a commit"
        began = time.monotonic()
        while victim.text(hook, identity="same")[0] != 200:
            assert time.monotonic() - began < 5
        assert victim.text(hook)[0] == 200
        victim.check()
    finally:
        victim.process.kill()


@pytest.mark.needs("strace")
@pytest.mark.slow
@pytest.mark.parametrize(
    "call", ["pwrite64:error=EIO:when=40..55", "fdatasync:error=EIO:when=15..20", "pwrite64:error=ENOSPC:when=50..70"]
)
def test_a_disk_that_fails_for_a_while(tmp_path: Path, call: str) -> None:
    if shutil.which("strace") is None:
        leave_out("strace", "strace")
    name = call.partition(":")[0]
    strace = ("strace", "-D", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={call}")
    first = Victim(tmp_path, tmp_path / "x.db")
    first.start()
    first.process.stop()
    victim = Victim(tmp_path, tmp_path / "x.db", before=strace)
    victim.start()
    try:
        hook = victim.hook()
        statuses = [victim.text(hook)[0] for _ in range(60)]
        assert set(statuses) == {200, 503}, statuses
        assert statuses[-5:] == [200] * 5, "it goes on once the disk does"
        victim.check()
    finally:
        victim.process.stop()


def reminding() -> Bot:
    bot = Bot()

    @bot.event("remind")
    def remind(chat: Chat, event: dict[str, Any]) -> None:
        chat.say(f"Remember {event['n']}", valid="1h")

    @bot.fallback
    def answer(text: str) -> str:
        return f"got {text}"

    return bot


@pytest.mark.parametrize(
    "each", [10, pytest.param(20, marks=pytest.mark.slow), pytest.param(250, marks=pytest.mark.long)]
)
async def test_six_hours_of_outage_send_nothing_stale(house: Any, each: int) -> None:
    """The provider is away for six hours, in which reminders and replies come due; then it is back (C9)."""
    h: House = await house(reminding())
    start, outage = h.clock.now(), 6 * 3600
    h.provider.next = ["down"] * 1_000_000
    for n in range(each):
        at = start + outage * (n + 1) / each
        assert await h.app.events.emit("remind", f"+4860020{n:04d}", {"n": n}, at=at, valid=3600.0) == "scheduled"
    for n in range(each):
        await h.advance(f"{outage / each:.0f}s")
        await h.text(f"+4860030{n:04d}", f"hello {n}")
    back = h.clock.now()
    assert [r["status"] for r in await h.outgoing() if r["status"] not in ("queued", "expired")] == []
    h.provider.next = []
    await h.advance("10m")
    rows = await h.outgoing()
    assert len(rows) == 2 * each
    gone = {r["id"]: r for r in rows if r["status"] == "delivered"}
    assert Counter(r["status"] for r in rows) == Counter(delivered=len(gone), expired=2 * each - len(gone))
    assert 0.12 < len(gone) / (2 * each) < 0.25, "what came due in the last hour is still worth sending"
    for row in rows:
        (text,) = await h.app.store.rows("outgoing", id=row["id"])
        sent = [a["started"] for a in await h.app.store.rows("attempts", id=row["id"]) if a["outcome"] == "accepted"]
        assert all(moment <= text["expires"] for moment in sent), "nothing leaves past its time"
        assert bool(sent) == (row["id"] in gone)
        if not sent:
            assert text["expires"] <= h.clock.now()
            assert text["detail"] == "not sent in time", text["detail"]
    assert back - start >= outage - 300


async def test_we_were_away_for_six_hours(house: Any) -> None:
    """The server itself was off: reminders of that time begin only if they are still worth it."""
    h: House = await house(reminding())
    start = h.clock.now()
    for n in range(100):
        await h.app.events.emit("remind", f"+4860020{n:04d}", {"n": n}, at=start + 6 * 3600 * n / 100, valid=3600.0)
    await h.stop()
    h.clock.move_to(start + 6 * 3600)
    await h.start()
    await h.settle()
    await h.advance("1m")
    rows = await h.outgoing()
    assert 14 <= len(rows) <= 18, "those of the last hour"
    assert {r["status"] for r in rows} == {"delivered"}


@pytest.mark.parametrize("jump", [-3600.0, -86400.0 * 365, 3600.0])
async def test_a_clock_that_jumps_loses_no_timer_and_fires_none_early(house: Any, jump: float) -> None:
    bot = Bot(timeout="10m")

    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.sleep("10m")
        return "ten minutes later"

    h: House = await house(bot)
    await h.text(ANN, "go")
    due = h.clock.now() + 600
    h.clock.set_to(h.clock.now() + jump)
    await h.restart()
    await h.advance("1m")
    early = h.clock.now() < due
    assert await h.heard(ANN) == ([] if early else ["ten minutes later"])
    h.clock.set_to(due + 1)
    await h.advance("1m")
    assert await h.heard(ANN) == ["ten minutes later"]
    assert iso(h.clock.now()) > iso(due)
