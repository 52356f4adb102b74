"""What README and docs say is run: the Python runs, the TOML is read, the commands exist."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smsbot import configuration, settings, targets
from smsbot.checks.lint import lint
from smsbot.checks.proof import examine
from smsbot.checks.story import ACTS, KEYS, load_stories
from smsbot.cli.main import _COMMANDS
from smsbot.core.errors import SettingsError
from smsbot.core.problem import render
from smsbot.failpoints import POINTS
from smsbot.flows import schema
from smsbot.flows.functions import FUNCTIONS
from smsbot.gateways.providers import provider
from smsbot.settings import AccountSettings, LineSettings
from smsbot.testing import run_story

from .house import ANN, LINE, House
from .processes import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


@pytest.fixture(params=["one account", "two accounts"])
def accounts(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings with which the examples run: what leaves does so by the only account, or by the second of two."""
    if request.param == "one account":
        return {}
    both = {"first": AccountSettings(gateway="messageflow"), "second": AccountSettings(gateway="messageflow")}
    return {"accounts": both, "line_settings": {LINE: LineSettings(account="second")}}


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"(?ms)^( *)```{language}\n(.*?)^ *```", text)
    return [re.sub(rf"(?m)^{indent}", "", block) for indent, block in found]


FLOW_PAGES = [p for p in PAGES if blocks(p, "yaml")]


@pytest.mark.parametrize("page", FLOW_PAGES, ids=lambda p: p.name)
async def test_flows_and_stories_in_the_docs_run(page: Path, accounts: dict[str, Any], tmp_path: Path) -> None:
    """Each flow of a page is right and each story passes, on the flows of the page, or else those of docs/flows.md."""
    found = blocks(page, "yaml")
    flows = [b for b in found if b.startswith("flow:")]
    source = page if flows else ROOT / "docs" / "flows.md"
    (tmp_path / "flows").mkdir()
    for n, text in enumerate(flows or [b for b in blocks(source, "yaml") if b.startswith("flow:")]):
        (tmp_path / "flows" / f"{n}.yaml").write_text(text)
    named = [b for b in found if b.startswith("texts:")]
    for n, text in enumerate(named):
        (tmp_path / "flows" / f"texts-{n}.yaml").write_text(text)
    code = [b for b in blocks(source, "python") if "@bot.action" in b]
    (tmp_path / "docs_bot.py").write_text(code[0] if code else 'from smsbot import Bot\nbot = Bot(flows="flows")\n')
    bot = targets.load("docs_bot.py", tmp_path)
    _, problems = examine(bot, (), ("US",), tmp_path)
    assert [render(p) for p in problems] == []
    for n, text in enumerate(b for b in found if b.startswith("story:")):
        path = tmp_path / f"{n}.story.yaml"
        path.write_text(text)
        stories, read = load_stories(path)
        assert not read.problems
        outcome = await run_story(stories[0], {"pizza": bot}, **accounts)
        assert outcome.passed, outcome.failure
    assert flows or named or any(b.startswith("story:") for b in found)


async def test_the_flow_of_the_readme_answers(accounts: dict[str, Any], tmp_path: Path) -> None:
    (flow,) = blocks(ROOT / "README.md", "yaml")
    (tmp_path / "pizza.yaml").write_text(flow)
    async with House(targets.load(str(tmp_path / "pizza.yaml"), tmp_path), tmp_path, **accounts) as h:
        for text in ("pizza 3", "Main St 1"):
            await h.text(ANN, text)
        assert await h.heard(ANN) == ["Delivery address?", "3 pizza to Main St 1. On its way!"]


def test_the_example_is_the_one_in_the_docs() -> None:
    assert (ROOT / "flows" / "pizza.yaml").read_text() == blocks(ROOT / "docs" / "flows.md", "yaml")[0]


def test_every_key_of_a_flow_is_documented() -> None:
    text = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
    for keys in (schema.FLOW, schema.STEP, schema.START, schema.QUESTION, schema.ASK_ONLY):
        for name in keys:
            assert f"`{name}`" in text or f"`{name}:" in text, name
    for name in FUNCTIONS:
        assert re.search(rf"\b{name}\b", text), name
    story = (ROOT / "docs" / "stories.md").read_text(encoding="utf-8")
    for name in (*ACTS, *KEYS):
        assert re.search(rf"\b{name}\b", story), name


async def test_the_python_story_of_the_docs_passes(accounts: dict[str, Any], tmp_path: Path) -> None:
    code = next(b for b in blocks(ROOT / "docs" / "stories.md", "python"))
    names: dict[str, Any] = {}
    exec(compile(code, "stories.md", "exec"), names)
    async with House(targets.load("flows", ROOT), tmp_path, **accounts) as h:
        await names["test_an_order"](h)


async def test_the_bot_of_the_readme_answers(accounts: dict[str, Any], tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    (tmp_path / "readme_bot.py").write_text(code)
    async with House(targets.load("readme_bot.py", tmp_path), tmp_path, **accounts) as h:
        for text in ("pizza 3", "m", "Main St 1", "no", "L", "2", "Main St 2", "yes pls 👍"):
            await h.restart()
            await h.text(ANN, text)
        assert await h.heard(ANN) == [
            "Size? S, M or L",
            "Delivery address?",
            "3 x M to Main St 1. OK? YES or NO",
            "Size? S, M or L",
            "How many (1-9)?",
            "Delivery address?",
            "2 x L to Main St 2. OK? YES or NO",
            "On its way!",
        ]


async def test_the_bots_of_the_conversations_page_answer(accounts: dict[str, Any], tmp_path: Path) -> None:
    orders, codes, visits, reminders = blocks(ROOT / "docs" / "conversations.md", "python")
    (tmp_path / "codes_page.py").write_text(codes)
    async with House(targets.load("codes_page.py", tmp_path), **accounts) as h:
        ann = h.phone(ANN)
        await ann.text("login")
        await ann.text(f"it is {ann.code}")
        assert ann.last == "Welcome!"
    (tmp_path / "visits_page.py").write_text(visits)
    bot = targets.load("visits_page.py", tmp_path)
    assert lint(bot, tmp_path) == []
    (tmp_path / "visits").mkdir()
    async with House(bot, tmp_path / "visits", **accounts) as h:
        for text in ("visit", "Monday", "8000", "Main"):
            await h.text(ANN, text)
        assert (await h.heard(ANN))[-1] == "Monday: Main 8000"
    (tmp_path / "orders_page.py").write_text(orders)
    (tmp_path / "reminders_page.py").write_text(reminders)
    bot = targets.load("orders_page.py", tmp_path)
    assert lint(bot, tmp_path) == []
    async with House(bot, tmp_path, **accounts) as h:
        for text in ("pizza 2", "large", "Main St", "12", "yes", "visit", "tomorrow", "2", "yes"):
            await h.restart()
            await h.text(ANN, text)
        heard = await h.heard(ANN)
        assert heard[:5] == ["Size? S, M or L", "Where to?", "Street?", "House number?", "2 x L, $28. OK? YES or NO"]
        assert heard[5:8] == ["On its way!", "Which day?", "Which time?\n1) 10:00\n2) 12:30"]
        assert heard[-2:] == ["Tomorrow 12:30. Still fine? YES or NO", "Thank you."]
    bot = targets.load("reminders_page.py", tmp_path)
    async with House(bot, **accounts) as h:
        await h.begin_at(datetime(2026, 6, 1, 6, 0, tzinfo=UTC).timestamp())
        await h.restart()
        await h.advance("2h")
        await h.text(ANN, "yes")
        assert await h.heard(ANN) == ["Ola at 10:00. YES or NO?", "Ola: yes."]


async def test_the_bot_of_the_handlers_page_answers(accounts: dict[str, Any], tmp_path: Path) -> None:
    code, holes, _ = blocks(ROOT / "docs" / "handlers.md", "python")
    (tmp_path / "handlers_page.py").write_text(code)
    (tmp_path / "holes_page.py").write_text(holes)
    async with House(targets.load("handlers_page.py", tmp_path), tmp_path, **accounts) as h:
        for text in ("weather in Sopot", "call me Ann", "maybe", "help", "yes", "what"):
            await h.text(ANN, text)
        await h.app.commands.emit("storm", ANN, {"when": "tonight"})
        await h.advance("1s")
        assert await h.heard(ANN) == [
            "One moment…",
            "sunny in Gdynia",
            "Hello Ann. May we write to you? YES or NO",
            "YES or NO, please.",
            "Text WEATHER, or CALL ME and your name.",
            "Hello Ann. May we write to you? YES or NO",
            "Text HELP to see what I know.",
            "Ann, a storm is coming: tonight",
        ]
    (tmp_path / "holes").mkdir()
    async with House(targets.load("holes_page.py", tmp_path), tmp_path / "holes", **accounts) as h:
        for text in ("trakc AB-12", "ga12345", "sesame"):
            await h.text(ANN, text)
        assert await h.heard(ANN) == ["AB-12 is on its way.", "GA12345 may park until 18:00."]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_settings_in_the_docs_are_understood(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "PUBLIC_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    written = {block: tomllib.loads(block) for block in blocks(page, "toml")}
    for block in [b for b, found in written.items() if "currency" in found]:
        (tmp_path / "prices.toml").write_text(block)
    for block in [b for b, found in written.items() if "currency" not in found]:
        (tmp_path / "smsbot.toml").write_text(block)
        configuration.read(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_in_the_docs_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for command in re.findall(r"(?:^|`|bin/)smsbot ([a-z-]+)", text):
        assert command in _COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for model in (settings.BotSettings, settings.LineSettings, settings.AccountSettings, settings.Settings):
        for name in model.model_fields:
            if name in ("bots", "lines", "accounts", "options", "secrets", "secret_files", "api"):
                continue
            assert re.search(rf"[`.]{name}[`.]", text), name
    gateways = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
    for kind in map(provider, ("messageflow", "twilio", "http")):
        for name in (*kind.options, *(s.upper() for s in (*kind.secrets, *kind.more_secrets))):
            assert re.search(rf"\b{name}\b", gateways), name


def test_every_place_where_a_process_is_ended_is_documented() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for name, meaning in POINTS.items():
        assert f"| `{name}` | {re.sub(r'^(K[0-9]+,? ?)+', '', meaning)} |" in text, name


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = [b.strip() for b in blocks(ROOT / "README.md", "sh")]
    assert commands[0] == "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/smsbot dev"
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_a_wrong_key_is_found(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text('[bots.x]\ntarget = "a:b"\nlinse = ["7255"]\n')
    with pytest.raises(SettingsError, match='did you mean "lines"'):
        configuration.read(tmp_path)
