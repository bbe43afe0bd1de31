"""Decides what the zones of a server say when DNSSEC of one of them is made wrong while it is served.

Rules
* The zone is signed anew with the fault, by the keys that it has; a fault that it was declared with ends for that time.
* What the fault makes of the DS stands in the parent, where that is signed: so both are changed, each at the servers
  that serve it.
* The other zones are the same objects.

Limits: a changed zone is made of all records of the one before, which takes a second for some hundred thousand. The
trust anchor of the world is what it was: a fault of the root's own DS has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from resolver.auth.signed import SignedZone
from resolver.auth.zone import Zone
from resolver.dnssec.chains import NSEC3PARAM, Parameters
from resolver.dnssec.faults import MANY_ITERATIONS, Fault
from resolver.dnssec.sign import Signer
from resolver.message import RRset, Type
from resolver.wire import names

_ONLY_IN_PARENT: Final = frozenset((Fault.DS_MISMATCH, Fault.UNKNOWN_DIGEST))
"""With these nothing is wrong but the DS in the parent."""


def broken(
    zones: tuple[Zone, ...], world: Mapping[bytes, Zone], fault: Fault, concerns: Callable[[bytes], bool]
) -> tuple[Zone, ...]:
    """`zones` as they are with `fault` in each signed zone of the `world` (by folded apex) whose apex it `concerns`;
    the same tuple where that changes nothing."""
    made = tuple(_broken(zone, world, fault, concerns) for zone in zones)
    return zones if all(new is old for new, old in zip(made, zones, strict=True)) else made


def _broken(zone: Zone, world: Mapping[bytes, Zone], fault: Fault, concerns: Callable[[bytes], bool]) -> Zone:
    if not isinstance(zone, SignedZone):
        return zone
    moved = dict(_moved(zone, world, fault, concerns))
    itself = concerns(zone.apex) and fault not in _ONLY_IN_PARENT
    if not moved and not itself:
        return zone
    # A signer keeps the signatures that it has made, and those of what changes do not hold any more.
    signer, parameters = Signer(zone.apex, zone.signer.keys, fault if itself else zone.signer.fault), zone.parameters
    if itself and fault == Fault.ITERATIONS:
        parameters = (parameters or Parameters())._replace(iterations=MANY_ITERATIONS)
    return SignedZone(zone.apex, _rrsets(zone, zone.apex, signer, parameters, moved), signer, parameters)


def _moved(
    zone: SignedZone, world: Mapping[bytes, Zone], fault: Fault, concerns: Callable[[bytes], bool]
) -> Iterator[tuple[bytes, bytes]]:
    """The DS that change in `zone`, by the apex of the child."""
    for rrset in zone:
        apex = names.fold(rrset.name)
        if rrset.type == Type.DS and apex != zone.apex and concerns(apex):
            child = world.get(apex)
            if isinstance(child, SignedZone):
                ds = Signer(apex, child.signer.keys, fault).ds
                if ds != child.signer.ds:
                    yield apex, ds


def _rrsets(
    rrsets: Iterable[RRset], apex: bytes, signer: Signer, parameters: Parameters | None, moved: Mapping[bytes, bytes]
) -> Iterator[RRset]:
    """`rrsets` with the keys of `signer` and the DS that have `moved`."""
    for rrset in rrsets:
        owner = names.fold(rrset.name)
        if owner == apex and rrset.type == Type.DNSKEY:
            yield rrset._replace(rdatas=signer.dnskeys)
        elif owner == apex and rrset.type == NSEC3PARAM and parameters is not None:
            yield rrset._replace(rdatas=(parameters.rdata,))
        elif rrset.type == Type.DS and owner in moved:
            yield rrset._replace(rdatas=(moved[owner],))
        else:
            yield rrset
