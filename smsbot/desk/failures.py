"""What failed, by its cause: texts that did not arrive, and turns that ended in an error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from smsbot.core.commit import digest
from smsbot.core.phone import masked
from smsbot.core.status import Status
from smsbot.core.structs import struct
from smsbot.stores.base import Row

from .words import N_

TURN = "turn"
"""What stands in place of a status for a text in that its bot could not answer."""
_OWN = re.compile(r"\+?\b(?=[\w-]*\d)[0-9a-fA-F-]{8,}\b")
"""A pattern for ids and numbers in a provider's words: each text has others."""
_WORDS: Mapping[str, str] = {
    Status.FAILED: N_("the gateway refused it"), Status.EXPIRED: N_("its time ran out"),
    Status.UNDELIVERED: N_("the operator could not deliver it"), Status.UNKNOWN: N_("nobody knows whether it left"),
    TURN: N_("its bot failed"),
}  # fmt: skip
"""The causes of those that were told without one."""


@struct
class Cause:
    """Texts or turns that failed for one reason."""

    key: str
    """The name of the cause in forms."""
    status: str
    words: str
    """Why, as it was told, without numbers and ids."""
    rows: tuple[Row, ...]
    """The newest first."""
    again: tuple[Row, ...]
    """Those that may be sent, or taken, again."""

    @property
    def newest(self) -> float:
        """When it last happened."""
        return max(map(when, self.rows))

    @property
    def oldest(self) -> float:
        """When it first happened."""
        return min(map(when, self.rows))

    @property
    def of_turns(self) -> bool:
        """Whether it is turns that failed, and not texts of ours."""
        return self.status == TURN


class Causes:
    """What failed, grouped as it is told row by row."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], list[Row]] = {}

    def add(self, row: Row) -> None:
        """A text that did not arrive, or a turn that failed."""
        status = TURN if row["status"] == "dead" else row["status"]
        self._groups.setdefault((status, _words(status, row["detail"])), []).append(row)

    def found(self) -> Sequence[Cause]:
        """The causes, that of most first."""
        made = [
            Cause(digest("cause", *name, size=8).hex(), *name, tuple(rows), tuple(r for r in rows if not why_not(r)))
            for name, rows in self._groups.items()
        ]
        return sorted(made, key=lambda c: (-len(c.rows), -c.newest))


def why_not(row: Row) -> str:
    """Why a text cannot be sent again from a list; empty if it can. Turns can always be taken again."""
    if row["status"] == "dead":
        return ""
    if row["kind"] == "code":
        return N_("a code, which may have run out")
    if row["lane"] == "consent":
        return N_("an answer to STOP, START or HELP")
    return N_("the number opted out") if row["opted_out"] else ""


def _words(status: str, detail: str) -> str:
    told = masked(_OWN.sub("…", " ".join(detail.split()))).replace("•••", "…").strip(" .")
    return told[:160] or _WORDS[status]


def when(row: Row) -> float:
    """When a text was owed, or a text in came."""
    at: float = row["at"] if row["status"] == "dead" else row["created"]
    return at
