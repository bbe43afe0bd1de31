"""Decides which answers are renewed before they end, so that those who ask often never wait for them.

Rules
* What is asked for in the last tenth of its TTL is popular enough: it was asked for once before, when it was fetched.
  A TTL below `records.PREFETCHED_TTL_S` is not worth it.
* The client has what is held at once. The refresh is work like any other, of which there is one for each question.
* An answer stored as octets ends where the last tenth begins, so that the question is seen here: the hit itself does
  nothing for it. In that last tenth it is stored again once it is clear that nothing newer comes soon.
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
PAUSE_S: Final = 8
"""As long as a question may be worked on where nothing else is said (`budget.work_ms`)."""
_MAX_PAUSED: Final = 10_000


class Ageing(Protocol):
    """What is known, as far as its age goes."""

    def renewable_in(self, name: bytes, rtype: int, checked: bool) -> int | None:
        """Seconds until what is held of the question is in the last tenth of its TTL; None if it is of no interest."""
        ...


class Renewing(Protocol):
    """What asks the servers."""

    def refresh(self, question: Question, checked: bool) -> None:
        """`question` is being asked, although an answer to it may be held; where answers are proven, a `checked` one's
        will be."""
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
        self._paused: Table[tuple[bytes, int, bool], bool] = Table(_MAX_PAUSED, clock)

    def consider(self, question: Question, held: Answer, checked: bool) -> int | None:
        """`held` was the answer to `question`, `checked` or not: it is being renewed if a part of it will end soon.

        Returns, at once, the seconds after which the question should come here again, although the answer is still
        good: 0 for the next one, which may find a newer answer; None for never.
        """
        if question.type == Type.ANY:
            return None
        seconds = self._renewable_in(question, held, checked)
        if seconds is None or seconds > 0:
            return seconds
        key = (names.fold(question.name), question.type, checked)
        if key in self._paused or self._resolved.flights >= MAX_FLIGHTS:
            return PAUSE_S
        self._paused.put(key, True, PAUSE_S)
        self._counters.cache_prefetched += 1
        self._resolved.refresh(question, checked)
        return 0

    def _renewable_in(self, question: Question, held: Answer, checked: bool) -> int | None:
        """The seconds until the first link of the chain is in the last tenth of its TTL."""
        rtype = question.type
        links = [question.name]
        if rtype != Type.CNAME:
            links += [rrset.rdatas[0] for rrset in held.rrsets if rrset.type == Type.CNAME]
        seconds = (self._known.renewable_in(link, rtype, checked) for link in links)
        return min((each for each in seconds if each is not None), default=None)
