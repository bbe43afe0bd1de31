"""Decides what becomes of the queries that a connection to an upstream carries: when one is put on it, given up, told
or sent again.

Rules:
* Queries are put on a connection before it is open, and before earlier ones are answered. Each gets its reply whatever
  the order, behind the id that it was sent with.
* A connection that was open and ends with queries outstanding: each is sent once more, by another connection (RFC 7766
  section 6.2.4, RFC 9113 section 8.7), since a server that restarts, or has closed what was idle, has not read them.
  One that never opened is trouble for all.
* A query that is given up takes no connection with it: whoever asks two at once gives up the slower one. But where
  something was asked and nothing at all has come for `STUCK_S`, the way there may be broken without a sign: the
  connection takes no more queries, and is closed once none is outstanding. That all who asked have given up sooner
  makes no difference, or who asks now and then, and is impatient, would never find out.

Limits: what bounds the queries of one connection is that connection's to say; timeouts of replies are the caller's.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import Final, Protocol

from resolver.network.base import Deliver, Trouble
from resolver.network.tls_stream import TlsStream

STUCK_S: Final = 2.0
"""Seconds in which a server that is asked says nothing at all, until it is asked by another connection: less than the
time in which a client wants its answer, more than any round trip takes."""

LONGEST: Final = 65_535
"""Octets of the longest message (RFC 1035 section 4.2.2, RFC 8484 section 6)."""


class Query:
    """A `Sending` over a connection."""

    __slots__ = ("carrier", "deliver", "id", "key", "repeated", "wire")

    def __init__(self, wire: bytes, deliver: Deliver) -> None:
        """Raises OverflowError for a message of more than 65,535 octets."""
        if len(wire) > LONGEST:
            raise OverflowError
        self.id, self.wire = wire[:2], wire
        self.deliver: Deliver | None = deliver
        self.carrier: Carrier | None = None
        self.key = 0
        """What its carrier knows it by."""
        self.repeated = False

    def close(self) -> None:
        """Deliver nothing more. Calling it again does nothing."""
        if self.deliver is not None:
            self.deliver = None
            if self.carrier is not None:
                self.carrier.give_up(self)

    def finish(self, outcome: bytes | Trouble) -> None:
        """`outcome` is delivered, unless the sending was closed."""
        deliver, self.deliver, self.carrier = self.deliver, None, None
        if deliver is not None:
            deliver(outcome)


class Home(Protocol):
    """Who made a connection, and makes the next one."""

    def now(self) -> float:
        """The monotonic time in seconds."""
        ...

    def stream_for(self, above: Carrier) -> TlsStream:
        """A stream on which `above` speaks. Raises OSError and OverflowError."""
        ...

    def shaken(self, stream: TlsStream, *, fits: bool) -> None:
        """The handshake of `stream` is done, and the server `fits`: it speaks what it should."""
        ...

    def forget(self, carrier: Carrier) -> None:
        """`carrier` takes no more queries."""
        ...

    def gone(self, carrier: Carrier) -> None:
        """`carrier` is closed."""
        ...

    def fruitless(self, trouble: Trouble) -> None:
        """A connection has ended, for that reason, without a single reply to what was asked by it."""
        ...

    def failed(self, queries: Iterable[Query], trouble: Trouble, code: int = 0) -> None:
        """No connection for `queries` could be opened, for the reason that `trouble` tells; `code` is why a certificate
        was refused."""
        ...

    def again(self, query: Query, trouble: Trouble) -> None:
        """`query` was not answered: it is on its way by another connection, or `trouble` is delivered."""
        ...


class Carrier(abc.ABC):
    """A connection with the queries that are outstanding on it, each under its `key`. What it speaks is its class's."""

    MOST: int
    """Queries outstanding on it at a time."""

    def __init__(self, home: Home) -> None:
        """It begins to connect. Raises OSError and OverflowError when it fails at once."""
        self._home = home
        self.waiting: dict[int, Query] = {}
        self.leaving = False
        """Whether it takes no more queries."""
        self.fruitful = False
        """Whether a reply has come by it."""
        self.used = home.now()
        self._silent_since: float | None = None
        """When something was asked, since which nothing has come; None where nothing should come."""
        self._closed = False
        self.stream = home.stream_for(self)

    # -- what each protocol does in its own way

    def has_room(self) -> bool:
        """Whether another query may be put on it."""
        return len(self.waiting) < self.MOST

    @abc.abstractmethod
    def _say(self, query: Query) -> None:
        """`query`, which is outstanding from now on, is written, or will be when the connection is open."""

    @abc.abstractmethod
    def _unsay(self, query: Query) -> None:
        """`query` is outstanding no more: nobody wants its reply."""

    @abc.abstractmethod
    def _begin(self, protocol: str) -> Trouble | None:
        """The stream is open: what was put leaves; or the trouble of a server that has agreed on another `protocol`."""

    @abc.abstractmethod
    def _hear(self, octets: bytes) -> Trouble | None:
        """What `octets` say is told; or why nothing more may be heard from that server on this connection."""

    # -- what the owner and the queries call

    def put(self, query: Query) -> None:
        """`query` is on its way."""
        self.used = self._home.now()
        if self._silent_since is None:
            self._silent_since = self.used
        query.carrier = self
        self._say(query)

    def give_up(self, query: Query) -> None:
        """Nobody waits for a reply to `query` any more."""
        query.carrier = None
        self._unsay(query)
        if self.is_stuck(self._home.now()) or self.leaving:
            self.leave()

    def is_stuck(self, now: float) -> bool:
        """Whether something was asked long ago and nothing at all has come since."""
        return self._silent_since is not None and now >= self._silent_since + STUCK_S

    def leave(self) -> None:
        """No query is put on it any more; closed as soon as none is outstanding."""
        if not self.leaving:
            self.leaving = True
            self._home.forget(self)
        if not self.waiting:
            self.close()

    def close(self) -> None:
        """Nothing more is delivered. Calling it again does nothing."""
        if self._closed:
            return
        self._closed = True
        for query in self.waiting.values():
            query.carrier = None
        self.waiting.clear()
        self.stream.close()
        if not self.leaving:
            self.leaving = True
            self._home.forget(self)
        self._home.gone(self)

    # -- what the stream calls

    def opened(self, protocol: str) -> None:
        """The server is whom it should be, and has agreed on `protocol`."""
        trouble = self._begin(protocol)
        self._spoke()
        self._home.shaken(self.stream, fits=trouble is None)
        if trouble is not None:
            queries = tuple(self.waiting.values())
            self.close()
            self._home.failed(queries, trouble)

    def received(self, octets: bytes) -> None:
        """`octets` have come in."""
        trouble = self._hear(octets)
        self._spoke()
        if trouble is not None and not self._closed:
            self.ended(trouble)
        elif self.leaving and not self.waiting:
            self.close()

    def ended(self, trouble: Trouble) -> None:
        """The stream has ended: what is outstanding is sent once more, or has `trouble`."""
        queries, opened = tuple(self.waiting.values()), self.stream.shaken
        self.close()
        if queries and not self.fruitful:
            self._home.fruitless(trouble)
        if not opened:
            self._home.failed(queries, trouble, self.stream.code)
            return
        for query in queries:
            self._home.again(query, trouble)

    def _reply(self, query: Query, message: bytes) -> None:
        """`query`, which is not outstanding any more, has its reply."""
        self.fruitful = True
        query.finish(message)

    def _spoke(self) -> None:
        """The server has just said something."""
        self._silent_since = self._home.now() if self._awaits() else None

    def _awaits(self) -> bool:
        """Whether the server still has something to say."""
        return bool(self.waiting)
