"""Zones, questions and replies as the text of master files, read and written by dnspython."""

from __future__ import annotations

from collections.abc import Iterable

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from resolver.auth.zone import Zone
from resolver.message import Class, Question, Reply, RRset
from resolver.wire import names

Record = tuple[bytes, int, int, bytes]
"""Owner, type, TTL, rdata."""


def record(line: str) -> Record:
    """The record that a line `owner TTL IN TYPE rdata` spells, its owner as it is spelled."""
    owner, ttl, cls, rtype, text = line.split(None, 4)
    assert cls == "IN"
    rdata = dns.rdata.from_text(cls, rtype, text, origin=dns.name.root, relativize=False)
    return names.from_text(owner), int(dns.rdatatype.from_text(rtype)), int(ttl), rdata.to_wire()


def rrsets(lines: Iterable[str]) -> list[RRset]:
    """The RRsets of some lines, in their order."""
    grouped: dict[tuple[bytes, int], tuple[bytes, int, list[bytes]]] = {}
    for line in lines:
        owner, rtype, ttl, rdata = record(line)
        grouped.setdefault((names.fold(owner), rtype), (owner, ttl, []))[2].append(rdata)
    return [RRset(owner, rtype, Class.IN, ttl, tuple(rdatas)) for (_, rtype), (owner, ttl, rdatas) in grouped.items()]


def zone(origin: str, text: str) -> Zone:
    """The zone of a text with a record a line; empty lines do no harm."""
    return Zone(names.from_text(origin), rrsets(line for line in text.splitlines() if line.strip()))


def question(name: str, rtype: str) -> Question:
    """The question for a name and a type."""
    return Question(names.from_text(name), int(dns.rdatatype.from_text(rtype)))


def records(section: Iterable[RRset]) -> set[Record]:
    """A section as a set of records, their owners folded; fails when a record stands in it twice."""
    listed = [
        (names.fold(rrset.name), int(rrset.type), rrset.ttl, rdata) for rrset in section for rdata in rrset.rdatas
    ]
    assert len(listed) == len(set(listed)), "a record stands twice in one section"
    return set(listed)


def lines(section: Iterable[RRset]) -> list[str]:
    """A section in presentation form, a line `owner TTL TYPE rdata` for each record, sorted."""
    return sorted(_line(rrset, rdata) for rrset in section for rdata in rrset.rdatas)


def _line(rrset: RRset, rdata: bytes) -> str:
    rtype = dns.rdatatype.RdataType.make(rrset.type)
    data = dns.rdata.from_wire(dns.rdataclass.IN, rtype, rdata, 0, len(rdata))
    return f"{names.to_text(rrset.name)} {rrset.ttl} {dns.rdatatype.to_text(rtype)} {data.to_text()}"


def rcode(reply: Reply) -> str:
    """The rcode of a reply by its name."""
    return dns.rcode.to_text(dns.rcode.Rcode(reply.rcode))
