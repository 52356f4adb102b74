"""The API as its OpenAPI document says: every operation, whatever it is asked, and by whom."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from smsbot import Bot, Chat
from smsbot.desk.tokens import SCOPES, token_hash
from smsbot.settings import ApiSettings

from ..conftest import leave_out
from ..house import ANN, BOB, LINE, House
from ..pipeline.test_pushes import URL, Shop, told
from ..tables import sql
from .api_house import TOKEN, Shipped, allow, ask, problem

FLOW = """
flow: visit
start: [visit]
defaults: {timeout: {after: 30d, then: done}}
args: [day]
steps:
  - {id: name, say: "Your name?", ask: text}
  - {id: done, say: "Thank you.", end: booked}
"""
LATER = {"to": [ANN, BOB], "text": "Later", "send_at": "2027-04-01T00:00Z"}
Ids = Mapping[str, str]
POSTS: Mapping[str, tuple[Any, Mapping[str, int]]] = {
    "/messages": ({"to": [ANN, BOB], "text": "Once"}, {"outgoing": 2}),
    "/otp": ({"to": BOB, "text": "Your code is {code}"}, {"outgoing": 1}),
    "/otp/check": ({"to": ANN, "code": "123456"}, {}),
    "/messages/{id}/cancel": (None, {"taken back": 1}),
    "/requests/{id}/cancel": (None, {"taken back": 2}),
    "/events": ({"event": "shipped", "to": BOB, "data": {"order": "7"}}, {"events": 1, "outgoing": 1}),
    "/conversations": (
        {"flow": "visit", "to": BOB, "args": {"day": "Monday"}},
        {"events": 1, "outgoing": 1, "runs": 1},
    ),
    "/conversations/{line}/{number}/end": (None, {"events": 1}),
    "/conversations/{line}/{number}/take-over": ({"who": "ola"}, {"takeovers": 1}),
    "/conversations/{line}/{number}/give-back": ({"how": "end"}, {"events": 1, "takeovers": -1}),
    "/conversations/{line}/{number}/reply": ({"text": "By hand"}, {"outgoing": 1}),
    "/opt-outs": ({"numbers": [BOB], "proof": "a form"}, {"events": 1, "consents": 1, "suppressions": 1}),
    "/opt-outs/{number}/remove": ({"proof": "a form"}, {"events": 1, "consents": 1, "suppressions": -1}),
    "/lines/{line}/pause": ({"why": "a test"}, {"holds": 1}),
    "/lines/{line}/resume": (None, {"holds": -1}),
    "/webhooks": ({"url": URL}, {"endpoints": 1}),
    "/webhooks/{id}/secret": (None, {}),
    "/webhooks/{id}/test": (None, {"pushes": 1}),
    "/webhooks/{id}/pause": (None, {"paused": 1}),
    "/webhooks/{id}/resume": (None, {"paused": -1}),
    "/webhooks/{id}/replay": ({"since": "2026-01-01T00:00:00Z"}, {"owed": 3}),
}
"""What each may be asked that takes a key, and what there is more of afterwards."""
READS = {"/find": {"reference": "r1"}}
"""What is asked by POST and changes nothing."""
COUNTS = {
    **{
        table: f"SELECT count(*) FROM {table}"
        for table in (
            "outgoing", "events", "runs", "takeovers", "consents", "suppressions", "holds", "endpoints", "pushes",
        )
    },
    "taken back": "SELECT count(*) FROM outgoing WHERE status = 'blocked' AND detail LIKE 'cancelled%'",
    "paused": "SELECT count(*) FROM endpoints WHERE paused IS NOT NULL",
    "owed": "SELECT count(*) FROM pushes WHERE state = 0",
}  # fmt: skip
BEFORE: Mapping[str, list[tuple[str, Any]]] = {  # what must have happened before some of them
    "/conversations/{line}/{number}/give-back": [("take-over", {"who": "ola"})],
    "/opt-outs/{number}/remove": [("/opt-outs", {"numbers": [ANN], "proof": "a form"})],
    "/lines/{line}/resume": [("pause", {"why": "a test"})],
    "/webhooks/{id}/resume": [("pause", None)],
    "/webhooks/{id}/replay": [("test", None)],
}


def shop(folder: Path) -> Bot:
    (folder / "visit.yaml").write_text(FLOW, encoding="utf-8")
    bot = Bot(flows=folder / "visit.yaml")

    @bot.event("shipped")
    async def shipped(chat: Chat, event: Shipped) -> str:
        return f"Order {event.order}: {event.parcels} on the way."

    @bot.on("name")
    async def name(chat: Chat) -> None:
        chat.contact["name"] = await chat.ask("Your name?")

    return bot


@pytest.fixture
async def h(house: Any, tmp_path: Path) -> House:
    found: House = await house(shop(tmp_path), settings={"api": ApiSettings(rate=0)})
    Shop(found)
    await allow(found)
    return found


@pytest.fixture
def needed() -> None:
    for name in ("openapi_spec_validator", "schemathesis"):
        if find_spec(name) is None:
            leave_out("schemathesis", name)


@pytest.fixture
async def spec(h: House) -> dict[str, Any]:
    found: dict[str, Any] = (await h.http.get("/api/v1/openapi.json")).json()
    return found


def operations(document: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Each operation: its method, path and scope."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            ((scope,),) = (need["token"] for need in operation["security"])
            yield method.upper(), path, scope


async def ready(h: House) -> dict[str, Ids]:
    """Something of everything that is there, by the first word of its path."""
    await h.text(ANN, "name")
    await ask(h, "POST", "/messages", {"to": BOB, "text": "Hi", "reference": "r1"})
    sent = (await ask(h, "POST", "/messages", LATER)).json()
    hook = (await ask(h, "POST", "/webhooks", {"url": URL})).json()["id"]
    person = {"line": LINE.replace("+", "%2B"), "number": ANN.replace("+", "%2B")}
    by_id = {"messages": sent["messages"][0]["id"], "requests": sent["id"], "webhooks": hook}
    return {
        word: person | {"id": by_id.get(word, "")}
        for word in [*by_id, "conversations", "contacts", "opt-outs", "lines"]
    }


def filled(path: str, ids: Mapping[str, Ids]) -> str:
    return path.format_map(ids.get(path.split("/")[1], {}))


def body_of(method: str, path: str) -> Any:
    """A valid body of an operation."""
    if method == "PATCH":
        return {"url": URL} if path.startswith("/webhooks") else {"fields": {"name": "Ann"}}
    return POSTS.get(path, (READS.get(path),))[0] if method == "POST" else None


@pytest.mark.needs("schemathesis")
def test_the_document_is_one_of_openapi(needed: None, spec: dict[str, Any]) -> None:
    from openapi_spec_validator import validate

    validate(spec)


@pytest.mark.needs("schemathesis")
@pytest.mark.parametrize(
    ("mode", "most"),
    [
        ("positive", 6),
        ("negative", 6),
        pytest.param("positive", 40, marks=pytest.mark.slow),
        pytest.param("negative", 40, marks=pytest.mark.slow),
    ],
)
async def test_whatever_is_asked_the_answer_is_one_of_the_document(
    needed: None, h: House, spec: dict[str, Any], mode: str, most: int
) -> None:
    """Of each operation some cases with names of nothing, and some with ids that there are."""
    import schemathesis
    from schemathesis.generation import GenerationMode

    ids, tried, wrong = await ready(h), set[str](), list[str]()
    found: Iterable[Any] = schemathesis.openapi.from_dict(spec).get_all_operations()
    for operation in (each.ok() for each in found):
        tried.add(operation.label)
        for n, case in enumerate(_cases(operation, GenerationMode(mode), most)):
            if n % 2 and case.path_parameters:
                real = {k: v.replace("%2B", "+") for k, v in ids.get(case.path.split("/")[1], {}).items()}
                case.path_parameters = {k: real.get(k) or v for k, v in case.path_parameters.items()}
            why = await _wrong_with(h, case)
            wrong += [f"{operation.label}: {why}"] if why else []
            if operation.method.upper() == "DELETE":
                ids = await ready(h)
    assert not wrong, "\n\n".join(dict.fromkeys(wrong))
    assert tried == {f"{method} {path}" for method, path, _ in operations(spec)}


def _cases(operation: Any, mode: Any, most: int) -> list[Any]:
    """Cases that schemathesis makes; always the same."""
    from hypothesis.errors import Unsatisfiable

    found: list[Any] = []

    @settings(
        max_examples=most, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode, headers={"Authorization": f"Bearer {TOKEN}"}))
    def take(case: Any) -> None:
        found.append(case)

    try:
        take()
    except Unsatisfiable:  # nothing can be wrong with it
        return []
    return found


async def _wrong_with(h: House, case: Any) -> str:
    import requests
    from schemathesis import checks

    wanted = [
        checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
        checks.response_headers_conformance, checks.response_schema_conformance,
    ]  # fmt: skip
    asked: Any = requests.Request(**case.as_transport_kwargs(base_url="http://smsbot.test/api/v1")).prepare()
    transport = httpx.ASGITransport(h.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport) as http:
        answer = await http.request(asked.method, asked.url, headers=dict(asked.headers), content=asked.body or b"")
    try:
        case.validate_response(answer, checks=wanted)
    except BaseExceptionGroup as error:
        return "\n".join(str(each) for each in error.exceptions)
    return ""


# -- who asks ---------------------------------------------------------------------------------------


async def test_a_token_may_what_its_scope_says_and_nothing_else(h: House, spec: dict[str, Any]) -> None:
    ids = await ready(h)
    before = counted(h)
    for scope in (*SCOPES, ""):
        await only(h, scope)
        for method, path, needed in operations(spec):
            for body in (body_of(method, path), {"color": "red"}) if needed != scope else ():
                answer = await ask(h, method, filled(path, ids), body, token="smsbot_one", settle=False)
                assert (answer.status_code, problem(answer)["code"]) == (403, "SB702"), f"{method} {path}"
                assert needed in answer.json()["detail"]
    assert counted(h) == before


async def only(h: House, scope: str) -> None:
    """A token that may nothing else."""
    row = ("one", token_hash("smsbot_one"), h.clock.now(), scope, None)
    await h.app.tokens.change([("token_revoked", ("one",)), ("token", row)])


@pytest.mark.slow
async def test_a_token_with_the_scope_gets_what_it_asks_for(h: House, spec: dict[str, Any]) -> None:
    for method, path, scope in operations(spec):
        ids = await ready(h)
        await before_it(h, path, ids)
        await only(h, scope)
        answer = await ask(h, method, filled(path, ids), body_of(method, path), token="smsbot_one")
        assert answer.is_success, f"{method} {path}: {answer.text}"


async def test_nobody_gets_anything_but_the_document(h: House, spec: dict[str, Any]) -> None:
    ids = await ready(h)
    like_it = [("GET", "/messages/openapi.json"), ("GET", "/contacts/openapi.json")]
    for method, path in [*like_it, *((m, p) for m, p, _ in operations(spec))]:
        for headers in ({}, {"authorization": "Bearer smsbot_other"}, {"authorization": f"Basic {TOKEN}"}):
            answer = await h.http.request(method, f"/api/v1{filled(path, ids)}", headers=headers)
            assert (answer.status_code, problem(answer)["code"]) == (401, "SB701"), f"{method} {path}"
            assert answer.headers["www-authenticate"] == "Bearer"


# -- one key is one effect --------------------------------------------------------------------------


def counted(h: House) -> dict[str, int]:
    return {what: sql(h.app.settings.place, query)[0][0] for what, query in COUNTS.items()}


async def before_it(h: House, path: str, ids: Mapping[str, Ids]) -> None:
    """Let happen what must have happened before."""
    for place, body in BEFORE.get(path, ()):
        asked = place if place.startswith("/") else filled(f"{path.rpartition('/')[0]}/{place}", ids)
        assert (await ask(h, "POST", asked, body)).is_success
    await told(h)


def test_every_post_that_takes_a_key_is_tried(spec: dict[str, Any]) -> None:
    asked = {path for method, path, _ in operations(spec) if method == "POST"}
    assert asked == POSTS.keys() | READS.keys()


@pytest.mark.parametrize("path", POSTS)
async def test_the_same_key_at_one_moment_is_one_effect_and_one_answer(h: House, path: str) -> None:
    ids = await ready(h)
    await before_it(h, path, ids)
    (body, more), before = POSTS[path], counted(h)
    same = (ask(h, "POST", filled(path, ids), body, key="k", settle=False) for _ in range(4))
    answers = await asyncio.gather(*same)
    await h.settle()
    answers.append(await ask(h, "POST", filled(path, ids), body, key="k"))
    assert {(a.status_code, a.content) for a in answers} == {(answers[0].status_code, answers[0].content)}
    assert answers[0].is_success, answers[0].text
    assert answers[-1].headers["idempotency-replayed"] == "true"
    after = counted(h)
    assert {what: after[what] - n for what, n in before.items() if after[what] != n and what in more} == more
