"""Decides what the world is: its servers, their zones and faults, and the root that everything starts from.

Rules: a world is read from a directory (`declaration`), completed (`generate`, `keyring`) and then never changes; a
reload makes a new one. Mistakes that would leave the declared world half served raise `ZoneError` here; but a zone that
cannot be signed is not served, while the others are. The rest is for `lint.check`. The hints are the declared servers
of the root. Addresses that no server of the world has are unreachable.

Limits: all zones are in memory. A zone that no server serves is in `zones` and is delegated to, but nobody
answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from resolver.auth import draft, generate, keyring, zonecheck
from resolver.auth.declaration import Declaration
from resolver.auth.draft import Draft, ZoneDraft
from resolver.auth.findings import Finding, refuse
from resolver.auth.signed import SignedZone, UnsignableZone
from resolver.auth.zone import Zone
from resolver.dnssec.sign import Signer
from resolver.message import Class, RRset, Type
from resolver.network.faults import Rule
from resolver.wire import names


@dataclass(frozen=True, slots=True)
class WorldServer:
    """A server of the world: what it serves at which address, and how well.

    `ipv4` is what it binds, 127.53.x.y; `ipv6` leads to the same server. `latency_ms` is added to each
    reply, `loss` is the fraction of messages that are lost, `recursion` says that it resolves for those who
    ask with RD=1.
    """

    name: bytes
    ipv4: str
    ipv6: str | None
    zones: tuple[Zone, ...]
    latency_ms: float = 0.0
    loss: float = 0.0
    recursion: bool = False
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """Everything there is. `zones` are under their folded apex, servers in the order of their tables.

    `root_servers` are the servers of the root: their names and addresses are the root hints. `findings` say
    which zones cannot be signed, and so are not served. `faults` are those that it has a table for.
    """

    servers: tuple[WorldServer, ...]
    zones: Mapping[bytes, Zone]
    root_servers: tuple[WorldServer, ...]
    findings: tuple[Finding, ...] = ()
    faults: tuple[Rule, ...] = ()

    @property
    def trust_anchor(self) -> RRset | None:
        """The DS of the root's key, from which all of the world is proven; None where the root is not signed."""
        root = self.zones.get(names.ROOT)
        if not isinstance(root, SignedZone):
            return None
        return RRset(names.ROOT, Type.DS, Class.IN, root.soa.ttl, (root.signer.ds,))


def load(directory: Path) -> World:
    """The world declared in `directory`. Raises `ZoneError` with the first mistake."""
    return completed(draft.read(directory, refuse), zone_of)


Make = Callable[[ZoneDraft, Signer | None], Zone]


def completed(drafted: Draft, make: Make) -> World:
    """The world that follows from what is `drafted`, which has all of it from then on. `make` gives each zone as it
    will answer. Raises `ZoneError` with the first mistake."""
    generate.complete(drafted)
    findings: list[Finding] = []
    signers = keyring.complete(drafted, findings.append)
    zones = {apex: make(zone, signers.get(apex)) for apex, zone in drafted.zones.items()}
    return world_of(drafted.declaration, zones, tuple(findings))


def world_of(declaration: Declaration, zones: Mapping[bytes, Zone], findings: tuple[Finding, ...]) -> World:
    """The world of these `zones`, with the servers that are declared."""
    served: dict[bytes, list[Zone]] = {}
    for apex, zone in zones.items():
        for name in declaration.zones[apex].servers:
            served.setdefault(name, []).append(zone)
    servers = tuple(
        WorldServer(
            declared.name,
            declared.ipv4,
            declared.ipv6,
            tuple(served.get(name, ())),
            declared.latency_ms,
            declared.loss,
            declared.recursion,
            declared.fault,
        )
        for name, declared in declaration.servers.items()
    )
    root = declaration.zones[names.ROOT]
    roots = tuple(server for server in servers if names.fold(server.name) in root.servers)
    return World(servers, MappingProxyType(dict(zones)), roots, findings, declaration.faults)


def zone_of(drafted: ZoneDraft, signer: Signer | None) -> Zone:
    """The zone as it will answer. Raises `ZoneError` where nobody could serve it."""
    zonecheck.fatal(drafted, refuse)
    return signed_or_not(drafted, tuple(drafted.rrsets()), signer)


def signed_or_not(drafted: ZoneDraft, rrsets: tuple[RRset, ...], signer: Signer | None) -> Zone:
    """The zone of those `rrsets`, which are the ones drafted."""
    how = drafted.declared.dnssec
    if how is None:
        return Zone(drafted.apex, rrsets)
    if signer is None:
        return UnsignableZone(drafted.apex, rrsets)
    return SignedZone(drafted.apex, rrsets, signer, how.nsec3)
