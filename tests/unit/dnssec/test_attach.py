from __future__ import annotations

import pytest

from resolver.dnssec.attach import MAX_BESIDE, MAX_SIGNATURES, attach, delegated, denials
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied, Overlong
from resolver.message import Message, Proof, Rcode, RRset, Status, Type
from tests.support import zone_text
from tests.support.messages import name, reply, rrset, sets, soa

ZONE = "example.com."
WWW = "www.example.com."
A = f"{WWW} 300 IN A 192.0.2.1"
ALIAS = f"{WWW} 300 IN CNAME web.example.com."
SOA = soa(ZONE)
NSEC = f"{ZONE} 300 IN NSEC a.{ZONE} NS SOA RRSIG NSEC DNSKEY"
HASHED = f"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.{ZONE} 300 IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A"


def signature(line: str, labels: int | None = None, tag: int = 1) -> str:
    """The line of a signature over the set of `line`, which has as many labels where nothing else is said."""
    owner, ttl, _, rtype = line.split()[:4]
    count = owner.count(".") if labels is None else labels
    return f"{owner} {ttl} IN RRSIG {rtype} 13 {count} {ttl} 20300101000000 20260101000000 {tag} {ZONE} AQID"


def rdata(line: str) -> bytes:
    """The rdata of one line."""
    return rrset(line).rdatas[0]


def said(answer: tuple[str, ...] = (), authority: tuple[str, ...] = ()) -> Message:
    return reply(zone_text.question(WWW, "A"), answer, authority)


def unchecked(line: str, *signatures: str, beside: tuple[RRset, ...] = ()) -> RRset:
    return rrset(line)._replace(proof=Proof(Status.UNCHECKED, tuple(map(rdata, signatures)), beside))


@pytest.mark.parametrize(
    "conclusion",
    [
        Answered((), sets(A), True),
        Alias(sets(ALIAS), name("web.example.com."), True),
        Denied((), name(WWW), Rcode.NOERROR, rrset(SOA), True),
        Overlong(sets(f"{ZONE} 300 IN DNAME long.test.")),
    ],
)
def test_without_a_signature_in_the_message_nothing_is_attached(conclusion: Conclusion):
    assert attach(conclusion, said((A,), (SOA, NSEC))) is conclusion


def test_data_has_the_signatures_over_it_and_no_others():
    others = (signature(f"{WWW} 300 IN AAAA ::1"), signature("mail.example.com. 300 IN A 192.0.2.1"))
    both = (signature(A), signature(A, tag=2))
    message = said(("WWW.example.com. 300 IN A 192.0.2.1", *both, *others), (signature(A, tag=3),))
    expected = unchecked(A, *both)
    assert attach(Answered((), sets(A), True), message) == Answered((), (expected,), True)
    assert attach(Answered((), sets("mail.example.com. 300 IN MX 1 ."), True), message).rrsets[0].proof is None


def test_each_link_of_a_chain_has_its_own_and_the_alias_that_a_dname_made_none():
    dname, made, data = "example.com. 300 IN DNAME example.net.", f"{WWW} 300 IN CNAME www.example.net.", A
    message = said((dname, signature(dname), made, data, signature(data)))
    whole = attach(Answered(sets(dname) + sets(made), sets(data), True), message)
    assert whole == Answered(
        (unchecked(dname, signature(dname)), rrset(made)), (unchecked(data, signature(data)),), True
    )
    target = name("www.example.net.")
    alias = attach(Alias(sets(dname) + sets(made), target, False), message)
    assert alias == Alias((unchecked(dname, signature(dname)), rrset(made)), target, False)
    assert attach(Overlong(sets(dname)), message) == Overlong((unchecked(dname, signature(dname)),))


@pytest.mark.rfc(4035, "5.4")
@pytest.mark.parametrize("rcode", [Rcode.NOERROR, Rcode.NXDOMAIN])
def test_a_denial_is_its_soa_with_what_denies_beside_it(rcode):
    lines = (SOA, signature(SOA), NSEC, signature(NSEC), HASHED, signature(HASHED))
    made = attach(Denied((), name(WWW), rcode, rrset(SOA), True), said((), lines))
    beside = (unchecked(NSEC, signature(NSEC)), unchecked(HASHED, signature(HASHED)))
    assert made == Denied((), name(WWW), rcode, unchecked(SOA, signature(SOA), beside=beside), True)


def test_what_denies_without_a_signature_proves_nothing_and_is_left_out():
    lines = (SOA, signature(SOA), NSEC)
    made = attach(Denied((), name(WWW), Rcode.NOERROR, rrset(SOA), True), said((), lines))
    assert made == Denied((), name(WWW), Rcode.NOERROR, unchecked(SOA, signature(SOA)), True)
    bare = Denied((), name(WWW), Rcode.NOERROR, None, True)
    assert attach(bare, said((), lines)) == bare


def test_a_denial_at_the_end_of_a_chain_has_the_signatures_of_the_chain_too():
    message = said((ALIAS, signature(ALIAS)), (SOA, signature(SOA)))
    made = attach(Denied(sets(ALIAS), name("web.example.com."), Rcode.NOERROR, rrset(SOA), True), message)
    assert isinstance(made, Denied)
    assert made.chain == (unchecked(ALIAS, signature(ALIAS)),)


@pytest.mark.rfc(4035, "5.3.4")
def test_what_was_made_from_a_wildcard_has_the_denial_of_a_closer_name_beside_it():
    denying = (NSEC, signature(NSEC))
    beside = (unchecked(NSEC, signature(NSEC)),)
    for labels, there in ((2, beside), (3, ())):
        message = said((A, signature(A, labels)), denying)
        expected = unchecked(A, signature(A, labels), beside=there)
        assert attach(Answered((), sets(A), True), message) == Answered((), (expected,), True)


def test_the_wildcard_itself_is_not_made_from_one():
    wild = "*.example.com. 300 IN A 192.0.2.1"
    message = said((wild, signature(wild, 2)), (NSEC, signature(NSEC)))
    assert attach(Answered((), sets(wild), True), message) == Answered((), (unchecked(wild, signature(wild, 2)),), True)


def test_of_what_any_brings_the_signatures_go_with_what_they_cover():
    message = said((A, f"{WWW} 300 IN MX 1 .", signature(A)))
    made = attach(Answered((), message.answer, True), message)
    assert isinstance(made, Answered)
    assert made.rrsets == (unchecked(A, signature(A)), rrset(f"{WWW} 300 IN MX 1 ."))


def test_signatures_that_are_asked_for_themselves_are_an_answer():
    message = said((signature(A), signature(A, tag=2)))
    whole = Answered((), message.answer, True)
    assert attach(whole, message) == whole
    assert [each.type for each in message.answer] == [Type.RRSIG]


def test_no_more_is_attached_than_can_be_of_use():
    many = tuple(signature(A, tag=number) for number in range(MAX_SIGNATURES + 5))
    made = attach(Answered((), sets(A), True), said((A, *many)))
    assert isinstance(made, Answered)
    assert made.rrsets[0].proof == Proof(Status.UNCHECKED, tuple(map(rdata, many[:MAX_SIGNATURES])))
    hosts = [f"h{number}.{ZONE} 300 IN NSEC z{number}.{ZONE} A" for number in range(MAX_BESIDE + 3)]
    lines = (SOA, signature(SOA), *hosts, *map(signature, hosts))
    denied = attach(Denied((), name(WWW), Rcode.NOERROR, rrset(SOA), True), said((), lines))
    assert isinstance(denied, Denied)
    assert denied.soa is not None
    assert denied.soa.proof is not None
    assert [each.name for each in denied.soa.proof.beside] == [rrset(each).name for each in hosts[:MAX_BESIDE]]


def test_signatures_too_short_to_be_any_and_other_classes_are_passed_over():
    short = RRset(name(WWW), Type.RRSIG, 1, 300, (b"\0\1\15\3",))
    elsewhere = rrset(signature(A))._replace(cls=3)
    message = said((A,))._replace(answer=(*sets(A), short, elsewhere))
    assert attach(Answered((), sets(A), True), message) == Answered((), sets(A), True)


@pytest.mark.rfc(4035, "5.3.3")
def test_what_is_signed_lives_no_longer_than_its_signature_does_as_a_record():
    short = signature(A).replace(" 300 ", " 20 ", 1)
    made = attach(Answered((), sets(A), True), said((A, short)))
    assert isinstance(made, Answered)
    assert made.rrsets[0].ttl == 20
    long = signature(A).replace(" 300 ", " 900 ", 1)
    made = attach(Answered((), sets(A), True), said((A, long)))
    assert isinstance(made, Answered)
    assert made.rrsets[0].ttl == 300
    brief = signature(SOA).replace(" 900 ", " 20 ", 1)
    denied = attach(Denied((), name(WWW), Rcode.NOERROR, rrset(SOA), True), said((), (SOA, brief)))
    assert isinstance(denied, Denied)
    assert denied.soa is not None
    assert denied.soa.ttl == 20


def test_what_denies_is_found_where_there_is_no_soa():
    assert denials(said((), (NSEC, signature(NSEC)))) == (unchecked(NSEC, signature(NSEC)),)
    assert denials(said((A, signature(A)), (NSEC, SOA, signature(SOA)))) == ()


@pytest.mark.rfc(4035, "3.1.4")
def test_a_referral_says_what_the_ds_is_or_denies_it():
    zone = name("sub.example.com.")
    ds, ns = f"sub.example.com. 300 IN DS 1 13 2 {'ab' * 32}", "sub.example.com. 300 IN NS ns.sub.example.com."
    other = f"other.example.com. 300 IN DS 1 13 2 {'ab' * 32}"
    assert delegated(zone, said((), (ns, ds, signature(ds)))) == (unchecked(ds, signature(ds)),)
    assert delegated(zone, said((), (ns, NSEC, signature(NSEC)))) == (unchecked(NSEC, signature(NSEC)),)
    assert delegated(zone, said((), (ns, ds))) == ()
    assert delegated(zone, said((), (ns, ds, NSEC, signature(NSEC)))) == ()
    assert delegated(zone, said((), (ns, other, signature(other)))) == ()
