"""What can be asked and changed of faults, time, history and snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from resolver.control.messages import MAX_OCTETS, PIECE
from resolver.message import Transport
from resolver.testing.virtual_time import VirtualClock, run
from tests.support.arranged import Arranged, Asked

Scene = Callable[[Asked], Coroutine[Any, Any, None]]


def play(scene: Scene, *, movable: bool = False, messages: int = 0) -> None:
    async def main() -> None:
        clock = VirtualClock() if movable else None
        await scene(Asked(Arranged(clock, messages)))

    run(main())


# -- faults


def test_a_fault_is_added_listed_and_cleared() -> None:
    async def scene(asked: Asked) -> None:
        said = {"kind": "servfail", "zone": "shop.example", "count": 3}
        added = await asked.done("POST", "/faults", said)
        assert added == {"id": 1, "kind": "servfail", "zone": "shop.example.", "count": 3}
        assert (await asked.done("POST", "/faults", {"kind": "silent"}))["id"] == 2
        listed = (await asked.done("GET", "/faults"))["faults"]
        assert [(each["id"], each["kind"]) for each in listed] == [(1, "servfail"), (2, "silent")]
        assert [(each["applied"], each["state"]) for each in listed] == [(0, "in force")] * 2
        assert await asked.done("DELETE", "/faults/1") == {"cleared": 1}
        assert await asked.done("DELETE", "/faults") == {"cleared": 1}
        assert await asked.done("GET", "/faults") == {"faults": []}

    play(scene)


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "said"),
    [
        ("POST", "/faults", {"kind": "servfial"}, 400, "did you mean 'servfail'?"),
        ("POST", "/faults", {}, 400, "names no fault"),
        ("POST", "/faults", {"kind": "silent", "cuont": 3}, 400, "did you mean 'count'?"),
        ("POST", "/faults", {"kind": "silent", "probability": 2}, 400, "probability"),
        ("POST", "/faults", {"kind": ["silent"]}, 400, "kind"),
        ("DELETE", "/faults/7", None, 404, "there is no fault 7"),
        ("DELETE", "/faults/x%1b", None, 400, '"x\\u001b" is no id of a fault'),
        ("DELETE", "/faults/" + "9" * 16, None, 400, "is no id of a fault"),
    ],
)
def test_a_fault_that_is_none_is_told_with_the_right_spelling(
    method: str, target: str, body: object, status: int, said: str
) -> None:
    async def scene(asked: Asked) -> None:
        told = await asked.refused(method, target, body)
        assert told[0] == status
        assert said in told[1]
        assert await asked.done("GET", "/faults") == {"faults": []}

    play(scene)


# -- time


def test_time_is_shown_advanced_frozen_and_thawed() -> None:
    async def scene(asked: Asked) -> None:
        start = await asked.done("GET", "/clock")
        assert start == {"time": "2026-01-01T00:00:00.000Z", "wall": 1767225600.0, "frozen": False}
        assert (await asked.done("POST", "/clock/advance", {"by": "5m"}))["time"] == "2026-01-01T00:05:00.000Z"
        assert (await asked.done("POST", "/clock/advance", {"by": 1.5}))["time"] == "2026-01-01T00:05:01.500Z"
        assert (await asked.done("POST", "/clock/freeze"))["frozen"] is True
        assert (await asked.done("POST", "/clock/thaw"))["frozen"] is False

    play(scene, movable=True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"by": "-5m"}, "by: '-5m' is out of range"),
        ({"by": -1}, "by: -1 is out of range; write seconds as a number from 0 to 315360000, or a text"),
        ({"by": "5 minutes"}, "by"),
        ({"by": "1e999s"}, "by"),
        ({"by": 1e300}, "by: 1e+300 is out of range"),
        ({"by": None}, "by is null"),
        ({}, 'has no "by"'),
    ],
)
def test_a_time_that_is_none_is_refused(body: object, said: str) -> None:
    async def scene(asked: Asked) -> None:
        before = await asked.done("GET", "/clock")
        status, line = await asked.refused("POST", "/clock/advance", body)
        assert status == 400
        assert said in line
        assert await asked.done("GET", "/clock") == before

    play(scene, movable=True)


def test_time_is_not_moved_to_where_timers_can_be_missed() -> None:
    async def scene(asked: Asked) -> None:
        said = [await asked("POST", "/clock/advance", {"by": "3650d"}) for _ in range(28)]
        assert [status for status, _ in said] == [200] * 27 + [400]
        assert "time can be moved by 272 years in all" in said[-1][1]["error"]
        assert (await asked.done("GET", "/clock"))["time"].startswith("2295")
        await asyncio.sleep(0.001)  # timers still fire

    play(scene, movable=True)


def test_where_time_cannot_be_moved_a_sentence_says_how_it_could_be() -> None:
    async def scene(asked: Asked) -> None:
        asks = [("GET", "/clock", None), ("POST", "/clock/advance", {"by": 1}), ("POST", "/clock/freeze", None)]
        for method, target, body in asks:
            status, line = await asked.refused(method, target, body)
            assert status == 409
            assert line.endswith("start it with `resolver serve --test-clock`")

    play(scene)


# -- history


def query(label: bytes) -> bytes:
    return b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes((len(label),)) + label + b"\0\0\1\0\1"


def test_messages_are_those_that_all_parameters_hold_of_and_the_newest() -> None:
    async def scene(asked: Asked) -> None:
        history = asked.laboratory.history
        assert history is not None
        for number, label in enumerate((b"a", b"b", b"c", b"d", b"e")):
            side = "client" if number % 2 else "server"
            history.asked(1000.0 + number, side, "", "", "192.0.2.1", Transport.UDP, query(label))
        said = await asked.done("GET", "/history?side=server&limit=2")
        assert [each["number"] for each in said["messages"]] == [3, 5]
        assert said["forgotten"] == 0
        assert [each["number"] for each in (await asked.done("GET", "/history?name=b&after=1"))["messages"]] == [2]
        status, line = await asked.refused("GET", "/history?side=sever")
        assert status == 400
        assert "server" in line
        assert (await asked.refused("GET", "/history?nmae=b"))[1] == "\"nmae\" is no parameter; did you mean 'name'?"
        assert await asked.done("POST", "/history/clear") == {"cleared": 5}
        assert (await asked.done("GET", "/history"))["messages"] == []

    play(scene, messages=10)


def test_an_answer_holds_no_more_octets_of_messages_than_may_be() -> None:
    async def scene(asked: Asked) -> None:
        history = asked.laboratory.history
        assert history is not None
        for _ in range(100):
            seen = history.asked(1000.0, "client", "", "", "192.0.2.1", Transport.TCP, query(b"a"))
            history.replied(seen, query(b"a") + bytes(MAX_OCTETS // 20), 1.0)
        said = await asked.done("GET", "/history?limit=10000")
        assert [each["number"] for each in said["messages"]] == list(range(82, 101))

    play(scene, messages=100)


def test_others_are_served_while_a_long_history_is_looked_through() -> None:
    async def scene(asked: Asked) -> None:
        history = asked.laboratory.history
        assert history is not None
        for _ in range(2_000):
            history.asked(1000.0, "client", "", "", "192.0.2.1", Transport.UDP, query(b"a"))
        turns = 0

        async def serve() -> None:
            nonlocal turns
            while True:
                turns += 1
                history.asked(1000.0, "client", "", "", "192.0.2.1", Transport.UDP, query(b"b"))
                await asyncio.sleep(0)

        serving = asyncio.ensure_future(serve())
        said = await asked.done("GET", "/history?zone=nobody.example&limit=10")
        serving.cancel()
        assert said["messages"] == []
        assert turns >= 2_000 // PIECE

    play(scene, messages=5_000)


def test_where_no_history_is_kept_a_sentence_says_which_setting_keeps_one() -> None:
    async def scene(asked: Asked) -> None:
        for method, target in [("GET", "/history"), ("POST", "/history/clear")]:
            status, line = await asked.refused(method, target)
            assert status == 409
            assert "set history.messages" in line

    play(scene)


# -- snapshots


def test_zones_are_kept_under_a_name_and_put_back() -> None:
    async def scene(asked: Asked) -> None:
        await asked.done("PUT", "/zones/shop.example", {"data": {"www": {"A": "192.0.2.1"}}})
        await asked.done("POST", "/snapshots/save", {"name": "before"})
        await asked.done("DELETE", "/zones/shop.example")
        assert [each["name"] for each in (await asked.done("GET", "/snapshots"))["snapshots"]] == ["before"]
        await asked.done("POST", "/snapshots/restore", {"name": "before"})
        assert "www" in (await asked.done("GET", "/zones/shop.example"))["data"]
        await asked.done("DELETE", "/snapshots/before")
        assert await asked.done("GET", "/snapshots") == {"snapshots": []}

    play(scene)


def test_a_snapshot_that_is_none_is_told_with_those_that_are() -> None:
    async def scene(asked: Asked) -> None:
        assert await asked.refused("POST", "/snapshots/restore", {"name": "x"}) == (
            404,
            'there is no snapshot "x"; POST /snapshots/save makes one',
        )
        await asked.done("POST", "/snapshots/save", {"name": "before"})
        assert await asked.refused("DELETE", "/snapshots/befor") == (
            404,
            'there is no snapshot "befor"; there are "before"',
        )
        assert (await asked.refused("POST", "/snapshots/save", {"name": ""}))[0] == 400

    play(scene)
