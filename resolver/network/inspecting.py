"""Decides what is said of a certificate that was refused: it is fetched and read, so that somebody can set it right.

Rules:
* The library that refuses a certificate does not hand it out. So the server is asked for it once more, by a connection
  on which nothing is sent but the handshake, and which trusts nobody: what it shows goes into words and nothing else.
* It is told whom the certificate is for where it is for others, until when it was valid where it has expired, and who
  has signed it where nobody knows that one. All of it is the server's own words, so it is escaped and cut.

Limits: it takes `PATIENCE_S` at most; then what is known must do. `MAX_NAMES` names are told.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from resolver.network.base import Clock, Timer, Trouble, Upstream
from resolver.network.poller import Poller
from resolver.network.tls_stream import TlsStream
from resolver.network.trust import EXPIRED, NO_ISSUER, NOT_YET, WRONG_NAME, looking_context
from resolver.text import printable

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

PATIENCE_S: Final = 1.0
"""Seconds that whoever asked waits for the words."""

MAX_NAMES: Final = 3
"""Names of a certificate that are told."""

MAX_WORD: Final = 80
"""Characters of one name that are told."""


class Inspection:
    """A look at the certificate of an upstream that was refused."""

    def __init__(
        self,
        poller: Poller,
        clock: Clock,
        upstream: Upstream,
        name: str,
        trouble: Trouble,
        code: int,
        *,
        source: str = "",
    ) -> None:
        """`name` is whom it should be for, `trouble` and `code` why it was refused, `source` the address to look from,
        "" for any."""
        self._source = source
        self._poller, self._clock, self._upstream, self._name = poller, clock, upstream, name
        self._trouble, self._code = trouble, code
        self._done: Callable[[Trouble], None] | None = None
        self._stream: TlsStream | None = None
        self._timer: Timer | None = None

    def begin(self, done: Callable[[Trouble], None]) -> None:
        """`done` is called once, later, with the trouble in the best words that there are."""
        self._done = done
        self._timer = self._clock.after(PATIENCE_S, self._end)
        context = looking_context(self._upstream.transport)
        try:
            to = self._upstream.endpoint
            self._stream = TlsStream(self._poller, self._clock, to, self, context, self._name, source=self._source)
        except (OSError, OverflowError):
            self._timer.cancel()
            self._timer = self._clock.after(0, self._end)

    def close(self) -> None:
        """Nothing is told. Calling it again does nothing."""
        self._done = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def opened(self, protocol: str) -> None:
        """The certificate is there."""
        assert self._stream is not None
        words = described(self._stream.certificate, self._code, self._name)
        if words:
            self._trouble = Trouble.UNTRUSTED.because(words)
        self._end()

    def received(self, octets: bytes) -> None:
        """What it says is of no interest."""

    def ended(self, trouble: Trouble) -> None:
        """It shows no certificate this time."""
        self._end()

    def _end(self) -> None:
        done = self._done
        self.close()
        if done is not None:
            done(self._trouble)


def described(der: bytes, code: int, name: str) -> str:
    """What is wrong with the certificate `der`, refused by `code` as that of `name`; "" where nothing can be added."""
    from resolver.network.strangers import read

    try:
        return read(der, partial(_wrong, code, name))
    except ValueError:  # odd in some way that OpenSSL does not mind
        return ""


def _wrong(code: int, name: str, certificate: Certificate) -> str:
    if code in WRONG_NAME:
        return f"it is for {_names(certificate)}, not for {name}"
    if code == EXPIRED:
        return f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d at %H:%M} UTC"
    if code == NOT_YET:
        return f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    if code in NO_ISSUER:
        if certificate.issuer == certificate.subject:
            return f"{_shown(certificate.subject.rfc4514_string())} signed it itself, and is not trusted here"
        return f"{_shown(certificate.issuer.rfc4514_string())} signed it, of whom nobody trusted here vouches"
    return ""


def _names(certificate: Certificate) -> str:
    """Whom `certificate` is for."""
    from cryptography.x509 import DNSName, ExtensionNotFound, IPAddress, SubjectAlternativeName

    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return "no name at all"
    found = [*names.get_values_for_type(DNSName), *map(str, names.get_values_for_type(IPAddress))]
    if not found:
        return "no host"
    told = [_shown(each) for each in found[:MAX_NAMES]]
    if len(found) > MAX_NAMES:
        told.append(f"{len(found) - MAX_NAMES} more")
    return ", ".join(told)


def _shown(text: str) -> str:
    text = printable(text)
    return text if len(text) <= MAX_WORD else f"{text[: MAX_WORD - 1]}…"
