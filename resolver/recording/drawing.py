"""Decides which zones a recorded world has, and which records: what the walks needed and what was answered, no more.

Rules
* The zones are those that are needed (`walking`), each with its SOA and NS; in the one above the NS only where they
  are others than its own, for they are generated.
* Answered are the record sets along each question's aliases: a DNAME without the CNAMEs made from it, a wildcard in
  place of what it made, where its signatures show it.
* What was denied is not there, and so is denied again. Where a name exists without data of the type that was asked
  for, and nothing else of it is known, it has a record of the type `drawn.PRESENT`, without data. So has a name
  that keeps a wildcard from what was denied below it.
* The addresses of name servers are those of the world. Where a person asked for such an address by name, the real one
  is answered, and the world's stands as glue in the zone above, if that gave glue. Else nobody would find the server:
  then the world's is answered, and a remark says so.

Limits: what servers of a zone say differently is not told apart. DNSKEY, DS, RRSIG, NSEC and NSEC3 are the world's own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from resolver.dnssec.chains import NSEC3PARAM
from resolver.message import Class, Rcode, RRset, Type
from resolver.recording import securing, servers
from resolver.recording.drawn import Drawn, DrawnServer, DrawnZone
from resolver.recording.evidence import ADDRESSES, Evidence, Key, Told
from resolver.recording.walking import Asked, needed
from resolver.wire import names, types

_MADE: Final = frozenset((Type.DNSKEY, Type.RRSIG, Type.NSEC, Type.NSEC3, NSEC3PARAM))
"""Types that a signed zone has by its own keys alone."""

SERVER_TTL: Final = 86_400
"""Seconds; of the addresses of servers that only glue gave, as the world itself gives them."""


def draw(asked: Sequence[Asked], evidence: Evidence, *, wall: float, latency: bool = False) -> Drawn:
    """The world of what was `asked`. `wall` is when, in seconds since 1970; with `latency` its servers are as slow."""
    drawn = Drawn()
    zones = needed(evidence, (each.question for each in asked)).zones
    for apex in sorted(zones, key=lambda apex: (names.depth(apex), apex)):
        drawn.zones[apex] = DrawnZone(apex)
    servers.draw(drawn, evidence, latency=latency)
    _Drawing(drawn, evidence, asked, wall, securing.signed(evidence, drawn.zones)).run()
    return drawn


@dataclass(slots=True)
class _Drawing:
    """Fills the zones of `drawn`."""

    drawn: Drawn
    evidence: Evidence
    asked: Sequence[Asked]
    wall: float
    signed: set[bytes]
    owned: dict[bytes, list[Told]] = field(default_factory=dict)
    """What was told of each zone, its keys apart."""
    made: dict[bytes, set[bytes]] = field(default_factory=dict)
    """The wildcards that made data at a name."""

    def run(self) -> None:
        """The zones have all their records."""
        for (name, rtype), told in self.evidence.sets.items():
            if rtype != Type.DNSKEY:
                self.owned.setdefault(self.drawn.owner(name, rtype).apex, []).append(told)
            if told.wildcard is not None:
                self.made.setdefault(name, set()).add(told.wildcard)
        for zone in self.drawn.zones.values():
            self.apex(zone)
        for asked in self.asked:
            self.answered(asked)
        for server in self.drawn.servers.values():
            self.placed(server)
        for asked in self.asked:
            self.denied(asked)
        for zone in self.drawn.zones.values():
            self.possible(zone)
            self.secured(zone)
            self.doubted(zone)

    def apex(self, zone: DrawnZone) -> None:
        """SOA and NS of the zone, and its delegation where that says something else."""
        apex = zone.apex
        soa = self.evidence.sets.get((apex, Type.SOA))
        denial = self.evidence.soas.get(apex)
        if soa is not None or denial is not None:
            zone.put(soa.rrset if soa is not None else denial)  # type: ignore[arg-type]
        ns = self.evidence.ns(apex)
        if ns is None:
            return
        zone.put(ns, apex)
        delegation = self.evidence.delegations.get(apex)
        parent = self.drawn.owner(apex, Type.DS)
        if delegation is not None and parent is not zone and not _same(ns, delegation):
            parent.put(delegation, apex)
            if not _same(ns._replace(ttl=delegation.ttl), delegation):
                zone.broken = "the zone above names other servers"

    def answered(self, asked: Asked) -> None:
        """What a question's walk found, from its name to the end of its aliases."""
        question, reply = asked.question, asked.reply
        path = self.evidence.path(names.fold(question.name), question.type)
        self.put((path[-1], question.type))
        data = (path[-1], question.type) in self.evidence.sets
        for name in path[:-1] if data else path:  # the last has an alias, too, where it leads back or to no name
            aliases = (_alias(self.evidence, above, name) for above in names.ancestors(name))
            self.put(next((key for key in aliases if key is not None), (name, Type.CNAME)))
        for rrset in reply.answer if reply is not None and question.type == Type.ANY else ():
            self.put((names.fold(rrset.name), rrset.type))

    def put(self, key: Key) -> None:
        """The record set of that folded name and type is in its zone, if there is one."""
        told = self.evidence.sets.get(key)
        if told is None:
            return
        name, rtype = key
        zone = self.drawn.owner(name, rtype)
        signed = zone.apex in self.signed
        if (rtype in _MADE and signed) or (rtype == Type.DS and name in self.drawn.zones):
            return
        zone.put(told.rrset, told.wildcard or name)

    def placed(self, server: DrawnServer) -> None:
        """The addresses of the server are where they are looked for."""
        name = server.name
        zone = self.drawn.owner(name, Type.A)
        world = _addresses(server)
        real = [rtype for rtype in ADDRESSES if _is_other(zone.records.get((name, rtype)), world.get(rtype))]
        if real:
            above = [each for each in self.delegating(server) if each is not zone]
            if above and all((apex, name) in self.evidence.glued for apex in server.zones if apex != names.ROOT):
                self.split(server, zone, above)
                return
            kinds = " and ".join(types.to_text(rtype) for rtype in real)
            remark = f"{names.to_text(name)} {kinds} is answered with the address of the server in this world"
            zone.remarks.append(remark)
            self.drawn.remarks.append(remark)
        for rtype, address in world.items():
            told = self.evidence.sets.get((name, rtype))
            if told is not None:
                zone.put(RRset(name, rtype, Class.IN, told.rrset.ttl, (address,)))

    def delegating(self, server: DrawnServer) -> list[DrawnZone]:
        """The zones above those that the server serves, as far as they can give glue for it."""
        above = (self.drawn.owner(apex, Type.DS) for apex in server.zones if apex != names.ROOT)
        return [zone for zone in _distinct(above) if names.is_below(server.name, zone.apex)]

    def split(self, server: DrawnServer, zone: DrawnZone, above: Iterable[DrawnZone]) -> None:
        """`zone` has the real addresses of the server, and the zones `above` give those of the world as glue."""
        for rtype, address in _addresses(server).items():
            for each in above:
                glue = self.evidence.glue.get((server.name, rtype))
                each.put(RRset(server.name, rtype, Class.IN, SERVER_TTL if glue is None else glue.ttl, (address,)))
        zone.broken = (
            zone.broken or f"{names.to_text(server.name)} has its real address here, and not in the zone above"
        )

    def denied(self, asked: Asked) -> None:
        """What exists without the data asked for exists; what does not, no wildcard makes."""
        reply, question = asked.reply, asked.question
        name = self.evidence.path(names.fold(question.name), question.type)[-1]
        # That there is no DS says nothing of the name, which is a zone's.
        if reply is None or name in self.drawn.zones:
            return
        if any(names.fold(each.name) == name and question.type in (each.type, Type.ANY) for each in reply.answer):
            return
        zone = self.drawn.owner(name, question.type)
        if reply.rcode == Rcode.NOERROR and not self.is_made(zone, name):
            zone.present(self.evidence.wildcards.get(name, name))
        elif reply.rcode == Rcode.NXDOMAIN:
            for above in names.ancestors(names.parent(name)):
                if any(owner == names.WILDCARD + above for owner, _ in zone.records):
                    blocking = names.last_labels(name, names.depth(above) + 1)
                    if blocking != name:
                        zone.present(blocking)
                    break

    def is_made(self, zone: DrawnZone, name: bytes) -> bool:
        """Whether `name` exists by a wildcard of the zone."""
        made = self.made.get(name, ())
        return bool(made) and any(owner in made for owner, _ in zone.records)

    def possible(self, zone: DrawnZone) -> None:
        """The zone has no CNAME beside other data (RFC 2181 section 10.1), as some servers say at the apex."""
        for owner in [owner for owner, rtype in zone.records if rtype == Type.CNAME]:
            if any(name == owner and rtype != Type.CNAME for name, rtype in zone.records):
                del zone.records[owner, int(Type.CNAME)]
                remark = f"{names.to_text(owner)} has a CNAME beside other data, which no zone can say: it is left out"
                zone.remarks.append(remark)
                self.drawn.remarks.append(remark)

    def secured(self, zone: DrawnZone) -> None:
        """How the zone is signed."""
        if zone.apex not in self.signed:
            return
        owned = self.owned.get(zone.apex, ())
        zone.dnssec = securing.signing(self.evidence, zone.apex, owned, wall=self.wall)

    def doubted(self, zone: DrawnZone) -> None:
        """Why the lint, which would be right, is to say nothing of the zone."""
        unknown = [host for host in self.evidence.targets(zone.apex) if host not in self.drawn.servers]
        idle = [server for host in self.evidence.targets(zone.apex) if (server := self.drawn.servers.get(host))]
        if unknown and len(unknown) == len(self.evidence.targets(zone.apex)):
            zone.broken = zone.broken or "the addresses of its servers could not be found"
        elif unknown:
            zone.broken = zone.broken or f"the address of {names.to_text(unknown[0])} was not looked up"
        elif any(zone.apex not in server.zones for server in idle):
            zone.broken = zone.broken or "one of its servers does not answer for it"


def _alias(evidence: Evidence, above: bytes, name: bytes) -> Key | None:
    """The alias that leads on from `name`: its own CNAME, or the DNAME of a name `above` it."""
    if above == name:
        return (name, Type.CNAME) if (name, Type.CNAME) in evidence.sets else None
    return (above, Type.DNAME) if (above, Type.DNAME) in evidence.sets else None


def _distinct(zones: Iterable[DrawnZone]) -> list[DrawnZone]:
    """`zones`, each once."""
    return list({zone.apex: zone for zone in zones}.values())


def _same(one: RRset, other: RRset) -> bool:
    """Whether two NS sets name the same servers for the same time."""
    return one.ttl == other.ttl and {each.lower() for each in one.rdatas} == {each.lower() for each in other.rdatas}


def _addresses(server: DrawnServer) -> dict[int, bytes]:
    """The addresses of the server in the world, by the type of their records."""
    found: dict[int, bytes] = {Type.A: ipaddress.IPv4Address(server.ipv4).packed}
    if server.ipv6 is not None:
        found[Type.AAAA] = ipaddress.IPv6Address(server.ipv6).packed
    return found


def _is_other(rrset: RRset | None, address: bytes | None) -> bool:
    """Whether `rrset`, which was asked for, says something else than the `address` of the world."""
    return rrset is not None and rrset.rdatas != ((address,) if address is not None else ())
