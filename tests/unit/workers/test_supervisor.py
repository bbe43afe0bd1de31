"""How a daemon of several workers is told to end."""

from __future__ import annotations

import asyncio
import io

import pytest

from resolver.config import Config, Loaded
from resolver.control.server import AdminPlace
from resolver.observe.log import Log
from resolver.testing.virtual_time import run
from resolver.workers.messages import Settings
from resolver.workers.supervisor import GRACE_S, Supervisor
from tests.support.crews import Stage

pytestmark = pytest.mark.sockets


def test_who_is_told_to_end_does_so_in_due_time_whatever_a_reload_waits_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        stage = Stage(monkeypatch)
        config = Config.model_validate({"server": {"listen": ["127.0.0.1:0"], "workers": 1}})
        told = Supervisor(lambda: Loaded(config, {}, None), Loaded(config, {}, None), io.StringIO())
        told._clock, told._log, told._crew = stage.clock, Log(stage.text, stage.clock.wall), stage.crew
        told._admin = AdminPlace([], stage.clock, told._log)
        stage.crew._wake = told._wake.set
        (first,) = await stage.complete(config, 1)
        told._announced = True
        first.status = None
        living = asyncio.ensure_future(told.next_birth())
        told._hear_reload()
        await stage.turn()
        assert isinstance(first.orders[-1], Settings), "it reads its zones, and that takes long"
        told._end()
        await stage.clock.advance(config.server.drain_s + GRACE_S - 0.1)
        assert stage.killed == []
        await stage.clock.advance(0.2)
        assert stage.killed == [first.pid]
        assert await living is None
        await stage.close()

    run(main())
