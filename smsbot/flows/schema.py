"""The keys that authors write flows with: what each does, and its JSON Schema for editors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class KeyOf:
    """A key of a flow file: what it does, and its JSON Schema."""

    doc: str
    schema: Mapping[str, Any] = field(default_factory=dict)


_STRING: Mapping[str, Any] = {"type": "string"}
_SCALAR: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
_NAME: Mapping[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_ID: Mapping[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"}
_DURATION: Mapping[str, Any] = {"type": ["string", "number"], "examples": ["30s", "10m", "24h", "7d"]}
_TEXT: Mapping[str, Any] = {"$ref": "#/$defs/text"}
_EXPRESSION: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
_EXPRESSIONS: Mapping[str, Any] = {"type": "object", "additionalProperties": _EXPRESSION}
_YES_NO: Mapping[str, Any] = {"type": ["boolean", "string"]}
_WORDS: Mapping[str, Any] = {
    "anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}, {"type": "object", "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}}]
}  # fmt: skip


def _object(keys: Mapping[str, KeyOf], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"description": key.doc, **key.schema} for name, key in keys.items()},
        **({"required": list(required)} if required else {}),
    }


RETRY = {
    "max": KeyOf("How many wrong answers are asked again (default 3).", {"type": ["integer", "string"]}),
    "say": KeyOf("What is said after a wrong answer; without it, the question again.", _TEXT),
    "then": KeyOf("The step after too many wrong answers.", _ID),
}
REMIND = {
    "after": KeyOf("How long after the question.", _DURATION),
    "say": KeyOf("The reminder; without it, the question again.", _TEXT),
}
TIMEOUT = {
    "after": KeyOf("How long an answer is waited for.", _DURATION),
    "then": KeyOf("The step after the silence; without it the run ends abandoned.", _ID),
}
START = {
    "words": KeyOf("Texts that start the flow; they may have holes: pizza {qty:int}. A map of languages sets the person's language.", _WORDS),
    "typos": KeyOf("1: words of five letters or more may have one wrong letter.", {"enum": [0, 1, "0", "1"]}),
    "event": KeyOf("The event from outside that starts the flow; its data is event.", _STRING),
    "busy": KeyOf("If the person is in a conversation: queue (begin when it has ended, the default), replace (end it) or skip.", {"enum": ["queue", "replace", "skip"]}),
    "valid": KeyOf("How long the event is worth beginning, such as 4h.", _DURATION),
    "key": KeyOf("An expression on event: the same value counts once.", _EXPRESSION),
    "api": KeyOf("The name by which programs start the flow; their data are its args.", _STRING),
    "fallback": KeyOf("yes: a text that nothing else takes starts the flow, while no question is open.", _YES_NO),
}  # fmt: skip
WAIT = {
    "until": KeyOf("A time of the person's day: 9:00, 9:00 tomorrow, Mon 9:00, 2026-12-24 9:00.", _STRING),
}
HANDOFF = {
    "to": KeyOf("The desk that takes over; it sees the conversation.", _STRING),
    "say": KeyOf("What is said to the person.", _TEXT),
    "hours": KeyOf("When somebody is there, in the line's zone: Mon-Fri 9:00-17:00, Sat 10-14.", _STRING),
    "closed": KeyOf("What is said outside of these hours instead.", _TEXT),
    "alert": KeyOf("no: the desk is not told at once.", {"type": ["boolean", "string"]}),
}
BRANCH = {
    "when": KeyOf("The condition; without it, always.", _EXPRESSION),
    "go": KeyOf("The step to go to.", _ID),
}
_REMINDER: Mapping[str, Any] = {"anyOf": [_DURATION, _object(REMIND, "after")]}
_SHORT: Mapping[str, Mapping[str, Any]] = {
    "retry": {"anyOf": [{"type": ["integer", "string"]}, _object(RETRY)]},
    "remind": {"anyOf": [_REMINDER, {"type": "array", "items": _REMINDER, "minItems": 1}]},
    "timeout": {"anyOf": [_DURATION, _object(TIMEOUT)]},
}
QUESTION = {
    "retry": KeyOf("What happens after a wrong answer: {max, say, then}, or a number.", _SHORT["retry"]),
    "remind": KeyOf("A nudge: {after, say}, or a duration; or a list of them.", _SHORT["remind"]),
    "timeout": KeyOf("When the question gives up: {after, then}, or a duration.", _SHORT["timeout"]),
    "settle": KeyOf("How long more fragments of an answer are waited for, such as 5s.", _DURATION),
    "late": KeyOf("accept, or how long after the timeout an answer is still taken.", _STRING),
    "unsure": KeyOf("What is said after a doubtful answer; without it, what is said after a wrong one.", _TEXT),
    "tail": KeyOf("accept: a choice may be followed by more words, kept as answer.rest.", {"enum": ["accept"]}),
    "interrupt": KeyOf(
        "no: another start word does not leave this question. yes, beside wait: it ends the run, which else goes on at its time.",
        _YES_NO,
    ),
}
CODE = {
    "digits": KeyOf("How many digits it has, 4 to 10 (default 6).", {"type": ["integer", "string"]}),
    "valid": KeyOf("How long it may be typed (default 5m); then the question gives up.", _DURATION),
    "tries": KeyOf("Wrong ones until it is void (default 3).", {"type": ["integer", "string"]}),
    "resends": KeyOf("How often it is sent again to who writes AGAIN (default 2).", {"type": ["integer", "string"]}),
    "domain": KeyOf("The domain of a site that may fill it in by itself.", _STRING),
}  # fmt: skip
ASK_ONLY = {
    "code": KeyOf("The answer is a one-time code that `say` sends where {code} stands: {digits, valid, tries, resends, domain}, or the digits.", {"anyOf": [{"type": ["integer", "string"]}, _object(CODE)]}),
    "choices": KeyOf("The answers: a list, or answer: [words that mean it].", {"anyOf": [{"type": "array", "items": _SCALAR}, {"type": "object", "additionalProperties": _WORDS}]}),
    "type": KeyOf("What counts as an answer: text(80), integer(1, 9), number, yes_no, date, time, datetime, money, phone, email, pattern([A-Z]{2}[0-9]{4}), one of types:, or the name of an @bot.answer.", _STRING),
    "check": KeyOf("A condition that the answer must meet.", _EXPRESSION),
    **QUESTION,
}  # fmt: skip
STEP = {
    "id": KeyOf("The step's name; by default what it asks for, saves or does.", _ID),
    "when": KeyOf("The condition without which the step is passed over.", _EXPRESSION),
    "set": KeyOf("Variables to set: {name: expression}; contact.NAME is kept with the person.", _EXPRESSIONS),
    "do": KeyOf("An @bot.action to call: quote(size, qty).", _STRING),
    "call": KeyOf("Another flow to run; this one goes on when it has ended.", _ID),
    "args": KeyOf("What the called flow is given: {name: expression}.", _EXPRESSIONS),
    "save": KeyOf("The variable that keeps what `do` or `call` returned.", _NAME),
    "say": KeyOf("What is said: a text, a list of texts, or a map of languages.", _TEXT),
    "ask": KeyOf("A question; the answer is kept under this name.", _NAME),
    **ASK_ONLY,
    "wait": KeyOf("How long to wait before the next step: 10m, 2h waking (quiet hours do not count), or {until: 9:00 tomorrow}.", {"anyOf": [_DURATION, _object(WAIT, "until")]}),
    "at": KeyOf("When what is said leaves: 9:00, 9:00 tomorrow, Mon 9:00, 2h waking.", _STRING),
    "handoff": KeyOf("Who takes over: a desk, or {to, say, hours, closed, alert}.", {"anyOf": [_STRING, _object(HANDOFF, "to")]}),
    "then": KeyOf("Where to go: a step, {answer: step}, or a list of {when, go}.", {"anyOf": [_ID, {"type": "object", "additionalProperties": _ID}, {"type": "array", "items": _object(BRANCH, "go")}]}),
    "goto": KeyOf("The step to go to.", _ID),
    "end": KeyOf("The run ends, with this label for the funnel.", _STRING),
}  # fmt: skip
TEXTS = {
    "texts": KeyOf(
        'Texts by their names, for programs and handlers: {shipped: "Order {order} is on its way."}.',
        {"type": "object", "additionalProperties": _TEXT},
    )
}
FLOW = {
    "flow": KeyOf("The flow's name.", _ID),
    "version": KeyOf("A note for people; smsbot tells versions apart by what the flow holds.", _SCALAR),
    "language": KeyOf("The language that the flow speaks (en, pl, fr, es); how its answers are read.", {"type": "string", "pattern": "^[a-z]{2}$"}),
    "start": KeyOf("What starts the flow: a word, a list of words, or {words, typos, event, api}.", {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}, _object(START)]}),
    "anywhere": KeyOf("Words that are answered at any time: {help: text}.", {"type": "object", "additionalProperties": _TEXT}),
    "fallback": KeyOf("What is said to a text that nothing takes, while no question is open.", _TEXT),
    "defaults": KeyOf("retry, remind, timeout … of every question that does not say otherwise.", _object(QUESTION)),
    "types": KeyOf("Types of answers under names of their own: {plate: pattern([A-Z]{2}[0-9]{4})}, or choices: {size: {S: [small]}}.", {"type": "object", "additionalProperties": {"anyOf": [_STRING, {"type": "array", "items": _SCALAR}, {"type": "object", "additionalProperties": _WORDS}]}}),
    "join": KeyOf("yes: the texts of one turn leave as one SMS, a line each.", _YES_NO),
    "lane": KeyOf("How urgent what it says is: priority, reply, notice or bulk; by default answers are replies, and what nobody asked for is a notice.", {"enum": ["priority", "reply", "notice", "bulk"]}),
    "vars": KeyOf("Variables that no question names: {name: first value}.", _EXPRESSIONS),
    "args": KeyOf("What the flow is given when it is called: a list of names, or {name: type}.", {"anyOf": [{"type": "array", "items": _NAME}, {"type": "object", "additionalProperties": _STRING}]}),
    "returns": KeyOf("What a flow that was called gives back: an expression.", _EXPRESSION),
    "steps": KeyOf("The steps, in order.", {"type": "array", "items": {"$ref": "#/$defs/step"}}),
    "asides": KeyOf("Steps that are reached only by name.", {"type": "array", "items": {"$ref": "#/$defs/step"}}),
}  # fmt: skip


def json_schema() -> dict[str, Any]:
    """The JSON Schema of flow files, for editors."""
    text = {"anyOf": [
        _SCALAR,
        {"type": "object", "propertyNames": {"pattern": "^[a-z]{2}$"}, "additionalProperties": _SCALAR},
        {"type": "array", "items": {"anyOf": [_SCALAR, {"type": "object", "additionalProperties": _SCALAR}]}},
    ]}  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "smsbot flow",
        **_object(FLOW, "flow", "steps"),
        "$defs": {"text": text, "step": _object(STEP)},
    }
