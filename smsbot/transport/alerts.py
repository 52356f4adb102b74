"""Ways to tell the desk of something at once: an HTTP request to a chat or a program, and e-mail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from .base import Transport

PATIENCE = 15.0


class WebhookChannel:
    """POSTs JSON: `text` as chats want it (Slack, Mattermost, Teams), and the facts for programs."""

    name = "webhook"

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport = transport
        self._url = url

    async def tell(self, words: str, facts: Mapping[str, Any]) -> str:
        """Told is what was answered with 2xx."""
        body = json.dumps({"text": words, **facts}, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        try:
            answer = await self._transport.request("POST", self._url, headers=headers, body=body, timeout=PATIENCE)
        except Exception as error:  # whatever went wrong, its words may hold the address, which is a secret
            return f"the webhook did not answer ({type(error).__name__})"
        return "" if 200 <= answer.status < 300 else f"the webhook answered {answer.status}"


class MailChannel:
    """Sends e-mail by aiosmtplib, which the extra `email` brings: ``smtps://user:password@host`` or ``smtp://host:25``."""

    name = "email"

    def __init__(self, server: str, sender: str, to: Sequence[str]) -> None:
        self._server = urlsplit(server)
        self._sender = sender
        self._to = tuple(to)

    async def tell(self, words: str, facts: Mapping[str, Any]) -> str:
        """Told is what the server took for all."""
        import aiosmtplib  # an extra; the settings say so where it is missing

        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = (
            self._sender,
            ", ".join(self._to),
            f"smsbot: {words.splitlines()[0]}",
        )
        mail.set_content(words)
        own = self._server
        try:
            async with asyncio.timeout(PATIENCE):
                await aiosmtplib.send(
                    mail, hostname=own.hostname, port=own.port or (465 if own.scheme == "smtps" else 25),
                    username=unquote(own.username) if own.username else None,
                    password=unquote(own.password) if own.password else None, use_tls=own.scheme == "smtps",
                )  # fmt: skip
        except Exception as error:  # its words may hold the password
            return f"the mail server did not take it ({type(error).__name__})"
        return ""
