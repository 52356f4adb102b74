"""STOP, START and HELP as whole messages, in the words of the countries that a line serves.

Sources: FCC 47 CFR 64.1200(a)(10) (US words), CTIA Messaging Principles (STOP, START, HELP),
CASL guidance (ARRET, AIDE); the Polish and Spanish words are ours, for review by native speakers.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from smsbot.core.words import Token

_STOP = {"stop", "stopall", "stop all", "unsubscribe", "opt out", "optout", "stop please"}
_STOP_BY_COUNTRY = {
    "US": {"end", "cancel", "quit", "revoke"},
    "CA": {"end", "cancel", "quit", "arret", "desabonner"},
    "PL": {"wypisz", "rezygnuje"},
    "FR": {"arret", "desabonner"},
    "ES": {"baja"},
    "MX": {"baja"},
    "DE": {"stopp", "abmelden"},
    "IT": {"disiscrivi"},
    "NL": {"afmelden"},
    "PT": {"sair", "parar"},
}
_START = {"start", "unstop"}
_HELP = {"help", "info", "help me", "i need help"}
_HELP_BY_COUNTRY = {
    "PL": {"pomoc", "pomocy"},
    "FR": {"aide", "aidez moi"},
    "CA": {"aide"},
    "ES": {"ayuda", "ayudame"},
    "MX": {"ayuda", "ayudame"},
}
_LONGEST = 3

OPTED_OUT = "You will get no more texts from us. Text START to receive them again."
OPTED_IN = "You will receive our texts again. Text STOP to leave."
HELP = "This is an automatic service. Text STOP to get no more texts."


class Word(StrEnum):
    """What a whole message means for consent."""

    STOP = "stop"
    START = "start"
    HELP = "help"


def recognise(found: Sequence[Token], country: str | None) -> Word | None:
    """The consent word that a message is as a whole; None for every other text."""
    if not 0 < len(found) <= _LONGEST:
        return None
    said = " ".join(t.word for t in found)
    if said in _STOP or said in _STOP_BY_COUNTRY.get(country or "", ()):
        return Word.STOP
    if said in _START:
        return Word.START
    if said in _HELP or said in _HELP_BY_COUNTRY.get(country or "", ()):
        return Word.HELP
    return None
