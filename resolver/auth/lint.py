"""Decides what is wrong with a world that could be served all the same: what its zones say of one another.

Rules. Parent and child say the same NS, and glue is what the owner of the name says (RFC 1034 section
4.2.2). A name server that belongs to the world has an address there, is no alias (RFC 2181 section 10.3)
and serves the zone. Every in-domain name server has glue (RFC 9471 section 3.1). Every zone has a server,
and every master file a zone. A delegation to somebody outside the world is right: to a name below none of
its zones but the root. Nothing is said of a zone that is declared `broken`, nor of its delegation; what is
fatal is always said.

Limits: static; no question is asked. Aliases, mail exchangers and other targets may lead to nothing.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from resolver.auth import draft, generate, keyring, shipped, zonecheck
from resolver.auth.draft import Draft, ZoneDraft
from resolver.auth.findings import Finding, Where
from resolver.auth.master import Record
from resolver.message import Type
from resolver.wire import names

_text = names.to_text


def check(directory: Path) -> tuple[Finding, ...]:
    """All findings in the world of `directory`, by file and line. Raises `ZoneError` when there is none."""
    found: list[Finding] = []
    world = draft.read(directory, found.append)
    if not world.zones:
        return tuple(found)  # the declaration could not be read, and nothing is known of the files
    # The declared world is compared as it will be served; generated records agree with one another.
    generate.complete(world)
    keyring.complete(world, found.append)
    _Lint(world, found).run(directory)
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: (finding.file, finding.line)))


@dataclass(slots=True)
class _Lint:
    """Walks over a completed draft and collects findings."""

    world: Draft
    found: list[Finding] = field(default_factory=list)

    def run(self, directory: Path) -> None:
        """All that is wrong is in `found`."""
        for zone in self.world.zones.values():
            zonecheck.fatal(zone, self.found.append)
            zonecheck.doubtful(zone, partial(self.say, zone))
            self.served(zone)
            self.delegation(zone)
            for name, records in zone.delegations():
                self.name_servers(zone, name, records)
            self.glue(zone)
            self.bound(zone)
        self.files(directory)

    def say(self, zone: ZoneDraft, at: Record | Where, text: str, instead: str) -> None:
        """A finding about `zone`, unless it is broken on purpose."""
        if not zone.declared.broken:
            self.found.append(Finding(at.file, at.line, text, instead))

    def served(self, zone: ZoneDraft) -> None:
        if not zone.declared.servers and zone.apex != names.ROOT:
            what = f"zone {_text(zone.apex)} is served by no server"
            self.say(
                zone,
                zone.declared.where,
                what,
                "add it to the zones of a [[server]], or give it servers = [...]",
            )

    def delegation(self, zone: ZoneDraft) -> None:
        """The parent's NS records of the zone are those of the zone."""
        parent = self.world.parent(zone)
        if parent is None:
            return
        above = parent.cut_above(zone.apex)
        if above is not None and above != zone.apex:
            what = f"zone {_text(zone.apex)} lies below {_text(above)}, which is delegated out of this world"
            self.say(zone, zone.declared.where, what, f"declare the zone {_text(above)} too")
            return
        if (zone.apex, Type.NS) not in parent.given:
            return
        delegated, own = parent.records(zone.apex, Type.NS), zone.records(zone.apex, Type.NS)
        if _rdatas(delegated) != _rdatas(own):
            what = (
                f"parent {_text(parent.apex)} and child disagree on the NS of {_text(zone.apex)}: "
                f"{_hosts(delegated)} and {_hosts(own)}"
            )
            self.say(zone, delegated[0], what, "make them the same, or leave the parent's out: they are generated")

    def name_servers(self, zone: ZoneDraft, name: bytes, records: list[Record]) -> None:
        """Each NS of the zone's apex or of a delegation leads somewhere."""
        child = self.world.zones.get(name)
        if child is not None and child is not zone and (name, Type.NS) not in zone.given:
            return  # made from the child's own NS, which are looked at there
        for record in records:
            host = names.fold(record.rdata)
            owner, server = self.world.owner(host), self.world.declaration.servers.get(host)
            about = child or zone
            if owner is None or owner.apex == names.ROOT:
                # A name in no top-level domain of the world is outside, as one below a delegation out of it.
                self.reachable(zone, about, name, host, record)
            elif owner.records(host, Type.CNAME):
                what = f"the NS {_text(host)} of {_text(name)} is an alias"
                self.say(about, record, what, "name the host itself (RFC 2181 section 10.3)")
            elif not _has_address(owner, host):
                glue = " and no glue" if names.is_below(host, name) and name != names.ROOT else ""
                what = f"dangling NS: {_text(host)} of {_text(name)} has no address in {_text(owner.apex)}{glue}"
                self.say(about, record, what, "give it an A record, or declare a [[server]] of that name")
            if server is not None and child is not None and host not in child.declared.servers:
                what = f"lame delegation: the server {_text(host)} does not serve {_text(name)}"
                self.say(about, record, what, "add the zone to the server's zones, or take the NS away")

    def reachable(self, zone: ZoneDraft, about: ZoneDraft, name: bytes, host: bytes, record: Record) -> None:
        """An NS outside the world needs glue where it lies inside its own delegation."""
        glue = zone.records(host, Type.A) or zone.records(host, Type.AAAA)
        if not glue and names.is_below(host, name) and name != zone.apex:
            what = f"missing glue: {_text(host)}, NS of {_text(name)} and below it, has no address"
            self.say(about, record, what, f"add an A or AAAA record for {_text(host)} beside the NS")

    def glue(self, zone: ZoneDraft) -> None:
        """Addresses below a cut are those that the owner of the name says."""
        for (name, rtype), records in zone.sets.items():
            if rtype not in (Type.A, Type.AAAA) or (name, rtype) not in zone.given or not zone.cut_above(name):
                continue
            owner = self.world.owner(name)
            if owner is None or _rdatas(records) == _rdatas(owner.records(name, rtype)):
                continue
            kind = zonecheck.kind(rtype)
            what = (
                f"parent {_text(zone.apex)} and child {_text(owner.apex)} disagree on the glue "
                f"{_text(name)} {kind}: {_addresses(records)} and {_addresses(owner.records(name, rtype))}"
            )
            self.say(owner, records[0], what, "make them the same, or leave the glue out: it is generated")

    def bound(self, zone: ZoneDraft) -> None:
        """Where a file gives the address of a declared server, it is the one that the server binds."""
        for (name, rtype), records in zone.sets.items():
            server = self.world.declaration.servers.get(name)
            if server is None or (name, rtype) not in zone.given or zone.cut_above(name):
                continue
            address = generate.addresses(server).get(rtype)
            if rtype in (Type.A, Type.AAAA) and (address is None or _rdatas(records) != {address.packed}):
                given = _addresses(records)
                what = f"{_text(name)} has the address {given}, but that server binds {address or 'none'}"
                self.say(zone, records[0], what, "remove the record: it is generated")

    def files(self, directory: Path) -> None:
        """Every master file in the directory is some zone's."""
        used = {zone.file for zone in self.world.declaration.zones.values()}
        for path in sorted(directory.glob("*.zone")):
            if path not in used:
                what = "no zone of the hierarchy uses this file"
                hint = f'declare [zone."{path.stem}"] in {shipped.FILE}, or remove it'
                self.found.append(Finding(str(path), 1, what, hint))


def _has_address(zone: ZoneDraft, name: bytes) -> bool:
    """The zone has an address for `name`, or a wildcard that makes one."""
    owners = [name]
    while name != zone.apex:
        name = names.parent(name)
        owners.append(names.WILDCARD + name)
    return any(zone.records(owner, rtype) for owner in owners for rtype in (Type.A, Type.AAAA))


def _rdatas(records: list[Record]) -> set[bytes]:
    """What the records say, names without regard to case."""
    return {record.rdata.lower() if record.type == Type.NS else record.rdata for record in records}


def _hosts(records: list[Record]) -> str:
    return ", ".join(sorted(_text(record.rdata) for record in records)) or "none"


def _addresses(records: list[Record]) -> str:
    return ", ".join(sorted(str(ipaddress.ip_address(record.rdata)) for record in records)) or "none"
