"""What is done for each action of the engine's steps: messages are sent and waited for, look-ups begun and raced.

Rules
* Not more than `MAX_PER_ZONE` questions wait for servers of one zone; a further one fails at once, and is nobody's
  failure but its own. So a zone that is silent, or a flood of names below it, cannot take what others need. Servers
  that recurse on our behalf are exempt, from this and from the limit for one server: all may go through them.
* Of these, half at most may be questions that have been met with silence: names that a zone's servers drop, however
  many are asked, leave the other half to those that are answered at once.
* A server that was not given its time because the question's was over is not to blame.
* Nothing here is a task or a future: what has come of an action makes the steps go on, in the same call.
* Signatures are checked elsewhere (`verifying.py`); what comes of it when the question has ended is nobody's.

Limits: one exchange and a few look-ups at a time for each question.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from resolver.cache.cookies import Cookies
from resolver.engine import iteration
from resolver.engine.actions import (
    Action,
    Ended,
    Event,
    Exchange,
    Found,
    Listen,
    Lookup,
    NotFound,
    Race,
    Unanswered,
    Undecided,
    Verified,
    Verify,
)
from resolver.engine.budget import NO_REACHABLE_AUTHORITY, OTHER, Budget
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import EDNS_PAYLOAD, Question
from resolver.network.base import Clock, Entropy, Network, Timer, Trouble
from resolver.observe.counters import Counters
from resolver.observe.transcript import Node, Transcript
from resolver.pipeline.conversation import Conversation, Heard, Means
from resolver.pipeline.verifying import LONGEST_S, Inline, Verifier
from resolver.wire import names
from resolver.wire.parse import DEFAULT_BOUNDS, Bounds

MAX_PER_ZONE: Final = 200
LEAST_LETTERS: Final = 12
"""Of a name whose letter case tells that it has come back: one in 4,096 who draw the case too draws the same."""

Result = Answer | ResolutionFailed
"""What becomes of a question. A failure in it was never raised, or no more: see `ResolutionFailed.fresh`."""
Done = Callable[[Result], None]
"""Takes the result of a question; it is called once, perhaps at once."""
LookUp = Callable[[Lookup, Done], None]
"""Begins a look-up, of which `Done` has the result."""
FOR_EVER: Final = math.inf
"""How long somebody waits who does not watch the time."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a driver needs of the world. `payload`: the octets of a datagram that it offers to take; `bounds`: what is
    read of one message; `cookies`: those of servers, where cookies are used; `verifier`: where signatures are
    checked."""

    network: Network
    clock: Clock
    entropy: Entropy
    counters: Counters
    transcript: Transcript | None = None
    payload: int = EDNS_PAYLOAD
    bounds: Bounds = DEFAULT_BOUNDS
    cookies: Cookies | None = None
    verifier: Verifier = field(default_factory=Inline)
    subnet: bytes = b""
    """What servers that recurse on our behalf are told of who asks, as data of an EDNS option (RFC 7871)."""


class Driver:
    """What the questions that are driven have in common: the tools of the world, and how many wait for each zone."""

    def __init__(self, known: Knowledge, tools: Tools, *, use_0x20: bool, max_per_zone: int = MAX_PER_ZONE) -> None:
        self.known, self.clock, self.counters, self.transcript = known, tools.clock, tools.counters, tools.transcript
        self.verifier = tools.verifier
        self.means = Means(
            tools.network,
            tools.clock,
            tools.entropy,
            tools.counters,
            use_0x20,
            tools.payload,
            tools.bounds,
            tools.cookies,
            known.validates,
            whole=tools.transcript is not None or known.overhears,
            subnet=tools.subnet,
        )
        self._max_per_zone = max_per_zone
        self._per_zone: dict[bytes, list[int]] = {}
        """By zone, how many wait for the first time, and how many were met with silence."""

    def enter(self, action: Exchange) -> bool:
        """One more message may be on its way to the server. Raises `ResolutionFailed` when the zone has too many."""
        zone, most, again = action.zone, self._max_per_zone, action.again
        waiting = self._per_zone.get(zone)
        if waiting is None:
            waiting = self._per_zone[zone] = [0, 0]
        if waiting[0] + waiting[1] >= most or (again and waiting[1] >= max(1, most // 2)):
            self.counters.upstream_zone_busy += 1
            raise _busy(zone)
        entered = self.known.servers.enter(action.server)
        waiting[again] += entered
        if not (entered or waiting[0] or waiting[1]):
            del self._per_zone[zone]
        return entered

    def leave(self, action: Exchange) -> None:
        """One message less is on its way to the server."""
        self.known.servers.leave(action.server)
        waiting = self._per_zone[action.zone]
        waiting[action.again] -= 1
        if not (waiting[0] or waiting[1]):
            del self._per_zone[action.zone]


class Drive:
    """One question, driven from its beginning to its end. Who begins it says, by its methods, what follows from that:
    see `flight.Flight`."""

    __slots__ = (
        "_action",
        "_budget",
        "_conversation",
        "_driver",
        "_left",
        "_lookups",
        "_name",
        "_opened",
        "_over",
        "_patience",
        "_run",
        "_steps",
        "place",
    )

    def __init__(
        self, driver: Driver, question: Question, budget: Budget, patience: float, *, anew: bool, checked: bool
    ) -> None:
        """`patience` is the monotonic time up to which somebody waits, of which `_wait_beyond` is told."""
        self._driver, self._budget, self._name, self._patience = driver, budget, question.name, patience
        self._over = False
        self._steps = iteration.resolve(question, driver.known, budget, anew=anew, checked=checked)
        self._lookups: _Lookups | None = None
        self._action: Action | None = None
        """What is under way."""
        self._left = 0.0
        """The seconds that the question had when it began."""
        self._opened: Any = None
        """Where a transcript has it."""
        # A transcript tells by the context what belongs below what, and a callback of the loop has another one.
        self._run = None if driver.transcript is None else copy_context().run
        self.place: Node | None = None if driver.transcript is None else driver.transcript.here
        """What it stands below there, for those who join it."""
        self._conversation = Conversation(driver.means, self._advance if self._run is None else self._go_on)

    def start(self) -> None:
        """The question is being asked; if all is known, it has its answer."""
        if self._run is None:
            self._advance(None)
        else:
            self._run(self._advance, None)

    def cancel(self) -> None:
        """The question has ended, without an answer."""
        if not self._over:
            self._steps.close()
            self._end(late(self._name))

    def came_back(self, spelled: bytes) -> bool:
        """Whether somebody who asks for `spelled` asks on behalf of one that this question was sent to, which is then
        not waited for any more. Names of few letters do not tell, nor those without capitals, as most people ask."""
        if spelled == spelled.lower() or sum(map(_is_letter, spelled)) < LEAST_LETTERS:
            return False
        return self._conversation.came_back(spelled)

    def _look_up(self, lookup: Lookup, done: Done) -> None:
        """`done` has the answer to `lookup`, which this one needs."""
        raise NotImplementedError

    def _wait_beyond(self, now: float) -> None:
        """What is begun `now` may last longer than somebody's patience, which is not looked at any more."""
        raise NotImplementedError

    def _landed(self, result: Result) -> None:
        """`result` became of the question. It is told once."""
        raise NotImplementedError

    def _go_on(self, event: Event | None) -> None:
        if self._run is None:
            self._advance(event)
        else:
            self._run(self._advance, event)

    def _advance(self, event: Event | None) -> None:
        """The steps have run until they wait for something again, or have ended."""
        result: Result
        try:
            while True:
                if self._action is not None:
                    self._has_come(event)
                action = self._steps.send(event)  # type: ignore[arg-type]  # None begins a generator
                event = self._act(action)
                if event is None:
                    return
        except StopIteration as stop:
            answer: Answer = stop.value
            result = answer._replace(told=self._budget.told) if self._budget.told else answer
        except ResolutionFailed as failure:
            self._steps.close()  # which it was not, where the failure is not its own
            result = failure.fresh()
        except BaseException:
            self.cancel()  # a bug, which the loop tells; nobody waits for ever
            raise
        self._end(result)

    def _end(self, result: Result) -> None:
        if self._over:
            return
        self._over = True
        # Nothing may be left that only a search for cycles could free, of each question that is asked.
        action, self._action = self._action, None
        if isinstance(action, Exchange) and not action.rd:
            self._driver.leave(action)
        self._conversation.end()
        if self._lookups is not None:
            self._lookups.close()
            self._lookups = None
        self._landed(result)

    def _act(self, action: Action) -> Event | None:
        """What has come of `action` already; None when it is awaited."""
        driver = self._driver
        now = driver.clock.monotonic()
        left = self._left = self._budget.deadline - now
        match action:
            case Exchange():
                if left <= 0:
                    raise late(self._name)
                if not action.rd and not driver.enter(action):
                    return Unanswered(Trouble.BUSY, 0.0)
                self._action = action
                if driver.transcript is not None:
                    self._opened = driver.transcript.sent(action)
                seconds = action.timeout if action.timeout < left else left
                if now + seconds > self._patience:
                    self._wait_beyond(now)
                return self._conversation.exchange(action, seconds)
            case Listen():
                if left <= 0:
                    raise late(self._name)
                self._action = action
                if driver.transcript is not None:
                    self._opened = driver.transcript.listening(action)
                seconds = min(action.seconds, left)
                if now + seconds > self._patience:
                    self._wait_beyond(now)
                return self._conversation.listen(action, seconds)
            case Race():
                self._action = action
                if self._lookups is None:
                    self._lookups = _Lookups(driver, self._look_up, self._go_on)
                seconds = min(action.seconds, left)
                if now + seconds > self._patience:
                    self._wait_beyond(now)
                return self._lookups.race(action, seconds)
            case Verify():
                return self._verify(action, now)
            case _:
                assert_never(action)

    def _verify(self, action: Verify, now: float) -> Verified | None:
        self._action = action
        if now + LONGEST_S > self._patience:
            self._wait_beyond(now)
        self._driver.counters.signatures_checked += len(action.checks)
        return self._driver.verifier.verify(action.checks, self._verified)

    def _verified(self, verified: Verified) -> None:
        """The signatures have been checked, which may have taken longer than the question."""
        if isinstance(self._action, Verify):
            self._go_on(verified)

    def _has_come(self, event: Event | None) -> None:
        """`event` has come of what was under way. Raises `ResolutionFailed` where the question's time is up."""
        action, self._action = self._action, None
        transcript = self._driver.transcript
        if transcript is not None and self._opened is not None and isinstance(event, Heard):
            transcript.ended(self._opened, event)
            self._opened = None
        if isinstance(action, Exchange):
            if not action.rd:
                self._driver.leave(action)
            if isinstance(event, Unanswered) and event.trouble is Trouble.TIMEOUT and event.suspicion is None:
                self._driver.counters.upstream_timeouts += 1
                if self._left < action.timeout:  # the server was not given its time, and is not to blame
                    raise late(self._name)
        elif isinstance(event, Verified):
            self._driver.counters.signatures_refuted += event.good.count(False)
        elif isinstance(event, Undecided) and isinstance(action, Race) and self._left <= action.seconds:
            raise late(action.lookups[0].question.name)


def _is_letter(octet: int) -> bool:
    return 97 <= octet | 0x20 <= 122


class _Lookups:
    """The look-ups of one question. `ended` is called with what came of a race that was waited for."""

    __slots__ = ("_driver", "_ended", "_look_up", "_race", "_results", "_timer")

    def __init__(self, driver: Driver, look_up: LookUp, ended: Callable[[Event | None], None]) -> None:
        self._driver, self._look_up, self._ended = driver, look_up, ended
        self._results: dict[Lookup, Found | NotFound | None] = {}
        self._race: Race | None = None
        self._timer: Timer | None = None

    def race(self, action: Race, seconds: float) -> Ended | Undecided | None:
        """What has come of `action` already, or could in no time; None when it is awaited for `seconds`."""
        for lookup in action.lookups:
            if lookup not in self._results:
                self._begin(lookup)
        first = self._first(action)
        if first is not None or seconds <= 0:
            return first or Undecided()
        self._race = action
        self._timer = self._driver.clock.after(seconds, self._expire)
        return None

    def close(self) -> None:
        """Nobody waits any more."""
        self._race = None
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self, lookup: Lookup) -> None:
        transcript = self._driver.transcript
        opened = transcript.entered(lookup) if transcript is not None else None
        self._results[lookup] = None

        def done(result: Result) -> None:
            found = Found(result) if isinstance(result, Answer) else NotFound(result)
            if opened is not None and transcript is not None:
                transcript.found(opened, found)
            self._results[lookup] = found
            race = self._race
            if race is not None and lookup in race.lookups:  # another may be left over from a zone that is behind us
                self.close()
                self._ended(self._first(race))

        self._look_up(lookup, done)
        if opened is not None and transcript is not None:
            transcript.left(opened)

    def _first(self, action: Race) -> Ended | None:
        """The first of the look-ups of `action` that has ended; it may be begun again."""
        for lookup in action.lookups:
            result = self._results[lookup]
            if result is not None:
                del self._results[lookup]
                return Ended(lookup, result)
        return None

    def _expire(self) -> None:
        self.close()
        self._ended(Undecided())


def late(name: bytes) -> ResolutionFailed:
    """The failure of what has taken too long."""
    text = f"no answer for {names.to_text(name)} in the time that a client waits"
    return ResolutionFailed("LATE", NO_REACHABLE_AUTHORITY, text, label="deadline", own_limit=True)


def _busy(zone: bytes) -> ResolutionFailed:
    text = f"{names.to_text(zone)} has as many questions open as one zone may have"
    return ResolutionFailed("BUSZ", OTHER, text, label="zone_busy", own_limit=True)
