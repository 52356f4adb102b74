"""The arguments of a handler, filled by name or by type; decided once, at import."""

from __future__ import annotations

import dis
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from smsbot.core.errors import ChatError, RouteError
from smsbot.core.nearest import nearest
from smsbot.core.sites import remember

from .declared import is_declared, read

BUILT_IN = frozenset({"chat", "message", "text", "rest", "event", "report", "reaction", "error", "contact"})

_PLAIN = frozenset({
    "contact", "data", "end", "gather", "goto", "handoff", "line", "message", "now", "number", "random", "restart",
    "say", "since", "start", "state", "step", "text",
})  # fmt: skip
_ASKING = frozenset({"ask", "confirm", "menu", "form"})


@dataclass(frozen=True, slots=True)
class Signature:
    """A function, what it wants, and how it is called."""

    function: Callable[..., Any]
    named: tuple[str, ...]
    typed: tuple[tuple[str, type], ...]
    is_async: bool
    blocking: bool
    optional: tuple[str, ...] = ()
    """Arguments of its own, with a default: what `chat.restart` may give."""
    event: Any = None
    """The annotation of its `event` argument."""
    defaults: frozenset[str] = frozenset()
    """Those of `named` that have a default, which holds where nothing fills them."""

    @property
    def name(self) -> str:
        """The function's name, as traces show it."""
        return str(getattr(self.function, "__qualname__", self.function))

    @property
    def may_ask(self) -> bool:
        """Whether it can be a conversation: its `chat` asks, waits, or goes where that cannot be seen."""
        return self.is_async and may_ask(self.function)

    @property
    def asks(self) -> bool:
        """Whether its code asks, itself or in functions that it calls, so that it is probably a conversation."""
        return asks(self.function)

    def call(self, values: Mapping[str, Any], provided: Mapping[type, Any]) -> Any:
        """Call it; a coroutine if it is async."""
        arguments = {name: values.get(name) for name in self.named if name in values or name not in self.defaults}
        if "event" in arguments and is_declared(self.event):
            arguments["event"] = read(self.event, arguments["event"])
        for name in self.optional:
            if name in values:
                arguments[name] = values[name]
        for name, kind in self.typed:
            arguments[name] = provided[kind]
        return self.function(**arguments)

    def check_arguments(self, names: Iterable[str]) -> None:
        """Raise `ChatError` for what it cannot be given."""
        for name in names:
            if name not in self.named and name not in self.optional:
                known = ", ".join((*self.named, *self.optional))
                raise ChatError(f"{self.name}() has no argument {name!r} (it has: {known})")


@lru_cache(maxsize=4096)
def asks(function: Callable[..., Any]) -> bool:
    """Whether a function asks, or calls one of its module's, or an imported one, that takes a `chat` and does."""
    return _asks(function, set())


def _asks(function: Callable[..., Any], seen: set[Any]) -> bool:
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or code in seen:
        return False
    seen.add(code)
    names = {name for each in (code, *(c for c in code.co_consts if inspect.iscode(c))) for name in each.co_names}
    if not _ASKING.isdisjoint(names):
        return True
    called = [inspect.unwrap(function).__globals__.get(name) for name in names]
    helpers = [f for f in called if inspect.isfunction(f) and inspect.iscoroutinefunction(f)]
    return any(_asks(f, seen) for f in helpers if "chat" in f.__code__.co_varnames)


@lru_cache(maxsize=4096)
def may_ask(function: Callable[..., Any]) -> bool:
    """Whether a function does more with its first `chat` than those plain verbs that never wait for the person."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    found = list(dis.get_instructions(code))
    for here, following in pairwise(found):
        names = here.argval if isinstance(here.argval, tuple) else (here.argval,)
        if not here.opname.startswith("LOAD_") or "chat" not in names or here.opname.startswith("LOAD_ATTR"):
            continue
        seen = names[-1] == "chat" and following.opname in ("LOAD_ATTR", "LOAD_METHOD")
        if not seen or names[0] != names[-1] or following.argval not in _PLAIN:
            return True
    return False


def where(function: Callable[..., Any]) -> str:
    """``file:line`` of a function, for errors."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)


def caller() -> str:
    """``file:line`` of the innermost code outside smsbot that called us."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "smsbot":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "?"


def source_line(function: Callable[..., Any]) -> str:
    """The function's ``def`` line as it stands in its file; empty if there is no source."""
    try:
        lines, _ = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return ""
    return next((line.strip() for line in lines if line.lstrip().startswith(("def ", "async def "))), "")


def wrong(function: Callable[..., Any], what: str) -> RouteError:
    """The error for a function that cannot be a handler, showing its place and line."""
    line = source_line(function)
    return RouteError(f"{what}\n  --> {where(function)}" + (f"\n   | {line}" if line else ""))


def inspect_handler(
    function: Callable[..., Any],
    offered: Iterable[str],
    *,
    blocking: bool = False,
) -> Signature:
    """The signature of a handler: the names `offered` that it takes and, by annotation, what is provided."""
    if not callable(function):
        raise RouteError(f"{function!r} is not a function; a decorator stands directly above a def")
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        what = f"a handler is a function with a name, not a {type(function).__name__}; write a def that calls it"
        raise RouteError(f"{what}\n  --> {caller()}")
    remember(function)
    offered = set(offered)
    found = hints(function)
    named: list[str] = []
    optional: list[str] = []
    typed: list[tuple[str, type]] = []
    for parameter in inspect.signature(function).parameters.values():
        name, kind = parameter.name, found.get(parameter.name)
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise wrong(function, f"a handler names its arguments; *args, **kwargs and / are not filled ({name})")
        if name in offered:
            named.append(name)
        elif parameter.default is not parameter.empty:
            optional.append(name)
        elif isinstance(kind, type) and kind.__module__ != "builtins" and not kind.__module__.startswith("smsbot."):
            typed.append((name, kind))
        else:
            raise wrong(function, _unknown(name, offered))
    is_async = inspect.iscoroutinefunction(function)
    if blocking and is_async:
        raise wrong(function, "blocking=True is for sync handlers; an async one runs on the event loop")
    parameters = inspect.signature(function).parameters
    defaults = frozenset(n for n in named if parameters[n].default is not inspect.Parameter.empty)
    return Signature(
        function, tuple(named), tuple(typed), is_async, blocking, optional=tuple(optional), event=found.get("event"),
        defaults=defaults,
    )  # fmt: skip


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function, read where it was written."""
    try:
        return typing.get_type_hints(function, localns=_local_names())
    except NameError as error:
        raise wrong(function, f"an annotation cannot be read: {error}") from error


def names_around(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The names that the code of a function sees: of its module, and of a function around it."""
    return {**inspect.unwrap(function).__globals__, **_local_names()}


def _local_names() -> dict[str, Any]:
    """The names of the functions around a decorated one, so that a bot may be built inside a function."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").split(".")[0] != "smsbot" and frame.f_code.co_name != "<module>":
            return dict(frame.f_locals)
        frame = frame.f_back
    return {}


def _unknown(name: str, offered: set[str]) -> str:
    near = nearest(name, offered)
    hint = f'; did you mean "{near}"?' if near else ""
    return f'nothing fills the argument "{name}"{hint} (known here: {", ".join(sorted(offered))}; or a provided type)'
