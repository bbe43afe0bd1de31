"""Small tables whose entries end: servers, delegations, failures. The oldest unused go first when a table is
full.

cachetools keeps the order of use; the end of each entry stands beside it, because one clock check on reading
is cheaper than a TLRUCache, and nothing has to be swept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from cachetools import LRUCache

from resolver.network.base import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Table(Generic[K, V]):
    """At most `maximum` values by key, each until its end; with `weigh`, values of that weight in all."""

    __slots__ = ("_boottime", "_entries", "_weigh")

    def __init__(self, maximum: int, clock: Clock, weigh: Callable[[V], int] | None = None) -> None:
        self._weigh = weigh or _one
        self._entries = self._made(maximum)
        self._boottime = clock.boottime

    def _made(self, maximum: int) -> LRUCache[K, tuple[V, float]]:
        return LRUCache(maximum, getsizeof=lambda entry: self._weigh(entry[0]))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry[1] > self._boottime()

    def get(self, key: K) -> V | None:
        """The value of `key`, None when there is none or it has ended."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._boottime():
            del self._entries[key]
            return None
        return entry[0]

    def left(self, key: K) -> float:
        """The seconds for which `key` still has its value; 0 when it has none."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry[1] - self._boottime())

    def put(self, key: K, value: V, seconds: float) -> None:
        """`key` has `value` for `seconds` from now."""
        if seconds > 0 and self._weigh(value) <= self._entries.maxsize:
            self._entries[key] = (value, self._boottime() + seconds)

    def remove(self, key: K) -> None:
        """`key` has no value."""
        self._entries.pop(key, None)

    def resize(self, maximum: int) -> None:
        """At most `maximum` is held from now on; what was used last stays."""
        before, self._entries = self._entries, self._made(maximum)
        for key, entry in before.items():
            if self._weigh(entry[0]) <= maximum:
                self._entries[key] = entry

    def clear(self) -> None:
        """The table is empty."""
        self._entries.clear()

    def items(self) -> Iterator[tuple[K, V]]:
        """Every key with its value, those that have ended left out."""
        now = self._boottime()
        for key, (value, until) in list(self._entries.items()):
            if until > now:
                yield key, value


def _one(_: object) -> int:
    return 1
