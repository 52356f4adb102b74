"""The things that travel: a message that came in, a reply that was said, a text that is owed, a delivery report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from . import codec
from .clock import is_precise, moment
from .otp import Wanted
from .status import Status
from .structs import struct


class Key(NamedTuple):
    """A conversation: one of our lines and their number."""

    line: str
    number: str


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, a sound or a film that came with a text."""

    url: str
    """Where the provider keeps it."""
    type: str = ""
    """Its media type, such as ``image/jpeg``; empty where the provider does not say."""


_COUNTED = 6
"""Digits of an id that another text may have as well: it names a text together with who said what."""


@struct
class Arrival:
    """A text as a gateway read it from a webhook, before it is deduped and understood."""

    account: str
    sender: str
    recipient: str
    text: str
    gateway_id: str = ""
    """The provider's id of this text; empty if it has none."""
    sent_at: str = ""
    """The provider's time as it was written; empty if there is none."""
    raw: bytes = b""
    """The body of the webhook; what is deduped where there is neither id nor time."""
    media: tuple[Media, ...] = ()
    part: tuple[str, int, int] = ("", 0, 0)
    """Of a text in parts: what its parts have in common, its place from 1, and how many there are."""
    word: str = ""
    """``stop``, ``start`` or ``help`` where the provider has obeyed the text as that, and answered it."""
    signed: bytes = b""
    """The part that its signature covers, where another text could be cut out of it; the same is the same text."""
    late: float | None = None
    """When it was sent, or its webhook came, if it is taken only now: from a list, or from quarantine."""

    @property
    def said_at(self) -> float | None:
        """The provider's time of it, as far as it can be read."""
        return moment(self.sent_at) if self.sent_at else None

    @property
    def content(self) -> str:
        """All that was said in it, to tell it from another."""
        return "\n".join((self.text, *(m.url for m in self.media), *map(str, self.part)))

    @property
    def beside_its_id(self) -> tuple[str, ...]:
        """What names it together with its id, where that is of a phone that counts its texts.

        Such a phone begins at one again when it is exchanged. Addresses of pictures are signed anew for each delivery.
        """
        if len(self.gateway_id) > _COUNTED or not self.gateway_id.isdecimal():
            return ()
        pictures = (m.url.partition("?")[0] for m in self.media)
        at = self.sent_at if is_precise(self.sent_at) else ""
        return ("\n".join((self.text, *pictures, *map(str, self.part))), at)


@struct
class Unread:
    """A part of a webhook that was not understood, beside others that were."""

    raw: bytes
    why: str


@struct
class Event:
    """Anything that can wake a conversation, in its ordered inbox."""

    id: bytes
    """16 bytes: the same for each delivery of the same thing."""
    key: Key
    kind: str
    """``text``, ``media``, ``reaction``, ``optout``, ``optin``, ``timer``, ``event`` or ``delivery``."""
    text: str
    at: float
    """Seconds since 1970 UTC, by our clock."""
    account: str = ""
    data: str = ""
    """JSON of a timer, an API event or a delivery; of the pictures of a text."""
    gateway_id: str = ""
    seen: bytes = b""
    """The dedupe key where it differs from the id (weak keys)."""
    origin: bytes = b""
    """A second dedupe key: who sent what when. A network may repeat a text under another id."""
    window: float = 0.0
    """Seconds for which a weak dedupe key holds; 0 is for ever."""
    seq: int = 0
    """Its place in the inbox, given by the store."""
    attempts: int = 0
    """How many turns it has failed."""
    again: float = 0.0
    """When it was last taken up again; what is answered then is worth sending from then on."""

    @property
    def media(self) -> tuple[Media, ...]:
        """The pictures of a text."""
        if self.kind not in ("text", "media") or not self.data:
            return ()
        return tuple(Media(*entry) for entry in codec.loads(self.data).get("media", ()))

    @property
    def typed(self) -> tuple[str, bool] | None:
        """The code that was awaited as it came, and whether it holds that; None: it holds nothing like a code."""
        told = codec.loads(self.data).get("code") if self.kind == "text" and self.data else None
        return (told[0], told[1]) if told is not None else None


@dataclass(frozen=True, slots=True)
class Message:
    """A text that came in, as a handler sees it."""

    text: str
    number: str
    """Theirs: E.164 or a short code."""
    line: str
    """Ours, the one that was texted."""
    at: datetime
    """When we received it, UTC."""
    id: str = ""
    media: tuple[Media, ...] = ()
    """Pictures, sounds and films that came with it."""

    @property
    def has_media(self) -> bool:
        """Whether a picture came with it."""
        return bool(self.media)

    @classmethod
    def of(cls, event: Event) -> Message:
        """The message of an event; empty where that is no text."""
        key, at = event.key, datetime.fromtimestamp(event.at, UTC)
        text = "" if event.kind in ("event", "timer", "release") else event.text
        return cls(text, key.number, key.line, at, event.id.hex(), event.media)


@struct
class Reply:
    """Something said to the person: a text, when it is due, and how long it is worth sending."""

    text: str
    valid: float = 0.0
    """Seconds after which it is no longer sent (C9); 0: as long as a text of its lane is worth sending."""
    due: float | None = None
    """When to send it, seconds since 1970 UTC; None is now."""
    flash: bool = False
    """Whether the phone shows it at once and keeps it not."""
    media: str = ""
    """The address of a picture that goes with it."""
    ref: str = ""
    """What whoever requests it calls it, such as ``order-7``; the desk finds it by that."""
    secret: bool = False
    """Whether it holds a code: nobody but the person may read it."""
    lane: str = ""
    """How urgent it is; empty: as what it answers says."""
    code: Wanted | None = None
    """The code that it has a place for."""


@struct
class Outgoing:
    """A text owed to the network."""

    id: str
    """A hash of the event and the text's place in its turn: the same if the turn runs again."""
    key: Key
    account: str
    text: str
    segments: int
    """How many SMS it costs."""
    created: float
    due: float
    expires: float
    event: bytes = b""
    lane: str = "reply"
    """``priority``, ``reply``, ``notice``, ``bulk``, ``consent`` (the one confirmation and HELP) or ``desk``."""
    flash: bool = False
    media: str = ""
    """The address of a picture that goes with it."""
    by: str = ""
    """Who or what requested it: ``clinic: flow visit``, ``token shop: event ping``, ``command line``."""
    ref: str = ""
    """What they call it."""
    kind: str = ""
    """``code``, else empty: it is of its lane."""
    code: Wanted | None = None
    """The code that it has a place for, as long as it is not written."""


@struct
class Claim:
    """An outgoing text with an attempt on record, so that it may be sent now."""

    outgoing: Outgoing
    attempt: int

    @property
    def reference(self) -> str:
        """Our id of this attempt at the provider."""
        return f"{self.outgoing.id}-{self.attempt}"


@struct
class Receipt:
    """A delivery report: what a provider says became of a text."""

    account: str
    reference: str
    """The provider's id of the text, or ours if it keeps it."""
    status: Status | None
    """None where the raw status means nothing to us; it is kept all the same."""
    raw: str
    """The provider's own word or number."""
    at: float = 0.0
    outgoing: str = ""
    """Our outgoing id where the reference carries it."""
    detail: str = ""
    """The provider's words for it, with people and codes masked."""
    code: str = ""
    """Its number or code of what went wrong."""
    operator: str = ""
    """The network, as the provider names it."""
    part: str = ""
    """Which SMS of a long text it speaks of, where it is of that alone."""
    body: str = ""
    """The report as it came, with letters as ``x`` and digits as ``0`` where they tell who or what."""
    price: float | None = None
    """The price of the whole text, where it is told."""
    currency: str = ""
    """As the provider writes it, such as ``EUR``."""
    opted_out: bool = False
    """Whether the provider says that the person is on its own list of those who have opted out."""


@struct
class Quarantined:
    """A genuine webhook that was not understood: kept whole, to be mapped and replayed."""

    account: str
    kind: str
    """The route of the gateway it came by: ``inbound`` or ``status``."""
    body: bytes
    reason: str
    at: float
    headers: Mapping[str, str] = field(default_factory=dict)
    id: int = 0
