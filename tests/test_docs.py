"""What README and docs say is run: the Python runs, the TOML is read, the commands exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from smsbot import settings, targets
from smsbot.cli.main import _COMMANDS
from smsbot.core.errors import SettingsError

from .house import ANN, House
from .processes import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [re.sub(r"(?m)^   ", "", b) for b in re.findall(rf"(?ms)^ *```{language}\n(.*?)^ *```", text)]


async def test_the_bot_of_the_readme_answers(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    async with House(names["bot"], tmp_path) as h:  # type: ignore[arg-type]
        for text in ("pizza 3", "Main St 1"):
            await h.text(ANN, text)
        assert await h.heard(ANN) == ["Delivery address?", "3 pizza to Main St 1. On its way!"]


async def test_the_bot_of_the_handlers_page_answers(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "docs" / "handlers.md", "python")
    (tmp_path / "handlers_page.py").write_text(code)
    async with House(targets.load("handlers_page.py", tmp_path), tmp_path) as h:
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


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_settings_in_the_docs_are_understood(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "PUBLIC_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for block in blocks(page, "toml"):
        tomllib.loads(block)
        (tmp_path / "smsbot.toml").write_text(block)
        settings.read(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_in_the_docs_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for command in re.findall(r"(?:^|`|bin/)smsbot ([a-z]+)", text):
        assert command in _COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for model in (settings.BotSettings, settings.LineSettings, settings.AccountSettings, settings.Settings):
        for name in model.model_fields:
            if name in ("bots", "lines", "accounts") or name.endswith("_file"):
                continue
            assert re.search(rf"[`.]{name}[`.]", text), name


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = [b.strip() for b in blocks(ROOT / "README.md", "sh")]
    assert commands[0] == "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/smsbot dev"
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_a_wrong_key_is_found(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text('[bots.x]\ntarget = "a:b"\nlinse = ["7255"]\n')
    with pytest.raises(SettingsError, match='did you mean "lines"'):
        settings.read(tmp_path)
