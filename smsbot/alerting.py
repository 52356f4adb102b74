"""How the desk is told at once of what cannot wait, as the settings say."""

from __future__ import annotations

from smsbot.pipeline.alerts import Channel
from smsbot.settings import AlertSettings
from smsbot.transport import Transport
from smsbot.transport.alerts import MailChannel, WebhookChannel


def channels_of(own: AlertSettings, transport: Transport) -> list[Channel]:
    """The webhook and the e-mail of the settings; none where they name none."""
    found: list[Channel] = []
    if own.webhook is not None:
        found.append(WebhookChannel(transport, own.webhook.get_secret_value()))
    if own.email and own.smtp is not None:
        found.append(MailChannel(own.smtp.get_secret_value(), own.sender, own.email))
    return found
