"""Answers found by asking other servers: who waits for which question, and what becomes of its failure.

Rules
* A question that is being asked is a *flight* (`driving.py` says how it is driven). Equal questions join it; a client
  that has waited long enough is told so, while the flight goes on for the cache until the work has taken `work_s`.
* Where answers are proven, a question whose client wants it unchecked (CD, RFC 4035 section 3.2.2) is another one, and
  so is that for the address of a name server: to prove it would take the servers that it is needed for.
* Who waits for whom is kept as a graph, and a question that would wait for itself, by however many others,
  fails instead (cyclic delegations without glue, also across clients).
* What failed by the budget, depth, cycle or deadline of a question above it says nothing about the sub-question:
  that is not remembered, and those who joined it go on with a budget of their own. A client's question begins with
  the whole budget, so its failure is its own, and remembered for the shortest time. Other failures are remembered for
  longer each time (RFC 9520), unless the network itself, or the root, seems to be silent. What could not be sent
  from here is not remembered.

Limits: a question waits for a few others at most (`seeking.ABREAST`), and those are nested at most `Limits.depth` deep.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import copy_context
from functools import partial
from typing import Final, Protocol

from resolver.answering import Told
from resolver.cache.failures import FIRST_S, LONGEST_S, Failures
from resolver.engine.actions import Lookup
from resolver.engine.budget import NETWORK_ERROR, NO_REACHABLE_AUTHORITY, Budget, Limits
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import Query, Question
from resolver.observe.counters import Counters
from resolver.pipeline.driving import FOR_EVER, MAX_PER_ZONE, Done, Driver, Result, Tools
from resolver.pipeline.flight import Flight, Joined, Key, LookUp, nobody
from resolver.pipeline.replying import is_secure, reply_of
from resolver.tasks import Running
from resolver.wire import names

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__


class Owner(Protocol):
    """Who ends what is still under way when the program ends (`tasks.Tasks`)."""

    def own(self, running: Running, /) -> None: ...
    def let_go(self, running: Running, /) -> None: ...


class Resolved:
    """The answerer at the end of the pipeline, over whatever `known` says of whom to ask."""

    def __init__(
        self,
        known: Knowledge,
        tools: Tools,
        *,
        owner: Owner,
        limits: Limits,
        use_0x20: bool = True,
        failure_ttl_s: float = FIRST_S,
        failure_max_ttl_s: float = LONGEST_S,
        work_s: float = 0.0,
        max_per_zone: int = MAX_PER_ZONE,
        addresses: Resolved | None = None,
    ) -> None:
        """`work_s` is how long a question is worked on, if that is longer than its client waits; `addresses` looks up
        the addresses of name servers in place of this one, when `known` is not for that."""
        self.driver = Driver(known, tools, use_0x20=use_0x20, max_per_zone=max_per_zone)
        self.look_up: LookUp = self._ask if addresses is None else addresses.looked_up
        self.owner = owner
        self._known = known
        self._why = known.told if known.validates else None
        self._clock = tools.clock
        self._counters: Counters = tools.counters
        self._limits = limits
        self._work_s = work_s
        self._failures: Failures[Key] = Failures(tools.clock, failure_ttl_s, failure_max_ttl_s)
        self._flights: dict[Key, Flight] = {}
        self._to_tell: deque[tuple[Done, Result]] = deque()
        self._telling = False

    def answer(self, query: Query, done: Told) -> None:
        """`done` has the reply to `query` from the servers of the world, or why there is none."""
        self._counters.answers_resolved += 1
        deadline, worked_until = query.deadline, self._clock.monotonic() + self._work_s
        until = worked_until if worked_until > deadline else deadline
        budget = Budget(self._limits, until, None, query.client.host)
        lookup = _make(Lookup, (query.question, self._known.validates and not query.cd))
        self._ask(lookup, budget, 0, None, partial(self._tell, done, query, lookup.checked), deadline)

    def refresh(self, question: Question, checked: bool = True) -> None:
        """`question` is being asked, although an answer to it may be held; where answers are proven, a `checked` one's
        will be."""
        checked = checked and self._known.validates
        if (names.fold(question.name), question.type, checked) not in self._flights:
            budget = Budget(self._limits, self._clock.monotonic() + self._work_s)
            self._ask(Lookup(question, checked), budget, 0, None, nobody, anew=True)

    def renew(self, question: Question, done: Done) -> None:
        """`done` has what servers say of `question`, unproven, whatever is held of it."""
        budget = Budget(self._limits, self._clock.monotonic() + self._work_s)
        self._ask(Lookup(question), budget, 0, None, done, anew=True)

    def cancel(self) -> None:
        """Nothing is being asked any more, and all who wait have been told so."""
        while self._flights:
            next(iter(self._flights.values())).cancel()

    def forget_failures(self) -> None:
        """What failed is asked again."""
        self._failures.clear()

    def remembered(self, question: Question, checked: bool) -> ResolutionFailed | None:
        """The failure of `question`, which is to be `checked` or not, while it is remembered."""
        failed = self._failures.get((question.name.lower(), question.type, checked and self._known.validates))
        return None if failed is None else failed.remembered()

    @property
    def failures(self) -> int:
        """Questions whose failures are remembered."""
        return len(self._failures)

    @property
    def flights(self) -> int:
        """Questions that are being asked now."""
        return len(self._flights)

    def looked_up(self, lookup: Lookup, budget: Budget, depth: int, asker: Flight, done: Done) -> None:
        """`done` has the answer to `lookup`, asked here for somebody elsewhere, with a budget of its own."""
        self._ask(lookup, Budget(self._limits, budget.deadline), 0, None, done)

    def _ask(
        self,
        lookup: Lookup,
        budget: Budget,
        depth: int,
        asker: Flight | None,
        done: Done,
        patience: float = FOR_EVER,
        *,
        anew: bool = False,
    ) -> None:
        """`done` has the answer to `lookup`, which `asker` needs, or a client, by the monotonic time `patience`."""
        question, checked = lookup
        key = (question.name.lower(), question.type, checked)
        if depth > self._limits.depth:
            try:
                budget.check_depth(depth)
            except ResolutionFailed as failure:
                done(failure.fresh())
                return
        failed = None if self._failures.empty or anew else self._failures.get(key)
        if failed is not None:
            self._counters.failures_cached += 1
            done(failed.remembered())
            return
        flight = self._flights.get(key)
        if flight is None:
            if not self._flights:
                self.owner.own(self)
            flight = Flight(self, key, question, depth, budget, asker, done, patience, anew=anew)
            self._flights[key] = flight
            flight.start()
        elif asker is not None and flight.waits(asker):
            text = f"what is needed of {names.to_text(question.name)} depends on itself"
            done(ResolutionFailed("CYCL", NO_REACHABLE_AUTHORITY, text, label="cycle", own_limit=True))
        elif asker is None and flight.came_back(question.name):
            self._counters.forwarded_looped += 1
            text = f"{names.to_text(question.name)} is asked by an upstream that it was sent to"
            done(ResolutionFailed("LPBK", NETWORK_ERROR, text, label="loop", own_limit=True))
        else:
            self._counters.questions_joined += 1
            again = partial(self._ask, lookup, budget, depth, asker, done, patience)
            if self.driver.transcript is not None:
                self.driver.transcript.joined(flight.place)
                again = partial(copy_context().run, again)  # what it asks then is its own
            seconds = max(0.0, min(budget.deadline, patience) - self._clock.monotonic())
            flight.join(Joined(flight, asker, done, again), self._clock, seconds)

    def tell(self, done: Done, result: Result) -> None:
        """`done` has `result`, now or when those who are told before have been: a long chain of flights that wait for
        one another ends one after the other, and not each within the one before."""
        if self._telling:
            self._to_tell.append((done, result))
            return
        self._telling = True
        try:
            while True:
                try:
                    done(result)
                except Exception as error:
                    context = {"message": "a question broke", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(context)
                if not self._to_tell:
                    return
                done, result = self._to_tell.popleft()
        finally:
            self._telling = False

    def landed(self, flight: Flight, result: Result) -> None:
        """`flight` has ended with `result`, which is remembered if it is a failure of the question."""
        flights, failures = self._flights, self._failures
        del flights[flight.key]
        if not flights:
            self.owner.let_go(self)
        if isinstance(result, Answer):
            if not failures.empty:
                failures.forget(flight.key)
            return
        self._counters.upstream_failures += 1
        if not result.own_limit:
            if result.label != "dead_zone":  # the zone is remembered, and may be back sooner
                failures.put(flight.key, result, grows=self._known.blames_zones)
        elif flight.asker is None and result.label not in _PASSING:  # it had its whole budget
            failures.put(flight.key, result, grows=False)

    def _tell(self, done: Told, query: Query, checked: bool, result: Result) -> None:
        """A client is told what became of its `query`."""
        if checked:
            self._count(result)
        # What is asked for once is held as records alone: a flood of names is not worth their octets too.
        done(reply_of(result, query, 0, self._why) if isinstance(result, Answer) else result)

    def _count(self, result: Result) -> None:
        """A question that was to be checked had this `result`."""
        if not isinstance(result, Answer):
            self._counters.answers_bogus += result.label == "bogus"
        elif is_secure(result.rrsets, () if result.soa is None else (result.soa,)):
            self._counters.answers_secure += 1
        else:
            self._counters.answers_insecure += 1


_PASSING: Final = frozenset(("local", "zone_busy", "verifier_busy"))
"""Labels of failures that are over as soon as this machine can send, or has done with others."""
