from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings

from smsbot.testing.sim import Sim

from .house import House
from .postgres import Server, pooled, postgres
from .skipping import leave_out, required

__all__ = ["leave_out", "pooled", "postgres", "required"]

settings.register_profile("default", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("long", derandomize=False, deadline=None, max_examples=5000, print_blob=True)
settings.load_profile("long" if os.environ.get("SMSBOT_LONG") else "default")


def sampled(all_of: Iterable[Any], *some: Any) -> list[Any]:
    """Parameters of a test of which README's command runs some, and `.ci/run` all."""
    return [one if one in some else pytest.param(one, marks=pytest.mark.slow) for one in all_of]


def thinned(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows of a table of which README's command runs one in three, and `.ci/run` all."""
    return [pytest.param(*row, marks=[pytest.mark.slow] if n % 3 else []) for n, row in enumerate(rows)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden transcripts anew")
    parser.addoption(
        "--postgres", action="store_true", help="keep the databases of the servers in process on PostgreSQL"
    )
    parser.addoption("--every", type=int, default=1, metavar="N", help="run one test in N, always the same ones")
    parser.addoption("--slow", action="store_true", help="also run what .ci/run adds to README's test command")
    parser.addoption("--long", action="store_true", help="also run what takes longer than minutes")


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: many tests wait for a server to start, or for time to pass."""
    return len(os.sched_getaffinity(0)) + 2


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; run by scripts/test --long")
    config.addinivalue_line("markers", "slow: more of the same as a test that README's command runs; run by .ci/run")
    config.addinivalue_line("markers", "sqlite: about SQLite's file alone; --postgres leaves it out")
    config.addinivalue_line("markers", "needs(name): needs a program beyond README's command; see SMSBOT_REQUIRE")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    every = config.getoption("--every")
    if every > 1:
        chosen = [item for item in items if not crc32(item.nodeid.encode()) % every]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    long = config.getoption("--long")
    slow = long or config.getoption("--slow")
    for item in items:
        if item.get_closest_marker("sqlite") and config.getoption("--postgres"):
            item.add_marker(pytest.mark.skip(reason="about SQLite's file alone"))
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(0))
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


@pytest.fixture(autouse=True)
def on_postgres(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With ``--postgres``, the databases of servers in process are PostgreSQL's."""
    if not request.config.getoption("--postgres"):
        yield
        return
    server: Server = request.getfixturevalue("postgres")
    with server.lent() as lend:
        monkeypatch.setattr(Sim, "_database", staticmethod(cache(lambda folder: lend())))
        yield


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Opens houses: ``h = await house(bot)``; each is closed at the end."""
    async with AsyncExitStack() as stack:

        async def build(bot: Any, **options: Any) -> House:
            return await stack.enter_async_context(House(bot, tmp_path, **options))

        yield build
