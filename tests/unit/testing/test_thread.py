from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time

import pytest

from resolver.testing.thread import LoopThread
from resolver.testing.virtual_time import Deadlock


@pytest.fixture
def thread():
    made = LoopThread()
    yield made
    made.close()
    assert not [each for each in threading.enumerate() if each.name == "resolver-dns"]


async def now():
    return asyncio.get_running_loop().time()


def test_nothing_is_made_before_it_is_needed():
    before = threading.active_count(), len(os.listdir("/proc/self/fd"))
    made = LoopThread()
    assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == before
    made.close()


def test_no_time_passes_between_two_coroutines(thread):
    async def sleep():
        await asyncio.sleep(100)

    first = thread.run(now())
    thread.run(sleep())
    time.sleep(0.01)
    assert thread.run(now()) == first + 100


def test_what_a_coroutine_raises_is_raised_here(thread):
    async def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        thread.run(broken())
    assert thread.run(now())


def test_a_deadlock_is_told_and_ends_nothing_else(thread):
    ended = []

    async def wait():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(Deadlock):
        thread.run(wait())
    assert ended
    assert thread.run(now())


def test_it_works_where_a_loop_runs_already(thread):
    async def main():
        there = await asyncio.wrap_future(thread.submit(now()))
        return there, thread.run(now())

    there, again = asyncio.run(main())
    assert there == again


def test_when_it_is_real_time_passes_and_coroutines_run_beside_one_another(thread):
    met = asyncio.Event()

    async def wait():
        await asyncio.wait_for(met.wait(), 5)

    async def wake():
        met.set()

    thread.become_real()
    thread.become_real()
    began = thread.run(now())
    waiting = thread.submit(wait())
    thread.run(wake())
    waiting.result(5)
    assert thread.run(now()) > began


@pytest.mark.parametrize("real", [False, True])
def test_closing_ends_what_runs_and_runs_what_is_last(thread, real):
    ended, begun = [], threading.Event()

    async def wait():
        try:
            begun.set()
            # In virtual time this never waits, so it is busy all the time, as a question is that never ends.
            for _ in itertools.count():
                await asyncio.sleep(1)
        finally:
            ended.append("cancelled")

    async def last():
        ended.append("last")

    if real:
        thread.become_real()
    waiting = thread.submit(wait())
    assert begun.wait(5)
    thread.close(last)
    thread.close(last)
    assert ended == ["cancelled", "last"]
    with pytest.raises(RuntimeError, match="closed"):
        waiting.result(1)
    with pytest.raises(RuntimeError, match="its test is over"):
        thread.run(now())


def test_no_file_and_no_thread_is_left():
    before = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for real in (False, True) * 5:
        made = LoopThread()
        made.run(now())
        if real:
            made.become_real()
        made.close()
    assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == before


def test_closing_goes_on_where_what_is_last_breaks():
    async def broken():
        raise ZeroDivisionError

    made = LoopThread()
    made.run(now())
    with pytest.raises(ZeroDivisionError):
        made.close(broken)
    assert not [each for each in threading.enumerate() if each.name == "resolver-dns"]


def test_it_is_not_waited_for_in_its_own_thread(thread):
    async def inner():
        return thread.run(now())

    with pytest.raises(RuntimeError, match="from within its own thread"):
        thread.run(inner())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # from Python 3.12 on, for what is tested here
def test_a_process_that_is_forked_is_told_that_it_has_none(thread):
    thread.run(now())
    child = os.fork()
    if not child:
        try:
            thread.run(now())
        except RuntimeError as error:
            os._exit(0 if "in the process that was forked" in str(error) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_waits_for_its_turn_when_time_becomes_real_is_done_all_the_same(thread):
    held = threading.Event()

    async def hold():
        held.wait(5)

    first = thread.submit(hold())
    turning = threading.Thread(target=thread.become_real)
    turning.start()
    while thread._jobs.empty():
        time.sleep(0.001)
    behind = [thread.submit(now()) for _ in range(3)]
    held.set()
    first.result(5)
    turning.join(5)
    assert all(each.result(5) > 0 for each in behind)


def test_closing_ends_what_still_waits_for_its_turn_when_time_becomes_real(thread):
    held = threading.Event()

    async def hold():
        held.wait(5)

    async def long():
        await asyncio.sleep(3600)

    thread.submit(hold())
    told = []

    def turn():
        with pytest.raises(RuntimeError) as caught:
            thread.become_real()
        told.append(str(caught.value))

    turning = threading.Thread(target=turn)
    turning.start()
    while thread._jobs.empty():
        time.sleep(0.001)
    behind = thread.submit(long())
    closing = threading.Thread(target=thread.close)
    closing.start()
    while not thread.closed:
        time.sleep(0.001)
    held.set()
    closing.join(5)
    turning.join(5)
    with pytest.raises(RuntimeError, match="closed"):
        behind.result(5)
    assert told == ["this internet was closed before the answer came"]
