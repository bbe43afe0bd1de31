"""Decides how connections come in and how a listener ends (RFC 7766 section 6.2).

Rules:
* Who may not ask is closed at once, whoever may gets a place or not by `places.py`, which all listeners share.
* To stop is to finish: nothing new is accepted or asked, what was asked is answered, then each connection
  is closed.

Limits: `TcpLimits`, which `connection.py` keeps for each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from resolver.message import Respond
from resolver.network.base import Clock
from resolver.server.connection import Connection
from resolver.server.hits import Hits
from resolver.server.places import Places


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
    ) -> None:
        """`hits` has stored responses, and is asked before `respond`.

        `allows` says of an address whether a client there may ask; without it, everybody may."""
        self._loop, self._sock = loop, sock
        self.respond, self.clock, self.places, self.hits, self.allows = respond, clock, places, hits, allows
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
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
        self._server = await self._loop.create_server(
            partial(Connection, self), sock=self._sock, backlog=self.places.limits.backlog
        )

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

    def admit(self, connection: Connection) -> bool:
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

    def forget(self, connection: Connection) -> None:
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
