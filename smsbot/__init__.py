"""Two-way SMS bots that survive.

The path of one SMS:

    phone → gateway webhook → inbox (dedupe, consent, commit, 200)
          → dispatcher (one turn at a time per conversation) → router → handler
          → ONE commit: state + timers + outgoing + journal + "consumed"
          → sender (attempt recorded before connecting) → gateway → settle → delivery reports → dashboard

Write handlers on a `Bot`; run them with ``smsbot dev``.
"""

from smsbot.core.errors import (
    Changed,
    ChatError,
    NoReply,
    RouteError,
    SettingsError,
    SmsbotError,
    StepFailed,
    StoreError,
    TooManyTries,
    Unanswered,
    UsageError,
)
from smsbot.core.message import Media, Message
from smsbot.core.money import Money
from smsbot.core.status import Status
from smsbot.embedded import asgi
from smsbot.routing.bot import Bot, CallNext
from smsbot.routing.chat import Chat, Contact, Delivery, Reaction, retrying
from smsbot.routing.router import Router
from smsbot.understanding.answers import Answer, Unsure
from smsbot.understanding.kinds import Kind, choice, email, integer, media, number, one_of, pattern, phone, text, yes_no

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Bot",
    "CallNext",
    "Changed",
    "Chat",
    "ChatError",
    "Contact",
    "Delivery",
    "Kind",
    "Media",
    "Message",
    "Money",
    "NoReply",
    "Reaction",
    "RouteError",
    "Router",
    "SettingsError",
    "SmsbotError",
    "Status",
    "StepFailed",
    "StoreError",
    "TooManyTries",
    "Unanswered",
    "Unsure",
    "UsageError",
    "__version__",
    "asgi",
    "choice",
    "email",
    "integer",
    "media",
    "number",
    "one_of",
    "pattern",
    "phone",
    "retrying",
    "text",
    "yes_no",
]
