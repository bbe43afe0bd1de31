from __future__ import annotations

import asyncio
import gc

from resolver.tasks import Tasks


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
