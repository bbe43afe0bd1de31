"""Decides what can be denied without asking, from NSEC and NSEC3 records of earlier denials (RFC 8198).

Rules
* What is held are valid records by the zone that signed them, in the order of its chain. A name in a gap is missing,
  and so is all below it (RFC 8020); a name whose types are known has no others; and a wildcard whose data is held
  answers for a name that is missing. `denial` decides all that here as it does over a reply.
* A record is good until its TTL, or one of its signatures, ends, and no longer than its zone's negative TTL (RFC 8198
  section 5.4, RFC 9077). An answer has the lowest TTL of what it rests on. Without the zone's SOA nothing is answered.
* An opted-out span denies nothing: an unsigned delegation may stand in it (RFC 8198 section 5.2).
* Nothing is held of a record whose next name is the first that there can be behind its owner (`\000.` in front of it),
  nor of one whose span holds a hash or none: they are made for one question, and their types may be, too (RFC 9824).
* A record that is newer than those in its gap replaces them, and a chain hashed in another way replaces the chain.
* The DS of a zone is never denied from its own chain, but from that of its parent.

Limits: `GAP_BYTES` for all zones together; what was learnt first is forgotten first. At most `HASHES` names are hashed
for a question; one that would need more is asked. Which questions may be answered so, the caller says: not those that
the configuration has asked elsewhere, nor those below a negative trust anchor.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from resolver.dnssec import nsec, nsec3
from resolver.dnssec.denial import Said, read
from resolver.dnssec.expanded import ITERATIONS, encloser_of, is_signed_by, own_of
from resolver.dnssec.nsec3 import Hashes, Params, hash_name
from resolver.dnssec.standing import Chain, Missing, is_no_name
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied
from resolver.message import Proof, Rcode, RRset, Status, Type
from resolver.wire import names
from resolver.wire.names import WILDCARD
from resolver.wire.rdata import soa_minimum

GAP_BYTES: Final = 4 << 20
"""Bytes of all that is held: about 3,300 records with their signatures. Peers: Unbound 1 MB (`neg-cache-size`),
PowerDNS 100,000 records (`aggressive-nsec-cache-size`)."""
ENTRY_WEIGHT: Final = 900
"""Bytes that a record costs beyond the octets in it: its tuples, headers of octets, and places in dictionaries."""
ZONE_WEIGHT: Final = 850
"""The same for a zone and its SOA."""
HASHES: Final = 6
"""Names without iterations that are hashed for one question, besides the apex and its wildcard, which are known."""

Held: TypeAlias = Callable[[bytes, int], RRset | None]
"""The data that is held of a name, a wildcard, and a type; None for none."""

_HASH_SPACE: Final = 1 << 8 * nsec3.HASH_LENGTH
_FIRST_LABEL: Final = b"\x01\0"
_SERIALS: Final = 1 << 32

_Record = TypeVar("_Record", nsec.Link, nsec3.Span)


class _Enough(Exception):
    """As many names are hashed as may be for one question."""


class _Entry(NamedTuple):
    """A record, the whole second of boot time at which it ends, and its weight."""

    record: nsec.Link | nsec3.Span
    ends: int
    weight: int


@dataclass(slots=True)
class _Zone:
    """What is held of a zone. `keys` are order keys or, when it has `params`, hashes, in ascending order."""

    name: bytes
    soa: RRset
    soa_ends: int
    weight: int
    params: Params | None = None
    known: dict[bytes, bytes] = field(default_factory=dict)
    keys: list[bytes] = field(default_factory=list)
    entries: dict[bytes, _Entry] = field(default_factory=dict)


class Gaps:
    """The records of all zones. `synthesised` counts what was answered from them, `evicted` what had no room."""

    __slots__ = ("_bytes", "_order", "_zones", "evicted", "limit", "synthesised")

    def __init__(self, limit: int = GAP_BYTES) -> None:
        self.limit = limit
        self.evicted = 0
        self.synthesised = {"nxdomain": 0, "nodata": 0, "wildcard": 0}
        self.clear()

    def clear(self) -> None:
        """Nothing is held."""
        self._bytes = 0
        self._zones: dict[bytes, _Zone] = {}
        self._order: OrderedDict[tuple[bytes, bytes], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._order)

    def bytes_held(self) -> int:
        """Bytes of all that is held."""
        return self._bytes

    def counts(self) -> dict[str, int]:
        """Counters and gauges under flat names."""
        return {
            "gaps.records": len(self),
            "gaps.bytes": self._bytes,
            "gaps.evicted": self.evicted,
            **{f"gaps.{kind}": count for kind, count in self.synthesised.items()},
        }

    def resize(self, limit: int) -> None:
        """At most `limit` bytes are held from now on."""
        self.limit = limit
        self._make_room()

    def forget(self, name: bytes, *, subtree: bool) -> None:
        """Nothing is held that says something of `name`, folded, nor with `subtree` of a name below it."""
        for place in [*self._zones.values()]:
            if names.is_below(name, place.name) or (subtree and names.is_below(place.name, name)):
                self._forget_zone(place)

    def learn(self, zone: bytes, soa: RRset | None, sets: Iterable[RRset], now: int, wall: int) -> None:
        """`sets`, which `zone`, folded, has signed, are held if they are secure. `soa` is that of their denial, if any.

        Without it they are held if the zone's is. `now` is boot time and `wall` the time of signatures, in seconds.
        """
        place = self._zones.get(zone)
        if soa is not None and (left := _lasting(soa, min(soa.ttl, soa_minimum(soa.rdatas[0])), wall)):
            alone = soa._replace(proof=Proof(Status.SECURE, () if soa.proof is None else soa.proof.signatures))
            place = self._told(zone, alone, now + left)
        if place is None:
            return
        for rrset in sets:
            record = nsec.read(rrset, zone) if rrset.type == Type.NSEC else nsec3.read(rrset, zone)
            left = _lasting(rrset, min(rrset.ttl, place.soa.ttl, soa_minimum(place.soa.rdatas[0])), wall)
            if record is not None and left and _tells_of_others(record):
                self._put(place, record, now + left)
        if not place.entries:
            self._forget_zone(place)
        self._make_room()

    def learn_expanded(self, rrset: RRset, now: int, wall: int) -> RRset | None:
        """The data of the wildcard that `rrset` was expanded from, and the proof beside it is held, as in `learn`.

        None where nothing is held of the zone that signed both, or `rrset` is no such data or not secure.
        """
        proof, name = rrset.proof, names.fold(rrset.name)
        if proof is None or proof.status != Status.SECURE or not proof.beside or not self._zones:
            return None
        place = self._closest(name)
        if place is None or not all(is_signed_by(each, place.name) for each in (rrset, *proof.beside)):
            return None
        self.learn(place.name, None, proof.beside, now, wall)
        encloser = encloser_of(name, proof.beside, place.name)
        if encloser is None:
            return None
        return rrset._replace(name=WILDCARD + encloser, proof=Proof(Status.SECURE, proof.signatures))

    def synthesise(self, name: bytes, rtype: int, held: Held, now: int) -> Conclusion | None:
        """What is proven of `rtype` at `name`, in any spelling; None when it must be asked.

        `held` gives what is held of the wildcard that would answer.
        """
        if not self._zones:
            return None
        folded = names.fold(name)
        place = self._closest(names.parent(folded) if rtype == Type.DS else folded)
        if place is None or place.soa_ends <= now:
            return None
        chain = _chain(place, now)
        try:
            standing = chain.stand(folded)
            if standing is None and place.params is not None:
                standing = _missing_below_wildcard(folded, rtype, place.name, chain, held)
            if standing is None or (isinstance(standing, Missing) and standing.opt_out):
                return None
            if isinstance(standing, Missing):
                expanded = _expanded(name, rtype, standing, place.name, held)
                if expanded is not None:
                    self.synthesised["wildcard"] += 1
                    return expanded
            said = read(chain, standing, folded, rtype)
        except _Enough:
            return None
        return self._denied(name, said, place, now) if isinstance(said, Said) else None

    def _denied(self, name: bytes, said: Said, place: _Zone, now: int) -> Denied:
        """The denial that `said` is, with the SOA that is held."""
        self.synthesised["nxdomain" if said.rcode == Rcode.NXDOMAIN else "nodata"] += 1
        ttl = min(place.soa_ends - now, *(rrset.ttl for rrset in said.by))
        signatures = place.soa.proof.signatures if place.soa.proof else ()
        soa = place.soa._replace(ttl=ttl, proof=Proof(Status.SECURE, signatures, _with_ttl(said.by, ttl)))
        return Denied((), name, said.rcode, soa, False)

    def _closest(self, name: bytes) -> _Zone | None:
        """The closest zone at or above `name` of which something is held."""
        zones, pos = self._zones, 0
        while (place := zones.get(name[pos:])) is None:
            if not name[pos]:
                return None
            pos += name[pos] + 1
        return place

    def _told(self, zone: bytes, soa: RRset, ends: int) -> _Zone:
        """What is held of `zone`, with the SOA as it is now."""
        weight = ZONE_WEIGHT + len(zone) + _octets(soa)
        place = self._zones.get(zone)
        if place is None:
            place = self._zones[zone] = _Zone(zone, soa, ends, 0)
        self._bytes += weight - place.weight
        place.soa, place.soa_ends, place.weight = soa, ends, weight
        return place

    def _put(self, place: _Zone, record: nsec.Link | nsec3.Span, ends: int) -> None:
        """`record` is held, and nothing that it contradicts."""
        params, key, end = _place_of(record)
        weight = ENTRY_WEIGHT + 2 * _octets(record.rrset) + len(key) + len(end)
        if weight > self.limit // 16:
            return
        if params != place.params:
            self._remove(place, [*place.keys])
            place.params = params
            place.known = {}
            if params is not None:
                place.known = {each: hash_name(each, params) for each in (place.name, WILDCARD + place.name)}
        first = bisect_left(place.keys, key)
        last = bisect_left(place.keys, end) if key < end else len(place.keys)
        self._remove(place, place.keys[first:last])
        if end <= key and params is not None:
            self._remove(place, place.keys[: bisect_left(place.keys, end)])
        insort(place.keys, key)
        place.entries[key] = _Entry(record, ends, weight)
        self._order[place.name, key] = None
        self._bytes += weight

    def _remove(self, place: _Zone, keys: list[bytes]) -> None:
        """The records with these keys are not held."""
        for key in keys:
            self._bytes -= place.entries.pop(key).weight
            del self._order[place.name, key]
            del place.keys[bisect_left(place.keys, key)]

    def _forget_zone(self, place: _Zone) -> None:
        """Nothing is held of that zone."""
        del self._zones[place.name]
        self._remove(place, [*place.keys])
        self._bytes -= place.weight

    def _make_room(self) -> None:
        """What was learnt first is gone, as far as the bytes do not suffice."""
        while self._bytes > self.limit and self._order:
            zone, key = next(iter(self._order))
            place = self._zones[zone]
            self._remove(place, [key])
            self.evicted += 1
            if not place.entries:
                self._forget_zone(place)


class _Living(Generic[_Record]):
    """The records of a zone that have not ended, each with the TTL that is left of it: `nsec.Links`, `nsec3.Spans`."""

    __slots__ = ("_now", "_place", "_wraps")

    def __init__(self, place: _Zone, now: int, *, wraps: bool) -> None:
        self._place = place
        self._now = now
        self._wraps = wraps

    def at(self, key: bytes) -> _Record | None:
        """The record that begins there."""
        entry = self._place.entries.get(key)
        if entry is None or entry.ends <= self._now:
            return None
        record: _Record = entry.record  # type: ignore[assignment]  # a zone has one kind
        return record._replace(rrset=record.rrset._replace(ttl=entry.ends - self._now))

    def over(self, key: bytes) -> _Record | None:
        """The record that covers it."""
        keys = self._place.keys
        before = bisect_right(keys, key) - 1
        if before < 0 and not self._wraps:
            return None
        record = self.at(keys[before])
        return record if record is not None and record.covers(key) else None


def _chain(place: _Zone, now: int) -> Chain:
    """What is held of a zone, to be read; with NSEC3 it raises `_Enough`."""
    if place.params is None:
        links: _Living[nsec.Link] = _Living(place, now, wraps=False)
        return nsec.NsecChain(links)
    left = HASHES

    def spend(price: int) -> None:
        nonlocal left
        left -= price
        if left < 0:
            raise _Enough

    spans: _Living[nsec3.Span] = _Living(place, now, wraps=True)
    return nsec3.Nsec3Chain(place.name, spans, Hashes(place.params, spend, place.known))


def below_denied(name: bytes, recall: Callable[[bytes], Denied | None]) -> Denied | None:
    """What a proven NXDOMAIN of an ancestor of `name` makes of `name` (RFC 8020 section 2); None when none is held.

    `recall` gives the denial that is held of a folded name. The proof holds below the name that was asked; but one that
    is compact does not (RFC 9824 section 3.1), and is passed over.
    """
    for ancestor in islice(names.ancestors(names.fold(name)), 1, None):
        denied = recall(ancestor)
        if denied is None or denied.rcode != Rcode.NXDOMAIN or denied.soa is None or denied.soa.proof is None:
            continue
        proof = denied.soa.proof
        if proof.status == Status.SECURE and not any(_is_compact(each, denied.soa.name) for each in proof.beside):
            return Denied((), name, Rcode.NXDOMAIN, denied.soa, False)
    return None


def _is_compact(rrset: RRset, zone: bytes) -> bool:
    zone = names.fold(zone)
    record = nsec.read(rrset, zone) if rrset.type == Type.NSEC else nsec3.read(rrset, zone)
    return record is not None and is_no_name(record.types)


def _missing_below_wildcard(name: bytes, rtype: int, zone: bytes, chain: Chain, held: Held) -> Missing | None:
    """Proof that `name` is missing below a wildcard whose data is held: that shows that its encloser exists."""
    for encloser in islice(names.ancestors(name), 1, None):
        wildcard = WILDCARD + encloser
        if own_of(held(wildcard, rtype), zone) or own_of(held(wildcard, Type.CNAME), zone):
            return chain.without_closer(name, encloser)
        if encloser == zone:
            break
    return None


def _expanded(name: bytes, rtype: int, missing: Missing, zone: bytes, held: Held) -> Answered | Alias | None:
    """The data of the wildcard of `zone` that answers for `name` (RFC 8198 section 5.3), if secure data is held."""
    wildcard = WILDCARD + missing.encloser
    for wanted in (rtype, Type.CNAME) if rtype != Type.ANY else ():
        found = own_of(held(wildcard, wanted), zone)
        if found is None:
            continue
        data, own = found
        ttl = min(data.ttl, *(rrset.ttl for rrset in missing.by))
        proof = Proof(Status.SECURE, own.signatures, _with_ttl(missing.by, ttl))
        made = data._replace(name=name, ttl=ttl, proof=proof)
        return Answered((), (made,), False) if wanted == rtype else Alias((made,), made.rdatas[0], False)
    return None


def _place_of(record: nsec.Link | nsec3.Span) -> tuple[Params | None, bytes, bytes]:
    """How its chain is hashed, and the keys of its ends."""
    if isinstance(record, nsec.Link):
        return None, record.key, record.next_key
    return record.params, record.start, record.end


def _tells_of_others(record: nsec.Link | nsec3.Span) -> bool:
    """Whether it says something beyond the question that it was made for, at a price that is worth it."""
    if isinstance(record, nsec.Link):
        return record.next != _FIRST_LABEL + record.owner
    if record.params.iterations > ITERATIONS:
        return False
    return (int.from_bytes(record.end, "big") - int.from_bytes(record.start, "big")) % _HASH_SPACE not in (1, 2)


def _lasting(rrset: RRset, seconds: int, wall: int) -> int:
    """Of `seconds`, those for which `rrset` has signatures; 0 when it is not secure."""
    if rrset.proof is None or rrset.proof.status != Status.SECURE:
        return 0
    ends = [int.from_bytes(each[8:12], "big") for each in rrset.proof.signatures]
    # Times of signatures are numbers modulo 2^32 (RFC 4034 section 3.1.5, RFC 1982).
    left = [(end - wall + _SERIALS // 2) % _SERIALS - _SERIALS // 2 for end in ends]
    return min([seconds, *(each for each in left if each > 0)]) if any(each > 0 for each in left) else 0


def _with_ttl(sets: tuple[RRset, ...], ttl: int) -> tuple[RRset, ...]:
    """`sets` with this TTL each."""
    return tuple(rrset._replace(ttl=ttl) for rrset in sets)


def _octets(rrset: RRset) -> int:
    """The octets in `rrset` and in its signatures."""
    signatures = () if rrset.proof is None else rrset.proof.signatures
    return len(rrset.name) + sum(map(len, rrset.rdatas)) + sum(map(len, signatures))
