"""A clock that a test moves by hand, for what needs neither a loop nor timers."""

from __future__ import annotations


class ManualClock:
    """A `Clock` without timers; its three times start apart, so that a mix-up shows."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asleep = 0.0

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def suspend(self, seconds: float) -> None:
        """The machine slept: only TTLs ran on."""
        self.asleep += seconds

    def monotonic(self) -> float:
        return 100.0 + self.now

    def boottime(self) -> float:
        return 7_000.0 + self.now + self.asleep

    def wall(self) -> float:
        return 1_767_225_600.0 + self.now + self.asleep

    def after(self, seconds, callback):
        raise AssertionError("nothing here waits")
