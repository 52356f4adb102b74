"""Which code serves: what processes of one database tell each other of it, so that the newest takes the turns."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import smsbot
from smsbot.turns.lines import Lines

_OURS = Path(__file__).parent
_INSTALLED = ("site-packages", "dist-packages")


def build_of(lines: Lines, folder: Path) -> str:
    """A digest of smsbot's version, of all flows, and of the modules that were loaded from a folder or beside a bot."""
    roots = {folder, *(Path(line.bot.home).parent.absolute() for line in lines.values())}
    digest = hashlib.blake2b(smsbot.__version__.encode(), digest_size=8)
    for line in sorted(lines.values(), key=lambda line: line.number):
        digest.update(f"\0{line.number} {line.versions.current.hash}".encode())
    for name, file in sorted(_own(roots)):
        digest.update(f"\0{name} ".encode() + hashlib.blake2b(file.read_bytes()).digest())
    return digest.hexdigest()


def _own(roots: Iterable[Path]) -> Iterable[tuple[str, Path]]:
    """The names and files of the modules that are a project's own."""
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "")
        if not file.is_file() or file.is_relative_to(_OURS) or any(part in file.parts for part in _INSTALLED):
            continue
        if any(file.is_relative_to(root) for root in roots):
            yield name, file
