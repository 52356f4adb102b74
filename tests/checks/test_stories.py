"""Stories: what each line means, how a failure reads, what `--update` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot import Bot
from smsbot.checks.story import load_stories, save_story, story_of
from smsbot.core.errors import UsageError
from smsbot.core.problem import render
from smsbot.testing import run_story
from smsbot.testing.rewriting import rewrite
from smsbot.testing.stories import Outcome, matches

FLOW = """\
flow: order
start: order
steps:
  - {ask: what, say: "What?", choices: [tea, coffee], remind: {after: 5m, say: "Still there?"}, timeout: 10m}
  - {do: "price(what)", save: price}
  - {ask: ok, say: "{what} is {price}. OK?", type: yes_no, timeout: 1h}
  - {say: "Done.", end: ordered}
"""


def bot(folder: Path) -> Bot:
    (folder / "order.yaml").write_text(FLOW)
    made = Bot(flows=str(folder / "order.yaml"))

    @made.action
    def price(what: str) -> int:
        raise AssertionError("a story with a double calls no action")

    @made.event("ping")
    def ping(event: dict[str, str]) -> str:
        return f"pinged {event.get('by')}"

    return made


async def tell(folder: Path, script: str, more: str = "", update: bool = False) -> tuple[Path, Outcome]:
    path = folder / "x.story.yaml"
    lines = "".join(f"  - {line}\n" for line in script.strip().splitlines())
    path.write_text(f"story: x\nactions: {{price: 3}}\n{more}script:\n{lines}")
    (story,), source = load_stories(path)
    assert not source.problems, [render(p) for p in source.problems]
    return path, await run_story(story, {"bot": bot(folder)}, update=update)


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("me: order\nbot: What?\nme: tea\nbot: tea is 3. OK?\nme: 'yes'\nbot: Done.\nended: ordered", ""),
        ("me: order\nbot: W*?\nrestart:\nme: tea\nbot: '*3*'", ""),
        ("me: order\nbot: What?\nwait: 5m\nbot: Still there?\nwait: 5m\nended: abandoned", ""),
        ("me: order\nbot: What?\nat: order.what\nat: what\nme: tea\nbot: '*'\nvars: {what: tea, price: 3}", ""),
        ("me: order\nbot: What?\nann: order\nbot: What?\nme: tea\nbot: tea*\nann: coffee\nbot: coffee*", ""),
        ("event: ping\nbot: pinged None", ""),
        ("{event: ping, data: {by: Ann}}\nbot: pinged Ann", ""),
        ("me: order\nbot: What?\nphone: 'off'\nme: tea\nbot: tea*", ""),
        ("me: nothing\nbot: []", ""),
        ("gateway: [down, '500']\nme: order\nbot: []\nwait: 1m\nbot: What?", ""),
        ("me: order\nbot: What?", "expect: {segments: {max: 1}, texts: 1}\n"),
        ("me: order\nbot: What?\nme: tea\nbot: '*'", "contact: {language: pl}\n"),
    ],
)
async def test_lines_of_a_script(tmp_path: Path, script: str, more: str) -> None:
    _, outcome = await tell(tmp_path, script, more)
    assert outcome.passed, outcome.failure


@pytest.mark.parametrize(
    ("script", "more", "line", "expected", "got"),
    [
        ("me: order\nbot: Which?", "", 5, "Which?", "What?"),
        ("me: order", "", 4, "nothing more from the bot", "What?"),
        ("me: order\nbot: What?\nbot: And?", "", 6, "And?", "silence"),
        ("me: order\nbot: [What?, And?]", "", 5, "And?", "nothing more"),
        ("me: order\nbot: []", "", 5, "silence", "What?"),
        ("me: order\nbot: What?\nended: ordered", "", 6, "ended: ordered", "open at order.what"),
        ("me: order\nbot: What?\nat: ok", "", 6, "at: ok", "order.what"),
        ("me: order\nbot: What?\nme: tea\nbot: '*'\nvars: {what: coffee}", "", 8, "what: coffee", "what: tea"),
        ("me: order\nbot: What?", "expect: {segments: 0}\n", 1, "at most 0 SMS parts", "1 parts"),
        ("me: order\nbot: What?", "expect: {texts: {max: 0}}\n", 1, "at most 0 texts", "1 texts"),
        ("me: order\nbot: What?", "expect: {ended: ordered}\n", 1, "ended: ordered", "ended: open"),
    ],
)
async def test_a_failure_says_what_and_where(
    tmp_path: Path, script: str, more: str, line: int, expected: str, got: str
) -> None:
    path, outcome = await tell(tmp_path, script, more)
    failure = outcome.failure
    assert failure is not None
    extra = 1 if more and line > 1 else 0
    assert (failure.line, failure.expected, failure.got) == (line + extra, expected, got)
    assert str(failure).startswith(f"{path}:{failure.line}")


async def test_a_failure_names_the_step_and_its_line(tmp_path: Path) -> None:
    _, outcome = await tell(tmp_path, "me: order\nbot: What?\nme: tea\nbot: nothing like it")
    assert outcome.failure is not None
    assert outcome.failure.after == '"tea"'
    assert outcome.failure.step == f"order.ok, {tmp_path / 'order.yaml'}:6"


async def test_a_failed_turn_says_why(tmp_path: Path) -> None:
    path = tmp_path / "x.story.yaml"
    path.write_text("story: x\nscript:\n  - me: order\n  - bot: What?\n  - me: tea\n  - bot: tea is 3\n")
    (story,), _ = load_stories(path)
    outcome = await run_story(story, {"bot": bot(tmp_path)})
    assert outcome.failure is not None
    assert "AssertionError: a story with a double calls no action" in outcome.failure.got


async def test_update_writes_what_was_said(tmp_path: Path) -> None:
    script = "me: order\nbot: Which?  # a comment\nme: tea\nbot:\n  - '*'\n  - gone\nme: 'yes'"
    path = tmp_path / "x.story.yaml"
    lines = script.replace("bot:\n  - '*'\n  - gone", "bot:\n      - tea\n      - gone").splitlines()
    body = "".join(("  - " if not x.startswith(" ") else "") + x + "\n" for x in lines)
    path.write_text(f"story: x\nactions: {{price: 3}}\nscript:\n{body}# the end\n")
    (story,), source = load_stories(path)
    assert not source.problems
    outcome = await run_story(story, {"bot": bot(tmp_path)}, update=True)
    rewrite(path, [outcome])
    text = path.read_text()
    assert '- bot: "What?"  # a comment' in text
    assert "# the end" in text
    (story,), source = load_stories(path)
    assert not source.problems, text
    again = await run_story(story, {"bot": bot(tmp_path)})
    assert again.passed, (again.failure, text)


async def test_update_keeps_patterns_that_fit(tmp_path: Path) -> None:
    path, outcome = await tell(tmp_path, "me: order\nbot: W*", update=True)
    assert outcome.passed
    assert outcome.changes == []
    assert path.is_file()


@pytest.mark.parametrize(
    "text",
    [
        "story: x\nactions: {price: 3}\nscript:\n  - bot:\n    - nothing\n    - >\n      folded\n  - me: order\n  - bot: >\n      old\n      text\n  - me: tea\n  - bot: ghost\n  - bot: more\n",
        "story: x\r\nactions: {price: 3}\r\nscript:\r\n  - me: order  # first\r\n  - bot: What else?\r\n",
        "story: x\nactions: {price: 3}\nscript:\n  -   me: order\n  -   me: tea\n",
        "story: x\nactions: {price: 3}\nscript:\n- me: order\n- bot: []\n- me: tea\n",
        "- story: x\n  actions: {price: 3}\n  script:\n    - me: order\n    - bot: {a: b}\n".replace(
            "{a: b}", "[x, y]"
        ),
    ],
)
async def test_update_leaves_a_file_that_passes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.story.yaml"
    path.write_bytes(text.encode())
    stories, source = load_stories(path)
    assert not source.problems, source.problems
    rewrite(path, [await run_story(s, {"bot": bot(tmp_path)}, update=True) for s in stories])
    after = path.read_bytes().decode()
    assert ("\r\n" in after) == ("\r\n" in text)
    stories, source = load_stories(path)
    assert not source.problems, after
    for story in stories:
        outcome = await run_story(story, {"bot": bot(tmp_path)})
        assert outcome.passed, (outcome.failure, after)


async def test_update_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "x.story.yaml"
    text = "story: x\nactions: {price: 3}\nscript: [{me: order}, {me: tea}]\n"
    path.write_text(text)
    stories, _ = load_stories(path)
    outcome = await run_story(stories[0], {"bot": bot(tmp_path)}, update=True)
    with pytest.raises(UsageError, match="on a line of its own"):
        rewrite(path, [outcome])
    assert path.read_text() == text


async def test_a_story_has_its_own_clock(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(
        "flow: d\nstart: d\nsteps: [{ask: day, say: 'Day?', type: date, check: day > today, timeout: 1h}, {say: '{day}'}]\n"
    )
    path = tmp_path / "x.story.yaml"
    path.write_text(
        'story: x\nclock: 2031-05-04 09:00\nscript: [{me: d}, {bot: "Day?"}, {me: 5.5.2031}, {bot: 2031-05-05}]\n'
    )
    (story,), source = load_stories(path)
    assert not source.problems
    outcome = await run_story(story, {"bot": Bot(flows=str(tmp_path / "d.yaml"))})
    assert outcome.passed, outcome.failure


def test_shorter_silences_are_made_up_for() -> None:
    thread = [
        {"direction": "in", "text": "order", "at": 1000.0},
        {"direction": "out", "text": "What?", "at": 1000.1},
        {"direction": "in", "text": "help", "at": 1045.0},
        {"direction": "out", "text": "Help.", "at": 1045.1},
        {"direction": "out", "text": "Still there?", "at": 1300.1},
    ]
    assert "  - wait: 4m 59s\n" in story_of("x", thread)  # 300 s less the second that each text takes


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("story: x\nscript:\n  - mee: hi\n  - bott:\n      - x", "SB604", 4, 5),
        ("story: x\nscrip:\n  - me: hi", "SB604", 2, 1),
        ("script: [{me: hi}]", "SB605", 1, 1),
        ("story: x\nscript: hi", "SB660", 2, 9),
        ("story: x\nscript:\n  - wait: soon", "SB607", 3, 11),
        ("story: x\nscript:\n  - {me: hi, bot: hi}", "SB660", 3, 5),
        ("story: x\nscript:\n  - phone: of", "SB607", 3, 12),
        ("story: x\nscript:\n  - hello", "SB660", 3, 5),
        ("story: x\nscript:\n  - gateway: [ok, dwn]", "SB607", 3, 19),
        ("story: x\nscript:\n  - me: hi\nexpect: {segmets: 3}", "SB604", 4, 10),
        ("- story: x\n  script: [{me: hi}]\n- 5", "SB660", 3, 3),
    ],
)
def test_a_wrong_story_is_told_where(tmp_path: Path, text: str, code: str, line: int, column: int) -> None:
    path = tmp_path / "x.story.yaml"
    path.write_text(text)
    problems = load_stories(path)[1].problems
    assert (code, line, column) in [(p.code, p.place.line, p.place.column) for p in problems], problems


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("Size? *", "Size? 1) Small", True), ("Size?", "Size!", False), ("*[1]*", "a [1] b", True), ("*[1]*", "a 1 b", False),
        ("a*c", "a\nb c", True), ("", "", True), ("A", "a", False), ("100%", "100%", True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


async def test_a_thread_becomes_a_story_that_passes(tmp_path: Path) -> None:
    thread = [
        {"direction": "in", "text": "order", "at": 0.0},
        {"direction": "out", "text": "What?", "at": 0.1},
        {"direction": "out", "text": "Still there?", "at": 300.1},
        {"direction": "in", "text": "tea", "at": 310.0},
        {"direction": "out", "text": "tea is 3. OK?", "at": 310.1},
        {"direction": "in", "text": 'quote " and \\ and\nnew line', "at": 400.0},
        {"direction": "out", "text": "tea is 3. OK? Reply YES or NO.", "at": 400.1},
        {"direction": "in", "text": "yes", "at": 420.0},
        {"direction": "out", "text": "Done.", "at": 420.1},
    ]
    text = story_of("my story", thread, ended="ordered").replace("script:", "actions: {price: 3}\nscript:")
    first = save_story(tmp_path, "My Story!", text)
    second = save_story(tmp_path, "My Story!", text)
    assert (first.name, second.name) == ("my-story.story.yaml", "my-story-2.story.yaml")
    (story,), source = load_stories(first)
    assert not source.problems
    outcome = await run_story(story, {"bot": bot(tmp_path)})
    assert outcome.passed, outcome.failure
