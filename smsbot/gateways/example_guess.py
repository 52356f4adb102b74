"""Guesses of what kind an example is and which of its fields is which: by their names first, else by what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from smsbot.core import phone

from .example import Example, Place, leaves, words
from .http import KNOWN_WORDS as KNOWN_WORDS

Names = Mapping[str, Sequence[str]]
_TO = words(
    "to destination destinations dst dest recipient recipients receiver receivers tonumber destaddr destinationaddress "
    "destinationnumber recipientnumber toaddress toaddresses destinationaddresses da"
)
_FROM = words(
    "from source src originator orig sender senderid fromnumber sendername sendernumber sourceaddr sourceaddress "
    "senderaddress fromaddress oa sa callerid"
)
_PHONES = words("msisdn msisdns mobile mobiles mobilenumber phone phones phonenumber phonenumbers number numbers gsm")
_TEXT = words(
    "text message body content msg sms messagetext messagebody messagecontent smstext textbody txt shortmessage "
    "smsmessage ud userdata"
)
_REFERENCE = words(
    "reference ref clientref clientreference clientmessageid externalid externalmessageid customid customref "
    "customerref customerreference userref userreference correlationid correlator customuid callbackdata idx "
    "idempotencykey xidempotencykey"
)
_REPORT_TO = words(
    "callback callbackurl statuscallback statuscallbackurl notifyurl notificationurl dlrurl dlrcallback reporturl "
    "deliveryreporturl deliveryreceipturl statusurl statusurls webhook webhookurl whendelivered dlrcallbackurl "
    "deliverycallbackurl url"
)
_IDS = words("messageid msgid smsid messagesid smssid id sid uuid messageuuid smscid batchid")
_OF_ANYTHING = frozenset(words("id sid uuid"))
"""Names of ids that are those of whatever they lie in."""
_OF_A_TEXT = re.compile(
    r"(?!.*(?:status|state|error|price|cost|type)$)(?:.*(?:message|msg|sms|report|receipt|dlr|inbound|outbound|notification|webhook|event|update).*"
    r"|mo|mt|results?|data|body|payload|items?|entry|entries|response|records?|object|resource|attributes|values?|changes?|statuses|)"
)
"""What a text and its reports lie in; the id in anything else, as in a price, is that of the other thing."""
_UNIQUE = words("messageid msgid smsid messageuuid clientmsgid requestid transactionid trxid txid")
"""Names of ids that a sender makes, one for each text."""
_TIMES = words(
    "time timestamp receivedat receivedtime receivetime datetime date sentat messagetimestamp occurredat createdat "
    "creationtime creationdate created smsdate received receiveddate"
)
REQUEST: Names = {
    "to": (*_TO, *_PHONES), "from": _FROM, "text": _TEXT, "reference": (*_REFERENCE, *_UNIQUE),
    "report_to": _REPORT_TO,
}  # fmt: skip
"""Names of the fields of a request, the likeliest first."""
INBOUND: Names = {
    "from": (*_FROM, *_PHONES),
    "to": (*_TO, "shortcode", "longnumber", "virtualnumber", "inboundnumber", "servicenumber", "inbox", "inbox_number"),
    "text": (*_TEXT, "subject"),
    "id": _IDS,
    "time": _TIMES,
}
STATUS: Names = {
    "id": _IDS,
    "status": words("deliverystatus dlrstatus messagestatus smsstatus status state messagestate stat dlr"),
    "reference": _REFERENCE,
}
_NEUTRAL = frozenset(words("phonenumber number value address e164 msisdn name groupname uri 0 text"))
"""Names that say nothing of what something is; the one around them does."""
_FUZZY = {"to": ("to", "dest", "recip", "phone", "mobile"), "from": ("from", "send", "orig", "src"),
          "text": ("text", "msg", "message", "content", "body")}  # fmt: skip
_KEY = re.compile(
    r"(?:.*(?:api|access|auth|app|secret|client|private|account|license|subscription))?(?:key|token|secret)(?:id)?"
    r"|.*passw(?:or)?d|.*passphrase|passwd|pass|pwd|pin|apikey\d*|secret\d*|.*accesskey|.*apikey|.*apitoken|.*authtoken"
    r"|(?:x)?(?:proxy)?auth(?:orization)?|jwt|bearer|hash|signature|sig|.*signature|.*hmac|sessionid|cookie"
)
_MADE = re.compile(r".*(?:signature|hmac)|sig|hash|.*nonce")
_OURS = re.compile(
    r"(?:^|[/._-])(?:your|my)|webhook|callback|inbound|incoming|receive|dlr|hook|notify|ngrok|[/._-]mo(?:$|[/._-])",
    re.I,
)
_INBOUND = re.compile(r"(?:.*[._: -])?(?:inbound|incoming|received?|mo|incoming_?message|mo_?message|in)", re.I)
_OUTBOUND = re.compile(
    r".*(?:outbound|finalized|delivery|dlr|deliver|mt\b|outgoing|report|receipt|message_status).*", re.I
)
_EVENTS = frozenset(words("event eventtype type direction kind smsstatus messagetype notificationtype status"))


class Choice(NamedTuple):
    """The field that is meant, whether that is sure, and what else it may be."""

    place: Place
    sure: bool
    why: str
    others: tuple[str, ...] = ()


def bare(name: object) -> str:
    """A name in small letters, without what joins its words."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def elements(place: Place) -> list[str]:
    """The names on the way to a field, also where they are written as ``messages[0][to]``."""
    return [bare(part) for name in place if isinstance(name, str) for part in re.split(r"[\[\].]+", name) if bare(part)]


def shown(place: Place, value: Any) -> str:
    """The way to a field as settings spell it; a list of objects is ``*``."""
    parts: list[str] = []
    for name in place:
        inner = value[name]
        listed = isinstance(name, int) and isinstance(inner, Mapping | list)
        parts.append("*" if listed else str(name))
        value = inner
    return ".".join(parts)


def is_key(name: object) -> bool:
    """Whether a field of this name holds a key, a token or a password."""
    return _KEY.fullmatch(bare(name).rstrip("0123456789")) is not None and bare(name) not in _REFERENCE


def is_made(name: object) -> bool:
    """Whether what a field of this name holds is made anew for each request, as a signature."""
    return _MADE.fullmatch(bare(name)) is not None


def is_person(value: object) -> bool:
    """Whether it is a phone number."""
    return isinstance(value, str | int) and not isinstance(value, bool) and phone.is_number(phone.normalise(str(value)))


def _addressable(value: object) -> bool:
    written = str(value).strip()
    return is_person(value) or bool(0 < len(written) <= 60 and "\n" not in written and "://" not in written)


def _wordy(value: object) -> bool:
    return isinstance(value, str) and not is_person(value) and "://" not in value


def _fits(role: str, value: object) -> bool:
    if role in ("to", "from"):
        return not isinstance(value, bool | float | None) and _addressable(value)
    if role == "text":
        return _wordy(value)
    if role == "report_to":
        return isinstance(value, str) and bool(re.match(r"https?://|<|\$|\{", value) or not value)
    if role == "status":
        return isinstance(value, str | int) and not isinstance(value, bool)
    return value is not None and not isinstance(value, bool)


def choose(names: Names, fields: Any) -> dict[str, Choice]:
    """Which field is which; those that nothing is found for are not there."""
    found: dict[str, Choice] = {}
    values = dict(leaves(fields))
    for role in sorted(names, key=lambda r: r not in ("text", "status")):  # others lie beside these
        near = next((found[r].place[:-1] for r in ("text", "status") if r in found), ())
        taken = {choice.place for choice in found.values()}
        choice = _best(role, names[role], values, fields, near, taken)
        if choice is not None:
            found[role] = choice
    return found


def _best(
    role: str, names: Sequence[str], values: Mapping[Place, Any], fields: Any, near: Place, taken: set[Place]
) -> Choice | None:
    ranked = sorted(
        (_worth(role, place, value, near), rank, len(place), n, place)
        for n, (place, value) in enumerate(values.items())
        if place not in taken and (rank := _rank(place, names)) is not None and _fits(role, value)
    )
    if not ranked:
        return _by_value(role, values, fields, taken)
    places = [place for *_, place in ranked]
    others = tuple(shown(p, fields) for p in places[1:4])
    if role == "id" and _of_another(places[0]):
        return Choice(places[0], False, "though it may be that of what it lies in", others)
    return Choice(places[0], True, "by its name", others)


def _rank(place: Place, names: Sequence[str]) -> int | None:
    """How likely a field has one of the names; the name around it counts where its own says nothing."""
    last, around = [*reversed(elements(place)), "", ""][:2]
    if last in _NEUTRAL or last in _PHONES:
        if around in names:
            return names.index(around) + 100
        if around in _TO or around in _FROM:
            return None
    return names.index(last) if last in names else None


def _worth(role: str, place: Place, value: Any, near: Place) -> int:
    """How far something is from what is looked for, less what its name says."""
    if role == "status":
        return 0 if str(value).casefold() in KNOWN_WORDS else 1
    if role == "text" and elements(place)[-1:] == ["subject"]:
        return 1  # of a picture message its text is empty, and its subject is not its text
    if role == "id":
        return (0 if _of_another(place) else -_together(place, near) - 1) if value else 1
    return 0 if value not in ("", None) else 1


def _of_another(place: Place) -> bool:
    """Whether it is the id of something that is neither a text nor a report."""
    last, around = [*reversed(elements(place)), "", ""][:2]
    return last in _OF_ANYTHING and _OF_A_TEXT.fullmatch(around) is None


def is_unique(name: object) -> bool:
    """Whether what a field of this name holds is another for each text."""
    return bare(name) in REQUEST["reference"]


def _together(place: Place, other: Place) -> int:
    """How many steps of their ways two fields have in common."""
    return next((n for n, (a, b) in enumerate(zip(place, other, strict=False)) if a != b), min(len(place), len(other)))


def _by_value(role: str, values: Mapping[Place, Any], fields: Any, taken: set[Place]) -> Choice | None:
    """The one field whose name hints at it and that looks like it; one of several is not sure."""
    looks = {"to": is_person, "from": is_person, "text": _wordy}.get(role)
    if looks is None:
        return None
    likely = [p for p, v in values.items() if p not in taken and looks(v) and not is_key(p[-1]) and not _timely(p, v)]
    named = [p for p in likely if elements(p) and any(hint in elements(p)[-1] for hint in _FUZZY[role])]
    spaced = [p for p in likely if role == "text" and " " in str(values[p]).strip()]
    found = named or spaced or (likely if role != "text" else [])
    if not found:
        return None
    why = "by a part of its name" if named else "by what it holds"
    return Choice(found[0], False, why, tuple(shown(p, fields) for p in found[1:4]))


def _timely(place: Place, value: Any) -> bool:
    return bool(elements(place)) and (elements(place)[-1] in _TIMES or elements(place)[-1] in _IDS)


# -- what it is --------------------------------------------------------------------------------------


def kind_of(example: Example) -> tuple[str, bool, str]:
    """``request``, ``inbound`` or ``status``; whether that is sure; and why."""
    if example.way == "curl" and not _OURS.search(example.url):
        return "request", True, "a curl line sends something"
    if example.way != "bare":
        if _says_received(example) or (_OURS.search(example.url) and _received(example)):
            return _webhook(example)
        if _has_keys(example):
            return "request", True, "it carries keys"
        if not _OURS.search(example.url) and "://" in example.url and not _received(example):
            return "request", False, "it goes to somebody else's address, and says nothing of what was received"
    elif _keys_in(example):
        why = "it posts a text to nobody: it has no address"
        return _webhook(example)[0], False, f"{why}, so it was taken for a webhook"
    return _webhook(example)


def _has_keys(example: Example) -> bool:
    named = any(bare(n) in ("authorization", "apikey") or (is_key(n) and not is_made(n)) for n in example.headers)
    ours = bool(_OURS.search(example.url)) or "://" not in example.url
    return bool(example.user) or named or (not ours and _keys_in(example))


def _keys_in(example: Example) -> bool:
    return any(is_key(p[-1]) for p, _ in leaves({**example.query, **example.fields}) if isinstance(p[-1], str))


def _received(example: Example) -> bool:
    last = {elements(p)[-1] for p, _ in leaves({**example.query, **example.fields}) if elements(p)}
    return bool(last & {*_IDS, *_TIMES, "event", "eventtype", "direction"})


def _told(example: Example) -> list[str]:
    """The values in an example that say of which kind it is."""
    found = leaves({**example.query, **example.fields})
    return [v for p, v in found if isinstance(v, str) and elements(p) and elements(p)[-1] in _EVENTS]


def _says_received(example: Example) -> bool:
    return any(_INBOUND.fullmatch(told) for told in _told(example))


def _webhook(example: Example) -> tuple[str, bool, str]:
    fields = {**example.query, **example.fields}
    if _says_received(example):
        return "inbound", True, "it says that a text was received"
    found = choose({k: STATUS[k] for k in ("status",)}, fields)
    text = choose({"text": INBOUND["text"]}, fields).get("text")
    if "status" in found and (text is None or _is_known(fields, found["status"].place)):
        return "status", True, "it has a status and no text" if text is None else "its status is that of a sent text"
    if any(_OUTBOUND.fullmatch(v) for v in _told(example)) and (text is None or not text.sure):
        return "status", False, "it speaks of a delivery"
    return "inbound", text is not None and text.sure, "it has a text" if text else "nothing else fits"


def _is_known(fields: Any, place: Place) -> bool:
    for name in place:
        fields = fields[name]
    return str(fields).casefold() in KNOWN_WORDS


def paths(example: Example) -> Iterator[str]:
    """The ways to all fields of an example."""
    fields = {**example.query, **example.fields}
    for place, _ in leaves(fields):
        yield shown(place, fields)
