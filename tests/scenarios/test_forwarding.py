"""Forward zones and stub zones: who is asked instead of the root."""

from __future__ import annotations

import pytest

from resolver.message import RD, Rcode
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
