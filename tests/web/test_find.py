"""Find: what the desk does by its buttons, and what stays inert and hidden there."""

from __future__ import annotations

from html import escape, unescape
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.message import Receipt
from smsbot.web.visible import visible

from ..house import ANN, House


def coder() -> Bot:
    bot = Bot()

    @bot.on("code")
    def code(chat: Chat) -> None:
        chat.say("Your code is 4711", secret=True, ref="otp-7")

    @bot.fallback
    def echo(text: str) -> str:
        return text

    return bot


async def test_a_code_is_found_and_never_shown(house: Any) -> None:
    h: House = await house(coder())
    await h.text(ANN, "code")
    assert await h.heard(ANN) == ["Your code is 4711"]
    handle = (await h.app.store.rows("newest_out", number=ANN, limit=1))[0]["id"]
    for page in (
        await h.http.post("/", data={"q": "otp-7"}), await h.http.get("/"), await h.http.get(f"/messages/{handle}"),
        await h.http.post("/feed", data={"q": ANN}), await h.http.post(f"/messages/{handle}/again"),
    ):  # fmt: skip
        assert "4711" not in page.text
    assert "Delivered" in (await h.http.post("/", data={"q": "otp-7"})).text
    assert (await h.http.post(f"/messages/{handle}/again")).status_code == 422
    assert await h.heard(ANN) == ["Your code is 4711"]


async def test_a_text_is_sent_again_once_however_often_it_is_asked_for(house: Any) -> None:
    h: House = await house(coder())
    await h.text(ANN, "hello")
    handle = (await h.outgoing())[0]["id"]
    for _ in range(3):
        assert (await h.http.post(f"/messages/{handle}/again")).status_code == 303
    await h.settle()
    await h.advance("1s")
    assert await h.heard(ANN) == ["hello", "hello"]
    await h.text(ANN, "STOP")
    confirmation = (await h.app.store.rows("newest_out", number=ANN, limit=1))[0]["id"]
    assert (await h.http.post(f"/messages/{confirmation}/again")).status_code == 422, "nothing more reaches them"


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "{{ 7*7 }}", "{% raw %}",
    "javascript:alert(1)", "</blockquote><h1>x", "&lt;b&gt;", "=cmd|' /C calc'!A0", "<!--", "]]>", "\u202eevil\u202c",
    "a\u200bb", "<svg/onload=alert(1)>", "<iframe src=//x>", "${7*7}", "<style>*{display:none}</style>", "\x1b[31mred",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_words_are_inert(house: Any, text: str) -> None:
    h: House = await house(coder())
    await h.text(ANN, text)
    for page in (
        await h.http.post("/", data={"q": ANN}),
        await h.http.post("/", data={"q": text}),
        await h.http.get("/"),
    ):
        if escape(text) != text:
            assert text not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
    shown = (await h.http.post("/", data={"q": ANN})).text
    seen = str(visible(text))
    assert unescape(shown).count(seen) >= 2, "what came and what left stand there, word for word; what hides is seen"


@pytest.mark.parametrize("raw", ["+48600100999", "600100999", "my pin is 4711", "22 +48600100999"])
async def test_a_raw_status_that_may_be_anything_is_not_shown(house: Any, raw: str) -> None:
    h: House = await house(coder())
    await h.text(ANN, "hello")
    row = (await h.outgoing())[0]
    await h.app.inbox._receipts.take([Receipt("sandbox", row["id"], None, raw, outgoing=row["id"])])
    page = (await h.http.post("/", data={"q": ANN})).text
    assert "not documented" in page
    assert raw not in page
    assert "4711" not in page
