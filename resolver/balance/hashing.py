"""Which member a client or a name always gets: the same one, whoever computes it and whenever.

Rules
* `client-hash` hashes the network of the client, by the prefix length of its family: a host of IPv6 changes its address
  within its /64 (RFC 8981). `qname-hash` hashes the name that is asked for.
* The hash points at a place among *all* members of the pool, as many places each as its weight. Where that member takes
  no questions now, the hash is hashed again: so who is away moves its own keys and nobody else's, and gets them back.
* Hashes are BLAKE2b (RFC 7693) without a key: several daemons with the same members agree without a word.

Limits: when members are added or removed in the configuration, nearly all keys move; `ring` is for pools that change.
Who knows the members can find names that all go to one of them; who must not be able to may have no `qname-hash`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Final

from resolver.balance.pool import Key, Member

MOST_TRIES: Final = 16
"""Hashes again so often at most; then any that may be is taken, by the last hash."""
_SCALE: Final = 1.0 / (1 << 64)


class Prefixes:
    """How much of an address is one client."""

    __slots__ = ("_v4", "_v6")

    def __init__(self, v4: int = 32, v6: int = 64) -> None:
        self._v4 = v4
        self._v6 = v6

    def of(self, client: bytes) -> bytes:
        """The network of `client`, a packed address; what is no address is returned as it is."""
        size = len(client)
        length = self._v4 if size == 4 else self._v6 if size == 16 else size << 3
        octets, bits = length >> 3, length & 7
        if not bits:
            return client[:octets]
        return client[:octets] + bytes((client[octets] & (0xFF00 >> bits) & 0xFF,))


def hashed(octets: bytes) -> int:
    """A number of 64 bits that any other daemon finds for the same octets."""
    return int.from_bytes(blake2b(octets, digest_size=8).digest(), "big")


class Places:
    """All members of a pool by places, as many each as its weight."""

    __slots__ = ("_ends", "_members")

    def __init__(self) -> None:
        self._members: tuple[Member, ...] = ()
        self._ends: list[int] = []

    def changed(self, members: Sequence[Member]) -> None:
        """These are the members from now on."""
        self._members = tuple(members)
        self._ends = list(accumulate(member.weight for member in members))

    def pick(self, among: Sequence[Member], octets: bytes) -> Member:
        """The member of `octets`, or another one of `among` where that one is not."""
        number = hashed(octets)
        ends, members = self._ends, self._members
        for _ in range(MOST_TRIES):
            member = members[bisect_right(ends, number % ends[-1])]
            if member in among:
                return member
            number = hashed(number.to_bytes(8, "big"))
        return among[number % len(among)]


def fraction(octets: bytes) -> float:
    """A number in [0, 1) that is always the same for `octets`, and says nothing of their place."""
    return hashed(b"start" + octets) * _SCALE


class ClientHash:
    """The same member for the same client."""

    __slots__ = ("_places", "_prefixes")

    def __init__(self, prefixes: Prefixes) -> None:
        self._prefixes = prefixes
        self._places = Places()

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The member of the client's network."""
        return self._places.pick(among, self._prefixes.of(key.client))

    def chance(self, key: Key) -> float:
        """Always the same for a client."""
        return fraction(self._prefixes.of(key.client))

    def changed(self, members: Sequence[Member]) -> None:
        """These have the places."""
        self._places.changed(members)


class NameHash:
    """The same member for the same name."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places = Places()

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The member of the name."""
        return self._places.pick(among, key.name)

    def chance(self, key: Key) -> float:
        """Always the same for a name."""
        return fraction(key.name)

    def changed(self, members: Sequence[Member]) -> None:
        """These have the places."""
        self._places.changed(members)
