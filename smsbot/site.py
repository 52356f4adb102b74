"""The site: pages, API and phones of a server together, behind the gate that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from smsbot import targets
from smsbot.accounts import Accounts
from smsbot.core.clock import Clock
from smsbot.core.zones import zone_of
from smsbot.desk.tokens import Tokens
from smsbot.desk.users import Users
from smsbot.pipeline.broadcasts import Broadcasts
from smsbot.pipeline.codes import Codes
from smsbot.pipeline.endpoints import Endpoints
from smsbot.pipeline.events import Events
from smsbot.pipeline.people import People
from smsbot.pipeline.repairs import Repairs
from smsbot.pipeline.sends import Sends
from smsbot.pipeline.spending import Budget
from smsbot.pipeline.supervisor import Supervisor
from smsbot.pipeline.takeovers import Takeovers
from smsbot.sandbox.network import Network
from smsbot.settings import Settings
from smsbot.stores.base import Store
from smsbot.turns.lines import Line, Lines
from smsbot.web.api import LateApi
from smsbot.web.api.rooms import Inspect, Rooms
from smsbot.web.auth import DeskGate, LinkGate, LinkKeys, LocalGate, PasswordCheck, Places, headers_of
from smsbot.web.budgets import Budgets
from smsbot.web.calls import Calls
from smsbot.web.commands import Commands
from smsbot.web.failed import FailedPages
from smsbot.web.find import Find
from smsbot.web.flows import FlowPages
from smsbot.web.guesses import Guesses
from smsbot.web.inbox import InboxPages
from smsbot.web.live import Live
from smsbot.web.messageflow import FIXED, MessageFlowApi
from smsbot.web.overview import OverviewPages
from smsbot.web.pages import Pages, Room
from smsbot.web.people import PeoplePages
from smsbot.web.phones import Phones
from smsbot.web.programs import ProgramPages
from smsbot.web.sending import SendingPages
from smsbot.web.templates import Templates
from smsbot.web.texts import TextPages
from smsbot.web.users import UserPages
from smsbot.web.writing import Writing


@dataclass(frozen=True, slots=True)
class Parts:
    """What the site is made of. `base` is where it is reached."""

    settings: Settings
    base: str
    store: Store
    lines: Lines
    clock: Clock
    accounts: Accounts
    users: Users
    tokens: Tokens
    guesses: Guesses
    supervisor: Supervisor
    commands: Commands
    events: Events
    takeovers: Takeovers
    people: People
    repairs: Repairs
    sends: Sends
    broadcasts: Broadcasts
    budget: Budget
    codes: Codes
    endpoints: Endpoints
    live: Live
    calls: Calls
    keys: LinkKeys
    inspect: Inspect
    unready: Callable[[], str]
    lifespan: Callable[[Any], AbstractAsyncContextManager[None]]
    network: Network | None
    """The phones of the sandbox; None on a server that is run for real."""


def build_site(parts: Parts, sandbox: ASGIApp | None) -> tuple[Starlette, ASGIApp]:
    """The pages, and the gate in front of them."""
    budgets = Budgets(parts.settings.api.rate)
    first = next(iter(parts.lines.values()), None)
    real = parts.accounts.real
    templates = Templates(
        parts.clock,
        zone_of({}, first.timezone if first is not None else "UTC"),
        dev=sandbox is not None,
        real=len(real.only) if real is not None else 0,
        answers=parts.settings.answers,
    )
    pages = Pages(
        parts.store,
        lines=parts.lines,
        clock=parts.clock,
        live=parts.live,
        commands=parts.commands,
        fields=parts.accounts.fields,
        unready=parts.unready,
        supervisor=parts.supervisor,
        guesses=parts.guesses,
        rooms=_rooms(parts, templates),
        templates=templates,
    )
    phones = _phones(parts)
    vendor = MessageFlowApi(
        parts.store, lines=parts.lines, sends=parts.sends, endpoints=parts.endpoints, tokens=parts.tokens,
        clock=parts.clock, base=_public(parts), sandboxed=_is_plain_sandbox(parts), budgets=budgets,
    )  # fmt: skip
    played = _Played(sandbox, vendor) if sandbox is not None else None
    site = pages.app(played, phones, parts.lifespan)
    return site, _gate(parts, _Doors(site, {"/api/v1": LateApi(_api(parts, templates, budgets)), "/v2.1": vendor}))


class _Doors:
    """The shortest way for programs, which ask often; all others go to the pages."""

    def __init__(self, pages: ASGIApp, doors: Mapping[str, ASGIApp]) -> None:
        self._pages = pages
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer behind the right door; what an application is mounted at stands before its paths."""
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            path = scope["path"].removeprefix(root)
            for place, app in self._doors.items():
                if path.startswith(place) and path[len(place) : len(place) + 1] in ("/", ""):
                    await app({**scope, "root_path": root + place}, receive, send)
                    return
        await self._pages(scope, receive, send)


def _public(parts: Parts) -> str:
    """Where phones reach us."""
    real = parts.accounts.real
    return (real.public_url if real is not None and real.public_url else parts.base).rstrip("/")


def _is_plain_sandbox(parts: Parts) -> bool:
    """Whether no text leaves this computer, so that keys need be no secrets."""
    return parts.network is not None and parts.accounts.real is None


class _Played:
    """The sandbox: whoever shows its fixed keys is a program of the user's, whose texts stand on the pages."""

    def __init__(self, sandbox: ASGIApp, vendor: MessageFlowApi) -> None:
        self._sandbox = sandbox
        self._vendor = vendor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by one of the two."""
        outside = scope["type"] == "http" and self._vendor.knows(headers_of(scope))
        await (self._vendor if outside else self._sandbox)(scope, receive, send)


def _gate(parts: Parts, site: ASGIApp) -> ASGIApp:
    places, settings, real = Places([*_own_hosts(parts), *parts.settings.hosts]), parts.settings, parts.accounts.real
    if parts.network is None:
        return DeskGate(site, settings.password or None, places, parts.guesses, parts.users)
    if real is None:
        return LocalGate(site, parts.base)
    password = PasswordCheck(settings.password, parts.guesses) if settings.password else None
    return LinkGate(site, parts.keys, places, password)


def _own_hosts(parts: Parts) -> list[str | None]:
    real = parts.accounts.real.public_url if parts.accounts.real is not None else ""
    return [urlsplit(url).hostname for url in (parts.base, real)]


def _phones(parts: Parts) -> Phones | None:
    if parts.network is None:
        return None
    return Phones(
        parts.network, parts.store, parts.lines, parts.clock, inspect=parts.inspect, stories=_stories,
        emit=parts.commands.emit,
    )  # fmt: skip


def _stories(line: Line) -> Path:
    """Where stories of a line's bot are saved: beside its flows, else with the tests."""
    paths = targets.flow_paths(line.bot)
    if not paths:
        return Path.cwd() / "tests" / "stories"
    return (paths[0] if paths[0].is_dir() else paths[0].parent) / "stories"


def _api(parts: Parts, templates: Templates, budgets: Budgets) -> Rooms:
    """What programs may enter."""
    return Rooms(
        parts.store, parts.lines, parts.clock, templates.zone, tokens=parts.tokens, sends=parts.sends,
        codes=parts.codes, events=parts.events, people=parts.people, takeovers=parts.takeovers, repairs=parts.repairs,
        endpoints=parts.endpoints, calls=parts.calls, inspect=parts.inspect, base=parts.base,
        budgets=budgets,
    )  # fmt: skip


def _rooms(parts: Parts, templates: Templates) -> list[Room]:
    """The pages of the desk."""
    store, lines, clock, repairs = parts.store, parts.lines, parts.clock, parts.repairs
    writing = Writing()
    find = Find(
        store, lines=lines, clock=clock, templates=templates, commands=parts.commands, inspect=parts.inspect,
        taken=store.taken, writing=writing, links=parts.settings.links,
    )  # fmt: skip
    return [
        find,
        InboxPages(
            store, find=find, takeovers=parts.takeovers, templates=templates, clock=clock, writing=writing,
            tell=parts.live.tell,
        ),
        FailedPages(store, lines=lines, clock=clock, repairs=repairs, templates=templates),
        OverviewPages(
            store, lines=lines, clock=clock, repairs=repairs, templates=templates,
            accounts=lambda: list(parts.accounts.gateways),
        ),
        SendingPages(
            store, broadcasts=parts.broadcasts, budget=parts.budget, clock=clock, templates=templates
        ),
        PeoplePages(store, people=parts.people, find=find, lines=lines, templates=templates, clock=clock),
        ProgramPages(
            store, tokens=parts.tokens, endpoints=parts.endpoints, calls=parts.calls, lines=lines, templates=templates,
            clock=clock, base=parts.base, keys=FIXED if _is_plain_sandbox(parts) else None,
        ),
        TextPages(store, lines=lines, templates=templates),
        FlowPages(store, lines=lines, clock=clock, templates=templates),
        UserPages(
            store, users=parts.users, guesses=parts.guesses, templates=templates, clock=clock, base=parts.base
        ),
    ]  # fmt: skip
