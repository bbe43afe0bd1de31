"""Small tables whose entries end: cookies, delegations, lame servers. The oldest unused go first when one is full.

Most are read at each question that must be asked, so they are an `OrderedDict`, whose order of use costs 0.1 µs to
keep; a `cachetools` cache takes ten times that. The end of each entry stands beside it: one look at the clock on
reading, and nothing has to be swept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from resolver.network.base import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Table(Generic[K, V]):
    """At most `maximum` values by key, each until its end; with `weigh`, values of that weight in all."""

    __slots__ = ("_boottime", "_entries", "_maximum", "_weigh", "_weight")

    def __init__(self, maximum: int, clock: Clock, weigh: Callable[[V], int] | None = None) -> None:
        self._weigh = weigh or _one
        self._maximum = maximum
        self._weight = 0
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._boottime = clock.boottime

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
            self.remove(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def left(self, key: K) -> float:
        """The seconds for which `key` still has its value; 0 when it has none."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry[1] - self._boottime())

    def put(self, key: K, value: V, seconds: float) -> None:
        """`key` has `value` for `seconds` from now."""
        weight = self._weigh(value)
        if seconds <= 0 or weight > self._maximum:
            return
        entries = self._entries
        if key in entries:
            self.remove(key)
        while self._weight + weight > self._maximum:
            self._weight -= self._weigh(entries.popitem(last=False)[1][0])
        entries[key] = (value, self._boottime() + seconds)
        self._weight += weight

    def remove(self, key: K) -> None:
        """`key` has no value."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= self._weigh(entry[0])

    def resize(self, maximum: int) -> None:
        """At most `maximum` is held from now on; what was used last stays."""
        self._maximum = maximum
        while self._weight > maximum:
            self._weight -= self._weigh(self._entries.popitem(last=False)[1][0])

    def clear(self) -> None:
        """The table is empty."""
        self._entries.clear()
        self._weight = 0

    def items(self) -> Iterator[tuple[K, V]]:
        """Every key with its value, those that have ended left out."""
        now = self._boottime()
        for key, (value, until) in list(self._entries.items()):
            if until > now:
                yield key, value


def _one(_: object) -> int:
    return 1
