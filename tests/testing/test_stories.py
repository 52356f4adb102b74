"""What a story takes for right, and what never."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot import Bot, Chat
from smsbot.checks.story import read_stories
from smsbot.testing.coverage import Coverage
from smsbot.testing.stories import Outcome, run_story


def broken() -> Bot:
    bot = Bot(apology="Sorry.")

    @bot.on("hi")
    def hi() -> str:
        raise ValueError("no greeting")

    @bot.event("soon")
    def soon() -> str:
        raise KeyError("when")

    @bot.on("lost")
    def lost(chat: Chat) -> None:
        chat.goto("nowhere")

    @bot.every("0 9 * * *")
    async def nine(bot: Bot) -> None:
        await bot.start("fine", to="+48600100200")

    @bot.event("fine")
    def fine() -> str:
        return "Good morning."

    return bot


async def told(folder: Path, script: str, *, update: bool = False, more: str = "") -> Outcome:
    stories, source = read_stories(folder / "a.story.yaml", f"story: a\n{more}script: [{script}]\n".encode())
    assert not source.problems
    return await run_story(stories[0], {"bot": broken()}, update=update)


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("me: hi, bot: []", "ValueError"),
        ('me: hi, bot: "Hello"', "ValueError"),
        ("event: soon", "KeyError"),
        ("me: hi, wait: 5m, bot: Sorry.", "ValueError"),
        ("me: lost", "nowhere"),
        ("me: lost, me: other", "nowhere"),
    ],
)
async def test_a_turn_that_fails_is_no_silence(tmp_path: Path, script: str, why: str, update: bool) -> None:
    script = ", ".join(f"{{{line}}}" for line in script.split(", "))
    outcome = await told(tmp_path, script, update=update)
    assert outcome.failure is not None
    assert why in outcome.failure.got
    assert outcome.changes == []


@pytest.mark.parametrize(
    "script",
    [
        '{me: hi}, {failed: "*ValueError*"}, {wait: 5m}, {bot: Sorry.}',
        "{me: hi}, {wait: 5m}, {failed: }, {bot: Sorry.}",
        '{event: soon}, {failed: "*KeyError*"}',
    ],
)
async def test_a_story_may_expect_that_it_fails(tmp_path: Path, script: str) -> None:
    outcome = await told(tmp_path, script)
    assert outcome.passed, outcome.failure


@pytest.mark.parametrize(
    ("script", "got"),
    [('{me: hi}, {failed: "*KeyError*"}', "ValueError"), ("{me: x}, {failed: }", "every turn ended well")],
)
async def test_another_failure_than_the_expected_one(tmp_path: Path, script: str, got: str) -> None:
    outcome = await told(tmp_path, script)
    assert outcome.failure is not None
    assert got in outcome.failure.got


@pytest.mark.parametrize(
    ("clock", "script"),
    [
        ("2026-11-23 14:00", "{me: x}, {bot: []}"),
        ("2025-11-24 08:50", '{wait: 30m}, {bot: "Good morning."}'),
        ("2027-11-24 08:50", '{wait: 5m}, {bot: []}, {wait: 30m}, {bot: "Good morning."}'),
    ],
)
async def test_ticks_follow_the_clock_of_the_story(tmp_path: Path, clock: str, script: str) -> None:
    outcome = await told(tmp_path, script, more=f"clock: {clock}\n")
    assert outcome.passed, outcome.failure


FLOW = """\
flow: x
start: {words: {en: [hello], pl: [witaj]}, event: ping}
anywhere: {hours: "9 to 5."}
defaults: {timeout: {after: 1h, then: gone}, remind: {after: 5m, say: "Still there?"}}
steps:
  - {ask: n, say: {en: "How many?", pl: "Ile?"}, type: integer}
  - {set: {contact.count: n}, handoff: counter, say: "We call you.", end: done}
asides:
  - {id: gone, say: "Bye.", end: abandoned}
"""


async def of_flow(folder: Path, script: str, *, update: bool = False, coverage: Coverage | None = None) -> Outcome:
    (folder / "x.yaml").write_text(FLOW)
    lines = "".join(f"  - {line}\n" for line in script.split(" | "))
    stories, source = read_stories(folder / "a.story.yaml", f"story: a\nscript:\n{lines}".encode())
    assert not source.problems, source.problems
    bot = Bot(flows=str(folder / "x.yaml"))
    return await run_story(stories[0], {"bot": bot}, update=update, coverage=coverage)


HELD: list[tuple[str, str]] = [
    ('me: hello | bot: "How many?" | delivered: "How*"', ""), ('me: hello | bot: "How many?" | delivered: "Bye*"', "no such text"),
    ('phone: "full" | me: hello | bot: "How many?" | wait: 1m | failed: "How*"', ""), ('me: hello | bot: "How many?" | failed: "How*"', "every turn"),
    ('me: hello | bot: "*" | me: "3" | bot: "*" | handoff: counter', ""), ('me: hello | bot: "*" | me: "3" | bot: "*" | handoff: shop', "counter"),
    ('me: hello | bot: "*" | handoff: counter', "nobody was told"),
    ('me: hello | bot: "*" | me: "3" | bot: "*" | contact: {count: 3}', ""), ('me: hello | bot: "*" | me: "3" | bot: "*" | contact: {count: 4}', "count: 3"),
    ("me: hello | bot: '*' | consent: in", ""), ("me: hello | bot: '*' | consent: out", "consent: in"), ("me: STOP | bot: '*' | consent: out", ""),
    ('me: hello | bot: "How  many?"', "'How many?'"), ('me: hello | bot: "How many?\\n"', "'How many?'"),
    ('gateway: [down] | me: hello | bot: [] | wait: 1m | bot: "How many?"', ""), ('gateway: [down, down] | me: hello | bot: [] | wait: 1m | bot: "*"', ""),
]  # fmt: skip


@pytest.mark.parametrize(("script", "got"), HELD)
async def test_what_a_story_can_ask_for(tmp_path: Path, script: str, got: str) -> None:
    """Three times each: it never depends on chance."""
    for _ in range(3):
        outcome = await of_flow(tmp_path, script)
        assert (outcome.failure is None) is (got == ""), outcome.failure
        assert outcome.failure is None or got in outcome.failure.got


@pytest.mark.slow
async def test_a_story_of_many_texts(tmp_path: Path) -> None:
    outcome = await of_flow(tmp_path, " | ".join(['me: hours | bot: "9 to 5."'] * 150))
    assert outcome.passed, outcome.failure


async def test_stars_stay_where_they_fit(tmp_path: Path) -> None:
    outcome = await of_flow(tmp_path, 'me: hello | bot: "How*" | me: hours | bot: ["8 to 5.", "How*"]', update=True)
    assert [text for _, text in outcome.changes] == ['["9 to 5.", "How*"]']


async def test_coverage_counts_words_languages_and_reminders(tmp_path: Path) -> None:
    found = Coverage()
    await of_flow(tmp_path, 'me: hello | bot: "*" | me: "3" | bot: "*"', coverage=found)
    missing = {p.name: p.missing for p in found.places.values() if p.missing}
    assert missing == {
        "x.n": ["a reminder", "a wrong answer", "no answer"], "x.gone": ["never reached"], "x by witaj": ["never reached"],
        "x by ping": ["never reached"], "anywhere: hours": ["never reached"], "x in": ["pl"],
    }  # fmt: skip
    script = 'me: witaj | bot: "*" | me: many | bot: "*" | me: hours | bot: ["*", "*"] | wait: 5m | bot: "*" | wait: 1h | bot: "*" | event: ping | bot: "*"'
    await of_flow(tmp_path, script, coverage=found)
    assert found.share == 1.0, found.lines()
