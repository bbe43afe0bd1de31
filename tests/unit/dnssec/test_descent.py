"""Tests for `resolver.dnssec.descent`: the way down from an anchor, what it costs, and how long it is good for."""

from __future__ import annotations

import pytest

from resolver.dnssec.anchors import Anchor
from resolver.dnssec.descent import LINK_TTL_S
from resolver.dnssec.records import REVOKED, read_dnskey, read_ds
from resolver.dnssec.signatures import Keys
from resolver.dnssec.trust import Unsigned, Within
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import Proof, RRset, Status, Type
from resolver.wire import names
from tests.support.messages import name, rrset
from tests.support.signed import KSK, ZSK, colliding, key
from tests.support.signed_world import PLAIN, SignedZone, World, anchor_of, world

COM, EXAMPLE = name("com."), name("example.com.")
DATA = "www.example.com. 300 IN A 192.0.2.1"
KSK_EXAMPLE = key(13, KSK, "ksk example.com.")


def made(**example: object) -> World:
    return world(SignedZone("."), SignedZone("com."), SignedZone("example.com.", [DATA], **example))  # type: ignore[arg-type]


def status(there: World, qname: str = "www.example.com.", rtype: int = Type.A) -> Status:
    return there.resolve(qname, rtype).rrsets[0].status


def failure(there: World, qname: str = "www.example.com.", rtype: int = Type.A) -> str:
    with pytest.raises(ResolutionFailed) as caught:
        there.resolve(qname, rtype)
    return caught.value.tag


def with_ds(*rdatas: bytes, ttl: int = 3600) -> World:
    return made(delegate=lambda ds: ds._replace(rdatas=rdatas, ttl=ttl))


def test_the_way_down_is_looked_up_once_from_the_top() -> None:
    there = made()
    assert status(there) is Status.SECURE
    assert there.asked == [
        (".", Type.DNSKEY),
        ("com.", Type.DS),
        ("com.", Type.DNSKEY),
        ("example.com.", Type.DS),
        ("example.com.", Type.DNSKEY),
    ]
    there.held.clear()
    there.asked.clear()
    assert status(there) is Status.SECURE
    assert there.asked == []
    link = there.trust.link(EXAMPLE)
    assert isinstance(link, Keys)
    assert link.zone == EXAMPLE
    assert KSK_EXAMPLE.dnskey in link.keys


@pytest.mark.parametrize("ttl", [100, 2 * LINK_TTL_S])
def test_a_link_is_good_for_as_long_as_its_ds_and_its_keys_and_no_longer_than_an_hour(ttl: int) -> None:
    there = with_ds(KSK_EXAMPLE.ds("example.com."), ttl=ttl)
    status(there)
    there.clock.advance(min(ttl, LINK_TTL_S) - 1)
    assert there.trust.link(EXAMPLE) is not None
    there.clock.advance(1)
    assert there.trust.link(EXAMPLE) is None


def test_a_link_ends_with_its_keys() -> None:
    there = made()
    zone = there.zone("example.com.")
    zone.sets[EXAMPLE, Type.DNSKEY] = zone.sets[EXAMPLE, Type.DNSKEY]._replace(ttl=50)
    status(there)
    there.clock.advance(50)
    assert there.trust.link(EXAMPLE) is None
    assert there.trust.link(COM) is not None


def test_a_name_that_is_no_cut_is_remembered_as_such() -> None:
    there = made(resign=lambda data, found: () if data.type == Type.A else found)
    assert failure(there) == "SIGU"
    assert there.trust.link(name("www.example.com.")) == Within()
    zone = there.zone("example.com.")
    zone.add("tree.example.com. 300 IN DNAME www.example.com.")
    zone.alter = lambda message: (
        message._replace(rcode=0, answer=(rrset("a.b.nothing.example.com. 300 IN A 192.0.2.1"),), authority=())
        if message.question and message.question.type == Type.A
        else message
    )
    assert failure(there, "a.b.nothing.example.com.") == "SIGU"
    assert there.trust.link(name("nothing.example.com.")) == Within(absent=True)
    assert there.trust.link(name("b.nothing.example.com.")) is None


@pytest.mark.parametrize(
    ("line", "link"),
    [
        ("www.example.com. 300 IN CNAME x.example.com.", Within()),
        ("example.com. 300 IN DNAME x.example.com.", Within(absent=True)),
    ],
)
def test_an_alias_is_at_no_cut(line: str, link: Within) -> None:
    there = made()
    data = rrset(line)
    there.held[name("www.example.com."), Type.DS] = Answer(0, (data._replace(proof=Proof(Status.SECURE)),))
    there.zone("example.com.").resign = lambda data, found: () if data.type == Type.A else found
    assert failure(there) == "SIGU"
    assert there.trust.link(name("www.example.com.")) == link


@pytest.mark.parametrize("how", [Status.INSECURE, Status.INDETERMINATE])
def test_where_a_ds_is_not_secure_neither_is_what_is_below(how: Status) -> None:
    there = made()
    ds = there.zone("com.").sets[EXAMPLE, Type.DS]._replace(proof=Proof(how))
    there.held[EXAMPLE, Type.DS] = Answer(0, (ds,))
    assert status(there) is how
    assert there.trust.link(EXAMPLE) == Unsigned(EXAMPLE, how)


@pytest.mark.parametrize("proof", [None, Proof(Status.UNCHECKED)])
def test_a_ds_that_nobody_has_checked_proves_nothing(proof: Proof | None) -> None:
    there = made()
    ds = there.zone("com.").sets[EXAMPLE, Type.DS]._replace(proof=proof)
    for answer in (Answer(0, (ds,)), Answer(0, (), ds._replace(type=Type.SOA)), Answer(0)):
        there.held[EXAMPLE, Type.DS] = answer
        assert failure(there) == "DSNO"
        there.forget()


def test_a_denial_of_the_ds_that_does_not_say_what_the_name_is_is_bogus() -> None:
    there = made()
    soa = there.zone("com.").sets[COM, Type.SOA]
    there.held[EXAMPLE, Type.DS] = Answer(0, (), soa._replace(proof=Proof(Status.SECURE)))
    assert failure(there) == "DSUN"


@pytest.mark.parametrize("how", [Status.INSECURE, Status.UNCHECKED])
def test_keys_that_are_not_secure_make_nothing_secure(how: Status) -> None:
    there = made()
    keys = there.zone("example.com.").sets[EXAMPLE, Type.DNSKEY]._replace(proof=Proof(how))
    there.held[EXAMPLE, Type.DNSKEY] = Answer(0, (keys,))
    assert status(there) is how


@pytest.mark.rfc(4035, "5.2")
def test_of_many_ds_eight_are_tried() -> None:
    good = KSK_EXAMPLE.ds("example.com.")
    wrong = [good[:4] + bytes((number,)) * 32 for number in range(8)]
    assert failure(with_ds(*wrong, good)) == "KEYM"
    assert status(with_ds(*wrong[:7], good)) is Status.SECURE


def test_of_many_keys_with_the_tag_of_a_ds_two_are_tried() -> None:
    other = colliding(KSK_EXAMPLE.dnskey.tag)
    zsk = key(13, ZSK, "zsk example.com.")
    assert status(made(published=(other, KSK_EXAMPLE, zsk))) is Status.SECURE
    assert failure(made(published=(other, other, KSK_EXAMPLE, zsk))) == "KEYM"


@pytest.mark.rfc(4034, "5.1.1")
def test_a_ds_with_the_right_digest_and_another_tag_or_algorithm_names_no_key() -> None:
    good = KSK_EXAMPLE.ds("example.com.")
    assert failure(with_ds(bytes((good[0] ^ 1,)) + good[1:])) == "KEYM"
    assert failure(with_ds(good[:2] + b"\x08" + good[3:])) == "KEYM"


def test_a_ds_with_a_digest_of_another_length_names_no_key() -> None:
    there = made()
    ds = there.zone("com.").sets[EXAMPLE, Type.DS]._replace(proof=Proof(Status.SECURE))
    for digest in (ds.rdatas[0][4:-1], ds.rdatas[0][4:] + b"\0", b"\0"):
        there.held[EXAMPLE, Type.DS] = Answer(0, (ds._replace(rdatas=(ds.rdatas[0][:4] + digest,)),))
        assert failure(there) == "KEYM"
        there.forget()


def test_a_key_can_be_an_anchor_itself() -> None:
    example = SignedZone("example.com.", [DATA])
    there = world(SignedZone("."), SignedZone("com."), example, anchors=[anchor_of(example, as_key=True)])
    assert status(there) is Status.SECURE
    assert status(there, "example.com.", Type.DNSKEY) is Status.SECURE
    assert [each for each, _ in there.asked] == ["example.com."]


def test_an_anchor_with_a_digest_and_a_key_is_good_by_either() -> None:
    example = SignedZone("example.com.", [DATA])
    wrong = read_ds(b"\0\1\15\2" + bytes(32))
    unknown = read_ds(b"\0\1\x64\2" + bytes(32))
    key_itself = read_dnskey(example.ksk.rdata)
    for ds in (wrong, unknown):
        there = world(SignedZone("."), SignedZone("com."), example, anchors=[Anchor(EXAMPLE, (ds,), (key_itself,))])
        assert status(there) is Status.SECURE


@pytest.mark.rfc(5011, "2.1")
def test_an_anchor_whose_key_is_revoked_is_no_way_in() -> None:
    revoked = KSK_EXAMPLE.with_flags(KSK | REVOKED)
    example = SignedZone("example.com.", [DATA], keys=(revoked, key(13, ZSK, "zsk example.com.")))
    believed = Anchor(EXAMPLE, dnskeys=(KSK_EXAMPLE.dnskey,))
    assert failure(world(SignedZone("."), SignedZone("com."), example, anchors=[believed])) == "KEYR"


@pytest.mark.rfc(4035, "5.2")
def test_an_anchor_of_an_unknown_algorithm_makes_its_zone_insecure() -> None:
    example = SignedZone("example.com.", [DATA])
    unknown = Anchor(EXAMPLE, (read_ds(b"\0\1\x64\2" + bytes(32)),))
    there = world(SignedZone("."), SignedZone("com."), example, anchors=[unknown])
    assert status(there) is Status.INSECURE
    assert status(there, "example.com.", Type.DNSKEY) is Status.INSECURE
    assert there.asked == []


def test_an_anchor_that_is_not_the_zones_key_is_bogus() -> None:
    example = SignedZone("example.com.", [DATA])
    other = SignedZone("example.com.", keys=(key(13, KSK, "other"), key(13, ZSK, "other")))
    there = world(SignedZone("."), SignedZone("com."), example, anchors=[anchor_of(other)])
    assert failure(there) == "KEYM"
    there = world(SignedZone("."), SignedZone("com."), example, anchors=[anchor_of(other, as_key=True)])
    assert failure(there) == "KEYM"


def test_the_keys_of_a_name_that_is_no_cut_are_data_like_any_other() -> None:
    there = made()
    zone = there.zone("example.com.")
    own = key(13, KSK, "own")
    zone.sets[name("www.example.com."), Type.DNSKEY] = RRset(
        name("www.example.com."), Type.DNSKEY, 1, 300, (own.rdata,)
    )
    zone.resign = lambda data, found: (
        (zone.zsk.rrsig(data, "example.com."),) if data.name == name("www.example.com.") else found
    )
    assert status(there, "www.example.com.", Type.DNSKEY) is Status.SECURE
    zone.resign = lambda data, found: (
        (own.rrsig(data, "www.example.com."),)
        if data[:2] == (name("www.example.com."), Type.DNSKEY)
        else (zone.zsk.rrsig(data, "example.com."),)
        if data.type != Type.DNSKEY
        else found
    )
    there.forget()
    assert failure(there, "www.example.com.", Type.DNSKEY) == "SIGO"


@pytest.mark.parametrize("kind", [None, PLAIN], ids=["nsec", "nsec3"])
def test_labels_between_two_zones_are_no_cuts(kind: tuple[int, bytes, bool] | None) -> None:
    deep = SignedZone("d.c.b.example.com.", ["www.d.c.b.example.com. 300 IN A 192.0.2.1"])
    zones = SignedZone("com."), SignedZone("example.com.", [DATA], nsec3=kind), deep
    there = world(SignedZone("."), *zones)
    assert status(there, "www.d.c.b.example.com.") is Status.SECURE
    assert there.trust.link(name("c.b.example.com.")) == Within()
    assert ("www.d.c.b.example.com.", Type.DS) not in there.asked


def test_what_others_were_told_of_a_broken_chain_is_told_as_it_is() -> None:
    there = made()
    expired = ResolutionFailed("SIGX", 7, "RRSIG of com. DNSKEY by key 7 expired", label="bogus", own_limit=True)
    there.held[COM, Type.DNSKEY] = expired
    with pytest.raises(ResolutionFailed) as caught:
        there.resolve("www.example.com.")
    told = caught.value
    assert told is not expired
    assert (told.tag, told.code, told.label, told.own_limit, str(told)) == (
        "SIGX",
        7,
        "bogus",
        True,
        "RRSIG of com. DNSKEY by key 7 expired [SIGX]",
    )


def test_the_root_is_a_zone_like_any_other() -> None:
    there = world(SignedZone(".", ["top. 300 IN A 192.0.2.7"]))
    assert status(there, "top.") is Status.SECURE
    assert status(there, ".", Type.SOA) is Status.SECURE
    soa = there.resolve(".", Type.DS).soa
    assert soa is not None
    assert soa.status is Status.SECURE
    assert names.ROOT in there.trust.anchors
