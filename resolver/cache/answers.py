"""Answers kept as wire: the first thing a server looks at, before anything is parsed.

What a client sends behind the id of its query is the key (`wire.stored`). The answers that were asked for in this
second are held ready, with the TTLs of now: one look into a plain dictionary and two slices make a response of one. The
next second finds none ready, and each is made so once more when it is asked for.

An answer is held until its lowest TTL has run down, in whole seconds like the records it was made of, or for as long as
its maker says: where the last tenth of the TTL begins it is made again from the records, which is when it is seen that
they should be renewed. An answer that is large is held for `BRIEFLY_S`.
Whenever something is flushed, reloaded or replaced, all of them go at once: they are made again from the
records.

An answer is one string of octets (`stored.packed`), in which the collector of garbage has nothing to walk.

Where clients of different kinds are told different things, each kind has a *view* (`view`): what is kept in one is not
served from another, and all together keep to the one limit.

Limits: the clock is read by `begin` alone, so what is served afterwards is as old as that. What is ready takes at most
`_READY_BYTES` and a `_READY_SHARE`th of the limit; what finds no room there is made ready each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from resolver.cache.records import BRIEFLY_S
from resolver.cache.store import OVERHEAD, SHARDS, ByteStore
from resolver.wire import stored

Serve = Callable[[bytes], bytes | None]
"""Gives the stored response to a query, if there is one."""

_READY_SHARE: Final = 8
_READY_BYTES: Final = 1 << 22
"""Some 12,000 answers, which are forgotten in half a millisecond."""

_STREAM: Final = b"\xff"
"""What the keys of answers to streams begin with. No key of a query does, for it begins with flags, and QR is none."""
_VIEW: Final = b"\xfe"
"""What the keys of a view begin with, behind that: its number comes next."""


class Ageing(Protocol):
    """The one of a clock's times by which answers grow old."""

    def boottime(self) -> float:
        """Seconds that never jump, as TTLs count them."""
        ...


class _Room:
    """The bytes that are left for what is ready, of a store and all of its views."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class AnswerStore:
    """Rendered answers to datagrams and to streams, within a limit of bytes."""

    __slots__ = (
        "_boottime",
        "_datagrams",
        "_now",
        "_numbers",
        "_prefixes",
        "_ready_limit",
        "_room",
        "_store",
        "_streams",
        "_used",
        "_views",
        "generation",
        "hits",
        "large",
    )

    def __init__(self, limit_bytes: int, clock: Ageing | None, large: int = 8_192, shards: int = SHARDS) -> None:
        """Without a `clock` nothing grows old here. `shards` are those of the store."""
        self._boottime = _never if clock is None else clock.boottime
        self._ready_limit = min(limit_bytes // _READY_SHARE, _READY_BYTES)
        self._store: ByteStore[bytes] = ByteStore(limit_bytes - self._ready_limit, len, shards)
        self._prefixes = (b"", _STREAM)
        """What the keys of answers to datagrams, and to streams, begin with."""
        self._views: list[AnswerStore] = []
        self._numbers = 0
        self.large = large
        """The octets above which an answer is not kept for long."""
        self.hits = 0
        """Answers that were served; who serves them counts them."""
        self.generation = 0
        """Grows whenever everything is forgotten."""
        self._now = int(self._boottime())
        self._room, self._used = _Room(self._ready_limit), 0
        """`_used` are the bytes of what is ready here."""
        self._none_ready()

    def __len__(self) -> int:
        return len(self._store)

    def begin(self) -> None:
        """What is served from now on has the TTLs of now."""
        now = int(self._boottime())
        if now != self._now:
            self._now = now
            self._none_ready()

    def datagram(self, query: bytes) -> bytes | None:
        """The response to a query that came as a datagram, with its id, its spelling and the TTLs of `begin`."""
        asked = query[2:]
        ready = self._datagrams.get(asked)
        if ready is None:
            return self._search(query, asked, self._datagrams, self._prefixes[0])
        return query[:2] + ready

    def stream(self, query: bytes) -> bytes | None:
        """The same for a query that came over a stream."""
        asked = query[2:]
        ready = self._streams.get(asked)
        if ready is None:
            return self._search(query, asked, self._streams, self._prefixes[1])
        return query[:2] + ready

    def keep(
        self,
        query: bytes,
        response: bytes,
        generation: int | None = None,
        again_s: int | None = None,
        *,
        stream: bool = False,
    ) -> None:
        """`response` answers the plain `query` in lower case, from now until its lowest TTL is 0.

        At most it does for `again_s` seconds, and not at all when everything was forgotten since `generation`, in which
        its making began.
        """
        key = stored.key(query)
        if key is None or generation not in (None, self.generation):
            return
        made = stored.make(response)
        if made is None:
            return
        self.begin()
        seconds = made.lowest if again_s is None else min(made.lowest, again_s)
        if len(response) > self.large:
            seconds = BRIEFLY_S
        (self._streams if stream else self._datagrams).pop(key, None)
        self._store.put(self._prefixes[stream] + key, stored.packed(made, self._now, seconds))

    def view(self) -> AnswerStore:
        """Another store, in which nothing is held, within the limit of this one. It ends with the next `clear`."""
        made = AnswerStore(0, None, self.large, 1)
        self._numbers += 1  # of which none comes again, as somebody may still have a view of before
        number = _VIEW + self._numbers.to_bytes(8, "big")
        made._boottime, made._store, made._prefixes = self._boottime, self._store, (number, _STREAM + number)
        made._room, made._now = self._room, self._now
        self._views.append(made)
        return made

    def clear(self) -> None:
        """Nothing is held, and there are no views any more."""
        self.generation += 1
        self.clear_views()
        self._store.clear()
        self._none_ready()

    def clear_views(self) -> None:
        """There are no views any more: what is kept in one that somebody still has is not held."""
        for each in self._views:
            each.generation += 1
            each._none_ready()
        self._views = []

    def resize(self, limit_bytes: int) -> None:
        """At most `limit_bytes` are held."""
        self._ready_limit = min(limit_bytes // _READY_SHARE, _READY_BYTES)
        self._store.resize(limit_bytes - self._ready_limit)
        self.clear_views()
        self._none_ready()
        self._room = _Room(self._ready_limit)

    def bytes_held(self) -> int:
        """Bytes in memory."""
        return self._store.bytes_held() + self._ready_limit - self._room.left

    def _none_ready(self) -> None:
        self._datagrams: dict[bytes, bytes] = {}
        self._streams: dict[bytes, bytes] = {}
        self._room.left += self._used
        self._used = 0

    def _search(self, query: bytes, asked: bytes, ready: dict[bytes, bytes], prefix: bytes) -> bytes | None:
        """What is stored for `query` and not `ready` as it is `asked`."""
        key = asked
        packed = self._store.get(prefix + asked) if asked < _STREAM else None
        if packed is None:
            plain = stored.key(query)  # it may be spelled in another way, or offer another size
            if plain is None or plain == asked:
                return None
            key = plain
            response = ready.get(key)
            if response is not None:
                return stored.spelled(response, query)
            packed = self._store.get(prefix + key)
            if packed is None:
                return None
        response = stored.unpacked(packed, key, self._now)
        if response is None:
            return None
        weight = OVERHEAD + len(key) + len(response)
        room = self._room
        if weight <= room.left:
            room.left -= weight
            self._used += weight
            ready[key] = response
        return query[:2] + response if key is asked else stored.spelled(response, query)


def _never() -> float:
    return 0.0
