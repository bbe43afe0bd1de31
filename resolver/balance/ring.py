"""Which member a name gets, so that few names move when members come and go, and none of them gets too much.

Rules
* Members have points on a ring of 64-bit hashes, `POINTS` for each unit of weight; a name belongs to the owner of the
  first point behind its own hash (Karger et al., *Consistent Hashing and Random Trees*, 1997). Adding or removing one
  of N moves about 1/N of the names, and those to or from that one alone. Where a member takes no questions now, its
  names go to the owners of the points behind: they are spread over all others.
* The load is bounded: who has more than `bound` times its share of what is outstanding is passed over (Mirrokni,
  Thorup, Zadimoghaddam, *Consistent Hashing with Bounded Loads*, 2016), so that a name that all ask for does not sink
  its member. Below `ALWAYS` outstanding questions nobody is passed over.
* Where no name is known, as where nobody looks inside, the client's network takes its place.

Limits: `MOST_POINTS` in all; beyond it all members have less each, and adding one moves a few names between others.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from resolver.balance.hashing import Prefixes, fraction, hashed
from resolver.balance.pool import Key, Member

POINTS: Final = 256
"""Shares differ by about 1/16 with so many; the usual 160 give 1/13."""
MOST_POINTS: Final = 65_536
ALWAYS: Final = 16
BOUND: Final = 1.25


class ConsistentHash:
    """The same member for the same name, most of the time."""

    __slots__ = ("_bound", "_members", "_owners", "_points", "_prefixes")

    def __init__(self, prefixes: Prefixes, bound: float = BOUND) -> None:
        self._prefixes = prefixes
        self._bound = bound
        self._members: tuple[Member, ...] = ()
        self._points: array[int] = array("Q")
        self._owners: array[int] = array("H")

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The owner of the first point behind the name that may be and has not too much to do."""
        outstanding, weight = 1, 0
        for member in among:
            outstanding += member.outstanding
            weight += member.weight
        share = self._bound * outstanding / weight
        members, owners = self._members, self._owners
        at = bisect_right(self._points, hashed(self._of(key)))
        size, passed = len(owners), -1
        for step in range(size):
            owner = owners[(at + step) % size]
            if owner == passed:
                continue
            member = members[owner]
            if member in among and (member.outstanding < ALWAYS or member.outstanding < share * member.weight):
                return member
            passed = owner
        return among[0]

    def chance(self, key: Key) -> float:
        """Always the same for a name."""
        return fraction(self._of(key))

    def changed(self, members: Sequence[Member]) -> None:
        """These have the points from now on: each its own, whoever else is there."""
        self._members = tuple(members)
        wanted = POINTS * sum(member.weight for member in members)
        scale = min(1.0, MOST_POINTS / wanted) if wanted else 1.0
        placed = []
        for owner, member in enumerate(members):
            count = max(1, round(POINTS * member.weight * scale))
            placed += [(point, owner) for point in _points(member.name, count)]
        placed.sort()
        self._points = array("Q", [point for point, _ in placed])
        self._owners = array("H", [owner for _, owner in placed])

    def _of(self, key: Key) -> bytes:
        return key.name or self._prefixes.of(key.client)


def _points(name: str, count: int) -> list[int]:
    """The first `count` points of a member, from eight hashes at a time."""
    points: list[int] = []
    octets = name.encode()
    for block in range((count + 7) // 8):
        digest = blake2b(octets, salt=block.to_bytes(8, "big"), digest_size=64).digest()
        points += [int.from_bytes(digest[at : at + 8], "big") for at in range(0, 64, 8)]
    return points[:count]
