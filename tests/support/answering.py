"""Answerers for tests, written as coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from resolver.answering import Told
from resolver.errors import ResolutionFailed
from resolver.message import Query, Reply

_begun: set[asyncio.Future[None]] = set()


def begin(work: Coroutine[Any, Any, Reply], done: Told) -> None:
    """`done` has what `work` returns, or the failure that it raises."""

    async def ended() -> None:
        try:
            result: Reply | ResolutionFailed = await work
        except ResolutionFailed as failure:
            result = failure
        done(result)

    task = asyncio.ensure_future(ended())
    _begun.add(task)
    task.add_done_callback(_begun.discard)


class Always:
    """An answerer that says `said` at once, and remembers what it was asked."""

    def __init__(self, said: Reply | ResolutionFailed) -> None:
        self.said = said
        self.queries: list[Query] = []

    def answer(self, query: Query, done: Told) -> None:
        self.queries.append(query)
        done(self.said)
