"""Decides what clients of TLS are shown, and by which terms they are spoken to: a context of the `ssl` module.

Rules:
* TLS 1.2 or later, forward secrecy and authenticated encryption (RFC 9325 section 4), no compression, no renegotiation.
  ALPN "dot" is offered and not demanded. Sessions are resumed by tickets.
* A certificate from files is in force only when it can be read, has not expired and its key fits; what is wrong is a
  `ConfigError` that names the setting and the file.
* What one worker was started with is what the next one is started with: files that are being renewed, or have expired
  since, keep nobody from being replaced.
* Without files a certificate is made for this process alone, for development: who connects can trust it by its pin, the
  SHA-256 of its public key (RFC 7858 section 4.2).

Limits: `cryptography` is loaded where TLS is listened for, and nowhere else. Whether clients will trust a certificate
from files, its names and those who signed it, is not looked at.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import re
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, GeneralName

    from resolver.config import Server

ALPN: Final = "dot"
"""The protocol as IANA has it registered (RFC 7858 section 6.1 is older than its entry)."""

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2 (RFC 9325 section 4.2); those of TLS 1.3 are all fine."""

EPHEMERAL_DAYS: Final = 366
"""How long an ephemeral certificate is valid: longer than anybody develops without a restart."""

_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*")


class Shown(NamedTuple):
    """What clients are shown: its `pin` in base64, and for which names it was made if it is `ephemeral`."""

    context: ssl.SSLContext
    pin: str
    ephemeral: frozenset[str] | None = None
    stands_for: tuple[Path | None, Path | None] | None = None
    """The files in whose place it is shown, once, whatever is in them by now."""


def shown(server: Server, now: float, before: Shown | None = None) -> Shown:
    """What the settings `server` say that clients are shown, at the wall clock's time `now`.

    An ephemeral one that was shown `before` stays, as long as its names do. Raises `ConfigError`.
    """
    if server.tls_certificate is not None and server.tls_key is not None:
        if before is not None and before.stands_for == (server.tls_certificate, server.tls_key):
            return before._replace(stands_for=None)
        return _from_files(server.tls_certificate, server.tls_key, now)
    names = frozenset(_names(server))
    return before if before is not None and before.ephemeral == names else _ephemeral(names, now)


def inherited(before: Shown | None, server: Server) -> Shown | None:
    """What another process that begins with the settings `server` is to show, and not to read again: `before`."""
    return None if before is None else before._replace(stands_for=(server.tls_certificate, server.tls_key))


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols([ALPN])
    return context


def _from_files(certificate: Path, key: Path, now: float) -> Shown:
    for setting, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            with path.open("rb"):
                pass
        except OSError as wrong:
            raise _unusable(
                setting, path, f"cannot be read: {wrong.strerror}", "give a file that we may read"
            ) from None
    ours = _first(certificate)
    until = ours.not_valid_after_utc
    if until.timestamp() <= now:
        raise _unusable("tls_certificate", certificate, f"expired at {until:%Y-%m-%d %H:%M} UTC", "renew it and reload")
    context = _context()
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _Encrypted:
        instead = "write it without one: openssl pkey -in KEY -out PLAIN"
        raise _unusable("tls_key", key, "has a passphrase", instead) from None
    except ssl.SSLError as wrong:
        if wrong.reason == "KEY_VALUES_MISMATCH":
            what = f"is not the key of {certificate}"
            raise _unusable("tls_key", key, what, "give the key that the certificate was made with") from None
        what = f"cannot be used with {certificate} ({wrong.reason or 'no key in PEM'})"
        raise _unusable("tls_key", key, what, "give a private key in PEM, of RSA or of an elliptic curve") from None
    return Shown(context, _pin(ours))


def _first(path: Path) -> Certificate:
    """The first certificate in the file at `path`."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())[0]
    except ValueError:
        what, instead = "has no certificate in PEM", "give one that begins -----BEGIN CERTIFICATE-----"
        raise _unusable("tls_certificate", path, what, instead) from None


def _unusable(setting: str, path: Path, what: str, instead: str) -> ConfigError:
    return ConfigError(f"{path} {what}", where=f"server.{setting}", instead=instead)


class _Encrypted(Exception):
    """A key has a passphrase, which nobody is there to type."""


def _no_passphrase() -> str:
    raise _Encrypted


def _pin(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def _names(server: Server) -> Iterable[str]:
    """What a client may know us by: this machine, where we listen, and our identity if it is a host name."""
    yield from ("localhost", "127.0.0.1", "::1")
    yield from (endpoint.host for endpoint in server.listen_tls)
    if _HOST.fullmatch(server.identity):
        yield server.identity


def _ephemeral(names: frozenset[str], now: float) -> Shown:
    """A certificate for `names` that nobody signed, with a key that nobody keeps."""
    import tempfile

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "resolverd, ephemeral")])
    began = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + datetime.timedelta(days=EPHEMERAL_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(each) for each in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = _context()
    with tempfile.NamedTemporaryFile() as file:  # the ssl module reads keys from files alone; this one only we may read
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return Shown(context, _pin(certificate), names)


def _general(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
