from __future__ import annotations

import asyncio
import time

from resolver.network.clock import RealClock


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
