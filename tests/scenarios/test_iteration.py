"""Iteration against servers that a test scripts: honest, broken and hostile ones."""

from __future__ import annotations

import asyncio

import pytest

from resolver.errors import ResolutionFailed
from resolver.message import Edns, Question, Rcode, Type
from resolver.network.base import Endpoint
from resolver.network.simulated import FORGERIES, Link
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with, says
from tests.support.messages import reply, soa

WWW = "www.example. 300 IN A 192.0.2.80"
TWO = (
    "example. 3600 IN NS ns1.example.",
    "example. 3600 IN NS ns2.example.",
    "ns1.example. 3600 IN A 10.0.0.2",
    "ns2.example. 3600 IN A 10.0.0.3",
)


def internet(*delegations: str, latency_ms: float = 20) -> Internet:
    """A root that delegates example. to 10.0.0.2, or what it is told."""
    made = Internet(link=Link(latency_ms=latency_ms))
    made.zones(ROOT_SERVER, root_with(*(delegations or delegate("example.", "10.0.0.2"))))
    made.zones("10.0.0.2", leaf("example.", "10.0.0.2", WWW))
    return made


def two() -> Internet:
    """example. has two servers that say the same; a test replaces what the first says."""
    made = internet(*TWO)
    made.zones("10.0.0.3", leaf("example.", "10.0.0.3", WWW))
    return made


async def first_asked(resolver: Resolver, host: str) -> None:
    """`host` is known as fast, the other server as slow."""
    for each, seconds in (("10.0.0.2", 0.5), ("10.0.0.3", 0.5), (host, 0.01)):
        for _ in range(40):
            resolver.servers.replied(Endpoint(each, 53), seconds)


ANSWER = ["www.example. 300 A 192.0.2.80"]


# -- finding the way


def test_glue_is_asked_without_a_lookup(run):
    async def main():
        world = internet()
        lines = await Resolver(world).lines("www.example.")
        return lines, world.asked()

    assert run(main()) == (ANSWER, ["www.example. A"] * 2)


def test_a_delegation_without_glue_is_followed_by_looking_its_server_up(run):
    async def main():
        world = internet("example. 3600 IN NS ns.other.", *delegate("other.", "10.0.0.9"))
        world.zones("10.0.0.9", leaf("other.", "10.0.0.9"))
        world.zones("10.0.0.9", leaf("other.", "10.0.0.9"), leaf("example.", "10.0.0.9", WWW))
        lines = await Resolver(world).lines("www.example.")
        return lines, world.asked()

    lines, asked = run(main())
    assert lines == ANSWER
    # The root's referral carries the address of ns.other. as sibling glue: no lookup is needed.
    assert asked == ["www.example. A"] * 2


def test_a_name_server_in_another_tree_is_looked_up_from_the_root(run):
    async def main():
        world = internet("example. 3600 IN NS ns.deep.other.", *delegate("other.", "10.0.0.9"))
        world.zones("10.0.0.9", leaf("other.", "10.0.0.9", "ns.deep.other. 300 IN A 10.0.0.2"))
        resolver = Resolver(world)
        lines = await resolver.lines("www.example.")
        return lines, world.asked()

    lines, asked = run(main())
    assert lines == ANSWER
    assert asked == ["www.example. A", "ns.deep.other. A", "ns.deep.other. A", "www.example. A"]


@pytest.mark.rfc(2181, "5.4.1")
def test_glue_outside_the_bailiwick_is_not_believed(run):
    """evil. refers to a server in good. and says where that is: the true address is looked up instead."""

    async def main():
        world = internet(*delegate("evil.", "10.0.0.6"), *delegate("good.", "10.0.0.7"))
        lie = says((), "sub.evil. 3600 IN NS ns.good.", "ns.good. 3600 IN A 10.0.0.66", aa=False)
        world.script("10.0.0.6", lie)
        world.script("10.0.0.66", says("www.sub.evil. 300 IN A 192.0.2.66"))
        world.zones(
            "10.0.0.7", leaf("good.", "10.0.0.7"), leaf("sub.evil.", "10.0.0.7", "www.sub.evil. 300 IN A 192.0.2.1")
        )
        resolver = Resolver(world)
        lines = await resolver.lines("www.sub.evil.")
        return lines, world.sent("10.0.0.66"), await resolver.lines("ns.good.")

    lines, to_the_liar, ns = run(main())
    assert lines == ["www.sub.evil. 300 A 192.0.2.1"]
    assert to_the_liar == []
    assert ns == ["ns.good. 3600 A 10.0.0.7"]


def test_glue_is_used_for_its_delegation_and_is_no_answer(run):
    """A parent's word on an address in the child is not repeated to clients: the child is asked."""

    async def main():
        world = internet("example. 3600 IN NS ns.example.", "ns.example. 3600 IN A 10.0.0.2")
        world.zones("10.0.0.2", leaf("example.", "192.0.2.53", WWW))
        resolver = Resolver(world)
        await resolver.lines("www.example.")
        return await resolver.lines("ns.example.")

    assert run(main()) == ["ns.example. 3600 A 192.0.2.53"]


@pytest.mark.rfc(2181, "5.4.1")
def test_data_that_was_slipped_into_a_reply_is_not_believed(run):
    async def main():
        world = internet(*delegate("evil.", "10.0.0.6"), *delegate("example.", "10.0.0.2"))
        poison = "www.example. 9999 IN A 192.0.2.66"
        world.script(
            "10.0.0.6",
            says(
                ["x.evil. 300 IN A 192.0.2.1", poison],
                ["example. 9999 IN NS ns.evil.", poison],
                [poison, "ns.evil. 9999 IN A 10.0.0.6"],
            ),
        )
        resolver = Resolver(world)
        await resolver.lines("x.evil.")
        return await resolver.lines("www.example.")

    assert run(main()) == ANSWER


@pytest.mark.rfc(2181, "5.4.1")
def test_an_alias_target_outside_the_zone_is_asked_of_its_own_servers(run):
    async def main():
        world = internet(*delegate("evil.", "10.0.0.6"), *delegate("example.", "10.0.0.2"))
        world.script("10.0.0.6", says(["x.evil. 300 IN CNAME www.example.", "www.example. 300 IN A 192.0.2.66"]))
        return await Resolver(world).lines("x.evil.")

    assert run(main()) == ["x.evil. 300 CNAME www.example.", *ANSWER]


@pytest.mark.rfc(4035, "4.2")
def test_a_ds_is_asked_of_the_parent_even_when_the_child_is_known(run):
    async def main():
        world = internet()
        resolver = Resolver(world)
        await resolver.ask("www.example.")
        message = await resolver.ask("example.", "DS")
        return message.rcode, message.answer, world.sent()[-1], len(world.asked(ROOT_SERVER))

    assert run(main()) == (0, (), ("example.", "DS", "udp"), 2)


@pytest.mark.rfc(2308, "5")
def test_denials_are_kept_for_the_time_of_their_soa(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", says((), soa("example.", ttl=900, minimum=60), rcode=3))
        resolver = Resolver(world)
        first = await resolver.ask("gone.example.")
        await asyncio.sleep(59)
        second = await resolver.ask("gone.example.", "MX")
        before = len(world.asked())
        await asyncio.sleep(2)
        await resolver.ask("gone.example.")
        return first, second, before, len(world.asked())

    first, second, before, after = run(main())
    assert (first.rcode, first.authority[0].ttl) == (Rcode.NXDOMAIN, 60)
    assert (second.rcode, second.authority[0].ttl) == (Rcode.NXDOMAIN, 1)
    assert (before, after) == (2, 3)


@pytest.mark.rfc(2308, "5")
def test_a_denial_without_a_soa_is_told_and_asked_again(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", says(rcode=3))
        resolver = Resolver(world)
        replies = [await resolver.ask("gone.example.") for _ in range(3)]
        return {(each.rcode, each.storable) for each in replies}, len(world.asked("10.0.0.2"))

    assert run(main()) == ({(Rcode.NXDOMAIN, False)}, 3)


# -- servers of no use


BAD = {
    "servfail": says(rcode=2),
    "refused": says(rcode=5),
    "lame": says(aa=False),
    "upward": says((), ". 3600 IN NS a.root.", aa=False),
    "sideways": says((), "other. 3600 IN NS ns.other.", aa=False),
    "itself": says((), "example. 3600 IN NS ns1.example.", aa=False),
    "unknown rcode": says(rcode=11),
    "malformed": lambda query, transport: render(reply(query.question, WWW, id=query.id))[:-3],
    "silent": lambda query, transport: None,
    "other id": lambda query, transport: render(reply(query.question, WWW, id=query.id ^ 0xFFFF)),
    "other question": lambda query, transport: render(reply(Question(names.ROOT, Type.A), WWW, id=query.id)),
    "not a response": lambda query, transport: render(reply(query.question, WWW, id=query.id)._replace(flags=0)),
    "garbage": lambda query, transport: b"\xff" * 40,
    "empty": lambda query, transport: b"",
}


@pytest.mark.parametrize("bad", BAD)
def test_a_server_of_no_use_is_passed_over_for_the_next(run, bad):
    async def main():
        world = two()
        script = BAD[bad]
        if bad in ("malformed", "other id", "other question", "not a response", "garbage", "empty"):

            def respond(wire, client, send):
                send(script(parse(wire), client.transport))

            world.serve("10.0.0.2", respond)
        else:
            world.script("10.0.0.2", script)
        resolver = Resolver(world)
        await first_asked(resolver, "10.0.0.2")
        began = world.clock.monotonic()
        lines = await resolver.lines("www.example.")
        return lines, world.clock.monotonic() - began, len(world.asked("10.0.0.2"))

    lines, took, asked = run(main())
    assert lines == ANSWER
    assert took < 0.5
    assert asked >= 1


@pytest.mark.rfc(5452, "9.1")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_replies_that_come_first_are_ignored_and_the_wait_goes_on(run, forgery):
    async def main():
        world = Internet(link=Link(latency_ms=20, forgery=forgery))
        world.zones(ROOT_SERVER, root_with(*delegate("example.", "10.0.0.2")))
        world.zones("10.0.0.2", leaf("example.", "10.0.0.2", WWW))
        lines = await Resolver(world).lines("www.example.")
        return lines, world.counters.upstream_ignored, len(world.asked())

    assert run(main()) == (ANSWER, 2, 2)


# -- retry


def test_a_lost_message_is_sent_again(run):
    async def main():
        world = internet()
        lost = []

        def script(query, transport):
            lost.append(query)
            return None if len(lost) < 3 else reply(query.question, WWW)

        world.script("10.0.0.2", script)
        began = world.clock.monotonic()
        lines = await Resolver(world).lines("www.example.")
        return lines, world.clock.monotonic() - began

    lines, took = run(main())
    assert lines == ANSWER
    assert took == pytest.approx(0.02 + 0.376 + 0.752 + 0.04), "the last over TCP, which takes a round trip more"


def test_a_late_reply_counts_though_it_was_asked_again_meanwhile(run):
    async def main():
        world = internet()
        world.zones("10.0.0.2", leaf("example.", "10.0.0.2", WWW), link=Link(latency_ms=700))
        resolver = Resolver(world)
        began = world.clock.monotonic()
        lines = await resolver.lines("www.example.")
        took = world.clock.monotonic() - began
        return lines, took, len(world.asked("10.0.0.2")), resolver.servers.state(Endpoint("10.0.0.2", 53)).smoothed

    lines, took, asked, smoothed = run(main())
    assert lines == ANSWER
    assert (took, asked) == (pytest.approx(0.72), 2)
    assert smoothed == pytest.approx(0.7), "the time is that of the first message, not of the second"


def test_what_was_learnt_of_a_distant_server_is_used_for_the_next_wait(run):
    async def main():
        world = internet()
        world.zones(
            "10.0.0.2", leaf("example.", "10.0.0.2", WWW, "a.example. 300 IN A 192.0.2.1"), link=Link(latency_ms=700)
        )
        resolver = Resolver(world)
        await resolver.lines("www.example.")
        before = len(world.asked("10.0.0.2"))
        await resolver.lines("a.example.")
        return len(world.asked("10.0.0.2")) - before

    assert run(main()) == 1


def test_the_faster_server_is_preferred_once_both_are_known(run):
    async def main():
        world = two()
        many = [f"n{number}.example. 300 IN A 192.0.2.1" for number in range(40)]
        world.zones("10.0.0.2", leaf("example.", "10.0.0.2", *many), link=Link(latency_ms=150))
        world.zones("10.0.0.3", leaf("example.", "10.0.0.3", *many), link=Link(latency_ms=15))
        resolver = Resolver(world)
        for number in range(40):
            await resolver.ask(f"n{number}.example.")
        return len(world.asked("10.0.0.2")), len(world.asked("10.0.0.3"))

    slow, fast = run(main())
    assert 1 <= slow <= 4
    assert fast >= 36


def test_a_server_that_died_costs_the_client_one_short_wait(run):
    async def main():
        world = two()
        many = [f"n{number}.example. 300 IN A 192.0.2.1" for number in range(20)]
        for host in ("10.0.0.2", "10.0.0.3"):
            world.zones(host, leaf("example.", host, *many))
        resolver = Resolver(world)
        for number in range(5):
            await resolver.ask(f"n{number}.example.")
        world.network.silence("10.0.0.2")
        waits = []
        for number in range(5, 20):
            began = world.clock.monotonic()
            await resolver.ask(f"n{number}.example.")
            waits.append(world.clock.monotonic() - began)
        return waits

    waits = run(main())
    assert max(waits) < 0.5
    assert sum(wait > 0.1 for wait in waits) <= 3


def test_a_dead_zone_is_given_up_within_three_seconds(run):
    async def main():
        world = two()
        world.network.silence("10.0.0.2", "10.0.0.3")
        began = world.clock.monotonic()
        failure = await Resolver(world).failure("www.example.")
        return failure.tag, world.clock.monotonic() - began

    tag, took = run(main())
    assert tag == "MUTE"
    assert took <= 3.1


# -- truncation, EDNS, letter case


@pytest.mark.rfc(7766, "5")
def test_a_truncated_reply_is_asked_for_over_tcp(run):
    async def main():
        world = internet()
        world.script(
            "10.0.0.2",
            lambda query, transport: reply(query.question, WWW if transport == "tcp" else (), tc=transport == "udp"),
        )
        lines = await Resolver(world).lines("www.example.")
        return lines, [transport for _, _, transport in world.sent("10.0.0.2")]

    assert run(main()) == (ANSWER, ["udp", "tcp"])


@pytest.mark.rfc(6891, "6.2.2")
@pytest.mark.parametrize("rcode", [Rcode.FORMERR, Rcode.NOTIMP])
def test_a_server_without_edns_is_asked_without_and_that_is_remembered(run, rcode):
    async def main():
        world = internet()

        def script(query, transport):
            if query.edns is not None:
                return reply(query.question, rcode=rcode)
            return reply(query.question, [f"{names.to_text(query.question.name)} 300 IN A 192.0.2.80"])

        world.script("10.0.0.2", script)
        resolver = Resolver(world)
        lines = await resolver.lines("www.example.")
        before = len(world.asked("10.0.0.2"))
        await resolver.lines("mail.example.")
        return lines, before, len(world.asked("10.0.0.2"))

    assert run(main()) == (ANSWER, 2, 3)


@pytest.mark.rfc(6891, "6.2.2")
def test_edns_is_never_left_out_for_a_timeout(run):
    async def main():
        world = internet()
        seen: list[Edns | None] = []

        def script(query, transport):
            seen.append(query.edns)
            return None if len(seen) < 3 else reply(query.question, WWW)

        world.script("10.0.0.2", script)
        resolver = Resolver(world)
        await resolver.lines("www.example.")
        return seen, resolver.servers.standing(Endpoint("10.0.0.2", 53)).knows_edns

    seen, knows = run(main())
    assert [each and each.payload for each in seen] == [1232] * 3
    assert knows


def lowering(query, transport):
    """A server that lowers the case of the question; over TCP nobody minds."""
    question = Question(names.fold(query.question.name), query.question.type)
    return reply(question, [f"{names.to_text(question.name)} 300 IN A 192.0.2.80"])


def test_a_server_that_changes_the_letter_case_is_asked_over_tcp_and_that_is_remembered(run):
    async def main():
        world = internet()
        world.script("10.0.0.2", lowering)
        resolver = Resolver(world, use_0x20=True)
        first = await resolver.lines("www.example.")
        second = await resolver.lines("mail.example.")
        return first, second, [transport for _, _, transport in world.sent("10.0.0.2")]

    first, second, transports = run(main())
    assert first == ANSWER
    assert second == ["mail.example. 300 A 192.0.2.80"]
    assert transports == ["udp", "tcp", "tcp"]


def test_drawn_case_does_not_reach_answers_or_the_cache(run):
    async def main():
        world = internet()
        resolver = Resolver(world, use_0x20=True)
        sent = await resolver.ask("WWW.Example.")
        drawn = [parse(each.wire).question.name for each in world.network.history]
        held = [key for key, _ in resolver.records.store.items()]
        return sent.answer[0].name, drawn, held

    owner, drawn, held = run(main())
    assert names.to_text(owner) == "WWW.Example."
    assert len(set(drawn)) == 2, "each message has a case of its own"
    assert held
    assert all(key == key.lower() for key in held)


# -- the root


@pytest.mark.rfc(9609, "3")
def test_the_root_is_primed_once_before_the_first_question(run):
    async def main():
        world = internet()
        resolver = Resolver(world, primed=False)
        await resolver.lines("www.example.")
        await resolver.ask("other.")
        return world.asked(ROOT_SERVER)

    assert run(main()) == [". NS", "www.example. A", "other. A"]


@pytest.mark.rfc(9609, "4.2")
@pytest.mark.parametrize("bad", ["refused", "servfail", "lame"])
def test_a_priming_that_fails_leaves_the_hints(run, bad):
    async def main():
        world = internet()
        honest = leaf("example.", "10.0.0.2", WWW)
        world.zones("10.0.0.2", honest)
        refer = says((), "example. 3600 IN NS ns.example.", "ns.example. 3600 IN A 10.0.0.2", aa=False)

        def script(query, transport):
            which = BAD[bad] if query.question.name == names.ROOT else refer
            return which(query, transport)

        world.script(ROOT_SERVER, script)
        return await Resolver(world, primed=False).lines("www.example.")

    assert run(main()) == ANSWER


def test_hints_that_are_dead_leave_those_that_are_not(run):
    async def main():
        world = internet()
        world.network.silence("10.0.0.91", "10.0.0.92")
        world.script("10.0.0.91", says())
        world.script("10.0.0.92", says())
        resolver = Resolver(world, roots=("10.0.0.91", "10.0.0.92", ROOT_SERVER), primed=False)
        return await resolver.lines("www.example.")

    assert run(main()) == ANSWER


def test_no_root_at_all_is_a_failure_with_its_cause(run):
    async def main():
        return await Resolver(Internet(), primed=False).failure("www.example.")

    failure = run(main())
    assert isinstance(failure, ResolutionFailed)
    assert (failure.tag, failure.code, failure.label) == ("UNRE", 22, "unreachable")
    assert "not declared in this world" in str(failure)


# -- minimised names


@pytest.mark.rfc(9156, "2.3")
def test_a_server_that_denies_what_has_names_below_it_is_asked_the_whole_name(run):
    """Servers that answer NXDOMAIN for empty non-terminals are common enough; hence the relaxed mode."""

    async def main():
        world = internet()

        def script(query, transport):
            if query.question.name == names.from_text("www.ent.example."):
                return reply(query.question, "www.ent.example. 300 IN A 192.0.2.80")
            return reply(query.question, (), soa("example."), rcode=3)

        world.script("10.0.0.2", script)
        resolver = Resolver(world, minimises=True)
        lines = await resolver.lines("www.ent.example.")
        ent = await resolver.ask("ent.example.")
        return lines, world.asked("10.0.0.2"), ent.rcode

    lines, asked, ent = run(main())
    assert lines == ["www.ent.example. 300 A 192.0.2.80"]
    assert asked == ["ent.example. A", "www.ent.example. A", "ent.example. A"]
    assert ent == Rcode.NXDOMAIN


@pytest.mark.rfc(9156, "2.3")
def test_minimising_costs_no_more_than_ten_messages_of_a_long_name(run):
    async def main():
        world = internet()
        long = "a." * 60 + "example."
        world.zones("10.0.0.2", leaf("example.", "10.0.0.2", f"{long} 300 IN A 192.0.2.80"))
        lines = await Resolver(world, minimises=True).lines(long)
        return len(lines), len(world.asked("10.0.0.2"))

    assert run(main()) == (1, 10), "one of the ten minimised names was asked of the root"


# -- DNAME


@pytest.mark.rfc(6672, "3.4")
def test_a_server_that_synthesises_wrongly_is_passed_over(run):
    async def main():
        world = two()
        lie = says(["old.example. 300 IN DNAME new.example.", "a.old.example. 300 IN CNAME evil.example."])
        world.script("10.0.0.2", lie)
        world.zones(
            "10.0.0.3",
            leaf("example.", "10.0.0.3", "old.example. 300 IN DNAME new.example.", "a.new.example. 300 IN A 192.0.2.1"),
        )
        resolver = Resolver(world)
        await first_asked(resolver, "10.0.0.2")
        return await resolver.lines("a.old.example.")

    assert run(main()) == [
        "old.example. 300 DNAME new.example.",
        "a.old.example. 300 CNAME a.new.example.",
        "a.new.example. 300 A 192.0.2.1",
    ]


# -- long chains and loops


def test_a_chain_through_many_zones_is_cut_with_its_cause(run):
    async def main():
        tlds = [f"t{number}." for number in range(15)]
        lines = [line for number, tld in enumerate(tlds) for line in delegate(tld, f"10.0.1.{number}")]
        world = internet(*lines)
        for number, tld in enumerate(tlds):
            alias = f"x.{tld} 300 IN CNAME x.t{number + 1}."
            world.zones(f"10.0.1.{number}", leaf(tld, f"10.0.1.{number}", alias))
        return await Resolver(world).failure("x.t0.")

    failure = run(main())
    assert (failure.tag, failure.own_limit) == ("BUDA", True)
    assert failure.ede[0].text == "a chain of more than 11 aliases [BUDA]"


def test_an_endless_chain_of_delegations_is_cut_with_its_cause(run):
    """Each server refers one label further down: a name of 120 labels would take 120 of them."""

    async def main():
        world = internet()

        def script(query, transport):
            name = query.question.name
            zone = names.last_labels(name, min(names.depth(name) - 1, script.depth))
            script.depth += 1
            text = names.to_text(zone)
            return reply(query.question, (), f"{text} 3600 IN NS ns.{text}", f"ns.{text} 3600 IN A 10.0.0.2", aa=False)

        script.depth = 2
        world.script("10.0.0.2", script)
        return await Resolver(world).failure("a." * 60 + "example.")

    failure = run(main())
    assert failure.tag == "BUDR"
    assert failure.ede[0].text == "more than 32 referrals for one question [BUDR]"


def test_a_crowd_of_name_servers_that_are_nowhere_is_bounded(run):
    """NXNSAttack (CVE-2020-12662): one referral must not make us send hundreds of messages."""

    async def main():
        world = internet(*delegate("evil.", "10.0.0.6"), *delegate("victim.", "10.0.0.7"))
        ns = [f"sub.evil. 3600 IN NS ns{number}.victim." for number in range(200)]
        world.script("10.0.0.6", says((), ns, aa=False))
        world.script("10.0.0.7", says((), soa("victim."), rcode=3))
        failure = await Resolver(world).failure("www.sub.evil.")
        return failure.tag, len(world.asked("10.0.0.7"))

    assert run(main()) == ("BUDN", 5)


# -- ttl


def test_the_ttl_of_an_alias_runs_down_while_its_target_is_fetched(run):
    async def main():
        world = internet(*delegate("slow.", "10.0.0.9"), *delegate("example.", "10.0.0.2"))
        world.zones("10.0.0.2", leaf("example.", "10.0.0.2", "www.example. 5 IN CNAME x.slow."))
        world.zones("10.0.0.9", leaf("slow.", "10.0.0.9", "x.slow. 300 IN A 192.0.2.1"), link=Link(latency_ms=2000))
        resolver = Resolver(world, answers=True)
        return await resolver.lines("www.example.")

    assert run(main()) == ["www.example. 3 CNAME x.slow.", "x.slow. 300 A 192.0.2.1"]


def test_nothing_is_left_open_when_questions_have_ended(run):
    async def main():
        world = two()
        world.network.silence("10.0.0.2")
        resolver = Resolver(world)
        await asyncio.gather(*(resolver.ask(name) for name in ("www.example.", "a.example.", "b.example.")))
        return len(resolver.resolved._flights), len(world.tasks)

    assert run(main()) == (0, 0)
