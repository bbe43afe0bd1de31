"""What is believed of what servers, forgers and forwarders say: the poisonings that are known, and some more."""

from __future__ import annotations

import asyncio

import pytest

from resolver import hints
from resolver.app import build
from resolver.arranged import Arranged
from resolver.config import Config
from resolver.engine.delegation import NameServer
from resolver.errors import ResolutionFailed
from resolver.message import Edns, Question, Rcode, Type
from resolver.network.base import Endpoint
from resolver.network.simulated import Link
from resolver.observe.log import Log
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with, says
from tests.support.messages import name, reply, rrset, soa

EVIL, GOOD, CORP = "10.0.0.6", "10.0.0.7", "10.9.0.1"


def internet(*delegations: str) -> Internet:
    """A root that delegates evil. and good., and what a test adds."""
    world = Internet(link=Link(latency_ms=20))
    world.zones(ROOT_SERVER, root_with(*delegate("evil.", EVIL), *delegate("good.", GOOD), *delegations))
    world.zones(GOOD, leaf("good.", GOOD, "www.good. 300 IN A 192.0.2.80"))
    return world


WWW = ["www.good. 300 A 192.0.2.80"]


# -- what lies inside the zone of the sender, and what only looks like it


@pytest.mark.rfc(2181, "5.4.1")
@pytest.mark.parametrize("section", ["answer", "authority", "additional"])
@pytest.mark.parametrize(
    "poison",
    [
        "www.good. 9999 IN A 192.0.2.66",
        "good. 9999 IN NS ns.evil.",
        "ns.good. 9999 IN A 10.0.0.6",
        ". 9999 IN NS ns.evil.",
        "good. 9999 IN DNAME evil.",
        "www.good. 9999 IN CNAME www.evil.",
        "good. 9999 IN SOA ns.evil. x. 1 2 3 4 5",
    ],
)
def test_what_is_slipped_into_a_reply_changes_nothing(run, section, poison):
    async def main():
        world = internet()
        sections = {"answer": ["x.evil. 300 IN A 192.0.2.1"], "authority": [], "additional": []}
        sections[section].append(poison)
        world.script(EVIL, says(**sections))
        resolver = Resolver(world)
        await resolver.ask("x.evil.")
        return await resolver.lines("www.good."), world.asked(ROOT_SERVER), world.asked(EVIL)

    lines, to_root, to_evil = run(main())
    assert lines == WWW
    assert to_root == ["x.evil. A", "www.good. A"]
    assert to_evil == ["x.evil. A"]


def test_a_label_that_contains_the_octets_of_another_name_is_one_label(run):
    """As octets `y\\004evil.` ends like a name in evil.; it is a name of one label in the root."""

    def top(label: bytes) -> bytes:
        return bytes((len(label),)) + label + b"\x00"

    outside = [top(b"y\x04evil"), top(b"www\x04good"), b"\x01x" + top(b"z\x04evil")]

    async def main():
        world = internet()

        def script(query, transport):
            lie = rrset("x.evil. 9999 IN A 192.0.2.66")
            alias = rrset("x.evil. 300 IN CNAME y.good.")._replace(rdatas=(outside[0],))
            return reply(query.question)._replace(answer=(alias, *(lie._replace(name=each) for each in outside)))

        world.script(EVIL, script)
        resolver = Resolver(world)
        replied = await resolver.ask("x.evil.")
        held = {each.name for each in resolver.records.listed() if each.records}
        return replied.rcode, held, world.asked(ROOT_SERVER), await resolver.lines("www.good.")

    rcode, held, to_root, lines = run(main())
    assert rcode == Rcode.NXDOMAIN
    assert held == {name("x.evil.")}
    assert to_root == ["x.evil. A", "y\\004evil. A"]
    assert lines == WWW


@pytest.mark.rfc(9499, "7")
def test_a_zone_whose_only_glue_is_that_of_a_sibling_is_resolved_without_a_lookup(run):
    async def main():
        world = internet("child. 3600 IN NS ns.good.")
        world.zones(
            GOOD,
            leaf("good.", GOOD),
            ("child.", "child. 900 IN SOA a. b. 1 2 3 4 5\nchild. 3600 IN NS ns.good.\nwww.child. 300 IN A 192.0.2.5"),
        )
        return await Resolver(world).lines("www.child."), world.asked()

    lines, asked = run(main())
    assert lines == ["www.child. 300 A 192.0.2.5"]
    assert asked == ["www.child. A"] * 2


def test_sibling_glue_is_good_for_that_delegation_alone(run):
    """A parent says where ns.good. is; who asks for it, or for another zone on it, goes to good. itself."""

    async def main():
        world = internet("child. 3600 IN NS ns.good.", "other. 3600 IN NS ns.good.")
        world.script(EVIL, says((), ["sub.evil. 3600 IN NS ns.b.evil."], ["ns.b.evil. 3600 IN A 10.0.0.66"], aa=False))
        world.script("10.0.0.66", says("www.sub.evil. 300 IN A 192.0.2.1"))
        resolver = Resolver(world)
        await resolver.lines("www.sub.evil.")
        known = resolver.records.recall(name("ns.b.evil."), Type.A)
        return known, await resolver.lines("ns.good.")

    known, lines = run(main())
    assert known is None
    assert lines == [f"ns.good. 3600 A {GOOD}"]


def test_a_chain_that_leaves_the_zone_and_comes_back_is_asked_at_each_step(run):
    async def main():
        world = internet()
        chain = [
            "x.evil. 300 IN CNAME a.good.",
            "a.good. 300 IN CNAME y.evil.",
            "y.evil. 300 IN A 192.0.2.66",
        ]
        world.script(EVIL, says(chain))
        world.zones(GOOD, leaf("good.", GOOD, "a.good. 300 IN A 192.0.2.80"))
        return await Resolver(world).lines("x.evil.")

    assert run(main()) == ["x.evil. 300 CNAME a.good.", "a.good. 300 A 192.0.2.80"]


@pytest.mark.rfc(6672, "3.4")
def test_a_dname_for_a_zone_above_or_beside_makes_nothing(run):
    async def main():
        world = internet()
        lie = ["good. 300 IN DNAME evil.", ". 300 IN DNAME evil.", "x.evil. 300 IN A 192.0.2.1"]
        world.script(EVIL, says(lie))
        resolver = Resolver(world)
        return await resolver.lines("x.evil."), await resolver.lines("www.good.")

    assert run(main()) == (["x.evil. 300 A 192.0.2.1"], WWW)


@pytest.mark.rfc(6672, "3.4")
def test_a_server_that_synthesises_wrongly_is_passed_over(run):
    async def main():
        world = internet(
            "two. 3600 IN NS a.two.", "two. 3600 IN NS b.two.", "a.two. 3600 IN A 10.0.0.8", "b.two. 3600 IN A 10.0.0.9"
        )
        dname = "d.two. 300 IN DNAME good."
        world.script("10.0.0.8", says([dname, "www.d.two. 300 IN CNAME www.evil."]))
        world.script("10.0.0.9", says([dname, "www.d.two. 300 IN CNAME www.good."]))
        resolver = Resolver(world)
        for host, seconds in (("10.0.0.8", 0.01), ("10.0.0.9", 0.3)):
            resolver.servers.replied(Endpoint(host, 53), seconds)
        return await resolver.lines("www.d.two."), world.asked("10.0.0.8")

    lines, asked = run(main())
    assert lines == ["d.two. 300 DNAME good.", "www.d.two. 300 CNAME www.good.", *WWW]
    assert asked == ["www.d.two. A"]


@pytest.mark.rfc(2308, "5")
def test_no_data_without_a_soa_is_answered_and_asked_again(run):
    async def main():
        world = internet()
        world.script(EVIL, says())
        resolver = Resolver(world)
        replies = [await resolver.ask("x.evil.") for _ in range(2)]
        return {(each.rcode, each.answer, each.storable) for each in replies}, len(world.asked(EVIL))

    assert run(main()) == ({(Rcode.NOERROR, (), False)}, 2)


def test_an_answer_without_authority_from_a_server_of_the_zone_is_taken(run):
    async def main():
        world = internet()
        world.script(EVIL, says("x.evil. 300 IN A 192.0.2.1", aa=False))
        return await Resolver(world).lines("x.evil.")

    assert run(main()) == ["x.evil. 300 A 192.0.2.1"]


# -- zones that were taken away


def child_of(host: str):
    """A server of evil. that renews itself at every turn: its NS set and addresses in all replies, for a week."""

    def script(query, transport):
        asked = names.to_text(names.fold(query.question.name))
        ns, address = "evil. 604800 IN NS ns.evil.", f"ns.evil. 604800 IN A {host}"
        if query.question.type == Type.NS:
            return reply(query.question, ns, (), address)
        return reply(query.question, f"{asked} 10 IN A 192.0.2.66", ns, address)

    return script


@pytest.mark.rfc(2181, "5.4.1")
def test_a_ghost_domain_ends_with_the_ttl_of_its_parent(run):
    async def main():
        world = Internet(link=Link(latency_ms=20))
        world.zones(ROOT_SERVER, root_with(*delegate("evil.", EVIL, 100)))
        world.script(EVIL, child_of(EVIL))
        resolver = Resolver(world)
        await resolver.lines("www.evil.")
        world.zones(ROOT_SERVER, root_with())
        rcodes = []
        for second in range(0, 150, 15):
            rcodes.append((second, (await resolver.ask(f"n{second}.evil.")).rcode))
            await resolver.ask("evil.", "NS")
            await resolver.ask("ns.evil.")
            await asyncio.sleep(15)
        return rcodes

    rcodes = dict(run(main()))
    assert rcodes[75] == Rcode.NOERROR
    assert {rcodes[105], rcodes[120], rcodes[135]} == {Rcode.NXDOMAIN}


@pytest.mark.parametrize("ttl", [604800, 120])
def test_a_phoenix_domain_does_not_rise_from_what_was_learnt_below_it(run, ttl):
    """Just before its end evil. delegates sub.evil. for a week, and that one deep.sub.evil."""

    async def main():
        world = Internet(link=Link(latency_ms=20))
        world.zones(ROOT_SERVER, root_with(*delegate("evil.", EVIL, 100)))
        below = "10.0.0.60"

        def refers(query, transport):
            return reply(
                query.question,
                (),
                f"sub.evil. {ttl} IN NS ns.sub.evil.",
                f"ns.sub.evil. {ttl} IN A {below}",
                aa=False,
            )

        def deeper(query, transport):
            asked = names.fold(query.question.name)
            if names.is_below(asked, name("deep.sub.evil.")):
                return reply(query.question, f"{names.to_text(asked)} 1 IN A 192.0.2.66")
            return reply(
                query.question,
                (),
                f"deep.sub.evil. {ttl} IN NS ns.sub.evil.",
                f"ns.sub.evil. {ttl} IN A {below}",
                aa=False,
            )

        world.script(EVIL, refers)
        world.script(below, deeper)
        resolver = Resolver(world)
        await asyncio.sleep(1)
        await resolver.ask("www.deep.sub.evil.")
        world.zones(ROOT_SERVER, root_with())
        await asyncio.sleep(95)
        alive = (await resolver.ask("b.deep.sub.evil.")).rcode
        await asyncio.sleep(10)
        return alive, [(await resolver.ask(f"{each}.sub.evil.")).rcode for each in ("c.deep", "deep", "x")]

    alive, gone = run(main())
    assert alive == Rcode.NOERROR
    assert gone == [Rcode.NXDOMAIN] * 3


# -- forwarders and stubs (MaginotDNS)


def test_a_forwarder_is_believed_about_its_zone_alone(run):
    """All that MaginotDNS tried: NS sets and addresses of zones outside, in each section, chains out of the zone."""

    async def main():
        world = internet()
        world.script(
            CORP,
            says(
                ["a.corp. 300 IN CNAME www.good.", "www.good. 9999 IN A 192.0.2.66"],
                ["good. 9999 IN NS ns.corp.", ". 9999 IN NS ns.corp."],
                [f"ns.corp. 9999 IN A {CORP}", f"ns.good. 9999 IN A {CORP}"],
                aa=False,
                ra=True,
            ),
        )
        resolver = Resolver(world, forwards={"corp.": (CORP,)})
        first = await resolver.lines("a.corp.")
        held = {names.to_text(key) for key, _ in resolver.records.store.items()}
        zones = {names.to_text(zone) for zone, _ in resolver.known.delegations.items()}
        return first, await resolver.lines("www.good."), held, zones, world.asked(CORP)

    first, second, held, zones, asked = run(main())
    assert first == ["a.corp. 300 CNAME www.good.", *WWW]
    assert second == WWW
    assert held == {"a.corp.", "www.good."}
    assert zones == {"good."}
    assert asked == ["a.corp. A"]


@pytest.mark.parametrize("ra", [True, False])
@pytest.mark.parametrize("kind", ["forwards", "stubs"])
def test_no_zone_outside_is_learnt_from_a_forwarder_or_a_stub_that_refers(run, kind, ra):
    async def main():
        world = internet()
        world.script(CORP, says((), "good. 9999 IN NS ns.corp.", f"ns.corp. 9999 IN A {CORP}", aa=False, ra=ra))
        resolver = Resolver(world, **{kind: {"corp.": (CORP,)}})
        if (kind, ra) == ("forwards", True):
            assert (await resolver.ask("a.corp.")).rcode == Rcode.NOERROR
        else:
            await resolver.failure("a.corp.")
        return await resolver.lines("www.good.")

    assert run(main()) == WWW


@pytest.mark.parametrize("inner", ["forwards", "stubs"])
@pytest.mark.parametrize("outer", ["forwarder", "servers"])
def test_nobody_outside_is_believed_about_a_zone_that_the_configuration_has_asked_elsewhere(run, outer, inner):
    """Neither a forwarder for everything, nor the public servers of the zone above, may speak for a private zone."""

    async def main():
        world = internet()
        poison = ["x.evil. 300 IN CNAME db.corp.evil.", "db.corp.evil. 300 IN A 192.0.2.66"]
        world.script(EVIL, says(poison, ra=True))
        world.script(CORP, says("db.corp.evil. 300 IN A 10.1.1.1", ra=True))
        settings: dict[str, dict[str, tuple[str, ...]]] = {inner: {"corp.evil.": (CORP,)}}
        if outer == "forwarder":
            settings.setdefault("forwards", {})["."] = (EVIL,)
        resolver = Resolver(world, **settings)
        return await resolver.lines("x.evil."), await resolver.lines("db.corp.evil.")

    first, second = run(main())
    assert first == ["x.evil. 300 CNAME db.corp.evil.", "db.corp.evil. 300 A 10.1.1.1"]
    assert second == ["db.corp.evil. 300 A 10.1.1.1"]


def test_a_dname_that_is_held_says_nothing_of_a_stub_zone_below_it(run):
    async def main():
        world = internet()
        world.script(EVIL, says(["d.evil. 300 IN DNAME good.", "www.d.evil. 300 IN CNAME www.good."]))
        world.zones(CORP, leaf("corp.d.evil.", CORP, "www.corp.d.evil. 300 IN A 10.1.1.1"))
        resolver = Resolver(world, stubs={"corp.d.evil.": (CORP,)})
        return await resolver.lines("www.d.evil."), await resolver.lines("www.corp.d.evil.")

    outside, inside = run(main())
    assert outside[-1:] == WWW
    assert inside == ["www.corp.d.evil. 300 A 10.1.1.1"]


# -- forgers


def flooded(world: Internet, host: str, honest, forge, count: int = 50):
    """`host` says what `honest` says, behind `count` datagrams of a forger who is faster."""

    def respond(wire, client, send):
        query = parse(wire)
        said = render(honest(query)._replace(id=query.id))
        if client.transport == "tcp":
            send(said)
            return
        for number in range(count):
            send(forge(query, number))
        send(said)

    world.serve(host, respond)


def lie(query, number, **changes):
    """A datagram that says where www.good. is not."""
    made = reply(query.question, "www.good. 9999 IN A 192.0.2.66", id=query.id)
    return render(made._replace(**changes))


FORGERIES = {
    "ids": lambda query, number: lie(query, number, id=(query.id + 1 + number) & 0xFFFF),
    "names": lambda query, number: lie(query, number, question=Question(name(f"n{number}.good."), Type.A)),
    "types": lambda query, number: lie(query, number, question=query.question._replace(type=Type.AAAA)),
    "no question": lambda query, number: lie(query, number, question=None),
    "queries": lambda query, number: lie(query, number, flags=0),
    "broken": lambda query, number: lie(query, number, id=query.id ^ 1)[:-3],
    "short": lambda query, number: b"\x00" * number,
}


@pytest.mark.rfc(5452, "9.1")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_flood_of_forged_replies_moves_the_question_to_tcp_where_the_answer_is(run, forge):
    async def main():
        world = internet()
        flooded(world, GOOD, lambda query: reply(query.question, "www.good. 300 IN A 192.0.2.80"), forge)
        resolver = Resolver(world, use_0x20=True)
        lines = await resolver.lines("www.good.")
        return lines, [transport for *_, transport in world.sent(GOOD)], resolver.counters

    lines, transports, counters = run(main())
    assert lines == WWW
    assert transports == ["udp", "tcp"]
    assert (counters.upstream_ignored, counters.upstream_suspected) == (3, 1)


def test_after_a_flood_the_next_question_is_asked_over_udp_again(run):
    async def main():
        world = internet()
        forge = FORGERIES["ids"]
        flooded(world, GOOD, lambda query: reply(query.question, "www.good. 300 IN A 192.0.2.80"), forge)
        resolver = Resolver(world)
        await resolver.lines("www.good.")
        world.zones(GOOD, leaf("good.", GOOD, "a.good. 300 IN A 192.0.2.81"))
        await resolver.lines("a.good.")
        return [transport for *_, transport in world.sent(GOOD)]

    assert run(main()) == ["udp", "tcp", "udp"]


# -- cookies


def baker(*, stops_at: int = 1000, demands: bool = False):
    """A server of good. with cookies; from its `stops_at`th query on without, and one that `demands` them."""
    seen: list[bytes] = []

    def script(query, transport):
        cookie = next((data for code, data in query.edns.options if code == 10), b"") if query.edns else b""
        seen.append(cookie)
        asked = names.to_text(names.fold(query.question.name))
        made = reply(query.question, f"{asked} 300 IN A 192.0.2.80")
        if len(seen) >= stops_at:
            return made
        edns = Edns(options=((10, cookie[:8] + b"\1\0\0\0fromgood"),))
        if demands and transport == "udp" and not cookie.endswith(b"fromgood"):
            return reply(query.question, rcode=Rcode.BADCOOKIE)._replace(edns=edns)
        return made._replace(edns=edns)

    return script, seen


@pytest.mark.rfc(7873, "5.3")
def test_a_server_that_loses_its_cookies_is_asked_over_tcp_once_and_then_believed_without(run):
    async def main():
        world = internet()
        script, seen = baker(stops_at=3)
        world.script(GOOD, script)
        resolver = Resolver(world, cookies=True)
        lines = [await resolver.lines(f"{host}.good.") for host in "abcd"]
        return lines, world.sent(GOOD), seen

    lines, sent, seen = run(main())
    assert [each[0].split()[0] for each in lines] == ["a.good.", "b.good.", "c.good.", "d.good."]
    assert [(asked[0], transport) for asked, _, transport in sent] == [
        ("a", "udp"),
        ("b", "udp"),
        ("c", "udp"),
        ("c", "tcp"),
        ("d", "udp"),
    ]
    assert [len(each) for each in seen] == [8, 20, 20, 20, 8]
    assert len({each[:8] for each in seen}) == 1


@pytest.mark.rfc(7873, "5.3")
def test_a_server_that_wants_a_cookie_first_costs_one_message_more_and_only_once(run):
    async def main():
        world = internet()
        script, _ = baker(demands=True)
        world.script(GOOD, script)
        resolver = Resolver(world, cookies=True)
        await resolver.lines("a.good.")
        await resolver.lines("b.good.")
        return [(asked[0], transport) for asked, _, transport in world.sent(GOOD)]

    assert run(main()) == [("a", "udp"), ("a", "udp"), ("b", "udp")]


@pytest.mark.rfc(7873, "5.3")
def test_a_forger_who_guesses_id_and_port_lacks_the_cookie(run):
    async def main():
        world = internet()
        script, _ = baker()
        world.script(GOOD, script)
        resolver = Resolver(world, cookies=True)
        await resolver.lines("a.good.")
        honest, _ = baker()
        flooded(world, GOOD, lambda query: honest(query, "tcp"), lie, count=1)
        return await resolver.lines("www.good.")

    assert run(main()) == WWW


# -- sizes


@pytest.mark.parametrize("servers", [1, 2])
def test_an_answer_of_4000_records_costs_four_messages_in_all_however_many_servers_there_are(run, servers):
    async def main():
        hosts = ["10.0.0.8", "10.0.0.9"][:servers]
        glue = [
            line
            for n, host in enumerate(hosts)
            for line in (f"big. 3600 IN NS n{n}.big.", f"n{n}.big. 3600 IN A {host}")
        ]
        world = internet(*delegate("tld.", "10.0.0.5"))
        below = [line.replace("big.", "big.tld.") for line in glue]
        world.zones("10.0.0.5", leaf("tld.", "10.0.0.5", *below))

        def script(query, transport):
            many = [f"www.big.tld. 300 IN A 10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(4000)]
            return reply(query.question, many if transport == "tcp" else (), tc=transport == "udp")

        for host in hosts:
            world.script(host, script)
        failure = await Resolver(world).failure("www.big.tld.")
        return failure.tag, [transport for *_, transport in world.sent()]

    assert run(main()) == ("HUGE", ["udp", "udp", "udp", "tcp"])


@pytest.mark.parametrize("minimises", [True, False])
def test_a_delegation_to_1500_servers_costs_three_messages(run, minimises):
    async def main():
        world = Internet(link=Link(latency_ms=20))
        world.zones(ROOT_SERVER, root_with(*delegate("tld.", "10.0.0.5")))

        def script(query, transport):
            many = [f"big.tld. 300 IN NS n{n}.big.tld." for n in range(1500)]
            return reply(query.question, (), many if transport == "tcp" else (), tc=transport == "udp", aa=False)

        world.script("10.0.0.5", script)
        failure = await Resolver(world, minimises=minimises).failure("www.big.tld.")
        return failure.tag, [transport for *_, transport in world.sent()]

    assert run(main()) == ("HUGE", ["udp", "udp", "tcp"])


@pytest.mark.rfc(2308, "2.1")
def test_a_denial_is_only_kept_under_a_soa_of_the_zone(run):
    async def main():
        world = internet()
        world.script(EVIL, says((), soa(".", ttl=9999, minimum=9999), rcode=3))
        resolver = Resolver(world)
        first = await resolver.ask("x.evil.")
        return first.rcode, len(resolver.records), (await resolver.lines("www.good."))

    assert run(main()) == (Rcode.NXDOMAIN, 0, WWW)


# -- the settings of the whole program


def composed(settings, world: Internet):
    """The program that `settings` describe, over `world`."""
    root = hints.root([NameServer(name("a.root."), (Endpoint(ROOT_SERVER, 53),))])
    settings = {
        "resolver": {"roots": "internet", "qname_minimisation": False, **settings.pop("resolver", {})},
        "dnssec": {"validation": False},
        **settings,
    }
    return build(
        Config.model_validate(settings),
        clock=world.clock,
        entropy=world.entropy,
        log=Log(world.log, world.clock.wall),
        arranged=Arranged(world.network, root=root),
    )


@pytest.mark.parametrize("on", [True, False])
def test_whether_servers_are_sent_cookies_is_a_setting(run, on):
    async def main():
        world = internet()
        script, seen = baker()
        world.script(GOOD, script)
        program = composed({"resolver": {"cookies": on}}, world)
        await program.ask("a.good.", "A", timeout_s=4)
        await program.ask("b.good.", "A", timeout_s=4)
        await program.stop()
        return [len(each) for each in seen]

    assert run(main()) == ([8, 20] if on else [0, 0])


def test_how_much_is_used_of_a_delegation_and_read_of_a_message_are_settings(run):
    async def main():
        world = Internet(link=Link(latency_ms=20))
        glue = [f"ns{n}.wide. 3600 IN A 10.0.1.{n}" for n in range(20)]
        world.zones(ROOT_SERVER, root_with(*(f"wide. 3600 IN NS ns{n}.wide." for n in range(20)), *glue))
        for n in range(20):
            many = [f"www.wide. 300 IN A 10.1.1.{k}" for k in range(18)]
            world.script(f"10.0.1.{n}", says(many))
        program = composed({"budget": {"ns_names": 4, "message_records": 64, "sends": 100}}, world)
        delegated = await program.ask("www.wide.", "A", timeout_s=4)
        (wide,) = [each for zone, each in program._composed.known.delegations.items() if zone == name("wide.")]
        await program.stop()
        small = composed({"budget": {"message_records": 16}}, world)
        try:
            await small.ask("www.wide.", "A", timeout_s=4)
        except ResolutionFailed as failure:
            return len(delegated.answer[0].rdatas), len(wide.servers), failure.tag
        finally:
            await small.stop()
        return None

    assert run(main()) == (18, 4, "HUGE")
