from __future__ import annotations

import pytest

from resolver.filters import records
from resolver.filters.kinds import LocalKind
from resolver.filters.local import MAX_LINKS, Local
from resolver.filters.policy import Dropped, Redirected, Settled
from resolver.message import Client, Query, Question, Rcode, Reply, Transport, Type
from resolver.wire import types
from tests.support.messages import name, told

WWW = "www.corp.test. 60 A 192.0.2.1"
PASSES = {
    LocalKind.TRANSPARENT,
    LocalKind.TYPETRANSPARENT,
    LocalKind.ALWAYS_TRANSPARENT,
    LocalKind.NODEFAULT,
    LocalKind.BLOCK_A,
}


def local(*lines: str, ttl_s: int = 300, **zones: str) -> Local:
    """Local records, and zones with `_` for their dots."""
    kinds = {name(zone.replace("_", ".")): LocalKind(kind) for zone, kind in zones.items()}
    return Local(kinds, [records.read(line) for line in lines], ttl_s=ttl_s)


def asked(data: Local, qname: str, rtype: str = "A"):
    question = Question(name(qname), types.from_text(rtype))
    return data.before(Query(question, Client("192.0.2.9", 5, Transport.UDP), 1, 0.0))


def answer(data: Local, qname: str, rtype: str = "A") -> list[str]:
    verdict = asked(data, qname, rtype)
    assert isinstance(verdict, Settled), verdict
    assert verdict.reply.rcode == Rcode.NOERROR
    return told(*verdict.reply.answer)


def denied(data: Local, qname: str, rtype: str = "A") -> int:
    """The rcode of a denial with its SOA."""
    verdict = asked(data, qname, rtype)
    assert isinstance(verdict, Settled), verdict
    assert not verdict.reply.answer
    assert [each.type for each in verdict.reply.authority] == [Type.SOA]
    return verdict.reply.rcode


def test_records_are_told_as_they_stand_with_the_spelling_of_the_question():
    data = local(WWW, "www.corp.test. A 192.0.2.2", "www.corp.test. AAAA ::1", "mail.corp.test. MX 5 www.corp.test.")
    assert answer(data, "WWW.corp.test") == ["WWW.corp.test. 60 A 192.0.2.1", "WWW.corp.test. 60 A 192.0.2.2"]
    assert answer(data, "www.corp.test", "AAAA") == ["www.corp.test. 300 AAAA ::1"]
    assert answer(data, "mail.corp.test", "MX") == ["mail.corp.test. 300 MX 5 www.corp.test."]
    assert len(data) == 2


def test_of_a_name_with_records_there_are_no_other_types():
    assert denied(local(WWW), "www.corp.test", "TXT") == Rcode.NOERROR


def test_a_name_without_records_and_zone_is_looked_up():
    assert asked(local(WWW), "corp.test") is None
    assert asked(local(WWW), "a.www.corp.test") is None


@pytest.mark.rfc(8482, "4.1")
def test_any_has_one_rrset():
    assert answer(local("a.test. 9 TXT t", "a.test. 9 A 192.0.2.1"), "a.test", "ANY") == ["a.test. 9 A 192.0.2.1"]


def test_a_record_that_stands_twice_is_told_once():
    assert answer(local(WWW, WWW), "www.corp.test") == [WWW.replace("IN ", "")]


@pytest.mark.parametrize("kind", list(LocalKind))
def test_what_becomes_of_a_name_without_records_by_the_type_of_its_zone(kind):
    data = local(corp_test=kind)
    verdict = asked(data, "a.corp.test", "TXT")
    assert asked(data, "test") is None
    if kind in PASSES:
        assert verdict is None
    elif kind in (LocalKind.DENY, LocalKind.ALWAYS_DENY):
        assert isinstance(verdict, Dropped)
    elif kind in (LocalKind.REFUSE, LocalKind.ALWAYS_REFUSE):
        assert verdict.reply.rcode == Rcode.REFUSED
        assert verdict.reply.ede[0].code == 15
    else:
        absent = kind in (LocalKind.STATIC, LocalKind.ALWAYS_NXDOMAIN)
        assert denied(data, "a.corp.test", "TXT") == (Rcode.NXDOMAIN if absent else Rcode.NOERROR)
    assert verdict is None or verdict.cause == ("local", "corp.test.", f"the local zone corp.test. ({kind})")


@pytest.mark.parametrize("kind", [each for each in LocalKind if not each.startswith("always_")])
def test_records_are_told_in_zones_of_all_types_but_those_that_are_always_the_same(kind):
    owner = "corp.test" if kind is LocalKind.REDIRECT else "www.corp.test"
    data = local(f"{owner}. 60 A 192.0.2.1", corp_test=kind)
    assert answer(data, "www.corp.test") == [WWW]
    if kind is LocalKind.TYPETRANSPARENT:
        assert asked(data, "www.corp.test", "TXT") is None
    else:
        assert denied(data, "www.corp.test", "TXT") == Rcode.NOERROR


@pytest.mark.parametrize("kind", [each for each in LocalKind if each.startswith("always_")])
def test_zones_that_are_always_the_same_do_not_look_at_records(kind):
    with_records, without = local(WWW, corp_test=kind), local(corp_test=kind)
    assert asked(with_records, "www.corp.test") == asked(without, "www.corp.test")


def test_null_is_an_address_that_leads_nowhere():
    data = local(corp_test="always_null", ttl_s=7)
    assert answer(data, "a.corp.test") == ["a.corp.test. 7 A 0.0.0.0"]
    assert answer(data, "a.corp.test", "AAAA") == ["a.corp.test. 7 AAAA ::"]
    assert denied(data, "a.corp.test", "MX") == Rcode.NOERROR


def test_only_a_is_blocked_by_block_a():
    data = local(corp_test="block_a")
    assert denied(data, "a.corp.test", "A") == Rcode.NOERROR
    assert asked(data, "a.corp.test", "AAAA") is None


def test_a_redirect_answers_for_all_below_from_the_records_of_its_top():
    data = local("corp.test. 60 A 192.0.2.1", corp_test="redirect")
    assert answer(data, "a.b.corp.test") == ["a.b.corp.test. 60 A 192.0.2.1"]
    assert denied(data, "a.b.corp.test", "AAAA") == Rcode.NOERROR


def test_the_nearest_zone_counts():
    data = local(test="refuse", corp_test="transparent")
    assert asked(data, "a.corp.test") is None
    assert asked(data, "b.test").reply.rcode == Rcode.REFUSED


def test_a_static_zone_has_its_top_and_what_stands_above_a_record():
    data = local("a.b.corp.test. A 192.0.2.1", corp_test="static")
    assert denied(data, "corp.test") == denied(data, "b.corp.test") == Rcode.NOERROR
    assert denied(data, "c.corp.test") == denied(data, "c.a.b.corp.test") == Rcode.NXDOMAIN


@pytest.mark.rfc(2308, "3")
def test_a_denial_has_the_soa_of_the_zone_with_its_lower_ttl():
    data = local("corp.test. 900 SOA ns.corp.test. me.corp.test. 1 2 3 4 30", corp_test="static")
    (soa,) = asked(data, "a.corp.test").reply.authority
    assert told(soa) == ["corp.test. 30 SOA ns.corp.test. me.corp.test. 1 2 3 4 30"]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_the_ds_of_a_zone_is_for_whoever_is_above_it():
    data = local(corp_test="static")
    assert asked(data, "corp.test", "DS") is None
    assert denied(data, "a.corp.test", "DS") == Rcode.NXDOMAIN
    assert asked(local(test="refuse", corp_test="static"), "corp.test", "DS").reply.rcode == Rcode.REFUSED


def test_an_alias_is_followed_through_local_data_and_then_elsewhere():
    data = local("a.test. 9 CNAME b.test.", "b.test. 8 CNAME c.test.", "c.test. 7 A 192.0.2.1", "d.test. CNAME e.org.")
    assert answer(data, "a.test") == ["a.test. 9 CNAME b.test.", "b.test. 8 CNAME c.test.", "c.test. 7 A 192.0.2.1"]
    assert answer(data, "a.test", "CNAME") == ["a.test. 9 CNAME b.test."]
    verdict = asked(data, "d.test", "AAAA")
    assert isinstance(verdict, Redirected)
    assert (told(*verdict.links), verdict.target) == (["d.test. 300 CNAME e.org."], name("e.org."))


def test_an_alias_may_lead_to_what_is_denied_or_dropped():
    data = local("a.test. CNAME b.corp.test.", "c.test. CNAME d.gone.test.", corp_test="static", gone_test="deny")
    reply = asked(data, "a.test").reply
    assert (reply.rcode, told(*reply.answer)) == (Rcode.NXDOMAIN, ["a.test. 300 CNAME b.corp.test."])
    assert isinstance(asked(data, "c.test"), Dropped)


def test_a_redirect_may_be_an_alias_for_all_below():
    verdict = asked(local("corp.test. CNAME sink.org.", corp_test="redirect"), "a.corp.test")
    assert told(*verdict.links) == ["a.corp.test. 300 CNAME sink.org."]


def test_aliases_without_an_end_are_given_up():
    ring = [f"a{at}.test. CNAME a{at + 1}.test." for at in range(MAX_LINKS + 3)]
    reply = asked(local(*ring), "a0.test").reply
    assert reply.rcode == Rcode.SERVFAIL
    assert reply.ede[0].text.endswith("[LALI]")
    assert asked(local("a.test. CNAME a.test."), "a.test").reply.rcode == Rcode.SERVFAIL


def test_of_what_was_found_local_data_say_nothing():
    assert local(WWW).after(Query(Question(name("a."), 1), Client("::1", 1, Transport.UDP), 1, 0.0), Reply(0)) is None


def test_many_records_of_a_name_are_one_set_in_their_order_with_the_lowest_ttl():
    numbers = [*range(250), 7, 8]
    data = local(*(f"a.corp.test {900 - number} A 192.0.2.{number}" for number in numbers), "A.corp.test 9 TXT x")
    said = asked(data, "a.corp.test.")
    assert isinstance(said, Settled)
    (rrset,) = said.reply.answer
    assert [rdata[-1] for rdata in rrset.rdatas] == list(range(250))
    assert rrset.ttl == 900 - 249
