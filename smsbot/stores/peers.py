"""The processes that serve one database beside each other, as the pipeline sees them; and a process that is alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from smsbot.core.message import Event, Key


class Peers(Protocol):
    """The part of a store for what is shared out between processes."""

    @property
    def alone(self) -> bool:
        """Whether no other process serves the same database."""
        ...

    @property
    def leads(self) -> bool:
        """Whether this process does what one alone does: timers, texts that are due, what runs by the clock."""
        ...

    async def lead(self) -> None:
        """Return once it does, which it does then until its end."""
        ...

    async def heard(self) -> str:
        """Wait until every process has heard of what is committed by now; which have not, if some have not in time."""
        ...

    def when_heard(self, *then: Callable[[], Awaitable[None]]) -> None:
        """What to do now and then, beside other processes, to take up what they have changed."""
        ...

    async def waiting(self, known: Callable[[Key], bool]) -> Sequence[Event]:
        """Events that wait for a turn in conversations that no process has, or that this one has and does not know.

        From now on it has them; there may be more where some are returned.
        """
        ...

    async def retire(self) -> None:
        """Lead no more, where there is another: this process is about to end."""
        ...

    @property
    def outdated(self) -> bool:
        """Whether processes of a newer build take the turns of all conversations that none has."""
        ...

    async def announce(self, build: str) -> None:
        """Serve from now on with the code of a build; those of another that were there before take no more turns."""
        ...

    async def at_work(self, key: Key) -> bool:
        """Whether another process may be sending something in a conversation, or answers there."""
        ...

    async def still_ours(self) -> None:
        """Return once nobody can have taken this process for dead; asked before each connection to a gateway."""
        ...

    def when_replaced(self, then: Callable[[], None]) -> None:
        """What to do once another process has taken this one for dead, which commits and sends nothing more."""
        ...


class Alone:
    """The same where one process has a database for itself."""

    alone = True
    leads = True
    outdated = False

    async def announce(self, build: str) -> None:
        """There is nobody else."""

    async def lead(self) -> None:
        """It does."""

    async def heard(self) -> str:
        """There is nobody else."""
        return ""

    def when_heard(self, *then: Callable[[], Awaitable[None]]) -> None:
        """There is nobody who changes anything."""

    async def retire(self) -> None:
        """There is nobody else."""

    async def at_work(self, key: Key) -> bool:
        """There is nobody else."""
        return False

    async def still_ours(self) -> None:
        """It is."""

    def when_replaced(self, then: Callable[[], None]) -> None:
        """Nobody can."""
