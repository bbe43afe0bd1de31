"""Answers found by asking other servers: who waits for which question, and what becomes of its failure.

Rules
* A question that is being asked is a *flight* (`driving.py` says how it is driven). Equal questions join it; a client
  that has waited long enough is told so, while the flight goes on for the cache until the work has taken `work_s`.
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
from functools import partial
from typing import Final, Protocol

from resolver.cache.failures import FIRST_S, LONGEST_S, Failures
from resolver.engine.budget import NO_REACHABLE_AUTHORITY, Budget, Limits
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import Query, Question, Reply
from resolver.observe.counters import Counters
from resolver.pipeline.driving import MAX_PER_ZONE, Done, Driver, Result, Tools, late
from resolver.pipeline.flight import Flight, Joined, Key, LookUp
from resolver.pipeline.replying import reply_of
from resolver.tasks import Ending, Pending
from resolver.wire import names


class Owner(Protocol):
    """Who ends what is still under way when the program ends (`tasks.Tasks`)."""

    def own(self, running: Ending, /) -> None: ...
    def let_go(self, running: Ending, /) -> None: ...


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
        self._clock = tools.clock
        self._counters: Counters = tools.counters
        self._limits = limits
        self._work_s = work_s
        self._failures: Failures[Key] = Failures(tools.clock, failure_ttl_s, failure_max_ttl_s)
        self._flights: dict[Key, Flight] = {}
        self._to_tell: deque[tuple[Done, Result]] = deque()
        self._telling = False

    async def answer(self, query: Query) -> Reply:
        """The reply to `query` from the servers of the world. Raises `ResolutionFailed`."""
        self._counters.answers_resolved += 1
        # What is asked for once is held as records alone: a flood of names is not worth their octets too.
        return reply_of(await self.find(query.question, query.deadline), 0)

    async def find(self, question: Question, deadline: float) -> Answer:
        """The answer to `question` by the monotonic time `deadline`. Raises `ResolutionFailed`.

        Whoever waits may give up: the work goes on.
        """
        now = self._clock.monotonic()
        waiting: Pending[Result] = Pending()
        self._ask_for_client(question, Budget(self._limits, max(deadline, now + self._work_s)), waiting.settle)
        if waiting.done():
            result = await waiting
        else:
            timer = self._clock.after(max(0.0, deadline - now), lambda: waiting.settle(late(question.name)))
            try:
                result = await waiting
            finally:
                timer.cancel()
        if isinstance(result, Answer):
            return result
        raise result.fresh()  # what is raised must not be held by its own frame

    def refresh(self, question: Question) -> None:
        """`question` is being asked, although an answer to it may be held."""
        if (names.fold(question.name), question.type) not in self._flights:
            budget = Budget(self._limits, self._clock.monotonic() + self._work_s)
            self._ask_for_client(question, budget, _ignore, anew=True)

    def forget_failures(self) -> None:
        """What failed is asked again."""
        self._failures.clear()

    @property
    def failures(self) -> int:
        """Questions whose failures are remembered."""
        return len(self._failures)

    @property
    def flights(self) -> int:
        """Questions that are being asked now."""
        return len(self._flights)

    def looked_up(self, question: Question, budget: Budget, depth: int, asker: Flight, done: Done) -> None:
        """`done` has the answer to `question`, asked here for somebody elsewhere, with a budget of its own."""
        self._ask_for_client(question, Budget(self._limits, budget.deadline), done)

    def _ask_for_client(self, question: Question, budget: Budget, done: Done, *, anew: bool = False) -> None:
        """`done` has the answer to `question`, whose failure by its whole `budget` is its own."""

        def settle(result: Result) -> None:
            if not isinstance(result, Answer) and result.own_limit and result.label not in _PASSING:
                self._failures.put((names.fold(question.name), question.type), result, grows=False)
            done(result)

        self._ask(question, budget, 0, None, settle, anew=anew)

    def _ask(
        self, question: Question, budget: Budget, depth: int, asker: Flight | None, done: Done, *, anew: bool = False
    ) -> None:
        """`done` has the answer to `question`, which `asker` needs, or a client."""
        key = (question.name.lower(), question.type)
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
            flight = self._flights[key] = Flight(self, key, depth, budget, asker, done)
            self.owner.own(flight)
            flight.start(question, anew=anew)
        elif asker is not None and flight.waits(asker):
            text = f"the address of {names.to_text(question.name)} depends on itself"
            done(ResolutionFailed("CYCL", NO_REACHABLE_AUTHORITY, text, label="cycle", own_limit=True))
        else:
            self._counters.questions_joined += 1
            again = partial(self._ask, question, budget, depth, asker, done)
            seconds = max(0.0, budget.deadline - self._clock.monotonic())
            flight.join(Joined(flight, asker, done, again), self._clock, seconds)

    def tell(self, done: Done, result: Result) -> None:
        """`done` has `result`, now or when those who are told before have been: a long chain of flights that wait for
        one another ends one after the other, and not each within the one before."""
        self._to_tell.append((done, result))
        if self._telling:
            return
        self._telling = True
        try:
            while self._to_tell:
                done, result = self._to_tell.popleft()
                try:
                    done(result)
                except Exception as error:
                    context = {"message": "a question broke", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(context)
        finally:
            self._telling = False

    def landed(self, flight: Flight, result: Result) -> None:
        """`flight` has ended with `result`, which is remembered if it is a failure of the question."""
        del self._flights[flight.key]
        self.owner.let_go(flight)
        if isinstance(result, Answer):
            if not self._failures.empty:
                self._failures.forget(flight.key)
            return
        self._counters.upstream_failures += 1
        if not result.own_limit and result.label != "dead_zone":  # the zone is remembered, and may be back sooner
            self._failures.put(flight.key, result, grows=self._known.blames_zones)


_PASSING: Final = frozenset(("local", "zone_busy"))
"""Labels of failures that are over as soon as this machine can send, or has done with others."""


def _ignore(_: Result) -> None:
    """Nobody waits for it."""
