from __future__ import annotations

import asyncio
from collections import Counter

from resolver.server.waiting import PER_TURN, Waiting
from resolver.testing.virtual_time import VirtualClock


class Bench:
    """What was begun, and after how many turns of the loop."""

    def __init__(self) -> None:
        self.turn = 0
        self.begun: list[tuple[int, str]] = []
        self.waiting: Waiting[str] = Waiting(VirtualClock(), lambda job: self.begun.append((self.turn, job)))

    def put(self, *jobs: str, most: int = 100) -> list[str | None]:
        """Jobs that begin with the name of their client."""
        return [self.waiting.put(job[0], job, most) for job in jobs]

    async def turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)
            self.turn += 1


def bench(run, act):
    async def main():
        made = Bench()
        await act(made)
        return made

    return run(main())


def test_one_job_is_begun_at_once_and_the_others_a_few_a_turn_in_their_order(run):
    jobs = [f"a{number}" for number in range(1 + 2 * PER_TURN + 1)]

    async def act(made):
        assert made.put(*jobs) == [None] * len(jobs)
        assert len(made.waiting) == len(jobs) - 1
        await made.turns(10)
        assert len(made.waiting) == 0

    begun = bench(run, act).begun
    assert begun[0] == (0, "a0")
    assert sorted(Counter(turn for turn, _ in begun[1:]).values()) == [1, PER_TURN, PER_TURN]
    assert [job for _, job in begun] == jobs


def test_what_comes_when_nothing_waits_is_begun_at_once(run):
    async def act(made):
        for number in range(4):
            made.put(f"a{number}")
            await made.turns(5)

    assert [turn for turn, _ in bench(run, act).begun] == [0, 5, 10, 15]


def test_clients_take_turns(run):
    async def act(made):
        made.put(*(f"a{number}" for number in range(6)), "b0", "b1", "c0")
        await made.turns(20)

    assert [job for _, job in bench(run, act).begun] == ["a0", "a1", "b0", "c0", "a2", "b1", "a3", "a4", "a5"]


def test_when_too_many_wait_the_client_with_the_most_gives_up_its_youngest(run):
    async def act(made):
        assert made.put(*(f"a{number}" for number in range(4)), most=3) == [None] * 4
        assert made.put("a4", most=3) == ["a4"]
        assert made.put("b0", "b1", most=3) == ["a3", "b1"]
        assert len(made.waiting) == 3
        await made.turns(20)

    assert [job for _, job in bench(run, act).begun] == ["a0", "a1", "b0", "a2"]


def test_what_is_cleared_is_not_begun_and_the_next_is(run):
    async def act(made):
        made.put("a0", "a1", "b0")
        assert sorted(made.waiting.clear()) == ["a1", "b0"]
        assert list(made.waiting.clear()) == []
        assert len(made.waiting) == 0
        await made.turns(10)
        made.put("c0")
        await made.turns(10)
        assert not made.waiting._of

    assert [job for _, job in bench(run, act).begun] == ["a0", "c0"]


def test_a_client_that_gave_up_its_only_job_has_no_turn(run):
    async def act(made):
        assert made.put("a0", "b0", "c0", most=1) == [None, None, "c0"]
        assert list(made.waiting._of) == ["b"]
        await made.turns(10)
        assert len(made.waiting) == 0
        made.put("e0")
        await made.turns(10)

    assert [job for _, job in bench(run, act).begun] == ["a0", "b0", "e0"]
