"""Decides how messages travel in a simulated internet: a table of servers in this process, and links that
fail.

Rules:
* A server is a `Respond` under its address, for every port, or under an `Endpoint`; several addresses may
  lead to the same server. An address that is not in the table does not exist: `Trouble.UNDECLARED`.
* A link has latency, jitter and faults of the network: loss, duplication, reordering, and a forger who is
  faster than the server. What a server itself does wrong is `faults.Faulty`.
* Streams cost a round trip more, for their handshake. They are reliable, but for links on which a `Stream` word or
  `octet_ms` says what becomes of them.
* What a server sends `Oddly` comes more than once, from elsewhere (which a connected socket does not take), or by a
  stream that ends as it says.
* Each sender has an address of its own, by which servers tell it from others (`at`).
* All chance is drawn from the entropy handed in, in the order of events: the same seed gives the same run.
* Everything is delivered from the loop.

Limits: the history keeps the last `HISTORY` messages, or as many as asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from resolver.message import Client, Respond, Transport
from resolver.network.base import Clock, Deliver, Endpoint, Entropy, Network, Reuse, Sending, Trouble
from resolver.network.forging import garbage, wrong_id, wrong_question
from resolver.network.oddly import Oddly, Stream
from resolver.network.undelivered import Undelivered

HISTORY: Final = 1_000
"""Messages remembered for assertions and transcripts."""

OVERTAKEN_MS: Final = 10.0
"""Milliseconds beyond the link's latency by which a reordered datagram is late."""

FORGERIES: Final = ("garbage", "wrong_id", "wrong_question")
"""What a forger can send who does not see the query."""


@dataclass(frozen=True, slots=True)
class Link:
    """What lies between the sender and one server. Shares are from 0 to 1. Raises ValueError for others."""

    latency_ms: float = 0.0
    """Milliseconds of a round trip."""
    jitter_ms: float = 0.0
    """Up to so many milliseconds more, evenly spread."""
    loss: float = 0.0
    """The share of datagrams that are lost, in each direction."""
    duplication: float = 0.0
    """The share of replies that arrive twice."""
    reordering: float = 0.0
    """The share of replies that are late enough to be overtaken."""
    forgery: str | None = None
    """One of `FORGERIES`: such a datagram arrives just before each reply."""
    stream: str | None = None
    """One of `Stream`."""
    octet_ms: float = 0.0
    """Milliseconds before each octet of a stream: the reply is delivered when its last one is in."""

    def __post_init__(self) -> None:
        if min(self.latency_ms, self.jitter_ms, self.octet_ms) < 0:
            raise ValueError("latency_ms, jitter_ms and octet_ms are 0 or more")
        if not all(0 <= share <= 1 for share in (self.loss, self.duplication, self.reordering)):
            raise ValueError("loss, duplication and reordering are shares from 0 to 1")
        if self.forgery is not None and self.forgery not in FORGERIES:
            raise ValueError(f"forgery {self.forgery!r} is none of: {', '.join(FORGERIES)}")
        if self.stream is not None and self.stream not in set(Stream):
            raise ValueError(f"stream {self.stream!r} is none of: {', '.join(Stream)}")


@dataclass(slots=True)
class Exchanged:
    """One message that was sent, and what became of it."""

    time: float
    """Monotonic, when it was sent."""
    to: Endpoint
    transport: Transport
    wire: bytes
    response: bytes | Trouble | None = None
    """What the server replied, even if it was lost or came too late; or the trouble; None for silence."""
    delivered: int = 0
    """How many messages reached the sender."""


class SimulatedNetwork:
    """The `Network` of tests, and of the daemon with `--in-memory`."""

    def __init__(
        self,
        servers: Mapping[str, Respond] | Mapping[Endpoint, Respond] | Mapping[str | Endpoint, Respond],
        clock: Clock,
        entropy: Entropy,
        *,
        link: Link | None = None,
        links: Mapping[str, Link] | None = None,
        source: str = "127.0.0.1",
        history: int = HISTORY,
    ) -> None:
        self._servers: dict[str | Endpoint, Respond] = dict(servers.items())
        self._clock, self._entropy, self._source = clock, entropy, source
        self._link = link or Link()
        self._links = dict(links or {})
        self._silenced: set[str] = set()
        self._partitioned = False
        self.history: deque[Exchanged] = deque(maxlen=history)
        """What was sent, oldest first."""

    def declare(self, where: str | Endpoint, respond: Respond, link: Link | None = None) -> None:
        """`respond` answers at `where` from now on, over `link` if that is given."""
        self._servers[where] = respond
        if link is not None:
            self._links[where if isinstance(where, str) else where.host] = link

    def silence(self, *hosts: str) -> None:
        """Nothing reaches `hosts` or comes back from them; with no hosts named, nothing reaches anybody."""
        self._silenced.update(hosts)
        self._partitioned = self._partitioned or not hosts

    def restore(self, *hosts: str) -> None:
        """`hosts`, or everybody, can be reached again."""
        if hosts:
            self._silenced.difference_update(hosts)
        else:
            self._silenced.clear()
            self._partitioned = False

    def at(self, source: str) -> Network:
        """The same network, for who sends from the address `source`."""
        return _At(self, source)

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to `to`; see `base.Network`. There are no sockets that could be shared."""
        return self.send_from(self._source, to, wire, transport, deliver)

    def send_from(self, source: str, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver) -> Sending:
        """`wire` is on its way from the address `source`."""
        exchanged = Exchanged(self._clock.monotonic(), to, transport, wire)
        self.history.append(exchanged)
        respond = self._servers.get(to)
        if respond is None:
            respond = self._servers.get(to.host)
        if respond is None:
            exchanged.response = Trouble.UNDECLARED
            exchanged.delivered = 1
            return Undelivered(self._clock, deliver, Trouble.UNDECLARED)
        journey = _Journey(exchanged, deliver)
        link = self._links.get(to.host, self._link)
        if transport is Transport.UDP and self._happens(link.loss):
            return journey
        # A stream is opened first: one round trip before the message leaves (RFC 9293 section 3.5).
        trips = 0.5 if transport is Transport.UDP else 1.5
        self._clock.after(trips * link.latency_ms / 1000, partial(self._arrive, journey, link, respond, source))
        return journey

    def _arrive(self, journey: _Journey, link: Link, respond: Respond, source: str) -> None:
        """The message is at the server. It answers even if the sender has lost interest."""
        exchanged = journey.exchanged
        if self._cut_off(exchanged.to.host):
            return
        client = Client(source, 1024 + self._entropy.bits(15), exchanged.transport)
        respond(exchanged.wire, client, partial(self._reply, journey, link))

    def _reply(self, journey: _Journey, link: Link, response: bytes | None) -> None:
        exchanged = journey.exchanged
        if response is None:
            return
        copies = 1
        if isinstance(response, Oddly):
            copies = 0 if response.source else response.copies
            link = replace(link, stream=response.stream or link.stream, octet_ms=response.octet_ms or link.octet_ms)
            response = bytes(response)
        exchanged.response = response
        seconds = link.latency_ms / 2000
        if link.jitter_ms:
            seconds += link.jitter_ms * self._entropy.fraction() / 1000
        if exchanged.transport is not Transport.UDP:
            self._stream(journey, link, response, seconds)
            return
        messages = [] if link.forgery is None else [self._forged(link.forgery, response)]
        if not self._happens(link.loss):
            messages += [response] * (copies + (copies > 0 and self._happens(link.duplication)))
        if self._happens(link.reordering):
            seconds += (link.latency_ms + OVERTAKEN_MS) / 1000
        if messages:
            self._clock.after(seconds, partial(self._deliver, journey, messages))

    def _stream(self, journey: _Journey, link: Link, response: bytes, seconds: float) -> None:
        """`response` comes by the stream, or what the link makes of it."""
        if link.stream == Stream.HANGING:
            return
        octets = 2 + (0 if link.stream == Stream.EMPTY else len(response))  # its length goes before a message
        if link.stream == Stream.CUT:
            octets //= 2
        came: bytes | Trouble = response if link.stream is None else Trouble.RESET
        seconds += 0.0 if link.stream == Stream.RESET else octets * link.octet_ms / 1000
        self._clock.after(seconds, partial(self._deliver, journey, (came,)))

    def _deliver(self, journey: _Journey, messages: Sequence[bytes | Trouble]) -> None:
        if not self._cut_off(journey.exchanged.to.host):
            for message in messages:
                journey.deliver(message)

    def _cut_off(self, host: str) -> bool:
        return self._partitioned or host in self._silenced

    def _happens(self, share: float) -> bool:
        return bool(share) and self._entropy.fraction() < share

    def _forged(self, forgery: str, response: bytes) -> bytes:
        if forgery == "garbage":
            return garbage(self._entropy)
        return wrong_id(response) if forgery == "wrong_id" else wrong_question(response)


class _At:
    """A `Network` for one sender."""

    def __init__(self, network: SimulatedNetwork, source: str) -> None:
        self._network, self._source = network, source

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """See `base.Network`."""
        return self._network.send_from(self._source, to, wire, transport, deliver)


class _Journey:
    """A message on its way; what comes back is delivered until it is closed."""

    __slots__ = ("_deliver", "exchanged")

    def __init__(self, exchanged: Exchanged, deliver: Deliver) -> None:
        self.exchanged = exchanged
        self._deliver: Deliver | None = deliver

    def deliver(self, message: bytes | Trouble) -> None:
        """The sender gets `message`, unless it has closed."""
        if self._deliver is not None:
            self.exchanged.delivered += 1
            self._deliver(message)

    def close(self) -> None:
        """Deliver nothing more. Calling it again does nothing."""
        self._deliver = None
