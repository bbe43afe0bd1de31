"""Answers kept as wire: the first thing a server looks at, before anything is parsed.

An answer is held until its lowest TTL has run down, in whole seconds like the records it was made of, or for as long as
its maker says: where the last tenth of the TTL begins it is made again from the records, which is when it is seen that
they should be renewed. An answer that is large is held for `BRIEFLY_S`.
Whenever something is flushed, reloaded or replaced, all of them go at once: they are made again from the
records.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from resolver.cache.records import BRIEFLY_S
from resolver.cache.store import ByteStore
from resolver.network.base import Clock
from resolver.wire import stored
from resolver.wire.stored import Stored

_OBJECTS: Final = 290
"""Bytes of the objects that a kept answer is made of, beside its octets: two tuples, and two integers. Measured."""


class _Kept(NamedTuple):
    stored: Stored
    since: int
    until: int


def _weigh(kept: _Kept) -> int:
    return _OBJECTS + len(kept.stored.wire) + 8 * len(kept.stored.ttls)


class AnswerStore:
    """Rendered answers by `wire.stored.key`, within a limit of bytes."""

    __slots__ = ("_boottime", "_kept", "generation", "hits", "large")

    def __init__(self, limit_bytes: int, clock: Clock, large: int = 8_192) -> None:
        self._kept: ByteStore[_Kept] = ByteStore(limit_bytes, _weigh)
        self._boottime = clock.boottime
        self.large = large
        """The octets above which an answer is not kept for long."""
        self.hits = 0
        self.generation = 0
        """Grows whenever everything is forgotten."""

    def __len__(self) -> int:
        return len(self._kept)

    def answer(self, key: bytes, query: bytes) -> bytes | None:
        """The response to `query`, whose key is `key`, with its id, its spelling and the TTLs of now."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        now = int(self._boottime())
        if now >= kept.until:
            return None
        self.hits += 1
        return stored.patch(kept.stored, query, now - kept.since)

    def keep(self, key: bytes, response: bytes, generation: int | None = None, again_s: int | None = None) -> None:
        """`response` answers queries with this key from now until its lowest TTL is 0, at most for `again_s` seconds.

        It is not kept when everything was forgotten since `generation`, in which its making began.
        """
        made = stored.make(response)
        if made is not None and generation in (None, self.generation):
            now = int(self._boottime())
            seconds = made.lowest if again_s is None else min(made.lowest, again_s)
            if len(response) > self.large:
                seconds = BRIEFLY_S
            self._kept.put(key, _Kept(made, now, now + seconds))

    def clear(self) -> None:
        """Nothing is held."""
        self.generation += 1
        self._kept.clear()

    def resize(self, limit_bytes: int) -> None:
        """At most `limit_bytes` are held."""
        self._kept.resize(limit_bytes)

    def bytes_held(self) -> int:
        """Bytes in memory."""
        return self._kept.bytes_held()
