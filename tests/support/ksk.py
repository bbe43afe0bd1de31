"""Keys of a zone that roll over, and DNSKEY sets that they sign, made by dnspython and cryptography."""

from __future__ import annotations

from datetime import UTC, datetime

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ed25519
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from resolver.dnssec.records import ENTRY_POINT, REVOKED, ZONE_KEY, Dnskey, Ds, read_dnskey, read_ds
from resolver.message import Class, RRset, Type
from resolver.wire import names

DAY = 86400


class SigningKey:
    """A key of `zone` that is told from others by its `number`."""

    def __init__(self, number: int, zone: str = "example.", flags: int = ZONE_KEY | ENTRY_POINT) -> None:
        self.zone, self._flags = zone, flags
        self._private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)

    def record(self, *, revoked: bool = False) -> DNSKEY:
        """The public key as dnspython has it."""
        flags = self._flags | (REVOKED if revoked else 0)
        return dns.dnssec.make_dnskey(self._private.public_key(), Algorithm.ED25519, flags)

    def public(self, *, revoked: bool = False) -> Dnskey:
        """The public key as it is read from the wire."""
        wire = self.record(revoked=revoked).to_wire()
        assert wire is not None
        return read_dnskey(wire)

    @property
    def ds(self) -> Ds:
        """The digest of the key."""
        wire = dns.dnssec.make_ds(dns.name.from_text(self.zone), self.record(), "SHA256").to_wire()
        assert wire is not None
        return read_ds(wire)

    def sign(self, keys: dns.rrset.RRset, begins: float, expires: float, *, revoked: bool) -> bytes:
        """The rdata of a signature of it over `keys`."""
        made = dns.dnssec.sign(
            keys,
            self._private,
            dns.name.from_text(self.zone),
            self.record(revoked=revoked),
            inception=datetime.fromtimestamp(begins, UTC),
            expiration=datetime.fromtimestamp(expires, UTC),
        ).to_wire()
        assert made is not None
        return made


class KeySet:
    """A DNSKEY set of `zone` with the `keys`, which the `signers` sign; of both those in `revoked` with that flag."""

    def __init__(
        self,
        keys: list[SigningKey],
        signers: list[SigningKey],
        wall: float,
        *,
        revoked: tuple[SigningKey, ...] = (),
        ttl: int = DAY,
        lasts: float = 10 * DAY,
        begins: float | None = None,
    ) -> None:
        zone = dns.name.from_text(keys[0].zone)
        records = [key.record(revoked=key in revoked) for key in keys]
        rrset = dns.rrset.from_rdata_list(zone, ttl, records)
        self.rrset = RRset(
            names.from_text(keys[0].zone),
            Type.DNSKEY,
            Class.IN,
            ttl,
            tuple(key.public(revoked=key in revoked).rdata for key in keys),
        )
        start = wall - DAY if begins is None else begins
        self.signatures = [key.sign(rrset, start, wall + lasts, revoked=key in revoked) for key in signers]
