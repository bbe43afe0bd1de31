"""What a daemon of several workers answers on its control socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from resolver.config import Config, load
from resolver.control.routes import of_process
from resolver.control.table import Table
from resolver.observe.log import Log
from resolver.testing.virtual_time import run
from resolver.workers.messages import Question
from resolver.workers.speaking import ANSWER_S, of_all
from tests.support.crews import Actor, Stage

pytestmark = pytest.mark.sockets

LISTEN = Config.model_validate({"server": {"listen": ["127.0.0.1:0"]}})


class Asked:
    """A table of three workers, and what it answers."""

    def __init__(self, stage: Stage, actors: list[Actor]) -> None:
        self.stage, self.actors = stage, actors
        self.changed: list[str] = []
        of_workers = of_all(lambda: stage.crew.links, lambda: {"workers": 3}, lambda path, _: self.changed.append(path))
        table = [*of_process(lambda: load(None, {})), *of_workers]
        self.table = Table(table, Log(stage.text, stage.clock.wall))
        self.answers: list[tuple[int, Any]] = []

    async def answer(self, method: str, target: str, body: object = None) -> tuple[int, Any]:
        octets = b"" if body is None else json.dumps(body).encode()
        self.table.answer(method, target, octets, lambda status, _, value: self.answers.append((status, value)))
        await self.stage.turn()
        if not self.answers:
            await self.stage.clock.advance(ANSWER_S)
            await self.stage.turn()
        return self.answers.pop()


Play = Callable[[Callable[[Asked], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    def playing(scene: Callable[[Asked], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            stage = Stage(monkeypatch)
            try:
                await scene(Asked(stage, await stage.complete(LISTEN, 3)))
            finally:
                await stage.close()

        run(main())

    return playing


def test_numbers_are_those_of_all(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        for number, actor in enumerate(asked.actors, 1):
            actor.answer = {"queries.udp": number, "uptime.seconds": 9.0 - number}
        stats = {"queries.udp": 6, "uptime.seconds": 8.0, "workers": 3, "workers.silent": 0}
        assert await asked.answer("GET", "/stats") == (200, stats)

    play(scene)


def test_what_is_asked_reaches_each_as_it_was_asked(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        body = {"name": "example.com", "subtree": True}
        assert await asked.answer("POST", "/cache/flush", body) == (200, {"flushed": 3})
        for actor in asked.actors:
            (order,) = actor.orders
            assert isinstance(order, Question)
            assert (order.method, order.target, json.loads(order.body)) == ("POST", "/cache/flush", body)
            actor.answer = {"entries": [{"name": "x"}] * 2}
        status, value = await asked.answer("GET", "/cache?limit=4")
        assert (status, len(value["entries"])) == (200, 4)
        assert [actor.orders[-1].target for actor in asked.actors] == ["/cache?limit=4"] * 3  # type: ignore[union-attr]

    play(scene)


def test_what_the_workers_refuse_is_refused(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        for actor in asked.actors:
            actor.status, actor.answer = 400, {"error": "limit is 7"}
        assert await asked.answer("GET", "/cache?limit=7") == (400, {"error": "limit is 7"})
        status, value = await asked.answer("PUT", "/zones/a.example", {"data": {}})
        assert (status, value) == (400, {"error": "limit is 7"}), "none has done it, so it is not told who"


def test_what_is_wrong_by_itself_is_asked_of_nobody(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        assert (await asked.answer("GET", "/cache?limit=x"))[0] == 400
        assert (await asked.answer("PUT", "/zones/a.example", {"dta": 1}))[0] == 400
        assert not any(actor.orders for actor in asked.actors)
        assert asked.changed == []

    play(scene)


def test_a_change_reaches_each_with_the_names_in_its_path(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        for actor in asked.actors:
            actor.answer = {"zone": "0/25.2.0.192.in-addr.arpa."}
        target, body = "/zones/0%2F25.2.0.192.in-addr.arpa", {"data": {"@": {"TXT": "a"}}}
        assert await asked.answer("PUT", target, body) == (200, {"zone": "0/25.2.0.192.in-addr.arpa."})
        for actor in asked.actors:
            (order,) = actor.orders
            assert isinstance(order, Question)
            assert (order.method, order.target, json.loads(order.body)) == ("PUT", target, body)
        assert asked.changed == ["/zones/{name}"]

    play(scene)


def test_who_refuses_what_others_have_done_is_told(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        for actor in asked.actors:
            actor.answer = {"zone": "a.example."}
        asked.actors[2].status, asked.actors[2].answer = 409, {"error": "port 53 is taken"}
        pid = asked.actors[2].pid
        said = f"worker 2 (pid {pid}) refuses what 2 others have done: port 53 is taken"
        assert await asked.answer("PUT", "/zones/a.example", {}) == (409, {"error": said})
        assert asked.changed == ["/zones/{name}"]

    play(scene)


def test_faults_are_told_once_and_messages_by_their_time(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        for number, actor in enumerate(asked.actors):
            actor.answer = {"faults": [{"id": 2, "kind": "silent", "applied": number}, {"id": 1, "applied": 1}]}
        merged = {"faults": [{"id": 1, "applied": 3}, {"id": 2, "kind": "silent", "applied": 3}]}
        assert await asked.answer("GET", "/faults") == (200, merged)
        for number, actor in enumerate(asked.actors):
            times = [f"2026-01-01T00:00:0{second}.000Z" for second in (number, number + 5)]
            actor.answer = {"messages": [{"time": time} for time in times], "forgotten": 2}
        status, value = await asked.answer("GET", "/history?limit=4")
        assert status == 200
        assert [(each["time"][17:19], each["worker"]) for each in value["messages"]] == [
            ("02", 2),
            ("05", 0),
            ("06", 1),
            ("07", 2),
        ]
        assert value["forgotten"] == 6

    play(scene)


def test_where_no_worker_answers_just_now_it_is_said(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        for actor in asked.actors:
            asked.stage.dies(actor)
        await asked.stage.turn()
        status, value = await asked.answer("GET", "/zones")
        assert (status, value["error"]) == (503, "no worker answers just now; ask once more")
        assert (await asked.answer("GET", "/stats"))[1]["workers.silent"] == 0

    play(scene)


def test_one_that_is_silent_is_counted_in_numbers_and_named_elsewhere(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        asked.actors[1].status = None
        for actor in asked.actors:
            actor.answer = {"queries.udp": 1, "flushed": 2}
        status, value = await asked.answer("GET", "/stats")
        assert (status, value["queries.udp"], value["workers.silent"]) == (200, 2, 1)
        status, value = await asked.answer("POST", "/cache/flush", {"name": "."})
        pid = asked.actors[1].pid
        said = f'worker 1 (pid {pid}) did not answer within 2 s; the others: {{"flushed": 4}}'
        assert (status, value) == (504, {"error": said})
        for actor in asked.actors:
            actor.answer = {"entries": []}
        status, value = await asked.answer("GET", "/cache")
        assert (status, value["error"]) == (504, f"worker 1 (pid {pid}) did not answer within 2 s")

    play(scene)


def test_one_that_ends_meanwhile_is_silent_at_once_and_one_that_starts_is_not_asked(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        actor = asked.actors[1]
        actor.status = None
        asked.table.answer("GET", "/stats", b"", lambda status, _, value: asked.answers.append((status, value)))
        await asked.stage.turn()
        assert asked.answers == []
        asked.stage.dies(actor)
        await asked.stage.turn()
        assert asked.answers.pop()[1]["workers.silent"] == 1
        assert (await asked.answer("POST", "/cache/flush", {"name": "."})) == (200, {"flushed": 2})

    play(scene)


def test_what_is_the_supervisors_own_is_asked_of_nobody(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        assert await asked.answer("GET", "/health") == (200, {"status": "ok"})
        assert (await asked.answer("GET", "/config"))[0] == 200
        assert (await asked.answer("GET", "/nothing"))[0] == 404
        assert not any(actor.orders for actor in asked.actors)

    play(scene)


def test_an_answer_that_makes_no_sense_is_an_error_and_no_silence(play: Play) -> None:
    async def scene(asked: Asked) -> None:
        asked.actors[2].answer = ["nonsense"]
        status, value = await asked.answer("POST", "/cache/flush", {"name": "."})
        assert (status, value) == (500, {"error": "TypeError; the log says more"})

    play(scene)
