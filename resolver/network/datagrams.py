"""Decides how many datagrams are moved by one call of the system.

Where `_datagrams.c` is compiled (`resolver/compiled.py`) a batch is received with one call and sent with one, through
buffers that are made once; else each datagram costs a call each way. Nothing but time tells them apart.

Rules
* An address is opaque: it is given back as it came; `host` and `peer` read it. So a datagram that is answered at once
  never has its address made into text.
* What comes from a port that is never answered is counted, and nothing else: where it is read costs the least.
* On a socket that asks for packet information, an address holds the one that was asked, and the answer leaves from
  there (RFC 2181 section 4); its interface is left to the routing table.
* What the kernel has no room for is not sent again, and one that it refuses keeps none of the others back.

Limits: `MOST` datagrams at once, of which `OCTETS` are read; what is longer is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from functools import partial
from operator import itemgetter
from typing import Any, Final, Protocol

from resolver.network.base import Address, Datagram, Datagrams, Sent

try:
    from resolver.network._datagrams import Batch
except ModuleNotFoundError:  # one that is there and does not load has been found out by then
    Batch = None  # type: ignore[assignment, misc]

MOST: Final = 64
OCTETS: Final = 4096
_CONTROL: Final = 64

_Ancillary = list[tuple[int, int, bytes]]
_ReceiveFromAny = Callable[[int, int], tuple[bytes, _Ancillary, int, Any]]


class Sock(Protocol):
    """What is needed of a bound, non-blocking UDP socket."""

    def fileno(self) -> int: ...
    def getsockname(self) -> Any: ...
    def close(self) -> None: ...
    def recvfrom(self, size: int, /) -> tuple[bytes, Any]: ...
    def sendto(self, wire: bytes, to: Any, /) -> int: ...
    def recvmsg(self, size: int, ancillary: int, /) -> tuple[bytes, _Ancillary, int, Any]: ...
    def sendmsg(self, wires: Iterable[bytes], ancillary: _Ancillary, flags: int, to: Any, /) -> int: ...


def batched(sock: Sock, unanswered: Collection[int] = ()) -> Datagrams:
    """The fastest way there is to move datagrams through `sock`, which is its own from now on.

    What comes from the ports that are `unanswered` is dropped.
    """
    return Plain(sock, unanswered) if Batch is None else Compiled(sock, unanswered)


class Compiled:
    """Two calls of the system for a batch. The descriptor is asked for each time: a closed socket has none."""

    __slots__ = ("_receive", "_send", "close", "fileno", "host", "peer")

    def __init__(self, sock: Sock, unanswered: Collection[int] = ()) -> None:
        batch = Batch(unanswered)
        self._receive, self._send = batch.receive, batch.send
        self.fileno, self.close = sock.fileno, sock.close
        self.host: Callable[[Address], Hashable] = batch.host
        self.peer: Callable[[Address], tuple[str, int]] = batch.peer

    def receive(self, most: int) -> tuple[list[Datagram], int]:
        """See `Datagrams`."""
        return self._receive(self.fileno(), most)

    def send(self, datagrams: list[Datagram]) -> Sent:
        """See `Datagrams`."""
        return Sent(*self._send(self.fileno(), datagrams))


class Plain:
    """A call of the system for each datagram. The second thing in an address is the port."""

    __slots__ = ("_came", "_receive", "_send", "_source", "_unanswered", "close", "fileno", "host", "peer")

    def __init__(self, sock: Sock, unanswered: Collection[int] = ()) -> None:
        self.fileno, self.close = sock.fileno, sock.close
        self._unanswered = frozenset(unanswered)
        self._came: _Ancillary = []
        self._source: _Ancillary = []
        self._receive: Callable[[int], Datagram] = sock.recvfrom
        self._send: Callable[[bytes, Address], int] = sock.sendto
        self.host: Callable[[Address], Hashable] = itemgetter(0)
        self.peer: Callable[[Address], tuple[str, int]] = itemgetter(0, 1)
        if sock.getsockname()[0] in ("0.0.0.0", "::"):  # noqa: S104
            self._receive, self._send = partial(self._receive_from_any, sock.recvmsg), partial(_send_from, sock.sendmsg)
            self.host, self.peer = _host_to_any, _peer_to_any

    def receive(self, most: int) -> tuple[list[Datagram], int]:
        """See `Datagrams`."""
        if not 1 <= most <= MOST:
            raise ValueError(f"{most} datagrams; 1 to {MOST} are received at once")
        found: list[Datagram] = []
        receive, unanswered = self._receive, self._unanswered
        dropped = 0
        try:
            for _ in range(most):
                datagram = receive(OCTETS)
                if datagram[1][1] in unanswered:
                    dropped += 1
                else:
                    found.append(datagram)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            if not found and not dropped:
                raise
        return found, dropped

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

    def _receive_from_any(
        self, receive: Callable[[int, int], tuple[bytes, _Ancillary, int, Any]], size: int
    ) -> Datagram:
        wire, ancillary, _flags, address = receive(size, _CONTROL)
        if ancillary != self._came:  # most often all were sent to one address
            self._came, self._source = ancillary, _source(ancillary)
        return wire, (address, address[1], self._source)


def _send_from(send: Callable[..., int], wire: bytes, address: Address) -> int:
    return send((wire,), address[2], 0, address[0])


def _host_to_any(address: Address) -> str:
    host: str = address[0][0]
    return host


def _peer_to_any(address: Address) -> tuple[str, int]:
    host, port = address[0][:2]
    return host, port


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
