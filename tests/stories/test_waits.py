"""What waits holds up nobody: other words, events and runs beside it, and the promised text at its time; YAML and Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat, Delivery, NoReply
from smsbot.core.message import Key
from smsbot.desk.funnels import Funnels

from ..conftest import sampled
from ..house import ANN, LINE, House
from ..tables import sql
from .test_flows import talk, write

PILLS = """\
flow: pills
start: pills
steps:
  - {say: "I will remind you."}
  - {wait: 2h}
  - {say: "Time for your pills.", end: reminded}
"""
CARE = """\
flow: care
start: {words: [care], event: visit}
steps:
  - {say: "We ask you later."}
  - {wait: 2h}
  - {ask: well, say: "Are you well?", type: yes_no, timeout: {after: 4h, then: silent}}
  - {say: "Good.", end: told}
asides:
  - {id: silent, say: "We will call.", end: silent}
"""
PIZZA = """\
flow: pizza
start: [pizza]
fallback: "Text PIZZA."
steps:
  - {ask: size, say: "Size?", choices: [small, large], retry: {max: 5}, timeout: {after: 3h, then: gone}}
  - {say: "One {size}.", end: ordered}
asides: [{id: gone, say: "Never mind.", end: abandoned}]
"""
NEWS = "flow: news\nstart: {event: news, words: [news]}\nsteps: [{say: News!}]\n"
FLOWS = {"pills": PILLS, "care": CARE, "pizza": PIZZA, "news": NEWS}


def in_yaml(folder: Path) -> Bot:
    return Bot(flows=write(folder, **FLOWS))


def in_python(folder: Path) -> Bot:
    bot = Bot()

    @bot.on("pills")
    async def pills(chat: Chat) -> None:
        chat.say("I will remind you.")
        await chat.sleep("2h")
        chat.say("Time for your pills.")
        chat.end("reminded")

    @bot.on("care")
    @bot.event("visit")
    async def care(chat: Chat) -> None:
        chat.say("We ask you later.")
        await chat.sleep("2h")
        try:
            await chat.confirm("Are you well?", timeout="4h")
        except NoReply:
            chat.say("We will call.")
            chat.end("silent")
        else:
            chat.say("Good.")

    @bot.on("pizza")
    async def pizza(chat: Chat) -> None:
        try:
            size = await chat.ask("Size?", ["small", "large"], tries=5, timeout="3h")
        except NoReply:
            chat.say("Never mind.")
            chat.end("abandoned")
        else:
            chat.say(f"One {size}.")

    @bot.on("news")
    @bot.event("news")
    def news() -> str:
        return "News!"

    @bot.fallback
    def other() -> str:
        return "Text PIZZA."

    return bot


TALKS: dict[str, tuple[list[str], list[str]]] = {
    "another start word beside a wait": (
        ["pills", "pizza", "small", "@ 2h"], ["I will remind you.", "Size?", "One small.", "Time for your pills."],
    ),
    "the promised text beside an open question": (
        ["pills", "@ 1h", "pizza", "@ 1h", "large"],
        ["I will remind you.", "Size?", "Time for your pills.", "One large."],
    ),
    "the question that comes due is first, and the one before is asked again": (
        ["care", "@ 1h", "pizza", "@ 1h", "yes", "small"],
        ["We ask you later.", "Size?", "Are you well?", "Good.", "Size?", "One small."],
    ),
    "its time begins anew with that": (
        ["care", "@ 1h", "pizza", "@ 1h", "@ 2h 30m", "yes", "@ 2h 30m", "@ 30m"],
        ["We ask you later.", "Size?", "Are you well?", "Good.", "Size?", "Never mind."],
    ),
    "the one on top times out, and the one below is asked": (
        ["care", "@ 1h", "pizza", "@ 1h", "@ 4h", "large"],
        ["We ask you later.", "Size?", "Are you well?", "We will call.", "Size?", "One large."],
    ),
    "two that wait beside each other": (
        ["pills", "@ 30m", "care", "@ 90m", "@ 30m", "yes"],
        ["I will remind you.", "We ask you later.", "Time for your pills.", "Are you well?", "Good."],
    ),
    "the same twice": (
        ["pills", "@ 1h", "pills", "@ 1h", "@ 1h"],
        ["I will remind you.", "I will remind you.", "Time for your pills.", "Time for your pills."],
    ),
    "what nothing takes": (["pills", "what is this", "@ 2h"], ["I will remind you.", "Text PIZZA.", "Time for your pills."]),
    "HELP": (["pills", "HELP", "@ 2h"], ["I will remind you.", "…", "Time for your pills."]),
    "STOP ends all of them": (["pills", "care", "stop", "@ 2h", "@ 2h"], ["I will remind you.", "We ask you later.", "…"]),
    "a short word in between": (["pills", "news", "@ 2h"], ["I will remind you.", "News!", "Time for your pills."]),
    "nothing asked of two that wait": (
        ["pills", "care", "hm", "@ 2h", "yes"],
        ["I will remind you.", "We ask you later.", "Text PIZZA.", "Time for your pills.", "Are you well?", "Good."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", [in_yaml, in_python])
@pytest.mark.parametrize("restarts", sampled([False, True], True))
@pytest.mark.parametrize("name", TALKS)
async def test_what_waits_holds_up_nothing(house: Any, tmp_path: Path, name: str, kind: Any, restarts: bool) -> None:
    """Also where the server begins anew between two texts."""
    lines, expected = TALKS[name]
    h: House = await house(kind(tmp_path))
    script = [piece for line in lines for piece in ((line, "!") if restarts else (line,))]
    heard = await talk(h, *script)
    assert len(heard) == len(expected), heard
    assert [e if e == "…" else said for said, e in zip(heard, expected, strict=True)] == expected


@pytest.mark.parametrize("kind", [in_yaml, in_python])
async def test_an_event_reaches_who_waits_for_nothing(house: Any, tmp_path: Path, kind: Any) -> None:
    h: House = await house(kind(tmp_path))
    await talk(h, "pills")
    await h.event("news", ANN)
    await h.event("visit", ANN)
    await talk(h, "@ 1h", "pizza")
    await h.event("visit", ANN)  # a question is open, so it waits until that is answered
    assert (await h.heard(ANN))[1:] == ["News!", "We ask you later.", "Size?"]
    await talk(h, "small")
    assert (await h.heard(ANN))[4:] == ["One small.", "We ask you later."]
    await talk(h, "@ 1h", "yes", "@ 1h", "no")
    assert (await h.heard(ANN))[6:] == ["Time for your pills.", "Are you well?", "Good.", "Are you well?", "Good."]


async def test_a_wait_that_gives_way(house: Any, tmp_path: Path) -> None:
    """With interrupt: another start word ends it, as it would a question."""
    bot = Bot(flows=write(tmp_path, pills=PILLS.replace("wait: 2h", "wait: 2h, interrupt: yes"), pizza=PIZZA))

    @bot.on("nap")
    async def nap(chat: Chat) -> str:
        await chat.sleep("2h", interrupt=True)
        return "Good morning."

    h: House = await house(bot)
    assert await talk(h, "pills", "pizza", "small", "@ 2h") == ["I will remind you.", "Size?", "One small."]
    assert (await talk(h, "nap", "pizza", "small", "@ 2h"))[3:] == ["Size?", "One small."]


async def test_the_desk_ends_all_of_it(house: Any, tmp_path: Path) -> None:
    h: House = await house(in_yaml(tmp_path))
    await talk(h, "pills", "care")
    assert await h.app.takeovers.end([Key(LINE, ANN)]) == 1
    await talk(h, "@ 2h")
    assert await h.heard(ANN) == ["I will remind you.", "We ask you later."]


async def test_more_waits_than_anybody_needs(house: Any, tmp_path: Path) -> None:
    """The one that has waited longest ends, and the desk is told: nothing grows without end."""
    h: House = await house(in_yaml(tmp_path))
    for _ in range(23):
        await talk(h, "pills", "@ 1m")
    conversation = await h.app.store.load(Key(LINE, ANN))
    assert len(conversation.resting) == 20
    told = sql(h.app.settings.place, "SELECT desk FROM handoffs")
    ended = sql(h.app.settings.place, "SELECT count(*) FROM runs WHERE end_label = 'too_many_waits'")[0][0]
    assert ([desk.rpartition(": ")[2] for (desk,) in told], ended) == (["too many waits"] * 2, 2)
    await talk(h, "@ 2h")
    assert (await h.heard(ANN)).count("Time for your pills.") == 21


async def test_start_words_that_take_everything(house: Any, tmp_path: Path) -> None:
    """A handler without a word of its own leaves answers to the question that is open."""
    bot = Bot(flows=write(tmp_path, pizza=PIZZA.replace('fallback: "Text PIZZA."\n', "")))

    @bot.on("{code}")
    def any_code(code: str) -> str:
        return f"Code {code}."

    h: House = await house(bot)
    assert await talk(h, "AB-12", "pizza", "medium", "large") == [
        "Code AB-12.",
        "Size?",
        "Size? Reply small or large.",
        "One large.",
    ]


@pytest.mark.parametrize("restart", [False, True])
async def test_what_others_wrote_meanwhile_is_known_after_a_sleep(house: Any, restart: bool) -> None:
    """Live, and replayed from the journal."""
    bot = Bot()

    @bot.on("parcel")
    async def parcel(chat: Chat) -> str:
        chat.contact["parcel"] = "here"
        await chat.sleep("1d")
        first = chat.contact["parcel"]
        chat.contact["parcel"] = f"{first}!"
        await chat.sleep("1d")
        return f"{first}, then {chat.contact['parcel']}"

    @bot.on("open {way}")
    def opens(chat: Chat, way: str) -> None:
        chat.contact["parcel"] = way

    h: House = await house(bot)
    script = ["parcel", "open once", "@ 1d", "open twice", "@ 1d"]
    heard = await talk(h, *[piece for line in script for piece in ((line, "!") if restart else (line,))])
    assert heard == ["once, then twice"]


async def test_a_report_of_another_text_ends_no_sleep(house: Any) -> None:
    bot = Bot()

    @bot.on("pills")
    async def pills(chat: Chat) -> str:
        await chat.sleep("2h")
        return "Pills!"

    @bot.on("order")
    def order() -> str:
        return "Ordered."

    @bot.on_delivery("delivered")
    def arrived(chat: Chat, report: Delivery) -> None:
        if report.text == "Ordered.":
            chat.goto("rate")

    @bot.state("rate")
    def rate(chat: Chat, text: str) -> str:
        chat.end("rated")
        return f"Rated {text}."

    h: House = await house(bot)
    assert await talk(h, "pills", "order", "@ 1m", "5", "@ 2h") == ["Ordered.", "Rated 5.", "Pills!"]


@pytest.mark.parametrize("restart", [False, True])
async def test_a_wait_that_gives_way_keeps_its_time_beside_a_question(
    house: Any, tmp_path: Path, restart: bool
) -> None:
    slow = "flow: slow\nstart: slow\nsteps: [{wait: 3h, interrupt: yes}, {say: Slow done.}]\n"
    h: House = await house(Bot(flows=write(tmp_path, care=CARE, slow=slow, pizza=PIZZA)))
    script = ["care", "slow", "@ 2h", "@ 1h", "yes"]
    heard = await talk(h, *[piece for line in script for piece in ((line, "!") if restart else (line,))])
    assert heard == ["We ask you later.", "Are you well?", "Slow done.", "Good."]
    heard = await talk(h, "care", "slow", "@ 2h", "pizza", "small", "@ 4h")
    assert heard[4:] == ["We ask you later.", "Are you well?", "Size?", "One small."], (
        "another start word has ended both"
    )


async def test_a_state_that_gave_way_keeps_its_time(house: Any, tmp_path: Path) -> None:
    bot = Bot(flows=write(tmp_path, care=CARE))

    @bot.on("hi")
    def hi(chat: Chat) -> str:
        chat.goto("name", timeout="3h", then="gone")
        return "Name?"

    @bot.state("name")
    def name(chat: Chat, text: str) -> str:
        chat.end()
        return f"Hi {text}."

    @bot.state("gone")
    def gone() -> str:
        return "Never mind."

    h: House = await house(bot)
    heard = await talk(h, "care", "@ 1h 30m", "hi", "@ 30m", "yes", "@ 2h 29m", "@ 2m")
    assert heard == ["We ask you later.", "Name?", "Are you well?", "Good.", "Name?", "Never mind."]


async def test_a_late_answer_is_taken_though_a_promise_came_between(house: Any, tmp_path: Path) -> None:
    order = (
        "flow: order\nstart: order\nsteps:\n  - {ask: what, say: What?, choices: [tea, coffee], timeout: 10m, late: accept}\n"
        '  - {say: "{what} it is."}\n'
    )
    h: House = await house(Bot(flows=write(tmp_path, order=order, pills=PILLS)))
    heard = await talk(h, "pills", "order", "@ 10m", "@ 2h", "tea")
    assert heard == ["I will remind you.", "What?", "Time for your pills.", "tea it is."]


async def test_what_stands_below_is_asked_again_where_the_one_above_fails(house: Any, tmp_path: Path) -> None:
    bot = Bot(flows=write(tmp_path, pizza=PIZZA))

    @bot.on("care")
    async def care(chat: Chat) -> str:
        await chat.sleep("1h")
        try:
            await chat.confirm("Well?", timeout="1h")
        except NoReply:
            raise ValueError("broken") from None
        return "Good."

    h: House = await house(bot)
    heard = await talk(h, "care", "@ 30m", "pizza", "@ 30m", "@ 1h", "@ 2h", "small")
    assert heard == ["Size?", "Well?", "Size?", "One small."]


async def test_the_contact_is_known_after_any_wait(house: Any, tmp_path: Path) -> None:
    """Also a field that was taken away, and beside a question."""
    bot = Bot(flows=write(tmp_path, nap="flow: nap\nsteps: [{wait: 1h}, {say: Slept.}]\n"))

    @bot.on("runs")
    async def runs(chat: Chat) -> str:
        chat.contact["k"] = "mine"
        await chat.run("nap")
        return f"{chat.contact.get('k')}"

    @bot.on("waits")
    async def waits(chat: Chat) -> None:
        await chat.sleep("1h")
        chat.contact["k"] = "woken"

    @bot.on("asks")
    async def asks(chat: Chat) -> str:
        chat.contact["k"] = "asked"
        answer = await chat.ask("Well?", timeout="3h")
        return f"{chat.contact.get('k')} {answer}"

    @bot.on("clear")
    def clear(chat: Chat) -> None:
        del chat.contact["k"]

    h: House = await house(bot)
    assert await talk(h, "runs", "clear", "@ 1h") == ["Slept.", "None"]
    assert (await talk(h, "waits", "@ 30m", "asks", "@ 30m", "fine"))[2:] == ["Well?", "woken fine"]


async def test_what_is_told_of_a_run_is_of_the_newest(house: Any, tmp_path: Path) -> None:
    h: House = await house(in_yaml(tmp_path))
    await talk(h, "pills", "@ 1m", "pizza")
    view = await h.run_of(ANN)
    assert view is not None
    assert (view.place, view.step, [by for by, _ in view.waits]) == ("pizza", "size", ["pills"])
    await talk(h, "small")
    view = await h.run_of(ANN)
    assert view is not None
    assert (view.end, view.steps[-1], [by for by, _ in view.waits]) == ("ordered", "pizza.step_2", ["pills"])


def digressing() -> Bot:
    """A bot whose answers to a word that is known anywhere come in parts."""
    bot = Bot()

    @bot.on("pizza")
    async def pizza(chat: Chat) -> str:
        size = await chat.ask("Size?", ["small", "large"], timeout="1d")
        return f"One {size}."

    @bot.on("table")
    def table(chat: Chat) -> str:
        chat.goto("seats", timeout="1d")
        return "How many?"

    @bot.state("seats")
    def seats(chat: Chat, text: str) -> str:
        chat.end("booked")
        return f"A table for {text}."

    @bot.anywhere("tips")
    async def tips(chat: Chat) -> None:
        first = await chat.step(lambda: "one")
        chat.say(f"Tip {first}.")
        await chat.sleep("1h")
        chat.say("Tip two.")
        await chat.sleep("1h")
        chat.say(f"Tip three, {chat.contact.get('name', 'you')}.")

    @bot.anywhere("call me")
    async def call_me(chat: Chat) -> None:
        at = await chat.ask("Morning or evening?", ["morning", "evening"], timeout="1d")
        await chat.sleep("1h")
        chat.say(f"We call in the {at}.")

    return bot


DIGRESSIONS: dict[str, tuple[list[str], list[str]]] = {
    "the question below is open meanwhile": (
        ["pizza", "tips", "small", "@ 1h", "@ 1h"],
        ["Size?", "Tip one.", "Size?", "One small.", "Tip two.", "Tip three, you."],
    ),
    "it is open between two parts": (
        ["pizza", "tips", "@ 1h", "small", "@ 1h"],
        ["Size?", "Tip one.", "Size?", "Tip two.", "One small.", "Tip three, you."],
    ),
    "a state below": (
        ["table", "tips", "@ 1h", "4", "@ 1h"],
        ["How many?", "Tip one.", "How many?", "Tip two.", "A table for 4.", "Tip three, you."],
    ),
    "one that has asked before": (
        ["pizza", "call me", "evening", "large", "@ 1h"],
        ["Size?", "Morning or evening?", "Size?", "One large.", "We call in the evening."],
    ),
    "one over a state that has asked before": (
        ["table", "call me", "evening", "2", "@ 1h"],
        ["How many?", "Morning or evening?", "How many?", "A table for 2.", "We call in the evening."],
    ),
    "twice": (
        ["pizza", "tips", "@ 30m", "tips", "@ 30m", "@ 30m", "large", "@ 30m", "@ 30m"],
        ["Size?", "Tip one.", "Size?", "Tip one.", "Size?", "Tip two.", "Tip two.", "One large.", "Tip three, you.", "Tip three, you."],
    ),
    "without any question": (["tips", "pizza", "@ 1h", "small", "@ 1h"], ["Tip one.", "Size?", "Tip two.", "One small.", "Tip three, you."]),
    "STOP ends it, too": (["pizza", "tips", "stop", "@ 1h", "@ 1h"], ["Size?", "Tip one.", "Size?", "…"]),
}  # fmt: skip


@pytest.mark.parametrize("restarts", sampled([False, True], True))
@pytest.mark.parametrize("name", DIGRESSIONS)
async def test_an_answer_in_parts_leaves_the_question_open(house: Any, name: str, restarts: bool) -> None:
    lines, expected = DIGRESSIONS[name]
    h: House = await house(digressing())
    heard = await talk(h, *[piece for line in lines for piece in ((line, "!") if restarts else (line,))])
    assert [e if e == "…" else said for said, e in zip(heard, expected, strict=False)] == expected
    assert len(heard) == len(expected), heard
    conversation = await h.app.store.load(Key(LINE, ANN))
    assert (conversation.run, conversation.resting) == (None, ())
    assert sql(h.app.settings.place, "SELECT count(*) FROM journal") == [(0,)], "nothing is left behind"


CODE = """\
flow: sign_in
start: [login]
steps:
  - ask: signed
    code: {digits: 6, valid: 30m, tries: 3}
    say: "Your code is {code}."
    timeout: {after: 30m, then: gone}
  - {say: "You are in.", end: in}
asides: [{id: gone, say: "The code is void.", end: gone}]
"""


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_code_behind_another_question_is_that_of_its_own(house: Any, tmp_path: Path, restarts: bool) -> None:
    """A question that came due meanwhile stands on top; the right code is no wrong answer to it."""
    h: House = await house(Bot(flows=write(tmp_path, care=CARE.replace("yes_no", "integer"), sign_in=CODE)))
    await talk(h, "care", "@ 110m", "login", "@ 10m", *(["!"] if restarts else []))
    heard = await h.heard(ANN)
    assert heard[-1] == "Are you well?"
    code = next(t for t in heard if t.startswith("Your code is")).removeprefix("Your code is ").removesuffix(".")
    assert (await talk(h, code, *(["!"] if restarts else []), "7"))[3:] == ["You are in.", "Good."]


async def test_those_laid_aside_wait_at_their_step(house: Any, tmp_path: Path) -> None:
    h: House = await house(in_yaml(tmp_path))
    await talk(h, "pills", "care", "pizza")
    found = {f.name: f for f in await Funnels(h.app.store).all(0.0)}
    assert {name: found[name].waiting for name in ("pills", "care", "pizza")} == {"pills": 1, "care": 1, "pizza": 1}
    step = next(s for s in found["pills"].steps.values() if s.waiting)
    assert [
        row["number"] for row in await Funnels(h.app.store).people(found["pills"], step.name, "waiting", 0.0, 9)
    ] == [ANN]
