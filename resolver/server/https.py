"""Decides what becomes of a connection over which HTTPS is spoken: which version of HTTP, what is asked of whom, how
much of it at a time (RFC 8484).

Rules:
* HTTP/2 where the client offers it (ALPN, RFC 9113 section 3.2), else HTTP/1.1. What each says is for `http2.py` and
  `http1.py`, what a request asks for `doh.py`.
* All that one read asks and that is stored is answered with one write, as long as that is `TcpLimits.write_buffer` at
  most; then with several, and what is left of the read waits while the client takes none. What is not stored is handed
  to `respond`, at most `streams` of one connection at a time: also of those that the client has given up, as they are
  worked on all the same (CVE-2023-44487). Where a read asks for more work than `PER_TURN` requests, the rest of it
  waits for a later turn of the loop.
* Places, times and pauses are those of TCP (`served.py`). A connection counts as used when it asks or takes something:
  with pings alone nobody keeps a place.
* Who is not told anything, as a rule may want it, has his stream reset, or over HTTP/1.1 his connection closed.

Limits: `terms.py`; for a client that takes nothing, one write buffer and one message more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from resolver.cache.answers import Serve
from resolver.message import Respond, Session, Transport
from resolver.network.base import Clock, Timer
from resolver.server.handshakes import Handshakes
from resolver.server.hits import Hits
from resolver.server.memo import Memo
from resolver.server.places import Places
from resolver.server.served import LONGEST, Served
from resolver.server.tcp import TcpListener
from resolver.server.terms import Https
from resolver.server.tls import TlsStream

H2: Final = "h2"
"""HTTP/2 as ALPN has it (RFC 9113 section 3.1)."""


PER_TURN: Final = 32
"""Requests of a connection that are read the long way in one turn of the loop: `h2` takes some 150 us for each, and a
read can hold 1,260 of them."""


class Speaker(Protocol):
    """What speaks a version of HTTP for a connection."""

    over: bool
    """Whether nothing more is answered."""
    behind: bool
    """Whether more has come in than was read, since the answers to it had no room."""
    partial_since: float | None
    """Since when the client owes the rest of a request."""

    unsent: int
    """Octets of answers for which the client has given no room yet."""

    def receive(self, octets: bytes) -> None:
        """`octets` have come in, and what they ask is handed to `ask`, until the connection is `full`."""
        ...

    def answer(self, token: int, response: bytes | None) -> None:
        """The request `token` is answered with the DNS message `response`, or it is told nothing."""
        ...

    def finish(self) -> None:
        """No further request is taken, and the client knows."""
        ...

    def octets(self) -> bytes:
        """What is to be written now."""
        ...


class HttpsListener(TcpListener):
    """Answers what is asked over HTTPS on the connections of `sock`. Owns the socket."""

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
        https: Https | None = None,
    ) -> None:
        """See `TcpListener`; `https` has the terms, and counts."""
        super().__init__(loop, sock, respond, clock, places, hits, allows, handshakes)
        self.transport = Transport.HTTPS
        self.https = https or Https()
        self._memo, self._known_for = Memo(), self.https.terms

    @property
    def memo(self) -> Memo:
        """What is known of requests on the terms in force."""
        if self._known_for is not self.https.terms:
            self._memo, self._known_for = Memo(), self.https.terms
        return self._memo

    def connect(self) -> asyncio.BufferedProtocol:
        """What the loop is to tell of a connection that is new."""
        assert self._handshakes is not None
        return TlsStream(HttpsConnection(self), self, self._handshakes)


class HttpsConnection(Served):
    """One client on one connection."""

    def __init__(self, listener: HttpsListener) -> None:
        super().__init__(listener)
        self.listener, self.https = listener, listener.https
        self.server_name = ""
        self.stored: Serve = _nothing
        """While a read is dispatched: what gives stored responses."""
        self.asked = self.served = 0
        """Of the read that is dispatched: requests, and those that were answered with what is stored."""
        self.full = False
        """Whether what is ready is to be written before more is read."""
        self._ready = 0
        """Octets of stored answers that are to be written."""
        self._long = 0
        """Requests of the read that is dispatched that had to be read the long way."""
        self._later: Timer | None = None
        """While the rest of a read waits for a later turn."""
        self._speaker: Speaker | None = None
        self._in_turn = self._ended = self._held = False

    @property
    def now(self) -> float:
        """The monotonic time."""
        return self._listener.clock.monotonic()

    @property
    def finishing(self) -> bool:
        """Whether no further request is taken."""
        return self._finishing

    # What TLS calls

    def shaken(self, server_name: str, protocol: str) -> None:
        """HTTP is spoken from now on, of the version that `protocol` says."""
        self.server_name = server_name
        if protocol == H2:
            from resolver.server.http2 import Http2

            self._speaker = Http2(self)
        else:
            from resolver.server.http1 import Http1

            self._speaker = Http1(self)
        self.flush()

    def received(self, octets: bytes) -> None:
        """`octets` have come in: every whole request among them is answered, or handed on."""
        self._read(octets)
        self._catch_up()

    def _catch_up(self) -> None:
        """What was left of a read is read, as far as the client takes the answers; where it is work, in a later turn,
        and nothing more comes in before."""
        while self._speaker is not None and self._speaker.behind and not self._blocked:
            if self._long >= PER_TURN and not self._finishing:
                if self._later is None:
                    self.https.put_off += 1
                    self._later = self._listener.clock.after(0.0, self._go_through)
                break
            self._read(b"")
        self.hold(self._held)

    def _go_through(self) -> None:
        """Others have had their turn."""
        self._later = None
        if not self._blocked:
            self._read(b"")
            self._catch_up()
        transport = self._transport
        if transport is not None and self._ended and not self.eof_received():
            transport.close()

    def _read(self, octets: bytes) -> None:
        speaker = self._speaker
        if self._transport is None or speaker is None:
            return
        self._long = 0
        self.stored, self._in_turn = self._listener.stored_for(self._client.host), True
        try:
            speaker.receive(octets)
        except Exception as error:
            self._listener.broke(error)
            self._in_turn = False
            self.abort()
            return
        self._in_turn, self.stored = False, _nothing
        if self.asked:
            self.last_active = self.now
            self._listener.took(self.asked, self.served)
            self.asked = self.served = 0
        self._partial_since = speaker.partial_since
        self.flush()
        self.settle()

    def eof_received(self) -> bool:
        """The client will ask nothing more; True keeps the connection until it has its answers."""
        self._ended = True
        return self._later is not None or super().eof_received()

    # What HTTP calls

    def ask(self, token: int, wire: bytes, session: Session) -> bytes | None:
        """The response to `wire` if it is stored; else the speaker gets it to the request `token` in due time."""
        response = self.stored(wire)
        if response is not None:
            self.took(len(response))
            return response
        self.asked += 1
        self.outstanding += 1
        try:
            self._listener.respond(wire, self._client._replace(session=session), partial(self._send, token))
        except Exception as error:
            self.outstanding -= 1
            self._listener.broke(error)
            if self._speaker is not None:
                self._speaker.answer(token, None)
        return None

    def weighs(self) -> None:
        """A request is read the long way, and only so many of them are in one turn."""
        self._long += 1
        if self._long >= PER_TURN and not self._finishing:
            self.full = True

    def took(self, octets: int) -> None:
        """A request was answered with what is stored, so many `octets`."""
        self._ready += octets
        if self._ready > self._limits.write_buffer and not self._finishing:
            self.full = True
        self.asked += 1
        self.served += 1
        self._listener.sent += 1

    def hold(self, held: bool) -> None:
        """Nothing more is read while it is `held`, while the client takes nothing, or while there is a rest to be
        read."""
        self._held = held
        self._pause((held or self._blocked or self._later is not None) and not self._finishing)

    # Ends

    def finish(self) -> None:
        """No request is taken any more; the connection is closed when the client has its answers."""
        if not self._finishing:
            self._finishing, self.full = True, False
            if self._speaker is not None:
                self._speaker.finish()
                self.flush()
        self._partial_since = None
        self._pause(False)  # see `Connection.finish`
        self.settle()

    def settle(self) -> None:
        """Where nothing is owed any more, an end that was begun is one."""
        speaker = self._speaker
        if not self._finishing or self._in_turn or self._transport is None:
            return
        if speaker is None or speaker.over or (not self.outstanding and (self._ended or not speaker.unsent)):
            self.flush()
            if self._transport is not None:
                self._transport.close()

    def flush(self) -> None:
        """What HTTP has to say is on its way."""
        if self._transport is None or self._speaker is None or self._in_turn:
            return
        octets = self._speaker.octets()
        self._ready, self.full = 0, False
        if not octets:
            return
        if self._blocked:
            self._overdue += len(octets)
            if self._overdue > LONGEST:
                self.abort()  # the client takes no answers, and more and more of them become ready
                return
        self._transport.write(octets)

    def _send(self, token: int, response: bytes | None) -> None:
        self.outstanding -= 1
        if self._transport is None or self._speaker is None:
            return
        if response is not None:
            self._listener.sent += 1
        self._speaker.answer(token, response)
        if not self._blocked:
            self.last_active = self.now
        if not self._in_turn:
            self.flush()
            self.settle()
            self._catch_up()

    def _go_on(self) -> None:
        """The client takes its answers again."""
        self.hold(self._held)
        self.settle()
        self._catch_up()

    def _owes(self) -> bool:
        """Whether the client must take something."""
        return self._blocked or (self._speaker is not None and self._speaker.unsent > 0)

    def _expire(self) -> None:
        """Who was idle is told the end of it; who is slow, or was told, is cut."""
        if self._finishing or self._owes() or self._partial_since is not None or self._speaker is None:
            self.abort()
            return
        self._watch(self._listener.places.idle_seconds())
        self.finish()

    def _release(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        super()._release()
        self._speaker = None


def _nothing(_: bytes) -> None:
    """No response is stored."""
