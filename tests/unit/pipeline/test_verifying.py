from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from resolver.engine.actions import Check, Verified
from resolver.errors import ResolutionFailed
from resolver.pipeline.verifying import MAX_WAITING, Inline, Threaded

GOOD, BAD = Check(13, b"key", b"good", b"data"), Check(13, b"key", b"bad", b"data")


def judge(check: Check) -> bool:
    return check.signature == b"good"


def test_within_the_call_each_check_is_judged_in_its_place():
    told: list[Verified] = []
    verifier = Inline(judge)
    assert verifier.verify((GOOD, BAD, GOOD), told.append) == Verified((True, False, True))
    assert Inline().verify((GOOD,), told.append) == Verified((False,)), "no key at all"
    verifier.close()
    assert told == [], "it was told already"


def beside(on_loop, act: Callable[..., object], judge: Callable[[Check], bool] = judge):
    """What `act(verifier)` gives, with a verifier whose thread ends with the test."""

    async def main():
        verifier = Threaded(asyncio.get_running_loop(), judge)
        try:
            return await act(verifier)
        finally:
            verifier.close()
            verifier._thread.join(20)

    return on_loop(main())


def begun(verifier: Threaded, *checks: Check) -> asyncio.Future[Verified]:
    """What will come of `checks`."""
    told: asyncio.Future[Verified] = asyncio.get_running_loop().create_future()
    assert verifier.verify(checks, told.set_result) is None
    return told


def test_in_a_thread_each_check_is_judged_in_its_place_and_told_on_the_loop(on_loop):
    seen: list[int] = []

    def noting(check: Check) -> bool:
        seen.append(threading.get_ident())
        return judge(check)

    async def act(verifier: Threaded):
        several = [begun(verifier, GOOD, BAD), begun(verifier, BAD), begun(verifier, GOOD)]
        assert not any(each.done() for each in several), "never within the call"
        verdicts = await asyncio.gather(*several)
        return verdicts, threading.get_ident()

    verdicts, here = beside(on_loop, act, noting)
    assert verdicts == [Verified((True, False)), Verified((False,)), Verified((True,))]
    assert len(set(seen)) == 1
    assert here not in seen


def test_no_thread_is_begun_before_there_is_something_to_check(on_loop):
    async def act(verifier: Threaded):
        before = threading.active_count()
        await begun(verifier, GOOD)
        return threading.active_count() - before

    assert beside(on_loop, act) == 1


def test_no_more_wait_than_may_and_later_ones_are_checked_again(on_loop):
    go_on = threading.Event()

    def slow(check: Check) -> bool:
        return go_on.wait(20) and judge(check)

    async def act(verifier: Threaded):
        waiting = [begun(verifier, *[GOOD] * (MAX_WAITING // 2)) for _ in range(2)]
        with pytest.raises(ResolutionFailed) as caught:
            begun(verifier, GOOD)
        go_on.set()
        verdicts = await asyncio.gather(*waiting)
        return caught.value, verdicts, await begun(verifier, BAD)

    failure, verdicts, later = beside(on_loop, act, slow)
    assert (failure.tag, failure.label, failure.own_limit) == ("BUSV", "verifier_busy", True)
    assert [len(each.good) for each in verdicts] == [MAX_WAITING // 2] * 2
    assert later == Verified((False,))


def test_what_is_checked_when_it_is_closed_is_told_to_nobody(on_loop):
    begins, go_on = threading.Event(), threading.Event()

    def slow(check: Check) -> bool:
        begins.set()
        return go_on.wait(20)

    async def act(verifier: Threaded):
        waiting = [begun(verifier, GOOD), begun(verifier, GOOD)]
        await asyncio.to_thread(begins.wait, 20)
        verifier.close()
        go_on.set()
        await asyncio.to_thread(verifier._thread.join, 20)
        await asyncio.sleep(0)
        return [each.done() for each in waiting]

    assert beside(on_loop, act, slow) == [False, False]


def test_a_loop_that_is_closed_first_does_no_harm():
    begins, go_on = threading.Event(), threading.Event()

    def slow(check: Check) -> bool:
        begins.set()
        return go_on.wait(20)

    loop = asyncio.new_event_loop()
    verifier = Threaded(loop, slow)
    verifier.verify((GOOD,), lambda _: None)
    assert begins.wait(20)
    verifier.close()
    loop.close()
    go_on.set()
    verifier._thread.join(20)  # an exception in the thread would be one that the test sees


def test_a_check_that_breaks_does_not_hold_and_is_told_as_a_bug():
    told: list[str] = []

    def broken(check: Check) -> bool:
        raise ValueError("a bug")

    async def main() -> Verified:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        verifier = Threaded(asyncio.get_running_loop(), broken)
        try:
            return await begun(verifier, GOOD, GOOD)
        finally:
            verifier.close()
            verifier._thread.join(20)

    assert asyncio.run(main()) == Verified((False, False))
    assert told == ["a bug"] * 2
