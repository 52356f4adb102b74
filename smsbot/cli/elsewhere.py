"""What a command asks of a server on another machine, by its API."""

from __future__ import annotations

import os
import time
from typing import Any

import httpx

from smsbot.client import Client, Sent
from smsbot.core.errors import ApiError, NoAnswer, UsageError
from smsbot.core.phone import mask
from smsbot.core.status import Status

_PAUSE = 0.5
_STANDS = {
    "paused": Status.QUEUED,
    "scheduled": Status.QUEUED,
    "opted_out": Status.BLOCKED,
    "skipped": Status.BLOCKED,
    "cancelled": Status.BLOCKED,
}
"""Outcomes of the API that have no name among the states of a text."""


def send(server: str, number: str, text: str, line: str, ref: str, patience: float) -> dict[str, Any]:
    """Send a text and follow it for so many seconds; how it stands, masked.

    Raises `UsageError`, `ApiError` for what the server refuses, and `NoAnswer` where it cannot be reached.
    """
    token = os.environ.get("SMSBOT_TOKEN", "")
    if not token:
        raise UsageError("--server asks with a token: set SMSBOT_TOKEN, which `smsbot token add` makes on that machine")
    if not server.startswith(("https://", "http://")):
        raise UsageError(f"--server {server[:60]!r} is no address; write it as https://sms.example.org")
    try:
        with Client(server, token) as sms:
            sent = sms.send(number, text, line=line, reference=ref).messages[0]
            return _followed(sms, sent, patience)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise NoAnswer(f"{server} could not be asked: {error}") from None


def _followed(sms: Client, sent: Sent, patience: float) -> dict[str, Any]:
    answer = {"id": sent.id, "to": mask(sent.to), "status": _STANDS.get(sent.status, sent.status), "detail": sent.why}
    end = time.monotonic() + patience
    try:
        while time.monotonic() < end and not Status(answer["status"]).final:
            time.sleep(_PAUSE)
            judged = sms.message(sent.id)
            answer |= {"status": judged.raw["status"], "detail": judged.why}
    except (httpx.TransportError, ApiError) as error:  # it was taken: its id must not be lost
        answer["detail"] = f"it was taken; what became of it could not be asked: {error}"
    return answer
