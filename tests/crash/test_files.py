"""Files: two servers, a restore that is killed, a database that is gone, a log of it that is gone, open secrets."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.configuration import check_live, read
from smsbot.core.errors import SettingsError, StoreGone, StoreLocked, UsageError
from smsbot.stores.backup import check, restore
from smsbot.stores.place import Mark
from smsbot.stores.sqlite import SqliteStore
from smsbot.web.control import own_folder, peer_of, socket_path

from ..conftest import leave_out, sampled
from ..processes import SMSBOT, clean_environment, smsbot
from .test_faults import SECRETS, Victim

pytestmark = pytest.mark.slow

NOW = 1_790_000_000.0


@pytest.fixture
def victim(tmp_path: Path) -> Any:
    made = Victim(tmp_path, tmp_path / "smsbot.db")
    made.start()
    yield made
    made.process.kill()


def told(victim: Victim) -> str:
    return victim.process.log.read_text()


# -- one server a database ----------------------------------------------------------------------------

OTHER_NAMES: dict[str, Callable[[Path], Path]] = {
    "the same": lambda db: db,
    "a symlink": lambda db: link(db, os.symlink),
    "a hard link": lambda db: link(db, os.link),
    "a folder's symlink": lambda db: link_folder(db) / db.name,
    "without its .lock": lambda db: without(db, ".lock"),
    "without its .mark": lambda db: without(db, ".mark"),
    "a way around": lambda db: db.parent / ".." / db.parent.name / db.name,
}


def link(db: Path, make: Any) -> Path:
    other = db.with_name("other.db")
    make(db, other)
    return other


def link_folder(db: Path) -> Path:
    other = db.parent.parent / f"{db.parent.name}-link"
    other.symlink_to(db.parent)
    return other


def without(db: Path, suffix: str) -> Path:
    Path(f"{db}{suffix}").unlink(missing_ok=True)
    return db


@pytest.mark.parametrize("name", sampled(OTHER_NAMES, "a symlink"))
def test_two_servers_never_share_a_database(victim: Victim, name: str) -> None:
    database = OTHER_NAMES[name](victim.database)
    done = subprocess.run(
        [*SMSBOT, "run", "--db", str(database), "--port", "0"], cwd=victim.process.log.parent,
        env=clean_environment(**SECRETS), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode != 0, "another smsbot serves" in done.stderr) == (True, True), done.stderr
    assert victim.text(victim.hook())[0] == 200


async def test_one_process_cannot_open_it_twice_and_keeps_its_locks(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "x.db")
    await first.open(NOW)
    for path in (tmp_path / "x.db", link(tmp_path / "x.db", os.symlink)):
        with pytest.raises(StoreLocked):
            await SqliteStore(path).open(NOW)
    await first.write([("meta", ("a", "b"))])
    await first.close()
    again = SqliteStore(tmp_path / "x.db")
    await again.open(NOW)
    await again.close()


# -- what was there and is gone -----------------------------------------------------------------------


def stopped(victim: Victim, *, kill: bool = False) -> str:
    hook = victim.hook()
    for _ in range(3):
        assert victim.text(hook)[0] == 200
    if kill:
        victim.process.kill()
    else:
        victim.process.stop()
    return hook


def lose_wal(db: Path) -> None:
    assert Path(f"{db}-wal").stat().st_size
    Path(f"{db}-wal").unlink()


LOSSES: dict[str, Callable[[Path], object]] = {
    "its file": lambda db: db.unlink(),
    "its contents": lambda db: db.write_bytes(b""),
    "its log": lose_wal,
    "a week": lambda db: shutil.copy(db.with_name("old.db"), db),
    "its identity": lambda db: shutil.copy(db.with_name("foreign.db"), db),
}


@pytest.mark.parametrize("loss", sampled(LOSSES, "its log"))
def test_a_database_that_has_lost_something_is_not_served(victim: Victim, loss: str) -> None:
    assert smsbot("db", "backup", "old.db", "--db", str(victim.database), folder=victim.database.parent).returncode == 0
    with closing(sqlite3.connect(victim.database.with_name("old.db"))) as db:
        db.execute("PRAGMA user_version")
    shutil.copy(victim.database.with_name("old.db"), victim.database.with_name("foreign.db"))
    with closing(sqlite3.connect(victim.database.with_name("foreign.db"))) as db:
        db.execute("UPDATE meta SET value = randomblob(32) WHERE name = 'dedupe_key'")
        db.commit()
    stopped(victim, kill=loss == "its log")
    LOSSES[loss](victim.database)
    if loss in ("its file", "its contents"):
        for suffix in ("-wal", "-shm"):
            Path(f"{victim.database}{suffix}").unlink(missing_ok=True)
    with pytest.raises(AssertionError) as caught:
        victim.start()
    assert "SB309" in str(caught.value)
    assert ".mark" in str(caught.value), "the remedy is named"
    Mark(victim.database).path.unlink()
    victim.start()


@pytest.mark.slow
def test_what_was_stopped_or_killed_is_served_again(victim: Victim) -> None:
    for kill in (True, False, True):
        stopped(victim, kill=kill)
        victim.start()
    victim.check()


@pytest.mark.parametrize("mark", [b"", b"smsbot 2 x\n", b"\xff" * 100, b"smsbot 1 0000"])
async def test_a_mark_that_cannot_be_read_stops_nobody(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "x.db.mark").write_bytes(mark)
    store = SqliteStore(tmp_path / "x.db", guarded=True)
    await store.open(NOW)
    await store.close()
    assert Mark(tmp_path / "x.db").read() is not None
    (tmp_path / "x.db").unlink()
    with pytest.raises(StoreGone):
        await SqliteStore(tmp_path / "x.db", guarded=True).open(NOW)


# -- kill -9 at every step ----------------------------------------------------------------------------


def ended_at(folder: Path, point: str, *arguments: str) -> None:
    environment = clean_environment(SMSBOT_FAILPOINT=point, **SECRETS)
    done = subprocess.run(
        [*SMSBOT, *arguments], cwd=folder, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("point", sampled(["restore.copied", "restore.kept", "restore.placed"], "restore.kept"))
def test_a_restore_that_is_killed_leaves_the_old_or_the_new(victim: Victim, point: str) -> None:
    folder = victim.database.parent
    assert victim.text(victim.hook())[0] == 200
    assert smsbot("db", "backup", "copy.db", folder=folder).returncode == 0
    stopped(victim)
    before = texts(victim.database)
    ended_at(folder, point, "db", "restore", "copy.db", "--yes")
    check(victim.database)
    after, paused = texts(victim.database), holds(victim.database)
    assert (after, paused) in ((before, []), (before - 3, ["restored from copy.db"])), "whole, and it says which"
    victim.start()
    assert texts(victim.database) == after
    assert bool(paused) == ("restored from copy.db" in told(victim))
    victim.process.stop()
    assert smsbot("db", "restore", "copy.db", "--yes", folder=folder).returncode == 0, "and it can be done once more"
    assert holds(victim.database) == ["restored from copy.db"]


def texts(database: Path) -> int:
    with closing(sqlite3.connect(database)) as db:
        return int(db.execute("SELECT count(*) FROM events WHERE kind = 'text'").fetchone()[0])


def holds(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as db:
        return [row[0] for row in db.execute("SELECT why FROM holds WHERE scope = 'all'")]


def test_a_backup_that_is_killed_leaves_nothing_that_looks_like_one(victim: Victim) -> None:
    ended_at(victim.database.parent, "backup.copied", "db", "backup", "copy.db")
    assert not (victim.database.parent / "copy.db").exists()
    assert smsbot("db", "backup", "copy.db", folder=victim.database.parent).returncode == 0


@pytest.mark.parametrize("n", sampled([1, 2, 3, 5, 7], 3))
@pytest.mark.parametrize("point", sampled(["migration.written", "migration.done"], "migration.done"))
def test_a_first_start_that_is_killed_is_begun_again(tmp_path: Path, point: str, n: int) -> None:
    made = Victim(tmp_path, tmp_path / "smsbot.db")
    ended_at(tmp_path, f"{point}:{n}", "run", "--db", str(made.database), "--port", "0")
    made.start()
    try:
        assert made.text(made.hook())[0] == 200
        made.check()
    finally:
        made.process.kill()


def test_a_restore_over_a_link_keeps_the_link(victim: Victim) -> None:
    folder = victim.database.parent
    assert smsbot("db", "backup", "copy.db", folder=folder).returncode == 0
    victim.process.stop()
    other = link(victim.database, os.symlink)
    restore(folder / "copy.db", other, time.time())
    assert other.is_symlink()
    assert holds(victim.database) == ["restored from copy.db"]


# -- the control socket, secrets ----------------------------------------------------------------------


def test_the_control_socket_lies_in_a_folder_of_ours(victim: Victim) -> None:
    path = socket_path(Path(f"{victim.database}.run"))
    assert path.is_socket()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.connect(str(path))
        assert peer_of(knocking) == os.geteuid()


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    own_folder(tmp_path / "a")
    (tmp_path / "a").chmod(0o777)
    own_folder(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").write_text("")
    for strange in ("b", "c"):
        with pytest.raises(UsageError, match="is not a folder of ours"):
            own_folder(tmp_path / strange)


def test_a_long_path_has_its_socket_in_a_folder_of_ours_too() -> None:
    path = socket_path(Path("/" + "x" * 120) / "smsbot.db.run")
    assert path.parent.name == f"smsbot-{os.getuid()}"
    assert len(str(path)) < 100


@pytest.mark.parametrize(
    ("line", "mode", "refused"),
    [
        ("SMSBOT_DASHBOARD_PASSWORD=a-good-password", 0o644, True),
        ("SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION=key-of-the-test", 0o640, True),
        ("SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY=app-of-the-test", 0o604, True),
        ("SMSBOT_DASHBOARD_PASSWORD=a-good-password", 0o600, False),
        ("SMSBOT_CODES_SECRET=0123456789abcdef0123456789abcdef", 0o644, True),
        ("DATABASE_URL=postgresql://ann:a-good-password@db.example/bots", 0o644, True),
        ("DATABASE_URL=postgresql://ann@db.example/bots", 0o644, False),
        ("SMSBOT_DASHBOARD_PASSWORD=", 0o644, False),
        ("PUBLIC_URL=https://bots.test", 0o644, False),
        ("SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION_FILE=/run/secrets/x", 0o644, False),
    ],
)
def test_a_dotenv_with_secrets_is_for_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, mode: int, refused: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(line + "\n")
    (tmp_path / ".env").chmod(mode)
    try:
        check_live(read())
        problems: Sequence[str] = []
    except SettingsError as error:
        problems = error.problems
    assert any(".env holds secrets" in p for p in problems) is refused
    assert not any("password" in p and "good" in p for p in problems)


def test_a_server_answers_after_all_that(victim: Victim) -> None:
    assert httpx.get(f"{victim.process.url}/readyz", trust_env=False).status_code == 200


# -- kill -9 at every call ----------------------------------------------------------------------------

CALLS = ("pwrite64", "ftruncate", "fsync", "fdatasync", "unlink", "rename", "link")


@pytest.mark.slow
@pytest.mark.needs("strace")
@pytest.mark.parametrize("command", ["restore", "backup"])
def test_no_call_of_a_restore_or_a_backup_may_not_be_its_last(tmp_path: Path, command: str) -> None:
    """Ended before each n-th call that changes a file, whichever it is: the old or the new stands, whole."""
    if shutil.which("strace") is None:
        leave_out("strace", "strace")
    made = Victim(tmp_path, tmp_path / "smsbot.db")
    made.start()
    try:
        assert made.text(made.hook())[0] == 200
        assert smsbot("db", "backup", "copy.db", folder=tmp_path).returncode == 0
        stopped(made)
    finally:
        made.process.kill()
    before = texts(made.database)
    arguments = ["restore", "copy.db", "--yes"] if command == "restore" else ["backup", "again.db"]
    ends = 0
    for call in CALLS:
        for nth in range(1, 400):
            (tmp_path / "again.db").unlink(missing_ok=True)
            code = traced(tmp_path, f"inject={call}:signal=KILL:when={nth}", arguments).returncode
            assert (texts(made.database), holds(made.database)) in (
                (before, []),
                (before - 3, ["restored from copy.db"]),
            )
            check(made.database)  # whatever was half done is finished, or taken back, by whoever opens it first
            if command == "backup" and (tmp_path / "again.db").exists():
                check(tmp_path / "again.db")
            if code == 0:
                break
            ends += 1
            put_back(made.database, before)
    assert ends > 8


def traced(folder: Path, inject: str, arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
    name = inject.removeprefix("inject=").partition(":")[0]
    trace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject]
    environment = clean_environment(PYTHONDONTWRITEBYTECODE="1", **SECRETS)
    return subprocess.run(
        [*trace, *SMSBOT, "db", *arguments], cwd=folder, env=environment, capture_output=True, timeout=60, check=False
    )


def put_back(database: Path, before: int) -> None:
    """The old database again, where the new one had taken its place."""
    if texts(database) == before:
        return
    olds = sorted(database.parent.glob("smsbot.db.before-restore-*"), key=lambda p: p.stat().st_mtime)
    old = next(p for p in olds if not p.name.endswith(("-wal", "-shm", "-journal")) and texts(p) == before)
    database.unlink()
    shutil.copy(old, database)


async def test_a_second_name_without_its_log_is_refused(tmp_path: Path) -> None:
    """SQLite finds a write-ahead log beside the name that it is given: by another, the last texts would be missing."""
    store = SqliteStore(tmp_path / "x.db")
    await store.open(0.0)
    os.link(tmp_path / "x.db", tmp_path / "y.db")
    with pytest.raises(StoreLocked):
        await SqliteStore(tmp_path / "y.db").open(0.0)
    await store.close()
    with pytest.raises(StoreGone, match="second name"):
        await SqliteStore(tmp_path / "y.db").open(0.0)
    again = SqliteStore(tmp_path / "x.db")
    await again.open(0.0)
    await again.close()
