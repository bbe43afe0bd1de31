"""Decides by which terms servers are spoken to over TLS, who is trusted, and what is said of one that is not.

Rules:
* TLS 1.2 or later, forward secrecy and authenticated encryption (RFC 9325 section 4), no compression, no renegotiation.
* The certificate must lead to one that is trusted, be valid now, and be for the name that is configured, or for the
  address where there is none (RFC 8310 section 8.1). Names are those of the extension for them, never the subject's.
* Where an upstream has pins and no name, its key is looked at instead (`pins`), and nothing else of its certificate:
  RFC 7858 section 4.2. Where it has both, all of it must hold.
* What is wrong is told in words of one clause: whom it is about stands before them.

Limits: revocation is not looked at. What is trusted is read when a context is made, and not again.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from resolver.message import Transport
from resolver.network.base import Trouble
from resolver.text import printable

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2 (RFC 9325 section 4.2); those of TLS 1.3 are all fine."""

DOT: Final = "dot"
"""The name of DNS over TLS in ALPN, which is offered, and not asked for: few servers know it."""

HTTP2: Final = "h2"
"""The name of HTTP/2 over TLS (RFC 9113 section 3.1)."""

EXPIRED: Final = 10
NOT_YET: Final = 9
WRONG_NAME: Final = (62, 64)
NO_ISSUER: Final = (2, 18, 19, 20, 21, 27)
"""Codes of X509_verify_cert(3): for another name, or another address; signed by itself or by somebody unknown."""

_CERTIFICATE: Final = {
    EXPIRED: "it has expired",
    NOT_YET: "it is not valid yet",
    **dict.fromkeys(WRONG_NAME, "it is for another name"),
    **dict.fromkeys(NO_ISSUER, "nobody who is trusted has signed it"),
    23: "it is revoked",
    26: "it is not one of a server",
    66: "its key is too weak",
    68: "its signature is too weak",
}

_HANDSHAKE: Final = {
    "WRONG_VERSION_NUMBER": "what listens there speaks no TLS",
    "HTTP_REQUEST": "what listens there speaks no TLS",
    "UNSUPPORTED_PROTOCOL": "it has no TLS of version 1.2 or later",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it has no version of TLS that is spoken here",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it has no cipher that is spoken here",
    "NO_SHARED_CIPHER": "it has no cipher that is spoken here",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": "it has another protocol on that port",
    "TLSV1_UNRECOGNIZED_NAME": "it does not know that name",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of ours",
}


def context_for(authorities: str | None, transport: Transport, *, checked: bool = True) -> ssl.SSLContext:
    """How servers over `transport`, TLS or HTTPS, are spoken to: they are trusted by the certificates that are in
    `authorities`, as PEM, or by those of the system; or, where theirs is not `checked`, by what else is known of them.
    Raises `ssl.SSLError` and ValueError for what is no PEM."""
    return client_context(authorities, _protocol(transport), checked=checked)


def client_context(authorities: str | None, protocol: str, *, checked: bool = True) -> ssl.SSLContext:
    """The same for servers of any `protocol`, under its name in ALPN."""
    context = _spoken(protocol)
    if not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.hostname_checks_common_name = False
    if authorities is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(cadata=authorities)
    return context


def looking_context(transport: Transport) -> ssl.SSLContext:
    """How one is spoken to whose certificate is to be looked at, and nothing else: any is taken."""
    return context_for(None, transport, checked=False)


def state_of_system() -> tuple[object, ...]:
    """What changes when the certificates that the system trusts do."""
    paths = ssl.get_default_verify_paths()
    found: list[object] = []
    for path in (paths.openssl_cafile, paths.openssl_capath):
        try:
            found.append((path, Path(path).stat().st_mtime_ns))
        except OSError:
            found.append(path)
    return tuple(found)


def refusal(error: ssl.SSLError) -> Trouble:
    """What `error`, of a handshake or of what came after it, means to who wanted to send."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = _CERTIFICATE.get(error.verify_code) or printable(error.verify_message)
        return Trouble.UNTRUSTED.because(words)
    reason = error.reason or "it has ended"
    return Trouble.NO_TLS.because(_HANDSHAKE.get(reason) or printable(reason.replace("_", " ").lower()))


def _protocol(transport: Transport) -> str:
    return DOT if transport is Transport.TLS else HTTP2


def _spoken(protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols([protocol])
    return context
