from __future__ import annotations

import asyncio

import pytest

from resolver.answering import Told, awaited, peek_or_work
from resolver.errors import ResolutionFailed
from resolver.message import Client, Query, Question, Reply, Transport
from tests.support.answering import Always

QUERY = Query(Question(b"\0", 2), Client("192.0.2.1", 0, Transport.UDP), 1, 0.0)
FAILED = ResolutionFailed("TEST", 22, "nobody")


class Later:
    """Keeps whom it is to tell."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def answer(self, query: Query, done: Told) -> None:
        self.told.append(done)


def test_what_is_told_at_once_or_later_is_returned(run):
    async def main():
        later = Later()
        waiting = asyncio.ensure_future(awaited(later, QUERY))
        await asyncio.sleep(1)
        later.told[0](Reply(3))
        return await awaited(Always(Reply(0)), QUERY), await waiting

    assert run(main()) == (Reply(0), Reply(3))


def test_a_failure_is_raised_and_the_one_that_was_told_keeps_no_frame(run):
    with pytest.raises(ResolutionFailed, match="TEST") as raised:
        run(awaited(Always(FAILED), QUERY))
    assert raised.value is not FAILED
    assert FAILED.__traceback__ is None


def test_who_has_given_up_may_still_be_told(run):
    async def main():
        later = Later()
        waiting = asyncio.ensure_future(awaited(later, QUERY))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.sleep(1)
        later.told[0](Reply(0))
        return waiting.cancelled()

    assert run(main())


class Half(Later):
    """Has a reply at hand, or works."""

    def __init__(self, at_hand: Reply | None) -> None:
        super().__init__()
        self._at_hand = at_hand

    def peek(self, query: Query) -> Reply | None:
        return self._at_hand

    def work(self, query: Query, done: Told) -> None:
        self.told.append(done)


@pytest.mark.parametrize("at_hand", [Reply(0), None])
def test_a_stage_works_only_where_nothing_is_at_hand(at_hand: Reply | None):
    stage, told = Half(at_hand), []
    peek_or_work(stage, QUERY, told.append)
    assert (told, len(stage.told)) == (([], 1) if at_hand is None else ([at_hand], 0))
