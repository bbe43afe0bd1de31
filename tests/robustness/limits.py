"""What a cache takes of the memory that it is allowed, by what it is filled with."""

from __future__ import annotations

from typing import Final

from tests.robustness.rates import Figure
from tests.support.filling import KINDS, MIXED, filled

SIZES_MB: Final = (8, 16, 64, 256)
_NAME: Final = {"TXT": 1200, MIXED: 260}
"""Octets that a name takes, where it is not `_SMALL`, to fill the cache two and a half times."""
_SMALL: Final = 210


def limits() -> list[Figure]:
    """Filled beyond its limit with one kind of record, or with a mixture: the growth of the process."""
    figures = []
    for size in SIZES_MB:
        limit = size * 1024 * 1024 * 3 // 8
        seen = [filled(kind, limit * 5 // 2 // _NAME.get(kind, _SMALL), limit) for kind in (*KINDS, MIXED)]
        least, most = min(each.lowest_full for each in seen) / limit, max(each.highest for each in seen) / limit
        what = (
            f"a cache of {size} MiB, filled beyond its limit with each of five kinds of record, or a mixture: it takes"
        )
        wanted = "0.8 to 1.2 of its share"
        figures.append(Figure(what, f"{least:.2f} to {most:.2f}", wanted, least >= 0.8 and most <= 1.2))
    return figures
