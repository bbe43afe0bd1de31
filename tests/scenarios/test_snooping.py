"""Queries without RD where some clients may look into the cache: what they see, what they do not, and that nobody is
asked because of them, nor anything believed of what was overheard."""

from __future__ import annotations

import asyncio

import pytest

from resolver.cache.records import TtlLimits
from resolver.engine.delegation import Delegation
from resolver.errors import Bogus
from resolver.message import Rcode, Reply
from resolver.network.simulated import Link
from tests.support.composed import composed
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with, says
from tests.support.messages import name, reply, rrset, soa, told

ADMIN, OTHER, CORP, EVIL = "192.0.2.1", "192.0.2.2", "10.9.0.1", "10.0.0.66"

ASKED = "a.corp.test. 300 IN A 10.1.1.1"
NS = "corp.test. 600 IN NS ns.corp.test."
GLUE = "ns.corp.test. 500 IN A 10.9.0.9"


def internet() -> Internet:
    """The root, test. and other.test."""
    made = Internet(link=Link(latency_ms=20))
    made.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2", 7200)))
    made.zones(
        "10.0.0.2",
        leaf(
            "test.",
            "10.0.0.2",
            "www.test. 300 IN A 192.0.2.80",
            "alias.test. 300 IN CNAME www.other.test.",
            "loop.test. 300 IN CNAME loop2.test.",
            "loop2.test. 300 IN CNAME loop.test.",
            *delegate("other.test.", "10.0.0.3"),
        ),
    )
    made.zones("10.0.0.3", leaf("other.test.", "10.0.0.3", "www.other.test. 100 IN A 192.0.2.81"))
    return made


def snooped(world: Internet, **options) -> Resolver:
    """A resolver whose cache ADMIN may look into."""
    return Resolver(world, snoops=lambda host: host == ADMIN, **options)


def shown(reply: Reply) -> tuple[str, list[str], list[str], list[str]]:
    """What a reply says."""
    rcode = Rcode(reply.rcode).name
    return rcode, told(*reply.answer), told(*reply.authority), told(*reply.additional)


async def look(resolver: Resolver, name: str, rtype: str = "A", **options):
    """What the cache shows of a name, and that nothing is sent to show it, nor stored for others."""
    before = len(resolver.internet.sent())
    reply = await resolver.ask(name, rtype, rd=False, **options)
    await asyncio.sleep(10)
    assert len(resolver.internet.sent()) == before
    assert not reply.storable
    assert not reply.ad
    return shown(reply)


REFUSED = ("REFUSED", [], [], [])
TEST = ("NOERROR", [], ["test. 7200 NS ns.test."], ["ns.test. 7200 A 10.0.0.2"])


@pytest.mark.rfc(1034, "4.3.2")
def test_who_may_look_is_told_what_is_held_or_else_the_closest_delegation(run):
    async def main():
        resolver = snooped(internet())
        before = await look(resolver, "www.test.")
        await resolver.ask("www.test.")
        await resolver.ask("nope.test.")
        held = shown(await resolver.ask("www.test.", rd=False))
        referral = shown(await resolver.ask("new.test.", rd=False))
        denied = await resolver.ask("nope.test.", rd=False)
        nodata = shown(await resolver.ask("www.test.", "AAAA", rd=False))
        counted = resolver.counters.answers_cached, resolver.counters.answers_referred
        return before, held, referral, denied, nodata, counted

    before, held, referral, denied, nodata, counted = run(main())
    assert before == REFUSED
    assert held == ("NOERROR", ["www.test. 300 A 192.0.2.80"], [], [])
    assert referral == nodata == TEST
    assert (denied.rcode, denied.authority[0].name) == (Rcode.NXDOMAIN, b"\4test\0")
    assert counted == (2, 2)


def test_who_may_not_look_is_refused_whatever_is_held_and_may_ask_as_any_other(run):
    async def main():
        resolver = snooped(internet())
        await resolver.ask("www.test.")
        hidden = await resolver.ask("www.test.", rd=False, host=OTHER)
        asked = shown(await resolver.ask("www.test.", host=OTHER))
        assert await look(resolver, "new.test.", host=OTHER) == REFUSED
        return hidden, resolver.counters.answers_hidden, asked

    hidden, counted, asked = run(main())
    assert shown(hidden) == REFUSED
    assert [(each.code, each.text[-6:]) for each in hidden.ede] == [(18, "[SNOP]")]
    assert counted == 2
    assert asked[1] == ["www.test. 300 A 192.0.2.80"]


def test_a_delegation_is_shown_with_what_is_left_of_its_ttl_until_it_ends(run):
    async def main():
        world = internet()
        resolver = snooped(world)
        await resolver.ask("www.test.")
        await world.clock.advance(7000)
        late = await look(resolver, "new.test.")
        await world.clock.advance(200)
        return late, await look(resolver, "new.test.")

    late, ended = run(main())
    ttl = int(late[2][0].split()[1])
    assert 0 < ttl <= 200
    assert ended == REFUSED


@pytest.mark.rfc(4035, "4.2")
def test_of_a_ds_the_delegation_of_the_parent_is_shown(run):
    async def main():
        resolver = snooped(internet())
        await resolver.ask("www.other.test.")
        return shown(await resolver.ask("other.test.", "DS", rd=False)), shown(
            await resolver.ask("other.test.", "MX", rd=False)
        )

    ds, mx = run(main())
    assert ds == TEST
    assert mx[2] == ["other.test. 3600 NS ns.other.test."]


def test_aliases_are_shown_as_far_as_they_are_held_with_the_delegation_of_where_they_end(run):
    async def main():
        world = internet()
        resolver = snooped(world)
        await resolver.ask("alias.test.")
        await world.clock.advance(150)
        return await look(resolver, "alias.test.")

    rcode, answer, authority, _ = run(main())
    assert rcode == "NOERROR"
    assert [line.split()[2:] for line in answer] == [["CNAME", "www.other.test."]]
    assert [line.split()[0] for line in authority] == ["other.test."]


def test_aliases_that_lead_in_a_circle_are_shown_as_the_failure_they_are(run):
    async def main():
        resolver = snooped(internet())
        failed = await resolver.failure("loop.test.")
        return failed.tag, (await resolver.ask("loop.test.", rd=False)).rcode, await look(resolver, "loop.test.", "MX")

    tag, rcode, other_type = run(main())
    assert (tag, rcode) == ("LOOP", Rcode.SERVFAIL)
    assert other_type[1:3] == ([], TEST[2])


def test_without_the_setting_all_are_told_answers_and_nobody_of_delegations(run):
    async def main():
        resolver = Resolver(internet())
        await resolver.ask("www.test.")
        return shown(await resolver.ask("www.test.", rd=False)), shown(await resolver.ask("new.test.", rd=False))

    assert run(main()) == (("NOERROR", ["www.test. 300 A 192.0.2.80"], [], []), REFUSED)


@pytest.mark.parametrize("kind", ["stubs", "forwards"])
def test_what_is_asked_elsewhere_is_not_shown_as_delegated_by_a_zone_above(run, kind):
    async def main():
        world = internet()
        world.zones(CORP, leaf("corp.test.", CORP))
        resolver = snooped(world, **{kind: {"corp.test.": (CORP,)}})
        await resolver.ask("www.test.")
        if kind == "stubs":  # what was learnt of it before it was one
            resolver.known.delegations.put(b"\4corp\4test\0", Delegation(b"\4corp\4test\0", (), 900), 900)
        return (
            await look(resolver, "new.corp.test."),
            await look(resolver, "corp.test."),
            await look(resolver, "x.test."),
        )

    below, at, beside = run(main())
    assert below == at == REFUSED
    assert beside[2:] != ([], [])


# -- what upstreams tell of name servers


def forwarding(world: Internet, authority, additional=(), answer=ASKED, **options) -> Resolver:
    """A resolver that asks CORP, which says this, about corp.test."""
    world.script(CORP, says(answer, authority, additional, aa=False, ra=True))
    return snooped(world, **({"forwards": {"corp.test.": (CORP,)}} | options))


@pytest.mark.rfc(2181, "5.4.1")
def test_what_an_upstream_tells_of_name_servers_is_shown_as_a_referral_and_as_no_answer(run):
    async def main():
        resolver = forwarding(internet(), NS, [GLUE, "txt.corp.test. 500 IN A 10.9.0.8"])
        await resolver.ask("a.corp.test.")
        names = ("new.corp.test.", "A"), ("corp.test.", "NS"), ("ns.corp.test.", "A")
        shows = [shown(await resolver.ask(*each, rd=False)) for each in names]
        hidden = shown(await resolver.ask("new.corp.test.", rd=False, host=OTHER))
        resolver.internet.script(CORP, says("ns.corp.test. 300 IN A 10.1.1.2", aa=False, ra=True))
        return shows, hidden, await resolver.lines("ns.corp.test."), resolver.records.recall(b"\4corp\4test\0", 2)

    shows, hidden, answer, ns = run(main())
    assert shows == [("NOERROR", [], ["corp.test. 500 NS ns.corp.test."], ["ns.corp.test. 500 A 10.9.0.9"])] * 3
    assert hidden == REFUSED
    assert answer == ["ns.corp.test. 300 A 10.1.1.2"]
    assert ns is None


@pytest.mark.parametrize(
    ("authority", "additional", "held"),
    [
        ("b.corp.test. 600 IN NS ns.corp.test.", (), []),  # beside the name that was asked
        ("x.a.corp.test. 600 IN NS ns.corp.test.", (), []),  # below it
        ("test. 600 IN NS ns.corp.test.", (), []),  # above what is forwarded
        (". 600 IN NS ns.corp.test.", (), []),
        ("orp.test. 600 IN NS ns.corp.test.", (), []),
        ("corp.test. 0 IN NS ns.corp.test.", (), []),
        (NS, "ns.corp.test. 0 IN A 10.9.0.9", []),
        ("corp.test. 600 IN NS www.test.", "www.test. 600 IN A 10.0.0.66", ["corp.test. 600 NS www.test."]),
        (NS, "other.corp.test. 600 IN A 10.0.0.66", ["corp.test. 600 NS ns.corp.test."]),
        (
            "corp.test. 600 IN NS ns.sub.corp.test.",
            "ns.sub.corp.test. 600 IN A 10.0.0.66",
            ["corp.test. 600 NS ns.sub.corp.test."],
        ),
        ("CORP.Test. 600 IN NS NS.corp.test.", (), ["corp.test. 600 NS ns.corp.test."]),
        ("a.corp.test. 600 IN NS ns.corp.test.", (), ["a.corp.test. 600 NS ns.corp.test."]),
    ],
)
def test_an_upstream_is_heard_only_about_what_was_asked_within_its_zone_and_nobody_elses(
    run, authority, additional, held
):
    async def main():
        zones = {"corp.test.": (CORP,), "sub.corp.test.": ("10.9.0.2",)}
        resolver = forwarding(internet(), authority, additional, forwards=zones)
        await resolver.ask("a.corp.test.")
        overheard = resolver.known.heard.held
        reply = await resolver.ask("new.a.corp.test.", rd=False)
        assert ([each for each, _ in overheard.items()] != []) == bool(held)
        return told(*reply.authority), reply.additional

    assert run(main()) == (held, ())


@pytest.mark.rfc(2181, "5.4.1")
def test_nobody_is_asked_at_what_was_overheard(run):
    """Not even where the forwarder is silent, and the zone is iterated instead."""

    async def main():
        world = internet()
        asked = {"forwards": {".": (CORP,)}, "first": (".",)}
        said = ["other.test. 600 IN NS ns.other.test.", "test. 600 IN NS ns.other.test.", ". 600 IN NS ns.other.test."]
        resolver = forwarding(
            world, said, f"ns.other.test. 600 IN A {EVIL}", "a.other.test. 300 IN A 10.1.1.1", **asked
        )
        world.script(EVIL, says("www.other.test. 300 IN A 192.0.2.66"))
        await resolver.ask("a.other.test.")
        overheard = (await look(resolver, "www.other.test."))[3]
        world.script(CORP, lambda query, transport: None)
        lines = await resolver.lines("www.other.test.")
        known = shown(await resolver.ask("new.other.test.", rd=False))
        return overheard, lines, world.asked(EVIL), known

    overheard, lines, to_evil, known = run(main())
    assert overheard == [f"ns.other.test. 600 A {EVIL}"]
    assert lines == ["www.other.test. 100 A 192.0.2.81"]
    assert to_evil == []
    # What the parent says of the zone takes its place.
    assert known[2:] == (["other.test. 3600 NS ns.other.test."], ["ns.other.test. 3600 A 10.0.0.3"])


def test_of_an_answer_that_is_not_believed_nothing_beside_it_is_heard_either(run):
    def refuted(question, conclusion, message, zone, budget):
        raise Bogus("TEST", 6, "a signature is wrong")
        yield

    async def main():
        resolver = forwarding(internet(), NS, GLUE, proving=refuted)
        failed = await resolver.failure("a.corp.test.")
        unheard = len(resolver.known.heard.held)
        await resolver.ask("b.corp.test.", cd=True)
        return failed.label, unheard, len(resolver.known.heard.held)

    assert run(main()) == ("bogus", 0, 1)


def test_of_an_answer_that_is_proven_what_stands_beside_it_is_heard(run):
    def proven(question, conclusion, message, zone, budget):
        return conclusion
        yield

    async def main():
        resolver = forwarding(internet(), NS, GLUE, proving=proven)
        await resolver.ask("a.corp.test.")
        return shown(await resolver.ask("new.corp.test.", rd=False))[2]

    assert run(main()) == ["corp.test. 500 NS ns.corp.test."]


def test_of_two_upstreams_the_one_is_heard_whose_answer_is_proven(run):
    def proving(question, conclusion, message, zone, budget):
        if message.authority[0].rdatas == (b"\3bad\0",):
            raise Bogus("TEST", 6, "a signature is wrong")
        return conclusion
        yield

    async def main():
        world = internet()
        resolver = forwarding(
            world, "corp.test. 600 IN NS bad.", forwards={"corp.test.": (CORP, "10.9.0.2")}, proving=proving
        )
        world.script("10.9.0.2", says(ASKED, NS, GLUE, aa=False, ra=True))
        await resolver.ask("a.corp.test.")
        return shown(await resolver.ask("new.corp.test.", rd=False))[2]

    assert run(main()) == ["corp.test. 500 NS ns.corp.test."]


def test_denials_tell_of_name_servers_too_and_the_last_word_counts(run):
    async def main():
        world = internet()
        resolver = forwarding(world, NS, GLUE)
        await resolver.ask("a.corp.test.")
        world.script(CORP, says((), [soa("corp.test."), "corp.test. 60 IN NS new.corp.test."], aa=False, ra=True))
        await resolver.ask("b.corp.test.")
        last = await look(resolver, "c.corp.test.")
        await world.clock.advance(60)
        return last, await look(resolver, "c.corp.test.")

    last, ended = run(main())
    assert last[2] == ["corp.test. 60 NS new.corp.test."]
    assert ended == REFUSED


def test_what_is_overheard_is_held_no_longer_than_a_record_may_be_and_is_flushed_like_one(run):
    async def main():
        world = internet()
        resolver = forwarding(world, "corp.test. 9999 IN NS ns.corp.test.", ttls=TtlLimits(maximum=100))
        await resolver.ask("a.corp.test.")
        seen = shown(await resolver.ask("c.corp.test.", rd=False))[2]
        counted = resolver.known.counts()["cache.overheard"]
        beside = resolver.known.flush(b"\5other\4test\0", subtree=True)
        gone = resolver.known.flush(b"\4test\0", subtree=True)
        return seen, counted, beside, gone, await look(resolver, "c.corp.test.")

    seen, counted, beside, gone, after = run(main())
    assert seen == ["corp.test. 100 NS ns.corp.test."]
    assert (counted, beside, gone) == (1, 0, 2)
    assert after == REFUSED


def test_an_upstream_cannot_have_more_kept_than_there_is_room_for(run, monkeypatch):
    monkeypatch.setattr("resolver.pipeline.overheard.OVERHEARD_BYTES", 5_000)

    async def main():
        world = internet()
        world.script(CORP, lambda query, transport: _many(query))
        resolver = snooped(world, forwards={"corp.test.": (CORP,)})
        for number in range(50):
            await resolver.ask(f"a.z{number}.corp.test.")
        return len(resolver.known.heard.held)

    assert 0 < run(main()) < 20


def _many(query):
    """An answer, and an NS set of 30 names for the zone of the name."""
    zone = query.question.name[query.question.name[0] + 1 :]
    made = reply(query.question, aa=False, ra=True)
    address = rrset("x. 300 IN A 10.1.1.1")._replace(name=query.question.name)
    ns = rrset("x. 300 IN NS y.")._replace(name=zone, rdatas=tuple(name(f"ns{each}.corp.test.") for each in range(30)))
    return made._replace(answer=(address,), authority=(ns,))


# -- the setting


def test_the_setting_says_who_is_told_and_what_is_stored_for_others_is_not_told_around_it():
    async def main(made):
        made.internet.zones(ROOT_SERVER, root_with("www.example. 300 IN A 192.0.2.80"))
        for _ in range(3):
            assert (await made.ask("www.example.")).rcode == Rcode.NOERROR
        allowed = [await made.ask("www.example.", rd=False, host="192.0.2.7") for _ in range(3)]
        refused = [await made.ask("www.example.", rd=False, host=host) for host in ("127.0.0.1", "192.0.3.1", "::1")]
        six = await made.ask("www.example.", rd=False, host="2001:db8::7")
        local = await made.ask("localhost.", rd=False)
        return [each.rcode for each in (*allowed, *refused, six, local)], made.count("answers.hidden")

    snoop = {"server": {"snoop": ["192.0.2.0/24", "2001:db8::/32"]}}
    assert composed(main, snoop) == ([0, 0, 0, Rcode.REFUSED, Rcode.REFUSED, Rcode.REFUSED, 0, 0], 3)
    assert composed(main, {"server": {"snoop": []}})[0][:3] == [Rcode.REFUSED] * 3
    assert composed(main)[0] == [0] * 8


@pytest.mark.parametrize("rules", [[], [{"action": "pool", "pool": "corp"}]])
def test_upstreams_are_heard_on_the_branch_of_a_pool_as_on_the_usual_one(rules):
    async def main(made):
        made.internet.script(CORP, says(ASKED, NS, GLUE, aa=False, ra=True))
        await made.ask("a.corp.test.")
        reply = await made.ask("b.corp.test.", rd=False)
        return told(*reply.authority), told(*reply.additional), made.count("cache.overheard")

    settings = {
        "pools": {"corp": {"members": [CORP], "check": "none"}},
        "resolver": {"roots": "internet", "forward_zones": {"corp.test": "corp"}},
        "rules": rules,
    }
    heard = ["corp.test. 500 NS ns.corp.test."], ["ns.corp.test. 500 A 10.9.0.9"], 1
    assert composed(main, settings | {"server": {"snoop": ["127.0.0.1"]}}) == heard
    assert composed(main, settings | {"server": {"snoop": []}}) == ([], [], 0)
    assert composed(main, settings) == ([], [], 0)


def test_what_is_told_to_a_subnet_alone_is_not_heard():
    """There are many of them, and each would have a table of its own."""

    async def main(made):
        made.internet.script(CORP, says(ASKED, NS, GLUE, aa=False, ra=True))
        assert told(*(await made.ask("a.corp.test.")).answer) == ["a.corp.test. 300 A 10.1.1.1"]
        held = await made.ask("a.corp.test.", rd=False)
        return told(*held.answer), told(*(await made.ask("b.corp.test.", rd=False)).authority)

    settings = {
        "server": {"snoop": ["127.0.0.1"]},
        "pools": {"corp": {"members": [CORP], "check": "none"}},
        "rules": [
            {"action": "add-subnet", "ipv4_prefix": 24, "ipv6_prefix": 56},
            {"action": "pool", "pool": "corp"},
        ],
    }
    assert composed(main, settings) == (["a.corp.test. 300 A 10.1.1.1"], [])
