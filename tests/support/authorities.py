"""An authority of our own that signs certificates, good ones and wrong ones, for servers on loopback."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """Its certificate is the file `ca`; those that it signs, with their keys, are files in the same directory."""

    def __init__(self, directory: Path, name: str = "Test Authority") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._count = 0
        made = (
            _builder(self._name, self._name, self._key, -1, 3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = made.public_bytes(serialization.Encoding.PEM).decode()
        self.ca = directory / f"{name.replace(' ', '-')}.pem"
        self.ca.write_text(self.pem)

    def sign(self, *names: str, began: int = -1, days: int = 365, common: str = "server") -> tuple[Path, Path]:
        """A certificate for `names`, host names and addresses, valid from `began` days from now; and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])
        builder = _builder(subject, self._name, key, began, days)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, names))), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        self._count += 1
        paths = self._directory / f"{self._count}.crt", self._directory / f"{self._count}.key"
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def server(
        self, *names: str, protocols: tuple[str, ...] = (), began: int = -1, days: int = 365, common: str = "server"
    ) -> ssl.SSLContext:
        """What a server shows that has such a certificate, and speaks `protocols`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.sign(*names, began=began, days=days, common=common))
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


def pin(context: ssl.SSLContext) -> bytes:
    """The pin of the key of a server that shows what `context` has."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    looks = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    looks.check_hostname, looks.verify_mode = False, ssl.CERT_NONE
    client = looks.wrap_bio(incoming, outgoing)
    server = context.wrap_bio(outgoing, incoming, server_side=True)
    for each in (client, server, client):
        with contextlib.suppress(ssl.SSLWantReadError):
            each.do_handshake()
    certificate = x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"")
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(key).digest()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, began: int, days: int
) -> x509.CertificateBuilder:
    start = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=began)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
