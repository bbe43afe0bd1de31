"""Decides when a client is told what has expired: when nothing better is to be had in the time it can wait (RFC 8767).

Rules
* A refresh is tried first. A client waits `client_timeout_s` for it; then it is told what is stale, and the refresh
  goes on for the next one. With 0 it is told at once.
* After a refresh that failed, or took longer than that, what is stale is told at once for `RECHECK_S`; then the
  refresh is tried again (RFC 8767 section 5, the failure recheck timer). So at most one client in that time waits.
* What is stale is told with `ttl_s` as the highest TTL, and with an extended error: 3, or 19 for a name error (RFC 8914
  section 4.4 and 4.20), and those of the failure. It is never stored as octets.
* What was proven is told with its signatures and without AD: they may have ended, or the key that made them.
* A chain of which one link is stale is stale as a whole. No part may have expired for `max_age_s` or longer.
* An answer of the servers, a denial too, takes the place of what is stale; a failure does not. A failure in `DISTRUST`
  is no reason to tell anything: then the servers did answer, and the answer is not to be believed.

* Where the server has no room for a refresh, what is stale is told at once (`spare`): an answer that is old is better
  than none, and costs what an answer from the cache does.

Limits: at most `MAX_REFRESHES` are under way at once, beyond which what is stale is told at once, and `MAX_RECHECKS`
questions are remembered as failing. A refresh that ends well only after its client was told that it is too late does
not end the rest of `RECHECK_S`: if what it found lives for less than that, what is stale then is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from resolver.answering import Answerer, Told
from resolver.cache.table import Table
from resolver.engine.outcome import Answer, Conclusion
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Query, Rcode, Reply, RRset
from resolver.network.base import Clock, Timer
from resolver.observe.counters import Counters
from resolver.pipeline.cached import whole
from resolver.pipeline.replying import reply_of
from resolver.wire import names

RECHECK_S: Final = 30.0
MAX_RECHECKS: Final = 10_000
MAX_REFRESHES: Final = 2_048
"""As many as clients may wait at once where nothing else is said (`server.max_in_flight`)."""
DISTRUST: Final = frozenset(("bogus",))
"""Labels of failures that say that data exists and is not to be believed."""
_STALE: Final = 3
_STALE_NXDOMAIN: Final = 19
STALE: Final = frozenset((_STALE, _STALE_NXDOMAIN))
"""The extended errors of an answer that has expired (RFC 8914 sections 4.4 and 4.20)."""

_Key = tuple[bytes, int, bool, bool, bool]
"""A question: its name, folded, its type, and what else decides how its answer is told: CD, DO and AD."""


class Past(Protocol):
    """What was known."""

    def recall_stale(self, name: bytes, rtype: int, age: int, checked: bool) -> Conclusion | None:
        """What is known of the question now, or has expired for less than `age` seconds: that with TTLs of 0."""
        ...


@dataclass(frozen=True, slots=True)
class Staleness:
    """How stale data is served; all in seconds."""

    max_age_s: int = 86_400
    ttl_s: int = 30
    client_timeout_s: float = 1.8


class _Waiting:
    """A client that waits for a refresh, and what it is told if that comes to nothing."""

    __slots__ = ("done", "query", "stale", "timer")

    def __init__(self, stale: Answer, query: Query, done: Told) -> None:
        self.stale, self.query, self.done = stale, query, done
        self.timer: Timer | None = None


class Stale:
    """The stage between what is held and resolution."""

    def __init__(
        self,
        past: Past,
        below: Answerer,
        clock: Clock,
        counters: Counters,
        staleness: Staleness,
        *,
        max_aliases: int = 11,
    ) -> None:
        self._past = past
        self._below = below.answer
        self._clock = clock
        self._counters = counters
        self._staleness = staleness
        self._max_aliases = max_aliases
        self._refreshing: dict[_Key, list[_Waiting]] = {}
        self._failing: Table[_Key, ResolutionFailed | None] = Table(MAX_RECHECKS, clock)

    def answer(self, query: Query, done: Told) -> None:
        """`done` has what becomes of `query` below if it comes in time, else what is stale."""
        name, rtype, _ = query.question
        checked = not query.cd
        found = self._past.recall_stale(name, rtype, self._staleness.max_age_s, checked)
        stale = None if found is None else self._whole(found, rtype, checked)
        if stale is None:
            self._below(query, done)
            return
        key = (names.fold(name), rtype, query.cd, query.do, query.ad)
        if key in self._failing:
            done(self._told(stale, query, self._failing.get(key)))
            return
        under_way = key in self._refreshing
        seconds = min(self._staleness.client_timeout_s, query.deadline - self._clock.monotonic())
        if not under_way:
            if len(self._refreshing) >= MAX_REFRESHES:
                done(self._told(stale, query, None))
                return
            self._refreshing[key] = []
        if seconds > 0:
            self._wait(key, seconds, _Waiting(stale, query, done))
        if not under_way:
            self._refresh(key, query)
        if seconds <= 0:
            done(self._told(stale, query, None))

    def spare(self, query: Query) -> Reply | None:
        """What is stale, where there is no room to ask for anything newer; None where nothing is."""
        rtype, checked = query.question.type, not query.cd
        found = self._past.recall_stale(query.question.name, rtype, self._staleness.max_age_s, checked)
        stale = None if found is None else self._whole(found, rtype, checked)
        return None if stale is None else self._told(stale, query, None)

    def _wait(self, key: _Key, seconds: float, waiting: _Waiting) -> None:
        """`waiting` is told of the refresh, or that it takes too long."""
        self._refreshing[key].append(waiting)
        waiting.timer = self._clock.after(seconds, partial(self._too_slow, key, waiting))

    def _refresh(self, key: _Key, query: Query) -> None:
        """The stage below is asked; all who wait will be told."""
        try:
            self._below(query, partial(self._refreshed, key))
        except BaseException:
            for waiting in self._refreshing.pop(key, ()):  # a bug, which others tell of; nobody waits for it
                self._tell(waiting, None)
            raise

    def _refreshed(self, key: _Key, result: Reply | ResolutionFailed) -> None:
        """`result` came of a refresh: all who wait are told."""
        if isinstance(result, Reply):
            self._failing.remove(key)
        elif result.label not in DISTRUST:
            self._failing.put(key, result, RECHECK_S)
        for waiting in self._refreshing.pop(key):
            self._tell(waiting, result)

    def _too_slow(self, key: _Key, waiting: _Waiting) -> None:
        self._failing.put(key, None, RECHECK_S)
        self._refreshing[key].remove(waiting)
        self._tell(waiting, None)

    def _tell(self, waiting: _Waiting, result: Reply | ResolutionFailed | None) -> None:
        """`waiting` has the result of the refresh, or what is stale."""
        if waiting.timer is not None:
            waiting.timer.cancel()
        if isinstance(result, Reply) or (result is not None and result.label in DISTRUST):
            waiting.done(result)
        else:
            waiting.done(self._told(waiting.stale, waiting.query, result))

    def _whole(self, found: Conclusion, rtype: int, checked: bool) -> Answer | None:
        """The whole answer that begins with what was `found` stale, with the TTLs that it is told with."""
        age, look = self._staleness.max_age_s, self._past.recall_stale

        def looked(name: bytes, rtype: int, checked: bool) -> Conclusion | None:
            return look(name, rtype, age, checked)

        answer = whole(found, rtype, checked, looked, self._max_aliases)
        if answer is None:
            return None
        soa = None if answer.soa is None else self._limited(answer.soa)
        return answer._replace(rrsets=tuple(map(self._limited, answer.rrsets)), soa=soa, keeps=False)

    def _limited(self, rrset: RRset) -> RRset:
        ttl = self._staleness.ttl_s
        return rrset._replace(ttl=min(rrset.ttl, ttl) or ttl)

    def _told(self, stale: Answer, query: Query, failure: ResolutionFailed | None) -> Reply:
        self._counters.answers_stale += 1
        code = _STALE_NXDOMAIN if stale.rcode == Rcode.NXDOMAIN else _STALE
        why = () if failure is None else failure.ede
        told = (Ede(code, "expired, and no newer answer is to be had yet [STAL]"), *why)
        return reply_of(stale, query)._replace(ad=False, ede=told)
