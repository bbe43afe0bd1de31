from __future__ import annotations

import asyncio
import time

from resolver.network.clock import LONGEST_S, PRECISE_S, TICK, RealClock


def test_the_three_clocks_are_those_of_the_kernel(on_loop):
    async def main():
        clock = RealClock(asyncio.get_running_loop())
        assert abs(clock.monotonic() - time.monotonic()) < 1
        assert abs(clock.wall() - time.time()) < 1
        assert abs(clock.boottime() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1

    on_loop(main())


def test_boottime_is_read_from_the_clock_that_runs_on_in_suspend():
    read = RealClock.boottime
    assert (read.func, read.args) == (time.clock_gettime, (time.CLOCK_BOOTTIME,))


def test_timers_fire_in_the_loop_and_can_be_cancelled(on_loop):
    async def main():
        loop, order = asyncio.get_running_loop(), []
        clock, done = RealClock(loop), loop.create_future()
        clock.after(0.02, lambda: done.set_result(None))
        clock.after(0.005, lambda: order.append("later"))
        clock.after(0, lambda: order.append("next"))
        clock.after(-1, lambda: order.append("next too"))
        clock.after(0.001, lambda: order.append("never")).cancel()
        order.append("first")
        await done
        return order

    assert on_loop(main()) == ["first", "next", "next too", "later"]


class Loop:
    """Timers that a test fires by hand."""

    def __init__(self) -> None:
        self.timers, self.told = [], []

    def call_later(self, seconds, callback, *args):
        self.timers.append((seconds, lambda: callback(*args)))

    def call_exception_handler(self, context):
        self.told.append(context)


def test_timeouts_that_are_due_together_share_a_timer_of_the_loop_and_can_be_cancelled(monkeypatch):
    loop, fired = Loop(), []
    monkeypatch.setattr("resolver.network.clock._monotonic", lambda: 1000.0)
    clock = RealClock(loop)
    second = clock.after(0.4001, lambda: fired.append("second"))
    clock.after(0.4002, lambda: (fired.append("first"), third.cancel()))
    third = clock.after(0.4003, lambda: fired.append("third"))
    clock.after(0.4003, lambda: 1 / 0)
    clock.after(0.4003, lambda: fired.append("last"))
    other = clock.after(7.0, lambda: fired.append("other"))
    second.cancel()
    second.cancel()
    assert [0.4003 <= seconds <= 0.4003 + TICK for seconds, _ in loop.timers] == [True, False]
    loop.timers[0][1]()
    third.cancel()
    assert fired == ["first", "last"]
    assert len(loop.told) == 1, "what breaks keeps nobody else from its time"
    loop.timers[1][1]()
    other.cancel()
    assert fired == ["first", "last", "other"]
    clock.after(0.4002, lambda: fired.append("anew"))
    assert len(loop.timers) == 3


def test_what_is_due_soon_or_much_later_has_a_timer_of_its_own():
    loop = Loop()
    clock = RealClock(loop)
    for seconds in (0.01, 0.01, PRECISE_S / 2, LONGEST_S + 1):
        clock.after(seconds, list)
    assert [seconds for seconds, _ in loop.timers] == [0.01, 0.01, PRECISE_S / 2, LONGEST_S + 1]
