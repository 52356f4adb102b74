"""One-time codes in conversations: sent first, typed back, masked, checked once, and kept nowhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat, NoReply, TooManyTries
from smsbot.core.errors import UsageError
from smsbot.testing.sim import LINE

from ..house import ANN, BOB, House

FLOW = """
flow: signin
start: [login]
steps:
  - ask: proof
    code: {digits: 6, valid: 5m, tries: 3, resends: 2}
    say: "Your code is {code}."
    retry: {say: "Wrong, {left} left.", then: locked}
    timeout: {then: gone}
  - {say: "Welcome!", end: signed_in}
asides:
  - {id: locked, say: "Too many tries.", end: locked}
  - {id: gone, say: "The code is void. Text LOGIN for a new one.", end: gone}
"""


def python_bot() -> Bot:
    bot = Bot()

    @bot.on("login")
    async def login(chat: Chat) -> str:
        try:
            await chat.verify("sign-in", "Your code is {code}.", retry="Wrong, {left} left.")
        except TooManyTries:
            return "Too many tries."
        except NoReply:
            return "The code is void. Text LOGIN for a new one."
        return "Welcome!"

    @bot.anywhere("info")
    def info() -> str:
        return "We are a shop."

    return bot


def flow_bot(folder: Path) -> Bot:
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / "signin.yaml").write_text(FLOW + 'anywhere: {info: "We are a shop."}\n')
    return Bot(flows=folder / "flows")


@pytest.fixture(params=["python", "flow"])
async def h(request: pytest.FixtureRequest, house: Any, tmp_path: Path) -> House:
    found: House = await house(python_bot() if request.param == "python" else flow_bot(tmp_path))
    return found


async def code_of(h: House, number: str = ANN) -> str:
    texts = [t for t in await h.heard(number) if t.startswith("Your code is")]
    return str(re.findall(r"\d{6}", texts[-1])[0])


def other(code: str, n: int = 1) -> str:
    return f"{(int(code) + n) % 10 ** len(code):0{len(code)}d}"


async def test_who_types_it_is_welcome(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.text(ANN, code)
    assert (await h.heard(ANN))[-1] == "Welcome!"
    await h.text(ANN, code)
    assert (await h.heard(ANN))[-1] == "Welcome!", "it opens nothing more"


@pytest.mark.parametrize("said", ["{}", " {} ", "my code is {}", "{} thanks", "code: {}!", "3-3"])
async def test_as_people_write_it(h: House, said: str) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.text(ANN, f"{code[:3]} {code[3:]}" if said == "3-3" else said.format(code))
    assert (await h.heard(ANN))[-1] == "Welcome!"


async def test_wrong_ones_are_counted_and_a_right_one_comes_too_late(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    for n, wanted in ((1, "Wrong, 2 left."), (2, "Wrong, 1 left."), (3, "Too many tries.")):
        await h.text(ANN, other(code, n))
        assert (await h.heard(ANN))[-1] == wanted
    await h.text(ANN, code)
    assert "Welcome!" not in await h.heard(ANN)


async def test_right_after_a_wrong_one(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.text(ANN, other(code))
    await h.restart()
    await h.text(ANN, code)
    assert (await h.heard(ANN))[-1] == "Welcome!"


async def test_in_time(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.advance("5m")
    await h.text(ANN, code)
    assert "Welcome!" not in await h.heard(ANN)
    assert "The code is void. Text LOGIN for a new one." in await h.heard(ANN)


async def test_a_wrong_one_and_a_digression_give_it_no_more_time(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.advance("4m")
    await h.text(ANN, other(code))
    await h.text(ANN, "info")
    await h.advance("70s")
    assert (await h.heard(ANN))[-1] == "The code is void. Text LOGIN for a new one."


async def test_the_same_is_sent_again_at_a_pace_and_not_too_often(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.text(ANN, "again")  # at once: it is on its way
    assert len([t for t in await h.heard(ANN) if code in t]) == 1
    for wanted in (2, 3, 3):
        await h.advance("45s")
        await h.text(ANN, "again")
        assert len([t for t in await h.heard(ANN) if code in t]) == wanted
    refused = [r["detail"] for r in await h.outgoing() if r["status"] == "blocked"]
    assert len(refused) == 2
    assert all(why.startswith("too many codes: ") for why in refused)
    await h.text(ANN, code)
    assert (await h.heard(ANN))[-1] == "Welcome!"


async def test_what_answers_anywhere_sends_it_not_again(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.advance("30s")
    await h.text(ANN, "info")
    assert (await h.heard(ANN))[-1] == "We are a shop."
    await h.text(ANN, code)
    assert (await h.heard(ANN))[-1] == "Welcome!"


async def test_it_is_of_one_person(h: House) -> None:
    await h.text(ANN, "login")
    await h.text(BOB, "login")
    ann, bob = await code_of(h), await code_of(h, BOB)
    await h.text(BOB, ann)
    assert (await h.heard(BOB))[-1] != "Welcome!" or ann == bob


async def test_what_is_typed_is_masked_and_nothing_keeps_the_code(h: House, tmp_path: Path) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    await h.text(ANN, f"it is {code}")
    assert (await h.heard(ANN))[-1] == "Welcome!"
    assert [e["text"] for e in await h.events()] == ["login", "it is ••••••"]
    shown = (await h.http.post("/", data={"q": ANN}, follow_redirects=True)).text
    assert code not in shown
    rows = await h.app.store.rows("feed", limit=100, before=1e15)
    assert code not in str(rows)


async def test_a_webhook_that_comes_twice_counts_once(h: House) -> None:
    await h.text(ANN, "login")
    code = await code_of(h)
    for _ in range(5):
        await h.inbound(id="same", **{"from": ANN}, to=LINE, message=other(code))
    await h.advance("1s")
    assert [t for t in await h.heard(ANN) if t.startswith("Wrong")] == ["Wrong, 2 left."]
    await h.text(ANN, code)
    assert (await h.heard(ANN))[-1] == "Welcome!"


async def test_the_text_is_of_the_priority_lane_and_hidden(h: House) -> None:
    await h.text(ANN, "login")
    (row,) = [(await h.app.store.rows("outgoing", id=r["id"]))[0] for r in await h.outgoing()]
    assert (row["lane"], row["kind"]) == ("priority", "code")
    assert re.search(r"\d{6}", row["text"]) is None
    assert row["expires"] - row["created"] == 300


async def test_a_range_of_numbers_is_not_pumped_by_texts(h: House) -> None:
    for n in range(60):
        await h.text(f"+4860077{n:04d}", "login")
    sent = [r for r in await h.outgoing() if r["status"] == "delivered"]
    assert len(sent) == 20
    assert len([r for r in await h.outgoing() if "went to this range" in r["detail"]]) == 40
    await h.text(BOB, "login")
    assert len(await h.heard(BOB)) == 1


async def test_a_range_that_types_none_is_stopped(h: House) -> None:
    """Slow pumping: one number in a minute, and nobody ever types what was sent."""
    for n in range(60):
        await h.text(f"+4860088{n:04d}", "login")
        await h.advance("6m")
    assert len([r for r in await h.outgoing() if "were typed" in r["detail"]]) == 10


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"text": "no place"}, "{code}"),
        ({"digits": 3}, "digits"),
        ({"tries": 0}, "one try"),
        ({"digits": 11}, "digits"),
    ],
)
async def test_what_verify_cannot_do(house: Any, wrong: dict[str, Any], why: str) -> None:
    bot = Bot()

    @bot.on("login")
    async def login(chat: Chat) -> None:
        more = {k: v for k, v in wrong.items() if k != "text"}
        await chat.verify("x", wrong.get("text", "{code}"), **more)

    h: House = await house(bot)
    await h.text(ANN, "login")
    assert why in await h.trouble_of(ANN)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("{code}.", "here.", "has {code} where it stands"),
        ("digits: 6", "digits: 3", "a code has 4 digits at the least"),
        ("tries: 3", "tries: 0", "one try"),
        ("valid: 5m", "valid: 1s", "30 seconds"),
        ("resends: 2", "resend: 2", 'did you mean "resends"'),
        ('say: "Welcome!"', 'say: "{code}"', "code"),
        ("ask: proof\n", "ask: proof\n    type: integer\n", "exclude each other"),
    ],
)
def test_what_is_wrong_with_a_flow_that_sends_a_code(tmp_path: Path, old: str, new: str, why: str) -> None:
    from smsbot.checks.proof import examine
    from smsbot.core.problem import render

    (tmp_path / "flows").mkdir()
    assert old in FLOW
    (tmp_path / "flows" / "x.yaml").write_text(FLOW.replace(old, new))
    _, problems = examine(Bot(flows=tmp_path / "flows"), (), ("PL",), tmp_path)
    assert why in "\n".join(render(p) for p in problems)


async def test_a_site_may_fill_it_in(house: Any, tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "x.yaml").write_text(FLOW.replace("digits: 6", "digits: 6, domain: shop.example"))
    h: House = await house(Bot(flows=tmp_path / "flows"))
    await h.text(ANN, "login")
    code = await code_of(h)
    assert (await h.heard(ANN))[-1] == f"Your code is {code}.\n@shop.example #{code}"


async def test_a_text_is_counted_as_it_leaves(house: Any) -> None:
    bot = Bot()

    @bot.on("login")
    async def login(chat: Chat) -> None:
        await chat.verify("x", "Your code is {code}. " + "x" * 110)

    h: House = await house(bot)
    await h.text(ANN, "login")
    assert [r["parts"] for r in await h.outgoing()] == [1]


# -- beside the question ------------------------------------------------------------------------------


def two_purposes() -> Bot:
    bot = Bot()

    @bot.on("login")
    async def login(chat: Chat) -> str:
        await chat.verify("sign-in", "Sign in: {code}", valid="30m", retry="Wrong, {left} left.")
        return "Welcome!"

    @bot.on("pay")
    async def pay(chat: Chat) -> str:
        await chat.verify("pay", "Pay: {code}", retry="Wrong, {left} left.")
        return "Paid!"

    @bot.on("order")
    async def order(chat: Chat) -> str:
        number = await chat.ask("Order number?")
        return f"order is {number}"

    return bot


def digits(text: str) -> str:
    return str(re.findall(r"\d{6}", text)[-1])


async def test_a_code_opens_its_own_question_alone(house: Any) -> None:
    h: House = await house(two_purposes())
    await h.text(ANN, "login")
    sign_in = digits((await h.heard(ANN))[-1])
    await h.text(ANN, "pay")
    pay = digits((await h.heard(ANN))[-1])
    await h.text(ANN, sign_in)
    assert (await h.heard(ANN))[-1] == "Wrong, 2 left."
    await h.text(ANN, pay)
    assert (await h.heard(ANN))[-1] == "Paid!"


async def test_who_begins_anew_has_a_new_code_with_all_its_tries(house: Any) -> None:
    h: House = await house(two_purposes())
    await h.text(ANN, "login")
    old = digits((await h.heard(ANN))[-1])
    await h.text(ANN, other(old))
    await h.text(ANN, "login")
    new = digits((await h.heard(ANN))[-1])
    await h.text(ANN, old)
    assert (await h.heard(ANN))[-1] == "Wrong, 2 left."
    await h.text(ANN, other(new))
    await h.text(ANN, new)
    assert (await h.heard(ANN))[-1] == "Welcome!"


@pytest.mark.parametrize(
    "said",
    [
        'Liked "{}"',
        "Auto-reply: I am out today. You wrote: {}",
        "STOP {}",
        "stop texting me, I never asked for {}",
    ],
)
async def test_noise_and_consent_come_before_codes(house: Any, said: str) -> None:
    h: House = await house(two_purposes())
    await h.text(ANN, "login")
    text = (await h.heard(ANN))[-1]
    await h.text(ANN, said.format(digits(text) if "top" in said.lower() else text))
    assert "Welcome!" not in await h.heard(ANN)
    assert digits(text) not in str(await h.events())
    out = await h.app.store.rows("suppressed", number=ANN)
    assert bool(out) is ("top" in said.lower())
    if not out and "Liked" in said:
        await h.text(ANN, digits(text))
        assert (await h.heard(ANN))[-1] == "Welcome!", "it is not used up"


async def test_an_answer_to_another_question_is_no_try_and_is_heard(house: Any) -> None:
    h: House = await house(two_purposes())
    await h.text(ANN, "login")
    code = digits((await h.heard(ANN))[-1])
    await h.text(ANN, "order")
    await h.text(ANN, "482913")
    assert (await h.heard(ANN))[-1] == "order is 482913"
    await h.text(ANN, "order")
    await h.text(ANN, f"it is {code}")
    assert (await h.heard(ANN))[-1] == "order is it is ••••••", "the code itself is hidden all the same"
    rows = await h.app.store.rows("codes_by_outcome", since=0.0, now=h.clock.now())
    assert rows[0]["open"] == 1


@pytest.mark.parametrize("between", ["\u200b", "   ", "\u2060", "/", "_", " , ", "\ufe0f\u20e3", "-"])
async def test_however_its_digits_are_written(house: Any, between: str) -> None:
    h: House = await house(two_purposes())
    await h.text(ANN, "login")
    code = digits((await h.heard(ANN))[-1])
    await h.text(ANN, between.join(code))
    assert (await h.heard(ANN))[-1] == "Welcome!"
    assert not re.search(r"\d", (await h.events())[-1]["text"])


async def test_a_person_who_holds_the_conversation_uses_no_code_up(house: Any) -> None:
    h: House = await house(two_purposes())
    await h.text(ANN, "login")
    code = digits((await h.heard(ANN))[-1])
    key = h.app.lines.values()[0].number
    from smsbot.core.message import Key

    await h.app.takeovers.take(Key(key, ANN), "ola")
    await h.text(ANN, code)
    assert "Welcome!" not in await h.heard(ANN)
    await h.app.takeovers.give_back(Key(key, ANN), "continue")
    await h.advance("2s")
    await h.text(ANN, code)
    assert (await h.heard(ANN))[-1] == "Welcome!"


async def test_a_code_is_not_sent_again_by_hand(house: Any) -> None:
    h: House = await house(two_purposes())
    h.provider.next = ["400"]
    await h.text(ANN, "login")
    (row,) = [(await h.app.store.rows("outgoing", id=r["id"]))[0] for r in await h.outgoing()]
    with pytest.raises(UsageError, match="not sent again"):
        await h.app.repairs.send_one_again(row)
    assert await h.heard(ANN) == []
