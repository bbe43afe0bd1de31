"""Signed zones from text, and what a reply of theirs proves to somebody who has their keys.

The judge is dnspython: it reads and verifies every signature, and the denials are looked at as their RFC says.
"""

from __future__ import annotations

from collections.abc import Iterable

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rrset

from resolver.auth.signed import SignedZone
from resolver.dnssec import algorithms, keys
from resolver.dnssec.chains import NSEC3PARAM, Parameters
from resolver.dnssec.faults import Fault
from resolver.dnssec.sign import Signer
from resolver.message import Class, Reply, RRset, Type
from resolver.wire import names
from tests.support import zone_text

NOW = 1_790_000_000.0


def zone(
    origin: str,
    text: str,
    nsec3: Parameters | None = None,
    fault: Fault | None = None,
    algorithm: int = algorithms.ED25519,
) -> SignedZone:
    """The zone of a text with a record a line, signed with keys of the test's own."""
    apex = names.from_text(origin)
    signer = Signer(apex, keys.derived("tests", apex, algorithm), fault)
    rrsets = zone_text.rrsets(line for line in text.splitlines() if line.strip())
    rrsets.append(RRset(apex, Type.DNSKEY, Class.IN, 3600, signer.dnskeys))
    if nsec3 is not None:
        rrsets.append(RRset(apex, NSEC3PARAM, Class.IN, 0, (nsec3.rdata,)))
    return SignedZone(apex, rrsets, signer, nsec3)


def told(section: Iterable[RRset]) -> list[str]:
    """Owner and type of each RRset in its order, those of signatures with what they cover."""
    return [
        f"{names.to_text(rrset.name)} {_kind(rrset.type)}"
        + (f"({_kind(int.from_bytes(rrset.rdatas[0][:2], 'big'))})" if rrset.type == Type.RRSIG else "")
        for rrset in section
    ]


def unproven(zone_asked: SignedZone, reply: Reply) -> list[str]:
    """The RRsets of answer and authority without a signature that holds. Fails for a signature that does not."""
    open_sets: list[str] = []
    for section in (reply.answer, reply.authority):
        signatures = [rrset for rrset in section if rrset.type == Type.RRSIG]
        for rrset in section:
            if rrset.type == Type.RRSIG:
                continue
            covering = [
                each
                for each in signatures
                if names.fold(each.name) == names.fold(rrset.name)
                and int.from_bytes(each.rdatas[0][:2], "big") == rrset.type
            ]
            if not covering:
                open_sets.append(told([rrset])[0])
            for each in covering:
                verify(zone_asked, rrset, each)
    return open_sets


def verify(zone_asked: SignedZone, rrset: RRset, signature: RRset) -> None:
    """Raises `dns.dnssec.ValidationFailure` unless `signature` proves `rrset`."""
    assert signature.ttl == rrset.ttl
    origin = dns.name.from_text(names.to_text(zone_asked.apex))
    dnskey = _dns(RRset(zone_asked.apex, Type.DNSKEY, Class.IN, 3600, zone_asked.signer.dnskeys))
    dns.dnssec.validate(_dns(rrset), _dns(signature), {origin: dnskey}, now=NOW)


def _dns(rrset: RRset) -> dns.rrset.RRset:
    made = dns.rrset.RRset(dns.name.from_text(names.to_text(rrset.name)), dns.rdataclass.IN, _type(rrset.type))
    made.update_ttl(rrset.ttl)
    for each in rrset.rdatas:
        made.add(dns.rdata.from_wire(dns.rdataclass.IN, _type(rrset.type), each, 0, len(each)))
    return made


def _type(rtype: int) -> dns.rdatatype.RdataType:
    return dns.rdatatype.RdataType.make(rtype)


def _kind(rtype: int) -> str:
    return dns.rdatatype.to_text(_type(rtype))
