"""What a campaign, or many, came to; and how far it is."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .verdict import Verdict

Tell = Callable[[int, int, str], None]
"""Hears how many are done, of how many (0: nobody knows), and what was done last."""


@dataclass
class Report:
    """Kills by where: a place, ``random``, or a system call as ``pwrite64:7``."""

    title: str
    kills: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    """Places that were never reached, so that nothing was proved about them."""
    verdict: Verdict = field(default_factory=Verdict)
    exit: int | None = None
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every place was reached and the contract held."""
        return self.verdict.clean and not self.missed and self.exit == 0

    def add(self, other: Report) -> None:
        """Count another campaign in."""
        self.kills += other.kills
        self.missed += other.missed
        if self.exit == 0:
            self.exit = other.exit
        self.seconds += other.seconds
        self.verdict.add(other.verdict)

    def __str__(self) -> str:
        calls = Counter(kill.partition(":")[0] for kill in self.kills if ":" in kill)
        named = {k: n for k, n in self.kills.items() if ":" not in k and k != "random"}
        parts = [
            f"{sum(named.values())} kills at {len(named)} named places" if named else "",
            f"{calls.total()} at system calls ({', '.join(f'{n} {c}' for c, n in calls.items())})" if calls else "",
            f"{self.kills['random']} at random" if self.kills["random"] else "",
            f"{self.seconds:.0f} s",
        ]
        missed = [f"  never reached: {', '.join(self.missed)}"] if self.missed else []
        head = f"{self.title}: {', '.join(part for part in parts if part)}"
        return "\n".join([head, *missed, str(self.verdict), *([] if self.exit == 0 else [f"  exit code {self.exit}"])])


def silent(done: int, of: int, last: str) -> None:
    """Tells nobody."""


def progress() -> Tell:
    """One line that is written anew, in a terminal."""

    def tell(done: int, of: int, last: str) -> None:
        end = "\r" if done != of else "\r" + " " * 60 + "\r"
        print(f"{done}{f' of {of}' if of else ''}: {last:40}", end=end, file=sys.stderr, flush=True)

    return tell if sys.stderr.isatty() else silent
