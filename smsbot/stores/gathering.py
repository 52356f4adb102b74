"""Reading what a batch of writes has to know, inside its transaction on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from smsbot.core.message import Key
from smsbot.core.status import Status

from .deciding.facts import Facts, Pauses, Reference, Text, Wants
from .deciding.reports import wake_of
from .queries import Query


class Gathering:
    """The facts of one batch, as they stand before it."""

    def __init__(self, db: sqlite3.Connection, selects: Mapping[str, Query]) -> None:
        self._db = db
        self._selects = selects

    def _rows(self, name: str, *parameters: object) -> list[sqlite3.Row]:
        return self._db.execute(self._selects[name].sql, parameters).fetchall()

    def facts(self, wants: Wants) -> Facts:
        """Everything that is wanted, and what that leads to."""
        facts = Facts(
            seq=self._rows("last_event")[0]["seq"],
            pauses=Pauses((row["scope"], row["name"]) for row in self._rows("pauses")),
        )
        self._due(facts, wants)
        self._named(facts, wants)
        self._texts(facts, wants)
        self._seen(facts, wants.seen)
        for key in wants.conversations:
            for row in self._rows("version", *key):
                facts.versions[key] = row["version"]
        for key, name in wants.timers:
            for row in self._rows("timer_due", *key, name):
                facts.timers[key, name] = row["due"]
        return facts

    def _due(self, facts: Facts, wants: Wants) -> None:
        """Texts whose time has come, or that a pause keeps; they are wanted with their conversations."""
        for due in wants.due:
            full = "\n".join(("", *due.full, ""))
            facts.due[due] = self._all(facts, self._rows("due", due.now, full, due.limit))
            wants.threads.update(text.key for text in facts.due[due])
        for lane in wants.lanes:
            facts.lanes[lane] = self._all(facts, self._rows("queued_in_lane", lane))
            wants.threads.update(text.key for text in facts.lanes[lane])
        for account, now in wants.kept:
            for text in self._all(facts, self._rows("kept_by_account", account, now)):
                facts.kept[account] = text
                wants.threads.add(text.key)

    def _named(self, facts: Facts, wants: Wants) -> None:
        """What is known by providers' ids; the texts that reports are of are wanted as well."""
        for reference in wants.reported:
            account, name = reference
            facts.receipts.update((account, name, row["raw"]) for row in self._rows("receipts_of", account, name))
            for row in self._rows("of_reference", name, account) if name else ():
                facts.named[reference] = row["outgoing"]
                wants.texts.add(row["outgoing"])
            facts.parts.update((name, row["outgoing"]) for row in self._rows("parts_named", name))
        self._early(facts, wants.given | wants.reported)

    def _early(self, facts: Facts, references: Iterable[Reference]) -> None:
        for reference in references:
            rows = self._rows("early_reports", *reference)
            if rows:
                facts.early[reference] = [(Status(row["status"]), row["detail"]) for row in rows]

    def _texts(self, facts: Facts, wants: Wants) -> None:
        for number in wants.numbers:
            self._thread(facts, self._rows("open_of_number", number))
        for key in wants.threads:
            self._open(facts, key)
        for identity in wants.texts - facts.texts.keys():
            self._all(facts, self._rows("outgoing", identity))
        reported = wants.wakes or wants.reported
        for text in [facts.texts[t] for t in wants.texts if t in facts.texts] if reported else ():
            if text.waits and text.key not in wants.threads:
                self._open(facts, text.key)
            told = self._rows("parts_reported", text.id)
            facts.told[text.id] = [(row["part"], Status(row["status"])) for row in told]
            self._seen(facts, (wake_of(text.id, status) for status in wants.wakes))
        for text in (*(t for found in facts.due.values() for t in found), *facts.kept.values()):
            thread = facts.threads[text.key]
            if text not in thread:  # one with a time of its own is not among those that wait for each other
                thread.append(text)
                thread.sort(key=lambda t: t.seq)
        for number in wants.numbers | {key.number for key in wants.threads}:
            self._person(facts, number)

    def _open(self, facts: Facts, key: Key) -> None:
        if key not in facts.threads:
            self._thread(facts, self._rows("open_texts", *key))

    def _thread(self, facts: Facts, rows: Iterable[sqlite3.Row]) -> None:
        for text in self._all(facts, rows):
            facts.threads[text.key].append(text)

    @staticmethod
    def _all(facts: Facts, rows: Iterable[sqlite3.Row]) -> list[Text]:
        """Texts, each of which is one however often it is found."""
        return [facts.texts.get(row["id"]) or facts.texts.setdefault(row["id"], Text(row)) for row in rows]

    def _person(self, facts: Facts, number: str) -> None:
        row = self._rows("person", number)[0]
        if row["opted_out"]:
            facts.opted_out.add(number)
        if row["why"] is not None:
            facts.with_desk[number] = row["why"]

    def _seen(self, facts: Facts, keys: Iterable[bytes]) -> None:
        for key in keys:
            for row in self._rows("seen_at", key):
                facts.seen[key] = row["at"]
