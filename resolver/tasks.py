"""Who owns the background tasks: one object, so that none is lost and all have ended when the program has."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Tasks that run until they end or `cancel` is called. Its `spawn` is a `message.Spawn`."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """`work` runs, and is kept alive until it ends."""
        task = asyncio.create_task(work)  # noqa: TID251 — this is the owner that the rule asks for
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def cancel(self) -> None:
        """No task runs any more; each has begun, so that what it promised to do at its end is done."""
        await asyncio.sleep(0)  # a task that is cancelled before its first step never enters its `try`
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
