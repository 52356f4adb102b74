"""Our numbers: which bot answers on each, through which account, in which country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from smsbot.core import phone
from smsbot.core.errors import Changed, RouteError, UsageError
from smsbot.core.lanes import LIFE, REPLY
from smsbot.core.nearest import nearest
from smsbot.core.sites import path_of, place_of
from smsbot.flows import arguments
from smsbot.flows.steps import Flow
from smsbot.policy import pace, rates
from smsbot.policy.quiet import Quiet, after_waking
from smsbot.routing.bot import Bot
from smsbot.routing.declared import schema_of, wrong_with
from smsbot.routing.injection import Signature, where, wrong
from smsbot.routing.session import Defaults
from smsbot.routing.table import Route, Table
from smsbot.threads import Threads
from smsbot.understanding import consent
from smsbot.understanding.languages import language_of
from smsbot.understanding.words import tokens

from .flow_versions import FlowVersions

_NEVER: Mapping[consent.Word | None, str] = {
    consent.Word.STOP: "opts people out",
    consent.Word.HELP: "is answered anywhere (write @bot.anywhere) or by the line's help",
}
"""The fate of words that come before all keywords."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What differs in one lane of a line."""

    account: str = ""
    """The credentials that its texts leave with; empty: the line's."""
    life: float = 0.0
    """Seconds for which its texts are worth sending; 0: as long as others of the lane."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number or short code that people text."""

    number: str
    bot: Bot
    account: str
    _: KW_ONLY
    country: str | None = None
    """ISO 3166-1 alpha-2; how national numbers are read, and whose consent words count."""
    help: str = consent.HELP
    opted_out: str = consent.OPTED_OUT
    opted_in: str = consent.OPTED_IN
    versions: FlowVersions = field(default_factory=FlowVersions)
    """The flows of its bot."""
    table: Table = field(default_factory=Table)
    """The routes that hold here: those of handlers and those that start flows."""
    language: str | None = None
    """That of its bot's texts and start words, as they show it (ISO 639-1)."""
    timezone: str = "UTC"
    """The zone of the people who text it, where they have none of their own (IANA)."""
    wrong_number: str | None = None
    """The text said to somebody who says that we have the wrong number; empty: such texts mean nothing of their own."""
    pace: int = pace.MOST
    """Texts of one number, faster than a person writes, after which nothing answers; 0: never."""
    per_minute: int = rates.PER_MINUTE
    """Turns of one number a minute; more are recorded and not answered. 0: no limit."""
    line_per_minute: int = 0
    """Turns of all numbers a minute; 0: no limit."""
    answer_costly: bool = False
    """Whether premium numbers and satellite phones are answered."""
    gateway: str = ""
    """The provider of its account."""
    sends_media: bool = False
    """Whether pictures can leave from it."""
    obeyed: Mapping[str, str] = field(default_factory=dict)
    """Whole texts that the network itself obeys and confirms, as ``stop``, ``start`` or ``help``."""
    quiet: Quiet | None = None
    """The quiet hours of its notices, if it has any."""
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    """What differs in some lanes."""
    threads: Threads = field(default_factory=Threads)
    """Where blocking handlers of its bot run; they hold up nobody else."""

    @property
    def accounts(self) -> frozenset[str]:
        """All credentials that its texts leave with."""
        return frozenset((self.account, *(lane.account for lane in self.lanes.values() if lane.account)))

    def account_of(self, lane: str) -> str:
        """The credentials that a text of a lane leaves with."""
        own = self.lanes.get(lane)
        return (own.account if own is not None else "") or self.account

    def life(self, lane: str) -> float:
        """Seconds for which a text of a lane is worth sending, where it does not say."""
        own = self.lanes.get(lane)
        return (own.life if own is not None else 0.0) or LIFE.get(lane, LIFE[REPLY])

    @property
    def defaults(self) -> Defaults:
        """The defaults that a handler's chat takes from the line and its bot."""
        return Defaults(
            self.bot.timeout, self.bot.tries, self.timezone, self.gateway, self.sends_media, awake=self.awake,
            text=self.text, state=self.table.named, unfit=self.unfit,
        )  # fmt: skip

    def awake(self, number: str, moment: float, seconds: float, zone: tzinfo) -> float:
        """When so many seconds have passed that are no quiet hours of somebody, from a moment on."""
        return after_waking(self.quiet, moment, seconds, zone, phone.country(number))

    def text(self, name: str, language: str | None, values: Mapping[str, Any]) -> str:
        """A named text of its bot, in the person's language, else in that of the line. Raises `UsageError`."""
        texts = self.versions.current.texts
        found = texts.get(name)
        if found is None:
            near = nearest(name, texts)
            hint = f'; did you mean "{near}"?' if near else f"; there are {', '.join(texts) or 'none'}"
            raise UsageError(f'there is no text "{name[:60]}"{hint}')
        return found.render(language if language in found.says else self.language, values)

    def called(self, sender: str) -> Line:
        """The same line under another sender, as a text of the sandbox may have."""
        return replace(self, number=sender)

    def event_schema(self, name: str) -> Mapping[str, Any]:
        """The JSON schema of the data of an event that is answered here."""
        flow = self._flow_of(name)
        return schema_of(self._event_type(name)) if flow is None else arguments.schema_of(flow)

    def wrong_with_event(self, name: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Everything that is wrong with the data of an event: place and reason."""
        flow = self._flow_of(name)
        if flow is None:
            return wrong_with(self._event_type(name), data)
        return arguments.wrong_with(flow, data, self.country)

    def unfit(self, name: str, data: Mapping[str, Any]) -> str:
        """Why nothing begins here by an event with such data; empty where something does."""
        if name not in self.table.events:
            near = nearest(name, self.table.events)
            return f'nothing answers the event "{name}"' + (f'; did you mean "{near}"?' if near else "")
        wrong = "; ".join(f"{place} {why}".strip() for place, why in self.wrong_with_event(name, data))
        return f'the data do not fit the event "{name}": {wrong}' if wrong else ""

    def _flow_of(self, name: str) -> Flow | None:
        """The flow whose arguments the data of an event are; None where they are given whole."""
        flow = self.versions.current.flows.get(self.table.events[name].flow)
        return flow if flow is not None and (flow.args or flow.start.event != name) else None

    def _event_type(self, name: str) -> Any:
        signature = self.table.events[name].signature
        return signature.event if signature is not None else None

    def begins(self, route: Route) -> bool:
        """Whether what answers an event may be a conversation, which waits for its turn and for consent."""
        if route.flow:
            return True
        return route.signature is not None and route.signature.may_ask

    def function(self, name: str) -> Signature:
        """The handler of a conversation that waits; raises `Changed` if it is gone."""
        found = _functions(self.bot).get(name)
        if found is not None:
            return found
        known = {place_of(s.function): s for s in self.bot.signatures()}  # also of those that have got a name since
        found = known.get(name) or self._moved(name)
        if found is None:
            near = nearest(name, known)
            hint = f'; did it become "{near}"?' if near else ""
            raise Changed(f'the conversation "{name}" is gone from the bot{hint}')
        return found

    def _moved(self, name: str) -> Signature | None:
        """The one function of the same name, best in a file of that name: bots move to other folders and modules."""
        tails = {s.function: f"{Path(s.function.__code__.co_filename).stem}.{s.name}" for s in self.bot.signatures()}
        here = {s.function: s for s in self.bot.signatures() if _ends(name, tails[s.function])}
        named = {s.function: s for s in self.bot.signatures() if name.endswith(f".{s.name}")}
        found = here or named
        return next(iter(found.values())) if len(found) == 1 else None


@lru_cache(maxsize=64)
def _functions(bot: Bot) -> Mapping[str, Signature]:
    """The handlers of a bot by where they are found; each replay asks for one."""
    return {path_of(s.function): s for s in bot.signatures()}


def _ends(name: str, tail: str) -> bool:
    return name == tail or name.endswith((f".{tail}", f"_{tail}"))


def _each_by_its_name(bot: Bot) -> None:
    """Two conversations must not have one name: by it they are found again after a restart."""
    known: dict[str, Signature] = {}
    for signature in bot.signatures():
        first = known.setdefault(path_of(signature.function), signature)
        if (first.may_ask or signature.may_ask) and first.function != signature.function:
            raise wrong(
                signature.function,
                f"there is another conversation called {signature.name}() at {where(first.function)}; after a restart "
                "nobody could tell them apart",
            )


def table_of(bot: Bot, number: str, versions: FlowVersions) -> Table:
    """The routes of a line; raises `RouteError` where two want the same."""
    table = bot.table(number)
    _each_by_its_name(bot)
    for flow in versions.current.flows.values():
        start = flow.start
        for language, pattern in start.words:
            route = Route(
                "on", pattern.source, None, flow.name, flow.path, typos=start.typos, language=language
            )  # fmt: skip
            table.enter(route, (pattern,))
        if flow.fallback or start.fallback:
            table.enter(Route("fallback", "", None, flow.name, flow.path))
        for name in filter(None, (start.event, start.api, f"flow:{flow.name}")):
            table.enter(Route("event", name, None, flow.name, flow.path))
    return table


def checked_table(bot: Bot, number: str, versions: FlowVersions, country: str | None) -> Table:
    """The same; a keyword that means STOP or HELP would never reach its handler."""
    table = table_of(bot, number, versions)
    for keyword in table.keywords.words():
        found = tokens(keyword)
        why = _NEVER.get(consent.recognise(found, country))
        if why is not None:
            match = table.keyword(keyword, found, exact=True)
            place = where(match.route.signature.function) if match and match.route.signature else bot.home
            on = f" on {number}" if number else ""
            raise RouteError(f'the keyword "{keyword}" {why}{on}, so its handler would never run\n  --> {place}')
    return table


def language_of_bot(bot: Bot, table: Table, versions: FlowVersions) -> str | None:
    """The language that a bot's start words, flows and handlers are written in; None where they do not tell."""
    flows = (text for flow in versions.current.flows.values() for text in flow.said)
    return language_of(" ".join((*table.keywords.words(), *flows, *bot.texts())))


class Lines:
    """All lines of a server, found by whatever spelling a provider uses."""

    def __init__(self, lines: Mapping[str, Line]) -> None:
        self._lines = dict(lines)
        self._spellings: dict[str, Line | None] = {}

    def values(self) -> list[Line]:
        """The lines in the order of the settings."""
        return list(self._lines.values())

    def get(self, number: str) -> Line | None:
        """The line of exactly this number."""
        return self._lines.get(number)

    def find(self, address: str) -> Line | None:
        """The line of an address in any spelling."""
        exact = self._lines.get(address)
        if exact is not None:
            return exact
        if address not in self._spellings:
            if len(self._spellings) > 10_000:
                self._spellings.clear()
            self._spellings[address] = next(
                (x for x in self._lines.values() if phone.normalise(address, x.country) == x.number), None
            )
        return self._spellings[address]
