"""An expression, or a text, that cannot be compiled: what is wrong, and where in it."""

from __future__ import annotations

from collections.abc import Mapping

from .functions import Kind

Names = Mapping[str, Kind]
"""The names that an expression may use, and what they hold."""


class Wrong(Exception):
    """An expression that cannot be compiled: the code, what, and where in it (characters)."""

    def __init__(
        self, code: str, message: str, start: int, length: int, near: str | None = None, remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.name = ""
        """The name that is not known."""
        self.code, self.message, self.near, self.remedy = code, message, near, remedy
        self.start, self.length = start, length
