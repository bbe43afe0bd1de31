"""Decides what time it is in tests: it stands still while anything can run, and jumps when nothing can; or it is real
time plus an offset, which a test moves.

Rules
* A `MovableLoop` begins *virtual*: its selector never waits. Where the loop would sleep until its next timer, its clock
  jumps there instead; where it would sleep for ever, nothing can happen any more and `Deadlock` is raised, which is how
  a test sees a question that waits for itself. A day passes in no time, and twice the same way.
* `become_real` makes it a loop that waits for sockets and timers like any other, for good. Its time goes on from where
  it stood.
* `advance` passes time in both states: what falls due happens at its own time, in its order, and what that sets going
  is done before time moves on.
* `freeze` stops what TTLs and signatures are measured with, the boot time and the wall clock. Timeouts go on, because
  they are measured with the monotonic clock. What is frozen still moves when it is advanced.

The virtual time starts at `MONOTONIC_START`, `BOOTTIME_START` and `WALL_START` (2026-01-01T00:00:00Z),
which differ, so that a mix-up of clocks shows.

Limits: as long as a loop is virtual, never mix it with real sockets or threads: what they wait for looks like a
deadlock. The selector still polls, so that the loop's own wake-up pipe works. In the real state a message that the
kernel has not delivered when time is moved arrives after it; on loopback there is none such.
"""

from __future__ import annotations

import asyncio
import errno
import io
import math
import os
import selectors
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from resolver.network.base import Timer

T = TypeVar("T")

MONOTONIC_START: Final = 1_000.0
BOOTTIME_START: Final = 5_000.0
WALL_START: Final = 1_767_225_600.0

LONGEST_ADVANCE_S: Final = 100 * 365.25 * 86_400
"""A hundred years: beyond, a float of seconds is too coarse for timeouts, and it is a mistake anyway."""

LATEST_S: Final = 2.0**33
"""The latest time of a loop, some 272 years. A float of seconds has steps of a microsecond until then; later a timer
may be due at a time that the loop never reaches."""

_QUIET_TURNS: Final = 2
"""Turns of the loop in which nothing was to be done before it counts as dry: what ran last may have sent a datagram,
which the turn after it would find."""

_MOST_TURNS: Final = 1_000
"""Turns of a loop in real time after which it counts as dry although it is not: clients that ask without a pause must
not keep time from being moved."""


class Deadlock(RuntimeError):
    """The coroutine waits, and nothing is left that could wake it."""


class _MovableSelector(selectors.DefaultSelector):
    """While it is virtual it polls where it was asked to wait, and moves `now` on by the time it would have waited."""

    now = MONOTONIC_START
    offset: float | None = None
    """Seconds from the real monotonic time to the loop's; None while that is virtual."""
    found = 0
    """How many files were ready at the last look."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout if self.offset is not None else 0)
        self.found = len(ready)
        if ready or self.offset is not None:
            return ready
        if timeout is None:
            raise Deadlock("deadlock: nothing is scheduled")
        if timeout > 0:
            self.now += timeout
        return ready


class _PipeEnd(io.FileIO):
    """What asyncio wants of the sockets by which other threads wake a loop, over an end of a pipe."""

    def __init__(self, descriptor: int, mode: str) -> None:
        os.set_blocking(descriptor, False)
        super().__init__(descriptor, mode)

    def recv(self, octets: int) -> bytes:
        """Up to so many octets. Raises BlockingIOError where there are none."""
        got: bytes | None = self.read(octets)
        if got is None:
            raise BlockingIOError
        return got

    def send(self, octets: bytes) -> None:
        """They are sent, but where the pipe is full, which wakes the loop as well. Raises OSError once it is closed."""
        try:
            self.write(octets)
        except ValueError as closed:
            raise OSError(errno.EBADF, str(closed)) from None


class MovableLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, or from `become_real` on in real time plus an offset."""

    _ready: Any  # asyncio's own, which its types do not tell: what runs in this turn and the next
    _scheduled: list[asyncio.TimerHandle]  # a heap by the time at which they are due; some are cancelled
    _internal_fds: int
    _ssock: _PipeEnd
    _csock: _PipeEnd

    def __init__(self, *, real: bool = False) -> None:
        self._movable = _MovableSelector()
        self._drying = 0
        super().__init__(self._movable)
        # asyncio fires timers that are due before `time() + _clock_resolution`. After some years a float of
        # seconds is coarser than its default of a nanosecond, and the sum would be the time itself.
        self._clock_resolution = 1e-6
        if real:
            self.become_real()

    if sys.platform != "win32":  # where one cannot wait for a pipe

        def _make_self_pipe(self) -> None:
            """Other threads wake this loop by a pipe, in the place of asyncio's pair of sockets: a test has an internet
            also where sockets are forbidden to it."""
            reading, writing = os.pipe()
            self._ssock, self._csock = _PipeEnd(reading, "rb"), _PipeEnd(writing, "wb")
            self._internal_fds += 1
            self._add_reader(self._ssock.fileno(), self._read_from_self)  # type: ignore[attr-defined]

    @property
    def is_real(self) -> bool:
        """Whether time passes by itself."""
        return self._movable.offset is not None

    def become_real(self) -> None:
        """Time passes by itself from now on, and the loop waits for sockets. Calling it again does nothing."""
        if self._movable.offset is None:
            self._movable.offset = self._movable.now - time.monotonic()

    def time(self) -> float:
        """The monotonic time of this loop, in seconds."""
        offset = self._movable.offset
        return self._movable.now if offset is None else time.monotonic() + offset

    async def advance(self, seconds: float) -> None:
        """`seconds` have passed, and everything that fell due in them has happened, each at its own time. To be awaited
        in this loop. Raises ValueError for less than 0, for more than `LONGEST_ADVANCE_S` and beyond `LATEST_S`."""
        if not (math.isfinite(seconds) and 0 <= seconds <= LONGEST_ADVANCE_S):
            raise ValueError(f"time is advanced by 0 to {LONGEST_ADVANCE_S:.0f} seconds, not by {seconds}")
        if self.time() + seconds > LATEST_S:
            raise ValueError(f"{seconds:.0f} seconds more are too many: time can be moved by 272 years in all")
        await self._run_dry()
        if self._movable.offset is None:
            await asyncio.sleep(seconds)
        else:
            await self._move(seconds)
        await self._run_dry()

    async def _move(self, left: float) -> None:
        """The offset grows by `left`, from one timer to the next. Seconds that pass meanwhile are not counted."""
        assert self._movable.offset is not None
        while left > 0:
            due = self._next_due()
            step = left if due is None else min(left, max(0.0, due - self.time()))
            self._movable.offset += step
            left -= step
            await self._run_dry()

    def _next_due(self) -> float | None:
        """When the next timer fires; None where there is none."""
        return min((each.when() for each in self._scheduled if not each.cancelled()), default=None)

    async def _run_dry(self) -> None:
        """Nothing is left that could run without time passing, but for others who wait for the same."""
        quiet = turns = 0
        self._drying += 1
        try:
            while quiet < _QUIET_TURNS and not (self.is_real and turns >= _MOST_TURNS):
                await asyncio.sleep(0)
                turns += 1
                busy = len(self._ready) >= self._drying  # each of the others has a place there
                quiet = 0 if busy or self._movable.found else quiet + 1
        finally:
            self._drying -= 1


class VirtualClock:
    """The `Clock` of `loop`, or of the running loop; `wall` is the wall clock when the loop was made."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, *, wall: float = WALL_START) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._wall = wall
        self._asleep = 0.0
        self._stands_at: float | None = None

    def monotonic(self) -> float:
        """Seconds of time in which the machine was awake."""
        return self._loop.time()

    def boottime(self) -> float:
        """Seconds that go on in suspend, but not while they are frozen."""
        return BOOTTIME_START + self._passed()

    def wall(self) -> float:
        """Seconds since 1970; what was handed in when the loop was made."""
        return self._wall + self._passed()

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """`callback` is called once, `seconds` of the loop's time from now."""
        return self._loop.call_later(max(0.0, seconds), callback)

    async def advance(self, seconds: float) -> None:
        """`seconds` have passed, and everything that fell due in them has happened, each at its own time. What is
        frozen has moved by as much. Raises ValueError for less than 0 and for more than `LONGEST_ADVANCE_S`, and
        TypeError on a loop whose time cannot be moved."""
        if not isinstance(self._loop, MovableLoop):
            raise TypeError("only the time of a MovableLoop can be moved")
        stood_at = self._stands_at
        self.thaw()
        try:
            await self._loop.advance(seconds)
        finally:
            if stood_at is not None:
                self.freeze()
        if stood_at is not None:
            self._stands_at = stood_at + seconds

    def freeze(self) -> None:
        """TTLs and the wall clock stand still; timeouts go on. Calling it again does nothing."""
        if self._stands_at is None:
            self._stands_at = self._passed()

    def thaw(self) -> None:
        """They go on from where they stood. Calling it again does nothing."""
        if self._stands_at is not None:
            stood_at, self._stands_at = self._stands_at, None
            self._asleep += stood_at - self._passed()

    @property
    def frozen(self) -> bool:
        """Whether they stand still."""
        return self._stands_at is not None

    def suspend(self, seconds: float) -> None:
        """The machine has slept: TTLs ran on, timers and the monotonic clock did not."""
        self._asleep += seconds

    def _passed(self) -> float:
        if self._stands_at is not None:
            return self._stands_at
        return self._loop.time() - MONOTONIC_START + self._asleep


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns, run in a virtual time of its own. Raises Deadlock when it can never end."""
    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        return runner.run(main)
