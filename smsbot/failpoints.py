"""Named places where a test may end the process: ``SMSBOT_FAILPOINT=send.answered:3`` is the third time.

With ``:raise`` behind it, an error is raised there, the n-th time and every time after it:
``worker.timers:3:raise`` lets a worker look twice.

Every arrow of the path of an SMS that crosses a commit has one on each side. Disarmed, a place costs one
look at a name.
"""

from __future__ import annotations

import os
import signal

POINTS = {
    "webhook.begun": "K1 before the body of a webhook is read",
    "webhook.read": "K2 the body is read, nothing else",
    "webhook.verified": "K3 the webhook is genuine, nothing is written",
    "writer.begun": "K4 behind BEGIN",
    "writer.statement": "K14, K27 between two statements of a transaction",
    "writer.written": "K5, K6 right before COMMIT",
    "writer.committed": "K7, K16, K24 right behind COMMIT, nobody knows",
    "webhook.taken": "K7 committed, not answered",
    "webhook.answered": "K8 answered, whoever comes next is not woken",
    "turn.begun": "K9 a turn begins",
    "turn.decided": "K13 a turn, or a part of one, is decided, nothing of it is committed",
    "turn.committed": "K16 it is committed, the sender is not woken",
    "step.begun": "K10 before a step runs",
    "step.done": "K11 a step ran, its result is not kept",
    "step.kept": "K12 the result of a step is kept",
    "send.claimed": "K18 the attempt is on record, nothing is connected",
    "send.answered": "K23, K25 the provider answered, nothing is kept",
    "send.settled": "K24 what the provider said is kept",
    "check.found": "a look-up was answered, nothing is kept",
    "check.kept": "what a look-up said is kept",
    "report.taken": "K28 a delivery report is kept, its webhook is not answered",
    "timer.due": "K29 a timer is due, nothing is done",
    "timer.fired": "K30 a timer has become an event, nobody is told",
    "api.asked": "the key of a request of a program is kept, nothing is done",
    "api.done": "what a program asked for is done, its answer is not kept",
    "pushes.taking": "what has happened is read, nothing of it is owed to endpoints yet",
    "pushes.taken": "what has happened is owed to endpoints, nobody is told",
    "push.begun": "an endpoint is about to be told",
    "push.answered": "an endpoint has answered, nothing is kept",
    "event.kept": "an event from outside is kept, its caller does not know",
    "recover.begun": "K36 a new process takes up what was left",
    "drain.begun": "K34 the end of the process has begun",
    "migration.written": "K31 a migration is written, right before its COMMIT",
    "migration.done": "K31 one of the migrations is done",
    "worker.timers": "the timers look at the clock",
    "writer.served": "the writer looks for work",
    "restore.copied": "a restored copy is whole and paused, the old database stands",
    "restore.kept": "the old database has a second name, the old one stands",
    "restore.placed": "the restored database stands",
    "backup.copied": "K32 a backup is written, not checked",
    "copy.written": "all rows of a copy to another database are written, nothing is committed",
    "copy.done": "a copy stands in its place",
}
"""All of them, with the crash points that they stand for."""

_name = ""
_left = 0
_raises = False


class Fault(RuntimeError):
    """The fault that a test has ordered."""


def arm(spec: str) -> None:
    """End the process at the n-th time that a place is reached: ``name:n``; an empty text disarms."""
    global _name, _left, _raises
    name, _, rest = spec.partition(":")
    count, _, how = rest.partition(":")
    if name and name not in POINTS:
        raise ValueError(f"there is no failpoint {name!r}")
    _name, _left, _raises = name, int(count or 1), how == "raise"


def reached(name: str) -> None:
    """Be ended here, if this is the place and the time."""
    if name == _name:
        _end()


def _end() -> None:
    global _left
    _left -= 1
    if _left > 0:
        return
    if _raises:
        raise Fault(f"ordered at {_name}")
    os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("SMSBOT_FAILPOINT", ""))
