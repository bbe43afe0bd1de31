"""Decides which connection to one encrypted upstream carries a query, when another is opened, and when none is.

Rules:
* One connection is kept and carries all (RFC 7858 section 3.4, RFC 9113 section 9.1); another is opened only when that
  has no room, and four at most. Beyond it is `Trouble.BUSY`, as it is where `MAX_OPEN` are open that take no more
  queries, but still have some. After `IDLE_S` without a query a connection is closed.
* A connection takes up the session of an earlier one, each session once (RFC 8446 appendix C.4). Since that one was to
  the same name, by the same trust, its certificate had been found right.
* Who has ended `FRUITLESS` connections in a row without a reply to what was asked by them gets no other for
  `HELD_OFF_S`; one that is open, and has room, is still used.
* A server that no TLS or no HTTP/2 can be spoken with, or whose certificate is refused, is not tried again for
  `HELD_OFF_S`: until then all get that same trouble at once. Each such trouble that is another than the last is told to
  who looks after it.
* Where a certificate is refused, who asked waits a moment until it is known what is wrong with it (`inspecting`).

Limits: `MAX_PIPELINED` or so on each connection; as many wait for an inspection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ssl import SSLContext, SSLSession
from typing import Final, NamedTuple, Protocol

from resolver.message import Transport
from resolver.network.base import Clock, Deliver, Sending, Trouble, Upstream
from resolver.network.carrying import Carrier, Query
from resolver.network.dot import DotConnection
from resolver.network.inspecting import Inspection
from resolver.network.poller import Poller
from resolver.network.tls_stream import TlsStream
from resolver.network.troubles import local_trouble_of
from resolver.network.undelivered import Undelivered

PER_SERVER: Final = 4
"""Connections to one upstream that take queries."""

MAX_OPEN: Final = 16
"""Connections to one upstream that are open, those among them that take no more queries. A server that leaves each as
soon as it has a query, and never answers, would otherwise have all sockets that there are."""

FRUITLESS: Final = 3
"""Connections in a row that ended without a reply, after which no other is opened for a while: a server that restarts
may end one or two."""

IDLE_S: Final = 20.0
"""Seconds without a query after which a connection is closed. Servers close theirs after 10 to 30 s."""

HELD_OFF_S: Final = 1.0
"""Seconds for which a server is not tried again after a handshake that cannot succeed: a handshake costs both sides as
much as a hundred queries."""

MAX_HELD: Final = 256
"""Queries that wait for an inspection."""

_LASTING: Final = (Trouble.NO_TLS, Trouble.UNTRUSTED, Trouble.HTTP)
"""What another connection would not change soon."""

_BY_IT: Final = (Trouble.RESET, Trouble.HTTP, Trouble.NO_TLS)
"""How a connection ends by what its server does."""


class Terms(NamedTuple):
    """How an upstream is spoken to: whom `context` trusts, over HTTPS whether requests are GET (else POST), and from
    which address, "" for any."""

    upstream: Upstream
    context: SSLContext
    gets: bool = False
    source: str = ""

    @property
    def name(self) -> str:
        """Whom its certificate must be for: a host name, or its address without a zone."""
        return self.upstream.name or self.upstream.endpoint.host.partition("%")[0]


@dataclass(slots=True)
class EncryptedTally:
    """Counts since the start."""

    tls_sent: int = 0
    https_sent: int = 0
    handshakes: int = 0
    resumed: int = 0
    failed: int = 0
    refused: int = 0
    repeated: int = 0
    fruitless: int = 0


class Means(Protocol):
    """What all peers have in common."""

    poller: Poller
    clock: Clock
    tally: EncryptedTally
    told: Callable[[Upstream, Trouble], None] | None

    def may_open(self) -> bool:
        """Whether there is room for another socket."""
        ...


class Peer:
    """An upstream over TLS or HTTPS, with the connections to it."""

    def __init__(self, terms: Terms, means: Means) -> None:
        self.terms, self._means = terms, means
        self.carriers: list[Carrier] = []
        """Connections that take queries."""
        self.used = 0.0
        self._open: set[Carrier] = set()
        self._session: SSLSession | None = None
        self._refusal: Trouble | None = None
        self._held_off_until = 0.0
        self._fruitless = 0
        self._ended_with: Trouble = Trouble.RESET
        self._rests_until = 0.0
        self._told = ""
        self._inspection: Inspection | None = None
        self._held: list[Query] = []

    def send(self, wire: bytes, deliver: Deliver) -> Sending:
        """`wire` is on its way; see `base.Network`."""
        try:
            query = Query(wire, deliver)
            trouble = self._put(query)
        except (OSError, OverflowError) as error:  # no such port or length, or no connection to be had from here
            trouble = local_trouble_of(error)
        return query if trouble is None else Undelivered(self._means.clock, deliver, trouble)

    def sweep(self, now: float) -> bool:
        """Connections that are idle or stuck at the monotonic time `now` take no more queries; whether any is open."""
        for carrier in tuple(self.carriers):
            if carrier.is_stuck(now):
                carrier.leave()
            elif not carrier.waiting and now >= carrier.used + IDLE_S:
                carrier.close()
        return bool(self._open)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is open, and nobody waits."""
        return not self._open and self._inspection is None

    def close(self) -> None:
        """Nothing more is delivered, and no connection is open. Calling it again does nothing."""
        if self._inspection is not None:
            self._inspection.close()
            self._inspection = None
        self._held.clear()
        for carrier in tuple(self._open):
            carrier.close()

    def _put(self, query: Query) -> Trouble | None:
        """`query` is on its way, or cannot be for that trouble."""
        now = self.used = self.now()
        if self._inspection is not None:
            if len(self._held) >= MAX_HELD:
                return self._refusal
            self._held.append(query)
            return None
        if self._refusal is not None and now < self._held_off_until:
            return self._refusal
        for carrier in tuple(self.carriers):
            if carrier.is_stuck(now):
                carrier.leave()
            elif carrier.has_room():
                carrier.put(query)
                return None
        if len(self.carriers) >= PER_SERVER or len(self._open) >= MAX_OPEN:
            return Trouble.BUSY
        if now < self._rests_until:
            return self._ended_with
        if not self._means.may_open():
            return Trouble.LOCAL
        carrier = self._new()
        self.carriers.append(carrier)
        self._open.add(carrier)
        carrier.put(query)
        return None

    def _new(self) -> Carrier:
        if self.terms.upstream.transport is Transport.TLS:
            return DotConnection(self)
        from resolver.network.https import HttpsConnection

        return HttpsConnection(self, self.terms)

    # -- what connections call

    def now(self) -> float:
        """The monotonic time in seconds."""
        return self._means.clock.monotonic()

    def stream_for(self, above: Carrier) -> TlsStream:
        """A stream on which `above` speaks. Raises OSError and OverflowError."""
        session, self._session = self._session, None
        terms, means = self.terms, self._means
        upstream = terms.upstream
        return TlsStream(
            means.poller,
            means.clock,
            upstream.endpoint,
            above,
            terms.context,
            terms.name,
            session,
            pins=upstream.pins,
            source=terms.source,
        )

    def shaken(self, stream: TlsStream, *, fits: bool) -> None:
        """The handshake of `stream` is done, and the server `fits`: it speaks what it should."""
        tally = self._means.tally
        tally.handshakes += 1
        tally.resumed += stream.resumed
        if fits:
            self._refusal, self._told = None, ""

    def forget(self, carrier: Carrier) -> None:
        """`carrier` takes no more queries."""
        if carrier in self.carriers:
            self.carriers.remove(carrier)

    def gone(self, carrier: Carrier) -> None:
        """`carrier` is closed: the next connection may take up its session."""
        if carrier.fruitful:
            self._fruitless, self._rests_until = 0, 0.0
        self._open.discard(carrier)
        self._session = carrier.stream.session or self._session

    def fruitless(self, trouble: Trouble) -> None:
        """A connection has ended, for that reason, without a single reply to what was asked by it."""
        if trouble.kind in _BY_IT:
            self._fruitless += 1
            self._means.tally.fruitless += 1
            if self._fruitless >= FRUITLESS:
                self._ended_with, self._rests_until = trouble, self.now() + HELD_OFF_S

    def failed(self, queries: Iterable[Query], trouble: Trouble, code: int = 0) -> None:
        """No connection for `queries` could be opened, for the reason that `trouble` tells; `code` is why a certificate
        was refused."""
        if trouble.kind in _LASTING:
            self._means.tally.failed += 1
            self._refusal = trouble
            self._held_off_until = self.now() + HELD_OFF_S
            if code:
                self._inspect([*queries], trouble, code)
                return
            self._tell(trouble)
        for query in queries:
            query.finish(trouble)

    def again(self, query: Query, trouble: Trouble) -> None:
        """`query` was not answered: it is on its way by another connection, or `trouble` is delivered."""
        if query.deliver is None:  # closed by the receiver of another
            return
        why: Trouble | None = trouble
        if not query.repeated:
            query.repeated = True
            try:
                why = self._put(query)
            except (OSError, OverflowError):
                why = trouble
        if why is None:
            self._means.tally.repeated += 1
        else:
            query.finish(why)

    def refused(self, query: Query, trouble: Trouble) -> None:
        """A response to `query` came that is no reply, as `trouble` tells."""
        self._means.tally.refused += 1
        query.finish(trouble)

    # -- a certificate that is refused

    def _inspect(self, queries: list[Query], trouble: Trouble, code: int) -> None:
        """`queries` have their trouble when it is known what is wrong with the certificate."""
        self._held += queries
        if self._inspection is None:
            terms, means = self.terms, self._means
            self._inspection = Inspection(
                means.poller, means.clock, terms.upstream, terms.name, trouble, code, source=terms.source
            )
            self._inspection.begin(self._inspected)

    def _inspected(self, trouble: Trouble) -> None:
        self._inspection = None
        self._refusal, self._held_off_until = trouble, self.now() + HELD_OFF_S
        self._tell(trouble)
        held, self._held = self._held, []
        for query in held:
            query.finish(trouble)

    def _tell(self, trouble: Trouble) -> None:
        if str(trouble) != self._told:
            self._told = str(trouble)
            if self._means.told is not None:
                self._means.told(self.terms.upstream, trouble)
