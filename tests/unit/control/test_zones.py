"""What can be asked and changed of zones and their records."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from resolver.control.zones import MAX_RECORDS
from resolver.testing.virtual_time import run
from resolver.wire import names
from tests.support.arranged import BUSY, Arranged, Asked

SHOP = {"data": {"www": {"A": ["192.0.2.1", "192.0.2.2"]}, "api": {"CNAME": "www"}}}

Scene = Callable[[Asked], Coroutine[Any, Any, None]]


def play(scene: Scene, laboratory: Arranged | None = None) -> None:
    async def main() -> None:
        await scene(Asked(laboratory))

    run(main())


def wire(*texts: str) -> tuple[bytes, ...]:
    return tuple(sorted(names.from_text(text) for text in texts))


def test_a_zone_that_was_put_can_be_asked_for_and_is_replaced_by_the_next_one() -> None:
    async def scene(asked: Asked) -> None:
        assert await asked.done("PUT", "/zones/Shop.example", SHOP) == {"zone": "shop.example."}
        zone = await asked.done("GET", "/zones/shop.example.")
        assert zone["data"]["www"] == {"A": ["192.0.2.1", "192.0.2.2"]}
        assert await asked.done("PUT", "/zones/shop.example", {"records": ["mail 60 IN A 192.0.2.3"]})
        assert list((await asked.done("GET", "/zones/shop.example"))["data"]) == ["mail"]

    play(scene)


def test_what_is_told_of_a_zone_can_be_put_again() -> None:
    async def scene(asked: Asked) -> None:
        await asked.done("PUT", "/zones/shop.example", {**SHOP, "ttl": 5, "negative_ttl": 7, "dnssec": "nsec3"})
        told = await asked.done("GET", "/zones/shop.example")
        await asked.done("DELETE", "/zones/shop.example")
        await asked.done("POST", "/zones", told)
        assert await asked.done("GET", "/zones/shop.example") == told

    play(scene)


def test_a_zone_may_come_as_a_master_file() -> None:
    async def scene(asked: Asked) -> None:
        text = '$TTL 5m\nwww A 192.0.2.1\n    AAAA 2001:db8::1\n@ TXT ( "a"\n  "b" )\n'
        await asked.done("PUT", "/zones/shop.example", {"text": text})
        data = (await asked.done("GET", "/zones/shop.example"))["data"]
        assert set(data["www"]) == {"A", "AAAA"}
        assert "TXT" in data["@"]

    play(scene)


def test_a_master_file_from_outside_reads_no_file_of_ours(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("www A 192.0.2.66\n")

    async def scene(asked: Asked) -> None:
        status, line = await asked.refused("PUT", "/zones/shop.example", {"text": f"$INCLUDE {secret}\n"})
        assert status == 400
        assert "$INCLUDE is not allowed here" in line
        assert "192.0.2.66" not in line

    play(scene)


def test_the_list_has_every_zone_without_records_and_says_which_appeared_by_themselves() -> None:
    async def scene(asked: Asked) -> None:
        await asked.done("PUT", "/zones/shop.example", SHOP)
        zones = {each["name"]: each for each in (await asked.done("GET", "/zones"))["zones"]}
        assert zones["shop.example."]["automatic"] is False
        assert zones["example."]["automatic"] is True
        assert not any("data" in each for each in zones.values())

    play(scene)


def test_what_came_or_went_is_forgotten_unless_it_is_to_be_kept() -> None:
    async def scene(asked: Asked) -> None:
        lab = asked.laboratory
        await asked.done("PUT", "/zones/shop.example", SHOP)
        assert {*wire("shop.example", "example")} <= {*lab.forgotten}
        await asked.done("PUT", "/zones/shop.example", {**SHOP, "forget": False})
        assert lab.forgotten == ()
        await asked.done("PUT", "/records/new.shop.example/A", {"values": "192.0.2.5"})
        assert lab.forgotten == wire("new.shop.example")
        await asked.done("DELETE", "/records/new.shop.example?forget=false")
        assert lab.forgotten == ()
        await asked.done("DELETE", "/zones/shop.example")
        assert wire("shop.example")[0] in lab.forgotten

    play(scene)


def test_records_are_put_added_and_removed() -> None:
    async def scene(asked: Asked) -> None:
        await asked.done("PUT", "/zones/shop.example", SHOP)

        async def addresses() -> list[str]:
            data = (await asked.done("GET", "/zones/shop.example"))["data"]
            return data["www"]["A"]["values"] if isinstance(data["www"]["A"], dict) else data["www"]["A"]

        assert await asked.done("PUT", "/records/www.shop.example/a", {"values": ["192.0.2.9"]}) == {
            "name": "www.shop.example.",
            "type": "A",
        }
        assert await addresses() == ["192.0.2.9"]
        await asked.done("POST", "/records/www.shop.example/A", {"values": "192.0.2.8"})
        assert sorted(await addresses()) == ["192.0.2.8", "192.0.2.9"]
        removed = await asked.done("DELETE", "/records/www.shop.example/A?value=192.0.2.9")
        assert removed == {"removed": 1}
        assert await addresses() == ["192.0.2.8"]
        assert await asked.done("DELETE", "/records/www.shop.example") == {"removed": 1}
        assert await asked.done("DELETE", "/records/www.shop.example") == {"removed": 0}

    play(scene)


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "said"),
    [
        ("PUT", "/zones/shop..example", SHOP, 400, "empty label"),
        ("PUT", "/zones/shop.example", {"dta": {}}, 400, "did you mean 'data'?"),
        ("PUT", "/zones/shop.example", {"data": {"www": {"A": "192.0.2.300"}}}, 400, "192.0.2.300"),
        ("PUT", "/zones/shop.example", {"data": {"www": {"AA": "192.0.2.3"}}}, 400, "AA"),
        ("PUT", "/zones/shop.example", {"data": {"www.other.": {"A": "192.0.2.3"}}}, 400, "www.other."),
        ("PUT", "/zones/shop.example", {"data": {"www": {"A": [1]}}}, 400, "data.www.A"),
        ("PUT", "/zones/shop.example", {"ttl": -1}, 400, "ttl is -1; write an integer from 0 to 2147483647"),
        ("POST", "/zones", {"data": {}}, 400, 'has no "name"'),
        ("GET", "/zones/none.example", None, 404, "GET /zones lists those that are there"),
        ("DELETE", "/zones/none.example", None, 404, "there is no zone none.example."),
        ("DELETE", "/zones/%2E", None, 404, "there is no zone ."),
        ("PUT", "/records/www.there.example/AAA", {"values": []}, 400, "AAA"),
        ("DELETE", "/records/www.there.example/A?value=x", None, 400, "x"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    method: str, target: str, body: object, status: int, said: str
) -> None:
    async def scene(asked: Asked) -> None:
        await asked.done("PUT", "/zones/there.example", {})
        before, applied = asked.laboratory.plan.save(), len(asked.laboratory.applied)
        told = await asked.refused(method, target, body)
        assert told[0] == status, told
        assert said in told[1]
        assert asked.laboratory.plan.save() is before
        assert len(asked.laboratory.applied) == applied

    play(scene)


def test_a_zone_that_is_declared_is_not_posted_twice() -> None:
    async def scene(asked: Asked) -> None:
        await asked.done("PUT", "/zones/shop.example", SHOP)
        status, line = await asked.refused("POST", "/zones", {"name": "shop.example", **SHOP})
        assert status == 409
        assert line == "the zone shop.example. is declared already; PUT /zones/shop.example. replaces it"
        await asked.done("POST", "/zones", {"name": "example"})  # that only appeared until now

    play(scene)


def test_where_the_change_cannot_be_put_in_force_the_plan_is_what_it_was() -> None:
    async def scene(asked: Asked) -> None:
        before = asked.laboratory.plan.save()
        asked.laboratory.fails = BUSY
        status, line = await asked.refused("PUT", "/zones/shop.example", SHOP)
        assert status == 409
        assert "port 53 is taken" in line
        assert asked.laboratory.plan.save() is before

    play(scene)


def test_where_no_world_is_served_all_of_it_is_a_conflict() -> None:
    async def scene(asked: Asked) -> None:
        asked.laboratory.plan_or_none = None
        for method, target in [("GET", "/zones"), ("PUT", "/zones/a.example"), ("POST", "/snapshots/save")]:
            body = {"name": "x"} if method == "POST" else {} if method == "PUT" else None
            assert await asked.refused(method, target, body) == (409, "no world is served; set world.serve = true")

    play(scene)


@pytest.mark.parametrize(
    "body",
    [
        {"text": "".join(f"h{n} A 192.0.2.1\n" for n in range(MAX_RECORDS + 1))},
        {"text": "$GENERATE 0-65535 h$ A 192.0.2.1\n"},
        {"records": ["$GENERATE 1-6000 a$ A 192.0.2.1", "$GENERATE 1-6000 b$ A 192.0.2.1"]},
        {"data": {f"h{n}": {"A": "192.0.2.1"} for n in range(MAX_RECORDS + 1)}},
        {"data": {f"h{n}": {"A": {"values": ["192.0.2.1"] * 101}} for n in range(100)}},
    ],
    ids=["text", "generated", "generated twice", "data", "values"],
)
def test_a_zone_that_would_take_the_loop_for_long_is_refused(body: dict[str, Any]) -> None:
    async def scene(asked: Asked) -> None:
        status, line = await asked.refused("PUT", "/zones/shop.example", body)
        assert status == 400
        assert "10000" in line
        assert (await asked("GET", "/zones/shop.example"))[0] == 404

    play(scene)


def test_a_zone_that_would_take_the_loop_for_long_is_not_told() -> None:
    async def scene(asked: Asked) -> None:
        asked.laboratory.plan.zone("big.example", records=["$GENERATE 1-10001 h$ A 192.0.2.1"])
        status, line = await asked.refused("GET", "/zones/big.example")
        assert status == 409
        assert line.startswith("big.example. has 10001 records; zones of 10000 are told")

    play(scene)
