"""Reading what a batch of writes has to know, inside its transaction on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from smsbot.core import codec
from smsbot.core.lanes import UNASKED, urgency
from smsbot.core.message import Key
from smsbot.core.otp import DAY, LAST, RANGE, Asking, Code, range_of
from smsbot.core.status import Status

from .deciding.facts import Due, Facts, Reference, Wants
from .deciding.reports import wake_of
from .deciding.rules import CONTACT, Pauses, Person, Rules
from .deciding.text import Text
from .queries import Query


class Gathering:
    """The facts of one batch, as they stand before it."""

    def __init__(self, db: sqlite3.Connection, selects: Mapping[str, Query], rules: Rules) -> None:
        self._cursor = db.cursor()
        self._cursor.row_factory = None
        self._selects = selects
        self._facts = Facts(rules=rules)

    def _rows(self, name: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._cursor.execute(self._selects[name].sql, parameters).fetchall()

    def facts(self, wants: Wants) -> Facts:
        """Everything that is wanted, and what that leads to."""
        facts = self._facts
        facts.seq = self._rows("last_event")[0][0]
        facts.pauses = Pauses(self._rows("pauses"))
        self._search(wants)
        for reference in wants.reported:
            self._reported(reference, wants)
        for reference in wants.given | wants.reported:
            self._early(reference)
        self._texts(wants)
        self._seen(wants.seen)
        self._conversations(wants.conversations)
        self._people(wants)
        self._spent(wants)
        self._codes(wants)
        for key, name in wants.timers:
            for (due,) in self._rows("timer_due", *key, name):
                facts.timers[key, name] = due
        return facts

    def _search(self, wants: Wants) -> None:
        """Texts whose time has come, or that a pause keeps; they are wanted with their conversations."""
        facts, found = self._facts, list[Text]()
        for due in wants.due:
            facts.due[due] = self._due(due)
            found += facts.due[due]
        for account, now in wants.kept:
            facts.stale[account] = self._all(self._rows("kept_too_long", account, now))
            found += facts.stale[account]
            for text in self._all(self._rows("kept_by_account", account, now)):
                facts.kept[account] = text
                found.append(text)
        for text in found:
            wants.conversations.add(text.key)
            self._open(text.key)
            thread = facts.threads[text.key]
            if text not in thread:  # one with a time of its own is not among those that wait for each other
                thread.append(text)
                thread.sort(key=lambda t: t.seq)

    def _due(self, due: Due) -> list[Text]:
        found: list[Text] = []
        for line, lane in sorted(self._rows("queued_pairs"), key=lambda pair: urgency(pair[1])):
            most = min(due.rooms.get((line, lane), due.room), due.limit - len(found))
            if most > 0:
                found += self._all(self._rows("due", line, lane, due.now, most))
        return found

    def _reported(self, reference: Reference, wants: Wants) -> None:
        """Of which text a provider's id is; that is wanted as well."""
        account, name = reference
        facts = self._facts
        facts.receipts.update([(account, name, raw, part) for raw, part in self._rows("receipts_of", account, name)])
        for (identity,) in self._rows("of_reference", name, account) if name else ():
            facts.named[reference] = identity
            wants.texts.add(identity)
        facts.parts.update([(name, identity) for (identity,) in self._rows("parts_named", name)])

    def _early(self, reference: Reference) -> None:
        rows = self._rows("early_reports", *reference)
        if rows:
            self._facts.early[reference] = [(Status(status), detail, part) for status, detail, part in rows]

    def _texts(self, wants: Wants) -> None:
        facts = self._facts
        for number in wants.numbers:
            self._thread(self._rows("open_of_number", number))
        for key in wants.threads:
            self._open(key)
            if len(facts.threads.get(key, ())) > 1:  # one of them may be the next
                wants.conversations.add(key)
        for identity in wants.texts - facts.texts.keys():
            self._all(self._rows("outgoing", identity))
        if wants.reported or facts.early:
            for identity in wants.texts & facts.texts.keys():
                self._told(facts.texts[identity], wants)

    def _told(self, text: Text, wants: Wants) -> None:
        """What was reported of a text, and of which reports its conversation was told."""
        if text.waits:
            self._open(text.key)
        told = self._rows("parts_reported", text.id)
        self._facts.told[text.id] = [(part, Status(status)) for part, status in told]
        self._seen(wake_of(text.id, status) for status in wants.wakes)

    def _open(self, key: Key) -> None:
        if key not in self._facts.threads:
            self._thread(self._rows("open_texts", *key))

    def _thread(self, rows: Iterable[Sequence[Any]]) -> None:
        for text in self._all(rows):
            self._facts.threads[text.key].append(text)

    def _all(self, rows: Iterable[Sequence[Any]]) -> list[Text]:
        """Texts, each of which is one however often it is found."""
        texts, found = self._facts.texts, list[Text]()
        for row in rows:
            text = texts.get(row[1])
            if text is None:
                text = texts[row[1]] = Text(row)
            found.append(text)
        return found

    def _conversations(self, keys: Iterable[Key]) -> None:
        facts, execute, sql = self._facts, self._cursor.execute, self._selects["conversation"].sql
        for key in keys:
            version, opted_out, why, owner = execute(sql, key).fetchone()
            if version is not None:
                facts.versions[key] = version
            if opted_out:
                facts.opted_out.add(key.number)
            if why is not None:
                facts.with_desk[key.number] = why
            if owner is not None:
                facts.taken[key] = owner

    def _people(self, wants: Wants) -> None:
        """Who gets what nobody has just asked for, where that has quiet hours."""
        facts = self._facts
        wants.people |= {(t.key, t.lane) for t in facts.texts.values() if t.lane in UNASKED and t.waits}
        for key, lane in wants.people:
            if key.number not in facts.people and facts.rules.has_quiet(key.line, lane):
                zone, wrote = self._rows("person", key.number)[0]
                own = codec.loads(zone) if zone else ""
                facts.people[key.number] = Person(own if isinstance(own, str) else "", wrote or 0.0)

    def _codes(self, wants: Wants) -> None:
        """The codes of people who are to be sent one, and how their ranges of numbers ask."""
        facts, now = self._facts, max(wants.moments, default=0.0)
        for number, purpose, line in wants.codes:
            for row in self._rows("codes_of_purpose", number, purpose, line, now - DAY):
                facts.codes[number, purpose, line].append(Code(*row))
            own = range_of(number)
            sent = self._rows("codes_to_range", own, now - RANGE)[0][0]
            last, typed = self._rows("codes_typed", own, now, LAST)[0]
            facts.asking[own] = Asking(sent, last, typed)

    def _spent(self, wants: Wants) -> None:
        """What the days have cost so far on which something may leave."""
        facts, rules = self._facts, self._facts.rules
        days = {rules.day(moment) for moment in wants.moments} - {""}
        for day, scope, name, spent in self._rows("spending", min(days)) if days else ():
            facts.spent[day][scope, name] = spent
        if days and rules.caps_people():
            numbers = {key.number for key in wants.threads} | {text.key.number for text in facts.texts.values()}
            for day in days:
                for number in numbers:
                    facts.spent[day][CONTACT, number] = self._rows("spent_on", number, day)[0][0]

    def _seen(self, keys: Iterable[bytes]) -> None:
        seen, execute, sql = self._facts.seen, self._cursor.execute, self._selects["seen_at"].sql
        for key in keys:
            row = execute(sql, (key,)).fetchone()
            if row is not None:
                seen[key] = row[0]
