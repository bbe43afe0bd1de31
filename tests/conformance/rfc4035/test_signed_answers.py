"""What a signed zone tells those who understand DNSSEC (RFC 4035 section 3.1)."""

from __future__ import annotations

import pytest

from resolver.auth.authority import Authority
from resolver.auth.signed import SignedZone, UnsignableZone
from resolver.dnssec.faults import Fault
from resolver.dnssec.records import read_rrsig
from resolver.message import Client, Edns, Query, Rcode, Reply, Transport
from tests.support import signed_zones as signed
from tests.support import zone_text

TEXT = """
    example. 3600 IN SOA ns.example. root.example. 1 2 3 4 300
    example. 3600 IN NS ns.example.
    ns.example. 3600 IN A 192.0.2.1
    WWW.example. 60 IN A 192.0.2.2
    WWW.example. 60 IN A 192.0.2.3
    alias.example. 60 IN CNAME www.example.
    out.example. 60 IN CNAME www.elsewhere.
    dead.example. 60 IN CNAME nothing.example.
    host.deep.ent.example. 60 IN A 192.0.2.4
    *.wild.example. 60 IN A 192.0.2.5
    *.wild.example. 60 IN TXT x
    *.hop.example. 60 IN CNAME any.wild.example.
    old.example. 60 IN DNAME new.example.
    www.new.example. 60 IN A 192.0.2.6
    again.new.example. 60 IN CNAME www.old.example.
    hidden.old.example. 60 IN A 192.0.2.8
    here.example. 60 IN NS ns.here.example.
    ns.here.example. 60 IN A 192.0.2.7
    here.example. 60 IN DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
    there.example. 60 IN NS ns.here.example.
    zz.example. 60 IN CNAME www.there.example.
"""
ZONE = signed.zone("example.", TEXT)
NS = ["example. NS", "example. RRSIG(NS)"]
SOA = ["example. SOA", "example. RRSIG(SOA)"]


def asked(name: str, rtype: str = "A", *, do: bool = True, zone: SignedZone = ZONE) -> Reply:
    return zone.answer(zone_text.question(name, rtype), do, signed.NOW)


def nsec(*owners: str) -> list[str]:
    return [line for owner in owners for line in (f"{owner} NSEC", f"{owner} RRSIG(NSEC)")]


@pytest.mark.rfc(4035, "3.1.1")
def test_an_answer_comes_with_its_signature_and_the_name_servers_with_theirs() -> None:
    reply = asked("www.example.")
    assert signed.told(reply.answer) == ["WWW.example. A", "WWW.example. RRSIG(A)"]
    assert signed.told(reply.authority) == NS
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1")
@pytest.mark.parametrize(
    ("name", "rtype"),
    [
        *(("www.example.", "A"), ("nope.example.", "A"), ("www.example.", "MX"), ("x.wild.example.", "A")),
        *(("a.there.example.", "A"), ("a.here.example.", "A"), ("x.old.example.", "A"), ("example.", "NS")),
    ],
)
def test_without_do_nothing_of_dnssec_is_told(name: str, rtype: str) -> None:
    plain = zone_text.zone("example.", TEXT)
    assert asked(name, rtype, do=False) == plain.answer(zone_text.question(name, rtype))


@pytest.mark.rfc(4035, "3.1.1")
@pytest.mark.rfc(3225, "3")
def test_an_authority_hears_do_in_the_query() -> None:
    authority = Authority([ZONE], lambda: signed.NOW)
    client = Client("127.0.0.1", 1, Transport.UDP)
    query = Query(zone_text.question("www.example.", "A"), client, 1, 0.0)
    for edns, expected in ((None, 1), (Edns(), 1), (Edns(do=True), 2)):
        assert len(authority.peek(query._replace(edns=edns)).answer) == expected


@pytest.mark.rfc(4035, "3.1.3.1")
def test_no_data_has_the_record_of_the_name() -> None:
    reply = asked("www.example.", "MX")
    assert (reply.rcode, reply.answer) == (Rcode.NOERROR, ())
    assert signed.told(reply.authority) == SOA + nsec("www.example.")
    assert {rrset.ttl for rrset in reply.authority} == {300}
    assert read_rrsig(reply.authority[1].rdatas[0]).original_ttl == 3600
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.3.1")
@pytest.mark.parametrize("name", ["ent.example.", "deep.ent.example."])
def test_an_empty_non_terminal_is_no_data(name: str) -> None:
    reply = asked(name)
    assert reply.rcode == Rcode.NOERROR
    assert signed.told(reply.authority) == SOA + nsec("dead.example.")
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.3.2")
def test_a_name_error_covers_the_name_and_the_wildcard() -> None:
    reply = asked("p.example.")
    assert reply.rcode == Rcode.NXDOMAIN
    assert signed.told(reply.authority) == SOA + nsec("out.example.", "example.")
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.3.2")
def test_one_record_that_covers_both_is_told_once() -> None:
    reply = asked("a.example.")
    assert signed.told(reply.authority) == SOA + nsec("example.")


@pytest.mark.rfc(4035, "3.1.3.3")
def test_what_a_wildcard_made_has_its_signature_and_the_proof_that_the_name_is_not_there() -> None:
    reply = asked("X.y.wild.example.")
    assert signed.told(reply.answer) == ["X.y.wild.example. A", "X.y.wild.example. RRSIG(A)"]
    assert reply.answer[1].rdatas[0][3] == 2
    assert signed.told(reply.authority) == NS + nsec("*.wild.example.")
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.3.4")
def test_no_data_at_a_wildcard() -> None:
    reply = asked("x.wild.example.", "MX")
    assert (reply.rcode, reply.answer) == (Rcode.NOERROR, ())
    assert signed.told(reply.authority) == SOA + nsec("*.wild.example.")
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.3")
def test_each_link_of_a_chain_is_signed_and_the_last_name_is_denied() -> None:
    reply = asked("dead.example.")
    assert reply.rcode == Rcode.NXDOMAIN
    assert signed.told(reply.answer) == ["dead.example. CNAME", "dead.example. RRSIG(CNAME)"]
    assert signed.told(reply.authority) == SOA + nsec("www.new.example.", "example.")
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.3.3")
def test_a_chain_over_two_wildcards_proves_both() -> None:
    reply = asked("x.hop.example.")
    assert signed.told(reply.answer) == [
        "x.hop.example. CNAME",
        "x.hop.example. RRSIG(CNAME)",
        "any.wild.example. A",
        "any.wild.example. RRSIG(A)",
    ]
    assert signed.told(reply.authority) == NS + nsec("*.hop.example.", "*.wild.example.")
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.4")
def test_a_referral_to_a_signed_zone_has_its_ds() -> None:
    reply = asked("www.here.example.")
    assert not reply.aa
    assert signed.told(reply.authority) == ["here.example. NS", "here.example. DS", "here.example. RRSIG(DS)"]
    assert signed.unproven(ZONE, reply) == ["here.example. NS"]


@pytest.mark.rfc(4035, "3.1.4")
def test_a_referral_to_an_unsigned_zone_shows_that_there_is_no_ds() -> None:
    reply = asked("www.there.example.")
    assert signed.told(reply.authority) == ["there.example. NS", *nsec("there.example.")]
    assert signed.unproven(ZONE, reply) == ["there.example. NS"]


@pytest.mark.rfc(4035, "3.1.4")
def test_a_chain_that_ends_in_a_referral_is_signed_up_to_there() -> None:
    reply = asked("zz.example.")
    assert signed.told(reply.answer) == ["zz.example. CNAME", "zz.example. RRSIG(CNAME)"]
    assert signed.told(reply.authority) == ["there.example. NS", *nsec("there.example.")]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_ds_is_the_parent_s_to_tell_and_to_deny() -> None:
    there, denied = asked("here.example.", "DS"), asked("there.example.", "DS")
    assert signed.told(there.answer) == ["here.example. DS", "here.example. RRSIG(DS)"]
    assert signed.told(denied.authority) == SOA + nsec("there.example.")
    assert denied.aa
    assert signed.unproven(ZONE, there) == signed.unproven(ZONE, denied) == []


@pytest.mark.rfc(4035, "3.1.4.1")
def test_a_server_of_parent_and_child_answers_ds_from_the_parent() -> None:
    child = signed.zone("here.example.", "here.example. 60 IN SOA ns.example. root.example. 1 2 3 4 5")
    authority = Authority([ZONE, child], lambda: signed.NOW)
    reply = authority.reply(zone_text.question("here.example.", "DS"), True)
    assert signed.told(reply.answer) == ["here.example. DS", "here.example. RRSIG(DS)"]
    assert signed.unproven(ZONE, reply) == []


@pytest.mark.rfc(4035, "3.1.4.1")
def test_a_parent_that_cannot_be_signed_says_nothing_of_ds_and_the_child_not_either() -> None:
    parent = UnsignableZone(ZONE.apex, ZONE)
    child = signed.zone("here.example.", "here.example. 60 IN SOA ns.example. root.example. 1 2 3 4 5")
    reply = Authority([parent, child], lambda: signed.NOW).reply(zone_text.question("here.example.", "DS"), True)
    assert (reply.rcode, reply.ede[0].code) == (Rcode.SERVFAIL, 24)


@pytest.mark.rfc(6672, "5.3.1")
def test_the_cname_that_a_dname_makes_is_not_signed_and_what_it_leads_to_is() -> None:
    reply = asked("www.old.example.")
    assert signed.told(reply.answer) == [
        "old.example. DNAME",
        "old.example. RRSIG(DNAME)",
        "www.old.example. CNAME",
        "www.new.example. A",
        "www.new.example. RRSIG(A)",
    ]
    assert signed.told(reply.authority) == NS
    assert signed.unproven(ZONE, reply) == ["www.old.example. CNAME"]


@pytest.mark.rfc(6672, "5.3.1")
@pytest.mark.parametrize("name", ["again.old.example.", "hidden.old.example."])
def test_no_cname_is_signed_that_a_dname_makes_at_its_second_use_or_over_hidden_data(name: str) -> None:
    reply = asked(name)
    made = [each for each in signed.told(reply.answer) if each.endswith("old.example. CNAME")]
    assert made
    assert signed.unproven(ZONE, reply) == made


@pytest.mark.rfc(6672, "5.3.1")
def test_a_dname_that_leads_to_nothing_is_denied_where_it_leads() -> None:
    reply = asked("nope.old.example.")
    assert reply.rcode == Rcode.NXDOMAIN
    assert signed.told(reply.answer)[-1] == "nope.old.example. CNAME"
    assert signed.told(reply.authority) == SOA + nsec("again.new.example.", "*.hop.example.")


@pytest.mark.rfc(4035, "2.1")
def test_the_keys_are_told_to_anyone_and_signed_by_the_key_signing_key() -> None:
    reply = asked("example.", "DNSKEY")
    assert signed.told(reply.answer) == ["example. DNSKEY", "example. RRSIG(DNSKEY)"]
    assert signed.unproven(ZONE, reply) == []
    assert signed.told(asked("example.", "DNSKEY", do=False).answer) == ["example. DNSKEY"]


@pytest.mark.rfc(4035, "3.1")
def test_nsec_is_data_for_those_who_ask_for_it() -> None:
    assert signed.told(asked("www.example.", "NSEC", do=False).answer) == ["www.example. NSEC"]
    reply = asked("alias.example.", "NSEC")
    assert signed.told(reply.answer) == ["alias.example. NSEC", "alias.example. RRSIG(NSEC)"]
    assert signed.unproven(ZONE, reply) == []
    assert asked("ent.example.", "NSEC", do=False).answer == ()
    assert asked("nope.example.", "NSEC", do=False).rcode == Rcode.NXDOMAIN


@pytest.mark.rfc(4035, "3.1")
def test_signatures_are_told_to_those_who_ask_for_them() -> None:
    reply = asked("www.example.", "RRSIG", do=False)
    (rrset,) = reply.answer
    assert {int.from_bytes(each[:2], "big") for each in rrset.rdatas} == {1, 47}
    assert signed.told(asked("www.example.", "RRSIG").answer) == ["WWW.example. RRSIG(A)"]


@pytest.mark.rfc(8482, "4.1")
def test_any_is_one_rrset_and_its_signature() -> None:
    assert signed.told(asked("www.example.", "ANY").answer) == ["WWW.example. A", "WWW.example. RRSIG(A)"]


def test_without_signatures_the_denials_are_there_all_the_same() -> None:
    zone = signed.zone("example.", TEXT, fault=Fault.UNSIGNED)
    reply = asked("p.example.", zone=zone)
    assert signed.told(reply.authority) == ["example. SOA", "out.example. NSEC", "example. NSEC"]
    assert signed.told(asked("www.example.", "RRSIG", zone=zone).answer) == []


def test_without_denials_the_rest_is_signed_all_the_same() -> None:
    zone = signed.zone("example.", TEXT, fault=Fault.NSEC_MISSING)
    assert signed.told(asked("p.example.", zone=zone).authority) == SOA
    assert signed.told(asked("x.wild.example.", zone=zone).authority) == NS
    assert signed.told(asked("www.there.example.", zone=zone).authority) == ["there.example. NS"]
    assert asked("www.example.", "NSEC", zone=zone).answer == ()
    assert signed.unproven(zone, asked("p.example.", zone=zone)) == []
