from __future__ import annotations

import asyncio
import os
import socket
import time

import pytest

from resolver.testing.virtual_time import (
    BOOTTIME_START,
    MONOTONIC_START,
    WALL_START,
    Deadlock,
    VirtualClock,
    VirtualLoop,
    run,
)


def test_a_day_passes_in_no_time():
    async def main():
        clock = VirtualClock()
        await asyncio.sleep(86_400)
        return clock.monotonic(), clock.boottime(), clock.wall()

    began = time.monotonic()
    assert run(main()) == (MONOTONIC_START + 86_400, BOOTTIME_START + 86_400, WALL_START + 86_400)
    assert time.monotonic() - began < 2


def test_ten_years_pass_exactly():
    async def main():
        await asyncio.sleep(3652 * 86_400.0)
        return asyncio.get_running_loop().time()

    assert run(main()) == MONOTONIC_START + 3652 * 86_400


def test_the_wall_clock_starts_in_2026():
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(WALL_START)) == "2026-01-01T00:00:00Z"


def test_a_coroutine_that_waits_for_nothing_is_a_deadlock():
    async def main():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match="deadlock: nothing is scheduled"):
        run(main())


def test_two_tasks_that_wait_for_each_other_are_a_deadlock_and_are_cleaned_up():
    ended = []

    async def wait(for_whom):
        try:
            await for_whom.wait()
        finally:
            ended.append(for_whom)

    async def main():
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(wait(asyncio.Event()))

    with pytest.raises(Deadlock):
        run(main())
    assert len(ended) == 2


def test_what_can_run_runs_before_time_moves():
    order = []

    async def busy():
        for _ in range(100):
            await asyncio.sleep(0)
        order.append(("busy", asyncio.get_running_loop().time()))

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(busy())
            await asyncio.sleep(0.001)
            order.append(("timer", asyncio.get_running_loop().time()))

    run(main())
    assert order == [("busy", MONOTONIC_START), ("timer", MONOTONIC_START + 0.001)]


def test_advance_lets_everything_happen_at_its_own_time():
    async def main():
        clock, fired = VirtualClock(), []
        for seconds in (3, 1, 2, 9):
            clock.after(seconds, lambda: fired.append(clock.monotonic() - MONOTONIC_START))
        await clock.advance(5)
        return fired

    assert run(main()) == [1, 2, 3]


def test_a_cancelled_timer_does_not_fire():
    async def main():
        clock, fired = VirtualClock(), []
        clock.after(1, lambda: fired.append(1)).cancel()
        await clock.advance(5)
        return fired

    assert run(main()) == []


def test_in_suspend_ttls_run_on_and_timeouts_do_not():
    async def main():
        clock = VirtualClock()
        clock.suspend(3600)
        return clock.monotonic(), clock.boottime(), clock.wall()

    assert run(main()) == (MONOTONIC_START, BOOTTIME_START + 3600, WALL_START + 3600)


def test_what_a_coroutine_raises_comes_out():
    async def main():
        await asyncio.sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main())


def test_what_is_readable_comes_before_any_jump():
    async def main():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            got = loop.create_future()
            loop.add_reader(ours, lambda: got.done() or got.set_result(loop.time()))
            theirs.send(b"x")
            at = await asyncio.wait_for(got, 10)
            loop.remove_reader(ours)
        return at

    assert run(main()) == MONOTONIC_START


def test_no_file_is_left_open():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(Deadlock):
            run(asyncio.Event().wait())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_clock_can_be_made_before_its_loop_runs():
    loop = VirtualLoop()
    try:
        clock = VirtualClock(loop)
        loop.run_until_complete(clock.advance(2))
        assert clock.monotonic() == MONOTONIC_START + 2
    finally:
        loop.close()
