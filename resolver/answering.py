"""The one interface of everything that turns a query into a reply, and what a coroutine makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from resolver.errors import ResolutionFailed
from resolver.message import Query, Reply

Told = Callable[[Reply | ResolutionFailed], None]
"""Takes the reply to a query, or why there is none to be had: a failure that was never raised, or no more."""


class Answerer(Protocol):
    """Anything that turns a query into a reply. Answerers nest; the order is to be seen in `app.py`."""

    def answer(self, query: Query, done: Told) -> None:
        """`done` is called once, now or later, with what became of `query`."""
        ...


class Stage(Answerer, Protocol):
    """An answerer that tells apart what is at hand from what needs work: what wraps another, or branches, is such."""

    def peek(self, query: Query) -> Reply | None:
        """The reply that is at hand, without waiting; None when there is work to be done."""
        ...

    def work(self, query: Query, done: Told) -> None:
        """`done` has what became of `query`, for which `peek` has looked in vain."""
        ...


def peek_or_work(stage: Stage, query: Query, done: Told) -> None:
    """What `answer` is for every `stage`: `done` has what is at hand, or what became of `query`."""
    reply = stage.peek(query)
    if reply is None:
        stage.work(query, done)
    else:
        done(reply)


async def awaited(answerer: Answerer, query: Query) -> Reply:
    """The reply of `answerer` to `query`, for those who embed the program: no query of a client passes through here.

    Raises `ResolutionFailed`. Whoever waits may give up: the work goes on.
    """
    told: asyncio.Future[Reply | ResolutionFailed] = asyncio.get_running_loop().create_future()

    def done(result: Reply | ResolutionFailed) -> None:
        if not told.done():
            told.set_result(result)

    answerer.answer(query, done)
    result = await told
    if isinstance(result, ResolutionFailed):
        raise result.fresh()  # what is raised must not be held by its own frame
    return result
