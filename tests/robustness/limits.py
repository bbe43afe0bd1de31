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
    """Filled beyond its limit with one kind of record, or with a mixture: the growth of the process at its highest."""
    figures = []
    for size in SIZES_MB:
        limit = size * 1024 * 1024 * 3 // 8
        for kind in (*KINDS, MIXED):
            seen = filled(kind, limit * 5 // 2 // _NAME.get(kind, _SMALL), limit)
            least, most = seen.lowest_full / limit, seen.highest / limit
            what = f"records in a cache of {size} MiB, filled with {kind} beyond its limit: of its share it takes"
            figures.append(Figure(what, f"{least:.2f} to {most:.2f}", "0.8 to 1.2", least >= 0.8 and most <= 1.2))
    return figures
