"""What a signed zone adds to its answers for those who understand DNSSEC (RFC 4035 section 3.1, RFC 5155 section 7.2).

Rules
* With DO each authoritative RRset of the answer and the authority section is followed by its RRSIG. Delegations, glue
  and the CNAME that a DNAME makes have none (RFC 4035 section 2.2, RFC 6672 section 5.3.1).
* What a wildcard made goes with what shows that the name itself is not there (RFC 4035 section 3.1.3.3).
* What is denied goes with NSEC or NSEC3 records that show it (RFC 4035 section 3.1.3), of the last name of a chain.
* A referral goes with the DS of the child, or with what shows that there is none (RFC 4035 section 3.1.4).
* Without DO nothing is added. DNSKEY, DS and NSEC3PARAM are data like others, and so are NSEC and RRSIG for those who
  ask for them by type: RRSIG is answered with all signatures at the name.

Limits: signatures of the additional section are left out, as RFC 4035 section 3.1.1 allows for want of room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from resolver.auth.tree import closest_encloser
from resolver.auth.zone import Zone
from resolver.dnssec.chains import Chain, Nsec, Nsec3, Owner, Parameters
from resolver.dnssec.faults import Fault
from resolver.dnssec.sign import Signer
from resolver.message import Class, Ede, Question, Rcode, Reply, RRset, Type
from resolver.wire import names, rdata
from resolver.wire.names import WILDCARD

_BY_TYPE: Final = (Type.NSEC, Type.RRSIG)
_DENIALS: Final = (Type.NSEC, Type.NSEC3)

_UNSIGNABLE: Final = Reply(Rcode.SERVFAIL, ede=(Ede(24, "the zone cannot be signed, see the log [NSGN]"),))


class Signs(Protocol):
    """Where the signatures of a zone come from."""

    @property
    def fault(self) -> Fault | None:
        """What is made wrong."""
        ...

    def rrsig(self, rrset: RRset, now: float, told: RRset | None = None) -> RRset | None:
        """The signatures of `rrset`, a set of the zone, at `now`, in seconds since 1970; None where it has none. `told`
        is the set as it stands in an answer."""
        ...


class ProvenZone(Zone):
    """A zone that has signatures, and a chain of denials."""

    __slots__ = ("_chain", "_signs")

    _chain: Chain
    _signs: Signs

    def answer(self, question: Question, do: bool = False, now: float = 0.0) -> Reply:
        """See `Zone`."""
        found = self._by_type(question, now) if question.type in _BY_TYPE else None
        reply = super().answer(question) if found is None else self._data(found)
        return self._shown(question, reply, now) if do else reply

    def _by_type(self, question: Question, now: float) -> RRset | None:
        """The NSEC record or the signatures at a name of the zone that has them; a CNAME there is not followed."""
        node = self._nodes.get(names.fold(question.name))
        if node is None or not node.is_authoritative or not node.rrsets:
            return None
        denial = None if self._hides_denials else self._chain.at(node.name)
        if question.type == Type.NSEC:
            return denial
        covered = node.rrsets if denial is None else (*node.rrsets, denial)
        made = [signature for rrset in covered if (signature := self._signs.rrsig(rrset, now)) is not None]
        rdatas = tuple(each for signature in made for each in signature.rdatas)
        ttl = min((signature.ttl for signature in made), default=0)
        return RRset(node.rrsets[0].name, Type.RRSIG, Class.IN, ttl, rdatas) if rdatas else None

    @property
    def _hides_denials(self) -> bool:
        return self._signs.fault == Fault.NSEC_MISSING

    def _shown(self, question: Question, reply: Reply, now: float) -> Reply:
        """`reply` with what proves it."""
        answer: list[RRset] = []
        denials: list[RRset] = []
        name = question.name
        for rrset in reply.answer:
            answer.append(rrset)
            if rrset.type == Type.CNAME:
                name = rrset.rdatas[0]
            if rrset.type != Type.RRSIG and not self._is_below_dname(names.fold(rrset.name)):
                answer += self._signature(rrset, now)
                denials += self._expansion(rrset)
        authority: list[RRset] = []
        for rrset in reply.authority:
            authority.append(rrset)
            if rrset.type == Type.NS and names.fold(rrset.name) != self.apex:
                authority += self._delegation(names.fold(rrset.name), now, denials)
            else:
                authority += self._signature(rrset, now)
            if rrset.type == Type.SOA:
                denials += self._denial(names.fold(name), reply.rcode)
        if not self._hides_denials:
            for denial in dict.fromkeys(denials):
                authority += (denial, *self._signature(denial, now))
        return reply._replace(answer=tuple(answer), authority=tuple(authority))

    def _is_below_dname(self, name: bytes) -> bool:
        """Whether what stands at the folded `name` in an answer was made from a DNAME (RFC 6672 section 3.1)."""
        node = closest_encloser(self._nodes, name)
        return node.is_occluded or (node.name != name and node.turn is not None and not node.is_cut)

    def _signature(self, rrset: RRset, now: float) -> tuple[RRset, ...]:
        """The RRSIG of a set that is told: what is signed is the set of the zone that it comes from."""
        source = rrset
        if rrset.type not in _DENIALS:
            name = names.fold(rrset.name)
            node = closest_encloser(self._nodes, name)
            if node.name != name:
                node = self._nodes[WILDCARD + node.name]
            source = node.get(rrset.type) or rrset
        made = self._signs.rrsig(source, now, rrset)
        return () if made is None else (made,)

    def _expansion(self, rrset: RRset) -> tuple[RRset, ...]:
        """What shows that `rrset`, if it was made from a wildcard, was made rightly."""
        name = names.fold(rrset.name)
        if name in self._nodes:
            return ()
        return self._chain.expanded(name, closest_encloser(self._nodes, name).name)

    def _denial(self, name: bytes, rcode: int) -> tuple[RRset, ...]:
        """What shows that the folded `name`, or data of the type that was asked for, is not there."""
        node = closest_encloser(self._nodes, name)
        if rcode == Rcode.NXDOMAIN:
            return self._chain.name_error(name, node.name)
        if node.name == name:
            return self._chain.no_data(name)
        return self._chain.wildcard_no_data(name, node.name)

    def _delegation(self, cut: bytes, now: float, denials: list[RRset]) -> tuple[RRset, ...]:
        """The DS of the delegation with its signature; where there is none, what shows that is one of `denials`."""
        ds = self._nodes[cut].get(Type.DS)
        if ds is None:
            denials += self._chain.no_data(cut)
            return ()
        return (ds, *self._signature(ds, now))


class SignedZone(ProvenZone):
    """A zone whose signatures and denials are made when they are asked for."""

    __slots__ = ("parameters", "signer")

    signer: Signer
    """The keys of the zone, at work."""
    parameters: Parameters | None
    """How NSEC3 hashes; None where NSEC denies."""

    def __init__(
        self, apex: bytes, rrsets: Iterable[RRset], signer: Signer, parameters: Parameters | None = None
    ) -> None:
        """The zone `apex` made of `rrsets`, its DNSKEY among them, denied by NSEC3 with `parameters` or else by NSEC.

        Raises ZoneError when they cannot be served.
        """
        super().__init__(apex, rrsets)
        self.signer, self.parameters = signer, parameters
        self._signs = signer
        negative_ttl = min(self.soa.ttl, rdata.soa_minimum(self.soa.rdatas[0]))
        self._chain = (
            Nsec(self._owners, negative_ttl)
            if parameters is None
            else Nsec3(self.apex, self._owners, negative_ttl, parameters)
        )

    def _owners(self) -> Iterator[Owner]:
        """The names of the zone that its chain is made of."""
        for node in self._nodes.values():
            if node.above is None:
                types = tuple(
                    rrset.type for rrset in node.rrsets if not node.is_cut or rrset.type in (Type.NS, Type.DS)
                )
                yield Owner(node.name, types, node.is_cut)


class UnsignableZone(Zone):
    """A zone that was to be signed and could not be: nothing is said of it, as it would be taken for unsigned."""

    __slots__ = ()

    def answer(self, question: Question, do: bool = False, now: float = 0.0) -> Reply:
        """SERVFAIL with the extended error Invalid Data (RFC 8914 section 4.25)."""
        return _UNSIGNABLE
