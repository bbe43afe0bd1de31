"""Decides what is asked: one stock of names for each kind of row, from which the parts of a sample are drawn.

A `Stock` knows what its row claims of each part, so that a sample can be checked against it: how many of the names are
not in the store, and how many queries have to go upstream for them. Stocks of one row, with the same number, give the
same names in the same order to every server.

Limits: names are below the zones of `hierarchy.py`; a stock of new zones ends with them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple, Protocol

from tests.bench.hierarchy import FLOODED, ZONE, bulk_zone
from tests.bench.signing import signed_name

ZIPF_NAMES: Final = 1_000_000
"""Names of which some are asked often and most hardly ever: the n-th has a chance in proportion to 1/n."""


class Part(NamedTuple):
    """Names that are asked in their order, how many of them the store cannot answer, and how many queries have to go
    upstream for those."""

    names: Sequence[str]
    misses: int
    upstream: int


class Stock(Protocol):
    """Where the names of a sample come from."""

    def warm(self) -> Part:
        """What is asked before anything is measured."""
        ...

    def take(self, count: int) -> Part:
        """The next `count` names, or as many as there are."""
        ...


MakeStock = Callable[[int, int, int], Stock]
"""A stock for the sample of this number, with this many bulk zones in the hierarchy, and its number of names divided by
the last, which is more than 1 in a quick run."""


class Hits:
    """The same names over and over, all of them asked before."""

    def __init__(self, count: int, zone: str = ZONE) -> None:
        self._names = [f"h{i}.{zone}" for i in range(count)]
        random.Random(1).shuffle(self._names)  # neighbours in the store are not neighbours in time
        self._next = itertools.cycle(self._names)

    def warm(self) -> Part:
        """Each name twice, as some make a response that they can give again only of what they have in their cache."""
        return Part(self._names * 2, len(self._names), len(self._names))

    def take(self, count: int) -> Part:
        """Names in turn; nothing goes upstream."""
        return Part(list(itertools.islice(self._next, count)), 0, 0)


class Fresh:
    """Names that nobody has asked before, below a zone that is known: one query upstream for each."""

    def __init__(self, zone: str, number: int) -> None:
        self._names = (f"m{number}n{i}.{zone}" for i in itertools.count())

    def warm(self) -> Part:
        """A thousand, which make the zone known and the program run at its usual speed."""
        return self.take(1000)

    def take(self, count: int) -> Part:
        """Further names."""
        return Part(list(itertools.islice(self._names, count)), count, count)


class Signed:
    """Names that nobody has asked before, each with a signature of its own: as for `Fresh`, until they run out."""

    def __init__(self, count: int) -> None:
        self._names = map(signed_name, range(count))

    def warm(self) -> Part:
        """Some, which make the zone and its keys known."""
        return self.take(500)

    def take(self, count: int) -> Part:
        """Further names."""
        names = list(itertools.islice(self._names, count))
        return Part(names, len(names), len(names))


class NoSuch:
    """Names that nobody has asked before, drawn at random below a zone in which there are none: NXDOMAIN for each."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)

    def warm(self) -> Part:
        """A thousand."""
        return self.take(1000)

    def take(self, count: int) -> Part:
        """Further names: of 64 bits each, so that none comes twice."""
        names = [f"{self._random.getrandbits(64):016x}.{FLOODED}" for _ in range(count)]
        return Part(names, count, count)


class NewZones:
    """Names below zones that nobody has asked for: a referral and an answer for each."""

    def __init__(self, zones: int) -> None:
        order = list(range(zones))
        random.Random(1).shuffle(order)
        self._zones = iter(order)

    def warm(self) -> Part:
        """A few zones."""
        return self.take(200)

    def take(self, count: int) -> Part:
        """A name in each of the next zones."""
        names = [f"www.{bulk_zone(number)}" for number in itertools.islice(self._zones, count)]
        return Part(names, len(names), 2 * len(names))


class Mixed:
    """Names drawn by Zipf's law out of a million: those that came before are hits, the others misses."""

    def __init__(self, number: int, warm: int) -> None:
        self._random = random.Random(number)
        self._seen: set[int] = set()
        self._warm = warm

    def warm(self) -> Part:
        """As many as make the popular names known."""
        return self.take(self._warm)

    def take(self, count: int) -> Part:
        """Further draws, with the number of names among them that never came before."""
        drawn = self._random.choices(range(ZIPF_NAMES), cum_weights=_zipf(), k=count)
        before = len(self._seen)
        self._seen.update(drawn)
        new = len(self._seen) - before
        return Part([f"z{number}.{ZONE}" for number in drawn], new, new)


@cache
def _zipf() -> list[float]:
    return list(itertools.accumulate(1 / n for n in range(1, ZIPF_NAMES + 1)))
