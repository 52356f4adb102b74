"""What people really text, told twice: to flows in YAML and to the same conversations in Python."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest

from smsbot import Bot, Chat, Reaction, choice, integer
from smsbot.checks.story import Story, load_stories
from smsbot.testing.sim import Sim
from smsbot.testing.stories import run_story

from ..house import ANN, BOB, LINE, House

HERE = Path(__file__).parent / "texts"
STORIES, SOURCE = load_stories(HERE / "texts.yaml")
HELP = "We book visits. Text STOP to leave."
FLOWS = {
    "visit": """
flow: visit
start: {words: visit, event: remind}
anywhere: {help: "We book visits. Text STOP to leave."}
steps:
  - {ask: coming, say: "Are you coming? YES or NO", type: yes_no, timeout: 1d, late: 7d, then: {no: gone}}
  - {ask: remind, say: "Shall we remind you? YES or NO", type: yes_no, timeout: 1h}
  - {say: "Thank you.", end: booked}
asides:
  - {id: gone, say: "Cancelled.", end: "off"}
""",
    "note": """
flow: note
start: note
steps:
  - {ask: words, say: "What shall we tell the doctor?", type: text, settle: 4s, timeout: 1h}
  - {say: "Noted: {words}", end: noted}
""",
    "seats": """
flow: seats
start: {words: [seats, "seats {n:int}"], typos: 1}
steps:
  - {ask: n, say: "How many seats (1-9)?", type: "integer(1, 9)", retry: {say: "1 to 9, please."}, timeout: 1h}
  - {say: "{n} seats.", end: sold}
""",
    "drink": """
flow: drink
start: drink
join: yes
steps:
  - {ask: what, say: "Tea or coffee?", choices: [tea, coffee], tail: accept, timeout: 1h}
  - {say: ["{what} for you.", "Enjoy!"], end: served}
""",
}


def in_yaml(folder: Path) -> Bot:
    for name, text in FLOWS.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Bot("bot", flows=str(folder))


def in_python(_: Path) -> Bot:
    bot = Bot("bot")

    @bot.anywhere("help")
    def help_() -> str:
        return HELP

    @bot.event("remind")
    @bot.on("visit")
    async def visit(chat: Chat) -> None:
        coming = await chat.ask("Are you coming? YES or NO", bool, timeout="1d", late="7d")
        if not coming:
            chat.say("Cancelled.")
            chat.end("off")
            return
        remind = await chat.confirm("Shall we remind you? YES or NO", timeout="1h")
        assert isinstance(remind, bool)
        chat.say("Thank you.")
        chat.end("booked")

    @bot.on("note")
    async def note(chat: Chat) -> None:
        words = await chat.ask("What shall we tell the doctor?", settle="4s", timeout="1h")
        chat.say(f"Noted: {words}")
        chat.end("noted")

    @bot.on("seats", "seats {n:int}", typos=1)
    async def seats(chat: Chat) -> None:
        n = await chat.ask("How many seats (1-9)?", integer(1, 9), retry="1 to 9, please.", timeout="1h")
        chat.say(f"{n} seats.")
        chat.end("sold")

    @bot.on("drink")
    async def drink(chat: Chat) -> None:
        what = await chat.ask("Tea or coffee?", choice(Literal["tea", "coffee"], tail=True), timeout="1h")
        chat.say(f"{what} for you.\nEnjoy!")

    return bot


@pytest.mark.parametrize("make", [in_yaml, in_python], ids=["yaml", "python"])
@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
async def test_story(story: Story, make: Any, live: bool, tmp_path: Path) -> None:
    """With conversations kept alive between their turns, and without."""
    assert SOURCE.problems == []

    class Forgetful(Sim):
        async def start(self) -> None:
            await super().start()
            if not live:
                self.app.dispatcher.live.most = 0

    outcome = await run_story(story, {"bot": make(tmp_path)}, sim=Forgetful)
    assert outcome.failure is None, str(outcome.failure)


@pytest.mark.parametrize("make", [in_yaml, in_python], ids=["yaml", "python"])
async def test_stop_during_a_slow_step_is_obeyed_before_anything_else_leaves(
    make: Any, house: Any, tmp_path: Path
) -> None:
    """By the sandbox's ledger no send begins after STOP's 200, but the one confirmation."""
    go_on, began = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        began.set()
        await go_on.wait()
        return "ready"

    if make is in_yaml:
        (tmp_path / "slow.yaml").write_text(
            'flow: slow\nstart: slow\nsteps:\n  - say: "One moment."\n  - {do: slow(), save: x}\n  - {say: "{x}"}\n',
            "utf-8",
        )
        bot = Bot("bot", flows=str(tmp_path))
        bot.action(slow)
    else:
        bot = Bot("bot")

        @bot.on("slow")
        async def handler(chat: Chat) -> str:
            chat.say("One moment.")
            return await chat.step(slow)

    h: House = await house(bot)
    await h.inbound(id="1", **{"from": ANN}, to=LINE, message="slow")
    await began.wait()
    sends = h.provider.sends
    assert (await h.inbound(id="2", **{"from": ANN}, to=LINE, message="stop texting me")).status_code == 200
    go_on.set()
    await h.advance("1m")
    assert h.provider.sends == sends + 1
    assert [t for t in await h.heard(ANN) if "no more texts" not in t] == ["One moment."]
    assert [r["status"] for r in await h.outgoing()][-1] == "blocked"
    (proof,) = await h.app.store.rows("consents", number=ANN)
    assert (proof["action"], proof["text"]) == ("optout", "stop texting me")
    assert "no more texts" in proof["shown"]


async def test_a_reaction_is_told_to_the_bot_and_shown_with_its_text(house: Any) -> None:
    bot = Bot("bot")
    told: list[Reaction] = []

    @bot.on("hi")
    def hi() -> str:
        return "Your table is ready"

    @bot.on_reaction
    def reacted(reaction: Reaction, chat: Chat) -> None:
        told.append(reaction)

    h: House = await house(bot)
    await h.text(ANN, "hi", "Loved “Your table is ready”")
    assert told == [Reaction("Loved", "Your table is ready", False)]
    assert [r["reaction"] for r in await h.outgoing()] == ["Loved"]
    page = (await h.http.get("/")).text
    assert "Loved" in page
    assert "reacted" in page
    await h.text(ANN, "Removed a heart from “Your table is ready”")
    assert told[-1].removed
    assert [r["reaction"] for r in await h.outgoing()] == [""]


async def test_wrong_number_holds_what_the_bot_begins_and_tells_the_desk(house: Any, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text('flow: n\nstart: {words: hi, event: news}\nsteps:\n  - {say: "News!"}\n', "utf-8")
    h: House = await house(Bot("bot", flows=str(tmp_path)))
    await h.event("news", ANN)
    await h.text(ANN, "pomyłka")
    await h.event("news", ANN)
    await h.event("news", BOB)
    assert await h.heard(BOB) == ["News!"]
    assert [t for t in await h.heard(ANN) if t == "News!"] == ["News!"]
    (blocked,) = [r for r in await h.outgoing() if r["status"] == "blocked"]
    assert "wrong number" in blocked["detail"]
    await h.text(ANN, "hi")
    assert (await h.heard(ANN))[-1] == "News!"
    (waiting,) = await h.app.store.rows("waiting_people", now=h.clock.now(), later=0, limit=10)
    assert waiting["desk"] == "wrong number"
    await h.http.post(f"/handoffs/{waiting['id']}/done")
    await h.event("news", ANN)
    assert (await h.heard(ANN)).count("News!") == 3


async def test_back_answers_the_question_before_again(house: Any, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        "flow: f\nstart: hi\ndefaults: {timeout: 1h}\nsteps:\n"
        '  - {ask: a, say: "A?"}\n  - {ask: b, say: "B?"}\n  - {ask: c, say: "C?", type: yes_no}\n  - {say: "{a} {b}"}\n',
        "utf-8",
    )
    h: House = await house(Bot("bot", flows=str(tmp_path)))
    for text in ("hi", "1", "2", "back", "back", "x", "y", "yes"):
        await h.text(ANN, text)
    assert await h.heard(ANN) == ["A?", "B?", "C?", "B?", "A?", "B?", "C?", "x y"]


TOLD = Path(__file__).parent / "texts" / "why.txt"
ASKED = [
    ("", ["hello", "visit", "vist", "SEATS 3", "seast", "HELP", "who is this", "👍"]),
    ("visit", ["YES", "no problem", "yes but later", "yse", "how much?", "Seats", "AGAIN", "help", "wrong number", "Liked “Are you coming? YES or NO”", "I'm in a meeting. I'll call you later."]),
    ("seats", ["2 people", "about 5", "20", "$5", "-1", "ten", "2 or 3", "tow"]),
    ("drink", ["tea please", "tea and coffee?", "water", "cofee"]),
    ("note", ["visit", "stop by the shop", "pomyłka"]),
]  # fmt: skip


async def test_why_reads_as_a_sentence(house: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Why each text was taken as it was, as the desk reads it at / and in `smsbot trace`. ``--update`` writes it anew."""
    h: House = await house(in_yaml(tmp_path))
    lines, n = [], 0
    for start, texts in ASKED:
        for text in texts:
            n += 1
            number = f"+486001{n:05}"
            if start:
                await h.text(number, start)
            await h.text(number, text)
            rows = await h.app.store.rows("thread", number=number, limit=10, before=1e15)
            why = next(r["detail"] for r in rows if r["direction"] == "in" and r["text"] == text)
            assert why, text
            lines.append(f"{start or '-'} | {text}\n    {why}")
    assert n >= 30
    told = "\n".join(lines) + "\n"
    if request.config.getoption("--update"):
        TOLD.write_text(told, encoding="utf-8")
    assert told == TOLD.read_text(encoding="utf-8")
