"""Decides how connections come in and how a listener ends (RFC 7766 section 6.2).

Rules:
* Who may not ask is closed at once, whoever may gets a place or not by `places.py`, which all listeners share.
* A listener with `handshakes` speaks TLS (`tls.py`); in all else it is the same, its limits included.
* To stop is to finish: nothing new is accepted or asked, what was asked is answered, then each connection
  is closed.

Limits: `TcpLimits`, which `served.py` keeps for each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from resolver.cache.answers import Serve
from resolver.message import Respond, Transport
from resolver.network.base import Clock
from resolver.server.connection import Connection
from resolver.server.handshakes import Handshakes
from resolver.server.hits import Hits
from resolver.server.places import Places
from resolver.server.served import READ, Served
from resolver.server.tls import TlsStream


class TcpListener:
    """Answers what arrives on the connections of `sock` with what `respond` makes of it. Owns the socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: Any,
        respond: Respond,
        clock: Clock,
        places: Places,
        hits: Hits | None = None,
        allows: Callable[[str], bool] | None = None,
        handshakes: Handshakes | None = None,
    ) -> None:
        """`hits` has stored responses, and is asked before `respond`.

        `allows` says of an address whether a client there may ask; without it, everybody may. `handshakes` makes it a
        listener for TLS.
        """
        self._loop, self._sock = loop, sock
        self.respond, self.clock, self.places, self.allows = respond, clock, places, allows
        self._hits, self._handshakes = hits, handshakes
        self.transport = Transport.TCP if handshakes is None else Transport.TLS
        self.buffer = bytearray(READ)
        """What any of the connections has read last, until it is handed on."""
        self._server: asyncio.Server | None = None
        self._connections: set[Served] = set()
        self._emptied: asyncio.Future[None] | None = None
        self._stopped = False
        self.received = 0
        """Queries that came in."""
        self.sent = 0
        """Answers handed to the kernel."""
        self.failed = 0
        """Queries that broke `respond`."""

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._connections)

    @property
    def outstanding(self) -> int:
        """Queries that `respond` has not settled yet."""
        return sum(connection.outstanding for connection in self._connections)

    async def start(self) -> None:
        """Connections are accepted from now on."""
        self._server = await self._loop.create_server(self.connect, sock=self._sock, backlog=self.places.limits.backlog)

    def connect(self) -> asyncio.BufferedProtocol:
        """What the loop is to tell of a connection that is new."""
        connection = Connection(self)
        return connection if self._handshakes is None else TlsStream(connection, self, self._handshakes)

    def stop_reading(self) -> None:
        """No connection is accepted and no query taken; each connection is closed once it has its answers."""
        self._stopped = True
        if self._server is not None:
            self._server.close()
        else:
            self._sock.close()
        for connection in tuple(self._connections):
            connection.finish()

    async def drained(self) -> None:
        """Returns once no connection is left. For use after `stop_reading`; bound it with a timeout."""
        if self._connections:
            if self._emptied is None:
                self._emptied = self._loop.create_future()
            await asyncio.shield(self._emptied)

    def close(self) -> None:
        """Every connection is cut, answered or not. Calling it again does nothing."""
        self.stop_reading()
        for connection in tuple(self._connections):
            connection.abort()

    def admit(self, connection: Served) -> bool:
        """Whether `connection` is served; if so it has a place."""
        if self.allows is not None and not self.allows(connection.host):
            self.places.denied += 1
            return False
        if self._stopped:
            self.places.refused += 1
            return False
        if not self.places.take(connection):
            return False
        self._connections.add(connection)
        return True

    def stored_for(self, host: str) -> Serve:
        """What gives stored responses to `host` in this turn of the loop: none, where it may not ask any more."""
        if self._hits is None or (self.allows is not None and not self.allows(host)):
            return _nothing
        return self._hits.begin_for(host) or _nothing

    def took(self, queries: int, served: int) -> None:
        """So many queries came in, of which so many were answered with what `stored_for` gave."""
        self.received += queries
        if served and self._hits is not None:
            self._hits.served(served)

    def forget(self, connection: Served) -> None:
        """The place of `connection` is free; calling it again does nothing."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self.places.leave(connection)
        if not self._connections and self._emptied is not None:
            emptied, self._emptied = self._emptied, None
            emptied.set_result(None)

    def broke(self, error: Exception) -> None:
        """A query broke its server: a fault of ours, told to the loop's exception handler."""
        self.failed += 1
        self._loop.call_exception_handler({"message": "a query broke its server", "exception": error})


def _nothing(_: bytes) -> None:
    """No response is stored."""
