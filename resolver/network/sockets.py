"""Decides how messages travel in the real world: one fresh socket per message, and what an errno means.

Rules:
* UDP: each query has a socket of its own, connected, so that the kernel drops what comes from elsewhere,
  and bound to a port drawn from the whole unprivileged range (RFC 5452 sections 4.5 and 9.2, RFC 6056
  section 3.3.1). What arrives is delivered until the sending is closed: a late answer may still be wanted,
  a forged one must be passed over.
* TCP: one query per connection, framed by two octets of length (RFC 1035 section 4.2.2, RFC 7766 section
  8), written together with it; the connection is closed when the reply is in. A frame of no octets is no reply, and
  nothing else will come: `Trouble.RESET`.
* Trouble is delivered from the loop, once, and frees the socket.

Limits: at most `MAX_OPEN` sockets at a time, fewer where the process may not open so many files; beyond
that `Trouble.LOCAL`. Only readers and writers are asked of the loop, so asyncio and uvloop serve alike;
Windows does not (its default loop has no readers). Timeouts are the caller's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from resolver.message import Transport
from resolver.network.base import Clock, Deliver, Endpoint, Entropy, Sending, Trouble
from resolver.network.listening import bind_tcp, bind_udp
from resolver.network.undelivered import Undelivered

__all__ = ["MAX_OPEN", "SocketNetwork", "bind_tcp", "bind_udp", "trouble_of"]

MAX_OPEN: Final = 4096
"""Sockets open to other servers at a time (Unbound's outgoing-range has the same default)."""

RESERVED_FILES: Final = 384
"""Of the files the process may open, those kept for listeners, 256 TCP clients, the log and zone files."""

UDP_BUFFER: Final = 4096
"""Octets read of one datagram: three times what we offer to take (`EDNS_PAYLOAD`)."""

UDP_BATCH: Final = 16
"""Datagrams read per wake-up of one socket, so that a flood of forged ones cannot hold the loop."""

TCP_BUFFER: Final = 16 * 1024
"""Octets asked of a stream at a time; a message has at most 65,535."""

PORT_TRIES: Final = 8
"""Random ports tried before the kernel is asked for one."""

FIRST_PORT: Final = 1024
"""The lowest port that needs no privilege (RFC 6056 section 3.2)."""

_TROUBLES: Final = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.ECONNRESET: Trouble.RESET,
    errno.ECONNABORTED: Trouble.RESET,
    errno.EPIPE: Trouble.RESET,
    errno.ETIMEDOUT: Trouble.TIMEOUT,
    errno.ENETUNREACH: Trouble.UNREACHABLE,
    errno.EHOSTUNREACH: Trouble.UNREACHABLE,
    errno.ENETDOWN: Trouble.UNREACHABLE,
    errno.EHOSTDOWN: Trouble.UNREACHABLE,
}

_NO_ROUTES: Final = frozenset(
    (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENOPROTOOPT)
)
"""Causes on this side for which nothing leaves: no route, no address or no protocol of that family."""


def local_trouble_of(error: OSError) -> Trouble:
    """What `error`, met before anything has left, means to the sender of a message."""
    return Trouble.NO_ROUTE if error.errno in _NO_ROUTES else trouble_of(error)


def trouble_of(error: OSError) -> Trouble:
    """What `error` means to the sender of a message; `LOCAL` when the cause is on this side."""
    return _TROUBLES.get(error.errno or 0, Trouble.LOCAL)


class SocketNetwork:
    """The `Network` of production."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        entropy: Entropy,
        *,
        max_open: int = MAX_OPEN,
    ) -> None:
        self._loop, self._clock, self._entropy = loop, clock, entropy
        self.max_open = min(max_open, _files_allowed())
        self._sendings: set[_Exchange] = set()

    @property
    def open(self) -> int:
        """Sockets open now."""
        return len(self._sendings)

    def send(self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver) -> Sending:
        """`wire` is on its way to `to`; see `base.Network`."""
        if len(self._sendings) >= self.max_open:
            return Undelivered(self._clock, deliver, Trouble.LOCAL)
        try:
            family = _family(to.host)
            if transport is Transport.UDP:
                sock = self._udp_socket(family)
                kind: type[_Exchange] = _Udp
            else:
                sock = _stream_socket(family)
                kind = _Tcp
        except OSError as error:
            return Undelivered(self._clock, deliver, local_trouble_of(error))
        exchange = kind(self._loop, sock, deliver, self._sendings.discard)
        self._sendings.add(exchange)
        try:
            exchange.start((to.host, to.port), wire)
        except (OSError, OverflowError) as error:  # OverflowError: no such port
            exchange.close()
            trouble = local_trouble_of(error) if isinstance(error, OSError) else Trouble.LOCAL
            return Undelivered(self._clock, deliver, trouble)
        return exchange

    def close(self) -> None:
        """Every socket is closed; nothing more is delivered."""
        for exchange in tuple(self._sendings):
            exchange.close()

    def _udp_socket(self, family: socket.AddressFamily) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            wildcard = "::" if family is socket.AF_INET6 else "0.0.0.0"  # noqa: S104 - a source, not a service
            for _ in range(PORT_TRIES):
                port = self._entropy.bits(16)
                if port < FIRST_PORT:
                    continue
                try:
                    sock.bind((wildcard, port))
                except OSError as error:
                    if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                        raise
                else:
                    return sock
            sock.bind((wildcard, 0))
        except BaseException:
            sock.close()
            raise
        return sock


class _Exchange(ABC):
    """What UDP and TCP sendings share: a socket, watched by the loop, that is freed exactly once."""

    __slots__ = ("_deliver", "_fd", "_freed", "_loop", "_sock", "_writing")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        deliver: Deliver,
        freed: Callable[[_Exchange], None],
    ) -> None:
        self._loop, self._deliver, self._freed = loop, deliver, freed
        self._sock: socket.socket | None = sock
        self._fd = sock.fileno()
        self._writing = False

    @abstractmethod
    def start(self, to: tuple[str, int], wire: bytes) -> None:
        """Begin to send. Raises OSError where that fails at once."""

    def close(self) -> None:
        """Deliver nothing more and free the socket. Calling it again does nothing."""
        sock, self._sock = self._sock, None
        if sock is None:
            return
        self._loop.remove_reader(self._fd)
        if self._writing:
            self._loop.remove_writer(self._fd)
        sock.close()
        self._freed(self)

    def _end(self, outcome: bytes | Trouble) -> None:
        """Free the socket, then deliver: the receiver may send the next message from within."""
        self.close()
        self._deliver(outcome)


class _Udp(_Exchange):
    __slots__ = ()

    def start(self, to: tuple[str, int], wire: bytes) -> None:
        assert self._sock is not None
        self._sock.connect(to)
        self._sock.send(wire)
        self._loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        for _ in range(UDP_BATCH):
            sock = self._sock
            if sock is None:  # closed by the receiver, or earlier in this turn of the loop
                return
            try:
                datagram = sock.recv(UDP_BUFFER)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._end(trouble_of(error))
                return
            self._deliver(datagram)


class _Tcp(_Exchange):
    __slots__ = ("_received", "_unsent")

    def start(self, to: tuple[str, int], wire: bytes) -> None:
        assert self._sock is not None
        self._unsent = memoryview(len(wire).to_bytes(2, "big") + wire)
        self._received = bytearray()
        with contextlib.suppress(BlockingIOError, InterruptedError):
            self._sock.connect(to)
        self._writing = True
        self._loop.add_writer(self._fd, self._connected)

    def _connected(self) -> None:
        if self._sock is None:
            return
        code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(trouble_of(OSError(code, "")))
            return
        self._loop.add_writer(self._fd, self._writable)
        self._loop.add_reader(self._fd, self._readable)
        self._writable()

    def _writable(self) -> None:
        if self._sock is None:
            return
        try:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(trouble_of(error))
            return
        if not self._unsent:
            self._writing = False
            self._loop.remove_writer(self._fd)

    def _readable(self) -> None:
        if self._sock is None:
            return
        try:
            octets = self._sock.recv(TCP_BUFFER)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(trouble_of(error))
            return
        received = self._received
        received += octets
        announced = int.from_bytes(received[:2], "big") if len(received) >= 2 else None
        if announced and len(received) >= 2 + announced:
            self._end(bytes(received[2 : 2 + announced]))
        elif announced == 0 or not octets:
            self._end(Trouble.RESET)


def _family(host: str) -> socket.AddressFamily:
    """The family of an address. OSError for what is none: `connect` would look it up as a name, and block."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.inet_pton(family, host.partition("%")[0])
    return family


def _stream_socket(family: socket.AddressFamily) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    return sock


def _files_allowed() -> int:
    """How many sockets the process may open beside its other files."""
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows
        return MAX_OPEN
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_OPEN
    return max(16, soft - RESERVED_FILES)
