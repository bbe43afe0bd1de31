"""Decides what clients of TLS are shown, and by which terms they are spoken to: contexts of the `ssl` module.

Rules:
* TLS 1.2 or later, forward secrecy and authenticated encryption (RFC 9325 section 4), no compression, no renegotiation.
  ALPN is offered and not demanded: "dot" where DNS is spoken, "h2" and "http/1.1" where HTTP is. Sessions are resumed
  by tickets.
* Of several certificates a client is shown the one that is for the name by which it calls us (SNI, RFC 6066 section 3),
  exactly or by a wildcard for one label (RFC 9525 section 6.3), or else the first.
* What one worker was started with is what the next one is started with: files that are being renewed, or have expired
  since, keep nobody from being replaced.
* Without files a certificate is made for this process alone (`ephemeral.py`).

How a certificate is read is in `certificate_files.py`, when it is read again in `renewal.py`.

Limits: `cryptography` is loaded where TLS is listened for, and nowhere else. Whether clients will trust a certificate
from files, its names and those who signed it, is not looked at.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver import certificate_files, ephemeral
from resolver.certificate_files import Read, Stamp
from resolver.errors import ConfigError
from resolver.message import Transport
from resolver.server.handshakes import Spoken

if TYPE_CHECKING:
    from resolver.config import Server

ALPN: Final[Mapping[Transport, Sequence[str]]] = {Transport.TLS: ("dot",), Transport.HTTPS: ("h2", "http/1.1")}
"""The protocols as IANA has them registered (RFC 7858 section 6.1 is older than its entry), the best one first."""

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2 (RFC 9325 section 4.2); those of TLS 1.3 are all fine."""

READINGS: Final = 3
"""How often files are read that change while they are."""

LONGEST_NAME: Final = 253
"""Characters of the longest host name; a client that calls us by a longer one has told none."""

Files = tuple[tuple[Path, ...], tuple[Path, ...]]
"""Certificates, and the key of each."""


class Shown(NamedTuple):
    """What clients are shown: the `pin` of the first certificate in base64, and for which names it was made if it is
    `ephemeral`."""

    contexts: Mapping[Transport, ssl.SSLContext]
    pin: str
    ephemeral: frozenset[str] | None = None
    stands_for: Files | None = None
    """The files in whose place it is shown, once, whatever is in them by now."""
    until: float = 0.0
    """The wall clock's time at which the first of the certificates expires."""
    stamps: tuple[Stamp, ...] = ()
    """Of the files, when they were read."""


def shown(server: Server, now: float, before: Shown | None = None) -> Shown:
    """What the settings `server` say that clients are shown, at the wall clock's time `now`.

    An ephemeral one that was shown `before` stays, as long as its names do. Raises `ConfigError`.
    """
    if server.tls_certificate and server.tls_key:
        if before is not None and before.stands_for == files(server):
            return before._replace(stands_for=None)
        return from_files(server, now)
    names = frozenset(ephemeral.names(server))
    if before is not None and before.ephemeral == names:
        return before
    return _of([ephemeral.made(names, now)], ephemeral=names)


def from_files(server: Server, now: float) -> Shown:
    """What is in the files that the settings `server` name. Raises `ConfigError`.

    Each file is read several times, and what is shown must be one thing: what changes meanwhile is read again.
    """
    paths = (*server.tls_certificate, *server.tls_key)
    stamps = certificate_files.stamps(paths)
    for _ in range(READINGS):
        made = _tried(server, now)
        before, stamps = stamps, certificate_files.stamps(paths)
        if stamps != before:
            continue
        if isinstance(made, ConfigError):
            raise made
        return made._replace(stamps=stamps)
    raise ConfigError(
        f"{paths[0]} or its like changes whenever it is read",
        where="server.tls_certificate",
        instead="write files beside it, and rename them",
    )


def _tried(server: Server, now: float) -> Shown | ConfigError:
    """What is in the files, or what is wrong with it."""
    try:
        pairs = zip(server.tls_certificate, server.tls_key, strict=True)
        read = [certificate_files.read(certificate, key, now) for certificate, key in pairs]
        certificate_files.check_names(read)
        return _of(read)
    except ConfigError as wrong:
        return wrong


def files(server: Server) -> Files:
    """The files that the settings `server` name."""
    return server.tls_certificate, server.tls_key


def inherited(before: Shown | None, server: Server) -> Shown | None:
    """What another process that begins with the settings `server` is to show, and not to read again: `before`."""
    return None if before is None else before._replace(stands_for=files(server))


def _of(read: Sequence[Read], ephemeral: frozenset[str] | None = None) -> Shown:
    """What shows the certificates that were `read`, the first of them to whoever calls us by no name of another."""
    contexts = {transport: _choosing(read, protocols) for transport, protocols in ALPN.items()}
    return Shown(contexts, read[0].pin, ephemeral, until=min(each.until for each in read))


def _choosing(read: Sequence[Read], protocols: Iterable[str]) -> ssl.SSLContext:
    """The context that connections begin with, for these `protocols`."""
    made = [_context(each, protocols) for each in read]
    by_name: dict[str, ssl.SSLContext] = {}
    for each, context in zip(read, made, strict=True):
        for name in each.names:
            by_name.setdefault(name, context)
    for context in made:
        context.sni_callback = _heard(by_name, made[0])
    return made[0]


def _heard(by_name: Mapping[str, ssl.SSLContext], first: ssl.SSLContext) -> Callable[..., None]:
    """What the `ssl` module tells the name that a client calls us by."""

    def hear(tls: Spoken, name: str | None, _: ssl.SSLContext) -> None:
        called = (name or "").lower().removesuffix(".")
        if not called or len(called) > LONGEST_NAME:
            return
        tls.server_name = called
        chosen = by_name.get(called) or by_name.get(f"*.{called.partition('.')[2]}")
        if chosen is not None and chosen is not first:
            tls.context = chosen

    return hear


def _context(read: Read, protocols: Iterable[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(list(protocols))
    context.sslobject_class = Spoken
    read.load(context)
    return context
