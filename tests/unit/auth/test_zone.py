"""What a zone answers (resolver/auth/zone.py); the RFCs' own examples are under tests/conformance."""

from __future__ import annotations

import pytest

from resolver.auth.zone import MAX_ALIASES, Zone
from resolver.errors import ZoneError
from resolver.message import Class, Rcode, RRset, Type
from resolver.wire import names
from tests.support import zone_text

ZONE = """
x. 60 IN SOA ns.x. root.x. 1 2 3 4 5
x. 60 IN NS ns.x.
x. 60 IN NS ns.y.
ns.x. 60 IN A 192.0.2.1
Www.x. 60 IN A 192.0.2.2
www.x. 60 IN AAAA 2001:db8::2
mail.x. 60 IN MX 10 ns.x.
mail.x. 60 IN MX 20 www.x.
one.x. 60 IN CNAME two.x.
two.x. 60 IN CNAME www.x.
away.x. 60 IN CNAME www.y.
near.x. 60 IN CNAME bx.
ring.x. 60 IN CNAME round.x.
round.x. 60 IN CNAME RING.x.
self.x. 60 IN CNAME self.x.
to-cut.x. 60 IN CNAME a.cut.x.
cut.x. 60 IN NS ns.cut.x.
cut.x. 60 IN DS 1 8 9 00
ns.cut.x. 60 IN A 192.0.2.3
deep.cut.x. 60 IN NS ns.deep.cut.x.
*.wild.x. 60 IN A 192.0.2.1
"""


@pytest.fixture(scope="module")
def zone() -> Zone:
    return zone_text.zone("X.", ZONE)


def test_a_zone_knows_its_apex_its_soa_and_its_size(zone: Zone) -> None:
    assert zone.apex == b"\1x\0"
    assert zone_text.lines([zone.soa]) == ["x. 60 SOA ns.x. root.x. 1 2 3 4 5"]
    assert len(zone) == 21 == len(zone_text.lines(zone))


def test_a_zone_shows_what_it_holds_glue_included(zone: Zone) -> None:
    glue = zone.rrset(names.from_text("NS.cut.x."), Type.A)
    assert glue is not None
    assert zone_text.lines([glue]) == ["ns.cut.x. 60 A 192.0.2.3"]
    assert zone.rrset(names.from_text("ns.cut.x."), Type.AAAA) is None
    assert zone.rrset(names.from_text("none.x."), Type.A) is None


def test_names_come_before_those_below_them(zone: Zone) -> None:
    owners = [rrset.name for rrset in zone]
    assert owners[0] == zone.apex
    assert owners.index(names.from_text("cut.x.")) < owners.index(names.from_text("ns.cut.x."))


def test_data_come_with_the_name_servers_and_their_addresses(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("www.x.", "AAAA"))
    assert (reply.rcode, reply.aa, reply.ra) == (Rcode.NOERROR, True, False)
    assert zone_text.lines(reply.answer) == ["www.x. 60 AAAA 2001:db8::2"]
    assert zone_text.lines(reply.authority) == ["x. 60 NS ns.x.", "x. 60 NS ns.y."]
    assert zone_text.lines(reply.additional) == ["ns.x. 60 A 192.0.2.1"]


def test_an_address_that_is_the_answer_is_not_repeated(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("ns.x.", "A"))
    assert zone_text.lines(reply.answer) == ["ns.x. 60 A 192.0.2.1"]
    assert reply.additional == ()


def test_the_name_servers_are_not_repeated_when_they_are_the_answer(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("x.", "NS"))
    assert zone_text.lines(reply.answer) == ["x. 60 NS ns.x.", "x. 60 NS ns.y."]
    assert (reply.aa, reply.authority) == (True, ())
    assert zone_text.lines(reply.additional) == ["ns.x. 60 A 192.0.2.1"]


def test_a_host_that_serves_the_zone_and_its_mail_comes_once(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("mail.x.", "MX"))
    assert zone_text.lines(reply.additional) == [
        "Www.x. 60 A 192.0.2.2",
        "ns.x. 60 A 192.0.2.1",
        "www.x. 60 AAAA 2001:db8::2",
    ]


def test_a_chain_is_answered_from_its_beginning_to_its_end(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("one.x.", "A"))
    owners = [names.to_text(rrset.name) for rrset in reply.answer]
    assert owners == ["one.x.", "two.x.", "Www.x."]


@pytest.mark.parametrize("name", ["away.x.", "near.x."])
def test_a_chain_that_leaves_the_zone_ends_there(zone: Zone, name: str) -> None:
    reply = zone.answer(zone_text.question(name, "A"))
    assert (reply.rcode, reply.aa, len(reply.answer)) == (Rcode.NOERROR, True, 1)
    assert reply.authority == reply.additional == ()


@pytest.mark.parametrize(("name", "owners"), [("ring.x.", ["ring.x.", "round.x."]), ("self.x.", ["self.x."])])
def test_a_ring_of_aliases_is_answered_once_round(zone: Zone, name: str, owners: list[str]) -> None:
    reply = zone.answer(zone_text.question(name, "A"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert [names.to_text(rrset.name) for rrset in reply.answer] == owners


def test_a_long_chain_is_cut_off_and_can_be_taken_up_again() -> None:
    chain = [f"a{n}.x. 60 IN CNAME a{n + 1}.x." for n in range(MAX_ALIASES + 3)]
    zone = zone_text.zone("x.", "\n".join(("x. 60 IN SOA ns.x. root.x. 1 2 3 4 5", *chain)))
    reply = zone.answer(zone_text.question("a0.x.", "A"))
    assert (reply.rcode, len(reply.answer)) == (Rcode.NOERROR, MAX_ALIASES)
    assert names.to_text(reply.answer[-1].rdatas[0]) == f"a{MAX_ALIASES}.x."


def test_a_dname_that_makes_names_grow_is_cut_off() -> None:
    text = """
    x. 60 IN SOA ns.x. root.x. 1 2 3 4 5
    a.x. 60 IN DNAME c.b.x.
    b.x. 60 IN DNAME c.a.x.
    """
    reply = zone_text.zone("x.", text).answer(zone_text.question("w.a.x.", "A"))
    assert reply.rcode == Rcode.NOERROR
    assert len(reply.answer) == MAX_ALIASES + 2


@pytest.mark.parametrize(
    ("name", "rtype"),
    [("cut.x.", "NS"), ("cut.x.", "A"), ("ns.cut.x.", "A"), ("a.deep.cut.x.", "A"), ("a.cut.x.", "DS")],
)
def test_at_and_below_a_cut_there_is_a_referral_to_the_topmost(zone: Zone, name: str, rtype: str) -> None:
    reply = zone.answer(zone_text.question(name, rtype))
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, False, ())
    assert zone_text.lines(reply.authority) == ["cut.x. 60 NS ns.cut.x."]
    assert zone_text.lines(reply.additional) == ["ns.cut.x. 60 A 192.0.2.3"]


def test_the_ds_at_a_cut_is_answered_with_authority(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("cut.x.", "DS"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == ["cut.x. 60 DS 1 8 9 00"]


def test_an_alias_that_ends_in_a_referral_keeps_aa(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("to-cut.x.", "A"))
    assert (reply.rcode, reply.aa, len(reply.answer)) == (Rcode.NOERROR, True, 1)
    assert zone_text.lines(reply.authority) == ["cut.x. 60 NS ns.cut.x."]


@pytest.mark.rfc(3597, "3")
def test_a_type_that_nobody_knows_is_no_data(zone: Zone) -> None:
    assert zone.answer(zone_text.question("www.x.", "TYPE65280")).rcode == Rcode.NOERROR


def test_a_question_outside_the_zone_is_refused(zone: Zone) -> None:
    for name in ("y.", ".", "bx.", r"a\001x."):
        reply = zone.answer(zone_text.question(name, "A"))
        assert (reply.rcode, reply.aa, reply.answer) == (Rcode.REFUSED, False, ())
        assert reply.ede[0].code == 20


def test_the_spelling_of_a_wildcards_name_is_the_clients(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("A.WILD.x.", "A"))
    assert zone_text.lines(reply.answer) == ["A.WILD.x. 60 A 192.0.2.1"]


def test_a_zone_without_name_servers_is_answered_without() -> None:
    zone = zone_text.zone("x.", "x. 60 IN SOA ns.x. root.x. 1 2 3 4 5\nx. 60 IN TXT t")
    reply = zone.answer(zone_text.question("x.", "TXT"))
    assert (reply.aa, len(reply.answer), reply.authority, reply.additional) == (True, 1, (), ())
    assert zone.answer(zone_text.question("x.", "NS")).authority[0].type == Type.SOA


@pytest.mark.parametrize("soa", [None, b"", b"\0\0" + bytes(19)])
def test_a_zone_without_a_whole_soa_cannot_be_served(soa: bytes | None) -> None:
    rrsets = [RRset(b"\1x\0", Type.TXT, Class.IN, 60, (b"\1t",))]
    if soa is not None:
        rrsets.append(RRset(b"\1x\0", Type.SOA, Class.IN, 60, (soa,)))
    with pytest.raises(ZoneError, match=r"x\. has no whole SOA record; put one at the apex"):
        Zone(b"\1x\0", rrsets)


def test_the_special_names_of_a_zone_are_those_that_it_has_data_at_or_below() -> None:
    text = """
x. 60 IN SOA ns.x. root.x. 1 2 3 4 5
a.home.arpa. 60 IN A 192.0.2.1
b.c.local. 60 IN A 192.0.2.2
"""
    root = zone_text.zone(".", text.replace("x. 60", ". 60"))
    assert root.special == {names.from_text("home.arpa."), names.from_text("local.")}
    assert zone_text.zone("x.", text.split("a.home")[0]).special == frozenset()
