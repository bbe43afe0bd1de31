"""What a worker that is started again is told."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from resolver.config import Config, Loaded
from resolver.control.pools import DRAIN, UNDRAIN
from resolver.testing.virtual_time import run
from resolver.workers.messages import Question
from resolver.workers.repeating import MAX_DRAINED, Repeating
from resolver.workers.supervisor import Supervisor
from tests.support.crews import Actor, Stage

pytestmark = pytest.mark.sockets


def told(actor: Actor) -> list[tuple[str, str]]:
    """What a worker was asked to change: target and member."""
    orders = [each for each in actor.orders if isinstance(each, Question)]
    return [(each.target, json.loads(each.body)["member"]) for each in orders]


def test_a_worker_that_is_started_again_drains_who_is_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        stage, repeating = Stage(monkeypatch), Repeating()
        stage.crew.greet = repeating.tell
        config = Config.model_validate({"server": {"listen": ["127.0.0.1:0"], "workers": 2}})
        first, second = await stage.complete(config, 2)
        assert repeating.heard(DRAIN, {"pool": "office", "drained": "left"})
        assert repeating.heard(DRAIN, {"pool": "of/ice", "drained": "tls://192.0.2.1:853"})
        assert repeating.heard(DRAIN, {"pool": "office", "drained": "right"})
        assert repeating.heard(UNDRAIN, {"pool": "office", "undrained": "right"})
        stage.dies(second)
        await stage.turn()
        (again,) = stage.born()
        again.ready()
        await stage.turn()
        assert told(again) == [("/pools/office/drain", "left"), ("/pools/of%2Fice/drain", "tls://192.0.2.1:853")]
        assert told(first) == []
        await stage.close()

    run(main())


def test_other_changes_are_not_repeated() -> None:
    assert not Repeating().heard("/faults", {"id": 1})


def test_what_is_remembered_is_bounded() -> None:
    repeating = Repeating()
    for number in range(MAX_DRAINED + 10):
        repeating.heard(DRAIN, {"pool": "office", "drained": str(number)})
    assert len(repeating._drained) == MAX_DRAINED
    assert ("office", "9") not in repeating._drained


def test_a_supervisor_does_not_warn_of_what_it_repeats() -> None:
    async def main() -> None:
        loaded = Loaded(Config(), {}, None)
        supervisor = Supervisor(lambda: loaded, loaded, io.StringIO())
        supervisor._note(DRAIN, {"pool": "office", "drained": "left"})
        assert supervisor._changed == set()
        supervisor._note("/faults", {"id": 1})
        assert supervisor._changed == {"/faults"}

    asyncio.run(main())
