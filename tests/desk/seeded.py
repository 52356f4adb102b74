"""Histories as rows of a real database, so that every way to a verdict can be asked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from smsbot.core.status import RANK
from smsbot.desk.verdicts import History, Owed, Pause

from .histories import NOW

NUMBER, LINE = "+48600100200", "7255"


def seed(path: Path, history: History) -> None:
    """Write a history into an empty database of ours."""
    with closing(sqlite3.connect(path)) as db, db:
        if history.wrote:
            _event(db, NOW - 90_000, "text", state=1)
        if history.opted_out is not None:
            db.execute("INSERT INTO suppressions (number, at) VALUES (?, ?)", (NUMBER, history.opted_out))
        if history.quarantined:
            row = ("main", "inbound", b"k", b'{"who": "600100200"}', "{}", "strange", NOW)
            db.execute(
                "INSERT INTO quarantine (account, kind, key, body, headers, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        if history.pause is not None:
            _pause(db, history.pause)
        if history.usual is not None:
            _delivered(db, history.usual)
        if history.text is not None:
            _text(db, history.text, NUMBER)
        if (waits := history.unanswered) is not None:
            _event(db, waits.at, waits.kind, state=2 if waits.failed else 0, again=waits.again)


def _event(db: sqlite3.Connection, at: float, kind: str, *, state: int, again: float = 0.0) -> None:
    row = (b"%f" % at, LINE, NUMBER, kind, "hello", at, state, 1 if again else 0, again or None)
    db.execute(
        "INSERT INTO events (id, line, number, kind, text, at, state, attempts, retry_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def _pause(db: sqlite3.Connection, pause: Pause) -> None:
    row = (pause.scope, pause.name, pause.since, pause.why)
    db.execute("INSERT INTO holds (scope, name, at, why) VALUES (?, ?, ?, ?)", row)


def _delivered(db: sqlite3.Connection, took: float) -> None:
    """Texts to others, whose reports took so long."""
    for n in range(3):
        at, name = NOW - 9000 - n, f"other{n}"
        db.execute(
            "INSERT INTO outgoing (id, line, number, account, event, lane, text, parts, created, due, expires, status, rank,"
            " attempts) VALUES (?, '7255', '+48600999999', 'main', x'', 'reply', 'x', 1, ?, ?, ?, 'delivered', 5, 1)",
            (name, at, at, at),
        )
        db.execute(
            "INSERT INTO attempts (outgoing, n, started, ended, outcome) VALUES (?, 1, ?, ?, 'accepted')",
            (name, at, at),
        )
        receipt = (name, at + took, name)
        db.execute(
            "INSERT INTO receipts (account, reference, raw, status, at, outgoing) VALUES ('main', ?, '21', 'delivered', ?, ?)",
            receipt,
        )


def _text(db: sqlite3.Connection, text: Owed, number: str) -> None:
    lane = "bulk" if text.phase == "held" and text.kind == "reply" else text.kind if text.kind != "code" else "reply"
    kind = "code" if text.kind == "code" else ""
    row = (
        "theirs", LINE, number, text.account, lane, text.created, text.due, text.expires, text.status.value,
        RANK[text.status], text.phase or None, text.detail, len(text.attempts), kind, "order-7",
    )  # fmt: skip
    db.execute(
        "INSERT INTO outgoing (id, line, number, account, lane, created, due, expires, status, rank, phase, detail, attempts,"
        " kind, ref, event, text, parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'', 'Your code is 4711', 1)",
        row,
    )
    for a in text.attempts:
        db.execute(
            "INSERT INTO attempts (outgoing, n, started, ended, outcome, detail) VALUES ('theirs', ?, ?, ?, ?, ?)",
            (a.n, a.started, a.ended, a.outcome or None, a.detail),
        )
    for n, r in enumerate(text.reports):
        told = (str(n), r.raw, r.status.value if r.status else "", r.at, r.words, r.code, r.operator)
        db.execute(
            "INSERT INTO receipts (account, reference, raw, status, at, detail, code, operator, outgoing)"
            " VALUES ('main', ?, ?, ?, ?, ?, ?, ?, 'theirs')",
            told,
        )
