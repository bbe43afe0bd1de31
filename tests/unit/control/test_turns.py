"""When a program is changed."""

from __future__ import annotations

import asyncio

import pytest

from resolver.control.turns import Turns
from resolver.testing.virtual_time import run


def test_changes_are_made_one_after_the_other_in_their_order() -> None:
    async def main() -> None:
        done: list[str] = []
        woken: list[bool] = []
        turns = Turns(lambda: woken.append(True))

        async def change(name: str) -> str:
            done.append(f"{name} begins")
            await asyncio.sleep(1)
            done.append(f"{name} ends")
            return name

        async def fails() -> None:
            raise ValueError("no")

        futures = [turns.take(change("a")), turns.take(fails()), turns.take(change("b"))]
        assert len(woken) == 3
        assert done == []
        await turns.run()
        assert done == ["a begins", "a ends", "b begins", "b ends"]
        assert futures[0].result() == "a"
        assert isinstance(futures[1].exception(), ValueError)
        assert futures[2].result() == "b"

    run(main())


def test_what_waits_when_the_daemon_ends_is_told_and_never_done() -> None:
    async def main() -> None:
        turns = Turns(lambda: None)

        async def never() -> None:
            raise AssertionError("it was done")

        future = turns.take(never())
        turns.close()
        assert future.cancelled()
        await turns.run()

    run(main())


def test_a_change_that_is_under_way_when_the_daemon_is_told_to_end_at_once_is_told() -> None:
    async def main() -> None:
        turns = Turns(lambda: None)
        future = turns.take(asyncio.sleep(100))
        running = asyncio.ensure_future(turns.run())
        await asyncio.sleep(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert future.cancelled()

    run(main())
