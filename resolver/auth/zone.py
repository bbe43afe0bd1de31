"""What a zone answers: data, an alias, a referral, or that there is nothing (RFC 1034 section 4.3.2).

Rules, in the order in which they are tried at the name asked and then at each alias's target:

* Outside the zone: the chain so far is the answer; whoever asked follows it elsewhere.
* At or below a cut: a referral, not authoritative. The DS at the cut itself is the exception: it is the
  parent's (RFC 4035 section 3.1.4.1).
* Below a DNAME: the DNAME and the CNAME made from it, with the DNAME's TTL; YXDOMAIN when the new name
  would be too long (RFC 6672 sections 3.1 and 3.2).
* An existing name answers for itself; for a name that does not exist, `*` below its closest encloser does,
  under the name asked (RFC 4592 section 3.3). A wildcard that is a cut makes the names it stands for cuts.
* A CNAME answers for every type that stands not beside it, and is followed (RFC 1034 section 3.6.2). A
  chain ends where a name comes up again, and at a DNAME that leads below its own owner.
* ANY is answered with the RRset of the lowest type number (RFC 8482 section 4.1).
* Nothing: NODATA, or NXDOMAIN of the last name in the chain, with the SOA under the lower of its TTL and
  its MINIMUM (RFC 2308 section 3).

AA speaks for the first name in the answer: it is set even when a chain ends in a referral (RFC 1035 section
4.1.1). Data come with the NS of the apex in the authority section and with addresses: so caches learn the
zone's own set, which they believe more than the parent's (RFC 2181 section 5.4.1).

Limits: DNSSEC records are answered like others, none is added: that is for `signed`. A chain is followed over
`MAX_ALIASES` aliases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from resolver.auth import additional
from resolver.auth.tree import Node, closest_encloser, plant
from resolver.errors import BadName, ZoneError
from resolver.message import Class, Ede, Question, Rcode, Reply, RRset, Type
from resolver.wire import names, rdata
from resolver.wire.special import special_above

MAX_ALIASES: Final = 16
"""Aliases followed for one question: more than chains in use have; whoever asked can go on from there."""

NOT_AUTHORITATIVE: Final = Ede(20, "no zone here holds this name [OUTZ]")
"""Info-code 20, Not Authoritative (RFC 8914 section 4.21)."""

SOA_FIXED: Final = 20
"""Octets of the five numbers that end an SOA record, MINIMUM the last of them (RFC 1035 section 3.3.13)."""


class _Alias(NamedTuple):
    """`rrsets` lead to `target`; `endless` where they would lead from there to themselves for ever."""

    rrsets: tuple[RRset, ...]
    target: bytes
    endless: bool = False


class Zone:
    """One zone, complete in memory, that never changes: a new version is a new object."""

    __slots__ = (
        "_at_apex",
        "_len",
        "_nodata",
        "_nodes",
        "_ns",
        "_ns_addresses",
        "_nxdomain",
        "_referrals",
        "_special",
        "apex",
        "soa",
    )

    apex: bytes
    """The name of the zone, folded."""
    soa: RRset

    def __init__(self, apex: bytes, rrsets: Iterable[RRset]) -> None:
        """The zone `apex` made of `rrsets`. Raises ZoneError when they cannot be served."""
        self.apex = names.fold(apex)
        self._nodes = plant(self.apex, rrsets)
        self._special: frozenset[bytes] | None = None
        self._len = sum(len(rrset.rdatas) for rrset in self)
        top = self._nodes[self.apex]
        self.soa = _soa(top)
        negative = self.soa._replace(ttl=min(self.soa.ttl, rdata.soa_minimum(self.soa.rdatas[0])))
        self._nodata = Reply(Rcode.NOERROR, (), (negative,), aa=True)
        self._nxdomain = Reply(Rcode.NXDOMAIN, (), (negative,), aa=True)
        ns = top.get(Type.NS)
        self._ns = () if ns is None else (ns,)
        self._ns_addresses = () if ns is None else additional.addresses(self._nodes, ns)
        self._at_apex = Reply(Rcode.NOERROR, self._ns, (), self._ns_addresses, aa=True)
        self._referrals = {
            node.name: self._referral(node.turn)
            for node in self._nodes.values()
            if node.turn is not None and node.is_cut and node.above is None
        }

    def __len__(self) -> int:
        """The number of records."""
        return self._len

    @property
    def special(self) -> frozenset[bytes]:
        """The special names (`wire.special`) that the zone has data at or below; looked for once."""
        if self._special is None:
            found = {special_above(name) for name in self._nodes}
            self._special = frozenset(name for name in found if name is not None)
        return self._special

    def __iter__(self) -> Iterator[RRset]:
        """All RRsets, those of a name before those below it."""
        for node in self._nodes.values():
            yield from node.rrsets

    def rrset(self, name: bytes, rtype: int) -> RRset | None:
        """What the zone holds of that name and type, be it authoritative, glue or occluded."""
        node = self._nodes.get(names.fold(name))
        return None if node is None else node.get(rtype)

    def answer(self, question: Question, do: bool = False, now: float = 0.0) -> Reply:
        """The reply to a question of class IN; REFUSED when its name lies outside the zone.

        With `do` a signed zone proves it, by signatures that are valid at `now`, in seconds since 1970.
        """
        name = question.name
        chain: tuple[RRset, ...] = ()
        passed: set[bytes] = set()
        while len(passed) < MAX_ALIASES:
            folded = names.fold(name)
            if folded in passed or not names.is_below(folded, self.apex):
                break
            found = self._at(name, folded, question.type)
            if isinstance(found, Reply):
                return found._replace(answer=chain + found.answer, aa=True) if chain else found
            chain += tuple(rrset for rrset in found.rrsets if rrset not in chain)
            if found.endless:
                break
            passed.add(folded)
            name = found.target
        if not chain:
            return Reply(Rcode.REFUSED, ede=(NOT_AUTHORITATIVE,))
        return Reply(Rcode.NOERROR, chain, aa=True)

    def _at(self, name: bytes, folded: bytes, rtype: int) -> Reply | _Alias:
        """What the zone says of one name: the last word, or where to go on."""
        node = closest_encloser(self._nodes, folded)
        exact = len(node.name) == len(folded)
        if node.above is not None:
            return self._turned(node.above, name)
        if node.turn is not None and (not exact or (node.is_cut and rtype != Type.DS)):
            return self._turned(node, name)
        if exact:
            return self._owned(node, rtype, None)
        wildcard = self._nodes.get(names.WILDCARD + node.name)
        if wildcard is None:
            return self._nxdomain
        if wildcard.turn is not None and wildcard.is_cut and rtype != Type.DS:
            return self._referral(wildcard.turn._replace(name=name))
        return self._owned(wildcard, rtype, name)

    def _turned(self, node: Node, name: bytes) -> Reply | _Alias:
        """The referral of the cut at `node`, or what its DNAME makes of `name`, which lies below."""
        dname = node.turn
        if dname is None or dname.type == Type.NS:
            return self._referrals[node.name]
        try:
            target = names.substitute(name, node.name, dname.rdatas[0])
        except BadName:
            return Reply(Rcode.YXDOMAIN, (dname,), aa=True)
        cname = RRset(name, Type.CNAME, Class.IN, dname.ttl, (target,))
        endless = names.is_below(names.fold(dname.rdatas[0]), node.name)
        return _Alias((dname, cname), target, endless)

    def _owned(self, node: Node, rtype: int, owner: bytes | None) -> Reply | _Alias:
        """What the records at `node` answer, under the name `owner` where they are a wildcard's."""
        found = node.get(rtype)
        if found is None and rtype == Type.ANY and node.rrsets:
            found = node.rrsets[0]
        answered = found or node.get(Type.CNAME)
        if answered is None:
            return self._nodata
        if owner is not None:
            answered = answered._replace(name=owner)
        if found is None:
            return _Alias((answered,), answered.rdatas[0])
        return self._data(answered)

    def _data(self, rrset: RRset) -> Reply:
        """`rrset` is what was asked for; with it go the name servers of the zone, and addresses."""
        if self._ns and rrset is self._ns[0]:
            return self._at_apex
        more = self._ns_addresses
        if rrset.type in additional.LEADING_TO_ADDRESSES:
            more = tuple(dict.fromkeys(additional.addresses(self._nodes, rrset) + more))
        elif rrset in more:
            more = tuple(other for other in more if other != rrset)
        return Reply(Rcode.NOERROR, (rrset,), self._ns, more, aa=True)

    def _referral(self, ns: RRset) -> Reply:
        return Reply(Rcode.NOERROR, (), (ns,), additional.addresses(self._nodes, ns))


def _soa(top: Node) -> RRset:
    """The SOA at the apex. Raises ZoneError where there is none that ends in a MINIMUM."""
    soa = top.get(Type.SOA)
    if soa is None or len(soa.rdatas[0]) < SOA_FIXED + 2:
        raise ZoneError(f"{names.to_text(top.name)} has no whole SOA record", instead="put one at the apex")
    return soa
