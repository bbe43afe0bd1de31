"""What is kept when memory runs short: a dictionary that holds at most so many bytes.

Two generations. New and used entries live in the young one; when it holds half of the limit it becomes the
old one, and what was in the old one and not asked for since is forgotten. So an entry that is used stays, one
that is not leaves after between half a limit and a limit of newer ones: about what LRU does, at the price of
a plain dictionary and without a list to maintain. The forgotten generation is emptied along with the
insertions, `_FREED_PER_BYTE` bytes for each that is put, because freeing a million entries at once would stall the
loop. So what is in memory, forgotten entries included, stays within the limit.

Limits: bytes are what the caller says an entry weighs plus `OVERHEAD`; expiry is the caller's to check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

V = TypeVar("V")

OVERHEAD: Final = 143
"""Bytes that an entry costs in CPython beyond its key and what its value weighs: the headers of the key and of a value
of octets, 33 each, what is lost to the next multiple of 16, and the dictionary. Measured by the growth of a process
with 20,000 to 400,000 names: right within a sixth, by how full the dictionary is."""

_FREED_PER_BYTE: Final = 2
"""More than one, so that a doomed generation is gone well before the next one is full, whatever its entries weigh."""


class ByteStore(Generic[V]):
    """Values by key, at most `limit` bytes of them; `weigh` gives the bytes of a value's content."""

    __slots__ = ("_bytes", "_doomed", "_half", "_old", "_weigh", "_young", "evicted", "limit")

    def __init__(self, limit: int, weigh: Callable[[V], int]) -> None:
        self.limit = limit
        self.evicted = 0
        self._half = limit // 2
        self._weigh = weigh
        self._bytes = 0  # of the young generation
        self._young: dict[bytes, V] = {}
        self._old: dict[bytes, V] = {}
        self._doomed: dict[bytes, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> V | None:
        """The value of `key`, which is young again; None when it is not held."""
        value = self._young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def present(self, keys: Sequence[bytes]) -> list[tuple[bytes, V]]:
        """Those of `keys` that have a value, with it, in their order; most often none has, and that is told soon."""
        young, old = self._young, self._old
        there = [key for key in keys if key in young or key in old]
        return [(key, value) for key in there if (value := self.get(key)) is not None] if there else []

    def put(self, key: bytes, value: V) -> None:
        """`key` has `value`, unless that alone weighs more than half of the limit: then nothing is held for it."""
        self.remove(key)
        weight = OVERHEAD + len(key) + self._weigh(value)
        if weight > self._half:
            return
        if self._bytes + weight > self._half:
            self._turn()
        self._young[key] = value
        self._bytes += weight
        if self._doomed:
            self._free(_FREED_PER_BYTE * weight)

    def remove(self, key: bytes) -> bool:
        """`key` has no value; True when it had one."""
        value = self._young.pop(key, None)
        if value is not None:
            self._bytes -= OVERHEAD + len(key) + self._weigh(value)
            return True
        return self._old.pop(key, None) is not None

    def clear(self) -> None:
        """Nothing is held."""
        self._young, self._old, self._doomed, self._bytes = {}, {}, {}, 0

    def items(self) -> Iterator[tuple[bytes, V]]:
        """Every key with its value, the young ones first. The store must not be changed meanwhile."""
        yield from self._young.items()
        yield from self._old.items()

    def bytes_held(self) -> int:
        """Bytes of all that is in memory, as `weigh` counts them; walks the older generations."""
        return self._bytes + sum(
            OVERHEAD + len(key) + self._weigh(value)
            for generation in (self._old, self._doomed)
            for key, value in generation.items()
        )

    def resize(self, limit: int) -> None:
        """At most `limit` bytes are held. Everything is forgotten when that is less than what was held."""
        self.limit, self._half = limit, limit // 2
        if self._bytes > self._half or self.bytes_held() > limit:
            self.clear()

    def _free(self, weight: int) -> None:
        """At least `weight` bytes of the forgotten generation are gone."""
        doomed = self._doomed
        while doomed and weight > 0:
            key, value = doomed.popitem()
            weight -= OVERHEAD + len(key) + self._weigh(value)
        if not doomed:
            self._doomed = {}  # an emptied dictionary keeps its table

    def _turn(self) -> None:
        """The young generation is the old one now, and the old one is forgotten."""
        self.evicted += len(self._old)
        self._doomed = self._old
        self._old, self._young, self._bytes = self._young, {}, 0
