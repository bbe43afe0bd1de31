"""What is done for each action of the engine's steps: messages are sent and waited for, look-ups begun and raced.

Rules
* Not more than `MAX_PER_ZONE` questions wait for servers of one zone; a further one fails at once, and is nobody's
  failure but its own. So a zone that is silent, or a flood of names below it, cannot take what others need. Servers
  that recurse on our behalf are exempt, from this and from the limit for one server: all may go through them.
* Of these, half at most may be questions that have been met with silence: names that a zone's servers drop, however
  many are asked, leave the other half to those that are answered at once.
* A server that was not given its time because the question's was over is not to blame.

Limits: one exchange and a few look-ups at a time for each question.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from resolver.cache.cookies import Cookies
from resolver.engine import iteration
from resolver.engine.actions import Ended, Event, Exchange, Found, Listen, Lookup, NotFound, Race, Unanswered, Undecided
from resolver.engine.budget import NO_REACHABLE_AUTHORITY, OTHER, Budget
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import EDNS_PAYLOAD, Question
from resolver.network.base import Clock, Entropy, Network, Trouble
from resolver.observe.counters import Counters
from resolver.observe.transcript import Transcript
from resolver.pipeline.conversation import Conversation
from resolver.wire import names
from resolver.wire.parse import DEFAULT_BOUNDS, Bounds

MAX_PER_ZONE: Final = 200

Done = Callable[[Found | NotFound], None]
"""Takes the result of a look-up."""
LookUp = Callable[[Question, Done], None]
"""Begins a look-up; its result is handed over when there is one."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a driver needs of the world. `payload`: the octets of a datagram that it offers to take; `bounds`: what is
    read of one message; `cookies`: those of servers, where cookies are used."""

    network: Network
    clock: Clock
    entropy: Entropy
    counters: Counters
    transcript: Transcript | None = None
    payload: int = EDNS_PAYLOAD
    bounds: Bounds = DEFAULT_BOUNDS
    cookies: Cookies | None = None


class Driver:
    """Runs the engine's steps over the tools of the world."""

    def __init__(self, known: Knowledge, tools: Tools, *, use_0x20: bool, max_per_zone: int = MAX_PER_ZONE) -> None:
        self._known = known
        self._tools = tools
        self._use_0x20 = use_0x20
        self._max_per_zone = max_per_zone
        self._per_zone: Counter[tuple[bytes, bool]] = Counter()

    async def drive(self, question: Question, budget: Budget, *, anew: bool, look_up: LookUp) -> Answer:
        """The answer to `question`, from the engine's steps run to their end. Raises `ResolutionFailed`."""
        tools = self._tools
        conversation = Conversation(
            tools.network,
            tools.clock,
            tools.entropy,
            tools.counters,
            use_0x20=self._use_0x20,
            payload=tools.payload,
            bounds=tools.bounds,
            cookies=tools.cookies,
        )
        lookups = _Lookups(tools, look_up)
        steps = iteration.resolve(question, self._known, budget, anew=anew)
        try:
            action = next(steps)
            while True:
                match action:
                    case Exchange():
                        event: Event = await self._exchange(conversation, action, budget)
                    case Listen():
                        event = await self._listen(conversation, action, budget)
                    case Race():
                        event = await lookups.race(action, budget)
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
            raise late(action.question.name)
        if not action.rd and not self._enter(action):
            return Unanswered(Trouble.BUSY, 0.0)
        opened = tools.transcript.sent(action) if tools.transcript is not None else None
        try:
            event = await conversation.exchange(action, min(action.timeout, left))
        finally:
            if not action.rd:
                self._leave(action)
        if opened is not None and tools.transcript is not None:
            tools.transcript.ended(opened, event)
        if isinstance(event, Unanswered) and event.trouble is Trouble.TIMEOUT and event.suspicion is None:
            tools.counters.upstream_timeouts += 1
            if left < action.timeout:
                raise late(action.question.name)
        return event

    async def _listen(self, conversation: Conversation, action: Listen, budget: Budget) -> Event:
        tools = self._tools
        left = budget.deadline - tools.clock.monotonic()
        if left <= 0:
            raise late(action.question.name)
        opened = tools.transcript.listening(action) if tools.transcript is not None else None
        event = await conversation.listen(action, min(action.seconds, left))
        if opened is not None and tools.transcript is not None:
            tools.transcript.ended(opened, event)
        return event

    def _enter(self, action: Exchange) -> bool:
        """One more message may be on its way to the server. Raises `ResolutionFailed` when the zone has too many."""
        zone, most = action.zone, self._max_per_zone
        in_vain = self._per_zone[zone, True]
        if in_vain + self._per_zone[zone, False] >= most or (action.again and in_vain >= max(1, most // 2)):
            self._tools.counters.upstream_zone_busy += 1
            raise _busy(zone)
        if not self._known.servers.enter(action.server):
            return False
        self._per_zone[zone, action.again] += 1
        return True

    def _leave(self, action: Exchange) -> None:
        self._known.servers.leave(action.server)
        key = action.zone, action.again
        self._per_zone[key] -= 1
        if not self._per_zone[key]:
            del self._per_zone[key]


class _Lookups:
    """The look-ups of one question."""

    def __init__(self, tools: Tools, look_up: LookUp) -> None:
        self._tools = tools
        self._look_up = look_up
        self._results: dict[Lookup, Found | NotFound | None] = {}
        self._awaited: tuple[Lookup, ...] = ()
        self._woken: asyncio.Future[None] | None = None

    async def race(self, action: Race, budget: Budget) -> Ended | Undecided:
        """What came of `action`."""
        for lookup in action.lookups:
            if lookup not in self._results:
                self._begin(lookup)
        left = budget.deadline - self._tools.clock.monotonic()
        ended = self._ended(action)
        if ended is None and left > 0:
            self._awaited = action.lookups
            self._woken = asyncio.get_running_loop().create_future()
            timer = self._tools.clock.after(min(action.seconds, left), self._wake)
            try:
                await self._woken
            finally:
                timer.cancel()
                self._woken = None
            ended = self._ended(action)
        if ended is None and left <= action.seconds:
            raise late(action.lookups[0].question.name)
        return ended or Undecided()

    def _begin(self, lookup: Lookup) -> None:
        transcript = self._tools.transcript
        opened = transcript.entered(lookup.question) if transcript is not None else None
        self._results[lookup] = None

        def done(result: Found | NotFound) -> None:
            if opened is not None and transcript is not None:
                transcript.found(opened, result)
            self._results[lookup] = result
            if lookup in self._awaited:  # another may be left over from a zone that is behind us
                self._wake()

        self._look_up(lookup.question, done)
        if opened is not None and transcript is not None:
            transcript.left(opened)

    def _ended(self, action: Race) -> Ended | None:
        """The first of the look-ups of `action` that has ended; it may be begun again."""
        for lookup in action.lookups:
            result = self._results[lookup]
            if result is not None:
                del self._results[lookup]
                return Ended(lookup, result)
        return None

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


def late(name: bytes) -> ResolutionFailed:
    """The failure of what has taken too long."""
    text = f"no answer for {names.to_text(name)} in the time that a client waits"
    return ResolutionFailed("LATE", NO_REACHABLE_AUTHORITY, text, label="deadline", own_limit=True)


def _busy(zone: bytes) -> ResolutionFailed:
    text = f"{names.to_text(zone)} has as many questions open as one zone may have"
    return ResolutionFailed("BUSZ", OTHER, text, label="zone_busy", own_limit=True)
