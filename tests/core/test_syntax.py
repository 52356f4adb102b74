from __future__ import annotations

import ast
import gc

from smsbot.core.syntax import read

SOURCE = "x = [" + ", ".join(f"f({n}, a=b[{n}])" for n in range(300)) + "]\n"


class Reports:
    """Something in a circle that looks at source as it is thrown away, as a warning with a traceback does."""

    thrown = 0

    def __init__(self) -> None:
        self.own = self

    def __del__(self) -> None:
        ast.parse("print(1)")
        Reports.thrown += 1


def test_what_is_thrown_away_while_source_is_read_does_not_disturb_it() -> None:
    before = gc.get_threshold()
    gc.set_threshold(20)
    try:
        for _ in range(20):
            for _ in range(3):
                Reports()
            read(SOURCE)
    finally:
        gc.set_threshold(*before)
    assert Reports.thrown


def test_the_collector_works_again_afterwards_or_rests_if_it_rested() -> None:
    read("x = 1")
    assert gc.isenabled()
    gc.disable()
    try:
        read("x = 1", "exec")
        assert not gc.isenabled()
    finally:
        gc.enable()
