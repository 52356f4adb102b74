from __future__ import annotations

from smsbot.understanding.remembered import remembered


def test_short_texts_are_read_once_and_long_ones_each_time() -> None:
    read: list[tuple[str, int]] = []

    @remembered
    def size(text: str, more: int) -> int:
        """The size."""
        read.append((text, more))
        return len(text) + more

    assert [size("yes", 1), size("yes", 1), size("yes", 2)] == [4, 4, 5]
    long = "x" * 161
    assert [size(long, 0), size(long, 0)] == [161, 161]
    assert read == [("yes", 1), ("yes", 2), (long, 0), (long, 0)]
    assert size.__doc__ == "The size."
