"""Users of the desk: a link that works once, sessions that end, roles, and an audit that nothing passes by."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.routing import BaseRoute, Mount, Route

from smsbot import Bot, Chat
from smsbot.desk.users import IDLE, LIFE, LINK_LIFE, OVERLAP, TURN, invitation
from smsbot.web.acts import Act, Look
from smsbot.web.auth import DeskGate, Places
from smsbot.web.guesses import Guesses

from ..house import ANN, House, echo
from ..processes import smsbot

HOST = "http://bots.test"
FROM_HERE = {"origin": HOST}
PASSWORD = "correct horse battery"
SILENT = {"/", "/feed", "/language", "/of/{id}/writing", "/of/e1/writing"}
"""What is posted and does nothing: what is looked for stays out of addresses and logs; somebody types, or reads Polish."""


class Desk:
    """The pages of a house behind the gate of `run`, and browsers at it."""

    def __init__(self, house: House, password: str = "") -> None:
        self.house = house
        self.guesses = Guesses()
        self.gate = DeskGate(
            house.app.pages, password or None, Places(["bots.test"]), self.guesses, house.app.users
        )  # fmt: skip

    def browser(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.gate, client=("203.0.113.7", 5000))
        return httpx.AsyncClient(transport=transport, base_url=HOST, headers=FROM_HERE)

    async def invite(self, name: str, role: str = "support") -> str:
        key, change = invitation(name, role, self.house.app.clock.now())
        await self.house.app.store.write([change])
        return f"/sign-in/{key}"

    async def signed_in(self, name: str, role: str = "support") -> httpx.AsyncClient:
        browser = self.browser()
        answer = await browser.post(await self.invite(name, role), data={"password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        return browser


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing; how much they cost is argon2's matter."""
    monkeypatch.setattr("argon2.PasswordHasher", partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
async def desk(house: Any) -> Desk:
    bot = Bot()

    @bot.on("agent")
    def hand_over(chat: Chat) -> str:
        chat.handoff("counter")
        return "We will call you."

    @bot.on("login")
    def login(chat: Chat) -> None:
        chat.say("Your code is 471148", secret=True)

    @bot.event("tell")
    def tell(event: dict[str, str]) -> str:
        return "told"

    @bot.on_delivery()
    def delivered() -> None:
        """Woken with the text itself, which may be a code."""

    @bot.fallback
    def other(text: str) -> str:
        return f"heard {text}"

    h: House = await house(bot)
    await h.text(ANN, "agent")
    return Desk(h)


async def audit(desk: Desk) -> list[str]:
    rows = await desk.house.app.store.rows("audit", before=1 << 62, limit=100)
    return [f"{r['who']} {r['did']}: {r['about']}" for r in reversed(rows)]


# -- the door ---------------------------------------------------------------------------------------


async def test_a_link_opens_the_desk_once(desk: Desk) -> None:
    browser, link = desk.browser(), await desk.invite("ola", "admin")
    assert (await browser.get("/")).headers["location"] == "/sign-in?next=%2F"
    for _ in range(2):  # a preview uses nothing up
        assert "Welcome, ola" in (await browser.get(link)).text
    short = await browser.post(link, data={"password": "too short"})
    assert (short.status_code, "12 to 200 characters" in short.text) == (422, True)
    answer = await browser.post(link, data={"password": PASSWORD})
    assert answer.headers["location"] == "/"
    assert re.search(r"smsbot_session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", answer.headers["set-cookie"])
    assert "Find" in (await browser.get("/")).text
    again = await desk.browser().post(link, data={"password": "another good password"})
    assert (again.status_code, "was used" in again.text) == (410, True)


async def test_of_two_who_follow_one_link_one_gets_in(desk: Desk) -> None:
    link = await desk.invite("ola")
    both = [desk.browser().post(link, data={"password": f"{PASSWORD} {n}"}) for n in range(2)]
    assert sorted(a.status_code for a in await asyncio.gather(*both)) == [303, 410]


async def test_a_link_grows_old(desk: Desk) -> None:
    link = await desk.invite("ola")
    await desk.house.advance(LINK_LIFE + 1)
    assert (await desk.browser().get(link)).status_code == 410


async def test_a_password_opens_it_again_and_guesses_get_slower(desk: Desk, capfd: Any) -> None:
    await desk.signed_in("Ola")
    browser = desk.browser()
    right = {"name": "ola", "password": PASSWORD, "next": "/inbox"}
    assert (await browser.post("/sign-in", data=right)).headers["location"] == "/inbox"
    told = [
        await desk.browser().post("/sign-in", data={"name": n, "password": "wrong words"}) for n in ["ola", "eve"] * 3
    ]
    assert [a.status_code for a in told] == [401] * 5 + [429]
    assert told[0].text.replace("ola", "eve") == told[1].text, "nobody learns which names there are"
    said = capfd.readouterr()
    assert "a wrong password for the pages" in said.out + said.err
    assert "wrong words" not in said.out + said.err


@pytest.mark.parametrize("path", ["/sign-inx", "/sign-in.", "/sign-in/x/y", "/sign-in/"])
async def test_nothing_beside_the_door_is_open(desk: Desk, path: str) -> None:
    await desk.signed_in("ola")
    answer = await desk.browser().get(path)
    assert answer.status_code in (303, 404, 410)
    assert not any(name in answer.text for name in ("Users", "Webhooks"))


@pytest.mark.parametrize(
    "place", ["//evil.test", "/\\evil.test", "https://evil.test", "evil", "/sign-in", "/\tevil", "/a\r\nset-cookie: x"]
)
async def test_nobody_is_led_elsewhere(desk: Desk, place: str) -> None:
    await desk.signed_in("ola")
    answer = await desk.browser().post("/sign-in", data={"name": "ola", "password": PASSWORD, "next": place})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_without_users_and_password_it_is_closed_and_says_the_remedy(house: Any) -> None:
    closed = await Desk(await house(echo())).browser().get("/")
    assert (closed.status_code, "smsbot user add" in closed.text) == (403, True)


async def test_the_password_of_the_server_opens_too(house: Any) -> None:
    desk = Desk(await house(echo()), "the password of all")
    assert (await desk.browser().get("/")).status_code == 401
    shared = ("jan", "the password of all")
    assert "Find" in (await desk.browser().get("/", auth=shared)).text
    await desk.signed_in("ola")
    assert (await desk.browser().get("/")).status_code == 303, "a browser signs in as somebody"
    assert (await desk.browser().get("/metrics", auth=shared)).status_code == 200, "a program goes on"


# -- sessions ---------------------------------------------------------------------------------------


async def test_a_session_ends_when_nobody_uses_it(desk: Desk) -> None:
    browser = await desk.signed_in("ola")
    for _ in range(4):
        await desk.house.advance(IDLE - 60)
        assert (await browser.get("/")).status_code == 200
    await desk.house.advance(IDLE + 1)
    assert (await browser.get("/")).status_code == 303
    assert (await browser.get("/feed", headers={"sec-fetch-mode": "cors"})).status_code == 401


async def test_every_session_ends_after_a_week(desk: Desk) -> None:
    browser = await desk.signed_in("ola")
    used = 0.0
    while (await browser.get("/")).status_code == 200:
        await desk.house.advance(IDLE / 2)
        used += IDLE / 2
    assert LIFE <= used <= LIFE + IDLE


async def test_its_key_turns_and_the_one_before_ends_soon(desk: Desk) -> None:
    browser = await desk.signed_in("ola")
    first = browser.cookies["smsbot_session"]
    await desk.house.advance(TURN + 1)
    assert (await browser.get("/")).status_code == 200
    assert browser.cookies["smsbot_session"] != first
    stolen = desk.browser()
    stolen.cookies.set("smsbot_session", first, domain="bots.test")
    for _ in range(3):
        assert (await stolen.get("/overview")).status_code == 200, "what a page asked for at the same moment"
        stolen.cookies.set("smsbot_session", first, domain="bots.test")
    await desk.house.advance(OVERLAP + 1)
    stolen = desk.browser()
    stolen.cookies.set("smsbot_session", first, domain="bots.test")
    assert (await stolen.get("/")).status_code == 303
    assert (await browser.get("/")).status_code == 200


async def test_signing_out_removal_and_a_new_password_end_sessions(desk: Desk) -> None:
    admin, ola = await desk.signed_in("eva", "admin"), await desk.signed_in("ola")
    key = ola.cookies["smsbot_session"]
    assert (await ola.post("/sign-out")).headers["location"] == "/sign-in"
    ola.cookies.set("smsbot_session", key, domain="bots.test")
    assert (await ola.get("/")).status_code == 303
    other = desk.browser()
    await other.post("/sign-in", data={"name": "ola", "password": PASSWORD})
    made = await admin.post("/users/ola/link")
    link = re.search(r"https?://[^<]*(/sign-in/[\w-]+)", made.text)
    assert link is not None
    assert (await other.get("/")).status_code == 200, "the link alone changes nothing"
    await desk.browser().post(link[1], data={"password": "another good password"})
    assert (await other.get("/")).status_code == 303
    last = desk.browser()
    await last.post("/sign-in", data={"name": "ola", "password": "another good password"})
    assert (await last.get("/")).status_code == 200
    assert (await admin.post("/users/ola/remove")).status_code == 303
    assert (await last.get("/")).status_code == 303


async def test_signing_out_ends_every_key_also_when_one_is_due_to_turn(desk: Desk) -> None:
    browser = await desk.signed_in("ola")
    first = browser.cookies["smsbot_session"]
    await desk.house.advance(TURN + 1)
    answers = await asyncio.gather(*(browser.get("/overview") for _ in range(4)))
    keys = {str(k) for k in (first, *(a.cookies.get("smsbot_session", first) for a in answers))}
    assert len(keys) == 2, "of several requests at one moment, one gets the new key"
    await desk.house.advance(TURN + 1)
    out = await browser.post("/sign-out")
    assert [c for c in out.headers.get_list("set-cookie") if "smsbot_session=;" not in c] == []
    for key in keys:
        other = desk.browser()
        other.cookies.set("smsbot_session", key, domain="bots.test")
        assert (await other.get("/")).status_code == 303


@pytest.mark.parametrize("wait", [120.0, TURN + 1])
@pytest.mark.parametrize("how", ["close", "remove"])
async def test_a_request_under_way_does_not_bring_an_ended_session_back(
    desk: Desk, how: str, wait: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, users, store = await desk.signed_in("ola"), desk.house.app.users, desk.house.app.store
    key, write = browser.cookies["smsbot_session"] or "", store.write
    await desk.house.advance(wait)

    async def ended_first(changes: Any) -> None:
        monkeypatch.setattr(store, "write", write)
        await (users.close(key) if how == "close" else write([("sessions_of_gone", ("ola",))]))
        await write(changes)

    monkeypatch.setattr(store, "write", ended_first)
    session = await users.of(key)
    assert session is None or not session.key
    assert await users.of(key) is None


async def test_a_form_says_where_it_comes_from(desk: Desk) -> None:
    browser = await desk.signed_in("ola")
    del browser.headers["origin"]
    assert (await browser.post("/of/e1/take")).status_code == 403
    assert (await browser.post("/sign-in", data={"name": "ola", "password": PASSWORD})).status_code == 403
    for origin in ("https://evil.test", "null"):
        assert (await browser.post("/of/e1/take", headers={"origin": origin})).status_code == 403
    assert (await browser.post("/of/e1/take", headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await browser.post("/of/e1/take", headers={"sec-fetch-site": "same-origin"})).status_code == 303


@pytest.mark.parametrize("cookie", ["x" * 5000, "é", '"', "smsbot_session=; smsbot_session=a", "\\303"])
async def test_a_strange_cookie_is_no_session(desk: Desk, cookie: str) -> None:
    await desk.invite("ola")
    answer = await desk.browser().get("/", headers={b"cookie": f"smsbot_session={cookie}".encode()})
    assert answer.status_code == 303


# -- roles ------------------------------------------------------------------------------------------


def routes(desk: Desk) -> list[Route]:
    """Every route of the pages; what is mounted is the sandbox and files."""
    found: list[BaseRoute] = list(desk.house.app.pages.routes)
    return [r for r in found if isinstance(r, Route) and not isinstance(r, Mount)]


def address(route: Route) -> str:
    values = {
        "id": "e1",
        "id:row": "1",
        "key": "x",
        "name": "ola",
        "link": "x",
        "number": ANN,
        "step": "x",
        "code": "SB704",
    }
    path = re.sub(r"\{([\w:]+)\}", lambda m: values[m[1]], route.path)
    return "/messages/x" if path == "/messages/e1" else path


OPEN = ("/sign-in", "/language", "/healthz", "/readyz", "/api/", "/explain/", "/s/")
OF_DEV = ("/phone", "/sandbox")


async def test_every_route_by_every_role(desk: Desk) -> None:
    """None without a session; support not what is for admins. Whoever adds a route says whom it is for."""
    stranger, support = desk.browser(), await desk.signed_in("ola")
    asked = 0
    for route in routes(desk):
        path = address(route)
        if path.startswith((*OPEN, *OF_DEV)) or path == "/live":
            continue
        for method in sorted((route.methods or set()) - {"HEAD"}):
            asked += 1
            answer = await stranger.request(method, path)
            assert answer.status_code == 401 or answer.headers.get("location", "").startswith("/sign-in"), path
            assert isinstance(route, Look) or path in SILENT or path == "/sign-out", f"{path} is for nobody"
            if isinstance(route, Look) and route.role == "admin":
                answer = await support.request(method, path)
                assert (answer.status_code, "Only an admin" in answer.text) == (403, True), path
    assert asked >= 25
    assert (await stranger.get("/live")).status_code == 303


CANARIES = ("600100200", "471148")


async def test_no_page_of_any_role_holds_a_whole_number_or_a_code(desk: Desk) -> None:
    """But the one that is asked for by name; codes are in none, also not in what an admin may take away."""
    h = desk.house
    await h.text(ANN, "login")
    await h.mode(ANN, "full")
    await h.text(ANN, "login")
    await h.advance("1m")
    await h.http.post("/of/e1/note", data={"text": "asked twice"})
    await h.inbound(account="sandbox", strange=ANN, words="your code is 471148")
    ids = [r["id"] for r in await h.outgoing()] + [f"e{e['seq']}" for e in await h.events()]
    browsers = [await desk.signed_in("ola"), await desk.signed_in("eva", "admin")]
    looked = 0
    for browser in browsers:
        for route in routes(desk):
            if "GET" not in (route.methods or ()) or route.path.startswith(OPEN) or route.path == "/live":
                continue
            some = ids if "{id}" in route.path else [""]
            for path in (route.path.replace("{id}", i).replace("{name}", "order").replace("{code}", "x") for i in some):
                if "{" in path or path.startswith("/phone"):
                    continue
                answer = await browser.get(path)
                looked += answer.status_code == 200
                found = [c for c in CANARIES if c in answer.text or c in str(answer.headers)]
                assert found == [], (path, found)
        for asked in ("code", "login", "100200", "471148"):
            page = (await browser.post("/", data={"q": asked})).text.replace(asked, "")
            assert [c for c in CANARIES if c in page] == [], asked
    assert looked > 25
    await h.app.commands.emit("tell", ANN, {"code": "471148"})
    taken = (await browsers[1].post(f"/of/{ids[0]}/export")).text
    assert ("471148" in taken, "(a code, hidden)" in taken) == (False, True)


async def test_whatever_is_posted_stands_in_the_audit(desk: Desk) -> None:
    silent = {
        r.path for r in routes(desk) if "POST" in (r.methods or ()) and not isinstance(r, Act)
    } - SILENT  # fmt: skip
    assert {p for p in silent if not p.startswith((*OF_DEV, "/api/"))} == set()


async def test_what_was_done_about_whom_and_by_whom(desk: Desk) -> None:
    browser = await desk.signed_in("ola")
    assert (await browser.post("/of/e1/take")).status_code == 303
    await browser.post("/of/e1/note", data={"text": "a secret of hers"})
    assert (await browser.post("/of/e1/note", data={"text": ""})).status_code == 422
    shown = await browser.post("/of/e1/number")
    assert ANN in shown.text
    assert await audit(desk) == [
        "ola chose a password: ",
        "ola took a conversation over: +48•••200",
        "ola made a note: +48•••200",
        "ola saw a whole number: +48•••200",
    ]
    admin = await desk.signed_in("eva", "admin")
    page = (await admin.get("/audit")).text
    assert "took a conversation over" in page
    assert "a secret of hers" not in page
    assert ANN[3:] not in page


async def test_a_number_is_not_shown_where_the_audit_cannot_keep_it(desk: Desk, monkeypatch: Any) -> None:
    browser = await desk.signed_in("ola")

    async def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(desk.house.app.pages.state.audit, "note", full)
    with pytest.raises(OSError, match="no space"):
        await browser.post("/of/e1/number")


async def test_users_by_hand(desk: Desk) -> None:
    admin = await desk.signed_in("eva", "admin")
    made = await admin.post("/users", data={"name": "jan", "role": "support"})
    assert re.search(r"/sign-in/[\w-]{43}", made.text)
    for name, role, why in [
        ("jan", "support", "already"), ("JAN", "support", "already"), ("", "support", "cannot be"),
        ("..", "support", "cannot be"), ("a b", "support", "cannot be"), ("x" * 41, "support", "cannot be"), ("kim", "king", "no role"),
        ("<b>x", "admin", "cannot be"),
    ]:  # fmt: skip
        answer = await admin.post("/users", data={"name": name, "role": role})
        assert (answer.status_code, why in answer.text) == (422, True), name
    assert "<b>x" not in answer.text
    twice = [admin.post("/users", data={"name": "zoe", "role": "support"}) for _ in range(2)]
    assert sorted(a.status_code for a in await asyncio.gather(*twice)) == [200, 422]
    await admin.post("/users/zoe/remove")
    assert (await admin.post("/users/jan/role", data={"role": "admin"})).status_code == 303
    for act in ("role", "remove"):
        assert (await admin.post(f"/users/eva/{act}", data={"role": "support"})).status_code == 422
        assert (await admin.post(f"/users/nobody/{act}")).status_code == 404
    assert [(u["name"], u["role"]) for u in await desk.house.app.users.all()] == [("eva", "admin"), ("jan", "admin")]


# -- the command line -------------------------------------------------------------------------------


@pytest.mark.slow
def test_users_from_the_command_line(tmp_path: Path) -> None:
    base = ("--db", str(tmp_path / "x.db"))
    first = smsbot("user", "add", "ola", "--role", "admin", *base)
    assert re.fullmatch(r"http\S+/sign-in/[\w-]{43}\n", first.stdout)
    assert "shown this once" in first.stderr
    assert smsbot("user", "add", "Ola", *base).returncode == 2
    wrong = smsbot("user", "add", "jan", "--role", "amin", *base)
    assert (wrong.returncode, 'did you mean "admin"' in wrong.stderr) == (2, True)
    assert smsbot("user", "link", "ola", *base).stdout != first.stdout
    assert smsbot("user", "role", "OLA", "support", *base).returncode == 0
    listed = smsbot("user", "list", *base).stdout
    assert re.search(r"ola +support +has not followed", listed)
    assert '"role":"support"' in smsbot("user", "list", "--json", *base).stdout.replace(" ", "")
    assert smsbot("user", "remove", "ola", *base).returncode == 0
    assert smsbot("user", "remove", "ola", *base).returncode == 2
    assert smsbot("user", "list", *base).stdout == ""
