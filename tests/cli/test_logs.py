"""What a server's log says of an exception: where and what, in nobody's words."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime

import orjson
import pytest

CODE = """
import structlog
from smsbot.cli import logs
from smsbot.core.errors import UsageError
logs.configure(json=True)
try:
    try:
        raise KeyError("secretword")
    except KeyError as error:
        raise ValueError("cannot send secretword to +48600100200") from error
except ValueError as error:
    structlog.get_logger("x").error("a gateway raised", exc_info=error)
structlog.get_logger("x").error("ours", exc_info=UsageError("name the line"))
"""


def test_an_exception_is_logged_without_its_words() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert "ValueError" in done.stderr
    assert "KeyError" in done.stderr
    assert "line 10" in done.stderr, "where it was raised is said"
    assert "name the line" in done.stderr, "our own errors quote nobody"
    for canary in ("secretword", "600100200"):
        assert canary not in done.stderr


UNAWAITED = """
import asyncio, gc
from smsbot.cli import logs
logs.configure(json=%s)
async def fails():
    raise ValueError("no customer +48600100200")
async def main():
    asyncio.get_running_loop().call_soon(lambda: 1 / len(""))
    task = asyncio.create_task(fails())
    await asyncio.sleep(0.01)
    del task
    gc.collect()
asyncio.run(main())
"""


@pytest.mark.parametrize("json", [True, False])
def test_what_nobody_awaited_is_logged_without_its_words(json: bool) -> None:
    """asyncio writes them into the message itself."""
    done = subprocess.run([sys.executable, "-c", UNAWAITED % json], capture_output=True, text=True, check=True)
    assert "Task exception was never retrieved" in done.stderr
    assert "ValueError" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "600100200" not in done.stderr


TRAFFIC = """
import sys
from smsbot import log
from smsbot.cli import logs
logs.configure(json=%s, traffic=%s)
for n in range(3):
    log.Log("x").traffic("text in", number="+48•••200", n=n)
"""


@pytest.mark.parametrize("json", [True, False])
def test_traffic_is_told_where_it_is_wanted(json: bool) -> None:
    done = subprocess.run([sys.executable, "-c", TRAFFIC % (json, True)], capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    if json:
        told = [orjson.loads(line) for line in lines]
        assert [line["n"] for line in told] == [0, 1, 2]
        assert {(line["event"], line["level"], line["number"]) for line in told} == {("text in", "info", "+48•••200")}
        assert all(abs(datetime.fromisoformat(line["timestamp"]).timestamp() - time.time()) < 600 for line in told)
    else:
        assert all("text in" in line and "+48•••200" in line for line in lines)


def test_traffic_is_not_told_elsewhere() -> None:
    done = subprocess.run([sys.executable, "-c", TRAFFIC % (True, False)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
