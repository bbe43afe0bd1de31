"""Decides which keys the signed zones of a world have, and puts what follows from them into the draft.

Rules
* A signed zone gets a DNSKEY RRset, and NSEC3PARAM where it is denied by NSEC3. What its file has of these types, and
  of RRSIG, NSEC and NSEC3, is of other keys and is left out.
* A signed parent has for each zone of this world the DS of its key, or none where it has no key: what the file says
  would make the zone bogus. DS for zones outside the world stay as they are.
* A zone that cannot be signed is reported, with the file and the reason, and is not served; the others are.

Limits: DS go into signed parents alone, where they can be proven. A wildcard that is a delegation cannot be denied
anything of (RFC 4592 section 4.2): its zone cannot be signed.
"""

from __future__ import annotations

from typing import Final

from resolver.auth.declaration import stem
from resolver.auth.draft import Draft, ZoneDraft
from resolver.auth.findings import Finding, Report, Where
from resolver.auth.signing import Keeping, Signing
from resolver.dnssec import keys
from resolver.dnssec.chains import HASHED_LABEL, NSEC3PARAM
from resolver.dnssec.sign import Signer
from resolver.errors import ZoneError
from resolver.message import Type
from resolver.wire import names

_MADE: Final = frozenset((Type.DNSKEY, Type.RRSIG, Type.NSEC, Type.NSEC3, NSEC3PARAM))
"""What a signed zone has by its own keys alone."""


def complete(draft: Draft, report: Report) -> dict[bytes, Signer]:
    """The signers of the signed zones by folded apex, whose records are in the draft.

    A zone that cannot be signed has none; why is given to `report`, and is not fatal.
    """
    signers: dict[bytes, Signer] = {}
    for zone in draft.zones.values():
        how = zone.declared.dnssec
        if how is None:
            continue
        try:
            signers[zone.apex] = _signed(draft, zone, how)
        except _Unsignable as bad:
            what = f"zone {names.to_text(zone.declared.apex)} cannot be signed, and is not served: {bad}"
            report(Finding(bad.where.file, bad.where.line, what, bad.instead))
    for zone in draft.zones.values():
        parent = draft.parent(zone)
        if parent is not None and parent.apex in signers:
            _entrust(parent, zone, signers.get(zone.apex))
    return signers


class _Unsignable(Exception):
    """Why a zone cannot be signed, the line that it is for, and what to write instead."""

    def __init__(self, where: Where, what: str, instead: str) -> None:
        super().__init__(what)
        self.where, self.instead = where, instead


def why_not(zone: ZoneDraft, how: Signing) -> tuple[str, str] | None:
    """Why nobody could sign the zone like that, and what to write instead; None where that can be done."""
    try:
        _signable(zone, how)
    except _Unsignable as bad:
        return str(bad), bad.instead
    return None


def _signed(draft: Draft, zone: ZoneDraft, how: Signing) -> Signer:
    """The signer of the zone, whose apex has its keys. Raises `_Unsignable`."""
    _signable(zone, how)
    signer = _signer(draft.declaration.keeping, zone, how)
    for key in [key for key in zone.sets if key[1] in _MADE]:
        del zone.sets[key]
    declared = zone.declared
    for rdata in signer.dnskeys:
        zone.make(declared.apex, Type.DNSKEY, declared.ttl, rdata, how.where)
    if how.nsec3 is not None:
        zone.make(declared.apex, NSEC3PARAM, declared.negative_ttl, how.nsec3.rdata, how.where)
    return signer


def _signable(zone: ZoneDraft, how: Signing) -> None:
    """The zone can be signed by whoever has keys for it. Raises `_Unsignable`."""
    for name in zone.cuts:
        if name.startswith(names.WILDCARD):
            record = zone.records(name, Type.NS)[0]
            what = f"the wildcard {names.to_text(name)} is a delegation"
            raise _Unsignable(Where(record.file, record.line), what, "delegate names one by one (RFC 4592 section 4.2)")
    if how.nsec3 is not None and len(zone.apex) + 1 + HASHED_LABEL > names.MAX_NAME:
        raise _Unsignable(how.where, "its name is too long for hashes in front of it", 'write dnssec = "nsec"')


def _signer(keeping: Keeping, zone: ZoneDraft, how: Signing) -> Signer:
    """The zone's keys at work. Raises `_Unsignable`."""
    try:
        if keeping.directory is None:
            found = keys.derived(keeping.seed, zone.apex, how.algorithm)
        else:
            found = keys.read(keeping.directory, stem(zone.apex), how.algorithm)
    except ZoneError as error:
        raise _Unsignable(Where(error.where, 1), error.what, error.instead) from None
    return Signer(zone.apex, found, how.fault)


def _entrust(parent: ZoneDraft, zone: ZoneDraft, signer: Signer | None) -> None:
    """The signed `parent` has the DS of `zone`, or none where that has no key."""
    delegation = parent.records(zone.apex, Type.NS)
    if not delegation or parent.cut_above(zone.apex) != zone.apex:
        return
    if signer is None and zone.records(zone.apex, Type.DNSKEY):
        return  # signed elsewhere, as its file says
    parent.sets.pop((zone.apex, Type.DS), None)
    if signer is not None:
        ttl = min(record.ttl for record in delegation)
        parent.make(zone.declared.apex, Type.DS, ttl, signer.ds, zone.declared.where)
