"""When a client's own time is watched; who waits for whom is seen in test_resolved.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from resolver.message import Client, Query, Transport
from resolver.network.simulated import Link
from tests.support import zone_text
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with

TEST = leaf("test.", "10.0.0.2", "www.test. 300 IN A 192.0.2.80")


class Watched(Internet):
    """An internet that counts the timers which watch a client's time."""

    def __init__(self, latency_ms: int) -> None:
        super().__init__(link=Link(latency_ms=latency_ms))
        self.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2")))
        self.zones("10.0.0.2", TEST)
        self.watched = 0
        after = self.clock.after

        def noting(seconds: float, callback: Callable[[], None]):
            self.watched += getattr(callback, "__qualname__", "") == "Flight._expire"
            return after(seconds, callback)

        self.clock.after = noting  # type: ignore[method-assign]


def test_as_long_as_nothing_is_waited_for_beyond_a_clients_time_no_timer_watches_it(run):
    async def main():
        world = Watched(20)
        await Resolver(world).ask("www.test.")
        return world.watched

    assert run(main()) == 0


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.0])
def test_a_client_is_told_when_its_time_is_over_whatever_is_waited_for_then_and_the_flight_goes_on(run, seconds):
    async def main():
        world = Watched(20)
        world.network.silence("10.0.0.2")
        resolver = Resolver(world)
        began = world.clock.monotonic()
        failure = await resolver.failure("www.test.", seconds=seconds)
        took, flights = world.clock.monotonic() - began, resolver.resolved.flights
        await asyncio.sleep(10)
        return failure.tag, took, flights, world.watched, resolver.resolved.flights

    tag, took, flights, watched, left = run(main())
    assert (tag, flights, watched, left) == ("LATE", 1, 1, 0)
    assert took == pytest.approx(seconds)


def test_a_client_whose_time_is_watched_is_told_once_and_what_has_nothing_under_way_is_let_go(run):
    async def main():
        world, told = Watched(300), []
        resolver = Resolver(world)
        deadline = world.clock.monotonic() + 0.65
        client = Client("192.0.2.1", 0, Transport.UDP)
        resolver.resolved.answer(Query(zone_text.question("www.test.", "A"), client, 1, deadline), told.append)
        owned = set(world.tasks._running)
        await asyncio.sleep(5)
        return [each.rcode for each in told], world.watched, owned == {resolver.resolved}, world.tasks._running

    assert run(main()) == ([0], 1, True, set())


def test_a_client_whose_time_is_over_from_the_first_is_told_at_once(run):
    async def main():
        world = Watched(20)
        resolver = Resolver(world)
        began = world.clock.monotonic()
        failure = await resolver.failure("www.test.", seconds=-1.0)
        took = world.clock.monotonic() - began
        await asyncio.sleep(1)
        return failure.tag, took, await resolver.lines("www.test."), len(world.asked())

    assert run(main()) == ("LATE", 0.0, ["www.test. 299 A 192.0.2.80"], 2)


def test_one_who_joined_is_told_when_its_own_time_is_over_and_nothing_is_remembered_of_that(run):
    async def main():
        world = Watched(400)
        resolver = Resolver(world)
        began = world.clock.monotonic()
        first = asyncio.ensure_future(resolver.lines("www.test."))
        await asyncio.sleep(0.1)
        failure = await resolver.failure("www.test.", seconds=0.2)
        took = world.clock.monotonic() - began
        return failure.tag, took, resolver.resolved.failures, await resolver.lines("www.test."), await first

    tag, took, failures, second, first = run(main())
    assert (tag, failures, second) == ("LATE", 0, first)
    assert took == pytest.approx(0.3)
