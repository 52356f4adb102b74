"""Every error that smsbot raises on purpose, in one tree.

    SmsbotError
    ├── UsageError            a program uses smsbot in a way that cannot work
    │   ├── RouteError        a decorator or a handler's signature is wrong (at import)
    │   ├── ChatError         a verb of ``chat`` was used wrongly (while a turn runs)
    │   ├── Changed           a conversation's code no longer fits what has already happened in it
    │   └── FlowError         a flow met something that its author did not foresee (while a turn runs)
    ├── Unanswered            a question of a conversation got no answer that it can take
    │   ├── NoReply           nobody answered in time
    │   └── TooManyTries      the answers were wrong too often
    ├── StepFailed            a step raised in a former run of the turn, and the conversation went on
    ├── ProcessEnded          the process ended while code of the bot's ran for this text
    ├── SettingsError         settings are missing or wrong; carries all problems at once
    ├── TargetError           the bot named on the command line cannot be loaded
    ├── FlowsWrong            flow files have errors; carries all problems at once
    ├── PortTaken             another program listens on the port
    ├── StoreError            the database did not do what was asked
    │   ├── StoreRefused      it will never take this row: trying again is useless
    │   ├── StoreLocked       another process already serves this database
    │   ├── BackupError       a backup could not be made, read or restored
    │   ├── StoreForeign      the database is another program's, or not there
    │   ├── StoreOlder        an older smsbot wrote this database, and no server has brought it up to date
    │   ├── StoreGone         it was there and is gone, or has lost something
    │   └── StoreTooNew       a newer smsbot wrote this database
    ├── ApiError              the API of a server refused a request of `smsbot.client`
    ├── NotUnderstood         a provider's webhook whose shape we do not know: quarantine
    └── TransportError        an HTTP request did not get its answer
        ├── NotSent           nothing was written: safe to try again
        └── NoAnswer          bytes were written, so what happened is unknown

Each class has a code; ``smsbot explain CODE`` prints its docstring and remedy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from .problem import Problem, render_all


class SmsbotError(Exception):
    """Something smsbot refuses or could not do."""

    code = "SB000"
    remedy = "The message itself names what to change."

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"


class UsageError(SmsbotError):
    """A program uses smsbot in a way that cannot work."""

    code = "SB100"


class RouteError(UsageError):
    """A decorator or the signature of a handler is wrong; raised at import, with the line."""

    code = "SB101"
    remedy = "Change the decorator or the handler at the place above; docs/handlers.md shows each of them."


class ChatError(UsageError):
    """A verb of chat was used in a way that cannot work; the turn is rolled back."""

    code = "SB102"
    remedy = "Texts are non-empty strings of at most 9 SMS parts; states are names with a @bot.state handler."


class FlowError(UsageError):
    """A flow met something that its author did not foresee; the conversation stays at its question."""

    code = "SB103"
    remedy = "Mend the flow at the step that the message names; `smsbot dev` takes the mended flow up at once."


class Changed(UsageError):
    """A conversation's code no longer fits what has already happened in it; the run stays at its question."""

    code = "SB104"
    remedy = (
        "Put the question back where it was, give it its former name with key=, or end the run. New questions fit "
        "behind the open one."
    )


class Unanswered(SmsbotError):
    """A question of a conversation got no answer that it can take; uncaught, the run ends ``abandoned``."""

    code = "SB110"
    remedy = "Catch it around the ask, or let the run end."


class NoReply(Unanswered):
    """Nobody answered in time."""

    code = "SB111"


class TooManyTries(Unanswered):
    """The answers were wrong too often."""

    code = "SB112"


class StepFailed(SmsbotError):
    """A step raised something that cannot be kept as it was: it is told as this, live and replayed."""

    code = "SB113"
    remedy = "Catch StepFailed, or raise an exception of your own whose arguments and attributes can be stored."

    def __init__(self, message: str = "", *, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        """The class of what was raised: ``module:Name``."""


class ProcessEnded(SmsbotError):
    """The process ended while the bot's own code ran for this text; after five ends the text is a dead letter."""

    code = "SB114"
    remedy = (
        "Look for what ends a process: os._exit, memory that runs out, a library that crashes, a handler that holds "
        "everybody up until a watchdog ends it. Then take the text up again: `smsbot retry`."
    )


class SettingsError(SmsbotError):
    """Settings are missing or wrong; every problem is listed at once."""

    code = "SB201"
    remedy = "Change each line of the report; docs/settings.md lists all keys."

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["settings cannot be used:", *(f"  - {p}" for p in problems)]))


class TargetError(SmsbotError):
    """The bot that was named cannot be loaded."""

    code = "SB202"
    remedy = "Name an import string such as bots.pizza:bot, or a Python file that defines `bot`; and it must import."


class FlowsWrong(SmsbotError):
    """Flow files have errors, so the flows in them cannot run."""

    code = "SB600"
    remedy = "Mend each place above; `smsbot check` shows them again, `smsbot explain CODE` says more of one."

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("flows cannot be used:\n\n" + render_all(self.problems))


class PortTaken(SmsbotError):
    """Another program listens on the port."""

    code = "SB203"
    remedy = "Stop the other program, or choose another port with --port."


class StoreError(SmsbotError):
    """The database did not do what was asked; nothing of the call was written."""

    code = "SB301"
    remedy = "Check free space and permissions of its file, or that its server runs; providers will deliver again."


class StoreRefused(StoreError):
    """The database will never take this row; trying again is useless."""

    code = "SB305"
    remedy = "This is a fault of smsbot, or of a foreign program that wrote to the database: please report it."


class StoreLocked(StoreError):
    """Another smsbot process already serves this database."""

    code = "SB303"
    remedy = "Stop the other process, run the command where that one runs, or give this one its own --db."


class BackupError(StoreError):
    """A backup could not be made, read or restored; the database is as it was."""

    code = "SB306"
    remedy = "Look at the path in the message; `smsbot db check FILE` says whether a backup is whole."


class StoreForeign(StoreError):
    """The database file belongs to another program, or is not there."""

    code = "SB307"
    remedy = "Name the database of smsbot with --db or DATABASE_URL; is this the right folder?"


class StoreGone(StoreError):
    """The database was there and is gone, or has lost what was committed; a new one would text everybody anew."""

    code = "SB309"
    remedy = (
        "Put the file back with its -wal, or restore a backup: smsbot db restore BACKUP. "
        "To begin anew, or to go on with what is there, remove the .mark file beside it."
    )


class StoreTooNew(StoreError):
    """A newer smsbot wrote this database; an older one must not touch it."""

    code = "SB304"
    remedy = "Install the smsbot version that wrote it, or newer."


class StoreOlder(StoreError):
    """An older smsbot wrote this database, and no server of this version has brought it up to date yet."""

    code = "SB308"
    remedy = "Start the server once (smsbot run): it keeps everything and makes what is new. A backup before is wise."


class NotUnderstood(SmsbotError):
    """A webhook was genuine, but its shape is not known; it is kept in quarantine."""

    code = "SB401"
    remedy = "smsbot hooks map ACCOUNT inbound --from FIELD --text FIELD teaches the shape and replays it."


class ApiError(SmsbotError):
    """The API of a server refused a request; carries its status, its code, and every problem with its place."""

    code = "SB720"
    remedy = "The detail says what to change; `smsbot explain` knows the code that the server tells with it."

    def __init__(self, status: int, told: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(f"HTTP {status}{f' ({told})' if told else ''}: {detail}")
        self.status = status
        self.told = told
        """The server's own code, such as ``SB704``; empty where something between us answered."""
        self.detail = detail
        self.errors = tuple(errors)
        """Every problem: ``field`` and ``reason``."""

    @classmethod
    def of(cls, status: int, body: bytes) -> ApiError:
        """The error of an answer."""
        try:
            told = json.loads(body)
            return cls(status, str(told["code"]), str(told["detail"]), told.get("errors", ()))
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(status, "", body[:200].decode("utf-8", "replace") or "no words")


class TransportError(SmsbotError):
    """An HTTP request did not get its answer."""

    code = "SB501"


class NotSent(TransportError):
    """Nothing was written to the other side, so trying again is safe."""

    code = "SB502"
    remedy = "The provider could not be reached; smsbot backs off and tries again by itself."


class NoAnswer(TransportError):
    """Bytes were written but no whole answer came, so what happened is unknown."""

    code = "SB503"
    remedy = "smsbot asks the provider whether the text arrived, and lists it as unknown until then."


def tree(root: type[SmsbotError] = SmsbotError) -> Iterator[type[SmsbotError]]:
    """Every error class, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)
