"""Decides what becomes of the messages of one connection over which DNS is spoken as it is, each behind its length
(RFC 7766).

Rules:
* Many queries per connection, answered as they are ready, not in their order (sections 6.2.1.1 and 7). All
  whole messages of one read whose answers are immediate are answered with one write; length and message go
  together (section 8).
* Reading pauses while `outstanding` queries are unanswered, too.
* What is stored is answered without more ado, unless the client may not ask any more (`access.py`).

What holds of any connection is in `served.py`.

Limits: `TcpLimits`; a connection holds one incomplete message of at most 65,535 octets beside what one read brought,
and the write buffer, over which one read's answers can go by one message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resolver.server.served import LONGEST, Served

if TYPE_CHECKING:
    from resolver.server.tcp import TcpListener


class Connection(Served):
    """One client on one connection."""

    def __init__(self, listener: TcpListener) -> None:
        super().__init__(listener)
        self._pending = bytearray()
        self._gathered: list[bytes] | None = None
        """While a read is dispatched: the answers it has got so far."""
        self._gathered_octets = 0

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

    # Messages

    def _dispatch(self, octets: bytes) -> None:
        """Hand on the whole messages of `octets`, as far as limits allow; write what is answered at once."""
        listener, at, size, taken, served = self._listener, 0, len(octets), 0, 0
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
                served += 1
                gathered.append(len(response).to_bytes(2, "big") + response)
                self._gathered_octets += len(response)
                if self._gathered_octets <= most:
                    continue
                self._flush()
            going = not self._full() and not self._finishing
        listener.took(taken, served)
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

    # Reading

    def _full(self) -> bool:
        return self._blocked or self.outstanding >= self._limits.outstanding

    def _mark_partial(self, progress: bool) -> None:
        """Note since when the client owes the rest of a message; our own pauses do not count against it."""
        if not self._pending or self._full():
            self._partial_since = None
        elif progress or self._partial_since is None:
            self._partial_since = self.last_active

    def _release(self) -> None:
        super()._release()
        self._pending.clear()
