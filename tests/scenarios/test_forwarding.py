"""Forward zones and stub zones: who is asked instead of the root."""

from __future__ import annotations

import asyncio

import pytest

from resolver.errors import ResolutionFailed
from resolver.message import EDE_OPTION, RD, Client, Ede, Edns, Rcode, Transport
from resolver.network.simulated import Link
from resolver.wire import names
from resolver.wire.parse import parse
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with, says
from tests.support.messages import reply, soa

CORP = "10.9.0.1"


def internet() -> Internet:
    """The Internet has corp.test too, with other answers."""
    made = Internet(link=Link(latency_ms=20))
    made.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2")))
    made.zones(
        "10.0.0.2",
        leaf(
            "test.",
            "10.0.0.2",
            "www.test. 300 IN A 192.0.2.80",
            "corp.test. 300 IN A 192.0.2.66",
            *delegate("other.test.", "10.0.0.3"),
        ),
    )
    made.zones("10.0.0.3", leaf("other.test.", "10.0.0.3", "www.other.test. 300 IN A 192.0.2.81"))
    return made


def recursor(*lines: str, **options):
    """A resolver that somebody else runs: it answers what it is asked, with RA and without AA."""

    def script(query, transport):
        asked = names.to_text(names.fold(query.question.name))
        found = [line for line in lines if line.startswith(f"{asked} ")]
        authority = () if found else soa("corp.test.")
        return reply(query.question, found, authority, aa=False, ra=True, rcode=0 if found else 3, **options)

    return script


A = "a.corp.test. 300 IN A 10.1.1.1"


def test_a_forward_zone_is_asked_with_rd_and_its_word_is_the_answer(run):
    async def main():
        world = internet()
        world.script(CORP, recursor(A))
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)})
        lines = await resolver.lines("a.corp.test.")
        other = await resolver.lines("www.test.")
        query = parse(world.network.history[0].wire)
        return lines, other, query.flags & RD, world.asked(CORP), world.asked(ROOT_SERVER)

    lines, other, rd, to_corp, to_root = run(main())
    assert lines == ["a.corp.test. 300 A 10.1.1.1"]
    assert other == ["www.test. 300 A 192.0.2.80"]
    assert rd == RD
    assert to_corp == ["a.corp.test. A"]
    assert to_root == ["www.test. A"]


@pytest.mark.rfc(9520, "3.2")
def test_a_denial_of_a_forwarder_is_kept(run):
    async def main():
        world = internet()
        world.script(CORP, recursor())
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)})
        first, second = [await resolver.ask("gone.corp.test.") for _ in range(2)]
        return first.rcode, second.rcode, len(world.asked(CORP))

    assert run(main()) == (Rcode.NXDOMAIN, Rcode.NXDOMAIN, 1)


@pytest.mark.parametrize("dead", ["silent", "servfail", "refused", "unreachable"])
def test_a_forwarder_that_is_dead_leaves_the_next(run, dead):
    async def main():
        world = internet()
        if dead == "silent":
            world.script("10.9.0.2", says())
            world.network.silence("10.9.0.2")
        elif dead != "unreachable":
            world.script("10.9.0.2", says(rcode=2 if dead == "servfail" else 5, ra=True))
        world.script(CORP, recursor(A))
        resolver = Resolver(world, forwards={"corp.test.": ("10.9.0.2", CORP)})
        began = world.clock.monotonic()
        lines = await resolver.lines("a.corp.test.")
        return lines, world.clock.monotonic() - began, len(world.asked("10.9.0.2"))

    lines, took, asked = run(main())
    assert lines == ["a.corp.test. 300 A 10.1.1.1"]
    assert took < 1
    assert asked == 1


def test_all_forwarders_dead_is_a_failure_and_the_internet_is_not_asked_instead(run):
    async def main():
        world = internet()
        world.script(CORP, says())
        world.network.silence(CORP)
        resolver = Resolver(world, forwards={"corp.test.": (CORP, "10.9.0.2")})
        began = world.clock.monotonic()
        failure = await resolver.failure("a.corp.test.")
        return failure, world.clock.monotonic() - began, world.asked(ROOT_SERVER)

    failure, took, asked = run(main())
    assert failure.rcode == Rcode.SERVFAIL
    assert failure.code == 22
    assert took <= 4.5
    assert asked == []


def test_an_alias_out_of_a_forward_zone_is_asked_where_it_belongs(run):
    """A forwarder for one zone is not believed about others."""

    async def main():
        world = internet()
        world.script(CORP, recursor("a.corp.test. 300 IN CNAME www.test.", "www.test. 300 IN A 192.0.2.66"))
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)})
        return await resolver.lines("a.corp.test.")

    assert run(main()) == ["a.corp.test. 300 CNAME www.test.", "www.test. 300 A 192.0.2.80"]


def test_everything_can_be_forwarded_and_then_a_whole_chain_is_believed(run):
    async def main():
        world = internet()
        chain = ["a.corp.test. 300 IN CNAME x.net.", "x.net. 300 IN A 192.0.2.7"]
        world.script(CORP, says(chain, aa=False, ra=True))
        resolver = Resolver(world, forwards={".": (CORP,)}, primed=False)
        return await resolver.lines("a.corp.test."), world.asked()

    lines, asked = run(main())
    assert lines == ["a.corp.test. 300 CNAME x.net.", "x.net. 300 A 192.0.2.7"]
    assert asked == ["a.corp.test. A"]


def test_more_forwarders_than_a_delegation_has_addresses_are_all_used(run):
    hosts = tuple(f"10.9.0.{last}" for last in range(1, 13))

    async def main():
        world = internet()
        world.script("10.9.0.12", recursor(A))
        resolver = Resolver(world, forwards={"corp.test.": hosts})
        return await resolver.lines("a.corp.test.")

    assert run(main()) == ["a.corp.test. 300 A 10.1.1.1"]


def test_a_stub_zone_is_asked_without_rd_and_iterated_below(run):
    async def main():
        world = internet()
        world.zones(CORP, leaf("corp.test.", CORP, A, *delegate("lab.corp.test.", "10.9.0.5")))
        world.zones("10.9.0.5", leaf("lab.corp.test.", "10.9.0.5", "x.lab.corp.test. 300 IN A 10.1.1.2"))
        resolver = Resolver(world, stubs={"corp.test.": (CORP,)}, primed=False)
        first = await resolver.lines("a.corp.test.")
        second = await resolver.lines("x.lab.corp.test.")
        flags = [parse(each.wire).flags & RD for each in world.network.history]
        return first, second, flags, world.asked(ROOT_SERVER)

    first, second, flags, to_root = run(main())
    assert first == ["a.corp.test. 300 A 10.1.1.1"]
    assert second == ["x.lab.corp.test. 300 A 10.1.1.2"]
    assert flags == [0, 0, 0]
    assert to_root == [], "nor is a stub's server asked who serves the root"


def test_the_servers_of_a_stub_zone_are_not_asked_who_serves_the_root(run):
    async def main():
        world = internet()
        world.zones(CORP, leaf("corp.test.", CORP, A))
        resolver = Resolver(world, stubs={"corp.test.": (CORP,)}, primed=False)
        await resolver.lines("a.corp.test.")
        return world.asked(CORP)

    assert run(main()) == ["a.corp.test. A"]


def test_the_longest_match_wins(run):
    async def main():
        world = internet()
        world.script("10.9.0.1", recursor("x.corp.test. 300 IN A 10.1.1.1"))
        world.script("10.9.0.2", recursor("x.lab.corp.test. 300 IN A 10.1.1.2"))
        world.zones("10.9.0.3", leaf("dev.lab.corp.test.", "10.9.0.3", "x.dev.lab.corp.test. 300 IN A 10.1.1.3"))
        resolver = Resolver(
            world,
            forwards={"corp.test.": ("10.9.0.1",), "lab.corp.test.": ("10.9.0.2",)},
            stubs={"dev.lab.corp.test.": ("10.9.0.3",)},
        )
        return [await resolver.lines(f"x.{zone}") for zone in ("corp.test.", "lab.corp.test.", "dev.lab.corp.test.")]

    assert run(main()) == [
        ["x.corp.test. 300 A 10.1.1.1"],
        ["x.lab.corp.test. 300 A 10.1.1.2"],
        ["x.dev.lab.corp.test. 300 A 10.1.1.3"],
    ]


# -- pools: who else is asked


def slow(seconds: float) -> Link:
    return Link(latency_ms=seconds * 500)


@pytest.mark.parametrize("url", ["10.9.0.2", "tcp://10.9.0.2"])
def test_a_second_member_is_asked_while_the_first_is_slow_and_the_first_answer_counts(run, url):
    async def main():
        world = internet()
        world.script("10.9.0.2", recursor(A), link=slow(3))
        world.script(CORP, recursor(A))
        resolver = Resolver(world, forwards={"corp.test.": (url, CORP)}, hedge=5)
        began = world.clock.monotonic()
        lines = await resolver.lines("a.corp.test.")
        took = world.clock.monotonic() - began
        members = resolver.pools["corp.test."].members
        return lines, took, world.counters.forwarded_hedged, [each.outstanding for each in members]

    lines, took, hedged, outstanding = run(main())
    assert lines == ["a.corp.test. 300 A 10.1.1.1"]
    assert took < 0.4
    assert hedged == 1
    assert outstanding == [0, 0]


@pytest.mark.parametrize("url", ["10.9.0.2", "tcp://10.9.0.2"])
def test_the_first_member_is_still_heard_while_the_second_is_waited_for(run, url):
    async def main():
        world = internet()
        world.script("10.9.0.2", recursor(A), link=slow(0.3))
        world.script(CORP, says())
        world.network.silence(CORP)
        resolver = Resolver(world, forwards={"corp.test.": (url, CORP)}, hedge=5)
        began = world.clock.monotonic()
        lines = await resolver.lines("a.corp.test.")
        return lines, world.clock.monotonic() - began, len(world.asked(CORP))

    lines, took, second = run(main())
    assert (lines, second) == (["a.corp.test. 300 A 10.1.1.1"], 1)
    assert took < 0.7


def test_not_more_than_a_few_of_a_hundred_questions_are_asked_twice(run):
    async def main():
        world = internet()
        made = {f"n{number}.corp.test.": f"n{number}.corp.test. 300 IN A 10.1.1.1" for number in range(200)}
        world.script("10.9.0.2", recursor(*made.values()), link=slow(0.5))
        world.script(CORP, recursor(*made.values()), link=slow(0.5))
        resolver = Resolver(world, forwards={"corp.test.": ("10.9.0.2", CORP)}, hedge=5)
        for name in made:
            await resolver.ask(name)
        return world.counters.forwarded_hedged, len(world.asked())

    hedged, sent = run(main())
    assert hedged <= 11
    assert sent == 200 + hedged


def test_what_is_unusable_leaves_the_question_to_another_member_without_hurting_the_first_where_all_say_it(run):
    async def main():
        world = internet()
        said = {"a.corp.test.": A}

        def script(good: bool):
            def answers(query, transport):
                asked = names.to_text(names.fold(query.question.name))
                return recursor(said[asked])(query, transport) if good and asked in said else says(rcode=2)(query, 0)

            return answers

        world.script("10.9.0.2", script(False))
        world.script(CORP, script(True))
        resolver = Resolver(world, forwards={"corp.test.": ("10.9.0.2", CORP)})
        lines = await resolver.lines("a.corp.test.")
        bad, good = resolver.pools["corp.test."].members
        blamed = (bad.failed, good.failed, good.replied)
        failure = await resolver.failure("b.corp.test.")
        return lines, blamed, failure, (bad.failed, good.failed)

    lines, blamed, failure, then = run(main())
    assert lines == ["a.corp.test. 300 A 10.1.1.1"]
    assert blamed == (1, 0, 1)
    assert failure.tag == "PLSF"
    assert then == (1, 0), "a name that nobody can resolve is no member's fault"


def test_no_member_at_all_fails_at_once(run):
    async def main():
        world = internet()
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)})
        pool = resolver.pools["corp.test."]
        pool.open_when_all_down = False
        pool.down(pool.members[0])
        began = world.clock.monotonic()
        return await resolver.failure("a.corp.test."), world.clock.monotonic() - began, world.asked()

    failure, took, asked = run(main())
    assert (failure.tag, failure.code, took, asked) == ("PLNO", 22, 0, [])


def test_all_down_and_open_is_asked_all_the_same(run):
    async def main():
        world = internet()
        world.script(CORP, recursor(A))
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)})
        pool = resolver.pools["corp.test."]
        pool.down(pool.members[0])
        return await resolver.lines("a.corp.test.")

    assert run(main()) == ["a.corp.test. 300 A 10.1.1.1"]


# -- forwarded first


@pytest.mark.parametrize("dead", ["silent", "servfail"])
def test_what_is_forwarded_first_is_iterated_where_nobody_is_of_use_within_the_time_of_a_client(run, dead):
    async def main():
        world = internet()
        world.script(CORP, says(rcode=2))
        if dead == "silent":
            world.network.silence(CORP)
        resolver = Resolver(world, forwards={"test.": (CORP,)}, first=("test.",), primed=False)
        began = world.clock.monotonic()
        return await resolver.lines("www.test."), world.clock.monotonic() - began

    lines, took = run(main())
    assert lines == ["www.test. 300 A 192.0.2.80"]
    assert took < 4.5


def test_what_is_only_forwarded_is_never_iterated(run):
    async def main():
        world = internet()
        world.script(CORP, says(rcode=2))
        resolver = Resolver(world, forwards={"test.": (CORP,)})
        return (await resolver.failure("www.test.")).tag, world.asked(ROOT_SERVER)

    assert run(main()) == ("PLSF", [])


# -- what upstreams say beside


def test_extended_errors_of_an_upstream_are_told_on_with_its_answer_to_those_who_asked(run):
    blocked = Edns(options=((EDE_OPTION, b"\x00\x0fon a list"),))

    async def main():
        world = internet()
        world.script(CORP, says([A], ra=True, edns=blocked))
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)})
        return [(await resolver.ask("a.corp.test.")).ede for _ in range(2)]

    first, cached = run(main())
    assert first == (Ede(15, "on a list"),)
    assert cached == ()


def test_extended_errors_of_upstreams_are_told_on_with_a_failure(run):
    broken = Edns(options=((EDE_OPTION, b"\x00\x06no key"),))

    async def main():
        world = internet()
        world.script(CORP, says(rcode=2, ra=True, edns=broken))
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)})
        return (await resolver.failure("a.corp.test.")).ede

    ours, theirs = run(main())
    assert "[PLSF]" in ours.text
    assert theirs == Ede(6, "no key")


# -- circles


LONG = "some-name-of-many-letters.corp.test."


def circle(world: Internet, resolvers: list[Resolver]):
    """A server that asks its question of the resolver that it has it from, in the letter case that it came in."""

    def respond(wire, client, send):
        ours = bytes((wire[0] ^ 1, *wire[1:]))
        back = Client("10.9.0.66", 53, Transport.UDP)
        resolvers[0].responder(ours, back, lambda said: send(None if said is None else wire[:2] + said[2:]))

    world.serve("10.9.0.66", respond)


@pytest.mark.parametrize("others", [(), (CORP,)])
def test_an_upstream_that_asks_us_in_turn_is_found_out_at_once(run, others):
    async def main():
        world = internet()
        made: list[Resolver] = []
        circle(world, made)
        world.script(CORP, recursor(f"{LONG} 300 IN A 10.1.1.1"))
        made.append(Resolver(world, forwards={"corp.test.": ("10.9.0.66", *others)}, use_0x20=True))
        began = world.clock.monotonic()
        try:
            said = await made[0].lines(LONG)
        except ResolutionFailed as failure:
            said = failure.tag
        member = made[0].pools["corp.test."].members[0]
        return (
            said,
            world.clock.monotonic() - began,
            len(world.asked("10.9.0.66")),
            world.counters.forwarded_looped,
            member,
        )

    said, took, asked, looped, member = run(main())
    assert said == ([f"{LONG} 300 A 10.1.1.1"] if others else "PLLP")
    assert took < 0.5
    assert (asked, looped) == (1, 1)
    assert (member.failed, member.outstanding) == (1, 0)


def test_who_asks_the_same_name_meanwhile_in_its_own_letter_case_joins(run):
    async def main():
        world = internet()
        world.script(CORP, recursor(f"{LONG} 300 IN A 10.1.1.1"))
        resolver = Resolver(world, forwards={"corp.test.": (CORP,)}, use_0x20=True)
        await asyncio.gather(resolver.ask(LONG), resolver.ask(LONG), resolver.ask(LONG.upper()))
        return world.counters.forwarded_looped, len(world.asked(CORP))

    assert run(main()) == (0, 1)
