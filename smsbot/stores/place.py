"""The file of a database: its lock, which is of the file by whatever name, and the mark beside it.

The mark holds the database's identity and the last place of its inbox, written after each commit. It is never ahead of
what is durable, so a database that is behind it has lost something: its file, or its write-ahead log.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from pathlib import Path

from smsbot.core.errors import StoreError, StoreGone, StoreLocked

_HELD: dict[tuple[int, int], int] = {}
"""Files that this process holds, and its descriptors. To open and close one of them once more would drop SQLite's own
locks (POSIX)."""
_MARK = re.compile(rb"smsbot 1 ([0-9a-f]{16}) ([0-9]{20})\n")
_LENGTH = 47
_TRIES = 20


class Lock:
    """Held by one process, from before it opens a database until after it has closed it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._file = (0, 0)

    def take(self) -> None:
        """Lock the file, which is made if it is not there; raises `StoreLocked` while another process holds it."""
        for _ in range(_TRIES):
            if self._tried():
                return
        raise StoreLocked(f"{self._path} is being replaced")

    def _tried(self) -> bool:
        """Whether the file that is locked is still the one of this name: a restore may have replaced it meanwhile."""
        try:
            if _file_of(self._path) in _HELD:
                raise StoreLocked(f"another smsbot serves {self._path}")
            fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise StoreLocked(f"another smsbot serves {self._path}") from error
        if _file_of(self._path) != _file_of(fd):
            os.close(fd)
            return False
        if os.fstat(fd).st_uid == os.geteuid():
            os.fchmod(fd, stat.S_IRUSR | stat.S_IWUSR)
        self._fd, self._file = fd, _file_of(fd)
        _HELD[self._file] = fd
        return True

    def close(self) -> None:
        """Let go, once the database is closed."""
        if self._fd >= 0:
            _HELD.pop(self._file, None)
            os.close(self._fd)
            self._fd = -1


def _let_go() -> None:
    """A child that the code of a bot has forked shares our locks: without this they outlive us in it."""
    for fd in _HELD.values():
        os.close(fd)
    _HELD.clear()


os.register_at_fork(after_in_child=_let_go)


def _file_of(file: Path | int) -> tuple[int, int]:
    """Which file it is, whatever it is called; none for a name that nothing has."""
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return (0, 0)
    return found.st_dev, found.st_ino


class Mark:
    """The last known state of a database, in a file beside it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._identity = ""
        self._fd = -1
        self._last = -1

    @property
    def path(self) -> Path:
        """The file."""
        return Path(f"{self._database.resolve()}.mark")

    def check_there(self) -> None:
        """Raise `StoreGone` if the database was there once, and is not now."""
        if self.read() is None or (self._database.is_file() and self._database.stat().st_size):
            return
        raise StoreGone(f"{self._database} was there and is gone, or empty{self._remedy()}")

    def check_name(self) -> None:
        """Raise `StoreGone` if the database was served by another name: SQLite looks for its log beside this one."""
        if self.read() is None and self._database.stat().st_nlink > 1:
            why = "has a second name (a hard link), and what was written last may lie in the log beside that one"
            raise StoreGone(f"{self._database} {why}; serve it by the name by which it was served, or copy it")

    def check_same(self, identity: bytes, seq: int) -> None:
        """Raise `StoreGone` if the database is another, or has lost what was committed."""
        known = self.read()
        if known is None or (known[0] == identity.hex() and known[1] <= seq):
            return
        if known[0] != identity.hex():
            raise StoreGone(f"{self._database} is another database than the one that was served here{self._remedy()}")
        lost = known[1] - seq
        raise StoreGone(f"{self._database} has lost its last {lost} texts and events, or its -wal file{self._remedy()}")

    def _remedy(self) -> str:
        return f" (what was last known stands in {self.path.name}, beside it)"

    def read(self) -> tuple[str, int] | None:
        """Identity and last place; None without a mark, or with one that cannot be read."""
        try:
            match = _MARK.fullmatch(self.path.read_bytes())
        except OSError:
            return None
        return (match[1].decode(), int(match[2])) if match is not None else None

    def open(self, identity: bytes, seq: int) -> None:
        """Begin to keep it; a folder that cannot be written to has none."""
        self._identity = identity.hex()
        try:
            self._fd = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        self.keep(seq)
        os.ftruncate(self._fd, _LENGTH)

    def keep(self, seq: int) -> None:
        """So much is durable."""
        if self._fd >= 0 and seq != self._last:
            self._last = seq
            try:
                os.pwrite(self._fd, f"smsbot 1 {self._identity} {seq:020}\n".encode(), 0)
            except OSError:  # a full disk: an older mark is still true
                self._last = -1

    def close(self) -> None:
        """Keep it no more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def forget(self) -> None:
        """Another database takes this place."""
        self.path.unlink(missing_ok=True)
