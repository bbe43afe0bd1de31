"""Decides how simulated servers deliver what does not travel as replies do (`network/oddly.py`), on real sockets.

Rules
* These listeners do what others do, and look at nothing but the type of what is sent. The resolver's own are others.
* A reply in several copies leaves as so many datagrams; one from elsewhere by a socket of its own.
* While a stream is given a reply slowly, or half of one, later replies wait for it: frames never mix. A connection that
  hangs is closed when it has been idle for as long as any other may be.

Limits: a connection holds as many replies that wait as it may have queries outstanding (`TcpLimits`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from resolver.cache.answers import AnswerStore
from resolver.listeners import Bound, Listeners
from resolver.message import Client, Respond, Transport
from resolver.network.base import Address, Clock, Datagrams, Endpoint
from resolver.network.datagrams import batched
from resolver.network.faulty import Faulty
from resolver.network.odd_sockets import reset, send_elsewhere
from resolver.network.oddly import Oddly, Stream
from resolver.observe.counters import Counters
from resolver.server.access import UNANSWERED
from resolver.server.connection import Connection
from resolver.server.hits import Hits
from resolver.server.places import Places
from resolver.server.respond import Responder
from resolver.server.tcp import TcpListener
from resolver.server.udp import UdpListener


def served_at(host: str, servers: Callable[[], Mapping[str, Respond]]) -> tuple[Respond, Hits, Hits]:
    """What answers at `host` now, whichever world is in force by then, and what it has stored: a sound one does.

    `servers` gives those that are in force, by host.
    """

    def respond(wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
        servers()[host](wire, client, send)

    def store() -> AnswerStore | None:
        server = servers()[host]
        sound = server.sound if isinstance(server, Faulty) else None
        return sound.answers if isinstance(sound, Responder) else None

    counters = Counters()  # what simulated servers are asked is not what the resolver is
    return respond, Hits(store, counters, Transport.UDP), Hits(store, counters, Transport.TCP)


class OddListeners(Listeners):
    """Listeners of simulated servers."""

    def _udp(
        self, bound: Bound, respond: Respond, hits: Hits | None, allows: Callable[[str], bool] | None
    ) -> UdpListener:
        return OddUdpListener(self._loop, batched(bound.udp, UNANSWERED), respond, bound.endpoint, hits)

    def _tcp(
        self, bound: Bound, respond: Respond, hits: Hits | None, allows: Callable[[str], bool] | None
    ) -> TcpListener:
        return OddTcpListener(self._loop, bound.tcp, respond, self._clock, self.places, hits, allows)


class OddUdpListener(UdpListener):
    """Sends what is sent `Oddly` as it says."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        datagrams: Datagrams,
        respond: Respond,
        endpoint: Endpoint,
        hits: Hits | None = None,
    ) -> None:
        """`endpoint` is where it listens."""
        super().__init__(loop, datagrams, respond, hits)
        self._endpoint = endpoint

    def _answer(self, address: Address, wire: bytes | None) -> None:
        if not isinstance(wire, Oddly):
            super()._answer(address, wire)
            return
        octets = bytes(wire)
        if wire.source:
            to = self._datagrams.peer(address)
            for _ in range(wire.copies):
                if send_elsewhere(octets, self._endpoint, wire.source, to):
                    self.sent += 1
                else:
                    self.failed += 1
            super()._answer(address, None)
            return
        super()._answer(address, octets)
        if not self._closed:
            self._given += [(octets, address)] * (wire.copies - 1)


class OddTcpListener(TcpListener):
    """Its connections deliver what is sent `Oddly` as it says."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: object,
        respond: Respond,
        clock: Clock,
        places: Places,
        hits: Hits | None = None,
        allows: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__(loop, sock, respond, clock, places, hits, allows)

    def connect(self) -> asyncio.BufferedProtocol:
        """See `TcpListener`."""
        return OddConnection(self)


class _Due(NamedTuple):
    """Octets that are to be written, each `octet_ms` after the one before, and then `end`."""

    octets: bytes
    octet_ms: float
    end: Stream | None
    counts: bool
    """Whether it is one of the queries that are outstanding."""


class OddConnection(Connection):
    """One client of a simulated server on one connection."""

    def __init__(self, listener: TcpListener) -> None:
        super().__init__(listener)
        self._due: deque[_Due] = deque()
        """What waits to be written; the first of them is being written."""
        self._hangs = False
        """Nothing is written any more."""

    def _send(self, wire: bytes | None) -> None:
        if self._hangs:
            wire = None
        if self._transport is None or wire is None or not (self._due or isinstance(wire, Oddly)):
            super()._send(wire)
            return
        stream, octet_ms = (wire.stream, wire.octet_ms) if isinstance(wire, Oddly) else (None, 0.0)
        octets = len(wire).to_bytes(2, "big") + wire
        if stream in (Stream.HANGING, Stream.CUT):
            octets = octets[: len(octets) // 2]
        elif stream is Stream.EMPTY:
            octets = bytes(2)
        elif stream is Stream.RESET:
            octets = b""
        self._put(_Due(octets, octet_ms, stream, counts=True))

    def _flush(self) -> None:
        if not self._due or not self._gathered:
            super()._flush()
            return
        for octets in self._gathered:
            self._put(_Due(octets, 0.0, None, counts=False))
        self._gathered.clear()
        self._gathered_octets = 0

    def _put(self, due: _Due) -> None:
        if len(self._due) > self._limits.outstanding:
            self.abort()
            return
        self._due.append(due)
        if len(self._due) == 1:
            super()._flush()  # what was answered before goes before
            self._write(0)

    def _write(self, at: int) -> None:
        """The first of what is due is written from its octet `at` on, and the others after it."""
        while self._due and self._transport is not None:
            octets, octet_ms, end, _ = self._due[0]
            if octet_ms and at < len(octets):
                self._transport.write(octets[at : at + 1])
                self._listener.clock.after(octet_ms / 1000, lambda at=at + 1: self._write(at))  # type: ignore[misc]
                return
            self._transport.write(octets[at:])
            if end is None or end is Stream.EMPTY:
                self._settle(self._due.popleft())
                at = 0
            else:
                self._end(end)
                return

    def _end(self, end: Stream) -> None:
        """No more octets come."""
        if end is Stream.HANGING:
            self._hangs = True
            for due in self._due:
                self.outstanding -= due.counts  # so that the connection counts as idle
            self._due.clear()
        elif end is Stream.CUT and self._transport is not None:
            self._transport.close()
        else:
            reset(self._transport)
            self.abort()

    def _settle(self, due: _Due) -> None:
        self._listener.sent += 1
        self.last_active = self._listener.clock.monotonic()
        if due.counts:
            self.outstanding -= 1
            if self._gathered is None:
                self._go_on()
