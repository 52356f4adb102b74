"""What a story takes for right, and what never."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot import Bot, Chat
from smsbot.checks.story import read_stories
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
