"""Decides what the rdata of the DNSSEC types says: RRSIG, DNSKEY, DS, NSEC and NSEC3, and their bitmaps of types.

Rules
* Layouts are those of RFC 4034 sections 2 to 5 and RFC 5155 section 3. Names in them are not compressed, and are
  folded here: the signer for the canonical form (RFC 4034 section 6.2), the next name because it is only compared.
* A bitmap is read as octets and looked up without being unpacked. Its windows ascend, and each has 1 to 32 octets
  (RFC 4034 section 4.1.2); anything else is refused, since one reader's absent type would be the other's present one.
* A key tag is a checksum (RFC 4034 appendix B), so that two keys of one zone may have the same.

Limits: rdata is that of one record, at most 65,535 octets. Whether a value makes sense, a digest's length or a key
that is a point of its curve, is for whoever uses it to find out.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from resolver.errors import WireError
from resolver.wire.compression import read_plain

ZONE_KEY: Final = 0x0100
"""The flag of a key that may sign a zone's data (RFC 4034 section 2.1.1)."""
REVOKED: Final = 0x0080
"""The flag of a key that its holder has revoked (RFC 5011 section 2.1)."""
ENTRY_POINT: Final = 0x0001
"""The flag that tells a key-signing key to those who sign; nothing is decided by it here (RFC 4034 section 2.1.1)."""
PROTOCOL: Final = 3
"""The protocol of every key of DNSSEC (RFC 4034 section 2.1.2)."""
OPT_OUT: Final = 0x01
"""The flag of an NSEC3 record whose span may hold unsigned delegations (RFC 5155 section 3.1.2.1)."""

_RRSIG_FIXED: Final = 18
_FIXED: Final = Struct(">HBBIIIH").unpack_from
"""Takes the fields of an RRSIG before its signer."""
_RSA_MD5: Final = 1
_MOST_BITMAP: Final = 32


class Rrsig(NamedTuple):
    """A signature over the records of `covered` at one name. Times are seconds modulo 2^32; `signer` is folded.

    `head` is the rdata up to the signature with the signer folded: what is signed begins with it.
    """

    covered: int
    algorithm: int
    labels: int
    original_ttl: int
    expires: int
    begins: int
    tag: int
    signer: bytes
    signature: bytes
    head: bytes


class Dnskey(NamedTuple):
    """A public key of a zone; `key` is the field of that name, `rdata` the whole, of which digests are made."""

    flags: int
    protocol: int
    algorithm: int
    key: bytes
    tag: int
    rdata: bytes

    @property
    def signs_zones(self) -> bool:
        """Whether it may verify the data of its zone (RFC 4034 section 2.1): a zone key, of the one protocol."""
        return bool(self.flags & ZONE_KEY) and self.protocol == PROTOCOL

    @property
    def revoked(self) -> bool:
        """Whether its holder says that it is not to be trusted any more (RFC 5011 section 2.1)."""
        return bool(self.flags & REVOKED)


class Ds(NamedTuple):
    """The digest of a key of the zone below."""

    tag: int
    algorithm: int
    digest_type: int
    digest: bytes


class Nsec(NamedTuple):
    """The next name of the zone, folded, and the bitmap of the types at the owner."""

    next: bytes
    types: bytes


class Nsec3(NamedTuple):
    """A span of hashes from the owner's to `next_hash`, which is raw, and the bitmap of the types at its beginning."""

    algorithm: int
    flags: int
    iterations: int
    salt: bytes
    next_hash: bytes
    types: bytes

    @property
    def opt_out(self) -> bool:
        """Whether unsigned delegations may stand in the span without a record (RFC 5155 section 6)."""
        return bool(self.flags & OPT_OUT)


def read_rrsig(rdata: bytes) -> Rrsig:
    """The signature in `rdata` (RFC 4034 section 3.1). Raises `WireError`."""
    signer, pos = _name(rdata, _RRSIG_FIXED, "RRSIG")
    signer = signer.lower()
    covered, algorithm, labels, ttl, expires, begins, tag = _FIXED(rdata)
    head = rdata[:_RRSIG_FIXED] + signer
    return Rrsig(covered, algorithm, labels, ttl, expires, begins, tag, signer, rdata[pos:], head)


def read_signer(rdata: bytes) -> bytes:
    """The signer, folded, of the signature in `rdata`. Raises `WireError`."""
    return _name(rdata, _RRSIG_FIXED, "RRSIG")[0].lower()


def read_dnskey(rdata: bytes) -> Dnskey:
    """The key in `rdata` (RFC 4034 section 2.1). Raises `WireError`."""
    if len(rdata) < 4:
        raise WireError(f"a DNSKEY of {len(rdata)} octets")
    return Dnskey(int.from_bytes(rdata[:2], "big"), rdata[2], rdata[3], rdata[4:], key_tag(rdata), rdata)


def read_ds(rdata: bytes) -> Ds:
    """The digest in `rdata` (RFC 4034 section 5.1); one without octets is that of no key. Raises `WireError`."""
    if len(rdata) < 4:
        raise WireError(f"a DS of {len(rdata)} octets")
    return Ds(int.from_bytes(rdata[:2], "big"), rdata[2], rdata[3], rdata[4:])


def read_nsec(rdata: bytes) -> Nsec:
    """The next name and the types in `rdata` (RFC 4034 section 4.1). Raises `WireError`."""
    name, pos = _name(rdata, 0, "NSEC")
    return Nsec(name.lower(), _bitmap(rdata, pos, "NSEC"))


def read_nsec3(rdata: bytes) -> Nsec3:
    """The span of hashes and the types in `rdata` (RFC 5155 section 3.2). Raises `WireError`."""
    try:
        salt_end = 5 + rdata[4]
        pos = salt_end + 1 + rdata[salt_end]
        salt, next_hash = rdata[5:salt_end], rdata[salt_end + 1 : pos]
    except IndexError:
        raise WireError(f"an NSEC3 of {len(rdata)} octets, which ends within its salt or hash") from None
    if not next_hash or pos > len(rdata):
        raise WireError("an NSEC3 without the whole of its next hash")
    iterations = int.from_bytes(rdata[2:4], "big")
    return Nsec3(rdata[0], rdata[1], iterations, salt, next_hash, _bitmap(rdata, pos, "NSEC3"))


def has_type(bitmap: bytes, rtype: int) -> bool:
    """Whether the `bitmap` of an NSEC or NSEC3, as it was read here, has the bit of `rtype`."""
    window, bit = rtype >> 8, rtype & 0xFF
    pos = 0
    while pos < len(bitmap):
        length = bitmap[pos + 1]
        if bitmap[pos] == window:
            octet = bit >> 3
            return octet < length and bool(bitmap[pos + 2 + octet] & (0x80 >> (bit & 7)))
        pos += length + 2
    return False


def key_tag(rdata: bytes) -> int:
    """The tag of the key whose whole DNSKEY rdata this is (RFC 4034 appendix B)."""
    if rdata[3] == _RSA_MD5:
        return int.from_bytes(rdata[-3:-1], "big") if len(rdata) >= 7 else 0
    total = (sum(rdata[::2]) << 8) + sum(rdata[1::2])
    total += total >> 16 & 0xFFFF
    return total & 0xFFFF


def _name(rdata: bytes, pos: int, what: str) -> tuple[bytes, int]:
    """The uncompressed name at `pos`, and the offset behind it."""
    try:
        return read_plain(rdata, pos)
    except IndexError:
        raise WireError(f"an {what} of {len(rdata)} octets, which ends within its name") from None


def _bitmap(rdata: bytes, start: int, what: str) -> bytes:
    """What follows `start`, which is a bitmap of types."""
    pos, before = start, -1
    while pos < len(rdata):
        window, length = rdata[pos], rdata[pos + 1] if pos + 1 < len(rdata) else 0
        if window <= before or not 0 < length <= _MOST_BITMAP:
            raise WireError(f"an {what} whose bitmap of types is out of order, or has a window of {length} octets")
        before = window
        pos += length + 2
    if pos != len(rdata):
        raise WireError(f"an {what} that ends within its bitmap of types")
    return rdata[start:]
