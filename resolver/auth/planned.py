"""Decides what of a world is declared at one moment, and which parents and addresses follow from that by themselves.

Rules
* A zone needs the top-level domain that its name is in, and one in the reverse tree in-addr.arpa or ip6.arpa, too.
  What of these nobody declared, and no deeper zone makes superfluous, is *automatic*: all such are served by
  `GTLD_SERVER`, and the root by `ROOT_SERVER`. So is what a record or a server outside all zones needs.
* An automatic zone is signed where a zone below it is. Once it is there it stays, as caches know of it: for the names
  in it that are gone it says so.
* A server that a zone names and nobody declares is *implied*, and goes with the last zone that it serves. It gets an
  address that nobody has: the root's from 127.53.0.1 on, that of automatic zones from 127.53.1.1, others from
  127.53.2.1.
* No zone may be cut off: what is above a declared zone neither delegates to others nor renames (NS, DNAME).

Limits: `MAX_DECLARED` zones, and as many servers.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from resolver.auth.declaration import MAX_DECLARED, Declaration, ServerDeclaration, ZoneDeclaration
from resolver.auth.draft import Draft, Key, ZoneDraft
from resolver.auth.master import Record
from resolver.auth.shape import PLAN, place
from resolver.auth.signing import Signing
from resolver.auth.values import derived_ipv6
from resolver.errors import ZoneError
from resolver.message import Type
from resolver.wire import names

ROOT_SERVER: Final = names.from_text("a.root-servers.test.")
GTLD_SERVER: Final = names.from_text("a.gtld.test.")
REVERSE: Final = (names.from_text("in-addr.arpa."), names.from_text("ip6.arpa."))
ROOT_NET: Final = 0
GTLD_NET: Final = 1
ZONES_NET: Final = 2
"""The third octet of the first address of each kind of server: 127.53.x.1."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan as it was at some moment: servers by folded name, zones by folded apex with the records that somebody
    gave. Nothing in it is ever changed.

    `implied` are the servers that zones need, `automatic` the zones that others need; `base` holds what else a
    directory declares.
    """

    base: Declaration
    servers: Mapping[bytes, ServerDeclaration]
    zones: Mapping[bytes, ZoneDraft]
    implied: frozenset[bytes] = frozenset()
    automatic: frozenset[bytes] = frozenset()

    def enclosing(self, name: bytes) -> ZoneDraft | None:
        """The deepest zone that encloses the folded `name`."""
        return next((self.zones[above] for above in names.ancestors(name) if above in self.zones), None)

    def parent(self, apex: bytes) -> ZoneDraft | None:
        """The zone that the folded `apex` is delegated from; None for the root, and without one."""
        return None if apex == names.ROOT else self.enclosing(names.parent(apex))

    def home(self, name: bytes, rtype: int) -> ZoneDraft | None:
        """The zone whose records of the folded `name` and type are told: the DS of a zone is its parent's."""
        if rtype == Type.DS and name in self.zones and name != names.ROOT:
            return self.parent(name)
        return self.enclosing(name)

    def with_zone(self, zone: ZoneDraft, *, automatic: bool = False) -> Saved:
        """The zone is there, in place of one of its name."""
        others = self.automatic - {zone.apex}
        zones = {**self.zones, zone.apex: zone}
        if len(zones) > MAX_DECLARED:
            where = place(zone.declared.apex, zone.declared.where)
            raise ZoneError(f"more than {MAX_DECLARED} zones", where=where, instead="declare fewer")
        return replace(self, zones=zones, automatic=others | {zone.apex} if automatic else others)

    def with_server(self, server: ServerDeclaration, *, implied: bool = False) -> Saved:
        """The server is there, in place of one of its name."""
        name = names.fold(server.name)
        servers = {**self.servers, name: server}
        if len(servers) > MAX_DECLARED:
            raise ZoneError(f"more than {MAX_DECLARED} servers", instead="declare fewer")
        others = self.implied - {name}
        return replace(self, servers=servers, implied=others | {name} if implied else others)

    def with_implied(self, host: bytes, net: int = ZONES_NET) -> Saved:
        """There is a server of that name."""
        if names.fold(host) in self.servers:
            return self
        address = free_address(self, net)
        server = ServerDeclaration(host, address, derived_ipv6(address), PLAN)
        return self.with_server(server, implied=True)

    def with_root(self, ttl: int) -> Saved:
        """There is a root."""
        if names.ROOT in self.zones:
            return self
        whole = self.with_implied(ROOT_SERVER, ROOT_NET)
        return whole.with_zone(_automatic(names.ROOT, ROOT_SERVER, ttl), automatic=True)

    def with_parents(self, name: bytes, ttl: int) -> Saved:
        """There is what the folded `name`, of a zone, a record or a server, needs above it."""
        whole = self
        depth = names.depth(name)
        for needed in (names.last_labels(name, 1), *(zone for zone in REVERSE if names.is_below(name, zone))):
            if names.depth(needed) >= depth:
                continue
            above = whole.enclosing(names.parent(name))
            if above is None or names.is_below(above.apex, needed) or above.cut_above(needed) is not None:
                continue
            whole = whole.with_implied(GTLD_SERVER, GTLD_NET)
            whole, zone = whole._taking(_automatic(needed, GTLD_SERVER, ttl))
            whole = whole.with_zone(zone, automatic=True)
        return whole

    def taken_over(self, zone: ZoneDraft) -> Saved:
        """The zone is declared, and has what was put at an automatic zone for it, where it says nothing else."""
        whole, zone = self._taking(zone)
        if zone.apex in self.automatic:
            zone = _joined(zone, self.zones[zone.apex].sets)
        return whole.with_zone(zone)

    def _taking(self, zone: ZoneDraft) -> tuple[Saved, ZoneDraft]:
        """What was put into the automatic parent of `zone`, and belongs to it, is in it, and no more in the parent."""
        parent = self.parent(zone.apex)
        if parent is None or parent.apex not in self.automatic or zone.apex in self.zones:
            return self, zone
        moved = {key: some for key, some in parent.sets.items() if names.is_below(key[0], zone.apex)}
        if not moved:
            return self, zone
        rest = {key: some for key, some in parent.sets.items() if key not in moved}
        return self.with_zone(with_sets(parent, rest), automatic=True), _joined(zone, moved)

    def pruned(self) -> Saved:
        """Without the implied servers that serve no zone any more."""
        gone = self.implied.difference(*(zone.declared.servers for zone in self.zones.values()))
        if not gone:
            return self
        servers = {name: server for name, server in self.servers.items() if name not in gone}
        return replace(self, servers=servers, implied=self.implied - gone)

    def signing(self, zone: ZoneDraft) -> Signing | None:
        """How the zone is signed, an automatic one for a zone below it, too."""
        if zone.apex not in self.automatic:
            return zone.declared.dnssec
        signed = (other.apex for other in self.zones.values() if other.declared.dnssec is not None)
        return Signing(PLAN) if any(names.is_below(each, zone.apex) for each in signed) else None

    def draft(self) -> Draft:
        """All of it, to be completed."""
        zones: dict[bytes, ZoneDraft] = {}
        for apex in sorted(self.zones, key=names.depth):
            zone = self.zones[apex]
            declared = zone.declared
            if apex in self.automatic:
                declared = replace(declared, dnssec=self.signing(zone))
            zones[apex] = ZoneDraft(declared, dict(zone.sets), cuts=dict(zone.cuts))
        declarations = {apex: zone.declared for apex, zone in zones.items()}
        return Draft(replace(self.base, servers=self.servers, zones=declarations), zones)


def with_sets(zone: ZoneDraft, sets: Mapping[Key, list[Record]]) -> ZoneDraft:
    """The zone with these records and no others."""
    cuts = dict.fromkeys(name for name, rtype in sets if rtype == Type.NS and name != zone.apex)
    return ZoneDraft(zone.declared, dict(sets), cuts=cuts)


def _joined(zone: ZoneDraft, put: Mapping[Key, list[Record]]) -> ZoneDraft:
    """The zone with what was `put` before it was declared, at the names of which it says nothing."""
    said = {name for name, _ in zone.sets}
    return with_sets(zone, {**{key: some for key, some in put.items() if key[0] not in said}, **zone.sets})


def free_address(state: Saved, net: int) -> str:
    """The lowest address from 127.53.NET.1 on that no server has. Raises `ZoneError` when all are taken."""
    taken = {address for server in state.servers.values() for address in (server.ipv4, server.ipv6)}
    for third, fourth in itertools.product(range(net, 256), range(1, 255)):
        address = f"127.53.{third}.{fourth}"
        if address not in taken and derived_ipv6(address) not in taken:
            return address
    raise ZoneError("no address of 127.53.0.0/16 is free", instead="declare fewer servers")


def _automatic(apex: bytes, server: bytes, ttl: int) -> ZoneDraft:
    return ZoneDraft(ZoneDeclaration(apex, PLAN, servers=(server,), ttl=ttl))
