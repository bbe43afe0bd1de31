from __future__ import annotations

import asyncio
import os
import socket
import threading
import time

import pytest

from resolver.testing.virtual_time import (
    BOOTTIME_START,
    MONOTONIC_START,
    WALL_START,
    Deadlock,
    MovableLoop,
    VirtualClock,
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
    loop = MovableLoop()
    try:
        clock = VirtualClock(loop)
        loop.run_until_complete(clock.advance(2))
        assert clock.monotonic() == MONOTONIC_START + 2
    finally:
        loop.close()


def test_time_can_be_moved_by_no_less_than_nothing_and_by_no_more_than_a_century():
    async def main():
        for wrong in (-1, float("nan"), float("inf"), 1e12):
            with pytest.raises(ValueError, match="time is advanced by 0 to"):
                await VirtualClock().advance(wrong)
        return asyncio.get_running_loop().time()

    assert run(main()) == MONOTONIC_START


def test_time_goes_on_from_where_it_stood_when_it_becomes_real():
    async def main():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(500)
        loop.become_real()
        first = loop.time()
        loop.become_real()
        return loop.is_real, first, loop.time()

    is_real, first, second = run(main())
    assert is_real
    assert MONOTONIC_START + 500 <= first <= second < MONOTONIC_START + 501


def test_real_time_is_moved_timer_by_timer():
    async def main():
        clock, fired = VirtualClock(), []
        asyncio.get_running_loop().become_real()
        began = clock.monotonic()

        def again():
            fired.append(round(clock.monotonic() - began))
            if len(fired) < 4:
                clock.after(1000, again)

        clock.after(1000, again)
        clock.after(1500, lambda: fired.append(round(clock.monotonic() - began)))
        clock.after(1200, lambda: fired.append("cancelled")).cancel()
        await clock.advance(3500)
        return fired, clock.monotonic() - began

    began = time.monotonic()
    fired, passed = run(main())
    assert fired == [1000, 1500, 2000, 3000]
    assert 3500 <= passed < 3501
    assert time.monotonic() - began < 1


def test_what_is_on_a_socket_arrives_before_time_is_moved_past_it():
    """A timeout of a question whose reply is there already does not fire because a test moves time."""

    async def main():
        clock, happened = VirtualClock(), []
        loop = asyncio.get_running_loop()
        loop.become_real()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, theirs:
            timeout = clock.after(5, lambda: happened.append("timeout"))

            def arrived():
                happened.append(ours.recv(10))
                timeout.cancel()

            def relayed():
                octets = theirs.recv(10)
                loop.call_soon(lambda: loop.call_soon(theirs.send, octets))  # so it takes some turns of the loop

            loop.add_reader(ours, arrived)
            loop.add_reader(theirs, relayed)
            ours.send(b"reply")
            await clock.advance(60)
            loop.remove_reader(ours)
            loop.remove_reader(theirs)
        return happened

    assert run(main()) == [b"reply"]


def test_a_real_loop_begins_real_and_waits():
    loop = MovableLoop(real=True)
    try:
        clock, began = VirtualClock(loop, wall=86_400.0), time.monotonic()
        loop.run_until_complete(asyncio.sleep(0.02))
        assert time.monotonic() - began >= 0.02
        assert MONOTONIC_START + 0.02 <= clock.monotonic() < MONOTONIC_START + 10
        assert 86_400.02 <= clock.wall() < 86_410
    finally:
        loop.close()


@pytest.mark.parametrize("real", [False, True])
def test_frozen_clocks_stand_while_timeouts_go_on(real):
    async def main():
        clock = VirtualClock()
        if real:
            asyncio.get_running_loop().become_real()
        clock.freeze()
        clock.freeze()
        stood = clock.boottime(), clock.wall()
        began = clock.monotonic()
        await asyncio.sleep(0.1)
        assert clock.frozen
        assert (clock.boottime(), clock.wall()) == stood
        assert clock.monotonic() - began > 0.09
        clock.thaw()
        clock.thaw()
        stood_for = clock.monotonic() - began
        assert not clock.frozen
        await asyncio.sleep(0.02)
        passed = clock.boottime() - stood[0], clock.wall() - stood[1]
        return stood_for, clock.monotonic() - began, passed

    stood_for, whole, passed = run(main())
    assert stood_for > 0.09
    assert passed == (pytest.approx(whole - stood_for, abs=0.01), pytest.approx(whole - stood_for, abs=0.01))


@pytest.mark.parametrize("real", [False, True])
def test_frozen_clocks_move_when_they_are_advanced_and_by_no_more(real):
    async def main():
        clock = VirtualClock()
        if real:
            asyncio.get_running_loop().become_real()
        clock.freeze()
        stood = clock.boottime(), clock.wall()
        await clock.advance(300)
        await asyncio.sleep(0.01)
        return clock.frozen, clock.boottime() - stood[0], clock.wall() - stood[1]

    assert run(main()) == (True, 300.0, 300.0)


def test_who_never_pauses_does_not_keep_real_time_from_being_moved():
    async def main():
        loop = asyncio.get_running_loop()
        loop.become_real()
        going = True

        def again():
            if going:
                loop.call_soon(again)

        again()
        before = loop.time()
        await asyncio.wait_for(loop.advance(3600), 7200)
        going = False
        return loop.time() - before

    assert run(main()) >= 3600


def test_a_loop_of_another_kind_cannot_be_moved():
    async def main():
        with pytest.raises(TypeError, match="MovableLoop"):
            await VirtualClock().advance(1)

    asyncio.run(main())


def test_a_loop_has_no_socket_and_is_woken_by_other_threads_all_the_same(monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "socketpair", forbidden)
    loop = MovableLoop(real=True)
    try:
        woken = loop.create_future()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(woken.set_result, "from there"))
        loop.call_soon(thread.start)
        assert loop.run_until_complete(asyncio.wait_for(woken, 10)) == "from there"
        thread.join()
        for _ in range(100_000):  # more than a pipe takes
            loop._write_to_self()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon_threadsafe(print)


def test_several_who_advance_at_once_do_not_wait_for_one_another() -> None:
    async def main() -> list[float]:
        clock = VirtualClock()

        async def later(seconds: float) -> float:
            await clock.advance(seconds)
            return clock.monotonic() - MONOTONIC_START

        return await asyncio.gather(*map(later, (3.0, 1.0, 2.0, 1.0)))

    assert run(main()) == [3.0, 1.0, 2.0, 1.0]
