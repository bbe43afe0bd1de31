"""A zone whose file is signed is told as the zone was that signed it."""

from __future__ import annotations

import pytest

from resolver.auth.presigned import PresignedZone, zone_of
from resolver.auth.signed import SignedZone
from resolver.auth.zone import Zone
from resolver.dnssec import algorithms, keys
from resolver.dnssec.chains import NSEC3PARAM, Nsec, Parameters
from resolver.dnssec.sign import Signer
from resolver.errors import ZoneError
from resolver.message import Class, Question, Reply, RRset, Type
from tests.support import signed_zones as signed
from tests.support import zone_text
from tests.support.messages import name, rrset, sets

APEX = name("shop.test.")
LINES = (
    "shop.test. 300 IN SOA ns.shop.test. root.shop.test. 1 2 3 4 60",
    "shop.test. 300 IN NS ns.shop.test.",
    "ns.shop.test. 300 IN A 192.0.2.53",
    "www.shop.test. 300 IN A 192.0.2.80",
    "alias.shop.test. 300 IN CNAME www.shop.test.",
    "dead.shop.test. 300 IN CNAME nope.shop.test.",
    "deep.empty.shop.test. 300 IN TXT deep",
    "*.wild.shop.test. 300 IN TXT wild",
    "moved.shop.test. 300 IN DNAME deep.empty.shop.test.",
    "open.shop.test. 300 IN NS ns.open.shop.test.",
    "ns.open.shop.test. 300 IN A 192.0.2.54",
    "closed.shop.test. 300 IN NS ns.elsewhere.test.",
    f"closed.shop.test. 300 IN DS 1 13 2 {'0A' * 32}",
)
NAMES = (
    "shop.test.",
    "www.shop.test.",
    "WWW.shop.test.",
    "alias.shop.test.",
    "dead.shop.test.",
    "empty.shop.test.",
    "nope.shop.test.",
    "a.b.nope.shop.test.",
    "x.wild.shop.test.",
    "*.wild.shop.test.",
    "wild.shop.test.",
    "x.moved.shop.test.",
    "moved.shop.test.",
    "open.shop.test.",
    "x.open.shop.test.",
    "closed.shop.test.",
)
TYPES = ("A", "TXT", "NS", "DS", "SOA", "DNSKEY", "NSEC", "RRSIG", "DNAME", "MX")


def signing(parameters: Parameters | None) -> SignedZone:
    """The zone, signed here."""
    signer = Signer(APEX, keys.derived("tests", APEX, algorithms.ED25519))
    rrsets = [*sets(LINES), RRset(APEX, Type.DNSKEY, Class.IN, 300, signer.dnskeys)]
    if parameters is not None:
        rrsets.append(RRset(APEX, NSEC3PARAM, Class.IN, 0, (parameters.rdata,)))
    return SignedZone(APEX, rrsets, signer, parameters)


def filed(zone: SignedZone) -> list[RRset]:
    """What a file of `zone` has in it, the last first."""
    chain = zone._chain
    if isinstance(chain, Nsec):
        denials = [found for owner in zone._owners() if owner.types and (found := chain.at(owner.name)) is not None]
    else:
        denials = [chain._before(each) for each in chain._ordered[0]]
    whole = [*zone, *denials]
    made = [zone.signer.rrsig(each, signed.NOW) for each in whole]
    return [*(each for each in made if each is not None), *reversed(whole)]


KINDS = [None, Parameters(), Parameters(3, b"\xab"), Parameters(opt_out=True)]


@pytest.mark.parametrize("parameters", KINDS)
def test_all_is_told_as_the_zone_told_it_that_was_written(parameters):
    zone = signing(parameters)
    read = zone_of(name("Shop.Test."), filed(zone))
    assert isinstance(read, PresignedZone)
    assert len(read) == len(zone)
    for question in (Question(name(each), zone_text.question(each, rtype).type) for each in NAMES for rtype in TYPES):
        for do in (True, False):
            wanted = zone.answer(question, do, signed.NOW)
            assert shown(read.answer(question, do, signed.NOW)) == shown(wanted), (question, do)


def shown(reply: Reply) -> tuple[int, bool, list[str], list[str], list[str]]:
    """What a reply says."""
    sections = (reply.answer, reply.authority, reply.additional)
    return reply.rcode, reply.aa, *([line for one in each for line in zone_text.lines([one])] for each in sections)


def test_a_file_without_a_signature_of_its_soa_is_a_plain_zone():
    plain = zone_of(APEX, sets(LINES))
    assert type(plain) is Zone
    some = [each for each in filed(signing(None)) if not (each.type == Type.RRSIG and each.rdatas[0][:2] == b"\0\6")]
    assert type(zone_of(APEX, some)) is Zone


@pytest.mark.parametrize("denied", [Type.NSEC, Type.NSEC3])
def test_what_the_file_lacks_is_not_told(denied):
    rrsets = filed(signing(None if denied == Type.NSEC else Parameters()))
    zone = zone_of(APEX, [each for each in rrsets if each.type != denied])
    for each in ("nope.shop.test.", "www.shop.test.", "x.wild.shop.test."):
        reply = zone.answer(zone_text.question(each, "MX"), True)
        assert {rrset.type for rrset in reply.authority} == {Type.SOA, Type.RRSIG}
    assert zone.answer(zone_text.question("shop.test.", "NSEC"), True).answer == ()
    rrsets = [each for each in rrsets if each.type != Type.RRSIG or each.rdatas[0][:2] == b"\0\6"]
    reply = zone_of(APEX, rrsets).answer(zone_text.question("www.shop.test.", "A"), True)
    assert [each.type for each in reply.answer] == [Type.A]


def test_of_two_chains_that_is_told_which_the_apex_names():
    old, new = signing(Parameters(3, b"\xab")), signing(Parameters(0, b""))
    both = [*filed(new), *(each for each in filed(old) if each.type == Type.NSEC3)]
    question = zone_text.question("nope.shop.test.", "A")
    assert shown(zone_of(APEX, both).answer(question, True)) == shown(new.answer(question, True, signed.NOW))


def test_all_signatures_of_a_set_are_told():
    rrsets = filed(signing(None))
    (found,) = (each for each in rrsets if each.type == Type.RRSIG and each.name == name("www.shop.test.") and
                each.rdatas[0][:2] == b"\0\1")  # fmt: skip
    second = found._replace(rdatas=(found.rdatas[0][:-1] + bytes((found.rdatas[0][-1] ^ 1,)),))
    zone = zone_of(APEX, [*rrsets, second])
    assert len(zone.answer(zone_text.question("www.shop.test.", "A"), True).answer[1].rdatas) == 2
    assert len(zone.answer(zone_text.question("www.shop.test.", "RRSIG")).answer[0].rdatas) == 3


@pytest.mark.parametrize(
    ("owner", "data", "said"),
    [
        ("x", "1 0 9999 - " + "0" * 32, "shop.test. has NSEC3 of algorithm 1 with 9999 iterations; sign it with"),
        ("x", "2 0 1 - " + "0" * 32, "shop.test. has NSEC3 of algorithm 2 with 1 iterations; sign it with"),
        ("x", "1 0 1 - " + "0" * 32, "x.shop.test. is no name of an NSEC3 record; write the hash as 32 digits"),
        ("z" * 32, "1 0 1 - " + "0" * 32, f"{'z' * 32}.shop.test. is no name of an NSEC3 record; write the hash"),
    ],
)
def test_nsec3_that_cannot_be_used_is_told(owner, data, said):
    rrsets = [each for each in filed(signing(None)) if each.type != Type.NSEC]
    with pytest.raises(ZoneError, match=said):
        zone_of(APEX, [*rrsets, rrset(f"{owner}.shop.test. 60 IN NSEC3 {data} A")])
