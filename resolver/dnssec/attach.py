"""Decides which signatures and which proofs of a message belong to what was concluded from it.

Rules
* A signature goes with the set of its owner, class and covered type, in the section that it stands in. The two live as
  long as the shorter-lived (RFC 4035 section 5.3.3).
* The signed NSEC and NSEC3 sets of the authority section stand beside the SOA of a denial, and beside each set of
  which a signature says that it was made from a wildcard (RFC 4035 section 5.3.4).
* Of what ANY brings the signatures go with the sets that they cover; alone they are an answer like any other.
* The alias that a DNAME made has no signature, but what it is proven by is that of the DNAME (RFC 6672 section 5.3.1).

Nothing is proven here: all is `Status.UNCHECKED`. A message without signatures, as most are, is seen as such at once.

Limits: `MAX_SIGNATURES` of a set and `MAX_BESIDE` sets of a denial are kept. Zones in use have one or two signatures
for each algorithm; a denial has four NSEC3 sets at most.
"""

from __future__ import annotations

from typing import Final

from resolver.dnssec.canonical import signed_labels
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied, Overlong
from resolver.message import Class, Message, Proof, RRset, Status, Type
from resolver.wire.names import fold

MAX_SIGNATURES: Final = 16
MAX_BESIDE: Final = 8

_RRSIG: Final = int(Type.RRSIG)
_DENYING: Final = (int(Type.NSEC), int(Type.NSEC3))
_FIXED: Final = 18
"""Octets of a signature's rdata before its signer (RFC 4034 section 3.1)."""
_LABELS: Final = 3
"""Where the number of labels stands in it."""

_Signatures = dict[tuple[bytes, int], tuple[tuple[bytes, ...], int]]
"""By the owner, folded, and the type of what they cover; with their TTL."""


def attach(conclusion: Conclusion, message: Message) -> Conclusion:
    """`conclusion`, which was drawn from `message`, with the signatures and denials in it; all unchecked."""
    for rrset in (*message.answer, *message.authority):
        if rrset[1] == _RRSIG:
            break
    else:
        return conclusion
    answered, denying = _signatures(message.answer), _signatures(message.authority)
    beside = _beside(message.authority, denying)
    match conclusion:
        case Answered(chain, rrsets, authoritative):
            if len(rrsets) > 1:
                rrsets = tuple(each for each in rrsets if each.type != _RRSIG) or rrsets
            whole = _signed((*chain, *rrsets), answered, beside)
            return Answered(whole[: len(chain)], whole[len(chain) :], authoritative)
        case Alias(chain, target, authoritative):
            return Alias(_signed(chain, answered, beside), target, authoritative)
        case Denied(chain, name, rcode, soa, authoritative):
            if soa is not None:
                soa = _with(soa, denying.get((fold(soa.name), soa.type), ((), soa.ttl)), beside)
            return Denied(_signed(chain, answered, beside), name, rcode, soa, authoritative)
        case Overlong(chain):
            return Overlong(_signed(chain, answered, beside))


def denials(message: Message) -> tuple[RRset, ...]:
    """The signed NSEC and NSEC3 sets in the authority section of `message`, unchecked."""
    return _beside(message.authority, _signatures(message.authority))


def delegated(zone: bytes, message: Message) -> tuple[RRset, ...]:
    """What a referral to `zone`, folded, says of its DS: the set with its signatures, or what denies it; unchecked."""
    signatures = _signatures(message.authority)
    for rrset in message.authority:
        if rrset.type == Type.DS and rrset.cls == Class.IN and fold(rrset.name) == zone:
            return tuple(each for each in _signed((rrset,), signatures, ()) if each.proof is not None)
    return _beside(message.authority, signatures)


def _signatures(section: tuple[RRset, ...]) -> _Signatures:
    """The signatures in `section`."""
    found: dict[tuple[bytes, int], tuple[list[bytes], int]] = {}
    for name, rtype, cls, ttl, rdatas, _ in section:
        if rtype == _RRSIG and cls == Class.IN:
            owner = fold(name)
            for rdata in rdatas:
                if len(rdata) > _FIXED:
                    found.setdefault((owner, rdata[0] << 8 | rdata[1]), ([], ttl))[0].append(rdata)
    return {key: (tuple(signatures[:MAX_SIGNATURES]), ttl) for key, (signatures, ttl) in found.items()}


def _beside(authority: tuple[RRset, ...], signatures: _Signatures) -> tuple[RRset, ...]:
    """The sets of NSEC and NSEC3 with signatures."""
    found = []
    for rrset in authority:
        if rrset.type in _DENYING and rrset.cls == Class.IN:
            those = signatures.get((fold(rrset.name), rrset.type))
            if those is not None:
                found.append(_with(rrset, those, ()))
    return tuple(found[:MAX_BESIDE])


def _signed(rrsets: tuple[RRset, ...], signatures: _Signatures, beside: tuple[RRset, ...]) -> tuple[RRset, ...]:
    """`rrsets` with their `signatures`, and with what stands `beside` those that were made from a wildcard."""
    made = []
    for rrset in rrsets:
        those = signatures.get((fold(rrset.name), rrset.type))
        if those is not None and rrset.type != _RRSIG:
            labels = signed_labels(rrset.name)
            expanded = any(each[_LABELS] < labels for each in those[0])
            rrset = _with(rrset, those, beside if expanded else ())
        made.append(rrset)
    return tuple(made)


def _with(rrset: RRset, signatures: tuple[tuple[bytes, ...], int], beside: tuple[RRset, ...]) -> RRset:
    """`rrset` with its `signatures`, which have that TTL, and with what stands `beside` it."""
    rdatas, ttl = signatures
    return rrset._replace(ttl=min(rrset.ttl, ttl), proof=Proof(Status.UNCHECKED, rdatas, beside))
