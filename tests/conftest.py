from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from .house import House

settings.register_profile("default", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("long", derandomize=False, deadline=None, max_examples=5000, print_blob=True)
settings.load_profile("long" if os.environ.get("SMSBOT_LONG") else "default")


def sampled(all_of: Iterable[Any], *some: Any) -> list[Any]:
    """Parameters of a test of which README's command runs some, and `.ci/run` all."""
    return [one if one in some else pytest.param(one, marks=pytest.mark.slow) for one in all_of]


def thinned(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows of a table of which README's command runs one in three, and `.ci/run` all."""
    return [pytest.param(*row, marks=[pytest.mark.slow] if n % 3 else []) for n, row in enumerate(rows)]


LEFT_OUT: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden transcripts anew")
    parser.addoption("--slow", action="store_true", help="also run what .ci/run adds to README's test command")
    parser.addoption("--long", action="store_true", help="also run what takes longer than minutes")


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: many tests wait for a server to start, or for time to pass."""
    return len(os.sched_getaffinity(0)) + 2


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; run by scripts/test --long")
    config.addinivalue_line("markers", "slow: more of the same as a test that README's command runs; run by .ci/run")
    config.addinivalue_line("markers", "needs(name): needs a program beyond README's command; see SMSBOT_REQUIRE")


def required(name: str) -> bool:
    """Whether a missing program fails the run instead of leaving its tests out."""
    return name in os.environ.get("SMSBOT_REQUIRE", "").split(",")


def leave_out(name: str, what: str) -> None:
    """Leave a test out, by name and with the way to run it; where it is required, fail."""
    if required(name):
        pytest.fail(f"{what} is required by SMSBOT_REQUIRE but is missing")
    LEFT_OUT.append(f"{what} is missing")
    pytest.skip(f"{what} is missing (set SMSBOT_REQUIRE={name} to fail instead)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = config.getoption("--long")
    slow = long or config.getoption("--slow")
    for item in items:
        if item.get_closest_marker("long") and not long:
            item.add_marker(pytest.mark.skip(reason="long: run scripts/test --long"))
        elif item.get_closest_marker("slow") and not slow:
            item.add_marker(pytest.mark.skip(reason="slow: run .ci/run, or pytest --slow"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("left out of this run")
        reasons: dict[str, int] = {}
        for report in skipped:
            reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
            reasons[reason] = reasons.get(reason, 0) + 1
        for reason, count in sorted(reasons.items()):
            terminalreporter.write_line(f"{count} test(s): {reason.removeprefix('Skipped: ')}")
        terminalreporter.write_line(
            "Everything, with what it needs installed: .ci/run; the long ones: scripts/test --long"
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Opens houses: ``h = await house(bot)``; each is closed at the end."""
    async with AsyncExitStack() as stack:

        async def build(bot: Any, **options: Any) -> House:
            return await stack.enter_async_context(House(bot, tmp_path, **options))

        yield build
