"""The reference in docs/reference: a page for each noun, made of the docstrings of public names and of examples that run."""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import smsbot
from smsbot.routing.terms import AskTerms

HERE = Path(__file__).parent
SKIPPED = {"__version__"}

PAGES: dict[str, tuple[str, list[str]]] = {
    "bot": ("A bot, its routers, and what surrounds its handlers", ["smsbot.Bot", "smsbot.Router", "smsbot.CallNext"]),
    "chat": ("The conversation as a handler holds it", ["smsbot.Chat", "smsbot.retrying"]),
    "contact": ("The person", ["smsbot.Contact"]),
    "message": (
        "What comes in, and what becomes of what goes out",
        ["smsbot.Message", "smsbot.Media", "smsbot.Delivery", "smsbot.Status", "smsbot.Reaction"],
    ),
    "kinds": (
        "Kinds of answers",
        [f"smsbot.{n}" for n in (
            "choice", "one_of", "text", "integer", "number", "yes_no", "phone", "email", "media", "pattern", "Kind", "Money",
            "Answer", "Unsure",
        )],
    ),
    "errors": (
        "What is raised",
        [f"smsbot.{n}" for n in (
            "SmsbotError", "Unanswered", "NoReply", "TooManyTries", "StepFailed", "UsageError", "ChatError", "RouteError",
            "Changed", "SettingsError", "StoreError",
        )],
    ),
    "asgi": ("Inside another application", ["smsbot.asgi", "smsbot.embedded.Embedded"]),
    "testing": ("Bots in tests", ["smsbot.testing.Sim", "smsbot.testing.Phone", "smsbot.testing.Provider"]),
    "client": ("The API from Python", ["smsbot.client.Client", "smsbot.client.AsyncClient", "smsbot.client.verify"]),
}  # fmt: skip
"""By its file: what a page is about, and the names on it."""


def pages() -> dict[str, str]:
    """Every page by its file name, and the index."""
    made = {f"{name}.md": _page(name, about, names) for name, (about, names) in PAGES.items()}
    rows = "\n".join(f"| [{name}]({name}.md) | {about} | {_listed(names)} |" for name, (about, names) in PAGES.items())
    made["README.md"] = (
        "# Reference\n\nMade from the docstrings of the public names by `scripts/reference`; the examples run as tests.\n\n"
        f"| | | |\n|---|---|---|\n{rows}\n"
    )
    return made


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{n.rpartition('.')[2]}`" for n in names)


def covered() -> set[str]:
    """The public names of `smsbot` that have a page."""
    return {n.removeprefix("smsbot.") for _, names in PAGES.values() for n in names if n.count(".") == 1}


def public() -> set[str]:
    """The public names of `smsbot`."""
    return set(smsbot.__all__) - SKIPPED


def _page(name: str, about: str, names: list[str]) -> str:
    example = HERE / f"{name}_example.py"
    code = example.read_text(encoding="utf-8").partition('"""\n\n')[2].rstrip()
    parts = [f"# {name.capitalize()}", f"{about}.", f"```python\n{code}\n```", *map(_entry, names)]
    if name == "chat":
        parts.append(_terms())
    return "\n\n".join(parts) + "\n"


def find(path: str) -> Any:
    """The object of a dotted name."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _entry(path: str) -> str:
    found = find(path)
    title = path if path.count(".") > 1 else path.rpartition(".")[2]
    if isinstance(found, type):
        return _class(title, found)
    if callable(found) and inspect.isroutine(found):
        return f"## `{title}{_signature(found)}`\n\n{_doc(found)}"
    return f"## `{title}`\n\n{_alias(path)}"


def _terms() -> str:
    """The terms of a question, as a table."""
    found = re.findall(r'^    (\w+): [^\n]*\n    """(.*?)"""', inspect.getsource(AskTerms), re.MULTILINE | re.DOTALL)
    rows = "\n".join(f"| `{name}` | {_prose(words)} |" for name, words in found)
    return f"## The terms of a question\n\n{_doc(AskTerms)}\n\n| | |\n|---|---|\n{rows}"


def _alias(path: str) -> str:
    """What stands below the name of a type alias in its file."""
    module, _, name = path.rpartition(".")
    owner = importlib.import_module("smsbot.routing.bot" if module == "smsbot" else module)
    source = inspect.getsource(owner)
    found = re.search(rf'^{name} = (.*)\n"""(.*?)"""', source, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{path} has no words below it"
    return f"`{found[1]}`\n\n{_prose(found[2])}"


def _class(title: str, kind: type) -> str:
    parts = [f"## `{title}`", _doc(kind)]
    if issubclass(kind, BaseException):
        code, remedy = getattr(kind, "code", ""), getattr(kind, "remedy", "")
        return "\n\n".join([*parts, f"`{code}`. {remedy}"] if code else parts)
    if issubclass(kind, Enum):
        return "\n\n".join([*parts, ", ".join(f"`{m.value}`" for m in kind)])
    for name, member in _members(kind):
        parts.append(f"### `{name}`\n\n{member}")
    return "\n\n".join(parts)


def _members(kind: type) -> Iterator[tuple[str, str]]:
    """The public members of a class, in the order of its code: what each is called like, and its words.

    Those of a parent are its own where the parent has no entry of its own.
    """
    own = [
        one for one in reversed(kind.__mro__) if one.__module__.startswith("smsbot") and one.__name__ not in public()
    ]
    members = {name: member for one in (*own, kind) for name, member in vars(one).items()}
    for name, member in members.items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            yield f".{name}", _doc(member)
        elif isinstance(member, staticmethod | classmethod) or inspect.isroutine(member):
            plain = member.__func__ if isinstance(member, staticmethod | classmethod) else member
            if inspect.getdoc(plain):
                awaited = "await " if _is_awaited(plain) else ""
                yield f"{awaited}.{name}{_signature(plain)}", _doc(plain)


def _is_awaited(function: Any) -> bool:
    returns = str(inspect.signature(function).return_annotation)
    return inspect.iscoroutinefunction(function) or returns.startswith("Wait[")


def _signature(function: Any) -> str:
    """The parameters as they are written, without `self`; those of an overloaded function are its last."""
    signature = inspect.signature(function)
    shown = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    text = str(signature.replace(parameters=shown, return_annotation=inspect.Signature.empty))
    returns = signature.return_annotation
    told = "" if returns in (inspect.Signature.empty, "None", None) else f" -> {_plain(returns)}"
    return _plain(text).replace("(/, ", "(").replace("(/)", "()") + told


def _plain(text: Any) -> str:
    """An annotation as it is written, without quotes and without the module of `typing`."""
    text = text if isinstance(text, str) else getattr(text, "__name__", str(text))
    text = re.sub(r""": "([^"]*)\"""", r": \1", re.sub(r": '([^']*)'", r": \1", text))
    text = text.replace("typing.", "").replace("**terms: Unpack[AskTerms]", "**terms")
    text = re.sub(r"<class '(\w+)'>", r"\1", text)
    return re.sub(r"\*steps: Wait\[Any\]", "*steps", _unwaited(text))


def _unwaited(text: str) -> str:
    """``Wait[X]`` is what is awaited; what comes of it is an X."""
    found = re.fullmatch(r"(?:Wait|_Ask)\[(.*)\]", text)
    return found[1] if found else text


def _doc(thing: Any) -> str:
    return _prose(inspect.getdoc(thing) or "")


def _prose(text: str) -> str:
    """A docstring in Markdown: double backquotes are single ones; lines are joined to paragraphs."""
    paragraphs = re.split(r"\n\s*\n", textwrap.dedent(text).strip())
    joined = [p if p.startswith((" ", "-")) else " ".join(line.strip() for line in p.splitlines()) for p in paragraphs]
    return "\n\n".join(joined).replace("``", "`")
