"""What authors write who know another tool, or guess: keys by their meaning, and what each is called here (data)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from smsbot.core.errors import UsageError
from smsbot.core.nearest import nearest

_WORDS: Mapping[str, tuple[str, ...]] = {
    "if condition unless wenn only_if": ("when",),
    "options menu answers buttons values quick_replies enum select": ("choices",),
    "question input collect": ("ask",),
    "variable": ("ask", "set"),
    "store result": ("save",),
    "prompt message msg text reply send body print answer response sms": ("say",),
    "trigger triggers every schedule cron": ("start",),
    "keyword keywords": ("words", "start"),
    "on": ("event", "start"),
    "next jump go_to to target redirect goto else": ("goto", "go", "then"),
    "then": ("goto", "go"),
    "exit stop finish done quit": ("end",),
    "delay sleep pause wait_for": ("wait",),
    "variables": ("vars",),
    "params parameters arguments inputs": ("args",),
    "var assign let": ("set",),
    "repeat error on_error invalid": ("retry",),
    "retries": ("retry", "max"),
    "times count attempts": ("max",),
    "tries": ("max", "tries", "retry"),
    "validate validation valid_if": ("check",),
    "expire expires on_timeout no_reply": ("timeout",),
    "reminder nudge reminders": ("remind",),
    "regex pattern mask": ("type",),
    "hint error_text error_message": ("retry",),
    "opening_hours open office_hours": ("hours",),
    "time in seconds minutes hours every": ("after",),
    "name": ("id", "flow"),
    "label": ("id",),
    "step": ("id", "steps"),
    "action run function": ("do",),
    "subflow include": ("call",),
    "human agent transfer": ("handoff",),
    "otherwise": ("fallback",),
    "global commands anytime always any_time whenever": ("anywhere",),
    "lang locale": ("language",),
    "training_phrases phrases utterances examples synonyms patterns": ("words", "choices"),
    "entities slots parameters_types": ("types",),
    "intents intent": ("start",),
    "reprompt invalid_reply no_input fallback_message": ("retry", "fallback"),
    "kind format entity": ("type",),
    "default_reply default_message default_answer no_match not_understood": ("fallback", "retry"),
    "webhook hook": ("event",),
    "desk department team group queue assignee": ("to",),
    "return output": ("returns",),
}
MEANT = {word: keys for words, keys in _WORDS.items() for word in words.split()}
"""Keys of other tools, and what each may be called here, the likeliest first."""
_FEW = {
    "queue": "wait later", "replace": "stop interrupt restart", "skip": "ignore drop", "priority": "urgent high fast",
    "reply": "normal default", "bulk": "low marketing campaign", "notice": "info transactional",
}  # fmt: skip
VALUES: Mapping[str, str] = {word: value for value, words in _FEW.items() for word in words.split()}
"""What is written for one of a few words."""


def meant(name: str, known: Collection[str]) -> str | None:
    """The key that a written one stands for: by its meaning, else by its spelling."""
    written = name.strip().strip(":").lower().replace("-", "_").replace(" ", "_")
    if written in known:
        return written
    for key in MEANT.get(written, ()):
        if key in known:
            return key
    return nearest(name, known)


FOR_KEYS: Mapping[tuple[str, str], str] = {
    ("timeout", "say"): "what is said after the silence is a step: timeout: {after: 3h, then: STEP}",
    ("timeout", "end"): "an end is a step: timeout: {after: 3h, then: STEP}, and STEP has end:",
    ("timeout", "max"): "how often is asked again stands under retry:",
    ("retry", "end"): "an end is a step: retry: {max: 2, then: STEP}, and STEP has end:",
    ("retry", "after"): "when a question gives up stands under timeout:",
    ("remind", "then"): "where silence leads stands under timeout: {after: 24h, then: STEP}",
    ("remind", "max"): "several reminders are a list: remind: [1h, 4h]",
    ("remind", "times"): "several reminders are a list: remind: [1h, 4h]",
    ("a step", "else"): "what holds otherwise is the next step, or a branch: then: [{when: …, go: STEP}, {go: STEP}]",
    ("a step", "elif"): "several conditions are branches: then: [{when: …, go: STEP}, {when: …, go: STEP}]",
    ("a step", "delay"): "a step above this one waits: - wait: 1h",
    ("a step", "sleep"): "a step above this one waits: - wait: 1h",
    ("a step", "min"): "the bounds stand with the type: type: integer(1, 9), or check: qty >= 1",
    ("a step", "max"): "the bounds stand with the type: type: integer(1, 9); how often is asked again: retry: 2",
    ("a step", "required"): "every question waits for an answer; take this line out",
    ("a step", "optional"): "a choice for no answer makes it optional: choices: {skip: [skip], …}",
    ("a step", "default"): "a first value stands under vars: {name: value}",
    ("a step", "words"): "words that mean an answer stand under choices: {answer: [words]}",
    ("a step", "hours"): "hours stand in a handoff: {to: desk, hours: Mon-Fri 9:00-17:00, closed: …}",
    ("a step", "alert"): "this stands in a handoff: {to: desk, alert: no}",
    ("a step", "language"): "texts of several languages stand under say: {en: …, pl: …}",
    ("a step", "to"): "a desk is named by handoff: DESK",
    ("a branch", "say"): "a branch leads to a step, and that says it: {when: …, go: STEP}",
    ("a branch", "end"): "a branch leads to a step, and that ends: {when: …, go: STEP}",
    ("wait", "after"): "a duration stands alone: wait: 2h",
    ("wait", "for"): "a duration stands alone: wait: 2h",
    ("wait", "then"): "the next step goes on when the time has come",
    ("start", "say"): "what is said first is a step: steps: [{say: …}]",
    ("start", "hours"): "hours stand in a handoff: {to: desk, hours: Mon-Fri 9:00-17:00, closed: …}",
    ("start", "args"): "args: stands at the beginning of its line, as start: does",
    ("a flow", "words"): "words that start the flow stand under start: {words: […]}",
    ("a flow", "event"): "an event that starts the flow stands under start: {event: NAME}",
    ("a flow", "typos"): "this stands under start: {words: […], typos: 1}",
    ("a flow", "say"): "what is said is a step: steps: [{say: …}]",
    ("a flow", "ask"): "what is asked is a step: steps: [{ask: name, say: …}]",
    ("a flow", "end"): "an end is a step: - {say: …, end: done}",
    ("a flow", "help"): "words that are answered at any time stand under anywhere: {help: …}",
    ("a flow", "stop"): "STOP is answered by itself; take this out",
    ("a flow", "languages"): "the languages are those of its texts: say: {en: …, pl: …}",
    ("a flow", "hours"): "hours stand in a handoff: {to: desk, hours: Mon-Fri 9:00-17:00, closed: …}",
}
"""Keys that belong elsewhere, by where they were written, and what stands there instead."""
_HALF = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*([ap])\.?m\b\.?")
_DAY_NAME = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?s?\b\.?")
_ABROAD = {
    "Mon": "mo lun lu pon pn lunes lundi montag", "Tue": "di mar ma wt mardi martes dienstag",
    "Wed": "mi mer mie sr śr mercredi miércoles mittwoch", "Thu": "do jeu jue czw cz jeudi jueves donnerstag",
    "Fri": "fr ven vie pt pi pią vendredi viernes freitag", "Sat": "sa sam sab sob so samedi sábado samstag",
    "Sun": "so dim dom nd niedz nie dimanche domingo sonntag",
}  # fmt: skip
"""Days of the week in other languages."""
_PARTS_OF_DAY = {
    "morning": "9:00", "noon": "12:00", "afternoon": "15:00", "evening": "18:00", "night": "20:00", "midnight": "0:00",
}  # fmt: skip
_DAYS_ABROAD = {name: day for day, names in reversed(_ABROAD.items()) for name in names.split()}
_DAY_FIRST = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b")
_SPOKEN = (
    (re.compile(r"^(?:until|by|at|on|from|after)\s+"), ""),
    (re.compile(r"\b(?:weekdays|workdays|working days)\b"), "Mon-Fri"),
    (re.compile(r"\bweekends?\b"), "Sat-Sun"),
    (re.compile(r"\b(?:daily|every ?day|all days|everyday)\b"), "Mon-Sun"),
    (re.compile(r"\s*(?:\bto\b|\btill?\b|\buntil\b|[–—])\s*"), "-"),
    (re.compile(r"\s+-\s+"), "-"),
    (
        re.compile(
            r"\b(?:at|on|from|next|until|by|after|in the (?:morning|evening)|o'clock|uhr|godz|hrs|hours|h)\b\.?"
        ),
        " ",
    ),
    (re.compile(r"\b(\d{1,2})[.h](\d\d)\b"), r"\1:\2"),
)


def said_in_digits(written: str, read: Callable[[str], object]) -> str:
    """How a time, or hours, are written that somebody wrote as one says them; empty where that cannot be told."""
    if written.replace(" ", "") in ("24/7", "24h", "always"):
        return "leave hours: out: somebody is always there"
    text = _DAY_FIRST.sub(lambda m: f"{m[3]}-{int(m[2]):02}-{int(m[1]):02}", written.lower())
    text = _HALF.sub(lambda m: f"{int(m[1]) % 12 + 12 * (m[3] == 'p')}:{m[2] or '00'}", text)
    text = _DAY_NAME.sub(lambda m: m[1].title(), text)
    text = re.sub(r"[^\W\d_]+", lambda m: _DAYS_ABROAD.get(m[0], m[0]), text)
    text = re.sub(r"\b[a-z]+\b", lambda m: NUMBERS[m[0]] if m[0] in _COUNTED else _PARTS_OF_DAY.get(m[0], m[0]), text)
    for pattern, words in _SPOKEN:
        text = pattern.sub(words, text)
    text = re.sub(
        r"\b(\d{1,2})-(\d{1,2})\b(?![:\d])", lambda m: f"{m[1]}-{int(m[2]) + 12 * (int(m[2]) <= int(m[1]) <= 12)}", text
    )
    text = " ".join(text.split())
    swapped = re.sub(r"^([\d:-]+),? (.+)$", r"\2 \1", text)
    for tried in (text, text.replace(",", ""), swapped, f"Mon-Sun {text}", f"{text}:00", f"9:00 {text}"):
        with suppress(UsageError):
            read(tried)
            return f"write {tried}"
    return ""


COUNTRIES: Mapping[str, str] = {
    "gb": "en", "us": "en", "sp": "es", "mx": "es", "ua": "uk", "cz": "cs", "dk": "da", "gr": "el", "jp": "ja",
    "cn": "zh", "kr": "ko", "at": "de", "ge": "de", "po": "pl",
}  # fmt: skip
"""Letters of countries that are taken for those of a language."""
TONGUES: Mapping[str, str] = {
    "english": "en", "polish": "pl", "polski": "pl", "spanish": "es", "espanol": "es", "french": "fr", "german": "de",
    "deutsch": "de", "italian": "it", "ukrainian": "uk", "czech": "cs", "portuguese": "pt", "dutch": "nl",
    "eng": "en", "pol": "pl", "spa": "es", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de", "ita": "it", "ukr": "uk",
    "ces": "cs", "por": "pt", "nld": "nl", "ang": "en", "hiszp": "es", "niem": "de",
}  # fmt: skip
"""Languages by their names."""
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBERS: Mapping[str, str] = {word: str(n) for n, word in enumerate(_COUNTED)} | {
    "once": "1", "twice": "2", "a": "1", "an": "1", "yes": "1", "true": "1", "no": "0", "never": "0", "false": "0",
}  # fmt: skip
"""Counts by their names."""
_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st "
    "su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES = frozenset(_CODES.split())
"""The languages of two letters (ISO 639-1)."""
_SPOKEN_SPAN = re.compile(
    r"(\d+|[a-z]+)\s*(?:(s)ec\w*|(m)ins?\b|(m)inute\w*|(h)(?:our|r)\w*|(d)ays?|(w)eeks?|(mo)nths?|)", re.IGNORECASE
)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::[0-5]\d)?")
_DAYS_OF = {"w": 7, "mo": 30}
"""The days of a week and of a month."""
_LETTERS = str.maketrans("łŁøØđĐßıæœ", "lLoOdDsiao")
"""Letters that have no plain one within them."""


def duration_meant(written: str) -> str:
    """How a duration is written that somebody wrote in words, or as a clock shows it."""
    written = re.sub(r"^(?:in|after|within)\s+|\s+(?:later|after|from now|long|max)$", "", written.strip())
    half = re.fullmatch(r"(?:a )?half (?:an? )?(hour|day)|(\d+)[.,]5\s*h\w*", written.strip(), re.IGNORECASE)
    if half is not None:
        return f"write {int(half[2]) * 60 + 30}m" if half[2] else "write 30m" if half[1] == "hour" else "write 12h"
    if (clock := _CLOCK.fullmatch(written.strip())) is not None:
        return f"write {int(clock[1]) * 60 + int(clock[2])}m"
    hit = _SPOKEN_SPAN.fullmatch(written.strip())
    count = NUMBERS.get(hit[1].lower(), hit[1]) if hit is not None else ""
    if hit is None or not count.isdigit():
        return "write for example 30s, 10m, 24h or 7d"
    unit = next((u.lower() for u in hit.groups()[1:] if u), "")
    if unit in _DAYS_OF:
        return f"write {int(count) * _DAYS_OF[unit]}d"
    if not hit[1].isdigit() and not unit:
        return "write for example 30s, 10m, 24h or 7d"
    return f"write {count}{unit}" if unit else f"write {count}s, {count}m, {count}h or {count}d"


def name_meant(written: str, what: str) -> str:
    """How a name is written that is none."""
    head, _, field = written.partition(".")
    if head == "contact":
        return "set: {contact.name: name} keeps it with the person"
    if field and (nearest(head, ("contact",)) or head in ("user", "person", "customer", "profile")):
        return f"write contact.{field}"
    counted = re.fullmatch(r"(\w+)\s*([+*/-])(?:=\s*(.+)|\2)", written.strip())
    if counted is not None:
        return f"write {counted[1]}: {counted[1]} {counted[2]} {counted[3] or 1}"
    name, equals, value = written.partition("=")
    if equals and name.strip() and value.strip():
        return f"write {name.strip()}: {value.strip()[:40]}"
    if written.endswith((".yaml", ".yml")):
        return f"write the name that stands behind flow: in it, such as {written.rpartition('.')[0]}"
    if "a flow's name" in what and "(" in written:
        return f"write call: {written.partition('(')[0].strip()}, and what it is given under args: {{name: value}}"
    if "asks" in what and (len(written) > 20 or written.endswith("?") or written.count(" ") > 1):
        return "write ask: with a name for the answer, and the question under say:"
    folded = unicodedata.normalize("NFKD", written.translate(_LETTERS)).encode("ascii", "ignore").decode()
    plain = re.sub(r"\W+", "_", folded).strip("_").lower()
    plain = plain if plain[:1].isalpha() else f"n{plain}" if plain else ""
    return f"write {plain[:40]}" if plain else ""


def way_meant(written: str, first: str) -> str:
    """What a link means that is a word for a place; `first` is the first step."""
    match written.lower():
        case "end" | "stop" | "exit" | "done" | "finish" | "quit":
            return f"write a step that ends: - {{id: {written}, end: done}} under asides:"
        case "next" | "continue" | "pass" | "none" | "following":
            return "the next step follows by itself: take this out"
        case "first" | "start" | "begin" | "restart" | "top" | "beginning":
            return f"the first step is called {first}"
        case "repeat" | "retry" | "again" | "same" | "self":
            return "name the question that is asked again"
        case "back" | "previous":
            return "people go back by texting BACK; to lead there, name the step"
        case "human" | "agent" | "desk" | "operator" | "support":
            return f"write a step that hands over: - {{id: {written}, handoff: DESK, end: handed_over}} under asides:"
    return ""
