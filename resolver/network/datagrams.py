"""Decides how many datagrams are moved by one call of the system.

Where `_datagrams.c` is compiled (`resolver/compiled.py`) a batch is received with one call and sent with one, through
buffers that are made once; else each datagram costs a call each way. Nothing but time tells them apart.

Rules
* An address is opaque: it is given back as it came, and `peer` reads it. So a datagram that is answered at once never
  has its address made into text.
* On a socket that asks for packet information, an address holds the one that was asked, and the answer leaves from
  there (RFC 2181 section 4); its interface is left to the routing table.
* What the kernel has no room for is not sent again, and one that it refuses keeps none of the others back.

Limits: `MOST` datagrams at once, of which `OCTETS` are read; what is longer is cut.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

try:
    from resolver.network._datagrams import Batch
except ImportError:
    Batch = None  # type: ignore[assignment, misc]

MOST: Final = 64
OCTETS: Final = 4096
_CONTROL: Final = 64
_ORDER: Final = sys.byteorder

Address = Any
"""Where a datagram came from, and on which of our addresses: to be given back to `send`, or to `peer`."""

Datagram = tuple[bytes, Address]
_Ancillary = list[tuple[int, int, bytes]]


class Sent(NamedTuple):
    """What became of a batch: how many left, found no room in the socket, and were refused by the kernel."""

    sent: int
    full: int
    failed: int


class Sock(Protocol):
    """What is needed of a bound, non-blocking UDP socket."""

    def fileno(self) -> int: ...
    def getsockname(self) -> Any: ...
    def recvfrom(self, size: int, /) -> tuple[bytes, Any]: ...
    def sendto(self, wire: bytes, to: Any, /) -> int: ...
    def recvmsg(self, size: int, ancillary: int, /) -> tuple[bytes, _Ancillary, int, Any]: ...
    def sendmsg(self, wires: Iterable[bytes], ancillary: _Ancillary, flags: int, to: Any, /) -> int: ...


class Datagrams(Protocol):
    """Moves datagrams in batches."""

    def receive(self, most: int) -> list[Datagram]:
        """At most `most` (1 to `MOST`) of what waits, without waiting. Raises OSError, as for a closed socket."""
        ...

    def send(self, datagrams: list[Datagram]) -> Sent:
        """Each of `datagrams` was given to the kernel once, in their order."""
        ...

    def peer(self, address: Address) -> tuple[str, int]:
        """The host, as text, and the port of an address."""
        ...


def datagrams(sock: Sock) -> Datagrams:
    """The fastest way there is to move datagrams through `sock`, which stays the caller's to close."""
    return Plain(sock) if Batch is None else Compiled(sock)


class Compiled:
    """Two calls of the system for a batch. The descriptor is asked for each time: a closed socket has none."""

    __slots__ = ("_batch", "_fileno")

    def __init__(self, sock: Sock) -> None:
        self._batch, self._fileno = Batch(), sock.fileno

    def receive(self, most: int) -> list[Datagram]:
        """See `Datagrams`."""
        return self._batch.receive(self._fileno(), most)

    def send(self, datagrams: list[Datagram]) -> Sent:
        """See `Datagrams`."""
        return Sent(*self._batch.send(self._fileno(), datagrams))

    def peer(self, address: Address) -> tuple[str, int]:
        """See `Datagrams`."""
        port = int.from_bytes(address[3:5], "big")
        if int.from_bytes(address[1:3], _ORDER) == socket.AF_INET:
            return socket.inet_ntop(socket.AF_INET, address[5:9]), port
        host = socket.inet_ntop(socket.AF_INET6, address[9:25])
        scope = int.from_bytes(address[25:29], _ORDER)
        return (f"{host}%{_interface(scope)}" if scope else host), port


class Plain:
    """A call of the system for each datagram."""

    __slots__ = ("_receive", "_send", "_wildcard")

    def __init__(self, sock: Sock) -> None:
        self._wildcard = sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104
        self._receive = partial(_receive_from_any, sock) if self._wildcard else sock.recvfrom
        self._send = partial(_send_from, sock) if self._wildcard else sock.sendto

    def receive(self, most: int) -> list[Datagram]:
        """See `Datagrams`."""
        if not 1 <= most <= MOST:
            raise ValueError(f"{most} datagrams; 1 to {MOST} are received at once")
        found: list[Datagram] = []
        receive = self._receive
        try:
            for _ in range(most):
                found.append(receive(OCTETS))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            if not found:
                raise
        return found

    def send(self, datagrams: list[Datagram]) -> Sent:
        """See `Datagrams`."""
        sent = failed = 0
        send = self._send
        for wire, address in datagrams:
            try:
                send(wire, address)
                sent += 1
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                failed += 1
        return Sent(sent, len(datagrams) - sent - failed, failed)

    def peer(self, address: Address) -> tuple[str, int]:
        """See `Datagrams`."""
        host, port = (address[0] if self._wildcard else address)[:2]
        return host, port


def _receive_from_any(sock: Sock, size: int) -> Datagram:
    wire, ancillary, _flags, address = sock.recvmsg(size, _CONTROL)
    return wire, (address, _source(ancillary))


def _send_from(sock: Sock, wire: bytes, address: Address) -> int:
    return sock.sendmsg((wire,), address[1], 0, address[0])


def _interface(scope: int) -> str:
    try:
        return socket.if_indextoname(scope)
    except OSError:
        return str(scope)


def _source(ancillary: _Ancillary) -> _Ancillary:
    """The control message that makes an answer leave from the address its query was sent to.

    Of `struct in_pktinfo` (interface, local address, header's address) the local address is kept, of
    `struct in6_pktinfo` (address, interface) the address.
    """
    for level, kind, data in ancillary:
        if len(data) == 12:
            return [(level, kind, bytes(4) + data[4:8] + bytes(4))]
        if len(data) == 20:
            return [(level, kind, data[:16] + bytes(4))]
    return []
