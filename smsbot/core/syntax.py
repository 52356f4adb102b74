"""Source text as a syntax tree."""

from __future__ import annotations

import ast
import gc
from typing import Any


def read(source: str, mode: str = "exec") -> Any:
    """The syntax tree of a source; raises `SyntaxError` or `ValueError`.

    The garbage collector rests meanwhile. What it throws away may report itself, a report draws on the source of where
    it stands, and CPython before 3.11.8 and 3.12.2 loses count of its depth if one tree is built while it builds
    another (python/cpython#106905): a `SystemError` about nothing that was written.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source, mode=mode)
    finally:
        if collects:
            gc.enable()
