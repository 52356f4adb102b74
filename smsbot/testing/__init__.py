"""Public: test bots as people talk to them. `Sim` is a whole server in this process, with phones and a clock
that stands still; stories are its twin in YAML, and the pytest plugin brings both."""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "Phone": "sim",
    "Provider": "sim",
    "Sim": "sim",
    "Failure": "stories",
    "Outcome": "stories",
    "run_story": "stories",
}
__all__ = ["Failure", "Outcome", "Phone", "Provider", "Sim", "run_story"]


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are asked for: pytest loads this package in every project."""
    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
