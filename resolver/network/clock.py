"""Decides what time it is in the real world: three clocks of the kernel, and timers of the running loop.

Rules: TTLs are measured with CLOCK_BOOTTIME, which runs on while the machine sleeps, so that a record does
not outlive its TTL over a suspend (RFC 1035 section 3.2.1); round-trip times and timeouts with the
monotonic clock, which stands still then; the wall clock is for people and for the validity of signatures
(RFC 4035 section 5.3.1).

Limits: where there is no CLOCK_BOOTTIME (macOS, Windows) the monotonic clock stands in for it. Timers of
uvloop are accurate to a millisecond.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from resolver.network.base import Timer

_BOOTTIME: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class RealClock:
    """The `Clock` of production, with timers on `loop`."""

    __slots__ = ("_loop",)

    # Static, so that a read of the clock on the way of every query is one C call.
    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def boottime(self) -> float:
        """Seconds since the machine was started, its sleep included."""
        return time.clock_gettime(_BOOTTIME)

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """`callback` is called once in the loop, `seconds` from now; for 0 and below in its next turn."""
        if seconds <= 0:
            return self._loop.call_soon(callback)
        return self._loop.call_later(seconds, callback)
