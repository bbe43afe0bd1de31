"""Decides which records a world needs that nobody wrote: SOA, NS, delegations, glue, addresses and PTR.

Rules. What a file or a declaration gives stays as it is; an RRset is generated only where there is none:

* the SOA of a zone, and its NS: the declared name servers, else the servers that serve it;
* in the parent, the delegation to each zone of the world: the NS of the child;
* for each server, A and AAAA in the zone that owns its name, and PTR where the world owns the reverse tree;
* glue for every NS that the zone itself delegates away: in-domain and sibling (RFC 9471).

One exception: where nobody in the world owns the name of a declared server (a root server's, in the real root
zone), the addresses that a file gives are those of the Internet; the declared ones take their place.

Limits: a zone below a delegation out of the world gets no delegation; the lint says so. What belongs to keys
is `keyring`'s.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from resolver.auth.declaration import ServerDeclaration
from resolver.auth.draft import Draft, ZoneDraft
from resolver.errors import BadName
from resolver.message import Type
from resolver.wire import names

NS_TTL: Final = 86_400
"""Seconds that a resolver keeps delegations and the addresses of servers: a day, as TLDs commonly say."""
PTR_TTL: Final = 3600
SOA_TIMES: Final = (1, 7200, 3600, 1_209_600)
"""Serial, refresh, retry, expire of a generated SOA: the last three as RIPE-203 recommends them, rounded."""
MAX_HELD: Final = 1024
"""Servers whose addresses are held once they have been read: a world that changes is completed again and again."""
ARPA: Final = b"\x04arpa\0"


def complete(draft: Draft) -> None:
    """The draft has all the records that follow from its declaration."""
    for zone in draft.zones.values():
        _apex(draft, zone)
    for zone in draft.zones.values():
        _delegate(draft, zone)
    # A world without a reverse tree gets none: PTR in its root would only be in the way.
    reverses = any(names.is_below(apex, ARPA) for apex in draft.zones)
    for server in draft.declaration.servers.values():
        _name(draft, server)
        for address in addresses(server).values() if reverses else ():
            _point_back(draft, server, address)
    for zone in draft.zones.values():
        _glue(draft, zone)


def addresses(server: ServerDeclaration) -> Mapping[int, ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses of a server by the type of the record that says them."""
    return _addresses(server.ipv4, server.ipv6)


@lru_cache(MAX_HELD)
def _addresses(ipv4: str, ipv6: str | None) -> Mapping[int, ipaddress.IPv4Address | ipaddress.IPv6Address]:
    found: dict[int, ipaddress.IPv4Address | ipaddress.IPv6Address] = {Type.A: ipaddress.IPv4Address(ipv4)}
    if ipv6 is not None:
        found[Type.AAAA] = ipaddress.IPv6Address(ipv6)
    return MappingProxyType(found)


def _apex(draft: Draft, zone: ZoneDraft) -> None:
    declared = zone.declared
    if not zone.records(zone.apex, Type.NS):
        servers = [draft.declaration.servers[name].name for name in declared.servers]
        hosts = tuple(servers) if declared.nameservers is None else declared.nameservers
        for host in dict.fromkeys(hosts):
            zone.make(declared.apex, Type.NS, NS_TTL, host, declared.where)
    if not zone.records(zone.apex, Type.SOA):
        primary = next((record.rdata for record in zone.records(zone.apex, Type.NS)), names.ROOT)
        try:
            mailbox = names.prepend(b"hostmaster", declared.apex)
        except BadName:
            mailbox = names.ROOT
        numbers = (*SOA_TIMES, declared.negative_ttl)
        rdata = primary + mailbox + b"".join(number.to_bytes(4, "big") for number in numbers)
        zone.make(declared.apex, Type.SOA, declared.ttl, rdata, declared.where)


def _delegate(draft: Draft, zone: ZoneDraft) -> None:
    parent = draft.parent(zone)
    if parent is None or parent.cut_above(zone.apex):
        return  # the parent's file delegates it, or what is above it
    records = zone.records(zone.apex, Type.NS)
    ttl = min((record.ttl for record in records), default=0)
    for record in records:
        parent.make(zone.declared.apex, Type.NS, ttl, record.rdata, zone.declared.where)


def _name(draft: Draft, server: ServerDeclaration) -> None:
    zone = draft.owner(names.fold(server.name))
    if zone is None:
        return
    for rtype, address in addresses(server).items():
        if not zone.records(names.fold(server.name), rtype):
            zone.make(server.name, rtype, NS_TTL, address.packed, server.where)


def _point_back(
    draft: Draft, server: ServerDeclaration, address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    reverse = names.from_text(address.reverse_pointer)
    zone = draft.owner(reverse)
    if zone is None or not names.is_below(zone.apex, ARPA):
        return
    if not zone.records(reverse, Type.PTR) and not zone.records(reverse, Type.CNAME):  # an alias as in RFC 2317
        zone.make(reverse, Type.PTR, PTR_TTL, server.name, server.where)


def _glue(draft: Draft, zone: ZoneDraft) -> None:
    hosts = {names.fold(record.rdata): record for _, some in zone.delegations() for record in some}
    for host, record in hosts.items():
        if not names.is_below(host, zone.apex) or zone.cut_above(host) is None or zone.records(host, Type.CNAME):
            continue
        owner, server = draft.owner(host), draft.declaration.servers.get(host)
        if owner is not None:
            for rtype in (Type.A, Type.AAAA):
                if not zone.records(host, rtype):
                    for known in owner.records(host, rtype):
                        zone.add(known)
        elif server is not None:
            for rtype in (Type.A, Type.AAAA):
                zone.sets.pop((host, rtype), None)
            for kind, address in addresses(server).items():
                zone.make(record.rdata, kind, NS_TTL, address.packed, server.where)
