"""Decides what a world is to be while it changes: servers, zones and records as they are declared, and the `World` that
follows from them.

Rules
* A plan begins empty, or with what a directory declares. Parents that nobody declared, their servers, SOA, NS and glue
  appear by themselves (`planned`).
* A change that cannot be is a `ZoneError` that says what to write instead, and leaves the plan as it was. What can only
  be seen of the whole world is refused by `world()`: then the plan is again what the last world followed from.
* `world()` gives the world of the plan, in which what has not changed is the same object (`worlds`). Nothing that runs
  is touched by a change before that.
* Names of zones, servers and owners are absolute with or without a final dot; in values and data, a name without one is
  relative to its zone (`shape`).
* What was put at an automatic zone goes into the zone that is declared for it later, where that says nothing else.

Limits: records that were generated are not the plan's: they cannot be removed, and come back where none are given.
Faults of servers are kept as a directory has them; those of run time are `network.faults`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from resolver.auth import draft, presented, settling, signing, values, written
from resolver.auth.declaration import Declaration, ServerDeclaration, ZoneDeclaration
from resolver.auth.draft import Key, ZoneDraft
from resolver.auth.findings import Where, refuse
from resolver.auth.hierarchy import World
from resolver.auth.master import Record
from resolver.auth.planned import ROOT_NET, ROOT_SERVER, ZONES_NET, Saved, free_address, with_sets
from resolver.auth.presented import Bad
from resolver.auth.shape import PLAN, Data, Reading, place
from resolver.auth.signing import Keeping, Signing
from resolver.auth.values import Wrong
from resolver.auth.worlds import Worlds
from resolver.dnssec import keys
from resolver.errors import ZoneError
from resolver.text import nearest
from resolver.wire import names
from resolver.wire.names import WILDCARD

TTL: Final = 60
"""Seconds, for data of which nobody says it: long enough for a cache to show, short enough to wait for."""

NEGATIVE_TTL: Final = 300
"""Seconds, as in a hierarchy.toml."""


class Plan:
    """The world as it is declared, which may change."""

    def __init__(self, *, ttl: int = TTL, seed: str = "") -> None:
        """Nothing is declared but the root. `ttl` (seconds) is for data without one, `seed` for keys."""
        self.version = 0
        """Grows with each change."""
        self._ttl = ttl
        base = Declaration(PLAN.file, {}, {}, Keeping(seed or keys.SEED))
        self._state = self._good = Saved(base, {}, {}).with_root(ttl)
        self._worlds = Worlds()

    @classmethod
    def read(cls, directory: Path) -> Plan:
        """What `directory` declares. Raises `ZoneError`."""
        plan = cls()
        drafted = draft.read(directory, refuse)
        plan._state = plan._good = Saved(drafted.declaration, drafted.declaration.servers, drafted.zones)
        return plan

    # -- changes

    def zone(
        self,
        name: str,
        data: Data | None = None,
        *,
        records: Sequence[str] = (),
        servers: Sequence[str] | None = None,
        ttl: int | None = None,
        negative_ttl: int | None = None,
        dnssec: str | Mapping[str, object] | None = None,
        where: Where | None = None,
        most: int | None = None,
    ) -> None:
        """The zone `name` is declared, or declared anew: it has these records and no others. `records` are lines of a
        master file, which say `most` records if that is given. `servers` are names; without them those that it has,
        else ns1 and ns2 below it; an empty list is a zone that nobody serves. TTLs are in seconds. `where` is the line
        that says so. Raises `ZoneError`."""
        at = where or PLAN
        origin = _name(name, "zone")
        here, reading = place(origin, at), Reading(origin, self._ttl, at)
        reading.ttl = reading.seconds("ttl", self._ttl if ttl is None else ttl)
        hosts = settling.hosts(self._state, origin, servers, here)
        declared = ZoneDeclaration(
            origin,
            at,
            servers=tuple(map(names.fold, hosts)),
            ttl=reading.ttl,
            negative_ttl=reading.seconds("negative_ttl", NEGATIVE_TTL if negative_ttl is None else negative_ttl),
            dnssec=_signing(dnssec, at, here),
        )
        zone = ZoneDraft(declared)
        for record in (*reading.records({} if data is None else data), *reading.lines(records, most)):
            zone.add(record)
        state = self._state.with_parents(zone.apex, self._ttl)
        for host in hosts:
            state = state.with_implied(host, ROOT_NET if origin == names.ROOT else ZONES_NET)
        state = state.taken_over(zone)
        for host in hosts:
            if host != ROOT_SERVER:
                state = state.with_parents(names.fold(host), self._ttl)
        settling.settled(self._state, state, state.zones[zone.apex], here)
        self._become(state.pruned())

    def without_zone(self, name: str) -> None:
        """There is no zone `name` any more. Raises `ZoneError` where there was none."""
        apex = names.fold(_name(name, "zone"))
        here = place(self._declared(apex, name).declared.apex, PLAN)
        zones = {other: zone for other, zone in self._state.zones.items() if other != apex}
        state = replace(self._state, zones=zones).with_root(self._ttl)
        for below in (*zones, *(host for zone in zones.values() for host in zone.declared.servers)):
            if names.is_below(below, apex):
                state = state.with_parents(below, self._ttl)
        parent = state.parent(apex)
        if parent is not None:
            settling.none_cut_off(self._state, state, parent, here)
        self._become(state.pruned())

    def sign(self, name: str, dnssec: str | Mapping[str, object] | None) -> None:
        """The zone `name` is signed as `dnssec` says, or not at all. Raises `ZoneError`."""
        zone = self._declared(names.fold(_name(name, "zone")), name)
        here = place(zone.declared.apex, PLAN)
        declared = replace(zone.declared, dnssec=_signing(dnssec, zone.declared.where, here))
        zone = ZoneDraft(declared, zone.sets, cuts=zone.cuts)
        state = self._state.with_zone(zone)
        settling.settled(self._state, state, zone, here)
        self._become(state)

    def server(self, name: str, *, address: str | None = None, recursion: bool | None = None) -> None:
        """The server `name` is declared, or declared anew; without an address it keeps its own, or gets a free one.
        Raises `ZoneError`."""
        host = _name(name, "server")
        folded, here = names.fold(host), f"server {names.to_text(host)}"
        known = self._state.servers.get(folded)
        if address is not None:
            ipv4 = settling.address(self._state, folded, address, here)
        else:
            ipv4 = free_address(self._state, ZONES_NET) if known is None else known.ipv4
        if known is None:
            server = ServerDeclaration(host, ipv4, values.derived_ipv6(ipv4), PLAN)
        elif ipv4 == known.ipv4:
            server = known
        else:
            server = replace(known, ipv4=ipv4, ipv6=values.derived_ipv6(ipv4))
        if recursion is not None:
            server = replace(server, recursion=recursion)
        state = self._state.with_server(server).with_parents(folded, self._ttl)
        settling.no_alias(self._state, state, here)
        settling.reachable(state, folded, here)
        self._become(state)

    def put(self, name: str, rtype: str, values: Sequence[str], *, ttl: int | None = None) -> None:
        """The records of that name and type are `values`, in the deepest zone that encloses it. Raises `ZoneError`."""
        self._write(name, rtype, values, ttl, keep=False)

    def add(self, name: str, rtype: str, values: Sequence[str], *, ttl: int | None = None) -> None:
        """The records of that name and type have `values`, too. Raises `ZoneError`."""
        self._write(name, rtype, values, ttl, keep=True)

    def remove(self, name: str, rtype: str | None = None, value: str | None = None) -> int:
        """The records of that name, or of the type of that name, or with that value, are gone: how many. Raises
        `ZoneError` for what is no name, type or value."""
        owner = names.fold(_name(name, "name"))
        kind = None if rtype is None else _type(rtype, name)
        if kind is None and value is not None:
            raise ZoneError("a value without a type", where=name, instead="say of which type the value is")
        zone = self._state.enclosing(owner) if kind is None else self._state.home(owner, kind)
        if zone is None:
            return 0
        wanted = None
        if kind is not None and value is not None:
            wanted = Reading(zone.declared.apex, self._ttl, PLAN).value(f"{name} {rtype}", kind, value)
        sets = dict(zone.sets)
        for key in [key for key in zone.sets if key[0] == owner and kind in (None, key[1])]:
            rest = [record for record in sets.pop(key) if wanted is not None and record.rdata != wanted]
            if rest:
                sets[key] = rest
        gone = _count(zone.sets) - _count(sets)
        if gone:
            automatic = zone.apex in self._state.automatic
            self._become(self._state.with_zone(with_sets(zone, sets), automatic=automatic))
        return gone

    # -- what is declared

    def owner(self, name: bytes) -> bytes | None:
        """The folded apex of the zone that is authoritative for the folded `name`; None where nobody here is."""
        zone = self._state.enclosing(name)
        return None if zone is None or zone.cut_above(name) is not None else zone.apex

    def size(self, apex: bytes) -> int:
        """How many records are said of the zone at the folded `apex`; 0 where there is none."""
        zone = self._state.zones.get(apex)
        return 0 if zone is None else _count(zone.sets)

    def is_automatic(self, apex: bytes) -> bool:
        """Whether the zone at the folded `apex` stands there only because another one needs a parent."""
        return apex in self._state.automatic

    def is_declared(self, name: bytes) -> bool:
        """Whether somebody has said what is at the folded `name`: a zone that encloses it is declared, or it has
        records, by a wildcard too, that were put into an automatic zone, or something below it has."""
        zone = self._state.enclosing(name)
        if zone is None or zone.apex not in self._state.automatic:
            return zone is not None
        above = {WILDCARD + each for each in names.ancestors(names.parent(name))}
        return any(names.is_below(owner, name) or owner in above for owner, _ in zone.sets)

    def where(self, name: bytes, rtype: int) -> Where | None:
        """Where the records of the folded `name` and type are written down: a line of a file, or `shape.PLAN` where
        nobody has said which; None for those that were generated."""
        zone = self._state.home(name, rtype)
        records = [] if zone is None else zone.records(name, rtype)
        return Where(records[0].file, records[0].line) if records else None

    def names(self) -> Sequence[str]:
        """The names that have records of their own, as text: for suggestions."""
        state = self._state
        found = {name for zone in state.zones.values() for name, _ in zone.sets}
        found.update(apex for apex in state.zones if apex not in state.automatic)
        return sorted(map(names.to_text, found))

    def servers(self) -> list[dict[str, Any]]:
        """The servers with their `name`, `address`, `ipv6`, `zones` and `recursion`, as JSON can carry them."""
        zones = self._state.zones.values()
        return [
            {
                "name": names.to_text(server.name),
                "address": server.ipv4,
                "ipv6": server.ipv6,
                "zones": [names.to_text(zone.declared.apex) for zone in zones if name in zone.declared.servers],
                "recursion": server.recursion,
            }
            for name, server in self._state.servers.items()
        ]

    def described(self, *, automatic: bool = False, only: bytes | None = None) -> list[dict[str, Any]]:
        """The zones with their servers and records, as JSON can carry them, each after those above it: what `zone`
        takes. Those that are `automatic` only if that is asked for; `only` the one at that folded apex."""
        state, zones = self._state, self._state.draft().zones.items()
        return [
            written.described(zone, state.servers)
            for apex, zone in sorted(zones, key=lambda item: (names.depth(item[0]), names.to_text(item[0])))
            if (automatic or apex not in state.automatic) and only in (None, apex)
        ]

    def save(self) -> Saved:
        """The plan as it is."""
        return self._state

    def restore(self, saved: Saved) -> None:
        """The plan is what it was."""
        self._become(saved)

    def write(self, directory: Path) -> None:
        """`directory` holds a hierarchy.toml and master files that declare this world. Raises `ZoneError` where it
        cannot be written, or holds a world already."""
        written.write(self._state.draft(), directory)

    def world(self) -> World:
        """The world that follows. Raises `ZoneError` where none does; then the plan is what the last one followed
        from."""
        try:
            world = self._worlds.world(self._state)
        except ZoneError:
            self._become(self._good)
            raise
        self._good = self._state
        return world

    # -- parts

    def _become(self, state: Saved) -> None:
        self._state = state
        self.version += 1

    def _write(self, name: str, rtype: str, values: Sequence[str], ttl: int | None, *, keep: bool) -> None:
        origin = _name(name, "name")
        owner, kind = names.fold(origin), _type(rtype, name)
        state = self._state.with_parents(owner, self._ttl)
        zone = state.home(owner, kind)
        assert zone is not None, "a plan has a root"
        settling.may_give(state, zone, owner, kind, f"{name} {rtype}")
        reading = Reading(zone.declared.apex, zone.declared.ttl, PLAN)
        new = reading.rrset(origin, name, rtype, values if ttl is None else {"ttl": ttl, "values": values})
        said = {record.rdata for record in new}
        old = [record for record in zone.records(owner, kind) if keep and record.rdata not in said]
        changed = with_sets(zone, {**zone.sets, (owner, kind): [*old, *new]})
        state = state.with_zone(changed, automatic=zone.apex in state.automatic)
        settling.settled(self._state, state, changed, place(zone.declared.apex, PLAN))
        self._become(state)

    def _declared(self, apex: bytes, name: str) -> ZoneDraft:
        """The zone that somebody declared. Raises `ZoneError`."""
        state = self._state
        if apex in state.zones and apex not in state.automatic:
            return state.zones[apex]
        known = [names.to_text(other) for other in state.zones if other not in state.automatic]
        raise ZoneError("no such zone is declared", where=f"zone {name}", instead=nearest(names.to_text(apex), known))


def _name(text: object, what: str) -> bytes:
    try:
        return values.domain(text)
    except Wrong as wrong:
        raise ZoneError(str(wrong), where=what, instead=wrong.instead) from None


def _type(text: object, name: str) -> int:
    try:
        if not isinstance(text, str):
            raise Bad(f"{text!r} is no record type", 'write it in quotes, as "A"')
        return presented.type_of(text)
    except Bad as bad:
        raise ZoneError(str(bad), where=name, instead=bad.instead) from None


def _signing(given: object, at: Where, here: str) -> Signing | None:
    def complain(_key: str, what: str, instead: str) -> None:
        raise ZoneError(what, where=here, instead=instead)

    return None if given is None else signing.read(given, at, complain)


def _count(sets: Mapping[Key, list[Record]]) -> int:
    return sum(map(len, sets.values()))
