"""Looking up what a batch of writes has to know: what is asked of the database, and what follows from it (pure).

Everything of one kind is asked for at once, by the name of a statement of ``sql/shared/selects.sql`` and its
parameters, so that a database behind a network answers a batch in a few round trips. Whoever drives it sends back the
rows.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from typing import Any

from smsbot.core import codec
from smsbot.core.lanes import UNASKED, urgency
from smsbot.core.message import Event, Key
from smsbot.core.otp import DAY, LAST, RANGE, Asking, Code, range_of
from smsbot.core.status import Status

from .facts import Due, Facts, Reference, Wants
from .reports import wake_of
from .rules import CONTACT, Pauses, Person
from .text import Text

Look = tuple[str, Sequence[Sequence[object]]]
"""A statement by its name, and the parameters of each time that it is run."""
Rows = Sequence[Sequence[Any]]
Looking = Generator[Look, Sequence[Rows], None]
"""Looks, each of which is answered with the rows of each of its times."""
_ONCE: Sequence[Sequence[object]] = ((),)


def gather(wants: Wants, facts: Facts) -> Generator[Look, Sequence[Rows], Facts]:
    """Fill facts with everything that is wanted, as it stands before the batch, and with what that leads to."""
    return (yield from _Gathering(facts).facts(wants))


def search(wants: Wants) -> Generator[Look, Sequence[Rows], Facts]:
    """The texts that units find by themselves, as far as that is seen from outside; nothing is decided on it."""
    return (yield from _Gathering(Facts()).texts(wants))


class _Gathering:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def texts(self, wants: Wants) -> Generator[Look, Sequence[Rows], Facts]:
        yield from self._search(wants)
        if wants.reported:
            yield from self._reported(wants)
        yield from self._named(wants)
        return self._facts

    def facts(self, wants: Wants) -> Generator[Look, Sequence[Rows], Facts]:
        facts = self._facts
        if not facts.process:
            (rows,) = yield "last_event", _ONCE
            facts.seq = rows[0][0]
        (rows,) = yield "pauses", _ONCE
        facts.pauses = Pauses((scope, name) for scope, name in rows)
        yield from self._search(wants)
        if wants.reported:
            yield from self._reported(wants)
        if wants.given or wants.reported:
            yield from self._early(list(wants.given | wants.reported))
        yield from self._texts(wants)
        yield from self._seen(wants.seen)
        yield from self._conversations(list(wants.conversations))
        yield from self._people(wants)
        yield from self._spent(wants)
        yield from self._codes(wants)
        if wants.timers:
            timers = list(wants.timers)
            found = yield "timer_due", [(*key, name) for key, name in timers]
            facts.timers.update({timer: rows[0][0] for timer, rows in zip(timers, found, strict=True) if rows})
        if wants.parts_of:
            keys = list(wants.parts_of)
            for key, rows in zip(keys, (yield "parts_beside", keys), strict=True):
                facts.parts_of[key] = frozenset((name, data) for name, data in rows)
        yield from self._turns(wants)
        return facts

    def _turns(self, wants: Wants) -> Looking:
        """Who has conversations and what waits there, and places for what comes in."""
        facts = self._facts
        woken = {t.key for t in facts.texts.values()} if wants.wakes else set()
        keys = list((wants.turns | woken if facts.process else set()) | wants.attended)
        if keys:
            for key, rows in zip(keys, (yield "attending", keys), strict=True):
                facts.unread[key] += [_event(key, row[1:]) for row in rows if row[1] is not None]
                if rows[0][0] is not None:
                    facts.had[key] = rows[0][0]
            facts.attended.update(facts.had)
        woken_by = len(wants.reported) + sum(map(len, facts.early.values())) if wants.wakes else 0
        places = wants.places + woken_by
        if facts.process and places:
            (rows,) = yield "places", ((places,),)
            facts.places.extend(place for (place,) in rows)

    def _search(self, wants: Wants) -> Looking:
        """Texts whose time has come, or that a pause keeps; they are wanted with their conversations."""
        facts, found = self._facts, list[Text]()
        for due in wants.due:
            yield from self._due(due)
            found += facts.due[due]
        for account, now in wants.kept:
            (rows,) = yield "kept_too_long", [(account, now)]
            facts.stale[account] = self._all(rows)
            found += facts.stale[account]
            (rows,) = yield "kept_by_account", [(account, now)]
            for text in self._all(rows):
                facts.kept[account] = text
                found.append(text)
        wants.conversations |= {text.key for text in found}
        yield from self._open({text.key for text in found})
        for text in found:
            thread = facts.threads[text.key]
            if text not in thread:  # one with a time of its own is not among those that wait for each other
                thread.append(text)
                thread.sort(key=lambda t: t.seq)

    def _due(self, due: Due) -> Looking:
        found: list[Text] = []
        (pairs,) = yield "queued_pairs", _ONCE
        for line, lane in sorted(pairs, key=lambda pair: urgency(pair[1])):
            most = min(due.rooms.get((line, lane), due.room), due.limit - len(found))
            if most > 0:
                (rows,) = yield "due", [(line, lane, due.now, most)]
                found += self._all(rows)
        self._facts.due[due] = found

    def _reported(self, wants: Wants) -> Looking:
        """Of which texts the provider's ids are; those are wanted as well."""
        facts, references = self._facts, list(wants.reported)
        for (account, name), rows in zip(references, (yield "receipts_of", references), strict=True):
            facts.receipts.update([(account, name, raw, part) for raw, part in rows])
        named = [reference for reference in references if reference[1]]
        if named:
            found = yield "of_reference", [(name, account) for account, name in named]
            for reference, rows in zip(named, found, strict=True):
                for (identity,) in rows:
                    facts.named[reference] = identity
                    wants.texts.add(identity)
        found = yield "parts_named", [(name,) for _, name in references]
        for (_, name), rows in zip(references, found, strict=True):
            facts.parts.update([(name, identity) for (identity,) in rows])

    def _early(self, references: Sequence[Reference]) -> Looking:
        for reference, rows in zip(references, (yield "early_reports", references), strict=True):
            if rows:
                self._facts.early[reference] = [(Status(status), detail, part) for status, detail, part in rows]

    def _texts(self, wants: Wants) -> Looking:
        facts = self._facts
        if wants.numbers:
            for rows in (yield "open_of_number", [(number,) for number in wants.numbers]):
                self._thread(rows)
        yield from self._open(wants.threads)
        # one of several may be the next
        wants.conversations |= {key for key in wants.threads if len(facts.threads.get(key, ())) > 1}
        yield from self._named(wants)
        if wants.reported or facts.early:
            yield from self._told([facts.texts[i] for i in wants.texts if i in facts.texts], wants)

    def _named(self, wants: Wants) -> Looking:
        """Texts that are wanted by their ids."""
        if missing := wants.texts - self._facts.texts.keys():
            for rows in (yield "outgoing", [(identity,) for identity in missing]):
                self._all(rows)

    def _told(self, texts: Sequence[Text], wants: Wants) -> Looking:
        """What was reported of texts, and of which reports their conversations were told."""
        if not texts:
            return
        yield from self._open({text.key for text in texts if text.waits})
        found = yield "parts_reported", [(text.id,) for text in texts]
        for text, rows in zip(texts, found, strict=True):
            self._facts.told[text.id] = [(part, Status(status)) for part, status in rows]
        yield from self._seen([wake_of(text.id, status) for text in texts for status in wants.wakes])

    def _open(self, keys: Collection[Key]) -> Looking:
        """The open texts of conversations."""
        missing = [key for key in keys if key not in self._facts.threads]
        if missing:
            for rows in (yield "open_texts", missing):
                self._thread(rows)

    def _thread(self, rows: Rows) -> None:
        for text in self._all(rows):
            self._facts.threads[text.key].append(text)

    def _all(self, rows: Rows) -> list[Text]:
        """Texts, each of which is one however often it is found."""
        texts, found = self._facts.texts, list[Text]()
        for row in rows:
            text = texts.get(row[1])
            if text is None:
                text = texts[row[1]] = Text(row)
            found.append(text)
        return found

    def _conversations(self, keys: Sequence[Key]) -> Looking:
        if not keys:
            return
        facts = self._facts
        for key, rows in zip(keys, (yield "conversation", keys), strict=True):
            version, opted_out, why, owner = rows[0]
            if version is not None:
                facts.versions[key] = version
            if opted_out:
                facts.opted_out.add(key.number)
            if why is not None:
                facts.with_desk[key.number] = why
            if owner is not None:
                facts.taken[key] = owner

    def _people(self, wants: Wants) -> Looking:
        """Who gets what nobody has just asked for, where that has quiet hours."""
        facts = self._facts
        wants.people |= {(t.key, t.lane) for t in facts.texts.values() if t.lane in UNASKED and t.waits}
        numbers = {key.number for key, lane in wants.people if facts.rules.has_quiet(key.line, lane)}
        if not numbers:
            return
        found = yield "person", [(number,) for number in numbers]
        for number, rows in zip(numbers, found, strict=True):
            zone, wrote = rows[0]
            own = codec.loads(zone) if zone else ""
            facts.people[number] = Person(own if isinstance(own, str) else "", wrote or 0.0)

    def _codes(self, wants: Wants) -> Looking:
        """The codes of people who are to be sent one, and how their ranges of numbers ask."""
        if not wants.codes:
            return
        facts, now, wanted = self._facts, max(wants.moments, default=0.0), list(wants.codes)
        found = yield "codes_of_purpose", [(*one, now - DAY) for one in wanted]
        for one, rows in zip(wanted, found, strict=True):
            facts.codes[one] += [Code(*row) for row in rows]
        ranges = list({range_of(number) for number, _, _ in wanted})
        sent = yield "codes_to_range", [(own, now - RANGE) for own in ranges]
        typed = yield "codes_typed", [(own, now, LAST) for own in ranges]
        for own, (to,), (by,) in zip(ranges, sent, typed, strict=True):
            facts.asking[own] = Asking(to[0], *by)

    def _spent(self, wants: Wants) -> Looking:
        """What the days have cost so far on which something may leave."""
        facts, rules = self._facts, self._facts.rules
        days = {rules.day(moment) for moment in wants.moments} - {""}
        if not days:
            return
        (rows,) = yield "spending", [(min(days),)]
        for day, scope, name, spent in rows:
            facts.spent[day][scope, name] = spent
        if rules.caps_people():
            numbers = {key.number for key in wants.threads} | {text.key.number for text in facts.texts.values()}
            asked = [(number, day) for day in days for number in numbers]
            for (number, day), rows in zip(asked, (yield "spent_on", asked) if asked else (), strict=True):
                facts.spent[day][CONTACT, number] = rows[0][0]

    def _seen(self, keys: Iterable[bytes]) -> Looking:
        asked = list(keys)
        if asked:
            found = yield "seen_at", [(key,) for key in asked]
            self._facts.seen.update({key: rows[0][0] for key, rows in zip(asked, found, strict=True) if rows})


def _event(key: Key, row: Sequence[Any]) -> Event:
    seq, identity, kind, text, data, account, gateway_id, at, attempts, again = row
    return Event(
        identity, key, kind, text, at, account=account, data=data, gateway_id=gateway_id, seq=seq, attempts=attempts,
        again=again or 0.0,
    )  # fmt: skip
