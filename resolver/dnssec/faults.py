"""Decides what is wrong with the signatures, keys and DS of a zone that is broken on purpose.

Rules: a fault changes one thing, and the rest of the zone is as good as any other. So each shows what validators make
of that one thing: bogus where the zone claims to be signed and nothing proves it (RFC 4035 section 5), insecure where
nothing that is known is claimed (RFC 4035 section 5.2).

Limits: a zone has one fault at most. What servers do wrong is `network.faults`'.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Final

from resolver.dnssec.keys import ZoneKey, ZoneKeys
from resolver.dnssec.records import REVOKED
from resolver.message import Type

UNASSIGNED: Final = 100
"""A signing algorithm and a digest type that nobody has (the IANA registries), and so nobody knows."""
MANY_ITERATIONS: Final = 200
"""Iterations of NSEC3 that validators refuse: RFC 9276 section 3.2 lets them from 1 on, most do above 150 or 50."""


class Fault(enum.StrEnum):
    """What is wrong with a signed zone, by the word that stands in `hierarchy.toml`."""

    EXPIRED = "expired"
    """Signatures have expired."""
    FUTURE = "future"
    """Signatures are not valid yet."""
    WRONG_KEY = "wrongkey"
    """Data are signed by a key that is not among those of the zone."""
    BOGUS = "bogus"
    """The signatures of data do not hold."""
    UNSIGNED = "unsigned"
    """Data have no signatures, although the DS says that the zone is signed."""
    DS_MISMATCH = "ds-mismatch"
    """The digest in the DS is not that of the key."""
    UNKNOWN_ALGORITHM = "unknown-algorithm"
    """Keys and signatures are of an algorithm that nobody knows: the zone counts as unsigned."""
    UNKNOWN_DIGEST = "unknown-digest"
    """The DS has a digest of a type that nobody knows: the zone counts as unsigned."""
    NSEC_MISSING = "nsec-missing"
    """NSEC and NSEC3 records are left out: nothing that is not there can be proven, nor what a wildcard made."""
    ITERATIONS = "nsec3-iterations"
    """NSEC3 hashes take more iterations than validators do."""
    KSK_MISSING = "ksk-missing"
    """The key that the DS names is not among those of the zone."""
    REVOKED = "revoked"
    """The key that the DS names is revoked: its flags, and so its tag and digest, are others (RFC 5011 section 2.1)."""


def published(fault: Fault | None, keys: ZoneKeys) -> tuple[ZoneKey, ...]:
    """The keys in the DNSKEY RRset."""
    return (keys.zsk,) if fault == Fault.KSK_MISSING else keys


def used(fault: Fault | None, keys: ZoneKeys) -> ZoneKeys:
    """`keys` as they are published and named."""
    if fault == Fault.UNKNOWN_ALGORITHM:
        return ZoneKeys(replace(keys.ksk, algorithm=UNASSIGNED), replace(keys.zsk, algorithm=UNASSIGNED))
    if fault == Fault.REVOKED:
        return keys._replace(ksk=replace(keys.ksk, flags=keys.ksk.flags | REVOKED))
    return keys


def entrusted(fault: Fault | None, keys: ZoneKeys, used: ZoneKeys) -> ZoneKey:
    """The key that the DS names: of `keys`, of which the zone has made those that are `used`."""
    return keys.ksk if fault == Fault.REVOKED else used.ksk


def signing_key(fault: Fault | None, keys: ZoneKeys, covered: int) -> ZoneKey | None:
    """The key that signs the RRsets of type `covered`; None where they are not signed."""
    if covered == Type.DNSKEY:
        return keys.ksk
    if fault == Fault.UNSIGNED:
        return None
    if fault == Fault.WRONG_KEY:
        return _unpublished(keys)
    return keys.zsk


def periods_late(fault: Fault | None) -> int:
    """By how many signing periods the validity of signatures is moved."""
    # A signature is valid for two periods and an hour, the present one and the next: four leave a gap to now.
    return {Fault.EXPIRED: -4, Fault.FUTURE: 4}.get(fault, 0) if fault else 0


def signature(fault: Fault | None, covered: int, made: bytes) -> bytes:
    """What stands as the signature `made` of an RRset of type `covered`."""
    if fault == Fault.BOGUS and covered != Type.DNSKEY:
        return made[:-1] + bytes((made[-1] ^ 1,))
    return made


def digest_type(fault: Fault | None, proper: int) -> int:
    """The digest type that the DS names."""
    return UNASSIGNED if fault == Fault.UNKNOWN_DIGEST else proper


def digest(fault: Fault | None, made: bytes) -> bytes:
    """What stands as the digest `made` in the DS."""
    return bytes(octet ^ 0xFF for octet in made) if fault == Fault.DS_MISMATCH else made


def _unpublished(keys: ZoneKeys) -> ZoneKey:
    """A key that neither is one of `keys` nor has a tag of theirs."""
    octets = bytearray(keys.zsk.public)
    tags = {keys.ksk.tag, keys.zsk.tag}
    while True:
        octets[-1] = octets[-1] + 2 & 0xFF
        key = replace(keys.zsk, public=bytes(octets))
        if key.tag not in tags:
            return key
