"""Answers found by asking other servers: who waits for which question, and what becomes of its failure.

Rules
* A question that is being asked is a *flight*, driven by a task of its own (`driving.py`). Equal questions join it; a
  client that has waited long enough is told so, while the flight goes on for the cache until the work has taken
  `work_s`.
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
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

from resolver.cache.failures import FIRST_S, LONGEST_S, Failures
from resolver.engine.actions import Found, NotFound
from resolver.engine.budget import NO_REACHABLE_AUTHORITY, Budget, Limits
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import Query, Question, Reply, Spawn
from resolver.observe.counters import Counters
from resolver.pipeline.driving import MAX_PER_ZONE, Done, Driver, Tools, late
from resolver.pipeline.replying import reply_of
from resolver.wire import names

_Key = tuple[bytes, int]
_Result = Answer | ResolutionFailed


@dataclass(slots=True, eq=False)
class Flight:
    """A question that is being asked; `waits_for` are the flights it may stand still for."""

    key: _Key
    joined: list[asyncio.Future[_Result]] = field(default_factory=list)
    waits_for: list[Flight] = field(default_factory=list)

    def settle(self, result: _Result) -> None:
        """Those who joined have `result`."""
        for waiting in self.joined:
            if not waiting.done():
                waiting.set_result(result)

    def waits(self, other: Flight) -> bool:
        """Whether this stands still, directly or by others, for `other`, or is it."""
        seen: set[int] = set()
        links = [self]
        while links:
            link = links.pop()
            if link is other:
                return True
            if id(link) not in seen:
                seen.add(id(link))
                links += link.waits_for
        return False


class Resolved:
    """The answerer at the end of the pipeline, over whatever `known` says of whom to ask."""

    def __init__(
        self,
        known: Knowledge,
        tools: Tools,
        *,
        spawn: Spawn,
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
        self._driver = Driver(known, tools, use_0x20=use_0x20, max_per_zone=max_per_zone)
        self._look_up = self._in_flight if addresses is None else addresses.looked_up
        self._known = known
        self._clock = tools.clock
        self._counters: Counters = tools.counters
        self._spawn = spawn
        self._limits = limits
        self._work_s = work_s
        self._failures: Failures[_Key] = Failures(tools.clock, failure_ttl_s, failure_max_ttl_s)
        self._flights: dict[_Key, Flight] = {}

    async def answer(self, query: Query) -> Reply:
        """The reply to `query` from the servers of the world. Raises `ResolutionFailed`."""
        self._counters.answers_resolved += 1
        return reply_of(await self.find(query.question, query.deadline))

    async def find(self, question: Question, deadline: float) -> Answer:
        """The answer to `question` by the monotonic time `deadline`. Raises `ResolutionFailed`.

        Whoever waits may give up: the work goes on.
        """
        now = self._clock.monotonic()
        budget = Budget(self._limits, max(deadline, now + self._work_s))
        waiting: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._spawn(self._settle(waiting, question, budget))
        timer = self._clock.after(max(0.0, deadline - now), lambda: _settle(waiting, late(question.name)))
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
            waiting: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
            self._spawn(self._settle(waiting, question, budget, anew=True))

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

    async def _settle(
        self, waiting: asyncio.Future[_Result], question: Question, budget: Budget, *, anew: bool = False
    ) -> None:
        """`waiting` has the answer to a client's question, or its failure."""
        result: _Result = late(question.name)  # what is left of it when the program ends
        try:
            result = await self._find(question, budget, 0, None, anew=anew)
        except ResolutionFailed as failure:
            result = failure.fresh()
            if failure.own_limit and failure.label not in _PASSING:
                self._failures.put((names.fold(question.name), question.type), result, grows=False)
        finally:
            _settle(waiting, result)

    async def looked_up(self, question: Question, budget: Budget, depth: int, asker: Flight, done: Done) -> None:
        """`done` has the answer to `question`, asked here for somebody elsewhere, with a budget of its own."""
        await _tell(done, question, self.find(question, budget.deadline))

    async def _in_flight(self, question: Question, budget: Budget, depth: int, asker: Flight, done: Done) -> None:
        """`done` has the answer to `question`, which `asker` needs."""
        await _tell(done, question, self._find(question, budget, depth, asker))

    async def _find(
        self, question: Question, budget: Budget, depth: int, asker: Flight | None, *, anew: bool = False
    ) -> Answer:
        key = (names.fold(question.name), question.type)
        budget.check_depth(depth)
        while True:
            failed = self._failures.get(key)
            if failed is not None and not anew:
                self._counters.failures_cached += 1
                raise failed.remembered()
            flight = self._flights.get(key)
            if flight is None:
                return await self._fly(Flight(key), question, budget, depth, asker, anew=anew)
            if asker is not None and flight.waits(asker):
                text = f"the address of {names.to_text(question.name)} depends on itself"
                raise ResolutionFailed("CYCL", NO_REACHABLE_AUTHORITY, text, label="cycle", own_limit=True)
            result = await self._join(flight, budget, asker)
            if isinstance(result, Answer):
                return result
            if not result.own_limit:
                raise result.fresh()

    async def _join(self, flight: Flight, budget: Budget, asker: Flight | None) -> _Result:
        """What came of a question that was already in flight."""
        self._counters.questions_joined += 1
        waiting: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        flight.joined.append(waiting)
        if asker is not None:
            asker.waits_for.append(flight)
        timer = self._clock.after(
            max(0.0, budget.deadline - self._clock.monotonic()),
            lambda: None if waiting.done() else waiting.set_exception(late(flight.key[0])),
        )
        try:
            return await waiting
        finally:
            timer.cancel()
            if asker is not None:
                asker.waits_for.remove(flight)

    async def _fly(
        self, flight: Flight, question: Question, budget: Budget, depth: int, asker: Flight | None, *, anew: bool
    ) -> Answer:
        """The answer, found by asking; those who join meanwhile get it too."""
        self._flights[flight.key] = flight
        if asker is not None:
            asker.waits_for.append(flight)
        result: _Result | None = None
        try:
            result = await self._driver.drive(
                question,
                budget,
                anew=anew,
                look_up=lambda asked, done: self._spawn(self._look_up(asked, budget.fetch(), depth + 1, flight, done)),
            )
            self._failures.forget(flight.key)
            return result
        except ResolutionFailed as failure:
            result = failure.fresh()
            self._counters.upstream_failures += 1
            if not failure.own_limit and failure.label != "dead_zone":  # the zone is remembered, and may be back sooner
                self._failures.put(flight.key, result, grows=self._known.blames_zones)
            raise
        finally:
            del self._flights[flight.key]
            if asker is not None:
                asker.waits_for.remove(flight)
            flight.settle(result or late(flight.key[0]))  # without a result we are being cancelled


_PASSING: Final = frozenset(("local", "zone_busy"))
"""Labels of failures that are over as soon as this machine can send, or has done with others."""


def _settle(waiting: asyncio.Future[_Result], result: _Result) -> None:
    if not waiting.done():
        waiting.set_result(result)


async def _tell(done: Done, question: Question, finding: Awaitable[Answer]) -> None:
    """`done` has what came of `finding` the answer to `question`; when it was cancelled, that it is late."""
    result: Found | NotFound = NotFound(late(question.name))
    try:
        result = Found(await finding)
    except ResolutionFailed as failure:
        result = NotFound(failure.fresh())
    finally:
        done(result)
