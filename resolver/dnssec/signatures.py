"""Decides whether a record set is validly signed by the keys of its zone (RFC 4035 section 5.3).

Rules
* A signature is tried when it covers the type, names the zone as its signer, has no more labels than the owner, is
  valid now, and names a key of the zone by tag and algorithm that may sign and is not revoked (RFC 4035 section 5.3.1,
  RFC 5011 section 2.1). One that holds is enough, whatever the others are like (RFC 6840 sections 5.4 and 5.11).
* Times are serial numbers (RFC 4034 section 3.1.5): half of all 32-bit numbers lie before any of them.
* What is valid lives no longer than the original TTL says, nor than the signature (RFC 4035 section 5.3.3).
* Where none holds one reason is told, the one that says most: time before keys, keys before the signature itself.

Limits: of the signatures of one set `Limits.rrsigs_per_rrset` are tried, each with `Limits.keys_per_tag` keys, and each
check is paid from the budget by what it takes (KeyTrap, CVE-2023-50387), one that does not hold `IN_VAIN` times: those
of zones in use hold. Clocks are taken to be right, to the second.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from resolver.dnssec import moments
from resolver.dnssec.algorithms import SUPPORTED, price
from resolver.dnssec.canonical import in_order, signed_data, signed_labels, signed_owner
from resolver.dnssec.records import Dnskey, Rrsig, read_rrsig, read_signer
from resolver.engine.actions import Check, Steps, verify
from resolver.engine.budget import Budget
from resolver.errors import Bogus, WireError
from resolver.message import RRset
from resolver.wire import names, types

BOGUS, EXPIRED, NOT_YET_VALID, KEY_MISSING, MISSING, NO_ZONE_KEY = 6, 7, 8, 9, 10, 11
"""EDE info-codes (RFC 8914 section 4)."""

IN_VAIN: Final = 4
"""What a check costs that does not hold, in checks that do. Peers: BIND gives up after the first
(`max-validation-failures-per-fetch`)."""

UNSIGNED: Final = "SIGU"
"""The tag of a set that should be signed and is not."""

_WRAP: Final = 1 << 32
_HALF: Final = 1 << 31


class Keys(NamedTuple):
    """The keys of `zone`, folded, which a trust anchor leads to. Not all of them need be of use."""

    zone: bytes
    keys: tuple[Dnskey, ...]


class Valid(NamedTuple):
    """The signature `rrsig` holds. The set is good for `ttl` seconds.

    `encloser` is the parent of the wildcard that it was made from, None where it stands in the zone as it is.
    """

    ttl: int
    rrsig: Rrsig
    encloser: bytes | None = None


class Invalid(NamedTuple):
    """No signature holds: why, in one sentence; the EDE info-code and the tag of what is told."""

    why: str
    ede: int
    tag: str

    @property
    def failure(self) -> Bogus:
        """The failure of a question whose answer this is."""
        return Bogus(self.tag, self.ede, self.why)


class Reason(enum.IntEnum):
    """Why a signature does not count; of several the highest is told."""

    MALFORMED = 1
    ALGORITHM = 2
    SIGNER = 3
    LABELS = 4
    UNUSABLE_KEY = 5
    REVOKED = 6
    SIGNATURE = 7
    KEY = 8
    NOT_YET_VALID = 9
    EXPIRED = 10


_TOLD: Final[dict[Reason, tuple[str, int]]] = {
    Reason.MALFORMED: ("SIGM", BOGUS),
    Reason.ALGORITHM: ("SIGA", BOGUS),
    Reason.SIGNER: ("SIGO", BOGUS),
    Reason.LABELS: ("SIGL", BOGUS),
    Reason.UNUSABLE_KEY: ("SIGZ", NO_ZONE_KEY),
    Reason.REVOKED: ("SIGR", BOGUS),
    Reason.SIGNATURE: ("SIGB", BOGUS),
    Reason.KEY: ("SIGK", KEY_MISSING),
    Reason.NOT_YET_VALID: ("SIGF", NOT_YET_VALID),
    Reason.EXPIRED: ("SIGX", EXPIRED),
}


class _Objection(NamedTuple):
    reason: Reason
    why: str


def check_rrset(rrset: RRset, keys: Keys, now: float, budget: Budget) -> Steps[Valid | Invalid]:
    """Whether one of the signatures of `rrset`, which stand in its proof, holds at `now`, seconds since 1970.

    Raises `ResolutionFailed` when the budget is used up.
    """
    signatures = () if rrset.proof is None else rrset.proof.signatures
    if not signatures:
        return Invalid(f"{_shown(rrset)} has no RRSIG, though {names.to_text(keys.zone)} is signed", MISSING, UNSIGNED)
    limits = budget.limits
    told = _Objection(Reason.MALFORMED, "is malformed")
    tried, ordered = 0, in_order(rrset)
    for rdata in signatures:
        try:
            rrsig = read_rrsig(rdata)
        except WireError:
            continue
        usable = _usable(rrset, rrsig, keys, now, limits.keys_per_tag)
        if isinstance(usable, _Objection):
            told = max(told, usable)
            continue
        owner = signed_owner(rrset.name, rrsig.labels)
        assert owner is not None
        data = signed_data(rrset, rrsig, owner, ordered)
        for key in usable:
            cost = price(key.algorithm, key.key)
            budget.spend_signature_check(cost)
            (good,) = yield from verify((Check(rrsig.algorithm, key.key, rrsig.signature, data),))
            if good:
                return _valid(rrset, rrsig, now)
            budget.spend_signature_check((IN_VAIN - 1) * cost)
        told = max(told, _Objection(Reason.SIGNATURE, f"by key {rrsig.tag} does not hold"))
        tried += 1
        if tried >= limits.rrsigs_per_rrset:
            break
    tag, ede = _TOLD[told.reason]
    return Invalid(f"RRSIG of {_shown(rrset)} {told.why}", ede, tag)


def signers(rrset: RRset) -> set[bytes]:
    """The zones, folded, that the signatures of `rrset` name as their signers."""
    found = set()
    for rdata in () if rrset.proof is None else rrset.proof.signatures:
        try:
            found.add(read_signer(rdata))
        except WireError:
            continue
    return found


def _usable(rrset: RRset, rrsig: Rrsig, keys: Keys, now: float, most: int) -> list[Dnskey] | _Objection:
    """The keys that `rrsig` may be checked with, `most` of them; or why there are none."""
    if rrsig.covered != rrset.type:
        return _Objection(Reason.MALFORMED, f"covers {types.to_text(rrsig.covered)}")
    if rrsig.signer != keys.zone:
        who, zone = names.to_text(rrsig.signer), names.to_text(keys.zone)
        return _Objection(Reason.SIGNER, f"is by {who}, which does not sign for {zone}")
    if rrsig.labels > signed_labels(rrset.name) or rrsig.labels < names.depth(keys.zone):
        return _Objection(Reason.LABELS, f"by key {rrsig.tag} is made for a name of {rrsig.labels} labels")
    if rrsig.algorithm not in SUPPORTED:
        return _Objection(Reason.ALGORITHM, f"is of the algorithm {rrsig.algorithm}, which is not known here")
    if left(rrsig.expires, now) < 0:
        return _Objection(Reason.EXPIRED, f"by key {rrsig.tag} expired at {_time(rrsig.expires, now)}")
    if left(rrsig.begins, now) > 0:
        why = f"by key {rrsig.tag} is not valid before {_time(rrsig.begins, now)}; here it is {moments.written(now)}"
        return _Objection(Reason.NOT_YET_VALID, why)
    usable: list[Dnskey] = []
    told = _Objection(Reason.KEY, f"is by key {rrsig.tag}, which is none of {names.to_text(keys.zone)}")
    for key in keys.keys:
        if key.tag != rrsig.tag or key.algorithm != rrsig.algorithm:
            continue
        if key.signs_zones and not key.revoked:
            usable.append(key)
            if len(usable) == most:
                break
        elif key.revoked:
            told = _Objection(Reason.REVOKED, f"is by key {rrsig.tag}, which is revoked")
        elif told.reason is not Reason.REVOKED:
            told = _Objection(Reason.UNUSABLE_KEY, f"is by key {rrsig.tag}, which is no zone key")
    return usable or told


def _valid(rrset: RRset, rrsig: Rrsig, now: float) -> Valid:
    """What it means that `rrsig` holds for `rrset`."""
    ttl = min(rrset.ttl, rrsig.original_ttl, left(rrsig.expires, now))
    if rrsig.labels == signed_labels(rrset.name):
        return Valid(ttl, rrsig)
    return Valid(ttl, rrsig, names.last_labels(names.fold(rrset.name), rrsig.labels))


def left(time: int, now: float) -> int:
    """Seconds from `now`, seconds since 1970, until the serial number `time`; negative when it has passed."""
    return (time - int(now) + _HALF) % _WRAP - _HALF


def _time(time: int, now: float) -> str:
    """The serial number `time` as people write it, in the era that is closest to `now`."""
    return moments.written(int(now) + left(time, now))


def _shown(rrset: RRset) -> str:
    return f"{names.to_text(rrset.name)} {types.to_text(rrset.type)}"
