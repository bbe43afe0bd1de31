"""Keys and signatures made by dnspython, the oracle: what a zone's owner would have done."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from resolver.dnssec.canonical import signed_data, signed_labels
from resolver.dnssec.records import Dnskey, read_dnskey, read_rrsig
from resolver.message import Class, RRset, Type
from resolver.wire import names

NOW = 1_767_225_600
"""Seconds since 1970 of what is signed here: the beginning of `clocks.ManualClock`."""
DAY = 86_400
KSK = 257
ZSK = 256


class Key(NamedTuple):
    """A private key, and the DNSKEY that goes with it."""

    private: Any
    dnskey: Dnskey

    @property
    def rdata(self) -> bytes:
        """The DNSKEY record."""
        return self.dnskey.rdata

    def with_flags(self, flags: int) -> Key:
        """The same key with other flags, and so another tag."""
        return self._replace(dnskey=read_dnskey(flags.to_bytes(2, "big") + self.rdata[2:]))

    def ds(self, zone: str, digest: str = "SHA256") -> bytes:
        """The DS record of the key at `zone`."""
        theirs = dns.rdata.from_wire("IN", "DNSKEY", self.rdata, 0, len(self.rdata))
        made = dns.dnssec.make_ds(zone, theirs, digest, policy=dns.dnssec.allow_all_policy)  # type: ignore[arg-type]
        return made.to_wire() or b""

    def rrsig(
        self,
        rrset: RRset,
        signer: str,
        *,
        begins: int = NOW - DAY,
        expires: int = NOW + DAY,
        original_ttl: int | None = None,
    ) -> bytes:
        """The signature of `rrset` by `signer`, as dnspython makes it."""
        ttl = rrset.ttl if original_ttl is None else original_ttl
        theirs = to_dnspython(rrset._replace(ttl=ttl))
        key = dns.rdata.from_wire("IN", "DNSKEY", self.rdata, 0, len(self.rdata))
        made = dns.dnssec.sign(
            theirs,
            self.private,
            dns.name.from_text(signer),
            key,  # type: ignore[arg-type]
            inception=begins,
            expiration=expires,
            policy=dns.dnssec.allow_all_policy,
        )
        return made.to_wire(origin=dns.name.root) or b""

    def forged(self, rrset: RRset, rdata: bytes, owner: bytes | None = None) -> bytes:
        """The RRSIG `rdata`, whatever it says, with a signature that holds for what it says."""
        rrsig = read_rrsig(rdata)
        signed = signed_data(rrset, rrsig, names.fold(rrset.name) if owner is None else owner)
        theirs = dns.dnssec.get_algorithm_cls_from_dnskey(
            dns.rdata.from_wire("IN", "DNSKEY", self.rdata, 0, len(self.rdata))  # type: ignore[arg-type]
        )
        return rrsig.head + theirs(key=self.private).sign(signed)  # type: ignore[call-arg]


@lru_cache
def key(algorithm: int = 13, flags: int = ZSK, seed: str = "") -> Key:
    """A key of `algorithm`; those that take no time to make are always the same for one seed."""
    octets = hashlib.shake_256(f"{algorithm} {seed}".encode()).digest(57)
    private: Any
    if algorithm in (13, 14):
        curve = ec.SECP256R1() if algorithm == 13 else ec.SECP384R1()
        private = ec.derive_private_key(int.from_bytes(octets[:31], "big"), curve)
    elif algorithm == 15:
        private = ed25519.Ed25519PrivateKey.from_private_bytes(octets[:32])
    elif algorithm == 16:
        private = ed448.Ed448PrivateKey.from_private_bytes(octets)
    else:
        private = rsa.generate_private_key(65537, 1024)
    made = dns.dnssec.make_dnskey(private.public_key(), algorithm, flags)
    return Key(private, read_dnskey(made.to_wire() or b""))


def colliding(wanted: int, algorithm: int = 13) -> Key:
    """A DNSKEY with the tag `wanted` that has signed nothing: its octets are no point of the curve, or any other."""
    octets = bytearray(key(algorithm, seed="colliding").rdata)
    for number in range(0x10000):
        octets[-4:-2] = number.to_bytes(2, "big")
        made = read_dnskey(bytes(octets))
        if made.tag == wanted:
            return Key(None, made)
    raise ValueError(f"no key with the tag {wanted}")


def dnskeys(zone: str, *keys: Key, ttl: int = 3600) -> RRset:
    """The DNSKEY RRset of `zone`."""
    return RRset(names.from_text(zone), Type.DNSKEY, Class.IN, ttl, tuple(each.rdata for each in keys))


def to_dnspython(rrset: RRset) -> dns.rrset.RRset:
    """`rrset` as dnspython has it."""
    made = [dns.rdata.from_wire(rrset.cls, rrset.type, each, 0, len(each)) for each in rrset.rdatas]
    return dns.rrset.from_rdata_list(dns.name.from_wire(rrset.name, 0)[0], rrset.ttl, made)


def labels_of(rrset: RRset) -> int:
    """The labels that its RRSIG counts."""
    return signed_labels(rrset.name)
