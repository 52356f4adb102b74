"""The flows of a bot: today's, and those that open runs began on (C8)."""

from __future__ import annotations

from dataclasses import dataclass, field

from smsbot.core.errors import FlowError, FlowsWrong
from smsbot.flows.flow_set import FlowSet, restore


@dataclass(slots=True)
class FlowVersions:
    """The flows of a bot: today's, and those of runs that began on older ones (C8)."""

    current: FlowSet = field(default_factory=FlowSet)
    older: dict[str, FlowSet | str] = field(default_factory=dict)
    """By hash: compiled, or as stored until somebody needs them."""
    forward: bool = False
    """Whether a run moves to today's flows where its open step still fits (in `smsbot dev`)."""

    def of(self, content: str) -> FlowSet:
        """The flows that a run began on."""
        if content == self.current.hash:
            return self.current
        found = self.older.get(content)
        if isinstance(found, str):
            try:
                found = self.older[content] = restore(found)
            except FlowsWrong:
                found = self.older[content] = FlowSet()
        if found is None or not found.flows:
            raise FlowError("the flows that this run began on cannot be read any more")
        return found
