"""Decides whether a certificate and its key, in files, can be shown, and what is said of those that cannot.

Rules: one can be shown when it can be read, has not expired and its key fits; what is wrong is a `ConfigError` that
names the setting and the file. Of several, each must be for a name that none before it is for, or nobody would be shown
it.

Limits: what a certificate is for is what it says as subjectAltName, as host names and addresses (RFC 9525 section 2);
its subject's common name is not looked at, as clients do not look at it either. A file has `MAX_OCTETS` at most.
"""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_OCTETS: Final = 1 << 20
"""Octets of the largest file: a hundred times those of a long chain."""

Stamp = tuple[int, int, int] | None
"""What tells that a file is another one: the time of its last change, its size and its inode; None for no file."""


class Read(NamedTuple):
    """A certificate that can be shown: its pin, the names that it is for in lower case, the wall clock's time at which
    it expires, and what puts it into a context."""

    pin: str
    names: frozenset[str]
    until: float
    load: Callable[[ssl.SSLContext], None]
    path: Path | None = None


def stamps(paths: Iterable[Path]) -> tuple[Stamp, ...]:
    """What tells whether one of `paths` is another file than before."""
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> Stamp:
    try:
        said = path.stat()
    except OSError:
        return None
    return said.st_mtime_ns, said.st_size, said.st_ino


def read(certificate: Path, key: Path, now: float) -> Read:
    """The certificate and the key in these files, at the wall clock's time `now`. Raises `ConfigError`."""
    for setting, path in (("tls_certificate", certificate), ("tls_key", key)):
        _check_readable(setting, path)
    ours = _first(certificate)
    until = ours.not_valid_after_utc
    if until.timestamp() <= now:
        raise _unusable("tls_certificate", certificate, f"expired at {until:%Y-%m-%d %H:%M} UTC", "renew it and reload")
    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    return Read(
        pin(ours), _names(ours), until.timestamp(), lambda context: _load(context, certificate, key), certificate
    )


def _check_readable(setting: str, path: Path) -> None:
    """There is a file at `path` that can be read, and to its end. Raises `ConfigError`."""
    try:
        said = path.stat()
        if not stat.S_ISREG(said.st_mode):  # of a pipe we would wait for who writes it
            raise _unusable(setting, path, "is no regular file", "give a file in PEM")
        if said.st_size > MAX_OCTETS:
            raise _unusable(setting, path, f"is larger than {MAX_OCTETS} octets", "give a file in PEM")
        with path.open("rb"):
            pass
    except OSError as wrong:
        raise _unusable(setting, path, f"cannot be read: {wrong.strerror}", "give a file that we may read") from None


def check_names(several: Sequence[Read]) -> None:
    """Each of `several` would be shown to somebody. Raises `ConfigError`."""
    known: set[str] = set()
    for number, each in enumerate(several):
        if number and not each.names - known:
            assert each.path is not None
            what = "is for no name that one before it is not for" if each.names else "is for no name (subjectAltName)"
            raise _unusable("tls_certificate", each.path, f"{what}, so nobody would be shown it", "remove it")
        known |= each.names


def pin(certificate: Certificate) -> str:
    """The SHA-256 of the public key, in base64 (RFC 7858 section 4.2)."""
    from resolver.network import pins

    return pins.shown(pins.pin_of(certificate))


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _Encrypted:
        instead = "write it without one: openssl pkey -in KEY -out PLAIN"
        raise _unusable("tls_key", key, "has a passphrase", instead) from None
    except ssl.SSLError as wrong:
        if wrong.reason == "KEY_VALUES_MISMATCH":
            what = f"is not the key of {certificate}"
            raise _unusable("tls_key", key, what, "give the key that the certificate was made with") from None
        if wrong.reason == "EE_KEY_TOO_SMALL":
            raise _unusable("tls_certificate", certificate, "has a key that is too small", _LARGER) from None
        what = f"cannot be used with {certificate} ({wrong.reason or 'no key in PEM'})"
        raise _unusable("tls_key", key, what, "give a private key in PEM, of RSA or of an elliptic curve") from None
    except OSError as wrong:
        raise _unusable(
            "tls_key", key, f"cannot be read: {wrong.strerror}", "give a file that stays where it is"
        ) from None


def _first(path: Path) -> Certificate:
    """The first certificate in the file at `path`."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())[0]
    except (ValueError, OSError):
        what, instead = "has no certificate in PEM", "give one that begins -----BEGIN CERTIFICATE-----"
        raise _unusable("tls_certificate", path, what, instead) from None


def _names(certificate: Certificate) -> frozenset[str]:
    """Whom `certificate` is for, in lower case."""
    from cryptography import x509

    try:
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return frozenset()
    hosts = (name.lower() for name in said.get_values_for_type(x509.DNSName))
    return frozenset({*hosts, *map(str, said.get_values_for_type(x509.IPAddress))})


def _unusable(setting: str, path: Path, what: str, instead: str) -> ConfigError:
    return ConfigError(f"{path} {what}", where=f"server.{setting}", instead=instead)


_LARGER: Final = "make one of the curve P-256, or of RSA with 2048 bits"


class _Encrypted(Exception):
    """A key has a passphrase, which nobody is there to type."""


def _no_passphrase() -> str:
    raise _Encrypted
