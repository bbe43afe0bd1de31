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
* What is stored is answered without more ado, unless the client may not ask any more (`access.py`).
* A client that has sent its last octet still gets the answers to what it asked.

Whether the octets came as they are or by TLS (`tls.py`) is not known here.

Limits: `TcpLimits`; a connection holds one incomplete message of at most 65,535 octets beside what one read brought,
and the write buffer, over which one read's answers can go by one message. All share one buffer to read into. Its timer
runs about once per `message_seconds`, not once per query.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from resolver.message import Client
from resolver.network.base import Timer

if TYPE_CHECKING:
    from resolver.server.tcp import TcpListener

READ: Final = 16384
"""Octets read at a time: some 60 queries. `data_received` of asyncio would allocate 256 KiB each time."""

LONGEST: Final = 2 + 65_535
"""Octets of the longest message with its length."""


class Connection(asyncio.BufferedProtocol):
    """One client on one connection."""

    def __init__(self, listener: TcpListener) -> None:
        self._listener, self._limits = listener, listener.places.limits
        self._transport: asyncio.Transport | None = None
        self._client = Client("", 0, listener.transport)
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
        self._client = Client(peer[0], peer[1], self._listener.transport)
        if not self._listener.admit(self):
            stream.abort()
            return
        self._transport = stream
        stream.set_write_buffer_limits(high=self._limits.write_buffer)
        self.last_active = self._listener.clock.monotonic()
        self._watch(self._listener.places.idle_seconds())

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the loop may put what it reads next."""
        return self._listener.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Octets have come in: every whole message among them is handed on."""
        self.received(bytes(memoryview(self._listener.buffer)[:nbytes]))

    def received(self, octets: bytes) -> None:
        """`octets` have come in: every whole message among them is handed on."""
        if self._transport is None or self._finishing:
            return
        self.last_active = self._listener.clock.monotonic()
        if self._pending:
            self._pending += octets
            if self._is_short():
                return
            octets = bytes(self._pending)
        self._dispatch(octets)

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

    def _dispatch(self, octets: bytes) -> None:
        """Hand on the whole messages of `octets`, as far as limits allow; write what is answered at once."""
        listener, at, size, taken = self._listener, 0, len(octets), 0
        stored, most = listener.stored_for(self._client.host), self._limits.write_buffer
        self._gathered = gathered = []
        going, malformed = not self._full(), False
        while going:
            start = at + 2
            if start > size:
                break
            length = octets[at] << 8 | octets[at + 1]
            if not length:
                malformed = True
                break
            if start + length > size:
                break
            at = start + length
            wire = octets[start:at]
            taken += 1
            try:
                response = stored(wire)
            except Exception as error:
                listener.broke(error)
                continue
            if response is None:
                self._handle(wire)
            else:
                gathered.append(len(response).to_bytes(2, "big") + response)
                self._gathered_octets += len(response)
                if self._gathered_octets <= most:
                    continue
                self._flush()
            going = not self._full() and not self._finishing
        listener.received += taken
        self._flush()
        self._gathered = None
        self._pending = bytearray(octets[at:])
        if malformed or self._finishing:  # an empty message: the stream is out of step, or no DNS
            self.finish()
            return
        self._mark_partial(progress=at > 0)
        self._pause(self._full())

    def _is_short(self) -> bool:
        """Whether what is pending is less than one message."""
        pending = self._pending
        return len(pending) < 2 or len(pending) < 2 + (pending[0] << 8 | pending[1])

    def _handle(self, wire: bytes) -> None:
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
        if self._gathered is not None:
            if wire is not None:
                self._gathered.append(len(wire).to_bytes(2, "big") + wire)
                self._gathered_octets += len(wire)
                if self._gathered_octets > self._limits.write_buffer:
                    self._flush()
            return
        if wire is not None:
            self._listener.sent += 1
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

    def _flush(self) -> None:
        if self._gathered and self._transport is not None:
            self._listener.sent += len(self._gathered)
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
            self._dispatch(bytes(self._pending))

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
