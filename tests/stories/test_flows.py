"""Flows on the real path of a text: calls, switches, late answers, actions, languages, edits under way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import FlowsWrong
from smsbot.core.message import Key
from smsbot.flows.state import State
from smsbot.settings import LineSettings

from ..house import ANN, BOB, LINE, House

ORDER = """\
flow: order
start: [order]
anywhere: {info please: "We sell things."}
steps:
  - {ask: what, say: "What?", choices: [tea, coffee], timeout: {after: 10m, then: gone}, late: accept}
  - {do: "price(what)", save: price}
  - {ask: ok, say: "{what} is {price}. OK?", type: yes_no, timeout: 1h}
  - {say: "Done.", end: ordered}
asides:
  - {id: gone, say: "Gone.", end: abandoned}
"""


def write(folder: Path, **flows: str) -> str:
    (folder / "flows").mkdir(exist_ok=True)
    for name, text in flows.items():
        (folder / "flows" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return str(folder / "flows")


def bot_of(folder: Path, **flows: str) -> Bot:
    made = Bot(flows=write(folder, **flows))

    @made.action
    def price(what: str) -> int:
        return len(what)

    return made


async def talk(h: House, *lines: str, number: str = ANN) -> list[str]:
    """Text, wait (@ 5m) and restart (!), then what was heard."""
    for line in lines:
        if line.startswith("@"):
            await h.advance(line[2:])
        elif line == "!":
            await h.restart()
        else:
            await h.text(number, line)
    return await h.heard(number)


async def test_a_run_is_told_as_it_stands(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    await talk(h, "order", "tea")
    view = await h.run_of(ANN)
    assert view is not None
    assert (view.place, view.step, view.variables, view.end) == ("order", "ok", {"what": "tea", "price": 3}, "")
    assert view.at.endswith("flows/order.yaml:7")
    assert view.due_what == "timeout"
    await talk(h, "yes")
    view = await h.run_of(ANN)
    assert view is not None
    assert (view.step, view.end, view.steps) == (
        "",
        "ordered",
        ("order", "order.what", "order.price", "order.ok", "order.step_4"),
    )


@pytest.mark.parametrize("between", [(), ("!",)], ids=["", "restarted"])
async def test_a_late_answer_is_taken(house: Any, tmp_path: Path, between: tuple[str, ...]) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    said = await talk(h, "order", "@ 10m", *between, "@ 48h", "nonsense", *between, "coffee", "yes")
    assert said == ["What?", "Gone.", "coffee is 6. OK?", "Done."]


async def test_a_late_answer_is_taken_once_and_not_after_a_week(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    said = await talk(h, "order", "@ 10m", "@ 8d", "coffee")
    assert said == ["What?", "Gone."]
    said = await talk(h, "order", "@ 10m", "tea", "no", "coffee")
    assert said[2:] == ["What?", "Gone.", "tea is 3. OK?", "Done."]


async def test_another_start_word_switches(house: Any, tmp_path: Path) -> None:
    bot = bot_of(tmp_path, order=ORDER, faq="flow: faq\nstart: faq\nsteps: [{say: Facts., end: told}]\n")

    @bot.on("ping")
    def ping() -> str:
        return "pong"

    h: House = await house(bot)
    said = await talk(h, "order", "faq")
    assert said == ["What?", "Facts."]
    said = await talk(h, "order", "ping")
    assert said[2:] == ["What?", "pong"]
    rows = await h.app.store.rows("feed", limit=50, before=1e15)
    assert rows
    assert await talk(h, "tea") == said  # nothing is open any more


async def test_free_text_and_interrupt_no_are_not_left(house: Any, tmp_path: Path) -> None:
    text = """\
flow: name
start: name
defaults: {timeout: 1h, interrupt: "no"}
steps:
  - {ask: who, say: "Name?", type: text}
  - {ask: age, say: "Age?", type: integer}
  - {say: "{who}, {age}"}
"""
    h: House = await house(bot_of(tmp_path, order=ORDER, name=text))
    assert await talk(h, "name", "order", "order", "7") == ["Name?", "Age?", "Age? A number, such as 2.", "order, 7"]


async def test_a_called_flow_gives_back_and_its_end_decides(house: Any, tmp_path: Path) -> None:
    main = """\
flow: main
start: main
steps:
  - {call: pick, args: {top: 2 + 3}, save: n, then: {none: sorry}}
  - {say: "Picked {n}.", end: fine}
asides: [{id: sorry, say: "Sorry.", end: nothing}]
"""
    pick = """\
flow: pick
args: {top: integer}
returns: n * 10
steps:
  - ask: n
    say: "1 to {top}?"
    type: integer
    check: 1 <= n <= top
    retry: {max: 1, then: none}
    timeout: {after: 5m, then: none}
asides: [{id: none, say: "No number.", end: none}]
"""
    h: House = await house(bot_of(tmp_path, main=main, pick=pick))
    assert await talk(h, "main", "!", "4", "main", "9", "!", "9", "main", "!", "@ 5m") == [
        "1 to 5?", "Picked 40.", "1 to 5?", "1 to 5?", "No number.", "Sorry.", "1 to 5?", "No number.", "Sorry.",
    ]  # fmt: skip
    frames = await h.app.store.rows("frames_left")
    assert frames == []


async def test_silence_in_a_called_flow_without_a_way_on_ends_the_run(house: Any, tmp_path: Path) -> None:
    main = "flow: main\nstart: main\nsteps: [{call: pick}, {say: Never.}]\n"
    pick = "flow: pick\nsteps: [{ask: n, say: N?, timeout: 5m, late: accept}, {say: 'Got {n}'}]\n"
    h: House = await house(bot_of(tmp_path, main=main, pick=pick))
    assert await talk(h, "main", "@ 5m") == ["N?"]
    view = await h.run_of(ANN)
    assert view is not None
    assert view.end == "abandoned"
    assert (await talk(h, "!", "@ 1h", "late"))[1:] == ["Got late", "Never."]


async def test_an_action_runs_once_though_its_turn_is_tried_again(house: Any, tmp_path: Path) -> None:
    text = """\
flow: pay
start: pay
steps:
  - {say: "One moment."}
  - {do: first(), save: a}
  - {do: second(a), save: b}
  - {say: "{a} {b}"}
"""
    calls: list[str] = []
    bot = Bot(flows=write(tmp_path, pay=text))

    @bot.action
    async def first() -> int:
        calls.append("first")
        return 1

    @bot.action
    def second(a: int) -> int:
        calls.append("second")
        if calls.count("second") < 3:
            raise OSError("down")
        return a + 1

    h: House = await house(bot)
    assert await talk(h, "pay") == ["One moment."]
    assert await talk(h, "!", "@ 10s") == ["One moment.", "1 2"]
    assert calls == ["first", "second", "second", "second"]


async def test_actions_get_what_is_provided(house: Any, tmp_path: Path) -> None:
    class Shop:
        def stock(self) -> dict[str, int]:
            return {"tea": 3}

    bot = Bot(
        flows=write(
            tmp_path, x="flow: x\nstart: x\nsteps: [{do: stock_of('tea'), save: s}, {say: '{s.count} {s.name}'}]\n"
        )
    )

    @bot.provide
    def shop() -> Shop:
        return Shop()

    @bot.action
    def stock_of(name: str, shop: Shop) -> dict[str, object]:
        return {"name": name, "count": shop.stock()[name]}

    h: House = await house(bot)
    assert await talk(h, "x") == ["3 tea"]


async def test_a_flow_that_goes_round_is_stopped(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nvars: {n: 0}\nsteps:\n  - {id: a, set: {n: n + 1}, then: [{when: n < 0, go: b}, {go: a}]}\n  - {id: b, say: B}\n"
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x") == []
    (event,) = await h.events()
    assert "100 steps without waiting" in event["detail"]


async def test_a_flow_that_goes_round_an_action_is_stopped(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nsteps:\n  - {id: a, do: stock(), save: n, then: [{when: n < 0, go: b}, {go: a}]}\n  - {id: b, say: B}\n"
    bot = Bot(flows=write(tmp_path, x=text))
    called: list[int] = []

    @bot.action
    def stock() -> int:
        called.append(1)
        return 3

    h: House = await house(bot)
    assert await talk(h, "x") == []
    (event,) = await h.events()
    assert "1000 times without waiting" in event["detail"]
    assert len(called) == 1000


async def test_the_language_of_the_start_word_is_that_of_the_person_from_then_on(house: Any, tmp_path: Path) -> None:
    text = """\
flow: hi
start: {words: {en: [hi], pl: [hej]}}
steps:
  - {say: {en: "Hello.", pl: "Witaj."}}
"""
    h: House = await house(bot_of(tmp_path, hi=text))
    assert await talk(h, "hej", "!", "hi", "!", "hej", "hej") == ["Witaj.", "Hello.", "Witaj.", "Witaj."]
    assert await talk(h, "hi", number=BOB) == ["Hello."]


async def test_contacts_are_kept_across_runs(house: Any, tmp_path: Path) -> None:
    text = """\
flow: me
start: me
steps:
  - {when: contact.name, say: "Hello again, {contact.name}.", end: known}
  - {ask: name, say: "Name?", timeout: 1h}
  - {set: {contact.name: title(name)}, say: "Nice, {contact.name}."}
"""
    h: House = await house(bot_of(tmp_path, me=text))
    assert await talk(h, "me", "ann lee", "!", "me") == ["Name?", "Nice, Ann Lee.", "Hello again, Ann Lee."]


async def test_waits_go_on_by_themselves(house: Any, tmp_path: Path) -> None:
    text = "flow: w\nstart: w\nsteps: [{say: One., wait: 1h}, {wait: 2h}, {say: Two.}]\n"
    bot = bot_of(tmp_path, w=text, order=ORDER)

    @bot.fallback
    def fallback() -> str:
        return "Hm."

    h: House = await house(bot)
    assert await talk(h, "w", "@ 59m", "huh", "!", "@ 3m", "@ 2h") == ["One.", "Hm.", "Two."]


async def test_events_and_api_names_start_flows(house: Any, tmp_path: Path) -> None:
    event = "flow: shipped\nstart: {event: order.shipped}\nsteps: [{say: 'Order {event.number} is on its way.'}]\n"
    api = "flow: code\nstart: {api: login}\nargs: [code]\nsteps: [{say: 'Your code is {code}.'}]\n"
    h: House = await house(bot_of(tmp_path, shipped=event, code=api))
    await h.event("order.shipped", ANN, {"number": 7})
    await h.event("login", ANN, {"code": "0123"})
    assert await h.heard(ANN) == ["Order 7 is on its way.", "Your code is 0123."]


async def test_help_answers_from_the_open_flow(house: Any, tmp_path: Path) -> None:
    other = "flow: a\nstart: a\nanywhere: {help: 'A helps.'}\nsteps: [{say: A}]\n"
    own = "flow: b\nstart: b\nanywhere: {help: 'B helps.'}\nsteps: [{ask: x, say: 'X?', timeout: 1h}]\n"
    h: House = await house(bot_of(tmp_path, a=other, b=own))
    assert await talk(h, "help", "b", "help", "INFO") == ["A helps.", "X?", "B helps.", "X?", "B helps.", "X?"]


# -- edits while people are in the middle (C8) -----------------------------------------------------------


async def test_an_edit_reaches_an_open_run_where_its_question_still_fits(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    await talk(h, "order")
    write(tmp_path, order=ORDER.replace("{what} is {price}", "{what} costs {price}"))
    assert await talk(h, "!", "tea") == ["What?", "tea costs 3. OK?"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("ask: what", "ask: which"), ("choices: [tea, coffee]", "type: text"), ("ask: what", "id: other, ask: what")],
)
async def test_a_run_stays_on_what_it_began_with_where_it_does_not(
    house: Any, tmp_path: Path, old: str, new: str
) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    await talk(h, "order")
    edited = ORDER.replace(old, new).replace("is {price}", "costs {price}").replace("price(what)", "price('abcd')")
    write(tmp_path, order=edited.replace("{what} costs", "it costs"))
    assert await talk(h, "!", "tea", "yes") == ["What?", "tea is 3. OK?", "Done."]


async def test_outside_of_dev_a_run_never_moves(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    await talk(h, "order")
    write(tmp_path, order=ORDER.replace("is {price}", "costs {price}"))
    await h.restart()
    versions = h.app.lines.values()[0].versions
    versions.forward = False
    assert await talk(h, "tea", "no") == ["What?", "tea is 3. OK?", "Done."]
    assert (await talk(h, "order", "tea"))[-1] == "tea costs 3. OK?"


async def test_a_run_goes_on_though_its_file_is_gone(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER, faq="flow: faq\nsteps: [{say: x}]\n"))
    await talk(h, "order")
    (tmp_path / "flows" / "order.yaml").unlink()
    assert await talk(h, "!", "tea", "yes") == ["What?", "tea is 3. OK?", "Done."]


async def test_wrong_flows_do_not_start(tmp_path: Path) -> None:
    with pytest.raises(FlowsWrong, match="SB604"):
        await House(bot_of(tmp_path, order=ORDER.replace("ask: what", "aks: what")), tmp_path).start()


async def test_stop_ends_a_flow_and_start_begins_anew(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    said = await talk(h, "order", "stop", "tea", "start", "tea", "order")
    assert said[0] == "What?"
    assert said[-1] == "What?"
    assert len(said) == 4
    conversation = await h.app.store.load(Key(LINE, ANN))
    assert conversation.run is not None


# -- what a first reading found --------------------------------------------------------------------------


async def test_an_error_handler_leaves_the_flow_at_its_question(house: Any, tmp_path: Path) -> None:
    bot = Bot(flows=write(tmp_path, order=ORDER))
    fails = [True, True]

    @bot.action
    def price(what: str) -> int:
        if fails and fails.pop():
            raise OSError("down")
        return 3

    @bot.on_error
    def sorry() -> str:
        return "Sorry, once more please."

    h: House = await house(bot)
    assert await talk(h, "order", "tea", "!", "tea", "tea") == [
        "What?", "Sorry, once more please.", "Sorry, once more please.", "tea is 3. OK?",
    ]  # fmt: skip
    assert (await talk(h, "yes", "order", "@ 10m"))[-2:] == ["What?", "Gone."]


async def test_a_turn_that_was_cut_short_stays_on_the_flows_it_began_with(house: Any, tmp_path: Path) -> None:
    def flow(a: str, b: str) -> str:
        return f"flow: x\nstart: x\nsteps: [{{do: {a}(), save: a}}, {{do: {b}(), save: b}}, {{say: '{{a}} {{b}}'}}]\n"

    calls: list[str] = []
    bot = Bot(flows=write(tmp_path, x=flow("first", "second")))

    @bot.action
    def first() -> str:
        calls.append("first")
        return "1"

    @bot.action
    def second() -> str:
        calls.append("second")
        if calls.count("second") < 3:
            raise OSError("down")
        return "2"

    h: House = await house(bot)
    assert await talk(h, "x") == []
    write(tmp_path, x=flow("second", "first"))
    assert await talk(h, "!", "@ 10s") == ["1 2"]
    assert calls == ["first", "second", "second", "second"]


async def test_an_answer_that_settles_is_never_lost(house: Any, tmp_path: Path) -> None:
    text = """\
flow: x
start: x
steps:
  - {ask: a, say: "Where?", settle: 30s, remind: {after: 50s, say: "Still there?"}, timeout: {after: 1m, then: bye}}
  - {say: "Got {a}."}
asides: [{id: bye, say: "Bye.", end: gone}]
"""
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "@ 43s", "1 Main St", "!", "@ 60s") == ["Where?", "Got 1 Main St."]


async def test_a_deadline_that_fails_for_good_ends_its_run(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nvars: {z: none}\nsteps: [{ask: a, say: 'A?', remind: {after: 5m, say: '{1/z}'}, timeout: 10m}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "@ 1h") == ["A?"]
    view = await h.run_of(ANN)
    assert view is not None
    assert (view.step, view.end) == ("", "failed")
    assert (await talk(h, "x"))[-1] == "A?"


async def test_a_reminder_that_was_added_later_does_not_stop_the_timeout(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    await talk(h, "order")
    write(
        tmp_path,
        order=ORDER.replace("timeout: {after: 10m, then: gone}", "timeout: {after: 10m, then: gone}, remind: 5m"),
    )
    said = await talk(h, "@ 1m", "!", "@ 3h")
    assert said[-1] == "Gone."


async def test_what_is_answered_is_not_asked_again_while_a_flow_waits(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nanywhere: {info: I.}\nsteps: [{ask: a, say: 'A?', timeout: 1h}, {say: Wait., wait: 1h}, {say: Now.}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "me", "info", "help", "@ 1h") == [
        "A?",
        "Wait.",
        "I.",
        h.app.lines.values()[0].help,
        "Now.",
    ]


async def test_a_long_answer_is_cut_where_it_is_said(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nsteps: [{ask: a, say: 'A?', timeout: 1h}, {say: 'You wrote {a}'}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    said = await talk(h, "x", "👍" * 700)
    assert said[1].startswith("You wrote 👍👍")
    rows = await h.outgoing()
    assert rows[-1]["parts"] == 9


async def test_an_answer_that_the_check_cannot_be_computed_for_is_asked_again(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nsteps: [{ask: n, say: 'N?', type: integer, check: 10 / n > 1, timeout: 1h}, {say: 'Yes {n}'}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "0", "5") == ["N?", "N? A number, such as 2.", "Yes 5"]


async def test_a_late_answer_finds_the_question_as_it_stood(house: Any, tmp_path: Path) -> None:
    text = """\
flow: x
start: x
vars: {lost: 0}
steps:
  - {ask: a, say: "A?", timeout: {after: 5m, then: gone}, late: 1h}
  - {say: "{a} {lost}"}
asides: [{id: gone, set: {lost: 1}, end: abandoned}]
"""
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "@ 5m", "@ 30m", "hi") == ["A?", "hi 0"]
    assert (await talk(h, "x", "@ 5m", "@ 61m", "hi"))[2:] == ["A?"]


async def test_a_late_answer_does_not_repeat_what_the_caller_has_done(house: Any, tmp_path: Path) -> None:
    main = "flow: main\nstart: main\nsteps: [{call: sub, save: got}, {say: 'Got {got}', end: ok}]\n"
    sub = "flow: sub\nreturns: n\nsteps: [{ask: n, say: N?, timeout: {after: 5m, then: gone}, late: accept}]\nasides: [{id: gone, end: lost}]\n"
    h: House = await house(bot_of(tmp_path, main=main, sub=sub))
    assert await talk(h, "main", "@ 5m", "late") == ["N?", "Got "]


async def test_what_followed_a_choice_is_kept_behind_an_action(house: Any, tmp_path: Path) -> None:
    text = """\
flow: x
start: x
steps:
  - {ask: a, say: "A or B?", choices: [a, b], tail: accept, timeout: 1h}
  - {do: price(a), save: p, say: "{a}, {answer.rest}, {answer.text}"}
"""
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "A, but hot!") == ["A or B?", "a, but hot!, A, but hot!"]


@pytest.mark.slow
async def test_a_run_asks_at_most_two_hundred_questions(house: Any, tmp_path: Path) -> None:
    main = "flow: main\nstart: main\nsteps: [{id: go, call: sub}, {goto: go}]\n"
    bot = bot_of(tmp_path, main=main, sub="flow: sub\nsteps: [{ask: n, say: N?, timeout: 1h}]\n")
    h: House = await house(bot, line_settings={LINE: LineSettings(country="PL", pace=0)})
    await talk(h, "main")
    for _ in range(200):
        await h.text(ANN, "x")
    view = await h.run_of(ANN)
    assert view is not None
    assert view.end == "too_many_questions"
    assert (await h.heard(ANN))[-1] == "We have asked you a lot today, so we stop here. A person will look at it."
    assert "sub: too many questions" in (await h.http.get("/")).text


DAILY = """
flow: pills
start: pills
steps:
  - {ask: taken, say: "Pills taken? YES or NO", type: yes_no, timeout: {after: 2h, then: missed}, remind: [30m, 1h]}
  - {id: sleep, wait: {until: "9:00"}}
  - {goto: taken}
asides:
  - {id: missed, say: "We will tell your nurse.", goto: sleep}
"""


@pytest.mark.long
async def test_a_flow_that_runs_daily_lives_for_a_year(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, pills=DAILY), line_settings={LINE: LineSettings(quiet="never", pace=0)})
    await h.text(ANN, "pills")
    for day in range(365):
        if day % 7:
            await h.text(ANN, "yes")
        await h.advance("1d")
        if not day % 50:
            await h.restart()
    view = await h.run_of(ANN)
    assert view is not None
    assert view.end == ""
    with closing(sqlite3.connect(tmp_path / "sim.db")) as db:
        (asked,) = db.execute("SELECT count(*) FROM outgoing WHERE text LIKE 'Pills%'").fetchone()
    assert asked >= 365


def test_questions_are_counted_by_day() -> None:
    state, day = State(), 86_400.0
    assert [state.count((n + 1) * day) for n in range(300)] == [1] * 300
    assert [state.count(301 * day + n) for n in range(3)] == [1, 2, 3]
    called = State(**state.counted._asdict())
    assert called.count(301 * day + 4) == 4
    state.go_on(called.counted)
    assert state.count(301 * day + 5) == 5


async def test_a_handoff_waits_at_the_desk_until_it_is_done(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nsteps: [{handoff: counter, say: We will call you., end: escalated}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    await talk(h, "x", "!")
    page = (await h.http.get("/")).text
    assert "Waiting for a person" in page
    assert "counter" in page
    assert ANN not in page
    foreign = await h.http.post("/handoffs/1/done", headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert (await h.http.post("/handoffs/1/done")).status_code == 303
    assert "Waiting for a person" not in (await h.http.get("/")).text


# -- what a second reading found -------------------------------------------------------------------------


async def test_help_is_answered_though_a_flow_cannot_compute_its_own(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nanywhere: {help: '{10 / contact.q}', deep: '{10 / contact.q}'}\nsteps: [{ask: a, say: 'A?', timeout: 1h}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "help") == ["A?", h.app.lines.values()[0].help, "A?"]


async def test_lines_may_change_their_bots_while_people_are_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = bot_of(tmp_path / "a", order=ORDER)
    other = bot_of(tmp_path / "b", faq="flow: faq\nstart: faq\nsteps: [{say: F}]\n")
    async with House({"a": first, "b": other}, tmp_path, lines={"a": (LINE,), "b": ("7255",)}) as h:
        await talk(h, "order")
    async with House({"b": other, "a": first}, tmp_path, lines={"b": (LINE,), "a": ("7255",)}) as h:
        assert await talk(h, "help", "tea") == ["What?", h.app.lines.values()[0].help, "What?", "tea is 3. OK?"]


async def test_a_question_of_several_texts_is_asked_again_as_several(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nanywhere: {info: I.}\nsteps: [{ask: a, say: [One., Two.], timeout: 1h}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "x", "info") == ["One.", "Two.", "I.", "One.", "Two."]


async def test_no_typo_leads_from_a_consent_word(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: {words: [starts], typos: 1}\nsteps: [{say: X}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    assert await talk(h, "START", "startz") == ["X"]


async def test_data_of_a_handler_is_not_lost_silently_while_a_flow_is_open(house: Any, tmp_path: Path) -> None:
    bot = bot_of(tmp_path, order=ORDER)

    @bot.anywhere("note")
    def note(chat: Chat) -> str:
        chat.data["x"] = 1
        return "noted"

    h: House = await house(bot)
    assert await talk(h, "order", "note", "tea") == ["What?", "tea is 3. OK?"]
    assert "chat.data is not kept" in (await h.events())[1]["detail"]


async def test_a_late_question_is_forgotten_at_an_opt_out(house: Any, tmp_path: Path) -> None:
    h: House = await house(bot_of(tmp_path, order=ORDER))
    said = await talk(h, "order", "@ 10m", "stop", "start", "tea")
    assert said[:2] == ["What?", "Gone."]
    assert len(said) == 4


async def test_the_thread_of_a_handoff_can_be_opened(house: Any, tmp_path: Path) -> None:
    text = "flow: x\nstart: x\nsteps: [{handoff: counter, say: We will call you., end: escalated}]\n"
    h: House = await house(bot_of(tmp_path, x=text))
    await talk(h, "x")
    page = (await h.http.post("/handoffs/1")).text
    assert f'<p class="hero num">{ANN}</p>' in page
    assert "We will call you." in page
    assert (await h.http.post("/handoffs/99")).status_code == 404
    assert (await h.http.post(f"/handoffs/{2**64}/done")).status_code == 404
