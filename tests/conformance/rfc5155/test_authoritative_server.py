"""What an authoritative server adds from the NSEC3 records of its zone (RFC 5155 section 7.2).

The zone is that of RFC 5155 appendix A, with its salt and iterations, and the answers are those of appendix B.
"""

from __future__ import annotations

from base64 import b32hexencode

import pytest

from resolver.auth.signed import SignedZone
from resolver.dnssec.chains import Parameters
from resolver.dnssec.records import has_type, read_nsec3
from resolver.message import Rcode, Reply, Type
from resolver.wire import names
from tests.support import signed_zones as signed
from tests.support import zone_text

TEXT = """
    example. 3600 IN SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600
    example. 3600 IN NS ns1.example.
    example. 3600 IN NS ns2.example.
    example. 3600 IN MX 1 xx.example.
    2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. 3600 IN A 192.0.2.127
    a.example. 3600 IN NS ns1.a.example.
    a.example. 3600 IN NS ns2.a.example.
    a.example. 3600 IN DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C
    ns1.a.example. 3600 IN A 192.0.2.5
    ns2.a.example. 3600 IN A 192.0.2.6
    ai.example. 3600 IN A 192.0.2.9
    ai.example. 3600 IN AAAA 2001:db8::f00:baa9
    c.example. 3600 IN NS ns1.c.example.
    c.example. 3600 IN NS ns2.c.example.
    ns1.c.example. 3600 IN A 192.0.2.7
    ns2.c.example. 3600 IN A 192.0.2.8
    ns1.example. 3600 IN A 192.0.2.1
    ns2.example. 3600 IN A 192.0.2.2
    *.w.example. 3600 IN MX 1 ai.example.
    x.w.example. 3600 IN MX 1 xx.example.
    x.y.w.example. 3600 IN MX 1 xx.example.
    xx.example. 3600 IN A 192.0.2.10
    xx.example. 3600 IN AAAA 2001:db8::f00:baaa
"""
SALT, ITERATIONS = bytes.fromhex("aabbccdd"), 12
ZONE = signed.zone("example.", TEXT, Parameters(ITERATIONS, SALT, opt_out=True))
WHOLE = signed.zone("example.", TEXT, Parameters(ITERATIONS, SALT))


def asked(name: str, rtype: str = "A", zone: SignedZone = ZONE) -> Reply:
    reply = zone.answer(zone_text.question(name, rtype), True, signed.NOW)
    unsigned = signed.unproven(zone, reply)
    assert all(each.endswith(" NS") for each in unsigned)
    return reply


def hashes(reply: Reply) -> list[str]:
    """The hashes of the NSEC3 records in the authority section, in their order."""
    return [names.labels(each.name)[0].decode() for each in reply.authority if each.type == Type.NSEC3]


@pytest.mark.rfc(5155, "7.1")
def test_the_chain_is_that_of_the_appendix() -> None:
    """Appendix A, which has no record for c, as that has opted out."""
    owners = ("", "2t7b4g4vsa5smi47k61mv5bv1a22bojr.", "ai.", "ns1.", "ns2.", "xx.", "w.", "*.w.", "x.w.", "y.w.")
    owners += ("x.y.w.", "a.c.x.w.")  # the last is not there, and the record of a covers its wildcard
    replies = [asked(f"{owner}example.", "TYPE999") for owner in owners]
    following = {
        names.labels(record.name)[0]: b32hexencode(read_nsec3(record.rdatas[0]).next_hash).lower()
        for reply in replies
        for record in reply.authority
        if record.type == Type.NSEC3
    }
    chain = [b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"]
    while (after := following[chain[-1]]) != chain[0]:
        chain.append(after)
    assert [each.decode()[:8] for each in chain] == [
        *("0p9mhave", "2t7b4g4v", "2vptu5ti", "35mthgpg", "b4um86eg", "gjeqe526"),
        *("ji6neoae", "k8udemvp", "kohar7mb", "q04jkcev", "r53bq7cc", "t644ebqk"),
    ]


@pytest.mark.rfc(5155, "7.2.2")
def test_name_error() -> None:
    """Appendix B.1."""
    reply = asked("a.c.x.w.example.")
    assert reply.rcode == Rcode.NXDOMAIN
    assert hashes(reply) == [
        "b4um86eghhds6nea196smvmlo4ors995",
        "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
        "35mthgpgcu1qg68fab165klnsnk3dpvl",
    ]


@pytest.mark.rfc(5155, "7.2.3")
def test_no_data() -> None:
    """Appendix B.2."""
    reply = asked("ns1.example.", "MX")
    assert (reply.rcode, reply.answer) == (Rcode.NOERROR, ())
    assert hashes(reply) == ["2t7b4g4vsa5smi47k61mv5bv1a22bojr"]


@pytest.mark.rfc(5155, "7.2.3")
def test_no_data_at_an_empty_non_terminal() -> None:
    """Appendix B.2.1."""
    assert hashes(asked("y.w.example.")) == ["ji6neoaepv8b5o6k4ev33abha8ht9fgc"]


@pytest.mark.rfc(5155, "7.2.7")
def test_a_referral_to_an_unsigned_zone_that_opted_out() -> None:
    """Appendix B.3."""
    reply = asked("mc.c.example.", "MX")
    assert not reply.aa
    assert signed.told(reply.authority)[0] == "c.example. NS"
    assert hashes(reply) == ["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "35mthgpgcu1qg68fab165klnsnk3dpvl"]


@pytest.mark.rfc(5155, "7.2.6")
def test_an_expansion_of_a_wildcard() -> None:
    """Appendix B.4."""
    reply = asked("a.z.w.example.", "MX")
    assert signed.told(reply.answer) == ["a.z.w.example. MX", "a.z.w.example. RRSIG(MX)"]
    assert hashes(reply) == ["q04jkcevqvmu85r014c7dkba38o0ji5r"]


@pytest.mark.rfc(5155, "7.2.5")
def test_no_data_at_a_wildcard() -> None:
    """Appendix B.5."""
    assert hashes(asked("a.z.w.example.", "AAAA")) == [
        "k8udemvp1j2f7eg6jebps17vp3n8i58h",
        "q04jkcevqvmu85r014c7dkba38o0ji5r",
        "r53bq7cc2uvmubfu5ocmm6pers9tk9en",
    ]


@pytest.mark.rfc(5155, "7.2.4")
def test_no_ds_at_the_apex_of_a_zone_whose_parent_is_elsewhere() -> None:
    """Appendix B.6."""
    assert hashes(asked("example.", "DS")) == ["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"]


@pytest.mark.rfc(5155, "7.2.4")
def test_no_ds_at_a_delegation_that_opted_out() -> None:
    reply = asked("c.example.", "DS")
    assert reply.aa
    assert hashes(reply) == ["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "35mthgpgcu1qg68fab165klnsnk3dpvl"]


@pytest.mark.rfc(5155, "7.2.7")
def test_without_opt_out_an_unsigned_delegation_has_a_record_of_its_own() -> None:
    for reply in (asked("mc.c.example.", "MX", WHOLE), asked("c.example.", "DS", WHOLE)):
        (record,) = (each for each in reply.authority if each.type == Type.NSEC3)
        read = read_nsec3(record.rdatas[0])
        assert hashes(reply) == ["4g6p9u5gvfshp30pqecj98b3maqbn1ck"]
        assert not read.opt_out
        assert has_type(read.types, Type.NS)
        assert not has_type(read.types, Type.DS)


@pytest.mark.rfc(5155, "7.2.7")
def test_a_referral_to_a_signed_zone_has_its_ds() -> None:
    reply = asked("www.a.example.")
    assert signed.told(reply.authority) == ["a.example. NS", "a.example. DS", "a.example. RRSIG(DS)"]


@pytest.mark.rfc(5155, "7.2.8")
def test_the_owner_of_an_nsec3_record_is_no_name_of_the_zone() -> None:
    """Appendix B has no case of it: this hash is that of example."""
    for rtype in ("NSEC3", "A"):
        reply = asked("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", rtype)
        assert reply.rcode == Rcode.NXDOMAIN
        assert len(hashes(reply)) >= 2


@pytest.mark.rfc(5155, "7.2.8")
def test_a_name_that_is_also_a_hash_answers_for_itself_alone() -> None:
    assert asked("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.").answer[0].type == Type.A
    assert asked("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "NSEC3").answer == ()


@pytest.mark.rfc(5155, "4")
def test_the_parameters_are_told_at_the_apex() -> None:
    reply = asked("example.", "NSEC3PARAM")
    assert signed.told(reply.answer) == ["example. NSEC3PARAM", "example. RRSIG(NSEC3PARAM)"]


@pytest.mark.rfc(9077, "3")
def test_records_live_no_longer_than_a_denial() -> None:
    short = signed.zone("example.", TEXT.replace("3600000 3600", "3600000 30"), Parameters())
    assert {rrset.ttl for rrset in asked("nope.example.", "A", short).authority} == {30}


def test_nsec_is_at_no_name() -> None:
    assert asked("ns1.example.", "NSEC").answer == ()
