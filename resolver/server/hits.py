"""Decides what listeners are given to look for stored answers with, and counts what they serve.

Rules
* A listener asks once for each batch: so the clock is read, and what a reload has changed is seen, once for all of it.
* Where each query is to be logged nothing is served from store.
"""

from __future__ import annotations

from collections.abc import Callable

from resolver.cache.answers import AnswerStore, Serve
from resolver.message import Transport
from resolver.observe.counters import Counters
from resolver.server.kinds import Kinds


class Hits:
    """The stored answers, for the listeners of one transport. What goes over TCP and over TLS is the same."""

    __slots__ = ("_counters", "_store", "_transport", "kinds")

    def __init__(
        self,
        store: Callable[[], AnswerStore | None],
        counters: Counters,
        transport: Transport,
        kinds: Callable[[], Kinds | None] = lambda: None,
    ) -> None:
        """`store` gives the one in force, or None where nothing is to be served to whoever asks."""
        self._store, self._counters, self._transport = store, counters, transport
        self.kinds = kinds
        """Gives the stored answers by kinds of clients, where these are told apart."""

    def begin(self) -> Serve | None:
        """What gives stored responses in this turn of the loop; None where there are none. It raises nothing."""
        store = self._store()
        if store is None:
            return None
        store.begin()
        return store.datagram if self._transport is Transport.UDP else store.stream

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
