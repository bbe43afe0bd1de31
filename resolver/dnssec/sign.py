"""Decides what the signatures, keys and DS of one zone are: RRSIGs made when they are first asked for, and kept.

Rules
* The key-signing key signs the DNSKEY RRset, the zone-signing key everything else (RFC 4035 section 2.2).
* Time is cut into periods of `PERIOD` seconds. A signature is valid from an hour before the period in which it is made
  to an hour after the next one. In each period all signatures are made anew, so that one has half of its time left
  when it is told last, and those who sign the same zone in the same period say the same.
* What is made from a wildcard has the wildcard's signature, whose labels tell (RFC 4034 section 3.1.3).
* The DS has a SHA-256 digest (RFC 8624 section 3.3).

Limits: the signatures of one period are held, one for each RRset that was asked for. Times are seconds modulo 2^32
(RFC 4034 section 3.1.5).
"""

from __future__ import annotations

import copy
from typing import Final

from resolver.dnssec import algorithms, canonical, faults
from resolver.dnssec.faults import Fault
from resolver.dnssec.keys import ZoneKey, ZoneKeys
from resolver.dnssec.records import read_rrsig
from resolver.message import Class, RRset, Type
from resolver.wire import names

PERIOD: Final = 15 * 86_400
"""Seconds for which signatures are told before they are made anew: they are valid for 30 days, as of many TLDs, and
half of that is left then."""
SKEW_S: Final = 3600
"""Seconds by which signatures are valid earlier and later: what clocks are commonly wrong (BIND 3600)."""


def period(now: float) -> int:
    """The number of the signing period in which `now` lies, seconds since 1970."""
    return int(now // PERIOD)


class Signer:
    """The keys of a zone at work."""

    __slots__ = ("_entrusted", "_made", "_period", "_used", "apex", "dnskeys", "fault", "keys")

    def __init__(self, apex: bytes, keys: ZoneKeys, fault: Fault | None = None) -> None:
        """Signs the zone at the folded name `apex`, with what `fault` makes wrong."""
        self.apex, self.fault = apex, fault
        self.keys = keys
        """Those that the zone has, whatever is wrong with what it says of them."""
        self._used = faults.used(fault, keys)
        self._entrusted = faults.entrusted(fault, keys, self._used)
        self.dnskeys: tuple[bytes, ...] = tuple(key.rdata for key in faults.published(fault, self._used))
        """The DNSKEY records."""
        self._period = -1
        self._made: dict[tuple[bytes, int], bytes] = {}

    def afresh(self) -> Signer:
        """The same keys for a zone that has changed: nothing is signed yet."""
        other = copy.copy(self)
        other._made = {}
        return other

    @property
    def ksk(self) -> ZoneKey:
        """The key-signing key: the trust anchor of the zone."""
        return self._used.ksk

    @property
    def ds(self) -> bytes:
        """The DS record that the parent has."""
        ksk = self._entrusted
        made = algorithms.digest(algorithms.SHA256, self.apex, ksk.rdata) or b""
        digest_type = faults.digest_type(self.fault, algorithms.SHA256)
        return ksk.tag.to_bytes(2, "big") + bytes((ksk.algorithm, digest_type)) + faults.digest(self.fault, made)

    def rrsig(self, rrset: RRset, now: float, told: RRset | None = None) -> RRset | None:
        """The signature of `rrset`, a set of the zone, at `now`; None where a fault leaves it out.

        `told` is the set as it stands in an answer, where it is told under another name or TTL.
        """
        key = faults.signing_key(self.fault, self._used, rrset.type)
        if key is None:
            return None
        if period(now) != self._period:
            self._period = period(now)
            self._made.clear()
        owner = names.fold(rrset.name)
        made = self._made.get((owner, rrset.type))
        if made is None:
            made = self._made[owner, rrset.type] = self._rrsig(rrset, owner, key)
        stands = told or rrset
        return RRset(stands.name, Type.RRSIG, Class.IN, stands.ttl, (made,))

    def _rrsig(self, rrset: RRset, owner: bytes, key: ZoneKey) -> bytes:
        """The rdata (RFC 4034 section 3.1)."""
        begins = (self._period + faults.periods_late(self.fault)) * PERIOD - SKEW_S
        expires = begins + 2 * PERIOD + 2 * SKEW_S
        head = b"".join(
            (
                rrset.type.to_bytes(2, "big"),
                bytes((key.algorithm, canonical.signed_labels(owner))),
                rrset.ttl.to_bytes(4, "big"),
                (expires % 2**32).to_bytes(4, "big"),
                (begins % 2**32).to_bytes(4, "big"),
                key.tag.to_bytes(2, "big"),
                self.apex,
            )
        )
        made = key.sign(canonical.signed_data(rrset, read_rrsig(head), owner))
        return head + faults.signature(self.fault, rrset.type, made)
