"""What the resolver holds to be true: RRsets and denials, each with its credibility and its end.

Rules
* Data of lower credibility never replaces data of higher credibility that has not expired (RFC 2181 section
  5.4.1).
* A denial is held under the type it denies, NXDOMAIN under `NAME_ERROR`, for the TTL that RFC 2308 section 5
  gives: the lower of the SOA's TTL and its MINIMUM. A denial without a SOA is not held.
* A new RRset replaces the denial of its type or of its name, and a denial replaces the RRset of its type, where
  credibility allows it.
* Time is counted in whole seconds, so that a TTL seen by one client is never higher than one seen before it.
* What has expired stays until room is needed, for those who ask for what is stale (RFC 8767). Of what is stale the
  latest learnt counts, and anything that is not stale counts more.
* What is too large for the cache is answered and held for `BRIEFLY_S` only.

Limits: the referrals of a parent and their glue are not records; they are in `delegations.py`, so nothing
that a child says of its own delegation can make it live longer. What validation rejects must not be learnt: there is
no place here for what is bogus, so it can never be stale either.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from resolver.cache import packed
from resolver.cache.store import ByteStore
from resolver.message import RRset, Type
from resolver.network.base import Clock
from resolver.wire import names, rdata

NAME_ERROR: Final = 0
"""The type under which a name error is held; no record has type 0 (RFC 6895 section 3.1)."""

BRIEFLY_S: Final = 1
"""Seconds for which what is too large is held: enough for those who ask at the same time."""

PREFETCHED_TTL_S: Final = 10
"""The lowest TTL whose last tenth is worth a second's notice."""

_END_NAME_ERROR: Final = NAME_ERROR.to_bytes(2, "big")
_ENDS_OTHERS: Final = (_END_NAME_ERROR, Type.CNAME.to_bytes(2, "big"))
"""How the keys end of what answers for every type."""
_ANSWERING_ANY: Final = (
    *(Type.A, Type.NS, Type.CNAME, Type.SOA, Type.PTR, Type.MX, Type.TXT, Type.AAAA),
    *(Type.SRV, Type.DNAME, Type.SVCB, Type.HTTPS, Type.CAA, Type.ANY, NAME_ERROR),
)
"""What is looked for when ANY is asked: one RRset, that of the lowest type (RFC 8482 section 4.1), then denials."""
_ENDS_ANY: Final = tuple(each.to_bytes(2, "big") for each in _ANSWERING_ANY)

_NO_DATA: Final = frozenset((NAME_ERROR, *range(128, 256)))
"""Types of queries and messages (RFC 6895 section 3.1): no record has them, whatever a server sends."""


class Credibility(enum.IntEnum):
    """How far data is to be trusted, by where it stood (RFC 2181 section 5.4.1)."""

    ADDITIONAL = 1
    REFERRAL = 2
    ANSWER = 3
    AUTHORITY = 4
    AUTHORITATIVE_ANSWER = 5


class Known(NamedTuple):
    """What is known of a question now; TTLs are what is left. Exactly one of `rrset` and `soa` is there."""

    rrset: RRset | None
    soa: RRset | None
    nxdomain: bool


class Listed(NamedTuple):
    """An entry as it is shown to people: its name folded, its type, the seconds left, the number of its records."""

    name: bytes
    type: int
    left: int
    records: int


@dataclass(frozen=True, slots=True)
class TtlLimits:
    """Bounds on how long anything is held, in seconds: positive answers between the first two, denials by the third.

    An RRset of more than `max_records` records or `max_bytes` octets of data is held for `BRIEFLY_S`.
    """

    minimum: int = 0
    maximum: int = 86_400
    negative_maximum: int = 3_600
    max_records: int = 100
    max_bytes: int = 8_192


def _weigh(entry: bytes) -> int:
    return len(entry)


def _key(name: bytes, rtype: int) -> bytes:
    return names.fold(name) + rtype.to_bytes(2, "big")


class Records:
    """RRsets and denials of class IN, within a limit of bytes."""

    def __init__(self, limit_bytes: int, clock: Clock, ttls: TtlLimits | None = None) -> None:
        self.ttls = ttls or TtlLimits()
        self._clock = clock
        self.any_dname = False
        """Most resolvers never meet one, and need not look for it at each miss."""
        self.store: ByteStore[bytes] = ByteStore(limit_bytes, _weigh)

    def __len__(self) -> int:
        return len(self.store)

    def recall(self, name: bytes, rtype: int) -> Known | None:
        """What is known of `name` and `rtype` now: the RRset, its alias, or the denial; None when it must be asked.

        For ANY it is one RRset.
        """
        found = self._fresh(name, rtype)
        if found is None:
            return None
        key, held, left = found
        return _known(key, held, left)

    def recall_stale(self, name: bytes, rtype: int, age: int) -> Known | None:
        """As `recall`; failing that, what has expired for less than `age` seconds, with a TTL of 0."""
        candidates = self._candidates(name, rtype)
        if not candidates:
            return None
        known = self.recall(name, rtype)
        if known is not None or rtype == Type.ANY:
            return known
        now = int(self._clock.boottime())
        best: tuple[int, bytes, bytes] | None = None
        for key, held in candidates:
            expires, ttl = packed.ends(held)
            if expires + age > now and (best is None or expires - ttl > best[0]):
                best = expires - ttl, key, held
        return None if best is None else _known(best[1], best[2], 0)

    def renewable_in(self, name: bytes, rtype: int) -> int | None:
        """Seconds until what `recall` gives is in the last tenth of the TTL that it was learnt with; 0 when it is.

        None when nothing is held, or that TTL is below `PREFETCHED_TTL_S`.
        """
        found = self._fresh(name, rtype)
        if found is None:
            return None
        ttl = packed.ends(found[1]).ttl
        return None if ttl < PREFETCHED_TTL_S else max(0, found[2] - ttl // 10)

    def dname_above(self, name: bytes, *, stale_for: int = 0) -> RRset | None:
        """The DNAME that is held nearest above `name`, with what is left of its TTL; 0 for one that is stale."""
        if not self.any_dname:
            return None
        now = int(self._clock.boottime())
        for owner in islice(names.ancestors(name), 1, None):
            key = _key(owner, Type.DNAME)
            held = self.store.get(key)
            if held is None:
                continue
            expires = packed.ends(held).expires
            if expires + stale_for > now and (known := _known(key, held, max(0, expires - now))).rrset is not None:
                return known.rrset
        return None

    def left(self, rrset: RRset) -> int:
        """The seconds for which `rrset`, learnt before, is still good, at most its TTL; 0 if it is not held."""
        held = self.store.get(_key(rrset.name, rrset.type))
        if held is None:
            return 0
        return max(0, min(rrset.ttl, packed.ends(held).expires - int(self._clock.boottime())))

    def learn(self, rrset: RRset, credibility: Credibility) -> RRset:
        """`rrset` is held for its TTL, within the limits, unless better data is there. Returned with that TTL."""
        if rrset.type in _NO_DATA:
            return rrset
        limits = self.ttls
        ttl = max(limits.minimum, min(rrset.ttl, limits.maximum))
        if len(rrset.rdatas) > limits.max_records or sum(map(len, rrset.rdatas)) > limits.max_bytes:
            ttl = min(ttl, BRIEFLY_S)
        learnt = rrset if ttl == rrset.ttl else rrset._replace(ttl=ttl)
        self._put(_key(rrset.name, rrset.type), learnt, credibility, denial=False)
        self.any_dname = self.any_dname or rrset.type == Type.DNAME
        if ttl:
            self._drop_if_weaker(_key(rrset.name, NAME_ERROR), credibility)
        return learnt

    def learn_denial(self, name: bytes, rtype: int, soa: RRset, credibility: Credibility) -> RRset:
        """`name` has no data of `rtype` (`NAME_ERROR`: does not exist), for the time that `soa` gives (RFC 2308).

        Returns the SOA with that time as its TTL, as it is answered (RFC 2308 section 3).
        """
        ttl = min(soa.ttl, rdata.soa_minimum(soa.rdatas[0]), self.ttls.negative_maximum)
        learnt = soa._replace(ttl=ttl)
        self._put(_key(name, rtype), learnt, credibility, denial=True)
        return learnt

    def flush(self, name: bytes, *, subtree: bool) -> int:
        """Nothing is held of `name`, nor of any name below it when `subtree`. The number of entries that went."""
        folded = names.fold(name)
        doomed = [
            key for key, _ in self.store.items() if key[:-2] == folded or (subtree and names.is_below(key[:-2], folded))
        ]
        for key in doomed:
            self.store.remove(key)
        return len(doomed)

    def listed(self) -> Iterator[Listed]:
        """What is held and has not expired. Nothing must be learnt meanwhile."""
        now = int(self._clock.boottime())
        for key, held in self.store.items():
            left = packed.ends(held).expires - now
            if left > 0:
                entry = packed.unpack(key, held, left)
                count = 0 if entry.denial else len(entry.rrset.rdatas)
                yield Listed(key[:-2], int.from_bytes(key[-2:], "big"), left, count)

    def _candidates(self, name: bytes, rtype: int) -> list[tuple[bytes, bytes]]:
        """The entries that can answer for `name` and `rtype`, the one that counts most first."""
        folded = names.fold(name)
        asked = rtype.to_bytes(2, "big")
        ends = _ENDS_ANY if rtype == Type.ANY else (asked, *_ENDS_OTHERS)
        found = self.store.present([folded + end for end in ends])
        if not found:
            return found
        # That a type is denied says nothing of another.
        return [
            (key, held) for key, held in found if key[-2:] in (asked, _END_NAME_ERROR) or not packed.is_denial(held)
        ]

    def _fresh(self, name: bytes, rtype: int) -> tuple[bytes, bytes, int] | None:
        """The entry that answers now, under its key, and the seconds that are left of it."""
        now = int(self._clock.boottime())
        for key, held in self._candidates(name, rtype):
            left = packed.ends(held).expires - now
            if left > 0:
                return key, held, left
        return None

    def _put(self, key: bytes, rrset: RRset, credibility: int, *, denial: bool) -> None:
        now = int(self._clock.boottime())
        before = self.store.get(key)
        if before is not None:
            good = packed.ends(before).expires > now
            if good and (packed.credibility(before) > credibility or rrset.ttl <= 0):
                return
            if rrset.ttl <= 0:  # it is stale, and something else is true now
                self.store.remove(key)
        if rrset.ttl > 0:
            self.store.put(key, packed.pack(key, rrset, credibility, now + rrset.ttl, denial=denial))

    def _drop_if_weaker(self, key: bytes, credibility: int) -> None:
        before = self.store.get(key)
        if before is not None and packed.credibility(before) <= credibility:
            self.store.remove(key)


def _known(key: bytes, held: bytes, left: int) -> Known:
    entry = packed.unpack(key, held, left)
    if entry.denial:
        return Known(None, entry.rrset, key[-2:] == b"\0\0")
    return Known(entry.rrset, None, False)
