from __future__ import annotations

import random

import dns.message
import pytest

from resolver.errors import WireError
from resolver.message import AD, CD, QR, RA, RD, TC, Edns, Message, Question, RRset, Type
from resolver.wire import stored
from resolver.wire.parse import parse
from resolver.wire.render import render, render_query
from tests.unit.wire import corpus

WWW = b"\x03www\x07example\x03com\0"
QUESTION = Question(WWW, Type.A)
ANSWER = (
    RRset(WWW, Type.CNAME, 1, 300, (b"\x03web\x07example\x03com\0",)),
    RRset(b"\x03web\x07example\x03com\0", Type.A, 1, 60, (b"\xc0\0\2\1", b"\xc0\0\2\2")),
)
PLAIN = render_query(7, QUESTION, rd=True, edns=None)
WITH_EDNS = render_query(7, QUESTION, rd=True, edns=Edns(1232))


def response(**parts: object) -> bytes:
    return render(Message(1, QR | RD | RA, 0, QUESTION, ANSWER, edns=Edns())._replace(**parts))


def with_flags(wire: bytes, flags: int) -> bytes:
    return wire[:2] + flags.to_bytes(2, "big") + wire[4:]


@pytest.mark.rfc(4343, "3")
def test_queries_for_one_question_have_one_key_whatever_their_id_and_spelling() -> None:
    other = render_query(8, Question(WWW.upper(), Type.A), rd=True, edns=Edns(4096))
    assert other != WITH_EDNS
    assert stored.key(other) == stored.key(WITH_EDNS) == WITH_EDNS[2:]


def test_a_query_in_lower_case_that_offers_what_we_send_is_its_own_key() -> None:
    assert stored.key(PLAIN) == PLAIN[2:]
    assert stored.key(WITH_EDNS) == WITH_EDNS[2:]


def test_all_that_changes_an_answer_changes_the_key() -> None:
    variants = [
        PLAIN,
        WITH_EDNS,
        render_query(7, QUESTION, rd=True, edns=Edns(1232, do=True)),
        with_flags(PLAIN, 0),
        with_flags(PLAIN, RD | AD),
        with_flags(PLAIN, RD | CD),
        render_query(7, Question(WWW, Type.AAAA), rd=True, edns=None),
        render_query(7, Question(WWW, Type.A, 3), rd=True, edns=None),
        render_query(7, Question(b"\x01a" + WWW, Type.A), rd=True, edns=None),
    ]
    keys = [stored.key(wire) for wire in variants]
    assert None not in keys
    assert len(set(keys)) == len(variants)


def test_types_and_classes_have_no_case() -> None:
    """Types 65 and 97 would be one if the whole question were folded, for the letters are 65 and 97, too."""
    keys = {stored.key(render_query(7, Question(WWW, rtype), rd=True, edns=None)) for rtype in (65, 97, 0x4141)}
    assert len(keys) == 3


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        PLAIN[:12],
        PLAIN[:16],
        *(with_flags(PLAIN, RD | bit) for bit in (QR, 0x0800, 0x7800, 0x0400, TC, RA, 0x0040, 0x0001)),
        PLAIN[:4] + b"\0\0" + PLAIN[6:],
        PLAIN[:4] + b"\0\2" + PLAIN[6:],
        PLAIN[:6] + b"\0\1" + PLAIN[8:],
        PLAIN[:8] + b"\0\1" + PLAIN[10:],
        PLAIN[:10] + b"\0\2" + PLAIN[12:],
        PLAIN[:10] + b"\0\1" + PLAIN[12:],
        WITH_EDNS + b"\0",
        WITH_EDNS[:-1] + b"\1",
        render_query(7, QUESTION, rd=True, edns=Edns(1231)),
        render_query(7, QUESTION, rd=True, edns=Edns(1232, 1)),
        render_query(7, QUESTION, rd=True, edns=Edns(1232, 0, False, ((10, b"12345678"),))),
        WITH_EDNS[:-6] + b"\x01" + WITH_EDNS[-5:],
        WITH_EDNS[:-4] + b"\x40" + WITH_EDNS[-3:],
        WITH_EDNS[:-11] + b"\1" + WITH_EDNS[-10:],
        WITH_EDNS[:-10] + b"\0\1" + WITH_EDNS[-8:],
    ],
)
def test_what_is_not_plain_has_no_key(wire: bytes) -> None:
    assert stored.key(wire) is None


def test_the_shortest_query_has_a_key() -> None:
    root = Question(b"\0", Type.NS)
    for edns in (None, Edns()):
        wire = render_query(0, root, rd=False, edns=edns)
        assert stored.key(wire) == wire[2:]


def test_a_damaged_query_never_has_the_key_of_a_sound_one_that_asks_something_else() -> None:
    rng = random.Random(3)
    sound: dict[bytes, tuple[object, ...]] = {}
    queries = []
    for _ in range(300):
        question = Question(corpus.any_name(rng), rng.choice((1, 65, 97)), rng.choice((1, 1, 3)))
        edns = rng.choice((None, Edns(1232), Edns(4096, 0, True)))
        queries.append(render_query(rng.getrandbits(16), question, rd=rng.random() < 0.8, edns=edns))
    hits = 0
    for query in queries + [corpus.damaged(rng, wire) for wire in queries for _ in range(60)]:
        found = stored.key(query)
        try:
            read = parse(query)
        except WireError:
            assert found not in sound, query.hex()
            continue
        if found is not None:
            assert read.question is not None
            edns = read.edns
            meaning = (
                read.question.name.lower(),
                read.question[1:],
                read.flags,
                edns and (edns.do, edns.version, edns.options, edns.payload >= 1232),
            )
            hits += found in sound
            assert sound.setdefault(found, meaning) == meaning
    assert hits > 1000


def test_a_response_is_stored_with_its_ttls_its_question_and_the_lowest_ttl() -> None:
    wire = response()
    kept = stored.make(wire)
    assert kept is not None
    assert (kept.tail, kept.end, kept.lowest) == (wire[2:], 10 + len(WWW) + 4, 60)
    assert [int.from_bytes(kept.tail[at : at + 4], "big") for at in kept.ttls] == [300, 60, 60]


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        response()[:-1],
        response() + b"\0",
        response(flags=RD),
        response(flags=QR | TC),
        response(question=None),
        response(answer=()),
        response(answer=(RRset(WWW, Type.A, 1, 0, (b"\xc0\0\2\1",)),)),
        response(additional=(RRset(b"\0", Type.TSIG, 255, 300, (b"\0" + bytes(16),)),)),
        response(additional=(RRset(b"\0", 24, 255, 300, (bytes(18) + b"\0",)),)),
    ],
    ids=["empty", "short", "long", "a query", "truncated", "no question", "no TTL", "TTL 0", "TSIG", "SIG(0)"],
)
def test_what_must_not_be_served_again_is_not_stored(wire: bytes) -> None:
    assert stored.make(wire) is None


def test_a_negative_answer_is_stored_for_as_long_as_its_soa_lives() -> None:
    soa = RRset(b"\x03com\0", Type.SOA, 1, 900, (b"\0\0" + bytes(20),))
    kept = stored.make(response(rcode=3, answer=(), authority=(soa,)))
    assert kept is not None
    assert kept.lowest == 900


def test_the_id_and_the_spelling_are_those_of_the_query() -> None:
    kept = stored.make(response())
    assert kept is not None
    query = render_query(0xABCD, Question(WWW.upper(), Type.A), rd=True, edns=Edns(4096))
    read = parse(stored.spelled(kept.tail, query))
    assert (read.id, read.flags) == (0xABCD, QR | RD | RA)
    assert read.question == Question(WWW.upper(), Type.A)
    assert read.answer[0].name == WWW.upper()


def aged(kept: stored.Stored, query: bytes, age: int) -> bytes | None:
    """What was packed for `query`, so many seconds later."""
    key = stored.key(query)
    assert key is not None
    return stored.unpacked(stored.packed(kept, 7, kept.lowest), key, 7 + age)


@pytest.mark.rfc(1035, "3.2.1")
@pytest.mark.parametrize(("age", "ttls"), [(0, [300, 60]), (1, [299, 59]), (59, [241, 1])])
@pytest.mark.parametrize("query", [PLAIN, WITH_EDNS])
def test_ttls_count_down(query: bytes, age: int, ttls: list[int]) -> None:
    kept = stored.make(response())
    assert kept is not None
    out = aged(kept, query, age)
    assert out is not None
    assert [rrset.ttl for rrset in parse(bytes(2) + out).answer] == ttls
    assert (out == kept.tail) is (age == 0)


@pytest.mark.rfc(1035, "3.2.1")
def test_nothing_is_left_of_a_response_whose_lowest_ttl_has_run_down() -> None:
    kept = stored.make(response())
    assert kept is not None
    assert aged(kept, PLAIN, 60) is None
    assert stored.unpacked(stored.packed(kept, 7, 30), PLAIN[2:], 37) is None


def test_the_longest_ttl_there_is_can_be_packed() -> None:
    kept = stored.make(response(answer=(RRset(WWW, Type.A, 1, 0xFFFFFFFF, (b"\xc0\0\2\1",)),)))
    assert kept is not None
    assert stored.unpacked(stored.packed(kept, 0xFFFFFFFF, kept.lowest), PLAIN[2:], 0xFFFFFFFF) == kept.tail


def swapped(rng: random.Random, name: bytes) -> bytes:
    return bytes(
        octet ^ 0x20 if chr(octet).isalpha() and octet < 128 and rng.random() < 0.5 else octet for octet in name
    )


def test_dnspython_reads_a_patched_answer_as_the_original_with_less_time_and_the_querys_spelling() -> None:
    rng = random.Random(11)
    patched = 0
    for _ in range(3000):
        message = corpus.well_formed(rng)
        try:
            read = parse(message)
            dns.message.from_wire(message)
        except Exception:  # a compressed name where none may be, or a class CH address
            continue
        again = render(read._replace(flags=(read.flags | QR) & ~TC & 0x8FFF))
        kept = stored.make(again)
        if kept is None or read.question is None:
            continue
        age = min(rng.choice((0, 1, 59)), kept.lowest - 1)
        spelling = swapped(rng, read.question.name)
        query = render_query(
            rng.getrandbits(16), read.question._replace(name=spelling), rd=rng.random() < 0.5, edns=None
        )
        later = aged(kept, query, age)
        assert later is not None
        served = stored.spelled(later, query)
        before, after = dns.message.from_wire(again), dns.message.from_wire(served)
        assert after.id == int.from_bytes(query[:2], "big")
        assert after.flags == before.flags
        asked = dns.message.from_wire(query).question[0]
        assert after.question[0].name.labels == asked.name.labels
        for old, new in zip(before.sections[1:], after.sections[1:], strict=True):
            assert [(rrset.name, rrset.rdtype, rrset.ttl) for rrset in new] == [
                (rrset.name, rrset.rdtype, rrset.ttl - age) for rrset in old
            ]
            assert [list(rrset) for rrset in new] == [list(rrset) for rrset in old]
        assert (after.edns, after.payload, after.ednsflags) == (before.edns, before.payload, before.ednsflags)
        patched += 1
    assert patched > 350
