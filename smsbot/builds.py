"""Which code serves: what processes of one database tell each other of it, so that the newest takes the turns."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from collections.abc import Collection, Iterator
from pathlib import Path

import smsbot
from smsbot.turns.lines import Lines

_OURS = Path(__file__).parent
_OTHERS = {Path(path) for path in sysconfig.get_paths().values() if path != sys.prefix}
"""Where Python's own modules and installed ones are."""


def build_of(lines: Lines, folder: Path) -> str:
    """A digest of smsbot's version, of all flows, and of the modules that were loaded from a folder or beside a bot.

    It is the same wherever the same files lie. A bot that is installed counts with its package.
    """
    bots = {Path(line.bot.home).absolute() for line in lines.values()}
    digest = hashlib.blake2b(smsbot.__version__.encode(), digest_size=8)
    for line in sorted(lines.values(), key=lambda line: line.number):
        digest.update(f"\0{line.number} {line.versions.current.hash}".encode())
    for name, content in sorted({(name, file.read_bytes()) for name, file in _own(bots, folder)}):
        digest.update(f"\0{name} ".encode() + hashlib.blake2b(content).digest())
    return digest.hexdigest()


def _own(bots: Collection[Path], folder: Path) -> Iterator[tuple[str, Path]]:
    """The modules that are a project's own: where each lies there, and its file."""
    homes = {bot.parent for bot in bots} - _OTHERS
    for name, module in list(sys.modules.items()):
        file = Path(vars(module).get("__file__") or "")
        if name == "__main__" or file.is_relative_to(_OURS):
            continue
        home = next((home for home in homes if file.is_relative_to(home)), None)
        if home is None and file.is_relative_to(folder) and not any(file.is_relative_to(other) for other in _OTHERS):
            home = folder
        if (home is not None or file in bots) and file.is_file():
            yield str(file.relative_to(home or file.parent)), file
