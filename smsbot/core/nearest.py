"""The name that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name within two edits (one for a name of two or three letters), if there is one.

    Of several that are as near, one of the same letters is meant.
    """
    said, most = name.casefold(), min(2, len(name) // 2)
    ranked = sorted((distance(said, k.casefold(), most), sorted(k.casefold()) != sorted(said), k) for k in known)
    return ranked[0][2] if ranked and ranked[0][0] <= most else None


def distance(a: str, b: str, most: int = 2) -> int:
    """How many edits lie between two words: letters added, dropped, changed, or two neighbours swapped.

    Optimal string alignment; anything above `most` is told as ``most + 1``.
    """
    if abs(len(a) - len(b)) > most:
        return most + 1
    older: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        oldest, older, row = older, row, [i]
        for j, y in enumerate(b, 1):
            best = min(older[j] + 1, row[j - 1] + 1, older[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                best = min(best, oldest[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
    return row[-1]
