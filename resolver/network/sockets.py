"""Decides how messages travel in the real world: by which sockets, and how many there may be.

Rules:
* A datagram has a fresh socket of its own, connected, so that the kernel drops what comes from elsewhere, and bound to
  a port that was drawn for it (`ports`). Those to servers whose replies are believable without that may share sockets
  (`pooled`), and those that leave for one configured server in the same moment (`brief`), if the sender says so. What
  arrives is delivered until the sending is closed: a late answer may still be wanted, a forged one must be passed over.
* Streams are kept and shared (`streams`). What must be encrypted never leaves by one: it needs to be known whom a
  certificate must be for, so it takes another way (`encrypted`, found by `speaking`).
* Trouble is delivered from the loop, once, and frees the socket.

Limits: at most `MAX_OPEN` sockets at a time, fewer where the process may not open so many files; beyond that
`Trouble.LOCAL`. A quarter of them may be shared sockets, another quarter kept connections. Only readers and writers are
asked of the loop, so asyncio and uvloop serve alike; Windows does not (its default loop has no readers). Timeouts are
the caller's.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from resolver.message import Transport
from resolver.network.base import Clock, Deliver, Endpoint, Entropy, Network, Reuse, Sending, Timer, Trouble
from resolver.network.brief import Brief
from resolver.network.poller import Poller, new_poller
from resolver.network.pooled import Pool
from resolver.network.ports import family_of, udp_socket
from resolver.network.shared import UDP_BATCH, UDP_BUFFER, Opener
from resolver.network.streams import Streams
from resolver.network.tally import Tally
from resolver.network.troubles import local_trouble_of, trouble_of
from resolver.network.undelivered import Undelivered

if TYPE_CHECKING:
    from resolver.network.encrypted import Encrypted

_UDP: Final = Transport.UDP
_TCP: Final = Transport.TCP

MAX_OPEN: Final = 4096
"""Sockets open to other servers at a time (Unbound's outgoing-range has the same default)."""

RESERVED_FILES: Final = 384
"""Of the files the process may open, those kept for listeners, 256 TCP clients, the log and zone files."""

SWEEP_S: Final = 1.0
"""Seconds between two looks at the sockets that are shared or kept, while there are any."""


class SocketNetwork:
    """The `Network` of production."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        entropy: Entropy,
        *,
        max_open: int = MAX_OPEN,
        poller: Poller | None = None,
        source: str = "",
        tally: Tally | None = None,
    ) -> None:
        """Messages leave from the address `source`, or from whichever the kernel takes."""
        self._loop, self._clock, self._entropy, self._source = loop, clock, entropy, source
        self.max_open = min(max_open, _files_allowed())
        self._poller = poller or new_poller(loop)
        self._tally = Tally() if tally is None else tally
        share = self.max_open // 4
        opener = Opener(self._poller, entropy, self._tally, share, source)
        self._pool, self._brief = Pool(opener, clock, entropy), Brief(opener, clock)
        self._streams = Streams(self._poller, clock, self._tally, share, self._has_room, source)
        self._sweeping: Timer | None = None
        self._others: dict[str, SocketNetwork] = {}
        self._encrypted: Encrypted | None = None

    def at(self, source: str) -> Network:
        """The same network for who sends from the IPv4 address `source`, or this one itself where this machine has no
        such address. It is closed with this one."""
        if source not in self._others:
            try:
                udp_socket(family_of(source), self._entropy, source).close()
            except OSError:
                return self
        return self.leaving_from(source)

    def leaving_from(self, source: str) -> Network:
        """The same network for who sends from the address `source`, and not at all where this machine has no such
        address. It is closed with this one."""
        made = self._others.get(source)
        if made is None:
            made = self._others[source] = SocketNetwork(
                self._loop,
                self._clock,
                self._entropy,
                max_open=self.max_open,
                poller=self._poller,
                source=source,
                tally=self._tally,
            )
        return made

    def encrypted(self) -> Encrypted:
        """What carries messages to servers over TLS, from now on; it is closed with this network."""
        if self._encrypted is None:
            from resolver.network.encrypted import Encrypted

            self._encrypted = Encrypted(self._poller, self._clock, self.max_open // 4, self._has_room)
        return self._encrypted

    @property
    def open(self) -> int:
        """Sockets open now."""
        return len(self._poller.watched)

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to `to`; see `base.Network`."""
        if reuse or transport is not _UDP:
            sending = self._shared(to, wire, transport, deliver, reuse)
            if sending is not None:
                return sending
        poller = self._poller
        if len(poller.watched) >= self.max_open:
            return Undelivered(self._clock, deliver, Trouble.LOCAL)
        try:
            sock = udp_socket(family_of(to.host), self._entropy, self._source)
        except OSError as error:
            return Undelivered(self._clock, deliver, local_trouble_of(error))
        try:
            sock.connect(to)
            sock.send(wire)
            return _Datagram(sock, poller, deliver)
        except (OSError, OverflowError) as error:  # OverflowError: no such port
            sock.close()
            return Undelivered(self._clock, deliver, local_trouble_of(error))

    def counts(self) -> Mapping[str, int]:
        """Counters and gauges under the names of `resolver stats`."""
        tally = self._tally
        return {
            "upstream.sockets_open": self.open,
            "upstream.pooled": tally.pooled,
            "upstream.retired": tally.retired,
            "upstream.strays": tally.strays,
            "upstream.connections": self._kept(),
            "upstream.tcp_reused": tally.tcp_reused,
            "upstream.tcp_repeated": tally.tcp_repeated,
            **({} if self._encrypted is None else self._encrypted.counts()),
        }

    def close(self) -> None:
        """Every socket is closed; nothing more is delivered. A message sent after that opens new ones."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for other in self._others.values():
            other.close()
        if self._encrypted is not None:
            self._encrypted.close()
        for owner in tuple(self._poller.watched.values()):
            owner.close()
        self._poller.close()

    def _kept(self) -> int:
        """Connections that take further queries, from whichever address."""
        return self._streams.kept + sum(other._kept() for other in self._others.values())

    def _shared(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, reuse: Reuse
    ) -> Sending | None:
        """`wire` is on its way by a socket that others may use; None when it must have a fresh one."""
        if transport is not _UDP and transport is not _TCP:
            return Undelivered(self._clock, deliver, Trouble.FORBIDDEN)
        brief = transport is _UDP and reuse is Reuse.BRIEF
        if self._sweeping is None and not brief:
            self._sweeping = self._clock.after(SWEEP_S, self._sweep)
        if transport is not _UDP:
            return self._streams.send(to, wire, deliver)
        try:
            sockets = self._brief if brief else self._pool
            return sockets.send(to, wire, deliver, len(self._poller.watched) < self.max_open)
        except (OSError, OverflowError) as error:
            return Undelivered(self._clock, deliver, local_trouble_of(error))

    def _has_room(self) -> bool:
        return len(self._poller.watched) < self.max_open

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        left = [self._pool.sweep(now), self._streams.sweep(now)]
        self._sweeping = self._clock.after(SWEEP_S, self._sweep) if any(left) else None


class _Datagram:
    """A datagram that has left by a socket of its own."""

    __slots__ = ("_deliver", "_fd", "_poller", "_sock")

    def __init__(self, sock: socket.SocketType, poller: Poller, deliver: Deliver) -> None:
        """`sock` is owned from now on, unless OSError is raised."""
        self._sock: socket.SocketType | None = sock
        self._poller, self._deliver = poller, deliver
        self._fd = fd = sock.fileno()
        poller.add(fd, self)

    def close(self) -> None:
        """Deliver nothing more and free the socket. Calling it again does nothing."""
        sock = self._sock
        if sock is not None:
            self._sock = None
            self._poller.remove(self._fd)
            sock.close()

    def ready(self, _events: int) -> None:
        """What has come is delivered."""
        left = UDP_BATCH
        while left and (sock := self._sock) is not None:  # else closed by the receiver, or earlier in this turn
            left -= 1
            try:
                datagram = sock.recv(UDP_BUFFER)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.close()
                self._deliver(trouble_of(error))
                return
            self._deliver(datagram)


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
