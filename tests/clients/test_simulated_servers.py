"""The simulated internet itself, asked directly: each server answers for its zones alone, and few recurse."""

from __future__ import annotations

import pytest

from tests.support.daemons import Daemon
from tests.support.fixtures import Ask
from tests.support.heard import Heard, Record

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

ROOT, RECURSING_ROOT, COM, EXAMPLE = "127.53.0.1", "127.53.0.3", "127.53.1.1", "127.53.2.1"


def addresses(records: tuple[Record, ...]) -> dict[str, str]:
    return {record.owner: record.data for record in records if record.type == "A"}


def refers(reply: Heard, zone: str, servers: dict[str, str]) -> None:
    """`reply` is a referral to `zone`, whose `servers` have these addresses."""
    assert reply.status == "NOERROR"
    assert not reply.answer
    assert "aa" not in reply.flags
    assert {(record.owner, record.type) for record in reply.authority} == {(zone, "NS")}
    assert {record.data for record in reply.authority} == set(servers)
    assert addresses(reply.additional) == servers


@pytest.mark.parametrize("option", ["+notcp", "+tcp", "+noedns", "+norecurse"])
def test_the_root_refers_to_com(daemon: Daemon, dig: Ask, option: str) -> None:
    for root in (ROOT, "127.53.0.2"):
        reply = dig(daemon, "www.example.com", option, at=root)
        refers(reply, "com.", {"a.nic.com.": "127.53.1.1", "b.nic.com.": "127.53.1.2"})
        assert "ra" not in reply.flags


def test_a_top_level_domain_refers_to_the_zone_below(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.example.com", "+norecurse", at=COM)
    refers(reply, "example.com.", {"ns1.example.com.": "127.53.2.1", "ns2.example.com.": "127.53.2.2"})


def test_glue_comes_for_a_sibling_and_not_for_a_server_elsewhere(daemon: Daemon, dig: Ask) -> None:
    sibling = dig(daemon, "ci.dev.example.com", at=EXAMPLE)
    refers(sibling, "dev.example.com.", {"ns.lab.example.com.": "127.53.2.3"})
    elsewhere = dig(daemon, "www.example.net", "+norecurse", at="127.53.1.11")
    assert {record.data for record in elsewhere.authority} == {"ns1.example.org."}
    assert not addresses(elsewhere.additional)


def test_the_authority_answers_with_authority(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.example.com", at=EXAMPLE)
    assert reply.data == ["A 192.0.2.80"]
    assert "aa" in reply.flags
    assert "ra" not in reply.flags
    denied = dig(daemon, "nope.example.com", at=EXAMPLE)
    assert denied.status == "NXDOMAIN"
    assert "aa" in denied.flags
    assert [record.type for record in denied.authority] == ["SOA"]


def test_a_ttl_does_not_count_down_at_the_authority(daemon: Daemon, dig: Ask) -> None:
    assert {dig(daemon, "short.example.com", at=EXAMPLE).answer[0].ttl for _ in range(3)} == {5}


def test_a_name_outside_its_zones_is_refused(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.example.org", at=EXAMPLE)
    assert reply.status == "REFUSED"
    assert reply.ede_codes == {20}
    assert not reply.flags & {"aa", "ra"}


def test_recursion_is_to_be_had_from_the_third_root_server_alone(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "chain.example.com", at=RECURSING_ROOT)
    assert reply.data[-1] == "A 203.0.113.111"
    assert "ra" in reply.flags
    assert "aa" not in reply.flags
    referral = dig(daemon, "www.example.com", "+norecurse", at=RECURSING_ROOT)
    refers(referral, "com.", {"a.nic.com.": "127.53.1.1", "b.nic.com.": "127.53.1.2"})
    assert "ra" in referral.flags
    assert dig(daemon, "www.example.com", at=COM).data == ["A 192.0.2.80"]
    assert not dig(daemon, "www.example.com", at="127.53.1.2").answer


@pytest.mark.rfc(4035, "3.1.4.1")
def test_ds_is_a_matter_of_the_parent(daemon: Daemon, dig: Ask) -> None:
    for parent, server in (("net.", "127.53.1.11"), ("edu.", "127.53.1.31")):
        reply = dig(daemon, f"example.{parent}", "DS", "+norecurse", at=server)
        assert reply.status == "NOERROR"
        assert "aa" in reply.flags
        assert [(record.owner, record.type) for record in reply.authority] == [(parent, "SOA")]
    signed = dig(daemon, "example.com", "DS", "+norecurse", at=COM)
    assert [(record.owner, record.type) for record in signed.answer] == [("example.com.", "DS")]
    both = dig(daemon, "cs.example.edu", "DS", at="127.53.2.32")
    assert [record.owner for record in both.authority] == ["example.edu."]


def test_a_simulated_server_truncates_and_gives_all_over_tcp(daemon: Daemon, dig: Ask) -> None:
    assert "tc" in dig(daemon, "big.example.com", "TXT", "+ignore", at=EXAMPLE).flags
    whole = dig(daemon, "big.example.com", "TXT", at=EXAMPLE)
    assert whole.transport == "TCP"
    assert len(whole.answer) == 24


def test_a_simulated_server_keeps_the_rules_of_opcodes_and_edns(daemon: Daemon, dig: Ask) -> None:
    assert dig(daemon, "example.com", "+opcode=notify", at=EXAMPLE).status == "NOTIMP"
    assert dig(daemon, "example.com", "+edns=7", "+noednsnegotiation", at=EXAMPLE).status == "BADVERS"
    assert dig(daemon, "+header-only", at=EXAMPLE).status == "FORMERR"
    assert not dig(daemon, "example.com", "+noedns", at=EXAMPLE).edns
    assert dig(daemon, "version.bind", "TXT", "CH", at=EXAMPLE).status == "REFUSED"


def test_each_server_stands_where_the_dns_says(daemon: Daemon, dig: Ask) -> None:
    for name in ("a.root-servers.test", "b.nic.kr", "ns1.example.edu", "ns.broken.test"):
        (found,) = dig(daemon, name).answer
        reply = dig(daemon, ".", "SOA", "+norecurse", at=found.data)
        assert reply.status in ("NOERROR", "REFUSED")
