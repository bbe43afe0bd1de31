"""Decides what listeners are given to look for stored answers with, and counts what they serve.

Rules
* A listener asks once for each batch: so the clock is read, and what a reload has changed is seen, once for all of it.
* Where each query is to be logged nothing is served from store.
* What is padded, over TLS or HTTPS, is served from store, too (`padding.py`).
* What clients may ask and be told (`limiting.py`) holds of stored answers too: of datagrams for a batch at once, of
  streams for each connection. Where nothing is limited it costs them nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from resolver.cache.answers import AnswerStore, Serve
from resolver.message import Transport
from resolver.network.base import Datagram, Datagrams
from resolver.observe.counters import Counters
from resolver.server.kinds import Kinds
from resolver.server.options import ENCRYPTED
from resolver.server.padding import Padding

if TYPE_CHECKING:  # where nothing is limited it is not loaded
    from resolver.server.limiting import Limiting


class Hits:
    """The stored answers, for the listeners of one transport. What goes over TCP and over TLS is the same."""

    __slots__ = ("_counters", "_limiting", "_store", "_transport", "kinds")

    def __init__(
        self,
        store: Callable[[], AnswerStore | None],
        counters: Counters,
        transport: Transport,
        limiting: Callable[[], Limiting | None] = lambda: None,
        kinds: Callable[[], Kinds | None] = lambda: None,
    ) -> None:
        """`store` gives the one in force, or None where nothing is to be served to whoever asks; `limiting` the
        limits."""
        self._store, self._counters, self._transport = store, counters, transport
        self._limiting = limiting
        self.kinds = kinds
        """Gives the stored answers by kinds of clients, where these are told apart."""

    def begin(self) -> Serve | None:
        """What gives stored responses in this turn of the loop; None where there are none. It raises nothing."""
        store = self._store()
        if store is None:
            return None
        store.begin()
        return store.datagram if self._transport is Transport.UDP else store.stream

    def begin_for(self, host: str) -> Serve | None:
        """The same for a stream of the client at `host`, as far as that may ask."""
        serve, limiting = self.begin(), self._limiting()
        if serve is not None and self._transport in ENCRYPTED:
            serve = Padding(serve)
        return serve if serve is None or limiting is None else limiting.stream(serve, host)

    def fitting(self, answers: list[Datagram], moved: Datagrams) -> list[Datagram]:
        """What of the stored `answers`, to be sent by `moved`, their clients may be told."""
        limiting = self._limiting()
        return answers if limiting is None else limiting.datagrams(answers, moved)

    def served(self, count: int) -> None:
        """So many queries were answered with what `begin` gave."""
        store, kinds = self._store(), self.kinds()
        if store is not None:
            store.hits += count
        elif kinds is not None:
            kinds.served(count)
        match self._transport:
            case Transport.UDP:
                self._counters.queries_udp += count
            case Transport.TCP:
                self._counters.queries_tcp += count
            case Transport.TLS:
                self._counters.queries_tls += count
            case Transport.HTTPS:
                self._counters.queries_https += count
