"""What the bots of tests leave running: threads that would keep the tests from ending are told of, once."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable

from smsbot import Bot
from smsbot.threads import place_of


class Leftovers:
    """The threads that were left behind by all simulations of a process."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self._told: set[str] = set()

    def tell(self, left: Iterable[threading.Thread], bots: Iterable[Bot]) -> None:
        """Keep them, and say which providers may have begun them, each once."""
        fresh = [thread for thread in left if thread not in self.threads]
        self.threads += fresh
        providers = [place for bot in bots for place in bot.kept_providers() if place not in self._told]
        if not fresh or (self._told and not providers):
            return
        self._told.update(providers)
        by = f" (providers that do not: {', '.join(providers)})" if providers else ""
        warnings.warn(
            f"a bot has left {', '.join(map(place_of, fresh))} running; a provider that yields what it makes closes it "
            f"behind the yield{by}", RuntimeWarning, stacklevel=3,
        )  # fmt: skip


LEFT = Leftovers()
