from __future__ import annotations

import io
from dataclasses import replace
from types import MappingProxyType

import pytest

from resolver.arranged import Lab
from resolver.auth.hierarchy import World, WorldServer
from resolver.dnssec import sign
from resolver.dnssec.records import read_rrsig
from resolver.message import RA, Client, Edns, Message, Rcode, Transport
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.faults import FaultTable
from resolver.network.simulated import SimulatedNetwork
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.pipeline.resolved import Tools
from resolver.simulation import Simulation, hosts, recursing, root_of
from resolver.tasks import Tasks
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import signed_zones as signed
from tests.support import zone_text
from tests.support.internet import leaf, root_with
from tests.support.messages import name

ZONE = zone_text.zone(*leaf("example.", "127.53.2.1", "www.example. 300 IN A 192.0.2.80"))
ROOT_ZONE = zone_text.zone(*root_with("example. 300 IN NS ns.example.", "ns.example. 300 IN A 127.53.2.1"))
ROOT = WorldServer(name("A.root."), "127.53.0.1", "fd53::1", (ROOT_ZONE,), recursion=True)
LEAF = WorldServer(name("ns.example."), "127.53.2.1", None, (ZONE,))


def world(*servers: WorldServer) -> World:
    return World(servers, MappingProxyType({}), tuple(each for each in servers if ROOT_ZONE in each.zones))


class Served:
    """The servers of a world, asked by octets in virtual time."""

    def __init__(self, *servers: WorldServer) -> None:
        self.clock, self.log, tasks = VirtualClock(), io.StringIO(), Tasks()
        self.counters = Counters()
        network = SimulatedNetwork({}, self.clock, SeededEntropy(1))
        tools = Tools(network, self.clock, SeededEntropy(2), self.counters)
        log = Log(self.log, self.clock.wall)
        self.responders = Simulation(world(*servers), 53, tools, tasks, log, Lab(FaultTable())).responders()
        for host, respond in self.responders.items():
            network.declare(host, respond)

    async def ask(
        self, host: str, qname: str = "www.example.", *, rd: bool = False, tcp: bool = False, do: bool = False
    ) -> Message | None:
        """What the server at `host` says within ten seconds; None for nothing."""
        said: list[bytes | None] = []
        client = Client("127.0.0.1", 1, Transport.TCP if tcp else Transport.UDP)
        query = render_query(7, zone_text.question(qname, "A"), rd=rd, edns=Edns(do=do))
        self.responders[host](query, client, said.append)
        await self.clock.advance(10)
        assert len(said) == 1
        return None if said[0] is None else parse(said[0])


def served(run, main, *servers):
    async def go():
        return await main(Served(*servers))

    return run(go())


def test_each_server_answers_under_all_its_addresses(run):
    async def main(s: Served):
        return s.responders["127.53.0.1"] is s.responders["fd53::1"], sorted(s.responders)

    assert served(run, main, ROOT, LEAF) == (True, ["127.53.0.1", "127.53.2.1", "fd53::1"])


def test_a_server_answers_from_its_zones_alone(run):
    async def main(s: Served):
        return await s.ask("127.53.2.1"), await s.ask("127.53.2.1", "www.other.")

    inside, outside = served(run, main, ROOT, LEAF)
    assert (inside.rcode, len(inside.answer), inside.flags & RA) == (0, 1, 0)
    assert (outside.rcode, outside.flags & RA) == (Rcode.REFUSED, 0)


def test_only_a_server_that_offers_recursion_recurses(run):
    async def main(s: Served):
        return await s.ask("127.53.0.1", rd=True), await s.ask("127.53.0.1", rd=False)

    recursed, referred = served(run, main, ROOT, LEAF)
    assert (len(recursed.answer), recursed.flags & RA) == (1, RA)
    assert (len(referred.answer), referred.flags & RA) == (0, RA)
    plain = replace(ROOT, recursion=False)
    refused, _ = served(run, main, plain, LEAF)
    assert (len(refused.answer), refused.flags & RA) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "rcode", "answers"),
    [
        ({"fault": "servfail"}, Rcode.SERVFAIL, 0),
        ({"fault": "refused"}, Rcode.REFUSED, 0),
        ({"fault": "lame"}, Rcode.NOERROR, 0),
        ({"fault": "silent"}, None, 0),
        ({"loss": 1.0}, None, 0),
        ({"latency_ms": 100}, Rcode.NOERROR, 1),
    ],
)
def test_a_server_is_as_bad_as_it_is_declared(run, changes, rcode, answers):
    async def main(s: Served):
        return await s.ask("127.53.2.1")

    message = served(run, main, ROOT, replace(LEAF, **changes))
    assert (None if message is None else message.rcode) == rcode
    assert message is None or len(message.answer) == answers


def test_an_upward_referral_names_the_root_servers(run):
    async def main(s: Served):
        return await s.ask("127.53.2.1")

    message = served(run, main, ROOT, replace(LEAF, fault="upward"))
    assert message.authority[0].rdatas == (name("A.root."),)


def test_a_lossy_server_loses_the_same_messages_in_each_run(run):
    async def main(s: Served):
        return [await s.ask("127.53.2.1") is None for _ in range(30)]

    lossy = replace(LEAF, loss=0.5)
    first, second = (served(run, main, ROOT, lossy) for _ in range(2))
    assert first == second
    assert 5 < sum(first) < 25
    other = replace(lossy, name=name("ns9.example."))
    assert served(run, main, ROOT, other) != first


def test_what_servers_ask_each_other_is_not_counted_as_ours(run):
    async def main(s: Served):
        await s.ask("127.53.0.1", rd=True)
        return s.counters.as_dict()

    assert not any(served(run, main, ROOT, LEAF).values())


def test_the_hints_are_the_root_servers_with_all_their_addresses():
    found = root_of(world(ROOT, LEAF), 5300)
    assert (found.zone, found.configured) == (names.ROOT, True)
    (server,) = found.servers
    assert server.name == name("a.root.")
    assert server.endpoints == (Endpoint("127.53.0.1", 5300), Endpoint("fd53::1", 5300))


def test_those_who_recurse_are_listed_by_folded_name_each_at_one_address():
    assert recursing((ROOT, LEAF), 53) == {name("a.root."): (Endpoint("127.53.0.1", 53),)}
    assert hosts(LEAF) == ("127.53.2.1",)
    assert hosts(ROOT) == ("127.53.0.1", "fd53::1")


def test_an_authority_answers_at_once_and_a_question_from_store_when_it_was_asked_twice_with_the_ttl_of_its_zone(run):
    async def main(s: Served):
        said: list[bytes | None] = []
        query = render_query(7, zone_text.question("www.example.", "A"), rd=False, edns=Edns())
        for _ in range(3):
            s.responders["127.53.2.1"](query, Client("127.0.0.1", 1, Transport.UDP), said.append)
        at_once = len(said)
        await s.clock.advance(100)
        s.responders["127.53.2.1"](query, Client("127.0.0.1", 1, Transport.UDP), said.append)
        return at_once, set(said), s.responders["127.53.2.1"].sound.answers.hits

    at_once, said, hits = served(run, main, LEAF)
    (response,) = said
    assert (at_once, hits, parse(response).answer[0].ttl) == (3, 2, 300)


def test_a_server_that_recurses_stores_nothing_and_a_faulty_one_is_faulty_each_time(run):
    faulty = replace(LEAF, fault="refused")

    async def main(s: Served):
        asked = [await s.ask("127.53.2.1") for _ in range(3)]
        return s.responders["127.53.0.1"].sound.answers, [each and each.rcode for each in asked]

    assert served(run, main, ROOT, faulty) == (None, [Rcode.REFUSED] * 3)


SIGNED = signed.zone(*leaf("example.", "127.53.2.1", "www.example. 999999999 IN A 192.0.2.80"))
SIGNING = replace(LEAF, zones=(SIGNED,))


def test_signatures_are_valid_by_the_clock_of_the_world_also_those_of_stored_answers(run):
    async def main(s: Served):
        begins = []
        for _ in range(3):
            for _ in range(3):  # from the second time on the answer is stored, and the third is served from there
                reply = await s.ask("127.53.2.1", do=True)
                assert reply.answer[0].ttl == 999_999_999
                signature = read_rrsig(reply.answer[1].rdatas[0])
                assert signature.begins < s.clock.wall() < signature.expires - sign.PERIOD
                begins.append(signature.begins)
            await s.clock.advance(sign.PERIOD)
        assert len(s.responders["127.53.2.1"].sound.answers) == 1
        return [each - begins[0] for each in begins[::3]]

    assert served(run, main, ROOT, SIGNING) == [0, sign.PERIOD, 2 * sign.PERIOD]


def test_a_server_that_recurses_proves_what_is_its_own(run):
    async def main(s: Served):
        return [await s.ask("127.53.2.1", do=do, rd=rd) for do in (True, False) for rd in (True, False)]

    replies = served(run, main, ROOT, replace(SIGNING, recursion=True))
    assert [len(reply.answer) for reply in replies] == [2, 2, 1, 1]
