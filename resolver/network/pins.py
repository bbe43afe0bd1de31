"""Decides whether a server has a key that is pinned (RFC 7858 section 4.2).

Rules: a pin is the SHA-256 of a public key as it stands in a certificate, with its algorithm (SubjectPublicKeyInfo, RFC
7469 section 2.4). It is that of the server's own certificate: those of who signed it are not looked at, since what
comes along with it has been proven by nobody where a pin is all there is.

Limits: a key of a kind that the library cannot read has no pin, and so is refused.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate

from resolver.network.base import Trouble
from resolver.network.strangers import read


def pin_of(certificate: Certificate) -> bytes:
    """The pin of the key of `certificate`. Raises ValueError and UnsupportedAlgorithm."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).digest()


def shown(pin: bytes) -> str:
    """`pin` as people write it, in base64."""
    return base64.b64encode(pin).decode()


def unpinned(der: bytes, pins: frozenset[bytes]) -> Trouble | None:
    """Why the server that has shown the certificate `der` is none of those with `pins`; None where it is."""
    try:
        found = read(der, pin_of)
    except ValueError:
        return Trouble.UNTRUSTED.because("its key cannot be read, so that it is none of those that are pinned")
    if found in pins:
        return None
    return Trouble.UNTRUSTED.because(f"the pin of its key is {shown(found)}, and not one of those in `pins`")
