"""Decides which algorithms are known, whether one signature holds, and what the digest of a key is.

Rules
* Signing algorithms: RSA with SHA-1, SHA-256 and SHA-512 (RFC 3110, RFC 5155 section 2, RFC 5702), ECDSA (RFC 6605),
  Ed25519 and Ed448 (RFC 8080). SHA-1 signs nothing new, but validators go on to support it (RFC 8624 section 3.1);
  where the cryptography of this machine refuses it, what is signed with it counts as unsigned.
* Digests of DS: SHA-1, SHA-256 and SHA-384 (RFC 4034 appendix A.2, RFC 4509, RFC 6605 section 2).
* A key or a signature that is malformed is not good, and nothing else: no octets from the network raise here.

Limits: an RSA modulus has 512 to 4,096 bits, and its exponent 35 at most, so that no key costs much more to use than
those in use. Keys are held when they have been read, since finding the point of a curve costs as much as a few checks.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from resolver.engine.actions import Check

RSASHA1: Final = 5
RSASHA1_NSEC3: Final = 7
RSASHA256: Final = 8
RSASHA512: Final = 10
ECDSAP256: Final = 13
ECDSAP384: Final = 14
ED25519: Final = 15
ED448: Final = 16

MNEMONICS: Final = {
    RSASHA1: "RSASHA1",
    RSASHA1_NSEC3: "RSASHA1-NSEC3-SHA1",
    RSASHA256: "RSASHA256",
    RSASHA512: "RSASHA512",
    ECDSAP256: "ECDSAP256SHA256",
    ECDSAP384: "ECDSAP384SHA384",
    ED25519: "ED25519",
    ED448: "ED448",
}
"""How the algorithms that are known are written (the IANA registry)."""

SHA1, SHA256, SHA384 = 1, 2, 4
"""Digest types of DS records."""

LEAST_MODULUS: Final = 512
LARGEST_MODULUS: Final = 4096
"""Bits of an RSA modulus (RFC 5702 section 2)."""
LARGEST_EXPONENT: Final = 35
"""Bits of an RSA exponent, on which the price of a check depends. All in use have 17 or 33, or 2. Peers: BIND 35."""
KEYS_HELD: Final = 512
"""Public keys that are held after they have been read, about 1 KB each."""
LONGEST_KEY: Final = 3 + (LARGEST_EXPONENT + LARGEST_MODULUS) // 8 + 16
"""Octets of the longest key that can be one of ours, with some zeros in front of its numbers."""

_PRICES: Final = {ECDSAP384: 2, ED448: 2}
"""What a check costs, in checks by ECDSA P-256, which take 93 microseconds (RSA of 2,048 bits 28, of 4,096 106). By
these it takes 442 and 315; at that price a name deep in a zone like arpa. could not be proven."""
_LARGE: Final = 300
"""Octets of an RSA key above which an exponent of more than three of them makes the check take twice as long."""

_Holds = Callable[[bytes, bytes], None]
"""Takes a signature and what is signed. Raises `InvalidSignature` or ValueError when it does not hold."""

_RSA: Final[dict[int, hashes.HashAlgorithm]] = {
    RSASHA1: hashes.SHA1(),  # noqa: S303  # what is signed with it must still be validated
    RSASHA1_NSEC3: hashes.SHA1(),  # noqa: S303
    RSASHA256: hashes.SHA256(),
    RSASHA512: hashes.SHA512(),
}
_EC: Final[dict[int, tuple[ec.EllipticCurve, ec.ECDSA, int]]] = {
    ECDSAP256: (ec.SECP256R1(), ec.ECDSA(hashes.SHA256()), 32),
    ECDSAP384: (ec.SECP384R1(), ec.ECDSA(hashes.SHA384()), 48),
}
_BY_DIGEST: Final[dict[int, Callable[[bytes], bytes]]] = {
    SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    SHA256: lambda data: hashlib.sha256(data).digest(),
    SHA384: lambda data: hashlib.sha384(data).digest(),
}
_BAD: Final = (InvalidSignature, UnsupportedAlgorithm, ValueError)

_GOOD_SHA1: Final = Check(
    RSASHA1,
    b64decode(
        "AwEAAcJdPXxCJXqj7+3BIMKS8GIMG09BaT+WgRqYxoyD7M3EdfV9XqsYjxVNpLfrVHPLJ9Pyg1fNlOVNR+UxYU8kS+Z3FfnO+4v1Syl2sMFABZiv"
        "t3nAVkjbp+ghrQ+mvMwqRjP9/4b2wRV8VXgvOGImmWtEKPQgCx4LkAbD2mXZ08hx"
    ),
    b64decode(
        "OmPP6L/PPz9bgUJsnUEqNZOgsQFkbqP3sE5w3BvgE3dKaZ03hmz9S72OBm7DBHhkjuYVvEOf0It7jlqFl3djo5L95i2/xPBDL7OYFLZtF4RqE/ARS2VZ"
        "iQvpMgqe/843gKFeC2zmL/3RIErFhtprV2fDse8THhae2RxPwbpAJEo="
    ),
    b"example.",
)
"""A good signature with SHA-1, by a key that was used for nothing else."""


def verify(check: Check) -> bool:
    """Whether the signature holds. Never raises for what is in `check`; may be called from any thread."""
    if len(check.key) > LONGEST_KEY:
        return False
    holds = _reader(check.algorithm, check.key)
    if holds is None:
        return False
    try:
        holds(check.signature, check.data)
    except _BAD:
        return False
    return True


def price(algorithm: int, key: bytes) -> int:
    """What a check by `key` takes at most, in checks by ECDSA P-256."""
    if algorithm in _RSA:
        return 2 if len(key) > _LARGE and key[0] > 3 else 1
    return _PRICES.get(algorithm, 1)


def digest(digest_type: int, owner: bytes, dnskey: bytes) -> bytes | None:
    """The digest that a DS has of the key with the rdata `dnskey` at `owner` (RFC 4034 section 5.1.4).

    None for a type that is not known.
    """
    made = _BY_DIGEST.get(digest_type)
    return None if made is None else made(owner.lower() + dnskey)


@lru_cache(maxsize=KEYS_HELD)
def _reader(algorithm: int, key: bytes) -> _Holds | None:
    """What checks signatures by `key`; None when it is no key of `algorithm`."""
    try:
        if algorithm in _RSA:
            return _rsa(algorithm, key)
        if algorithm in _EC:
            return _ecdsa(algorithm, key)
        if algorithm == ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(key).verify
        if algorithm == ED448:
            return ed448.Ed448PublicKey.from_public_bytes(key).verify
    except _BAD:
        return None
    return None


def _rsa(algorithm: int, key: bytes) -> _Holds:
    """The check by an RSA key (RFC 3110 section 2). Raises ValueError."""
    if not key:
        raise ValueError("an RSA key of no octets")
    length, start = (key[0], 1) if key[0] else (int.from_bytes(key[1:3], "big"), 3)
    exponent = int.from_bytes(key[start : start + length], "big")
    modulus = int.from_bytes(key[start + length :], "big")
    if exponent.bit_length() > LARGEST_EXPONENT or not LEAST_MODULUS <= modulus.bit_length() <= LARGEST_MODULUS:
        raise ValueError("an RSA key of a size that is not used")
    public, chosen, padded = rsa.RSAPublicNumbers(exponent, modulus).public_key(), _RSA[algorithm], padding.PKCS1v15()
    return lambda signature, data: public.verify(signature, data, padded, chosen)


def _ecdsa(algorithm: int, key: bytes) -> _Holds:
    """The check by an ECDSA key, a point without a prefix (RFC 6605 section 4). Raises ValueError."""
    curve, chosen, size = _EC[algorithm]
    if len(key) != 2 * size:
        raise ValueError("a point of another length than its curve's")
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + key)

    def holds(signature: bytes, data: bytes) -> None:
        if len(signature) != 2 * size:
            raise ValueError("a signature of another length than its curve's")
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        public.verify(encode_dss_signature(r, s), data, chosen)

    return holds


def _known() -> frozenset[int]:
    """The algorithms that can be checked here: those with SHA-1 only where a signature known to be good is found so."""
    known = set(MNEMONICS)
    if not verify(_GOOD_SHA1):
        known -= {RSASHA1, RSASHA1_NSEC3}
    return frozenset(known)


SUPPORTED: Final = _known()
"""The signing algorithms that are known. A zone signed with others alone counts as unsigned (RFC 4035 section 5.2)."""
DIGESTS: Final = frozenset(_BY_DIGEST)
"""The digest types of DS records that are known."""
