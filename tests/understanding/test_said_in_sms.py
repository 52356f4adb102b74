"""Kinds of texts that people write and corpora did not hold, by language: what each is."""

from __future__ import annotations

from typing import Any

import pytest

from smsbot.cli.understand import plain_value, understand_row

COUNTRY = {"en": "US", "pl": "PL", "fr": "FR", "es": "ES"}
NUMBER: dict[str, Any] = {"type": "number"}
COUNT: dict[str, Any] = {"type": "integer", "min": 1, "max": 50}
MONEY: dict[str, Any] = {"type": "money"}
LISTED: dict[str, Any] = {"type": "choice", "choices": {"S": ["1", "small"], "M": ["2", "medium"], "L": ["3", "large"]}}
YES_NO: dict[str, Any] = {"type": "yes_no"}
TIME: dict[str, Any] = {"type": "time"}
TEXT: dict[str, Any] = {"type": "text"}
UNSURE, INVALID, AUTO, WRONG, REACTION, FALLBACK = (
    "unsure",
    "invalid",
    "autoreply",
    "wrong_number",
    "reaction",
    "fallback",
)


def usd(amount: str, currency: str | None = "USD") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


# question, language, text → what it is: an outcome that is no answer, or the value of the answer.
NUMBERS: list[tuple[Any, str, str, Any]] = [
    (NUMBER, "en", ".75", "0.75"), (NUMBER, "en", "-4", "-4"), (NUMBER, "en", "−4", "-4"), (NUMBER, "en", "minus four", "-4"),
    (NUMBER, "en", "3½", "3.5"), (NUMBER, "en", "½", "0.5"), (NUMBER, "en", "1/4", "0.25"), (NUMBER, "en", "3 1/2", "3.5"),
    (NUMBER, "en", "1/3", UNSURE), (NUMBER, "en", "2²", UNSURE), (NUMBER, "en", "10^3", UNSURE), (NUMBER, "en", "two and a half", "2.5"),
    (NUMBER, "en", "-.5", "-0.5"), (NUMBER, "en", "+5", "5"), (NUMBER, "pl", ",75", "0.75"), (NUMBER, "pl", "dwa i pół", "2.5"),
    (NUMBER, "pl", "półtora", "1.5"), (NUMBER, "fr", "deux et demi", "2.5"), (NUMBER, "fr", "moins 4", "-4"), (NUMBER, "fr", "un tiers", UNSURE),
    (NUMBER, "es", "dos y medio", "2.5"), (NUMBER, "es", "menos cuatro", "-4"), (NUMBER, "es", "un tercio", UNSURE),
    (COUNT, "en", ".75", INVALID), (COUNT, "en", "-4", INVALID), (COUNT, "en", "3½", INVALID), (COUNT, "en", "1/4", INVALID),
    (COUNT, "en", "half", INVALID), (COUNT, "en", "one third", INVALID), (COUNT, "en", "2²", UNSURE), (COUNT, "en", "8/10", UNSURE),
    (COUNT, "en", "half a dozen", 6), (COUNT, "en", "two dozen eggs", 24), (COUNT, "en", "a dozen", 12), (COUNT, "en", "dozens", UNSURE),
    (COUNT, "en", "a couple", UNSURE), (COUNT, "en", "+5", 5), (COUNT, "pl", "tuzin", 12), (COUNT, "pl", "pół tuzina", 6),
    (COUNT, "pl", "dwa tuziny", 24), (COUNT, "pl", "kilkanaście", UNSURE), (COUNT, "pl", "pół", INVALID), (COUNT, "fr", "une douzaine", 12),
    (COUNT, "fr", "une demi-douzaine", 6), (COUNT, "fr", "une vingtaine", UNSURE), (COUNT, "fr", "un tiers", INVALID),
    (COUNT, "es", "una docena", 12), (COUNT, "es", "media docena", 6), (COUNT, "es", "una veintena", UNSURE), (COUNT, "es", "la mitad", INVALID),
    (MONEY, "en", "$.99", usd("0.99")), (MONEY, "en", ".75", usd("0.75", None)), (MONEY, "en", "-5", INVALID), (MONEY, "en", "$-5", INVALID),
    (MONEY, "en", "$3½", UNSURE), (MONEY, "fr", ",75 €", usd("0.75", "EUR")), (MONEY, "en", "5²", UNSURE),
]  # fmt: skip
PLACES: list[tuple[Any, str, str, Any]] = [
    (LISTED, "en", "the second", "M"), (LISTED, "en", "second one please", "M"), (LISTED, "en", "2nd", "M"), (LISTED, "en", "number 2", "M"),
    (LISTED, "en", "no. 2", "M"), (LISTED, "en", "#2", "M"), (LISTED, "en", "option two", "M"), (LISTED, "en", "the last one", "L"),
    (LISTED, "en", "the fifth", INVALID), (LISTED, "en", "second or third", UNSURE), (LISTED, "en", "maybe the second", UNSURE),
    (LISTED, "en", "one second", UNSURE), (LISTED, "pl", "trzecia", "L"), (LISTED, "pl", "ta druga", "M"), (LISTED, "pl", "nr 2", "M"),
    (LISTED, "pl", "opcja dwa", "M"), (LISTED, "pl", "pierwsza opcja", "S"), (LISTED, "fr", "la première", "S"), (LISTED, "fr", "le deuxième", "M"),
    (LISTED, "fr", "n°2", "M"), (LISTED, "fr", "la 2e", "M"), (LISTED, "fr", "option 3", "L"), (LISTED, "es", "la primera", "S"),
    (LISTED, "es", "el tercero", "L"), (LISTED, "es", "opción 2", "M"), (LISTED, "es", "la última", "L"),
    ({"type": "choice", "choices": {"F": ["first class"], "S": ["second class"]}}, "en", "the first", UNSURE),
    ({"type": "choice", "choices": {"F": ["first class"], "S": ["second class"]}}, "en", "second class", "S"),
]  # fmt: skip
HEDGES = {
    "en": [
        "idk",
        "dunno",
        "we'll see",
        "no clue",
        "not sure yet",
        "who knows",
        "beats me",
        "undecided",
        "let me think",
        "i don't know",
    ],
    "pl": [
        "nwm",
        "niewiem",
        "moze",
        "zobaczymy",
        "nie wiem jeszcze",
        "bo ja wiem",
        "chyba",
        "trudno powiedzieć",
        "sam nie wiem",
        "hgw",
    ],
    "fr": [
        "chépa",
        "jsp",
        "chais pas",
        "ptet",
        "j'sais pas",
        "on verra",
        "aucune idée",
        "bof",
        "j'hésite",
        "peut-être",
    ],
    "es": ["nose", "ns", "nc", "no sé", "ni idea", "quizás", "ya veré", "yo que sé", "depende", "tal vez"],
}
POLITE = {
    "en": ["yes thanks very much", "yes tysm", "yes much appreciated", "ok thank you kindly yes"],
    "pl": ["tak dziękuję panu", "tak, dziękuję pani bardzo", "tak dzięki wielkie", "tak serdecznie dziękuję"],
    "fr": ["oui je vous remercie", "oui merci bien", "merci bien oui", "oui merci infiniment"],
    "es": ["sí mil gracias", "sí muy amable", "sí se lo agradezco", "gracias de antemano sí"],
}
TIMES: list[tuple[Any, str, str, Any]] = [
    (TIME, "fr", "sept heures et demie", "07:30"), (TIME, "fr", "huit heures moins le quart", "07:45"), (TIME, "fr", "dix-huit heures trente", "18:30"),
    (TIME, "pl", "za kwadrans ósma", "07:45"), (TIME, "pl", "wpół do ósmej", "07:30"), (TIME, "pl", "za pięć ósma", "07:55"),
    (TIME, "pl", "osiemnasta trzydzieści", "18:30"), (TIME, "pl", "wpół do trzeciej", UNSURE), (TIME, "es", "las siete y cuarto", "07:15"),
    (TIME, "es", "ocho menos diez", "07:50"), (TIME, "es", "siete y veinte", "07:20"), (TIME, "en", "half past seven", UNSURE),
    (TIME, "en", "quarter to 8 pm", "19:45"), (TIME, "en", "ten to eight pm", "19:50"),
]  # fmt: skip
ALL = [*NUMBERS, *PLACES, *TIMES]
ALL += [(YES_NO, language, text, UNSURE) for language, texts in HEDGES.items() for text in texts]
ALL += [(YES_NO, language, text, "yes") for language, texts in POLITE.items() for text in texts]

# Busy people, and machines that say so.
BUSY = {
    "en": ["I'm driving till six, later is fine", "at work rn, can u do 5?", "in a meeting till 3 so after that", "busy today sorry, friday ok?",
           "I'm on holiday next week so no", "driving, tell him 10 mins", "can't talk, just text me the code", "we are closed on monday, come tuesday",
           "is this an automated message?", "I'm at work until 5 then free"],
    "pl": ["jestem za kierownicą, oddzwonię wieczorem, ale tak", "jestem w pracy do 16, potem pasuje", "na urlopie od poniedziałku więc nie",
           "jestem na spotkaniu, za godzinę dam adres", "zajęty dziś, może jutro o 10", "jadę właśnie po dziecko, będę o 15",
           "prowadzę kurs, zostaw w recepcji", "nie mogę rozmawiać, piszcie smsem", "jestem na urlopie, odbierze sąsiad", "biuro mam nieczynne w piątki"],
    "fr": ["je conduis là, plutôt vers 18h", "en réunion jusqu'à 15h donc après", "je suis au travail, laissez chez le voisin",
           "en vacances dès lundi donc non", "occupé ce matin, demain c'est bon", "je suis en cours, ma mère ouvrira", "je suis absent mardi, mercredi ok",
           "au volant, dites-lui dix minutes", "je peux pas parler mais oui", "c'est un message automatique ?"],
    "es": ["estoy manejando, mejor a las 6", "en una reunión hasta las 3, luego sí", "estoy en el trabajo, déjelo con el portero",
           "de vacaciones desde el lunes así que no", "ocupada hoy, mañana perfecto", "estoy en clase, abre mi madre", "no puedo hablar pero sí quiero",
           "voy conduciendo, dígale diez minutos", "estamos cerrados el lunes, vengan el martes", "¿es un mensaje automático?"],
}  # fmt: skip
MACHINES = {
    "en": ["I'm driving right now. I'll get back to you later.", "[AUTO] driving, will text when parked", "Auto-reply: out today", "Sorry, I can't talk right now.",
           "Out of office: back on Monday", "Thanks for contacting Acme! We are currently closed and will reply during business hours.",
           "This is an automated message, please do not reply.", "Can't talk now. What's up?", "I'm in a meeting. Can I call you later?", "Automatic reply: on leave"],
    "pl": ["Nie mogę teraz rozmawiać. Oddzwonię później.", "Prowadzę. Odpiszę, gdy dojadę na miejsce.", "Odpowiedź automatyczna: urlop do 3 grudnia",
           "Jestem na spotkaniu. Oddzwonię.", "Autoodpowiedź: jestem poza biurem", "Dziękujemy za wiadomość. Biuro jest nieczynne, odpowiemy jutro.",
           "To jest wiadomość automatyczna", "Jestem zajęty. Zadzwonię później.", "Jestem poza biurem, odpowiem po powrocie.", "Prowadzę samochód, oddzwonię później"],
    "fr": ["Je conduis. Je vous rappelle plus tard.", "Réponse automatique : absent jusqu'au 3 mars", "Je suis en réunion. Je te rappelle plus tard.",
           "Je ne peux pas parler pour le moment. Je vous rappelle plus tard.", "Message automatique : merci de ne pas répondre", "Absence du bureau : de retour lundi",
           "Je suis absent du bureau, je répondrai à mon retour.", "Ceci est une réponse automatique", "Je suis au volant, je vous réponds dès que possible.",
           "Nos bureaux sont fermés. Nous vous répondrons dès la réouverture."],
    "es": ["Estoy conduciendo. Te llamo luego.", "Respuesta automática: de vacaciones", "No puedo hablar ahora. Te llamo más tarde.", "Estoy en una reunión. Te llamo luego.",
           "Mensaje automático: no responda", "Fuera de la oficina: vuelvo el lunes", "Estamos cerrados. Le responderemos en nuestro horario de atención.",
           "Voy manejando, te marco al llegar", "Este es un mensaje automático", "Estoy ocupado ahora. Te llamo más tarde."],
}  # fmt: skip
THEIRS = {
    "en": ["wrong number", "wrong #", "who dis", "new phone who dis", "who r u", "idk who this is", "hu is dis", "you have the wrong person", "who's this?", "you got the wrong guy"],
    "pl": ["pomyłka", "kto to?", "ki to", "zły numer", "kim pan jest", "z kim piszę", "to pomyłka", "nie znam pana", "kto pisze?", "pomyłka, to nie mój numer"],
    "fr": ["cki", "c ki", "t ki", "vs etes ki", "mauvais numéro", "c'est qui ?", "qui êtes-vous", "faux numéro", "vous vous trompez de numéro", "slt c qui"],
    "es": ["kien eres", "qn eres", "quién es?", "número equivocado", "se equivocó de número", "ola kien es", "quién eres", "con quién hablo", "de parte de quién", "no soy esa persona"],
}  # fmt: skip
OURS = {
    "en": ["oops, gave you the wrong number, it is 600 100 300", "I gave you the wrong number", "sorry i typed the wrong number", "I put the wrong number",
           "that was my old number", "wrong number of pizzas, make it 3", "the number on the invoice is wrong", "who is the driver today?",
           "who is this gift for? my mum", "I think I sent the wrong number"],
    "pl": ["podałem zły numer", "wpisałam zły numer, ma być 600100300", "pomyliłem numer", "mój stary numer", "zły numer mieszkania podałem", "numer na fakturze jest zły",
           "kto dziś jedzie?", "dałam zły numer", "kto odbierze paczkę?", "zły rozmiar przyszedł"],
    "fr": ["j'ai donné le mauvais numéro", "je me suis trompé de numéro", "je vous ai mis le mauvais numéro", "mon ancien numéro", "le numéro sur la facture est faux",
           "qui livre aujourd'hui ?", "c'est qui le chauffeur ?", "mauvais numéro de rue, c'est le 12", "j'ai tapé le mauvais numéro", "qui signe le reçu ?"],
    "es": ["le di el número equivocado", "puse el número equivocado", "me equivoqué de número", "mi antiguo número", "el número de la factura está mal",
           "quién reparte hoy?", "quién firma el recibo?", "número equivocado de pizzas, son 3", "escribí mal el número", "anoté el número equivocado"],
}  # fmt: skip
TAPBACKS = {
    "en": ["Liked “Ok”", "Removed a heart from “Ok”", "Reacted 😂 to “Ok”", "Laughed at “Ok”", "Disliked an image", "Questioned “Ok?”", "Emphasized “STOP”"],
    "pl": ["Polubiono „Tak”", "Uwielbia „Tak”", "Nie lubi „Tak”", "Śmieje się z „Tak”", "Podkreślono „Tak”", "Zakwestionowano „Tak”", "Usunięto serce z „Tak”", "Zareagowała 😂 na „Tak”"],
    "fr": ["A aimé « Ok »", "N’a pas aimé « Ok »", "A ri de « Ok »", "A mis en évidence « STOP »", "A posé une question sur « Ok ? »", "A supprimé un cœur de « Ok »",
           "A réagi avec 😂 à « Ok »", "S’est interrogé sur « Ok »", "A souligné « Ok »", "A retiré un « J’aime » de « Ok »", "A aimé une image"],
    "es": ["Le gustó “Ok”", "No le gustó “Ok”", "Se rio de “Ok”", "Hizo hincapié en “STOP”", "Preguntó por “Ok”", "Quitó un corazón de “Ok”", "Eliminó un me gusta de “Ok”",
           "Reaccionó con 😂 a “Ok”", "Le encantó una imagen", "Dio me gusta a “Ok”", "Puso en duda “Ok”"],
}  # fmt: skip
NO_TAPBACKS = {
    "en": 'I liked the "large" one',
    "pl": 'lubię tę "dużą"',
    "fr": "J'ai aimé « le bleu »",
    "es": "me gustó “la roja”",
}


def told(question: Any, language: str, text: str) -> Any:
    found = understand_row({"text": text, "lang": language, "country": COUNTRY[language], "question": question})
    return plain_value(found.value) if found.outcome == "answer" else found.outcome.value


@pytest.mark.parametrize(("question", "language", "text", "expected"), ALL)
def test_what_a_text_answers(question: Any, language: str, text: str, expected: Any) -> None:
    assert told(question, language, text) == expected


@pytest.mark.parametrize(("language", "text"), [(c, t) for c, texts in BUSY.items() for t in texts])
def test_a_person_who_is_busy_is_no_machine(language: str, text: str) -> None:
    assert told(TEXT, language, text) == text
    assert told(YES_NO, language, text) in (UNSURE, INVALID)


@pytest.mark.parametrize(("language", "text"), [(c, t) for c, texts in MACHINES.items() for t in texts])
def test_a_machine_has_a_form(language: str, text: str) -> None:
    assert told(TEXT, language, text) == AUTO
    assert told(None, language, text) == AUTO


@pytest.mark.parametrize(("language", "text"), [(c, t) for c, texts in THEIRS.items() for t in texts])
def test_a_wrong_number_is_said_of_the_person_texted(language: str, text: str) -> None:
    assert told(None, language, text) == WRONG


@pytest.mark.parametrize(("language", "text"), [(c, t) for c, texts in OURS.items() for t in texts])
def test_a_number_that_was_typed_is_no_wrong_number(language: str, text: str) -> None:
    assert told(TEXT, language, text) == text


@pytest.mark.parametrize(("language", "text"), [(c, t) for c, texts in TAPBACKS.items() for t in texts])
def test_tapbacks_in_all_their_verbs(language: str, text: str) -> None:
    assert told(TEXT, language, text) == REACTION


@pytest.mark.parametrize(("language", "text"), NO_TAPBACKS.items())
def test_a_sentence_with_quotes_is_no_tapback(language: str, text: str) -> None:
    assert told(TEXT, language, text) == text
