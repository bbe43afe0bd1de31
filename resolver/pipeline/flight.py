"""One question that is being asked, and all who wait for it: whom it stands still for, and who joined it.

Rules
* A question that would wait for itself, by however many others, is told by `waits`.
* Who began it and those who joined have what became of it, or their own time is over first; it goes on then. Where it
  ended by the limits of the one who began it, each of the others asks again with its own.
* A timer for who began it is set only once something is waited for beyond that time: most questions have their answer
  by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from resolver.engine.actions import Lookup
from resolver.engine.budget import Budget
from resolver.engine.outcome import Answer
from resolver.message import Question
from resolver.network.base import Clock, Timer
from resolver.pipeline.driving import FOR_EVER, Done, Drive, Driver, Result, late

Key = tuple[bytes, int, bool]
"""A question: its name, folded, its type, and whether its answer must be proven."""


class LookUp(Protocol):
    """Finds what a question needs to know on its way: `done` has the answer to `lookup`, which `asker` needs."""

    def __call__(self, lookup: Lookup, budget: Budget, depth: int, asker: Flight, done: Done, /) -> None: ...


class Control(Protocol):
    """Who has flights begin, and hears of their end."""

    driver: Driver
    look_up: LookUp

    def tell(self, done: Done, result: Result, /) -> None:
        """`done` has `result`, in its turn."""
        ...

    def landed(self, flight: Flight, result: Result, /) -> None:
        """`flight` has ended with `result`."""
        ...


class Flight(Drive):
    """A question that is being asked; `waits_for` are the flights it may stand still for, `asker` the one that began
    it; None is a client."""

    __slots__ = ("_control", "_depth", "_done", "_joined", "_timer", "asker", "key", "waits_for")

    def __init__(
        self,
        control: Control,
        key: Key,
        question: Question,
        depth: int,
        budget: Budget,
        asker: Flight | None,
        done: Done,
        patience: float,
        *,
        anew: bool,
    ) -> None:
        """`done` has what becomes of it, by the monotonic time `patience`."""
        Drive.__init__(self, control.driver, question, budget, patience, anew=anew, checked=key[2])
        self._control, self.key, self._depth, self.asker, self._done = control, key, depth, asker, done
        self._joined: list[Joined] = []
        self._timer: Timer | None = None
        self.waits_for: list[Flight] = []
        if asker is not None:
            asker.waits_for.append(self)

    def join(self, joined: Joined, clock: Clock, seconds: float) -> None:
        """`joined` has what becomes of this, if that is known within `seconds`."""
        self._joined.append(joined)
        joined.timer = clock.after(seconds, joined.expire)

    def left_by(self, joined: Joined) -> None:
        """`joined` waits no more."""
        self._joined.remove(joined)

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

    def _look_up(self, lookup: Lookup, done: Done) -> None:
        self._control.look_up(lookup, self._budget.fetch(), self._depth + 1, self, done)

    def _wait_beyond(self, now: float) -> None:
        self._timer = self._driver.clock.after(max(0.0, self._patience - now), self._expire)
        self._patience = FOR_EVER

    def _expire(self) -> None:
        """Who began it has waited long enough."""
        done, self._done = self._done, nobody
        done(late(self._name))

    def _landed(self, result: Result) -> None:
        control = self._control
        if self._timer is not None:
            self._timer.cancel()
        control.landed(self, result)
        if self.asker is not None:
            self.asker.waits_for.remove(self)
        control.tell(self._done, result)
        if self._joined:
            joined, self._joined = self._joined, []
            for each in joined:
                each.leave()
                control.tell(each.tell, result)


def nobody(_: Result) -> None:
    """Nobody waits for it."""


class Joined:
    """Somebody who waits for a flight that others began."""

    __slots__ = ("_again", "_asker", "_done", "_flight", "timer")

    def __init__(self, flight: Flight, asker: Flight | None, done: Done, again: Callable[[], None]) -> None:
        """`again` asks once more, alone, where the flight ended by the limits of the one who began it."""
        self._flight, self._asker, self._done, self._again = flight, asker, done, again
        self.timer: Timer | None = None
        if asker is not None:
            asker.waits_for.append(flight)

    def tell(self, result: Result) -> None:
        """The flight has ended with `result`."""
        if isinstance(result, Answer):
            self._done(result)
        elif result.own_limit:
            self._again()
        else:
            self._done(result.fresh())

    def expire(self) -> None:
        """It has waited long enough."""
        self._flight.left_by(self)
        self.leave()
        self._done(late(self._flight.key[0]))

    def leave(self) -> None:
        """It waits no more."""
        if self.timer is not None:
            self.timer.cancel()
        if self._asker is not None:
            self._asker.waits_for.remove(self._flight)
