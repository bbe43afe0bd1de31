"""Decides which records each zone of a world has been given, and which zone of the world owns a name.

Rules: a draft is what the master files and the declaration say, with the line of each record; `generate`
then adds what they do not say, and `lint` looks at both. A name is owned by the deepest zone of the world
that encloses it, unless that zone delegates it to somebody outside the world: then nobody here speaks for
it.

Limits: records outside their zone are fatal findings and are left out. Drafts are mutable; zones made from
them are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from resolver.auth import declaration, master
from resolver.auth.declaration import Declaration, ZoneDeclaration
from resolver.auth.findings import Finding, Report, Where
from resolver.auth.master import Record
from resolver.message import RRset, Type
from resolver.wire import names

Key = tuple[bytes, int]


@dataclass(slots=True)
class ZoneDraft:
    """The records of one zone by folded owner and type; `given` are those that somebody wrote."""

    declared: ZoneDeclaration
    sets: dict[Key, list[Record]] = field(default_factory=dict)
    given: frozenset[Key] = frozenset()
    cuts: dict[bytes, None] = field(default_factory=dict)
    """The folded names of the delegations, in their order."""

    @property
    def apex(self) -> bytes:
        """The folded name of the zone."""
        return names.fold(self.declared.apex)

    def records(self, name: bytes, rtype: int) -> list[Record]:
        """The records of the folded `name` and type."""
        return self.sets.get((name, rtype), [])

    def add(self, record: Record) -> None:
        """The record is in the zone."""
        key = record.key
        self.sets.setdefault(key, []).append(record)
        if record.type == Type.NS and key[0] != self.apex:
            self.cuts[key[0]] = None

    def make(self, name: bytes, rtype: int, ttl: int, rdata: bytes, where: Where) -> None:
        """A generated record is in the zone; `where` is the line that it comes from."""
        self.add(Record(name, rtype, ttl, rdata, where.file, where.line))

    def cut_above(self, name: bytes) -> bytes | None:
        """The topmost delegation at or above the folded `name` of the zone; None when there is none."""
        found = None
        for ancestor in names.ancestors(name):
            if ancestor == self.apex:
                break
            if ancestor in self.cuts:
                found = ancestor
        return found

    def delegations(self) -> Iterator[tuple[bytes, list[Record]]]:
        """The NS records of the apex and of each cut."""
        for name in (self.apex, *self.cuts):
            if records := self.sets.get((name, Type.NS)):
                yield name, records

    def rrsets(self) -> Iterator[RRset]:
        """What the zone will answer with."""
        for records in self.sets.values():
            yield from master.group(records)


@dataclass(slots=True)
class Draft:
    """A world as it is declared: its zones by folded apex, each after those above it."""

    declaration: Declaration
    zones: dict[bytes, ZoneDraft] = field(default_factory=dict)

    def enclosing(self, name: bytes) -> ZoneDraft | None:
        """The deepest zone that encloses the folded `name`."""
        return next((self.zones[above] for above in names.ancestors(name) if above in self.zones), None)

    def owner(self, name: bytes) -> ZoneDraft | None:
        """The zone that is authoritative for the folded `name`; None when that is outside this world."""
        zone = self.enclosing(name)
        return zone if zone is not None and zone.cut_above(name) is None else None

    def parent(self, zone: ZoneDraft) -> ZoneDraft | None:
        """The zone that `zone` is delegated from; None for the root."""
        return None if zone.apex == names.ROOT else self.enclosing(names.parent(zone.apex))


def read(directory: Path, report: Report) -> Draft:
    """The world in `directory`; mistakes go to `report`. Raises `ZoneError` when no hierarchy can be read."""
    declared = declaration.read(directory, report)
    draft = Draft(declared)
    for apex in sorted(declared.zones, key=names.depth):
        draft.zones[apex] = _zone(declared.zones[apex], report)
    return draft


def _zone(declared: ZoneDeclaration, report: Report) -> ZoneDraft:
    zone = ZoneDraft(declared)
    reader = master.Reader(declared.apex, ttl=declared.ttl, include=declared.include, report=report)
    if declared.file is not None:
        reader.read_file(declared.file)
    # The declared records begin anew: nothing that the file ended with ($ORIGIN, TTL, owner) reaches them.
    inline = master.Reader(declared.apex, ttl=declared.ttl, report=report)
    for text, where in declared.records:
        inline.read_text(text, where.file, where.line)
    apex = zone.apex
    for record in reader.records + inline.records:
        if names.is_below(names.fold(record.name), apex):
            zone.add(record)
        else:
            what = f"{names.to_text(record.name)} is outside the zone {names.to_text(declared.apex)}"
            hint = "move it to its own zone, or end a relative name without a dot"
            report(Finding(record.file, record.line, what, hint, fatal=True))
    zone.given = frozenset(zone.sets)
    return zone
