"""What networks and machines do to texts: repeated under another id, cut into parts, answered by other machines."""

from __future__ import annotations

import random
from typing import Any

import pytest

from smsbot import Bot, Chat, integer
from smsbot.core import segments
from smsbot.policy.pace import Pace
from smsbot.settings import LineSettings

from ..house import ANN, BOB, LINE, House, echo


def survey() -> Bot:
    bot = Bot()

    @bot.on("survey")
    async def ask(chat: Chat) -> str:
        first = await chat.ask("First (1-9)?", integer(1, 9))
        second = await chat.ask("Second (1-9)?", integer(1, 9))
        return f"{first} {second}"

    @bot.on("note")
    async def note(chat: Chat) -> str:
        return f"Noted: {await chat.ask('What is it?')}"

    @bot.fallback
    def other(text: str) -> str:
        return f"Pardon? {len(text)}"

    return bot


# -- the same text again ------------------------------------------------------------------------------------


async def test_a_text_that_the_network_repeats_under_a_new_id_is_one(house: Any) -> None:
    h: House = await house(survey())
    await h.text(ANN, "survey")
    told = {"from": ANN, "to": LINE, "message": "4", "time": "2026-11-28T10:00:00Z"}
    await h.inbound(id="a", **told)
    await h.advance("20s")
    await h.inbound(id="b", **told)
    await h.advance("1s")
    assert await h.heard(ANN) == ["First (1-9)?", "Second (1-9)?"]
    await h.inbound(id="c", **{**told, "time": "2026-11-28T10:00:30Z"})  # the same words, said again later
    await h.advance("1s")
    assert (await h.heard(ANN))[-1] == "4 4"


async def test_the_same_answer_to_two_questions_within_a_minute(house: Any) -> None:
    h: House = await house(survey())
    await h.text(ANN, "survey")
    told = {"from": ANN, "to": LINE, "message": "4"}  # neither id nor time
    await h.inbound(**told)
    await h.inbound(**told)  # at once: delivered twice
    await h.advance("10s")
    await h.inbound(**told)
    await h.advance("1s")
    assert await h.heard(ANN) == ["First (1-9)?", "Second (1-9)?", "4 4"]


@pytest.mark.parametrize("counted", ["1", "17", "000017", "999999"])
async def test_a_phone_that_begins_to_count_anew_loses_no_text(house: Any, counted: str) -> None:
    """An Android phone as gateway has its own counter for an id; the phone after it begins at one."""
    h: House = await house(echo())

    async def told(number: str, text: str) -> None:
        for _ in range(3):  # delivered again and again
            await h.inbound(id=counted, to=LINE, message=text, **{"from": number})
        await h.advance("70s")

    await told(ANN, "hello")
    await told(BOB, "hello")
    await told(ANN, "hello")
    await h.restart()
    await told(ANN, "good day")
    assert await h.heard(ANN) == ["heard hello", "heard good day"]
    assert await h.heard(BOB) == ["heard hello"]


async def test_the_same_word_by_the_same_counter_half_a_year_later(house: Any) -> None:
    h: House = await house(echo())
    for at in ("2026-01-05T10:00:00Z", "2026-06-05T10:00:00Z"):
        for _ in range(2):
            await h.inbound(id="7", to=LINE, message="hello", time=at, **{"from": ANN})
        await h.advance("70s")
    assert await h.heard(ANN) == ["heard hello"] * 2


async def test_a_picture_whose_address_is_signed_anew_is_one(house: Any) -> None:
    bot, seen = Bot(), list[str]()

    @bot.on_media
    def look(chat: Chat) -> None:
        seen.append("seen")

    h: House = await house(bot)
    for signed in "ab":
        picture = [{"url": f"https://files.example/p.jpg?sig={signed}"}]
        await h.inbound(id="7", to=LINE, message="", media=picture, **{"from": ANN})
        await h.advance("5s")
    assert seen == ["seen"]


async def test_a_long_id_is_one_text_whatever_comes_with_it(house: Any) -> None:
    h: House = await house(echo())
    for text in ("hello", "hello?"):
        await h.inbound(id="1000017", to=LINE, message=text, **{"from": ANN})
    await h.advance("1s")
    assert await h.heard(ANN) == ["heard hello"]


# -- parts --------------------------------------------------------------------------------------------------

LONG = "The back door sticks, so push hard and mind the step; the boxes stand on the left behind the bicycle, and " * 4


def pieces(text: str) -> list[str]:
    return segments.split(text.strip())


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
@pytest.mark.parametrize("restart", [False, True])
async def test_parts_that_the_gateway_numbers_are_one_text(house: Any, order: list[int], restart: bool) -> None:
    h: House = await house(survey())
    await h.text(ANN, "note")
    cut = pieces(LONG)
    assert len(cut) == 3
    for n in order:
        body: dict[str, Any] = {"from": ANN, "to": LINE, "message": cut[n], "part": n + 1, "parts": 3, "partOf": "77"}
        await h.inbound(id=f"p{n}", **body)
        if restart:
            await h.restart()
    await h.advance("1s")
    assert (await h.heard(ANN))[-1] == f"Noted: {LONG.strip()}"


async def test_parts_are_known_by_their_length(house: Any) -> None:
    h: House = await house(survey())
    await h.text(ANN, "note")
    for n, text in enumerate(pieces(LONG)):
        await h.inbound(id=f"p{n}", **{"from": ANN}, to=LINE, message=text)
        await h.advance("1s")
    assert len(await h.heard(ANN)) == 1
    await h.advance("6s")
    assert (await h.heard(ANN))[-1] == f"Noted: {LONG.strip()}"
    await h.text(ANN, "hello")
    assert (await h.heard(ANN))[-1] == "Pardon? 5"


async def test_the_end_of_a_long_text_that_came_before_its_middle(house: Any) -> None:
    h: House = await house(survey())
    await h.text(ANN, "note")
    first, second, last = pieces(LONG)
    for n, text in enumerate((first, last, second)):
        await h.inbound(id=f"p{n}", **{"from": ANN}, to=LINE, message=text)
    await h.restart()
    await h.advance("6s")
    assert (await h.heard(ANN))[-1] == f"Noted: {LONG.strip()}"


async def test_parts_that_never_come_keep_nothing_waiting(house: Any) -> None:
    h: House = await house(survey())
    await h.text(ANN, "note")
    await h.inbound(id="p", **{"from": ANN}, to=LINE, message="so far ", part=1, parts=2, partOf="9")
    await h.inbound(id="p", **{"from": ANN}, to=LINE, message="so far ", part=1, parts=2, partOf="9")
    await h.advance("31s")
    assert (await h.heard(ANN))[-1] == "Noted: so far"


async def test_a_stop_among_parts_counts(house: Any) -> None:
    h: House = await house(survey())
    await h.text(ANN, "note")
    await h.inbound(id="p", **{"from": ANN}, to=LINE, message=pieces(LONG)[0])
    await h.inbound(id="q", **{"from": ANN}, to=LINE, message="STOP")
    await h.advance("10s")
    assert (await h.heard(ANN))[-1].startswith("You will get no more texts")


async def part(h: House, text: str, n: int, of: str) -> None:
    told: dict[str, Any] = {"from": ANN, "to": LINE, "message": text, "part": n, "parts": 2, "partOf": of}
    await h.inbound(id=f"{of}{n}", **told)


ORDERS = ["a1 a2 b1 b2", "a1 b1 a2 b2", "b2 a1 b1 a2", "a2 b2 b1 a1", "a1 b2 b1 a2"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("restart", [False, True])
async def test_two_long_texts_at_once_keep_their_parts(house: Any, order: str, restart: bool) -> None:
    h: House = await house(echo())
    for name in order.split():
        await part(h, f"{name[0]}{name[1]}.", int(name[1]), name[0])
        if restart:
            await h.restart()
    await h.advance("1s")
    assert sorted(await h.heard(ANN)) == ["heard a1.a2.", "heard b1.b2."]


async def test_the_same_reference_again_is_another_text(house: Any) -> None:
    h: House = await house(echo())
    for n, name in enumerate(("one", "two")):
        told: dict[str, Any] = {"from": ANN, "to": LINE, "message": f"{name}.", "part": 1, "parts": 2, "partOf": "7"}
        await h.inbound(id=f"{name}{n}", **told)
    await h.advance("31s")
    assert sorted(await h.heard(ANN)) == ["heard one.", "heard two."]


async def test_a_text_of_its_own_is_no_part_of_one_that_waits(house: Any) -> None:
    h: House = await house(echo())
    await part(h, "a1.", 1, "a")
    await h.inbound(id="x", **{"from": ANN}, to=LINE, message="pizza")
    await part(h, "a2.", 2, "a")
    await h.advance("1s")
    assert sorted(await h.heard(ANN)) == ["heard a1.a2.", "heard pizza"]


SPLIT = [
    ("I do not know who you are and I never gave you this number of mine. Stop tex", "ting me now please"),
    ("Proszę przesta", "ć pisać do mnie"), ("ST", "OP"),
    ("Nie wiem kto to jest. Proszę nie wysyłać do mnie wię", "cej wiadomości"),
]  # fmt: skip


@pytest.mark.parametrize("halves", SPLIT, ids=lambda h: h[0][-12:])
async def test_an_opt_out_that_is_cut_in_two_counts(house: Any, halves: tuple[str, str]) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(country="PL")})
    for n, text in enumerate(halves, 1):
        await part(h, text, n, "s")
    await h.advance("1s")
    assert await h.app.store.rows("suppressed", number=ANN)
    assert [text[:24] for text in await h.heard(ANN)] == ["You will get no more tex"]
    kept = await h.app.store.rows("consents", number=ANN)
    assert [(c["action"], c["text"]) for c in kept] == [("optout", "".join(halves))]


@pytest.mark.parametrize("time", ["2026-09-21", "2026-09-21 14:13", "0", "null", "today"])
async def test_a_time_that_is_no_moment_makes_no_two_texts_one(house: Any, time: str) -> None:
    h: House = await house(echo())
    for n, text in enumerate(("yes", "no", "yes", "yes")):
        await h.inbound(id=str(n), **{"from": ANN}, to=LINE, message=text, date=time)
    await h.advance("1s")
    assert await h.heard(ANN) == ["heard yes", "heard no", "heard yes", "heard yes"]


@pytest.mark.parametrize("name", ["0", 0, "null", "None", "undefined", "-", "N/A"])
async def test_what_stands_for_no_id_makes_no_two_texts_one(house: Any, name: object) -> None:
    h: House = await house(echo())
    await h.inbound(id=name, **{"from": ANN}, to=LINE, message="hello")
    await h.inbound(id=name, **{"from": BOB}, to=LINE, message="STOP")
    await h.advance("1s")
    assert await h.heard(ANN) == ["heard hello"]
    assert await h.app.store.rows("suppressed", number=BOB)


# -- time that passed while nobody ran ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["python", "yaml"])
async def test_a_reminder_whose_question_is_over_is_not_said(house: Any, tmp_path: Any, kind: str) -> None:
    bot = Bot()

    @bot.on("python")
    async def ask(chat: Chat) -> str:
        try:
            return await chat.ask("Name?", remind="10m", timeout="20m")
        except Exception:
            return "Gone."

    (tmp_path / "y.yaml").write_text(
        'flow: y\nstart: yaml\nsteps:\n  - {ask: n, say: "Name?", remind: 10m, timeout: {after: 20m, then: gone}}\n'
        'asides:\n  - {id: gone, say: "Gone.", end: abandoned}\n',
        encoding="utf-8",
    )
    bot.flows = (str(tmp_path / "y.yaml"),)
    h: House = await house(bot)
    await h.text(ANN, kind)
    h.clock.move_to(h.clock.now() + 3600)  # nobody looks at what is due on the way
    await h.restart()
    await h.advance("1s")
    assert await h.heard(ANN) == ["Name?", "Gone."]


# -- machines -----------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_two_bots_that_text_each_other_stop(house: Any) -> None:
    h: House = await house(survey())
    for n in range(60):
        await h.text(ANN, f"Sorry, I did not get that. Case {n}")
    answers = await h.heard(ANN)
    assert 15 <= len(answers) <= 25
    (told,) = await h.app.store.rows("waiting_people", now=h.clock.now(), later=0, limit=9)
    assert told["desk"] == "machine"
    await h.restart()
    await h.text(ANN, "and one more")
    assert len(await h.heard(ANN)) == len(answers)
    await h.text(ANN, "HELP")
    await h.text(ANN, "HELP")
    assert (await h.heard(ANN))[len(answers) :] == ["This is an automatic service. Text STOP to get no more texts."]
    await h.text(BOB, "hello")
    assert await h.heard(BOB) == ["Pardon? 5"]
    await h.http.post(f"/handoffs/{told['id']}/done")
    await h.advance("1m")
    await h.text(ANN, "hello")
    assert (await h.heard(ANN))[-1] == "Pardon? 5"
    for _ in range(30):
        await h.text(ANN, "Sorry?")
    await h.text(ANN, "STOP")
    assert (await h.heard(ANN))[-1].startswith("You will get no more texts")


@pytest.mark.slow
async def test_an_answering_machine_is_slow_and_says_one_thing(house: Any) -> None:
    h: House = await house(survey())
    for _ in range(60):
        await h.text(ANN, "Thank you for your mail, we will look at it")
        await h.advance("15s")
    assert len(await h.heard(ANN)) <= 25
    await h.advance("2h")
    await h.text(ANN, "hello")
    assert (await h.heard(ANN))[-1] == "Pardon? 5"  # after an hour of silence it is tried again


async def test_our_own_lines_are_never_answered(house: Any) -> None:
    h: House = await house(
        {"a": survey(), "b": survey()},
        lines={"a": (LINE,), "b": ("+48732000222",)},
    )
    await h.inbound(id="1", **{"from": "48732000222"}, to=LINE, message="hello")
    await h.advance("1s")
    assert await h.outgoing() == []


async def test_the_pace_is_settable(house: Any) -> None:
    h: House = await house(survey(), line_settings={LINE: LineSettings(country="PL", pace=0)})
    for n in range(40):
        await h.text(ANN, f"hello {n}")
    assert len(await h.heard(ANN)) == 40


def test_of_a_thousand_chats_at_human_pace_none_is_held() -> None:
    """Lognormal gaps around eight seconds, with bursts of fragments, and the words that people repeat."""
    dice = random.Random(12)
    held = 0
    for _ in range(1000):
        pace, at = Pace(), 0.0
        median = dice.choice((3.5, 5.0, 8.0, 20.0, 60.0))
        for n in range(dice.randint(20, 120)):
            burst = dice.random() < 0.15
            at += dice.uniform(0.4, 1.8) if burst else median * dice.lognormvariate(0, 0.6)
            text = dice.choice(("yes", "no", "1", "2", "ok", f"text {n}", f"words {n}"))
            held += pace.machine(text, at)
    assert held == 0
