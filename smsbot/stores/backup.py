"""Copies of the SQLite file: made while a server writes, checked before they count, restored paused."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from smsbot.core.errors import BackupError, StoreError, StoreLocked, StoreTooNew
from smsbot.failpoints import reached

from .place import Lock, Mark
from .queries import migrations

_COUNTS = {
    "people": "SELECT count(DISTINCT number) FROM events",
    "open conversations": "SELECT count(*) FROM conversations WHERE run IS NOT NULL",
    "texts that would leave": "SELECT count(*) FROM outgoing WHERE phase IN ('queue', 'behind', 'held', 'attempt')",
    "unknown texts": "SELECT count(*) FROM outgoing WHERE phase = 'check'",
    "timers": "SELECT count(*) FROM timers",
    "texts without a turn": "SELECT count(*) FROM events WHERE state = 0",
}


def copy(source: Path, target: Path) -> dict[str, int]:
    """Copy a database, also one that is being written to, and check the copy; what is in it. Raises `BackupError`.

    The copy is one moment of the database (SQLite's online backup), whole or not there at all.
    """
    if not source.is_file():
        raise BackupError(f"there is no database {source}")
    if os.path.lexists(target):
        raise BackupError(f"{target} exists already; a backup never overwrites anything")
    partial = Path(f"{target}.partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as db,
            closing(sqlite3.connect(partial)) as made,
        ):
            db.backup(made)
            made.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        reached("backup.copied")
        found = check(partial)
        partial.rename(target)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"the backup could not be made: {error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return found


def check(path: Path) -> dict[str, int]:
    """Whether a file is a whole database of ours; what is in it. Raises `BackupError`."""
    if not path.is_file():
        raise BackupError(f"{path} is a folder" if path.is_dir() else f"there is no file {path}")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            wrong = db.execute("PRAGMA integrity_check(3)").fetchone()[0]
            if wrong != "ok":
                raise BackupError(f"{path} is damaged: {wrong}")
            version, newest = db.execute("PRAGMA user_version").fetchone()[0], migrations("sqlite")[-1][0]
            if not version:
                raise BackupError(f"{path} is no database of smsbot")
            if version > newest:
                raise StoreTooNew(f"{path} has schema {version}, this smsbot knows up to {newest}")
            return {name: db.execute(sql).fetchone()[0] for name, sql in _COUNTS.items()}
    except sqlite3.Error as error:
        raise BackupError(f"{path} cannot be read: {error}") from error


def restore(backup: Path, target: Path, now: float) -> tuple[dict[str, int], Path | None]:
    """Put a backup in the place of a database that nobody serves; what is in it, and where the old one went.

    The restored database is paused: what was sent since the backup is still owed in it.
    """
    found = check(backup)
    if target.exists() and target.samefile(backup):
        raise BackupError(f"{backup} is the database itself")
    target = target.resolve()  # where a link leads: the link stays
    new = not target.exists()
    with locked(target):
        partial, old = Path(f"{target}.restoring"), Path(f"{target}.before-restore-{int(now)}")
        try:
            _made_paused(backup, partial, now)
            reached("restore.copied")
            _belongs_as(target if not new else target.parent, partial)
            kept = _kept(target, old, new=new)
            reached("restore.kept")
            Mark(target).forget()
            partial.replace(target)  # at this moment the new one is there, and not before
            _durable(target.parent)
            reached("restore.placed")
        except (sqlite3.Error, OSError) as error:
            partial.unlink(missing_ok=True)
            raise BackupError(f"the backup could not be restored: {error}") from error
    return found, kept


def _made_paused(backup: Path, partial: Path, now: float) -> None:
    """A copy of a backup in which nothing leaves until somebody has looked."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{partial}{suffix}").unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    why = f"restored from {backup.name}"
    with (
        closing(sqlite3.connect(f"{backup.resolve().as_uri()}?mode=ro", uri=True)) as db,
        closing(sqlite3.connect(partial)) as made,
    ):
        db.backup(made)
        made.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        with made:
            made.execute("INSERT OR REPLACE INTO holds (scope, name, at, why) VALUES ('all', '', ?, ?)", (now, why))
    _durable(partial)


def _kept(target: Path, old: Path, *, new: bool) -> Path | None:
    """A second name for what is there, whole in one file: its log is written into it first. None if nothing is."""
    moved = not new
    if moved:
        _in_one_file(target)
    for suffix in ("-wal", "-shm", "-journal"):  # of one that is damaged or gone: they would change the restored one
        with suppress(FileNotFoundError):
            Path(f"{target}{suffix}").rename(f"{old}{suffix}")
            moved = True
    if not new:
        os.link(target, old)
    return old if moved else None


def _in_one_file(target: Path) -> None:
    with suppress(sqlite3.Error), closing(sqlite3.connect(target)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # and the last connection to close removes it


def _durable(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _belongs_as(model: Path, *files: Path) -> None:
    """Give files to the owner of another: root restores for the user under which the server runs."""
    owner = model.stat()
    for file in files:
        if os.geteuid() == 0:  # nobody else may give files away
            os.chown(file, owner.st_uid, owner.st_gid)


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """The lock that a server holds; raises `StoreLocked` while one does."""
    there = target.exists()
    lock = Lock(target)
    try:
        lock.take()
    except StoreLocked as error:
        raise StoreLocked(f"a smsbot serves {target}; stop it first") from error
    except StoreError as error:
        raise BackupError(f"{target} cannot be made: {error.args[0].rpartition(': ')[2]}") from error
    try:
        yield
    finally:
        if not there and target.exists() and not target.stat().st_size:  # nothing came of it
            target.unlink()
        lock.close()


def unserved(target: Path) -> None:
    """Raise `StoreLocked` if a server holds the database."""
    with locked(target):
        pass
