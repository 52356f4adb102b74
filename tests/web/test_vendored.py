"""What is kept of others' work is what its table says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "smsbot/web/static/vendor"


def test_the_checksums_hold() -> None:
    told = dict(re.findall(r"\| `([^`]+)` \|[^|]+\| `([0-9a-f]{64})` \|", (VENDOR / "README.md").read_text()))
    kept = {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in VENDOR.iterdir()
        if p.suffix in (".svg", ".woff2", ".js", ".css")
    }
    assert told == kept


def test_every_icon_that_is_shown_is_kept() -> None:
    pages = VENDOR.parents[1]
    shown = {
        name for p in (pages / "templates").glob("*.html") for name in re.findall(r'icon\("([\w-]+)"\)', p.read_text())
    }
    shown |= set(re.findall(r'\("(?:good|bad|wait|warn|mute)", "([\w-]+)"\)', (pages / "find.py").read_text()))
    kept = set(re.findall(r'<symbol id="([\w-]+)"', (VENDOR / "icons.svg").read_text()))
    assert shown <= kept
