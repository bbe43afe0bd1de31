from __future__ import annotations

import asyncio
import gc

import pytest

from resolver.tasks import Pending, Tasks


def test_a_task_runs_until_it_ends_and_is_then_forgotten(run):
    async def main():
        tasks, done = Tasks(), []

        async def work():
            await asyncio.sleep(1)
            done.append(True)

        tasks.spawn(work())
        gc.collect()
        running = len(tasks)
        await asyncio.sleep(2)
        return running, len(tasks), done

    assert run(main()) == (1, 0, [True])


def test_cancelling_ends_all_and_waits_for_their_last_words(run):
    async def main():
        tasks, said = Tasks(), []

        async def work(number):
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(1)
                said.append(number)

        for number in range(3):
            tasks.spawn(work(number))
        await asyncio.sleep(0.1)
        await tasks.cancel()
        return sorted(said), len(tasks)

    assert run(main()) == ([0, 1, 2], 0)


def test_a_task_that_is_cancelled_at_once_has_begun_and_says_its_last_words(run):
    async def main():
        tasks, said = Tasks(), []

        async def work():
            try:
                await asyncio.sleep(3600)
            finally:
                said.append(True)

        tasks.spawn(work())
        await tasks.cancel()
        return said

    assert run(main()) == [True]


def test_what_is_handed_over_begins_at_once_and_goes_on_where_its_value_is_settled(run):
    async def main():
        tasks, order, value = Tasks(), [], Pending()

        async def work():
            order.append("begun")
            order.append(await value)

        tasks.spawn(work())
        order.append("handed over")
        value.settle("the value")
        value.settle("too late")
        order.append("settled")
        return order, len(tasks), value.done()

    assert run(main()) == (["begun", "handed over", "the value", "settled"], 0, True)


def test_a_value_that_is_there_is_not_waited_for(run):
    async def main():
        tasks, order, value = Tasks(), [], Pending()
        value.settle(1)

        async def work():
            order.append(await value)

        tasks.spawn(work())
        return order

    assert run(main()) == [1]


def test_a_task_may_wait_for_a_value_and_give_up(run):
    async def main():
        value, other = Pending(), Pending()
        waiting = asyncio.ensure_future(_given(value))
        given_up = asyncio.ensure_future(_given(other))
        await asyncio.sleep(0)
        value.settle("said")
        given_up.cancel()
        assert await waiting == "said"
        with pytest.raises(asyncio.CancelledError):
            await given_up
        other.settle("nobody hears it")
        there = Pending()
        there.settle(3)
        return await asyncio.wait_for(_given(there), 1), other.cancel(), Pending().cancel()

    assert run(main()) == (3, False, True)


async def _given(value):
    return await value


def test_futures_and_the_next_turn_of_the_loop_can_be_waited_for_too(run):
    async def main():
        tasks, order = Tasks(), []
        failing = asyncio.get_running_loop().create_future()

        async def work():
            await asyncio.sleep(0)
            order.append("next turn")
            try:
                await failing
            except ValueError:
                order.append("failed")

        tasks.spawn(work())
        order.append("first")
        await asyncio.sleep(0.1)
        failing.set_exception(ValueError())
        await asyncio.sleep(0.1)
        return order, len(tasks)

    assert run(main()) == (["first", "next turn", "failed"], 0)


def test_what_breaks_is_told_to_the_loop_and_forgotten(run):
    async def main():
        tasks, told = Tasks(), []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))

        async def work():
            raise ValueError("a bug")

        tasks.spawn(work())
        return len(tasks), [str(each) for each in told]

    assert run(main()) == (0, ["a bug"])


def test_work_that_ends_what_it_belongs_to_ends_when_it_waits_next(run):
    async def main():
        tasks, said = Tasks(), []

        async def work():
            ending = asyncio.ensure_future(tasks.cancel())
            try:
                await asyncio.sleep(3600)
            finally:
                said.append("ended")
                await asyncio.sleep(0)
                said.append(ending.done())

        tasks.spawn(work())
        await asyncio.sleep(1)
        return said, len(tasks)

    assert run(main()) == (["ended", False], 0)


def test_what_is_owned_is_ended_once_unless_it_has_been_let_go(run):
    class Running:
        ended = 0

        def cancel(self) -> None:
            self.ended += 1
            tasks.let_go(self)

    async def main():
        await tasks.cancel()
        return [each.ended for each in running]

    tasks, running = Tasks(), [Running(), Running()]
    for each in running:
        tasks.own(each)
    tasks.let_go(running[0])
    assert run(main()) == [0, 1]


def test_work_is_ended_where_it_waits_next_also_if_that_is_decided_while_it_runs(run):
    async def main():
        tasks, said, value = Tasks(), [], Pending()

        async def ends_all():
            await value
            await tasks.cancel()

        async def work():
            value.settle(None)
            said.append("goes on")
            try:
                await asyncio.sleep(3600)
            finally:
                said.append("ended")

        tasks.spawn(ends_all())
        tasks.spawn(work())
        return said, len(tasks)

    assert run(main()) == (["goes on", "ended"], 0)


def test_work_that_was_ended_hears_nothing_of_the_value_that_it_waited_for(run):
    async def main():
        tasks, said, value, other = Tasks(), [], Pending(), Pending()

        async def work():
            try:
                await value
            finally:
                said.append(await other)

        tasks.spawn(work())
        ending = asyncio.ensure_future(tasks.cancel())
        await asyncio.sleep(0)
        value.settle("too late")
        other.settle("last words")
        await ending
        return said

    assert run(main()) == ["last words"]


def test_a_value_that_is_there_when_its_waiter_registers_wakes_it(run):
    async def main():
        value, woken = Pending(), []
        value.settle(1)
        value.add_done_callback(woken.append)
        told_at_once = list(woken)
        await asyncio.sleep(0)
        return told_at_once, woken == [value]

    assert run(main()) == ([], True)


def test_what_is_begun_by_those_that_are_ended_is_ended_too(run):
    async def main():
        tasks = Tasks()

        class Flight:
            def __init__(self, generations):
                self.generations = generations

            def cancel(self):
                tasks.let_go(self)
                if self.generations:
                    tasks.own(Flight(self.generations - 1))

        for _ in range(3):
            tasks.own(Flight(2))
        await asyncio.wait_for(tasks.cancel(), 1)
        return len(tasks)

    assert run(main()) == 0


def test_one_that_is_cancelled_before_its_next_turn_is_not_woken_by_that_turn(run):
    async def main():
        tasks, said = Tasks(), []

        async def work():
            try:
                await asyncio.sleep(0)
            finally:
                last = Pending()
                asyncio.get_running_loop().call_later(1, last.settle, "last words")
                said.append(await last)

        tasks.spawn(work())
        await tasks.cancel()
        return said

    assert run(main()) == ["last words"]
