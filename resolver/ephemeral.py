"""Decides what a certificate is that is made for this process alone, for development: nobody signed it.

Whoever connects can trust it by its pin, the SHA-256 of its public key (RFC 7858 section 4.2). It is for the names by
which a client may know us, so that one which trusts it in person finds nothing else wrong with it.

Limits: its key is in memory, and for a moment in a file that only we may read.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from resolver import certificate_files
from resolver.certificate_files import Read

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

    from resolver.config import Server

DAYS: Final = 366
"""How long it is valid: longer than anybody develops without a restart."""

_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*")


def names(server: Server) -> Iterable[str]:
    """What a client may know us by: this machine, where we listen, and our identity if it is a host name."""
    yield from ("localhost", "127.0.0.1", "::1")
    yield from (endpoint.host for endpoint in (*server.listen_tls, *server.listen_https))
    if _HOST.fullmatch(server.identity):
        yield server.identity


def made(names: frozenset[str], now: float) -> Read:
    """A certificate for `names` that nobody signed, with a key that nobody keeps, at the wall clock's time `now`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "resolverd, ephemeral")])
    began = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(hours=1)
    until = began + datetime.timedelta(days=DAYS)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([_general(each) for each in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Read(certificate_files.pin(certificate), names, until.timestamp(), lambda context: _load(context, pem))


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:  # the ssl module reads keys from files alone; this one only we may read
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)


def _general(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
