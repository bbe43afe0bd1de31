"""What a worker is built with."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, NoReturn

import pytest

from resolver.config import Config
from resolver.errors import ConfigError
from resolver.workers.worker import Worker

pytestmark = pytest.mark.sockets


@pytest.mark.parametrize(("index", "keeps"), [(0, True), (1, False), (7, False)])
def test_what_is_known_of_keys_that_are_followed_is_kept_by_the_first_worker_alone(index: int, keeps: bool) -> None:
    built: list[dict[str, Any]] = []

    def build(config: Config, **given: Any) -> NoReturn:
        built.append(given)
        raise ConfigError("that is enough")

    async def live() -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        theirs.setblocking(False)
        with ours, theirs:
            return await Worker(index, Config(), (), build).live(theirs)

    assert asyncio.run(live()) == 1
    assert [each["keeps"] for each in built] == [keeps]
