"""A plugin for mypy: under ``strict``, handlers may leave out what they return, as the bot takes whatever it can say.

In the settings of mypy::

    [tool.mypy]
    strict = true
    plugins = ["smsbot.mypy"]

All else about a handler stays strict. Pyright needs nothing: it infers what is returned.
"""

from __future__ import annotations

import time
from pathlib import Path

from mypy.nodes import MISSING_FALLBACK, CallExpr, Decorator, Expression, Import, ImportFrom, MemberExpr, MypyFile
from mypy.plugin import Plugin, ReportConfigContext
from mypy.types import AnyType, CallableType, Instance, TypeOfAny

DECORATORS = frozenset(
    {"action", "anywhere", "event", "every", "fallback", "on", "on_delivery", "on_error", "on_reaction", "state"}
)
"""The decorators that make a handler of a function. `provide` is not here: what it returns is what it is asked for."""


class Handlers(Plugin):
    """Declares what handlers leave undeclared, in files that import smsbot, before mypy looks for it."""

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        """The first sight of a parsed file; adds no dependency."""
        if any(_ours(found) for found in file.imports):
            for node in file.defs:
                if isinstance(node, Decorator) and any(map(_makes_a_handler, node.decorators)):
                    _declare(node)
        return []

    def report_config_data(self, ctx: ReportConfigContext) -> object:
        """For files of handlers something new each time: mypy takes what it cached without the first sight above."""
        if ctx.id.partition(".")[0] == "smsbot" or not ctx.path.endswith(".py"):
            return None
        try:
            return time.time_ns() if "smsbot" in Path(ctx.path).read_text(encoding="utf-8", errors="replace") else None
        except OSError:
            return None


def plugin(version: str) -> type[Plugin]:
    """The plugin for mypy to load; any version of mypy will do."""
    return Handlers


def _ours(node: object) -> bool:
    names = [name for name, _ in node.ids] if isinstance(node, Import) else []
    names += [node.id] if isinstance(node, ImportFrom) else []
    return any(name.split(".")[0] == "smsbot" for name in names)


def _makes_a_handler(decorator: Expression) -> bool:
    called = decorator.callee if isinstance(decorator, CallExpr) else decorator
    return isinstance(called, MemberExpr) and called.name in DECORATORS


def _declare(node: Decorator) -> None:
    if node.func.type is None and not node.func.arguments:
        function = Instance(MISSING_FALLBACK, [])  # which mypy puts right, as it does for what it parses itself
        node.func.type = node.func.unanalyzed_type = CallableType([], [], [], AnyType(TypeOfAny.explicit), function)
    for declared in (node.func.type, node.func.unanalyzed_type):
        if isinstance(declared, CallableType) and _left_out(declared):
            declared.ret_type = AnyType(TypeOfAny.explicit)


def _left_out(declared: CallableType) -> bool:
    found = declared.ret_type
    return isinstance(found, AnyType) and found.type_of_any == TypeOfAny.unannotated
