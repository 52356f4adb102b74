"""The commands that the command line asks of the running server, through the control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from smsbot.core import phone
from smsbot.core.clock import duration
from smsbot.core.errors import UsageError
from smsbot.core.message import Key
from smsbot.desk.tokens import Tokens
from smsbot.gateways.base import Gateway
from smsbot.pipeline.broadcasts import Broadcasts, plain
from smsbot.pipeline.events import Events
from smsbot.pipeline.inbox import Inbox
from smsbot.pipeline.people import People
from smsbot.pipeline.repairs import Filter, Repairs
from smsbot.pipeline.sends import Sends, Terms, Wish, wrong_with
from smsbot.pipeline.takeovers import Takeovers
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Line, Lines

from .hooks import Hooks


class Commands:
    """Each takes and returns plain JSON values; raises `UsageError` for what it is not given well."""

    def __init__(
        self,
        store: Store,
        lines: Lines,
        inbox: Inbox,
        events: Events,
        hooks: Hooks,
        gateways: Mapping[str, Gateway],
        repairs: Repairs,
        people: People,
        sends: Sends,
        broadcasts: Broadcasts,
        tokens: Tokens,
        takeovers: Takeovers,
    ) -> None:
        self._store = store
        self._lines = lines
        self._inbox = inbox
        self._events = events
        self._hooks = hooks
        self._gateways = gateways
        self._repairs = repairs
        self._people = people
        self._sends = sends
        self._broadcasts = broadcasts
        self._tokens = tokens
        self._takeovers = takeovers

    def table(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """The commands by their names on the socket."""
        return {
            "send": self.send,
            "hooks": self.addresses,
            "rotate": self.rotate,
            "map": self.map_fields,
            "emit": self.emit,
            "tokens": self.tokens,
            "users": self.users,
            "opt_out": self._people.opt_out,
            "opt_in": self._people.opt_in,
            "erase": self._people.erase,
            "pause": self._repairs.pause,
            "resume": self._repairs.resume,
            "broadcast_begin": self.broadcast_begin,
            "broadcast_add": self.broadcast_add,
            "broadcast_progress": self.broadcast_progress,
            "broadcast_pause": self.broadcast_pause,
            "broadcast_stop": self.broadcast_stop,
            "broadcasts": self.broadcasts,
            "send_again": self.send_again,
            "take_again": self.take_again,
            "end": self.end,
        }

    async def send(self, number: str, text: str, line: str = "", ref: str = "") -> dict[str, Any]:
        """Send a text that answers nothing; a notice, worth sending for 12 hours. `ref` is what you call it."""
        ours, wish = wished(self._lines, number, text, line, ref=ref)
        rows = await self._sends.send(ours, [wish], Terms())
        return told(rows[0])

    async def end(self, conversations: list[tuple[str, str]], say: str = "") -> int:
        """End the runs of conversations, each a line and a number, with a text; how many were open."""
        return await self._takeovers.end([Key(line, number) for line, number in conversations], say)

    async def broadcast_begin(self, identity: str, name: str, line: str, total: int) -> dict[str, Any]:
        """Begin a broadcast, or the same once more; how much of it was given before."""
        row = await self._broadcasts.begin(bytes.fromhex(identity), name, line, total, "command line")
        return {"name": row["name"], "written": row["written"]}

    async def broadcast_add(
        self, identity: str, first: int, people: list[tuple[str, str]], lane: str, valid: float
    ) -> int:  # fmt: skip
        """Give some of its texts, which begin at a place; how many are given by now."""
        return await self._broadcasts.add(bytes.fromhex(identity), first, people, lane=lane, valid=valid)

    async def broadcast_progress(self, name: str) -> dict[str, Any]:
        """How it fares."""
        return plain(await self._broadcasts.progress(name))

    async def broadcast_pause(self, name: str, pause: str) -> dict[str, Any]:
        """``pause`` or ``resume`` it."""
        return plain(await self._broadcasts.pause(name, pause))

    async def broadcast_stop(self, name: str) -> dict[str, Any]:
        """Take back all of it that has not left."""
        return plain(await self._broadcasts.stop(name, "command line"))

    async def broadcasts(self) -> list[dict[str, Any]]:
        """The newest of them."""
        return [plain(told) for told in await self._broadcasts.listed()]

    async def send_one_again(self, row: Row) -> str:
        """Send one text again, as a text of its own; its id."""
        return await self._repairs.send_one_again(row)

    async def addresses(self) -> dict[str, list[str]]:
        """The addresses to paste at each account's provider."""
        return self._hooks.addresses()

    async def rotate(self, account: str) -> dict[str, list[str]]:
        """Give an account a new secret; the one before stays alive."""
        await self._hooks.rotate(account)
        return self._hooks.addresses()

    async def map_fields(self, account: str, kind: str, fields: dict[str, str]) -> dict[str, int]:
        """Teach an account's field names, and read its quarantine again."""
        await self._hooks.map(account, kind, fields)
        done, left = await self._inbox.replay(self._gateways, account)
        return {"replayed": done, "left": left}

    async def emit(
        self,
        name: str,
        number: str,
        data: Mapping[str, Any],
        line: str = "",
        key: str = "",
        at: float | None = None,
        busy: str = "",
        valid: str = "",
        by: str = "",
        ref: str = "",
    ) -> str:
        """An event from outside for the conversation with a number: started, queued, scheduled or duplicate.

        `by` is the program that asks, `ref` what it calls the texts that answer it.
        """
        life = duration(valid) if valid else 0.0
        return await self._events.emit(
            name, number, data, line=line, key=key, at=at, busy=busy, valid=life, by=by, ref=ref
        )

    async def send_again(self, since: float, line: str, reason: str, statuses: list[str]) -> int:
        """Send failed texts again; how many."""
        return await self._repairs.send_again(Filter(since, line, reason, tuple(statuses)))

    async def take_again(self, since: float, line: str, reason: str, statuses: list[str]) -> int:
        """Give dead letters another turn; how many."""
        return await self._repairs.take_again(Filter(since, line, reason))

    async def tokens(self, changes: list[list[Any]]) -> None:
        """Make or revoke tokens of the API."""
        for name, _ in changes:
            if name not in ("token", "token_revoked"):
                raise UsageError(f"{name} is none of the changes of tokens")
        await self._tokens.change([(name, [_plain(v) for v in values]) for name, values in changes])

    async def users(self, changes: list[list[Any]]) -> None:
        """Make, change or remove users of the desk; the audit says that it was done from the command line."""
        for name, _ in changes:
            if name not in _OF_USERS:
                raise UsageError(f"{name} is none of the changes of users")
        await self._store.write([(name, [_plain(v) for v in values]) for name, values in changes])


_OF_USERS = frozenset({"user", "user_link", "user_role", "user_gone", "sessions_of_gone", "audit"})


def _plain(value: Any) -> Any:
    """A value of JSON as the store takes it: bytes come as ``{"hex": …}``."""
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def wished(lines: Lines, number: str, text: str, line: str, *, ref: str = "") -> tuple[Line, Wish]:
    """A text that answers nothing, and the line that it leaves from. Raises `UsageError` for what cannot be sent."""
    ours = lines.find(line) if line else lines.values()[0]
    if ours is None:
        raise UsageError(f"{line} is none of our lines")
    theirs = phone.asked(number, ours.country)
    if why := wrong_with(theirs, text):
        raise UsageError(f"{number!r} {why}" if not phone.can_receive(theirs) else why)
    return ours, Wish(theirs, text, ref)


def told(row: Row) -> dict[str, Any]:
    """How a text stands, masked."""
    why = "paused; it leaves after `smsbot resume`" if row["phase"] == "held" else row["detail"]
    return {"id": row["id"], "to": phone.mask(row["number"]), "status": row["status"], "detail": why}
