"""The description of a turn that failed: what was raised, and where in the bot's own code."""

from __future__ import annotations

from smsbot.core.errors import SmsbotError, StepFailed
from smsbot.routing.injection import Signature, where


def describe_error(error: BaseException, candid: bool) -> str:
    """Describe an exception. The words of a foreign one may quote a text, so they are told only where `candid`."""
    if candid or (isinstance(error, SmsbotError) and not isinstance(error, StepFailed)):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def place(error: BaseException, signature: Signature | None) -> str:
    """Where it was raised, as `` at file:line``; else where the handler stands; else nothing."""
    found = _innermost(error) or (where(signature.function) if signature is not None else "")
    return f" at {found}" if found else ""


def _innermost(error: BaseException) -> str:
    """``file:line`` of the innermost frame that is neither smsbot's nor a library's; empty if there is none."""
    place, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        file = trace.tb_frame.f_code.co_filename
        if name.partition(".")[0] != "smsbot" and "site-packages" not in file and not file.startswith("<"):
            place = f"{file}:{trace.tb_lineno}" if "/lib/python3" not in file else place
        trace = trace.tb_next
    return place
