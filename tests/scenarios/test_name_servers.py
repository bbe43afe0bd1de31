"""Finding name servers that delegations describe badly, and servers that answer some types alone."""

from __future__ import annotations

import asyncio

import pytest

from resolver.message import Rcode
from resolver.network.base import Trouble
from resolver.network.undelivered import Undelivered
from resolver.wire import names
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with
from tests.support.messages import reply

WWW = "www.example. 300 IN A 192.0.2.80"
ANSWER = ["www.example. 300 A 192.0.2.80"]


@pytest.mark.rfc(4074, "4.1")
def test_a_server_that_drops_questions_for_aaaa_goes_on_answering_others(run):
    """Seen in a scenario of Unbound's: after some of them, its zone must not count as dead."""

    async def main():
        world = Internet()
        world.zones(ROOT_SERVER, root_with("example. 3600 IN NS ns.example.", "ns.example. 3600 IN A 10.0.0.2"))
        world.script("10.0.0.2", lambda query, _: reply(query.question, [WWW]) if query.question.type == 1 else None)
        resolver = Resolver(world)
        for _ in range(3):
            await resolver.failure("www.example.", "AAAA")
            await world.clock.advance(12)
        await resolver.failure("www.example.", "AAAA")
        return await resolver.lines("www.example.")

    assert run(main()) == ANSWER


def test_questions_that_a_server_drops_for_their_name_do_not_take_its_zone_from_others(run):
    """Whoever knows such a name may ask it all the time."""

    async def main():
        world = Internet()
        world.zones(ROOT_SERVER, root_with("example. 3600 IN NS ns.example.", "ns.example. 3600 IN A 10.0.0.2"))

        def drops(query, _):
            name = names.to_text(query.question.name)
            return None if name.startswith("dropped") else reply(query.question, [f"{name} 0 IN A 192.0.2.80"])

        world.script("10.0.0.2", drops)
        resolver = Resolver(world, failure_ttl_s=1.0)
        attack = []
        for second in range(200):
            attack.append(asyncio.ensure_future(resolver.failure(f"dropped{second}.example.")))
            if second % 7 == 0:
                assert await resolver.lines(f"good{second}.example.") == [f"good{second}.example. 0 A 192.0.2.80"]
            await world.clock.advance(1)
        await asyncio.gather(*attack)

    run(main())


def test_missing_glue_is_asked_of_the_servers_of_the_parent(run):
    """The root delegates without glue to a name within the zone itself, whose address it has all the same."""

    async def main():
        world = Internet()

        def root(query, _):
            if names.fold(query.question.name) == names.from_text("ns.example."):
                return reply(query.question, ["ns.example. 3600 IN A 10.0.0.2"], aa=False)
            return reply(query.question, authority=["example. 3600 IN NS ns.example."], aa=False)

        world.script(ROOT_SERVER, root)
        world.zones("10.0.0.2", leaf("example.", "10.0.0.2", WWW))
        return await Resolver(world).lines("www.example."), world.asked()

    assert run(main()) == (ANSWER, ["www.example. A", "ns.example. A", "www.example. A"])


def test_a_name_server_with_glue_of_a_family_without_a_route_is_looked_up_in_the_other(run):
    async def main():
        world = Internet()
        root = root_with(
            "example. 3600 IN NS ns.other.",
            "other. 3600 IN NS a.root.",
            "ns.other. 3600 IN AAAA 2001:db8::2",
        )
        world.zones(ROOT_SERVER, root, leaf("other.", "10.0.0.2"))
        world.zones("10.0.0.2", leaf("example.", "10.0.0.2", WWW))
        send = world.network.send

        def without_ipv6(to, wire, transport, deliver, *, reuse):
            if ":" in to.host:
                return Undelivered(world.clock, deliver, Trouble.NO_ROUTE)
            return send(to, wire, transport, deliver, reuse=reuse)

        world.network.send = without_ipv6
        return await Resolver(world).lines("www.example.")

    assert run(main()) == ANSWER


@pytest.mark.parametrize("others", [1, 6])
def test_an_empty_answer_is_told_in_time_though_no_other_server_can_be_found(run, others):
    """Of several servers one is left, which denies without a SOA; those that could say more cannot be found."""

    async def main():
        world = Internet()
        far = [(f"far{number}.", f"10.0.9.{number}") for number in range(others)]
        lines = [line for zone, host in far for line in (f"example. 3600 IN NS ns.sub.{zone}", *delegate(zone, host))]
        world.zones(ROOT_SERVER, root_with("example. 3600 IN NS ns.example.", "ns.example. 3600 IN A 10.0.0.2", *lines))
        for zone, host in far:
            world.zones(host, leaf(zone, host))
            world.network.silence(host)
        world.script("10.0.0.2", lambda query, _: reply(query.question, [WWW] if query.question.type == 1 else []))
        began = world.clock.monotonic()
        answered = await Resolver(world).ask("www.example.", "AAAA")
        return answered.rcode, answered.answer, world.clock.monotonic() - began

    rcode, answer, took = run(main())
    assert (rcode, answer) == (Rcode.NOERROR, ())
    assert took < 1
