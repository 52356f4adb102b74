"""`struct`: a dataclass that type checkers hold to be frozen, made at the price of one that is not.

A frozen dataclass sets each field through ``object.__setattr__``, which costs a text with its dozens of small records
more than what they are made for. Ours are held by mypy instead, over the package and its tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def struct(cls: type[T]) -> type[T]:
    """Make a class a record with slots, compared and hashed by its fields (PEP 681)."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
