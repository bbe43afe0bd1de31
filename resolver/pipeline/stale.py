"""Decides when a client is told what has expired: when nothing better is to be had in the time it can wait (RFC 8767).

Rules
* A refresh is tried first. A client waits `client_timeout_s` for it; then it is told what is stale, and the refresh
  goes on for the next one. With 0 it is told at once.
* After a refresh that failed, or took longer than that, what is stale is told at once for `RECHECK_S`; then the
  refresh is tried again (RFC 8767 section 5, the failure recheck timer). So at most one client in that time waits.
* What is stale is told with `ttl_s` as the highest TTL, and with an extended error: 3, or 19 for a name error (RFC 8914
  section 4.4 and 4.20), and those of the failure. It is never stored as octets.
* A chain of which one link is stale is stale as a whole. No part may have expired for `max_age_s` or longer.
* An answer of the servers, a denial too, takes the place of what is stale; a failure does not. A failure in `DISTRUST`
  is no reason to tell anything: then the servers did answer, and the answer is not to be believed.

Limits: at most `MAX_REFRESHES` are under way at once, beyond which what is stale is told at once, and `MAX_RECHECKS`
questions are remembered as failing. A refresh that ends well only after its client was told that it is too late does
not end the rest of `RECHECK_S`: if what it found lives for less than that, what is stale then is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from resolver.cache.table import Table
from resolver.engine.outcome import Answer, Conclusion
from resolver.errors import ResolutionFailed
from resolver.message import Answerer, Ede, Query, Rcode, Reply, RRset, Spawn
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.pipeline.cached import recall
from resolver.pipeline.replying import reply_of
from resolver.tasks import Pending
from resolver.wire import names

RECHECK_S: Final = 30.0
MAX_RECHECKS: Final = 10_000
MAX_REFRESHES: Final = 2_048
"""As many as clients may wait at once where nothing else is said (`server.max_in_flight`)."""
DISTRUST: Final = frozenset(("bogus",))
"""Labels of failures that say that data exists and is not to be believed."""
_STALE: Final = 3
_STALE_NXDOMAIN: Final = 19

_Key = tuple[bytes, int]


class Past(Protocol):
    """What was known."""

    def recall_stale(self, name: bytes, rtype: int, age: int) -> Conclusion | None:
        """What is known of the question now, or has expired for less than `age` seconds: that with TTLs of 0."""
        ...


@dataclass(frozen=True, slots=True)
class Staleness:
    """How stale data is served; all in seconds."""

    max_age_s: int = 86_400
    ttl_s: int = 30
    client_timeout_s: float = 1.8


class Stale:
    """The stage between what is held and resolution."""

    def __init__(
        self,
        past: Past,
        below: Answerer,
        clock: Clock,
        spawn: Spawn,
        counters: Counters,
        staleness: Staleness,
        *,
        max_aliases: int = 11,
    ) -> None:
        self._past = past
        self._below = below
        self._clock = clock
        self._spawn = spawn
        self._counters = counters
        self._staleness = staleness
        self._max_aliases = max_aliases
        self._refreshing: dict[_Key, list[Pending[Reply | ResolutionFailed | None]]] = {}
        self._failing: Table[_Key, ResolutionFailed | None] = Table(MAX_RECHECKS, clock)

    async def answer(self, query: Query) -> Reply:
        """The reply of the stage below if it comes in time, else what is stale. Raises `ResolutionFailed`."""
        stale = self._recall(query)
        if stale is None:
            return await self._below.answer(query)
        key = (names.fold(query.question.name), query.question.type)
        if key in self._failing:
            return self._told(stale, self._failing.get(key))
        result = await self._refresh(key, query)
        if isinstance(result, Reply):
            return result
        if isinstance(result, ResolutionFailed) and result.label in DISTRUST:
            raise result.fresh()
        return self._told(stale, result)

    async def _refresh(self, key: _Key, query: Query) -> Reply | ResolutionFailed | None:
        """What came of the refresh that is under way, or begins now; None when it takes too long."""
        waiting: Pending[Reply | ResolutionFailed | None] = Pending()
        joined = self._refreshing.get(key)
        seconds = min(self._staleness.client_timeout_s, query.deadline - self._clock.monotonic())
        if joined is None:
            if len(self._refreshing) >= MAX_REFRESHES:
                return None
            joined = self._refreshing[key] = [waiting] if seconds > 0 else []
            self._spawn(self._ask(key, query))
        elif seconds > 0:
            joined.append(waiting)
        if seconds <= 0:
            return None
        timer = self._clock.after(seconds, partial(self._too_slow, key, waiting))
        try:
            return await waiting
        finally:
            timer.cancel()
            if waiting in joined:
                joined.remove(waiting)

    async def _ask(self, key: _Key, query: Query) -> None:
        """The stage below is asked, and all who wait are told."""
        result: Reply | ResolutionFailed | None = None
        try:
            result = await self._below.answer(query)
            self._failing.remove(key)
        except ResolutionFailed as failure:
            result = failure.fresh()
            if result.label not in DISTRUST:
                self._failing.put(key, result, RECHECK_S)
        finally:
            for waiting in tuple(self._refreshing.pop(key)):
                waiting.settle(result)

    def _too_slow(self, key: _Key, waiting: Pending[Reply | ResolutionFailed | None]) -> None:
        if not waiting.done():
            self._failing.put(key, None, RECHECK_S)
            waiting.settle(None)

    def _recall(self, query: Query) -> Answer | None:
        """What is stale, with the TTLs that it is told with."""
        age = self._staleness.max_age_s
        found = recall(query.question, lambda name, rtype: self._past.recall_stale(name, rtype, age), self._max_aliases)
        if found is None:
            return None
        soa = None if found.soa is None else self._limited(found.soa)
        return found._replace(rrsets=tuple(map(self._limited, found.rrsets)), soa=soa, keeps=False)

    def _limited(self, rrset: RRset) -> RRset:
        ttl = self._staleness.ttl_s
        return rrset._replace(ttl=min(rrset.ttl, ttl) or ttl)

    def _told(self, stale: Answer, failure: ResolutionFailed | None) -> Reply:
        self._counters.answers_stale += 1
        code = _STALE_NXDOMAIN if stale.rcode == Rcode.NXDOMAIN else _STALE
        why = () if failure is None else failure.ede
        return reply_of(stale)._replace(ede=(Ede(code, "expired, and no newer answer is to be had yet [STAL]"), *why))
