"""Phone numbers and e-mail addresses."""

from __future__ import annotations

import re

from smsbot.core import phone
from smsbot.understanding.said import Said, plain

from .reading import ASKS, MORE, NEARLY, Answer, Reading

_DIALLED = re.compile(r"[\d\s()+./\-\u2010-\u2015]+")
_TRUNK = re.compile(r"\(0\)")
_INSIDE = re.compile(r"\+?\(?\d[\d ().\-]{5,18}\d")
_ADDRESS = r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}"
_EMAIL = re.compile(rf"(?:mailto:)?({_ADDRESS})", re.IGNORECASE)
_AT = r"@| at | arroba | arobase | malpa | \(at\) |\(at\)|\[at\]"
_DOT = r"\.| dot | punto | point | kropka |\(dot\)|\[dot\]"
_SPELLED = re.compile(rf"[\w.-]+ ?(?:{_AT}) ?[\w-]+ ?(?:{_DOT}) ?[a-z]{{2,}}")
_EDGES = " \t\r\n.,;:!?<>()[]\"'“”„«»*"


def a_phone(said: Said, country: str | None) -> Reading:
    """A phone number, E.164; national ones are read as those of `country`."""
    written = _TRUNK.sub("", said.signed).strip(" .,;:!?\"'“”„«»*<>")
    if _DIALLED.fullmatch(written):
        number = _number(written, country)
        if number is not None or "/" not in written:
            return None if number is None else ASKS if said.asks else Answer(number)
    inside = [n for m in _INSIDE.finditer(_TRUNK.sub("", plain(said.text))) if (n := _number(m.group(), country))]
    return MORE if inside else None


def _number(written: str, country: str | None) -> str | None:
    return phone.dialled(written, country)


def an_email(said: Said) -> Reading:
    """An e-mail address, in small letters."""
    if not said.bare:
        return None
    first = said.text.rfind(" ", 0, said.bare[0].start) + 1
    end = said.text.find(" ", said.bare[-1].end - 1)
    written = said.text[first : end if end >= 0 else len(said.text)].strip(_EDGES)
    found = _EMAIL.fullmatch(written)
    if found is not None and len(found[1]) <= 254:
        return ASKS if said.asks else Answer(found[1].lower())
    if _EMAIL.search(said.text):
        return MORE
    return NEARLY if _SPELLED.search(plain(said.text)) else None
