"""Exceptions of steps as they are kept, so that a conversation reads the same of them live and replayed.

An exception is kept whole or not at all: by its class, its arguments and its attributes where all of these can be
stored; those of clients of HTTP by what handlers read of them. Every other one is a `StepFailed`, from the first time.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from smsbot.core import codec
from smsbot.core.errors import StepFailed

_CHARSET = re.compile(r"(?<=charset=)[^;\s]+")
_MOST_BODY = 16_384
"""Characters of an answer's body that are kept with its exception."""

Told = dict[str, Any]
"""An exception as it is kept."""


def tell(error: BaseException) -> Told:
    """An exception of a step, so that it can be raised again."""
    family = next((family for family in _FAMILIES if _is_of(error, family)), "")
    parts = {"family": family, **_FAMILIES[family][0](error)} if family else _plainly(error)
    if more := {n: v for n, v in vars(error).items() if not family or n not in _OF_THE_CLIENTS}:
        parts["more"] = more
    kind = codec.path(type(error))
    told = {"class": kind, **parts}
    return told if _is_kept(told, error) else {"class": "", "args": [_named(error)], "kind": kind}


def _plainly(error: BaseException) -> Told:
    """What an exception of no family is made with."""
    by = error.__reduce__()  # of errors of files, their arguments have no name of the file
    if type(error).__reduce__ is not BaseException.__reduce__ and isinstance(by, tuple) and by[0] is type(error):
        return {"args": list(by[1]), "own": True}
    return {"args": list(error.args)}


def _is_kept(told: Told, error: BaseException) -> bool:
    """Whether the exception comes back as it was."""
    with suppress(Exception):  # what a class of the application's own does where it is read
        made = _made(codec.loads(codec.dumps(told)))
        return type(made) is type(error) and str(made) == str(error)
    return False


def _named(error: BaseException) -> str:
    """Its class and its words, where these can be had."""
    with suppress(Exception):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def again(told: Told) -> Exception:
    """The exception of a step again: of its own class where that can be made again."""
    if told["class"]:
        made = _made(told)
        if made is not None:
            return made
    said = ", ".join(map(str, told.get("args", ())))
    name = told["class"].rpartition(":")[2]
    return StepFailed(f"{name}: {said}" if name else said, kind=told.get("kind") or told["class"])


def as_it_happened(error: Exception, told: Told) -> Exception:
    """The exception that the code is told of a step: as when it is replayed, with the place where it happened."""
    found = again(codec.loads(codec.dumps(told))).with_traceback(error.__traceback__)
    found.__context__ = error  # for tracebacks alone; its cause is not kept, so it has none
    return found


def _made(told: Mapping[str, Any]) -> Exception | None:
    """The exception of its own class; None where there is none, or it wants more than was kept."""
    kind = codec.find(told["class"])
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return None
    with suppress(Exception):  # a class may want more than its arguments
        if told.get("family"):
            made = _FAMILIES[told["family"]][1](kind, told)
        elif told.get("own"):  # it says itself with what it is made
            made = kind(*told["args"])
        else:
            made = kind.__new__(kind, *told["args"])
            made.args = tuple(told["args"])
        made.__dict__.update(told.get("more", {}))
        str(made)
        return made
    return None


# -- clients of HTTP --------------------------------------------------------------------------------------------------


def _is_of(error: BaseException, family: str) -> bool:
    """Whether it is of a class of a library, whose code is not loaded for that."""
    module, name = family.split(":")
    return any(c.__name__ == name and c.__module__.partition(".")[0] == module for c in type(error).__mro__)


def _httpx_told(error: Any) -> Told:
    request, response = getattr(error, "_request", None), getattr(error, "response", None)
    told: Told = {"args": [str(error)], "request": [request.method, str(request.url)] if request is not None else None}
    if response is not None:
        told["response"] = _answer(response.status_code, response.headers, lambda: response.text)
    return told


def _httpx_made(kind: type[Exception], told: Mapping[str, Any]) -> Exception:
    httpx = importlib.import_module("httpx")
    request = httpx.Request(*told["request"]) if told["request"] else None
    if "response" not in told:
        made: Any = kind(*told["args"])
        if request is not None:
            made.request = request
        return made  # type: ignore[no-any-return]
    status, headers, body = told["response"]
    plain = {n: _CHARSET.sub("utf-8", v) for n, v in headers.items() if n.lower() not in _OF_THE_WIRE}
    response = httpx.Response(status, headers=plain, text=body, request=request)
    return kind(*told["args"], request=request, response=response)  # type: ignore[call-arg]


def _requests_told(error: Any) -> Told:
    request, response = error.request, error.response
    told: Told = {"args": [str(error)], "request": [request.method, str(request.url)] if request is not None else None}
    if response is not None:
        told["response"] = [*_answer(response.status_code, response.headers, lambda: response.text), response.url]
    return told


def _requests_made(kind: type[Exception], told: Mapping[str, Any]) -> Exception:
    requests = importlib.import_module("requests")
    request = requests.Request(*told["request"]) if told["request"] else None
    response = None
    if "response" in told:
        response = requests.Response()
        response.status_code, headers, body, response.url = told["response"]
        response.headers.update(headers)
        response._content, response.encoding = body.encode(), "utf-8"
    return kind(*told["args"], request=request, response=response)  # type: ignore[call-arg]


def _aiohttp_told(error: Any) -> Told:
    return {"args": [error.status, error.message, dict(error.headers or {}), str(error.request_info.real_url),
                     error.request_info.method]}  # fmt: skip


def _aiohttp_made(kind: type[Exception], told: Mapping[str, Any]) -> Exception:
    aiohttp, yarl = importlib.import_module("aiohttp"), importlib.import_module("yarl")
    multidict = importlib.import_module("multidict")
    status, message, headers, url, method = told["args"]
    info = aiohttp.RequestInfo(
        yarl.URL(url), method, multidict.CIMultiDictProxy(multidict.CIMultiDict()), yarl.URL(url)
    )
    return kind(info, (), status=status, message=message, headers=headers)  # type: ignore[call-arg]


def _urllib_told(error: Any) -> Told:
    return {"args": [error.url, error.code, error.reason if isinstance(error.reason, str) else str(error.reason),
                     dict(error.headers or {})]}  # fmt: skip


def _urllib_made(kind: type[Exception], told: Mapping[str, Any]) -> Exception:
    message = importlib.import_module("email.message").Message()
    url, code, reason, headers = told["args"]
    for name, value in headers.items():
        message[name] = value
    return kind(url, code, reason, message, None)


_OF_THE_WIRE = frozenset({"content-encoding", "transfer-encoding", "content-length"})
"""Headers that say how a body travelled, which is kept as text."""
_OF_THE_CLIENTS = frozenset({
    "_request", "request", "response", "request_info", "history", "status", "message", "headers", "code", "msg", "hdrs",
    "fp", "filename", "file", "name", "delete", "_closer", "reason", "url",
})  # fmt: skip
"""Attributes of their exceptions, which are told each in its way."""


def _answer(status: int, headers: Mapping[str, str], body: Callable[[], str]) -> list[Any]:
    """What is kept of an answer: status, headers without secrets, the beginning of its body."""
    text = ""
    with suppress(Exception):  # a body that was not read, or is none
        text = body()[:_MOST_BODY]
    return [status, {n: v for n, v in headers.items() if n.lower() != "set-cookie"}, text]


_FAMILIES: Mapping[str, tuple[Callable[[Any], Told], Callable[[type[Exception], Mapping[str, Any]], Exception]]] = {
    "httpx:HTTPError": (_httpx_told, _httpx_made),
    "requests:RequestException": (_requests_told, _requests_made),
    "aiohttp:ClientResponseError": (_aiohttp_told, _aiohttp_made),
    "urllib:HTTPError": (_urllib_told, _urllib_made),
}
"""Libraries whose exceptions hold a request and an answer: how these are told, and made again."""
