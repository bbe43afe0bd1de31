"""Answers kept as wire: the first thing a server looks at, before anything is parsed.

What a client sends behind the id of its query is the key (`wire.stored`), so that most often one look into one
dictionary finds the answer, and two slices make a response of it. TTLs are counted down once in a second for each
answer that is asked for, not for each query.

An answer is held until its lowest TTL has run down, in whole seconds like the records it was made of, or for as long as
its maker says: where the last tenth of the TTL begins it is made again from the records, which is when it is seen that
they should be renewed. An answer that is large is held for `BRIEFLY_S`.
Whenever something is flushed, reloaded or replaced, all of them go at once: they are made again from the
records.

Limits: the clock is read by `begin` alone, so what is served afterwards is as old as that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.cache.records import BRIEFLY_S
from resolver.cache.store import ByteStore
from resolver.network.base import Clock
from resolver.wire import stored

Serve = Callable[[bytes], bytes | None]
"""Gives the stored response to a query, if there is one."""

_OBJECTS: Final = 112
"""Bytes of the objects that a kept answer is made of, beside its octets: itself and an integer. Measured."""

_STREAM: Final = b"\xff"
"""What the keys of answers to streams begin with."""

_EARLIER: Final = 1 << 29
"""Seconds by which streams live in the past. Any octets may come as a datagram, those of a stream's key too; who finds
an answer to a stream that way finds it expired for 17 years."""

_MAX_LAYOUTS: Final = 4096


class _Kept:
    """An answer as it is in `second`: its octets behind the id, where they have TTLs, where the question ends."""

    __slots__ = ("end", "second", "tail", "ttls", "until")

    def __init__(self, tail: bytes, ttls: tuple[int, ...], end: int, second: int, until: int) -> None:
        self.tail, self.ttls, self.end, self.second, self.until = tail, ttls, end, second, until


def _weigh(kept: _Kept) -> int:
    return _OBJECTS + len(kept.tail)


class AnswerStore:
    """Rendered answers to datagrams and to streams, within a limit of bytes."""

    __slots__ = ("_boottime", "_earlier", "_layouts", "_now", "_store", "generation", "hits", "large")

    def __init__(self, limit_bytes: int, clock: Clock | None, large: int = 8_192) -> None:
        """Without a `clock` nothing grows old here."""
        self._store: ByteStore[_Kept] = ByteStore(limit_bytes, _weigh)
        self._boottime = _never if clock is None else clock.boottime
        self._layouts: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.large = large
        """The octets above which an answer is not kept for long."""
        self.hits = 0
        """Answers that were served; who serves them counts them."""
        self.generation = 0
        """Grows whenever everything is forgotten."""
        self.begin()

    def __len__(self) -> int:
        return len(self._store)

    def begin(self) -> None:
        """What is served from now on has the TTLs of now."""
        self._now = int(self._boottime())
        self._earlier = self._now - _EARLIER

    def datagram(self, query: bytes) -> bytes | None:
        """The response to a query that came as a datagram, with its id, its spelling and the TTLs of `begin`."""
        tail = query[2:]
        kept = self._store.get(tail)
        if kept is None:
            return self._search(query, tail, b"", self._now)
        if kept.second == self._now or _advance(kept, self._now):
            return query[:2] + kept.tail
        return None

    def stream(self, query: bytes) -> bytes | None:
        """The same for a query that came over a stream."""
        tail = query[2:]
        kept = self._store.get(_STREAM + tail)
        if kept is None:
            return self._search(query, tail, _STREAM, self._earlier)
        if kept.second == self._earlier or _advance(kept, self._earlier):
            return query[:2] + kept.tail
        return None

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
        now = self._earlier if stream else self._now
        seconds = made.lowest if again_s is None else min(made.lowest, again_s)
        if len(response) > self.large:
            seconds = BRIEFLY_S
        kept = _Kept(made.tail, self._shared(made.ttls), made.end, now, now + seconds)
        self._store.put(_STREAM + key if stream else key, kept)

    def clear(self) -> None:
        """Nothing is held."""
        self.generation += 1
        self._store.clear()

    def resize(self, limit_bytes: int) -> None:
        """At most `limit_bytes` are held."""
        self._store.resize(limit_bytes)

    def bytes_held(self) -> int:
        """Bytes in memory."""
        return self._store.bytes_held()

    def _search(self, query: bytes, tail: bytes, prefix: bytes, now: int) -> bytes | None:
        """What is stored for `query` if it is spelled in another way, or offers another size."""
        key = stored.key(query)
        kept = None if key is None or key == tail else self._store.get(prefix + key)
        if kept is None or not (kept.second == now or _advance(kept, now)):
            return None
        return stored.spelled(kept.tail, kept.end, query)

    def _shared(self, ttls: tuple[int, ...]) -> tuple[int, ...]:
        """The one tuple for all answers whose TTLs are at the same places: there are few such layouts."""
        if len(self._layouts) >= _MAX_LAYOUTS:
            self._layouts.clear()
        return self._layouts.setdefault(ttls, ttls)


def _advance(kept: _Kept, now: int) -> bool:
    """Whether `kept` is still good; if so it is now as it is in the second `now`."""
    if now >= kept.until:
        return False
    kept.tail = stored.aged(kept.tail, kept.ttls, now - kept.second)
    kept.second = now
    return True


def _never() -> float:
    return 0.0
