"""Decides how a recorded zone is signed in the world that is made of it.

Rules
* A zone is signed where the zone above vouches for it with a DS, and where it is signed itself below one that is not,
  which vouches for nobody: as the root is. Our keys take the place
  of those that were seen: of the same algorithm where we sign with it, and denied in the same way (NSEC, or NSEC3 with
  the same iterations, salt and opt-out).
* What is wrong with it becomes a word of `dnssec.fault`, told by what was seen: an algorithm or a digest type that is
  not known, no signatures, a DS that fits no key, validity, keys, signatures that do not hold, and denials that are
  not proven. It is a fault only where all that was seen of the zone has it.

Limits: a signed zone for which a signed one above does not vouch is recorded as unsigned, which is what validators make
of it: in a world it would have a DS. One fault is told of a zone. Opt-out that no denial has shown is not known of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from resolver.dnssec import algorithms, keys
from resolver.dnssec.canonical import signed_data, signed_owner
from resolver.dnssec.chains import NSEC3PARAM
from resolver.dnssec.faults import Fault
from resolver.dnssec.records import REVOKED, Dnskey, Ds, Rrsig, key_tag, read_dnskey, read_ds, read_rrsig
from resolver.dnssec.signatures import left
from resolver.engine.actions import Check
from resolver.errors import WireError
from resolver.message import Type
from resolver.recording.evidence import Evidence, Told
from resolver.wire import names

MOST_CHECKED: Final = 20
"""Record sets of a zone whose signatures are looked at: one that holds is enough."""

_NUMBERS: Final = {number: word for word, number in keys.SIGNING.items()}


def signed(evidence: Evidence, zones: Collection[bytes]) -> set[bytes]:
    """Those of the folded `zones`, the ones above first, that are to be signed."""
    found: set[bytes] = set()
    for zone in zones:
        above = next((each for each in names.ancestors(names.parent(zone)) if each in zones), zone) if zone[0] else zone
        island = evidence.has_signatures(zone) and (zone == names.ROOT or above not in found)
        if zone in evidence.ds or island:
            found.add(zone)
    return found


def signing(evidence: Evidence, zone: bytes, owned: Sequence[Told], *, wall: float) -> dict[str, object]:
    """The `dnssec` of a signed zone, whose answers are `owned`; `wall` is when they were given, seconds since 1970."""
    try:
        ds, dnskeys, told = _read(evidence, zone)
        fault = _fault(ds, dnskeys, told, zone, owned, wall)
        if fault is None and _hides(evidence, zone, owned):
            fault = Fault.NSEC_MISSING
    except WireError:
        ds, dnskeys, fault = [], [], None
    table: dict[str, object] = {"denial": "nsec"} | _nsec3(evidence, zone)
    seen = [*(each.algorithm for each in dnskeys), *(each.algorithm for each in ds)]
    used = next((_NUMBERS[each] for each in seen if each in _NUMBERS), None)
    if used is None and any(algorithms.MNEMONICS.get(each, "").startswith("RSA") for each in seen):
        used = _NUMBERS[algorithms.RSASHA256]
    if used is not None and used != _NUMBERS[algorithms.ECDSAP256]:
        table["algorithm"] = used
    if fault is not None:
        table["fault"] = fault.value
    return table


def _read(evidence: Evidence, zone: bytes) -> tuple[list[Ds], list[Dnskey], Told | None]:
    """The DS and the keys of the zone. Raises `WireError`."""
    told = evidence.sets.get((zone, Type.DNSKEY))
    rdatas = () if told is None else told.rrset.rdatas
    ds = [read_ds(each) for each in (evidence.ds[zone].rdatas if zone in evidence.ds else ())]
    return ds, [read_dnskey(each) for each in rdatas], told


def _nsec3(evidence: Evidence, zone: bytes) -> dict[str, object]:
    """What is to be said of NSEC3, where the zone is denied by it."""
    seen = sorted(evidence.nsec3.get(zone, ()))
    param = evidence.sets.get((zone, NSEC3PARAM))
    if param is not None and not seen:
        rdata = param.rrset.rdatas[0]
        seen = [(int.from_bytes(rdata[2:4], "big"), rdata[5 : 5 + rdata[4]], False)]
    if not seen:
        return {}
    iterations, salt, _ = seen[0]
    table: dict[str, object] = {"denial": "nsec3"}
    if any(opt_out for _, _, opt_out in seen):
        table["opt_out"] = True
    if iterations:
        table["iterations"] = iterations
    if salt:
        table["salt"] = salt.hex()
    return table


def _fault(
    ds: list[Ds], dnskeys: list[Dnskey], told: Told | None, zone: bytes, owned: Sequence[Told], wall: float
) -> Fault | None:
    """What is visibly wrong with the zone. Raises `WireError`."""
    if ds and not any(each.algorithm in algorithms.SUPPORTED for each in ds):
        return Fault.UNKNOWN_ALGORITHM
    if ds and not any(each.digest_type in algorithms.DIGESTS for each in ds):
        return Fault.UNKNOWN_DIGEST
    if told is None:
        return None
    entry = _entry(ds, dnskeys, zone)
    if entry is not None:
        return entry
    signatures = [read_rrsig(rdata) for each in owned for rdata in each.signatures]
    if not owned:
        return None
    if not signatures:
        return Fault.UNSIGNED
    own = [read_rrsig(rdata) for rdata in told.signatures]
    seen = _validity(signatures, wall) or _validity(own, wall) or _keyless(signatures, dnskeys)
    return seen or (None if _holds(owned, dnskeys) else Fault.BOGUS)


def _entry(ds: list[Ds], dnskeys: list[Dnskey], zone: bytes) -> Fault | None:
    """What is wrong with the way from the DS to the keys."""
    if not ds:
        return None
    named = [(each, key) for each in ds for key in dnskeys if each.tag == key_tag(key.rdata)]
    if any(algorithms.digest(each.digest_type, zone, key.rdata) == each.digest for each, key in named):
        return None
    if named:
        return Fault.DS_MISMATCH
    tags = {each.tag for each in ds}
    revoked = any(key.revoked and key_tag(_unrevoked(key.rdata)) in tags for key in dnskeys)
    return Fault.REVOKED if revoked else Fault.KSK_MISSING


def _unrevoked(rdata: bytes) -> bytes:
    """The key as it was (RFC 5011 section 2.1)."""
    return (int.from_bytes(rdata[:2], "big") & ~REVOKED).to_bytes(2, "big") + rdata[2:]


def _validity(signatures: list[Rrsig], wall: float) -> Fault | None:
    """Whether there are signatures, and all of them too old or too new."""
    if not signatures:
        return None
    if all(left(each.expires, wall) < 0 for each in signatures):
        return Fault.EXPIRED
    return Fault.FUTURE if all(left(each.begins, wall) > 0 for each in signatures) else None


def _keyless(signatures: list[Rrsig], dnskeys: list[Dnskey]) -> Fault | None:
    """Whether data are signed by none of the keys."""
    tags = {key_tag(each.rdata) for each in dnskeys}
    return Fault.WRONG_KEY if all(each.tag not in tags for each in signatures) else None


def _holds(owned: Sequence[Told], dnskeys: list[Dnskey]) -> bool:
    """Whether one of the signatures holds. Raises `WireError`."""
    for told in owned[:MOST_CHECKED]:
        for rrsig in map(read_rrsig, told.signatures):
            owner = signed_owner(told.rrset.name, rrsig.labels)
            keys = [key.key for key in dnskeys if key.tag == rrsig.tag and key.algorithm == rrsig.algorithm]
            if owner is not None and rrsig.algorithm in algorithms.SUPPORTED:
                data = signed_data(told.rrset, rrsig, owner)
                if any(algorithms.verify(Check(rrsig.algorithm, key, rrsig.signature, data)) for key in keys):
                    return True
    return False


def _hides(evidence: Evidence, zone: bytes, owned: Sequence[Told]) -> bool:
    """Whether denials, or what wildcards made, came without the records that prove them."""
    made = [each for each in owned if each.wildcard is not None]
    return zone in evidence.unproven or (bool(made) and not any(each.proven for each in made))


def keys_seen(evidence: Evidence, zone: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and rdata of the DS and DNSKEY of the zone: what ours take the place of."""
    if zone in evidence.ds:
        yield from ((int(Type.DS), each) for each in sorted(evidence.ds[zone].rdatas))
    told = evidence.sets.get((zone, Type.DNSKEY))
    if told is not None:
        yield from ((int(Type.DNSKEY), each) for each in sorted(told.rrset.rdatas))
