"""What the resolver holds to be true: RRsets and denials, each with its credibility and its end.

Rules
* Data of lower credibility never replaces data of higher credibility that has not expired (RFC 2181 section
  5.4.1). What was checked (`message.Status`) is worth more than all that was not, and a question that is to be checked
  sees nothing else (RFC 4035 section 4.5).
* A denial, and what was made from a wildcard, are held for no longer than the NSEC or NSEC3 that prove them; what is
  signed no longer than its TTL, which the validator has cut at the end of the signature.
* A denial is held under the type it denies, NXDOMAIN under `NAME_ERROR`, for the TTL that RFC 2308 section 5
  gives: the lower of the SOA's TTL and its MINIMUM. A denial without a SOA is not held.
* A new RRset replaces the denial of its type or of its name, and a denial replaces the RRset of its type, where
  credibility allows it.
* Time is counted in whole seconds, so that a TTL seen by one client is never higher than one seen before it.
* What has expired stays until room is needed, for those who ask for what is stale (RFC 8767). Of what is stale the
  latest learnt counts, and anything that is not stale counts more.
* What is known of a name is one entry, of `MAX_TYPES` types at most; it is used, or forgotten, as one.
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
from resolver.cache.packed import LEAST_CHECKED, STATUS
from resolver.cache.store import SHARDS, ByteStore
from resolver.message import Proof, RRset, Status, Type
from resolver.network.base import Clock
from resolver.wire import names, rdata

NAME_ERROR: Final = 0
"""The type under which a name error is held; no record has type 0 (RFC 6895 section 3.1)."""

BRIEFLY_S: Final = 1
"""Seconds for which what is too large is held: enough for those who ask at the same time."""

PREFETCHED_TTL_S: Final = 10
"""The lowest TTL whose last tenth is worth a second's notice."""

MAX_TYPES: Final = 16
"""Types of a name of which something is held. For one more the oldest denial goes, and where there is none the oldest
data: so who asks a name for every type there is pushes out nothing but denials. All are copied when one is learnt."""

_tuple: Final = tuple.__new__
_CNAME: Final = int(Type.CNAME)
_DNAME: Final = int(Type.DNAME)
_ANY: Final = int(Type.ANY)
_ANSWERING_ANY: Final = (
    *(Type.A, Type.NS, Type.CNAME, Type.SOA, Type.PTR, Type.MX, Type.TXT, Type.AAAA),
    *(Type.SRV, Type.DNAME, Type.SVCB, Type.HTTPS, Type.CAA, Type.ANY, NAME_ERROR),
)
"""What is looked for when ANY is asked: one RRset, that of the lowest type (RFC 8482 section 4.1), then denials."""

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


class Records:
    """RRsets and denials of class IN, within a limit of bytes."""

    def __init__(self, limit_bytes: int, clock: Clock, ttls: TtlLimits | None = None, *, shards: int = SHARDS) -> None:
        """`shards` are those of the store."""
        self.ttls = ttls or TtlLimits()
        self._boottime = clock.boottime
        self.any_dname = False
        """Most resolvers never meet one, and need not look for it at each miss."""
        self.store: ByteStore[bytes] = ByteStore(limit_bytes, len, shards)
        """What is known by folded name, as `packed` lays it out."""
        self._held = self.store.get

    def __len__(self) -> int:
        """The number of names of which something is held."""
        return len(self.store)

    def recall(self, name: bytes, rtype: int, checked: bool = False) -> Known | None:
        """What is known of `name` and `rtype` now: the RRset, its alias, or the denial; None when it must be asked.

        For ANY it is one RRset. With `checked`, what was not is not known.
        """
        key = name.lower()
        held = self._held(key)
        if held is None:
            return None
        now = int(self._boottime())
        at = _fresh(held, rtype, now, LEAST_CHECKED if checked else 0)
        return None if at < 0 else _known(key, held, at, now)

    def recall_stale(self, name: bytes, rtype: int, age: int, checked: bool = False) -> Known | None:
        """As `recall`; failing that, what has expired for less than `age` seconds, with a TTL of 0."""
        key = name.lower()
        held = self._held(key)
        if held is None:
            return None
        now = int(self._boottime())
        least = LEAST_CHECKED if checked else 0
        at = _fresh(held, rtype, now, least)
        if at < 0 and rtype != _ANY:
            at = _latest(held, rtype, now - age, least)
        return None if at < 0 else _known(key, held, at, now)

    def ends(self, name: bytes, rtype: int, checked: bool = False) -> packed.Ends | None:
        """When what `recall` gives ends, or has ended if that is all there is; None when nothing is held."""
        held = self._held(name.lower())
        if held is None:
            return None
        least = LEAST_CHECKED if checked else 0
        at = _fresh(held, rtype, int(self._boottime()), least)
        if at < 0 and rtype != _ANY:
            at = _latest(held, rtype, 0, least)
        return None if at < 0 else packed.ends(held, at)

    def renewable_in(self, name: bytes, rtype: int, checked: bool = False) -> int | None:
        """Seconds until what `recall` gives is in the last tenth of the TTL that it was learnt with; 0 when it is.

        None when nothing is held, or that TTL is below `PREFETCHED_TTL_S`.
        """
        held = self._held(name.lower())
        if held is None:
            return None
        now = int(self._boottime())
        at = _fresh(held, rtype, now, LEAST_CHECKED if checked else 0)
        if at < 0:
            return None
        expires, ttl = packed.ends(held, at)
        return None if ttl < PREFETCHED_TTL_S else max(0, expires - now - ttl // 10)

    def dname_above(self, name: bytes, *, stale_for: int = 0, checked: bool = False) -> RRset | None:
        """The DNAME that is held nearest above `name`, with what is left of its TTL; 0 for one that is stale."""
        if not self.any_dname:
            return None
        now, least = int(self._boottime()), LEAST_CHECKED if checked else 0
        for owner in islice(names.ancestors(names.fold(name)), 1, None):
            held = self._held(owner) or b""
            for each in packed.sections(held):
                here = each.type == _DNAME and not each.denial
                if here and each.expires + stale_for > now and each.status >= least:
                    return packed.unpack(owner, held, each.at, now)
        return None

    def left(self, rrset: RRset) -> int:
        """The seconds for which `rrset`, learnt before, is still good, at most its TTL; 0 if it is not held."""
        held = self._held(rrset.name.lower())
        if held is None:
            return 0
        rtype, at, end = rrset.type, 0, len(held)
        while at < end:
            found, size, expires, _, _, _ = packed.read_head(held, at)
            if found == rtype:
                left: int = expires - int(self._boottime())
                return max(0, min(rrset.ttl, left))
            at += size
        return 0

    def learn(self, rrset: RRset, credibility: Credibility) -> RRset:
        """`rrset` is held for its TTL, within the limits, unless better data is there. Returned with that TTL."""
        name, rtype, _, ttl, rdatas, proof = rrset
        if rtype in _NO_DATA or not rdatas:
            return rrset
        limits = self.ttls
        held_for = ttl
        if not limits.minimum <= ttl <= limits.maximum:
            held_for = max(limits.minimum, min(ttl, limits.maximum))
        octets = len(rdatas[0]) if len(rdatas) == 1 else sum(map(len, rdatas))
        if octets > limits.max_bytes or len(rdatas) > limits.max_records:
            held_for = min(held_for, BRIEFLY_S)
        trust = int(credibility)
        if proof is not None:
            held_for = self._as_proven(min(held_for, ttl) if proof.status is Status.SECURE else held_for, proof)
            trust |= packed.bits_of(proof)
        learnt = rrset if held_for == ttl else rrset._replace(ttl=held_for)
        if rtype == _DNAME:
            self.any_dname = True
        self._put(name.lower(), rtype, learnt, trust)
        return learnt

    def learn_denial(self, name: bytes, rtype: int, soa: RRset, credibility: Credibility) -> RRset:
        """`name` has no data of `rtype` (`NAME_ERROR`: does not exist), for the time that `soa` gives (RFC 2308).

        Returns the SOA with that time as its TTL, as it is answered (RFC 2308 section 3).
        """
        ttl = min(soa.ttl, rdata.soa_minimum(soa.rdatas[0]), self.ttls.negative_maximum)
        if soa.proof is not None:
            ttl = self._as_proven(ttl, soa.proof)
        learnt = soa._replace(ttl=ttl)
        self._put(name.lower(), rtype, learnt, credibility | packed.DENIAL | packed.bits_of(soa.proof))
        return learnt

    def _as_proven(self, ttl: int, proof: Proof) -> int:
        """For how long what has `proof` is held, if it is `ttl` seconds otherwise."""
        octets = sum(map(len, proof.signatures))
        for each in proof.beside:
            ttl = min(ttl, each.ttl)
            octets += sum(map(len, each.rdatas)) + sum(map(len, each.proof.signatures if each.proof else ()))
        return ttl if octets <= self.ttls.max_bytes else min(ttl, BRIEFLY_S)

    def flush(self, name: bytes, *, subtree: bool) -> int:
        """Nothing is held of `name`, nor of any name below it when `subtree`. The number of entries that went."""
        folded = names.fold(name)
        doomed = [(folded, self._held(folded) or b"")]
        if subtree:
            doomed = [each for each in self.store.items() if names.is_below(each[0], folded)]
        for key, _ in doomed:
            self.store.remove(key)
        return sum(1 for _, held in doomed for _ in packed.sections(held))

    def listed(self) -> Iterator[Listed]:
        """What is held and has not expired. Nothing must be learnt meanwhile."""
        now = int(self._boottime())
        for key, held in self.store.items():
            for each in packed.sections(held):
                if each.expires > now:
                    yield Listed(key, each.type, each.expires - now, packed.count(held, each))

    def _put(self, key: bytes, rtype: int, rrset: RRset, trust: int) -> None:
        """`rrset` is what is known of `key` and `rtype`, unless something better is; with a TTL of 0 nothing is."""
        held = self._held(key)
        ttl = rrset.ttl
        if held is None:
            if ttl > 0:
                self.store.put(key, packed.pack(key, rtype, rrset, trust, int(self._boottime()) + ttl))
            return
        now = int(self._boottime())
        rank = packed.rank(trust)
        ends_error = ttl > 0 and trust < packed.DENIAL
        kept = []
        for each in packed.sections(held):
            if each.type == rtype:
                if each.expires <= now or (each.rank <= rank and ttl > 0):
                    continue
                ttl = 0  # it stays as it is
            elif each.type == NAME_ERROR and ends_error and each.rank <= rank:
                continue
            kept.append(held[each.at : each.stop])
        if ttl > 0:
            if len(kept) == MAX_TYPES:
                denial = (at for at, each in enumerate(kept) if each[packed.TRUST_AT] >= packed.DENIAL)
                del kept[next(denial, 0)]
            kept.append(packed.pack(key, rtype, rrset, trust, now + ttl))
        if kept:
            self.store.put(key, b"".join(kept))
        else:
            self.store.remove(key)


def _fresh(held: bytes, rtype: int, now: int, least: int) -> int:
    """Where the section stands that answers for `rtype` at `now`; below 0 when none does that has the `least` status.

    That a type is denied says nothing of another: beside the type itself a name error and an alias answer.
    """
    if rtype == _ANY:
        those = (each.at for each in _answering_any(held) if each.expires > now and each.status >= least)
        return next(those, -1)
    denied = alias = -1
    at, end = 0, len(held)
    while at < end:
        found, size, expires, _, trust, _ = packed.read_head(held, at)
        if expires > now and trust & STATUS >= least:
            if found == rtype:
                return at
            if found == NAME_ERROR:
                denied = at
            elif found == _CNAME and trust < packed.DENIAL:
                alias = at
        at += size
    return denied if denied >= 0 else alias


def _latest(held: bytes, rtype: int, ended: int, least: int) -> int:
    """Where of the sections that could answer for `rtype` and end after `ended` the one stands that was learnt last."""
    best: packed.Section | None = None
    for each in packed.sections(held):
        answers = each.type in (rtype, NAME_ERROR) or (each.type == _CNAME and not each.denial)
        there = answers and each.expires > ended and each.status >= least
        if there and (best is None or _learnt(each) >= _learnt(best)):
            best = each
    return -1 if best is None else best.at


def _learnt(section: packed.Section) -> int:
    return section.expires - section.ttl


def _answering_any(held: bytes) -> list[packed.Section]:
    """The sections that answer for ANY, the one that counts most first."""
    there = [
        each
        for each in packed.sections(held)
        if each.type in _ANSWERING_ANY and (not each.denial or each.type in (_ANY, NAME_ERROR))
    ]
    return sorted(there, key=lambda each: _ANSWERING_ANY.index(each.type))


def _known(key: bytes, held: bytes, at: int, now: int) -> Known:
    rrset = packed.unpack(key, held, at, now)
    if held[at + packed.TRUST_AT] < packed.DENIAL:
        return _tuple(Known, (rrset, None, False))
    return Known(None, rrset, not held[at] and not held[at + 1])
