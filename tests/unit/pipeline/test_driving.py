"""What the driver keeps count of; what it does with actions is seen in test_resolved.py."""

from __future__ import annotations

import asyncio
import gc

import pytest

from resolver.errors import ResolutionFailed
from resolver.network.base import Endpoint
from resolver.network.simulated import Link
from resolver.wire import names
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with, says
from tests.support.messages import reply
from tests.unit.pipeline.test_resolved import outcomes

WWW = "www.test. 300 IN A 192.0.2.80"


def internet() -> Internet:
    made = Internet(link=Link(latency_ms=20))
    made.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2"), *delegate("mute.", "10.0.0.3")))
    made.zones("10.0.0.2", leaf("test.", "10.0.0.2", WWW))
    made.zones("10.0.0.3", leaf("mute.", "10.0.0.3"))
    made.network.silence("10.0.0.3")
    return made


def test_a_zone_has_only_so_many_questions_open_and_others_are_answered_meanwhile(run):
    async def main():
        world = internet()
        resolver = Resolver(world, max_per_zone=20)
        flood = [asyncio.ensure_future(outcomes(resolver.ask(f"n{number}.mute."))) for number in range(100)]
        await asyncio.sleep(0.1)
        began = world.clock.monotonic()
        lines = await resolver.lines("www.test.")
        took = world.clock.monotonic() - began
        failures = [(await each)[0] for each in flood]
        return lines, took, failures, world.counters.upstream_zone_busy, resolver.resolved.flights

    lines, took, failures, busy, left = run(main())
    assert lines == [WWW.replace(" IN", "")]
    assert took == pytest.approx(0.04)
    assert all(isinstance(failure, ResolutionFailed) for failure in failures)
    tags = [failure.tag for failure in failures]
    assert tags.count("BUSZ") == busy == 90, "80 at first, and half of the 20 that were met with silence"
    assert all(failure.own_limit for failure in failures if failure.tag == "BUSZ")
    assert left == 0


def test_those_that_were_met_with_silence_and_those_that_wait_for_the_first_time_share_the_places_of_a_zone(run):
    async def main():
        world = internet()
        resolver = Resolver(world, max_per_zone=4)
        silent = [asyncio.ensure_future(outcomes(resolver.ask(f"n{number}.mute."))) for number in range(2)]
        await asyncio.sleep(0.6)
        counted = [list(each) for each in resolver.resolved.driver._per_zone.values()]
        later = [asyncio.ensure_future(outcomes(resolver.ask(f"n{number}.mute."))) for number in range(2, 5)]
        await asyncio.sleep(0.1)
        busy = [each.done() for each in later]
        await asyncio.gather(*silent, *later)
        return counted, busy

    assert run(main()) == ([[0, 2]], [False, False, True])


def test_a_zone_that_was_too_busy_is_asked_again_at_once(run):
    async def main():
        world = internet()
        resolver = Resolver(world, max_per_zone=1)
        first, second = await outcomes(resolver.ask("www.test."), resolver.ask("mail.test."))
        again = await resolver.ask("mail.test.")
        return first, second, again

    first, second, again = run(main())
    assert first.rcode == 0
    assert second.tag == "BUSZ"
    assert again.rcode == 3


def test_a_server_has_only_so_many_messages_on_their_way(run):
    async def main():
        world = internet()
        resolver = Resolver(world)
        resolver.servers.max_in_flight = 2
        await resolver.ask("www.test.")
        found = await outcomes(*(resolver.ask(f"n{number}.test.") for number in range(5)))
        again = await resolver.ask("n4.test.")
        return found, again

    found, again = run(main())
    refused = [each for each in found if isinstance(each, ResolutionFailed)]
    assert len(refused) == 3
    assert all(each.own_limit and "too many messages" in str(each) for each in refused)
    assert again.rcode == 3


def test_a_server_that_was_not_given_its_time_is_not_to_blame(run):
    async def main():
        world = internet()
        world.network.silence("10.0.0.2")
        resolver = Resolver(world, work_s=0.2)
        (failure,) = await outcomes(resolver.ask("www.test.", seconds=0.2))
        await world.clock.advance(10)
        return failure.tag, resolver.servers.state(Endpoint("10.0.0.2", 53)).silent, world.counters.upstream_timeouts

    assert run(main()) == ("LATE", 0, 1)


def test_all_may_go_through_a_forwarder(run):
    async def main():
        world = internet()
        world.script("10.0.0.9", says([WWW], ra=True))
        resolver = Resolver(world, forwards={".": ("10.0.0.9",)}, max_per_zone=2)
        resolver.servers.max_in_flight = 2
        return await outcomes(*(resolver.ask(f"n{number}.test.") for number in range(50)))

    assert not [each for each in run(main()) if isinstance(each, ResolutionFailed) and each.own_limit]


def test_a_look_up_that_is_left_over_from_a_zone_above_does_not_end_the_wait_for_one_of_the_zone_below(run):
    """The second server of high. turns out where it is while that of low.high. is still sought."""

    async def main():
        world = Internet(link=Link(latency_ms=20))
        servers = ("one.", "10.0.1.1", 600), ("two.", "10.0.1.2", 600), ("three.", "10.0.1.3", 900)
        above = [line for zone, host, _ in servers for line in delegate(zone, host)]
        world.zones(ROOT_SERVER, root_with("high. 3600 IN NS x.one.", "high. 3600 IN NS x.two.", *above))
        for zone, host, latency_ms in servers:
            at = "10.0.2.2" if zone == "three." else "10.0.2.1"
            lines = leaf(zone, host, f"x.{zone} 3600 IN A {at}")
            world.zones(host, lines, link=Link(latency_ms=latency_ms))
        world.zones("10.0.2.1", leaf("high.", "10.0.2.1", "low.high. 3600 IN NS x.three."))
        world.zones("10.0.2.2", leaf("low.high.", "10.0.2.2", "www.low.high. 300 IN A 192.0.2.80"))
        return await Resolver(world).lines("www.low.high.")

    assert run(main()) == ["www.low.high. 300 A 192.0.2.80"]


def test_names_that_a_zone_drops_leave_room_for_those_that_it_answers(run):
    """A hundred questions a second that are met with silence: water torture of a zone that is alive."""

    def script(query, transport):
        if b"bad" in query.question.name:
            return None
        return reply(query.question, f"{names.to_text(query.question.name)} 0 IN A 192.0.2.1")

    async def main():
        world = internet()
        world.script("10.0.0.2", script)
        resolver = Resolver(world)
        bad, good = [], []
        for number in range(1_000):
            bad.append(asyncio.ensure_future(outcomes(resolver.ask(f"bad{number}.test."))))
            if number % 10 == 0:
                good.append(asyncio.ensure_future(outcomes(resolver.ask(f"good{number}.test."))))
            await asyncio.sleep(0.01)
        found = [(await each)[0] for each in good]
        await asyncio.gather(*bad)
        return found, resolver.resolved.flights, resolver.resolved.driver._per_zone

    found, left, counted = run(main())
    assert not [each for each in found if isinstance(each, ResolutionFailed)]
    assert (left, counted) == (0, {})


def test_a_question_that_is_answered_leaves_nothing_for_the_garbage_collector(run):
    """At thousands of misses a second a search for cycles would be long enough to be noticed by others."""

    async def main():
        world = internet()
        world.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2"), "glueless. 3600 IN NS ns9.test."))
        world.zones("10.0.0.2", leaf("test.", "10.0.0.2", WWW, "ns9.test. 300 IN A 10.0.0.9"))
        world.zones("10.0.0.9", leaf("glueless.", "10.0.0.9", "www.glueless. 300 IN A 192.0.2.81"))
        resolver = Resolver(world)
        await resolver.ask("www.test.")
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await asyncio.gather(resolver.ask("mail.test."), resolver.ask("mail.test."))
            await outcomes(resolver.ask("absent.test."))
            assert (await resolver.ask("www.glueless.")).answer, "for which its server had to be found"
            await world.clock.advance(10)
            gc.collect()
            return {type(each).__name__ for each in gc.garbage if type(each).__module__.startswith("resolver.")}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    assert run(main()) == set()
