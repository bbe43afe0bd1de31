"""Virtual time in which nothing goes wrong unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from resolver.testing import virtual_time


def run_strictly(main: Coroutine[Any, Any, Any]) -> Any:
    """What `main` returns, in virtual time. Fails for an exception that only the loop saw: a callback's, a task's."""
    unseen: list[dict[str, Any]] = []

    async def watched() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unseen.append(context))
        return await main

    result = virtual_time.run(watched())
    assert not unseen, f"only the loop saw: {unseen}"
    return result
