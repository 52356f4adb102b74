"""Lost, duplicated, inverted, unknown: what the network's ledger and the people say, held against the database."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from .network import Network
from .people import Person


@dataclass
class Verdict:
    """Each list names what it counts. All but the last three must be empty."""

    lost_texts: list[str] = field(default_factory=list)
    """Acknowledged, but not in the database exactly once with a turn that ended."""
    lost_replies: list[str] = field(default_factory=list)
    """Owed, but neither sent nor listed as unknown."""
    duplicate_effects: list[str] = field(default_factory=list)
    """Something that happened twice: a turn's text under two ids, a step under two keys."""
    duplicates_not_listed: list[str] = field(default_factory=list)
    """Texts that reached the network twice without a word of it in the database."""
    inversions: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What SQLite says is wrong with the file."""
    duplicates_listed: int = 0
    unknown: int = 0
    held: int = 0
    texts: int = 0

    @property
    def clean(self) -> bool:
        """Whether the contract held."""
        return not any(value for value in vars(self).values() if isinstance(value, list))

    def __str__(self) -> str:
        zeros = (f"{name.replace('_', ' ')} {len(v)}" for name, v in vars(self).items() if isinstance(v, list))
        rest = (
            f"texts {self.texts}, unknown {self.unknown}, of them sent twice {self.duplicates_listed}, held {self.held}"
        )
        worst = [f"  {name}: {', '.join(v[:5])}" for name, v in vars(self).items() if isinstance(v, list) and v]
        return "\n".join([", ".join(zeros), rest, *worst])


def verdict(database: Path, steps: Path, network: Network, people: Sequence[Person]) -> Verdict:
    """Judge a campaign that has come to rest."""
    found = Verdict(texts=sum(len(p.taken) for p in people))
    with closing(sqlite3.connect(database)) as db:
        db.row_factory = sqlite3.Row
        check = db.execute("PRAGMA integrity_check").fetchone()[0]
        found.broken += [] if check == "ok" else [check]
        taken = Counter(r[0] for r in db.execute("SELECT gateway_id FROM events WHERE kind = 'text' AND state = 1"))
        unread = db.execute("SELECT hex(id), state, kind, note FROM events WHERE state <> 1").fetchall()
        found.lost_texts += [f"{r['kind']} in state {r['state']}: {r['note']}" for r in unread]
        listed = {r[0] for r in db.execute("SELECT outgoing FROM attempts WHERE outcome = 'unknown'")}
        held = {r["id"]: r["text"] for r in db.execute("SELECT id, text FROM outgoing WHERE status = 'unknown'")}
        owed = {r["id"]: dict(r) for r in db.execute("SELECT id, number, text, status, detail FROM outgoing")}
    found.unknown, found.held = len(listed), len(held)
    found.lost_texts += [i for p in people for i in p.taken if taken[i] != 1]
    reached: set[str] = set()
    for number, sends in network.sends.items():
        firsts = network.firsts(number)
        reached |= set(firsts)
        copies = Counter(external.rpartition("-")[0] for _, external in sends)
        twice = [o for o, n in copies.items() if n > 1]
        found.duplicates_not_listed += [f"{number} {firsts[o]}" for o in twice if o not in listed]
        found.duplicates_listed += sum(o in listed for o in twice)
        found.duplicate_effects += [f"{number} {t}" for t, n in Counter(firsts.values()).items() if n > 1]
    found.lost_replies += [
        f"{o['number']} {o['text']} {o['status']} {o['detail']}"
        for i, o in owed.items()
        if i not in reached | set(held)
    ]
    for person in people:
        _judge(person, list(network.firsts(person.number).values()), set(held.values()), found)
    keys: dict[tuple[str, str], set[str]] = {}
    for line in steps.read_text().splitlines() if steps.exists() else ():
        number, n, key = line.split()
        keys.setdefault((number, n), set()).add(key)
    found.duplicate_effects += [f"step {k}" for k, used in keys.items() if len(used) > 1]
    return found


def _judge(person: Person, heard: list[str], held: set[str], found: Verdict) -> None:
    """Whether a person heard what they must, in order; only what is listed as unknown may be missing."""
    missing = [t for t in person.expected if t not in heard]
    for text in missing:
        if text not in held and not person.gave_up:
            found.lost_replies.append(f"{person.number} {text}")
    if person.gave_up and missing and not any(t in held for t in missing):
        found.lost_replies.append(f"{person.number} waits for {missing[:1]}")
    strange = [t for t in heard if t not in person.expected]
    found.duplicate_effects += [f"{person.number} was never owed {t}" for t in strange]
    order = [t for t in person.expected if t in heard]
    if not strange and list(dict.fromkeys(heard)) != order:
        at = next(i for i, (a, b) in enumerate(zip(heard, order, strict=False)) if a != b)
        found.inversions.append(f"{person.number}: {heard[at]} before {order[at]}")
