"""Decides whether the records of one zone can stand beside one another.

Rules: a CNAME stands alone but for DNSSEC's records (RFC 1034 section 3.6.2, RFC 4034 sections 3 and 4), an
owner has one CNAME, DNAME or SOA, and the SOA is at the apex: breaking these is fatal, no zone can be made
of it. An RRset has one TTL (RFC 2181 section 5.2) and no record twice; below a DNAME there is nothing (RFC
6672 section 2.4); at and below a delegation only NS, DS and glue are seen (RFC 1034 section 4.2.1): these
are reported.

Limits: one zone at a time; what zones say of one another is the lint's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import dns.rdatatype

from resolver.auth.draft import ZoneDraft
from resolver.auth.findings import Finding
from resolver.auth.master import Record
from resolver.message import Type
from resolver.wire import names

Report = Callable[[Record, str, str], None]

_BESIDE_CNAME: Final = frozenset({Type.CNAME, Type.RRSIG, Type.NSEC, 25})  # 25 is KEY (RFC 2181 section 10.1)
_SINGLE: Final = (Type.CNAME, Type.DNAME, Type.SOA)
_AT_CUT: Final = frozenset({Type.NS, Type.DS, Type.A, Type.AAAA, Type.RRSIG, Type.NSEC})
_BELOW_CUT: Final = frozenset({Type.A, Type.AAAA, Type.NS})


def kind(rtype: int) -> str:
    """The name of a type, as in a master file."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rtype))


def fatal(zone: ZoneDraft, found: Callable[[Finding], None]) -> None:
    """What makes it impossible to serve the zone is given to `found`."""

    def say(record: Record, text: str, instead: str) -> None:
        found(Finding(record.file, record.line, text, instead, fatal=True))

    types: dict[bytes, list[int]] = {}
    for name, rtype in zone.sets:
        types.setdefault(name, []).append(rtype)
    for (name, rtype), records in zone.sets.items():
        if rtype not in _SINGLE:
            continue
        owner = names.to_text(name)
        others = [kind(other) for other in types[name] if other not in _BESIDE_CNAME]
        if rtype == Type.CNAME and others:
            what = f"{owner} has a CNAME beside other data ({', '.join(sorted(others))})"
            say(records[0], what, "keep the CNAME alone or remove it (RFC 1034 section 3.6.2)")
        if len({record.rdata for record in records}) > 1:
            say(records[1], f"{owner} has more than one {kind(rtype)}", "keep one of them")
        if rtype == Type.SOA and name != zone.apex:
            hint = f"the SOA belongs to {names.to_text(zone.apex)}; declare a zone for this name"
            say(records[0], f"{owner} has an SOA inside another zone", hint)


def doubtful(zone: ZoneDraft, say: Report) -> None:
    """What is wrong in the zone although it can be served is given to `say`."""
    dnames = {name for name, rtype in zone.sets if rtype == Type.DNAME}
    for (name, rtype), records in zone.sets.items():
        owner, first = names.to_text(name), records[0]
        seen: dict[bytes, Record] = {}
        for record in records:
            if record.ttl != first.ttl:
                what = f"TTL {record.ttl} differs from {first.ttl} in the same RRset, {owner} {kind(rtype)}"
                say(record, what, "give all its records one TTL; the lowest is served (RFC 2181 section 5.2)")
            if record.rdata in seen:
                what = f"{owner} {kind(rtype)} stands twice (line {seen[record.rdata].line})"
                say(record, what, "remove one of them")
            seen[record.rdata] = record
        if dnames and (above := _above(zone, name, dnames)):
            what = f"{owner} is below the DNAME of {names.to_text(above)} and is never seen"
            say(first, what, "remove it or the DNAME (RFC 6672 section 2.4)")
        if zone.cuts and (cut := zone.cut_above(name)):
            visible = _AT_CUT if cut == name else _BELOW_CUT
            if rtype not in visible:
                what = f"{owner} {kind(rtype)} is hidden by the delegation of {names.to_text(cut)}"
                say(first, what, f"move it into the zone {names.to_text(cut)}")


def _above(zone: ZoneDraft, name: bytes, dnames: set[bytes]) -> bytes | None:
    """The name of a DNAME above `name` in the zone."""
    while name != zone.apex:
        name = names.parent(name)
        if name in dnames:
            return name
    return None
