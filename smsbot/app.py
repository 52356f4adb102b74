"""The composition root: settings → store, gateways, bots → one ASGI app and its workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from smsbot.accounts import Accounts, Real
from smsbot.alerting import channels_of
from smsbot.builds import build_of
from smsbot.core.clock import Clock, ShiftedClock, SystemClock
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.message import Key
from smsbot.desk.tokens import Tokens
from smsbot.desk.users import Users
from smsbot.failpoints import reached
from smsbot.gateways.messageflow_wire import report_item
from smsbot.leaving import Leaving
from smsbot.lineup import build_lines, zones_of
from smsbot.log import Log
from smsbot.pipeline.alerts import Alerts
from smsbot.pipeline.attempts import Account
from smsbot.pipeline.backfill import Backfill
from smsbot.pipeline.broadcasts import Broadcasts
from smsbot.pipeline.codes import Codes
from smsbot.pipeline.contents import Contents
from smsbot.pipeline.dispatcher import Dispatcher
from smsbot.pipeline.endpoints import Endpoints
from smsbot.pipeline.events import Events
from smsbot.pipeline.inbox import Inbox
from smsbot.pipeline.people import People
from smsbot.pipeline.pushes import Pushes
from smsbot.pipeline.receipts import Receipts
from smsbot.pipeline.recovery import Recovery
from smsbot.pipeline.repairs import Repairs
from smsbot.pipeline.schedules import Schedules
from smsbot.pipeline.search import SearchIndex
from smsbot.pipeline.sender import Sender
from smsbot.pipeline.sends import Sends
from smsbot.pipeline.supervisor import Supervisor, Worker
from smsbot.pipeline.takeovers import Takeovers
from smsbot.pipeline.timers import Timers
from smsbot.pipeline.view import View, inspect
from smsbot.routing.bot import Bot
from smsbot.sandbox.app import sandbox
from smsbot.sandbox.clock_control import MovableClock, TimeMachine
from smsbot.sandbox.network import Network
from smsbot.settings import Settings
from smsbot.site import Parts, build_site
from smsbot.transport import Transport, transport_of_server
from smsbot.transport.outside import Outside, Teller
from smsbot.web.auth import LOOPBACK, LinkKeys
from smsbot.web.calls import Calls
from smsbot.web.commands import Commands
from smsbot.web.control import Control, own_folder, socket_path
from smsbot.web.guesses import Guesses
from smsbot.web.hooks import Hooks
from smsbot.web.live import Live
from smsbot.web.prefix import placed
from smsbot.web.webhooks import Receive, Scope, Send, Webhooks

log = Log("smsbot")
_DRAIN = 12.0
"""Seconds that turns and sends under way get together when the server stops; with open requests, within 30."""


class App:
    """A bot server: an ASGI app with its store and workers.

    With `sandbox_url` (where this server will be reached) every account talks to the built-in sandbox
    instead of its provider; with `real` as well, the numbers named there talk to the provider, and the pages, which
    a tunnel shows to everybody, are seen by whoever opens the `link` (its secret), which works once.
    """

    def __init__(
        self,
        settings: Settings,
        bots: Mapping[str, Bot],
        *,
        sandbox_url: str = "",
        real: Real | None = None,
        link: str = "",
        clock: MovableClock | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.settings = settings
        self.bots = bots
        self.dev = bool(sandbox_url)
        self._base = (sandbox_url or settings.public_url).rstrip("/")
        self._movable: MovableClock = clock or ShiftedClock()
        self.clock: Clock = self._movable if self.dev or clock else SystemClock()
        self.leaving = Leaving(settings)
        self.store = settings.place.store(
            guarded=not self.dev, patient=not self.dev, shares=not self.dev, rules=self.leaving
        )
        self.lines = build_lines(settings, bots, sandboxed=self.dev)
        self._transport = transport or transport_of_server()
        self._given_transport = transport
        self.accounts = Accounts(
            settings, self._transport, self._base, sandboxed=self.dev, real=real, report_url=self._report_url
        )
        self.gateways = self.accounts.gateways
        self.hooks = Hooks(self.store, self.gateways, self.accounts.base, self.clock)
        self._keys = LinkKeys(link, self._claimed, lambda: self.store.dedupe_key)
        self.guesses = Guesses()
        self.users = Users(self.store, self.clock)
        self.tokens = Tokens(self.store, self.clock)
        self._provided: dict[Bot, Mapping[type, Any]] = {}
        self._stack = AsyncExitStack()
        self._work = AsyncExitStack()
        """What works on texts; the innermost of the stack."""
        self._closing = False
        self._before = 0
        """Processes that were first to serve from this folder: one of them is asked by the command line."""
        self.supervisor = Supervisor()
        self._build_pipeline()
        self.network: Network | None = None
        self.time: TimeMachine | None = None
        self.live = Live(self.store)
        self.calls = Calls(self.live.tell)
        phone_api = self._build_sandbox() if self.dev else None
        self.pages, self._site = build_site(self._parts(), phone_api)

    def _build_pipeline(self) -> None:
        accounts = {name: Account(name, g, partial(self._report_url, name)) for name, g in self.gateways.items()}
        recheck = self.settings.recheck or (2.0 if self.dev else 60.0)
        self.sender = Sender(self.store, accounts, self.clock, recheck=recheck, rates=self.settings.rates)
        self.dispatcher = Dispatcher(self.store, self.lines, self.sender, self.clock, self._provided, candid=self.dev)
        receipts = Receipts(self.store, self.lines, self.dispatcher, self.clock)
        self.inbox = Inbox(self.store, self.lines, self.dispatcher, receipts, self.clock)
        self.events = Events(self.store, self.lines, self.dispatcher, self.clock)
        self.recovery = Recovery(self.store, self.dispatcher)
        self.timers = Timers(
            self.store, self.dispatcher, self.sender, self.clock, joined=self.inbox.joined, recovery=self.recovery
        )
        self.backfill = Backfill(self.store, self.inbox, accounts, self.lines, self.clock)
        self.sender.kick = self.timers.kick
        self.sender.opted_out = receipts.opted_out = self.inbox.opted_out_elsewhere
        self.takeovers = Takeovers(self.store, self.lines, self.dispatcher, self.sender, self.clock)
        self.people = People(
            self.store, lines=self.lines, dispatcher=self.dispatcher, sender=self.sender, takeovers=self.takeovers,
            clock=self.clock,
        )  # fmt: skip
        self.repairs = Repairs(self.store, self.dispatcher, self.sender, self.clock)
        self.sends = Sends(self.store, self.lines, self.sender, self.clock)
        self.broadcasts = Broadcasts(self.store, self.sends, self.clock)
        self.codes = Codes(self.store, self.sends, self.clock)
        self.sender.words, self.inbox.codes = self.codes.words, self.codes
        self.people.forgotten = self.codes.forget
        self.endpoints = self._build_endpoints()
        self.pushes = Pushes(self.store, self.endpoints, self.clock, {"messageflow": report_item})
        self.commands = Commands(
            self.store,
            self.lines,
            inbox=self.inbox,
            events=self.events,
            hooks=self.hooks,
            gateways=self.gateways,
            repairs=self.repairs,
            people=self.people,
            sends=self.sends,
            broadcasts=self.broadcasts,
            tokens=self.tokens,
            takeovers=self.takeovers,
        )
        self.webhooks = Webhooks(self.inbox, self.gateways, self.hooks.live, self.accounts.base, lambda: self._closing)

    def _build_endpoints(self) -> Endpoints:
        """In the sandbox this machine itself may be told; elsewhere what the settings allow."""
        allowed = [*self.settings.api.allow, *(LOOPBACK if self.dev else ())]
        self._teller = Teller(Outside(allowed), self._given_transport)
        return Endpoints(self.store, self._teller, self.clock)

    def _parts(self) -> Parts:
        return Parts(
            self.settings, base=self._base, store=self.store, lines=self.lines, clock=self.clock,
            accounts=self.accounts, users=self.users, tokens=self.tokens, guesses=self.guesses,
            supervisor=self.supervisor, commands=self.commands, events=self.events, takeovers=self.takeovers,
            people=self.people, repairs=self.repairs, sends=self.sends, broadcasts=self.broadcasts,
            budget=self.leaving.budget, codes=self.codes,
            endpoints=self.endpoints, live=self.live, calls=self.calls, keys=self._keys, inspect=self.inspect,
            unready=self._unready, lifespan=self._lifespan,
            network=self.network,
        )  # fmt: skip

    async def _claimed(self, key: bytes) -> bool:
        return await self.store.once(key, self.clock.now())

    def _build_sandbox(self) -> Any:
        first = self.lines.values()[0]
        network = Network(
            self.store,
            self.clock,
            self._transport,
            inbound_url=self._inbound_url,
            report_url=self._report_url,
            default_line=first.number,
        )
        workers = (self.timers, network)
        busy = (self.timers, self.dispatcher, self.sender, network)
        self.time = TimeMachine(self._movable, workers, lambda: all(b.idle for b in busy), self._clock_moved)
        self.network = network
        return sandbox(network, self.accounts.credentials, self.time.advance, first.country)

    def _inbound_url(self, line: str) -> str:
        ours = self.lines.find(line)
        if ours is None:
            raise UsageError(f"{line} is none of this server's lines")
        return self.hooks.url(self.accounts.played(ours.account), "inbound")

    # -- life ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the store, recover what a former process left, start the workers."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def _start(self) -> None:
        stack = self._stack
        stack.push_async_callback(self._transport.close)
        stack.push_async_callback(self._teller.close)
        for why in self.settings.unsure_zones():
            log.warning("days may begin and end at another hour than people think", why=why)
        await self.store.open(self.clock.now())
        stack.push_async_callback(self.store.close)
        if self.settings.place.on_server:  # beside a file it can be made, or the file could not
            own_folder(self.settings.run_folder)
        self._note_running()
        stack.callback(self.dispatcher.running.close)
        if isinstance(self.clock, ShiftedClock):
            for row in await self.store.rows("sandbox_clock"):
                self.clock.offset = row["shift"]
        await self.codes.begin(self.settings.run_folder / "codes", self.settings.codes_words)
        contents = Contents(self.store, self.lines, self.clock)
        self.store.when_heard(contents.read, self.hooks.read, self.tokens.forget, self.endpoints.forget)
        self.store.when_heard(self.inbox.limits.forget, self.dispatcher.queues.heard)
        await contents.keep()
        await self.hooks.open()
        for bot in dict.fromkeys(self.bots.values()):
            self._provided[bot] = await stack.enter_async_context(bot.running())
            bot.starter, bot.sender = self.commands.emit, self.sends.of_bot
        stack.push_async_callback(self._work.aclose)
        self._work.push_async_callback(self._drain)
        zones, spawn = zones_of(self.lines), self.dispatcher.tasks.spawn
        self.timers.ticks = Schedules(self.store, self.bots.values(), self.clock, self._provided, spawn, zones)
        self.timers.ticks.start()
        if self.settings.place.on_server:
            await self.store.announce(self.settings.build or build_of(self.lines, Path.cwd()))
        await self.recovery.begin()
        self._run("live pages", self.live.run)
        self._run("timers", self.timers.run, self.timers.stop)
        self._run("webhooks out", self.pushes.run, once=True)
        self._run("search", SearchIndex(self.store).run, once=True)
        if not self.dev and (channels := channels_of(self.settings.alerts, self._transport)):
            alerts = Alerts(self.store, channels, self.clock, self._base, budget=self.leaving.budget)
            self._run("alerts", alerts.run, once=True)
        if not self.dev and self.backfill.wanted:
            self._run("backfill", self.backfill.run, once=True)
        if self.network is not None:
            await self.network.open()
            self._work.push_async_callback(self.network.close)
            self._run("phones", self.network.run)
        more = {"where": self._where, "key": self._key}
        commands = {**self.commands.table(), **more, "capture": self._capture, "release": self._release}
        self.control = Control(socket_path(self.settings.run_folder), commands)
        if not self._before:
            await self.control.open()
            self._work.push_async_callback(self.control.close)
        if self.store.leads:
            await self.people.recover()
        else:
            self._run("erasures", self._recover_people, once=True)
        self.dispatcher.tasks.spawn(self._reread())  # there may be many, and nobody shall wait for them
        for pause in await self.store.rows("pauses"):
            what = f"{pause['scope']} {pause['name']}".strip()
            log.warning("paused: nothing leaves until `smsbot resume`", what=what, why=pause["why"])

    def _note_running(self) -> None:
        """Note beside the database whose code runs, so that the next process knows what has ended this one."""
        folder = self.settings.run_folder
        try:
            own_folder(folder)
            self._before = self.dispatcher.running.open(folder)
        except (OSError, UsageError) as error:
            log.warning("if a handler ends the process, nobody will know which", why=str(error))

    async def _reread(self) -> None:
        """Webhooks in quarantine that this version, or these settings, may understand."""
        try:
            await self.inbox.replay(self.gateways)
        except Exception as error:
            log.error("webhooks in quarantine could not be read again", exc_info=error)

    def _report_url(self, account: str) -> str:
        return self.hooks.url(account, "status")

    def _run(
        self, name: str, worker: Callable[[], Coroutine[Any, Any, None]], finish: Callable[[], None] | None = None,
        *, once: bool = False,
    ) -> None:  # fmt: skip
        """Keep a worker alive until the end of the server; `once`: in that process alone which leads."""
        waits = self.store.lead if once else None
        self._work.push_async_callback(self.supervisor.start(Worker(name, worker, finish, waits)))

    async def _recover_people(self) -> None:
        """What another process cut short is this one's to end, once it leads."""
        await self.people.recover()
        await asyncio.Event().wait()

    async def _drain(self) -> None:
        reached("drain.begun")
        with suppress(StoreError):
            await self.store.retire()
        end = asyncio.get_running_loop().time() + _DRAIN
        await self.dispatcher.tasks.drain(_DRAIN)
        for line in self.lines.values():
            line.threads.close()
        self.dispatcher.live.close()
        await self.sender.drain(end - asyncio.get_running_loop().time())
        await self.sender.cancel()

    async def ending(self) -> None:
        """The end has begun, and requests are still taken: end what needs that, or would never end by itself.

        Open pages would not; and texts of the sandbox leave for this very server, which must listen until they have.
        """
        self.live.close()
        if self.dev:
            self._closing = True
            await self._work.aclose()

    async def stop(self) -> None:
        """Take nothing new, finish what is under way, close. What is left goes on at the next start."""
        self._closing = True
        self.live.close()
        await self._stack.aclose()

    async def _where(self) -> str:
        """The address of the sandbox."""
        if not self.dev:
            raise UsageError("this server is not a sandbox")
        return self._base

    async def _key(self) -> str:
        """The key that programs of this machine show to the pages of the sandbox."""
        return self._keys.session() if self.dev else ""

    async def _capture(self, number: str) -> str:
        """Begin to keep webhooks; why a text to a number would only be played, or nothing."""
        why = self.accounts.unreal(number)
        if not why:
            self.webhooks.capture()
        return why

    async def _release(self) -> list[dict[str, Any]]:
        return self.webhooks.release()

    async def inspect(self, key: Key) -> View | None:
        """Where a conversation stands; None if it never began."""
        return await inspect(self.store, self.lines, key)

    def _unready(self) -> str:
        """Why no texts should come here now; empty if they may."""
        if self._closing:
            return "closing"
        if self.store.busy:
            return "busy: more waits for the database than it should"
        return "; ".join(f"the worker of the {w.name} keeps dying: {w.why}" for w in self.supervisor.failing)

    # -- ASGI ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Webhooks first, by the shortest way; everything else through Starlette."""
        if scope["type"] == "http":
            scope = placed(scope)
        if scope["type"] == "http" and scope["path"].startswith("/hooks/"):
            await self.webhooks(scope, receive, send)
        else:
            await self._site(scope, receive, send)

    async def _clock_moved(self) -> None:
        if isinstance(self.clock, ShiftedClock):
            await self.store.write([("sandbox_clock", (self.clock.offset,))])
