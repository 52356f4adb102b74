"""Everything that the API asks of the server, in one record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from smsbot.core.clock import Clock
from smsbot.core.message import Key
from smsbot.desk.histories import Histories
from smsbot.desk.tokens import Tokens
from smsbot.pipeline.codes import Codes
from smsbot.pipeline.endpoints import Endpoints
from smsbot.pipeline.events import Events
from smsbot.pipeline.people import People
from smsbot.pipeline.repairs import Repairs
from smsbot.pipeline.sends import Sends
from smsbot.pipeline.takeovers import Takeovers
from smsbot.pipeline.view import View
from smsbot.stores.base import Store
from smsbot.turns.lines import Lines

from ..budgets import Budgets
from ..calls import Calls


class Inspect(Protocol):
    """Where a conversation stands; None if it never began."""

    async def __call__(self, key: Key) -> View | None:
        """Look."""
        ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms of the house that the API enters. `base` is where it is reached."""

    store: Store
    lines: Lines
    clock: Clock
    zone: tzinfo
    tokens: Tokens
    sends: Sends
    codes: Codes
    events: Events
    people: People
    takeovers: Takeovers
    repairs: Repairs
    endpoints: Endpoints
    calls: Calls
    inspect: Inspect
    base: str
    budgets: Budgets

    @property
    def histories(self) -> Histories:
        """What a verdict is judged on."""
        return Histories(self.store, self.zone)
