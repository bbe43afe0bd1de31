"""Tests for `resolver.dnssec.chain`: what is secure, insecure and bogus in a world that dnspython signed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resolver.dnssec.gaps import Gaps
from resolver.dnssec.negative import NegativeAnchor, NegativeAnchors
from resolver.dnssec.records import REVOKED
from resolver.engine.budget import Limits
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import QR, Ede, Message, Rcode, RRset, Status, Type
from resolver.wire import names
from tests.support.messages import name, rrset
from tests.support.signed import DAY, KSK, NOW, ZSK, colliding, key
from tests.support.signed_world import PLAIN, Hash, SignedZone, World, anchor_of, world

SECURE, INSECURE, INDETERMINATE = Status.SECURE, Status.INSECURE, Status.INDETERMINATE

LINES = (
    "www.example.com. 300 IN A 192.0.2.1",
    "www.example.com. 300 IN A 192.0.2.9",
    "a.ent.example.com. 300 IN A 192.0.2.4",
    "alias.example.com. 300 IN CNAME www.example.com.",
    "*.wild.example.com. 300 IN A 192.0.2.2",
    "*.walias.example.com. 300 IN CNAME www.example.com.",
    "tree.example.com. 60 IN DNAME www.example.com.",
    "out.example.com. 60 IN CNAME a.unsigned.com.",
    "away.example.com. 60 IN DNAME unsigned.com.",
)
UNSIGNED = ("a.unsigned.com. 300 IN A 192.0.2.3", "b.x.unsigned.com. 300 IN A 192.0.2.3")
OPT_OUT: Hash = (0, b"", True)
SALTED: Hash = (5, b"\xab\xcd", False)
KINDS = {"nsec": None, "nsec3": PLAIN, "salted": SALTED, "opt-out": OPT_OUT}


def made(kind: Hash | None = None, parent: Hash | None = None, **example: object) -> World:
    """The root, com., example.com. as `example` says, and the unsigned zone unsigned.com."""
    return world(
        SignedZone(".", nsec3=None),
        SignedZone("com.", nsec3=parent),
        SignedZone("example.com.", LINES, nsec3=kind, **example),  # type: ignore[arg-type]
        SignedZone("unsigned.com.", UNSIGNED, signed=False),
    )


def statuses(answer: Answer) -> list[tuple[str, Status]]:
    listed = [*answer.rrsets, *([] if answer.soa is None else [answer.soa])]
    return [(Type(each.type).name, each.status) for each in listed]


def bogus(there: World, qname: str, rtype: int = Type.A) -> tuple[str, int, str]:
    with pytest.raises(ResolutionFailed) as caught:
        there.resolve(qname, rtype)
    failure = caught.value
    assert failure.label == "bogus"
    assert failure.rcode == Rcode.SERVFAIL
    assert not failure.own_limit
    return failure.tag, failure.code, failure.text


@pytest.mark.rfc(4035, "5")
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_is_signed_is_secure(kind: Hash | None) -> None:
    there = made(kind)
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    assert statuses(there.resolve("WWW.Example.COM.")) == [("A", SECURE)]
    assert statuses(there.resolve("alias.example.com.")) == [("CNAME", SECURE), ("A", SECURE)]
    assert statuses(there.resolve("alias.example.com.", Type.CNAME)) == [("CNAME", SECURE)]
    assert statuses(there.resolve("example.com.", Type.SOA)) == [("SOA", SECURE)]
    assert statuses(there.resolve("example.com.", Type.DS)) == [("DS", SECURE)]
    assert statuses(there.resolve(".", Type.DNSKEY)) == [("DNSKEY", SECURE)]


@pytest.mark.rfc(4035, "5.4")
@pytest.mark.parametrize("kind", [None, PLAIN, SALTED], ids=["nsec", "nsec3", "salted"])
def test_what_is_proven_to_be_missing_is_secure(kind: Hash | None) -> None:
    there = made(kind)
    for qname in ("nothing.example.com.", "a.b.nothing.example.com.", "nothing.com.", "nothing."):
        answer = there.resolve(qname)
        assert (answer.rcode, statuses(answer)) == (Rcode.NXDOMAIN, [("SOA", SECURE)])
        assert answer.soa is not None
        assert answer.soa.proof is not None
        assert all(each.status is SECURE and each.proof.signatures for each in answer.soa.proof.beside if each.proof)
    for qname in ("www.example.com.", "example.com.", "ent.example.com.", "b.wild.example.com."):
        answer = there.resolve(qname, Type.AAAA)
        assert (answer.rcode, statuses(answer)) == (Rcode.NOERROR, [("SOA", SECURE)])
    assert statuses(there.resolve("alias.example.com.", Type.AAAA)) == [("CNAME", SECURE), ("SOA", SECURE)]
    assert statuses(there.resolve("www.example.com.", Type.DNSKEY)) == [("SOA", SECURE)]


@pytest.mark.rfc(4035, "5.3.4")
@pytest.mark.rfc(5155, "8.8")
@pytest.mark.parametrize("kind", [None, PLAIN, SALTED], ids=["nsec", "nsec3", "salted"])
def test_what_a_wildcard_was_expanded_to_is_secure_with_its_proof_beside_it(kind: Hash | None) -> None:
    there = made(kind)
    (found,) = there.resolve("x.y.wild.example.com.").rrsets
    assert found.status is SECURE
    assert found.proof is not None
    assert len(found.proof.beside) == 1
    assert found.proof.beside[0].status is SECURE
    assert statuses(there.resolve("x.walias.example.com.")) == [("CNAME", SECURE), ("A", SECURE)]
    (wildcard,) = there.resolve("*.wild.example.com.").rrsets
    assert wildcard.proof is not None
    assert (wildcard.status, wildcard.proof.beside) == (SECURE, ())


@pytest.mark.rfc(4035, "5.3.4")
@pytest.mark.parametrize("kind", [None, PLAIN], ids=["nsec", "nsec3"])
def test_what_a_wildcard_was_expanded_to_without_proof_is_bogus(kind: Hash | None) -> None:
    there = made(kind, alter=without_denials)
    assert bogus(there, "x.wild.example.com.")[:2] == ("NSUN", 12)
    assert bogus(there, "x.walias.example.com.")[:2] == ("NSUN", 12)


@pytest.mark.rfc(4035, "5.3.4")
def test_a_wildcard_does_not_stand_for_a_name_that_is_there() -> None:
    there = made()
    zone = there.zone("example.com.")
    zone.add("there.wild.example.com. 300 IN A 192.0.2.8")
    wildcard = zone.sets[name("*.wild.example.com."), Type.A]

    def replayed(message: Message) -> Message:
        if message.question is None or message.question.type != Type.A:
            return message
        denial = tuple(zone.denial(name("other.wild.example.com."), missing=True))
        return message._replace(answer=tuple(zone.told(wildcard, name("there.wild.example.com."))), authority=denial)

    zone.alter = replayed
    assert bogus(there, "there.wild.example.com.")[0] == "NSUN"


@pytest.mark.rfc(4035, "5.3.4")
def test_a_signature_that_somebody_added_does_not_have_what_came_beside_believed() -> None:
    """One with fewer labels says of a name that is there that a wildcard was expanded to it; the other one holds."""
    there = made()
    zone, gaps = there.zone("example.com."), Gaps()
    denial = there.resolve("nothing.example.com.").soa
    assert denial is not None
    assert denial.proof is not None
    gaps.learn(zone.name, denial, denial.proof.beside, 0, NOW)
    forged = rrset("a.example.com. 300 IN NSEC z.example.com. A")
    rrsig = key(13, ZSK, "attacker").rrsig(forged, "example.com.")

    def alter(message: Message) -> Message:
        data, signed = message.answer
        fewer = signed.rdatas[0][:3] + b"\x02" + signed.rdatas[0][4:]
        return message._replace(
            answer=(data, signed._replace(rdatas=(*signed.rdatas, fewer))),
            authority=(forged, RRset(forged.name, Type.RRSIG, 1, 300, (rrsig,))),
        )

    zone.alter = alter
    (found,) = there.resolve("www.example.com.").rrsets
    assert found.proof is not None
    assert (found.status, found.proof.beside) == (SECURE, ())
    assert gaps.learn_expanded(found, 0, NOW) is None


@pytest.mark.rfc(6672, "5.3.1")
def test_an_alias_that_a_dname_made_is_as_good_as_the_dname() -> None:
    there = made()
    assert statuses(there.resolve("tree.example.com.", Type.DNAME)) == [("DNAME", SECURE)]
    answer = there.resolve("a.tree.example.com.")
    assert answer.rcode == Rcode.NXDOMAIN
    assert statuses(answer) == [("DNAME", SECURE), ("CNAME", SECURE), ("SOA", SECURE)]
    assert answer.rrsets[1].ttl == answer.rrsets[0].ttl == 60
    for asked in (Type.CNAME, Type.ANY):
        assert statuses(there.resolve("a.tree.example.com.", asked)) == [("DNAME", SECURE), ("CNAME", SECURE)]


@pytest.mark.rfc(6672, "5.3.1")
def test_an_alias_beside_a_dname_that_the_dname_did_not_make_has_to_be_signed() -> None:
    there = made()
    forged = rrset("tree.example.com. 60 IN CNAME attacker.net.")
    there.zone("example.com.").alter = lambda message: (
        message._replace(answer=(*message.answer, forged))
        if message.question and message.question.type == Type.ANY
        else message
    )
    assert bogus(there, "tree.example.com.", Type.ANY)[:2] == ("SIGU", 10)


@pytest.mark.rfc(6672, "5.3.1")
def test_an_alias_that_a_dname_without_a_signature_made_is_bogus() -> None:
    there = made(resign=lambda data, found: () if data.type == Type.DNAME else found)
    assert bogus(there, "a.tree.example.com.")[:2] == ("SIGU", 10)


@pytest.mark.rfc(4035, "4.3")
def test_each_link_of_a_chain_has_a_status_of_its_own() -> None:
    there = made()
    assert statuses(there.resolve("out.example.com.")) == [("CNAME", SECURE), ("A", INSECURE)]
    answer = there.resolve("a.away.example.com.")
    assert statuses(answer) == [("DNAME", SECURE), ("CNAME", SECURE), ("A", INSECURE)]


@pytest.mark.rfc(4035, "5.2")
@pytest.mark.parametrize("parent", KINDS.values(), ids=KINDS)
def test_what_is_below_an_unsigned_delegation_is_insecure(parent: Hash | None) -> None:
    there = made(parent=parent)
    assert statuses(there.resolve("a.unsigned.com.")) == [("A", INSECURE)]
    assert statuses(there.resolve("b.x.unsigned.com.")) == [("A", INSECURE)]
    answer = there.resolve("nothing.unsigned.com.")
    assert (answer.rcode, statuses(answer)) == (Rcode.NXDOMAIN, [("SOA", INSECURE)])
    assert [each for each, rtype in there.asked if "unsigned" in each] == ["unsigned.com."]


@pytest.mark.rfc(4035, "5.2")
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_referrals_said_of_a_ds_is_not_asked_for(kind: Hash | None) -> None:
    there = made(parent=kind)
    com = there.zone("com.")
    there.trust.referred(name("example.com."), referral(com.told(com.sets[name("example.com."), Type.DS])))
    there.trust.referred(name("unsigned.com."), referral(com.denial(name("unsigned.com."), missing=False)))
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    assert statuses(there.resolve("a.unsigned.com.")) == [("A", INSECURE)]
    assert [each for each, rtype in there.asked if rtype == Type.DS] == ["com."]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_labels_between_a_zone_and_a_cut_that_a_referral_told_of_cost_nothing(kind: Hash | None, signed: bool) -> None:
    """A name of the reverse tree has 34 labels and five zones or more above it, and is proven with what a query has."""
    apexes = ["arpa.", "ip6.arpa.", "0.a.2.ip6.arpa.", "1.2.3.4.5.0.a.2.ip6.arpa."]
    last = f"a.b.c.d.{apexes[-1]}"
    asked = f"{'0.' * 19}1.{last}"
    zones = [SignedZone(each, nsec3=kind if len(each) > 9 else None) for each in (".", *apexes)]
    below = SignedZone(last, [f"{asked} 300 IN PTR host.example."], nsec3=kind, signed=signed)
    there = world(*zones, below)
    for above, cut in zip(zones, [*zones[1:], below], strict=True):
        ds = above.sets.get((cut.name, Type.DS))
        told = above.denial(cut.name, missing=False) if ds is None else above.told(ds)
        there.trust.referred(cut.name, referral(told))
    assert statuses(there.resolve(asked, Type.PTR)) == [("PTR", SECURE if signed else INSECURE)]
    assert {rtype for _, rtype in there.asked} == {Type.DNSKEY}
    assert len(there.asked) == (6 if signed else 5)


def test_what_referrals_said_without_a_good_signature_is_asked_for() -> None:
    there = made()
    com, ds = there.zone("com."), there.zone("com.").sets[name("example.com."), Type.DS]
    forged = ds._replace(rdatas=(bytes(36),))
    signatures = com.told(ds)[1:]
    there.trust.referred(name("example.com."), referral([forged, *signatures]))
    there.trust.referred(name("unsigned.com."), referral(com.told(com.sets[com.name, Type.SOA])))
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    assert statuses(there.resolve("a.unsigned.com.")) == [("A", INSECURE)]
    assert ("example.com.", Type.DS) in there.asked
    there.forget()
    there.trust.referred(name("example.com."), referral([*com.denial(name("unsigned.com."), missing=False)]))
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    there.forget()
    there.trust.referred(name("example.com."), referral([ds]))
    assert there.trust.said_of_ds(name("example.com.")) == ()


def test_a_ds_that_a_wildcard_was_expanded_to_is_not_the_one_of_a_delegation() -> None:
    there = made()
    com, ds = there.zone("com."), there.zone("com.").sets[name("example.com."), Type.DS]
    wildcard = ds._replace(name=name("*.com."), rdatas=(key(13, KSK, "attacker").ds("example.com."),))
    there.trust.referred(name("example.com."), referral(com.told(wildcard, name("example.com."))))
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    com.sets[name("*.com."), Type.DS] = wildcard
    com.alter = lambda message: (
        message._replace(answer=tuple(com.told(wildcard, name("example.com."))))
        if message.question and message.question[:2] == (name("example.com."), Type.DS)
        else message
    )
    there.forget()
    assert bogus(there, "www.example.com.")[0] == "SIGP"


@pytest.mark.rfc(4035, "5.2")
def test_a_zone_that_signs_without_a_ds_is_insecure() -> None:
    there = made(delegate=lambda ds: None)
    assert statuses(there.resolve("www.example.com.")) == [("A", INSECURE)]
    assert statuses(there.resolve("example.com.", Type.DNSKEY)) == [("DNSKEY", INSECURE)]
    assert statuses(there.resolve("nothing.example.com.")) == [("SOA", INSECURE)]
    assert statuses(there.resolve("example.com.", Type.DS)) == [("SOA", SECURE)]


@pytest.mark.rfc(5155, "9.2")
def test_a_denial_from_an_opted_out_span_is_insecure() -> None:
    there = made(OPT_OUT)
    answer = there.resolve("nothing.example.com.")
    assert (answer.rcode, statuses(answer)) == (Rcode.NXDOMAIN, [("SOA", INSECURE)])
    assert statuses(there.resolve("x.wild.example.com.")) == [("A", INSECURE)]


@pytest.mark.rfc(4035, "5")
def test_an_answer_without_signatures_in_a_signed_zone_is_bogus() -> None:
    there = made(resign=lambda data, found: () if data.type == Type.A else found)
    tag, code, text = bogus(there, "www.example.com.")
    assert (tag, code) == ("SIGU", 10)
    assert text == "www.example.com. A has no RRSIG, though example.com. is signed"
    assert bogus(there, "alias.example.com.")[:2] == ("SIGU", 10)
    assert statuses(there.resolve("alias.example.com.", Type.CNAME)) == [("CNAME", SECURE)]


@pytest.mark.parametrize(("qname", "links"), [("alias.example.com.", 2), ("x.tree.example.com.", 3)])
def test_what_follows_an_alias_without_a_signature_is_asked_for_and_not_believed(qname: str, links: int) -> None:
    there = made()
    proper = there.resolve(qname)
    forged = rrset("www.example.com. 300 IN A 203.0.113.1")
    forged = forged._replace(name=next(each for each in proper.rrsets if each.type == Type.CNAME).rdatas[0])

    def alter(message: Message) -> Message:
        if message.question is None or message.question.name != name(qname):
            return message
        return message._replace(answer=(*message.answer[:links], forged), authority=(), rcode=0)

    there.zone("example.com.").alter = alter
    assert there.resolve(qname) == proper
    there.zone("example.com.").alter = lambda message: alter(message)._replace(answer=message.answer[:links])
    assert there.resolve(qname) == proper


def test_what_stands_beside_an_alias_without_a_signature_is_bogus() -> None:
    there = made()
    forged = rrset("alias.example.com. 300 IN TXT forged")
    there.zone("example.com.").alter = lambda message: (
        message._replace(answer=(*message.answer[:2], forged))
        if message.question and message.question.type == Type.ANY
        else message
    )
    assert bogus(there, "alias.example.com.", Type.ANY)[:2] == ("SIGU", 10)


@pytest.mark.rfc(4035, "5")
def test_a_forged_answer_below_a_name_that_is_no_cut_is_bogus() -> None:
    """Who forges cannot have a name taken for an unsigned zone: the walk down to it finds no delegation."""
    there = made()

    def forged(message: Message) -> Message:
        assert message.question is not None
        data = rrset("www.example.com. 300 IN A 203.0.113.1")._replace(name=message.question.name)
        return message._replace(rcode=0, answer=(data,), authority=())

    there.zone("example.com.").alter = lambda message: (
        forged(message) if message.question and message.question.type == Type.A else message
    )
    for qname in ("www.example.com.", "x.www.example.com.", "a.b.nothing.example.com.", "ent.example.com."):
        assert bogus(there, qname)[:2] == ("SIGU", 10)
    assert ("b.nothing.example.com.", Type.DS) not in there.asked


@pytest.mark.rfc(4035, "5.4")
def test_a_forged_denial_is_bogus_whatever_zone_its_soa_names() -> None:
    there = made()
    soa = rrset("www.example.com. 300 IN SOA ns. who. 1 2 3 4 5")

    def forged(owner: str) -> Callable[[Message], Message]:
        def alter(message: Message) -> Message:
            if message.question is None or message.question.type != Type.A:
                return message
            return message._replace(rcode=3, answer=(), authority=(soa._replace(name=name(owner)),))

        return alter

    for owner in ("example.com.", "www.example.com."):
        there.zone("example.com.").alter = forged(owner)
        assert bogus(there, "www.example.com.")[:2] == ("SIGU", 10)


@pytest.mark.rfc(4035, "5.4")
@pytest.mark.parametrize("kind", [None, PLAIN], ids=["nsec", "nsec3"])
def test_a_denial_without_its_records_is_bogus(kind: Hash | None) -> None:
    there = made(kind, alter=without_denials)
    assert bogus(there, "nothing.example.com.")[:2] == ("NSUN", 12)
    assert bogus(there, "www.example.com.", Type.AAAA)[:2] == ("NSUN", 12)


def test_a_denial_without_a_soa_has_to_be_proven_in_a_signed_zone_and_only_there() -> None:
    there = made(alter=without_soa)
    there.zone("unsigned.com.").alter = without_soa
    for denied, rcode in (("www.example.com.", 0), ("nothing.example.com.", Rcode.NXDOMAIN)):
        answer = there.resolve(denied, Type.AAAA)
        assert answer.rcode == rcode
        assert answer.soa is not None
        assert (answer.soa.rdatas, answer.soa.status) == ((), Status.SECURE), "what holds the proof is no SOA"
        assert answer.soa.proof is not None
        assert {each.type for each in answer.soa.proof.beside} == {Type.NSEC}
    assert there.resolve("a.unsigned.com.", Type.AAAA) == Answer(0)
    there.zone("example.com.").alter = lambda message: without_denials(without_soa(message))
    assert bogus(there, "www.example.com.", Type.AAAA)[:2] == ("NSUN", 12)
    assert bogus(there, "nothing.example.com.")[:2] == ("NSUN", 12)


@pytest.mark.rfc(4035, "5.2")
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_denial_of_a_ds_without_a_soa_proves_an_unsigned_delegation(kind: Hash | None) -> None:
    there = made(parent=kind)
    there.zone("com.").alter = without_all_soa
    assert statuses(there.resolve("a.unsigned.com.")) == [("A", INSECURE)]
    there.forget()
    there.zone("com.").alter = lambda message: without_denials(without_all_soa(message))
    assert bogus(there, "a.unsigned.com.")[:2] == ("NSUN", 12)


@pytest.mark.rfc(4035, "5.4")
def test_a_denial_whose_records_are_broken_tells_how() -> None:
    def late(data: RRset, found: tuple[bytes, ...]) -> tuple[bytes, ...]:
        if data.type != Type.NSEC:
            return found
        zsk = key(13, ZSK, "zsk example.com.")
        return (zsk.rrsig(data, "example.com.", begins=NOW - 3 * DAY, expires=NOW - DAY),)

    assert bogus(made(resign=late), "nothing.example.com.")[:2] == ("SIGX", 7)


@pytest.mark.rfc(4035, "5.4")
def test_a_denial_is_no_proof_of_another_name() -> None:
    there = made()
    zone = there.zone("example.com.")
    denial = zone.told(zone.sets[zone.name, Type.SOA]) + zone.denial(name("nothing.example.com."), missing=True)
    zone.alter = lambda message: (
        message._replace(rcode=3, answer=(), authority=tuple(denial))
        if message.question and message.question.type == Type.A
        else message
    )
    assert bogus(there, "www.example.com.")[0] == "NSUN"


@pytest.mark.rfc(9276, "3.2")
def test_too_many_iterations_are_insecure_and_far_too_many_bogus() -> None:
    there = made((100, b"", False))
    answer = there.resolve("nothing.example.com.")
    assert (answer.rcode, statuses(answer)) == (Rcode.NXDOMAIN, [("SOA", INSECURE)])
    (told,) = there.trust.told(name("nothing.example.com."))
    assert (told.code, told.text[-6:]) == (27, "[ITER]")
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    assert bogus(made((151, b"", False)), "nothing.example.com.")[:2] == ("NSUN", 27)
    delegated = made(parent=(100, b"", False))
    assert statuses(delegated.resolve("a.unsigned.com.")) == [("A", INSECURE)]
    assert [each.code for each in delegated.trust.told(name("a.unsigned.com."))] == [27]


@pytest.mark.rfc(4035, "5.2")
def test_a_zone_of_unknown_algorithms_is_insecure_and_it_can_be_told_why() -> None:
    there = made(delegate=lambda ds: ds._replace(rdatas=tuple(each[:2] + b"\x64" + each[3:] for each in ds.rdatas)))
    assert statuses(there.resolve("www.example.com.")) == [("A", INSECURE)]
    (told,) = there.trust.told(name("www.example.com."))
    assert told == Ede(1, "example.com. has keys of algorithms that are not known here: 100 [ALGO]")
    assert statuses(there.resolve("example.com.", Type.DNSKEY)) == [("DNSKEY", INSECURE)]


@pytest.mark.rfc(4035, "5.2")
def test_a_zone_with_unknown_digests_is_insecure_and_it_can_be_told_why() -> None:
    there = made(delegate=lambda ds: ds._replace(rdatas=tuple(each[:3] + b"\x64" + each[4:] for each in ds.rdatas)))
    assert statuses(there.resolve("www.example.com.")) == [("A", INSECURE)]
    (told,) = there.trust.told(name("www.example.com."))
    assert (told.code, told.text) == (2, "example.com. has a DS with digests that are not known here: 100 [DGST]")
    assert there.trust.told(name("www.example.net.")) == ()


@pytest.mark.rfc(4509, "3")
def test_sha1_counts_only_where_there_is_nothing_better() -> None:
    ksk = key(13, KSK, "ksk example.com.")
    weak, strong = ksk.ds("example.com.", "SHA1"), ksk.ds("example.com.")
    wrong = strong[:-1] + bytes((strong[-1] ^ 1,))
    assert statuses(made(delegate=lambda ds: ds._replace(rdatas=(weak,))).resolve("www.example.com.")) == [
        ("A", SECURE)
    ]
    assert bogus(made(delegate=lambda ds: ds._replace(rdatas=(weak, wrong))), "www.example.com.")[0] == "KEYM"


@pytest.mark.rfc(6840, "5.11")
@pytest.mark.parametrize("signing", [8, 13])
def test_one_algorithm_of_several_suffices(signing: int) -> None:
    keys = {each: (key(each, KSK, "k example.com."), key(each, ZSK, "z example.com.")) for each in (8, 13)}
    ksk, zsk = keys[signing]

    def resigned(data: RRset, _: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return ((ksk if data.type == Type.DNSKEY else zsk).rrsig(data, "example.com."),)

    there = made(
        published=(*keys[8], *keys[13]),
        resign=resigned,
        delegate=lambda ds: ds._replace(rdatas=(keys[8][0].ds("example.com."), keys[13][0].ds("example.com."))),
    )
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]


@pytest.mark.parametrize("algorithm", [5, 7, 8, 10, 14, 15, 16])
def test_zones_of_each_algorithm_are_secure(algorithm: int) -> None:
    there = made(algorithm=algorithm)
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]


@pytest.mark.rfc(4035, "5.2")
def test_keys_that_no_ds_names_are_bogus() -> None:
    ksk = key(13, KSK, "ksk example.com.")
    there = made(delegate=lambda ds: ds._replace(rdatas=(ds.rdatas[0][:4] + bytes(32),)))
    tag, code, text = bogus(there, "www.example.com.")
    assert (tag, code) == ("KEYM", 9)
    number = ksk.dnskey.tag
    assert text == f"none of the keys of example.com. is one that its DS or trust anchor names ({number})"
    missing = made(published=(key(13, ZSK, "zsk example.com."),))
    assert bogus(missing, "nothing.example.com.")[:2] == ("KEYM", 9)


@pytest.mark.rfc(5011, "2.1")
def test_a_revoked_key_is_no_way_into_a_zone() -> None:
    revoked = key(13, KSK, "ksk example.com.").with_flags(KSK | REVOKED)
    there = made(keys=(revoked, key(13, ZSK, "zsk example.com.")))
    tag, code, text = bogus(there, "www.example.com.")
    assert (tag, code) == ("KEYR", 9)
    assert text == f"the key {revoked.dnskey.tag} of example.com., which its DS or trust anchor names, is revoked"


@pytest.mark.rfc(4034, "5.2")
def test_a_ds_of_a_key_that_is_no_zone_key_is_no_way_into_a_zone() -> None:
    plain = key(13, KSK, "ksk example.com.").with_flags(1)
    assert bogus(made(keys=(plain, key(13, ZSK, "zsk example.com."))), "www.example.com.")[:2] == ("SIGZ", 11)


@pytest.mark.rfc(4035, "5.2")
def test_keys_that_are_not_signed_by_the_one_that_the_ds_names_are_bogus() -> None:
    def by_zsk(data: RRset, found: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return (key(13, ZSK, "zsk example.com.").rrsig(data, "example.com."),) if data.type == Type.DNSKEY else found

    assert bogus(made(resign=by_zsk), "www.example.com.")[:2] == ("SIGK", 9)


@pytest.mark.rfc(4035, "5.2")
def test_a_zone_without_keys_that_has_a_ds_is_bogus() -> None:
    there = made()
    del there.zone("example.com.").sets[name("example.com."), Type.DNSKEY]
    assert bogus(there, "www.example.com.")[:2] == ("KEYN", 9)
    assert bogus(there, "example.com.", Type.DNSKEY)[:2] == ("KEYN", 9)


@pytest.mark.rfc(4035, "5.2")
@pytest.mark.parametrize("gone", [Type.DS, Type.SOA, Type.NSEC])
def test_a_delegation_whose_proof_was_taken_away_is_bogus(gone: int) -> None:
    """Who takes the DS away, or the denial of one, does not make a zone unsigned."""
    there = made()
    there.zone("com.").resign = lambda data, found: () if data.type == gone else found
    below = "www.example.com." if gone == Type.DS else "a.unsigned.com."
    assert bogus(there, below)[1] in (10, 12)


@pytest.mark.rfc(4035, "5.2")
def test_a_ds_that_the_child_signed_is_bogus() -> None:
    there = made()
    by_child = key(13, ZSK, "zsk example.com.")
    there.zone("com.").resign = lambda data, found: (
        (by_child.rrsig(data, "example.com."),) if data.type == Type.DS else found
    )
    assert bogus(there, "example.com.", Type.DS)[:2] == ("SIGO", 6)
    assert bogus(there, "www.example.com.")[:2] == ("SIGO", 6)


@pytest.mark.rfc(6840, "4.4")
def test_the_childs_denial_of_its_ds_says_nothing_of_the_delegation() -> None:
    there = made()
    zone = there.zone("example.com.")
    authority = tuple(zone.told(zone.sets[zone.name, Type.SOA]) + zone.denial(zone.name, missing=False))
    com = there.zone("com.")
    com.alter = lambda message: (
        message._replace(answer=(), authority=authority)
        if message.question and message.question.type == Type.DS and message.question.name == zone.name
        else message
    )
    assert bogus(there, "www.example.com.")[0] == "SIGO"


def test_an_unsigned_zone_of_the_configuration_that_the_zone_above_denies_is_told_what_to_set() -> None:
    """As what a company calls corp. and has servers for: those above prove that it does not exist."""
    there = made()
    there.zone("example.com.").resign = lambda data, found: () if data.type == Type.A else found
    there.asked_of = lambda question, zone: name("ent.example.com.") if question.type == Type.A else zone
    tag, code, text = bogus(there, "a.ent.example.com.")
    assert (tag, code) == ("SIGU", 10)
    assert text == (
        "a.ent.example.com. A has no RRSIG, though example.com. is signed, and proves that there is no zone"
        ' ent.example.com.; if it is meant, set dnssec.negative_trust_anchors = ["ent.example.com."]'
    )
    there.trust.negatives = NegativeAnchors([NegativeAnchor(name("ent.example.com."))])
    assert statuses(there.resolve("a.ent.example.com.")) == [("A", INSECURE)]


@pytest.mark.rfc(4035, "5.3.1")
def test_a_zone_above_the_cut_does_not_sign_what_is_below() -> None:
    by_parent = key(13, ZSK, "zsk com.")
    there = made(resign=lambda data, found: (by_parent.rrsig(data, "com."),) if data.type == Type.A else found)
    assert bogus(there, "www.example.com.")[:2] == ("SIGO", 6)


@pytest.mark.rfc(4035, "5.3.1")
def test_signatures_of_a_name_that_is_no_zone_do_no_harm_and_no_good() -> None:
    own = key(13, ZSK, "own")
    there = made(resign=lambda data, found: (*found, own.rrsig(data, "www.example.com.")) if data.type == 1 else found)
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    alone = made(resign=lambda data, found: (own.rrsig(data, "www.example.com."),) if data.type == 1 else found)
    assert bogus(alone, "www.example.com.")[:2] == ("SIGO", 6)


def test_a_zone_and_the_one_above_it_may_have_the_same_server() -> None:
    """What is signed by a zone below the one that was asked is proven by that."""
    there = made()
    there.asked_of = lambda question, zone: name("com.") if zone == name("example.com.") else zone
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    assert statuses(there.resolve("nothing.example.com.")) == [("SOA", SECURE)]
    there.asked_of = lambda question, zone: names.ROOT  # as of a server that recurses
    there.forget()
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    assert statuses(there.resolve("a.unsigned.com.")) == [("A", INSECURE)]
    assert statuses(there.resolve("x.unsigned.com.")) == [("SOA", INSECURE)]


@pytest.mark.rfc(4035, "4.3")
def test_what_no_trust_anchor_is_above_is_indeterminate() -> None:
    zones = SignedZone("."), SignedZone("com."), SignedZone("example.com.", LINES), SignedZone("net.", signed=False)
    zones[3].add("www.net. 300 IN A 192.0.2.5")
    there = world(*zones, anchors=[anchor_of(zones[2])])
    assert statuses(there.resolve("www.example.com.")) == [("A", SECURE)]
    assert statuses(there.resolve("com.", Type.SOA)) == [("SOA", INDETERMINATE)]
    assert statuses(there.resolve("www.net.")) == [("A", INDETERMINATE)]
    assert [each for each, _ in there.asked] == ["example.com."]


def test_a_signed_zone_below_an_unsigned_one_is_secure_by_its_own_anchor() -> None:
    island = SignedZone("island.unsigned.com.", ["www.island.unsigned.com. 300 IN A 192.0.2.6"])
    root, unsigned = SignedZone("."), SignedZone("unsigned.com.", UNSIGNED, signed=False)
    there = world(root, SignedZone("com."), unsigned, island, anchors=[anchor_of(root), anchor_of(island, as_key=True)])
    assert statuses(there.resolve("www.island.unsigned.com.")) == [("A", SECURE)]
    assert statuses(there.resolve("a.unsigned.com.")) == [("A", INSECURE)]


@pytest.mark.rfc(7646, "2")
def test_below_a_negative_trust_anchor_nothing_is_proven_until_it_ends() -> None:
    there = made(delegate=lambda ds: ds._replace(rdatas=(ds.rdatas[0][:4] + bytes(32),)))
    there.trust.negatives = NegativeAnchors([NegativeAnchor(name("example.com."), NOW + 60)])
    assert statuses(there.resolve("www.example.com.")) == [("A", INSECURE)]
    assert statuses(there.resolve("nothing.example.com.")) == [("SOA", INSECURE)]
    assert there.asked == []
    assert statuses(there.resolve("nothing.com.")) == [("SOA", SECURE)]
    there.clock.advance(60)
    assert bogus(there, "www.example.com.")[0] == "KEYM"


@pytest.mark.rfc(4035, "5.3.3")
def test_what_is_secure_lives_no_longer_than_what_it_rests_on() -> None:
    zsk = key(13, ZSK, "zsk example.com.")

    def short(data: RRset, found: tuple[bytes, ...]) -> tuple[bytes, ...]:
        lasts = {Type.A: 20, Type.NSEC: 10}.get(Type(data.type))
        return found if lasts is None else (zsk.rrsig(data, "example.com.", expires=NOW + lasts),)

    there = made(resign=short)
    assert there.resolve("www.example.com.").rrsets[0].ttl == 20
    assert there.resolve("x.wild.example.com.").rrsets[0].ttl == 10
    soa = there.resolve("nothing.example.com.").soa
    assert soa is not None
    assert soa.ttl == 10


@pytest.mark.rfc(4035, "2.2")
def test_signatures_asked_for_alone_are_insecure() -> None:
    there = made(alter=only_signatures)
    assert statuses(there.resolve("www.example.com.", Type.RRSIG)) == [("RRSIG", INSECURE)]


def test_all_that_any_brings_is_proven() -> None:
    there = made()
    found = statuses(there.resolve("example.com.", Type.ANY))
    assert found == [("SOA", SECURE), ("NS", SECURE), ("DNSKEY", SECURE)]
    there.zone("example.com.").resign = lambda data, found: () if data.type == Type.NS else found
    assert bogus(there, "example.com.", Type.ANY)[0] == "SIGU"


def test_an_anchor_below_the_zone_that_was_asked_counts_for_what_is_below_it() -> None:
    island = SignedZone("island.unsigned.com.", ["www.island.unsigned.com. 300 IN A 192.0.2.6"])
    root, unsigned = SignedZone("."), SignedZone("unsigned.com.", UNSIGNED, signed=False)
    there = world(root, SignedZone("com."), unsigned, island, anchors=[anchor_of(root), anchor_of(island)])
    there.asked_of = lambda question, zone: unsigned.name if zone == island.name else zone
    assert statuses(there.resolve("www.island.unsigned.com.")) == [("A", SECURE)]
    island.resign = lambda data, found: () if data.type == Type.A else found
    assert bogus(there, "www.island.unsigned.com.")[0] == "SIGU"


def test_a_zone_above_an_anchor_that_is_not_proven_itself_denies_what_is_below_without_proof() -> None:
    """As in the scenarios of Unbound and Knot Resolver, where the zone of the anchor is gone: it is not secure."""
    com = SignedZone("com.", signed=False)
    example = SignedZone("example.com.", LINES, delegate=lambda ds: None)
    there = world(SignedZone("."), com, example, anchors=[anchor_of(example)])
    there.asked_of = lambda question, zone: com.name
    assert statuses(there.resolve("nothing.example.com.")) == [("SOA", SECURE)]
    denial = (com.sets[com.name, Type.SOA],)
    example.alter = lambda message: message._replace(rcode=Rcode.NXDOMAIN, answer=(), authority=denial)
    assert statuses(there.resolve("gone.example.com.")) == [("SOA", INDETERMINATE)]


@pytest.mark.rfc(7646, "2")
def test_a_negative_anchor_may_stand_at_a_name_that_is_no_zone() -> None:
    there = made(resign=lambda data, found: () if data.type == Type.A else found)
    there.trust.negatives = NegativeAnchors([NegativeAnchor(name("www.example.com."))])
    assert statuses(there.resolve("www.example.com.")) == [("A", INSECURE)]
    assert statuses(there.resolve("alias.example.com.")) == [("CNAME", SECURE), ("A", INSECURE)]
    assert bogus(there, "x.wild.example.com.")[0] == "SIGU"


def test_signatures_from_above_do_not_make_the_data_of_an_unsigned_zone_bogus() -> None:
    there = made()
    unsigned, by_parent = there.zone("unsigned.com."), key(13, ZSK, "zsk com.")

    def signed(message: Message) -> Message:
        (data,) = message.answer
        rrsig = by_parent.rrsig(rrset("a.unsigned.com. 300 IN A 192.0.2.77"), "com.")
        return message._replace(answer=(data, RRset(data.name, Type.RRSIG, 1, 300, (rrsig,))))

    unsigned.alter = signed
    assert statuses(there.resolve("a.unsigned.com.")) == [("A", INSECURE)]


def test_what_denies_by_another_zones_signature_is_passed_over() -> None:
    there = made()
    root, example = there.zone("."), there.zone("example.com.")
    foreign = root.denial(name("nothing."), missing=True)
    example.alter = lambda message: (
        without_denials(message)._replace(authority=(*without_denials(message).authority, *foreign))
        if message.question and message.question.type == Type.A
        else message
    )
    assert bogus(there, "nothing.example.com.")[:2] == ("NSUN", 12)


def test_a_soa_below_the_top_of_its_zone_denies_nothing() -> None:
    there = made()
    zone = there.zone("example.com.")
    soa = rrset("ent.example.com. 300 IN SOA ns.example.com. who.example.com. 1 2 3 4 5")
    zone.alter = lambda message: (
        message._replace(authority=(*zone.told(soa), *message.authority))
        if message.question and message.question.type == Type.A
        else message
    )
    assert bogus(there, "b.ent.example.com.")[0] == "SIGP"


def test_each_set_that_denies_is_checked_once_for_all_links_of_a_chain() -> None:
    there = made()
    there.zone("example.com.").add("*.first.example.com. 300 IN CNAME x.wild.example.com.")
    there.resolve("www.example.com.")
    before = there.checks
    assert statuses(there.resolve("y.first.example.com.")) == [("CNAME", SECURE), ("A", SECURE)]
    assert there.checks - before == 4


def test_a_ds_that_any_brings_from_the_zone_itself_is_its_parents() -> None:
    there = made()
    com = there.zone("com.")
    beside = tuple(com.told(com.sets[name("example.com."), Type.DS]))
    there.zone("example.com.").alter = lambda message: message._replace(answer=message.answer[:2] + beside)
    there.resolve("www.example.com.", Type.DNSKEY)
    assert statuses(there.resolve("example.com.", Type.ANY)) == [("SOA", SECURE), ("DS", SECURE)]


def test_a_soa_that_a_wildcard_was_expanded_to_denies_nothing() -> None:
    there = made()
    zone = there.zone("example.com.")
    zone.sets[name("*.wild.example.com."), Type.SOA] = soa = rrset(
        "*.wild.example.com. 300 IN SOA ns.example.com. who.example.com. 1 2 3 4 5"
    )
    expanded = zone.told(soa, name("b.wild.example.com."))
    zone.alter = lambda message: (
        message._replace(rcode=3, answer=(), authority=(*expanded, *message.authority))
        if message.question and message.question.type == Type.A
        else message
    )
    assert bogus(there, "b.wild.example.com.")[0] == "SIGP"


def test_what_is_proven_to_be_missing_is_kept_for_later_questions() -> None:
    gaps = Gaps()
    there = made()
    there.trust.gaps = gaps
    there.resolve("nothing.example.com.")
    assert len(gaps) == 2
    there.zone("example.com.").alter = without_denials
    there.forget()
    bogus(there, "nowhere.example.com.")
    assert len(gaps) == 0


def test_a_zone_that_is_known_costs_one_check_an_answer() -> None:
    there = made()
    there.resolve("www.example.com.")
    assert there.checks == 6
    assert len(there.asked) == 5
    there.resolve("alias.example.com.", Type.CNAME)
    assert there.checks == 7
    there.resolve("a.unsigned.com.")
    there.resolve("nothing.unsigned.com.")
    assert there.asked[5:] == [("unsigned.com.", Type.DS)]


def test_what_a_question_may_cost_is_spent_by_all_its_parts() -> None:
    there = made()
    there.limits = Limits(signature_checks=6)
    there.resolve("www.example.com.")
    there.forget()
    there.limits = Limits(signature_checks=5)
    with pytest.raises(ResolutionFailed) as caught:
        there.resolve("www.example.com.")
    assert (caught.value.tag, caught.value.own_limit) == ("BUDS", True)


@pytest.mark.parametrize("data_too", [False, True])
def test_many_keys_with_one_tag_and_many_signatures_cost_what_may_be_spent(data_too: bool) -> None:
    """KeyTrap (CVE-2023-50387)."""
    zsk = key(13, ZSK, "zsk example.com.")
    alike = colliding(zsk.dnskey.tag)
    broken = [
        zsk.rrsig(rrset("www.example.com. 300 IN A 192.0.2.9"), "example.com.", begins=NOW - n) for n in range(40)
    ]
    there = made(
        published=(key(13, KSK, "ksk example.com."), *[alike] * 100, zsk),
        resign=lambda data, found: tuple(broken) if data.type == Type.A else found,
    )
    with pytest.raises(ResolutionFailed) as caught:
        there.resolve("www.example.com.")
    assert caught.value.label == "bogus"
    assert there.checks <= 5 + 16


def test_a_look_up_that_failed_otherwise_is_told_as_it_is() -> None:
    there = made()
    silent = ResolutionFailed("MUTE", 22, "no server of com. replied", label="silent")
    there.held[name("com."), Type.DNSKEY] = silent
    with pytest.raises(ResolutionFailed) as caught:
        there.resolve("www.example.com.")
    failure = caught.value
    assert (failure.tag, failure.label, failure.code) == ("CHNF", "silent", 22)
    assert str(failure) == "the DNSKEY of com. could not be had: no server of com. replied [CHNF]"


def test_nothing_of_the_proof_is_shared_by_questions_that_were_asked_with_another_spelling() -> None:
    there = made()
    (one,) = there.resolve("www.EXAMPLE.com.").rrsets
    assert one.status is SECURE
    answer = there.resolve("NOTHING.example.com.")
    assert answer.soa is not None
    assert answer.soa.status is SECURE


def referral(authority: list[RRset]) -> Message:
    return Message(0, QR, 0, None, (), tuple(authority))


def without_denials(message: Message) -> Message:
    return message._replace(authority=tuple(each for each in message.authority if not _denies(each)))


def without_soa(message: Message) -> Message:
    if message.question is not None and message.question.type == Type.DS:
        return message
    return without_all_soa(message)


def without_all_soa(message: Message) -> Message:
    return message._replace(authority=tuple(each for each in message.authority if each.type != Type.SOA))


def only_signatures(message: Message) -> Message:
    if message.question is None or message.question.type != Type.RRSIG:
        return message
    return message._replace(
        answer=(RRset(message.question.name, Type.RRSIG, 1, 300, (bytes(40),)),),
        authority=(),
    )


def _denies(rrset: RRset) -> bool:
    return rrset.type in (Type.NSEC, Type.NSEC3)
