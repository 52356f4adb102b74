"""The page of webhooks that were not understood, and its form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smsbot import Bot
from smsbot.gateways.redaction import redact

from ..house import ANN, LINE, House


def bot() -> Bot:
    made = Bot()
    made.fallback(lambda text: f"got {text}")
    return made


async def strange(h: House, n: int = 2) -> None:
    for i in range(n):
        body = {"uid": f"z{i}", "msisdn": ANN, "meta": {"short": LINE}, "content": {"body": f"hello {i}"}}
        await h.http.post(h.hook("inbound"), json=body)


CHOSEN = {
    "account": "sandbox", "kind": "inbound", "field-from": "msisdn", "field-to": "meta.short",
    "field-text": "content.body", "field-id": "uid", "field-time": "",
}  # fmt: skip


async def test_what_is_not_understood_is_shown_mapped_and_answered(house: Any) -> None:
    h: House = await house(bot())
    await strange(h)
    assert 'href="/quarantine"' in (await h.http.get("/")).text
    page = (await h.http.get("/quarantine")).text
    assert "<code>content.body</code>" in page
    assert "hello 0" in page
    assert "+48•••200" in page
    guesses = ("msisdn", "meta.short", "content.body")
    assert all(f'<option value="{name}" selected>' in page for name in guesses), "what a value looks like is chosen"
    assert ANN not in page, "numbers are masked"
    answer = await h.http.post("/quarantine", data=CHOSEN)
    assert "2 understood and answered, 0 left." in answer.text
    await h.settle()
    assert await h.heard(ANN) == ["got hello 0", "got hello 1"]
    assert "Every webhook was understood" in (await h.http.get("/quarantine")).text
    await strange(h, 3)
    await h.settle()
    assert (await h.heard(ANN))[2:] == ["got hello 2"], "later ones are understood at once; two of them came before"


async def test_texts_in_a_list_inside_an_object_are_all_taken(house: Any) -> None:
    """What is mapped for the first holds for each; one that is not understood, or not ours, stays behind alone."""
    h: House = await house(bot())

    def webhook(*texts: str, to: str = LINE) -> dict[str, Any]:
        listed = [{"who": f"{ANN[:-1]}{n}", "whom": to, "what": {"said": t}} for n, t in enumerate(texts)]
        return {"count": len(texts), "results": listed}

    assert (await h.http.post(h.hook("inbound"), json=webhook("a", "b"))).json() == {"ok": True, "quarantined": True}
    page = (await h.http.get("/quarantine")).text
    assert '<option value="results.*.who" selected>' in page
    assert "results.1" not in page
    chosen = {
        **CHOSEN, "field-from": "results.0.who", "field-to": "results.*.whom", "field-text": "results.*.what.said",
        "field-id": "",
    }  # fmt: skip
    assert "1 understood and answered, 0 left." in (await h.http.post("/quarantine", data=chosen)).text
    mixed = webhook("c", "d", "e")
    del mixed["results"][1]["who"]
    mixed["results"][2]["whom"] = "48999999999"
    for _ in range(2):
        await h.http.post(h.hook("inbound"), json=mixed)
    await h.settle()
    assert await h.heard(ANN[:-1] + "0") == ["got a", "got c"]
    assert await h.heard(ANN[:-1] + "1") == ["got b"]
    left = await h.app.store.rows("quarantined", account="", limit=9)
    assert sorted({row["reason"].partition(" (")[0] for row in left}) == [
        "a text to a number that is none of our lines",
        "no field for from",
    ]
    assert all(len(json.loads(row["body"])) == 1 for row in left)


async def test_a_form_that_says_nothing_or_comes_from_elsewhere(house: Any) -> None:
    h: House = await house(bot())
    await strange(h, 1)
    foreign = await h.http.post("/quarantine", data=CHOSEN, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    wrong = await h.http.post("/quarantine", data={**CHOSEN, "account": "nobody"})
    assert (wrong.status_code, "there is no account" in wrong.text) == (422, True)
    nothing = await h.http.post("/quarantine", data={"account": "sandbox", "kind": "inbound"})
    assert (nothing.status_code, "at least of one field" in nothing.text) == (422, True)
    part = await h.http.post("/quarantine", data={**CHOSEN, "field-text": ""})
    assert "0 understood and answered, 1 left." in part.text


async def test_a_text_to_no_line_of_ours_says_what_to_do_and_can_be_discarded(house: Any) -> None:
    h: House = await house(bot())
    body = f"from={ANN[1:]}&to=48999999999&message=hello+there&id=7"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await h.http.post(h.hook("inbound"), content=body, headers=form)).status_code == 200
    page = (await h.http.get("/quarantine")).text
    assert "Add the number to the <code>lines</code>" in page
    assert "<code>message</code>" in page
    assert "hello there" in page
    assert "600100200" not in page
    assert "<select" not in page, "its fields are known; there is nothing to map"
    foreign = await h.http.post("/quarantine/1/discard", headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert (await h.http.post("/quarantine/1/discard")).status_code == 303
    assert "Every webhook was understood" in (await h.http.get("/quarantine")).text


async def test_a_body_that_is_too_deep_and_names_that_are_numbers(house: Any) -> None:
    h: House = await house(bot())
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    for content in (deep, b'{"+48600100200": "x"}'):
        assert (await h.http.post(h.hook("inbound"), content=content)).status_code == 200
    page = await h.http.get("/quarantine")
    assert page.status_code == 200
    assert "<code>+48600100200" not in page.text


async def test_hostile_bodies_are_shown_as_text(house: Any) -> None:
    h: House = await house(bot())
    for body in (
        b"<script>alert(1)</script>",
        b'{"<img src=x onerror=alert(1)>":"<script>"}',
        b"\xff\x00",
        b"[" * 5000,
    ):
        await h.http.post(h.hook("inbound"), content=body)
    page = (await h.http.get("/quarantine")).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert page.count('class="strange"') == 4


@pytest.mark.parametrize(
    ("body", "kind", "shown"),
    [
        (b'{"from":"+48600100200","text":"Hi Anna, 123","status":"DELIVRD","n":123456789,"code":30003}', "application/json",
         {"from": "+00000000000", "text": "Xx".lower() + " xxxx, 000", "status": "DELIVRD", "n": 100000000, "code": 30003}),
        (b"From=%2B48600100200&Body=Hi&MessageStatus=sent", "application/x-www-form-urlencoded",
         "From=%2B00000000000&Body=xx&MessageStatus=sent"),
        (b'{"status":"call 600100200"}', "application/json", {"status": "xxxx 000000000"}),
        (b"hello 123", "text/plain", "xxxxx 000"),
    ],
)  # fmt: skip
def test_redaction_keeps_shapes_and_no_person(body: bytes, kind: str, shown: Any) -> None:
    found = redact(body, {"content-type": kind, "authorization": "secret"})
    assert found == {"headers": {"content-type": kind, "authorization": "…"}, "body": shown}


async def test_fields_that_are_named_in_two_steps_are_both_kept(house: Any) -> None:
    h: House = await house(bot())
    for fields in ({"from": "msisdn"}, {"text": "words"}, {"to": "short"}):
        await h.app.commands.map_fields("sandbox", "inbound", fields)
    await h.restart()
    answer = await h.inbound(msisdn=ANN, words="hi", short=LINE)
    assert answer.json() == {"ok": True}


async def test_a_field_is_never_chosen_for_its_length(house: Any) -> None:
    h: House = await house(bot())
    signature = "x" * 190
    await h.http.post(h.hook("inbound"), json={"who": ANN, "meta": LINE, "token": signature, "words": "hi"})
    page = (await h.http.get("/quarantine")).text
    assert '<option value="token" selected>' not in page
    assert LINE in page, "our own line is no secret"
    assert ANN not in page


async def test_json_inside_a_form_is_mapped(house: Any) -> None:
    h: House = await house(bot())
    inner = {"sender": ANN, "line": LINE, "msg": "hello"}
    await h.http.post(h.hook("inbound"), data={"payload": json.dumps(inner), "v": "2"})
    page = (await h.http.get("/quarantine")).text
    assert "<code>payload.sender</code>" in page
    chosen = {"account": "sandbox", "kind": "inbound", "field-from": "payload.sender", "field-to": "payload.line",
              "field-text": "payload.msg"}  # fmt: skip
    await h.http.post("/quarantine", data=chosen)
    await h.settle()
    assert len(await h.heard(ANN)) == 1
