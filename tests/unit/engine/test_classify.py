from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.engine.classify import MAX_TOLD, classify, told
from resolver.engine.outcome import (
    Alias,
    Answered,
    Denied,
    Fault,
    Overlong,
    Referral,
    Truncated,
    Unusable,
)
from resolver.errors import WireError
from resolver.message import AA, RA, Class, Ede, Edns, Message, Question, Rcode, RRset, Type
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support import zone_text
from tests.support.messages import name, reply, rrset, sets, soa

WWW = zone_text.question("www.example.com.", "A")
A = "www.example.com. 300 IN A 192.0.2.1"


def judged(
    answer=(), authority=(), additional=(), *, ask=WWW, zone="example.com.", recursed=False, borders=(), **options
):
    message = reply(ask, answer, authority, additional, **options)
    return classify(message, ask, name(zone), 53, recursed=recursed, borders=borders)


def lines(rrsets) -> list[str]:
    return [line for each in rrsets for line in zone_text.lines([each])]


# -- data


@pytest.mark.parametrize("aa", [True, False])
def test_data_of_the_name_and_type_is_the_answer(aa):
    assert judged(A, aa=aa) == Answered((), sets(A), aa)


def test_the_owner_may_be_spelled_otherwise_and_keeps_its_spelling():
    spelled = "WWW.Example.com. 300 IN A 192.0.2.1"
    assert judged(spelled) == Answered((), sets(spelled), True)


def test_other_data_in_the_answer_section_is_dropped():
    outcome = judged([A, "evil.example.com. 300 IN A 192.0.2.66", "www.example.com. 300 IN MX 5 m.example.com."])
    assert outcome == Answered((), sets(A), True)


def test_data_of_another_class_is_no_answer():
    message = reply(WWW, authority=soa("example.com."))
    chaos = RRset(WWW.name, Type.A, Class.CH, 300, (bytes(4),))
    outcome = classify(message._replace(answer=(chaos,)), WWW, name("example.com."), 53)
    assert isinstance(outcome, Denied)


@pytest.mark.rfc(8482, "4")
def test_any_is_answered_by_whatever_stands_at_the_name():
    question = zone_text.question("www.example.com.", "ANY")
    both = [A, "www.example.com. 300 IN TXT hello"]
    assert judged([*both, "other.example.com. 300 IN A 192.0.2.2"], ask=question) == Answered((), sets(both), True)
    alias = "www.example.com. 300 IN CNAME web.example.com."
    assert judged(alias, ask=question) == Answered((), sets(alias), True)


# -- aliases


@pytest.mark.rfc(1034, "3.6.2")
def test_a_chain_inside_the_zone_is_followed_to_its_data_in_whatever_order_it_stands():
    chain = ["www.example.com. 300 IN CNAME a.example.com.", "A.example.com. 300 IN CNAME b.example.com."]
    data = "b.example.com. 300 IN A 192.0.2.1"
    expected = Answered(sets(chain), sets(data), True)
    assert judged([*chain, data]) == expected
    assert judged([data, *reversed(chain)]) == expected


@pytest.mark.rfc(2181, "5.4.1")
def test_an_alias_target_outside_the_zone_is_asked_again_and_not_believed():
    alias = "www.example.com. 300 IN CNAME www.example.net."
    outcome = judged([alias, "www.example.net. 300 IN A 192.0.2.66"])
    assert outcome == Alias(sets(alias), name("www.example.net."), True)


@pytest.mark.parametrize("recursed", [True, False])
def test_an_alias_into_a_zone_that_others_are_asked_about_is_asked_again(recursed):
    alias = "www.example.com. 300 IN CNAME www.corp.example.com."
    data = "www.corp.example.com. 300 IN A 192.0.2.66"
    options = {"recursed": recursed, "ra": True}
    for borders in ([name("corp.example.com.")], [name("www.corp.example.com.")]):
        outcome = judged([alias, data], borders=borders, **options)
        assert outcome == Alias(sets(alias), name("www.corp.example.com."), True)
    for borders in (
        [],
        [name("example.com.")],
        [name("com.")],
        [name("other.example.com.")],
        [name("xcorp.example.com.")],
    ):
        assert isinstance(judged([alias, data], borders=borders, **options), Answered)


def test_an_alias_without_its_target_is_asked_again():
    alias = "www.example.com. 300 IN CNAME web.example.com."
    assert judged(alias) == Alias(sets(alias), name("web.example.com."), True)


def test_a_loop_of_aliases_ends():
    chain = ["www.example.com. 300 IN CNAME a.example.com.", "a.example.com. 300 IN CNAME www.example.com."]
    assert judged(chain) == Alias(sets(chain), WWW.name, True)


def test_a_very_long_chain_is_cut_and_asked_again():
    chain = ["www.example.com. 300 IN CNAME n0.example.com."]
    chain += [f"n{number}.example.com. 300 IN CNAME n{number + 1}.example.com." for number in range(40)]
    outcome = judged(chain)
    assert isinstance(outcome, Alias)
    assert len(outcome.chain) == 16
    assert outcome.target == name("n15.example.com.")


@pytest.mark.rfc(1034, "3.6.2")
def test_a_cname_that_was_asked_for_is_the_answer_and_is_not_followed():
    question = zone_text.question("www.example.com.", "CNAME")
    alias = "www.example.com. 300 IN CNAME web.example.com."
    further = "web.example.com. 300 IN CNAME a.example.com."
    assert judged([alias, further], ask=question) == Answered((), sets(alias), True)


# -- DNAME


DNAME = "old.example.com. 300 IN DNAME new.example.com."
BELOW = zone_text.question("Host.old.example.com.", "A")
MADE = "Host.old.example.com. 300 IN CNAME Host.new.example.com."


@pytest.mark.rfc(6672, "3.4")
def test_the_alias_that_a_dname_makes_is_made_again():
    for answer in ([DNAME], [DNAME, MADE], [MADE, DNAME]):
        outcome = judged(answer, ask=BELOW)
        assert isinstance(outcome, Alias)
        assert [line.lower() for line in lines(outcome.chain)] == [
            "old.example.com. 300 dname new.example.com.",
            "host.old.example.com. 300 cname host.new.example.com.",
        ]
        assert names.fold(outcome.target) == name("host.new.example.com.")


@pytest.mark.rfc(6672, "3.1")
def test_the_alias_that_a_dname_makes_has_the_ttl_of_the_dname():
    outcome = judged([DNAME, MADE.replace("300", "99999")], ask=BELOW)
    assert isinstance(outcome, Alias)
    assert [each.ttl for each in outcome.chain] == [300, 300]


@pytest.mark.rfc(6672, "3.4")
def test_an_alias_that_does_not_follow_from_its_dname_makes_the_reply_unusable():
    lie = "host.old.example.com. 300 IN CNAME evil.example.com."
    assert judged([DNAME, lie], ask=BELOW) == Unusable(Fault.DNAME)


def test_a_dname_is_followed_to_data_in_the_same_reply():
    outcome = judged([DNAME, MADE, "host.new.example.com. 300 IN A 192.0.2.9"], ask=BELOW)
    assert isinstance(outcome, Answered)
    assert lines(outcome.rrsets) == ["host.new.example.com. 300 A 192.0.2.9"]
    assert [each.type for each in outcome.chain] == [Type.DNAME, Type.CNAME]


@pytest.mark.rfc(6672, "2.3")
def test_a_dname_says_nothing_of_its_own_owner():
    question = zone_text.question("old.example.com.", "A")
    outcome = judged([DNAME], [soa("example.com.")], ask=question)
    assert isinstance(outcome, Denied)
    dname = zone_text.question("old.example.com.", "DNAME")
    assert judged([DNAME], ask=dname) == Answered((), sets(DNAME), True)


def test_a_dname_above_the_zone_of_its_sender_is_not_believed():
    lie = "com. 300 IN DNAME evil.net."
    outcome = judged([lie], [soa("example.com.")])
    assert isinstance(outcome, Denied)


@pytest.mark.rfc(6672, "5.3.1")
def test_the_alias_that_a_dname_makes_is_told_to_any_with_what_proves_it():
    question = zone_text.question("host.old.example.com.", "ANY")
    outcome = judged([DNAME, MADE, "host.new.example.com. 300 IN A 192.0.2.9"], ask=question)
    assert outcome == judged([DNAME, MADE], ask=question)
    assert isinstance(outcome, Answered)
    assert outcome == Answered(sets(DNAME), sets("host.old.example.com. 300 IN CNAME host.new.example.com."), True)


@pytest.mark.rfc(6672, "3.4")
def test_a_cname_asked_for_below_a_dname_is_the_one_that_follows_from_it():
    question = BELOW._replace(type=Type.CNAME)
    outcome = judged([DNAME, MADE], ask=question)
    assert outcome == Answered(sets(DNAME), sets(MADE), True)
    lie = "host.old.example.com. 300 IN CNAME evil.example.com."
    assert judged([DNAME, lie], ask=question) == Unusable(Fault.DNAME)


@pytest.mark.rfc(6672, "2.2")
def test_a_dname_that_makes_a_name_too_long_is_the_end():
    long = ".".join(("x" * 60,) * 3)
    question = zone_text.question(f"{long}.old.example.com.", "A")
    dname = f"old.example.com. 300 IN DNAME {'y' * 60}.example.com."
    assert judged([dname], ask=question, rcode=Rcode.YXDOMAIN) == Overlong(sets(dname))
    assert judged([], ask=question, rcode=Rcode.YXDOMAIN) == Unusable(Fault.RCODE)


# -- denials


@pytest.mark.rfc(2308, "2.1")
def test_a_name_error_is_that_of_the_name_asked():
    assert judged((), soa("example.com."), rcode=3) == Denied(
        (), WWW.name, Rcode.NXDOMAIN, rrset(soa("example.com.")), True
    )


@pytest.mark.rfc(2308, "2.1")
def test_a_name_error_behind_aliases_is_that_of_the_last_name():
    alias = "www.example.com. 300 IN CNAME gone.example.com."
    outcome = judged(alias, soa("example.com."), rcode=3)
    assert outcome == Denied(sets(alias), name("gone.example.com."), Rcode.NXDOMAIN, rrset(soa("example.com.")), True)


@pytest.mark.rfc(2308, "2.2")
def test_no_data_is_told_by_a_soa():
    for aa in (True, False):
        outcome = judged((), soa("example.com."), aa=aa)
        assert outcome == Denied((), WWW.name, Rcode.NOERROR, rrset(soa("example.com.")), aa)


@pytest.mark.rfc(2308, "2.2")
def test_no_data_without_a_soa_is_believed_of_an_authority_alone():
    assert judged() == Denied((), WWW.name, Rcode.NOERROR, None, True)
    assert judged(aa=False) == Unusable(Fault.LAME)
    own_ns = "example.com. 300 IN NS ns.example.com."
    assert judged((), own_ns) == Denied((), WWW.name, Rcode.NOERROR, None, True)


def test_a_soa_that_is_not_above_the_name_or_not_in_the_zone_is_not_believed():
    for owner in ("other.example.com.", "com.", "."):
        outcome = judged((), soa(owner), rcode=3)
        assert isinstance(outcome, Denied)
        assert outcome.soa is None


# -- referrals


NS = "sub.example.com. 300 IN NS ns.sub.example.com."
SUB = zone_text.question("www.sub.example.com.", "A")


@pytest.mark.rfc(1034, "5.3.3")
def test_a_referral_leads_strictly_downwards_and_towards_the_name():
    outcome = judged((), NS, "ns.sub.example.com. 300 IN A 192.0.2.7", ask=SUB, aa=False)
    assert isinstance(outcome, Referral)
    assert outcome.delegation.zone == name("sub.example.com.")
    assert [endpoint.host for endpoint in outcome.delegation.servers[0].endpoints] == ["192.0.2.7"]
    aside = "other.example.com. 300 IN NS ns.other.example.com."
    assert judged((), aside, ask=SUB, aa=False) == Unusable(Fault.LAME)


def test_a_referral_to_the_name_itself_is_one():
    at_cut = zone_text.question("sub.example.com.", "A")
    assert isinstance(judged((), NS, ask=at_cut, aa=False), Referral)


@pytest.mark.rfc(4697, "2.3")
@pytest.mark.parametrize(
    ("owner", "fault"), [("example.com.", Fault.LAME), ("com.", Fault.UPWARD), (".", Fault.UPWARD)]
)
def test_a_referral_to_the_zone_itself_is_lame_and_one_above_it_is_upward(owner, fault):
    assert judged((), f"{owner} 300 IN NS ns.example.com.", ask=SUB, aa=False) == Unusable(fault)


@pytest.mark.rfc(4035, "4.2")
def test_a_parent_that_refers_for_a_ds_has_none():
    ds = zone_text.question("sub.example.com.", "DS")
    assert judged((), NS, ask=ds, aa=False) == Denied((), name("sub.example.com."), Rcode.NOERROR, None, False)
    below = zone_text.question("www.sub.example.com.", "DS")
    assert isinstance(judged((), NS, ask=below, aa=False), Referral)


# -- errors


@pytest.mark.parametrize(
    ("rcode", "fault"),
    [
        (2, Fault.SERVFAIL),
        (5, Fault.REFUSED),
        (1, Fault.FORMERR),
        (4, Fault.NOTIMP),
        (23, Fault.BADCOOKIE),
        (9, Fault.RCODE),
        (16, Fault.RCODE),
    ],
)
def test_an_error_is_unusable_even_with_data(rcode, fault):
    assert judged(A, rcode=rcode) == Unusable(fault)


@pytest.mark.rfc(2181, "9")
def test_a_truncated_reply_is_nothing_but_truncated():
    assert judged(A, tc=True) == Truncated()


def test_what_a_server_says_of_its_failure_is_kept():
    options = ((15, b"\x00\x16no\xffservers"), (10, b"cookie"), (15, b"\x00"), (15, b"\x00\x17"))
    outcome = judged(rcode=2, edns=Edns(options=options))
    assert outcome == Unusable(Fault.SERVFAIL, (Ede(22, "no\N{REPLACEMENT CHARACTER}servers"), Ede(23, "")))


def test_what_a_server_says_is_cut_and_cannot_reach_a_terminal():
    hostile = b"\x1b[2J\r\n\x07\xc2\x9b" + b"x" * 5000
    many = ((15, b"\x00\x00" + hostile),) * 50
    found = told(reply(WWW, edns=Edns(options=many)))
    assert len(found) == MAX_TOLD
    assert all(each.text.isprintable() and len(each.text) <= 200 for each in found)


# -- a server that recurses on our behalf


@pytest.mark.rfc(1034, "4.3.1")
def test_a_recursing_server_needs_no_authority():
    alias = "www.example.com. 300 IN CNAME www.example.net."
    data = "www.example.net. 300 IN A 192.0.2.1"
    outcome = judged([alias, data], zone=".", recursed=True, ra=True, aa=False)
    assert outcome == Answered(sets(alias), sets(data), False)
    assert judged(zone=".", recursed=True, ra=True, aa=False) == Denied((), WWW.name, Rcode.NOERROR, None, False)
    own_ns = "com. 300 IN NS ns.example.com."
    assert isinstance(judged((), own_ns, zone=".", recursed=True, ra=True, aa=False), Denied)


def test_a_server_that_does_not_offer_the_recursion_it_was_asked_for_is_read_as_any_other():
    own_ns = "com. 300 IN NS ns.com."
    assert isinstance(judged((), own_ns, zone=".", recursed=True, ra=False, aa=False), Referral)
    assert judged(zone=".", recursed=True, ra=False, aa=False) == Unusable(Fault.LAME)


# -- whatever comes


_NAMES = st.sampled_from(
    [
        name(each)
        for each in (
            ".",
            "com.",
            "example.com.",
            "www.example.com.",
            "sub.example.com.",
            "x.net.",
            "a.old.example.com.",
        )
    ]
)
_SETS = st.builds(
    lambda owner, rtype, target, ttl: RRset(
        owner,
        rtype,
        1,
        ttl,
        (rrset(soa("example.com.")).rdatas[0] if rtype == 6 else bytes(4) if rtype == 1 else target,),
    ),
    _NAMES,
    st.sampled_from([1, 2, 5, 6, 39]),
    _NAMES,
    st.integers(0, 1000),
)
_SECTION = st.lists(_SETS, max_size=6).map(tuple)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    _NAMES,
    st.sampled_from([1, 2, 5, 6, 39, 43, 255]),
    _NAMES,
    _SECTION,
    _SECTION,
    _SECTION,
    st.integers(0, 11),
    st.integers(0, 3),
    st.booleans(),
)
def test_whatever_a_server_says_nothing_outside_its_zone_is_believed(
    asked, rtype, zone, answer, authority, additional, rcode, flags, recursed
):
    question = Question(asked, rtype)
    bits = AA * (flags & 1) | RA * (flags >> 1)
    message = Message(0, bits, rcode, question, answer, authority, additional)
    outcome = classify(message, question, zone, 53, recursed=recursed)
    match outcome:
        case Answered(chain, rrsets, _):
            believed = (*chain, *rrsets)
        case Alias(chain, _, _) | Overlong(chain):
            believed = chain
        case Denied(chain, denied, _, told_soa, _):
            believed = (*chain, *((told_soa,) if told_soa else ()))
            assert names.is_below(denied, zone)
        case Referral(delegation):
            believed = ()
            assert names.is_below(delegation.zone, zone)
            assert delegation.zone != zone
            assert names.is_below(asked, delegation.zone)
            for server in delegation.servers:
                assert not server.endpoints or names.is_below(server.name, zone)
        case _:
            believed = ()
    assert all(names.is_below(names.fold(each.name), zone) for each in believed)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.data())
def test_a_reply_with_flipped_octets_is_refused_by_the_parser_or_classified(data):
    wire = bytearray(
        render(
            reply(
                WWW,
                [A, DNAME, MADE],
                [NS, soa("example.com.")],
                ["ns.sub.example.com. 300 IN A 192.0.2.7"],
                edns=Edns(options=((15, b"\x00\x16x"),)),
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(2, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = parse(bytes(wire))
    except WireError:
        return
    classify(message, WWW, name("example.com."), 53)


# -- more of one than there may be, and less than was said


@pytest.mark.rfc(6672, "2.2")
def test_a_name_that_is_said_to_be_too_long_brings_no_data():
    assert judged(A, rcode=Rcode.YXDOMAIN) == Unusable(Fault.RCODE)
    assert judged(["www.example.com. 300 IN CNAME x.example.com."], rcode=Rcode.YXDOMAIN) == Unusable(Fault.RCODE)
    assert judged(rcode=Rcode.YXDOMAIN) == Unusable(Fault.RCODE)


@pytest.mark.rfc(2181, "10.1")
def test_of_several_aliases_at_one_name_the_first_is_taken_and_no_other_passed_on():
    two = ["www.example.com. 300 IN CNAME a.example.net.", "www.example.com. 300 IN CNAME b.example.net."]
    assert judged(two) == Alias(sets(two[0]), name("a.example.net."), True)
