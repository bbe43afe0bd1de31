"""Decides how datagrams of clients come in and how answers go out.

Rules:
* One raw socket, read and answered in the same turn of the loop: a stored answer costs `recvfrom`, a look into the
  store and `sendto`, nothing else; what is counted is added up once for a batch. Datagram transports of asyncio and
  uvloop allocate 256 KiB at each read, and answer from the wrong address on a wildcard.
* On a wildcard the answer leaves from the address that was asked (RFC 2181 section 4); its interface is
  left to the routing table.
* An answer that the socket has no room for is dropped and counted: the client asks again (RFC 1035 section
  4.2.1).
* What comes from a port of `access.UNANSWERED` is dropped; what comes from an address that may not ask gets no stored
  answer, and `respond` decides what else.
* Nothing that arrives can raise here: what breaks `respond` is told to the loop's exception handler, and
  counted.

Limits: `BATCH` datagrams per wake-up, of which `WORK` without a stored answer, so that other work of the loop is never
more than that late. How many queries are in flight is bounded by `respond`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, Protocol

from resolver.message import Client, Respond, Transport
from resolver.server.access import UNANSWERED
from resolver.server.hits import Hits

BATCH: Final = 64
"""Datagrams read per wake-up: at 10 microseconds each, others wait for less than a millisecond."""

WORK: Final = 16
"""Of those, the ones that `respond` looks at: at 0.2 ms for a question that must be asked, others wait for 3 ms."""

DATAGRAM: Final = 4096
"""Octets read of a datagram. Queries have some 50; what is longer is cut and is then no message."""

_ANCILLARY: Final = 64
"""Octets for the control message that says which address was asked: 32 for IPv4, 40 for IPv6."""

_Address = Any
"""A socket address as the socket module makes it; only its first two fields are looked at."""

_Ancillary = list[tuple[int, int, bytes]]


class DatagramSocket(Protocol):
    """What is needed of a bound, non-blocking UDP socket."""

    def fileno(self) -> int: ...
    def getsockname(self) -> Any: ...
    def recvfrom(self, size: int, /) -> tuple[bytes, _Address]: ...
    def sendto(self, wire: bytes, to: _Address, /) -> int: ...
    def recvmsg(self, size: int, ancillary: int, /) -> tuple[bytes, _Ancillary, int, _Address]: ...
    def sendmsg(self, wires: Iterable[bytes], ancillary: _Ancillary, flags: int, to: _Address, /) -> int: ...
    def close(self) -> None: ...


class UdpListener:
    """Answers what arrives at `sock` with what `respond` makes of it. Owns the socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: DatagramSocket,
        respond: Respond,
        hits: Hits | None = None,
        allows: Callable[[str], bool] | None = None,
    ) -> None:
        """`hits` has stored responses, and is asked before `respond`.

        `allows` says of an address whether a client there may ask; without it, everybody may.
        """
        self._loop, self._sock, self._respond = loop, sock, respond
        self._hits = hits
        self.allows = allows
        self._fd = sock.fileno()
        self._reading = False
        self._emptied: asyncio.Future[None] | None = None
        self._wildcard = sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104
        self.received = 0
        """Datagrams that came in."""
        self.sent = 0
        """Answers that left."""
        self.silent = 0
        """Queries to which `respond` gave no answer."""
        self.dropped_full = 0
        """Answers dropped because the socket's send buffer was full."""
        self.dropped_port = 0
        """Datagrams from ports that are never answered."""
        self.failed = 0
        """Answers that the kernel refused to send, and queries that broke `respond`."""
        self.outstanding = 0
        """Queries that `respond` has not settled yet."""

    def start(self) -> None:
        """Datagrams are read from now on."""
        self._reading = True
        self._loop.add_reader(self._fd, self._read_from_any if self._wildcard else self._read)

    def stop_reading(self) -> None:
        """No further query is taken; answers still go out. Calling it again does nothing."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    async def drained(self) -> None:
        """Returns once no query is outstanding. For use after `stop_reading`; bound it with a timeout."""
        if self.outstanding > 0:
            if self._emptied is None:
                self._emptied = self._loop.create_future()
            await asyncio.shield(self._emptied)

    def close(self) -> None:
        """The socket is closed; answers that are still made are dropped. Calling it again does nothing."""
        self.stop_reading()
        self._sock.close()

    def _read(self) -> None:
        receive, answer, allows = self._sock.recvfrom, self._sock.sendto, self.allows
        stored = (self._hits.begin() if self._hits is not None else None) or _nothing
        work, served, unsent = WORK, 0, 0
        for _ in range(BATCH):
            try:
                wire, address = receive(DATAGRAM)
            except OSError:  # nothing more; or closed by what was handled before, or an error of the interface
                break
            if address[1] in UNANSWERED:
                self.dropped_port += 1
                continue
            try:
                response = stored(wire) if allows is None or allows(address[0]) else None
            except Exception as error:
                self._broke(error)
                continue
            if response is None:
                self._handle(wire, address, partial(self._send, address))
                work -= 1
                if not work:
                    break
                continue
            served += 1
            try:
                answer(response, address)
            except OSError as error:
                self._unsent(error)
                unsent += 1
        self._count(served, unsent)

    def _read_from_any(self) -> None:
        receive, answer, allows = self._sock.recvmsg, self._sock.sendmsg, self.allows
        stored = (self._hits.begin() if self._hits is not None else None) or _nothing
        work, served, unsent = WORK, 0, 0
        came: _Ancillary = []
        source: _Ancillary = []
        for _ in range(BATCH):
            try:
                wire, ancillary, _flags, address = receive(DATAGRAM, _ANCILLARY)
            except OSError:
                break
            if address[1] in UNANSWERED:
                self.dropped_port += 1
                continue
            if ancillary != came:  # most often all of a batch were sent to one address
                came, source = ancillary, _source(ancillary)
            try:
                response = stored(wire) if allows is None or allows(address[0]) else None
            except Exception as error:
                self._broke(error)
                continue
            if response is None:
                self._handle(wire, address, partial(self._send_from, address, source))
                work -= 1
                if not work:
                    break
                continue
            served += 1
            try:
                answer((response,), source, 0, address)
            except OSError as error:
                self._unsent(error)
                unsent += 1
        self._count(served, unsent)

    def _count(self, served: int, unsent: int) -> None:
        """So many were answered from store, and so many of these answers did not leave."""
        if served and self._hits is not None:
            self.received += served
            self.sent += served - unsent
            self._hits.served(served)

    def _unsent(self, error: OSError) -> None:
        if isinstance(error, BlockingIOError | InterruptedError):
            self.dropped_full += 1
        else:
            self.failed += 1

    def _handle(self, wire: bytes, address: _Address, send: partial[None]) -> None:
        self.received += 1
        self.outstanding += 1
        try:
            self._respond(wire, Client(address[0], address[1], Transport.UDP), send)
        except Exception as error:
            self._settle()
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        self.failed += 1
        self._loop.call_exception_handler({"message": "a query broke its server", "exception": error})

    def _send(self, to: _Address, wire: bytes | None) -> None:
        if wire is None:
            self.silent += 1
        else:
            try:
                self._sock.sendto(wire, to)
                self.sent += 1
            except OSError as error:
                self._unsent(error)
        self._settle()

    def _send_from(self, to: _Address, source: _Ancillary, wire: bytes | None) -> None:
        if wire is None:
            self.silent += 1
        else:
            try:
                self._sock.sendmsg((wire,), source, 0, to)
                self.sent += 1
            except OSError as error:
                self._unsent(error)
        self._settle()

    def _settle(self) -> None:
        self.outstanding -= 1
        if self._emptied is not None and self.outstanding <= 0:
            emptied, self._emptied = self._emptied, None
            emptied.set_result(None)


def _nothing(_: bytes) -> None:
    """No response is stored."""


def _source(ancillary: _Ancillary) -> _Ancillary:
    """The control message that makes an answer leave from the address its query was sent to.

    Of `struct in_pktinfo` (interface, local address, header's address) the local address is kept, of
    `struct in6_pktinfo` (address, interface) the address. The interface is cleared: the route decides.
    """
    for level, kind, data in ancillary:
        if len(data) == 12:
            return [(level, kind, bytes(4) + data[4:8] + bytes(4))]
        if len(data) == 20:
            return [(level, kind, data[:16] + bytes(4))]
    return []
