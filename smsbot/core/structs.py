"""`struct`: a dataclass that type checkers hold to be frozen, made at the price of one that is not.

A frozen dataclass sets each field through ``object.__setattr__``, which costs a text with its dozens of small records
more than what they are made for. Ours are held by mypy instead, over the package and its tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as struct
else:
    from dataclasses import dataclass

    def struct(*, frozen: bool, slots: bool, **how: Any) -> Any:
        """Decorate a class as ``dataclass(frozen=True, slots=True)`` would."""
        assert frozen, "what may be changed is a dataclass"
        return dataclass(slots=slots, unsafe_hash=True, **how)


__all__ = ["struct"]
