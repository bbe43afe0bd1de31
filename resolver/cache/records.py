"""What the resolver holds to be true: RRsets and denials, each with its credibility and its end.

Rules
* Data of lower credibility never replaces data of higher credibility that has not expired (RFC 2181 section
  5.4.1).
* A denial is held under the type it denies, NXDOMAIN under `NAME_ERROR`, for the TTL that RFC 2308 section 5
  gives: the lower of the SOA's TTL and its MINIMUM. A denial without a SOA is not held.
* A new RRset replaces the denial of its type or of its name, and a denial replaces the RRset of its type, where
  credibility allows it.
* Time is counted in whole seconds, so that a TTL seen by one client is never higher than one seen before it.

Limits: the referrals of a parent and their glue are not records; they are in `delegations.py`, so nothing
that a child says of its own delegation can make it live longer.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from resolver.cache.store import ByteStore
from resolver.message import RRset, Type
from resolver.network.base import Clock
from resolver.wire import names, rdata

NAME_ERROR: Final = 0
"""The type under which a name error is held; no record has type 0 (RFC 6895 section 3.1)."""

_ANSWERING_ANY: Final = (Type.ANY, NAME_ERROR)
"""What is held for ANY: denials. A CNAME is not followed for it (RFC 1034 section 3.6.2); sets are not gathered."""

_NO_DATA: Final = frozenset((NAME_ERROR, *range(128, 256)))
"""Types of queries and messages (RFC 6895 section 3.1): no record has them, whatever a server sends."""

_RRSET_COST: Final = 160
_RDATA_COST: Final = 41
"""Bytes of CPython objects per RRset and per rdata, beyond their octets."""


class Credibility(enum.IntEnum):
    """How far data is to be trusted, by where it stood (RFC 2181 section 5.4.1)."""

    ADDITIONAL = 1
    REFERRAL = 2
    ANSWER = 3
    AUTHORITY = 4
    AUTHORITATIVE_ANSWER = 5


class Held(NamedTuple):
    """One entry: an RRset, or with `rrset` None a denial proven by `soa`. `expires` in seconds of boot time."""

    rrset: RRset | None
    soa: RRset | None
    credibility: int
    expires: int


class Known(NamedTuple):
    """What is known of a question now; TTLs are what is left. Exactly one of `rrset` and `soa` is there."""

    rrset: RRset | None
    soa: RRset | None
    nxdomain: bool


@dataclass(frozen=True, slots=True)
class TtlLimits:
    """Bounds on how long anything is held, in seconds: positive answers between the first two, denials by the third."""

    minimum: int = 0
    maximum: int = 86_400
    negative_maximum: int = 3_600


def _weigh(held: Held) -> int:
    total = 0
    for rrset in (held.rrset, held.soa):
        if rrset is not None:
            total += _RRSET_COST + len(rrset.name) + sum(_RDATA_COST + len(each) for each in rrset.rdatas)
    return total


def _key(name: bytes, rtype: int) -> bytes:
    return names.fold(name) + rtype.to_bytes(2, "big")


class Records:
    """RRsets and denials of class IN, within a limit of bytes."""

    def __init__(self, limit_bytes: int, clock: Clock, ttls: TtlLimits | None = None) -> None:
        self.ttls = ttls or TtlLimits()
        self._clock = clock
        self._any_dname = False  # most resolvers never meet one, and need not look for it at each miss
        self.store: ByteStore[Held] = ByteStore(limit_bytes, _weigh)

    def __len__(self) -> int:
        return len(self.store)

    def recall(self, name: bytes, rtype: int) -> Known | None:
        """What is known of `name` and `rtype` now: the RRset, its alias, or the denial; None when it must be asked."""
        now = int(self._clock.boottime())
        for each in _ANSWERING_ANY if rtype == Type.ANY else (rtype, NAME_ERROR, Type.CNAME):
            held = self.store.get(_key(name, each))
            if held is None or held.expires <= now or (held.rrset is None and each not in (rtype, NAME_ERROR)):
                continue
            left = held.expires - now
            if held.rrset is not None:
                return Known(held.rrset._replace(ttl=left), None, False)
            if held.soa is not None:
                return Known(None, held.soa._replace(ttl=left), each == NAME_ERROR)
        return None

    def dname_above(self, name: bytes) -> RRset | None:
        """The DNAME that is held nearest above `name`, with what is left of its TTL."""
        if not self._any_dname:
            return None
        now = int(self._clock.boottime())
        for owner in islice(names.ancestors(name), 1, None):
            held = self.store.get(_key(owner, Type.DNAME))
            if held is not None and held.rrset is not None and held.expires > now:
                return held.rrset._replace(ttl=held.expires - now)
        return None

    def left(self, rrset: RRset) -> int:
        """The seconds for which `rrset`, learnt before, is still good, at most its TTL; 0 if it is not held."""
        held = self.store.get(_key(rrset.name, rrset.type))
        if held is None:
            return 0
        return max(0, min(rrset.ttl, held.expires - int(self._clock.boottime())))

    def learn(self, rrset: RRset, credibility: Credibility) -> RRset:
        """`rrset` is held for its TTL, within the limits, unless better data is there. Returned with that TTL."""
        if rrset.type in _NO_DATA:
            return rrset
        limits = self.ttls
        ttl = max(limits.minimum, min(rrset.ttl, limits.maximum))
        self._put(_key(rrset.name, rrset.type), Held(rrset, None, credibility, self._expiry(ttl)), ttl)
        self._any_dname = self._any_dname or rrset.type == Type.DNAME
        if ttl:
            self._drop_if_weaker(_key(rrset.name, NAME_ERROR), credibility)
        return rrset if ttl == rrset.ttl else rrset._replace(ttl=ttl)

    def learn_denial(self, name: bytes, rtype: int, soa: RRset, credibility: Credibility) -> RRset:
        """`name` has no data of `rtype` (`NAME_ERROR`: does not exist), for the time that `soa` gives (RFC 2308).

        Returns the SOA with that time as its TTL, as it is answered (RFC 2308 section 3).
        """
        ttl = min(soa.ttl, rdata.soa_minimum(soa.rdatas[0]), self.ttls.negative_maximum)
        self._put(_key(name, rtype), Held(None, soa, credibility, self._expiry(ttl)), ttl)
        return soa._replace(ttl=ttl)

    def flush(self, name: bytes, *, subtree: bool) -> int:
        """Nothing is held of `name`, nor of any name below it when `subtree`. The number of entries that went."""
        folded = names.fold(name)
        doomed = [
            key for key, _ in self.store.items() if key[:-2] == folded or (subtree and names.is_below(key[:-2], folded))
        ]
        for key in doomed:
            self.store.remove(key)
        return len(doomed)

    def _expiry(self, ttl: int) -> int:
        return int(self._clock.boottime()) + ttl

    def _put(self, key: bytes, held: Held, ttl: int) -> None:
        if ttl <= 0:
            return
        before = self.store.get(key)
        now = int(self._clock.boottime())
        if before is not None and before.credibility > held.credibility and before.expires > now:
            return
        self.store.put(key, held)

    def _drop_if_weaker(self, key: bytes, credibility: int) -> None:
        before = self.store.get(key)
        if before is not None and before.credibility <= credibility:
            self.store.remove(key)
