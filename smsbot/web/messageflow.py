"""MessageFlow's send API in front of this server: a program that was written for the vendor changes one host.

Its texts go the way of all others: consent, pauses and the desk hold for them too. Its keys are a token of ours in
``Authorization`` (without Bearer) and anything in ``Application-Key``; in the sandbox, the fixed keys as well.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from smsbot.core import phone, segments
from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.status import Status
from smsbot.desk.tokens import Token, Tokens
from smsbot.gateways.messageflow_server import (
    PRICE,
    Asked,
    Refusal,
    Wanted,
    envelope,
    external_of,
    is_of,
    ordered,
    read_object,
    read_send,
    read_wanted,
)
from smsbot.gateways.messageflow_wire import MAX_PARTS, NUMBERS
from smsbot.pipeline.endpoints import Endpoints
from smsbot.pipeline.sends import Sends, Terms, Wish
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Line, Lines

from .auth import headers_of
from .budgets import Budgets

FIXED = ("sandbox-authorization", "sandbox-application-key")
"""The keys by which programs reach the sandbox."""
_BODY = 1_048_576
_URL = re.compile(r"https?://[^\s<>\"]+")
_LISTED = 10_000
"""Texts of a time that one list looks at."""
_START = 1000.0
"""The balance with which the sandbox begins."""
_SENDER = re.compile(r"[A-Za-z0-9 ._-]{1,11}|\+?[0-9]{3,15}")


class MessageFlowApi:
    """Answers programs of the vendor's shape; `sandboxed`, anybody with the fixed keys as well."""

    def __init__(
        self, store: Store, *, lines: Lines, sends: Sends, endpoints: Endpoints, tokens: Tokens, clock: Clock,
        base: str, sandboxed: bool, budgets: Budgets,
    ) -> None:  # fmt: skip
        self._store = store
        self._lines = lines
        self._sends = sends
        self._endpoints = endpoints
        self._tokens = tokens
        self._clock = clock
        self._base = base
        self._sandboxed = sandboxed
        self._budgets = budgets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in the vendor's envelope, whatever is asked."""
        if scope["type"] != "http":
            return
        try:
            status, body = await self._answer(Request(scope, receive))
        except Refusal as refusal:
            body, status = refusal.body, refusal.status
        except StoreError:
            status, body = 503, Refusal(503, "E-5-001", "nothing was kept; send it again").body
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    def knows(self, headers: Mapping[bytes, str]) -> bool:
        """Whether a request shows the fixed keys of the sandbox."""
        given = (headers.get(b"authorization", ""), headers.get(b"application-key", ""))
        return self._sandboxed and all(
            hmac.compare_digest(g.encode(), k.encode()) for g, k in zip(given, FIXED, strict=True)
        )

    async def _answer(self, request: Request) -> tuple[int, bytes]:
        path = request.scope["path"].partition("/v2.1")[2].rstrip("/")
        method = request.method
        known = {"/sms": ("GET", "POST"), "/sms/statuses": ("GET",), "/sms/senders": ("OPTIONS",)}
        if path not in known:
            raise Refusal(404, "E-2-001", "there is no such address")
        if method not in known[path]:
            raise Refusal(405, "E-2-002", f"{path} takes {' and '.join(known[path])}")
        token = await self._token(headers_of(request.scope))
        match method:
            case "POST":
                return await self._send(token, read_send(read_object(await _body(request)), self._clock.now()))
            case "OPTIONS":
                self._may(token, "messages:write")
                senders = [{"sender": line.number} for line in self._lines.values()]
                return 200, envelope(200, senders, [])
            case _:
                self._may(token, "messages:status")
                return 200, await self._list(token, read_wanted(request.query_params, self._clock.now()))

    async def _token(self, headers: Mapping[bytes, str]) -> Token:
        if self.knows(headers):
            return Token("sandbox", frozenset({"messages:write", "messages:status"}))
        secret = headers.get(b"authorization", "").removeprefix("Bearer ").strip()
        token = await self._tokens.of(secret) if secret and headers.get(b"application-key") else None
        if token is None:
            raise Refusal(401, "E-1-001", "Unauthorized")
        if not self._budgets.take(token.name)[0]:
            raise Refusal(429, "E-1-004", f"this token may ask {self._budgets.rate:g} times a second")
        return token

    def _may(self, token: Token, scope: str) -> None:
        if not token.may(scope):
            raise Refusal(403, "E-1-003", f"the token {token.name} has not the scope {scope}")

    # -- sending ------------------------------------------------------------------------------------

    async def _send(self, token: Token, asked: Asked) -> tuple[int, bytes]:
        self._may(token, "messages:write")
        line, mark = self._line(asked.sender), secrets.token_bytes(16)
        text, links = _shortened(asked.message, self._base) if asked.short_link else (asked.message, {})
        if (parts := segments.count(text).segments) > MAX_PARTS:
            raise Refusal(422, "E-4-005", f"message has {parts} parts, at most {MAX_PARTS} are allowed", "message")
        errors: list[Mapping[str, object]] = []
        wishes: list[Wish] = []
        for written in asked.numbers:
            number = phone.asked(written, line.country)
            if phone.is_number(number):
                wishes.append(Wish(number, text, asked.external, asked.due or None))
            else:
                errors.append(Refusal(422, "E-4-007", "phone number is not valid", "phoneNumbers", written).item)
        terms = Terms("notice", asked.validity, flash=asked.flash, by=token.by)
        made = self._sends.compose(line, wishes, terms, identity=mark)
        endpoint = await self._told_at(asked.webhook, token) if made else ""
        called = [external_of(asked, mark.hex()[:16], n) for n in range(1, len(made) + 1)]
        now = self._clock.now()
        changes: list[tuple[str, tuple[object, ...]]] = [("link", (code, url, now)) for code, url in links.items()]
        changes += [("outside", (t.id, endpoint, e)) for t, e in zip(made, called, strict=True)]
        await self._store.write(changes)
        rows = await self._sends.keep(made)
        data: list[Mapping[str, Any]] = []
        for row, external in zip(rows, called, strict=True):
            if row["status"] == Status.BLOCKED.value:
                errors.append(Refusal(422, "E-4-010", row["detail"], "phoneNumbers", row["number"]).item)
            else:
                data.append(self._item(row, external, row["created"]))
        status = (207 if data else 422) if errors else 200
        if not data:
            raise _Refused(status, errors)
        balance = f"{await self._balance():.2f}"
        meta = {"sentSms": len(data), "notSentSms": len(errors), "accountBalance": balance}
        return status, envelope(status, data, errors, **meta)

    def _line(self, sender: str) -> Line:
        line = self._lines.find(sender)
        if line is not None:
            return line
        if self._sandboxed and _SENDER.fullmatch(sender):
            return self._lines.values()[0].called(sender)
        known = ", ".join(x.number for x in self._lines.values())
        raise Refusal(422, "E-4-009", f"{sender[:20]} is none of the senders {known}", "sender", sender)

    async def _told_at(self, url: str, token: Token) -> str:
        """The endpoint that hears of the reports; empty for none."""
        if not url:
            return ""
        mark = digest("outside", token.name, url)
        try:
            made = await self._endpoints.add(url, ["message.status"], token.by, identity=mark, shape="messageflow")
        except UsageError as error:
            raise Refusal(422, "E-4-004", f"webhookUrl: {error.args[0]}", "webhookUrl", url) from None
        return made.id

    async def _balance(self) -> float:
        """In the sandbox each part costs something; elsewhere nobody tells us what is left."""
        if not self._sandboxed:
            return 0.0
        parts: int = (await self._store.rows("outside_parts"))[0]["parts"] or 0
        return max(_START - parts * PRICE / 100, 0.0)

    # -- lists --------------------------------------------------------------------------------------

    async def _list(self, token: Token, wanted: Wanted) -> bytes:
        rows = await self._store.rows(
            "outside_list", since=_hex(wanted.since), until=_hex(wanted.until + 1), by=token.by,
            number=phone.normalise(wanted.number, self._lines.values()[0].country) if wanted.number else "",
            limit=_LISTED,
        )  # fmt: skip
        if wanted.senders:
            known = {line.number for s in wanted.senders if (line := self._lines.find(s)) is not None}
            rows = [r for r in rows if r["line"] in known.union(wanted.senders)]
        if wanted.external:
            rows = [r for r in rows if is_of(r["external"], wanted.external)]
        found = ordered([self._item(r, r["external"], r["moved"] or r["created"]) for r in rows], wanted)
        if not found:
            raise Refusal(404, "E-3-001", "No data found")
        return envelope(200, found, [])

    def _item(self, row: Row, external: str, moved: float) -> Mapping[str, Any]:
        return {
            "sender": row["line"], "phoneNumber": row["number"], "externalId": external,
            "status": NUMBERS[Status(row["status"])], "statusTime": int(moved), "createTime": int(row["created"]),
            "smsPrice": row["parts"] * PRICE if self._sandboxed else round((row["price"] or 0) * 100), "currency": 0,
            "numberOfParts": row["parts"],
        }  # fmt: skip


class _Refused(Refusal):
    """Nothing could be sent to anybody."""

    def __init__(self, status: int, errors: Sequence[Mapping[str, object]]) -> None:
        super().__init__(status, "E-4-007", "nothing was sent")
        self._errors = errors

    @property
    def body(self) -> bytes:
        """Every error."""
        return envelope(self.status, [], self._errors, sentSms=0, notSentSms=len(self._errors))


def _hex(moment: float) -> str:
    """What ids of texts of a second begin with."""
    return f"{min(int(max(moment, 0.0)), 0xFFFFFFFF):08x}"


def _shortened(message: str, base: str) -> tuple[str, Mapping[str, str]]:
    """A text with its addresses short, and where each code leads; whoever opens one is led on, and counted."""
    codes: dict[str, str] = {}

    def short(found: re.Match[str]) -> str:
        url = found[0].rstrip(".,;:!?)")
        return f"{base}/s/{codes.setdefault(url, secrets.token_urlsafe(5))}{found[0][len(url) :]}"

    text = _URL.sub(short, message)
    return text, {code: url for url, code in codes.items()}


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY:
            raise Refusal(413, "E-4-006", f"a body has at most {_BODY} bytes")
    return body
