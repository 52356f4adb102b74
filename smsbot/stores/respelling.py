"""Numbers that stand in a database under spellings which are one person's now: they are joined, and nothing is lost.

A smsbot before schema 6 kept ``+5215512345678`` and ``+525512345678`` apart, so that an opt-out of one did not hold for
the other. Who has opted out under any spelling has opted out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from smsbot.core import phone

_PLAIN = ("events", "runs", "outgoing", "handoffs")
"""Tables whose rows only name a number."""


def respell(db: sqlite3.Connection) -> int:
    """Bring every number to its one spelling, inside the migration's transaction; how many were changed."""
    found = {number for table in ("conversations", *_PLAIN, "contacts", "suppressions", "consents", "timers")
             for (number,) in db.execute(f"SELECT DISTINCT number FROM {table}")}  # fmt: skip
    changed = sorted((old, new) for old in found if (new := _spelling(old)) != old)
    for old, new in changed:
        _join(db, old, new)
    return len(changed)


def _spelling(number: str) -> str:
    return phone.normalise(number) if phone.is_number(number) else number


def _join(db: sqlite3.Connection, old: str, new: str) -> None:
    """One person's two spellings become one; where both have something open, the newer goes on."""
    for line, run, version in db.execute(
        "SELECT line, run, version FROM conversations WHERE number = ?", (old,)
    ).fetchall():
        _join_conversation(db, line, old, new, run, version)
    for table in _PLAIN:
        db.execute(f"UPDATE {table} SET number = ? WHERE number = ?", (new, old))
    db.execute("UPDATE OR IGNORE contacts SET number = ? WHERE number = ?", (new, old))
    db.execute("DELETE FROM contacts WHERE number = ?", (old,))
    db.execute(
        "INSERT INTO suppressions (number, at) SELECT ?, at FROM suppressions WHERE number = ? "
        "ON CONFLICT (number) DO UPDATE SET at = max(at, excluded.at)", (new, old),
    )  # fmt: skip
    db.execute("DELETE FROM suppressions WHERE number = ?", (old,))
    db.execute(  # the ledger is only added to, so what was said under the old spelling stands there still
        "INSERT INTO consents (number, line, action, text, at, source, shown) "
        "SELECT ?, line, action, text, at, source || '; the same number, spelled ' || number, shown "
        "FROM consents WHERE number = ? ORDER BY id", (new, old),
    )  # fmt: skip
    db.execute("UPDATE OR IGNORE holds SET name = ? WHERE scope = 'contact' AND name = ?", (new, old))
    db.execute("DELETE FROM holds WHERE scope = 'contact' AND name = ?", (old,))
    db.execute("UPDATE OR IGNORE timers SET number = ? WHERE number = ?", (new, old))
    db.execute("DELETE FROM timers WHERE number = ?", (old,))
    db.execute("UPDATE OR IGNORE sandbox_phones SET number = ? WHERE number = ?", (new, old))
    db.execute("UPDATE sandbox_texts SET phone = ? WHERE phone = ?", (new, old))


def _join_conversation(db: sqlite3.Connection, line: str, old: str, new: str, run: bytes | None, version: int) -> None:
    other = db.execute("SELECT run, version FROM conversations WHERE line = ? AND number = ?", (line, new)).fetchone()
    if other is None:
        db.execute("UPDATE conversations SET number = ? WHERE line = ? AND number = ?", (new, line, old))
        return
    kept, ended = _newer(db, run, other[0])
    timeout = old if kept == run and kept is not None else new
    for number in {old, new} - {timeout}:
        db.execute("DELETE FROM timers WHERE line = ? AND number = ? AND name = 'timeout'", (line, number))
    if ended is not None:
        db.execute("UPDATE runs SET ended = started, end_label = 'joined' WHERE id = ?", (ended,))
        db.execute("DELETE FROM frames WHERE run = ?", (ended,))
    source = old if timeout == old else new
    late, answered, fallback, first = db.execute(
        "SELECT late, answered, fallback_at, wrote_first FROM conversations WHERE line = ? AND number = ?",
        (line, source),
    ).fetchone()
    db.execute("DELETE FROM conversations WHERE line = ? AND number = ?", (line, old))
    db.execute(
        "UPDATE conversations SET run = ?, version = ?, late = ?, answered = ?, fallback_at = ?, wrote_first = ? "
        "WHERE line = ? AND number = ?",
        (kept, max(version, other[1]) + 1, late, answered, fallback, first, line, new),
    )


def _newer(db: sqlite3.Connection, *runs: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Of two open runs, the one that goes on and the one that ends."""
    listed: Iterable[bytes] = [r for r in runs if r is not None]
    started = {r: db.execute("SELECT started FROM runs WHERE id = ?", (r,)).fetchone()[0] for r in listed}
    ranked = sorted(started, key=lambda r: started[r], reverse=True)
    return (ranked[0] if ranked else None), (ranked[1] if len(ranked) > 1 else None)
