"""Decides what a zone's DNSKEY set shows to whoever follows its keys: who signs it, and who revokes itself in it.

Rules
* The set is judged by the trust point alone, and not by the chain from the root: what is followed here is what the
  chain
  begins with. So it is asked for as an unchecked question, and a set whose only anchor has been revoked is seen, too.
* A signature counts when it is the zone's own over its keys, in time (RFC 4035 section 5.3.1), by a key of the set that
  may sign zones. A key with the flag of revocation proves nothing but its own revocation (RFC 5011 section 2.1).

Limits: 16 signature checks a set, which a zone that does not attack needs a few of; it is seen a few times a month.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from resolver.dnssec.algorithms import verify
from resolver.dnssec.canonical import signed_data, signed_labels
from resolver.dnssec.records import Dnskey, Rrsig, read_dnskey, read_rrsig
from resolver.dnssec.rollover import BELIEVED, Seen, TrustPoint, is_of
from resolver.engine.actions import Check
from resolver.errors import WireError
from resolver.message import RRset, Type

MAX_CHECKS: Final = 16
"""Signature checks of one set. A zone in the middle of two rollovers has 4 signatures."""

_HALF: Final = 1 << 31


def judge(point: TrustPoint, rrset: RRset, signatures: Iterable[bytes], now: float) -> Seen:
    """What `rrset`, the DNSKEY set of the zone of `point`, shows at `now`; `signatures` are the rdatas of its
    RRSIGs."""
    keys = _keys(rrset.rdatas)
    left = MAX_CHECKS
    proven, revoked = False, set()
    ttl, expires = 0, 0.0
    for rdata in signatures:
        rrsig = _usable(rdata, point.zone, now)
        if rrsig is None:
            continue
        data = b""
        for key in keys:
            if (key.tag, key.algorithm) != (rrsig.tag, rrsig.algorithm) or not (key.revoked or _anchors(point, key)):
                continue
            if not left:
                break
            left -= 1
            data = data or signed_data(rrset, rrsig, point.zone)
            if not verify(Check(key.algorithm, key.key, rrsig.signature, data)):
                continue
            if key.revoked:
                revoked.add(key)
            else:
                end = _moment(rrsig.expires, now)
                ttl, expires = rrsig.original_ttl, max(end, expires)
                proven = True
    return Seen(frozenset(keys), proven, frozenset(revoked), ttl, expires)


def _keys(rdatas: Iterable[bytes]) -> list[Dnskey]:
    """The keys that may sign zones."""
    found = []
    for rdata in rdatas:
        try:
            key = read_dnskey(rdata)
        except WireError:
            continue
        if key.signs_zones:
            found.append(key)
    return found


def _anchors(point: TrustPoint, key: Dnskey) -> bool:
    """Whether `key`, which is not revoked, is one that `point` believes."""
    return any(each.key == key and each.state in BELIEVED for each in point.keys) or any(
        is_of(ds, point.zone, key) for ds in point.ds
    )


def _usable(rdata: bytes, zone: bytes, now: float) -> Rrsig | None:
    """The signature, if it is one of `zone` over its keys that holds at `now`."""
    try:
        rrsig = read_rrsig(rdata)
    except WireError:
        return None
    own = rrsig.covered == Type.DNSKEY and rrsig.signer == zone and rrsig.labels == signed_labels(zone)
    return rrsig if own and _moment(rrsig.begins, now) <= now <= _moment(rrsig.expires, now) else None


def _moment(serial: int, now: float) -> float:
    """The moment within 68 years of `now` that a time of an RRSIG stands for (RFC 4034 section 3.1.5)."""
    distance = (serial - int(now) + _HALF) % (1 << 32) - _HALF
    return int(now) + float(distance)
