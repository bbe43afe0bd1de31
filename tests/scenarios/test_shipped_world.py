"""The shipped world, walked by the resolver: what a user sees first."""

from __future__ import annotations

import pytest

from resolver.message import RA, Rcode, Type
from resolver.wire import names
from tests.support.messages import told
from tests.support.whole import outline, whole


def answers(name: str, rtype: str = "A", **settings) -> list[str]:
    async def main(made):
        message = await made.ask(name, rtype, tcp=True)
        assert message.rcode == 0, message
        return told(*message.answer)

    return whole(main, {"resolver": settings})


BOTH = pytest.mark.parametrize("mode", ["iterative", "recursive"])


@BOTH
@pytest.mark.parametrize(
    ("name", "rtype", "expected"),
    [
        ("www.example.com.", "A", ["www.example.com. 3600 A 192.0.2.80"]),
        ("www.example.com.", "AAAA", ["www.example.com. 3600 AAAA 2001:db8::80"]),
        (
            "example.com.",
            "MX",
            ["example.com. 3600 MX 10 mail.example.com.", "example.com. 3600 MX 20 mail.example.net."],
        ),
        ("unknown.example.edu.", "TYPE65280", ["unknown.example.edu. 3600 TYPE65280 \\# 4 0a000001"]),
        ("10.2.0.192.in-addr.arpa.", "PTR", ["10.2.0.192.in-addr.arpa. 3600 PTR example.com."]),
        ("x.wild.example.org.", "A", ["x.wild.example.org. 300 A 203.0.113.90"]),
        ("ci.dev.example.com.", "A", ["ci.dev.example.com. 3600 A 192.0.2.51"]),
        ("www.example.net.", "A", ["www.example.net. 3600 A 198.51.100.80"]),
        ("node-03.cs.example.edu.", "A", ["node-03.cs.example.edu. 3600 A 192.0.2.142"]),
    ],
    ids=["a", "aaaa", "mx", "unknown type", "ptr", "wildcard", "sibling glue", "without glue", "two zones on a server"],
)
def test_what_is_in_the_world_is_found(name, rtype, expected, mode):
    assert answers(name, rtype, mode=mode) == expected


@BOTH
@pytest.mark.rfc(1034, "3.6.2")
def test_a_chain_across_four_top_level_domains_is_followed(mode):
    assert answers("chain.example.com.", mode=mode) == [
        "chain.example.com. 3600 CNAME chain.example.net.",
        "chain.example.net. 3600 CNAME chain.example.org.",
        "chain.example.org. 3600 CNAME chain.example.co.kr.",
        "chain.example.co.kr. 3600 CNAME www.example.co.kr.",
        "www.example.co.kr. 3600 A 203.0.113.111",
    ]


@BOTH
@pytest.mark.rfc(6672, "3.2")
def test_a_dname_leads_into_another_zone(mode):
    assert answers("old.example.com.", mode=mode) == [
        "old.example.com. 3600 CNAME www.legacy.example.org.",
        "legacy.example.org. 3600 DNAME example.com.",
        "www.legacy.example.org. 3600 CNAME www.example.com.",
        "www.example.com. 3600 A 192.0.2.80",
    ]


@BOTH
@pytest.mark.rfc(2308, "2.1")
@pytest.mark.parametrize(
    ("name", "rcode", "owner"),
    [
        ("nothing.example.com.", Rcode.NXDOMAIN, "example.com."),
        ("v4only.example.com.", Rcode.NOERROR, "example.com."),
        ("deep.ent.example.com.", Rcode.NOERROR, "example.com."),
        ("nosuchtld.", Rcode.NXDOMAIN, "."),
        ("dead.example.com.", Rcode.NXDOMAIN, "example.com."),
    ],
)
def test_what_is_not_there_is_denied_with_the_soa_of_its_zone(name, rcode, owner, mode):
    async def main(made):
        return await made.ask(name, "AAAA")

    message = whole(main, {"resolver": {"mode": mode}})
    assert message.rcode == rcode
    assert message.flags & RA
    (soa,) = message.authority
    assert (soa.type, names.to_text(soa.name)) == (Type.SOA, owner)


@BOTH
@pytest.mark.rfc(6672, "2.2")
def test_a_name_too_long_behind_a_dname_is_yxdomain(mode):
    async def main(made):
        return await made.ask(".".join(["x" * 40] * 2 + ["far.example.org."]))

    message = whole(main, {"resolver": {"mode": mode}})
    assert message.rcode == Rcode.YXDOMAIN
    assert [each.type for each in message.answer] == [Type.DNAME]


@pytest.mark.rfc(4035, "4.2")
def test_a_ds_is_answered_by_the_parent():
    async def main(made):
        message = await made.ask("example.com.", "DS")
        return message, outline(made.transcript.roots)

    message, walk = whole(main, {"dnssec": {"validation": False}}, transcribed=True)
    assert [(names.to_text(each.name), each.type) for each in message.answer] == [("example.com.", Type.DS)]
    assert walk[-1].partition(" ")[0] in ("a.nic.com.", "b.nic.com.")
    assert walk[-1].endswith("example.com. DS")


@pytest.mark.rfc(9156, "2.3")
@pytest.mark.parametrize("minimised", [True, False])
def test_servers_see_no_more_of_the_name_than_they_need(minimised):
    async def main(made):
        await made.ask("bench.lab.example.com.", "AAAA")
        return [line.partition(" ")[2] for line in outline(made.transcript.roots)]

    settings = {"resolver": {"qname_minimisation": minimised}, "dnssec": {"validation": False}}
    walk = whole(main, settings, transcribed=True)
    whole_name = "bench.lab.example.com. AAAA"
    if minimised:
        assert walk == [". NS", "com. A", "example.com. A", "lab.example.com. A", whole_name]
    else:
        assert walk == [". NS", whole_name, whole_name, whole_name, whole_name]


@pytest.mark.rfc(1034, "5.3.3")
def test_the_second_question_begins_where_the_first_ended():
    async def main(made):
        await made.ask("www.example.com.")
        before = len(made.transcript.roots)
        await made.ask("mail.example.com.")
        return outline(made.transcript.roots[before:])

    (line,) = whole(main, transcribed=True)
    assert line.endswith("mail.example.com. A")


@pytest.mark.rfc(7766, "5")
def test_a_large_answer_is_truncated_over_udp_and_whole_over_tcp_and_fetched_over_tcp_by_the_resolver():
    async def main(made):
        cut = await made.ask("big.example.com.", "TXT")
        full = await made.ask("big.example.com.", "TXT", tcp=True)
        return cut.flags & 0x0200, len(full.answer[0].rdatas), [node.transport for node in made.transcript.roots]

    cut, count, transports = whole(main, transcribed=True)
    assert cut
    assert count == 24
    assert transports.count("tcp") == 1


def test_everything_works_with_names_in_random_case_and_without():
    for use_0x20 in (True, False):
        assert answers("WWW.Example.COM.", use_0x20=use_0x20) == ["WWW.Example.COM. 3600 A 192.0.2.80"]


def test_an_address_that_the_world_does_not_declare_is_unreachable():
    async def main(made):
        made.program._composed.known.learn_delegation(_elsewhere())
        return await made.ask("www.elsewhere.test.")

    from tests.support.whole import extended_errors

    message = whole(main)
    ((code, text),) = extended_errors(message)
    assert message.rcode == Rcode.SERVFAIL
    assert code in (22, 23)
    assert "not declared in this world" in text


def _elsewhere():
    from resolver.engine.delegation import Delegation, NameServer
    from resolver.network.base import Endpoint
    from tests.support.messages import name

    server = NameServer(name("ns.elsewhere.test."), (Endpoint("192.0.2.1", 53),))
    return Delegation(name("elsewhere.test."), (server,), 3600)


def test_what_is_asked_again_comes_from_store_with_less_of_its_ttl():
    async def main(made):
        first = await made.ask("www.example.com.")
        await made.ask("www.example.com.")  # what is asked for a second time is stored
        sent = made.program.stats()["upstream.sent"]
        await made.clock.advance(100)
        second = await made.ask("WWW.example.com.", id=9)
        stats = made.program.stats()
        return first.answer[0].ttl, second.answer[0].ttl, stats["upstream.sent"] == sent, stats["answers.stored"]

    assert whole(main) == (3600, 3500, True, 1)


def test_without_rd_nobody_is_asked():
    async def main(made):
        before = await made.ask("www.example.com.", rd=False)
        await made.ask("www.example.com.")
        after = await made.ask("www.example.com.", rd=False)
        return before.rcode, after.rcode, len(after.answer)

    assert whole(main) == (Rcode.REFUSED, Rcode.NOERROR, 1)


def test_a_long_name_in_a_zone_without_glue_takes_one_look_at_its_name_server():
    """Each minimised name asks the same servers: their addresses are sought once for all of them."""
    zone = "8.b.d.0.1.0.0.2.ip6.arpa."

    async def main(made):
        await made.ask(zone, "SOA")
        return await made.ask(f"0.8.{'0.' * 22}{zone}", "PTR")

    assert told(*whole(main).answer) == [f"0.8.{'0.' * 22}{zone} 3600 PTR www.example.com."]
