"""Operations from the command line, on a server that runs and on a database at rest."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.stores.backup import restore

from ..conftest import sampled
from ..processes import Process, running, smsbot

SETTINGS = '[bots.echo]\ntarget = "echo.py:bot"\nlines = ["7255"]\n'
BOT = "from smsbot import Bot\nbot = Bot()\n@bot.fallback\ndef echo(text: str) -> str:\n    return text\n"
ANN = "+48600100200"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "smsbot.toml").write_text(SETTINGS)
    (tmp_path / "echo.py").write_text(BOT)
    return tmp_path


@pytest.fixture
def server(place: Path) -> Iterator[Process]:
    with running("dev", "--no-reload", folder=place, log=place / "log") as process:
        yield process


def text(server: Process, *texts: str) -> None:
    for each in texts:
        httpx.post(f"{server.url}/sandbox/phones/{ANN}/texts", json={"text": each}, trust_env=False)


def heard(server: Process, count: int, patience: float = 10.0) -> list[str]:
    """The answers, once there are so many, or after a while those that are there."""
    end = time.monotonic() + patience
    while True:
        thread = httpx.get(f"{server.url}/sandbox/phones/{ANN}/texts", trust_env=False).json()
        found = [e["text"] for e in thread if e["direction"] == "out"]
        if len(found) >= count or time.monotonic() > end:
            return found
        time.sleep(0.05)


@pytest.mark.slow
def test_a_pause_from_the_command_line(place: Path, server: Process) -> None:
    done = smsbot("pause", "echo", "--why", "the menu is wrong", folder=place)
    assert done.returncode == 0
    assert "line 7255" in done.stdout
    assert "the menu is wrong" in done.stdout
    text(server, "a", "b")
    assert heard(server, 1, 0.5) == []
    page = httpx.get(server.url, trust_env=False).text
    assert "the menu is wrong" in page
    assert smsbot("resume", folder=place).stdout == "Nothing is paused.\n"
    assert heard(server, 2) == ["a", "b"]
    assert smsbot("pause", "ecko", folder=place).returncode == 2


@pytest.mark.slow
def test_a_pause_without_a_server(place: Path) -> None:
    lost = smsbot("pause", folder=place)
    assert (lost.returncode, "there is no database" in lost.stderr) == (2, True), (
        "a wrong folder must not look like success"
    )
    assert not (place / "smsbot.db").exists()
    assert smsbot("token", "add", "somebody", folder=place).returncode == 0
    assert smsbot("pause", "reply", folder=place).returncode == 0
    found = json.loads(smsbot("pause", "--list", "--json", folder=place).stdout)
    assert [(p["scope"], p["name"]) for p in found["paused"]] == [("lane", "reply")]
    assert smsbot("resume", "reply", folder=place).stdout == "Nothing is paused.\n"
    assert "echo was not paused" in smsbot("resume", "echo", folder=place).stderr


@pytest.mark.slow
def test_a_backup_of_a_running_server_is_restored_paused(place: Path, server: Process) -> None:
    text(server, "before")
    assert heard(server, 1) == ["before"]
    done = smsbot("db", "backup", "copy.db", "--json", folder=place)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["people"] == 1
    copy = place / "copy.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert smsbot("db", "check", "copy.db", folder=place).stdout.startswith("Whole: copy.db")
    assert smsbot("db", "backup", "copy.db", folder=place).returncode == 1, "a backup overwrites nothing"
    text(server, "after")
    assert heard(server, 2) == ["before", "after"]
    refused = smsbot("db", "restore", "copy.db", "--yes", folder=place)
    assert "stop it first" in refused.stderr
    assert server.stop() == 0
    done = smsbot("db", "restore", "copy.db", "--yes", folder=place)
    assert done.returncode == 0, done.stderr
    assert "texts that would leave" in done.stdout
    assert len(list(place.glob("smsbot.db.before-restore-*"))) >= 1
    server.start()
    server.ready()
    assert "paused: nothing leaves until" in (place / "log").read_text()
    assert "paused" in smsbot("doctor", "--offline", folder=place).stdout
    assert heard(server, 1) == ["before"]
    text(server, "again")
    assert heard(server, 2, 0.5) == ["before"]
    sent = smsbot("send", ANN, "hello", folder=place)
    assert "paused; it leaves after" in sent.stdout
    assert "everything is paused" in smsbot("trace", ANN, folder=place).stdout
    assert "that wait to be answered: 1" in smsbot("pause", "--list", folder=place).stdout
    smsbot("resume", folder=place)
    assert sorted(heard(server, 3)) == ["again", "before", "hello"]


@pytest.mark.slow
def test_what_an_old_database_left_behind_changes_no_restored_one(place: Path, server: Process) -> None:
    text(server, "before")
    assert heard(server, 1) == ["before"]
    assert smsbot("db", "backup", "copy.db", folder=place).returncode == 0
    text(server, "after", "STOP")
    assert heard(server, 3)
    server.kill()
    (place / "smsbot.db").unlink()
    assert (place / "smsbot.db-wal").exists(), "what was not checkpointed is still there"
    assert smsbot("db", "restore", "copy.db", "--yes", folder=place).returncode == 0
    with closing(sqlite3.connect(place / "smsbot.db")) as db:
        assert db.execute("SELECT count(*) FROM suppressions").fetchone()[0] == 0
        assert db.execute("SELECT scope FROM holds").fetchall() == [("all",)]


@pytest.mark.parametrize("root", sampled([True, False], True))
def test_root_restores_for_whom_the_old_database_belonged(
    place: Path, server: Process, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    """Root gives the new file to the owner of the old; nobody else may, and is not kept from restoring."""
    assert smsbot("db", "backup", "copy.db", folder=place).returncode == 0
    server.stop()
    owner = (place / "smsbot.db").stat()
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 10001)
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.append((Path(path).name, user, group)))
    restore(place / "copy.db", place / "smsbot.db", time.time())
    names = ("smsbot.db.restoring",) if root else ()
    assert given == [(name, owner.st_uid, owner.st_gid) for name in names]


def test_a_restore_where_there_was_no_database_asks_for_the_folder(place: Path, server: Process) -> None:
    assert smsbot("db", "backup", "copy.db", folder=place).returncode == 0
    (place / "elsewhere").mkdir()
    done = smsbot("db", "restore", "../copy.db", "--yes", "--db", "x.db", folder=place / "elsewhere")
    assert (done.returncode, "is this the right folder?" in done.stderr) == (0, True)


@pytest.mark.slow
def test_every_backup_under_load_is_whole(place: Path, server: Process) -> None:
    for n in range(6):
        text(server, *(f"{n}{k}" for k in range(15)))
        answered = len(heard(server, 0))
        done = smsbot("db", "backup", f"{n}.db", folder=place)
        assert done.returncode == 0, done.stderr
        with closing(sqlite3.connect(place / f"{n}.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert db.execute("SELECT count(*) FROM events").fetchone()[0] >= answered


def test_a_backup_that_is_cut_short_leaves_none(place: Path, server: Process) -> None:
    done = smsbot("db", "backup", "copy.db", folder=place, SMSBOT_FAILPOINT="backup.copied")
    assert done.returncode == -9
    assert not (place / "copy.db").exists()
    assert smsbot("db", "backup", "copy.db", folder=place).returncode == 0
    assert list(place.glob("*.partial")) == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "there is no file"),
        (lambda p: p.write_bytes(b"x" * 5000), "cannot be read"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: sqlite3.connect(p).execute("CREATE TABLE t (a)").connection.close(), "is no database of smsbot"),
    ],
)
def test_what_is_no_backup_is_not_restored(place: Path, make: Any, said: str) -> None:
    make(place / "bad.db")
    done = smsbot("db", "restore", "bad.db", "--yes", folder=place)
    assert done.returncode != 0
    assert said in done.stderr
    assert not (place / "smsbot.db").exists()


@pytest.mark.slow
def test_where_nothing_can_be_restored(place: Path, server: Process) -> None:
    assert smsbot("db", "backup", "copy.db", folder=place).returncode == 0
    server.stop()
    for database, said in (("nodir/x.db", "cannot be made"), ("copy.db", "is the database itself")):
        done = smsbot("db", "restore", "copy.db", "--yes", "--db", database, folder=place)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    asked = smsbot("db", "restore", "copy.db", "--json", folder=place)
    assert (asked.returncode, "add --yes" in asked.stderr) == (2, True)
    silent = smsbot("db", "restore", "copy.db", folder=place, text="")
    assert (silent.returncode, "Nothing was done." in silent.stderr) == (130, True)


@pytest.mark.slow
def test_nothing_to_retry(place: Path, server: Process) -> None:
    assert smsbot("retry", folder=place).returncode == 5
    assert smsbot("retry", "--dead", folder=place).returncode == 5
    done = smsbot("retry", "--line", "7256", folder=place)
    assert (done.returncode, "No bot has the line 7256; lines: 7255" in done.stderr) == (5, True)
    assert smsbot("retry", "--dead", "--status", "failed", folder=place).returncode == 2


@pytest.mark.slow
def test_retry_needs_a_server(place: Path) -> None:
    with running("dev", "--no-reload", folder=place, log=place / "log") as process:
        text(process, "a")
        assert heard(process, 1) == ["a"]
        while "delivered" not in smsbot("trace", ANN, "--json", folder=place).stdout:
            time.sleep(0.1)
        process.stop()
    with closing(sqlite3.connect(place / "smsbot.db")) as db, db:
        db.execute("UPDATE outgoing SET status = 'failed', rank = 4, detail = 'E-4-004'")
    done = smsbot("retry", "--yes", folder=place)
    assert (done.returncode, "start it first" in done.stderr) == (1, True)
    shown = smsbot("retry", folder=place, text="n\n")
    assert "+48•••200 on 7255, failed: E-4-004" in shown.stderr
    assert "SMS parts in all: 1." in shown.stderr
    with running("dev", "--no-reload", folder=place, log=place / "log") as process:
        assert smsbot("retry", "--yes", "--reason", "e-4", folder=place).stdout == "1 taken up again.\n"
        assert heard(process, 2) == ["a", "a"]
