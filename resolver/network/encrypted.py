"""Decides how messages to upstreams travel over TLS and HTTPS: as whom they are met, and how much of that there may be.

Rules:
* Queries are padded to a multiple of 128 octets (RFC 8467 section 4.1), so that their length tells no name.
* What is known of an upstream, its connections and its session, goes by its terms: another name, other authorities or
  another path are another upstream. So a reload that changes none of these ends no connection.
* Contexts are made once for the same authorities, since sessions are taken up only within one.

Limits: `share` connections in all. Upstreams without a query for `FORGOTTEN_S` are forgotten when others are met, and
beyond `MAX_PEERS` the one that was not asked for longest. Timeouts of replies are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ssl import SSLContext
from typing import Final

from resolver.message import Transport
from resolver.network.base import Clock, Deliver, Sending, Timer, Trouble, Upstream
from resolver.network.padding import padded
from resolver.network.peers import EncryptedTally, Peer, Terms
from resolver.network.poller import Poller
from resolver.network.trust import context_for, state_of_system

__all__ = ["Encrypted", "Terms"]

SWEEP_S: Final = 1.0
"""Seconds between two looks at the connections that are kept, while there are any."""

MAX_PEERS: Final = 4096
"""Upstreams of which something is known: more than a configuration has that anybody can read."""

FORGOTTEN_S: Final = 3600.0
"""Seconds after which an upstream that was not asked may be forgotten: sessions live about as long."""

MAX_CONTEXTS: Final = 64
"""Contexts that are kept for upstreams to come; the oldest makes room."""


class Encrypted:
    """Carries messages to upstreams over TLS and HTTPS."""

    def __init__(self, poller: Poller, clock: Clock, share: int, has_room: Callable[[], bool]) -> None:
        """At most `share` connections are open; `has_room` says whether one more socket may be."""
        self.poller, self.clock, self.tally = poller, clock, EncryptedTally()
        self.told: Callable[[Upstream, Trouble], None] | None = None
        """Called with each upstream that is found not to be what it should be, and why; once for each reason."""
        self._share, self._has_room = share, has_room
        self._peers: dict[Terms, Peer] = {}
        self._contexts: dict[tuple[object, Transport, bool], SSLContext] = {}
        self._sweeping: Timer | None = None

    def context(self, authorities: str | None, transport: Transport, *, checked: bool = True) -> SSLContext:
        """How those are spoken to who are trusted by `authorities`, certificates as PEM, or by those of the system, if
        their certificates are `checked` at all: the same context each time. Raises `ssl.SSLError` and ValueError for
        what is no PEM."""
        trust = (state_of_system() if authorities is None else authorities) if checked else ()
        key = (trust, transport, checked)
        context = self._contexts.get(key)
        if context is None:
            context = context_for(authorities, transport, checked=checked)
            if len(self._contexts) >= MAX_CONTEXTS:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[key] = context
        return context

    def send(self, terms: Terms, wire: bytes, deliver: Deliver) -> Sending:
        """`wire` is on its way to the upstream of `terms`; see `base.Network`."""
        peer = self._peers.get(terms) or self._meet(terms)
        if self._sweeping is None:
            self._sweeping = self.clock.after(SWEEP_S, self._sweep)
        if terms.upstream.transport is Transport.TLS:
            self.tally.tls_sent += 1
        else:
            self.tally.https_sent += 1
        return peer.send(padded(wire), deliver)

    def may_open(self) -> bool:
        """Whether there is room for another socket."""
        return self.open < self._share and self._has_room()

    @property
    def open(self) -> int:
        """Connections that take further queries."""
        return sum(len(peer.carriers) for peer in self._peers.values())

    def counts(self) -> Mapping[str, int]:
        """Counters and gauges under the names of `resolver stats`."""
        tally = self.tally
        return {
            "upstream.tls_sent": tally.tls_sent,
            "upstream.https_sent": tally.https_sent,
            "upstream.tls_connections": self.open,
            "upstream.tls_handshakes": tally.handshakes,
            "upstream.tls_resumed": tally.resumed,
            "upstream.tls_failed": tally.failed,
            "upstream.tls_repeated": tally.repeated,
            "upstream.tls_fruitless": tally.fruitless,
            "upstream.https_refused": tally.refused,
        }

    def close(self) -> None:
        """Every connection is closed; nothing more is delivered. A message sent after that opens new ones."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for peer in self._peers.values():
            peer.close()
        self._peers.clear()

    def _meet(self, terms: Terms) -> Peer:
        now = self.clock.monotonic()
        idle = [each for each, peer in self._peers.items() if peer.is_idle and now >= peer.used + FORGOTTEN_S]
        if len(self._peers) - len(idle) >= MAX_PEERS:
            idle.append(min(self._peers, key=lambda each: self._peers[each].used))
        for each in idle:
            self._peers.pop(each).close()
        peer = self._peers[terms] = Peer(terms, self)
        return peer

    def _sweep(self) -> None:
        now = self.clock.monotonic()
        left = [peer.sweep(now) for peer in tuple(self._peers.values())]
        self._sweeping = self.clock.after(SWEEP_S, self._sweep) if any(left) else None
