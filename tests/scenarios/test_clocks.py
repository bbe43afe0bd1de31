"""Clock jumps and suspend: TTLs run by a clock that goes on while the machine sleeps, waiting by one that does not."""

from __future__ import annotations

import asyncio

import pytest

from resolver.message import Rcode
from tests.support.composed import Composed, composed
from tests.support.internet import ROOT_SERVER, Link, delegate, leaf, root_with

SHOP = "10.0.0.2"


def build_shop(made: Composed, last: int = 1, latency_ms: float = 0.0) -> None:
    made.internet.zones(ROOT_SERVER, root_with(*delegate("shop.", SHOP, ttl=300)))
    zone = leaf("shop.", SHOP, f"www.shop. 100 IN A 192.0.2.{last}")
    made.internet.zones(SHOP, zone, link=Link(latency_ms=latency_ms))


@pytest.mark.parametrize("jump", [-10_000_000.0, 10_000_000.0])
def test_a_jump_of_the_wall_clock_changes_nothing(jump: float, monkeypatch: pytest.MonkeyPatch):
    async def main(made: Composed):
        build_shop(made)
        for _ in range(2):
            await made.ask("www.shop.")
        wall = made.clock.wall
        monkeypatch.setattr(type(made.clock), "wall", lambda self: wall() + jump)
        await made.clock.advance(40)
        assert await made.lines("www.shop.") == ["www.shop. 60 A 192.0.2.1"]
        assert (await made.ask("www.shop.", rd=False)).answer[0].ttl == 60
        assert made.internet.asked(SHOP) == ["www.shop. A"]
        await made.clock.advance(61)
        build_shop(made, 2)
        assert await made.lines("www.shop.") == ["www.shop. 100 A 192.0.2.2"]

    composed(main)


@pytest.mark.rfc(1035, "3.2.1")
def test_in_suspend_ttls_run_on_of_records_stored_answers_denials_and_delegations():
    async def main(made: Composed):
        build_shop(made)
        for name in ("www.shop.", "none.shop."):
            for _ in range(3):
                await made.ask(name)
        made.clock.suspend(60)
        assert await made.lines("www.shop.") == ["www.shop. 40 A 192.0.2.1"]
        assert (await made.ask("none.shop.")).authority[0].ttl == 240
        made.clock.suspend(40)
        build_shop(made, 2)
        assert await made.lines("www.shop.") == ["www.shop. 100 A 192.0.2.2"]
        made.clock.suspend(200)
        made.internet.zones(ROOT_SERVER, root_with())  # the zone has been taken away meanwhile
        assert (await made.ask("www.shop.")).rcode == Rcode.NXDOMAIN

    composed(main, {"cache": {"serve_stale": False}})


def test_a_question_that_is_being_asked_when_the_machine_goes_to_sleep_is_answered_when_it_wakes():
    async def main(made: Composed):
        build_shop(made, latency_ms=200.0)
        asking = asyncio.ensure_future(made.ask("www.shop."))
        await made.clock.advance(0.25)
        made.clock.suspend(86_400)
        message = await asking
        return message.rcode, message.answer[0].ttl, made.took < 1

    assert composed(main) == (Rcode.NOERROR, 100, True)
