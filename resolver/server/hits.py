"""Decides what listeners are given to look for stored answers with, and counts what they serve.

Rules
* A listener asks once for each batch: so the clock is read, and what a reload has changed is seen, once for all of it.
* Where each query is to be logged nothing is served from store.
"""

from __future__ import annotations

from collections.abc import Callable

from resolver.cache.answers import AnswerStore, Serve
from resolver.observe.counters import Counters


class Hits:
    """The stored answers, for the listeners of datagrams or for those of streams."""

    __slots__ = ("_counters", "_store", "_stream")

    def __init__(self, store: Callable[[], AnswerStore | None], counters: Counters, *, stream: bool) -> None:
        """`store` gives the one in force, or None where nothing is to be served from store."""
        self._store, self._counters, self._stream = store, counters, stream

    def begin(self) -> Serve | None:
        """What gives stored responses in this turn of the loop; None where there are none. It raises nothing."""
        store = self._store()
        if store is None:
            return None
        store.begin()
        return store.stream if self._stream else store.datagram

    def served(self, count: int) -> None:
        """So many queries were answered with what `begin` gave."""
        store = self._store()
        if store is not None:
            store.hits += count
        if self._stream:
            self._counters.queries_tcp += count
        else:
            self._counters.queries_udp += count
