from __future__ import annotations

import pytest

from resolver.engine.outcome import Answer
from resolver.message import Client, Edns, Proof, Query, Question, Rcode, Reply, RRset, Status, Transport, Type
from resolver.pipeline.replying import reply_of
from tests.support.messages import name, rrset, sets, soa

WWW = name("www.example.com.")
DATA = rrset("www.example.com. 9 IN A 192.0.2.1")
ALIAS = rrset("www.example.com. 9 IN CNAME web.example.com.")
SOA = rrset(soa("example.com."))
SIGNATURE, OTHER = b"\0\1\15\3" + bytes(90), b"\0\1\15\2" + bytes(90)
NSEC = rrset("example.com. 300 IN NSEC zzz.example.com. NS SOA")._replace(proof=Proof(Status.SECURE, (OTHER,)))


def query(*, do: bool = False, ad: bool = False, cd: bool = False) -> Query:
    edns = Edns(do=do) if do else None
    return Query(Question(WWW, Type.A), Client("192.0.2.9", 0, Transport.UDP), 1, 0.0, cd=cd, ad=ad, edns=edns)


def proven(rrset: RRset, status: Status = Status.SECURE, *beside: RRset) -> RRset:
    return rrset._replace(proof=Proof(status, (SIGNATURE,), beside))


def signatures(rrset: RRset, *rdatas: bytes) -> RRset:
    return RRset(rrset.name, Type.RRSIG, rrset.cls, rrset.ttl, rdatas)


@pytest.mark.rfc(2308, "3")
def test_a_denial_is_told_with_its_soa_in_the_authority_section():
    denial = rrset(soa("example.com."))
    assert reply_of(Answer(Rcode.NXDOMAIN, (), denial), query()) == Reply(3, (), (denial,), ra=True, storable=True)


def test_data_is_told_in_the_answer_section_and_kept_when_it_may_be():
    data = sets("www.example.com. 9 IN A 192.0.2.1")
    assert reply_of(Answer(0, data), query()) == Reply(0, data, (), ra=True, storable=True)
    assert not reply_of(Answer(3, (), None, keeps=False), query()).storable


@pytest.mark.rfc(4035, "3.2.1")
def test_who_wants_signatures_has_them_behind_what_they_cover_and_nobody_else_has():
    chain = (proven(ALIAS), proven(rrset("web.example.com. 9 IN A 192.0.2.1")))
    reply = reply_of(Answer(0, chain), query(do=True))
    assert reply.answer == (chain[0], signatures(ALIAS, SIGNATURE), chain[1], signatures(chain[1], SIGNATURE))
    assert reply.authority == ()
    assert reply_of(Answer(0, chain), query(ad=True)).answer == chain


@pytest.mark.rfc(4035, "3.1.3")
def test_who_wants_signatures_has_what_denies_and_its_signatures_too():
    denied = Answer(Rcode.NXDOMAIN, (), proven(SOA, Status.SECURE, NSEC))
    told = (denied.soa, signatures(SOA, SIGNATURE))
    denying = NSEC._replace(ttl=SOA.ttl)
    assert reply_of(denied, query(do=True)).authority == (*told, denying, signatures(denying, OTHER))
    assert reply_of(denied, query()).authority == (denied.soa,)


@pytest.mark.rfc(4035, "3.1.3.3")
def test_what_proves_the_use_of_a_wildcard_is_told_once_and_for_as_long_as_the_data_is_good():
    chain = (proven(ALIAS, Status.SECURE, NSEC), proven(DATA, Status.SECURE, NSEC))
    denying = NSEC._replace(ttl=9)
    assert reply_of(Answer(0, chain), query(do=True)).authority == (denying, signatures(denying, OTHER))
    assert reply_of(Answer(0, chain), query()).authority == ()


def test_what_has_no_signatures_is_told_without():
    for answer in (Answer(0, (DATA,)), Answer(0, (DATA._replace(proof=Proof(Status.INSECURE)),))):
        assert reply_of(answer, query(do=True)).answer == answer.rrsets


@pytest.mark.rfc(6840, "5.8")
@pytest.mark.parametrize("wanted", [{"do": True}, {"ad": True}, {"do": True, "ad": True}])
def test_that_all_is_proven_is_told_to_who_knows_it(wanted):
    assert reply_of(Answer(0, (proven(DATA),)), query(**wanted)).ad
    assert reply_of(Answer(3, (), proven(SOA, Status.SECURE, NSEC)), query(**wanted)).ad
    assert not reply_of(Answer(0, (proven(DATA),)), query()).ad


@pytest.mark.rfc(4035, "3.2.3")
@pytest.mark.parametrize("status", [Status.UNCHECKED, Status.INDETERMINATE, Status.INSECURE])
def test_what_is_proven_in_part_only_is_not_told_as_proven(status):
    for answer in (
        Answer(0, (proven(ALIAS), proven(DATA, status))),
        Answer(0, (proven(ALIAS, status), proven(DATA))),
        Answer(3, (proven(ALIAS),), proven(SOA, status)),
        Answer(3, (proven(ALIAS, status),), proven(SOA)),
        Answer(0, (proven(ALIAS), DATA)),
    ):
        assert not reply_of(answer, query(do=True, ad=True)).ad


def test_an_answer_in_which_there_is_nothing_proves_nothing():
    assert not reply_of(Answer(0), query(do=True)).ad


@pytest.mark.rfc(4035, "3.2.2")
def test_who_wants_nothing_checked_has_the_signatures_and_is_told_nothing_of_them():
    reply = reply_of(Answer(0, (proven(DATA),)), query(do=True, cd=True))
    assert not reply.ad
    assert reply.answer == (proven(DATA), signatures(DATA, SIGNATURE))


def test_a_denial_that_is_proven_without_a_soa_is_told_with_its_proof_and_not_kept():
    bare = SOA._replace(rdatas=(), proof=Proof(Status.SECURE, (), (NSEC,)))
    told = reply_of(Answer(3, (), bare, keeps=False), query(do=True))
    assert (told.ad, told.storable) == (True, False)
    assert [(each.type, len(each.rdatas)) for each in told.authority] == [
        (Type.SOA, 0),
        (Type.NSEC, 1),
        (Type.RRSIG, 1),
    ]
    insecure = bare._replace(proof=Proof(Status.INSECURE))
    assert not reply_of(Answer(3, (), insecure, keeps=False), query(do=True)).ad
