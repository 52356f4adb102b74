"""Consent and noise beyond the corpus: the edges of plain requests, of reactions, of automatic answers."""

from __future__ import annotations

import pytest

from smsbot.understanding import consent, noise
from smsbot.understanding.consent import Word
from smsbot.understanding.identity import is_wrong_number
from smsbot.understanding.noise import Kind, Reaction

_WORDS = {Word.STOP: "optout", Word.START: "optin", Word.HELP: "help"}


def outcome(text: str, country: str) -> str | None:
    kind = noise.recognise(text)
    if kind is not Kind.TEXT:
        return str(kind)
    word = consent.read(text, country)
    return _WORDS[word] if word is not None else None


@pytest.mark.parametrize(
    ("text", "country", "want"),
    [
        ("Stop by the back door", "US", None), ("don't stop texting me", "US", None), ("please don't stop the messages", "US", None),
        ("no, stop texting me", "US", "optout"), ("Can you stop sending these texts?", "US", "optout"), ("text me at the end", "US", None),
        ("I can't stop laughing at your text", "US", None), ("end", "GB", None), ("cancel", "PL", None), ("cancel my order", "US", None),
        ("quit texting this number", "US", "optout"), ("take me off of the list", "US", "optout"), ("take me to the list", "US", None),
        ("no more onions please", "US", None), ("no more messages", "GB", "optout"), ("don't text me before 9", "US", None),
        ("do not text me again please", "US", "optout"), ("I want to cancel", "US", None), ("stop 4", "US", None), ("bus stop", "US", None),
        ("nie przestawajcie do mnie pisać", "PL", None), ("nie piszcie do mnie", "PL", "optout"), ("nie wysyłajcie na ten adres", "PL", None),
        ("no dejen de escribirme", "ES", None), ("no, dejen de escribirme", "ES", "optout"), ("no me manden la pizza fría", "ES", None),
        ("n'arrêtez pas de m'écrire", "FR", None), ("arrêtez de m'écrire", "FR", "optout"), ("à l'arrêt de bus", "FR", None),
        ('Liked "the pizza" a lot', "US", None), ('she said "yes"', "US", None), ("Liked it", "US", None), ("👍", "US", None),
        ("Emphasised “Reply STOP”", "GB", "reaction"), ("Laughed at an image", "US", "reaction"), ("❤️ to “STOP to end”", "US", "reaction"),
        ("I am driving there now", "US", None), ("I'm in a meeting until 3, can we do 4?", "US", None), ("driving", "US", None),
        ("busy tomorrow, later?", "US", None), ("\u200b \ufeff", "US", "empty"), ("\ufffc", "US", "media"), ("?", "US", None), ("🍕", "US", None),
        ("stop\n-- \nJohn Smith\nSales", "US", "optout"), ("ayuda por favor", "MX", "help"), ("START, por favor", "ES", "optin"),
        ("stoppp", "US", "optout"), ("STOP " * 5, "US", "optout"), ("stopp", "DE", "optout"), ("abmelden", "DE", "optout"), ("sair", "BR", "optout"),
    ],
)  # fmt: skip
def test_what_is_obeyed_and_what_is_not(text: str, country: str, want: str | None) -> None:
    assert outcome(text, country) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("Liked “Your table is ready”", Reaction("Liked", "Your table is ready", False)),
        ("👍 to “OK? YES or NO”", Reaction("👍", "OK? YES or NO", False)),
        ("Removed a heart from “See you at 5!”", Reaction("Removed", "See you at 5!", True)),
        ("Polubiono „Do zobaczenia”", Reaction("Polubiono", "Do zobaczenia", False)),
        ("A aimé « À demain »", Reaction("A", "À demain", False)),
        ("Quitó un “Me gusta” de “Nos vemos”", Reaction("Quitó", "Nos vemos", True)),
        ("Loved a photo", Reaction("Loved", "", False)),
        ("a “yes”", None), ("Liked", None), ("Liked “”", None), ("“Liked”", None), ("to “me”", None),
    ],
)  # fmt: skip
def test_reactions(text: str, want: Reaction | None) -> None:
    assert noise.reaction(text) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("pomyłka", True), ("Who is this??", True), ("you have the wrong number", True), ("c'est qui ?", True), ("¿quién es?", True),
        ("who is the doctor", False), ("pomyłka w rachunku", False), ("wrong pizza", False), ("c'est quoi le menu", False),
        ("quién es el médico de guardia hoy", False), ("", False), ("?", False),
    ],
)  # fmt: skip
def test_wrong_number(text: str, want: bool) -> None:
    assert is_wrong_number(text) is want
