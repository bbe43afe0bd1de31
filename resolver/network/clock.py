"""Decides what time it is in the real world: three clocks of the kernel, and timers of the running loop.

Rules: TTLs are measured with CLOCK_BOOTTIME, which runs on while the machine sleeps, so that a record does
not outlive its TTL over a suspend (RFC 1035 section 3.2.1); round-trip times and timeouts with the
monotonic clock, which stands still then; the wall clock is for people and for the validity of signatures
(RFC 4035 section 5.3.1).

Nearly all timers are timeouts, and nearly all of those are cancelled. So those that are due in the same `TICK` share
one timer of the loop: to begin and to cancel one is to put something into a dictionary and to take it out again.

Limits: where there is no CLOCK_BOOTTIME (macOS, Windows) the monotonic clock stands in for it. What is due sooner
than `PRECISE_S` or later than `LONGEST_S` has a timer of its own, accurate to a millisecond; all else comes at most
`TICK` late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from resolver.network.base import Timer

_BOOTTIME: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

TICKS: Final = 256
"""In a second."""
TICK: Final = 1 / TICKS
PRECISE_S: Final = 0.05
"""Below it nothing is a timeout: simulated latency, the next turn of something."""
LONGEST_S: Final = 60.0
"""So that a timer of the loop which all its sharers have cancelled is soon gone; 15,360 of them at most."""

_monotonic = time.monotonic


class _Shared:
    """A callback that shares a timer of the loop."""

    __slots__ = ("callback", "sharers")

    # Without an initialiser, which would take longer than all that it does: each question has two of these.
    callback: Callable[[], None]
    sharers: dict[_Shared, None]

    def cancel(self) -> None:
        """It will not be called."""
        self.sharers.pop(self, None)


BREATH_S: Final = 0.000_05
"""As long as the system takes to wake somebody."""


def breathe() -> None:
    """Another thread has been able to run: where one works for long, those who answer clients wait 5 ms for their turn
    each time that it does not let go."""
    time.sleep(BREATH_S)


class RealClock:
    """The `Clock` of production, with timers on `loop`."""

    __slots__ = ("_loop", "_shared")

    # Static, and no functions of ours, so that a read of the clock on the way of every query is one C call.
    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    boottime = staticmethod(partial(time.clock_gettime, _BOOTTIME))

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._shared: dict[int, dict[_Shared, None]] = {}

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """`callback` is called once in the loop, `seconds` from now; for 0 and below in its next turn."""
        if seconds < PRECISE_S or seconds > LONGEST_S:
            if seconds <= 0:
                return self._loop.call_soon(callback)
            return self._loop.call_later(seconds, callback)
        now = _monotonic()
        tick = int((now + seconds) * TICKS) + 1
        sharers = self._shared.get(tick)
        if sharers is None:
            sharers = self._shared[tick] = {}
            self._loop.call_later(tick * TICK - now, self._fire, tick)
        shared = _Shared()
        shared.callback, shared.sharers = callback, sharers
        sharers[shared] = None
        return shared

    def _fire(self, tick: int) -> None:
        """All that shares the timer of `tick` is called, but for what is cancelled by others of it."""
        sharers = self._shared.pop(tick)
        while sharers:
            shared = next(iter(sharers))
            del sharers[shared]
            try:
                shared.callback()
            except Exception as error:
                context = {"message": "a timer broke", "exception": error}
                self._loop.call_exception_handler(context)
