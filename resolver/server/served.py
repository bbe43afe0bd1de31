"""Decides what becomes of one client on one connection, whatever is spoken there: its place, its time, its pauses.

Rules:
* A connection that is idle is closed after `idle_seconds`, or earlier when places are short (RFC 7766 section 6.2.3);
  so is one that does not take its answers. What has begun to come in must be complete within `message_seconds`,
  however slowly its octets trickle in.
* Reading pauses while the client leaves its answers lying: the kernel then slows the sender down.
* A client that has sent its last octet still gets the answers to what it asked.

Whether the octets came as they are or by TLS (`tls.py`) is not known here; `shaken` tells what TLS has agreed on.

Limits: `TcpLimits`. All connections of a listener share one buffer to read into. The timer of one runs about once per
`message_seconds`, not once per query.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from resolver.message import Client, Session
from resolver.network.base import Timer

if TYPE_CHECKING:
    from resolver.server.tcp import TcpListener

READ: Final = 16384
"""Octets read at a time: some 60 queries. `data_received` of asyncio would allocate 256 KiB each time."""

LONGEST: Final = 2 + 65_535
"""Octets of the longest message with its length."""


class Served(asyncio.BufferedProtocol):
    """One client on one connection, as far as that is the same for all that can be spoken there."""

    def __init__(self, listener: TcpListener) -> None:
        self._listener, self._limits = listener, listener.places.limits
        self._transport: asyncio.Transport | None = None
        self._client = Client("", 0, listener.transport)
        self._paused = False
        self._blocked = False
        self._overdue = 0
        """Octets of answers that became ready while the client took none."""
        self._finishing = False
        self._partial_since: float | None = None
        self._timer: Timer | None = None
        self.last_active = 0.0
        """When the client last sent, or took, something."""
        self.outstanding = 0
        """Queries of this connection that `respond` has not settled yet."""

    @property
    def host(self) -> str:
        """The address of the client."""
        return self._client.host

    @property
    def stalled_since(self) -> float | None:
        """Since when the client has sent nothing whole, or taken nothing; None while it waits for answers of ours."""
        if self._blocked:
            return self.last_active
        if self.outstanding:
            return None
        return self.last_active if self._partial_since is None else self._partial_since

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is served, or closed where a limit forbids it."""
        stream = cast("asyncio.Transport", transport)
        peer = stream.get_extra_info("peername")
        if peer is None:
            stream.abort()
            return
        self._client = Client(peer[0], peer[1], self._listener.transport)
        if not self._listener.admit(self):
            stream.abort()
            return
        self._transport = stream
        stream.set_write_buffer_limits(high=self._limits.write_buffer)
        self.last_active = self._listener.clock.monotonic()
        self._watch(self._listener.places.idle_seconds())

    def shaken(self, server_name: str, protocol: str) -> None:
        """TLS is spoken from now on: begun with `server_name`, and for `protocol` as ALPN has it; "" for none."""
        if server_name:
            self._client = self._client._replace(session=Session(server_name))

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the loop may put what it reads next."""
        return self._listener.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Octets have come in."""
        self.received(bytes(memoryview(self._listener.buffer)[:nbytes]))

    def received(self, octets: bytes) -> None:
        """`octets` have come in, and what is whole of them is handed on."""
        raise AssertionError("each kind of connection reads in its own way")

    def eof_received(self) -> bool:
        """The client will ask nothing more; True keeps the connection until it has its answers."""
        if not self.outstanding and not self._blocked:
            return False
        self.finish()
        return True

    def pause_writing(self) -> None:
        """The client leaves its answers lying: nothing more is read from it."""
        self._blocked = True
        self.last_active = self._listener.clock.monotonic()
        self._pause(not self._finishing)

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._blocked, self._overdue = False, 0
        self.last_active = self._listener.clock.monotonic()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; answers that are still made are dropped."""
        self._release()

    # What the listener calls

    def finish(self) -> None:
        """No query is taken any more; the connection is closed when the client has its answers."""
        raise AssertionError("each kind of connection ends in its own way")

    def abort(self) -> None:
        """The connection is cut now."""
        transport = self._transport
        self._release()
        if transport is not None:
            transport.abort()

    # Reading and timing

    def _go_on(self) -> None:
        """Something that kept the connection back may be gone."""

    def _pause(self, paused: bool) -> None:
        if paused == self._paused or self._transport is None:
            return
        self._paused = paused
        if self._transport.is_closing():
            return
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _watch(self, seconds: float) -> None:
        seconds = min(seconds, self._limits.message_seconds)
        self._timer = self._listener.clock.after(seconds, self._check)

    def _check(self) -> None:
        now, idle = self._listener.clock.monotonic(), self._listener.places.idle_seconds()
        if self._blocked:
            due = self.last_active + idle
        elif self._partial_since is not None:
            due = self._partial_since + self._limits.message_seconds
        elif self.outstanding:
            due = now + idle
        else:
            due = self.last_active + idle
        if now < due:
            self._watch(due - now)
            return
        self._listener.places.timed_out += 1
        self._expire()

    def _expire(self) -> None:
        """The time of the connection has run down."""
        self.abort()

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport = None
        self._finishing = True
        self._listener.forget(self)
