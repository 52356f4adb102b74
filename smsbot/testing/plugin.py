"""The pytest plugin: collects stories, and gives tests the fixture `sim`. It is found by its entry point.

``sim`` serves the bot that the fixture `smsbot_bot` returns; by default, the bots of the settings beside
pytest's own. Stories are collected where `--smsbot-stories` (or ``smsbot_stories = true``) asks for them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:  # the fixture needs it, stories do not
    _async_fixture = None  # type: ignore[assignment]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which files are stories."""
    parser.addini("smsbot_stories", "collect stories as tests", type="bool", default=False)
    group = parser.getgroup("smsbot")
    group.addoption(
        "--smsbot-stories", action="store_true", help="collect stories (*.story.yaml, stories/*.yaml) as tests"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file of stories."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    if not (parent.config.getoption("--smsbot-stories") or parent.config.getini("smsbot_stories")):
        return None
    from smsbot.flows.flow_set import is_story

    return StoryFile.from_parent(parent, path=file_path) if is_story(file_path) else None


class StoryFile(pytest.File):
    """A file of stories."""

    def collect(self) -> Iterable[pytest.Item]:
        """Its stories."""
        from smsbot.checks.story import load_stories
        from smsbot.core.problem import render_all

        stories, source = load_stories(self.path)
        if source.problems:
            raise self.CollectError(render_all(source.problems))
        for story in stories:
            yield StoryItem.from_parent(self, name=story.name, story=story)


class StoryItem(pytest.Item):
    """One story."""

    def __init__(self, *, story: Any, **more: Any) -> None:
        super().__init__(**more)
        self.story = story

    def runtest(self) -> None:
        """Run it."""
        from .stories import run_story

        bots, settings = configured_bots(self.config.rootpath)
        lines = {name: b.lines for name, b in settings.bots.items()}
        chosen = {self.story.bot: bots[self.story.bot]} if self.story.bot in bots else bots
        work = run_story(
            self.story, chosen, lines=lines, line_settings=settings.lines, accounts=settings.accounts
        )  # fmt: skip
        outcome = asyncio.run(work)
        if outcome.failure is not None:
            raise StoryFailed(str(outcome.failure))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The failure as what was expected and what was got, without a traceback."""
        if isinstance(excinfo.value, StoryFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands."""
        return self.path, self.story.node.line, f"story: {self.name}"


class StoryFailed(Exception):
    """A story went differently."""


def configured_bots(folder: Path) -> tuple[Mapping[str, Any], Any]:
    """The bots of a folder's settings, by name, and the settings."""
    from smsbot import targets
    from smsbot.configuration import read

    settings = read(folder)
    return {name: targets.load(b.target, folder) for name, b in settings.bots.items()}, settings


@pytest.fixture
def smsbot_bot(request: pytest.FixtureRequest) -> Any:
    """The bot, or bots by name, that `sim` serves: override it in a conftest or a test module."""
    return configured_bots(request.config.rootpath)[0]


@pytest.fixture
def smsbot_lines(request: pytest.FixtureRequest) -> Any:
    """The lines of each bot and their settings: those of the settings beside pytest's own."""
    settings = configured_bots(request.config.rootpath)[1]
    return {name: own.lines for name, own in settings.bots.items()}, settings.lines


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let pytest end where a bot of its tests has left threads running."""
    sim = sys.modules.get("smsbot.testing.sim")
    if sim is not None and sim.LEFT.threads:
        from smsbot.threads import end_without_them

        end_without_them(lambda: int(session.exitstatus))


if _async_fixture is not None:

    @_async_fixture
    async def sim(smsbot_bot: Any, smsbot_lines: Any, tmp_path: Path) -> AsyncIterator[Any]:
        """A server with the bot, phones, and a clock that stands still."""
        from .sim import Sim
        from .stories import lines_for

        bots = smsbot_bot if isinstance(smsbot_bot, Mapping) else {"bot": smsbot_bot}
        lines, line_settings = smsbot_lines
        async with Sim(bots, tmp_path, lines=lines_for(bots, lines), line_settings=line_settings) as made:
            yield made
