from __future__ import annotations

from dataclasses import replace

import pytest

from resolver.message import AA, AD, QR, RA, RD, Edns, Message, Question, Rcode, RRset, Type
from resolver.testing.replay.comparing import Level, diff, differences, expected
from resolver.testing.replay.script import Entry
from resolver.wire.render import render
from tests.support.messages import name

OWNER = name("www.example.com.")


def a(last: int, ttl: int = 300, owner: bytes = OWNER) -> RRset:
    return RRset(owner, Type.A, 1, ttl, (bytes((192, 0, 2, last)),))


def soa(serial: int, ttl: int = 300) -> RRset:
    return RRset(name("example.com."), Type.SOA, 1, ttl, (b"\0\0" + serial.to_bytes(4, "big") + bytes(16),))


WANT = Entry(
    7,
    match=frozenset(("all",)),
    flags=QR | RD | RA,
    question=Question(OWNER, Type.A),
    answer=(a(1), a(2)),
    authority=(RRset(name("example.com."), Type.NS, 1, 300, (name("ns.example.com."),)),),
)
GOT = Message(1, QR | RD | RA, Rcode.NOERROR, Question(name("WWW.example.com."), Type.A), (a(2, 9), a(1, 9)))


def parts(want: Entry, got: Message, level: Level = Level.CORE, **options: int) -> list[str]:
    return [each.part for each in differences(want, got, level, **options)]


def test_order_case_ttl_authority_and_aa_do_not_count_at_core():
    upper = a(1, 9, OWNER.upper())
    assert parts(WANT, GOT) == []
    assert parts(WANT, GOT._replace(answer=(upper, a(2)), flags=GOT.flags | AA)) == []


def test_one_set_of_two_records_is_what_two_sets_of_one_are():
    both = RRset(OWNER, Type.A, 1, 9, (*a(2).rdatas, *a(1).rdatas))
    assert parts(WANT, GOT._replace(answer=(both,))) == []


def test_the_letter_case_of_names_in_rdata_does_not_count():
    def alias(target: str) -> RRset:
        return RRset(OWNER, Type.CNAME, 1, 300, (name(target),))

    want = replace(WANT, answer=(alias("Web.Example.net."),))
    assert parts(want, GOT._replace(answer=(alias("wEB.example.net."),))) == []
    assert parts(want, GOT._replace(answer=(alias("web.example.com."),))) == ["answer"]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"rcode": Rcode.SERVFAIL}, "rcode"),
        ({"flags": QR | RD | RA | AD}, "AD"),
        ({"flags": QR | RD}, "RA"),
        ({"question": Question(OWNER, Type.AAAA)}, "question"),
        ({"question": None}, "question"),
        ({"answer": (a(1),)}, "answer"),
        ({"answer": (a(1), a(2), a(3))}, "answer"),
        ({"answer": (a(1), a(3))}, "answer"),
    ],
)
def test_rcode_flags_question_and_answer_count_at_core(changed, part):
    assert parts(WANT, GOT._replace(**changed)) == [part]


def test_authority_additional_and_opt_count_at_strict():
    ns = WANT.authority
    same = GOT._replace(authority=ns)
    assert parts(WANT, same, Level.STRICT) == []
    assert parts(WANT, GOT, Level.STRICT) == ["authority"]
    assert parts(WANT, same._replace(additional=(a(9),), edns=Edns()), Level.STRICT) == ["additional", "OPT"]
    assert parts(WANT, same._replace(flags=GOT.flags | AA), Level.STRICT) == ["AA"]
    assert parts(replace(WANT, edns=Edns(do=True)), same._replace(edns=Edns()), Level.STRICT) == ["OPT"]


def test_ttls_count_where_the_script_says_so_within_the_seconds_that_servers_were_silent():
    want = replace(WANT, match=frozenset(("all", "ttl")))
    whole = GOT._replace(answer=(a(1), a(2)))
    late = GOT._replace(answer=(a(1), a(2, 298)))
    assert parts(want, whole) == []
    assert parts(want, late) == ["answer ttl"]
    assert parts(want, late, slack_s=2) == []
    assert parts(want, GOT._replace(answer=(a(1), a(2, 301))), slack_s=2) == ["answer ttl"]


def test_the_soa_of_a_denial_counts_when_the_script_has_one():
    want = replace(WANT, answer=(), authority=(soa(1),), rcode=3)
    denied = GOT._replace(answer=(), rcode=Rcode.NXDOMAIN)
    assert parts(want, denied._replace(authority=(soa(1),))) == []
    assert parts(want, denied._replace(authority=(soa(2),))) == ["SOA"]
    assert parts(want, denied) == ["SOA"]
    assert parts(replace(want, authority=()), denied) == []
    assert parts(replace(WANT, authority=(soa(1),)), GOT) == []


def test_only_what_match_names_counts():
    want = replace(WANT, match=frozenset(("rcode", "question")))
    assert parts(want, GOT._replace(answer=(), flags=0)) == []
    assert parts(want, GOT._replace(rcode=Rcode.REFUSED)) == ["rcode"]


@pytest.mark.rfc(8482, "4.1")
def test_some_of_the_records_are_enough_for_any_but_not_at_strict():
    asked = Question(OWNER, Type.ANY)
    want = replace(WANT, question=asked, authority=())
    some = GOT._replace(question=asked, answer=(a(1),))
    assert parts(want, some) == []
    assert parts(want, some, Level.STRICT) == ["answer"]
    assert parts(want, some._replace(answer=())) == ["answer"]
    assert parts(want, some._replace(answer=(a(1), a(3)))) == ["answer"]
    assert parts(replace(WANT, authority=()), GOT._replace(answer=(a(1),))) == ["answer"]


def test_the_extended_error_counts_at_strict():
    want = replace(WANT, match=frozenset(("rcode", "ede=3")), extended=3)
    stale = GOT._replace(edns=Edns(options=((15, b"\0\3stale"),)))
    assert parts(want, stale, Level.STRICT) == []
    assert parts(want, GOT, Level.STRICT) == ["EDE"]
    assert parts(replace(want, extended=22), stale, Level.STRICT) == ["EDE"]
    failed = GOT._replace(edns=Edns(options=((15, b"\0\6why [TAGS]"), (15, b"\0\x16"))))
    assert "+OPT, EDE 6 why [TAGS], EDE 22" in diff(want, failed, "here")
    assert parts(replace(want, extended=-1), stale, Level.STRICT) == []
    assert parts(want, GOT) == []


def test_an_answer_given_as_octets_is_read():
    assert expected(replace(WANT, raw=render(GOT))).answer[0].rdatas == (*a(2).rdatas, *a(1).rdatas)
    assert expected(replace(WANT, raw=b"no message")).answer == WANT.answer


def test_the_diff_shows_both_messages():
    shown = diff(WANT, GOT._replace(rcode=Rcode.SERVFAIL, answer=()), "some.rpl:7")
    assert shown[:2] == ["--- wanted (some.rpl:7)", "+++ answered"]
    assert "-NOERROR, flags QR RD RA" in shown
    assert "+SERVFAIL, flags QR RD RA" in shown
    assert " question www.example.com. A" in shown
    assert "-answer www.example.com. 300 IN A 192.0.2.1" in shown
