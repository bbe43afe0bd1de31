"""Zones as plain tables of names and types, their NSEC and NSEC3 chains, and by brute force what is true of each name.

dnspython orders the names, hashes them and writes the records, so nothing of `resolver.dnssec` vouches for itself here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdatatype
from hypothesis import strategies as st

from resolver.message import Class, Proof, RRset, Status, Type

APEX = dns.name.from_text("example.")


class Truth(enum.Enum):
    """What an authority of the zone has to answer."""

    DATA = enum.auto()
    """Data or an alias, at the name or by a wildcard."""
    ELSEWHERE = enum.auto()
    """A referral, or the alias of a DNAME above."""
    NODATA = enum.auto()
    NXDOMAIN = enum.auto()


@dataclass(frozen=True)
class Model:
    """A zone: the types at each of its names. Nothing stands below its delegations and DNAMEs."""

    types: dict[dns.name.Name, frozenset[int]]
    apex: dns.name.Name = APEX

    @cached_property
    def nodes(self) -> frozenset[dns.name.Name]:
        """The names of the zone, with the empty non-terminals."""
        return frozenset(above for name in self.types for above in self.upwards(name))

    def upwards(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        """`name` and its ancestors in the zone, the apex last."""
        while name != self.apex:
            yield name
            name = name.parent()
        yield name

    def is_cut(self, name: dns.name.Name) -> bool:
        """Whether it is delegated."""
        return name != self.apex and Type.NS in self.types.get(name, ())

    def encloser(self, name: dns.name.Name) -> dns.name.Name:
        """The closest ancestor that exists; the name itself where it does."""
        return next(above for above in self.upwards(name) if above in self.nodes)

    def source(self, name: dns.name.Name) -> dns.name.Name:
        """Whose data answers for `name`: itself, or the wildcard below its closest encloser."""
        encloser = self.encloser(name)
        return name if encloser == name else dns.name.Name((b"*", *encloser.labels))

    def truth(self, name: dns.name.Name, rtype: int) -> Truth:
        """What there is to answer."""
        for above in self.upwards(name):
            strictly = above != name
            if self.is_cut(above) and (strictly or rtype != Type.DS):
                return Truth.ELSEWHERE
            if strictly and Type.DNAME in self.types.get(above, ()):
                return Truth.ELSEWHERE
        source = self.source(name)
        if source not in self.nodes:
            return Truth.NXDOMAIN
        types = self.types.get(source, frozenset())
        matches = types if rtype == Type.ANY else types & {rtype, Type.CNAME}
        return Truth.DATA if matches else Truth.NODATA

    def nsec(self) -> list[RRset]:
        """Its NSEC chain (RFC 4034 section 4)."""
        owners = sorted(self.types)
        return [
            nsec(owner.to_text(), after.to_text(), {*self.types[owner], Type.NSEC, Type.RRSIG})
            for owner, after in zip(owners, [*owners[1:], owners[0]], strict=True)
        ]

    def nsec3(self, iterations: int = 0, salt: str = "-", *, opt_out: bool = False) -> list[RRset]:
        """Its NSEC3 chain (RFC 5155 section 7.1); opted out, it leaves out unsigned delegations and their ENTs."""
        signed = [name for name in self.types if not (opt_out and self.is_unsigned(name))]
        nodes = {above for name in signed for above in self.upwards(name)}
        hashed = sorted((hash_text(node, iterations, salt), node) for node in nodes)
        return [
            nsec3(owner, after, self.told(node), self.apex, f"1 {int(opt_out)} {iterations} {salt}")
            for (owner, node), (after, _) in zip(hashed, [*hashed[1:], hashed[0]], strict=True)
        ]

    def is_unsigned(self, name: dns.name.Name) -> bool:
        """Whether it is a delegation without a DS."""
        return self.is_cut(name) and Type.DS not in self.types[name]

    def told(self, name: dns.name.Name) -> set[int]:
        """The types of its NSEC3 (RFC 5155 section 7.1): RRSIG where something is signed."""
        types = set(self.types.get(name, ()))
        return types | {Type.RRSIG} if types and not self.is_unsigned(name) else types


@lru_cache(maxsize=4096)
def hash_text(name: dns.name.Name, iterations: int, salt: str) -> str:
    """The hash of a name as dnspython makes it, in base32."""
    return dns.dnssec.nsec3_hash(name, None if salt == "-" else salt, iterations, "SHA1")


def nsec(owner: str, after: str, types: Iterable[int], ttl: int = 300) -> RRset:
    """An NSEC set, valid."""
    return _valid(owner, "NSEC", f"{after} {spelled(types)}", ttl)


def nsec3(
    owner: str, after: str, types: Iterable[int], apex: dns.name.Name = APEX, params: str = "1 0 0 -", ttl: int = 300
) -> RRset:
    """An NSEC3 set, valid: `owner` and `after` are hashes in base32."""
    return _valid(
        dns.name.Name((owner.encode(), *apex.labels)).to_text(), "NSEC3", f"{params} {after} {spelled(types)}", ttl
    )


def spelled(types: Iterable[int]) -> str:
    """Types as a master file has them."""
    return " ".join(dns.rdatatype.to_text(dns.rdatatype.RdataType.make(each)) for each in sorted(types))


def signature(rtype: int, labels: int, expires: int = (1 << 31) - 1, signer: bytes = b"\x07example\0") -> bytes:
    """The rdata of an RRSIG whose signature is for show."""
    head = rtype.to_bytes(2, "big") + bytes((13, labels)) + (300).to_bytes(4, "big") + expires.to_bytes(4, "big")
    return head + bytes(6) + signer + b"signature"


def _valid(owner: str, rtype: str, text: str, ttl: int) -> RRset:
    name = dns.name.from_text(owner)
    rdata = dns.rdata.from_text("IN", rtype, text, origin=dns.name.root, relativize=False)
    number = int(dns.rdatatype.from_text(rtype))
    labels = len(name) - 1 - (name.labels[0] == b"*")
    proof = Proof(Status.SECURE, (signature(number, labels),))
    return RRset(name.to_wire(), number, Class.IN, ttl, (rdata.to_wire(),), proof)


def soa(apex: dns.name.Name = APEX, *, ttl: int = 900, minimum: int = 300, expires: int = (1 << 31) - 1) -> RRset:
    """The SOA of a zone, valid until `expires`."""
    rdata = dns.rdata.from_text("IN", "SOA", f"ns.example. root.example. 1 2 3 4 {minimum}").to_wire()
    proof = Proof(Status.SECURE, (signature(Type.SOA, len(apex) - 1, expires),))
    return RRset(apex.to_wire(), Type.SOA, Class.IN, ttl, (rdata,), proof)


LABELS = st.sampled_from([b"a", b"b", b"c", b"*", b"\0", b"B"])
"""Few, so that names meet."""


def names_in(apex: dns.name.Name, deepest: int = 4) -> st.SearchStrategy[dns.name.Name]:
    """Names at and below `apex`."""
    return st.lists(LABELS, max_size=deepest).map(lambda labels: dns.name.Name((*labels, *apex.labels)).canonicalize())


_TYPES = st.sampled_from(
    [
        frozenset({Type.A}),
        frozenset({Type.AAAA, Type.TXT}),
        frozenset({Type.CNAME}),
        frozenset({Type.DNAME}),
        frozenset({Type.NS}),
        frozenset({Type.NS, Type.DS}),
        frozenset({Type.CAA, Type.A}),
    ]
)
_AT_APEX = frozenset({Type.NS, Type.SOA, Type.DNSKEY})


@st.composite
def models(draw: st.DrawFn, apexes: tuple[dns.name.Name, ...] = (APEX, dns.name.root)) -> Model:
    """Zones of up to 12 names."""
    apex = draw(st.sampled_from(apexes))
    types: dict[dns.name.Name, frozenset[int]] = {
        apex: _AT_APEX | ({Type.DNAME} if draw(st.integers(0, 9)) == 9 else set())
    }
    for name in sorted(draw(st.sets(names_in(apex), max_size=12))):
        below = [above for above in Model(types, apex).upwards(name) if above != name]
        ended = any(Model(types, apex).is_cut(above) or Type.DNAME in types.get(above, ()) for above in below)
        chosen = draw(_TYPES)
        if (
            ended
            or name == apex
            or (name.labels[0] == b"*" and Type.NS in chosen)
            or (name.labels[0] == b"*" and Type.DNAME in chosen)
        ):
            continue  # a wildcard that delegates or redirects has no agreed meaning (RFC 4592 section 4)
        types[name] = chosen
    return Model(types, apex)
