"""What the records hold of proofs, and which of it a question that is to be checked may see."""

from __future__ import annotations

import pytest

from resolver.cache.records import BRIEFLY_S, NAME_ERROR, Credibility, Known, Records, TtlLimits
from resolver.message import Proof, RRset, Status, Type
from tests.support.clocks import ManualClock
from tests.support.messages import name, rrset, soa

WWW = name("www.example.com.")
ANSWER, AUTHORITATIVE = Credibility.ANSWER, Credibility.AUTHORITATIVE_ANSWER
SIGNATURE = b"\0\1\15\3" + bytes(90)
CHECKED = (Status.INDETERMINATE, Status.INSECURE, Status.SECURE)


def made(**limits: int) -> tuple[Records, ManualClock]:
    clock = ManualClock()
    return Records(1 << 20, clock, TtlLimits(**limits)), clock


def proven(line: str, status: Status, *beside: RRset, signatures: tuple[bytes, ...] = (SIGNATURE,)) -> RRset:
    return rrset(line)._replace(proof=Proof(status, signatures, beside))


def data(last: int, status: Status = Status.UNCHECKED, ttl: int = 300) -> RRset:
    return proven(f"www.example.com. {ttl} IN A 192.0.2.{last}", status)


def denial(ttl: int = 900) -> RRset:
    return proven(f"example.com. {ttl} IN NSEC zzz.example.com. NS SOA", Status.SECURE)


@pytest.mark.rfc(4035, "4.5")
@pytest.mark.parametrize("status", CHECKED)
def test_a_question_that_is_to_be_checked_does_not_see_what_was_not(status):
    records, _ = made()
    records.learn(data(1), AUTHORITATIVE)
    assert records.recall(WWW, Type.A, checked=True) is None
    assert records.recall_stale(WWW, Type.A, 9999, checked=True) is None
    assert records.renewable_in(WWW, Type.A, checked=True) is None
    assert records.recall(WWW, Type.ANY, checked=True) is None
    assert records.recall(WWW, Type.A) == Known(data(1), None, False)
    records.learn(data(2, status), AUTHORITATIVE)
    for checked in (True, False):
        assert records.recall(WWW, Type.A, checked) == Known(data(2, status), None, False)
        assert records.recall(WWW, Type.ANY, checked) == Known(data(2, status), None, False)
        assert records.recall_stale(WWW, Type.A, 9999, checked) == Known(data(2, status), None, False)
        assert records.renewable_in(WWW, Type.A, checked) == 270


def test_an_alias_or_a_name_error_that_was_not_checked_is_not_seen_either():
    records, _ = made()
    records.learn(rrset("www.example.com. 300 IN CNAME web.example.net."), AUTHORITATIVE)
    assert records.recall(WWW, Type.A, checked=True) is None
    records.learn_denial(WWW, NAME_ERROR, rrset(soa("example.com.")), AUTHORITATIVE)
    assert records.recall(WWW, Type.A, checked=True) is None
    assert records.recall(WWW, Type.A) is not None
    error = proven(soa("example.com."), Status.SECURE)
    records.learn_denial(WWW, NAME_ERROR, error, AUTHORITATIVE)
    assert records.recall(WWW, Type.A, checked=True) == Known(None, error._replace(ttl=300), True)


def test_a_dname_that_was_not_checked_is_not_seen_either():
    records, _ = made()
    records.learn(rrset("example.com. 300 IN DNAME example.net."), AUTHORITATIVE)
    assert records.dname_above(WWW, checked=True) is None
    assert records.dname_above(WWW) is not None
    records.learn(proven("example.com. 300 IN DNAME example.net.", Status.INSECURE), AUTHORITATIVE)
    assert records.dname_above(WWW, checked=True) is not None


@pytest.mark.parametrize("status", CHECKED)
def test_what_was_checked_is_not_replaced_by_what_was_not_while_it_lives(status):
    records, clock = made()
    records.learn(data(1, status), ANSWER)
    records.learn(data(2), AUTHORITATIVE)
    records.learn_denial(WWW, Type.A, rrset(soa("example.com.")), AUTHORITATIVE)
    assert records.recall(WWW, Type.A) == Known(data(1, status), None, False)
    clock.advance(300)
    records.learn(data(2), AUTHORITATIVE)
    assert records.recall(WWW, Type.A) == Known(data(2), None, False)


def test_what_was_checked_replaces_what_was_not_however_credible_and_what_was_checked_before():
    records, _ = made()
    records.learn(data(1), AUTHORITATIVE)
    for last, status in ((2, Status.INSECURE), (3, Status.SECURE), (4, Status.INDETERMINATE)):
        records.learn(data(last, status), ANSWER)
        assert records.recall(WWW, Type.A) == Known(data(last, status), None, False)
    better = data(5, Status.SECURE)
    records.learn(better, AUTHORITATIVE)
    records.learn(data(6, Status.SECURE), ANSWER)
    assert records.recall(WWW, Type.A) == Known(better, None, False), "of two that were checked the more credible"


def test_a_name_error_that_was_not_checked_ends_with_data_and_one_that_was_only_with_such_data():
    records, _ = made()
    error = proven(soa("example.com."), Status.SECURE)
    records.learn_denial(WWW, NAME_ERROR, error, AUTHORITATIVE)
    records.learn(data(1), AUTHORITATIVE)
    assert records.recall(WWW, Type.MX, checked=True) == Known(None, error._replace(ttl=300), True)
    records.learn(data(2, Status.SECURE), AUTHORITATIVE)
    assert records.recall(WWW, Type.MX) is None


@pytest.mark.rfc(4035, "5.3.3")
def test_what_is_secure_is_held_no_longer_than_its_ttl_whatever_the_lowest_ttl_is():
    records, _ = made(minimum=60)
    assert records.learn(data(1, Status.SECURE, ttl=5), AUTHORITATIVE).ttl == 5
    for status in (Status.UNCHECKED, Status.INSECURE):
        assert records.learn(data(1, status, ttl=5)._replace(type=99), AUTHORITATIVE).ttl == 60
    assert records.learn(rrset("www.example.com. 5 IN MX 1 mx.test."), AUTHORITATIVE).ttl == 60


@pytest.mark.rfc(2308, "5")
def test_a_denial_is_held_no_longer_than_what_proves_it():
    records, clock = made()
    error = proven(soa("example.com."), Status.SECURE, denial(), denial(ttl=200))
    assert records.learn_denial(WWW, NAME_ERROR, error, AUTHORITATIVE).ttl == 200
    clock.advance(50)
    known = records.recall(WWW, Type.A, checked=True)
    assert known is not None
    assert known.soa is not None
    assert known.soa.proof is not None
    assert [known.soa.ttl, *(each.ttl for each in known.soa.proof.beside)] == [150] * 3
    clock.advance(150)
    assert records.recall(WWW, Type.A) is None


@pytest.mark.rfc(4035, "5.3.4")
def test_what_was_made_from_a_wildcard_is_held_no_longer_than_what_says_that_no_name_is_closer():
    records, _ = made()
    made_of_one = proven("www.example.com. 300 IN A 192.0.2.1", Status.SECURE, denial(ttl=100))
    assert records.learn(made_of_one, AUTHORITATIVE).ttl == 100


def test_what_has_more_octets_of_signatures_than_are_held_is_held_briefly():
    records, _ = made(max_bytes=1000)
    many = tuple(bytes((number,)) * 200 for number in range(6))
    large = proven("www.example.com. 300 IN A 192.0.2.1", Status.SECURE, signatures=many)
    assert records.learn(large, AUTHORITATIVE).ttl == BRIEFLY_S
    beside = denial()._replace(proof=Proof(Status.SECURE, many))
    assert records.learn_denial(WWW, 1, proven(soa("example.com."), Status.SECURE, beside), ANSWER).ttl == BRIEFLY_S


def test_what_is_stale_keeps_its_status_and_its_signatures():
    records, clock = made()
    records.learn(data(1, Status.SECURE), AUTHORITATIVE)
    clock.advance(400)
    stale = Known(data(1, Status.SECURE)._replace(ttl=0), None, False)
    assert records.recall_stale(WWW, Type.A, 9999, checked=True) == stale
