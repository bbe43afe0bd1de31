"""What has failed, and for how long it is not tried again (RFC 9520 section 3.2).

Rules
* A failure is remembered for `first_s`; each time that it comes again soon after, for twice as long as before, at most
  `longest_s`. What succeeded begins anew.
* Soon after is within as much time again as it was remembered, or `AGAIN_S`: to find out that servers are still silent
  takes longer than the first failures are remembered.
* What fails while it is remembered was tried at the same time, and is no further failure in the row: a zone that many
  ask at once is not remembered for longer than one that few do.
* It does not grow where the network may be to blame (`grows` is False).

Limits: at most `MAX_FAILURES` are remembered, of zones and questions each.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, NamedTuple, TypeVar

from cachetools import LRUCache

from resolver.errors import ResolutionFailed
from resolver.network.base import Clock

K = TypeVar("K", bound=Hashable)

MAX_FAILURES: Final = 10_000
FIRST_S: Final = 1.0
LONGEST_S: Final = 300.0
"""RFC 9520 section 3.2 wants at least 1 second and at most 5 minutes."""
AGAIN_S: Final = 10.0
"""Longer than a question is worked on (`budget.work_ms`), with a client's pause before it."""


class _Entry(NamedTuple):
    failure: ResolutionFailed
    seconds: float
    until: float


class Failures(Generic[K]):
    """Failures by key. `first_s` is how long the first of a row is remembered, `longest_s` how long any is."""

    __slots__ = ("_boottime", "_entries", "_first_s", "_longest_s", "empty")

    def __init__(self, clock: Clock, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._first_s = first_s
        self._longest_s = max(first_s, longest_s)
        self._boottime = clock.boottime
        self._entries: LRUCache[K, _Entry] = LRUCache(MAX_FAILURES)
        self.empty = True
        """True when nothing is remembered: nearly always, and to be told at once."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> ResolutionFailed | None:
        """The failure of `key` that is still remembered, never raised before."""
        entry = self._entries.get(key)
        return entry.failure.fresh() if entry is not None and entry.until > self._boottime() else None

    def put(self, key: K, failure: ResolutionFailed, *, grows: bool) -> None:
        """`key` has failed, and is not tried for a while."""
        now = self._boottime()
        before = self._entries.get(key)
        if before is not None and now < before.until:
            return
        seconds = self._first_s
        if grows and before is not None and now < before.until + max(before.seconds, AGAIN_S):
            seconds = min(self._longest_s, 2 * before.seconds)
        self._entries[key] = _Entry(failure.fresh(), seconds, now + seconds)
        self.empty = False

    def forget(self, key: K) -> None:
        """`key` has not failed."""
        self._entries.pop(key, None)
        self.empty = not self._entries

    def clear(self) -> None:
        """Nothing has failed."""
        self._entries.clear()
        self.empty = True
