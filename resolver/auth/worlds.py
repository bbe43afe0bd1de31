"""Decides what of a world stays as it is when its plan changes: each zone whose records and keys are the same.

Rules
* Where records alone have changed that nothing else follows from, their zones are made anew and nothing else is looked
  at. What something follows from: NS, SOA, PTR and the records of DNSSEC, and all records of servers' names.
* Else everything is completed anew, and a zone that came out as it was stays the same object, with the signatures that
  were made for it.

Limits: to see whether a zone has changed takes a comparison of its records, and one that has is made anew as a whole:
of 50,000 records that takes most of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from resolver.auth import hierarchy, zonecheck
from resolver.auth.draft import Draft, Key, ZoneDraft
from resolver.auth.findings import Finding, Where, refuse
from resolver.auth.hierarchy import World
from resolver.auth.planned import Saved
from resolver.auth.shape import PLAN, place
from resolver.auth.signed import SignedZone
from resolver.auth.signing import Signing
from resolver.auth.zone import Zone
from resolver.dnssec.chains import NSEC3PARAM
from resolver.dnssec.sign import Signer
from resolver.errors import ZoneError
from resolver.message import RRset, Type
from resolver.wire import names

_FOLLOWED: Final = frozenset(
    (Type.NS, Type.SOA, Type.PTR, Type.DS, Type.DNSKEY, Type.RRSIG, Type.NSEC, Type.NSEC3, NSEC3PARAM)
)
"""Types of which other records follow, or which are made by the keys of a zone."""


class _Made(NamedTuple):
    """A zone with what it was made of; `how` is how it is signed, and whether that could be done."""

    drafted: ZoneDraft
    how: tuple[object, ...]
    rrsets: tuple[RRset, ...]
    zone: Zone


class Worlds:
    """The world of a plan as it was last, from which the next one is made."""

    def __init__(self) -> None:
        self._state: Saved | None = None
        self._draft: Draft | None = None
        self._world: World | None = None
        self._made: dict[bytes, _Made] = {}
        self._hosts: set[bytes] = set()

    def world(self, state: Saved) -> World:
        """The world that follows from `state`. Raises `ZoneError` where none does; then nothing is changed here."""
        if self._world is not None and state is self._state:
            return self._world
        world = self._in_part(state) or self._whole(state)
        self._state, self._world = state, world
        return world

    def _whole(self, state: Saved) -> World:
        made: dict[bytes, _Made] = {}

        def make(drafted: ZoneDraft, signer: Signer | None) -> Zone:
            made[drafted.apex] = one = self._zone(drafted, signer)
            return one.zone

        draft = state.draft()
        world = hierarchy.completed(draft, make)
        self._made, self._draft, self._hosts = made, draft, set(_hosts(draft))
        return world

    def _zone(self, drafted: ZoneDraft, signer: Signer | None) -> _Made:
        """The zone; the one that there was if it is the same."""
        how = _how(drafted.declared.dnssec, signer)
        old = self._made.get(drafted.apex)
        if old is not None and old.how == how and old.drafted.sets == drafted.sets:
            return old._replace(drafted=drafted)
        check(drafted)
        rrsets = tuple(drafted.rrsets())
        if old is not None and old.how == how and old.rrsets == rrsets:
            return old._replace(drafted=drafted)
        return _Made(drafted, how, rrsets, hierarchy.signed_or_not(drafted, rrsets, signer))

    def _in_part(self, state: Saved) -> World | None:
        """The world if nothing follows from what has changed; None if something may."""
        was, draft, world = self._state, self._draft, self._world
        if was is None or draft is None or world is None or state.servers is not was.servers:
            return None
        if state.base is not was.base or state.automatic != was.automatic or state.zones.keys() != was.zones.keys():
            return None
        made: dict[bytes, _Made] = {}
        for apex, zone in state.zones.items():
            before = was.zones[apex]
            if zone is before:
                continue
            changed = _changed(before, zone)
            if zone.declared != before.declared or any(
                rtype in _FOLLOWED or name in self._hosts for name, rtype in changed
            ):
                return None
            made[apex] = self._changed(self._made[apex], zone, changed)
        self._made |= made
        for apex, one in made.items():
            draft.zones[apex] = one.drafted
        zones = {**world.zones, **{apex: one.zone for apex, one in made.items()}}
        return hierarchy.world_of(draft.declaration, zones, world.findings)

    def _changed(self, old: _Made, zone: ZoneDraft, changed: list[Key]) -> _Made:
        """The zone with the records that `zone` was given of those that have changed."""
        completed = old.drafted
        sets = dict(completed.sets)
        for key in changed:
            if key in zone.sets:
                sets[key] = zone.sets[key]
            else:
                sets.pop(key, None)
        drafted = ZoneDraft(completed.declared, sets, cuts=completed.cuts)
        check(drafted)
        rrsets = tuple(drafted.rrsets())
        signer = old.zone.signer.afresh() if isinstance(old.zone, SignedZone) else None
        return _Made(drafted, old.how, rrsets, hierarchy.signed_or_not(drafted, rrsets, signer))


def check(zone: ZoneDraft) -> None:
    """The records of the zone can stand beside one another. Raises `ZoneError`."""

    def report(finding: Finding) -> None:
        if finding.file != PLAN.file:
            refuse(finding)
        where = place(zone.declared.apex, Where(finding.file, finding.line))
        raise ZoneError(finding.text, where=where, instead=finding.instead)

    zonecheck.fatal(zone, report)


def _changed(before: ZoneDraft, after: ZoneDraft) -> list[Key]:
    """The RRsets that differ."""
    keys = before.sets.keys() | after.sets.keys()
    return [key for key in keys if before.sets.get(key) != after.sets.get(key)]


def _how(how: Signing | None, signer: Signer | None) -> tuple[object, ...]:
    """What tells ways to sign from one another; the keys are among the records."""
    return () if how is None else (how.algorithm, how.nsec3, how.fault, signer is None)


def _hosts(draft: Draft) -> Iterator[bytes]:
    """The folded names of servers, declared or told of by NS records."""
    yield from draft.declaration.servers
    for zone in draft.zones.values():
        for _, records in zone.delegations():
            for record in records:
                yield names.fold(record.rdata)
