"""Decides where randomness comes from: the operating system in production, a seed in simulations and tests.

Rules: query ids, source ports and the case of names are what a forger has to guess (RFC 5452 section 4), so
production draws each of them from the kernel and never from a generator whose state could be reconstructed.
What was drawn ahead is forgotten in a process that is forked: what two have drawn alike can be told from one of them.

Limits: `SeededEntropy` gives the same sequence for the same seed on every Python from 3.11 on; it protects
nothing.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, MutableSequence, Sequence
from typing import Final, TypeVar
from weakref import WeakSet

T = TypeVar("T")

POOL: Final = 1024
"""Octets drawn from the kernel at a time. They are kept in this process alone: a fork of it begins without."""


class _Drawn:
    """An `Entropy` over one of the generators of the standard library."""

    __slots__ = ("_source",)

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def bits(self, count: int) -> int:
        """A uniform integer of `count` bits, 1 to 2,040: those of a name."""
        return self._source.getrandbits(count)

    def fraction(self) -> float:
        """A uniform float in [0, 1)."""
        return self._source.random()

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, which must not be empty."""
        return self._source.choice(items)

    def shuffle(self, items: MutableSequence[T]) -> None:
        """`items` is in random order."""
        self._source.shuffle(items)


class _Kernel(random.SystemRandom):
    """The kernel's generator, by way of `bits`."""

    def __init__(self, bits: Callable[[int], int]) -> None:
        super().__init__()
        self._bits = bits

    def getrandbits(self, k: int, /) -> int:
        """An integer of `k` bits."""
        return self._bits(k)


class SystemEntropy(_Drawn):
    """The `Entropy` of production: every draw is the kernel's, which is asked for `POOL` octets at a time: a system
    call for each draw is 6 % of a miss."""

    __slots__ = ("__weakref__", "_pool", "_used", "_words")

    def __init__(self) -> None:
        self._words: list[int] = []
        self._pool, self._used = b"", 0
        super().__init__(_Kernel(self.bits))
        _ALL.add(self)

    def bits(self, count: int) -> int:
        """A uniform integer of `count` bits, 1 to 2,040: those of a name.

        Up to 16, as ids and ports have, it is a word that was drawn beforehand and is used once: a third of the price.
        """
        if count > 16:  # each octet of the pool is used once
            size = (count + 7) >> 3
            begin = self._used
            end = self._used = begin + size
            drawn = self._pool[begin:end]
            if len(drawn) < size:
                self._pool = os.urandom(max(POOL, size))
                drawn, self._used = self._pool[:size], size
            return int.from_bytes(drawn, "big") >> (-count & 7)
        try:
            word = self._words.pop()
        except IndexError:
            self._words.extend(memoryview(os.urandom(POOL)).cast("H"))
            word = self._words.pop()
        return word >> (16 - count)

    def forget(self) -> None:
        """What was drawn ahead, of any kind, is not used any more: another process has it, too."""
        self._pool, self._used = b"", 0
        self._words.clear()


_ALL: Final[WeakSet[SystemEntropy]] = WeakSet()


def _forget_all() -> None:
    for each in _ALL:
        each.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


class SeededEntropy(_Drawn):
    """The `Entropy` of simulations: the same `seed` gives the same draws."""

    __slots__ = ()

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))
