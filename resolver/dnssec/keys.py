"""Decides which keys a zone of a simulated world is signed with: derived from a seed, or read from files.

Rules
* A zone has a key-signing key, which signs its DNSKEY RRset and is what the DS names, and a zone-signing key for the
  rest (RFC 6781 section 3.1), both of one algorithm.
* A derived key depends on the seed, the zone, the role and the algorithm alone, so that a world has the same keys, tags
  and trust anchor wherever and whenever it is loaded. The two keys of a zone never have the same tag.
* A key in a file is a private key in PEM (PKCS #8, unencrypted), of the algorithm that the zone is signed with.
* Signatures are made with a nonce from RFC 6979 where the cryptography of this machine can: they are reproducible, too.

Limits: who knows the seed has the keys. They are for worlds on loopback, not for secrets. RSA keys have `RSA_BITS`
bits, and finding their primes takes a second for a zone; the others take a tenth of a millisecond.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from resolver.dnssec import algorithms, primes
from resolver.dnssec.records import ENTRY_POINT, PROTOCOL, ZONE_KEY, key_tag
from resolver.errors import ZoneError

SEED: Final = "resolverd"
"""The seed of a world that names none. Everybody knows it."""
RSA_BITS: Final = 2048
"""Bits of a derived modulus: what zones commonly use (RFC 8624 section 3.1 has no larger demand)."""
MAX_FILE: Final = 65_536
"""Octets of a key file: the largest RSA key takes a tenth of that."""

SIGNING: Final = {
    algorithms.MNEMONICS[each]: each
    for each in (
        algorithms.RSASHA256,
        algorithms.ECDSAP256,
        algorithms.ECDSAP384,
        algorithms.ED25519,
        algorithms.ED448,
    )
}
"""The algorithms that zones can be signed with (RFC 8624 section 3.1, RFC 9905), by mnemonic."""

MAX_DERIVED: Final = 2048
"""Derived keys that are held for the process, two for a zone: tests sign the same zones again and again."""

_EXPONENT: Final = 65_537
_CURVES: Final[dict[int, tuple[ec.EllipticCurve, hashes.HashAlgorithm, int, int]]] = {
    algorithms.ECDSAP256: (
        ec.SECP256R1(),
        hashes.SHA256(),
        32,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    algorithms.ECDSAP384: (
        ec.SECP384R1(),
        hashes.SHA384(),
        48,
        int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    ),
}
"""Of each curve: its hash, the octets of a coordinate, and its order (SEC 2 sections 2.4.2 and 2.5.1)."""


@dataclass(frozen=True)
class ZoneKey:
    """A key of a zone, and how it signs octets. `public` is the public key field of its DNSKEY."""

    flags: int
    algorithm: int
    public: bytes
    sign: Callable[[bytes], bytes]

    @cached_property
    def rdata(self) -> bytes:
        """The DNSKEY record (RFC 4034 section 2.1)."""
        return self.flags.to_bytes(2, "big") + bytes((PROTOCOL, self.algorithm)) + self.public

    @cached_property
    def tag(self) -> int:
        """The key tag (RFC 4034 appendix B)."""
        return key_tag(self.rdata)


class ZoneKeys(NamedTuple):
    """The key-signing and the zone-signing key of a zone."""

    ksk: ZoneKey
    zsk: ZoneKey


def derived(seed: str, apex: bytes, algorithm: int) -> ZoneKeys:
    """The keys that the zone at the folded name `apex` has by `seed`."""
    ksk = _derived(seed, apex, algorithm, "ksk")
    zsk = next(key for key in _several(seed, apex, algorithm, "zsk") if key.tag != ksk.tag)
    return ZoneKeys(ksk, zsk)


def read(directory: Path, stem: str, algorithm: int) -> ZoneKeys:
    """The keys in `directory/STEM.ksk.pem` and `STEM.zsk.pem`. Raises `ZoneError`, which names the file."""
    first, second = directory / f"{stem}.ksk.pem", directory / f"{stem}.zsk.pem"
    ksk, zsk = _read(first, ZONE_KEY | ENTRY_POINT, algorithm), _read(second, ZONE_KEY, algorithm)
    if ksk.public == zsk.public:
        raise ZoneError(f"the same key as in {first.name}", where=str(second), instead="make another one")
    return ZoneKeys(ksk, zsk)


def _several(seed: str, apex: bytes, algorithm: int, role: str) -> Iterator[ZoneKey]:
    """One derived key after the other: tags have 16 bits, and so two may have the same by chance."""
    attempt = 0
    while True:
        yield _derived(seed, apex, algorithm, role, attempt)
        attempt += 1


@lru_cache(MAX_DERIVED)
def _derived(seed: str, apex: bytes, algorithm: int, role: str, attempt: int = 0) -> ZoneKey:
    flags = ZONE_KEY | ENTRY_POINT if role == "ksk" else ZONE_KEY
    parts = (b"resolverd zone key", seed.encode(), apex, role.encode(), bytes((algorithm,)), b"%d" % attempt)
    octets = hashlib.shake_256(b"".join(len(part).to_bytes(4, "big") + part for part in parts))
    return _key(flags, algorithm, _private(algorithm, octets.digest))


def _private(algorithm: int, octets: Callable[[int], bytes]) -> Any:
    """The private key that the first of `octets` make."""
    if algorithm in _CURVES:
        curve, _, size, order = _CURVES[algorithm]
        # Eight octets more than the order has make the remainder as good as uniform (FIPS 186-5 appendix A.2.1).
        return ec.derive_private_key(int.from_bytes(octets(size + 8), "big") % (order - 1) + 1, curve)
    if algorithm == algorithms.ED25519:
        return ed25519.Ed25519PrivateKey.from_private_bytes(octets(32))
    if algorithm == algorithms.ED448:
        return ed448.Ed448PrivateKey.from_private_bytes(octets(57))
    p, q = primes.pair(octets(RSA_BITS // 8), _EXPONENT)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    dmp1, dmq1, iqmp = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, dmp1, dmq1, iqmp, public).private_key()


def _read(path: Path, flags: int, algorithm: int) -> ZoneKey:
    """The key in the file, for the `algorithm` of its zone. Raises `ZoneError`."""
    mnemonic = algorithms.MNEMONICS[algorithm]
    instead = f"make one: openssl genpkey {_GENPKEY[algorithm]} -out {path}"
    try:
        with path.open("rb") as file:
            pem = file.read(MAX_FILE)
    except OSError as error:
        raise ZoneError(f"the key cannot be read: {error.strerror}", where=str(path), instead=instead) from None
    try:
        private = serialization.load_pem_private_key(pem, None)
        return _key(flags, algorithm, private)
    except TypeError:
        raise ZoneError("the key is encrypted", where=str(path), instead="keep it without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ZoneError("no private key in PEM", where=str(path), instead=instead) from None
    except _OtherAlgorithm:
        raise ZoneError(f"not a key for {mnemonic}", where=str(path), instead=instead) from None


_GENPKEY: Final = {
    algorithms.RSASHA256: f"-algorithm RSA -pkeyopt rsa_keygen_bits:{RSA_BITS}",
    algorithms.ECDSAP256: "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    algorithms.ECDSAP384: "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    algorithms.ED25519: "-algorithm ED25519",
    algorithms.ED448: "-algorithm ED448",
}


class _OtherAlgorithm(Exception):
    """A key that is good for another algorithm, or for none."""


def _key(flags: int, algorithm: int, private: Any) -> ZoneKey:
    """`private` as a key of a zone. Raises `_OtherAlgorithm`."""
    match private:
        case ec.EllipticCurvePrivateKey() if algorithm in _CURVES:
            public, sign = _ecdsa(algorithm, private)
        case ed25519.Ed25519PrivateKey() if algorithm == algorithms.ED25519:
            public, sign = private.public_key().public_bytes_raw(), private.sign
        case ed448.Ed448PrivateKey() if algorithm == algorithms.ED448:
            public, sign = private.public_key().public_bytes_raw(), private.sign
        case rsa.RSAPrivateKey() if algorithm == algorithms.RSASHA256:
            public, sign = _rsa(private)
        case _:
            raise _OtherAlgorithm
    return ZoneKey(flags, algorithm, public, sign)


def _ecdsa(algorithm: int, private: ec.EllipticCurvePrivateKey) -> tuple[bytes, Callable[[bytes], bytes]]:
    """A point without prefix, and signatures as two numbers of the size of a coordinate (RFC 6605 section 4)."""
    curve, digest, size, _ = _CURVES[algorithm]
    if private.curve.name != curve.name:
        raise _OtherAlgorithm
    point = private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    chosen = _signature_algorithm(digest)

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, chosen))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return point[1:], sign


def _signature_algorithm(digest: hashes.HashAlgorithm) -> ec.ECDSA:
    """With the nonce of RFC 6979 where it is to be had (OpenSSL 3.2), else with one drawn at random."""
    try:
        return ec.ECDSA(digest, deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(digest)


def _rsa(private: rsa.RSAPrivateKey) -> tuple[bytes, Callable[[bytes], bytes]]:
    """An exponent with its length, and a modulus (RFC 3110 section 2). Raises `_OtherAlgorithm` when it has no use."""
    numbers = private.public_key().public_numbers()
    most = algorithms.LARGEST_MODULUS
    if (
        not algorithms.LEAST_MODULUS <= numbers.n.bit_length() <= most
        or numbers.e.bit_length() > algorithms.LARGEST_EXPONENT
    ):
        raise _OtherAlgorithm
    exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    padded, digest = padding.PKCS1v15(), hashes.SHA256()
    return bytes((len(exponent),)) + exponent + modulus, lambda data: private.sign(data, padded, digest)
