"""Decides which answers are renewed before they end, so that those who ask often never wait for them.

Rules
* What is asked for in the last tenth of its TTL is popular enough: it was asked for once before, when it was fetched.
  A TTL below `records.PREFETCHED_TTL_S` is not worth it.
* The client has what is held at once. The refresh is work like any other, of which there is one for each question.
* A question is renewed once in `PAUSE_S` at most, whatever comes of it, and none is while `MAX_FLIGHTS` questions are
  being asked: those of clients go first.

Limits: a chain made by a DNAME is renewed for its other links only.
"""

from __future__ import annotations

from typing import Final, Protocol

from resolver.cache.table import Table
from resolver.engine.outcome import Answer
from resolver.message import Question, Type
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.wire import names

MAX_FLIGHTS: Final = 256
PAUSE_S: Final = 8.0
"""As long as a question may be worked on where nothing else is said (`budget.work_ms`)."""
_MAX_PAUSED: Final = 10_000


class Ageing(Protocol):
    """What is known, as far as its age goes."""

    def is_ageing(self, name: bytes, rtype: int) -> bool:
        """Whether what is held of the question is in the last tenth of its TTL."""
        ...


class Renewing(Protocol):
    """What asks the servers."""

    def refresh(self, question: Question) -> None:
        """`question` is being asked, although an answer to it may be held."""
        ...

    @property
    def flights(self) -> int:
        """Questions that are being asked now."""
        ...


class Prefetch:
    """Renews what is ageing."""

    def __init__(self, known: Ageing, resolved: Renewing, clock: Clock, counters: Counters) -> None:
        self._known = known
        self._resolved = resolved
        self._counters = counters
        self._paused: Table[tuple[bytes, int], bool] = Table(_MAX_PAUSED, clock)

    def consider(self, question: Question, held: Answer) -> None:
        """`held` was the answer to `question`: it is being renewed if a part of it will end soon. Returns at once."""
        rtype = question.type
        if rtype == Type.ANY or not (self._known.is_ageing(question.name, rtype) or self._has_ageing_link(held, rtype)):
            return
        key = (names.fold(question.name), rtype)
        if key not in self._paused and self._resolved.flights < MAX_FLIGHTS:
            self._paused.put(key, True, PAUSE_S)
            self._counters.cache_prefetched += 1
            self._resolved.refresh(question)

    def _has_ageing_link(self, held: Answer, rtype: int) -> bool:
        return any(
            self._known.is_ageing(rrset.rdatas[0], rtype)
            for rrset in held.rrsets
            if rrset.type == Type.CNAME != rtype and rrset.rdatas
        )
