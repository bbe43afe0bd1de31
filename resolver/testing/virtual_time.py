"""Decides that time in tests is virtual: it stands still while anything can run, and jumps when nothing can.

Rules: the loop is asyncio's own over a selector that never waits. Where the loop would sleep until its next
timer, its clock jumps there instead; where it would sleep for ever, nothing can happen any more and
`Deadlock` is raised from `run`, which is how a test sees a question that waits for itself. A day passes in
no time, and twice the same way.

The virtual time starts at `MONOTONIC_START`, `BOOTTIME_START` and `WALL_START` (2026-01-01T00:00:00Z),
which differ, so that a mix-up of clocks shows.

Limits: never mix it with real sockets or threads: what they wait for looks like a deadlock. The selector
still polls, so that the loop's own wake-up pipe works.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from resolver.network.base import Timer

T = TypeVar("T")

MONOTONIC_START: Final = 1_000.0
BOOTTIME_START: Final = 5_000.0
WALL_START: Final = 1_767_225_600.0


class Deadlock(RuntimeError):
    """The coroutine waits, and nothing is left that could wake it."""


class _JumpingSelector(selectors.DefaultSelector):
    """Polls where it was asked to wait, and moves `now` on by the time it would have waited."""

    now = MONOTONIC_START

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Deadlock("deadlock: nothing is scheduled")
        if timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # asyncio fires timers that are due before `time() + _clock_resolution`. After some years a float of
        # seconds is coarser than its default of a nanosecond, and the sum would be the time itself.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """The virtual monotonic time, in seconds."""
        return self._jumping.now


class VirtualClock:
    """The `Clock` of `loop`, or of the running loop; `wall` is the wall clock when the loop was made."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, *, wall: float = WALL_START) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._wall = wall
        self._asleep = 0.0

    def monotonic(self) -> float:
        """Seconds of time in which the machine was awake."""
        return self._loop.time()

    def boottime(self) -> float:
        """Seconds that go on in suspend."""
        return BOOTTIME_START + self._passed()

    def wall(self) -> float:
        """Seconds since 1970; what was handed in when the loop was made."""
        return self._wall + self._passed()

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """`callback` is called once, `seconds` of virtual time from now."""
        return self._loop.call_later(max(0.0, seconds), callback)

    async def advance(self, seconds: float) -> None:
        """`seconds` have passed, and everything that fell due in them has happened, each at its own time."""
        await asyncio.sleep(seconds)

    def suspend(self, seconds: float) -> None:
        """The machine has slept: TTLs ran on, timers and the monotonic clock did not."""
        self._asleep += seconds

    def _passed(self) -> float:
        return self._loop.time() - MONOTONIC_START + self._asleep


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns, run in a virtual time of its own. Raises Deadlock when it can never end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
