"""Faults of the API that were found by attacking it: each has its case here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smsbot.core.errors import StoreError, UsageError
from smsbot.desk.tokens import token_hash
from smsbot.transport.outside import Outside
from smsbot.web.budgets import Budgets
from smsbot.web.calls import shown

from ..house import ANN, BOB, LINE, House
from ..pipeline.test_pushes import Shop, told
from .api_house import TOKEN, allow, ask, problem, shop


@pytest.fixture
async def h(house: Any) -> House:
    found: House = await house(shop())
    await allow(found)
    return found


async def lost(h: House, method: str, path: str, body: Any) -> tuple[Any, Any]:
    """The answer to a request whose first answer was lost with the process, before it was kept."""
    first = await ask(h, method, path, body, key="k")
    rows = await h.app.store.rows("all_asked")
    for row in rows:
        await h.app.store.write([("answered", (None, b"", row["key"]))])
    return first, await ask(h, method, path, body, key="k")


@pytest.mark.parametrize(
    "url",
    ["http://１２７.0.0.1:80/", "http://127。0。0。1/", "http://127．0．0．1/", "http://①②⑦.0.0.1/", "http://127%2e0.0.1/",
     "http://LOCALHOST./", "http://[::ffff:7f00:1]/"],
)  # fmt: skip
def test_no_spelling_of_an_address_leads_inside(url: str) -> None:
    assert Outside().wrong_with(url)


async def test_a_token_that_is_revoked_while_it_is_looked_up_is_revoked(h: House) -> None:
    h.app.tokens._known = None
    rows, held = h.app.store.rows, asyncio.Event()

    async def slowly(name: str, **parameters: object) -> Any:
        found = await rows(name, **parameters)
        if name == "tokens":
            await held.wait()
        return found

    h.app.tokens._tables.rows = slowly  # type: ignore[method-assign]
    asked = asyncio.create_task(h.app.tokens.of(TOKEN))
    await asyncio.sleep(0.05)
    change = asyncio.create_task(h.app.tokens.change([("token_revoked", ("shop",))]))
    await change
    held.set()
    await asked
    h.app.tokens._tables.rows = rows  # type: ignore[method-assign]
    assert await h.app.tokens.of(TOKEN) is None


async def test_who_is_erased_is_in_no_kept_answer(h: House) -> None:
    body = {"to": ANN, "text": "my secret words", "reference": "r9"}
    await ask(h, "POST", "/messages", body, key="send")
    await ask(h, "POST", "/find", {"reference": "r9"}, key="find")
    await h.advance("1s")
    assert (await ask(h, "DELETE", f"/contacts/{ANN}")).status_code == 200
    assert (await ask(h, "POST", "/find", {"reference": "r9"}, key="find")).status_code == 404
    again = await ask(h, "POST", "/messages", body, key="send")
    assert (again.status_code, ANN in again.text, "r9" in again.text) == (202, False, False)
    await h.advance("1s")
    assert (await h.heard(ANN)).count("my secret words") == 1


@pytest.mark.parametrize(
    "more",
    [{"rate": 1e-320}, {"rate": 0.001}, {"send_at": "9999-12-31T23:59:59-23:59"}, {"send_at": "2099-01-01T00:00Z"},
     {"send_at": "9999-12-31T23:59:59", "zone": "America/New_York"}, {"zone": "Nowhere"}, {"media": "javascript:x"}],
)  # fmt: skip
async def test_what_could_never_leave_is_refused_before_anything_is_kept(h: House, more: dict[str, Any]) -> None:
    assert problem(await ask(h, "POST", "/messages", {"to": [ANN, BOB], "text": "x", **more}))["code"] == "SB704"
    assert await h.outgoing() == []


async def test_many_failures_of_one_moment_are_one(h: House) -> None:
    there = Shop(h)
    await ask(h, "POST", "/webhooks", {"url": "https://shop.example.com/", "types": ["message.received"]})
    there.moods = ["500"] * 20
    for n in range(20):
        await h.http.post(f"/sandbox/phones/+4860010{n:04d}/texts", json={"text": "hi"})
    await told(h)
    for _ in range(6):
        await told(h, "20s")
    assert len(there.told("message.received")) == 20, "two minutes later"


async def test_another_token_of_the_name_gets_no_answer_of_the_first(h: House) -> None:
    first = await ask(h, "POST", "/webhooks", {"url": "https://shop.example.com/"}, key="k")
    assert "whsec_" in first.text
    assert (await ask(h, "POST", "/webhooks", {"url": "https://shop.example.com/"}, key="k")).json() == first.json()
    await h.app.tokens.change([("token_revoked", ("shop",))])
    row = ("shop", token_hash("smsbot_another"), h.clock.now(), "messages:status", None)
    await h.app.tokens.change([("token", row)])
    again = await ask(h, "POST", "/webhooks", {"url": "https://shop.example.com/"}, key="k", token="smsbot_another")
    assert again.status_code == 403
    assert not [r for r in await h.app.store.rows("all_asked") if b"whsec_" in r["answer"]]


async def test_after_a_week_a_key_is_fresh(h: House) -> None:
    one = (await ask(h, "POST", "/messages", {"to": ANN, "text": "one"}, key="k")).json()["id"]
    await h.advance("8d")
    two = (await ask(h, "POST", "/messages", {"to": ANN, "text": "two"}, key="k")).json()["id"]
    await h.advance("1s")
    assert (one != two, await h.heard(ANN)) == (True, ["one", "two"])
    assert (await ask(h, "GET", f"/requests/{two}")).json()["total"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/events", {"event": "shipped", "to": ANN, "data": {"order": "1"}}),
        ("/events", {"event": "remind", "to": ANN, "data": {"what": "x"}, "at": "2100-01-01T00:00:00Z"}),
        ("/events", {"event": "remind", "to": BOB, "data": {"what": "x"}}),
        ("/events", {"event": "remind", "to": BOB, "data": {"what": "x"}, "busy": "skip"}),
        ("/opt-outs", {"numbers": [ANN, BOB], "proof": "a form"}),
        (f"/conversations/{LINE}/{BOB}/end", None),
        (f"/lines/{LINE}/pause", {"why": "x"}),
    ],
)  # fmt: skip
async def test_an_answer_that_was_lost_is_the_same_again(h: House, path: str, body: Any) -> None:
    await h.text(BOB, "name")  # somebody is in a conversation
    first, second = await lost(h, "POST", path, body)
    assert (first.status_code, first.json()) == (second.status_code, second.json())


async def test_lost_answers_of_webhooks_and_take_overs_are_the_same_again(h: House) -> None:
    made = (await ask(h, "POST", "/webhooks", {"url": "https://shop.example.com/"})).json()["id"]
    await h.text(BOB, "name")
    await ask(h, "POST", f"/conversations/{LINE}/{BOB}/take-over", {"who": "ola"})
    for path, body in (
        (f"/webhooks/{made}/test", None),
        (f"/webhooks/{made}/secret", None),
        (f"/conversations/{LINE}/{BOB}/give-back", {"how": "continue"}),
        (f"/opt-outs/{ANN}/remove", {"proof": "a letter"}),
    ):
        first, second = await lost(h, "POST", path, body)
        assert (first.status_code, first.json()) == (second.status_code, second.json()), path
    tests = [
        p for p in (await ask(h, "GET", f"/webhooks/{made}/pushes")).json()["pushes"] if p["type"] == "webhook.test"
    ]
    assert len(tests) == 1


@pytest.mark.parametrize("path", ["messages", "contacts", "webhooks", "requests", "conversations/x"])
async def test_only_the_document_itself_is_open(h: House, path: str) -> None:
    assert (await h.http.get(f"/api/v1/{path}/openapi.json")).status_code == 401


async def test_the_end_of_a_conversation_is_told_when_it_has_ended(h: House) -> None:
    await h.text(BOB, "name")
    ended = await ask(h, "POST", f"/conversations/{LINE}/{BOB}/end", key="k", settle=False)
    assert ended.json() == {"open": False}


async def test_a_webhook_that_is_removed_leaves_nothing_behind(h: House) -> None:
    there = Shop(h)
    made = (await ask(h, "POST", "/webhooks", {"url": "https://shop.example.com/"})).json()["id"]
    there.down = True
    await h.text(ANN, "my words")
    assert (await ask(h, "DELETE", f"/webhooks/{made}")).status_code == 204
    await told(h)
    assert await h.app.store.rows("happened", limit=9) == []
    row = ("msg_x", made, "message.received", LINE, ANN, "{}", 0.0, 0.0, None)
    await h.app.store.write([("push", row)])
    assert await h.app.store.rows("pushes_of", endpoint=made, before=1 << 62, limit=9) == []


async def test_the_answer_of_an_address_that_was_changed_means_nothing(h: House) -> None:
    there = Shop(h)
    made = (
        await ask(h, "POST", "/webhooks", {"url": "https://old.example.com/", "types": ["message.received"]})
    ).json()
    await h.text(ANN, "hello")
    tell = there.tell

    async def changing(url: str, headers: Any, body: bytes, patience: float) -> tuple[bool, str]:
        there.tell = tell  # type: ignore[method-assign]
        new = {"url": "https://new.example.com/", "types": ["message.received"]}
        assert (await ask(h, "PATCH", f"/webhooks/{made['id']}", new, settle=False)).status_code == 200
        return False, "HTTP 410"

    there.tell = changing  # type: ignore[method-assign]
    await told(h)
    await told(h, "1m")
    assert (await h.app.endpoints.all())[0].paused is None
    assert len(there.told("message.received")) == 1


def test_a_slow_rate_lets_somebody_in() -> None:
    now = 0.0
    budgets = Budgets(0.4, lambda: now)
    assert budgets.take("a")[0]
    assert not budgets.take("a")[0]
    now += budgets.wait
    may, headers = budgets.take("a")
    assert (may, dict(headers)[b"ratelimit-remaining"]) == (True, b"0")
    assert budgets.take("b")[0]


async def test_too_many_are_told_their_budget(house: Any) -> None:
    from smsbot.settings import ApiSettings

    h: House = await house(shop(), settings={"api": ApiSettings(rate=1)})
    await allow(h)
    answers = [await ask(h, "GET", "/lines", settle=False) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 429, 429]
    assert (answers[2].headers["ratelimit-remaining"], int(answers[2].headers["retry-after"]) >= 1) == ("0", True)
    sent = await h.http.get("/v2.1/sms", headers={"Authorization": TOKEN, "Application-Key": "x"})
    assert sent.status_code == 429


@pytest.mark.parametrize("path", ["/contacts/600100200", "/contacts/48600100200", "/contacts/tel:+48600100200",
                                  "/contacts/%2B48600100200/export", "/x+48600100200x", "/contacts/600%20100%20200"])  # fmt: skip
def test_no_call_shows_a_whole_number(path: str) -> None:
    assert "600100" not in shown(path).replace(" ", "")
    assert shown("/messages/6b0c37367858690431449a") == "/messages/6b0c37367858690431449a"


async def test_much_that_is_wrong_is_cut(h: House) -> None:
    told = problem(await ask(h, "POST", "/messages", {f"k{n}": 1 for n in range(5000)}))
    assert (len(told["errors"]), "50" in told["detail"]) == (100, True)


@pytest.mark.parametrize("who", ["(being erased)", " ", "<b>"])
async def test_nobody_takes_over_under_a_strange_name(h: House, who: str) -> None:
    await h.text(BOB, "name")
    answer = await ask(h, "POST", f"/conversations/{LINE}/{BOB}/take-over", {"who": who})
    assert problem(answer)["code"] == "SB704"


@pytest.mark.parametrize("body", [b"\xff\xfe{}", b"[" * 100_000, b'{"to": 1' + b"0" * 5000 + b"}", b"{", b""])
async def test_what_is_no_json_is_told_so(h: House, body: bytes) -> None:
    answer = await h.http.post("/api/v1/messages", headers={"authorization": f"Bearer {TOKEN}"}, content=body)
    assert problem(answer)["code"] in ("SB700", "SB704")
    assert (answer.status_code, body != b"") in ((400, True), (422, False))


async def test_one_number_that_stands_twice_gets_one_text(h: House) -> None:
    sent = await ask(h, "POST", "/messages", {"to": [ANN, "600 100 200", BOB, ANN], "text": "once"})
    ids = [m["id"] for m in sent.json()["messages"]]
    assert (ids[0] == ids[1] == ids[3], len(set(ids))) == (True, 2)
    await h.advance("1s")
    assert await h.heard(ANN) == ["once"]


async def test_texts_are_found_by_the_words_of_the_api(h: House) -> None:
    later = (await ask(h, "POST", "/messages", {"to": ANN, "text": "x", "send_at": "2026-12-24T09:00Z"})).json()
    await ask(h, "POST", f"/requests/{later['id']}/cancel")
    assert (await ask(h, "GET", "/messages?status=cancelled")).json()["messages"][0]["status"] == "cancelled"
    assert (await ask(h, "GET", f"/requests/{later['id']}")).json()["counts"] == {"cancelled": 1}


async def test_a_full_disk_keeps_nobody_from_a_link(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await h.app.store.write([("link", ("abc", "https://shop.example.com/", 0.0))])

    async def full(_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(h.app.store, "write", full)
    assert (await h.http.get("/s/abc")).headers["location"] == "https://shop.example.com/"
    assert (await h.http.post("/programs/tokens", data={"name": "x", "scope": "lines:read"})).status_code == 503


async def test_an_endpoint_wants_types_that_there_are(h: House) -> None:
    with pytest.raises(UsageError, match=r"message\.received"):
        await h.app.endpoints.add("https://shop.example.com/", ["message.recieved"], "a test")
