"""Decides when a member is checked, and for how long a check may take.

Rules
* Checks of one member are `interval_s` apart, give or take `jitter` of it, so that those of many members, and of many
  daemons that were started together, do not fall upon the servers at the same time. The first is made at once.
* A check that has not ended after `timeout_s` has failed. Time in which this process did nothing, and could not have
  heard of its end, is given to it once more. Two checks of one member are never under way.
* A check that could not be made, as where no more files may be open, says nothing of the member.
* A suspect is checked at once, but never sooner than `LEAST_S` after the check before.
* A member that nothing checks is looked at again when it has been down for long enough.

Limits: what a check is, and what its result means, is decided elsewhere (`Probe`, `health`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from resolver.balance.health import Health, Verdict
from resolver.network.base import Clock, Entropy, Sending, Timer

LEAST_S: Final = 0.5
"""Seconds between two checks of a suspect: traffic of which much fails must not become a flood of checks."""

IDLE_S: Final = 0.02
"""Seconds by which a timer is late where the process was busy, or stood still."""

NO_REPLY: Final = "no reply in time"

NOT_MADE: Final = "no check could be made from here"

Done = Callable[[str | None], None]
"""Takes why a check has failed; an empty text if it has not, None if it could not be made from here."""


class Probe(Protocol):
    """One way to check one member."""

    def begin(self, done: Done) -> Sending:
        """A check is under way; `done` is called once, later, from the loop, unless it is closed before."""
        ...


class Timing(NamedTuple):
    """Seconds, and the share of the interval (0 to 1) by which it varies."""

    interval_s: float = 5.0
    jitter: float = 0.2
    timeout_s: float = 1.0


class Checked(NamedTuple):
    """How many checks were made, how many failed, and what the last one said and took."""

    made: int = 0
    failed: int = 0
    said: str = ""
    seconds: float = 0.0


Changed = Callable[[Verdict, str], None]
"""Takes `Verdict.UP` or `Verdict.DOWN`, and why."""


class Checker:
    """Checks one member from `begin` to `end`, and hands on what is heard of it."""

    __slots__ = (
        *("_began", "_changed", "_clock", "_ends", "_entropy", "_health"),
        *("_limit", "_probe", "_timer", "_timing", "_under_way"),
        "last",
    )

    def __init__(
        self, health: Health, probe: Probe | None, timing: Timing, clock: Clock, entropy: Entropy, changed: Changed
    ) -> None:
        """Without a `probe` nothing is checked, and time alone brings back who is down."""
        self._health, self._probe, self._timing = health, probe, timing
        self._clock, self._entropy, self._changed = clock, entropy, changed
        self._timer: Timer | None = None
        self._limit: Timer | None = None
        self._under_way: Sending | None = None
        self._began = -LEAST_S
        self._ends = 0.0
        self.last = Checked()

    def begin(self) -> None:
        """The member is checked from now on, the first time now."""
        if self._probe is not None:
            self._wait(0.0)
        elif not self._health.up:
            self._look_again()

    def adjust(self, probe: Probe | None, timing: Timing) -> None:
        """It is checked by these from now on. What is under way ends as it began, and the next check is made when it
        is due; where the times are others, somewhere within the new interval."""
        before, self._probe = (self._probe, self._timing), probe
        self._timing = timing
        if (probe is None) is not (before[0] is None):
            self.end()
            self.begin()
        elif probe is not None and timing != before[1] and self._under_way is None:
            self._wait(timing.interval_s * self._entropy.fraction())

    def end(self) -> None:
        """Nothing is under way any more. Calling it again does nothing."""
        for timer in (self._timer, self._limit):
            if timer is not None:
                timer.cancel()
        self._timer = self._limit = None
        if self._under_way is not None:
            self._under_way.close()
            self._under_way = None

    def served(self, good: bool) -> None:
        """Real traffic has been answered by the member, or not."""
        health = self._health
        if not (good and health.spotless):
            self._heard(health.served(good, self._clock.monotonic()), "its traffic fails")

    # -- parts

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.after(seconds, self._check)

    def _check(self) -> None:
        self._timer = None
        if self._under_way is not None or self._probe is None:
            return
        self._began = self._clock.monotonic()
        self._ends = self._began + self._timing.timeout_s
        self._limit = self._clock.after(self._timing.timeout_s, self._late)
        self._under_way = self._probe.begin(self._done)

    def _late(self) -> None:
        now = self._clock.monotonic()
        lost = min(now - self._ends, self._timing.timeout_s)
        if lost > IDLE_S and self._ends < self._began + 2 * self._timing.timeout_s:
            self._ends = now + lost
            self._limit = self._clock.after(lost, self._late)
            return
        if self._under_way is not None:
            self._under_way.close()
            self._done(NO_REPLY)

    def _done(self, why: str | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._under_way = None
        now, last = self._clock.monotonic(), self.last
        jitter = self._timing.jitter * (2 * self._entropy.fraction() - 1)
        self._wait(max(0.0, self._began + self._timing.interval_s * (1 + jitter) - now))
        if why is None:
            self.last = last._replace(said=NOT_MADE)
            return
        self.last = Checked(last.made + 1, last.failed + bool(why), why, now - self._began)
        self._heard(self._health.checked(not why, now), why)

    def _heard(self, verdict: Verdict, why: str) -> None:
        if verdict is Verdict.SUSPECT:
            if self._under_way is None:
                self._wait(max(0.0, self._began + LEAST_S - self._clock.monotonic()))
            return
        if verdict is Verdict.SAME:
            return
        self._changed(verdict, why if verdict is Verdict.DOWN else "")
        if verdict is Verdict.DOWN and self._probe is None:
            self._look_again()

    def _look_again(self) -> None:
        left = max(0.0, self._health.down_until - self._clock.monotonic())
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.after(left, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        if not self._health.up and now < self._health.down_until:
            self._look_again()
            return
        self._heard(self._health.due(now), "")
