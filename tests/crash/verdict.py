"""Lost, duplicated, inverted, unknown: what the network's ledger and the people say, held against the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smsbot.stores.database import Database

from ..tables import dicts, sql
from .network import Network
from .people import Person


@dataclass
class Verdict:
    """Each list names what it counts, and must be empty."""

    lost_texts: list[str] = field(default_factory=list)
    """Acknowledged, but not in the database exactly once with a turn that ended."""
    lost_replies: list[str] = field(default_factory=list)
    """Owed, but neither sent nor listed as unknown."""
    duplicate_effects: list[str] = field(default_factory=list)
    """Something that happened twice: a turn's text under two ids, a step under two keys."""
    duplicates: list[str] = field(default_factory=list)
    """Texts that reached the network twice: it says what it has, if it is asked twice, so none need."""
    reports_lost: list[str] = field(default_factory=list)
    """Texts whose delivery was reported and acknowledged, but is not in the database."""
    inversions: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What SQLite says is wrong with the file."""
    unknown: int = 0
    held: int = 0
    texts: int = 0
    duplicated: int = 0
    reordered: int = 0

    @property
    def clean(self) -> bool:
        """Whether the contract held."""
        return not any(value for value in vars(self).values() if isinstance(value, list))

    def add(self, other: Verdict) -> None:
        """Count another in."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        zeros = (f"{name.replace('_', ' ')} {len(v)}" for name, v in vars(self).items() if isinstance(v, list))
        rest = f"texts {self.texts} (duplicated {self.duplicated}, reordered {self.reordered}), "
        rest += f"unknown {self.unknown}, held {self.held}"
        worst = [f"  {name}: {', '.join(v[:5])}" for name, v in vars(self).items() if isinstance(v, list) and v]
        return "\n".join([", ".join(zeros), rest, *worst])


def verdict(place: Database, steps: Path, network: Network, people: Sequence[Person]) -> Verdict:
    """Judge a campaign that has come to rest."""
    found = Verdict(
        texts=sum(len(p.taken) for p in people),
        duplicated=sum(p.duplicated for p in people),
        reordered=sum(p.reordered for p in people),
    )
    if not place.on_server:
        check = sql(place, "PRAGMA integrity_check")[0][0]
        found.broken += [] if check == "ok" else [check]
    ended = "SELECT gateway_id FROM events WHERE kind IN ('text', 'optout', 'optin') AND state = 1"
    taken = Counter(row[0] for row in sql(place, ended))
    unread = sql(place, "SELECT kind, state, note FROM events WHERE state <> 1")
    found.lost_texts += [f"{kind} in state {state}: {note}" for kind, state, note in unread]
    tries = Counter(row[0] for row in sql(place, "SELECT outgoing FROM attempts WHERE outcome = 'unknown'"))
    owed = {row["id"]: row for row in dicts(place, "SELECT id, number, text, status, phase, detail FROM outgoing")}
    waiting = [o for o in owed.values() if o["phase"] is not None]
    found.lost_replies += [f"{o['number']} {o['text']} did not come to rest: {o['phase']}" for o in waiting]
    held = {i: o for i, o in owed.items() if o["status"] == "unknown"}
    found.unknown, found.held = len(tries), len(held)
    found.broken += network.errors
    found.lost_texts += [i for p in people for i in p.taken if taken[i] != 1]
    # this network can be asked by our ids, so what it does not have is known, and nothing has to be held
    found.lost_replies += [f"{o['number']} {o['text']} is held without need: {o['detail']}" for o in held.values()]
    reached: set[str] = set()
    told_twice = {p.number: Counter(p.expected) for p in people}  # a question that is asked again after a digression
    for number, sends in network.sends.items():
        firsts = network.firsts(number)
        reached |= set(firsts)
        copies = Counter(external.rpartition("-")[0] for _, external in sends)
        found.duplicates += [f"{number} {firsts[o]}" for o, n in copies.items() if n > 1]
        found.duplicate_effects += [
            f"{number} {t}"
            for t, n in Counter(firsts.values()).items()
            if n > max(1, told_twice.get(number, Counter())[t])
        ]
    found.reports_lost += [
        f"{o['number']} {o['text']}" for i, o in owed.items() if i in reached and o["status"] != "delivered"
    ]
    found.lost_replies += [
        f"{o['number']} {o['text']} {o['status']} {o['detail']}"
        for i, o in owed.items()
        if i not in reached | set(held)
    ]
    excused = {(o["number"], o["text"]) for o in held.values()}
    for person in people:
        _judge(person, list(network.firsts(person.number).values()), excused, found)
    _judge_steps(steps, network, found)
    return found


def _judge_steps(steps: Path, network: Network, found: Verdict) -> None:
    """Whether each step ran once in a process, under one key that no other has, and before its result was told."""
    lines = [line.split() for line in steps.read_text().splitlines()] if steps.exists() else []
    keys: dict[tuple[str, str], set[str]] = {}
    for number, n, key, _ in lines:
        keys.setdefault((number, n), set()).add(key)
    runs = Counter((number, n, pid) for number, n, _, pid in lines)
    found.duplicate_effects += [f"step {run} ran {times} times" for run, times in runs.items() if times > 1]
    found.duplicate_effects += [f"step {k} under {len(used)} keys" for k, used in keys.items() if len(used) > 1]
    if len({key for used in keys.values() for key in used}) < len(keys):
        found.duplicate_effects.append("steps share a key")
    told = {(number, t.split()[0]) for number in network.sends for t in network.firsts(number).values() if " L " in t}
    found.lost_texts += [f"step of {number} {n} was told, but never ran" for number, n in told - set(keys)]


def _judge(person: Person, heard: list[str], excused: set[tuple[str, str]], found: Verdict) -> None:
    """Whether a person heard what they must, in order; only their own texts that are held may be missing."""
    for text in person.expected:
        if text not in heard and (person.number, text) not in excused:
            found.lost_replies.append(f"{person.number} {text}")
    strange = [t for t in heard if t not in person.expected]
    found.duplicate_effects += [f"{person.number} was never owed {t}" for t in strange]
    order = [t for t in person.expected if t in heard]
    once = _without_copies(heard, Counter(person.expected))
    wrong = next(((a, b) for a, b in zip(once, order, strict=False) if a != b), None)
    if not strange and wrong is not None:
        found.inversions.append(f"{person.number}: {wrong[0]} before {wrong[1]}")


def _without_copies(heard: list[str], owed: Counter[str]) -> list[str]:
    """What was heard, each text as often as it was owed: further copies are counted elsewhere."""
    seen: Counter[str] = Counter()
    kept: list[str] = []
    for text in heard:
        seen[text] += 1
        kept += [text] if seen[text] <= owed[text] else []
    return kept
