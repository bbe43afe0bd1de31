"""Decides which connections of clients are served (RFC 7766 section 6.2).

Rules:
* When all places are taken, the connection that has been idle longest makes room; where none is idle, and
  where a client has its share already, the new one is closed (section 6.2.2). Loopback clients are exempt
  from the share: a proxy or a sidecar speaks for many.
* To stop is to finish: nothing new is accepted or asked, what was asked is answered, then each connection
  is closed.

Limits: `TcpLimits`, which `connection.py` keeps for each connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any

from resolver.message import Respond
from resolver.network.base import Clock
from resolver.server.connection import Connection, TcpLimits

__all__ = ["TcpLimits", "TcpListener"]


class TcpListener:
    """Answers what arrives on the connections of `sock` with what `respond` makes of it. Owns the socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: Any,
        respond: Respond,
        clock: Clock,
        limits: TcpLimits | None = None,
    ) -> None:
        self._loop, self._sock = loop, sock
        self.respond, self.clock, self.limits = respond, clock, limits or TcpLimits()
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._per_client: Counter[str] = Counter()
        self._emptied: asyncio.Future[None] | None = None
        self._stopped = False
        self.accepted = 0
        """Connections that were served."""
        self.refused = 0
        """Connections closed at once because a limit was reached."""
        self.evicted = 0
        """Idle connections that had to make room."""
        self.timed_out = 0
        """Connections closed for being idle, slow to send or slow to read."""
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
            partial(Connection, self), sock=self._sock, backlog=self.limits.backlog
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

    def admit(self, connection: Connection, host: str) -> bool:
        """Whether there is a place for `connection`; if so it is taken."""
        limits = self.limits
        local = host.startswith("127.") or host == "::1"
        if self._stopped or (not local and self._per_client[host] >= limits.per_client):
            self.refused += 1
            return False
        if len(self._connections) >= limits.connections and not self._make_room():
            self.refused += 1
            return False
        self._connections.add(connection)
        self._per_client[host] += 1
        self.accepted += 1
        return True

    def forget(self, connection: Connection, host: str) -> None:
        """The place of `connection` is free; calling it again does nothing."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self._per_client[host] -= 1
        if not self._per_client[host]:
            del self._per_client[host]
        if not self._connections and self._emptied is not None:
            emptied, self._emptied = self._emptied, None
            emptied.set_result(None)

    def broke(self, error: Exception) -> None:
        """A query broke its server: a fault of ours, told to the loop's exception handler."""
        self.failed += 1
        self._loop.call_exception_handler({"message": "a query broke its server", "exception": error})

    def _make_room(self) -> bool:
        idle = [connection for connection in self._connections if connection.idle]
        if not idle:
            return False
        self.evicted += 1
        min(idle, key=lambda connection: connection.last_active).abort()
        return True
