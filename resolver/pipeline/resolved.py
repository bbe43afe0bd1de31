"""Answers found by asking other servers: drives the engine's steps with real time, sockets and company.

Rules
* Equal questions in flight are joined: the first asks, the others wait for what comes of it.
* Who waits for whom is kept as a graph, and a question that would wait for itself, by however many others,
  fails instead (cyclic delegations without glue, also across clients).
* A failure by the asker's own budget, depth, cycle or deadline says nothing about the question: it is not
  cached, and those who joined go on with a budget of their own. Other failures are cached for a few seconds
  (RFC 9520).
* A client is answered by its deadline, whatever is still open.

Limits: a question's waits are strictly one after the other, so each flight waits for at most one other and
the walk along the graph is linear.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, assert_never

from resolver.cache.table import Table
from resolver.engine import iteration
from resolver.engine.actions import Event, Exchange, Found, Lookup, NotFound, Unanswered
from resolver.engine.budget import NO_REACHABLE_AUTHORITY, Budget, Limits
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import EDNS_PAYLOAD, Ede, Query, Question, Reply
from resolver.network.base import Clock, Entropy, Network, Trouble
from resolver.observe.counters import Counters
from resolver.observe.transcript import Transcript
from resolver.pipeline.conversation import Conversation
from resolver.pipeline.replying import reply_of
from resolver.wire import names

MAX_FAILURES: Final = 10_000
_CACHED_ERROR: Final = 13
"""EDE info-code: the failure was remembered (RFC 8914 section 4.14)."""

_Key = tuple[bytes, int]


@dataclass(slots=True, eq=False)
class _Flight:
    """A question that is being asked; `waits_for` is the flight it stands still for."""

    key: _Key
    joined: list[asyncio.Future[Answer | ResolutionFailed]] = field(default_factory=list)
    waits_for: _Flight | None = None

    def settle(self, result: Answer | ResolutionFailed) -> None:
        for waiting in self.joined:
            if not waiting.done():
                waiting.set_result(result)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a driver needs of the world. `payload`: the octets of a datagram that it offers to take."""

    network: Network
    clock: Clock
    entropy: Entropy
    counters: Counters
    transcript: Transcript | None = None
    payload: int = EDNS_PAYLOAD


class Resolved:
    """The answerer at the end of the pipeline, over whatever `known` says of whom to ask."""

    def __init__(
        self,
        known: Knowledge,
        tools: Tools,
        *,
        limits: Limits,
        use_0x20: bool = True,
        failure_ttl_s: float = 5.0,
        addresses: Resolved | None = None,
    ) -> None:
        """`addresses` looks up the addresses of name servers in place of this one, when `known` is not for that."""
        self._addresses = addresses
        self._known = known
        self._tools = tools
        self._limits = limits
        self._use_0x20 = use_0x20
        self._failure_ttl_s = failure_ttl_s
        self._failures: Table[_Key, ResolutionFailed] = Table(MAX_FAILURES, tools.clock)
        self._flights: dict[_Key, _Flight] = {}

    async def answer(self, query: Query) -> Reply:
        """The reply to `query` from the servers of the world. Raises `ResolutionFailed`."""
        self._tools.counters.answers_resolved += 1
        return reply_of(await self.find(query.question, query.deadline))

    async def find(self, question: Question, deadline: float) -> Answer:
        """The answer to `question` by the monotonic time `deadline`. Raises `ResolutionFailed`."""
        return await self._find(question, Budget(self._limits, deadline), 0, None)

    def forget_failures(self) -> None:
        """What failed is asked again."""
        self._failures.clear()

    async def _find(self, question: Question, budget: Budget, depth: int, asker: _Flight | None) -> Answer:
        key = (names.fold(question.name), question.type)
        budget.check_depth(depth)
        while True:
            failed = self._failures.get(key)
            if failed is not None:
                self._tools.counters.failures_cached += 1
                raise _remembered(failed)
            flight = self._flights.get(key)
            if flight is None:
                return await self._fly(_Flight(key), question, budget, depth, asker)
            if asker is not None and _waits(flight, asker):
                text = f"the address of {names.to_text(question.name)} depends on itself"
                raise ResolutionFailed("CYCL", NO_REACHABLE_AUTHORITY, text, label="cycle", own_limit=True)
            result = await self._join(flight, budget, asker)
            if isinstance(result, Answer):
                return result
            if not result.own_limit:
                raise result.fresh()

    async def _join(self, flight: _Flight, budget: Budget, asker: _Flight | None) -> Answer | ResolutionFailed:
        """What came of a question that was already in flight."""
        self._tools.counters.questions_joined += 1
        waiting: asyncio.Future[Answer | ResolutionFailed] = asyncio.get_running_loop().create_future()
        flight.joined.append(waiting)
        if asker is not None:
            asker.waits_for = flight
        late = self._tools.clock.after(
            max(0.0, budget.deadline - self._tools.clock.monotonic()),
            lambda: None if waiting.done() else waiting.set_exception(_late(flight.key[0])),
        )
        try:
            return await waiting
        finally:
            late.cancel()
            if asker is not None:
                asker.waits_for = None

    async def _fly(
        self, flight: _Flight, question: Question, budget: Budget, depth: int, asker: _Flight | None
    ) -> Answer:
        """The answer, found by asking; those who join meanwhile get it too."""
        self._flights[flight.key] = flight
        if asker is not None:
            asker.waits_for = flight
        result: Answer | ResolutionFailed | None = None
        try:
            result = await self._drive(flight, question, budget, depth)
            return result
        except ResolutionFailed as failure:
            result = failure.fresh()
            self._tools.counters.upstream_failures += 1
            if not failure.own_limit:
                self._failures.put(flight.key, result, self._failure_ttl_s)
            raise
        finally:
            del self._flights[flight.key]
            if asker is not None:
                asker.waits_for = None
            flight.settle(result or _late(flight.key[0]))  # without a result we are being cancelled

    async def _drive(self, flight: _Flight, question: Question, budget: Budget, depth: int) -> Answer:
        """Runs the engine's steps for `question` to their end."""
        tools = self._tools
        conversation = Conversation(
            tools.network, tools.clock, tools.entropy, tools.counters, use_0x20=self._use_0x20, payload=tools.payload
        )
        steps = iteration.resolve(question, self._known, budget)
        try:
            action = next(steps)
            while True:
                match action:
                    case Exchange():
                        event: Event = await self._exchange(conversation, action, budget)
                    case Lookup(asked):
                        event = await self._look_up(asked, budget, depth + 1, flight)
                    case _:
                        assert_never(action)
                action = steps.send(event)
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer
        finally:
            steps.close()
            conversation.close()

    async def _exchange(self, conversation: Conversation, action: Exchange, budget: Budget) -> Event:
        tools = self._tools
        left = budget.deadline - tools.clock.monotonic()
        if left <= 0:
            raise _late(action.question.name)
        opened = tools.transcript.sent(action) if tools.transcript is not None else None
        event = await conversation.exchange(action, min(action.timeout, left))
        if opened is not None and tools.transcript is not None:
            tools.transcript.ended(opened, event)
        if isinstance(event, Unanswered) and event.trouble is Trouble.TIMEOUT and not event.miscased:
            tools.counters.upstream_timeouts += 1
            if left < action.timeout:  # the server was not given its time, so nothing is to be held against it
                raise _late(action.question.name)
        return event

    async def _look_up(self, question: Question, budget: Budget, depth: int, asker: _Flight) -> Event:
        transcript = self._tools.transcript
        opened = transcript.entered(question) if transcript is not None else None
        event: Event
        try:
            if self._addresses is not None:
                event = Found(await self._addresses.find(question, budget.deadline))
            else:
                event = Found(await self._find(question, budget, depth, asker))
        except ResolutionFailed as failure:
            event = NotFound(failure)
        if opened is not None and transcript is not None:
            transcript.ended(opened, event)
        return event


def _waits(flight: _Flight, asker: _Flight) -> bool:
    """Whether `flight` stands still, directly or by others, for `asker`, or is it."""
    link: _Flight | None = flight
    while link is not None:
        if link is asker:
            return True
        link = link.waits_for
    return False


def _late(name: bytes) -> ResolutionFailed:
    text = f"no answer for {names.to_text(name)} in the time that a client waits"
    return ResolutionFailed("LATE", NO_REACHABLE_AUTHORITY, text, label="deadline", own_limit=True)


def _remembered(failure: ResolutionFailed) -> ResolutionFailed:
    """`failure` as it is told to those who ask again while it is cached."""
    again = failure.fresh()
    again.label = "remembered"
    again.heard = (*failure.heard, Ede(_CACHED_ERROR, ""))
    return again
