"""How people fare in flows and conversations: how many came by each step, wait there now, finished, or left there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from smsbot.core import codec
from smsbot.core.structs import struct
from smsbot.stores.base import Reads, Row

from .words import N_

MOST = 5_000
"""The last runs that are looked at; a page shall come at once, also where millions are kept."""
OPEN = 20_000
"""Open conversations that are looked at."""
LEFT: Mapping[str, str] = {
    "abandoned": N_("did not answer"),
    "stopped": N_("opted out"),
    "switched": N_("began something else"),
    "failed": N_("failed"),
    "joined": N_("were joined to another spelling of the number"),
}
"""Ends that nobody has written: how people left, in words."""


@struct
class Step:
    """One step, and how many are where."""

    name: str
    passed: int = 0
    waiting: int = 0
    left: int = 0
    """Those whose run ended here without an end that the bot's author has written."""
    since: float | None = None
    """When the one came who waits longest."""


@dataclass(slots=True)
class Funnel:
    """One flow, or one conversation of Python, in a time."""

    bot: str
    name: str
    began: int = 0
    steps: dict[str, Step] = field(default_factory=dict)
    """By name, without that of the flow; those that people came by."""
    ends: dict[str, int] = field(default_factory=dict)
    """How many finished, by the label of the end."""
    left: dict[str, int] = field(default_factory=dict)
    """How many left, by a key of `LEFT`."""

    @property
    def done(self) -> int:
        """Those who came to an end that was written."""
        return sum(self.ends.values())

    @property
    def lost(self) -> int:
        """Those who left."""
        return sum(self.left.values())

    @property
    def waiting(self) -> int:
        """Those who stand somewhere in it now, whenever they began."""
        return sum(s.waiting for s in self.steps.values())


class Funnels:
    """Reads of runs; each is bounded."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def all(self, since: float) -> Sequence[Funnel]:
        """Every flow and conversation that people entered since a moment, or wait in; those of most people first."""
        found = _Found()
        for row in await self._reads.rows("runs_by_path", since=since, limit=MOST):
            found.came(row, row["path"].split("\x1f"), row["n"])
        for row in await self._reads.rows("runs_waiting", limit=OPEN):
            _add(found.of(row, row["flow"]), row["step"], waiting=row["n"], since=row["at"])
        return sorted(found.funnels.values(), key=lambda f: (-f.began, -f.waiting, f.bot, f.name))

    async def people(self, own: Funnel, step: str, what: str, since: float, limit: int) -> Sequence[Row]:
        """Who waits at a step now, or left there since a moment."""
        given = {"bot": own.bot, "dotted": f"{own.name}.{step}", "state": step, "limit": limit}
        if what == "left":
            return await self._reads.rows("people_left", since=since, most=MOST, ends=codec.dumps([*LEFT]), **given)
        return await self._reads.rows("people_waiting", most=OPEN, **given)


class _Found:
    def __init__(self) -> None:
        self.funnels: dict[tuple[str, str], Funnel] = {}

    def of(self, row: Row, flow: str) -> Funnel:
        return self.funnels.setdefault((row["bot"], flow), Funnel(row["bot"], flow))

    def came(self, row: Row, path: Sequence[str], n: int) -> None:
        """So many runs took this way through their steps."""
        places = dict.fromkeys(_place(step, path[0]) for step in path if step != path[0])
        for flow, step in places:
            _add(self.of(row, flow), step, passed=n)
        for flow in dict.fromkeys(flow for flow, _step in places):
            self.of(row, flow).began += n
        dotted = next((step for step in path if "." in step), "")
        if row["over"] and (dotted or path[-1] != path[0]):
            self._ended(row, dotted.partition(".")[0] or path[0], path[-1], n)

    def _ended(self, row: Row, flow: str, last: str, n: int) -> None:
        own, label = self.of(row, flow), row["end_label"]
        ends = own.left if label in LEFT else own.ends
        ends[label] = ends.get(label, 0) + n
        if label in LEFT:
            left_flow, step = _place(last, flow)
            _add(self.of(row, left_flow), step, left=n)


def _place(step: str, handler: str) -> tuple[str, str]:
    """The flow of a step, and its name there; a state of handlers is of the handler that began."""
    flow, dot, name = step.partition(".")
    return (flow, name) if dot else (handler, step)


def _add(
    own: Funnel, name: str, *, passed: int = 0, waiting: int = 0, left: int = 0, since: float | None = None
) -> None:
    was = own.steps.get(name, Step(name))
    own.steps[name] = Step(
        name, was.passed + passed, was.waiting + waiting, was.left + left, was.since if since is None else since
    )  # fmt: skip


def ordered(own: Funnel, known: Collection[str]) -> Sequence[Step]:
    """The steps in the order of the flow, then those of older versions; without a flow, by how many came by."""
    if not known:
        return sorted(own.steps.values(), key=lambda s: -s.passed)
    return [*(own.steps.get(n, Step(n)) for n in known), *(s for n, s in own.steps.items() if n not in known)]
