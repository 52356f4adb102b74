"""A pending timeout survives `kill -9`, and a clock that jumps. Kills under load: `test_campaign.py`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..processes import running


@pytest.mark.slow
def test_a_pending_timeout_survives_a_kill_and_a_clock_jump(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running("dev", "--db", str(tmp_path / "x.db"), log=log) as process:
        ann = f"{process.url}/sandbox/phones/+48600100200/texts"
        httpx.post(ann, json={"text": "pizza"})
        _wait(lambda: len(httpx.get(ann).json()) == 2)
        process.kill()
        process.start()
        process.ready()
        began = time.monotonic()
        assert httpx.post(f"{process.url}/sandbox/clock", json={"advance": "10m"}, timeout=60).status_code == 200
        texts = [e["text"] for e in httpx.get(ann).json()]
        assert texts[-1] == "Text PIZZA to start again."
        assert time.monotonic() - began < 30
        process.kill()
        process.start()
        process.ready()
        httpx.post(ann, json={"text": "pizza"})
        _wait(lambda: len(httpx.get(ann).json()) == 5)
        assert process.stop() == 0


def _wait(condition: Any, patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
