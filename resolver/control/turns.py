"""Decides when a program is changed: one change at a time, in the order in which they were asked for.

Rules: a change may wait, for addresses to be bound or for time to pass, and nothing else changes the program meanwhile:
changes run in the coroutine that lives with it, which also puts new settings in force. What is asked for when the
program ends is told so.

Limits: as many wait as connections may (`http.MAX_CONNECTIONS`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

Change = Coroutine[Any, Any, object]


class Turns:
    """What is to be done to a program, in order; `wake` is called when there is something."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: deque[tuple[Change, asyncio.Future[object]]] = deque()

    def take(self, change: Change) -> asyncio.Future[object]:
        """What will come of `change`."""
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, future))
        self._wake()
        return future

    async def run(self) -> None:
        """All that was asked for has been done."""
        while self._waiting:
            change, future = self._waiting.popleft()
            try:
                value = await change
            except Exception as wrong:
                if not future.done():
                    future.set_exception(wrong)
            except BaseException:
                future.cancel()
                raise
            else:
                if not future.done():
                    future.set_result(value)

    def close(self) -> None:
        """What still waits is not done, and whoever asked for it is told."""
        while self._waiting:
            change, future = self._waiting.popleft()
            change.close()
            future.cancel()
