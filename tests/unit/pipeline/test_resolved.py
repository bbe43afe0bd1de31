from __future__ import annotations

import asyncio
import math

import pytest

from resolver.answering import awaited
from resolver.engine.actions import Lookup
from resolver.engine.budget import Limits
from resolver.errors import ResolutionFailed
from resolver.message import Client, Query, Rcode, Reply, RRset, Transport, Type
from resolver.network.base import Endpoint
from resolver.network.simulated import Link, Stream
from resolver.observe.transcript import Transcript
from resolver.wire import names
from tests.support import zone_text
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with, says
from tests.support.messages import reply, soa

LEAF = leaf("test.", "10.0.0.2", "www.test. 300 IN A 192.0.2.80", "mail.test. 300 IN A 192.0.2.25")
CYCLE = (
    "a.test. 3600 IN NS ns.b.test.",
    "b.test. 3600 IN NS ns.a.test.",
)


def internet(**options) -> Internet:
    """A root and test. at 10.0.0.2, 20 ms away each."""
    made = Internet(link=Link(latency_ms=20, **options))
    made.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2")))
    made.zones("10.0.0.2", LEAF)
    return made


async def outcomes(*waits) -> list[object]:
    """What came of each: a reply or a failure."""
    found = await asyncio.gather(*waits, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, ResolutionFailed):
            raise each
    return found


def test_what_was_asked_for_once_is_not_stored_as_octets(run):
    async def main():
        resolver = Resolver(internet())
        query = Query(zone_text.question("www.test.", "A"), Client("192.0.2.1", 0, Transport.UDP), 1, math.inf)
        return await awaited(resolver.resolved, query), await resolver.ask("www.test.")

    worked, held = run(main())
    assert (worked.rcode, worked.storable) == (0, False)
    assert worked.answer
    assert held.storable


# -- company


def test_equal_questions_in_flight_are_joined(run):
    async def main():
        world = internet()
        resolver = Resolver(world)
        replies = await outcomes(*(resolver.ask(name) for name in ("www.test.", "WWW.test.", "www.TEST.") * 20))
        return replies, world.asked(), world.counters

    replies, asked, counters = run(main())
    assert asked == ["www.test. A", "www.test. A"]
    assert {reply.answer[0].rdatas for reply in replies} == {(bytes((192, 0, 2, 80)),)}
    assert counters.questions_joined == 59


def test_a_look_up_for_a_name_server_joins_the_question_of_a_client(run):
    async def main():
        world = internet()
        world.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2"), "glueless. 3600 IN NS ns9.test."))
        world.zones("10.0.0.2", leaf("test.", "10.0.0.2", "ns9.test. 300 IN A 10.0.0.9"))
        world.zones("10.0.0.9", leaf("glueless.", "10.0.0.9", "www.glueless. 300 IN A 192.0.2.81"))
        resolver = Resolver(world)
        found = await outcomes(resolver.ask("ns9.test."), resolver.ask("www.glueless."))
        return [each.answer[0].rdatas for each in found], world.asked("10.0.0.2").count("ns9.test. A"), world.counters

    found, asked, counters = run(main())
    assert found == [(bytes((10, 0, 0, 9)),), (bytes((192, 0, 2, 81)),)]
    assert asked == 1
    assert counters.questions_joined == 1


def test_when_all_is_ended_what_is_being_asked_ends_and_whoever_waits_is_told(run):
    async def main():
        world = internet()
        world.network.silence("10.0.0.2")
        resolver = Resolver(world)
        waiting = [asyncio.ensure_future(resolver.failure("www.test.")) for _ in range(2)]
        await asyncio.sleep(0.1)
        before, began = resolver.resolved.flights, world.clock.monotonic()
        world.tasks.cancel()
        tags = [(await each).tag for each in waiting]
        return before, resolver.resolved.flights, tags, world.clock.monotonic() - began, len(world.tasks)

    assert run(main()) == (1, 0, ["LATE", "LATE"], 0.0, 0)


def test_other_types_are_other_questions(run):
    async def main():
        world = internet()
        resolver = Resolver(world)
        await outcomes(resolver.ask("www.test.", "A"), resolver.ask("www.test.", "AAAA"))
        return world.counters.questions_joined

    assert run(main()) == 0


def test_those_who_join_share_a_failure_of_the_servers(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", says(rcode=2))
        resolver = Resolver(world)
        failures = await outcomes(*(resolver.ask("www.test.") for _ in range(5)))
        return [failure.tag for failure in failures], len(world.asked("10.0.0.2"))

    assert run(main()) == (["SVFL"] * 5, 1)


@pytest.mark.parametrize("limit", ["deadline", "budget"])
def test_those_who_join_do_not_inherit_the_limits_of_the_first(run, limit):
    """The first asker may send one message, or wait 30 ms; both are too little for a question of two messages."""

    async def main():
        world = internet()
        resolver = Resolver(world)
        if limit == "deadline":
            first = resolver.ask("www.test.", seconds=0.03)
        else:
            from resolver.engine.budget import Budget

            resolver.resolved.refresh(zone_text.question("mail.test.", "A"))
            (asker,) = resolver.resolved._flights.values()
            budget = Budget(Limits(sends=1), world.clock.monotonic() + 4.5)
            first = asyncio.get_running_loop().create_future()
            resolver.resolved._ask(Lookup(zone_text.question("www.test.", "A")), budget, 1, asker, first.set_result)
        return await outcomes(first, resolver.ask("www.test."), resolver.ask("www.test."))

    first, second, third = run(main())
    assert isinstance(first, ResolutionFailed)
    assert first.tag == ("LATE" if limit == "deadline" else "BUDX")
    assert second.rcode == third.rcode == 0


def test_one_who_joins_late_in_the_time_of_another_is_answered_by_its_own_deadline(run):
    async def main():
        world = internet()
        world.network.silence("10.0.0.2")
        resolver = Resolver(world)
        began = world.clock.monotonic()
        ended = []

        async def ask(seconds):
            failure = await resolver.failure("www.test.", seconds=seconds)
            ended.append((failure.tag, round(world.clock.monotonic() - began, 3)))

        await asyncio.gather(ask(4.5), ask(0.5))
        return ended

    assert run(main()) == [("LATE", 0.5), ("MUTE", 2.52)]


def test_a_client_that_goes_away_leaves_those_who_joined_with_an_answer(run):
    async def main():
        world = internet()
        resolver = Resolver(world)
        first = asyncio.ensure_future(resolver.ask("www.test."))
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(resolver.ask("www.test."))
        await asyncio.sleep(0.01)
        first.cancel()
        return await second

    assert run(main()).rcode == 0


# -- clients that wait no longer


def slow(seconds: float) -> Internet:
    """www.test. is answered after `seconds`."""
    world = internet()
    world.zones("10.0.0.2", LEAF, link=Link(latency_ms=seconds * 1000))
    return world


def test_the_work_goes_on_for_the_cache_when_its_client_has_been_told_that_it_is_late(run):
    async def main():
        world = slow(5)
        resolver = Resolver(world)
        resolver.servers.replied(Endpoint("10.0.0.2", 53), 1.9)
        failure = await resolver.failure("www.test.")
        told = world.clock.monotonic()
        lines = await resolver.lines("www.test.")
        return failure.tag, lines, world.clock.monotonic() - told, world.counters.questions_joined

    tag, lines, took, joined = run(main())
    assert (tag, lines, joined) == ("LATE", ["www.test. 300 A 192.0.2.80"], 1)
    assert took == pytest.approx(5.02 - 4.5)


def test_the_work_ends_when_it_has_taken_as_long_as_it_may(run):
    async def main():
        world = slow(30)
        resolver = Resolver(world, work_s=5.0)
        for _ in range(3):
            resolver.servers.replied(Endpoint("10.0.0.2", 53), 1.9)
        await resolver.failure("www.test.")
        await asyncio.sleep(5 - 4.5 - 0.01)
        before = resolver.resolved.flights
        await asyncio.sleep(0.02)
        return before, resolver.resolved.flights

    assert run(main()) == (1, 0)


def test_a_refresh_asks_although_an_answer_is_held(run):
    async def main():
        world = internet()
        resolver = Resolver(world)
        await resolver.lines("www.test.")
        await asyncio.sleep(200)
        asked = zone_text.question("www.test.", "A")
        resolver.resolved.refresh(asked)
        resolver.resolved.refresh(asked)
        held = await resolver.lines("www.test.")
        await asyncio.sleep(1)
        return held, await resolver.lines("www.test."), world.asked("10.0.0.2")

    held, refreshed, asked = run(main())
    assert held == ["www.test. 100 A 192.0.2.80"]
    assert refreshed == ["www.test. 299 A 192.0.2.80"]
    assert asked == ["www.test. A"] * 2


# -- when the network is gone


def test_nothing_grows_while_the_network_is_silent_and_all_is_well_when_it_is_back(run):
    async def main():
        world = internet()
        resolver = Resolver(world, failure_ttl_s=1.0)
        await resolver.lines("www.test.")
        world.network.silence()
        await asyncio.sleep(40)
        for _ in range(100):
            await resolver.failure("mail.test.")
            await asyncio.sleep(3)
        world.network.restore()
        await asyncio.sleep(1)
        return await resolver.lines("mail.test.")

    assert run(main()) == ["mail.test. 300 A 192.0.2.25"]


@pytest.mark.rfc(9520, "3.2")
def test_a_zone_that_stays_silent_is_asked_less_and_less(run):
    async def main():
        world = internet()
        world.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2"), *delegate("dead.", "10.0.0.9")))
        world.zones("10.0.0.9", leaf("dead.", "10.0.0.9"))
        world.network.silence("10.0.0.9")
        resolver = Resolver(world, failure_ttl_s=1.0)
        began, number = world.clock.monotonic(), 0
        while world.clock.monotonic() < began + 120:
            await resolver.failure("www.dead.")
            await resolver.ask(f"n{number}.test.")
            number += 1
            await asyncio.sleep(1)
        return len(world.asked("10.0.0.9"))

    assert run(main()) <= 7 * 3


@pytest.mark.rfc(9520, "3.2")
def test_nothing_grows_while_the_root_is_silent_though_others_reply(run):
    async def main():
        world = internet()
        resolver = Resolver(world, failure_ttl_s=1.0)
        await resolver.lines("www.test.")
        world.network.silence(ROOT_SERVER)
        for number in range(60):
            await resolver.ask(f"n{number}.test.")
            await resolver.failure("other.")
            await asyncio.sleep(3)
        world.network.restore()
        await asyncio.sleep(1)
        return (await resolver.ask("other.")).rcode, await resolver.lines("mail.test.")

    assert run(main()) == (Rcode.NXDOMAIN, ["mail.test. 300 A 192.0.2.25"])


def test_names_of_a_zone_that_was_dead_resolve_as_soon_as_it_may_be_asked_again(run):
    """What failed because the zone was remembered as dead was not tried, and is not remembered beside it."""

    async def main():
        world = internet()
        resolver = Resolver(world, failure_ttl_s=1.0)
        world.network.silence("10.0.0.2")
        for _ in range(60):
            await resolver.failure("www.test.")
            last = await resolver.failure("mail.test.")
            assert [each.code for each in last.ede] == [22, 13]
            await asyncio.sleep(1)
        world.network.restore()
        for _ in range(400):
            (found,) = await outcomes(resolver.ask("www.test."))
            if isinstance(found, Reply):
                break
            await asyncio.sleep(1)
        return await resolver.lines("mail.test.")

    assert run(main()) == ["mail.test. 300 A 192.0.2.25"]


# -- cycles


def test_two_delegations_that_need_each_other_fail_and_do_not_wait_for_ever(run):
    async def main():
        world = internet()
        world.zones("10.0.0.2", (LEAF[0], "\n".join((LEAF[1], *CYCLE))))
        resolver = Resolver(world)
        began = world.clock.monotonic()
        failure = await resolver.failure("www.a.test.")
        return failure, world.clock.monotonic() - began, len(world.asked())

    failure, took, sent = run(main())
    assert (failure.tag, failure.code, failure.rcode) == ("NOAD", 22, Rcode.SERVFAIL)
    assert "depends on itself" in str(failure)
    assert took < 1
    assert sent < 15


@pytest.mark.parametrize("later", [0.0, 0.001, 0.025, 0.045, 0.065])
def test_cyclic_delegations_asked_by_two_clients_at_once_do_not_deadlock(run, later):
    """Each client's question waits for an address that the other is looking for. `run` raises Deadlock otherwise."""

    async def main():
        world = internet()
        world.zones("10.0.0.2", (LEAF[0], "\n".join((LEAF[1], *CYCLE))))
        resolver = Resolver(world)
        began = world.clock.monotonic()

        async def second():
            await asyncio.sleep(later)
            return await resolver.failure("www.b.test.")

        failures = await asyncio.gather(resolver.failure("www.a.test."), second(), resolver.failure("ns.a.test."))
        return failures, world.clock.monotonic() - began

    failures, took = run(main())
    assert all("depends on itself" in str(failure) for failure in failures)
    assert took < 2


def test_a_longer_cycle_asked_by_many_ends_too(run):
    ring = tuple(f"z{number}.test. 3600 IN NS ns.z{(number + 1) % 5}.test." for number in range(5))

    async def main():
        world = internet()
        world.zones("10.0.0.2", (LEAF[0], "\n".join((LEAF[1], *ring))))
        resolver = Resolver(world)
        names = [f"www.z{number % 5}.test." for number in range(25)]
        began = world.clock.monotonic()
        failures = await asyncio.gather(*(resolver.failure(name) for name in names))
        return failures, world.clock.monotonic() - began

    failures, took = run(main())
    assert all(failure.rcode == Rcode.SERVFAIL for failure in failures)
    assert took <= 4.5


def test_what_a_cycle_ended_is_remembered_for_the_shortest_time_so_that_a_way_out_is_found(run):
    async def main():
        world = internet()
        world.zones("10.0.0.2", (LEAF[0], "\n".join((LEAF[1], *CYCLE))))
        resolver = Resolver(world)
        await resolver.failure("www.a.test.")
        world.zones(
            "10.0.0.2",
            (LEAF[0], "\n".join((LEAF[1], "a.test. 3600 IN NS ns.a.test.", "ns.a.test. 3600 IN A 10.0.0.3"))),
        )
        world.zones("10.0.0.3", leaf("a.test.", "10.0.0.3", "www.a.test. 300 IN A 192.0.2.1"))
        resolver.known.flush(b"\0", subtree=True)
        await asyncio.sleep(5)
        return await resolver.lines("www.a.test.")

    assert run(main()) == ["www.a.test. 300 A 192.0.2.1"]


# -- limits


def nested(depth: int) -> Internet:
    """z0.test. needs the address of a name in z1.test., and so on, `depth` times; the last has sibling glue."""
    depth += 1
    world = internet()
    lines = [f"z{number}.test. 3600 IN NS ns.z{number + 1}.test." for number in range(depth)]
    lines += delegate(f"z{depth}.test.", "10.0.0.9")
    world.zones("10.0.0.2", (LEAF[0], "\n".join((LEAF[1], *lines))))
    zones = [
        leaf(f"z{number}.test.", "10.0.0.9", f"www.z{number}.test. 300 IN A 192.0.2.1") for number in range(depth + 1)
    ]
    world.zones("10.0.0.9", *zones)
    return world


@pytest.mark.parametrize(("depth", "fails"), [(4, False), (5, True)])
def test_addresses_nested_too_deep_are_given_up(run, depth, fails):
    async def main():
        resolver = Resolver(nested(depth), limits=Limits(depth=4))
        return (await outcomes(resolver.ask("www.z0.test.")))[0]

    outcome = run(main())
    assert isinstance(outcome, ResolutionFailed) == fails
    if isinstance(outcome, ResolutionFailed):
        assert (outcome.tag, outcome.rcode) == ("NOAD", Rcode.SERVFAIL)
        assert "nested more than 4 deep" in outcome.ede[0].text
        assert outcome.own_limit


def test_one_budget_goes_through_all_that_a_question_needs(run):
    async def main():
        resolver = Resolver(nested(4), limits=Limits(sends=5))
        failure = await resolver.failure("www.z0.test.")
        return failure, len(resolver.internet.asked())

    failure, sent = run(main())
    assert failure.own_limit
    assert "more than 5 messages" in str(failure)
    assert sent == 5


def test_a_client_is_answered_by_its_deadline_whatever_is_open(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", says(rcode=0, aa=True, authority=soa("test.")), link=Link(latency_ms=9_000))
        resolver = Resolver(world)
        resolver.servers.replied(Endpoint("10.0.0.2", 53), 1.9)  # so that it is asked with patience
        began = world.clock.monotonic()
        failure = await resolver.failure("www.test.")
        return failure, world.clock.monotonic() - began, resolver.servers.state(Endpoint("10.0.0.2", 53)).silent

    failure, took, silent = run(main())
    assert (failure.tag, failure.rcode, failure.own_limit, failure.code) == ("LATE", Rcode.SERVFAIL, True, 22)
    assert took == pytest.approx(4.5)
    assert silent == 2, "the third wait was cut by the client's time, which says nothing about the server"


# -- remembered failures


@pytest.mark.rfc(9520, "3.2")
def test_a_failure_is_remembered_for_some_seconds_and_told_as_such(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", says(rcode=2))
        resolver = Resolver(world, failure_ttl_s=5.0)
        first = await resolver.failure("www.test.")
        await asyncio.sleep(4.9)
        second = await resolver.failure("www.test.")
        between = len(world.asked("10.0.0.2"))
        await asyncio.sleep(0.2)
        third = await resolver.failure("www.test.")
        return first, second, third, between, len(world.asked("10.0.0.2")), world.counters.failures_cached

    first, second, third, between, after, counted = run(main())
    assert (between, after, counted) == (1, 2, 1)
    assert first.ede == third.ede
    assert second.ede[0] == first.ede[0]
    assert second.ede[-1].code == 13
    assert second.rcode == Rcode.SERVFAIL


@pytest.mark.rfc(9520, "3.2")
def test_a_remembered_failure_is_that_of_its_name_and_type_alone(run):
    async def main():
        world = internet()

        def script(query, transport):
            return reply(query.question, rcode=2 if query.question.type == 1 else 0, authority=soa("test."))

        world.script("10.0.0.2", script)
        resolver = Resolver(world)
        await resolver.failure("www.test.", "A")
        return await resolver.ask("www.test.", "AAAA"), (await resolver.failure("mail.test.", "A")).label

    reply_, label = run(main())
    assert reply_.rcode == 0
    assert label == "servfail"


@pytest.mark.rfc(9520, "2")
def test_a_failure_by_the_limits_of_the_asker_is_not_remembered(run):
    async def main():
        world = internet()
        resolver = Resolver(world)
        late = await resolver.failure("www.test.", seconds=0.03)
        return late, await resolver.lines("www.test.")

    late, lines = run(main())
    assert late.own_limit
    assert lines == ["www.test. 300 A 192.0.2.80"]


def test_failures_can_be_forgotten(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", says(rcode=2))
        resolver = Resolver(world)
        await resolver.failure("www.test.")
        world.zones("10.0.0.2", LEAF)
        resolver.resolved.forget_failures()
        return await resolver.lines("www.test.")

    assert run(main()) == ["www.test. 300 A 192.0.2.80"]


@pytest.mark.rfc(9520, "3.2")
def test_the_address_of_a_name_server_that_failed_is_remembered_too(run):
    async def main():
        world = internet()
        world.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2"), *delegate("dead.", "10.0.0.9")))
        lines = ("a.test. 3600 IN NS ns.dead.", "b.test. 3600 IN NS ns.dead.")
        world.zones("10.0.0.2", (LEAF[0], "\n".join((LEAF[1], *lines))))
        world.script("10.0.0.9", says(rcode=5))
        resolver = Resolver(world)
        await resolver.failure("www.a.test.")
        before = len(world.asked("10.0.0.9"))
        failure = await resolver.failure("www.b.test.")
        return before, len(world.asked("10.0.0.9")), str(failure)

    before, after, text = run(main())
    assert (before, after) == (1, 1)
    assert "refused to answer" in text


# -- what is counted and told


def test_messages_timeouts_and_failures_are_counted(run):
    async def main():
        world = internet()
        world.network.silence("10.0.0.2")
        resolver = Resolver(world)
        await resolver.failure("www.test.")
        return world.counters, len(world.asked())

    counters, sent = run(main())
    assert counters.upstream_sent == sent
    assert counters.upstream_timeouts == sent - 1
    assert counters.upstream_failures == 1
    assert counters.answers_resolved == 1


def test_the_transcript_shows_lookups_with_what_they_led_to(run):
    async def main():
        transcript = Transcript()
        world = nested(1)
        resolver = Resolver(world, transcript=transcript)
        await resolver.ask("www.z0.test.")
        return transcript

    transcript = run(main())
    assert [node.asked for node in transcript.roots] == ["www.z0.test. A"] * 2 + ["ns.z1.test. A", "www.z0.test. A"]
    lookup = transcript.roots[2]
    assert (lookup.server, lookup.came_back) == ("", "1 A")
    assert [node.decided for node in lookup.below] == ["referral: z1.test. is served by ns.z2.test.", "answer: 1 A"]
    assert [node.transport for node in lookup.below] == [Transport.UDP] * 2


def test_the_transcript_shows_sections_that_the_engine_has_no_use_for(run):
    async def main():
        world = internet()
        ns = RRset(names.from_text("test."), Type.NS, 1, 300, (names.from_text("ns.test."),))

        def script(query, transport):
            return reply(query.question, "www.test. 300 IN A 192.0.2.80")._replace(authority=(ns,))

        world.script("10.0.0.2", script)
        transcript = Transcript()
        await Resolver(world, transcript=transcript).ask("www.test.")
        return transcript

    assert run(main()).roots[-1].came_back.endswith("; answer 1 A; authority 1 NS")


def test_what_is_remembered_of_a_failure_is_not_the_frames_that_it_passed(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", says(rcode=2))
        resolver = Resolver(world, failure_ttl_s=5.0)
        first, second = await outcomes(resolver.failure("www.test."), resolver.failure("www.test."))
        remembered = resolver.resolved._failures.get((names.from_text("www.test."), 1, False))
        return first, second, remembered

    first, second, remembered = run(main())
    assert remembered.__traceback__ is None
    assert remembered.ede == first.ede == second.ede
    assert len({id(first), id(second), id(remembered)}) == 3


def test_a_zone_that_is_slow_and_refuses_tcp_is_answered_when_its_reply_comes(run):
    async def main():
        world = internet()

        def script(query, transport):
            return reply(query.question, "www.test. 300 IN A 192.0.2.80")

        world.script("10.0.0.2", script, link=Link(latency_ms=1_500, stream=Stream.RESET))
        transcript = Transcript()
        resolver = Resolver(world, transcript=transcript)
        began = world.clock.monotonic()
        lines = await resolver.lines("www.test.")
        return lines, world.clock.monotonic() - began, [node.decided for node in transcript.roots][-1]

    lines, took, decided = run(main())
    assert lines == ["www.test. 300 A 192.0.2.80"]
    assert took == pytest.approx(1.52)
    assert decided.startswith("answer")


def test_a_long_chain_of_flights_that_wait_for_one_another_ends_without_a_deep_stack(run):
    """Each asks for the address of the next one's name server; the last of them fails, and so do all, at once."""

    async def main():
        count, broken, failures, clients = 190, [], [], []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        world = Internet(link=Link(latency_ms=1))
        zones = [f"z{number}. 3600 IN NS ns.z{number + 1}." for number in range(count)]
        world.zones(ROOT_SERVER, root_with(*zones, *delegate(f"z{count}.", "10.0.0.2")))
        empty = f"z{count}.", f"z{count}. 900 IN SOA ns.z{count}. admin.z{count}. 1 2 3 4 300"
        world.zones("10.0.0.2", empty, link=Link(latency_ms=900))
        resolver = Resolver(world)

        async def client(number) -> None:
            failures.append((await resolver.failure(f"ns.z{number}.")).tag)

        for number in reversed(range(count)):
            clients.append(asyncio.ensure_future(client(number)))
            await asyncio.sleep(0.003)
        waiting = resolver.resolved.flights
        await asyncio.sleep(10)
        return waiting, len(failures), broken, resolver.resolved.flights, len(world.tasks)

    waiting, told, broken, flights, tasks = run(main())
    assert waiting > 180
    assert (told, broken, flights, tasks) == (190, [], 0, 0)
