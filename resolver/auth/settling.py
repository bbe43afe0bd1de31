"""Decides whether a plan can be as it has just been changed.

Rules: each check looks at what the change touches, and raises `ZoneError` with what to write instead. Records of a zone
can stand beside one another, and its keys can sign them. What is above a declared zone neither delegates to others nor
renames (NS, DNAME, CNAME). A name server is no alias (RFC 2181 section 10.3), and what is said of its addresses leads
to it. A server has an address of its own. What keys make is not given.

Limits: what a directory has broken on purpose stays so, and nothing is said of it: a zone that is cut off, a server
with an address that is not its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from resolver.auth import generate, keyring, values
from resolver.auth.draft import Key, ZoneDraft
from resolver.auth.master import Record
from resolver.auth.planned import ROOT_SERVER, ZONES_NET, Saved, free_address
from resolver.auth.shape import PLAN, place
from resolver.auth.values import Wrong
from resolver.auth.worlds import check
from resolver.dnssec.chains import NSEC3PARAM
from resolver.errors import BadName, ZoneError
from resolver.message import Type
from resolver.wire import names

MADE: Final = frozenset((Type.DNSKEY, Type.RRSIG, Type.NSEC, Type.NSEC3, NSEC3PARAM))
"""What a signed zone has by its keys."""
GLUE: Final = frozenset((Type.A, Type.AAAA, Type.NS, Type.DS))
"""What is seen at or below a delegation."""


def settled(before: Saved, after: Saved, zone: ZoneDraft, here: str) -> None:
    """`after` can be, in which `zone` is new."""
    check(zone)
    no_alias(before, after, here, zone.apex)
    _signable(after, zone, here)
    old, parent = before.zones.get(zone.apex), after.parent(zone.apex)
    if parent is not None and old is None:
        _delegated(after, parent, zone, here)
    none_cut_off(before, after, zone, here)
    hosts = [name for name, rtype in zone.sets if name in after.servers and _is_new(old, zone, (name, rtype))]
    if old is None or old.declared.servers != zone.declared.servers:
        hosts += zone.declared.servers
    for host in dict.fromkeys(hosts):
        reachable(after, host, here)


def none_cut_off(before: Saved, after: Saved, zone: ZoneDraft, here: str) -> None:
    """No zone that is to be delegated from `zone` is cut off, but those that were."""
    old = before.zones.get(zone.apex)
    lost = {} if old is None else _cut_off(before, old)
    for apex, record in _cut_off(after, zone).items():
        if apex not in lost:
            what = f"{_what(record)} would cut off the zone {names.to_text(apex)}"
            raise ZoneError(what, where=here, instead="remove that zone first, or leave the record out")


def no_alias(before: Saved, after: Saved, here: str, *apexes: bytes) -> None:
    """None of `apexes`, nor of the automatic zones that are new in `after`, is an alias."""
    for apex in (*apexes, *(after.automatic - before.automatic)):
        if after.zones[apex].records(apex, Type.CNAME):
            what = f"{names.to_text(apex)} is an alias (CNAME) and cannot be a zone, which has SOA and NS"
            raise ZoneError(what, where=here, instead="leave the alias out (RFC 1912 section 2.4)")


def reachable(state: Saved, host: bytes, here: str) -> None:
    """What the zones say of the server of the folded name `host` leads to it."""
    zone = state.enclosing(host)
    if zone is None or zone.cut_above(host) is not None:
        return
    text = names.to_text(host)
    if zone.records(host, Type.CNAME):
        what = f"{text} is a name server and an alias (CNAME)"
        raise ZoneError(what, where=here, instead="give the server another name (RFC 2181 section 10.3)")
    for rtype, address in generate.addresses(state.servers[host]).items():
        given = zone.records(host, rtype)
        if given and address.packed not in {record.rdata for record in given}:
            what = f"{text} is a name server at {address}, and has other addresses"
            instead = "leave them out: it gets A and AAAA records by itself"
            raise ZoneError(what, where=here, instead=instead)


def hosts(state: Saved, apex: bytes, given: Sequence[str] | None, here: str) -> list[bytes]:
    """The names of the servers that the zone `apex` has, where those are `given`."""
    folded = names.fold(apex)
    known = None if folded in state.automatic else state.zones.get(folded)
    if given is None and known is not None:
        return [state.servers[name].name for name in known.declared.servers]
    if given is None:
        try:
            return [ROOT_SERVER] if apex == names.ROOT else [names.prepend(label, apex) for label in (b"ns1", b"ns2")]
        except BadName:
            instead = "name its servers: servers=[...]"
            raise ZoneError("its name is too long for ns1 in front of it", where=here, instead=instead) from None
    try:
        found = list({names.fold(name): name for name in values.domains(list(_texts(given, here)))}.values())
    except Wrong as wrong:
        raise ZoneError(f"servers: {wrong}", where=here, instead=wrong.instead) from None
    if apex == names.ROOT and not found:
        raise ZoneError("nobody would serve the root", where=here, instead="name a server, or leave servers out")
    if known is not None and set(map(names.fold, found)) != set(known.declared.servers):
        served = ", ".join(map(names.to_text, known.declared.servers))
        raise ZoneError(f"the zone is served by {served}", where=here, instead="leave servers out, or remove it first")
    return found


def address(state: Saved, server: bytes, given: str, here: str) -> str:
    """The address that is `given` to the server of that folded name, and that nobody else has."""
    try:
        ipv4 = values.ipv4(given)
    except Wrong as wrong:
        raise ZoneError(f"address: {wrong}", where=here, instead=wrong.instead) from None
    for name, other in state.servers.items():
        if name != server and (ipv4 == other.ipv4 or values.derived_ipv6(ipv4) == other.ipv6):
            instead = f"take {free_address(state, ZONES_NET)}, or leave it out"
            raise ZoneError(f"{ipv4} is the address of {names.to_text(name)}", where=here, instead=instead)
    return ipv4


def may_give(state: Saved, zone: ZoneDraft, owner: bytes, rtype: int, subject: str) -> None:
    """Records of that folded owner and type, told by `zone`, would be seen."""
    here = place(zone.declared.apex, PLAN)
    cut = zone.cut_above(owner)
    if cut is not None and rtype not in GLUE:
        instead = f"declare the zone {names.to_text(cut)}"
        raise ZoneError(f"{subject} is hidden by the delegation of {names.to_text(cut)}", where=here, instead=instead)
    child = state.zones.get(owner) if rtype == Type.DS else None
    if child is not None and state.signing(child) and state.signing(zone):
        instead = 'for another one say dnssec={"fault": "ds-mismatch"} of the zone'
        raise ZoneError(f"{subject} follows from the keys of the zone", where=here, instead=instead)
    if rtype in MADE and state.signing(zone):
        raise ZoneError(f"{subject} is made by the keys of the zone", where=here, instead="leave it out")


def _is_new(old: ZoneDraft | None, zone: ZoneDraft, key: Key) -> bool:
    return old is None or old.sets.get(key) != zone.sets[key]


def _signable(state: Saved, zone: ZoneDraft, here: str) -> None:
    """The zone can be signed as it is to be, and so can the automatic ones above it."""
    for apex in names.ancestors(zone.apex):
        each = zone if apex == zone.apex else state.zones.get(apex)
        how = None if each is None or (each is not zone and apex not in state.automatic) else state.signing(each)
        why = None if each is None or how is None else keyring.why_not(each, how)
        if why is not None:
            raise ZoneError(f"{names.to_text(apex)} cannot be signed: {why[0]}", where=here, instead=why[1])


def _delegated(state: Saved, parent: ZoneDraft, zone: ZoneDraft, here: str) -> None:
    """The `parent` of the zone can delegate it."""
    record = _cut_off(state, parent).get(zone.apex)
    if record is not None:
        what = f"the zone would be cut off by {_what(record)}"
        raise ZoneError(
            what, where=here, instead=f"declare the zone {names.to_text(record.name)}, or remove that record"
        )
    if parent.records(zone.apex, Type.CNAME):
        what = f"{names.to_text(zone.apex)} is an alias (CNAME) in {names.to_text(parent.apex)}"
        raise ZoneError(what, where=here, instead="remove the alias first")


def _cut_off(state: Saved, zone: ZoneDraft) -> dict[bytes, Record]:
    """The zones to be delegated from `zone` that cannot be, and the record in it that stands above each."""
    if not zone.cuts and not any(rtype == Type.DNAME for _, rtype in zone.sets):
        return {}
    found: dict[bytes, Record] = {}
    for apex in state.zones:
        parent = state.parent(apex)
        if parent is None or parent.apex != zone.apex:
            continue
        for above in names.ancestors(names.parent(apex)):
            turns = zone.records(above, Type.DNAME) or (zone.records(above, Type.NS) if above != zone.apex else [])
            if turns:
                found[apex] = turns[0]
            if above == zone.apex:
                break
    return found


def _what(record: Record) -> str:
    kind = "DNAME" if record.type == Type.DNAME else "NS"
    return f"{names.to_text(record.name)} {kind}"


def _texts(given: object, here: str) -> Sequence[object]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ZoneError(f"servers: {given!r} is no list of names", where=here, instead='write ["ns1.example.com"]')
    return given
