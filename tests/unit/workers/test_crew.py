"""Who is started when, and what follows when a worker ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from resolver.config import Config
from resolver.errors import ControlError, InputError, ListenError, ResolverdError
from resolver.network.base import Endpoint
from resolver.testing.virtual_time import run
from resolver.workers.crew import BEAT_S, HUNG_BEATS, STARTING_BEATS
from resolver.workers.messages import End, Settings
from resolver.workers.restarts import FIRST_S, MOST, UNABLE_S
from tests.support import raw
from tests.support.crews import Stage

pytestmark = pytest.mark.sockets

Play = Callable[[Callable[[Stage], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """`play(scene)`: a scene on a stage of its own, in virtual time."""

    def playing(scene: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            stage = Stage(monkeypatch)
            try:
                await scene(stage)
            finally:
                await stage.close()

        run(main())

    return playing


def config(listen: str = "127.0.0.1:0", **server: object) -> Config:
    return Config.model_validate({"server": {"listen": [listen], **server}})


def test_the_first_is_started_alone_and_the_others_when_it_answers(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.crew.begin(config(), 3)
        (first,) = stage.born()
        assert stage.crew.due == []
        first.ready()
        await stage.turn()
        second, third = stage.born()
        second.ready()
        await stage.turn()
        assert not stage.crew.complete
        third.ready()
        await stage.turn()
        assert stage.crew.complete
        assert [link.index for link in stage.crew.links] == [0, 1, 2]
        assert stage.crew.simulated == [("a.root.", Endpoint("127.53.0.1", 5300))]

    play(scene)


def test_one_that_somebody_else_has_told_to_end_is_no_error_and_is_started_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, actor = await stage.complete(config(), 2)
        stage.dies(actor, 0)
        await stage.turn()
        assert "level=info event=worker_ended worker=1" in stage.log()[-1]
        assert not [line for line in stage.log() if "level=error" in line]
        assert len(stage.born()) == 1

    play(scene)


def test_one_that_dies_is_started_at_once_and_then_later_and_later_until_it_is_enough(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        other, actor = await stage.complete(config(), 2)
        for number in range(MOST - 1):
            stage.dies(actor)
            await stage.turn()
            wait = 0.0 if number == 0 else FIRST_S * 2 ** (number - 1)
            if wait:
                assert stage.born() == []
                assert stage.crew._group.of(1) == [], "while it rests the kernel sends clients to others"
                await stage.clock.advance(wait * 0.99)
                assert stage.born() == []
                await stage.clock.advance(wait * 0.02)
            (actor,) = stage.born()
            assert len(stage.crew._group.of(1)) == 1
            actor.ready()
            await stage.turn()
        assert stage.crew.restarted == MOST - 1
        assert stage.crew.problem is None
        stage.dies(actor)
        await stage.turn()
        assert str(stage.crew.problem) == f"worker 1 has ended {MOST} times in a row, the last time by SIGSEGV"
        assert End(now=False) in other.orders
        assert not stage.crew.gone
        stage.dies(other, 0)
        await stage.turn()
        assert stage.crew.gone
        died = [line for line in stage.log() if "worker_died" in line]
        assert died[0] == "level=error event=worker_died worker=1 pid=102 status=SIGSEGV"
        assert len(died) == MOST

    play(scene)


@pytest.mark.parametrize(("is_input", "kind"), [(True, InputError), (False, ListenError)])
def test_what_keeps_one_from_starting_in_the_beginning_ends_the_daemon(
    play: Play, is_input: bool, kind: type[ResolverdError]
) -> None:
    async def scene(stage: Stage) -> None:
        stage.crew.begin(config(), 2)
        (first,) = stage.born()
        first.say("failed", problem="zones/x:3: what is that", input=is_input)
        stage.dies(first, 256)
        await stage.turn()
        assert type(stage.crew.problem) is kind
        assert str(stage.crew.problem) == "zones/x:3: what is that"
        assert stage.crew.gone

    play(scene)


def test_one_that_cannot_start_later_is_tried_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first, _ = await stage.complete(config(), 2)
        stage.dies(first)
        await stage.turn()
        (again,) = stage.born()
        again.say("failed", problem="port 5300 is taken", input=False)
        stage.dies(again, 256)
        await stage.turn()
        assert stage.crew.problem is None
        assert 'status="exit status 1" problem="port 5300 is taken"' in stage.log()[-1]
        await stage.clock.advance(FIRST_S)
        assert len(stage.born()) == 1

    play(scene)


def test_one_that_cannot_start_ends_nothing_while_others_answer(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first, second = await stage.complete(config(), 2)
        stage.dies(second)
        await stage.turn()
        for _ in range(MOST + 2):
            (unable,) = stage.born()
            unable.say("failed", problem="zones/x:3: what is that", input=True)
            stage.dies(unable, 256)
            await stage.turn()
            await stage.clock.advance(UNABLE_S)
        assert stage.crew.problem is None
        assert stage.crew._group.of(1) == [], "the kernel sends clients to the other"
        stage.dies(first)
        await stage.turn()
        for _ in range(MOST):
            for actor in stage.born():
                actor.say("failed", problem="zones/x:3: what is that", input=True)
                stage.dies(actor, 256)
            await stage.turn()
            await stage.clock.advance(UNABLE_S)
        assert "zones/x:3" in str(stage.crew.problem)

    play(scene)


def test_a_lack_of_processes_ends_nothing_while_others_answer(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, second = await stage.complete(config(), 2)
        stage.unforkable = MOST * 2
        stage.dies(second)
        await stage.turn()
        for _ in range(MOST * 2 + 1):
            stage.born()
            await stage.clock.advance(UNABLE_S)
        assert stage.crew.problem is None
        assert stage.actors[max(stage.actors)] is not second

    play(scene)


def test_a_lack_of_processes_in_the_beginning_ends_the_daemon(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.crew.begin(config(), 2)
        (first,) = stage.born()
        stage.unforkable = MOST
        first.ready()
        await stage.turn()
        for _ in range(MOST):
            stage.born()
            await stage.clock.advance(UNABLE_S)
        assert "no more processes" in str(stage.crew.problem)

    play(scene)


def test_a_fork_that_fails_is_tried_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.unforkable = 1
        (first, _) = await stage.complete(config(), 2)
        assert "event=worker_not_started worker=0" in stage.log()[0]
        assert first.pid == 101

    play(scene)


def test_new_settings_are_in_force_in_all(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first, second = await stage.complete(config(), 2)
        await stage.crew.settle(config("127.0.0.2:0", identity="new"), 2)
        assert [each.server.identity for actor in (first, second) for each in actor.settled] == ["new", "new"]
        assert [each.host for each in stage.crew.endpoints] == ["127.0.0.2"]
        for actor in (first, second):
            assert [each.getsockname()[:2] for each in actor.sockets] == [tuple(stage.crew.endpoints[0])] * 2
        assert [actor.settled[0].cache.size_mb for actor in (first, second)] == [32, 32]

    play(scene)


def test_what_the_first_refuses_nobody_is_told_and_nothing_has_changed(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first, second = await stage.complete(config(), 2)
        before = stage.crew.endpoints
        first.status, first.answer = 400, {"error": "zones/x:3: what is that"}
        with pytest.raises(ControlError, match="what is that"):
            await stage.crew.settle(config("127.0.0.2:0"), 3)
        assert second.settled == []
        assert stage.crew.endpoints == before
        assert stage.born() == []
        assert stage.killed == []

    play(scene)


def test_one_that_refuses_what_the_first_took_is_replaced(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, second, third = await stage.complete(config(), 3)
        second.status, second.answer = 500, {"error": "a bug"}
        third.status = None
        await stage.crew.settle(config(identity="new"), 3)
        await stage.turn()
        assert stage.killed == [second.pid, third.pid]
        assert 'event=worker_replaced worker=1 problem="a bug"' in stage.text.getvalue()
        assert 'event=worker_replaced worker=2 problem="it did not answer"' in stage.text.getvalue()
        assert len(stage.born()) == 2
        assert stage.crew._config.server.identity == "new"

    play(scene)


def test_without_the_first_there_is_no_reload(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first, _ = await stage.complete(config(), 2)
        stage.dies(first)
        await stage.turn()
        with pytest.raises(ControlError, match="tell it once more"):
            await stage.crew.settle(config(identity="new"), 2)

    play(scene)


def test_their_number_follows_the_settings(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, second = await stage.complete(config(), 2)
        await stage.crew.settle(config(), 4)
        third, fourth = stage.born()
        await stage.crew.settle(config(), 1)
        for actor in (second, third, fourth):
            await stage.turn()
            assert actor.orders[-1] == End(now=False, relieved=True)
            stage.dies(actor, 0)
        await stage.turn()
        assert stage.born() == []
        assert "worker_died" not in stage.text.getvalue()
        assert [link.index for link in stage.crew.links] == [0]
        assert stage.crew.restarted == 0

    play(scene)


@pytest.mark.parametrize("resting", [False, True])
def test_while_a_reload_takes_its_time_the_kernel_sends_nobody_to_those_who_are_not_there(
    play: Play, resting: bool
) -> None:
    async def scene(stage: Stage) -> None:
        first, second = await stage.complete(config(), 2)
        for _ in range(2 if resting else 0):
            stage.dies(second)
            await stage.turn()
            for each in stage.born():
                second = each
        there = 1 if resting else 2
        first.status = None
        reload = asyncio.ensure_future(stage.crew.settle(config(identity="new"), 4))
        await stage.turn()
        held = [bound for worker in range(there) for bound in stage.crew._group.of(worker)]
        with ExitStack() as clients:
            for _ in range(64):
                clients.enter_context(raw.datagrams(held[0].endpoint)).send(b"?")
        assert sum(_waiting_in(bound.udp) for bound in held) == 64
        order = first.orders[-1]
        assert isinstance(order, Settings)
        first.say("answer", number=order.number, status=200, value={"simulated": []})
        await reload
        await stage.clock.advance(FIRST_S)
        stage.born()
        assert [len(stage.crew._group.of(worker)) for worker in range(4)] == [1] * 4

    play(scene)


def _waiting_in(udp: Any) -> int:
    """The datagrams that wait in a socket, taken out."""
    taken = []
    with suppress(BlockingIOError):
        while True:
            taken.append(udp.recv(16))
    return len(taken)


def test_who_ends_is_not_started_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        actors = await stage.complete(config(), 2)
        stage.dies(actors[1])
        await stage.turn()
        stage.crew.end(now=False)
        assert stage.born() == []
        await stage.turn()
        assert actors[0].orders == [End(now=False)]
        assert not stage.crew.gone
        stage.crew.kill()
        await stage.turn()
        assert stage.crew.gone
        assert stage.killed == [actors[0].pid]

    play(scene)


def test_one_that_hangs_is_killed_and_replaced(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        well, hung = await stage.complete(config(), 2)
        await stage.clock.advance(BEAT_S * 50 + 1)
        assert stage.killed == []
        hung.well = False
        await stage.clock.advance(BEAT_S * (HUNG_BEATS - 1))
        hung.well = True
        await stage.clock.advance(BEAT_S * 5)
        assert stage.killed == [], "it was slow, and is well again"
        hung.well = False
        await stage.clock.advance(BEAT_S * HUNG_BEATS)
        assert stage.killed == []
        await stage.clock.advance(BEAT_S)
        await stage.turn()
        assert stage.killed == [hung.pid]
        assert f"event=worker_hung worker=1 pid={hung.pid} seconds=30" in stage.text.getvalue()
        assert len(stage.born()) == 1
        assert [link.life.pid for link in stage.crew.links] == [well.pid]

    play(scene)


def test_one_that_never_begins_to_answer_is_killed_and_replaced_in_the_end(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, second = await stage.complete(config(), 2)
        stage.dies(second)
        await stage.turn()
        (stuck,) = stage.born()
        stuck.well = False
        await stage.clock.advance(BEAT_S * STARTING_BEATS - 1)
        assert stage.killed == []
        await stage.clock.advance(BEAT_S + 1)
        await stage.turn()
        assert stage.killed == [stuck.pid]
        assert f"event=worker_hung worker=1 pid={stuck.pid} seconds=300" in stage.text.getvalue()

    play(scene)


def test_one_that_was_long_in_starting_has_its_time_when_it_answers(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, second = await stage.complete(config(), 2)
        stage.dies(second)
        await stage.turn()
        (slow,) = stage.born()
        slow.well = False
        await stage.clock.advance(BEAT_S * (STARTING_BEATS - 1))
        slow.ready()
        await stage.turn()
        slow.well = True
        await stage.clock.advance(BEAT_S * HUNG_BEATS)
        assert stage.killed == []

    play(scene)


def test_who_has_ended_is_not_killed_its_number_may_be_another_process(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.crew.begin(config(), 2)
        (first,) = stage.born()
        stage.crew._links[0].died(-signal.SIGSEGV)
        stage.crew.kill()
        assert stage.killed == []
        first.channel.close()
        await stage.turn()

    play(scene)


def test_one_that_comes_to_rest_during_a_reload_has_sockets_when_it_is_back(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first, second = await stage.complete(config(), 2)
        stage.dies(second)
        await stage.turn()
        (second,) = stage.born()
        first.status = None
        reload = asyncio.ensure_future(stage.crew.settle(config(identity="new"), 2))
        await stage.turn()
        stage.dies(second)
        await stage.turn()
        order = first.orders[-1]
        assert isinstance(order, Settings)
        first.say("answer", number=order.number, status=200, value={"simulated": []})
        await reload
        await stage.clock.advance(FIRST_S)
        assert len(stage.born()) == 1
        (bound,) = stage.crew._group.of(1)
        assert [each.fileno() >= 0 for each in bound.sockets] == [True, True]

    play(scene)


def test_a_reload_that_is_overtaken_by_the_end_opens_nothing(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first, second = await stage.complete(config(), 2)
        first.status = None
        reload = asyncio.ensure_future(stage.crew.settle(config("127.0.0.2:0"), 2))
        await stage.turn()
        order = first.orders[-1]
        assert isinstance(order, Settings)
        stage.crew.end(now=False)
        first.say("answer", number=order.number, status=200, value={"simulated": []})
        with pytest.raises(ControlError, match="ending"):
            await reload
        assert stage.crew.endpoints == []
        assert second.settled == []

    play(scene)


@pytest.mark.parametrize("said", [None, 7, [3], [["a.root."]], [["a.root.", ["127.53.0.1"]]], [[1, [2, "x"]]]])
def test_what_a_worker_says_cannot_break_the_supervisor(play: Play, said: object) -> None:
    async def scene(stage: Stage) -> None:
        unseen: list[object] = []
        stage.loop.set_exception_handler(lambda _, context: unseen.append(context))
        stage.crew.begin(config(), 1)
        (first,) = stage.born()
        first.say("ready", simulated=said)
        first.say("answer", number=1, status=said)
        first.say("answer", number=said, status=200)
        first.status, first.answer = 200, said
        await stage.turn()
        assert stage.crew.complete
        assert stage.crew.simulated == []
        assert unseen == []

    play(scene)


def test_an_end_that_is_told_by_signal_alone_waits_for_what_was_said(play: Play) -> None:
    """The process may be reaped before its last words are heard."""

    async def scene(stage: Stage) -> None:
        stage.crew.begin(config(), 2)
        (first,) = stage.born()
        link = stage.crew._links[0]
        link.died(-signal.SIGKILL)
        assert not link.ended
        first.channel.close()
        await asyncio.sleep(0.01)
        assert link.ended

    play(scene)
