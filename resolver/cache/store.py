"""What is kept when memory runs short: a dictionary that holds at most so many bytes.

Two generations. New and used entries live in the young one; when it holds half of the limit it becomes the
old one, and what was in the old one and not asked for since is forgotten. So an entry that is used stays, one
that is not leaves after between half a limit and a limit of newer ones: about what LRU does, at the price of
a plain dictionary and without a list to maintain. The forgotten generation is emptied along with the
insertions, `_FREED_PER_BYTE` bytes for each that is put, because freeing a million entries at once would stall the
loop. So what is in memory, forgotten entries included, stays within the limit.

A generation is `SHARDS` dictionaries, by the hash of the key: a dictionary that grows is copied, which stalls the loop
for 40 ms when it holds 700,000 entries, and takes its table twice meanwhile. The hash of octets has a secret of the
process in it, so nobody can choose names that meet in one of them.

Limits: bytes are what the caller says an entry weighs plus `OVERHEAD`; expiry is the caller's to check. Values of up
to 512 octets and larger ones are kept by two allocators, neither of which uses what the other has freed: a cache that
was full of small ones and is then filled with large ones alone takes up to 1.9 times its limit. Filled with one kind,
or with a mixture, it takes 0.86 to 1.05 of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

V = TypeVar("V")

OVERHEAD: Final = 143
"""Bytes that an entry costs in CPython beyond its key and what its value weighs: the headers of the key and of a value
of octets, 33 each, what is lost to the next multiple of 16, and the dictionary. Measured by the growth of a process
with 100,000 and 1,000,000 names of five kinds: right within a ninth, by how full the dictionaries are."""

SHARDS: Final = 64
"""Dictionaries of a generation: with a million entries in all the longest growth of one takes about a millisecond."""
FEW_SHARDS: Final = 2
"""Dictionaries of a store of a few megabytes, which takes as much longer to make the more there are."""

_FREED_PER_BYTE: Final = 2
"""More than one, so that a doomed generation is gone well before the next one is full, whatever its entries weigh."""


class ByteStore(Generic[V]):
    """Values by key, at most `limit` bytes of them; `weigh` gives the bytes of a value's content."""

    __slots__ = (
        "_bytes",
        "_doomed",
        "_doomed_bytes",
        "_half",
        "_mask",
        "_old_bytes",
        "_shards",
        "_weigh",
        "evicted",
        "limit",
    )

    def __init__(self, limit: int, weigh: Callable[[V], int], shards: int = SHARDS) -> None:
        """A generation has so many `shards`, a power of two."""
        self.limit = limit
        self._mask = shards - 1
        self.evicted = 0
        self._half = limit // 2
        self._weigh = weigh
        self.clear()

    def clear(self) -> None:
        """Nothing is held."""
        # Young and old side by side: most often a key is looked for in both. A key is in one of them at most.
        self._shards: list[tuple[dict[bytes, V], dict[bytes, V]]] = [({}, {}) for _ in range(self._mask + 1)]
        self._doomed: list[dict[bytes, V]] = []
        self._bytes = self._old_bytes = self._doomed_bytes = 0

    def __len__(self) -> int:
        return sum(len(young) + len(old) for young, old in self._shards)

    def get(self, key: bytes) -> V | None:
        """The value of `key`, which is young again; None when it is not held."""
        young, old = self._shards[hash(key) & self._mask]
        value = young.get(key)
        if value is None and old and (value := old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: bytes, value: V) -> None:
        """`key` has `value`, unless that alone weighs more than half of the limit: then nothing is held for it."""
        weight = OVERHEAD + len(key) + self._weigh(value)
        young, old = self._shards[hash(key) & self._mask]
        if key in young or key in old:
            self.remove(key)
        held = self._bytes + weight
        if held > self._half:
            if weight > self._half:
                return
            self._turn()
            young, held = self._shards[hash(key) & self._mask][0], weight
        young[key] = value
        self._bytes = held
        if self._doomed:
            self._free(_FREED_PER_BYTE * weight)

    def remove(self, key: bytes) -> bool:
        """`key` has no value; True when it had one."""
        young, old = self._shards[hash(key) & self._mask]
        if (value := young.pop(key, None)) is not None:
            self._bytes -= OVERHEAD + len(key) + self._weigh(value)
            return True
        if (value := old.pop(key, None)) is not None:
            self._old_bytes -= OVERHEAD + len(key) + self._weigh(value)
            return True
        return False

    def items(self) -> Iterator[tuple[bytes, V]]:
        """Every key with its value, in no order. The store must not be changed meanwhile."""
        for young, old in self._shards:
            yield from young.items()
            yield from old.items()

    def bytes_held(self) -> int:
        """Bytes of all that is in memory, as `weigh` counts them: what is forgotten and not yet freed is part of it."""
        return self._bytes + self._old_bytes + self._doomed_bytes

    def resize(self, limit: int) -> None:
        """At most `limit` bytes are held. Everything is forgotten when that is less than what was held."""
        self.limit, self._half = limit, limit // 2
        if self._bytes > self._half or self.bytes_held() > limit:
            self.clear()

    def _free(self, weight: int) -> None:
        """At least `weight` bytes of the forgotten generation are gone."""
        left = self._doomed_bytes
        enough = max(0, left - weight)
        while left > enough:
            doomed = self._doomed[-1]
            while doomed and left > enough:
                key, value = doomed.popitem()
                left -= OVERHEAD + len(key) + self._weigh(value)
            if not doomed:
                self._doomed.pop()  # with its table, which an emptied dictionary keeps
        self._doomed_bytes = left

    def _turn(self) -> None:
        """The young generation is the old one now, and the old one is forgotten."""
        self.evicted += sum(len(old) for _, old in self._shards)
        self._doomed += [old for _, old in self._shards if old]
        self._doomed_bytes += self._old_bytes
        self._shards = [({}, young) for young, _ in self._shards]
        self._old_bytes, self._bytes = self._bytes, 0
