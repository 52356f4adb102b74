"""Who may see the pages: everybody on loopback in `dev`; behind a tunnel, and with `run`, whoever signs in.

What a request says of its host is believed only to refuse it: a stranger who writes ``Host: localhost`` gets no more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from smsbot.desk.users import User, Users
from smsbot.log import Log

from .cookies import cookie_of, with_cookie
from .guesses import Guesses

log = Log("smsbot.auth")
_CLOSED = (
    b"The dashboard is closed: nobody may see it yet.\n"
    b"`smsbot user add NAME --role admin` prints a link that opens it; or set SMSBOT_DASHBOARD_PASSWORD.\n"
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""What this machine calls itself."""
_PROBES = ("/healthz", "/readyz")
_READS = ("GET", "HEAD", "OPTIONS")
_FORWARDED = (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"forwarded", b"cf-connecting-ip")
COOKIE = "smsbot_dev"
SIGN_IN = "/sign-in"
"""Where users sign in, and where the links lead that let them choose a password."""
SIGN_OUT = "/sign-out"
LANGUAGE = "/language"
"""Where somebody chooses the language of the pages, signed in or not."""
NOBODY = User("", "")
"""Whoever has not signed in yet."""


def inside(place: str) -> str:
    """A place of ours to go on to; the home page instead of what leads elsewhere."""
    is_ours = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place[:500] if is_ours else "/"


class Places:
    """Where our pages are: what a request may call its host, and from where its forms may come."""

    def __init__(self, hosts: Iterable[str | None]) -> None:
        self._hosts = LOOPBACK | {host.lower() for host in hosts if host}

    def called(self, headers: Mapping[bytes, str]) -> bool:
        """Whether the host of a request is ours. An address, or a name without dots, is nobody's page elsewhere."""
        host = _host(f"//{headers.get(b'host', '')}")
        return host is not None and (host in self._hosts or "." not in host or _is_address(host))

    def ours(self, headers: Mapping[bytes, str]) -> bool:
        """Whether the host of a request is this machine, or the place that we were told."""
        return _host(f"//{headers.get(b'host', '')}") in self._hosts

    def from_here(self, method: str, headers: Mapping[bytes, str]) -> bool:
        """Whether a form was sent by one of our own pages, as far as a browser tells."""
        if method in _READS:
            return True
        site = headers.get(b"sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            return False
        origin = headers.get(b"origin", headers.get(b"referer"))
        if origin is None:
            return True
        place = _host(origin)
        return place is not None and (place in self._hosts or place == _host(f"//{headers.get(b'host', '')}"))


class LocalGate:
    """In front of `dev`: only this machine's own pages may ask (no DNS rebinding, no foreign forms, no tunnel)."""

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._places = Places([urlsplit(url).hostname])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who comes from here."""
        if scope["type"] != "http" or self._local(scope):
            await _asked(self._app, scope, receive, send)
        else:
            await _say(send, 403, b"Only pages of this computer may use the sandbox.\n")

    def _local(self, scope: Scope) -> bool:
        headers = headers_of(scope)
        tunnelled = any(name in headers for name in _FORWARDED)
        return not tunnelled and self._places.ours(headers) and self._places.from_here(scope["method"], headers)


class LinkGate:
    """In front of `dev --live`, which strangers reach through its tunnel: a link that works once, or the password."""

    def __init__(self, app: ASGIApp, keys: LinkKeys, places: Places, password: PasswordCheck | None) -> None:
        self._app = app
        self._keys = keys
        self._places = places
        self._password = password

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who followed the link, or knows the password."""
        path = scope.get("path", "")
        if scope["type"] != "http" or _is_open(path) or path.startswith("/sandbox/v2.1/"):
            await _asked(self._app, scope, receive, send)
            return
        headers = headers_of(scope)
        if not self._places.from_here(scope["method"], headers):
            await _say(send, 403, b"Only our own pages may say so.\n")
            return
        if self._keys.signed_in(headers.get(b"cookie", ""), headers.get(b"authorization", "")):
            await _asked(self._app, scope, receive, send)
            return
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("key", [""])[0]
        if given and scope["method"] == "GET" and await self._keys.use(given):  # a preview asks by HEAD
            cookie = f"{COOKIE}={self._keys.session()}; Path=/; HttpOnly; SameSite=Lax"
            await _say(send, 303, b"", [(b"location", scope["path"].encode()), (b"set-cookie", cookie.encode())])
        elif self._password is not None:
            await self._password.through(self._app, scope, receive, send)
        else:
            await _say(send, 403, b"Open the link that `smsbot dev` has printed; it works once.\n")


class LinkKeys:
    """The link that `dev --live` prints, and what a browser that followed it shows from then on."""

    def __init__(self, link: str, claim: Callable[[bytes], Awaitable[bool]], secret: Callable[[], bytes]) -> None:
        self._link = link
        self._claim = claim
        self._secret = secret

    async def use(self, given: str) -> bool:
        """Whether this is the link, which works once."""
        if not self._link or not hmac.compare_digest(given.encode(), self._link.encode()):
            return False
        return await self._claim(self._digest(b"link " + self._link.encode())[:16])

    def session(self) -> str:
        """The session key that a browser or a program of this machine shows."""
        return self._digest(b"session").hex()

    def signed_in(self, cookie: str, authorization: str) -> bool:
        """Whether a request shows it."""
        kind, _, token = authorization.partition(" ")
        given = [token] if kind.lower() == "bearer" else []
        try:
            found = SimpleCookie(cookie).get(COOKIE)
        except CookieError:
            found = None
        given += [found.value] if found is not None else []
        return any(hmac.compare_digest(g.encode(), self.session().encode()) for g in given)

    def _digest(self, what: bytes) -> bytes:
        return hmac.digest(self._secret(), b"smsbot dev " + what, "sha256")


class PasswordCheck:
    """HTTP Basic with one password, whoever it is; guesses get slower."""

    def __init__(self, password: str, guesses: Guesses) -> None:
        self._digest = hashlib.sha256(password.encode()).digest()
        self._guesses = guesses

    async def through(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who knows it."""
        headers = headers_of(scope)
        given = _password_in(headers.get(b"authorization", ""))
        if given is None:
            await _say(send, 401, b"Sign in.\n", [_CHALLENGE])
            return
        client, now = client_of(scope, headers), time.monotonic()
        wait = self._guesses.wait(client, now)
        if wait:
            await _say(send, 429, b"Too many wrong passwords; wait.\n", [(b"retry-after", b"%d" % (wait + 1))])
        elif hmac.compare_digest(hashlib.sha256(given).digest(), self._digest):
            self._guesses.right(client, now)
            scope["user"] = User(_name_in(headers[b"authorization"]), "admin")
            await _asked(app, scope, receive, send)
        else:
            self._guesses.missed(client, now)
            log.warning("a wrong password for the pages", client=client, wrong=self._guesses.wrong)
            await _say(send, 401, b"Sign in.\n", [_CHALLENGE])


class DeskGate:
    """In front of `run`: users who have signed in, and whoever knows the password, where one is set."""

    def __init__(self, app: ASGIApp, password: str | None, places: Places, guesses: Guesses, users: Users) -> None:
        self._app = app
        self._password = PasswordCheck(password, guesses) if password else None
        self._places = places
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who may."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            await _asked(self._app, {**scope, "user": NOBODY}, receive, send)
            return
        headers = headers_of(scope)
        if not self._places.called(headers):
            await _say(send, 421, b"This is not the host of these pages; name it under `hosts` in the settings.\n")
        elif not self._places.from_here(scope["method"], headers):
            await _say(send, 403, b"Only our own pages may say so.\n")
        elif scope["path"] in (SIGN_IN, LANGUAGE) or scope["path"].startswith(f"{SIGN_IN}/"):
            scope["user"] = NOBODY
            await self._by_browser(scope, headers, receive, send)
        elif key := cookie_of(headers):
            await self._by_session(key, scope, headers, receive, send)
        else:
            await self._without(scope, headers, receive, send)

    async def _by_session(
        self, key: str, scope: Scope, headers: Mapping[bytes, str], receive: Receive, send: Send
    ) -> None:
        session = await self._users.of(key)
        if session is None:
            await self._without(scope, headers, receive, send)
            return
        scope["user"] = session.user
        if session.key and scope["path"] != SIGN_OUT:
            send = with_cookie(send, session.key, headers)
        await self._by_browser(scope, headers, receive, send)

    async def _by_browser(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, send: Send) -> None:
        """A form of a browser says where it comes from: cookies go wherever it is sent from."""
        if scope["method"] in _READS or _tells_its_place(headers):
            await _asked(self._app, scope, receive, send)
        else:
            await _say(send, 403, b"A form must say which page it comes from.\n")

    async def _without(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, send: Send) -> None:
        """Who has no session: by the password, else to the page where one signs in."""
        has_users = bool(await self._users.all())
        if self._password is not None and (not has_users or b"authorization" in headers):
            await self._password.through(self._app, scope, receive, send)
        elif not has_users:
            await _say(send, 403, _CLOSED)
        elif scope["method"] == "GET" and headers.get(b"sec-fetch-mode", "navigate") == "navigate":
            place = urlencode({"next": scope["path"]}).encode()
            await _say(send, 303, b"", [(b"location", b"/sign-in?" + place)])
        else:
            await _say(send, 401, b"Sign in.\n")


_CHALLENGE = (b"www-authenticate", b'Basic realm="smsbot", charset="UTF-8"')


def _is_machine(path: str) -> bool:
    """Whether machines ask for it without a password."""
    return path in _PROBES or path.startswith(("/static/", "/explain/"))


def _is_open(path: str) -> bool:
    """Whether it is asked for without a password; the API asks for a token, and short links are in texts."""
    return _is_machine(path) or path.startswith(("/api/", "/v2.1/", "/s/"))


async def _asked(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await app(scope, receive, send)
    except ClientDisconnect:  # half a form
        log.debug("a request ended early", path=scope["path"])


async def _say(send: Send, status: int, body: bytes, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
    head = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def headers_of(scope: Scope) -> dict[bytes, str]:
    """The headers of a request, their names in small letters."""
    return {k: v.decode("latin-1") for k, v in scope["headers"]}


def client_of(scope: Scope, headers: Mapping[bytes, str]) -> str:
    """Who asks; where a proxy of this machine asks for somebody, whom it names last."""
    peer = str((scope.get("client") or ("?",))[0])
    if peer not in LOOPBACK:
        return peer
    return headers.get(b"x-forwarded-for", peer).rpartition(",")[2].strip()[:64] or peer


def _password_in(authorization: str) -> bytes | None:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).partition(b":")[2]
    except ValueError:  # no base64, or letters that are none of it
        return None


def _tells_its_place(headers: Mapping[bytes, str]) -> bool:
    return any(name in headers for name in (b"sec-fetch-site", b"origin", b"referer"))


def user_of(scope: Scope) -> User:
    """Who asks; where nobody signs in, as in `dev`, an admin who is called what the request says, or ``desk``."""
    found = scope.get("user")
    return found if isinstance(found, User) else User(_name_in(headers_of(scope).get(b"authorization", "")), "admin")


def who(request: HTTPConnection) -> str:
    """The name of who asks, for colleagues."""
    return user_of(request.scope).name


def _name_in(authorization: str) -> str:
    """The name that somebody gave with the password; ``desk`` where they gave none."""
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        return "desk"
    try:
        name = base64.b64decode(value, validate=True).partition(b":")[0].decode()
    except ValueError:
        return "desk"
    return "".join(c for c in name if c.isprintable())[:40].strip() or "desk"


def _host(place: str) -> str | None:
    try:
        return urlsplit(place).hostname
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
