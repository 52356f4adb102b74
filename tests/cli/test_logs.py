"""What a server's log says of an exception: where and what, in nobody's words."""

from __future__ import annotations

import subprocess
import sys

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
