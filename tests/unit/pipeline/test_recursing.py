from __future__ import annotations

import asyncio

import pytest

from resolver.answering import awaited
from resolver.app import build
from resolver.auth.authority import Authority
from resolver.auth.shipped import find_zones
from resolver.cache.servers import Servers
from resolver.config import Config
from resolver.engine.budget import Limits
from resolver.message import RA, RD, Client, Edns, Message, Query, Question, Rcode, Reply, Transport, Type
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.simulated import SimulatedNetwork
from resolver.observe.counters import Counters
from resolver.pipeline.driving import Tools
from resolver.pipeline.recursing import Recursing, ZoneKnowledge
from resolver.pipeline.resolved import Resolved
from resolver.simulation import recursing
from resolver.tasks import Tasks
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import zone_text
from tests.support.answering import Always
from tests.support.internet import root_with
from tests.support.messages import told

ROOT, RECURSING_ROOT, TLD = "127.53.0.1", "127.53.0.3", "127.53.1.1"


async def asked(program, host: str, name: str, rtype: str = "A", *, rd: bool = True) -> Message:
    """What the simulated server at `host` says."""
    question = Question(names.from_text(name), types.from_text(rtype))
    waiting = asyncio.get_running_loop().create_future()
    wire = render_query(7, question, rd=rd, edns=Edns())
    program._composed.simulated[host](wire, Client("127.0.0.1", 9, Transport.UDP), waiting.set_result)
    return parse(await waiting)


def served(run, main):
    async def go():
        program = build(Config(), clock=VirtualClock(), entropy=SeededEntropy(1))
        return await main(program)

    return run(go())


def test_the_shipped_world_is_found() -> None:
    assert (find_zones() / "hierarchy.toml").exists()


@pytest.mark.rfc(1034, "4.3.1")
def test_a_server_that_offers_recursion_answers_whole_when_it_is_desired(run):
    message = served(run, lambda program: asked(program, RECURSING_ROOT, "www.example.com."))
    assert message.flags & RA
    assert message.flags & RD
    assert told(*message.answer) == ["www.example.com. 3600 A 192.0.2.80"]


@pytest.mark.rfc(1034, "4.3.1")
def test_it_refers_when_recursion_is_not_desired(run):
    message = served(run, lambda program: asked(program, RECURSING_ROOT, "www.example.com.", rd=False))
    assert message.flags & RA
    assert message.answer == ()
    assert [each.type for each in message.authority] == [Type.NS]


def test_a_server_that_does_not_offer_recursion_refers_whatever_is_desired(run):
    message = served(run, lambda program: asked(program, ROOT, "www.example.com."))
    assert not message.flags & RA
    assert message.answer == ()
    assert names.to_text(message.authority[0].name) == "com."


def test_what_its_own_zones_say_is_told_from_them(run):
    async def main(program):
        return [
            await asked(program, RECURSING_ROOT, ".", "NS"),
            await asked(program, RECURSING_ROOT, "nosuch."),
            await asked(program, TLD, "com.", "SOA"),
            await asked(program, TLD, "www.example.org."),
        ]

    ns, gone, soa, outside = served(run, main)
    assert len(ns.answer[0].rdatas) == 3
    assert gone.rcode == Rcode.NXDOMAIN
    assert soa.answer[0].type == Type.SOA
    assert outside.rcode == Rcode.REFUSED


def test_an_alias_is_followed_below_its_own_zones_and_the_rest_is_left_to_the_asker(run):
    async def main(program):
        return (
            await asked(program, TLD, "one.example.com."),
            await asked(program, TLD, "partner.example.net."),
            await asked(program, TLD, "chain.example.com."),
        )

    inside, foreign, across = served(run, main)
    assert [each.type for each in inside.answer] == [Type.CNAME] * 3 + [Type.A]
    assert foreign.rcode == Rcode.REFUSED
    assert told(*across.answer) == ["chain.example.com. 3600 CNAME chain.example.net."]


@pytest.mark.rfc(2308, "2.1")
def test_denials_from_below_come_back(run):
    async def main(program):
        return (
            await asked(program, RECURSING_ROOT, "gone.example.com."),
            await asked(program, RECURSING_ROOT, "www.example.com.", "MX"),
        )

    gone, nodata = served(run, main)
    assert (gone.rcode, nodata.rcode) == (Rcode.NXDOMAIN, Rcode.NOERROR)
    assert [names.to_text(each.authority[0].name) for each in (gone, nodata)] == ["example.com."] * 2


def test_failures_from_below_come_back_with_their_cause(run):
    message = served(run, lambda program: asked(program, RECURSING_ROOT, "refused.broken.test."))
    assert message.rcode == Rcode.SERVFAIL
    assert message.edns is not None
    texts = [data[2:].decode() for _, data in message.edns.options]
    assert texts[-1].endswith("refused to answer [RFSD]")


def test_only_the_resolver_counts_what_it_sends(run):
    """Messages among the simulated servers are not those of the resolver."""

    async def main():
        config = Config.model_validate({"resolver": {"mode": "recursive"}, "dnssec": {"validation": False}})
        program = build(config, clock=VirtualClock(), entropy=SeededEntropy(1))
        await program.ask("www.example.com.")
        return program.stats()

    stats = run(main())
    assert stats["upstream.sent"] == 1
    assert stats["answers.resolved"] == 1


def test_the_servers_that_recurse_are_those_declared(run):
    async def main(program):
        return recursing(program.world.servers, 53)

    found = served(run, main)
    assert found[names.from_text("c.root-servers.test.")] == (Endpoint(RECURSING_ROOT, 53),)
    assert len(found) == 9


@pytest.mark.parametrize(("level", "earlier"), [(0, 0.5), (1, 1.0), (2, 1.5)])
def test_the_deeper_a_server_stands_the_less_time_it_takes(run, level, earlier):
    """So that a failure below is told before the one above gives up."""
    zone = zone_text.zone(*root_with("example. 300 IN NS ns.example.", "ns.example. 300 IN A 127.53.2.1"))

    async def main():
        clock = VirtualClock()
        tools = Tools(SimulatedNetwork({}, clock, SeededEntropy(1)), clock, SeededEntropy(1), Counters())
        authority = Authority([zone])
        known = ZoneKnowledge(authority, Servers(clock, tools.entropy), {}, 53, None)
        tasks = Tasks()
        addresses = Resolved(known, tools, owner=tasks, limits=Limits())
        stage = Recursing(authority, known, tools, addresses, tasks, level=level)
        stage._resolved = below = Always(Reply(0))  # type: ignore[assignment]
        client = Client("127.0.0.1", 9, Transport.UDP)
        await awaited(stage, Query(zone_text.question("www.example.", "A"), client, 1, 1004.5))
        return [query.deadline for query in below.queries]

    assert run(main()) == [1004.5 - earlier]
