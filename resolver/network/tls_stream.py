"""Decides how octets go to a server over TLS and come back: the client's end of one connection, on a socket.

Rules:
* TLS is spoken by the `ssl` module on memory buffers; that of asyncio and uvloop allocates 256 KiB at each read.
* What is written in one turn of the loop leaves in one record with one call, the first of it with the end of the
  handshake. Nothing leaves in plain, and nothing before the certificate was found to be right (RFC 8310 section 8.1).
* The end of the stream and a close_notify are the same here: messages have lengths, so that a stream which is cut off
  does no harm. We end with a close_notify.
* Its owner is told once that it is open, or that it has ended and why; of an end that it brings about, nothing.

Limits: one read is 16 KiB at most, so that others have their turn; a server may leave `MAX_UNSENT` octets lying. How
long anything may take is its owner's to say. An open one takes some 40 KiB, most of it OpenSSL's.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Final, Protocol

from resolver.network.base import Clock, Endpoint, Timer, Trouble
from resolver.network.framed import came, connecting
from resolver.network.poller import READ, WRITE, Poller
from resolver.network.troubles import trouble_of
from resolver.network.trust import refusal

READ_SIZE: Final = 16_384
"""Octets asked of the socket at a time: those of the longest record (RFC 8446 section 5.1)."""

MAX_UNSENT: Final = 1 << 20
"""Octets that a server may leave lying: as many as one that reads nothing, and has us say ever more, is given."""


class Above(Protocol):
    """Who speaks over a stream."""

    def opened(self, protocol: str) -> None:
        """The server is whom it should be; `protocol` is what ALPN agreed on, "" for nothing."""
        ...

    def received(self, octets: bytes) -> None:
        """`octets` have come in."""
        ...

    def ended(self, trouble: Trouble) -> None:
        """Nothing more comes in or leaves, for that reason."""
        ...


class _Nobody:
    """Who is told what comes of a stream that is closed."""

    def opened(self, protocol: str) -> None:
        """Nothing is done with it."""

    def received(self, octets: bytes) -> None:
        """Nothing is done with them."""

    def ended(self, trouble: Trouble) -> None:
        """That was known."""


_NOBODY: Final = _Nobody()


class TlsStream:
    """A connection to a server over TLS. It begins to connect when it is made."""

    __slots__ = (
        *("_above", "_clock", "_connected", "_fd", "_incoming", "_outgoing", "_pins", "_plain", "_poller", "_sock"),
        *("_timer", "_tls", "_unsent", "_writing", "code", "shaken"),
    )

    def __init__(
        self,
        poller: Poller,
        clock: Clock,
        to: Endpoint,
        above: Above,
        context: ssl.SSLContext,
        name: str,
        session: ssl.SSLSession | None = None,
        *,
        pins: frozenset[bytes] = frozenset(),
        source: str = "",
    ) -> None:
        """It begins at the address `source`, or at whichever the kernel takes. The certificate must be for `name`, a
        host name or an address, if `context` checks any, and its key one of `pins`, if there are any. `session` is
        taken up, if the server likes. Raises OSError and OverflowError when it fails at once."""
        self._poller, self._clock, self._above = poller, clock, above
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name, session=session)
        self._plain, self._unsent = bytearray(), bytearray()
        self._connected = False
        self._pins = pins
        self.shaken = False
        """Whether the handshake is done."""
        self.code = 0
        """Why its certificate was refused, as of X509_verify_cert(3); 0 where it was not."""
        self._timer: Timer | None = None
        self._writing = True
        sock = connecting(poller, self, to, source)
        self._sock: socket.SocketType | None = sock
        self._fd = sock.fileno()

    @property
    def session(self) -> ssl.SSLSession | None:
        """What the next connection may take up, if the server has given something."""
        session = self._tls.session if self.shaken else None
        return session if session is not None and (session.has_ticket or session.id) else None

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was taken up."""
        return bool(self._tls.session_reused)

    @property
    def certificate(self) -> bytes:
        """The certificate of the server in DER; b"" where it is not known."""
        return (self._tls.getpeercert(binary_form=True) if self.shaken else None) or b""

    def write(self, octets: bytes | bytearray) -> None:
        """`octets` leave with what else is written in this turn of the loop, as soon as there is a handshake."""
        self._plain += octets
        if self.shaken and self._timer is None and self._sock is not None:
            self._timer = self._clock.after(0, self._leave)

    def close(self) -> None:
        """Nothing is told any more. Calling it again does nothing."""
        sock, self._sock = self._sock, None
        self._above = _NOBODY  # each has the other, and what OpenSSL holds should not wait for a search for cycles
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if sock is None:
            return
        if self.shaken and not self._unsent:
            with contextlib.suppress(ssl.SSLError, OSError):
                self._tls.unwrap()
            with contextlib.suppress(OSError):
                sock.send(self._outgoing.read())
        self._poller.remove(self._fd)
        sock.close()

    def ready(self, events: int) -> None:
        """It is connected, may be written to, or something has come."""
        sock = self._sock
        if sock is None:
            return
        if not self._connected:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._end(trouble_of(OSError(code, "")))
                return
            self._connected = True
            self._shake()
            return
        if events & WRITE:
            self._send()
        if events & ~WRITE and self._sock is not None:
            self._read(sock)

    # -- what comes in

    def _read(self, sock: socket.SocketType) -> None:
        octets = came(sock, READ_SIZE)
        if isinstance(octets, Trouble):
            self._end(octets)
            return
        self._incoming.write(octets)
        if not self.shaken:
            self._shake()
        if self.shaken and self._sock is not None:
            self._decrypt()

    def _shake(self) -> None:
        """The handshake goes on with what has come in."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            return
        except ssl.SSLError as error:
            self._send()  # the alert that says why
            if isinstance(error, ssl.SSLCertVerificationError):
                self.code = error.verify_code
            self._end(refusal(error))
            return
        trouble = self._unpinned() if self._pins else None
        if trouble is not None:
            self._end(trouble)
            return
        self.shaken = True
        self._above.opened(self._tls.selected_alpn_protocol() or "")
        if self._sock is not None:
            self._leave()

    def _unpinned(self) -> Trouble | None:
        """Why its key is none of those that are pinned; a session that was taken up still has the certificate."""
        from resolver.network.pins import unpinned

        return unpinned(self._tls.getpeercert(binary_form=True) or b"", self._pins)

    def _decrypt(self) -> None:
        parts: list[bytes] = []
        trouble: Trouble | None = None
        try:
            while part := self._tls.read(READ_SIZE):
                parts.append(part)
            trouble = Trouble.RESET
        except ssl.SSLWantReadError:  # the next record is not complete
            pass
        except ssl.SSLError as error:
            trouble = refusal(error)
        self._send()  # what TLS itself has to say
        if parts and self._sock is not None:
            self._above.received(parts[0] if len(parts) == 1 else b"".join(parts))
        if trouble is not None:
            self._end(trouble)

    # -- what leaves

    def _leave(self) -> None:
        """What was written leaves."""
        self._timer = None
        if self._sock is None:
            return
        if self._plain:
            try:
                self._tls.write(self._plain)
            except ssl.SSLError as error:
                self._end(refusal(error))
                return
            self._plain.clear()
        self._send()

    def _send(self) -> None:
        """What is encrypted leaves as far as there is room."""
        sock, unsent = self._sock, self._unsent
        if sock is None:
            return
        if self._outgoing.pending:
            unsent += self._outgoing.read()
        if unsent:
            try:
                del unsent[: sock.send(unsent)]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:  # what has come before its end is still to be read, and reading tells
                unsent.clear()
            if len(unsent) > MAX_UNSENT:
                self._end(Trouble.RESET)
                return
        if self._writing is not bool(unsent):
            self._writing = bool(unsent)
            self._poller.change(self._fd, READ | WRITE if unsent else READ)

    def _end(self, trouble: Trouble) -> None:
        if self._sock is not None:
            above = self._above
            self.close()
            above.ended(trouble)
