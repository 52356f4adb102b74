"""Programs to copy, in the languages of shops: what one asks of the API, and how one knows our webhooks.

`paste/` holds two programs a language, `request` and `verify`, with these holes: @WHAT@ it does, @FILE@ it is called,
@METHOD@ (as a name, @VERB@), @URL@, @KEY@, and "@BODY@", which becomes a literal of the language. The lines between
the comments `only POST` (or `only GET`) and `end` stay for that method alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from smsbot.core.structs import struct
from smsbot.desk.words import N_

LANGUAGES: Mapping[str, str] = {
    "shell": "Shell (cURL)",
    "python": "Python",
    "client": N_("Python, with smsbot.client"),
    "php": "PHP",
    "java": "Java",
    "csharp": "C#",
    "node": "Node.js",
    "go": "Go",
    "ruby": "Ruby",
    "swift": "Swift",
}
"""key → how people call it."""
TASKS: Mapping[str, str] = {
    "send": N_("Send a text"),
    "status": N_("Ask what became of a text"),
    "flow": N_("Start a flow"),
    "verify": N_("Verify a webhook"),
}
"""key → what the program does."""
_HERE = Path(__file__).parent / "paste"
_ENDINGS = {
    "shell": "sh", "python": "py", "client": "client.py", "php": "php", "java": "java", "csharp": "cs",
    "node": "mjs", "go": "go", "ruby": "rb", "swift": "swift",
}  # fmt: skip
_BLOCK = re.compile(r"^[ \t]*(?:#|//) only (\w+)\n(.*?\n)\n?[ \t]*(?:#|//) end\n", re.MULTILINE | re.DOTALL)
"""A formatter may want an empty line before the end."""
_HOLE = re.compile(r'^([ \t]*)(.*?)("@BODY@"|@BODY@)', re.MULTILINE)
_NOTE = re.compile(r"  # noqa.*")
_SAFE = "/:?=&%+,;@~[]-._"
"""What an address keeps besides letters and digits; nothing of it means anything inside a literal of any language."""
_TO = "+48500100100"
_Literal = Callable[[Mapping[str, str]], str]


@struct
class _Request:
    """What one asks of the API."""

    method: str
    url: str
    key: str = ""
    body: Mapping[str, str] | None = None


def file_name(task: str, language: str) -> str:
    """How the file with a program is called."""
    return f"{task}.{_ENDINGS[language]}"


@lru_cache(maxsize=64)
def snippets(
    base: str, line: str, *, message: str = "MESSAGE_ID", flow: str = "feedback"
) -> Mapping[str, Mapping[str, str]]:
    """Task → language → program, for the API at `base` and a line of ours."""
    requests = _requests(base.rstrip("/") + "/api/v1", _visible(line), message, _visible(flow))
    ours = {
        "BASE": quote(base.rstrip("/"), safe=_SAFE), "LINE": _visible(line), "MESSAGE": _visible(message),
        "FLOW": _visible(flow),
    }  # fmt: skip
    return MappingProxyType(
        {
            task: MappingProxyType(
                {language: _program(task, language, requests.get(task), ours) for language in LANGUAGES}
            )
            for task in TASKS
        }
    )


def _requests(api: str, line: str, message: str, flow: str) -> Mapping[str, _Request]:
    send = {"to": _TO, "text": "Your order 1001 is on its way.", "line": line, "reference": "order-1001"}
    begin = {"flow": flow, "to": _TO, "line": line}
    return {
        "send": _Request("POST", f"{api}/messages", "order-1001-shipped", send),
        "status": _Request("GET", f"{api}/messages/{quote(message, safe='')}"),
        "flow": _Request("POST", f"{api}/conversations", f"{re.sub(r'[^A-Za-z0-9_.-]', '-', flow)}-1001", begin),
    }


def _visible(text: str) -> str:
    """Without line ends and other signs that each language would have to spell in its own way."""
    return "".join(sign for sign in text if sign.isprintable())


def _program(task: str, language: str, request: _Request | None, ours: Mapping[str, str]) -> str:
    named = {"WHAT": TASKS[task], "FILE": file_name(task, language)}
    if language == "client":
        values = {**ours, "KEY": request.key if request is not None else ""}
        return _filled(_template(task, language), named | {name: _double(v)[1:-1] for name, v in values.items()})
    if request is None:
        return _filled(_template("verify", language), named)
    of_method = _BLOCK.sub(lambda found: found[2] * (found[1] == request.method), _template("request", language))
    named |= {"METHOD": request.method, "VERB": request.method.capitalize(), "KEY": request.key}
    named["URL"] = quote(request.url, safe=_SAFE)
    parts = _HOLE.split(of_method)  # the body is put in last and looked at no more: it may say anything
    if request.body is None or len(parts) == 1:
        return _filled(of_method, named)
    before, indent, start, _, after = parts
    literal = _LITERALS[language](request.body).replace("\n", "\n" + indent)
    return _filled(before + indent + start, named) + literal + _filled(after, named)


@cache
def _template(kind: str, language: str) -> str:
    """A program as it lies in `paste/`, without the notes for our own linter."""
    return _NOTE.sub("", (_HERE / file_name(kind, language)).read_text(encoding="utf-8"))


def _filled(text: str, named: Mapping[str, str]) -> str:
    return re.sub("@([A-Z]+)@", lambda found: named[found[1]], text)


# -- literals: what JSON object a body is, in the words of a language ------------------------------


def _double(text: str) -> str:
    """In double quotes, where only these and the backslash mean anything."""
    return json.dumps(text, ensure_ascii=False)


def _single(text: str) -> str:
    """In the single quotes of PHP, where nothing else means anything."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _uninterpolated(text: str) -> str:
    """In the double quotes of Ruby, which would look for values behind a #."""
    return _double(text).replace("#", "\\#") if re.search("#[{$@]", text) else _double(text)


def _pairs(opened: str, each: str, closed: str, quoted: Callable[[str], str] = _double, unit: str = "    ") -> _Literal:
    """A literal of key-value pairs, one a line; `each` has holes for key, quoted key, and quoted value."""

    def literal(body: Mapping[str, str]) -> str:
        lines = [unit + each.format(key=k, name=quoted(k), value=quoted(v)) for k, v in body.items()]
        return "\n".join((opened, *lines, closed))

    return literal


def _of_go(body: Mapping[str, str]) -> str:
    """A map as gofmt would have it: values begin in one column."""
    width = max(len(_double(key)) for key in body) + 1
    lines = [f"\t{_double(key) + ':':{width}} {_double(value)}," for key, value in body.items()]
    return "\n".join(("map[string]string{", *lines, "}"))


def _json(body: Mapping[str, str]) -> str:
    """JSON in plain ASCII: not every compiler reads its file as UTF-8."""
    return json.dumps(body, indent=2)


def _text_block(body: Mapping[str, str]) -> str:
    """A text block of Java, where a backslash is two; JSON never has three quotes in a row."""
    inside = _json(body).replace("\\", "\\\\")
    return '"""\n    ' + inside.replace("\n", "\n    ") + '"""'


def _verbatim(body: Mapping[str, str]) -> str:
    """A verbatim string of C#, where a quote is two."""
    return '@"' + _json(body).replace('"', '""') + '"'


_LITERALS: Mapping[str, _Literal] = {
    "shell": _json,
    "python": _pairs("{", "{name}: {value},", "}"),
    "php": _pairs("[", "{name} => {value},", "]", _single),
    "java": _text_block,
    "csharp": _verbatim,
    "node": _pairs("{", "{key}: {value},", "}", unit="  "),
    "go": _of_go,
    "ruby": _pairs("{", "{key}: {value},", "}", _uninterpolated, unit="  "),
    "swift": _pairs("[", "{name}: {value},", "]"),
}
