"""Leaving a test out, by name and with the way to run it."""

from __future__ import annotations

import os

import pytest


def required(name: str) -> bool:
    """Whether a missing program fails the run instead of leaving its tests out."""
    return name in os.environ.get("SMSBOT_REQUIRE", "").split(",")


def leave_out(name: str, what: str) -> None:
    """Leave a test out; where it is required, fail."""
    if required(name):
        pytest.fail(f"{what} is required by SMSBOT_REQUIRE but is missing")
    pytest.skip(f"{what} is missing (set SMSBOT_REQUIRE={name} to fail instead)")
