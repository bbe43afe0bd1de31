"""Decides what becomes of one client on one connection: its messages, its answers, its time (RFC 7766).

Rules:
* Many queries per connection, answered as they are ready, not in their order (sections 6.2.1.1 and 7). All
  whole messages of one read whose answers are immediate are answered with one write; length and message go
  together (section 8).
* A connection that is idle is closed after `idle_seconds`, or earlier when places are short (section 6.2.3); so is
  one that does not take its answers. A message must be complete within `message_seconds`, however slowly its octets
  trickle in.
* Reading pauses while `outstanding` queries are unanswered or the client leaves its answers lying: the
  kernel then slows the sender down.
* A client that has sent its last octet still gets the answers to what it asked.

Limits: `TcpLimits`; a connection holds 4 KiB of read buffer, one incomplete message of at most 65,535
octets beside what one read brought, and the write buffer, over which one read's answers can go by one
message. Its timer runs about once per `message_seconds`, not once per query.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from resolver.message import Client, Transport
from resolver.network.base import Timer

if TYPE_CHECKING:
    from resolver.cache.answers import Serve
    from resolver.server.tcp import TcpListener

READ: Final = 4096
"""Octets read at a time: some 60 queries. `data_received` of asyncio would allocate 256 KiB each time."""

LONGEST: Final = 2 + 65_535
"""Octets of the longest message with its length."""


class Connection(asyncio.BufferedProtocol):
    """One client on one connection."""

    def __init__(self, listener: TcpListener) -> None:
        self._listener, self._limits = listener, listener.places.limits
        self._transport: asyncio.Transport | None = None
        self._client = Client("", 0, Transport.TCP)
        self._chunk = bytearray(READ)
        self._pending = bytearray()
        self._gathered: list[bytes] | None = None
        """While a read is dispatched: the answers it has got so far."""
        self._gathered_octets = 0
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
        self._client = Client(peer[0], peer[1], Transport.TCP)
        if not self._listener.admit(self):
            stream.abort()
            return
        self._transport = stream
        stream.set_write_buffer_limits(high=self._limits.write_buffer)
        self.last_active = self._listener.clock.monotonic()
        self._watch(self._listener.places.idle_seconds())

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the loop may put what it reads next."""
        return self._chunk

    def buffer_updated(self, nbytes: int) -> None:
        """Octets have come in: every whole message among them is handed on."""
        if self._transport is None or self._finishing:
            return
        self.last_active = self._listener.clock.monotonic()
        self._pending += memoryview(self._chunk)[:nbytes]
        self._dispatch()

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
        self._finishing = True
        self._pending.clear()
        self._partial_since = None
        # What still comes in is read and thrown away: closing over unread octets would reset the connection
        # and destroy answers on their way (RFC 9293 section 3.6.1).
        self._pause(False)
        if not self.outstanding and self._gathered is None and self._transport is not None:
            # The timer stays: a client that takes no answers is cut when it is due.
            self._transport.close()

    def abort(self) -> None:
        """The connection is cut now."""
        transport = self._transport
        self._release()
        if transport is not None:
            transport.abort()

    # Messages

    def _dispatch(self) -> None:
        """Hand on the whole pending messages, as far as limits allow; write what is answered at once."""
        pending, at, size = self._pending, 0, len(self._pending)
        self._gathered = []
        stored, served, malformed = self._stored(), 0, False
        while not self._full() and not self._finishing:
            start = at + 2
            if start > size:
                break
            length = pending[at] << 8 | pending[at + 1]
            if not length:
                malformed = True
                break
            if start + length > size:
                break
            at = start + length
            wire = bytes(memoryview(pending)[start:at])
            response = None if stored is None else stored(wire)
            if response is None:
                self._handle(wire)
            else:
                served += 1
                self._gather(response)
        if served:
            self._count(served)
        self._flush()
        self._gathered = None
        del pending[:at]
        if malformed or self._finishing:  # an empty message: the stream is out of step, or no DNS
            self.finish()
            return
        self._mark_partial(progress=at > 0)
        self._pause(self._full())

    def _stored(self) -> Serve | None:
        """What gives stored responses to this client now."""
        hits, allows = self._listener.hits, self._listener.allows
        return None if hits is None or (allows is not None and not allows(self.host)) else hits.begin()

    def _count(self, served: int) -> None:
        self._listener.received += served
        self._listener.sent += served
        if self._listener.hits is not None:
            self._listener.hits.served(served)

    def _handle(self, wire: bytes) -> None:
        self._listener.received += 1
        self.outstanding += 1
        try:
            self._listener.respond(wire, self._client, self._send)
        except Exception as error:
            self.outstanding -= 1
            self._listener.broke(error)

    def _send(self, wire: bytes | None) -> None:
        self.outstanding -= 1
        if self._transport is None:
            return
        if wire is not None:
            self._listener.sent += 1
        if self._gathered is not None:
            if wire is not None:
                self._gather(wire)
            return
        if wire is not None:
            framed = len(wire).to_bytes(2, "big") + wire
            if self._blocked:
                self._overdue += len(framed)
                if self._overdue > LONGEST:
                    self.abort()  # the client takes no answers, and more and more of them become ready
                    return
            self._transport.write(framed)
        if not self._blocked:
            self.last_active = self._listener.clock.monotonic()
        self._go_on()

    def _gather(self, wire: bytes) -> None:
        """`wire` is among the answers to the read that is being dispatched."""
        if self._gathered is not None:
            self._gathered.append(len(wire).to_bytes(2, "big") + wire)
            self._gathered_octets += 2 + len(wire)
            if self._gathered_octets > self._limits.write_buffer:
                self._flush()

    def _flush(self) -> None:
        if self._gathered and self._transport is not None:
            octets = b"".join(self._gathered)
            self._gathered.clear()
            self._gathered_octets = 0
            self._transport.write(octets)

    def _go_on(self) -> None:
        """Something that kept the connection back may be gone."""
        if self._finishing:
            if not self.outstanding and self._transport is not None:
                self._transport.close()
        elif self._paused and not self._full():
            self._dispatch()

    # Reading and timing

    def _full(self) -> bool:
        return self._blocked or self.outstanding >= self._limits.outstanding

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

    def _mark_partial(self, progress: bool) -> None:
        """Note since when the client owes the rest of a message; our own pauses do not count against it."""
        if not self._pending or self._full():
            self._partial_since = None
        elif progress or self._partial_since is None:
            self._partial_since = self.last_active

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
        self.abort()

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport = None
        self._finishing = True
        self._pending.clear()
        self._listener.forget(self)
